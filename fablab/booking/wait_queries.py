"""Who waits for what, as rows of what a page shows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.orm import aliased

from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Consent, Wait
from fablab.db import db
from fablab.machines.models import Category, Machine, Occupancy
from fablab.members.models import Member
from fablab.organizations.models import Organization

_earlier = aliased(Wait)
# How many stand before them: those who came first and want some of the same time.
BEFORE = (
    select(func.count(_earlier.id))
    .where(
        _earlier.machine_id == Wait.machine_id,
        _earlier.ended_at.is_(None),
        _earlier.offered_id.is_(None),
        _earlier.starts_at < Wait.ends_at,
        _earlier.ends_at > Wait.starts_at,
        _earlier.id < Wait.id,
    )
    .correlate(Wait)
    .scalar_subquery()
)


def waits() -> Select[*tuple[Any, ...]]:
    """Every wait, with what a page shows of it and of its offer; narrow it before asking."""
    return (
        select(
            Wait.__table__,
            BEFORE.label("before"),
            Machine.slug,
            Machine.code,
            Machine.name.label("machine_name"),
            Machine.location,
            Category.hue,
            Organization.name.label("organization_name"),
            Member.uid.label("member_uid"),
            Member.first_name,
            Member.last_name,
            Occupancy.uid.label("booking_uid"),
            Occupancy.starts_at.label("offered_from"),
            Occupancy.ends_at.label("offered_until"),
            Consent.due_at,  # none: nothing is offered just now
        )
        .select_from(Wait)
        .join(Machine, Machine.id == Wait.machine_id)
        .join(Category, Category.id == Machine.category_id)
        .join(Member, Member.id == Wait.member_id)
        .outerjoin(Organization, Organization.id == Wait.organization_id)
        .outerjoin(Occupancy, Occupancy.id == Wait.offered_id)
        .outerjoin(
            Consent,
            and_(
                Consent.occupancy_id == Wait.offered_id,
                Consent.kind == ConsentKind.MEMBER,
                Consent.answer.is_(None),
            ),
        )
    )


def find(uid: str, member_id: int) -> Row[Any] | None:
    """Their wait, whatever became of it."""
    return db.session.execute(waits().where(Wait.uid == uid, Wait.member_id == member_id)).first()


def of_member(member_id: int) -> Sequence[Row[Any]]:
    """What they wait for, the soonest window first."""
    of_them = waits().where(Wait.member_id == member_id, Wait.ended_at.is_(None))
    return db.session.execute(of_them.order_by(Wait.starts_at, Wait.id)).all()


def on_machine(machine_id: int) -> Sequence[Row[Any]]:
    """Who waits for it, in line."""
    here = waits().where(Wait.machine_id == machine_id, Wait.ended_at.is_(None))
    return db.session.execute(here.order_by(Wait.created_at, Wait.id)).all()


def by_booking(occupancy_id: int) -> Row[Any] | None:
    """The wait that a booking is offered to, while it is."""
    asked = waits().where(Wait.offered_id == occupancy_id, Wait.ended_at.is_(None))
    return db.session.execute(asked).first()
