"""What waits for the team's answer, and bookings that nobody came to."""

from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.booking import absences, consent_pages, consent_views, consents, queries
from fablab.booking import pages as booking_pages
from fablab.booking.consent_forms import AnswerForm
from fablab.booking.models import Consent
from fablab.booking.views import slot_of
from fablab.db import NotAllowed
from fablab.machines.inventory import here
from fablab.machines.models import Machine
from fablab.manage.blueprint import bp, page
from fablab.manage.todo_queries import OF_THE_TEAM
from fablab.presence.views import back


@bp.get("/manage/approvals")
@team_only
def approvals():
    return approvals_page()


@bp.post("/manage/approvals/<uuid:uid>")
@team_only
def approve(uid: UUID):
    """Or decline, by the button that is pressed."""
    asked = find_asked(str(uid))
    form = consent_views.form_for(asked)
    if not form.validate():
        return approvals_page(form), 422
    consent_views.say(asked, form, by=current_user.id)
    return redirect(url_for(".approvals"), 303)


@bp.get("/manage/bookings/<uuid:uid>/absence")
@team_only
def absence(uid: UUID):
    """Asks once, on a page: it is held against whoever booked."""
    booking = find_missed(uid)
    return page(
        "absence.html",
        booking=booking,
        who=consent_pages.full_name(booking),
        ticket=booking_pages.ticket(booking, slot_of(booking), here()),
    )


@bp.post("/manage/bookings/<uuid:uid>/absence")
@team_only
def miss(uid: UUID):
    booking = find_of_place(uid)
    try:
        absences.mark_missed(booking.uid, booking.place_id, by=current_user.id, now=clock.now())
    except NotAllowed:
        flash(_("This booking cannot be marked as missed."), "no")
    else:
        flash(_("The absence is noted and the machine free again."), "warning")
    return back(booking)


def approvals_page(refused: AnswerForm | None = None) -> str:
    """The oldest due first; what was refused keeps what was typed."""
    now = clock.now()
    rows = consents.waiting_for(current_user.id, now, *of_the_team())
    forms = [consent_views.blank(row) for row in rows]
    if refused:
        forms = [refused if form.why.id == refused.why.id else form for form in forms]
    questions = [consent_pages.question(row, now) for row in rows]
    return page(
        "approvals.html",
        waiting=list(zip(questions, forms, strict=True)),
        is_refused=refused is not None,
    )


def of_the_team() -> tuple[Any, ...]:
    return (
        Machine.place_id == here().place.id,
        Consent.kind.in_(OF_THE_TEAM),
    )


def find_asked(uid: str) -> Any:
    """A question to the team of this place; any other is 404."""
    asked = consent_views.find(uid, current_user.id)
    if asked.place_id != here().place.id or asked.kind not in OF_THE_TEAM:
        abort(404)
    return asked


def find_of_place(uid: UUID) -> Any:
    booking = queries.find_visible(str(uid), current_user)
    return booking if booking.place_id == here().place.id else abort(404)


def find_missed(uid: UUID) -> Any:
    """A booking of this place that nobody may have come to; any other is 404."""
    booking = find_of_place(uid)
    is_one = absences.may_be_missed(booking, by=current_user.id, now=clock.now())
    return booking if is_one else abort(404)
