"""What can be done to a booking: gather the facts, ask the rules, write it down."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, and_, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.booking import consents, lateness, rules
from fablab.booking.facts import gather
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Acknowledgement
from fablab.booking.rules import (
    TAKEN,
    Facts,
    Reason,
    Refusal,
    answer_due,
    counts_in_quota,
    may_cancel,
    may_move,
    may_override,
    occupied,
    refusals,
)
from fablab.db import add_row, db, retried, writing
from fablab.machines import guards, resources
from fablab.machines.commands import record, stand_in_line
from fablab.machines.inventory import MachineFacts, of_place
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Change, Occupancy
from fablab.members import marks
from fablab.members.kinds import MarkKind
from fablab.members.models import Member
from fablab.slots import Slot
from fablab.words import N_

# Said when the database, and not the rules, found the slot taken: somebody was faster.
JUST_TAKEN = Refusal(Reason.TAKEN, N_("Somebody has just taken this slot."))


class BookingRefused(Exception):
    """The answer is no, for each of `refusals`. A member's mistake, never a bug."""

    def __init__(self, reasons: list[Refusal]) -> None:
        super().__init__(", ".join(refusal.reason for refusal in reasons))
        self.refusals = reasons

    @property
    def is_only_taken(self) -> bool:
        """True when the slot being taken, or what it shares, is all that stands in the way."""
        return {refusal.reason for refusal in self.refusals} <= TAKEN


class AlreadyUsed(Exception):
    """The form has made the booking `uid` already, and asks for something else now."""

    def __init__(self, uid: str) -> None:
        super().__init__(uid)
        self.uid = uid


class ChangedMeanwhile(Exception):
    """The booking is not as it was when the form was drawn."""


class NotAllowed(Exception):
    """They may see the booking but not do this to it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks for: a machine, a slot, for whom and what for."""

    machine_id: int
    place_id: int
    slot: Slot
    member_id: int
    purpose: str = ""
    organization_id: int | None = None
    buddy_id: int | None = None
    is_accompanied: bool = False
    # Said with it, and no part of what is asked for: that the machine's safety rules are read;
    # and by the team, why a rule is set aside.
    has_read: bool = field(default=False, compare=False)
    override: str = field(default="", compare=False)


@retried
def book(
    order: Order, *, by: int, now: datetime, key: str | None = None, is_team: bool = False
) -> str:
    """Make the booking and give its UID. It is pending when somebody's yes is needed still.

    `is_team` says that `by` is on the place's team: what the team books it agrees to, and it may
    set some rules aside, for the reason that the order gives.

    A `key` makes one booking of one person: sent again it gives the one it made, even when that
    has been moved or cancelled since, so that a double click or a repeated POST books once. A
    form that was refused made none and may be sent with other hours.

    Raises BookingRefused with every reason, AlreadyUsed when the key made a booking of another
    order, LookupError for an unknown machine, and Busy.
    """
    try:
        with writing() as session:
            stand_in_line(session, order.machine_id)
            try:
                return _write_down(session, order, by=by, now=now, key=key, is_team=is_team)
            except BookingRefused:
                made = made_with(key, order, by) if key else None
                if made:
                    return made
                raise
    except IntegrityError as error:
        if guards.refused(error):
            raise BookingRefused([JUST_TAKEN]) from error
        made = made_with(key, order, by) if key else None
        if made is None:
            raise
        return made


def made_with(key: str, order: Order, by: int) -> str | None:
    """The UID of the booking that this form already made, if it did.

    Raises AlreadyUsed when what it asked for then, as recorded, is not `order`.
    """
    made = db.session.execute(
        select(Occupancy.uid, Change.after)
        .join(Change, and_(Change.occupancy_id == Occupancy.id, Change.what == "booked"))
        .where(Occupancy.created_by_id == by, Occupancy.request_key == key)
    ).first()
    if made is None:
        return None
    if not said(order).items() <= made.after.items():
        raise AlreadyUsed(made.uid)
    uid: str = made.uid
    return uid


