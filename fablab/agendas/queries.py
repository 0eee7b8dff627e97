"""What is asked about calendars that were read in, always of one place."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import aliased

from fablab.agendas.models import Agenda, AgendaDraft, AgendaEntry
from fablab.agendas.reading import Days
from fablab.agendas.rules import Earlier, Made, Taken, Withdrawal
from fablab.db import NoSuch, db
from fablab.machines.kinds import MachineState
from fablab.machines.models import Machine, Occupancy, standing_around
from fablab.members.models import Member
from fablab.places.models import Closure
from fablab.slots import Slot

KEPT = timedelta(days=1)  # a draft
AT_ONCE = 500  # values in one IN (…)


def draft(uid: str, place_id: int, now: datetime) -> Row[Any]:
    """Raises NoSuch for one of another place, applied already, or older than a day."""
    found = db.session.execute(
        select(AgendaDraft.__table__).where(
            AgendaDraft.uid == uid,
            AgendaDraft.place_id == place_id,
            AgendaDraft.made_at > now - KEPT,
        )
    ).first()
    if found is None:
        raise NoSuch(f"no draft {uid}")
    return found


def drafts(place_id: int, now: datetime) -> Sequence[Row[Any]]:
    """Those that are kept, latest first, with who sent them and without what they hold."""
    asked: Select[*tuple[Any, ...]] = (
        select(
            AgendaDraft.uid,
            AgendaDraft.name,
            AgendaDraft.made_at,
            Member.first_name,
            Member.last_name,
        )
        .join(Member, Member.id == AgendaDraft.made_by_id)
        .where(AgendaDraft.place_id == place_id, AgendaDraft.made_at > now - KEPT)
        .order_by(AgendaDraft.id.desc())
    )
    return db.session.execute(asked).all()


def taken(place_id: int, span: Slot) -> list[Taken]:
    """All that stands on the place's machines in use in `span`. One statement."""
    rows = db.session.execute(
        standing_around(span)
        .with_only_columns(
            Occupancy.id,
            Occupancy.uid,
            Occupancy.revision,
            Occupancy.kind,
            Occupancy.machine_id,
            Occupancy.starts_at,
            Occupancy.ends_at,
            Occupancy.occupied_from,
            Occupancy.occupied_until,
        )
        .where(Machine.place_id == place_id, Machine.state != MachineState.RETIRED)
    )
    return [Taken(*row[:5], Slot(row[5], row[6]), Slot(row[7], row[8])) for row in rows]


Applier, Undoer = aliased(Member), aliased(Member)


def agendas(place_id: int, *, uid: str | None = None) -> Sequence[Row[Any]]:
    """Those that were read in, latest first, with who did and undid it."""
    asked: Select[*tuple[Any, ...]] = (
        select(
            Agenda.id,
            Agenda.uid,
            Agenda.name,
            Agenda.applied_at,
            Agenda.undone_at,
            Agenda.cancelled,
            Agenda.stayed,
            Agenda.replaced,
            Applier.first_name,
            Applier.last_name,
            Undoer.first_name.label("undoer_first_name"),
            Undoer.last_name.label("undoer_last_name"),
        )
        .join(Applier, Applier.id == Agenda.applied_by_id)
        .outerjoin(Undoer, Undoer.id == Agenda.undone_by_id)
        .where(Agenda.place_id == place_id)
        .order_by(Agenda.id.desc())
    )
    if uid is not None:
        asked = asked.where(Agenda.uid == uid)
    return db.session.execute(asked).all()


def agenda(uid: str, place_id: int) -> Row[Any]:
    """Raises NoSuch for one of another place."""
    found = agendas(place_id, uid=uid)
    if not found:
        raise NoSuch(f"no agenda {uid}")
    return found[0]


def entries(agenda_id: int) -> Sequence[Row[Any]]:
    table = AgendaEntry.__table__
    return db.session.execute(
        select(table).where(table.c.agenda_id == agenda_id).order_by(table.c.id)
    ).all()


