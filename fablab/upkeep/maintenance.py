"""Regular maintenance: it keeps the machine free in advance, is done, and comes again."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.orm import Session

from fablab.clock import today
from fablab.db import NoSuch, add_row, db, retried, writing
from fablab.keys import made_once, uid_for
from fablab.machines.commands import end_outages, stand_in_line, withdraw_all
from fablab.machines.inventory import Inventory, MachineFacts, of_place
from fablab.machines.kinds import MachineState
from fablab.machines.models import Machine, Occupancy
from fablab.members.kinds import Audience
from fablab.places.kinds import Mode
from fablab.slots import Slot
from fablab.upkeep import logbook, stopping
from fablab.upkeep.kinds import EntryKind
from fablab.upkeep.maintenance_rules import A_DAY, SEARCHED, Rhythm, first_free, slot_on
from fablab.upkeep.models import LogEntry, Maintenance, MaintenanceDay

TABLE, DAYS = Maintenance.__table__, MaintenanceDay.__table__
AHEAD = 400  # days: no machine is kept free for longer


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done to a machine, how often, and when."""

    title: str
    rhythm: Rhythm
    starts_on: date
    at: time
    length: timedelta
    work: str = ""
    who: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "work": self.work,
            "who": self.who,
            "every": self.rhythm.every,
            "unit": self.rhythm.unit,
            "weekday": self.rhythm.weekday,
            "at": self.at,
            "length": self.length,
            "starts_on": self.starts_on,
        }


@dataclass(frozen=True, slots=True)
class Done:
    said: str
    part: str = ""
    cents: int | None = None


@retried
def begin(
    machine_id: int, place_id: int, wanted: Plan, *, by: int, now: datetime, key: str = ""
) -> str:
    """Have it done from now on, and keep the machine free for it; the UID. Raises AlreadyMade, and
    Busy.
    """
    with writing() as session:
        stand_in_line(session, machine_id)
        return write(session, machine_id, place_id, wanted, by=by, now=now, key=key)


def write(
    session: Session,
    machine_id: int,
    place_id: int,
    wanted: Plan,
    *,
    by: int,
    now: datetime,
    key: str = "",
) -> str:
    """The same in a write that is under way and in the machine's line."""
    uid = uid_for(key, by, machine_id, wanted)
    made_once(Maintenance, uid)
    add_row(
        session,
        Maintenance,
        uid=uid,
        machine_id=machine_id,
        created_at=now,
        created_by_id=by,
        **wanted.columns,
    )
    _keep_free(session, find(uid), place_id, now)
    return uid


@retried
def change(uid: str, wanted: Plan, *, by: int, now: datetime) -> None:
    """Do it otherwise: what was kept free ahead is given back, and kept anew. Raises NoSuch when
    there is none, or it has ended, and Busy.
    """
    here = find(uid)
    with writing() as session:
        stand_in_line(session, here.machine_id)
        _give_back(session, find(uid), by=by, now=now)
        session.execute(
            update(TABLE).where(TABLE.c.id == here.id).values(planned_until=None, **wanted.columns)
        )
        _keep_free(session, find(uid), here.place_id, now)


@retried
def end(uid: str, *, by: int, now: datetime) -> None:
    """Have it done no more, and give back what was kept free ahead. Raises NoSuch, and Busy."""
    here = find(uid)
    with writing() as session:
        stand_in_line(session, here.machine_id)
        _give_back(session, find(uid), by=by, now=now)
        session.execute(
            delete(DAYS).where(DAYS.c.maintenance_id == here.id, DAYS.c.done_at.is_(None))
        )
        session.execute(update(TABLE).where(TABLE.c.id == here.id).values(ended_at=now))


@retried
def finish(uid: str, done: Done, *, by: int, now: datetime, key: str = "") -> bool:
    """It is done: a line of the logbook, and the next time is counted from today.

    All that was due until now is done with it, else what comes next. What is already kept free
    stays as long as the days are the same. False when it was done today before: a line of the
    logbook all the same, and nothing of the plan. Raises AlreadyMade, NoSuch, and Busy.
    """
    here = find(uid)
    with writing() as session:
        stand_in_line(session, here.machine_id)
        line = uid_for(key, by, uid, done)
        made_once(LogEntry, line)
        row = find(uid)
        zone = of_place(place_id=row.place_id).schedule.zone
        day = today(zone, now)
        due = _due_by(row.id, day)
        is_first = any(each.due_on <= day for each in due) or not _is_done_on(row.id, zone, day)
        for each in due if is_first else ():
            session.execute(update(DAYS).where(DAYS.c.id == each.id).values(done_at=now))
            if each.outage_uid:
                end_outages(session, _outages([each.outage_uid]), by=by, now=now)
        logbook.enter(
            session,
            row.machine_id,
            EntryKind.MAINTENANCE,
            f"{row.title}\n{done.said}".strip(),
            by=by,
            now=now,
            part=done.part,
            cents=done.cents,
            uid=line,
        )
        if is_first:
            _count_from(session, row, rhythm_of(row).after(day, 1), by=by, now=now)
        return is_first


def _count_from(session: Session, row: Row[Any], first: date, *, by: int, now: datetime) -> None:
    """The next time is on `first`: unless it is planned so anyway, everything ahead is anew."""
    ahead = select(DAYS.c.due_on).where(DAYS.c.maintenance_id == row.id, DAYS.c.done_at.is_(None))
    planned = list(db.session.scalars(ahead.order_by(DAYS.c.due_on)))
    rhythm = rhythm_of(row)
    is_same = bool(planned) and planned == list(rhythm.due(first, first, planned[-1]))
    values: dict[str, Any] = {"starts_on": first}
    if not is_same:
        _give_back(session, row, by=by, now=now)
        values["planned_until"] = None
    session.execute(update(TABLE).where(TABLE.c.id == row.id).values(**values))
    _keep_free(session, find(row.uid), row.place_id, now)


