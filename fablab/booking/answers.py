"""Answering what a booking waits for: yes, no, a buddy who is named or takes it back, too late."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from fablab.booking import consents, ledger, waits
from fablab.booking.consent_rules import ends_it, may_be_buddy
from fablab.booking.consents import Wanted
from fablab.booking.facts import audience_of, held_on, standing_of
from fablab.booking.kinds import Answer, ConsentKind, WaitEnd
from fablab.booking.models import Consent
from fablab.booking.orders import TooLate
from fablab.booking.rules import level_of_buddy
from fablab.db import NoSuch, NotAllowed, db, retried, writing
from fablab.machines.commands import record
from fablab.machines.inventory import of_place
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Occupancy
from fablab.mail import outbox
from fablab.slots import Slot


class NoBuddy(Exception):
    """Whoever is named cannot be the buddy; which of the reasons it is stays theirs."""


@retried
def answer(uid: str, yes: bool, *, by: int, now: datetime, why: str = "") -> Answer:
    """Answer a question, and give the answer that stands: a second one changes nothing.

    The last yes confirms the booking. A no ends it, for a reason that its member reads; but a
    buddy's, after which another may be named until the same moment.

    Raises NoSuch for whoever is not asked, and of an offer, which `waits.accept` takes with
    all the rules; NoBuddy when a buddy who says yes may no longer be it; TooLate, and Busy.
    """
    here = consents.find(uid, by, now)
    if here.kind == ConsentKind.MEMBER:
        raise NoSuch("an offer is accepted, not agreed to")
    with writing() as session:
        booking = ledger.find_in_line(session, here.uid, here.machine_id)
        asked = consents.find(uid, by, now)
        if asked.answer is not None:
            return Answer(asked.answer)
        if booking.status != Status.PENDING or asked.due_at <= now:
            raise TooLate
        is_buddy = asked.kind == ConsentKind.BUDDY
        if yes and is_buddy and not _may_be_buddy(booking, by, asked.place_id, now):
            raise NoBuddy
        given = Answer.YES if yes else Answer.NO
        _write_down(session, asked.consent_id, given, by=by, now=now, why=why)
        if yes:
            _agreed(session, booking, asked, by=by, now=now)
        else:
            _declined(session, booking, asked, by=by, now=now, why=why)
        return given


def _write_down(
    session: Session, consent_id: int, given: Answer, *, by: int, now: datetime, why: str = ""
) -> None:
    session.execute(
        update(Consent.__table__)
        .where(Consent.id == consent_id)
        .values(answer=given, answered_at=now, answered_by_id=by, why=why)
    )


def _agreed(
    session: Session, booking: Row[Any], asked: Row[Any], *, by: int, now: datetime
) -> None:
    if asked.kind == ConsentKind.BUDDY and booking.buddy_id != by:
        _change(session, booking, buddy_id=by)
    _confirm_when_all_agreed(session, booking, by=by, now=now)


def _confirm_when_all_agreed(
    session: Session,
    booking: Row[Any],
    *,
    by: int | None,
    now: datetime,
    after: dict[str, str] | None = None,
) -> None:
    if consents.is_waiting(session, booking.id):
        return
    _change(
        session,
        booking,
        status=Status.CONFIRMED,
        revision=booking.revision + 1,
        changed_at=now,
    )
    ledger.turn_the_page(session, booking.member_id)
    record(session, booking.id, "confirmed", by=by, now=now, after=after)


def _declined(
    session: Session, booking: Row[Any], asked: Row[Any], *, by: int, now: datetime, why: str
) -> None:
    if ends_it(asked.kind):
        after = {"why": why} if why else {}
        waits.give_back(session, booking, Status.CANCELLED, "declined", by=by, now=now, after=after)
        return
    _change(session, booking, buddy_id=None, revision=booking.revision + 1, changed_at=now)
    ledger.turn_the_page(session, booking.member_id)
    after = {"why": why} if why else {}
    record(session, booking.id, "buddy_declined", by=by, now=now, after=after)
    _ask_for_another(session, booking.id, due_at=asked.due_at, now=now)


def _ask_for_another(
    session: Session, occupancy_id: int, *, due_at: datetime, now: datetime
) -> None:
    """A question to nobody yet: its member names somebody."""
    consents.ask(session, occupancy_id, [Wanted(ConsentKind.BUDDY)], due_at=due_at, now=now)


def _change(session: Session, booking: Row[Any], **values: Any) -> None:
    session.execute(update(Occupancy.__table__).where(Occupancy.id == booking.id).values(**values))


@retried
def name_buddy(
    booking_uid: str, buddy_id: int, *, place_id: int, by: int, is_team: bool, now: datetime
) -> None:
    """Ask this member to be the buddy of a booking that waits for one, in place of whoever was
    named before and has not answered.

    Naming them again changes nothing. Raises NoBuddy when they cannot be, NotAllowed for
    whoever is neither its member nor of the team, TooLate when no buddy is waited for any more,
    NoSuch (no such booking), and Busy.
    """
    here = ledger.find(booking_uid)
    with writing() as session:
        booking = ledger.find_in_line(session, booking_uid, here.machine_id)
        if booking.member_id != by and not is_team:
            raise NotAllowed
        asked = _open_buddy(session, booking.id)
        if booking.status != Status.PENDING or asked is None or asked.due_at <= now:
            raise TooLate
        if asked.asked_id == buddy_id:
            return
        if not _may_be_buddy(booking, buddy_id, place_id, now):
            raise NoBuddy
        session.execute(
            update(Consent.__table__)
            .where(Consent.id == asked.id)
            .values(asked_id=buddy_id, asked_at=now, mailed_at=None)
        )
        _change(session, booking, buddy_id=buddy_id, revision=booking.revision + 1, changed_at=now)
        ledger.turn_the_page(session, booking.member_id)
        outbox.ring(session)
        record(session, booking.id, "buddy_named", by=by, now=now)


def _open_buddy(session: Session, occupancy_id: int) -> Row[Any] | None:
    table = Consent.__table__
    return session.execute(
        select(table).where(
            table.c.occupancy_id == occupancy_id,
            table.c.kind == ConsentKind.BUDDY,
            table.c.answer.is_(None),
        )
    ).first()


def _may_be_buddy(booking: Row[Any], buddy_id: int, place_id: int, now: datetime) -> bool:
    inventory = of_place(place_id=place_id)
    machine = inventory.machine(booking.machine_id)
    policy = machine.policy_for(audience_of(standing_of(booking.member_id, place_id)))
    standing = standing_of(buddy_id, place_id)
    return may_be_buddy(
        buddy_id,
        booked_for=booking.member_id,
        is_member=standing is not None and not standing.is_suspended(now),
        membership_ends_on=standing.expires_on if standing else None,
        held=held_on(machine.id, buddy_id),
        level=level_of_buddy(policy),
        days=inventory.schedule.days_of(Slot(booking.starts_at, booking.ends_at)),
    )


@retried
def take_back(uid: str, *, by: int, now: datetime) -> None:
    """A buddy who agreed cannot come after all: the booking waits for another, until it starts.

    A second time it changes nothing. Raises NoSuch for whoever is not that buddy, TooLate
    once it has started or no longer stands, and Busy.
    """
    here = consents.find(uid, by, now)
    with writing() as session:
        booking = ledger.find_in_line(session, here.uid, here.machine_id)
        asked = consents.find(uid, by, now)
        if asked.answer == Answer.TAKEN_BACK:
            return
        is_buddy = asked.kind == ConsentKind.BUDDY and asked.answer == Answer.YES
        # Once another is named, or the same asked again of other hours, an old yes is nothing.
        is_theirs = is_buddy and booking.buddy_id == by and _open_buddy(session, booking.id) is None
        if not is_theirs or not booking.standing or booking.starts_at <= now:
            raise TooLate
        _write_down(session, asked.consent_id, Answer.TAKEN_BACK, by=by, now=now)
        _change(
            session,
            booking,
            status=Status.PENDING,
            buddy_id=None,
            revision=booking.revision + 1,
            changed_at=now,
        )
        ledger.turn_the_page(session, booking.member_id)
        record(session, booking.id, "buddy_taken_back", by=by, now=now)
        _ask_for_another(session, booking.id, due_at=booking.starts_at, now=now)


# Bookings of which a question is past its time, each once: all that a round with nothing to do
# asks of the database.
OVERDUE = (
    select(Occupancy.uid, Occupancy.machine_id)
    .join(Consent, Consent.occupancy_id == Occupancy.id)
    .where(Consent.answer.is_(None), Occupancy.kind == OccupancyKind.BOOKING)
    .distinct()
)


def lapse(now: datetime) -> int:
    """End every pending booking that was not answered in time, but for those whose owner agrees by
    saying nothing; how many were ended. Raises Busy.
    """
    overdue = db.session.execute(OVERDUE.where(Consent.due_at <= now)).all()
    db.session.rollback()
    return sum(_lapse(booking.uid, booking.machine_id, now=now) for booking in overdue)


@retried
def _lapse(uid: str, machine_id: int, *, now: datetime) -> bool:
    with writing() as session:
        booking = ledger.find_in_line(session, uid, machine_id)
        if booking.status != Status.PENDING:
            consents.forget(session, booking.id)
            return False
        if _agree_for_the_silent(session, booking.id, now):
            _confirm_when_all_agreed(session, booking, by=None, now=now, after=BY_SILENCE)
        if not _is_overdue(session, booking.id, now):
            return False
        waits.give_back(
            session, booking, Status.CANCELLED, "lapsed", by=None, now=now, how=WaitEnd.LAPSED
        )
        return True


BY_SILENCE = {"silence": "agrees"}


def _agree_for_the_silent(session: Session, occupancy_id: int, now: datetime) -> bool:
    """Take what nobody answered in time for a yes, where that was agreed; whether anything was."""
    table = Consent.__table__
    agreed = session.execute(
        update(table)
        .where(
            table.c.occupancy_id == occupancy_id,
            table.c.answer.is_(None),
            table.c.due_at <= now,
            table.c.silence_is_a_yes,
        )
        .values(answer=Answer.YES, answered_at=now)
        .returning(table.c.id)
    )
    return bool(agreed.all())


def _is_overdue(session: Session, occupancy_id: int, now: datetime) -> bool:
    asked = select(Consent.id).where(
        Consent.occupancy_id == occupancy_id, Consent.answer.is_(None), Consent.due_at <= now
    )
    return session.scalar(asked.limit(1)) is not None
