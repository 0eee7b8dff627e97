"""Until when a booking may be cancelled without leaving a mark."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from fablab.booking.facts import audience_of, standing_of
from fablab.db import db
from fablab.machines.inventory import Inventory, of_place
from fablab.machines.models import Machine
from fablab.members.rules import is_late

# Whoever has just booked may think again: nobody has counted on it yet.
RETHINK = timedelta(minutes=15)


def free_until(booking: Any, inventory: Inventory) -> datetime | None:
    """None where nothing follows from cancelling late: no such rule, or a retired machine.

    Never before a quarter of an hour after it was made. `booking` is anything with machine_id,
    member_id, starts_at and created_at. One statement.
    """
    machine = inventory.by_id.get(booking.machine_id)
    if machine is None:
        return None
    standing = standing_of(booking.member_id, inventory.place.id)
    free: timedelta = machine.policy_for(audience_of(standing)).free_cancellation
    starts_at: datetime = booking.starts_at
    if not free:
        return None
    return max(starts_at - free, min(booking.created_at + RETHINK, starts_at))


def late_in(booking: Any, now: datetime) -> int | None:
    """The id of the place where cancelling `booking` now is late; None while it is not."""
    place_id = db.session.scalars(
        select(Machine.place_id).where(Machine.id == booking.machine_id)
    ).one()
    until = free_until(booking, of_place(place_id=place_id))
    return place_id if is_late(until, now) else None
