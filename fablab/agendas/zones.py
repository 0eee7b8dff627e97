"""What a time that is written on somebody's wall is in UTC: the zone a calendar names (RFC 5545
§3.2.19, §3.6.5). Pure.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from fablab.agendas import recurrence
from fablab.agendas.lines import Component, Property, taken_apart
from fablab.agendas.recurrence import OutOfSteps, Steps

# From a wall clock to the instant. Of an hour that comes twice the first is meant; one that never
# comes is read by the offset before it (§3.3.5), which is what `fold=0` does too (PEP 495).
ToUTC = Callable[[datetime], datetime]
STAMP = re.compile(r"(\d{8})T(\d{6})(Z?)", re.ASCII)
OFFSET = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?", re.ASCII)
OBSERVANCES = 50  # of one zone that are read


def in_zone(zone: tzinfo) -> ToUTC:
    return lambda wall: wall.replace(tzinfo=zone).astimezone(UTC)


@cache
def known() -> dict[str, str]:
    """The zones of the IANA database, and by which names in small letters they are asked for."""
    names = {name.lower(): name for name in available_timezones() if name != "localtime"}
    windows = {name.lower(): zone for name, zone in WINDOWS_TO_OLSON.items()}
    return windows | names


def named(name: str) -> ToUTC | None:
    """The zone of the database that is meant: `Europe/Paris`, `Romance Standard Time`, or
    `/mozilla.org/20070129_1/Europe/Paris`.
    """
    words = name.strip().strip('"').lower()
    parts = words.split("/")
    for tail in (words, *("/".join(parts[-length:]) for length in (3, 2))):
        zone = known().get(tail)
        if zone:
            return in_zone(ZoneInfo(zone))
    return None


@dataclass(frozen=True, slots=True)
class Shift:
    """From `at` on the wall shows `after` more than UTC, and not `before` any longer."""

    at: datetime  # naive, in UTC
    before: timedelta
    after: timedelta

    @property
    def is_seen_from(self) -> datetime:
        """The first time on the wall that is read by the new offset alone."""
        return self.at + max(self.before, self.after)


class Zones:
    """The zones that a file may name: those of the database, and those it brings along."""

    def __init__(self, own: Mapping[str, Component], since: date, last: date, steps: Steps) -> None:
        self.own, self.since, self.last, self.steps = own, since, last, steps
        self.found: dict[str, ToUTC | None] = {}

    def get(self, name: str) -> ToUTC | None:
        """None for a zone that nobody knows, or that cannot be read."""
        if name not in self.found:
            self.found[name] = named(name) or self._own(name)
        return self.found[name]

    def _own(self, name: str) -> ToUTC | None:
        component = self.own.get(name)
        if component is None:
            return None
        for line in component.lines:
            if line.name == "X-LIC-LOCATION":
                located = named(line.text.partition(":")[2])
                if located:
                    return located
        try:
            return _by(self._shifts(component))
        except (ValueError, LookupError, OverflowError, OutOfSteps):
            return None

    def _shifts(self, component: Component) -> list[Shift]:
        """Since a while before the calendar begins, so that one of each kind is known."""
        since = self.since - timedelta(days=800)
        found: list[Shift] = []
        for part in component.parts[:OBSERVANCES]:
            if part.name not in ("STANDARD", "DAYLIGHT"):
                continue
            told: dict[str, list[Property]] = {}
            for line in part.lines:
                if line.name in ("DTSTART", "RRULE", "RDATE", "TZOFFSETFROM", "TZOFFSETTO"):
                    told.setdefault(line.name, []).append(taken_apart(line))
            before, after = (_offset(told[name][0].raw) for name in ("TZOFFSETFROM", "TZOFFSETTO"))
            begins = _wall(told["DTSTART"][0].raw)
            walls = {begins, *_dates(told.get("RDATE", ()))}
            self.steps.next_event()
            self.steps.take(len(walls))
            for each in told.get("RRULE", ()):
                rule = recurrence.parsed(each.raw)
                is_over = _is_over(rule.until, begins.time(), before)
                days = recurrence.days(
                    rule, begins.date(), since, self.last, is_over=is_over, steps=self.steps
                )
                walls |= {datetime.combine(day, begins.time()) for day in days}
            found += [Shift(wall - before, before, after) for wall in walls]
        if not found:
            raise ValueError("a zone without an offset")
        return sorted(found, key=lambda shift: shift.at)


def _by(shifts: list[Shift]) -> ToUTC:
    # Of shifts that cross one another, which nobody means, none is passed before the one before it.
    seen = list(accumulate((shift.is_seen_from for shift in shifts), max))

    def to_utc(wall: datetime) -> datetime:
        passed = bisect_right(seen, wall)
        offset = shifts[passed - 1].after if passed else shifts[0].before
        return (wall - offset).replace(tzinfo=UTC)

    return to_utc


def _offset(text: str) -> timedelta:
    found = OFFSET.fullmatch(text.strip())
    if not found:
        raise ValueError(f"no offset: {text[:20]!r}")
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if length >= timedelta(days=1):
        raise ValueError(f"no offset: {text[:20]!r}")
    return -length if found[1] == "-" else length


def _wall(text: str) -> datetime:
    found = STAMP.fullmatch(text.strip())
    if not found:
        raise ValueError(f"no time: {text[:20]!r}")
    return datetime.strptime(found[1] + found[2], "%Y%m%d%H%M%S")  # noqa: DTZ007  (a wall clock's)


def _dates(told: Iterable[Property]) -> list[datetime]:
    return [_wall(word) for each in told for word in each.raw.split(",")]


def _is_over(until: str, at: time, offset: timedelta) -> Callable[[date], bool]:
    """UNTIL of an observance is in UTC (§3.6.5)."""
    if not until:
        return lambda day: False
    is_day = len(until) == 8
    last = _wall(until + "T235959" if is_day else until)
    behind = timedelta(0) if is_day else offset
    return lambda day: datetime.combine(day, at) - behind > last
