"""The calendars as their readers see them: which events, in which words, in which version.

A calendar is asked whether it changed far more often than for its events, so its version comes
from counters alone. Each event is written once for all who read it with the same eyes.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import NAMESPACE_OID, uuid5
from zoneinfo import ZoneInfo

from flask import current_app
from flask.sansio.app import App

from fablab import clock, ical
from fablab.booking.wait_rules import is_only_offered
from fablab.calendars import queries, sessions
from fablab.calendars.kept import Shelf
from fablab.calendars.kinds import Scope
from fablab.calendars.phrases import Phrases, phrases
from fablab.calendars.rules import (
    REPEATS,
    Days,
    Reader,
    may_read,
    reaches,
    span,
    times_closed,
)
from fablab.ical import Entry, Face, Written, written_zone
from fablab.machines.inventory import is_out_on, of_place
from fablab.machines.kinds import STANDING, OccupancyKind, Status
from fablab.places.kinds import NamesShown
from fablab.places.rules import public_holidays
from fablab.slots import Slot
from fablab.web import address_of

KEPT = 16 * 1024 * 1024  # bytes of events in memory: 16,000 or so
SHELF = "fablab.calendars.events"  # where an application keeps them
A_DAY = timedelta(days=1)

# What a calendar is called in addresses and as a file: ASCII, and of no meaning.
NAMES = {
    Scope.DAY: "day",
    Scope.PLACE: "place",
    Scope.CATEGORY: "category",
    Scope.MACHINE: "machine",
    Scope.POOL: "pool",
    Scope.ORGANIZATION: "organization",
    Scope.TRAININGS: "trainings",
    Scope.MEMBER: "bookings",
}


def init_app(app: App) -> None:
    app.extensions[SHELF] = Shelf[Written](KEPT)


class Eyes(StrEnum):
    """How much of an event a calendar tells."""

    BUSY = "busy"  # that there is one
    ANONYMOUS = "anonymous"  # the machine
    NAMED = "named"  # and who has it, as on the planning
    COLLEAGUES = "colleagues"  # and who of one's own organization has it
    TEAM = "team"  # and for whom, what for, how to call them
    OWN = "own"  # one's own, whole


class Look(NamedTuple):
    """For whose eyes, in which language, in which state of the place an event is written.

    All that an event shows beyond its own row stands on this, so that what was written for
    one look, event and revision may be sent to all.
    """

    eyes: Eyes
    language: str
    state: tuple[int, ...]


class Feed(NamedTuple):
    """A calendar as one reader sees it at one moment; nothing is written before it is asked."""

    scope: Scope
    subject: int  # what it is about: the place, one of its categories, its members…
    reader: int | None  # the member who holds its address; nobody when it is public
    is_team: bool
    place_id: int
    place_name: str
    place_asked: str | None  # what the addresses of its pages say of it; nothing of the first one
    zone: str
    look: Look
    at: datetime
    version: tuple[Any, ...]  # what else its bytes stand on
    changed_at: datetime  # when its events last changed, if none of those left tells
    moved_at: datetime  # and when it last changed in any way, its window included
    is_today_alone: bool = False

    @property
    def span(self) -> Slot:
        if self.is_today_alone:
            zone = ZoneInfo(self.zone)
            return clock.whole_day(zone, clock.today(zone, self.at))
        return span(self.scope, ZoneInfo(self.zone), self.at)

    @property
    def tag(self) -> str:
        """Changes whenever a byte does: with the data, the window, the way they are written."""
        facts = (
            edition(self.look.language),
            current_app.config["BASE_URL"],
            self.scope,
            self.subject,
            self.reader,
            self.is_team,
            self.place_id,
            self.place_asked,
            clock.today(ZoneInfo(self.zone), self.at),
            *self.look,
            *self.version,
        )
        words = "\n".join(map(str, facts)).encode()
        return hashlib.blake2b(words, digest_size=12).hexdigest()


def of_token(row: Any, now: datetime) -> Feed | None:
    """The calendar a token opens, or None when its holder may not read it now."""
    day = clock.today(ZoneInfo(row.zone), now)
    reader = Reader(
        is_member=row.membership_id is not None and reaches(row.expires_on, day),
        is_team=bool(row.is_team),
        is_suspended=row.suspended_until is not None and row.suspended_until > now,
        runs_organization=bool(row.is_manager) and row.since <= day and reaches(row.until, day),
    )
    if not may_read(row.scope, reader):
        return None
    if row.scope is Scope.MEMBER:
        return _own(row, now)
    subjects = {
        Scope.CATEGORY: row.category_id,
        Scope.MACHINE: row.machine_id,
        Scope.POOL: row.pool_id,
        Scope.ORGANIZATION: row.organization_id,
    }
    return _shared(
        row,
        now,
        scope=row.scope,
        subject=subjects.get(row.scope, row.place_id),
        reader=row.member_id,
        is_team=reader.is_team,
        eyes=_eyes(row, reader),
    )


def _eyes(row: Any, reader: Reader) -> Eyes:
    if row.scope is Scope.MACHINE:
        return Eyes.BUSY
    if row.scope is Scope.DAY:
        return Eyes.TEAM
    if row.scope is Scope.ORGANIZATION:
        return Eyes.COLLEAGUES
    is_named = row.names_shown != NamesShown.NOBODY or reader.is_team
    return Eyes.NAMED if is_named else Eyes.ANONYMOUS


def of_machine(row: Any, now: datetime) -> Feed:
    """The calendar of a machine that anyone may read: when it is busy."""
    return _shared(
        row,
        now,
        scope=Scope.MACHINE,
        subject=row.machine_id,
        reader=None,
        is_team=False,
        eyes=Eyes.BUSY,
    )


def of_day(place_id: int, language: str, now: datetime) -> Feed:
    """The day as the team's calendar has it, for whoever of them reads `language`; without the
    days after it.
    """
    return _shared(
        queries.of_place(place_id, language, now),
        now,
        scope=Scope.DAY,
        subject=place_id,
        reader=None,
        is_team=True,
        is_today_alone=True,
        eyes=Eyes.TEAM,
    )


def _shared(row: Any, now: datetime, *, eyes: Eyes, **more: Any) -> Feed:
    """What several people read of a place, counted by the place and its machines or sessions."""
    counted, moments = [], [row.place_changed_at]
    if more["scope"] is not Scope.TRAININGS:
        counted.append(row.machines_revision)
        moments.append(row.machines_changed_at)
    if more["scope"] in queries.WITH_SESSIONS:
        counted.append(row.sessions_revision)
        moments.append(row.sessions_changed_at)
    changed_at = max(filter(None, moments))
    return Feed(
        place_id=row.place_id,
        place_name=row.place_name,
        place_asked=row.asked,
        zone=row.zone,
        look=Look(eyes, row.language, (row.place_revision, row.people_revision)),
        at=now,
        version=(*counted, changed_at),
        changed_at=changed_at,
        moved_at=max(changed_at, _midnight(row.zone, now)),
        **more,
    )


def _own(row: Any, now: datetime) -> Feed:
    """What is one's own, wherever it is: counted by the member, worded by the places."""
    passed = row.last_passed, row.last_session_passed
    moments = (row.member_changed_at, row.places_changed_at, *passed)
    return Feed(
        scope=Scope.MEMBER,
        subject=row.member_id,
        reader=row.member_id,
        is_team=False,
        place_id=row.place_id,
        place_name=row.place_name,
        place_asked=row.asked,
        zone=row.zone,
        look=Look(Eyes.OWN, row.language, (row.places_revision,)),
        at=now,
        version=(row.calendar_revision, *passed),
        changed_at=row.member_created_at,
        moved_at=max(filter(None, (*moments, _midnight(row.zone, now)))),
    )


