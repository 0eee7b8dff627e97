"""When regular maintenance is due, and for what time the machine is kept free. Pure."""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import count

from fablab.clock import from_wall
from fablab.slots import Slot
from fablab.upkeep.kinds import Unit

A_DAY = timedelta(days=1)
SEARCHED = timedelta(days=7)  # after its own time, for one that is free


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Every so many days, weeks or months; on a weekday, Monday being 1, the first that follows."""

    every: int
    unit: Unit
    weekday: int | None = None

    def after(self, first: date, times: int) -> date:
        """The day that is so many periods after `first`, before the weekday is looked for.

        Months end where they end: a month after 31 January is 28 February, two are 31 March.
        """
        number = self.every * times
        if self.unit is Unit.MONTHS:
            months = first.month - 1 + number
            year, month = first.year + months // 12, months % 12 + 1
            return date(year, month, min(first.day, monthrange(year, month)[1]))
        days = 7 if self.unit is Unit.WEEKS else 1
        return first + timedelta(days=days * number)

    def due(self, first: date, since: date, until: date) -> Iterator[date]:
        """The days on which it is due from `since` to `until`, both included, each once."""
        last = None
        for times in count():
            day = self.on_weekday(self.after(first, times))
            if day > until:
                return
            if day >= since and day != last:
                yield day
            last = day

    def on_weekday(self, day: date) -> date:
        if self.weekday is None:
            return day
        return day + timedelta(days=(self.weekday - day.isoweekday()) % 7)


def slot_on(zone: tzinfo, day: date, at: time, length: timedelta) -> Slot:
    """At that hour of the wall, also when the clocks change; of real hours in length."""
    return Slot.lasting(from_wall(zone, day, at), length)


def first_free(
    wanted: Slot, taken: Sequence[Slot], openings: Sequence[Slot], now: datetime
) -> Slot | None:
    """`wanted`, or the next time of its length on the machine that nothing takes, within a week.

    What was within opening hours stays within them. None when there is no such time, or when what
    is wanted is over.
    """
    is_open = any(opening.covers(wanted) for opening in openings)
    begins = [
        wanted.start,
        *(each.end for each in taken),
        *(each.start for each in openings if is_open),
    ]
    for start in sorted(set(begins)):
        slot = Slot.lasting(start, wanted.duration)
        if not wanted.start <= start <= wanted.start + SEARCHED or start < now:
            continue
        if any(slot.overlaps(each) for each in taken):
            continue
        if not is_open or any(opening.covers(slot) for opening in openings):
            return slot
    return None
