"""What occupies the machines, and what their page says beyond the inventory."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Executable,
    Row,
    Select,
    String,
    Text,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    select,
    true,
    type_coerce,
    union_all,
)

from fablab.agendas.models import AgendaEntry
from fablab.booking.fact_statements import NEXT_SESSION, OWNER_SINCE
from fablab.db import db
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import (
    Bounds,
    Machine,
    MachineDocument,
    MachineReferent,
    Occupancy,
    standing_around,
)
from fablab.members.models import Member
from fablab.organizations.models import Organization
from fablab.slots import Slot
from fablab.trainings.models import Training, TrainingGrant
from fablab.upkeep.kinds import FaultState
from fablab.upkeep.models import Fault

# An outage that a calendar of the place brought. In a CASE, so that no other row is looked up.
IS_HIRE = case(
    (
        Occupancy.kind == OccupancyKind.OUTAGE,
        exists().where(AgendaEntry.outage_uid == Occupancy.uid),
    ),
    else_=false(),
).label("is_hire")

# Kind and status as the words they are: a member of an enumeration would be made of each of a
# hundred rows, and twice, to be compared once.
KIND = type_coerce(Occupancy.kind, String).label("kind")
STATUS = type_coerce(Occupancy.status, String).label("status")
COLUMNS = (
    Occupancy.id,
    Occupancy.revision,
    Occupancy.machine_id,
    KIND,
    STATUS,
    Occupancy.created_by_id,
    Occupancy.starts_at,
    Occupancy.ends_at,
    Occupancy.occupied_from,
    Occupancy.occupied_until,
    Occupancy.member_id,
    Occupancy.title,
    Occupancy.uid,
    Member.first_name,
    Member.last_name,
    Organization.name.label("organization_name"),
    IS_HIRE,
    OWNER_SINCE,
)
# Of one machine also who is there: of a whole place that is many columns for nothing.
PRESENCE = (Occupancy.arrived_at, Occupancy.left_at, Occupancy.changed_at)


def _standing(where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return _with_names(standing_around(Bounds()).with_only_columns(*COLUMNS).where(where))


def _missed(where: ColumnElement[bool]) -> Select[Any]:
    """Those to which nobody came, and which stand in nobody's way any more."""
    return (
        select(*COLUMNS)
        .select_from(Machine)
        .join(Occupancy, Occupancy.machine_id == Machine.id)
        .where(
            where,
            Occupancy.status == Status.MISSED,
            Occupancy.starts_at >= Bounds.start,
            Occupancy.starts_at < Bounds.end,
        )
    )


def _with_names(asked: Select[Any]) -> Select[Any]:
    return asked.outerjoin(Member, Member.id == Occupancy.member_id).outerjoin(
        Organization, Organization.id == Occupancy.organization_id
    )


# What a week is drawn of: strips, which name nobody.
BARE_COLUMNS = (
    Occupancy.id,
    Occupancy.revision,
    Occupancy.machine_id,
    KIND,
    STATUS,
    Occupancy.starts_at,
    Occupancy.ends_at,
    Occupancy.occupied_from,
    Occupancy.occupied_until,
    Occupancy.member_id,
    Occupancy.uid,
    IS_HIRE,
    OWNER_SINCE,
)
OF_PLACE = Machine.place_id == bindparam("place_id")
ON_PLACE = union_all(_standing(OF_PLACE), _with_names(_missed(OF_PLACE))).order_by("starts_at")
IN_WEEK = union_all(
    standing_around(Bounds()).where(OF_PLACE).with_only_columns(*BARE_COLUMNS),
    _missed(OF_PLACE).with_only_columns(*BARE_COLUMNS),
).order_by("starts_at")
ON_MACHINE = (
    _standing(Machine.id == bindparam("machine_id"))
    .add_columns(*PRESENCE)
    .order_by(Occupancy.starts_at)
)


# What of a day's rows says that they are the same: how many, which, and in which revision.
OF_A_VERSION = union_all(
    standing_around(Bounds())
    .where(OF_PLACE)
    .with_only_columns(Occupancy.id, Occupancy.revision, Occupancy.status),
    _missed(OF_PLACE).with_only_columns(Occupancy.id, Occupancy.revision, Occupancy.status),
).subquery()
VERSION = select(
    func.count(),
    func.coalesce(func.sum(OF_A_VERSION.c.id), 0),
    func.coalesce(func.sum(OF_A_VERSION.c.id * OF_A_VERSION.c.revision), 0),
    func.count().filter(OF_A_VERSION.c.status == Status.CONFIRMED),
)


def version_on_place(place_id: int, span: Slot) -> tuple[int, ...]:
    """What `version_of` makes of the rows of `on_place` and `in_week`, without reading them. One
    statement.
    """
    (found,) = _rows(VERSION, span, place_id=place_id)
    return tuple(map(int, found))


