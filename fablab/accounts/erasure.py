"""Erasing an account at its owner's wish (GDPR, art. 17): what stays says nothing of who it was.

The hours of the machines stay, as those of somebody who left. What was promised to others is
cancelled first; then, in one transaction, everything about the person goes.
"""

from datetime import datetime
from typing import Any
from uuid import uuid4

from flask_babel import lazy_gettext
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from fablab.accounts.traces import ids_of, table
from fablab.booking import answers, consents, departures, waits
from fablab.booking.answers import TooLate
from fablab.db import NoSuch, db, retried, writing
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

# Nothing without whom it is about: gone.
GONE = (
    "acknowledgement",
    "feed_token",
    "machine_referent",
    "mailed_link",
    "mark",
    "session_invitation",
    "session_notice",
)


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
    _erase(member_id, now)


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
def _erase(member_id: int, now: datetime) -> None:
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
        _forget_what_they_did(session, member_id, now)
        _note(session, member_id, now)
        _forget_mails(session, was, now)
        _say_goodbye(session, was, now)
        session.execute(update(member).where(member.c.id == member_id).values(**nobody(now)))


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
    """What is theirs alone goes; of the rest, the words go."""
    for name in GONE:
        mine = table(name)
        session.execute(delete(mine).where(mine.c.member_id == member_id))
    held = table("expiry_warning")
    session.execute(
        delete(held).where(held.c.qualification_id.in_(ids_of("qualification", member_id)))
    )
    qualification = table("qualification")
    session.execute(delete(qualification).where(qualification.c.member_id == member_id))
    _empty_memberships(session, member_id, now)
    stays = table("organization_member")
    session.execute(delete(stays).where(stays.c.member_id == member_id))
    invited = table("organization_invitation")
    session.execute(delete(invited).where(invited.c.invited_by_id == member_id))
    _empty_bookings(session, member_id)
    wait = table("wait")
    session.execute(update(wait).where(wait.c.member_id == member_id).values(purpose=""))
    consent = table("consent")
    session.execute(update(consent).where(consent.c.answered_by_id == member_id).values(why=""))
    told = table("audit_entry")
    session.execute(update(told).where(told.c.member_id == member_id).values(before={}, after={}))
    session.execute(
        update(table("training_session"))
        .where(
            table("training_session").c.trainer_id == member_id,
            table("training_session").c.starts_at > now,
        )
        .values(trainer_id=None, changed_at=now, revision=table("training_session").c.revision + 1)
    )


def _empty_memberships(session: Session, member_id: int, now: datetime) -> None:
    """For whom they counted stays, for the places' figures; nothing else does."""
    for name in ("role_held", "membership_warning"):
        below = table(name)
        mine = below.c.membership_id.in_(ids_of("membership", member_id))
        session.execute(delete(below).where(mine))
    membership = table("membership")
    session.execute(
        update(membership)
        .where(membership.c.member_id == member_id)
        .values(
            expires_on=now.date(), suspended_until=None, suspension_reason="", marked_until=None
        )
    )


def _empty_bookings(session: Session, member_id: int) -> None:
    occupancy, change = table("occupancy"), table("change")
    session.execute(
        update(occupancy)
        .where(occupancy.c.member_id == member_id)
        .values(title="", override_reason="", request_key=None)
    )
    of_theirs = change.c.occupancy_id.in_(ids_of("occupancy", member_id))
    session.execute(
        update(change)
        .where(of_theirs)
        .values(before={}, after={}, told_at=func.coalesce(change.c.told_at, change.c.made_at))
    )
    consent = table("consent")
    session.execute(
        update(consent)
        .where(consent.c.occupancy_id.in_(ids_of("occupancy", member_id)))
        .values(why="")
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
    invited = table("organization_invitation")
    session.execute(delete(invited).where(invited.c.email == was.email))
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
