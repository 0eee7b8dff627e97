"""What one can learn, what one holds, and the sessions to register for."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from fablab import clock
from fablab.access import anyone, members_only
from fablab.machines.inventory import here
from fablab.trainings import commands, queries, sessions, words
from fablab.trainings.commands import Award
from fablab.trainings.forms import AttendanceForm, GrantForm
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.pages import Told, TrainingsPage, told
from fablab.trainings.sessions import NotPlanned, Refused

bp = Blueprint("trainings", __name__)


@bp.app_template_global()
def levels_explained() -> str:
    """What each level of a qualification means, wherever one is chosen or shown."""
    return " ".join(_(each) for each in words.MEANS.values())


@bp.get("/trainings/")
@anyone
def index():
    """`?machine=` is what somebody wants to use: then only what leads there."""
    machine = here().by_slug.get(request.args.get("machine", ""))
    return render_template(
        "trainings/index.html",
        page=TrainingsPage(here(), clock.now(), current_user.id, machine),
        machines=here().machines,
    )


@bp.get("/trainings/sessions/<uuid:uid>")
@anyone
def session(uid: UUID):
    """Mails lead here, and are read where nobody is signed in; who gives it is told to members."""
    return session_page(find_session(uid))


@bp.post("/trainings/sessions/<uuid:uid>/registration")
@members_only
def register(uid: UUID):
    row = find_session(uid)
    try:
        seating = sessions.register(row.uid, current_user.id, now=clock.now())
    except Refused as refused:
        return session_page(row, told(refused.objections, here().schedule.zone)), 422
    if seating is Seating.SEATED:
        flash(_("You have a seat."))
    else:
        flash(_("You are in the waiting list: a mail tells you when a seat is yours."), "info")
    return redirect(url_for(".session", uid=uid), 303)


@bp.post("/trainings/sessions/<uuid:uid>/departure")
@members_only
def leave(uid: UUID):
    row = find_session(uid)
    try:
        sessions.leave(row.uid, current_user.id, now=clock.now())
    except NotPlanned:
        return session_page(row, [Told(_("It is too late to give the seat back."))]), 422
    flash(_("You are no longer registered for this session."))
    return redirect(url_for(".session", uid=uid), 303)


@bp.post("/trainings/sessions/<uuid:uid>/attendance")
@members_only
def attendance(uid: UUID):
    """For who gives the session: the team has its own page of each."""
    row = find_given(uid)
    people = queries.seated(row.id)
    form = AttendanceForm(people=people)
    if not form.validate():
        return session_page(row, form=form), 422
    came = [each.member_id for each in people if each.uid in form.came.data]
    try:
        sessions.note_attendance(row.uid, came, by=current_user.id, now=clock.now())
    except NotPlanned:
        return session_page(row, [Told(_("Who came is noted once the session has begun."))]), 422
    flash(_("Who came is noted."))
    return redirect(url_for(".session", uid=uid), 303)


@bp.post("/trainings/sessions/<uuid:uid>/grant")
@members_only
def grant(uid: UUID):
    """To all who came, by who gives the session, where they may qualify on its machines."""
    row = find_given(uid)
    try:
        count = sessions.grant(row.uid, by=current_user.id, now=clock.now())
    except NotPlanned:
        return session_page(row, [Told(_("Note who came first."))]), 422
    flash(ngettext("%(num)s qualification is given.", "%(num)s qualifications are given.", count))
    return redirect(url_for(".session", uid=uid), 303)


@bp.get("/trainings/qualifications/new")
@members_only
def qualification():
    """For trainers and referents: the team has its own page of each member."""
    return render_template("trainings/qualify.html", form=grant_form())


@bp.post("/trainings/qualifications")
@members_only
def qualify():
    inventory, now = here(), clock.now()
    form = grant_form()
    if not form.validate():
        return refuse(form)
    member_id = queries.member_called(form.email.data, inventory.place.id)
    if member_id is None:
        return refuse(form, _("No member here has this address."))
    if member_id == current_user.id:
        return refuse(form, _("Nobody qualifies themselves: ask somebody of the team."))
    machine = inventory.by_slug[form.machine.data]
    award = Award(
        f"{machine.code} {machine.name}",
        clock.today(inventory.schedule.zone, now),
        form.expires_on.data,
        machine_id=machine.id,
        level=int(form.level.data),
    )
    commands.qualify(member_id, inventory.place.id, award, by=current_user.id, now=now)
    flash(_("The qualification is given: %(name)s.", name=award.name))
    return redirect(url_for(".index"), 303)


def grant_form() -> GrantForm:
    """With the machines that are theirs to grant: all for the team. Who has none finds no page."""
    inventory, now = here(), clock.now()
    zone = inventory.schedule.zone
    is_team = current_user.manages(inventory.place.id)
    own = queries.grants_on(current_user.id, inventory.place.id, zone, now) if not is_team else ()
    machines = [each for each in inventory.machines if is_team or each.id in own]
    if not machines:
        abort(404)
    return GrantForm(today=clock.today(zone, now), machines=machines)


def refuse(form: GrantForm, why: str = "") -> tuple[str, int]:
    if why:
        form.email.errors = [why]
    return render_template("trainings/qualify.html", form=form), 422


def find_session(uid: UUID) -> Any:
    """A session of the place; any other answers 404."""
    row = queries.session(str(uid))
    return row if row.place_id == here().place.id else abort(404)


def find_given(uid: UUID) -> Any:
    """A session of the place that they give; any other answers 404."""
    row = find_session(uid)
    return row if row.trainer_id == current_user.id else abort(404)


def page() -> TrainingsPage:
    return TrainingsPage(here(), clock.now(), current_user.id)


def session_page(
    row: Any, reasons: list[Told] | None = None, form: AttendanceForm | None = None
) -> str:
    seating = queries.seatings(current_user.id, [row.id]).get(row.id)
    return render_template(
        "trainings/session.html",
        card=page().card(row, seating),
        reasons=reasons or [],
        is_cancelled=row.state is SessionState.CANCELLED,
        why=row.cancel_reason,
        machines=queries.machines_of(row.id),
        given=page().given(row, form) if row.trainer_id == current_user.id else None,
    )