def _midnight(zone: str, now: datetime) -> datetime:
    """When the window last moved."""
    tz = ZoneInfo(zone)
    return clock.midnight(tz, clock.today(tz, now))


# -- writing


def written(feed: Feed) -> bytes:
    """The whole calendar. What was written before is only joined."""
    events = _events(feed)
    if feed.scope in (Scope.PLACE, Scope.DAY):
        events.append(_days_off(feed))
    return ical.calendar(_face(feed), events, changed_at=feed.changed_at)


def _events(feed: Feed) -> list[Written]:
    if feed.scope is Scope.TRAININGS:
        return _sessions(feed)
    opens_all = feed.is_team or feed.scope is Scope.MEMBER
    rows = queries.events(feed.scope, feed.subject, feed.place_id, feed.reader, feed.span, feed.at)
    keys = [(id, revision, opens_all or bool(is_own)) for id, revision, is_own in rows]
    events = _kept(feed.look, keys, _made)
    shows_sessions = feed.scope is Scope.MEMBER or feed.scope in queries.WITH_SESSIONS
    return [*events, *_sessions(feed)] if shows_sessions else events


def _sessions(feed: Feed) -> list[Written]:
    """The training sessions: all of the place, one's own, or those without a machine."""
    if feed.scope is Scope.MEMBER:
        keys = sessions.of_member(feed.subject, feed.span, feed.at)
    else:
        is_mixed = feed.scope is not Scope.TRAININGS
        keys = sessions.of_place(feed.place_id, feed.span, among_bookings=is_mixed)
    return _kept(feed.look, keys, lambda keys, look: sessions.made(keys, look.language))


