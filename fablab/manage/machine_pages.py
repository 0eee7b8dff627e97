"""The machines and one machine, as plain values: the state, the outages, who is concerned."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from fablab import clock
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.kinds import OccupancyKind
from fablab.manage import occupancies
from fablab.manage.member_pages import full_name, short
from fablab.manage.words import STATES


@dataclass(frozen=True, slots=True)
class State:
    lamp: str
    title: str
    reason: str
    back_on: str


def state(machine: MachineFacts) -> State:
    return State(
        "free" if machine.is_in_service else "stopped",
        _(STATES[machine.state]),
        machine.state_reason,
        short(machine.back_on) if machine.back_on else "",
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list of machines."""

    code: str
    hue: str
    name: str
    url: str
    state: State
    outages: list[occupancies.Line]


def line(machine: MachineFacts, rows: Iterable[Any], inventory: Inventory, now: datetime) -> Line:
    """`rows` are the outages of the place that are not over."""
    own = [row for row in rows if row.machine_id == machine.id]
    return Line(
        machine.code,
        machine.category.hue,
        machine.name,
        url_for("manage.machine", slug=machine.slug),
        state(machine),
        occupancies.lines(own, inventory, now),
    )


def outages(rows: Iterable[Any], inventory: Inventory, now: datetime) -> list[occupancies.Line]:
    kept = [row for row in rows if row.kind != OccupancyKind.BOOKING]
    return occupancies.lines(kept, inventory, now)


def bookings(rows: Iterable[Any], inventory: Inventory, now: datetime) -> list[occupancies.Line]:
    kept = [row for row in rows if row.kind == OccupancyKind.BOOKING]
    return occupancies.lines(kept, inventory, now)


def concerned(
    machine: MachineFacts, rows: Iterable[Any], inventory: Inventory, now: datetime
) -> list[occupancies.Line]:
    """The bookings that a machine out of service lets down: those before it is back."""
    if machine.is_in_service:
        return []
    if machine.back_on is not None:
        back_at = clock.midnight(inventory.schedule.zone, machine.back_on)
        rows = [row for row in rows if row.starts_at < back_at]
    return bookings(rows, inventory, now)


@dataclass(frozen=True, slots=True)
class Referent:
    """Somebody who looks after the machine."""

    name: str
    url: str
    email: str


def referents(rows: Iterable[Any]) -> list[Referent]:
    return [
        Referent(full_name(row), url_for("manage.member", uid=row.uid), row.email) for row in rows
    ]
