"""May somebody say that they have arrived, or leave before the end; when is nobody waited for any
more? Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from fablab.machines.kinds import Status
from fablab.slots import Slot
from fablab.words import N_

EARLY = timedelta(minutes=15)  # before the start
UNDONE_WITHIN = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)


class No(NamedTuple):
    """Why it cannot be: a sentence, and what fills its named places."""

    sentence: str
    values: Mapping[str, Any] = MappingProxyType({})


PENDING = No(N_("It is not confirmed yet."))
ENDED = No(N_("The booking does not stand any more."))
OVER = No(N_("The booking is over."))
OUT = No(N_("The machine is out of service."))
NOBODY_HERE = No(N_("Nobody has arrived yet."))
NOTHING_TO_UNDO = No(N_("There is nothing to undo."))
TOO_LATE_TO_UNDO = No(N_("It is too late to undo this: five minutes have passed."))
TAKEN = No(N_("Somebody else has the machine by now: it cannot be given back."))
SHARED_TAKEN = No(N_("What the machine shares with others is taken by now."))


@dataclass(frozen=True, slots=True)
class Stay:
    """A booking, and what was really seen of it."""

    status: Status
    slot: Slot
    arrived_at: datetime | None = None
    left_at: datetime | None = None


def stay_of(row: Any) -> Stay:
    """`row` has the columns of an occupancy."""
    return Stay(row.status, Slot(row.starts_at, row.ends_at), row.arrived_at, row.left_at)


def why_not_arrive(stay: Stay, *, now: datetime, is_in_service: bool) -> No | None:
    """None is a yes: from a quarter of an hour before the start until the end, not included."""
    if stay.status == Status.PENDING:
        return PENDING
    if stay.status != Status.CONFIRMED:
        return ENDED
    if now >= stay.slot.end:
        return OVER
    if not is_in_service:
        return OUT
    since = stay.slot.start - EARLY
    if now < since:
        return No(
            N_("It is too early: say that you are here from %(moment)s on."), {"moment": since}
        )
    return None


def why_not_leave(stay: Stay, *, now: datetime) -> No | None:
    """None is a yes: whoever arrived, before its start too, and until it ends."""
    if stay.status != Status.CONFIRMED:
        return ENDED
    if now >= stay.slot.end:
        return OVER
    return NOBODY_HERE if stay.arrived_at is None else None


def may_arrive(stay: Stay, *, now: datetime, is_in_service: bool) -> bool:
    is_expected = stay.arrived_at is None
    return is_expected and why_not_arrive(stay, now=now, is_in_service=is_in_service) is None


def may_leave(stay: Stay, *, now: datetime) -> bool:
    return stay.left_at is None and why_not_leave(stay, now=now) is None


def left_for_others(slot: Slot, now: datetime) -> datetime:
    """The end of a booking whose machine is left `now`: this minute, rounded up, and never later
    than it was booked for, nor before a minute of it has passed.
    """
    minute = now.replace(second=0, microsecond=0)
    rounded = minute if minute == now else minute + MINUTE
    return min(max(rounded, slot.start + MINUTE), slot.end)


def unsaid(booking: Any, slot: Slot) -> dict[str, None]:
    """What was said of being there and is so no longer, once the booking is for `slot`: whoever is
    here is not for another start, and has not left what goes on.
    """
    if slot.start != booking.starts_at:
        return {"arrived_at": None, "left_at": None}
    return {"left_at": None} if slot.end > booking.ends_at else {}


def is_given_up(slot: Slot, after: timedelta, *, now: datetime, watched_since: datetime) -> bool:
    """Is nobody waited for any more? `after` its start, all of it while somebody could have said
    that they are here: not of what began before anybody watched. 0 means that it is always kept.
    """
    since = max(slot.start, watched_since)
    return bool(after) and since + after <= now < slot.end


def given_up_at(slot: Slot, after: timedelta) -> datetime | None:
    """When nobody is waited for any more, if that comes before its end."""
    until = slot.start + after
    return until if after and until < slot.end else None


def why_not_undo(what: str, made_at: datetime, *, now: datetime) -> No | None:
    """Of the last thing that happened to a booking."""
    if what not in UNDOABLE:
        return NOTHING_TO_UNDO
    return None if now < made_at + UNDONE_WITHIN else TOO_LATE_TO_UNDO


UNDOABLE = ("missed", "ended_early")


def may_undo(stay: Stay, changed_at: datetime, *, now: datetime) -> bool:
    """The same by what a booking alone says of its last change: one that ended it early was made
    when its member left.
    """
    was_ended = stay.left_at is not None and stay.left_at == changed_at
    return (stay.status == Status.MISSED or was_ended) and now < changed_at + UNDONE_WITHIN