K = TypeVar("K", bound=Hashable)


def _kept(
    look: Look, keys: list[K], make: Callable[[list[K], Look], dict[K, Written]]
) -> list[Written]:
    """What stands for these keys; only what was not written before for this look is made."""
    shelf: Shelf[Written] = current_app.extensions[SHELF]
    kept = shelf.group(look)
    missing = [key for key in keys if key not in kept]
    if not missing:
        return [kept[key] for key in keys]
    made = make(missing, look)
    shelf.keep(look, made)
    return [made.get(key) or kept[key] for key in keys]


def _made(keys: list[tuple[int, int, bool]], look: Look) -> dict[tuple[int, int, bool], Written]:
    rows = queries.particulars([key[0] for key in keys])
    words, bookings = phrases(look.language), booking_address("")
    return {
        key: ical.written(entry(rows[key[0]], look.eyes, words, bookings if key[2] else ""))
        for key in keys
    }


def of_booking(booking_id: int, *, language: str, eyes: Eyes) -> bytes:
    """A calendar of one booking, to keep as a file."""
    row = queries.particulars([booking_id])[booking_id]
    event = entry(row, eyes, phrases(language), booking_address(""))
    face = Face(row.place_name, written_zone(row.zone), "steelblue", event.url)
    return ical.calendar(face, [ical.written(event)])


def booking_address(uid: str) -> str:
    """The page of a booking, as people reach it."""
    return f"{address_of('booking.index')}{uid}"


def entry(row: Any, eyes: Eyes, words: Phrases, bookings: str = "") -> Entry:
    """A booking, an outage or what a training session occupies, as these eyes see it.

    `bookings` is the address that a UID follows, empty for whom the page would not open.
    """
    zone = written_zone(row.zone)
    if eyes is Eyes.BUSY:
        return _entry(row, zone, words.busy)
    machine = words.machine % {"machine": row.machine_name, "code": row.code}
    more = {
        "location": ", ".join(filter(None, (row.location, row.place_name, row.address))),
        "category": row.category_name,
    }
    if row.kind == OccupancyKind.OUTAGE:
        return _entry(row, zone, words.outage % {"machine": machine}, row.title, **more)
    if row.kind == OccupancyKind.SESSION:
        return _entry(row, zone, words.training % {"name": row.title, "machine": machine}, **more)
    summary, description = _told(row, eyes, words, machine)
    if row.status == Status.CANCELLED:
        summary = words.cancelled % {"what": summary}
    elif row.status == Status.PENDING:
        summary = words.waiting % {"what": summary}
    if bookings:
        more["url"] = f"{bookings}{row.uid}"
    return _entry(row, zone, summary, description, **more)


