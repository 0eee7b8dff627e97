"""The organizations one belongs to: who is in them, what is booked on their behalf, joining."""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import anyone, members_only
from fablab.booking import departures
from fablab.booking.views import kept
from fablab.booking.views import lines as booking_lines
from fablab.db import NoSuch
from fablab.exports import csv_file
from fablab.forms import Confirmation
from fablab.home import organization_pages, organization_queries
from fablab.home.organization_forms import Bookings, InvitationForm, StayForm
from fablab.machines.inventory import here
from fablab.mail import links
from fablab.members import throttle
from fablab.members.pages import wait_in_words
from fablab.organizations import commands, queries
from fablab.organizations.commands import Doer
from fablab.organizations.letters import JOIN
from fablab.organizations.rules import OF_THE_DAY
from fablab.statements.pages import months_around
from fablab.statements.views import behalf_shown

bp = Blueprint("organizations", __name__)


class Found(NamedTuple):
    """An organization, and what whoever asks is to it."""

    row: Any
    is_manager: bool  # or of the place's team
    doer: Doer


def find(slug: str) -> Found:
    """One of theirs, or of the place whose team they are on; any other answers 404."""
    row = queries.find(slug, here().place.id, current_user.id, today())
    is_team = current_user.manages(here().place.id)
    if row is None or (row.is_manager is None and not is_team):
        abort(404)
    return Found(row, bool(row.is_manager) or is_team, Doer(current_user.id, is_team))


def find_managed(slug: str) -> Found:
    """The same for who manages it; its other people get 403."""
    found = find(slug)
    return found if found.is_manager else abort(403)


def today() -> date:
    return clock.today(here().schedule.zone, clock.now())


@bp.get("/organizations/")
@members_only
def index():
    now = clock.now()
    return render_template(
        "organizations/index.html",
        organizations=organization_pages.own(queries.of_member(current_user.id, today())),
        invitations=[
            (each, links.signed(JOIN, each.uid))
            for each in queries.invitations_to(current_user.email, now)
        ],
        first=here().place.slug,
    )


@bp.get("/organizations/<slug>")
@members_only
def show(slug: str):
    return organization_page(find(slug), InvitationForm(formdata=None))


@bp.post("/organizations/<slug>/invitations")
@members_only
def invite(slug: str):
    found, form = find_managed(slug), InvitationForm()
    if not form.validate():
        return organization_page(found, form), 422
    try:
        commands.invite(
            found.row.id,
            form.email.data,
            by=found.doer,
            language=texts.language(),
            now=clock.now(),
        )
    except commands.AlreadyIn:
        form.email.errors = [_("They are in the organization already.")]
        return organization_page(found, form), 422
    except throttle.TooMany as refused:
        wait = wait_in_words(refused.wait)
        form.email.errors = [
            _("Several mails went to this address already. Try again in %(wait)s.", wait=wait)
        ]
        return organization_page(found, form), 429
    flash(_("The invitation is on its way. They belong to the organization once they say yes."))
    return redirect(url_for(".show", slug=slug, **kept()), 303)


@bp.post("/organizations/<slug>/invitations/<uuid:uid>/withdrawal")
@members_only
def take_back(slug: str, uid: UUID):
    found = find_managed(slug)
    commands.take_back(found.row.id, str(uid), by=found.doer, now=clock.now())
    flash(_("The invitation is taken back."))
    return redirect(url_for(".show", slug=slug, **kept()), 303)


@bp.get("/organizations/<slug>/people/<uuid:uid>")
@members_only
def person(slug: str, uid: UUID):
    found = find_managed(slug)
    row = find_person(found, uid)
    data = {"is_manager": row.is_manager, "activity": row.activity, "until": row.until}
    return person_page(found, row, StayForm(formdata=None, data=data))


@bp.post("/organizations/<slug>/people/<uuid:uid>")
@members_only
def change_person(slug: str, uid: UUID):
    found, form = find_managed(slug), StayForm()
    row = find_person(found, uid)
    if not form.validate():
        return person_page(found, row, form), 422
    if form.bookings.data is None and has_bookings_after(found, row.id, form.until.data):
        form.bookings.errors = [_("Say what becomes of the bookings after the last day.")]
        return person_page(found, row, form), 422
    try:
        commands.set_stay(
            found.row.id,
            row.id,
            is_manager=form.is_manager.data,
            activity=form.activity.data,
            until=form.until.data,
            by=found.doer,
            now=clock.now(),
        )
    except commands.Refused as refused:
        say_why(form, refused)
        return person_page(found, row, form), 422
    flash(_("What you changed about %(who)s is saved.", who=organization_pages.full_name(row)))
    if form.until.data and form.bookings.data is Bookings.CANCEL:
        end_bookings(found.row, row, form.until.data)
    if row.id == current_user.id and not may_still(slug):
        return redirect(url_for(".index"), 303)
    return redirect(url_for(".show", slug=slug, **kept()), 303)


def say_why(form: Any, refused: commands.Refused) -> None:
    """What is wrong with the day at its field, the rest above the form."""
    for reason in refused.reasons:
        if reason in OF_THE_DAY:
            form.until.errors = [*form.until.errors, _(reason)]
        else:
            form.form_errors.append(_(reason))


