"""Whether a booking may be offered to somebody else, and until when they may answer. Pure."""

from datetime import datetime, timedelta

from fablab.machines.kinds import Status
from fablab.slots import Slot
from fablab.words import N_

KEPT_OPEN = timedelta(days=3)
A_DAY = timedelta(days=1)
# Offers in a day: each is a mail to an address that may be of anybody.
OF_A_BOOKING, OF_A_MEMBER = 3, 10
OFTEN = N_("This booking was offered several times today already. Try again tomorrow.")
OFTEN_ALL = N_("You offered bookings many times today already. Try again tomorrow.")


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


def offered_often(of_booking: int, of_member: int) -> str:
    """Why there is no further offer today, by how many there were; empty when there may be."""
    if of_booking >= OF_A_BOOKING:
        return OFTEN
    return OFTEN_ALL if of_member >= OF_A_MEMBER else ""
