"""Machines that a file takes out of the inventory: like on their page, once nobody counts on them.

What they were withdrawn for ends with it; see `machines.sheets.retire`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from fablab.db import Busy, db
from fablab.imports.plan import Where
from fablab.imports.sheet import Problem
from fablab.machines.commands import end_outages
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Machine, Occupancy
from fablab.words import N_

COUNTED_ON = N_(
    "“%(code)s” cannot be retired, somebody counts on it. Bookings to come: %(bookings)s; people"
    " who made them: %(people)s; trainings: %(sessions)s. Move or cancel them first."
)
RETIRES = N_(
    "“%(code)s” is retired: no page shows it any longer and nobody can book it. Nothing is booked"
    " on it, and its past is kept."
)


class Held(NamedTuple):
    """What stands on a machine and is not over."""

    bookings: int
    people: int
    sessions: int


def held(where: Where) -> dict[int, Held]:
    """By machine of the place; those that nobody counts on are left out."""
    table = Occupancy.__table__.c
    is_booking = table.kind == OccupancyKind.BOOKING
    is_session = table.kind == OccupancyKind.SESSION
    asked = (
        select(
            table.machine_id,
            func.count(case((is_booking, table.id))),
            func.count(case((is_booking, table.member_id)).distinct()),
            func.count(case((is_session, table.id))),
        )
        .join(Machine, Machine.id == table.machine_id)
        .where(Machine.place_id == where.place_id, table.kind != OccupancyKind.OUTAGE)
        .where(table.standing, table.ends_at > where.now)
        .group_by(table.machine_id)
    )
    return {machine_id: Held(*counts) for machine_id, *counts in db.session.execute(asked)}


def counted_on(line: int, machine: Machine, by_machine: dict[int, Held]) -> Problem | None:
    found = by_machine.get(machine.id)
    if found is None:
        return None
    told = {"code": machine.code, "machine": machine.slug} | found._asdict()
    return Problem(line, COUNTED_ON, told, "state")


def retires(line: int, machine: Machine) -> Problem:
    return Problem(line, RETIRES, {"code": machine.code, "machine": machine.slug}, "state")


def end(session: Session, machine_ids: Sequence[int], where: Where) -> None:
    """In the line of these machines: end their outages. Raises Busy when one was booked since it
    was looked at.
    """
    ahead = [row for each in machine_ids for row in session.execute(_ahead(each, where))]
    if any(row.kind != OccupancyKind.OUTAGE for row in ahead):
        raise Busy
    if ahead:
        end_outages(session, ahead, by=where.by, now=where.now)


def _ahead(machine_id: int, where: Where) -> Select[Any]:
    table = Occupancy.__table__
    return select(table).where(
        table.c.machine_id == machine_id, table.c.standing, table.c.ends_at > where.now
    )
