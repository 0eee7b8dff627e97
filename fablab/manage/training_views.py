"""The trainings of the place and their sessions, and what the team does about them."""

from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fablab import clock, texts
from fablab.access import team_only
from fablab.booking.pages import clock_notes
from fablab.db import db
from fablab.machines.commands import SlotTaken
from fablab.machines.inventory import here
from fablab.manage import queries, training_pages
from fablab.manage.blueprint import bp, page
from fablab.manage.occupancies import lines
from fablab.manage.training_forms import (
    NEW,
    CancelSessionForm,
    RegisterForm,
    SessionForm,
    TrainingForm,
    data_of,
    training_form,
)
from fablab.trainings import courses, sessions
from fablab.trainings import queries as trainings_queries
from fablab.trainings.courses import Circular, CodeTaken
from fablab.trainings.forms import AttendanceForm
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import TrainingSession
from fablab.trainings.pages import told
from fablab.trainings.rules import Obstacle
from fablab.trainings.sessions import NotPlanned, Plan, Refused, ResourceFull, TooFewSeats
from fablab.words import N_

Answer = str | Response | tuple[str, int]

# What binds the team too, as it reads it.
NOT_THEM = {
    Obstacle.OVER: Obstacle.OVER,
    Obstacle.THERE: N_("They are registered for this session already."),
    Obstacle.TRAINER: N_("They give this session themselves."),
    Obstacle.NO_MEMBERSHIP: N_("No member here has this address."),
}
BLANK = {"seats": 4, "minimum_people": 1, "decided_before": 48, "duration": 120}


@bp.get("/manage/trainings")
@team_only
def trainings():
    inventory = here()
    ahead = trainings_queries.sessions_ahead(inventory.place.id, clock.now())
    return page(
        "trainings.html",
        trainings=[
            training_pages.training_line(row)
            for row in trainings_queries.trainings(inventory.place.id)
        ],
        sessions=[training_pages.session_line(row, inventory) for row in ahead],
    )


@bp.get(f"/manage/trainings/{NEW}")
@team_only
def new_training():
    return edit_page(None, blank_form(None, BLANK))


@bp.post("/manage/trainings")
@team_only
def create_training():
    return save(None)


@bp.get("/manage/trainings/<code>")
@team_only
def training(code: str):
    return training_page(find_training(code))


@bp.get("/manage/trainings/<code>/edit")
@team_only
def edit_training(code: str):
    row = find_training(code)
    course = courses.course_of(db.session(), row.id, here().place.id)
    codes = {each.id: each.code for each in trainings_queries.trainings(here().place.id)}
    return edit_page(row, blank_form(row, data_of(course, codes)))


@bp.post("/manage/trainings/<code>")
@team_only
def change_training(code: str):
    return save(find_training(code))


@bp.post("/manage/trainings/<code>/sessions")
@team_only
def plan_session(code: str):
    row, now = find_training(code), clock.now()
    form = session_form()
    if row.retired_at is not None:
        abort(404)
    if not form.validate():
        return training_page(row, form, 422)
    plan = plan_of(form)
    try:
        uid = sessions.plan(row.id, plan, by=current_user.id, now=now)
    except SlotTaken:
        return training_page(row, form, 409, in_the_way=taken_by(plan))
    except ResourceFull as refused:
        say_it_is_full(form, refused)
        return training_page(row, form, 422)
    flash(_("The session is planned."))
    note_the_clock(form)
    return redirect(url_for(".session", uid=uid), 303)


@bp.get("/manage/sessions/<uuid:uid>")
@team_only
def session(uid: UUID):
    return session_page(find_session(uid))


@bp.post("/manage/sessions/<uuid:uid>")
@team_only
def change_session(uid: UUID):
    row = find_session(uid)
    form = session_form(trainer_id=row.trainer_id)
    if not form.validate():
        return session_page(row, 422, change=form)
    plan = plan_of(form)
    try:
        sessions.change(row.uid, plan, by=current_user.id, now=clock.now())
    except SlotTaken:
        others = [each for each in taken_by(plan) if each.session_uid != row.uid]
        return session_page(row, 409, change=form, in_the_way=others)
    except ResourceFull as refused:
        say_it_is_full(form, refused)
        return session_page(row, 422, change=form)
    except TooFewSeats as refused:
        seated = ngettext(
            "%(num)s person is registered already.",
            "%(num)s people are registered already.",
            refused.seated,
        )
        form.seats.errors = [seated]
        return session_page(row, 422, change=form)
    except NotPlanned:
        return too_late(row)
    flash(_("The session is saved."))
    note_the_clock(form)
    return redirect(url_for(".session", uid=uid), 303)


