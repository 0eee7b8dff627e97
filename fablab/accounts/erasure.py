"""Erasing an account at its owner's wish (GDPR, art. 17): what stays says nothing of who it was.

The hours of the machines stay, as those of somebody who left. What was promised to others is
cancelled first; then, in one transaction, everything about the person goes.
"""

from datetime import datetime
from typing import Any
from uuid import uuid4

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, Table, and_, delete, func, select, update
from sqlalchemy.orm import Session

from fablab.accounts.traces import BELOW, GONE, TRACES, Words, ids_of, rows_of, table
from fablab.booking import answers, consents, departures, waits
from fablab.booking.answers import TooLate
from fablab.db import NoSuch, db, retried, writing
from fablab.machines import photos
from fablab.machines.kinds import OccupancyKind
from fablab.mail import outbox
from fablab.mail.kinds import Reason
from fablab.members import audit, throttle
from fablab.members.kinds import AgeBand, Channel, Deed, Role
from fablab.members.models import names_changed
from fablab.trainings import sessions
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.sessions import NotPlanned
from fablab.words import N_

SUBJECT = N_("%(place)s: your account is erased")


class LastAdministrator(Exception):
    """Nobody else could give anybody a role in the place."""


def erase(member_id: int, *, now: datetime) -> None:
    """Cancel what is to come, then erase the account; it opens nothing from then on.

    Raises LastAdministrator, NoSuch for who is erased already, and Busy. Interrupted, what was
    cancelled is cancelled, and the same again goes on.
    """
    if is_last_administrator(member_id):
        raise LastAdministrator
    leave_sessions(member_id, now)
    for asked in consents.buddy_of(member_id, now):
        try:
            answers.take_back(asked.consent_uid, by=member_id, now=now)
        except (TooLate, NoSuch):
            continue  # it began, or was taken back, a moment ago
    for uid in open_waits(member_id):
        waits.give_up(uid, by=member_id, now=now)
    for name in _erase(member_id, now):
        photos.forget(name)


def is_last_administrator(member_id: int) -> bool:
    """Of some place."""
    membership, role, member = table("membership"), table("role_held"), table("member")
    of_a_place = (
        select(
            membership.c.place_id,
            func.count().label("all"),
            func.count().filter(member.c.id == member_id).label("theirs"),
        )
        .join(role, role.c.membership_id == membership.c.id)
        .join(member, member.c.id == membership.c.member_id)
        .where(role.c.role == Role.ADMINISTRATOR, member.c.erased_at.is_(None))
        .group_by(membership.c.place_id)
    )
    return any(row.all == row.theirs == 1 for row in db.session.execute(of_a_place))


def leave_sessions(member_id: int, now: datetime) -> None:
    registration, held = table("registration"), table("training_session")
    asked = (
        select(held.c.uid)
        .join(registration, registration.c.session_id == held.c.id)
        .where(
            registration.c.member_id == member_id,
            registration.c.seating.in_((Seating.SEATED, Seating.WAITING)),
            held.c.state == SessionState.PLANNED,
            held.c.starts_at > now,
        )
    )
    for uid in db.session.scalars(asked).all():
        try:
            sessions.leave(uid, member_id, now=now)
        except NotPlanned:
            continue  # it was called off, or began, a moment ago


def open_waits(member_id: int) -> list[str]:
    wait = table("wait")
    asked = select(wait.c.uid).where(
        wait.c.member_id == member_id, wait.c.ended_at.is_(None), wait.c.offered_id.is_(None)
    )
    return list(db.session.scalars(asked))


@retried
def _erase(member_id: int, now: datetime) -> list[str]:
    """The names of the photographs of theirs, which no row knows any more."""
    with writing() as session:
        departures.strike_out_all(
            session, bookings_ahead(member_id, now), by=member_id, now=now, why=""
        )
        member = table("member")
        asked = select(member).where(member.c.id == member_id, member.c.erased_at.is_(None))
        was = session.execute(asked.with_for_update(key_share=True)).first()
        if was is None:
            raise NoSuch(f"no member {member_id}")
        if is_last_administrator(member_id):
            raise LastAdministrator
        names_changed(session, member_id)
        kept = photos_of(session, member_id)
        _forget_what_they_did(session, member_id, now)
        _note(session, member_id, now)
        _forget_mails(session, was, now)
        _say_goodbye(session, was, now)
        session.execute(update(member).where(member.c.id == member_id).values(**nobody(now)))
        return kept


def photos_of(session: Session, member_id: int) -> list[str]:
    """Of the faults that they reported."""
    fault = table("fault")
    theirs = rows_of("fault", "reported_by_id", member_id)
    return list(session.scalars(select(fault.c.photo).where(theirs, fault.c.photo.is_not(None))))


