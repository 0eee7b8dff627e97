"""What can be done to a booking: gather the facts, ask the rules, write it down."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.booking import consents, lateness, ledger, presence_rules, waits
from fablab.booking.facts import gather
from fablab.booking.known import Facts
from fablab.booking.ledger import find, find_in_line
from fablab.booking.orders import (
    JUST_TAKEN,
    AlreadyUsed,
    BookingRefused,
    ChangedMeanwhile,
    Order,
    order_behind,
    said,
)
from fablab.booking.rules import answer_due, may_cancel, may_move
from fablab.db import NotAllowed, db, retried, writing
from fablab.machines import guards, resources
from fablab.machines.commands import record, stand_in_line
from fablab.machines.inventory import Inventory, MachineFacts, of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Change, Occupancy
from fablab.members import marks
from fablab.members.kinds import MarkKind
from fablab.slots import Slot


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
    order, NoSuch for an unknown machine, and Busy.
    """
    try:
        with writing() as session:
            stand_in_line(session, order.machine_id)
            try:
                return ledger.write_down(session, order, by=by, now=now, key=key, is_team=is_team)
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
        select(Occupancy.uid, Occupancy.member_id, Change.after)
        .join(Change, and_(Change.occupancy_id == Occupancy.id, Change.what == "booked"))
        .where(Occupancy.created_by_id == by, Occupancy.request_key == key)
    ).first()
    if made is None:
        return None
    is_same = made.member_id == order.member_id and said(order).items() <= made.after.items()
    if not is_same:
        raise AlreadyUsed(made.uid)
    uid: str = made.uid
    return uid


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
    """Give a booking another slot, machine, end or purpose; same UID, next revision.

    The rules are asked as for a new booking, its own time left out. For whom it is stays, whatever
    the order says. False when the order is the same again, which changes nothing. `revision` is
    the one that the order was written for.

    Raises BookingRefused, NotAllowed, ChangedMeanwhile when that is no longer its revision,
    NoSuch (no such booking or machine), and Busy.
    """
    here = find(uid)
    try:
        with writing() as session:
            booking = find_in_line(session, uid, here.machine_id, order.machine_id)
            if not may_be_moved(booking, by=by, is_team=is_team, now=now):
                raise NotAllowed
            if waits.is_offer(booking):  # it is to be accepted first, or left to the next
                raise NotAllowed
            order = replace(order, organization_id=booking.organization_id)
            if order_behind(booking, order.place_id) == order:
                return False
            if revision not in (None, booking.revision):
                raise ChangedMeanwhile
            rewrite(session, booking, order, by=by, now=now, is_team=is_team)
            waits.offer(session, booking, now=now)
            return True
    except IntegrityError as error:
        if guards.refused(error):
            raise BookingRefused([JUST_TAKEN]) from error
        raise


def may_be_moved(booking: Row[Any], *, by: int, is_team: bool, now: datetime) -> bool:
    slot = Slot(booking.starts_at, booking.ends_at)
    is_own = booking.member_id == by
    return bool(booking.standing) and may_move(slot, now=now, is_own=is_own, is_team=is_team)


