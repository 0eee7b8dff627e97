"""Who is offered which booking, as rows of what a page shows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import aliased

from fablab.booking.kinds import HandoverEnd
from fablab.booking.models import Handover
from fablab.db import db
from fablab.machines.kinds import Status
from fablab.machines.models import Category, Machine, Occupancy
from fablab.members.models import Member

_giver, _taker = aliased(Member), aliased(Member)


def handovers() -> Select[*tuple[Any, ...]]:
    """Every offer, with what a page shows of its booking; narrow it before asking."""
    return (
        select(
            Handover.__table__,
            Occupancy.uid.label("booking_uid"),
            Occupancy.status,
            Occupancy.standing,
            Occupancy.starts_at,
            Occupancy.ends_at,
            Occupancy.arrived_at,
            Occupancy.revision,
            Occupancy.counts_in_quota,
            Occupancy.member_id,
            Occupancy.machine_id,
            Machine.place_id,
            Machine.slug,
            Machine.code,
            Machine.name.label("machine_name"),
            Machine.location,
            Category.hue,
            _giver.first_name,
            _giver.last_name,
        )
        .select_from(Handover)
        .join(Occupancy, Occupancy.id == Handover.occupancy_id)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .join(Category, Category.id == Machine.category_id)
        .join(_giver, _giver.id == Handover.offered_by_id)
    )


def find(uid: str, member_id: int) -> Row[Any] | None:
    """What was offered to them, whatever became of it."""
    theirs = handovers().where(Handover.uid == uid, Handover.offered_to_id == member_id)
    return db.session.execute(theirs).first()


def offered_to(member_id: int, now: datetime) -> Sequence[Row[Any]]:
    """What they may still accept, the soonest due first. One statement."""
    waiting = handovers().where(
        Handover.offered_to_id == member_id,
        Handover.ended_at.is_(None),
        Handover.due_at > now,
        Occupancy.member_id == Handover.offered_by_id,
        Occupancy.status == Status.CONFIRMED,
        Occupancy.starts_at > now,
    )
    return db.session.execute(waiting.order_by(Handover.due_at, Handover.id)).all()


def of_booking(occupancy_id: int, now: datetime) -> Row[str, datetime] | None:
    """The offer of a booking that waits for an answer: to whom, until when."""
    table = Handover.__table__
    asked = select(table.c.email, table.c.due_at).where(
        table.c.occupancy_id == occupancy_id, table.c.ended_at.is_(None), table.c.due_at > now
    )
    return db.session.execute(asked).first()


def given_of(member_id: int, now: datetime) -> dict[int, Any]:
    """What of theirs waits for somebody's answer: to whom and until when, by the booking's id. One
    statement.
    """
    table = Handover.__table__
    asked = select(table.c.occupancy_id, table.c.email, table.c.due_at).where(
        table.c.offered_by_id == member_id, table.c.ended_at.is_(None), table.c.due_at > now
    )
    return {row.occupancy_id: row for row in db.session.execute(asked)}


def given_by(member_id: int, booking_uid: str) -> Any:
    """How a booking that was theirs went to somebody else, the last time; None when it did not."""
    given = (
        select(
            Handover.ended_at,
            Machine.place_id,
            Machine.slug,
            Machine.code,
            Machine.name.label("machine_name"),
            Category.hue,
            _taker.first_name,
            _taker.last_name,
        )
        .select_from(Handover)
        .join(Occupancy, Occupancy.id == Handover.occupancy_id)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .join(Category, Category.id == Machine.category_id)
        .join(_taker, _taker.id == Handover.offered_to_id)
        .where(
            Occupancy.uid == booking_uid,
            Handover.offered_by_id == member_id,
            Handover.outcome == HandoverEnd.ACCEPTED,
        )
        .order_by(Handover.ended_at.desc(), Handover.id.desc())
    )
    return db.session.execute(given.limit(1)).first()
