"""The organizations of the place: found, taken up, changed, ended; who is in them."""

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import accounts_only, team_only
from fablab.machines.inventory import here
from fablab.manage import member_pages, queries
from fablab.manage.blueprint import bp, page, today
from fablab.manage.member_views import LONGEST_SEARCH
from fablab.manage.organization_forms import EndForm, OrganizationForm, PersonForm
from fablab.manage.words import ORGANIZATIONS
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.organizations import commands
from fablab.organizations import queries as organizations_queries
from fablab.organizations.commands import Doer, NameTaken


@bp.get("/manage/organizations")
@accounts_only
def organizations():
    searched = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    words = texts.plain(searched).split()
    found = [
        row
        for row in organizations_queries.all_of(here().place.id, today())
        if all(word in texts.plain(f"{row.name} {row.trade} {row.legal_form}") for word in words)
    ]
    return page(
        "organizations.html",
        rows=[(row, _(ORGANIZATIONS[row.kind]), is_over(row)) for row in found],
        searched=searched,
        may_change=current_user.manages(here().place.id),
    )


def is_over(row: Any) -> bool:
    return row.hosted_until is not None and row.hosted_until < today()


@bp.get("/manage/organizations/new")
@team_only
def new_organization():
    return page("organization_form.html", form=OrganizationForm(formdata=None))


@bp.post("/manage/organizations/new")
@team_only
def create_organization():
    form = OrganizationForm()
    if not form.validate():
        return page("organization_form.html", form=form), 422
    place_id, now = here().place.id, clock.now()
    try:
        slug = commands.create(place_id, form.particulars, by=current_user.id, now=now)
    except NameTaken:
        form.refuse_the_name()
        return page("organization_form.html", form=form), 422
    flash(_("The organization is there. Now add its people."))
    return redirect(url_for(".organization", slug=slug), 303)


@bp.get("/manage/organizations/<slug>")
@team_only
def organization(slug: str):
    row = find_organization(slug)
    return organization_page(row)


@bp.post("/manage/organizations/<slug>")
@team_only
def edit_organization(slug: str):
    row, form = find_organization(slug), OrganizationForm()
    if not form.validate():
        return organization_page(row, form=form), 422
    try:
        commands.edit(row.id, form.particulars, by=current_user.id, now=clock.now())
    except NameTaken:
        form.refuse_the_name()
        return organization_page(row, form=form), 422
    flash(_("The organization is saved."))
    return redirect(url_for(".organization", slug=slug), 303)


@bp.post("/manage/organizations/<slug>/people")
@team_only
def add_to_organization(slug: str):
    row, form = find_organization(slug), PersonForm(prefix="person-")
    member_id = queries.member_with(form.email.data, here().place.id) if form.validate() else None
    if form.email.data and not form.errors and member_id is None:
        form.email.errors = [
            _("No member of the place has this address. Invite them from the organization's page.")
        ]
    if member_id is None:
        return organization_page(row, person=form), 422
    doer = Doer(current_user.id, is_team=True)
    commands.add(row.id, member_id, by=doer, now=clock.now())
    flash(_("They belong to the organization from today on."))
    return redirect(url_for(".organization", slug=slug), 303)


@bp.post("/manage/organizations/<slug>/end")
@team_only
def end_organization(slug: str):
    row, form = find_organization(slug), EndForm(today=today())
    if not form.validate():
        return organization_page(row, ending=form), 422
    assert form.last_day.data
    commands.end(row.id, form.last_day.data, by=current_user.id, now=clock.now())
    flash(_("Its last day is noted. What is booked on its behalf stands."), "warning")
    return redirect(url_for(".organization", slug=slug), 303)


def find_organization(slug: str) -> Any:
    """One of the place; any other answers 404."""
    row = organizations_queries.find(slug, here().place.id, current_user.id, today())
    return row or abort(404)


def organization_page(row: Any, **forms: Any) -> str:
    """With every form; those given were refused, and keep what was typed."""
    zone = here().schedule.zone
    blank = {
        "form": OrganizationForm.of(row),
        "person": PersonForm(formdata=None, prefix="person-"),
        "ending": EndForm(formdata=None, today=today()),
    }
    record = queries.record(
        AuditEntry.place_id == row.place_id,
        AuditEntry.what == Deed.ORGANIZATION,
        AuditEntry.after["organization"].as_string() == row.name,
    )
    people = organizations_queries.people(row.id)
    return page(
        "organization.html",
        organization=row,
        people=[(each, member_pages.full_name(each)) for each in people],
        is_gone=lambda each: not organizations_queries.stay(each).covers(today()),
        hosted_until=member_pages.short(row.hosted_until) if row.hosted_until else "",
        record=[member_pages.event(each, zone) for each in record],
        **blank | forms,
    )