@bp.post("/manage/sessions/<uuid:uid>/cancellation")
@team_only
def cancel_session(uid: UUID):
    row, form = find_session(uid), CancelSessionForm()
    if not form.validate():
        return session_page(row, 422, cancellation=form)
    try:
        sessions.cancel(row.uid, form.reason.data, by=current_user.id, now=clock.now())
    except NotPlanned:
        return too_late(row)
    flash(_("The session is cancelled; everybody registered gets a mail."), "warning")
    return redirect(url_for(".session", uid=uid), 303)


@bp.post("/manage/sessions/<uuid:uid>/registrations")
@team_only
def register_somebody(uid: UUID):
    row, form, zone = find_session(uid), RegisterForm(), here().schedule.zone
    if not form.validate():
        return session_page(row, 422, registration=form)
    member_id = trainings_queries.member_called(form.email.data, row.place_id)
    if member_id is None:
        form.email.errors = [_("No member here has this address.")]
        return session_page(row, 422, registration=form)
    try:
        seating, found = sessions.register_for(
            row.uid, member_id, by=current_user.id, now=clock.now()
        )
    except Refused as refused:
        form.email.errors = [_(NOT_THEM[each.obstacle]) for each in refused.objections]
        return session_page(row, 422, registration=form)
    if seating is Seating.SEATED:
        flash(_("They have a seat; a mail tells them."))
    else:
        flash(_("They are in the waiting list; a mail tells them."), "info")
    if found:
        said = " ".join(each.sentence for each in told(found, zone))
        flash(_("The rules speak against it. To them they say: %(rules)s", rules=said), "warning")
    return redirect(url_for(".session", uid=uid), 303)


@bp.post("/manage/sessions/<uuid:uid>/attendance")
@team_only
def attendance(uid: UUID):
    row = find_session(uid)
    people = trainings_queries.seated(row.id)
    form = AttendanceForm(people=people)
    if not form.validate():
        return session_page(row, 422, attendance=form)
    came = [each.member_id for each in people if each.uid in form.came.data]
    try:
        sessions.note_attendance(row.uid, came, by=current_user.id, now=clock.now())
    except NotPlanned:
        return too_late(row)
    flash(_("Who came is noted."))
    return redirect(url_for(".session", uid=uid), 303)


@bp.post("/manage/sessions/<uuid:uid>/grant")
@team_only
def grant(uid: UUID):
    row = find_session(uid)
    try:
        count = sessions.grant(row.uid, by=current_user.id, now=clock.now())
    except NotPlanned:
        return too_late(row)
    flash(ngettext("%(num)s qualification is given.", "%(num)s qualifications are given.", count))
    return redirect(url_for(".session", uid=uid), 303)


def find_training(code: str) -> Any:
    """A training of the place; any other answers 404."""
    rows = trainings_queries.trainings(here().place.id)
    return next((row for row in rows if row.code == code), None) or abort(404)


def find_session(uid: UUID) -> Any:
    """A session of the place; any other answers 404."""
    row = trainings_queries.session(str(uid))
    return row if row.place_id == here().place.id else abort(404)


def blank_form(row: Any, data: dict[str, Any] | None) -> TrainingForm:
    others = [
        each
        for each in trainings_queries.trainings(here().place.id)
        if row is None or each.id != row.id
    ]
    return training_form(here().machines, others, data)


def save(row: Any) -> Answer:
    form = blank_form(row, None)
    if not form.validate():
        return edit_page(row, form), 422
    place_id = here().place.id
    ids = {each.code: each.id for each in trainings_queries.trainings(place_id)}
    try:
        course = form.course(ids)
        training_id = row.id if row is not None else None
        courses.save(training_id, place_id, course, by=current_user.id, now=clock.now())
    except CodeTaken:
        form.code.errors = [_("Another training has this code.")]
        return edit_page(row, form), 422
    except Circular:
        form.requires.errors = [_("One of these asks for this training itself.")]
        return edit_page(row, form), 422
    flash(_("The training is saved."))
    return redirect(url_for(".training", code=form.code.data), 303)


def edit_page(row: Any, form: TrainingForm) -> str:
    return page("training_form.html", row=row, form=form)


