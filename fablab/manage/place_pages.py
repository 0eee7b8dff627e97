"""What is set up of the place, as plain values: the way there, the ordinary week, the days off."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _

from fablab import texts
from fablab.machines.inventory import Inventory, weekly_opening
from fablab.places import words
from fablab.places.kinds import Mode
from fablab.places.models import Closure, Opening
from fablab.places.rules import Schedule, WeeklyOpening, days
from fablab.places.weeks import A_DAY, parts
from fablab.places.words import MODES, WEEKDAYS
from fablab.settings.closures import asked_of

HOLIDAYS_SHOWN = timedelta(days=366)


class Part(NamedTuple):
    """A coloured part of a day of the picture, in minutes."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """An opening as a row of the table, or as the name of a link."""

    url: str
    hours: str
    mode: str
    kind: str
    weeks: str


@dataclass(frozen=True, slots=True)
class Weekday:
    """One day of the ordinary week: drawn, in a sentence, and its openings one by one."""

    name: str
    parts: list[Part]
    said: str
    lines: list[Line]


def week(openings: Sequence[Opening]) -> list[Weekday]:
    """What runs over midnight is drawn on both days, and listed where it begins."""
    drawn: dict[int, list[Part]] = {day: [] for day in WEEKDAYS}
    for opening in openings:
        told = weekly_opening(opening)
        for part in parts(told):
            drawn[part.weekday].append(Part(kind_of(told), part.start, part.end))
    return [
        Weekday(
            _(name),
            sorted(drawn[day], key=lambda part: part.start),
            words.day_in_words(day, [weekly_opening(each) for each in openings]),
            [line(each) for each in openings if each.weekday == day],
        )
        for day, name in WEEKDAYS.items()
    ]


def kind_of(opening: WeeklyOpening) -> str:
    """How it is drawn: by who is there, and fainter when it is not every week."""
    return f"{opening.mode} strip__part--some" if opening.weeks else str(opening.mode.value)


def line(opening: Opening) -> Line:
    told = weekly_opening(opening)
    return Line(
        url=url_for("manage.opening", opening_id=opening.id),
        hours=words.hours(told.opens_at, told.closes_at),
        mode=_(MODES[told.mode]),
        kind=told.mode.value,
        weeks=words.weeks(told),
    )


def named(opening: WeeklyOpening) -> str:
    """`Saturday 10:00–17:00 with the team`"""
    return f"{_(WEEKDAYS[opening.weekday])} {words.in_words(opening)}"


def modes() -> list[tuple[str, str]]:
    """The legend of the picture."""
    return [(mode.value, _(MODES[mode])) for mode in Mode]


def hours_shown(openings: Iterable[Opening]) -> tuple[int, int]:
    """From the first whole hour somebody may be there to the last; the whole day with nights."""
    found = [(part.start, part.end) for each in openings for part in parts(weekly_opening(each))]
    if not found:
        return 8 * 60, 20 * 60
    first = min(start for start, _end in found) // 60 * 60
    last = -(-max(end for _start, end in found) // 60) * 60
    return max(first - 60, 0), min(last + 60, A_DAY)


@dataclass(frozen=True, slots=True)
class Off:
    """A closure: when, why, and where it comes from."""

    url: str
    when: str
    reason: str
    is_yearly: bool
    is_over: bool
    origin: str
    origin_url: str


def closures(
    rows: Iterable[Closure], origins: Mapping[str, Any], today: date
) -> tuple[list[Off], list[Off]]:
    """Those to come, every year's among them, soonest first; and those that are over, latest
    first.
    """
    in_order = sorted(rows, key=lambda each: asked_of(each).off.begins_next(today))
    told = [off(each, origins.get(each.uid), today) for each in in_order]
    return [each for each in told if not each.is_over], [
        each for each in reversed(told) if each.is_over
    ]


def off(closure: Closure, origin: Any, today: date) -> Off:
    return Off(
        url=url_for("manage.closure", uid=closure.uid),
        when=when(closure),
        reason=closure.reason,
        is_yearly=closure.repeats_yearly,
        is_over=closure.last_day < today and not closure.repeats_yearly,
        origin=origin.name if origin else "",
        origin_url=url_for("manage.agenda", uid=origin.uid) if origin else "",
    )


def when(closure: Closure) -> str:
    """`24 December – 2 January` every year; with weekday and year when it is once."""
    form = "d MMMM" if closure.repeats_yearly else "EEE d MMMM y"
    first, last = texts.day(closure.first_day, form), texts.day(closure.last_day, form)
    return texts.capital(first if closure.first_day == closure.last_day else f"{first} – {last}")


def holidays_ahead(schedule: Schedule, today: date) -> list[tuple[str, str]]:
    """The public holidays of the year to come: the day, and its name."""
    return [
        (texts.capital(texts.day(day, "EEE d MMMM y")), name)
        for day in days(today, today + HOLIDAYS_SHOWN)
        if (name := schedule.holiday(day))
    ]


class Card(NamedTuple):
    """A door of the hub."""

    title: str
    url: str
    text: str
    icon: str


def cards(inventory: Inventory) -> list[Card]:
    """In the order of the page: what the place is, how it is used, what comes in and goes out."""
    return [*cards_of_the_place(inventory), *cards_of_use(), *cards_of_files_and_mail()]


def cards_of_the_place(inventory: Inventory) -> list[Card]:
    return [
        Card(
            _("The place"),
            url_for("manage.place"),
            _("Name, address, house rules, who reads names, logo and colours"),
            "house",
        ),
        Card(
            _("Opening hours"),
            url_for("manage.openings"),
            _("The ordinary week, and who is there when")
            if inventory.schedule.openings
            else _("None yet: nothing can be booked"),
            "clock",
        ),
        Card(
            _("Closures"),
            url_for("manage.closures"),
            _("Holidays, works, events: the days nobody can book"),
            "calendar-x",
        ),
    ]


def cards_of_use() -> list[Card]:
    return [
        Card(
            _("Booking rules"),
            url_for("manage.policies"),
            _("How long, how early, how often, for whom"),
            "shield-check",
        ),
        Card(
            _("How the place counts"),
            url_for("manage.terms"),
            _("What amounts are made of, late cancellations, currency, VAT"),
            "coins",
        ),
        Card(
            _("Shared resources"),
            url_for("manage.resources"),
            _("What several machines need at once"),
            "wind",
        ),
        Card(
            _("Calendars imported"),
            url_for("manage.agendas"),
            _("Closures and taken machines out of a calendar file"),
            "calendar-plus",
        ),
        Card(
            _("Categories and pools"),
            url_for("manage.categories"),
            _("What machines belong to: names, colours, drawings, order"),
            "list",
        ),
    ]


def cards_of_files_and_mail() -> list[Card]:
    return [
        Card(
            _("Import from a file"),
            url_for("manage.imports_page"),
            _("Machines, members and qualifications that you keep elsewhere"),
            "upload",
        ),
        Card(
            _("Outgoing mail"),
            url_for("manage.mails"),
            _("What was sent, and what could not be delivered"),
            "mail",
        ),
        Card(
            _("First steps"),
            url_for("manage.welcome"),
            _("From nothing to the first booking"),
            "hand-helping",
        ),
    ]
