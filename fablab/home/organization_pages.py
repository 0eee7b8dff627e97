"""An organization as its people see it, as plain values: who is in it, what they booked."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from flask_babel import format_currency, format_decimal, pgettext
from flask_babel import gettext as _

from fablab import clock, texts
from fablab.figures import rules as figures
from fablab.forms import FIRST_YEAR, LAST_YEAR
from fablab.machines.kinds import Status
from fablab.organizations.queries import stay
from fablab.slots import Slot
from fablab.tariffs.words import pattern_of

MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


class Month(NamedTuple):
    """A month of the place's calendar."""

    first: date

    @property
    def next(self) -> "Month":
        return Month((self.first + timedelta(days=31)).replace(day=1))

    @property
    def previous(self) -> "Month":
        return Month((self.first - timedelta(days=1)).replace(day=1))

    @property
    def title(self) -> str:
        return texts.capital(texts.day(self.first, "LLLL y"))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"

    def span(self, zone: tzinfo) -> Slot:
        return clock.whole_days(zone, self.first, self.next.first - timedelta(days=1))


def month_of(typed: str, today: date) -> Month | None:
    """`YYYY-MM`; that of today when nothing is typed, None for what is no month."""
    if not typed:
        return Month(today.replace(day=1))
    found = MONTH.fullmatch(typed)
    if not found:
        return None
    year, month = (int(part) for part in found.groups())
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12):
        return None
    return Month(date(year, month, 1))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in an organization, or who was."""

    uid: str
    name: str
    activity: str
    is_manager: bool
    since: str
    until: str
    is_gone: bool
    bookings: int  # in the month shown
    hours: str


@dataclass(frozen=True, slots=True)
class Line:
    """A booking on its behalf."""

    when: str
    machine: str
    who: str
    purpose: str
    length: str
    status: str  # a word where it is more than booked


def is_booked(row: Any) -> bool:
    """Whether its hours count: a request that waits for an answer is none yet."""
    return row.status in (Status.CONFIRMED, Status.MISSED)


def hours(rows: Iterable[Any]) -> timedelta:
    return sum((row.ends_at - row.starts_at for row in rows if is_booked(row)), timedelta(0))


def real(rows: Iterable[Any], now: datetime) -> timedelta:
    """How long they were there, of the bookings whose arrival was noted."""
    return sum((time_there(row, now) for row in rows), timedelta(0))


def time_there(row: Any, now: datetime) -> timedelta:
    booked = Slot(row.starts_at, row.ends_at)
    there = figures.stay(booked, row.arrived_at, row.left_at, now=now)
    return there.duration if there else timedelta(0)


def time_used(duration: timedelta) -> str:
    """In hours, also of many: `48 h`, not two days."""
    minutes = duration // timedelta(minutes=1)
    if not minutes:
        return _("none")
    return texts.length(duration) if minutes % 1440 else f"{minutes // 60}\N{NO-BREAK SPACE}h"


def people(rows: Iterable[Any], booked: Sequence[Any], today: date) -> list[Person]:
    """Who is in it first, then who was."""
    found = []
    for row in rows:
        own = [each for each in booked if each.member_uid == row.uid]
        found.append(
            Person(
                row.uid,
                full_name(row),
                row.activity,
                row.is_manager,
                short(row.since),
                short(row.until) if row.until else "",
                not stay(row).covers(today),
                sum(map(is_booked, own)),
                time_used(hours(own)),
            )
        )
    return sorted(found, key=lambda person: person.is_gone)


def lines(rows: Iterable[Any], zone: tzinfo) -> list[Line]:
    return [
        Line(
            texts.capital(texts.day_and_hours(Slot(row.starts_at, row.ends_at), zone)),
            f"{row.code} {row.machine}",
            full_name(row),
            row.title,
            texts.length(row.ends_at - row.starts_at),
            statuses()[row.status],
        )
        for row in rows
    ]


def statuses() -> dict[Status, str]:
    return {
        Status.CONFIRMED: "",
        Status.PENDING: _("Waiting for an answer"),
        Status.MISSED: _("Nobody came"),
    }


def file_headings() -> list[str]:
    return [
        pgettext("column", "day"),
        pgettext("column", "start"),
        pgettext("column", "end"),
        pgettext("column", "hours"),
        pgettext("column", "real_hours"),
        pgettext("column", "machine"),
        pgettext("column", "name"),
        pgettext("column", "member"),
        pgettext("column", "purpose"),
        pgettext("column", "status"),
    ]


def file_statuses() -> dict[Status, str]:
    return {
        Status.CONFIRMED: pgettext("column", "confirmed"),
        Status.PENDING: pgettext("column", "pending"),
        Status.MISSED: pgettext("column", "missed"),
    }


def in_file(row: Any, zone: tzinfo, now: datetime) -> tuple[Any, ...]:
    """A line of the table, on the place's clock; hours as a decimal number."""
    start, end = clock.to_wall(zone, row.starts_at), clock.to_wall(zone, row.ends_at)
    length = (row.ends_at - row.starts_at) / timedelta(hours=1)
    return (
        start.date(),
        f"{start:%H:%M}",
        f"{end:%H:%M}",
        f"{length:.2f}",
        f"{time_there(row, now) / timedelta(hours=1):.2f}" if row.arrived_at else "",
        row.code,
        row.machine,
        full_name(row),
        row.title,
        file_statuses()[row.status],
    )


def full_name(row: Any) -> str:
    return f"{row.first_name or ''} {row.last_name or ''}".strip()


def short(day: date) -> str:
    return texts.day(day, "d MMM y")


class Asked(NamedTuple):
    """Somebody was asked to join."""

    uid: str
    email: str
    until: str


def asked(rows: Iterable[Any], zone: tzinfo) -> list[Asked]:
    return [Asked(row.uid, row.email, short(clock.today(zone, row.expires_at))) for row in rows]


class Own(NamedTuple):
    """An organization somebody is in."""

    name: str
    slug: str
    place_slug: str
    may: str  # what they may do in it, and until when


def own(rows: Iterable[Any]) -> list[Own]:
    return [Own(row.name, row.slug, row.place_slug, what_they_may(row)) for row in rows]


def what_they_may(row: Any) -> str:
    day = short(row.until) if row.until else ""
    if row.is_manager:
        return _("You manage it, until %(day)s", day=day) if day else _("You manage it")
    if day:
        return _("You may book on its behalf until %(day)s", day=day)
    return _("You may book on its behalf")


class YearLine(NamedTuple):
    """What was declared of a year, as it is read."""

    year: int
    jobs: str
    turnover: str
    declared: str  # when, and by whom


def year_lines(rows: Iterable[Any], zone: tzinfo, currency: str) -> list[YearLine]:
    return [
        YearLine(
            row.year,
            "" if row.jobs is None else format_decimal(row.jobs),
            "" if row.turnover is None else turnover_said(row.turnover, currency),
            declared(row, short(clock.today(zone, row.declared_at))),
        )
        for row in rows
    ]


def turnover_said(amount: Decimal, currency: str) -> str:
    """Of a year, mostly whole: cents only where there are any."""
    if amount % 1:
        return str(format_currency(amount, currency))
    pattern = pattern_of("#,##0")
    return str(format_currency(amount, currency, pattern, currency_digits=False))


def declared(row: Any, when: str) -> str:
    """When, and by whom; the day alone of what nobody here typed."""
    if row.declared_by_id is None:
        return when
    return _("%(when)s, by %(who)s", who=full_name(row) or _("somebody who left"), when=when)


def after(last_day: date, zone: tzinfo) -> datetime:
    """The first instant after that day."""
    return clock.whole_day(zone, last_day).end
