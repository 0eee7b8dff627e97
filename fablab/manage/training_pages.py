"""Trainings and their sessions as plain values, as the team reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from fablab import texts
from fablab.machines.inventory import Inventory
from fablab.manage.occupancies import Line, over_days
from fablab.slots import Slot
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.words import SEATINGS
from fablab.words import N_

STATES = {
    SessionState.PLANNED: N_("Planned"),
    SessionState.HELD: N_("Held"),
    SessionState.CANCELLED: N_("Cancelled"),
}


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One row of a list of sessions."""

    url: str
    training: str
    when: str
    hours: str  # with short days when it ends on another one
    trainer: str
    location: str
    seated: int
    seats: int
    waiting: int
    state: str
    machines: Sequence[Line] = ()  # what it occupies, where that is asked for


def session_line(row: Any, inventory: Inventory, machines: Sequence[Line] = ()) -> SessionLine:
    return SessionLine(
        url_for("manage.session", uid=row.uid),
        row.training,
        when(row, inventory),
        hours(row, inventory),
        name_of(row),
        row.location,
        row.seated,
        row.seats,
        row.waiting,
        _(STATES[row.state]),
        machines,
    )


def when(row: Any, inventory: Inventory) -> str:
    zone, slot = inventory.schedule.zone, Slot(row.starts_at, row.ends_at)
    first, last = inventory.schedule.days_of(slot)
    written = texts.hours(slot, zone)
    if first != last:
        return texts.capital(written)
    return f"{texts.capital(texts.near_day(first, zone))} {written}"


def hours(row: Any, inventory: Inventory) -> str:
    zone, slot = inventory.schedule.zone, Slot(row.starts_at, row.ends_at)
    first, last = inventory.schedule.days_of(slot)
    return texts.hours(slot, zone) if first == last else over_days(slot, zone)


def name_of(row: Any) -> str:
    return f"{row.first_name or ''} {row.last_name or ''}".strip()


@dataclass(frozen=True, slots=True)
class PersonLine:
    uid: str
    name: str
    url: str
    email: str
    seating: Seating
    how: str


def people(rows: Sequence[Any]) -> list[PersonLine]:
    """Who is in a session; of an erased account there is nothing to show."""
    return [
        PersonLine(
            row.uid,
            name_of(row),
            url_for("manage.member", uid=row.uid),
            row.email,
            row.seating,
            _(SEATINGS[row.seating]),
        )
        for row in rows
        if row.erased_at is None
    ]


@dataclass(frozen=True, slots=True)
class TrainingLine:
    """One row of the list of trainings."""

    code: str
    name: str
    url: str
    length: str
    seats: int
    valid: int | None  # months; none: for life
    is_retired: bool


def training_line(row: Any) -> TrainingLine:
    return TrainingLine(
        row.code,
        row.name,
        url_for("manage.training", code=row.code),
        texts.length(row.duration),
        row.seats,
        row.validity_months,
        row.retired_at is not None,
    )


def session_data(row: Any, machines: Sequence[Any], inventory: Inventory) -> dict[str, Any]:
    """A session as its form shows it."""
    zone = inventory.schedule.zone
    start, end = row.starts_at.astimezone(zone), row.ends_at.astimezone(zone)
    return {
        "day": start.date(),
        "start": start.time(),
        "end_day": end.date() if end.date() != start.date() else None,
        "end": end.time(),
        "trainer": row.trainer_uid or "",
        "seats": row.seats,
        "location": row.location,
        "machines": [each.slug for each in machines],
    }


def new_session_data(training: Any, granted: Any, now: datetime, inventory: Inventory) -> Any:
    """What is proposed for a session: the training's seats, on the machines it grants."""
    start = now.astimezone(inventory.schedule.zone)
    return {
        "day": start.date(),
        "seats": training.seats,
        "machines": [each.slug for each in inventory.machines if each.id in granted],
    }
