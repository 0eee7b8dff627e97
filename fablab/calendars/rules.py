"""Who may read which calendar, which days it covers, and the days off it shows. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from fablab.calendars.kinds import Scope
from fablab.clock import midnight, today, whole_days
from fablab.slots import Slot

BACK = timedelta(days=30)  # how far into the past a calendar goes
AHEAD = timedelta(days=7)  # how far the day's calendar looks beyond today
REPEATS = 2  # the years after this one for which what comes back each year is written out
FAR = datetime(9999, 1, 1, tzinfo=UTC)


class Reader(NamedTuple):
    """How somebody stands in the place of a calendar, at the moment they read it."""

    is_member: bool  # and the membership has not run out
    is_team: bool = False
    is_suspended: bool = False
    runs_organization: bool = False  # the one the calendar is about


def may_read(scope: Scope, reader: Reader) -> bool:
    """Asked before an address is made, and again at each reading of it."""
    if reader.is_suspended:
        return False
    if scope is Scope.MEMBER:
        return True
    if scope is Scope.DAY:
        return reader.is_team
    if scope is Scope.ORGANIZATION:
        return reader.runs_organization
    return reader.is_member or reader.is_team


def reaches(last: date | None, day: date) -> bool:
    """Whether what is good up to and including `last` still is on `day`; none: without end."""
    return last is None or day <= last


def span(scope: Scope, zone: tzinfo, now: datetime) -> Slot:
    """What the calendar covers: thirty days back to all the future; the day's calendar from
    the midnight today began with, today whole and the seven days after it.
    """
    day = today(zone, now)
    if scope is Scope.DAY:
        return whole_days(zone, day, day + AHEAD)
    return Slot(midnight(zone, day - BACK), FAR)


class Days(NamedTuple):
    """Consecutive whole days off, first and last included."""

    first: date
    last: date


def times_closed(
    first: date, last: date, *, is_yearly: bool, since: date, until: date
) -> Iterator[Days]:
    """When a closure holds within `since` to `until`; once at most unless it is yearly.

    A yearly one holds in every year, that of its first day being only where it was written
    down, and may span New Year. The 29th of February stands for the 1st of March as a first
    day, for the 28th as a last one, in years that lack it.
    """
    if not is_yearly:
        if first <= until and since <= last:
            yield Days(first, last)
        return
    spans_new_year = last.year > first.year
    for year in range(since.year - 1, until.year + 1):
        starts = _on(year, first, date(year, 3, 1))
        ends_in = year + spans_new_year
        ends = _on(ends_in, last, date(ends_in, 2, 28))
        if starts <= ends and starts <= until and since <= ends:
            yield Days(starts, ends)


def _on(year: int, day: date, otherwise: date) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return otherwise
