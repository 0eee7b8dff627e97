"""Whether a booking may be offered to somebody else, and until when they may answer. Pure."""

from datetime import datetime, timedelta

from fablab.machines.kinds import Status
from fablab.slots import Slot

KEPT_OPEN = timedelta(days=3)


def may_be_handed_over(
    slot: Slot, status: Status, *, arrived_at: datetime | None, now: datetime
) -> bool:
    """What is settled and has not begun: a pending booking waits for a yes that was asked for its
    member, and whoever is there already uses it themselves.
    """
    return status is Status.CONFIRMED and now < slot.start and arrived_at is None


def handover_due(slot: Slot, now: datetime) -> datetime:
    """Until when an offer may be answered: three days, and never once it has begun."""
    return min(now + KEPT_OPEN, slot.start)
