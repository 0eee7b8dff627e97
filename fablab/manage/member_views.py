"""The members of the place, and all that the team does about one of them."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.booking import mark_pages
from fablab.booking.views import page_number
from fablab.exports import csv_file
from fablab.machines import referents
from fablab.machines.inventory import here
from fablab.manage import member_pages, queries
from fablab.manage.blueprint import bp, page, today
from fablab.manage.forms import (
    LiftForm,
    MembershipForm,
    QualificationForm,
    RolesForm,
    SuspensionForm,
)
from fablab.manage.import_words import column_said, row_said
from fablab.manage.member_filters import MemberFilter
from fablab.manage.occupancies import lines
from fablab.members import marks, staff
from fablab.members.kinds import Audience, Role
from fablab.trainings import commands
from fablab.trainings.commands import Award
from fablab.trainings.queries import held_by
from fablab.trainings.rules import lasts_until

PAGE = 50  # members
LONGEST_SEARCH = 80  # letters


@bp.get("/manage/members")
@team_only
def members():
    place_id, now = here().place.id, clock.now()
    searched, form = request.args.get("q", "").strip()[:LONGEST_SEARCH], filter_form()
    people = asked_for(form, searched)
    number, last = page_number(), max(1, -(-len(people) // PAGE))
    number = min(number, last)
    shown = people[(number - 1) * PAGE : number * PAGE]
    ids = [person.id for person in shown]
    rows, roles = queries.members(place_id, ids), queries.roles(place_id, ids)
    found = [
        member_pages.line(rows[person.id], roles.get(person.id, ()), now, today())
        for person in shown
        if person.id in rows
    ]
    return page(
        "members.html",
        waiting=[each for each in found if not each.is_member],
        members=[each for each in found if each.is_member],
        count=len(people),
        searched=searched,
        form=form,
        number=number,
        last=last,
        may_export=is_administrator(),
    )


@bp.get("/manage/members.csv")
@team_only
def members_file():
    """Those whom the list shows, as `fablab import members` reads them; for administrators."""
    if not is_administrator():
        abort(403)
    place_id = here().place.id
    people = asked_for(filter_form(), request.args.get("q", "").strip()[:LONGEST_SEARCH])
    rows = queries.members(place_id, [person.id for person in people if person.is_member])
    found = [member_pages.in_file(rows[person.id]) for person in people if person.id in rows]
    return csv_file(
        "members",
        [column_said(name) for name in member_pages.FILE],
        [row_said(member_pages.FILE, row) for row in found],
    )


def filter_form() -> MemberFilter:
    return MemberFilter(request.args, queries.trainings(here().place.id))


def asked_for(form: MemberFilter, searched: str) -> list[queries.Somebody]:
    """Whom the filters and the words leave, in the order of the list."""
    now = clock.now()
    people = queries.everybody(here().place.id, *form.conditions(now, today()))
    holders = form.holders(here(), now)
    if holders is not None:
        people = [person for person in people if person.id in holders]
    return member_pages.found(people, searched)


def is_administrator() -> bool:
    return Role.ADMINISTRATOR in current_user.standings[here().place.id].roles


@bp.get("/manage/members/<uuid:uid>")
@team_only
def member(uid: UUID):
    return member_page(queries.find_member(here().place.id, str(uid)))


@bp.post("/manage/members/<uuid:uid>/membership")
@team_only
def membership(uid: UUID):
    row, form = queries.find_member(here().place.id, str(uid)), MembershipForm()
    if not form.validate():
        return member_page(row, membership=form)
    staff.set_membership(
        row.id,
        here().place.id,
        form.audience.data,
        form.valid_until.data,
        by=current_user.id,
        now=clock.now(),
    )
    flash(_("The membership is saved."))
    return redirect(url_for(".member", uid=uid), 303)


@bp.post("/manage/members/<uuid:uid>/suspension")
@team_only
def suspension(uid: UUID):
    row, form = find_enrolled(uid), SuspensionForm(today=today())
    if not form.validate():
        return member_page(row, suspension=form)
    assert form.suspended_until.data
    staff.suspend(
        row.id,
        here().place.id,
        clock.whole_day(here().schedule.zone, form.suspended_until.data).end,
        form.reason.data,
        by=current_user.id,
        now=clock.now(),
    )
    flash(_("The right to book is suspended. What is booked already stands."), "warning")
    return redirect(url_for(".member", uid=uid), 303)


@bp.post("/manage/members/<uuid:uid>/suspension/end")
@team_only
def reinstatement(uid: UUID):
    row = find_enrolled(uid)
    staff.reinstate(row.id, here().place.id, by=current_user.id, now=clock.now())
    flash(_("The suspension is over: they may book again."))
    return redirect(url_for(".member", uid=uid), 303)


@bp.post("/manage/members/<uuid:uid>/marks/<uuid:mark_uid>/lifting")
@team_only
def lift(uid: UUID, mark_uid: UUID):
    row, form = find_enrolled(uid), LiftForm(str(mark_uid))
    if str(mark_uid) not in (mark.uid for mark in marks_of(row).lines):
        abort(404)
    if not form.validate():
        return member_page(row, lifting=form)
    place_id = here().place.id
    marks.lift(str(mark_uid), place_id, form.why.data, by=current_user.id, now=clock.now())
    flash(_("The mark is lifted: it counts no more."))
    return redirect(url_for(".member", uid=uid), 303)


@bp.post("/manage/members/<uuid:uid>/roles")
@team_only
def roles(uid: UUID):
    row, form = find_enrolled(uid), RolesForm()
    if not form.validate():
        return member_page(row, roles=form)
    referents.set_roles(
        row.id,
        here().place.id,
        frozenset(form.roles.data),
        by=current_user.id,
        now=clock.now(),
    )
    flash(_("The roles are saved."))
    return redirect(url_for(".member", uid=uid), 303)


@bp.get("/manage/members/<uuid:uid>/qualifications/new")
@team_only
def qualification(uid: UUID):
    """What is asked for is in the address, so that its own validity can be proposed."""
    row, subject = find_to_qualify(uid), find_subject(request.args.get("of", ""))
    data = {"given_on": today(), "expires_on": lasts_until(today(), subject.months)}
    return qualification_page(row, subject, qualification_form(subject, data))


@bp.post("/manage/members/<uuid:uid>/qualifications")
@team_only
def qualify(uid: UUID):
    row, subject = find_to_qualify(uid), find_subject(request.form.get("of", ""))
    form = qualification_form(subject)
    if not form.validate():
        return qualification_page(row, subject, form), 422
    assert form.given_on.data
    award = Award(
        subject.name,
        form.given_on.data,
        form.expires_on.data,
        training_id=subject.training_id,
        machine_id=subject.machine_id,
        level=form.level_given,
    )
    commands.qualify(row.id, here().place.id, award, by=current_user.id, now=clock.now())
    flash(_("The qualification is given: %(name)s.", name=subject.name))
    return redirect(url_for(".member", uid=uid), 303)


@bp.get("/manage/members/<uuid:uid>/qualifications/<int:qualification_id>/withdrawal")
@team_only
def withdrawal(uid: UUID, qualification_id: int):
    """Asks once, on a page."""
    row = queries.find_member(here().place.id, str(uid))
    held = queries.find_qualification(qualification_id, row.id, here().place.id)
    return page(
        "withdrawal.html",
        uid=uid,
        qualification_id=qualification_id,
        who=member_pages.full_name(row),
        held=member_pages.held(held, str(uid), last_days(row.id).get(held.id), today()),
    )


@bp.post("/manage/members/<uuid:uid>/qualifications/<int:qualification_id>/withdrawal")
@team_only
def disqualify(uid: UUID, qualification_id: int):
    row, place_id = queries.find_member(here().place.id, str(uid)), here().place.id
    held = queries.find_qualification(qualification_id, row.id, place_id)
    name = member_pages.qualification_name(held)
    commands.disqualify(held.id, row.id, place_id, name, by=current_user.id, now=clock.now())
    flash(_("The qualification is withdrawn: %(name)s.", name=name), "warning")
    return redirect(url_for(".member", uid=uid), 303)


def last_days(member_id: int) -> dict[int, date | None]:
    """The last day each qualification of theirs is worth something, by its id."""
    inventory = here()
    held = held_by(member_id, inventory.place.id, inventory.schedule.zone, clock.now())
    return {each.id: each.last_day for each in held}


def find_enrolled(uid: UUID) -> Any:
    """A member of the place; who still waits for a membership answers 404 like nobody."""
    row = queries.find_member(here().place.id, str(uid))
    return row if row.membership_id is not None else abort(404)


def find_to_qualify(uid: UUID) -> Any:
    """A member of the place who is somebody else: nobody qualifies themselves."""
    row = find_enrolled(uid)
    return row if row.id != current_user.id else abort(403)


def member_page(row: Any, **forms: Any):
    """One member with every form; those given were refused, and keep what was typed."""
    inventory, now = here(), clock.now()
    place_id, zone = inventory.place.id, inventory.schedule.zone
    held = queries.roles(place_id, [row.id]).get(row.id, [])
    until = last_days(row.id)
    blank = {
        "membership": MembershipForm(
            formdata=None,
            data={
                "audience": row.audience or Audience.INDIVIDUAL,
                "valid_until": row.expires_on,
            },
        ),
        "suspension": SuspensionForm(formdata=None, today=today()),
        "roles": RolesForm(formdata=None, data={"roles": held}),
    }
    shown = page(
        "member.html",
        machines=here().machines,
        row=row,
        name=member_pages.full_name(row),
        tags=member_pages.tags(row, now, today()),
        profile=member_pages.profile(row, queries.organizations(row.id, place_id, today()), zone),
        roles_held=member_pages.role_names(held),
        suspension=member_pages.suspension(row, now, zone),
        qualifications=[
            member_pages.held(each, row.uid, until.get(each.id), today())
            for each in queries.qualifications(row.id, place_id)
        ],
        subjects=member_pages.subjects(queries.trainings(place_id), inventory),
        bookings=lines(queries.bookings_ahead(row.id, place_id, now), inventory, now),
        record=[
            member_pages.event(each, zone) for each in queries.record_of_member(row.id, place_id)
        ],
        marks=marks_of(row),
        lifting=lambda mark_uid: lift_form(mark_uid, forms.get("lifting")),
        is_own=row.id == current_user.id,
        may_give_roles=is_administrator(),
        forms=blank | forms,
    )
    return shown, 422 if forms else 200


def marks_of(row: Any) -> mark_pages.Marks:
    return mark_pages.marks_of(row.id, here(), clock.now(), with_past=True)


def lift_form(mark_uid: str, refused: LiftForm | None) -> LiftForm:
    """The one that was refused, if it is of this mark; else a blank one."""
    is_refused = refused is not None and refused.mark_uid == mark_uid
    return refused if refused and is_refused else LiftForm(mark_uid, formdata=None)


def find_subject(of: str) -> member_pages.Subject:
    """The training or machine of this place that is to be qualified for; else 404."""
    subjects = member_pages.subjects(queries.trainings(here().place.id), here())
    return next((subject for subject in subjects if subject.of == of), None) or abort(404)


def qualification_form(
    subject: member_pages.Subject, data: dict[str, Any] | None = None
) -> QualificationForm:
    """Blank with `data`, else with what was sent; a level is only asked for one machine."""
    blank = {"formdata": None, "data": data} if data else {}
    form = QualificationForm(today=today(), **blank)
    if subject.training_id is not None:
        del form.level
    return form


def qualification_page(row: Any, subject: member_pages.Subject, form: QualificationForm) -> str:
    return page(
        "qualification.html",
        uid=row.uid,
        who=member_pages.full_name(row),
        subject=subject,
        form=form,
    )