def session_form(data: dict[str, Any] | None = None, trainer_id: int | None = None) -> SessionForm:
    """Blank with `data`, else with what was sent; `trainer_id` may be named as before."""
    blank = {"formdata": None, "data": data} if data is not None else {}
    inventory = here()
    return SessionForm(
        zone=inventory.schedule.zone,
        now=clock.now(),
        trainers=trainings_queries.may_give_sessions(inventory.place.id, trainer_id),
        machines=inventory.machines,
        **blank,
    )


def plan_of(form: SessionForm) -> Plan:
    inventory = here()
    trainers = {each.uid: each.id for each in form.trainers}
    return Plan(
        form.slot,
        form.seats.data,
        trainer_id=trainers.get(form.trainer.data),
        location=form.location.data,
        machine_ids=frozenset(inventory.by_slug[slug].id for slug in form.machines.data or ()),
    )


def taken_by(plan: Plan) -> list[Any]:
    return [
        row
        for machine_id in sorted(plan.machine_ids)
        for row in queries.in_the_way(machine_id, plan.slot)
    ]


def say_it_is_full(form: SessionForm, refused: ResourceFull) -> None:
    values = {"name": refused.name, "hours": tuple(refused.hours)}
    in_use = N_("%(name)s is in full use %(hours)s by other machines.")
    said = [texts.filled(in_use, values, here().schedule.zone)]
    if refused.wanted > refused.capacity:
        said = []
    form.machines.errors = [" ".join([*said, serves(refused)])]


def serves(refused: ResourceFull) -> str:
    if refused.wanted == 1:
        return ngettext(
            "It serves %(num)s machine at once.",
            "It serves %(num)s machines at once.",
            refused.capacity,
        )
    return ngettext(
        "%(name)s serves %(num)s machine at once, and this session takes %(wanted)s that need it.",
        "%(name)s serves %(num)s machines at once, and this session takes %(wanted)s that need it.",
        refused.capacity,
        name=refused.name,
        wanted=refused.wanted,
    )


def note_the_clock(form: SessionForm) -> None:
    for note in clock_notes(form, here().schedule.zone):
        flash(note, "info")


def too_late(row: Any) -> Answer:
    flash(_("This cannot be done to the session any more."), "warning")
    return redirect(url_for(".session", uid=row.uid), 303)


def training_page(
    row: Any, form: SessionForm | None = None, status: int = 200, *, in_the_way: Any = ()
) -> Answer:
    inventory, now = here(), clock.now()
    granted = trainings_queries.granted(row.id)
    form = form or session_form(training_pages.new_session_data(row, granted, now, inventory))
    held = trainings_queries.sessions(TrainingSession.training_id == row.id)
    shown = page(
        "training.html",
        row=row,
        form=form,
        in_the_way=lines(in_the_way, inventory, now),
        levels=[
            (machine, granted[machine.id])
            for machine in inventory.machines
            if machine.id in granted
        ],
        requires=list(trainings_queries.required([row.id]).get(row.id, {}).values()),
        sessions=[training_pages.session_line(each, inventory) for each in reversed(held)],
    )
    return shown, status


def session_page(row: Any, status: int = 200, *, in_the_way: Any = (), **forms: Any) -> Answer:
    """One session with every form that it still has; one that was refused keeps what was typed."""
    inventory, now = here(), clock.now()
    machines = trainings_queries.machines_of(row.id)
    people = trainings_queries.seated(row.id)
    came = [each.uid for each in people if each.seating is Seating.ATTENDED]
    is_noted = row.state is SessionState.HELD
    blank = {
        "change": session_form(
            training_pages.session_data(row, machines, inventory), row.trainer_id
        ),
        "registration": RegisterForm(formdata=None),
        "cancellation": CancelSessionForm(formdata=None),
        "attendance": AttendanceForm(
            formdata=None,
            people=people,
            data={"came": came if is_noted else [each.uid for each in people]},
        ),
    }
    shown = page(
        "session.html",
        row=row,
        line=training_pages.session_line(row, inventory),
        machines=machines,
        people=training_pages.people(trainings_queries.people(row.id)),
        in_the_way=lines(in_the_way, inventory, now),
        is_planned=row.state is SessionState.PLANNED,
        is_held=is_noted,
        is_cancelled=row.state is SessionState.CANCELLED,
        has_begun=row.starts_at <= now,
        came=came,
        forms=blank | forms,
    )
    return shown, status
