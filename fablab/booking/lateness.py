"""Until when a booking may be cancelled without leaving a mark."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select

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
    """None where nothing follows from cancelling late: no such rule, or a retired machine.

    Whoever changes a booking of theirs later than they could have cancelled it is held to the
    slot they had, so that changing and then cancelling is not free, even where the change waits
    for somebody's yes. What nobody has agreed to yet is free otherwise. `booking` has the columns
    of an occupancy. Three statements at most.
    """
    audience = audience_of(standing_of(booking.member_id, inventory.place.id))
    limits = []
    if booking.status == Status.CONFIRMED:
        limits.append(limit_at(booking.machine_id, booking.starts_at, booking, inventory, audience))
    if booking.revision:
        limits += left_late(booking, inventory, audience)
    return min((limit for limit in limits if limit), default=None)


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


def left_late(
    booking: Any, inventory: Inventory, audience: Audience | None
) -> Iterator[Limit | None]:
    """The limits of the confirmed slots after which its member changed it into another one, or
    into one that is not confirmed.
    """
    moves = db.session.execute(
        select(Change.made_at, Change.before, Change.after).where(
            Change.occupancy_id == booking.id,
            Change.what == "moved",
            Change.made_by_id == booking.member_id,
        )
    )
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
