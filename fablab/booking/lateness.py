"""Until when a booking may be cancelled without leaving a mark."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, select

from fablab.booking.facts import audience_of, standing_of
from fablab.db import db
from fablab.machines.inventory import Inventory, of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Change, Machine
from fablab.members.kinds import Audience
from fablab.members.rules import is_late

# Whoever has just booked may think again: nobody has counted on it yet.
RETHINK = timedelta(minutes=15)


class Limit(NamedTuple):
    """Until when cancelling is free, and of which start."""

    until: datetime
    starts_at: datetime


def limit_of(booking: Any, inventory: Inventory) -> Limit | None:
    return limits_of([booking], inventory)[0]


def limits_of(bookings: Sequence[Any], inventory: Inventory) -> list[Limit | None]:
    """Of each in turn, all of one member: None where nothing follows from cancelling late, as
    there is no such rule or the machine is retired.

    Whoever changes a booking of theirs later than they could have cancelled it is held to the
    slot they had, so that changing and then cancelling is not free, even where the change waits
    for somebody's yes. What nobody has agreed to yet is free otherwise. A booking has the columns
    of an occupancy. Three statements at most, however many there are.
    """
    audience = audience_of(standing_of(bookings[0].member_id, inventory.place.id))
    moves = moves_of(bookings)
    found: list[Limit | None] = []
    for booking in bookings:
        limits = list(left_late(booking, moves[booking.id], inventory, audience))
        if booking.status == Status.CONFIRMED:
            own = limit_at(booking.machine_id, booking.starts_at, booking, inventory, audience)
            limits.append(own)
        found.append(min((limit for limit in limits if limit), default=None))
    return found


def limit_at(
    machine_id: int,
    starts_at: datetime,
    booking: Any,
    inventory: Inventory,
    audience: Audience | None,
) -> Limit | None:
    """Never before a quarter of an hour after the booking was made."""
    machine = inventory.by_id.get(machine_id)
    free = machine.policy_for(audience).free_cancellation if machine else None
    if not free:
        return None
    until = max(starts_at - free, min(booking.created_at + RETHINK, starts_at))
    return Limit(until, starts_at)


def moves_of(bookings: Iterable[Any]) -> dict[int, list[Row[Any]]]:
    """What their member changed of each, by its id. No statement where nothing ever was."""
    moves: dict[int, list[Row[Any]]] = {booking.id: [] for booking in bookings}
    changed = [booking for booking in bookings if booking.revision]
    if not changed:
        return moves
    asked = select(Change.occupancy_id, Change.made_at, Change.before, Change.after).where(
        Change.occupancy_id.in_([booking.id for booking in changed]),
        Change.what == "moved",
        Change.made_by_id == changed[0].member_id,
    )
    for move in db.session.execute(asked):
        moves[move.occupancy_id].append(move)
    return moves


def left_late(
    booking: Any, moves: Iterable[Any], inventory: Inventory, audience: Audience | None
) -> Iterator[Limit | None]:
    """The limits of the confirmed slots after which its member changed it into another one, or
    into one that is not confirmed.
    """
    for move in moves:
        was = move.before
        stays = (was["machine"], was["start"]) == (move.after["machine"], move.after["start"])
        is_kept = stays and move.after.get("status") == Status.CONFIRMED
        if is_kept or was.get("status") != Status.CONFIRMED:
            continue
        starts_at = datetime.fromisoformat(was["start"])
        limit = limit_at(int(was["machine"]), starts_at, booking, inventory, audience)
        if limit and is_late(limit.until, move.made_at):
            yield limit


def late_in(booking: Any, now: datetime) -> int | None:
    """The id of the place where cancelling `booking` now is late; None while it is not."""
    place_id = db.session.scalars(
        select(Machine.place_id).where(Machine.id == booking.machine_id)
    ).one()
    limit = limit_of(booking, of_place(place_id=place_id))
    return place_id if limit and is_late(limit.until, now) else None