def _write_down(
    session: Session, order: Order, *, by: int, now: datetime, key: str | None, is_team: bool
) -> str:
    inventory = of_place(place_id=order.place_id)
    machine = inventory.by_id[order.machine_id]
    resources.stand_in_line(session, machine.resources)
    facts = gather(
        inventory,
        machine,
        order.member_id,
        order.slot,
        now=now,
        organization_id=order.organization_id,
        buddy_id=order.buddy_id,
        is_accompanied=order.is_accompanied,
        has_read=order.has_read,
    )
    set_aside = accepted(order, facts, is_team=is_team)
    wanted = wanted_for(order, facts, is_team=is_team)

    uid = str(uuid4())
    made = add_row(
        session,
        Occupancy,
        uid=uid,
        kind=OccupancyKind.BOOKING,
        standing=True,
        revision=0,
        created_at=now,
        changed_at=now,
        created_by_id=by,
        request_key=key,
        member_id=order.member_id,
        **asked_for(order, facts, wanted, set_aside),
    )
    _claim(session, made, machine, order, facts)
    consents.ask(session, made, wanted, due_at=answer_due(order.slot, facts), now=now)
    _note_what_was_read(session, order, machine, now)
    turn_the_page(session, order.member_id)
    record(session, made, "booked", by=by, now=now, after=said(order) | set_aside)
    return uid


def accepted(order: Order, facts: Facts, *, is_team: bool) -> dict[str, str]:
    """The rules that the team sets aside for this order, and why; empty when none forbids it.

    Raises BookingRefused when one forbids it that is not, or may not be, set aside.
    """
    reasons = refusals(order.slot, facts)
    if not reasons:
        return {}
    if not (is_team and order.override and may_override(reasons, facts.policy)):
        raise BookingRefused(reasons)
    return {
        "override": order.override,
        "rules": " ".join(refusal.reason for refusal in reasons),
    }


def wanted_for(order: Order, facts: Facts, *, is_team: bool) -> list[consents.Wanted]:
    """Whose yes is still needed. What the team books it agrees to."""
    kinds = rules.consents(order.slot, facts)
    if is_team:
        kinds = [kind for kind in kinds if kind not in OF_THE_TEAM]
    return [
        consents.Wanted(kind, order.buddy_id if kind is ConsentKind.BUDDY else None)
        for kind in kinds
    ]


OF_THE_TEAM = (ConsentKind.TEAM, ConsentKind.COMPANY)


def asked_for(
    order: Order, facts: Facts, wanted: list[consents.Wanted], set_aside: dict[str, str]
) -> dict[str, Any]:
    """The columns of the booking that say what was asked for, and how it stands."""
    return {
        "status": Status.PENDING if wanted else Status.CONFIRMED,
        "organization_id": order.organization_id,
        "title": order.purpose,
        "buddy_id": order.buddy_id,
        "is_accompanied": order.is_accompanied,
        "counts_in_quota": counts_in_quota(order.slot, facts),
        "override_reason": set_aside.get("override", ""),
        **times(order.machine_id, order.slot, occupied(order.slot, facts.policy)),
    }


def _claim(
    session: Session, occupancy_id: int, machine: MachineFacts, order: Order, facts: Facts
) -> None:
    """A seat of all that the machine shares; `facts` were gathered in its line."""
    taken = {seat: spans for each in facts.shared for seat, spans in each.taken.items()}
    span = occupied(order.slot, facts.policy)
    resources.claim(session, occupancy_id, machine.resources, span, taken)


def _note_what_was_read(
    session: Session, order: Order, machine: MachineFacts, now: datetime
) -> None:
    if not order.has_read or not machine.safety_hash:
        return
    key = {"member_id": order.member_id, "machine_id": machine.id}
    session.execute(delete(Acknowledgement).filter_by(**key))
    add_row(
        session,
        Acknowledgement,
        text_hash=machine.safety_hash,
        acknowledged_at=now,
        **key,
    )