def bookings_ahead(member_id: int, now: datetime) -> list[str]:
    occupancy = table("occupancy")
    asked = select(occupancy.c.uid).where(
        occupancy.c.member_id == member_id,
        occupancy.c.kind == OccupancyKind.BOOKING,
        occupancy.c.standing,
        occupancy.c.starts_at > now,
    )
    return list(db.session.scalars(asked))


def nobody(now: datetime) -> dict[str, Any]:
    """The columns of an account that is nobody's. Its address is free again."""
    uid = str(uuid4())
    member = table("member")
    return {
        "uid": uid,
        "email": f"{uid}@erased.invalid",  # RFC 2606 §2
        "first_name": "",
        "last_name": "",
        "phone": "",
        "shares_phone": False,
        "channel": Channel.NONE,
        "refused_mails": "",
        "password_hash": None,
        "session_version": member.c.session_version + 1,
        "calendar_revision": member.c.calendar_revision + 1,
        "age_band": AgeBand.ADULT,
        "guardian_agreed_on": None,
        "confirmed_at": None,
        "seen_at": None,
        "changed_at": now,
        "erased_at": now,
    }


def _forget_what_they_did(session: Session, member_id: int, now: datetime) -> None:
    """As each trace says: what is theirs alone goes; of the rest, the words go."""
    _untell(session, member_id)
    for (name, column, above), erased in BELOW.items():
        below = table(name)
        _forget(session, below, below.c[column].in_(ids_of(above, member_id)), erased)
    for (name, column), trace in TRACES.items():
        only = (table(name).c[each] == value for each, value in trace.only.items())
        theirs = and_(rows_of(name, column, member_id), *only)
        _forget(session, table(name), theirs, trace.erased)
    _end(session, member_id, now)


def _forget(session: Session, of: Table, theirs: ColumnElement[bool], erased: Words | None) -> None:
    if erased is GONE:
        session.execute(delete(of).where(theirs))
    elif erased:
        session.execute(update(of).where(theirs).values(**erased))


def _untell(session: Session, member_id: int) -> None:
    """What was done to their bookings is news to nobody any more."""
    change = table("change")
    session.execute(
        update(change)
        .where(change.c.occupancy_id.in_(ids_of("occupancy", member_id)))
        .values(told_at=func.coalesce(change.c.told_at, change.c.made_at))
    )


def _end(session: Session, member_id: int, now: datetime) -> None:
    """For whom they counted stays, for the places' figures; sessions to come wait for another."""
    membership, held = table("membership"), table("training_session")
    session.execute(
        update(membership).where(membership.c.member_id == member_id).values(expires_on=now.date())
    )
    session.execute(
        update(held)
        .where(held.c.trainer_id == member_id, held.c.starts_at > now)
        .values(trainer_id=None, changed_at=now, revision=held.c.revision + 1)
    )


def _note(session: Session, member_id: int, now: datetime) -> None:
    membership = table("membership")
    places = select(membership.c.place_id).where(membership.c.member_id == member_id)
    for place_id in session.scalars(places).all():
        audit.note(
            session, Deed.ERASED, place_id=place_id, member_id=member_id, by=member_id, now=now
        )


def _forget_mails(session: Session, was: Any, now: datetime) -> None:
    """What has left is forgotten, what has not never leaves."""
    mail = table("outgoing_mail")
    to_them = mail.c.recipient == was.email
    session.execute(
        update(mail)
        .where(to_them, mail.c.sent_at.is_(None), mail.c.dropped_at.is_(None))
        .values(dropped_at=now, reason=Reason.UNTRUE, **outbox.BLANK)
    )
    session.execute(
        update(mail).where(to_them).values(recipient="", subject="", topic="", last_error="")
    )
    for name in ("organization_invitation", "handover"):
        asked = table(name)
        session.execute(delete(asked).where(asked.c.email == was.email))
    attempt = table("attempt")
    session.execute(delete(attempt).where(attempt.c.account == throttle.key_of(was.email)))


def _say_goodbye(session: Session, was: Any, now: datetime) -> None:
    """The last mail, and the one row that still knows the address, until it is tidied away."""
    place = table("place")
    first = select(place.c.name, place.c.email).order_by(place.c.position, place.c.id).limit(1)
    known = session.execute(first).first()
    name = known.name if known else lazy_gettext("Machine booking")
    outbox.post_page(
        session,
        "account_erased",
        to=was.email,
        language=was.language,
        subject=lazy_gettext(SUBJECT, place=name),
        now=now,
        place=name,
        contact=known.email if known else "",
        link=outbox.address("/"),
    )
