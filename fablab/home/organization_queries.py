"""What the people of an organization booked on its behalf."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from fablab.db import db
from fablab.machines.kinds import STANDING, OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy
from fablab.members.models import Member
from fablab.slots import Slot


def booked(organization_id: int, span: Slot) -> Sequence[Any]:
    """What begins within `span` and was not called off, in order of time. One statement.

    What somebody books for themselves is theirs alone, whoever they work for.
    """
    return db.session.execute(
        select(
            Occupancy.uid,
            Occupancy.status,
            Occupancy.starts_at,
            Occupancy.ends_at,
            Occupancy.title,
            Occupancy.arrived_at,
            Occupancy.left_at,
            Machine.code,
            Machine.name.label("machine"),
            Member.uid.label("member_uid"),
            Member.first_name,
            Member.last_name,
        )
        .join(Machine, Machine.id == Occupancy.machine_id)
        .join(Member, Member.id == Occupancy.member_id)
        .where(
            Occupancy.organization_id == organization_id,
            Occupancy.kind == OccupancyKind.BOOKING,
            Occupancy.status.in_((*STANDING, Status.MISSED)),
            Occupancy.starts_at >= span.start,
            Occupancy.starts_at < span.end,
        )
        .order_by(Occupancy.starts_at, Occupancy.id)
    ).all()