@retried
def move(
    uid: str,
    order: Order,
    *,
    by: int,
    is_team: bool,
    now: datetime,
    revision: int | None = None,
) -> bool:
    """Give a booking another slot, machine, end, purpose or organization; same UID, next revision.

    The rules are asked as for a new booking, its own time left out. False when the order is the
    same again, which changes nothing. `revision` is the one that the order was written for.

    Raises BookingRefused, NotAllowed, ChangedMeanwhile when that is no longer its revision,
    LookupError (no such booking or machine), and Busy.
    """
    here = find(uid)
    try:
        with writing() as session:
            booking = find_in_line(session, uid, here.machine_id, order.machine_id)
            if not may_be_moved(booking, by=by, is_team=is_team, now=now):
                raise NotAllowed
            if order_behind(booking, order.place_id) == order:
                return False
            if revision not in (None, booking.revision):
                raise ChangedMeanwhile
            _move(session, booking, order, by=by, now=now, is_team=is_team)
            return True
    except IntegrityError as error:
        if guards.refused(error):
            raise BookingRefused([JUST_TAKEN]) from error
        raise


def may_be_moved(booking: Row[Any], *, by: int, is_team: bool, now: datetime) -> bool:
    slot = Slot(booking.starts_at, booking.ends_at)
    is_own = booking.member_id == by
    return bool(booking.standing) and may_move(slot, now=now, is_own=is_own, is_team=is_team)


def order_behind(booking: Row[Any], place_id: int) -> Order:
    """What would have to be ordered for `booking` to be as it is."""
    return Order(
        booking.machine_id,
        place_id,
        Slot(booking.starts_at, booking.ends_at),
        booking.member_id,
        booking.title,
        booking.organization_id,
        booking.buddy_id,
        booking.is_accompanied,
    )


def _move(
    session: Session, booking: Row[Any], order: Order, *, by: int, now: datetime, is_team: bool
) -> None:
    before = order_behind(booking, order.place_id)
    inventory = of_place(place_id=order.place_id)
    machine = inventory.by_id[order.machine_id]
    resources.stand_in_line(session, machine.resources)
    facts = gather(
        inventory,
        machine,
        booking.member_id,
        order.slot,
        now=now,
        organization_id=order.organization_id
        if order.organization_id != booking.organization_id
        else None,
        buddy_id=order.buddy_id,
        is_accompanied=order.is_accompanied,
        has_read=order.has_read,
        moving=booking.id,
    )
    facts = of_change(facts, booking, machine)
    set_aside = accepted(order, facts, is_team=is_team)
    columns = asked_for(order, facts, [], set_aside)
    is_asked_again = not keeps_consents(before, order, facts)
    if is_asked_again:
        if booking.status == Status.PENDING:
            consents.forget(session, booking.id)
        wanted = wanted_for(order, facts, is_team=is_team)
        consents.ask(session, booking.id, wanted, due_at=answer_due(order.slot, facts), now=now)
        columns["status"] = Status.PENDING if wanted else Status.CONFIRMED
    else:
        columns["status"] = booking.status

    session.execute(
        update(Occupancy.__table__)
        .where(Occupancy.id == booking.id)
        .values(revision=booking.revision + 1, changed_at=now, **columns)
    )
    left = inventory.by_id.get(booking.machine_id)
    if left is None or left.resources:
        resources.let_go(session, booking.id)
    if machine.resources:
        _claim(session, booking.id, machine, order, facts)
    _note_what_was_read(session, order, machine, now)
    turn_the_page(session, booking.member_id)
    after = said(order) | set_aside
    record(session, booking.id, "moved", by=by, now=now, before=said(before), after=after)


def keeps_consents(before: Order, after: Order, facts: Facts) -> bool:
    """Whether what was agreed to still holds: no other machine or buddy, and no other hours.

    A booking under way was agreed to when it began.
    """
    is_same = (before.machine_id, before.buddy_id) == (after.machine_id, after.buddy_id)
    return facts.is_under_way or (is_same and before.slot.covers(after.slot))


