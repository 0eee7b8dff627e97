"""Faults as plain values: as a row of a list, as a page, as members read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import format_currency
from flask_babel import gettext as _

from fablab import texts
from fablab.machines.kinds import MachineState
from fablab.upkeep.kinds import OPEN, STOPPING, EntryKind, FaultState
from fablab.upkeep.words import ENTRIES, FAULTS

# The look of a tag: kind and icon.
LOOKS = {
    FaultState.REPORTED: ("warning", "bell"),
    FaultState.NOTED: ("", "eye"),
    FaultState.RESTRICTED: ("warning", "triangle-alert"),
    FaultState.STOPPED: ("no", "ban"),
    FaultState.LOCKED: ("no", "ban"),
    FaultState.REPAIRED: ("ok", "check"),
    FaultState.DISMISSED: ("", "check"),
}


@dataclass(frozen=True, slots=True)
class State:
    """How a fault stands, as a tag says it."""

    text: str
    kind: str
    icon: str


def state(value: FaultState) -> State:
    return State(_(FAULTS[value]), *LOOKS[value])


@dataclass(frozen=True, slots=True)
class Line:
    """A fault as a row of the team's list."""

    url: str
    code: str
    hue: str
    machine: str
    what: str
    when: str
    who: str
    said: str
    state: State


def own_line(row: Any, first_place_id: int) -> Line:
    """Of one's own reports, in whatever place. What is retired has no page."""
    place = row.place_slug if row.place_id != first_place_id else None
    url = url_for("upkeep.fault", slug=row.slug, uid=row.uid, place=place)
    is_retired = row.machine_state is MachineState.RETIRED
    return line(row, "" if is_retired else url, ZoneInfo(row.zone))


def line(row: Any, url: str, zone: tzinfo) -> Line:
    return Line(
        url=url,
        code=row.code,
        hue=row.hue,
        machine=row.machine_name,
        what=described(row.what),
        when=texts.moment(row.reported_at, zone),
        who=named(row.first_name, row.last_name),
        said=row.said,
        state=state(row.state),
    )


def described(what: str) -> str:
    """In the words of whoever reported it; they are gone with their account."""
    return what or _("Whoever described it has erased their account.")


@dataclass(frozen=True, slots=True)
class Told:
    """A fault as members read it: never who reported it."""

    text: str
    state: State


def not_to_be_used(rows: Iterable[Any]) -> list[str]:
    """Why nobody should use the machine, in the words of whoever saw it, until it is sorted."""
    return [row.what for row in rows if row.state is FaultState.REPORTED and not row.is_usable]


def told(rows: Iterable[Any]) -> list[Told]:
    """Those that matter to whoever would use the machine. What stops it is said by its state, what
    restricts it as well.
    """
    kept = [row for row in rows if row.state in (FaultState.REPORTED, FaultState.NOTED)]
    return [Told(described(row.what), state(row.state)) for row in kept]


@dataclass(frozen=True, slots=True)
class Event:
    """What the logbook says."""

    when: str
    what: str
    who: str
    said: str
    part: str
    cost: str


def event(row: Any, zone: tzinfo) -> Event:
    return Event(
        when=texts.moment(row.made_at, zone),
        what=_(ENTRIES[EntryKind(row.kind)]),
        who=named(row.first_name, row.last_name),
        said=row.said,
        part=row.part,
        cost=amount(row.cents),
    )


@dataclass(frozen=True, slots=True)
class FaultPage:
    """One fault, for its reporter or whoever looks after the machine."""

    uid: str
    machine_url: str
    code: str
    hue: str
    machine: str
    what: str
    when: str
    who: str  # reported it; empty for the reporter themselves
    is_usable: bool
    photo: str
    state: State
    said: str
    sorted: str  # when and by whom
    is_open: bool
    is_stopping: bool
    events: list[Event]


def page(
    row: Any, events: Iterable[Any], zone: tzinfo, *, may_sort: bool, place: str | None
) -> FaultPage:
    sorter = named(row.sorter_first_name, row.sorter_last_name)
    return FaultPage(
        uid=row.uid,
        machine_url=url_for("home.machine", slug=row.slug, place=place),
        code=row.code,
        hue=row.hue,
        machine=row.machine_name,
        what=described(row.what),
        when=texts.moment(row.reported_at, zone),
        who=named(row.first_name, row.last_name) if may_sort else "",
        is_usable=row.is_usable,
        photo=url_for("upkeep.photo", slug=row.slug, uid=row.uid, place=place) if row.photo else "",
        state=state(row.state),
        said=row.said,
        sorted=sorted_in_words(row.sorted_at, sorter if may_sort else "", zone),
        is_open=row.state in OPEN,
        is_stopping=row.state in STOPPING,
        events=[event(each, zone) for each in events] if may_sort else [],
    )


def sorted_in_words(at: datetime | None, who: str, zone: tzinfo) -> str:
    if at is None:
        return ""
    moment = texts.moment(at, zone)
    return _("%(moment)s, by %(who)s", moment=moment, who=who) if who else moment


def named(first_name: str | None, last_name: str | None) -> str:
    return " ".join(filter(None, (first_name, last_name)))


def amount(cents: int | None) -> str:
    """Zero is a price, nothing said is none."""
    return "" if cents is None else format_currency(cents / 100, "EUR")


def mail_to(lines: Iterable[Any]) -> str:
    """A mailto: address for the people of some bookings, none of whom reads the others' names.

    Empty when there is nobody to write to. RFC 6068 §2.
    """
    addresses = dict.fromkeys(quote(line.email, safe="@") for line in lines if line.email)
    return f"mailto:?bcc={','.join(addresses)}" if addresses else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the logbook on its own page."""

    uid: str
    event: Event
    file_url: str
    is_pdf: bool
    fault_url: str
    corrects: str  # when the line that it puts right was written


def entry(row: Any, zone: tzinfo, *, slug: str, place: str | None) -> Entry:
    return Entry(
        uid=row.uid,
        event=event(row, zone),
        file_url=url_for("upkeep.file", slug=slug, uid=row.uid, place=place) if row.file else "",
        is_pdf=(row.file or "").endswith(".pdf"),
        fault_url=url_for("upkeep.fault", slug=slug, uid=row.fault_uid, place=place)
        if row.fault_uid
        else "",
        corrects=texts.moment(row.corrects_at, zone) if row.corrects_at else "",
    )
