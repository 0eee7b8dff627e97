"""Handing a booking over: offered to somebody, taken back, accepted, declined, or too late."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.booking import consents, handover_letters, ledger
from fablab.booking.facts import gather, standing_of
from fablab.booking.handover_rules import A_DAY, handover_due, may_be_handed_over, offered_often
from fablab.booking.kinds import Answer, ConsentKind, HandoverEnd
from fablab.booking.known import Facts
from fablab.booking.models import Consent, Handover
from fablab.booking.orders import (
    JUST_TAKEN,
    BookingRefused,
    ChangedMeanwhile,
    Order,
    TooLate,
    said,
)
from fablab.booking.rules import answer_due
from fablab.db import NoSuch, NotAllowed, add_row, db, retried, writing
from fablab.machines import guards, resources
from fablab.machines.commands import record
from fablab.machines.inventory import MachineFacts, of_place
from fablab.machines.models import Machine, Occupancy
from fablab.members import staff, throttle
from fablab.members.kinds import AttemptKind
from fablab.members.models import calendar_changed
from fablab.slots import Slot

TABLE = Handover.__table__
KEPT = timedelta(days=90)  # who was offered what, once that is over
AT_ONCE = timedelta()


class OnesOwn(Exception):
    """It is offered to whose it is."""


class AlreadyOffered(Exception):
    """It is offered to somebody else, and they have not answered yet."""


class OfferedOften(Exception):
    """There were as many offers in a day as may be; `sentence` says of what."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What whoever takes a booking over says of it. `revision`: of the booking that they saw."""

    revision: int
    organization_id: int | None = None
    buddy_id: int | None = None
    is_accompanied: bool = False
    read_hash: str = ""


# -- offering


@retried
def offer(booking_uid: str, email: str, *, by: int, language: str, now: datetime) -> None:
    """Offer a booking of theirs to the owner of a mail address, who may accept by that mail.

    Whether the address has an account is not told. Offered to the same again, it stays offered.
    `language` is for who has none. Raises OnesOwn, AlreadyOffered, NotAllowed when it cannot be
    handed over, NoSuch for a booking that is not theirs, OfferedOften, throttle.TooMany, and Busy.
    """
    throttle.admit(AttemptKind.MAIL, email, throttle.member(by), now)
    here = ledger.find(booking_uid)
    with writing() as session:
        booking = ledger.find_in_line(session, booking_uid, here.machine_id)
        if booking.member_id != by:
            raise NoSuch(f"no booking of theirs {booking_uid}")
        if not is_free_to_go(booking, now):
            raise NotAllowed
        end_what_is_over(session, booking.id, now)
        standing = open_of(session, booking.id)
        if standing is not None and standing.email == email:
            return
        if standing is not None:
            raise AlreadyOffered
        known = handover_letters.reader(email)
        if known is not None and known.id == by:
            raise OnesOwn
        _not_too_often(session, booking.id, by, now)
        uid = str(uuid4())
        due_at = handover_due(Slot(booking.starts_at, booking.ends_at), now)
        add_row(
            session,
            Handover,
            uid=uid,
            occupancy_id=booking.id,
            offered_by_id=by,
            email=email,
            offered_to_id=known.id if known else None,
            offered_at=now,
            due_at=due_at,
        )
        handover_letters.offer(
            session, booking.id, uid, known, email, language=language, due_at=due_at, now=now
        )


def _not_too_often(session: Session, occupancy_id: int, by: int, now: datetime) -> None:
    """Counted in their own line, after the machine's: two at once, of two machines, wait."""
    staff.stand_in_line(session, by)
    lately = TABLE.c.offered_by_id == by, TABLE.c.offered_at > now - A_DAY
    of_booking = func.count().filter(TABLE.c.occupancy_id == occupancy_id)
    counts = session.execute(select(of_booking, func.count()).where(*lately)).one()
    sentence = offered_often(*counts)
    if sentence:
        raise OfferedOften(sentence)


def is_free_to_go(booking: Any, now: datetime) -> bool:
    return may_be_handed_over(
        Slot(booking.starts_at, booking.ends_at),
        booking.status,
        arrived_at=booking.arrived_at,
        now=now,
    )


def open_of(session: Session, occupancy_id: int) -> Row[Any] | None:
    """The offer of a booking that nobody has answered; it may be past its time."""
    asked = select(TABLE).where(TABLE.c.occupancy_id == occupancy_id, TABLE.c.ended_at.is_(None))
    return session.execute(asked).first()


def end_what_is_over(session: Session, occupancy_id: int, now: datetime) -> None:
    """One past its time, that the background work has not come to yet, holds up no new one."""
    session.execute(
        update(TABLE)
        .where(
            TABLE.c.occupancy_id == occupancy_id, TABLE.c.ended_at.is_(None), TABLE.c.due_at <= now
        )
        .values(ended_at=now, outcome=HandoverEnd.LAPSED)
    )