def has_bookings_after(found: Found, member_id: int, last_day: date | None) -> bool:
    """On its behalf, that somebody has to say something of; a day gone by is refused anyhow."""
    if last_day is None or last_day < today():
        return False
    after = organization_pages.after(last_day, here().schedule.zone)
    return bool(departures.on_behalf(found.row.id, member_id, after))


def end_bookings(organization: Any, row: Any, last_day: date) -> int:
    """Cancel what they booked on its behalf for later than that day; how many."""
    after = organization_pages.after(last_day, here().schedule.zone)
    uids = [each.uid for each in departures.on_behalf(organization.id, row.id, after)]
    why = _("Left the organization %(name)s", name=organization.name)
    return departures.cancel(uids, by=current_user.id, now=clock.now(), why=why)


def may_still(slug: str) -> bool:
    row = queries.find(slug, here().place.id, current_user.id, today())
    return row is not None and row.is_manager is not None


def find_person(found: Found, uid: UUID) -> Any:
    rows = queries.people(found.row.id)
    return next((row for row in rows if row.uid == str(uid)), None) or abort(404)


@bp.get("/organizations/<slug>/bookings.csv")
@members_only
def bookings_file(slug: str):
    found, month, zone = find_managed(slug), find_month(), here().schedule.zone
    now = clock.now()
    rows = organization_queries.booked(found.row.id, month.span(zone))
    return csv_file(
        f"{slug}-{month}",
        organization_pages.file_headings(),
        [organization_pages.in_file(row, zone, now) for row in rows],
    )


def find_month() -> organization_pages.Month:
    month = organization_pages.month_of(request.args.get("month", ""), today())
    return month or abort(404)


# Joining


@bp.get("/organizations/invitations/<token>")
@anyone
def invitation(token: str):
    """Whoever holds the link sees who asks; only whose address it went to can answer."""
    asked = find_invitation(token)
    if asked is None:
        return render_template("organizations/gone.html"), 404
    return render_template(
        "organizations/invitation.html",
        asked=asked,
        who=organization_pages.full_name(asked),
        token=token,
        form=Confirmation(),
        is_theirs=current_user.is_authenticated and current_user.email == asked.email,
        back=request.path,
    )


@bp.post("/organizations/invitations/<token>")
@members_only
def answer(token: str):
    """Yes, or no by the other button."""
    asked = find_invitation(token)
    if asked is None:
        return render_template("organizations/gone.html"), 404
    try:
        if request.form.get("answer") == "no":
            commands.decline(asked.uid, current_user.id, now=clock.now())
            flash(_("You declined. Nobody is told, and the link no longer works."), "info")
            return redirect(url_for(".index"), 303)
        commands.accept(asked.uid, current_user.id, now=clock.now())
    except NoSuch:
        return render_template("organizations/gone.html"), 404
    flash(_("You belong to %(name)s: choose it when you book.", name=asked.name))
    if asked.place_id not in current_user.standings:
        flash(_("The team has yet to record your membership: then you can book."), "info")
    place = asked.place_slug if asked.place_id != here().place.id else None
    return redirect(url_for(".show", slug=asked.slug, place=place), 303)


def find_invitation(token: str) -> Any:
    """The invitation of a link that can still be accepted, or None."""
    try:
        (uid,) = links.opened(JOIN, token)
    except (NoSuch, ValueError):
        return None
    return queries.invitation(uid, clock.now())


# What the pages above have in common


def organization_page(found: Found, form: InvitationForm) -> str:
    zone, now = here().schedule.zone, clock.now()
    rows, month = queries.people(found.row.id), find_month()
    booked: Any = ()
    if found.is_manager:
        booked = organization_queries.booked(found.row.id, month.span(zone))
    people = organization_pages.people(rows, booked, today())
    return render_template(
        "organizations/show.html",
        organization=found.row,
        may_manage=found.is_manager,
        is_member=found.row.is_manager is not None,
        is_team=found.doer.is_team,
        people=people,
        managers=[each for each in people if each.is_manager and not each.is_gone],
        until=organization_pages.short(found.row.until) if found.row.until else "",
        booked=organization_pages.lines(booked, zone),
        present=organization_pages.time_used(organization_pages.real(booked, now)),
        total=organization_pages.time_used(organization_pages.hours(booked)),
        month=month,
        invitations=organization_pages.asked(queries.invitations_into(found.row.id, now), zone)
        if found.is_manager
        else (),
        behalf=()
        if found.is_manager
        else behalf_shown(months_around(today())[1], now, organization_id=found.row.id),
        form=form,
        kept=kept(),
    )


def person_page(found: Found, row: Any, form: StayForm) -> str:
    now = clock.now()
    return render_template(
        "organizations/person.html",
        organization=found.row,
        uid=row.uid,
        name=organization_pages.full_name(row),
        is_own=row.id == current_user.id,
        since=organization_pages.short(row.since),
        ahead=booking_lines(departures.on_behalf(found.row.id, row.id, now), now),
        form=form,
        kept=kept(),
    )
