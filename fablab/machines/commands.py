"""What is done to a machine as such: getting in line for it, withdrawing it for a time."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.db import add_row, retried, writing
from fablab.machines import guards
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Change, Machine, Occupancy
from fablab.slots import Slot


class SlotTaken(Exception):
    """Something already occupies the machine then; the database said so."""


def stand_in_line(session: Session, *machine_ids: int) -> None:
    """The first statement of every write on a machine: wait for one's turn, raise its revision.

    Without this queue PostgreSQL's constraint alone gave deadlocks and errors under load. Two
    machines are taken in the order of their ids, so that nobody waits in a circle.

    Raises LookupError for a machine that does not exist, and GuardMissing when the database
    has lost what keeps two bookings apart: then nothing at all is written.
    """
    for machine_id in sorted(set(machine_ids)):
        line = (
            update(Machine)
            .where(Machine.id == machine_id)
            .values(revision=Machine.revision + 1)
            .execution_options(synchronize_session=False)
        )
        if session.execute(line).rowcount != 1:  # type: ignore[attr-defined]
            raise LookupError(f"no machine {machine_id}")
    guards.require(session.connection())


@retried
def withdraw(machine_id: int, span: Slot, why: str, *, by: int | None, now: datetime) -> str:
    """Take a machine out of service for `span`, and give the outage's UID.

    Raises SlotTaken when a booking or another outage stands in the way: people are warned
    and moved first, never written over.
    """
    uid = str(uuid4())
    try:
        with writing() as session:
            stand_in_line(session, machine_id)
            values = {
                "uid": uid,
                "kind": OccupancyKind.OUTAGE,
                "machine_id": machine_id,
                "starts_at": span.start,
                "ends_at": span.end,
                "occupied_from": span.start,
                "occupied_until": span.end,
                "status": Status.CONFIRMED,
                "standing": True,
                "revision": 0,
                "created_at": now,
                "changed_at": now,
                "created_by_id": by,
                "title": why,
            }
            outage = add_row(session, Occupancy, **values)
            record(session, outage, "withdrawn", by=by, now=now)
    except IntegrityError as error:
        if guards.refused(error):
            raise SlotTaken from error
        raise
    return uid


def record(
    session: Session,
    occupancy_id: int,
    what: str,
    *,
    by: int | None,
    now: datetime,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    """Write down what happened to an occupancy; nothing ever rewrites it."""
    add_row(
        session,
        Change,
        occupancy_id=occupancy_id,
        made_at=now,
        made_by_id=by,
        what=what,
        before=before or {},
        after=after or {},
    )