@retried
def take_back(booking_uid: str, *, by: int, now: datetime) -> None:
    """Offer it no longer; a second time it changes nothing.

    Raises TooLate once it was accepted, NoSuch for a booking that is not theirs, and Busy.
    """
    here = ledger.find(booking_uid)
    with writing() as session:
        booking = ledger.find_in_line(session, booking_uid, here.machine_id)
        if booking.member_id != by:
            raise TooLate if was_theirs(session, booking.id, by) else NoSuch("no booking of theirs")
        standing = open_of(session, booking.id)
        if standing is not None:
            end(session, standing.id, HandoverEnd.TAKEN_BACK, now)


def was_theirs(session: Session, occupancy_id: int, member_id: int) -> bool:
    asked = select(TABLE.c.id).where(
        TABLE.c.occupancy_id == occupancy_id,
        TABLE.c.offered_by_id == member_id,
        TABLE.c.outcome == HandoverEnd.ACCEPTED,
    )
    return session.scalar(asked.limit(1)) is not None


def end(session: Session, handover_id: int, outcome: HandoverEnd, now: datetime) -> None:
    """Once and for all. Raises TooLate when it ended otherwise a moment ago."""
    ended = session.execute(
        update(TABLE)
        .where(TABLE.c.id == handover_id, TABLE.c.ended_at.is_(None))
        .values(ended_at=now, outcome=outcome)
    )
    if not ended.rowcount:  # type: ignore[attr-defined]
        raise TooLate


# -- the answer


def find(uid: str, member_id: int) -> Row[Any]:
    """What is or was offered to them, with its booking's UID and machine. Raises NoSuch."""
    asked = (
        select(TABLE, Occupancy.uid.label("booking_uid"), Occupancy.machine_id)
        .join(Occupancy.__table__, Occupancy.id == TABLE.c.occupancy_id)
        .where(TABLE.c.uid == uid, TABLE.c.offered_to_id == member_id)
    )
    found = db.session.execute(asked).first()
    if found is None:
        raise NoSuch(f"nothing is offered to them under {uid}")
    return found


def in_line(session: Session, here: Row[Any], by: int) -> tuple[Row[Any], Row[Any]]:
    """The offer and its booking, once it is our turn on the machine."""
    booking = ledger.find_in_line(session, here.booking_uid, here.machine_id)
    return find(here.uid, by), booking


def is_open(offered: Any, booking: Any, now: datetime) -> bool:
    """May it be answered? Not once it is over or taken back, nor when it cannot be had any more."""
    is_whose_it_was = booking.member_id == offered.offered_by_id != offered.offered_to_id
    is_in_time = offered.ended_at is None and now < offered.due_at
    return is_in_time and is_whose_it_was and is_free_to_go(booking, now)


@retried
def accept(uid: str, accepted: Acceptance, *, by: int, now: datetime) -> str:
    """Take over what is offered, and give the booking's UID, which is the one it had; a second
    time it changes nothing.

    Every rule is asked of them as of a new booking, its own time left out, and whose yes they
    need besides: what was agreed to was agreed to somebody else. It never was free, so it is no
    lack of notice, and counts in their quotas as it did in those of whoever gives it.

    Raises BookingRefused with every reason, and it stays where it was; ChangedMeanwhile when it
    is not as they saw it; TooLate once it was answered otherwise, is due, or is not to be had any
    more; NoSuch for what is not offered to them, and Busy.
    """
    here = find(uid, by)
    try:
        with writing() as session:
            offered, booking = in_line(session, here, by)
            if offered.outcome == HandoverEnd.ACCEPTED:
                return str(booking.uid)
            if not is_open(offered, booking, now):
                raise TooLate
            if accepted.revision != booking.revision:
                raise ChangedMeanwhile
            end(session, offered.id, HandoverEnd.ACCEPTED, now)
            _hand_over(session, booking, accepted, to=by, now=now)
            return str(booking.uid)
    except IntegrityError as error:
        if guards.refused(error):
            raise BookingRefused([JUST_TAKEN]) from error
        raise


