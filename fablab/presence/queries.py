"""What a board asks of the database, always of one place."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from fablab.db import db
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Category, Machine, Occupancy, standing_around
from fablab.members.models import Member
from fablab.organizations.models import Organization
from fablab.presence.models import BoardAddress
from fablab.slots import Slot
from fablab.trainings.models import TrainingSession

COLUMNS = (
    Occupancy.uid,
    Occupancy.kind,
    Occupancy.status,
    Occupancy.starts_at,
    Occupancy.ends_at,
    Occupancy.arrived_at,
    Occupancy.left_at,
    Occupancy.changed_at,
    Occupancy.title,
    Occupancy.machine_id,
    Occupancy.member_id,
    Machine.code,
    Machine.name.label("machine_name"),
    Category.hue,
    Organization.name.label("organization_name"),
    Member.first_name,
    Member.last_name,
    Member.phone,
    Member.shares_phone,
    Member.erased_at,
    TrainingSession.uid.label("session_uid"),
)


def _shown(asked: Select[*tuple[Any, ...]], *narrowed: ColumnElement[bool]) -> Sequence[Any]:
    return db.session.execute(
        asked.with_only_columns(*COLUMNS)
        .join(Category, Category.id == Machine.category_id)
        .outerjoin(Member, Member.id == Occupancy.member_id)
        .outerjoin(Organization, Organization.id == Occupancy.organization_id)
        .outerjoin(TrainingSession, TrainingSession.id == Occupancy.session_id)
        .where(*narrowed)
        .order_by(Occupancy.starts_at, Machine.position, Occupancy.id)
    ).all()


def on_day(place_id: int, day: Slot) -> Sequence[Any]:
    """What stands on the machines with a part in the day, soonest first. One statement."""
    return _shown(
        standing_around(day),
        Machine.place_id == place_id,
        Occupancy.starts_at < day.end,
        Occupancy.ends_at > day.start,
    )


def missed_on(place_id: int, day: Slot) -> Sequence[Any]:
    """The bookings that were to start that day and that nobody came to. One statement."""
    return _shown(
        select(Occupancy.id).join(Machine, Machine.id == Occupancy.machine_id),
        Machine.place_id == place_id,
        Occupancy.kind == OccupancyKind.BOOKING,
        Occupancy.status == Status.MISSED,
        Occupancy.starts_at >= day.start,
        Occupancy.starts_at < day.end,
    )


def find_on_board(uid: str, place_id: int) -> Any:
    """A booking of the place; nothing of who has it."""
    return db.session.execute(
        select(Occupancy.uid, Machine.place_id)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .where(
            Occupancy.uid == uid,
            Occupancy.kind == OccupancyKind.BOOKING,
            Machine.place_id == place_id,
        )
    ).first()


ADDRESS = (
    BoardAddress.id,
    BoardAddress.kind,
    BoardAddress.place_id,
    BoardAddress.created_at,
    BoardAddress.used_at,
)


def of_token(token_hash: str) -> Any:
    """The live address that a token stands for."""
    return db.session.execute(
        select(*ADDRESS).where(
            BoardAddress.token_hash == token_hash, BoardAddress.revoked_at.is_(None)
        )
    ).first()


def addresses_of(place_id: int) -> Sequence[Any]:
    """The live ones of a place."""
    return db.session.execute(
        select(*ADDRESS).where(BoardAddress.place_id == place_id, BoardAddress.revoked_at.is_(None))
    ).all()
