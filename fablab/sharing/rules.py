"""When an agreement may end, and when it is said that an insurance ends soon. Pure."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

WARNED = (30, 7)  # days before an insurance ends; on the day itself it has not ended yet


class Days(NamedTuple):
    """From one day to another, both included; without an end when there is no last one."""

    first: date
    last: date | None

    def meets(self, other: "Days") -> bool:
        return (other.last is None or self.first <= other.last) and (
            self.last is None or other.first <= self.last
        )


def in_the_way(asked: Days, others: Iterable[Days]) -> Days | None:
    """The first of the other agreements of a machine that covers one of the same days."""
    return next((each for each in others if each.meets(asked)), None)


def earliest_end(first_day: date, today: date, notice_days: int) -> date:
    """The first day that an agreement may be made to end on, once notice of so many is given."""
    return max(today + timedelta(days=notice_days), first_day)


def warning_due(insured_until: date, today: date, warned: int | None) -> int | None:
    """How many days before its end a warning is due; None when it was given, or none is.

    `warned` is the closest one that was given of that end. Who was away is not told of the
    first one when the second is due.
    """
    left = (insured_until - today).days
    closest = min((days for days in WARNED if 0 <= left <= days), default=None)
    if closest is None or (warned is not None and warned <= closest):
        return None
    return closest
