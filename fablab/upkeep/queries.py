"""The faults and who is concerned by them, as rows of what a page or a mail shows."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from fablab.clock import today
from fablab.db import NoSuch, db
from fablab.machines import inventory
from fablab.machines.kinds import MachineState
from fablab.machines.models import Category, Machine, MachineReferent, Occupancy
from fablab.members.kinds import TEAM
from fablab.members.models import Member, Membership, RoleHeld
from fablab.places.models import Place
from fablab.upkeep.kinds import FaultState
from fablab.upkeep.models import Fault, LogEntry, Maintenance, MaintenanceDay
from fablab.upkeep.rules import Found

Sorter = aliased(Member)

FAULT = (
    Fault.id,
    Fault.uid,
    Fault.machine_id,
    Fault.reported_at,
    Fault.reported_by_id,
    Fault.what,
    Fault.is_usable,
    Fault.photo,
    Fault.state,
    Fault.said,
    Fault.sorted_at,
    Fault.closed_at,
    Fault.revision,
    Machine.place_id,
    Machine.slug,
    Machine.code,
    Machine.name.label("machine_name"),
    Category.hue,
    Member.first_name,
    Member.last_name,
    Sorter.first_name.label("sorter_first_name"),
    Sorter.last_name.label("sorter_last_name"),
)


def _faults() -> Select[*tuple[Any, ...]]:
    return (
        select(*FAULT)
        .join(Machine, Machine.id == Fault.machine_id)
        .join(Category, Category.id == Machine.category_id)
        .join(Member, Member.id == Fault.reported_by_id)
        .outerjoin(Sorter, Sorter.id == Fault.sorted_by_id)
    )


def fault(uid: str) -> Any:
    """As it stands in the database now. Raises NoSuch."""
    row = db.session.execute(_faults().where(Fault.uid == uid)).first()
    if row is None:
        raise NoSuch(f"no fault {uid}")
    return row


def of_place(
    place_id: int,
    *,
    states: Collection[FaultState],
    machine_id: int | None = None,
    limit: int,
    offset: int = 0,
) -> Sequence[Any]:
    """The faults of a place's machines, the open ones first, each latest first. One statement."""
    asked = _faults().where(
        Machine.place_id == place_id,
        Machine.state != MachineState.RETIRED,
        Fault.state.in_(states),
    )
    if machine_id is not None:
        asked = asked.where(Fault.machine_id == machine_id)
    ordered = asked.order_by(
        Fault.closed_at.is_not(None), Fault.reported_at.desc(), Fault.id.desc()
    )
    return db.session.execute(ordered.limit(limit).offset(offset)).all()


def reported_by(member_id: int, *, limit: int, offset: int = 0) -> Sequence[Any]:
    """What somebody reported, in whatever place, the open ones first, each latest first, with the
    state of its machine and the place. One statement.
    """
    asked = (
        _faults()
        .add_columns(
            Machine.state.label("machine_state"),
            Place.slug.label("place_slug"),
            Place.zone,
        )
        .join(Place, Place.id == Machine.place_id)
        .where(Fault.reported_by_id == member_id)
    )
    ordered = asked.order_by(
        Fault.closed_at.is_not(None), Fault.reported_at.desc(), Fault.id.desc()
    )
    return db.session.execute(ordered.limit(limit).offset(offset)).all()


def others_on(machine_id: int, leaving_out: int) -> list[Found]:
    """The other open faults of the machine, the oldest first."""
    rows = db.session.execute(
        select(Fault.state, Fault.said)
        .where(Fault.machine_id == machine_id, Fault.closed_at.is_(None), Fault.id != leaving_out)
        .order_by(Fault.id)
    )
    return [Found(*row) for row in rows]


def in_states(place_id: int, states: Collection[FaultState]) -> Select[*tuple[Any, ...]]:
    """The faults of a place's machines that stand so, to be counted or narrowed."""
    return (
        select(Fault.id)
        .join(Machine, Machine.id == Fault.machine_id)
        .where(
            Machine.place_id == place_id,
            Machine.state != MachineState.RETIRED,
            Fault.state.in_(states),
        )
    )


def unsorted_faults(place_id: int) -> Select[*tuple[Any, ...]]:
    """Those that nobody has looked at."""
    return in_states(place_id, [FaultState.REPORTED])


def reported_since(member_id: int, since: datetime) -> int:
    asked = select(func.count()).where(Fault.reported_by_id == member_id, Fault.reported_at > since)
    return db.session.scalars(asked).one()


def unsorted_on(machine_id: int) -> Sequence[Any]:
    """What was reported of a machine and nobody has looked at, latest first. One statement."""
    return db.session.execute(
        select(Fault.state, Fault.what, Fault.is_usable)
        .where(Fault.machine_id == machine_id, Fault.state == FaultState.REPORTED)
        .order_by(Fault.id.desc())
    ).all()


def entries_of(fault_id: int) -> Sequence[Any]:
    """What the logbook says of a fault, first to last."""
    return db.session.execute(
        select(
            LogEntry.made_at,
            LogEntry.kind,
            LogEntry.said,
            LogEntry.part,
            LogEntry.cents,
            Member.first_name,
            Member.last_name,
        )
        .outerjoin(Member, Member.id == LogEntry.made_by_id)
        .where(LogEntry.fault_id == fault_id)
        .order_by(LogEntry.id)
    ).all()