def version_of(rows: Iterable[Sequence[Any]]) -> tuple[int, ...]:
    """The same for the same rows in the same revisions; they begin as COLUMNS do."""
    count = ids = mixed = confirmed = 0
    for row in rows:
        occupancy_id, revision, _machine, _kind, status = row[:5]
        count += 1
        ids += occupancy_id
        mixed += occupancy_id * revision
        confirmed += status == Status.CONFIRMED
    return count, ids, mixed, confirmed


def on_place(place_id: int, span: Slot) -> dict[int, list[Row[Any]]]:
    """What stands on each machine of the place in `span`, and what was missed, soonest first. One
    statement.
    """
    return _by_machine(_rows(ON_PLACE, span, place_id=place_id))


def _by_machine(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    by_machine: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_machine[row.machine_id].append(row)
    return by_machine


def in_week(place_id: int, span: Slot) -> dict[int, list[Row[Any]]]:
    """As `on_place`, without names and purposes, which a week has no room for. One statement."""
    return _by_machine(_rows(IN_WEEK, span, place_id=place_id))


def on_machine(machine_id: int, span: Slot) -> Sequence[Row[Any]]:
    """What stands on one machine in `span`, soonest first. One statement."""
    return _rows(ON_MACHINE, span, machine_id=machine_id)


def _rows(statement: Executable, span: Slot, **values: int) -> Sequence[Row[Any]]:
    """Straight from the connection: these are columns, of which the session need not know."""
    values_of_span = {"span_start": span.start, "span_end": span.end}
    return db.session.connection().execute(statement, values_of_span | values).all()


class Particulars(NamedTuple):
    """What the machine's page says beyond the inventory."""

    asset_number: str
    funder: str
    owner: str  # empty for the place itself
    training: str  # that grants the machine, by name; empty when there is none
    next_session: datetime | None  # of it
    referents: tuple[str, ...]


# The training that grants a machine, of the highest level, and when it is next given.
TRAINING_OF, SESSION_OF = (
    select(what)
    .select_from(Training)
    .join(TrainingGrant, TrainingGrant.training_id == Training.id)
    .where(TrainingGrant.machine_id == Machine.id)
    .order_by(TrainingGrant.level.desc(), Training.id)
    .limit(1)
    .correlate(Machine)
    .scalar_subquery()
    for what in (Training.name, NEXT_SESSION)
)
PARTICULARS = (
    select(
        Machine.asset_number,
        Machine.funder,
        Organization.name.label("owner"),
        TRAINING_OF.label("training"),
        SESSION_OF.label("next_session"),
        Member.first_name,
        Member.last_name,
    )
    .outerjoin(Organization, Organization.id == Machine.owner_id)
    .outerjoin(MachineReferent, MachineReferent.machine_id == Machine.id)
    .outerjoin(Member, Member.id == MachineReferent.member_id)
    .where(Machine.id == bindparam("machine_id"))
    .order_by(Member.last_name, Member.first_name)
)


def particulars(machine_id: int, now: datetime) -> Particulars:
    """One statement."""
    values = {"machine_id": machine_id, "now": now}
    rows = db.session.connection().execute(PARTICULARS, values).all()
    first = rows[0]
    names = tuple(f"{row.first_name} {row.last_name}".strip() for row in rows if row.first_name)
    return Particulars(
        first.asset_number,
        first.funder,
        first.owner or "",
        first.training or "",
        first.next_session,
        names,
    )


class Beside(NamedTuple):
    """What else its page shows of a machine."""

    documents: list[Any]  # id, title
    faults: list[Any]  # state, what, is_usable: the open ones, latest first


# Both in one statement, for the page has few of them.
BESIDE = union_all(
    select(
        MachineDocument.id,
        MachineDocument.title,
        literal("").label("what"),
        literal(None, Text).label("state"),
        true().label("is_usable"),
    ).where(MachineDocument.machine_id == bindparam("machine_id")),
    select(Fault.id, literal(""), Fault.what, cast(Fault.state, Text), Fault.is_usable).where(
        Fault.machine_id == bindparam("machine_id"), Fault.closed_at.is_(None)
    ),
)


class Told(NamedTuple):
    state: FaultState
    what: str
    is_usable: bool


def beside(machine_id: int) -> Beside:
    rows = db.session.connection().execute(BESIDE, {"machine_id": machine_id}).all()
    documents = [row for row in rows if row.state is None]
    faults = [row for row in rows if row.state is not None]
    return Beside(
        sorted(documents, key=_id),
        [
            Told(FaultState(row.state), row.what, row.is_usable)
            for row in sorted(faults, key=_id, reverse=True)
        ],
    )


def _id(row: Any) -> int:
    return int(row.id)


def documents(machine_id: int) -> Sequence[Any]:
    return db.session.execute(
        select(MachineDocument.id, MachineDocument.title, MachineDocument.file)
        .where(MachineDocument.machine_id == machine_id)
        .order_by(MachineDocument.id)
    ).all()
