"""Who may answer for whom, who may be a buddy, and what follows from an answer. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from fablab.booking.kinds import ConsentKind
from fablab.booking.known import Held


@dataclass(frozen=True, slots=True)
class Answerer:
    """Somebody, as far as the machine and the booking in question go."""

    member_id: int
    is_team: bool = False  # of the place
    is_referent: bool = False  # of the machine
    manages_owner: bool = False  # the organization that owns the machine


def may_answer(
    kind: ConsentKind, who: Answerer, *, asked_id: int | None, booked_for: int | None
) -> bool:
    """Nobody agrees for the team to a booking of their own; the owner's managers may to theirs.

    A question to somebody by name is theirs alone.
    """
    if kind in (ConsentKind.BUDDY, ConsentKind.MEMBER):
        return asked_id is not None and asked_id == who.member_id
    if kind is ConsentKind.OWNER:
        return who.manages_owner
    return (who.is_team or who.is_referent) and who.member_id != booked_for


def ends_it(kind: ConsentKind) -> bool:
    """Does a no of theirs end the booking? Another buddy may be named instead."""
    return kind is not ConsentKind.BUDDY


def may_be_buddy(
    buddy_id: int,
    *,
    booked_for: int,
    is_member: bool,
    membership_ends_on: date | None,
    held: Iterable[Held],
    level: int,
    days: tuple[date, date],
) -> bool:
    """Somebody else, a member still on the booking's days, qualified for the machine by then."""
    first, last = days
    is_member_then = is_member and (membership_ends_on is None or last <= membership_ends_on)
    is_qualified = not level or any(
        each.level >= level and each.is_valid_on(first, last) for each in held
    )
    return buddy_id != booked_for and is_member_then and is_qualified
