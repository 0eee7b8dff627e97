"""A calendar file and what it does, as plain values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import texts
from fablab.agendas.lines import Trouble
from fablab.agendas.reading import Days, Event, Reading
from fablab.agendas.rules import Effect, Plan
from fablab.machines.inventory import Inventory
from fablab.manage.member_pages import full_name, moment
from fablab.slots import Slot

SHOWN = 6  # dates of one event; how many more there are, and until when, is said


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event of the file, to be ticked: when it is, what it does, what else there is to say."""

    number: int
    title: str
    is_chosen: bool
    when: list[str]
    does: list[str]
    notes: list[str]


def ticked_at_first(reading: Reading) -> list[int]:
    """All but what the file itself says is not certain, or takes nobody's time. Whole days say
    the latter in most programs, and mean it seldom.
    """
    return [
        at
        for at, event in enumerate(reading.events)
        if not event.is_tentative and (event.days or not event.is_free)
    ]


def event_lines(
    plan: Plan, inventory: Inventory, read_before: Mapping[str, datetime]
) -> list[EventLine]:
    zone = inventory.schedule.zone
    return [
        EventLine(
            number=effect.number,
            title=effect.event.title,
            is_chosen=effect.is_chosen,
            when=when(effect.event, zone),
            does=list(does(effect)),
            notes=list(notes(effect.event, read_before, zone)),
        )
        for effect in plan.effects
    ]


def when(event: Event, zone: tzinfo) -> list[str]:
    told = [
        *((days.first, days_in_words(days, zone)) for days in event.days),
        *((slot.start.astimezone(zone).date(), slot_in_words(slot, zone)) for slot in event.hours),
    ]
    told.sort(key=lambda each: each[0])
    shown = [words for _day, words in told[:SHOWN]]
    more = len(told) - SHOWN
    if more > 0:
        last = texts.near_day(told[-1][0], zone)
        shown.append(
            ngettext(
                "and %(num)s more, on %(day)s",
                "and %(num)s more, until %(day)s",
                more,
                day=last,
            )
        )
    return shown


def days_in_words(days: Days, zone: tzinfo) -> str:
    first = texts.near_day(days.first, zone)
    if days.first == days.last:
        return texts.capital(first)
    return texts.capital(f"{first} – {texts.near_day(days.last, zone)}")


def slot_in_words(slot: Slot, zone: tzinfo) -> str:
    hours = texts.hours(slot, zone)
    day = texts.near_day(slot.start.astimezone(zone).date(), zone)
    return texts.capital(hours if day in hours else f"{day} {hours}")


def does(effect: Effect) -> Iterator[str]:
    if effect.closures:
        yield _("Closes the place.")
    for why in dict.fromkeys(why for _days, why in effect.closed_already):
        yield _("The place is closed then already: %(why)s.", why=why)
    if effect.is_taken_already:
        yield _("Every machine chosen is taken then already.")
    elif effect.outages:
        count = len({each.machine_id for each in effect.outages})
        yield ngettext("Takes %(num)s machine.", "Takes %(num)s machines.", count)
    elif effect.hours and not effect.is_chosen:
        yield _("Would take machines.")
    if not (effect.closures or effect.closed_already or effect.hours):
        yield _("Does nothing, as chosen above.")


def notes(event: Event, read_before: Mapping[str, datetime], zone: tzinfo) -> Iterator[str]:
    if event.is_tentative:
        yield _("The calendar says that it is not certain.")
    if event.is_free and event.hours:
        yield _("The calendar says that it takes nobody’s time.")
    if event.uid in read_before:
        yield _("Imported before, on %(when)s.", when=moment(read_before[event.uid], zone))


@dataclass(frozen=True, slots=True)
class TroubleLine:
    line: int
    about: str
    why: str


def troubles(found: Iterable[Trouble], zone: tzinfo) -> list[TroubleLine]:
    return [
        TroubleLine(each.line, each.about, texts.filled(each.sentence, each.values, zone))
        for each in found
    ]


def passed_over(reading: Reading) -> list[str]:
    """What there is in the file besides, in sentences."""
    found = []
    if reading.past:
        found.append(
            ngettext(
                "%(num)s event is over, or later than 18 months from now.",
                "%(num)s events are over, or later than 18 months from now.",
                reading.past,
            )
        )
    if reading.others:
        found.append(
            ngettext(
                "%(num)s entry is no event (a task, a note) and is not read.",
                "%(num)s entries are no events (tasks, notes) and are not read.",
                reading.others,
            )
        )
    return found


def summary(plan: Plan) -> str:
    """What all that is ticked does, in a few words."""
    if plan.is_too_much:
        return _(
            "Machines would be withdrawn more than 2,000 times: choose fewer machines or fewer"
            " events."
        )
    if plan.does_nothing:
        return _("As it is ticked, this calendar changes nothing.")
    parts = []
    if plan.closures:
        parts.append(
            ngettext(
                "It closes the place %(num)s time.",
                "It closes the place %(num)s times.",
                plan.closures,
            )
        )
    if plan.outages:
        parts.append(
            ngettext(
                "It withdraws machines %(num)s time.",
                "It withdraws machines %(num)s times.",
                plan.outages,
            )
        )
    return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Line:
    """A calendar in the list of those that were imported."""

    name: str
    url: str
    applied: str
    undone: str


def line(row: Any, zone: tzinfo) -> Line:
    undoer = f"{row.undoer_first_name or ''} {row.undoer_last_name or ''}".strip()
    return Line(
        name=row.name,
        url=url_for("manage.agenda", uid=row.uid),
        applied=by_whom(row.applied_at, full_name(row), zone),
        undone=by_whom(row.undone_at, undoer, zone) if row.undone_at else "",
    )


def by_whom(at: datetime, who: str, zone: tzinfo) -> str:
    return _("%(when)s, by %(who)s", when=moment(at, zone), who=who)


def lines(rows: Sequence[Any], zone: tzinfo) -> list[Line]:
    return [line(row, zone) for row in rows]


def closures(rows: Iterable[Any], zone: tzinfo) -> list[tuple[str, str]]:
    """When each is, and why."""
    return [(days_in_words(Days(row.first_day, row.last_day), zone), row.reason) for row in rows]
