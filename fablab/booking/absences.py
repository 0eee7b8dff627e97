"""Nobody came: the machine is given to the others, and it is held against whoever booked."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from fablab.booking import ledger, waits
from fablab.db import NotAllowed, retried, writing
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.members import marks
from fablab.members.kinds import MarkKind


@retried
def mark_missed(booking_uid: str, place_id: int, *, by: int | None, now: datetime) -> None:
    """Release the machine from a booking nobody came to, once it has started.

    Called by the team of the place, which the caller has checked; `by` nobody when the house rules
    do it. A second time it changes nothing. Raises NotAllowed before the start, for a booking that
    was not confirmed, for one's own, and once they have arrived; NoSuch (no such booking), and
    Busy.
    """
    here = ledger.find(booking_uid)
    with writing() as session:
        booking = ledger.find_in_line(session, booking_uid, here.machine_id)
        # Who says at this very moment that they are here stands in no line.
        session.execute(select(Occupancy.id).where(Occupancy.id == booking.id).with_for_update())
        booking = ledger.find(booking_uid)
        if booking.status == Status.MISSED:
            return
        if not may_be_missed(booking, by=by, now=now):
            raise NotAllowed
        waits.give_back(session, booking, Status.MISSED, "missed", by=by, now=now)
        marks.mark(
            session, booking.member_id, place_id, booking.id, MarkKind.MISSED, by=by, now=now
        )


def may_be_missed(booking: Any, *, by: int | None, now: datetime) -> bool:
    return (
        booking.status == Status.CONFIRMED
        and booking.starts_at <= now
        and booking.arrived_at is None
        and booking.member_id != by
    )
