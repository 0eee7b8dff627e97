"""The past of a machine's own calendar (`.ics`) as lines of bookings; what is to come is read by
`agendas`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from fablab.agendas import lines
from fablab.agendas.lines import Trouble, Unreadable, clean
from fablab.agendas.reading import HORIZON, Event, Reading, read
from fablab.imports.sheet import Problem, Row, Sheet, shown
from fablab.words import N_

MAX_BYTES = lines.MAX_BYTES
BACK = HORIZON  # how far back is read: 18 months
PURPOSE = 200  # letters
OF_THE_FILE = (lines.NO_END, lines.DAMAGED_LINE)
MAIL = re.compile(r"mailto:([^\s;,<>\"]{3,254})", re.IGNORECASE)
PEOPLE = ("ORGANIZER", "ATTENDEE")


@dataclass(frozen=True, slots=True)
class Whose:
    """The machine, by its slug, whose calendar it is; whom events are for that name no member."""

    machine: str
    holder: str
    members: frozenset[str]  # the addresses of those who may be named


@dataclass(frozen=True, slots=True)
class Past:
    """The lines, and what is left out of them and why."""

    sheet: Sheet
    notes: list[Problem]


def past(content: bytes, whose: Whose, *, zone: tzinfo, now: datetime) -> Past:
    """Each date of each event that is over, 18 months back: its own reference is the event's UID
    with its start, so that the same calendar again brings in what is new alone.
    """
    try:
        found = read(content, zone=zone, now=now - BACK)
        people = dict(_people(content))
    except Unreadable as error:
        return Past(Sheet([], [Problem(0, error.sentence)]), [])
    rows = [
        row
        for event in found.events
        if not event.is_free
        for row in _rows(event, _holder(people.get(event.line, ()), whose), whose.machine, now)
    ]
    titles = {event.line: {"purpose": shown(clean(event.title))} for event in found.events}
    notes = [_of_trouble(each) for each in found.troubles]
    return Past(Sheet(rows, [], titles), [*notes, *_left_out(found)])


def _of_trouble(found: Trouble) -> Problem:
    if found.sentence in OF_THE_FILE:
        return Problem(found.line, found.sentence, found.values)
    told = {"event": shown(found.about), "why": found.sentence, "told": found.values}
    if not found.about:
        return Problem(found.line, N_("An event without a title is left out: %(why)s"), told)
    return Problem(found.line, N_("“%(event)s” is left out: %(why)s"), told)


def _rows(event: Event, email: str, machine: str, now: datetime) -> Iterator[Row]:
    for slot in event.hours:
        if slot.end <= now:
            values = {
                "email": email,
                "machine": machine,
                "start": slot.start,
                "end": slot.end,
                "purpose": clean(event.title)[:PURPOSE],
                "reference": f"{event.uid} {slot.start:%Y%m%dT%H%M%SZ}",
            }
            yield Row(event.line, values, is_kept=True)


def _left_out(found: Reading) -> Iterator[Problem]:
    for event in found.events:
        told = {"event": shown(event.title)}
        if event.is_free:
            yield Problem(event.line, N_("“%(event)s” takes nobody’s time: left out."), told)
        elif event.days:
            yield Problem(event.line, N_("“%(event)s” has days without hours: left out."), told)


def _people(content: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The addresses that each event names, by the line it begins on; who calls it first."""
    for component in lines.components(lines.unfolded(lines.checked(content)), []):
        if component.name == "VEVENT":
            named = sorted(
                (line for line in component.lines if line.name in PEOPLE),
                key=lambda line: PEOPLE.index(line.name),
            )
            found = (MAIL.search(line.text) for line in named)
            yield component.line, tuple(each[1].lower() for each in found if each)


def _holder(people: tuple[str, ...], whose: Whose) -> str:
    return next((each for each in people if each in whose.members), whose.holder)
