"""What somebody asks for, and how the answer can be no."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from fablab.booking.verdicts import TAKEN, Reason, Refusal
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


class TooLate(Exception):
    """The question waits for an answer no more."""


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
    # Said with it, and no part of what is asked for: which safety text was read, by the machine's
    # `safety_hash`; and by the team, why a rule is set aside.
    read_hash: str = field(default="", compare=False)
    override: str = field(default="", compare=False)


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


def said(order: Order) -> dict[str, str]:
    """What the record keeps of an order; the purpose is the member's own and is left out."""
    return {
        "machine": str(order.machine_id),
        "start": order.slot.start.isoformat(),
        "end": order.slot.end.isoformat(),
        "organization": str(order.organization_id or ""),
        "buddy": str(order.buddy_id or ""),
    }