def rewrite(
    session: Session,
    booking: Row[Any],
    order: Order,
    *,
    by: int,
    now: datetime,
    is_team: bool,
    why: str = "",
) -> None:
    """Make the booking what is ordered, in a write that is under way and in the machines' line.

    `why` is told with it. What it leaves is for `waits.offer`, once all that moves is where it
    goes. Raises BookingRefused before anything is written.
    """
    before = order_behind(booking, order.place_id)
    inventory = of_place(place_id=order.place_id)
    machine = inventory.machine(order.machine_id)
    left = inventory.by_id.get(booking.machine_id)
    # Those of the machine it leaves as well: what comes free there may be offered.
    resources.stand_in_line(session, [*machine.resources, *(left.resources if left else ())])
    ledger.turn_the_page(session, booking.member_id)
    facts = facts_of_change(inventory, machine, booking, order, now)
    set_aside = ledger.accepted(order, facts, is_team=is_team)
    columns = ledger.asked_for(inventory, order, facts, [], set_aside)
    if not set_aside and facts.is_shortened(order.slot):
        # What is kept of it stands by the rules that were set aside, which are not all asked again.
        columns["override_reason"] = booking.override_reason
    if keeps_consents(before, order, facts):
        columns["status"] = booking.status
    else:
        columns["status"] = ask_again(session, booking, order, facts, is_team=is_team, now=now)
    columns |= presence_rules.unsaid(booking, order.slot)
    session.execute(
        update(Occupancy.__table__)
        .where(Occupancy.id == booking.id)
        .values(revision=booking.revision + 1, changed_at=now, **columns)
    )
    if left is None or left.resources:
        resources.let_go(session, booking.id)
    if machine.resources:
        ledger.claim_seats(session, booking.id, machine, order, facts)
    ledger.note_what_was_read(session, order, machine, now)
    was = said(before) | {"status": str(booking.status)}
    after = said(order) | set_aside | {"status": str(columns["status"])}
    after |= {"why": why} if why else {}
    record(session, booking.id, "moved", by=by, now=now, before=was, after=after)


def facts_of_change(
    inventory: Inventory, machine: MachineFacts, booking: Row[Any], order: Order, now: datetime
) -> Facts:
    """What the rules want to know of it, as of what it was."""
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
        has_read=machine.is_read(order.read_hash),
        moving=booking.id,
    )
    facts = ledger.of_change(facts, booking, machine)
    return ledger.as_counted(facts, booking, order.organization_id)


def ask_again(
    session: Session, booking: Row[Any], order: Order, facts: Facts, *, is_team: bool, now: datetime
) -> Status:
    """Whoever must agree to what is ordered; what the booking is until they have."""
    if booking.status == Status.PENDING:
        consents.forget(session, booking.id)
    wanted = ledger.wanted_for(order, facts, is_team=is_team)
    consents.ask(session, booking.id, wanted, due_at=answer_due(order.slot, facts), now=now)
    return Status.PENDING if wanted else Status.CONFIRMED


def keeps_consents(before: Order, after: Order, facts: Facts) -> bool:
    """Whether what was agreed to still holds: nobody and nothing else is asked for, no other hours.

    A booking under way was agreed to when it began.
    """
    is_same = (before.machine_id, before.buddy_id, before.is_accompanied) == (
        after.machine_id,
        after.buddy_id,
        after.is_accompanied,
    )
    return facts.is_under_way or (is_same and before.slot.covers(after.slot))


@retried
def cancel(uid: str, *, by: int, is_team: bool, now: datetime, why: str = "") -> None:
    """Free the machine; the booking stays, cancelled, and its record says `why`. Cancelling again
    changes nothing.

    Of whoever cancels their own later than the machine's policy lets them (see `lateness`) it
    leaves a mark; never when the team cancels for them.

    The machine is locked before the booking is read, in the order of every other write: the
    other way round took 1,019 ms where this takes 43.

    Raises NotAllowed, NoSuch (no such booking), and Busy.
    """
    here = find(uid)
    with writing() as session:
        booking = find_in_line(session, uid, here.machine_id)
        if booking.status == Status.CANCELLED:
            return
        if booking.arrived_at is not None and booking.member_id == by and not is_team:
            raise NotAllowed  # whoever is here ends it
        strike_out(session, booking, by=by, is_team=is_team, now=now, why=why)


def strike_out(
    session: Session, booking: Row[Any], *, by: int, is_team: bool, now: datetime, why: str = ""
) -> None:
    """Cancel the booking, in a write that is under way and in the machine's line.

    Raises NotAllowed before anything is written.
    """
    slot = Slot(booking.starts_at, booking.ends_at)
    is_own = booking.member_id == by
    if not booking.standing or not may_cancel(slot, now=now, is_own=is_own, is_team=is_team):
        raise NotAllowed
    place_id = lateness.late_in(booking, now) if is_own else None
    after = {"why": why} if why else None
    waits.give_back(session, booking, Status.CANCELLED, "cancelled", by=by, now=now, after=after)
    if place_id is not None:
        marks.mark(session, booking.member_id, place_id, booking.id, MarkKind.LATE, by=by, now=now)
