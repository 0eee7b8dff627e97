"""What was booked, of one machine or of a whole place."""

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Executable, Row, bindparam

from fablab.db import db
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Bounds, Machine, Occupancy, standing_around
from fablab.slots import Slot


def _booked(where: ColumnElement[bool]) -> Executable:
    """Bookings and trainings; an outage is no use."""
    return (
        standing_around(Bounds())
        .with_only_columns(
            Occupancy.machine_id,
            Occupancy.starts_at,
            Occupancy.ends_at,
            Occupancy.arrived_at,
            Occupancy.left_at,
        )
        .where(where, Occupancy.kind != OccupancyKind.OUTAGE)
        .order_by(Occupancy.starts_at)
    )


ON_PLACE = _booked(Machine.place_id == bindparam("place_id"))
ON_MACHINE = _booked(Machine.id == bindparam("machine_id"))


def on_place(place_id: int, span: Slot) -> dict[int, list[Row[Any]]]:
    """By machine, what is booked in `span`. One statement."""
    return _by_machine(ON_PLACE, span, place_id=place_id)


def on_machine(machine_id: int, span: Slot) -> dict[int, list[Row[Any]]]:
    """The same of one machine. One statement."""
    return _by_machine(ON_MACHINE, span, machine_id=machine_id)


def _by_machine(statement: Executable, span: Slot, **values: int) -> dict[int, list[Row[Any]]]:
    values_of_span = {"span_start": span.start, "span_end": span.end}
    by_machine: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in db.session.connection().execute(statement, values_of_span | values):
        by_machine[row.machine_id].append(row)
    return by_machine
