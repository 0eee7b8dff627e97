"""A calendar file and what it does, as plain values."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import texts
from fablab.agendas.lines import Trouble
from fablab.agendas.reading import Days, Event, Reading
from fablab.agendas.rules import Earlier, Effect, Made, Plan
from fablab.machines.inventory import Inventory
from fablab.manage.member_pages import full_name, moment
from fablab.slots import Slot

SHOWN = 6  # dates of one event; how many more there are, and until when, is said
NAMED = 100  # events whose reason may be changed: a form holds no more than so much text


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
    plan: Plan,
    inventory: Inventory,
    read_before: Mapping[str, datetime],
    *,
    choose: Callable[[Event], bool] | None = None,
) -> list[EventLine]:
    """`choose` says which events take machines, while nobody has chosen those."""
    zone = inventory.schedule.zone
    return [
        EventLine(
            number=effect.number,
            title=effect.event.title,
            is_chosen=effect.is_chosen,
            when=when(effect.event, zone),
            does=list(does(effect, must_choose=bool(choose and choose(effect.event)))),
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


def does(effect: Effect, *, must_choose: bool = False) -> Iterator[str]:
    if effect.new_closures:
        yield _("Closes the place.")
    closed = [why for _days, why in effect.closed_already]
    closed += [made.title for each, made in effect.same.items() if each in effect.closures]
    for why in dict.fromkeys(closed):
        yield _("The place is closed then already: %(why)s.", why=why)
    if must_choose:
        yield _("Takes machines: choose which above.")
        return
    if effect.is_taken_already or (effect.outages and not effect.new_outages):
        yield _("Every machine chosen is taken then already.")
    elif effect.outages:
        count = len({each.machine_id for each in effect.new_outages})
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


def summary(plan: Plan, *, is_undecided: bool = False) -> str:
    """What all that is ticked does, in a few words."""
    if plan.is_too_much:
        return _(
            "Machines would be withdrawn more than 2,000 times: choose fewer machines or fewer"
            " events."
        )
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
        parts.append(out_of_service(plan))
    if plan.goes:
        count = len({when_made(made) for made in plan.goes})
        parts.append(
            ngettext(
                "%(num)s date of the import before no longer stands.",
                "%(num)s dates of the import before no longer stand.",
                count,
            )
        )
    if is_undecided and any(each.event.hours for each in plan.chosen):
        parts.append(_("Choose which machines its hours take."))
    return " ".join(parts) or _("As it is ticked, this calendar changes nothing.")


def out_of_service(plan: Plan) -> str:
    """A date is one time of one event, however many machines it takes."""
    dates, machines = 0, set[int]()
    for effect in plan.chosen:
        starts = [slot.start for slot in effect.hours]
        found = {bisect_right(starts, each.span.start) for each in effect.new_outages}
        dates += len(found)
        machines |= {each.machine_id for each in effect.new_outages}
    return _(
        "Out of service: %(dates)s, %(machines)s.",
        dates=ngettext("%(num)s date", "%(num)s dates", dates),
        machines=ngettext("%(num)s machine", "%(num)s machines", len(machines)),
    )


def when_made(made: Made) -> Days | Slot:
    return made.does if isinstance(made.does, Days) else made.does.span


@dataclass(frozen=True, slots=True)
class EarlierLine:
    """An import that holds events of this file, to be ticked: it is replaced."""

    uid: str
    label: str
    url: str
    is_chosen: bool
    goes: list[str]  # what of it is not in the file any more, or is at another time


def earlier_lines(earlier: Iterable[Earlier], plan: Plan, zone: tzinfo) -> list[EarlierLine]:
    replaced, gone = {each.uid for each in plan.replaced}, {made.uid for made in plan.goes}
    return [
        EarlierLine(
            uid=each.uid,
            label=_(
                "This file replaces “%(name)s”, imported on %(when)s",
                name=each.name,
                when=moment(each.applied_at, zone),
            ),
            url=url_for("manage.agenda", uid=each.uid),
            is_chosen=each.uid in replaced,
            goes=what_goes([made for made in each.made if made.uid in gone], zone),
        )
        for each in earlier
    ]


def what_goes(made: Iterable[Made], zone: tzinfo) -> list[str]:
    """Once, however many machines were taken; the first of many."""
    told = []
    for each in made:
        does = each.does
        when = (
            days_in_words(does, zone) if isinstance(does, Days) else slot_in_words(does.span, zone)
        )
        told.append(_("%(what)s: %(when)s", what=each.title, when=when))
    told = list(dict.fromkeys(told))
    if len(told) > SHOWN:
        more = len(told) - SHOWN
        told[SHOWN:] = [ngettext("and %(num)s more", "and %(num)s more", more)]
    return told


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A file that was sent and not imported yet."""

    uid: str
    name: str
    url: str
    sent: str


def drafts(rows: Iterable[Any], zone: tzinfo) -> list[DraftLine]:
    return [
        DraftLine(
            row.uid,
            row.name,
            url_for("manage.agenda_draft", uid=row.uid),
            by_whom(row.made_at, full_name(row), zone),
        )
        for row in rows
    ]


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