def overdue_maintenance(place_id: int, today: date) -> Select[*tuple[Any, ...]]:
    """The days before today on which something was due that nobody has done."""
    return (
        select(MaintenanceDay.id)
        .join(Maintenance, Maintenance.id == MaintenanceDay.maintenance_id)
        .join(Machine, Machine.id == Maintenance.machine_id)
        .where(
            Machine.place_id == place_id,
            Machine.state != MachineState.RETIRED,
            Maintenance.ended_at.is_(None),
            MaintenanceDay.done_at.is_(None),
            MaintenanceDay.due_on < today,
        )
    )


def overdue_on(place_id: int, today: date, *, limit: int) -> Sequence[Any]:
    """What and of which machine, the longest overdue first. One statement."""
    asked = overdue_maintenance(place_id, today).with_only_columns(
        Maintenance.title,
        MaintenanceDay.due_on,
        Machine.slug,
        Machine.code,
        Machine.name.label("machine_name"),
    )
    return db.session.execute(asked.order_by(MaintenanceDay.due_on).limit(limit)).all()


def maintenance_of(machine_id: int) -> Sequence[Any]:
    """What is done to a machine regularly, and its days that are not done yet, soonest first; a
    row of each day, and one of what has none. One statement.
    """
    asked = (
        select(
            *Maintenance.__table__.c,
            MaintenanceDay.due_on,
            MaintenanceDay.is_moved,
            Occupancy.starts_at,
            Occupancy.ends_at,
            Occupancy.standing,
        )
        .outerjoin(
            MaintenanceDay,
            and_(MaintenanceDay.maintenance_id == Maintenance.id, MaintenanceDay.done_at.is_(None)),
        )
        .outerjoin(Occupancy, Occupancy.uid == MaintenanceDay.outage_uid)
        .where(Maintenance.machine_id == machine_id, Maintenance.ended_at.is_(None))
    )
    return db.session.execute(asked.order_by(Maintenance.id, MaintenanceDay.due_on)).all()


Corrected = aliased(LogEntry)


def logbook(machine_id: int, *, limit: int, offset: int = 0) -> Sequence[Any]:
    """A machine's logbook, latest first. One statement."""
    return db.session.execute(
        select(
            LogEntry.uid,
            LogEntry.made_at,
            LogEntry.kind,
            LogEntry.said,
            LogEntry.part,
            LogEntry.cents,
            LogEntry.file,
            Corrected.made_at.label("corrects_at"),
            Fault.uid.label("fault_uid"),
            Member.first_name,
            Member.last_name,
        )
        .outerjoin(Member, Member.id == LogEntry.made_by_id)
        .outerjoin(Corrected, Corrected.id == LogEntry.corrects_id)
        .outerjoin(Fault, Fault.id == LogEntry.fault_id)
        .where(LogEntry.machine_id == machine_id)
        .order_by(LogEntry.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()


def entry_of(machine_id: int, uid: str) -> Any:
    """Of its logbook; None when there is none such."""
    asked = select(LogEntry.uid, LogEntry.file, LogEntry.said, LogEntry.made_at).where(
        LogEntry.machine_id == machine_id, LogEntry.uid == uid
    )
    return db.session.execute(asked).first()


def spent_on(machine_id: int) -> int:
    """All that its logbook says was spent, in cents."""
    asked = select(func.coalesce(func.sum(LogEntry.cents), 0))
    return db.session.scalar(asked.where(LogEntry.machine_id == machine_id)) or 0


READER = (
    Member.id,
    Member.uid,
    Member.email,
    Member.language,
    Member.channel,
    Member.refused_mails,
)


def caretakers(place_id: int, machine_id: int, now: datetime) -> Sequence[Any]:
    """The team of the place and the machine's referents, each once; nobody who is suspended, and
    no referent whose membership has expired.
    """
    day = today(inventory.of_place(place_id=place_id).schedule.zone, now)
    is_member = or_(Membership.expires_on.is_(None), Membership.expires_on >= day)
    theirs = (
        select(Membership.member_id)
        .outerjoin(RoleHeld, RoleHeld.membership_id == Membership.id)
        .outerjoin(
            MachineReferent,
            (MachineReferent.member_id == Membership.member_id)
            & (MachineReferent.machine_id == machine_id),
        )
        .where(
            Membership.place_id == place_id,
            or_(Membership.suspended_until.is_(None), Membership.suspended_until <= now),
            or_(RoleHeld.role.in_(TEAM), and_(MachineReferent.machine_id.is_not(None), is_member)),
        )
    )
    return db.session.execute(
        select(*READER).where(Member.id.in_(theirs), Member.erased_at.is_(None)).order_by(Member.id)
    ).all()


def reader(member_id: int) -> Any:
    """A member to write to; None when their account was erased."""
    asked = select(*READER).where(Member.id == member_id, Member.erased_at.is_(None))
    return db.session.execute(asked).first()


def name_of(member_id: int) -> str:
    asked = select(Member.first_name, Member.last_name).where(Member.id == member_id)
    return " ".join(filter(None, db.session.execute(asked).one()))


def sender(place_id: int) -> Any:
    """What a mail says of the place it comes from."""
    asked = select(Place.slug, Place.name, Place.email, Place.zone).where(Place.id == place_id)
    return db.session.execute(asked).one()
