"""What is done to a machine as such: getting in line for it, its state, its outages."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, Text, bindparam, literal_column, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.db import NoSuch, add_row, add_rows, db, retried, writing
from fablab.machines import guards
from fablab.machines.kinds import MachineState, OccupancyKind, Status
from fablab.machines.models import Change, Machine, Occupancy
from fablab.mail import outbox
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.slots import Slot

AT_ONCE = 500  # values in one IN (…)


class SlotTaken(Exception):
    """Something already occupies the machine then; the database said so."""


# Sent with every write, hence built once; what guards the machine is asked for on the way.
IN_LINE = {
    dialect: update(Machine.__table__)
    .where(Machine.id == bindparam("machine_id"))
    .values(revision=Machine.revision + 1)
    .returning(literal_column(present, Text).label("guards"))
    for dialect, present in guards.PRESENT.items()
}


def stand_in_line(session: Session, *machine_ids: int) -> None:
    """The first statement of every write on a machine: wait for one's turn, raise its revision.

    Without this queue PostgreSQL's constraint alone gave deadlocks and errors under load. Two
    machines are taken in the order of their ids, so that nobody waits in a circle.

    Raises NoSuch for a machine that does not exist, and GuardMissing when the database
    has lost what keeps two bookings apart: then nothing at all is written.
    """
    connection = session.connection()
    dialect = connection.dialect.name
    for machine_id in sorted(set(machine_ids)):
        row = connection.execute(IN_LINE[dialect], {"machine_id": machine_id}).first()
        if row is None:
            raise NoSuch(f"no machine {machine_id}")
        guards.require(guards.missing_in(row.guards, dialect))


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
            values = outage_columns(uid, machine_id, span, why, by=by, now=now)
            outage = add_row(session, Occupancy, **values)
            record(session, outage, "withdrawn", by=by, now=now, after=said(span))
    except IntegrityError as error:
        if guards.refused(error):
            raise SlotTaken from error
        raise
    return uid


def outage_columns(
    uid: str, machine_id: int, span: Slot, why: str, *, by: int | None, now: datetime
) -> dict[str, Any]:
    return {
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


def withdraw_all(
    session: Session,
    wanted: Sequence[tuple[int, Slot, str]],
    *,
    by: int | None,
    now: datetime,
) -> list[str]:
    """Outages of many machines at once, each a machine's id, a span and why; their UIDs in order.

    In a write that is under way and in the line of each machine. Raises IntegrityError, by the
    guard, when something stands in the way of one.
    """
    uids = [str(uuid4()) for _ in wanted]
    rows = [
        outage_columns(uid, machine_id, span, why, by=by, now=now)
        for uid, (machine_id, span, why) in zip(uids, wanted, strict=True)
    ]
    add_rows(session, Occupancy, rows)
    ids: dict[str, int] = {}
    for at in range(0, len(uids), AT_ONCE):
        asked = select(Occupancy.uid, Occupancy.id).where(
            Occupancy.uid.in_(uids[at : at + AT_ONCE])
        )
        ids |= {row.uid: row.id for row in session.execute(asked)}
    changes = [
        change_columns(ids[uid], "withdrawn", by=by, now=now, after=said(span))
        for uid, (_machine_id, span, _why) in zip(uids, wanted, strict=True)
    ]
    add_rows(session, Change, changes)
    outbox.ring(session)
    return uids


@retried
def end_outage(uid: str, *, by: int | None, now: datetime) -> None:
    """Give the machine back: an outage to come is cancelled, one under way ends now.

    Now is this minute, for nobody reads seconds. One that is over or was cancelled stays as
    it was. Raises NoSuch (no such outage) and Busy.
    """
    here = find_outage(uid)
    with writing() as session:
        stand_in_line(session, here.machine_id)
        end_outages(session, [find_outage(uid)], by=by, now=now)


def end_outages(
    session: Session, outages: Iterable[Row[Any]], *, by: int | None, now: datetime
) -> int:
    """The same for some of them, in a write that is under way and in the line of their machines;
    how many were ended or cancelled.
    """
    minute = now.replace(second=0)
    table = Occupancy.__table__
    changed = []
    for outage in outages:
        if not outage.standing or outage.ends_at <= minute:
            continue
        was = Slot(outage.starts_at, outage.ends_at)
        values: dict[str, Any] = {"changed_at": now, "revision": outage.revision + 1}
        if was.start < minute:
            what, after = "ended", said(Slot(was.start, minute))
            values |= {"ends_at": minute, "occupied_until": minute}
        else:
            what, after = "cancelled", {}
            values |= {"status": Status.CANCELLED, "standing": False, "cancelled_at": now}
        session.execute(update(table).where(table.c.id == outage.id).values(**values))
        changed.append(
            change_columns(outage.id, what, by=by, now=now, before=said(was), after=after)
        )
    add_rows(session, Change, changed)
    outbox.ring(session)
    return len(changed)


def find_outage(uid: str) -> Row[Any]:
    """The outage's row as it stands in the database now. Raises NoSuch."""
    table = Occupancy.__table__
    row = db.session.execute(
        select(table).where(table.c.uid == uid, table.c.kind == OccupancyKind.OUTAGE)
    ).first()
    if row is None:
        raise NoSuch(f"no outage {uid}")
    return row


@retried
def set_state(
    machine_id: int,
    state: MachineState,
    why: str,
    back_on: date | None,
    *,
    by: int,
    now: datetime,
) -> None:
    """Say how a machine is, why, and on which day it is expected back in service.

    A machine in service has neither reason nor day. Bookings stay: their people are told, not
    overruled. Raises NoSuch for a machine that does not exist or is retired, and Busy.
    """
    with writing() as session:
        stand_in_line(session, machine_id)
        put_state(session, machine_id, state, why, back_on, by=by, now=now)


def put_state(
    session: Session,
    machine_id: int,
    state: MachineState,
    why: str,
    back_on: date | None,
    *,
    by: int,
    now: datetime,
) -> bool:
    """The same in a write that is under way and in the machine's line; False when it changes
    nothing.
    """
    if state is MachineState.IN_SERVICE:
        why, back_on = "", None
    machine = session.get(Machine, machine_id, populate_existing=True)
    if machine is None or machine.state is MachineState.RETIRED:
        raise NoSuch(f"no machine {machine_id} in use")
    before = how_it_is(machine)
    machine.state, machine.state_reason, machine.back_on = state, why, back_on
    after = how_it_is(machine)
    if after == before:
        return False
    audit.note(
        session,
        Deed.STATE,
        place_id=machine.place_id,
        machine_id=machine_id,
        by=by,
        now=now,
        before=before,
        after=after,
    )
    return True


def how_it_is(machine: Machine) -> dict[str, Any]:
    return {
        "state": machine.state,
        "reason": machine.state_reason,
        "back_on": machine.back_on,
    }


def said(span: Slot) -> dict[str, str]:
    return {"start": span.start.isoformat(), "end": span.end.isoformat()}


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
    """Write down what happened to an occupancy; nothing ever rewrites it, and whoever must know
    is told of it by mail.
    """
    add_row(
        session,
        Change,
        **change_columns(occupancy_id, what, by=by, now=now, before=before, after=after),
    )
    outbox.ring(session)


def change_columns(
    occupancy_id: int,
    what: str,
    *,
    by: int | None,
    now: datetime,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "occupancy_id": occupancy_id,
        "made_at": now,
        "made_by_id": by,
        "what": what,
        "before": before or {},
        "after": after or {},
    }
