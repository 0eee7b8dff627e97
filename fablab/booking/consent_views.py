"""Answering a question about a booking, signed in or by the link of a mail; naming a buddy."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import anyone, members_only
from fablab.booking import answers, consent_letters, consent_pages, consents, queries
from fablab.booking.consent_forms import AnswerForm, BuddyForm
from fablab.booking.kinds import Answer
from fablab.forms import Confirmation
from fablab.machines.inventory import of_place
from fablab.members.mails import language_of
from fablab.members.people import named

bp = Blueprint("consents", __name__)


@bp.get("/consents/<uuid:uid>")
@members_only
def show(uid: UUID):
    asked = find(str(uid), current_user.id)
    return page(asked, blank(asked), url_for(".answer", uid=uid))


@bp.post("/consents/<uuid:uid>/answer")
@members_only
def answer(uid: UUID):
    asked = find(str(uid), current_user.id)
    form = form_for(asked)
    if not form.validate():
        return page(asked, form, url_for(".answer", uid=uid)), 422
    say(asked, form, by=current_user.id)
    return redirect(url_for(".show", uid=uid), 303)


@bp.post("/consents/<uuid:uid>/taken-back")
@members_only
def take_back(uid: UUID):
    find(str(uid), current_user.id)
    try:
        answers.take_back(str(uid), by=current_user.id, now=clock.now())
    except answers.TooLate:
        flash(_("This can no longer be taken back."), "no")
    else:
        flash(_("Your yes is taken back: somebody else has to be named."), "warning")
    return redirect(url_for(".show", uid=uid), 303)


@bp.get("/consents/by-mail/<token>")
@anyone
def by_mail(token: str):
    """Shows, and changes nothing: what reads mails opens their links too."""
    asked = opened(token)
    return page(asked, blank(asked), url_for(".answer_by_mail", token=token), is_by_mail=True)


@bp.post("/consents/by-mail/<token>")
@anyone
def answer_by_mail(token: str):
    asked = opened(token)
    form = form_for(asked)
    if not form.validate():
        action = url_for(".answer_by_mail", token=token)
        return page(asked, form, action, is_by_mail=True), 422
    say(asked, form, by=consent_letters.read_token(token)[1])
    return redirect(url_for(".by_mail", token=token), 303)


@bp.get("/consents/<uuid:uid>/buddy")
@members_only
def buddy(uid: UUID):
    return buddy_page(find_to_name(uid), uid, BuddyForm(formdata=None))


@bp.post("/consents/<uuid:uid>/buddy")
@members_only
def name_buddy(uid: UUID):
    """Of somebody who cannot be the buddy nothing is told: not even whether we know them."""
    booking, form = find_to_name(uid), BuddyForm()
    if not form.validate():
        return buddy_page(booking, uid, form), 422
    try:
        answers.name_buddy(
            booking.uid,
            named(form.email.data),
            place_id=booking.place_id,
            by=current_user.id,
            is_team=current_user.manages(booking.place_id),
            now=clock.now(),
        )
    except answers.NoBuddy:
        form.email.errors = [
            _("There is nobody at this address who can be the buddy of this booking.")
        ]
        return buddy_page(booking, uid, form), 422
    except answers.TooLate:
        flash(_("This booking waits for a buddy no more."), "no")
    else:
        flash(_("They are asked by mail; the slot is kept meanwhile."))
    return redirect(url_for("booking.show", uid=booking.uid), 303)


def find(uid: str, member_id: int) -> Any:
    """A question that is theirs to answer; any other is 404, as if it did not exist."""
    asked = consents.find(uid, member_id, clock.now())
    if asked.kind not in consent_pages.KINDS:
        abort(404)
    g.inventory = of_place(place_id=asked.place_id)
    return asked


def opened(token: str) -> Any:
    """The question behind a mail's link, until it is due; 404 for any other link."""
    uid, member_id = consent_letters.read_token(token)
    asked = find(uid, member_id)
    g.reader_language = language_of(member_id)
    return asked if clock.now() < asked.due_at else abort(404)


def find_to_name(uid: UUID) -> Any:
    """The booking that the reader may name a buddy of; else 404."""
    booking_uid = consents.booking_without_buddy(str(uid)) or abort(404)
    booking = queries.find_visible(booking_uid, current_user)
    if booking.member_id != current_user.id and not current_user.manages(booking.place_id):
        abort(404)
    g.inventory = of_place(place_id=booking.place_id)
    return booking


def form_for(asked: Any, **kwargs: Any) -> AnswerForm:
    wants_a_reason = consent_pages.ends_it(asked.kind)
    return AnswerForm(asked.consent_uid, wants_a_reason=wants_a_reason, **kwargs)


def blank(asked: Any) -> AnswerForm:
    return form_for(asked, formdata=None)


def say(asked: Any, form: AnswerForm, *, by: int) -> None:
    """Answer, and tell what became of it."""
    try:
        given = answers.answer(
            asked.consent_uid, form.is_yes, by=by, now=clock.now(), why=form.why.data or ""
        )
    except answers.TooLate:
        flash(_("This waits for an answer no more."), "no")
    except answers.NoBuddy:
        flash(_("You hold no valid qualification on this machine then: say no."), "no")
    else:
        if (given == Answer.YES) is not form.is_yes:
            flash(_("This was answered before; the first answer stands."), "info")
        elif form.is_yes:
            flash(_("Thank you: your yes is noted."))
        else:
            flash(_("Your no is noted."), "warning")


def page(asked: Any, form: AnswerForm, action: str, *, is_by_mail: bool = False) -> str:
    return render_template(
        "booking/consent.html",
        question=consent_pages.question(asked, clock.now()),
        form=form,
        action=action,
        is_by_mail=is_by_mail,
        confirmation=Confirmation(),
    )


def buddy_page(booking: Any, uid: UUID, form: BuddyForm) -> str:
    return render_template("booking/consent_buddy.html", booking=booking, uid=uid, form=form)
