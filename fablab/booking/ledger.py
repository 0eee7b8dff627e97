"""Writing bookings down and striking them out: the part that every command shares.

Each function works in a write transaction that is under way, in the machine's line already.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from fablab.booking import consents, rules
from fablab.booking.facts import gather
from fablab.booking.kinds import ConsentKind
from fablab.booking.known import Facts
from fablab.booking.models import Acknowledgement
from fablab.booking.orders import BookingRefused, Order, said
from fablab.booking.quotas import counts_in_quota
from fablab.booking.rules import answer_due, may_override, occupied, refusals
from fablab.booking.sharing_rules import owner_answers_by, silence_is_a_yes
from fablab.db import INSERT, NoSuch, add_row, db
from fablab.machines import resources
from fablab.machines.commands import record, stand_in_line
from fablab.machines.inventory import Inventory, MachineFacts, of_place
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Occupancy
from fablab.members.models import calendar_changed
from fablab.slots import Slot
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import quote


def find(uid: str) -> Row[Any]:
    """The booking's row as it stands in the database now. Raises NoSuch."""
    table = Occupancy.__table__
    row = db.session.execute(
        select(table).where(table.c.uid == uid, table.c.kind == OccupancyKind.BOOKING)
    ).first()
    if row is None:
        raise NoSuch(f"no booking {uid}")
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


def write_down(
    session: Session,
    order: Order,
    *,
    by: int,
    now: datetime,
    key: str | None = None,
    is_team: bool = False,
    series_id: int | None = None,
) -> str:
    """Make the booking and give its UID, when the rules allow it.

    Raises BookingRefused with every reason; the machine then keeps what it had.
    """
    inventory = of_place(place_id=order.place_id)
    machine = inventory.machine(order.machine_id)
    resources.stand_in_line(session, machine.resources)
    turn_the_page(session, order.member_id)
    facts = gather(
        inventory,
        machine,
        order.member_id,
        order.slot,
        now=now,
        organization_id=order.organization_id,
        buddy_id=order.buddy_id,
        is_accompanied=order.is_accompanied,
        has_read=machine.is_read(order.read_hash),
    )
    set_aside = accepted(order, facts, is_team=is_team)
    wanted = wanted_for(order, facts, is_team=is_team)

    columns = asked_for(inventory, order, facts, wanted, set_aside)
    columns |= {"created_by_id": by, "request_key": key, "series_id": series_id}
    uid, made = add_booking(session, order, machine, facts, columns, now=now)
    consents.ask(session, made, wanted, due_at=answer_due(order.slot, facts), now=now)
    note_what_was_read(session, order, machine, now)
    record(session, made, "booked", by=by, now=now, after=said(order) | set_aside)
    return uid


def add_booking(
    session: Session,
    order: Order,
    machine: MachineFacts,
    facts: Facts,
    columns: dict[str, Any],
    *,
    now: datetime,
) -> tuple[str, int]:
    """The row and its seats: what stands from now on; its UID and id.

    For an order that was accepted, or is kept free for its member to accept, in the line of the
    machine, of what it shares, and of the member.
    """
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
        member_id=order.member_id,
        **columns,
    )
    claim_seats(session, made, machine, order, facts)
    return uid, made


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
    """Whose yes is still needed, and who is asked by name."""
    return [
        _asked_of_owner(order.slot, facts)
        if kind is ConsentKind.OWNER
        else consents.Wanted(kind, order.buddy_id if kind is ConsentKind.BUDDY else None)
        for kind in still_to_ask(order.slot, facts, is_team=is_team)
    ]


def _asked_of_owner(slot: Slot, facts: Facts) -> consents.Wanted:
    """As was agreed with them: until when, and what it means when they say nothing."""
    return consents.Wanted(
        ConsentKind.OWNER,
        due_at=owner_answers_by(slot, facts),
        silence_is_a_yes=silence_is_a_yes(slot, facts),
    )


