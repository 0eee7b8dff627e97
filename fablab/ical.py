"""What every calendar the fablab writes is made of: the envelope, its time zone, its events.

RFC 5545 for the object, RFC 7986 for its face. `icalendar` writes each property. A VEVENT is
meant to be written once and its bytes kept by the caller: joining them costs a thousandth.
"""

import calendar as months
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component, Timezone, TimezoneDaylight, TimezoneStandard
from icalendar.parser import Contentline
from icalendar.prop import (
    vCalAddress,
    vDDDTypes,
    vDuration,
    vInt,
    vRecur,
    vText,
    vUri,
    vUTCOffset,
)

PRODID = "-//Fablab//Machine booking//FR"
REFRESH = timedelta(hours=1)

# Line breaks that Python's and others' splitlines() know besides CR and LF, and the control
# characters of C0 and C1 but tab: one reader or another ends the line there.
BREAKS = re.compile("\r\n|[\r\u0085\u2028\u2029]")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as a calendar shows it.

    `start` and `end` are instants in UTC, or days: an all-day event ends with the day before
    `end` (RFC 5545 §3.6.1). Everything shown is in here, so that equal entries are the same
    bytes and one can be kept for the other.
    """

    uid: str
    start: datetime | date
    end: datetime | date
    zone: str  # of the IANA database, as `written_zone` gives it
    summary: str
    changed_at: datetime
    created_at: datetime | None = None
    revision: int = 0
    status: str = "CONFIRMED"  # or TENTATIVE, CANCELLED
    is_busy: bool = True
    description: str = ""
    location: str = ""
    category: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Face:
    """What a calendar is called and how it looks in a list of calendars."""

    name: str
    zone: str
    color: str  # a name of CSS3
    url: str = ""  # the page it mirrors


@dataclass(frozen=True, slots=True)
class Written:
    """One VEVENT as it is sent, with what the calendar around it must know of it."""

    content: bytes
    zone: str
    changed_at: datetime


def calendar(face: Face, events: Iterable[Written], *, changed_at: datetime | None = None) -> bytes:
    """A whole VCALENDAR: no METHOD (it would oblige ORGANIZER), no UID of its own.

    Holds the VTIMEZONE of its face even when it has no event, since a VCALENDAR without any
    component is none (§3.6), and one for each other zone an event is in. `changed_at` is when
    anything of it last changed, if an event that is gone may have been the last to.
    """
    events = list(events)
    last = max((event.changed_at for event in events), default=changed_at)
    if changed_at and last:
        last = max(last, changed_at)
    zones = sorted({event.zone for event in events} - {face.zone})
    return b"".join(
        (
            _head(face, last),
            *map(vtimezone, (face.zone, *zones)),
            *[event.content for event in events],
            b"END:VCALENDAR\r\n",
        )
    )


def _head(face: Face, changed_at: datetime | None) -> bytes:
    """The properties of the calendar itself.

    X-WR-CALNAME and X-WR-TIMEZONE are what Google and Apple read, NAME is RFC 7986 §5.1. No
    SOURCE: it would repeat a secret address.
    """
    head = Calendar()
    head["VERSION"] = vText("2.0")
    head["PRODID"] = vText(PRODID)
    head["CALSCALE"] = vText("GREGORIAN")
    head["NAME"] = head["X-WR-CALNAME"] = vText(clean(face.name))
    head["X-WR-TIMEZONE"] = vText(face.zone)
    head["COLOR"] = vText(face.color)
    head.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    head["X-PUBLISHED-TTL"] = vDuration(REFRESH)
    if face.url:
        head["URL"] = vUri(face.url)
    if changed_at:
        head["LAST-MODIFIED"] = vDDDTypes(changed_at)
    return head.to_ical().removesuffix(b"END:VCALENDAR\r\n")


def written(entry: Entry) -> Written:
    return Written(vevent(entry), entry.zone, entry.changed_at)


@dataclass(frozen=True, slots=True)
class Address:
    """Somebody as an invitation names them: a mail address, and what they are called."""

    email: str
    name: str = ""


def invitation(
    entry: Entry,
    method: str,
    *,
    organizer: Address,
    attendee: Address,
    stamp: datetime,
    has_accepted: bool = True,
) -> bytes:
    """A VCALENDAR to send by mail: REQUEST for a booking that is made or changed, CANCEL for one
    that is not any more, each about the event of that UID (RFC 5546 §3.2.2, §3.2.5).

    The attendee has accepted, for it was they who booked, unless it is only offered to them; no
    answer is asked for by mail. DTSTAMP is `stamp`, the moment it was written: among two of one
    SEQUENCE the later counts (§2.1.5).
    """
    people = (
        _person("ORGANIZER", organizer),
        _person(
            "ATTENDEE",
            attendee,
            CUTYPE="INDIVIDUAL",
            ROLE="REQ-PARTICIPANT",
            PARTSTAT="ACCEPTED" if has_accepted else "NEEDS-ACTION",
            RSVP="FALSE",
        ),
    )
    return _message(method, entry.zone, [vevent(entry, *people, stamp=stamp)])


def announcement(entries: Iterable[Entry], *, organizer: Address, stamp: datetime) -> bytes:
    """A VCALENDAR to send by mail that publishes several events at once (RFC 5546 §3.2.1): a
    REQUEST holds one alone.
    """
    entries = list(entries)
    person = _person("ORGANIZER", organizer)
    events = [vevent(entry, person, stamp=stamp) for entry in entries]
    return _message("PUBLISH", entries[0].zone, events)


def _message(method: str, zone: str, events: Iterable[bytes]) -> bytes:
    head = Calendar()
    head["VERSION"] = vText("2.0")
    head["PRODID"] = vText(PRODID)
    head["CALSCALE"] = vText("GREGORIAN")
    head["METHOD"] = vText(method)
    start = head.to_ical().removesuffix(b"END:VCALENDAR\r\n")
    return b"".join((start, vtimezone(zone), *events, b"END:VCALENDAR\r\n"))


def _person(name: str, who: Address, **parameters: str) -> bytes:
    person = vCalAddress(f"mailto:{clean(who.email)}")
    if who.name:
        person.params["CN"] = clean(who.name).replace("\n", " ").replace('"', "'")
    person.params.update(parameters)
    return _line(name, person)


def vevent(entry: Entry, *more: bytes, stamp: datetime | None = None) -> bytes:
    """One VEVENT, with the lines of `more`.

    Without a `stamp` DTSTAMP is the last change and not the time of the request, so that an
    unchanged calendar is the same bytes at every reading (§3.8.7.2). What is often equal stands
    together, for whoever compresses it. Line by line: building an `Event` first costs twice as
    much.
    """
    changed_at = vDDDTypes(entry.changed_at)
    stamped_at = vDDDTypes(stamp) if stamp else changed_at
    start, end = map(vDDDTypes, _bounds(entry))
    lines = [
        b"BEGIN:VEVENT\r\n",
        _line("UID", vText(entry.uid)),
        _line("DTSTAMP", stamped_at),
        _line("LAST-MODIFIED", changed_at),
    ]
    if entry.created_at:
        lines.append(_line("CREATED", vDDDTypes(entry.created_at)))
    lines += [
        _line("SEQUENCE", vInt(entry.revision)),
        _line("DTSTART", start),
        _line("DTEND", end),
        _text("SUMMARY", entry.summary),
        _text("STATUS", entry.status),
        _text("TRANSP", "OPAQUE" if entry.is_busy else "TRANSPARENT"),
    ]
    if entry.description:
        lines.append(_line("DESCRIPTION", vText(clean(entry.description))))
    if entry.location:
        lines.append(_text("LOCATION", entry.location))
    if entry.category:
        lines.append(_text("CATEGORIES", entry.category))
    if entry.url:
        lines.append(_line("URL", vUri(entry.url)))
    lines += more
    lines.append(b"END:VEVENT\r\n")
    return b"".join(lines)


def _line(name: str, value: Any) -> bytes:
    """One content line, folded at 75 octets. Most need no folding, which the library's own
    way finds out letter by letter.
    """
    line = Contentline.from_parts(name, value.params, value)
    whole = line.encode()
    return (whole if len(whole) < 75 else line.to_ical()) + b"\r\n"


@lru_cache(maxsize=1024)
def _text(name: str, text: str) -> bytes:
    """A line that many events share: what a machine is called, where it stands."""
    return _line(name, vText(clean(text)))


def _bounds(entry: Entry) -> tuple[datetime | date, datetime | date]:
    """Start and end as they are written: on the clock of the zone.

    An event that starts or ends in the hour that the clock shows twice is written in UTC. A local
    time means the first pass (§3.3.5), and half the readers that were tried take it for the second.
    """
    if not (isinstance(entry.start, datetime) and isinstance(entry.end, datetime)):
        return entry.start, entry.end
    if entry.zone == "UTC":
        return entry.start, entry.end
    zone = ZoneInfo(entry.zone)
    start, end = entry.start.astimezone(zone), entry.end.astimezone(zone)
    is_told_apart = _comes_once(start) and _comes_once(end)
    return (start, end) if is_told_apart else (entry.start, entry.end)


def _comes_once(wall: datetime) -> bool:
    return wall.replace(fold=0).utcoffset() == wall.replace(fold=1).utcoffset()


def clean(text: str) -> str:
    """The text without what a line of a calendar cannot hold; its line breaks become one kind."""
    return CONTROLS.sub("", BREAKS.sub("\n", text))


# Time zones. What `icalendar` writes of a zone (RDATE lists, the spring change an hour late)
# made three readers show every summer event an hour off: the rules written here are our own,
# and true of the time zone database.

FIRST, LAST = 1996, 2037  # the years compared with the database
HOLDS_SINCE = 2020  # a rule younger than that may be wrong for an event that is still shown
YEAR_WRITTEN = 1970  # where the observances begin; every client knows them from there


@dataclass(frozen=True, slots=True)
class Turn:
    """A yearly change of the clock: on the `weeks`-th such weekday of a month (-1: the last)."""

    month: int
    weekday: int  # 0 for Monday
    at: time  # on the wall clock that it ends
    before: timedelta  # ahead of UTC, until then
    after: timedelta
    name: str
    weeks: frozenset[int]

    def merged(self, other: "Turn") -> "Turn | None":
        """The rule that gives both, if there is one."""
        weeks = self.weeks & other.weeks
        both = Turn(*self._rest, weeks)
        return both if weeks and self._rest == other._rest else None

    @property
    def _rest(self) -> tuple[int, int, time, timedelta, timedelta, str]:
        return self.month, self.weekday, self.at, self.before, self.after, self.name

    def on(self, year: int) -> datetime:
        """When it happens that year, on the wall clock."""
        week = min(self.weeks)
        first, length = months.monthrange(year, self.month)
        days = range(1 + (self.weekday - first) % 7, length + 1, 7)
        return datetime.combine(
            date(year, self.month, days[week if week < 0 else week - 1]), self.at
        )


@lru_cache(maxsize=64)
def turns(zone: str) -> tuple[Turn, ...] | None:
    """The yearly changes of a zone's clock, none where it never changes.

    None when no such rule has held since 2020 at least: the changes follow the moon, say.
    """
    tz = ZoneInfo(zone)
    rule = tuple(_turns_of(tz, LAST))
    for year in range(LAST - 1, FIRST - 1, -1):
        found = _both(rule, tuple(_turns_of(tz, year)))
        if found is None:
            return rule if year < HOLDS_SINCE else None
        rule = found
    return rule


def _both(one: tuple[Turn, ...], other: tuple[Turn, ...]) -> tuple[Turn, ...] | None:
    if len(one) != len(other):
        return None
    both = tuple(filter(None, (a.merged(b) for a, b in zip(one, other, strict=True))))
    return both if len(both) == len(one) else None


def _turns_of(tz: tzinfo, year: int) -> Iterator[Turn]:
    day, step = datetime(year, 1, 1, tzinfo=UTC), timedelta(days=1)
    while day.year == year:
        if _offset(tz, day) != _offset(tz, day + step):
            yield _turn(tz, _moment_of_change(tz, day, day + step))
        day += step


def _moment_of_change(tz: tzinfo, before: datetime, after: datetime) -> datetime:
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if _offset(tz, middle) == _offset(tz, before):
            before = middle
        else:
            after = middle
    return after


def _turn(tz: tzinfo, instant: datetime) -> Turn:
    before, after = _offset(tz, instant - timedelta(seconds=1)), _offset(tz, instant)
    wall = instant.replace(tzinfo=None) + before
    nth = (wall.day - 1) // 7 + 1
    is_last = wall.day + 7 > months.monthrange(wall.year, wall.month)[1]
    return Turn(
        month=wall.month,
        weekday=wall.weekday(),
        at=wall.time(),
        before=before,
        after=after,
        name=instant.astimezone(tz).tzname() or "",
        weeks=frozenset({nth, -1} if is_last else {nth}),
    )


def _offset(tz: tzinfo, instant: datetime) -> timedelta:
    return instant.astimezone(tz).utcoffset() or timedelta(0)


def written_zone(zone: str) -> str:
    """The zone in which the times of a place are written: its own, or UTC.

    UTC when a VTIMEZONE cannot express its rules: every client then shows the right instant,
    and only the name of the zone is lost.
    """
    return zone if turns(zone) is not None else "UTC"


@lru_cache(maxsize=64)
def vtimezone(zone: str) -> bytes:
    """The one constant VTIMEZONE of a zone: open rules by weekday, no RDATE.

    Raises ValueError for a zone that `written_zone` would not give.
    """
    rule = turns(zone)
    if rule is None:
        raise ValueError(f"no yearly rule gives the clock of {zone}")
    component = Timezone()
    component["TZID"] = vText(zone)
    for turn in rule:
        component.add_component(_observance(turn))
    if not rule:
        component.add_component(_constant(ZoneInfo(zone)))
    return component.to_ical()


def _observance(turn: Turn) -> Component:
    kind = TimezoneDaylight if turn.after > turn.before else TimezoneStandard
    day = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[turn.weekday]
    observance = _offsets(kind(), turn.on(YEAR_WRITTEN), turn.before, turn.after, turn.name)
    observance["RRULE"] = vRecur(
        {"FREQ": "YEARLY", "BYMONTH": turn.month, "BYDAY": f"{min(turn.weeks)}{day}"}
    )
    return observance


def _constant(tz: tzinfo) -> Component:
    now = datetime(LAST, 1, 1, tzinfo=UTC)
    offset, name = _offset(tz, now), now.astimezone(tz).tzname() or ""
    since = datetime.combine(date(YEAR_WRITTEN, 1, 1), time.min)
    return _offsets(TimezoneStandard(), since, offset, offset, name)


def _offsets(
    observance: Component, starts: datetime, before: timedelta, after: timedelta, name: str
) -> Component:
    observance["DTSTART"] = vDDDTypes(starts)
    observance["TZOFFSETFROM"] = vUTCOffset(before)
    observance["TZOFFSETTO"] = vUTCOffset(after)
    observance["TZNAME"] = vText(name)
    return observance
