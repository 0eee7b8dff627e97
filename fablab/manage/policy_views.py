"""The booking rules: of the place, of a category, of a machine, for everybody or for some."""

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import team_only
from fablab.db import db
from fablab.machines import policy_commands
from fablab.machines.inventory import here
from fablab.machines.policy_commands import PolicyRefused, Scope
from fablab.manage import conflicts, member_pages, policy_pages, queries
from fablab.manage.blueprint import bp, page
from fablab.manage.policy_forms import MarksForm, PolicyForm, filled
from fablab.manage.policy_pages import Subject
from fablab.members.kinds import Audience, Deed
from fablab.places.models import Place
from fablab.seen import ChangedMeanwhile, fingerprint


@bp.get("/manage/policies")
@team_only
def policies():
    inventory = here()
    rows = policy_commands.rows_of(inventory.place.id)
    return page(
        "policies.html",
        of_place=policy_pages.line(place_subject(None), rows),
        categories=[
            policy_pages.line(category_subject(each, None), rows)
            for each in queries.categories(inventory.place.id)
        ],
        machines=[
            policy_pages.line(
                machine_subject(each, None), rows, code=each.code, hue=each.category.hue
            )
            for each in inventory.machines
        ],
        record=[
            member_pages.event(row, inventory.schedule.zone)
            for row in queries.record_of_place(inventory.place.id, Deed.POLICY)
        ],
    )


@bp.route("/manage/place-policy", methods=["GET", "POST"])
@team_only
def policy_of_place():
    return policy(place_subject(asked_audience()))


@bp.route("/manage/policies/categories/<slug>", methods=["GET", "POST"])
@team_only
def policy_of_category(slug: str):
    category = queries.find_category(slug, here().place.id)
    return policy(category_subject(category, asked_audience()), category.id)


@bp.route("/manage/policies/machines/<slug>", methods=["GET", "POST"])
@team_only
def policy_of_machine(slug: str):
    machine = here().by_slug.get(slug) or abort(404)
    return policy(machine_subject(machine, asked_audience()), machine.category.id)


@bp.post("/manage/place-marks")
@team_only
def marks():
    form = MarksForm()
    subject = place_subject(None)
    if not form.validate():
        return policy_page(subject, None, blank(subject), form), 422
    try:
        policy_commands.set_marks(
            here().place.id,
            form.values(),
            by=current_user.id,
            now=clock.now(),
            seen=form.seen.data or "",
        )
    except ChangedMeanwhile as others:
        form.seen.data = fingerprint(others.now)
        conflict = conflicts.differences(marks_form(), form)
        return policy_page(subject, None, blank(subject), form, conflict=conflict), 409
    flash(_("The rules of late cancellations and absences are saved."))
    return redirect(url_for(".policy_of_place"), 303)


def policy(subject: Subject, category_id: int | None = None) -> Any:
    """The page of one policy, and what saving it answers."""
    if request.method == "GET":
        return policy_page(subject, category_id, blank(subject))
    form = PolicyForm()
    if not form.validate():
        return policy_page(subject, category_id, form), 422
    try:
        policy_commands.set_policy(
            subject.scope,
            form.values(),
            by=current_user.id,
            now=clock.now(),
            seen=form.seen.data or "",
        )
    except ChangedMeanwhile as others:
        form.seen.data = fingerprint(others.now)
        found = conflicts.differences(blank(subject), form)
        return policy_page(subject, category_id, form, conflict=found), 409
    except PolicyRefused as refused:
        for conflict in refused.conflicts:
            field = form[conflict.name]
            field.errors = [*field.errors, policy_pages.sentence(conflict)]
        return policy_page(subject, category_id, form), 422
    flash(_("The booking rules are saved."))
    open_to_all = policy_pages.dangerous_and_open(subject, here().place.id)
    if open_to_all:
        flash(
            _(
                "Dangerous, and open to whoever holds no qualification: %(machines)s.",
                machines=texts.together(open_to_all),
            ),
            "warning",
        )
    return redirect(subject.url(subject.scope.audience), 303)


def blank(subject: Subject) -> PolicyForm:
    """With what is said there now."""
    rows = policy_commands.rows_of(subject.scope.place_id)
    said = filled(policy_pages.said(subject.scope, rows))
    seen = policy_commands.seen_of(subject.scope)
    return PolicyForm(formdata=None, data=said | {"seen": seen})


def marks_form() -> MarksForm:
    """With what the place says now."""
    place = db.session.get_one(Place, here().place.id, populate_existing=True)
    form = MarksForm(formdata=None, obj=place)
    form.seen.data = fingerprint(form.values())
    return form


def policy_page(
    subject: Subject,
    category_id: int | None,
    form: PolicyForm,
    marks: MarksForm | None = None,
    *,
    conflict: Sequence[conflicts.Difference] = (),
) -> str:
    rows = policy_commands.rows_of(subject.scope.place_id)
    is_of_place = subject.scope == Scope(subject.scope.place_id)
    if is_of_place and marks is None:
        marks = marks_form()
    return page(
        "policy.html",
        subject=subject,
        audience=subject.scope.audience,
        action=subject.url(subject.scope.audience),
        audiences=policy_pages.audiences(subject),
        groups=policy_pages.groups(subject, rows, category_id),
        form=form,
        marks=marks,
        conflict=conflict,
    )


def asked_audience() -> Audience | None:
    """Whom `?audience=` names, none for everybody; anybody unknown answers 404."""
    asked = request.args.get("audience", "")
    if not asked:
        return None
    return next((each for each in Audience if each == asked), None) or abort(404)


def place_subject(audience: Audience | None) -> Subject:
    place = here().place
    return Subject(Scope(place.id, audience=audience), place.name, "manage.policy_of_place")


def category_subject(category: Any, audience: Audience | None) -> Subject:
    scope = Scope(here().place.id, category_id=category.id, audience=audience)
    return Subject(scope, category.name, "manage.policy_of_category", category.slug)


def machine_subject(machine: Any, audience: Audience | None) -> Subject:
    scope = Scope(here().place.id, machine_id=machine.id, audience=audience)
    return Subject(
        scope, machine.name, "manage.policy_of_machine", machine.slug, machine.risk_class
    )