def _told(row: Any, eyes: Eyes, words: Phrases, machine: str) -> tuple[str, str]:
    """Summary and description of a booking."""
    person = f"{row.first_name or ''} {row.last_name or ''}".strip()
    organization = row.organization_name or ""
    if is_only_offered(row) and eyes not in (Eyes.OWN, Eyes.TEAM):
        person = organization = ""
    who = {
        Eyes.NAMED: organization or person,
        Eyes.COLLEAGUES: person,
        Eyes.TEAM: person,
    }.get(eyes, "")
    summary = words.held % {"who": who or words.booked, "machine": machine}
    if eyes not in (Eyes.OWN, Eyes.TEAM):
        return summary, ""
    phone = row.phone if eyes is Eyes.TEAM and row.shares_phone else ""
    lines = (
        _trouble(row, words),
        organization and words.behalf % {"organization": organization},
        row.title and words.purpose % {"purpose": row.title},
        phone and words.phone % {"phone": phone},
    )
    return machine if eyes is Eyes.OWN else summary, "\n".join(filter(None, lines))


def _trouble(row: Any, words: Phrases) -> str:
    """That its machine is not there for it, as far as is known."""
    day = row.starts_at.astimezone(ZoneInfo(row.zone)).date()
    if row.status not in STANDING or not is_out_on(row, day):
        return ""
    return words.stopped_for % {"why": row.state_reason} if row.state_reason else words.stopped


def _entry(row: Any, zone: str, summary: str, description: str = "", **more: str) -> Entry:
    return Entry(
        uid=row.uid,
        start=row.starts_at,
        end=row.ends_at,
        zone=zone,
        summary=summary,
        changed_at=row.changed_at,
        created_at=row.created_at,
        revision=row.revision,
        status=STATUSES[row.status],
        is_busy=row.status != Status.CANCELLED,
        description=description,
        **more,
    )


STATUSES = {
    Status.CONFIRMED: "CONFIRMED",
    Status.PENDING: "TENTATIVE",
    Status.CANCELLED: "CANCELLED",
    Status.MISSED: "CANCELLED",
}


# -- the days off


def _days_off(feed: Feed) -> Written:
    """The closures and public holidays of the window, as all-day events in one piece."""
    zone = ZoneInfo(feed.zone)
    since, until = (clock.today(zone, moment) for moment in (feed.span.start, feed.span.end))
    key = ("days off", feed.place_id, since, until)
    shelf: Shelf[Written] = current_app.extensions[SHELF]
    kept = shelf.group(feed.look).get(key)
    if kept is None:
        entries = _closed(feed, since, until)
        kept = Written(
            b"".join(map(ical.vevent, entries)),
            written_zone(feed.zone),
            max((entry.changed_at for entry in entries), default=feed.changed_at),
        )
        shelf.keep(feed.look, {key: kept})
    return kept


def _closed(feed: Feed, since: date, until: date) -> list[Entry]:
    """The days off from `since` until the day before `until`, those that come back each year
    for this year and the two after it.
    """
    words, zone = phrases(feed.look.language), written_zone(feed.zone)
    last = until - A_DAY
    horizon = min(last, date(clock.today(ZoneInfo(feed.zone), feed.at).year + REPEATS, 12, 31))

    def all_day(uid: str, days: Days, why: str, changed_at: datetime, revision: int) -> Entry:
        return Entry(
            uid=uid,
            start=days.first,
            end=days.last + A_DAY,
            zone=zone,
            summary=words.closed % {"reason": why},
            changed_at=changed_at,
            revision=revision,
            is_busy=False,
        )

    closures = [
        (closure, days)
        for closure in queries.closures(feed.place_id)
        for days in times_closed(
            closure.first_day,
            closure.last_day,
            is_yearly=closure.repeats_yearly,
            since=since,
            until=horizon if closure.repeats_yearly else last,
        )
    ]
    founded_at = queries.founded_at(feed.place_id)
    holidays = [
        (day, name)
        for day, name in _holidays(feed.place_id, since, horizon)
        if not any(days.first <= day <= days.last for _, days in closures)
    ]
    return [
        *(
            all_day(_uid_of(c, days), days, c.reason, c.changed_at, c.revision)
            for c, days in closures
        ),
        *(
            all_day(_uid_of_holiday(founded_at, day, name), Days(day, day), name, founded_at, 0)
            for day, name in holidays
        ),
    ]