def closures_of(agenda_id: int) -> Sequence[Closure]:
    """Those it made and that are still there, soonest first."""
    return db.session.scalars(
        select(Closure)
        .join(AgendaEntry, AgendaEntry.closure_uid == Closure.uid)
        .where(AgendaEntry.agenda_id == agenda_id)
        .order_by(Closure.first_day, Closure.id)
        .execution_options(populate_existing=True)
    ).all()


def outages_of(agenda_id: int) -> Sequence[Row[Any]]:
    """Those it made, ended or not, soonest first."""
    table = Occupancy.__table__
    return db.session.execute(
        select(table)
        .join(AgendaEntry.__table__, AgendaEntry.outage_uid == table.c.uid)
        .where(AgendaEntry.agenda_id == agenda_id)
        .order_by(table.c.starts_at, table.c.id)
    ).all()


def ids_of(uids: Sequence[str]) -> list[int]:
    """Of occupancies."""
    found: list[int] = []
    for at in range(0, len(uids), AT_ONCE):
        part = uids[at : at + AT_ONCE]
        found += db.session.scalars(select(Occupancy.id).where(Occupancy.uid.in_(part)))
    return found


def read_before(place_id: int) -> dict[str, datetime]:
    """When the events were last read in that still have something of it, by their UIDs."""
    rows = db.session.execute(
        select(AgendaEntry.event_uid, func.max(Agenda.applied_at).label("applied_at"))
        .join(Agenda, Agenda.id == AgendaEntry.agenda_id)
        .where(Agenda.place_id == place_id, Agenda.undone_at.is_(None))
        .group_by(AgendaEntry.event_uid)
    )
    return {row.event_uid: row.applied_at for row in rows}


def earlier(
    place_id: int, event_uids: Collection[str], *, today: date, now: datetime
) -> list[Earlier]:
    """The imports that hold one of these events and have something to come, latest first, with
    all of that. One statement.
    """
    asked: Select[*tuple[Any, ...]] = (
        select(
            Agenda.id,
            Agenda.uid,
            Agenda.name,
            Agenda.applied_at,
            AgendaEntry.id.label("entry_id"),
            AgendaEntry.event_uid,
            Closure.uid.label("closure_uid"),
            Closure.first_day,
            Closure.last_day,
            Closure.reason,
            Occupancy.uid.label("outage_uid"),
            Occupancy.title,
            Occupancy.machine_id,
            Occupancy.starts_at,
            Occupancy.ends_at,
        )
        .join(AgendaEntry, AgendaEntry.agenda_id == Agenda.id)
        .outerjoin(Closure, Closure.uid == AgendaEntry.closure_uid)
        .outerjoin(Occupancy, Occupancy.uid == AgendaEntry.outage_uid)
        .where(
            Agenda.place_id == place_id,
            Agenda.undone_at.is_(None),
            (Closure.last_day >= today)
            | (Occupancy.standing & (Occupancy.ends_at > now.replace(second=0))),
        )
        .order_by(Agenda.id.desc(), AgendaEntry.id)
    )
    rows = db.session.execute(asked).all()
    made: dict[int, list[Made]] = {row.id: [] for row in rows if row.event_uid in event_uids}
    heads = {row.id: row for row in rows}
    for row in rows:
        if row.id in made:
            made[row.id].append(_made(row))
    return [
        Earlier(head.id, head.uid, head.name, head.applied_at, tuple(made[head.id]))
        for head in heads.values()
        if head.id in made
    ]


def _made(row: Row[Any]) -> Made:
    if row.closure_uid:
        days = Days(row.first_day, row.last_day)
        return Made(row.entry_id, row.event_uid, row.closure_uid, row.reason, days)
    taken = Withdrawal(row.machine_id, Slot(row.starts_at, row.ends_at))
    return Made(row.entry_id, row.event_uid, row.outage_uid, row.title, taken)


def replaced(agenda: Row[Any], place_id: int) -> list[Row[Any]]:
    """Those that were undone with it."""
    if not agenda.replaced:
        return []
    return [each for each in agendas(place_id) if each.uid in agenda.replaced]


def in_its_stead(agenda: Row[Any], place_id: int) -> Row[Any] | None:
    """The one that it was undone with."""
    if agenda.undone_at is None:
        return None
    return next((each for each in agendas(place_id) if agenda.uid in each.replaced), None)
