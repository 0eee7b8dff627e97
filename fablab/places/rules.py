"""When is the fablab open? Pure: no database, no request, no time of day but the one given."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, time, timedelta, tzinfo
from functools import lru_cache

import holidays

from fablab.clock import from_wall, to_wall, whole_day
from fablab.places.kinds import Mode
from fablab.slots import Slot, merged, without

DAYS_KEPT = 1000  # of a schedule in memory, whatever days its visitors ask for


@dataclass(frozen=True, slots=True)
class WeeklyOpening:
    """One opening of the ordinary week; see the model `Opening` for what its hours mean."""

    weekday: int
    opens_at: time
    closes_at: time
    mode: Mode = Mode.SUPERVISED
    weeks: frozenset[int] = frozenset()  # of the month, 1 to 5; empty for every week

    def falls_on(self, day: date) -> bool:
        week_of_month = (day.day - 1) // 7 + 1
        return day.isoweekday() == self.weekday and (not self.weeks or week_of_month in self.weeks)

    def on(self, zone: tzinfo, day: date) -> Slot | None:
        """The span it opens on `day`; None when the clocks jump over all of it."""
        last = day if self.closes_at > self.opens_at else day + timedelta(days=1)
        start, end = from_wall(zone, day, self.opens_at), from_wall(zone, last, self.closes_at)
        return Slot(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class DaysOff:
    """Whole days, first and last included; each year again when `repeats_yearly`.

    A yearly one may span New Year: 24 December to 2 January.
    """

    first_day: date
    last_day: date
    reason: str
    repeats_yearly: bool = False

    def covers(self, day: date) -> bool:
        if not self.repeats_yearly:
            return self.first_day <= day <= self.last_day
        first, last, that = ((d.month, d.day) for d in (self.first_day, self.last_day, day))
        if self.last_day.year > self.first_day.year:
            return that >= first or that <= last
        return first <= that <= last

    def begins_next(self, today: date) -> date:
        """The first day of those that are not over, or of the only ones; what comes every year
        has begun when it covers `today`.
        """
        if not self.repeats_yearly:
            return self.first_day
        length = self.last_day - self.first_day
        for year in (today.year - 1, today.year):
            start = in_year(self.first_day, year)
            if start + length >= today:
                return start
        return in_year(self.first_day, today.year + 1)


def in_year(day: date, year: int) -> date:
    """The same date of another year; of 29 February the day after where there is none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


@dataclass(frozen=True)
class Schedule:
    """The ordinary week of a place and the days that break it."""

    zone: tzinfo
    openings: tuple[WeeklyOpening, ...] = ()
    closures: tuple[DaysOff, ...] = ()
    holidays_country: str = ""
    holidays_subdivision: str = ""
    language: str = "fr"
    _days: dict[date, "tuple[tuple[Slot, Mode], ...]"] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _open: dict[tuple[date, frozenset[Mode]], list[Slot]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def day_off(self, day: date) -> str | None:
        """Why the place is closed the whole of `day`: a closure's reason or a holiday's name."""
        for closure in self.closures:
            if closure.covers(day):
                return closure.reason
        return self.holiday(day)

    def holiday(self, day: date) -> str | None:
        if not self.holidays_country:
            return None
        return public_holidays(
            self.holidays_country, self.holidays_subdivision, self.language, day.year
        ).get(day)

    def openings_on(self, day: date) -> tuple[tuple[Slot, Mode], ...]:
        """Each opening that has a part in `day`, cut at its midnights, with its mode."""
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= DAYS_KEPT:
                self._days.clear()
            found = self._days[day] = tuple(self._openings_on(day))
        return found

    def _openings_on(self, day: date) -> Iterator[tuple[Slot, Mode]]:
        if self.day_off(day) is not None:
            return
        today = whole_day(self.zone, day)
        for first in (day - timedelta(days=1), day):
            for opening in self.openings:
                span = opening.on(self.zone, first) if opening.falls_on(first) else None
                part = span.within(today) if span else None
                if part:
                    yield part, opening.mode

    def open_time(self, first: date, last: date, modes: Collection[Mode]) -> list[Slot]:
        """The stretches open in one of `modes` from `first` to `last`, both included.

        Openings that touch or overlap are one stretch; a stretch may run over midnight, and
        never into a day off.
        """
        asked = frozenset(modes)
        if first == last:
            return list(self._open_on(first, asked))
        return merged(span for day in days(first, last) for span in self._open_on(day, asked))

    def _open_on(self, day: date, modes: frozenset[Mode]) -> list[Slot]:
        """Asked again and again of the same few days, as when slots are searched for."""
        found = self._open.get((day, modes))
        if found is None:
            if len(self._open) >= DAYS_KEPT:
                self._open.clear()
            found = merged(span for span, mode in self.openings_on(day) if mode in modes)
            self._open[day, modes] = found
        return found

    def is_open(self, span: Slot, modes: Collection[Mode]) -> bool:
        """Is the whole of `span` open in one of `modes`?"""
        stretches = self.open_time(*self.days_of(span), modes)
        return any(stretch.covers(span) for stretch in stretches)

    def closed_time(self, span: Slot, modes: Collection[Mode]) -> list[Slot]:
        """What of `span` is not open in one of `modes`."""
        return without([span], self.open_time(*self.days_of(span), modes))

    def days_of(self, span: Slot) -> tuple[date, date]:
        """The first and last day `span` has a part in, on the place's calendar."""
        last_moment = span.end - timedelta(seconds=1)
        return to_wall(self.zone, span.start).date(), to_wall(self.zone, last_moment).date()

    def next_open_day(self, after: date, modes: Collection[Mode]) -> date | None:
        """The next day with an opening in one of `modes`, at most a year after `after`."""
        for day in days(after + timedelta(days=1), after + timedelta(days=366)):
            if any(mode in modes for _, mode in self.openings_on(day)):
                return day
        return None


@lru_cache(maxsize=64)
def public_holidays(country: str, subdivision: str, language: str, year: int) -> dict[date, str]:
    """The public holidays of one year with their names, from the `holidays` library."""
    return dict(
        holidays.country_holidays(
            country, subdiv=subdivision or None, years=year, language=language or None
        )
    )


def days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))
