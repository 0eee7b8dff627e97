"""Sums of time: open, booked and really used. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from fablab.slots import Slot, TimeUsed, merged

NONE = TimeUsed(0)


class Use(NamedTuple):
    """Of one machine or of several together, whose hours then add up (machine-hours)."""

    open: timedelta = NONE
    booked: timedelta = NONE
    used: timedelta | None = None  # None where nobody noted who came when

    @property
    def share(self) -> int:
        """How much of the open time is booked, in whole percent; 0 where nothing is open.

        What runs outside the hours counts as booked too, so that a night's work may fill a day;
        more than the whole is the whole.
        """
        if not self.open:
            return 0
        return min(round(100 * (self.booked / self.open)), 100)


def use_of(
    span: Slot,
    openings: Iterable[Slot],
    booked: Iterable[Slot],
    really: Sequence[Slot] | None = None,
    *,
    only_open_time: bool = False,
) -> Use:
    """Of one machine in `span`: the parts in it of its openings, bookings and real stays.

    With `only_open_time` what is booked counts while it is open: a thing lent for three days is
    not at work at night.
    """
    opened = _parts(openings, span)
    taken = _parts(booked, span)
    if only_open_time:
        taken = [part for opening in opened for part in _parts(taken, opening)]
    stayed = None if really is None else _sum(_parts(really, span))
    return Use(_sum(opened), _sum(taken), stayed)


def stay(
    booked: Slot, arrived_at: datetime | None, left_at: datetime | None, *, now: datetime
) -> Slot | None:
    """When somebody was really there; until the end, or so far, when nobody said that they left."""
    if arrived_at is None:
        return None
    until = left_at or min(booked.end, now)
    return Slot(arrived_at, until) if arrived_at < until else None


def together(uses: Iterable[Use]) -> Use:
    """The sum of all; what was really used as far as it is known of any."""
    all_of_them = list(uses)
    known = [use.used for use in all_of_them if use.used is not None]
    return Use(
        _total(use.open for use in all_of_them),
        _total(use.booked for use in all_of_them),
        _total(known) if known else None,
    )


def _parts(spans: Iterable[Slot], whole: Slot) -> list[Slot]:
    return merged(part for span in spans if (part := span.within(whole)))


def _sum(spans: Iterable[Slot]) -> timedelta:
    return _total(span.duration for span in spans)


def _total(lengths: Iterable[timedelta]) -> timedelta:
    return TimeUsed(seconds=sum(length.total_seconds() for length in lengths))