def _uid_of(closure: Any, days: Days) -> str:
    """Its own, and one made of it for each other year it comes back in."""
    is_first = days.first == closure.first_day
    return closure.uid if is_first else f"{closure.uid}-{days.first.year}"


def _uid_of_holiday(founded_at: datetime, day: date, name: str) -> str:
    """A holiday is stored nowhere: its UID is made of all that its event shows."""
    return str(uuid5(NAMESPACE_OID, f"{founded_at.isoformat()} {day} {name}"))


def _holidays(place_id: int, since: date, until: date) -> Iterator[tuple[date, str]]:
    schedule = of_place(place_id=place_id).schedule
    if not schedule.holidays_country:
        return
    for year in range(since.year, until.year + 1):
        named = public_holidays(
            schedule.holidays_country, schedule.holidays_subdivision, schedule.language, year
        )
        yield from ((day, named[day]) for day in sorted(named) if since <= day <= until)


# -- the face


# The nearest colour of CSS3 to each of the design's hues (RFC 7986 §5.9 knows no others).
COLORS = {
    "red": "firebrick",
    "orange": "chocolate",
    "blue": "steelblue",
    "plum": "purple",
    "teal": "teal",
    "brown": "saddlebrown",
    "slate": "slategray",
    "green": "seagreen",
    "terracotta": "sienna",
    "ink": "darkslategray",
}


def _face(feed: Feed) -> Face:
    """Its name in the list of calendars, its colour, the page it mirrors."""
    words, zone = phrases(feed.look.language), written_zone(feed.zone)
    place = feed.place_name
    of: dict[str, Any] = {"place": feed.place_asked}
    if feed.scope is Scope.MEMBER:
        url = address_of("booking.index")
        return Face(words.my_bookings % {"place": place}, zone, "steelblue", url)
    if feed.scope is Scope.DAY:
        url = address_of("manage.day", **of)
        return Face(words.the_day % {"place": place}, zone, "firebrick", url)
    if feed.scope is Scope.TRAININGS:
        url = address_of("trainings.index", **of)
        return Face(words.the_trainings % {"place": place}, zone, "seagreen", url)
    if feed.scope is Scope.PLACE:
        return Face(place, zone, "sienna", address_of("home.day", **of))
    about = queries.subject_of(feed.scope, feed.subject)
    pages = {
        Scope.CATEGORY: "home.day",
        Scope.POOL: "home.day",
        Scope.MACHINE: "home.machine",
    }
    of["slug" if feed.scope is Scope.MACHINE else "category"] = about.slug
    page = pages.get(feed.scope)
    url = address_of(page, **of) if page else ""
    name = words.of_place % {"name": about.name, "place": place}
    return Face(name, zone, COLORS.get(about.hue or "", "steelblue"), url)


@lru_cache(maxsize=8)
def edition(language: str) -> str:
    """Changes with the code that writes calendars and with its words: whoever has one from
    before an upgrade that changes either reads it anew.
    """
    files = (__file__, sessions.__file__, ical.__file__)
    code = b"".join(Path(file).read_bytes() for file in files)
    return hashlib.blake2b(code + repr(phrases(language)).encode(), digest_size=12).hexdigest()