def _hand_over(
    session: Session, booking: Row[Any], accepted: Acceptance, *, to: int, now: datetime
) -> None:
    inventory = of_place(place_id=_place_of(session, booking))
    machine = inventory.machine(booking.machine_id)
    resources.stand_in_line(session, machine.resources)
    calendar_changed(session, booking.member_id, to)
    order = Order(
        machine.id,
        inventory.place.id,
        Slot(booking.starts_at, booking.ends_at),
        to,
        organization_id=accepted.organization_id,
        buddy_id=accepted.buddy_id,
        is_accompanied=accepted.is_accompanied,
        read_hash=accepted.read_hash,
    )
    facts = facts_for(order, booking.id, booking, machine, now=now)
    standing = standing_of(to, inventory.place.id)
    is_team = bool(standing and standing.is_team)
    ledger.accepted(order, facts, is_team=is_team)
    wanted = ledger.wanted_for(order, facts, is_team=is_team)
    agreed = _agreed_buddy(session, booking)
    # Who agreed to somebody else's booking has not agreed to this one.
    session.execute(delete(Consent.__table__).where(Consent.occupancy_id == booking.id))
    consents.ask(session, booking.id, wanted, due_at=answer_due(order.slot, facts), now=now)
    session.execute(
        update(Occupancy.__table__)
        .where(Occupancy.id == booking.id)
        .values(
            member_id=to,
            created_by_id=to,
            request_key=None,  # of the form of somebody else
            series_id=None,
            reminded_of=None,
            revision=booking.revision + 1,
            changed_at=now,
            **ledger.asked_for(inventory, order, facts, wanted, {}),
        )
    )
    if machine.resources:
        resources.let_go(session, booking.id)
        ledger.claim_seats(session, booking.id, machine, order, facts)
    ledger.note_what_was_read(session, order, machine, now)
    before = {"member": str(booking.member_id), "buddy": str(agreed or "")}
    record(session, booking.id, "handed_over", by=to, now=now, before=before, after=said(order))


def _place_of(session: Session, booking: Row[Any]) -> int:
    asked = select(Machine.place_id).where(Machine.id == booking.machine_id)
    return session.scalars(asked).one()


def _agreed_buddy(session: Session, booking: Row[Any]) -> int | None:
    """Who had agreed to come along with whoever gives it."""
    asked = select(Consent.answered_by_id).where(
        Consent.occupancy_id == booking.id,
        Consent.kind == ConsentKind.BUDDY,
        Consent.answer == Answer.YES,
        Consent.answered_by_id == booking.buddy_id,
    )
    return session.scalars(asked.limit(1)).first()


def facts_for(
    order: Order, occupancy_id: int, booking: Any, machine: MachineFacts, *, now: datetime
) -> Facts:
    """What the rules want to know of whoever would take it over."""
    facts = gather(
        of_place(place_id=order.place_id),
        machine,
        order.member_id,
        order.slot,
        now=now,
        organization_id=order.organization_id,
        buddy_id=order.buddy_id,
        is_accompanied=order.is_accompanied,
        has_read=machine.is_read(order.read_hash),
        moving=occupancy_id,
    )
    facts = replace(facts, kept_start=booking.starts_at)
    if booking.counts_in_quota:
        return replace(facts, policy=replace(facts.policy, last_minute=AT_ONCE))
    return facts


@retried
def decline(uid: str, *, by: int, now: datetime) -> None:
    """Leave it to whose it is, who is told; a second time it changes nothing.

    Raises TooLate once it was answered otherwise, or is over; NoSuch for what is not offered to
    them, and Busy.
    """
    here = find(uid, by)
    with writing() as session:
        offered, booking = in_line(session, here, by)
        if offered.outcome == HandoverEnd.DECLINED:
            return
        if not is_open(offered, booking, now):
            raise TooLate
        end(session, offered.id, HandoverEnd.DECLINED, now)
        handover_letters.not_taken(session, "handover_declined", booking.id, now=now)


# -- the background work

# All that a round with nothing to do asks of the database.
OPEN = select(
    TABLE, Occupancy.uid.label("booking_uid"), Occupancy.machine_id, Occupancy.starts_at
).join(Occupancy.__table__, Occupancy.id == TABLE.c.occupancy_id)
OPEN = OPEN.where(TABLE.c.ended_at.is_(None))


def lapse(now: datetime) -> int:
    """End every offer that was not answered in time, or of which nothing is left; how many.

    Raises Busy.
    """
    is_over = or_(TABLE.c.due_at <= now, Occupancy.starts_at <= now, ~Occupancy.standing)
    over = db.session.execute(OPEN.where(is_over)).all()
    db.session.rollback()
    return sum(_lapse(offered, now) for offered in over)


@retried
def _lapse(offered: Row[Any], now: datetime) -> bool:
    """Whose booking ended meanwhile need not hear that nobody took it."""
    with writing() as session:
        booking = ledger.find_in_line(session, offered.booking_uid, offered.machine_id)
        if booking.standing and now < min(offered.due_at, booking.starts_at):
            return False
        is_left = bool(booking.standing) and now < booking.ends_at
        try:
            end(session, offered.id, HandoverEnd.LAPSED if is_left else HandoverEnd.OVER, now)
        except TooLate:
            return False
        if is_left:
            handover_letters.not_taken(session, "handover_lapsed", booking.id, now=now)
        return True


def tidy(session: Session, now: datetime) -> None:
    """Forget who was offered what long ago; the bookings stay, with what happened to them."""
    session.execute(delete(Handover).where(Handover.ended_at < now - KEPT))