def still_to_ask(slot: Slot, facts: Facts, *, is_team: bool) -> list[ConsentKind]:
    """Whose yes is still needed. What the team books it agrees to."""
    kinds = rules.consents(slot, facts)
    return [kind for kind in kinds if not (is_team and kind in OF_THE_TEAM)]


OF_THE_TEAM = (ConsentKind.TEAM, ConsentKind.COMPANY)


def asked_for(
    inventory: Inventory,
    order: Order,
    facts: Facts,
    wanted: list[consents.Wanted],
    set_aside: dict[str, str],
) -> dict[str, Any]:
    """The columns of the booking that say what was asked for, and how it stands."""
    return {
        "status": Status.PENDING if wanted else Status.CONFIRMED,
        "organization_id": order.organization_id,
        "title": order.purpose,
        "buddy_id": order.buddy_id,
        "is_accompanied": order.is_accompanied,
        "counts_in_quota": counts_in_quota(order.slot, facts),
        "audience": facts.audience,
        "activity": facts.activity,
        "quoted": quote(
            prices_of(inventory),
            order.machine_id,
            facts.audience,
            order.slot,
            is_accompanied=order.is_accompanied,
        ),
        "override_reason": set_aside.get("override", ""),
        **times(order.machine_id, order.slot, occupied(order.slot, facts.policy)),
    }


def claim_seats(
    session: Session, occupancy_id: int, machine: MachineFacts, order: Order, facts: Facts
) -> None:
    """A seat of all that the machine shares; `facts` were gathered in its line."""
    taken = {seat: spans for each in facts.shared for seat, spans in each.taken.items()}
    span = occupied(order.slot, facts.policy)
    resources.claim(session, occupancy_id, machine.resources, span, taken)


def note_what_was_read(
    session: Session, order: Order, machine: MachineFacts, now: datetime
) -> None:
    if not machine.is_read(order.read_hash):
        return
    connection = session.connection()
    said = {"text_hash": machine.safety_hash, "acknowledged_at": now}
    read = INSERT[connection.dialect.name](Acknowledgement.__table__).values(
        member_id=order.member_id, machine_id=machine.id, **said
    )
    connection.execute(
        read.on_conflict_do_update(index_elements=["member_id", "machine_id"], set_=said)
    )


def free(
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

    What was asked about it is asked no longer. Called by `waits` alone, which offers it to whoever
    waits, or knows that it is not free.
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


def of_change(facts: Facts, booking: Row[Any], machine: MachineFacts) -> Facts:
    """What changing `booking`, perhaps to `machine`, adds to the facts: the start it may keep."""
    starts_at: datetime = booking.starts_at
    is_its_own = booking.machine_id == machine.id
    return replace(
        facts,
        kept_start=starts_at if is_its_own else None,
        kept_end=booking.ends_at if is_its_own else None,
        kept_counts=booking.counts_in_quota,
        is_a_change=True,
        is_under_way=starts_at <= facts.now,
    )


def as_counted(facts: Facts, booking: Row[Any], organization_id: int | None) -> Facts:
    """For whom `booking` counts is frozen on it, until it is booked on behalf of somebody else."""
    if booking.audience is None or organization_id != booking.organization_id:
        return facts
    return replace(facts, audience=booking.audience, activity=booking.activity)


def turn_the_page(session: Session, member_id: int) -> None:
    """Raise the version of the member's own calendar, and stand in the line of what is theirs.

    After the machine's line and before the facts are gathered: their other bookings count in
    the rules, and one made on another machine in this very moment is then waited for.
    """
    calendar_changed(session, member_id)


def times(machine_id: int, slot: Slot, whole: Slot) -> dict[str, Any]:
    return {
        "machine_id": machine_id,
        "starts_at": slot.start,
        "ends_at": slot.end,
        "occupied_from": whole.start,
        "occupied_until": whole.end,
    }