def plan(now: datetime) -> int:
    """Keep the machines free as far ahead as they may be booked; for how many it was written.

    One statement when there is nothing to do. Raises Busy.
    """
    rows = db.session.execute(_all().where(TABLE.c.ended_at.is_(None))).all()
    due = [row for row in rows if _reaches(row, now)]
    db.session.rollback()
    for row in due:
        _plan(row.uid, now)
    return len(due)


@retried
def _plan(uid: str, now: datetime) -> None:
    here = find(uid)
    with writing() as session:
        stand_in_line(session, here.machine_id)
        _keep_free(session, find(uid), here.place_id, now)


def _reaches(row: Row[Any], now: datetime) -> bool:
    """Whether there are days to come that are not written down yet."""
    inventory = of_place(place_id=row.place_id)
    machine = inventory.by_id.get(row.machine_id)
    if machine is None:
        return False
    return row.planned_until is None or row.planned_until < horizon(inventory, machine, now)


def horizon(inventory: Inventory, machine: MachineFacts, now: datetime) -> date:
    """The last day that members may book; the team may book later ones, and then has them."""
    policies = machine.policies.items()
    days = max(each.horizon_days for who, each in policies if who is not Audience.STAFF)
    return today(inventory.schedule.zone, now) + timedelta(days=min(days, AHEAD))


def _keep_free(session: Session, row: Row[Any], place_id: int, now: datetime) -> None:
    """Write down the days up to the horizon that are not yet, each with its outage: at its hour, or
    when that is taken at the next time that is not.
    """
    inventory = of_place(place_id=place_id)
    machine = inventory.by_id.get(row.machine_id)
    if machine is None:
        return
    until = horizon(inventory, machine, now)
    since = max(today(inventory.schedule.zone, now), (row.planned_until or date.min))
    since += A_DAY if row.planned_until == since else timedelta(0)
    # Done before its day, or already today: it is not due on that day again.
    done = set(db.session.scalars(select(DAYS.c.due_on).where(DAYS.c.maintenance_id == row.id)))
    for day in rhythm_of(row).due(row.starts_on, since, until):
        if day not in done:
            _keep_free_on(session, row, day, inventory, now)
    session.execute(update(TABLE).where(TABLE.c.id == row.id).values(planned_until=until))


def _keep_free_on(
    session: Session, row: Row[Any], day: date, inventory: Inventory, now: datetime
) -> None:
    schedule = inventory.schedule
    wanted = slot_on(schedule.zone, day, row.at, row.length)
    around = wanted.widened(timedelta(0), SEARCHED + row.length)
    taken = [
        Slot(each.occupied_from, each.occupied_until)
        for each in stopping.in_the_way(row.machine_id, around)
    ]
    last = day + SEARCHED + A_DAY
    slot = first_free(wanted, taken, schedule.open_time(day, last, list(Mode)), now)
    uid = None
    if slot is not None:
        [uid] = withdraw_all(session, [(row.machine_id, slot, row.title)], by=None, now=now)
    add_row(
        session,
        MaintenanceDay,
        maintenance_id=row.id,
        due_on=day,
        outage_uid=uid,
        is_moved=slot is not None and slot != wanted,
    )


def _give_back(session: Session, row: Row[Any], *, by: int, now: datetime) -> None:
    """End what is kept free from now on, and forget the days that are to come."""
    day = today(of_place(place_id=row.place_id).schedule.zone, now)
    ahead = DAYS.c.maintenance_id == row.id, DAYS.c.done_at.is_(None)
    uids = session.scalars(select(DAYS.c.outage_uid).where(*ahead, DAYS.c.outage_uid.is_not(None)))
    end_outages(session, _outages(list(uids)), by=by, now=now)
    session.execute(delete(DAYS).where(*ahead, DAYS.c.due_on >= day))


def _outages(uids: list[str]) -> list[Row[Any]]:
    table = Occupancy.__table__
    return list(db.session.execute(select(table).where(table.c.uid.in_(uids))).all())


def _due_by(maintenance_id: int, day: date) -> list[Row[Any]]:
    """What is due until that day and not done; when nothing is, what comes next."""
    asked = select(DAYS).where(DAYS.c.maintenance_id == maintenance_id, DAYS.c.done_at.is_(None))
    rows = list(db.session.execute(asked.order_by(DAYS.c.due_on)).all())
    return [row for row in rows if row.due_on <= day] or rows[:1]


def _is_done_on(maintenance_id: int, zone: tzinfo, day: date) -> bool:
    last = select(func.max(DAYS.c.done_at)).where(DAYS.c.maintenance_id == maintenance_id)
    moment = db.session.scalar(last)
    return moment is not None and today(zone, moment) == day


def _all() -> Any:
    return (
        select(TABLE, Machine.place_id)
        .join(Machine, Machine.id == TABLE.c.machine_id)
        .where(Machine.state != MachineState.RETIRED)
        .order_by(TABLE.c.id)
    )


def find(uid: str) -> Row[Any]:
    """As it stands in the database now. Raises NoSuch when there is none, or it has ended."""
    row = db.session.execute(_all().where(TABLE.c.uid == uid, TABLE.c.ended_at.is_(None))).first()
    if row is None:
        raise NoSuch(f"no maintenance {uid}")
    return row


def rhythm_of(row: Any) -> Rhythm:
    return Rhythm(row.every, row.unit, row.weekday)