@retried
def cancel(uid: str, *, by: int, is_team: bool, now: datetime) -> None:
    """Free the machine; the booking stays, cancelled. Cancelling again changes nothing.

    Of whoever cancels their own, confirmed, later than the machine's policy lets them, it leaves
    a mark; never when the team cancels for them.

    The machine is locked before the booking is read, in the order of every other write: the
    other way round took 1,019 ms where this takes 43.

    Raises NotAllowed, LookupError (no such booking), and Busy.
    """
    here = find(uid)
    with writing() as session:
        booking = find_in_line(session, uid, here.machine_id)
        if booking.status == Status.CANCELLED:
            return
        slot = Slot(booking.starts_at, booking.ends_at)
        is_own = booking.member_id == by
        if not booking.standing or not may_cancel(slot, now=now, is_own=is_own, is_team=is_team):
            raise NotAllowed
        is_to_count = is_own and booking.status == Status.CONFIRMED
        place_id = lateness.late_in(booking, now) if is_to_count else None
        release(session, booking, Status.CANCELLED, "cancelled", by=by, now=now)
        if place_id is not None:
            marks.mark(
                session, booking.member_id, place_id, booking.id, MarkKind.LATE, by=by, now=now
            )


def release(
    session: Session,
    booking: Row[Any],
    status: Status,
    what: str,
    *,
    by: int | None,
    now: datetime,
    after: dict[str, str] | None = None,
) -> None:
    """Free the machine, and the seats it took of shared resources; the record says `what`.

    What was asked about it is asked no longer.
    """
    session.execute(
        update(Occupancy.__table__)
        .where(Occupancy.id == booking.id)
        .values(
            status=status,
            standing=False,
            cancelled_at=now if status == Status.CANCELLED else None,
            changed_at=now,
            revision=booking.revision + 1,
        )
    )
    resources.let_go(session, booking.id)
    if booking.status == Status.PENDING:
        consents.forget(session, booking.id)
    turn_the_page(session, booking.member_id)
    record(session, booking.id, what, by=by, now=now, after=after)


def find(uid: str) -> Row[Any]:
    """The booking's row as it stands in the database now. Raises LookupError."""
    table = Occupancy.__table__
    row = db.session.execute(
        select(table).where(table.c.uid == uid, table.c.kind == OccupancyKind.BOOKING)
    ).first()
    if row is None:
        raise LookupError(f"no booking {uid}")
    return row


def find_in_line(session: Session, uid: str, *machine_ids: int) -> Row[Any]:
    """The booking, once it is our turn on all of `machine_ids` and on the machine it is on now.

    It may have been moved while we waited; then its new machine's turn is waited for as well.
    """
    held = set(machine_ids)
    stand_in_line(session, *held)
    while (booking := find(uid)).machine_id not in held:
        stand_in_line(session, booking.machine_id)
        held.add(booking.machine_id)
    return booking


def of_change(facts: Facts, booking: Row[Any], machine: MachineFacts) -> Facts:
    """What changing `booking`, perhaps to `machine`, adds to the facts: the start it may keep."""
    starts_at: datetime = booking.starts_at
    is_its_own = booking.machine_id == machine.id
    return replace(
        facts,
        kept_start=starts_at if is_its_own else None,
        kept_end=booking.ends_at if is_its_own else None,
        is_a_change=True,
        is_under_way=starts_at <= facts.now,
    )


def turn_the_page(session: Session, member_id: int) -> None:
    """Raise the version of the member's own calendar."""
    session.execute(
        update(Member)
        .where(Member.id == member_id)
        .values(calendar_revision=Member.calendar_revision + 1)
        .execution_options(synchronize_session=False)
    )


def times(machine_id: int, slot: Slot, whole: Slot) -> dict[str, Any]:
    return {
        "machine_id": machine_id,
        "starts_at": slot.start,
        "ends_at": slot.end,
        "occupied_from": whole.start,
        "occupied_until": whole.end,
    }


def said(order: Order) -> dict[str, str]:
    """What the record keeps of an order; the purpose is the member's own and is left out."""
    return {
        "machine": str(order.machine_id),
        "start": order.slot.start.isoformat(),
        "end": order.slot.end.isoformat(),
        "organization": str(order.organization_id or ""),
        "buddy": str(order.buddy_id or ""),
    }
