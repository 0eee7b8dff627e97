"""What waits for the team of a place, and what ends there soon."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    type_coerce,
)

from fablab.booking.consents import is_open
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Consent
from fablab.db import db
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Machine, Occupancy
from fablab.manage import mail_queries
from fablab.manage.queries import people_of
from fablab.members.models import Member, Membership
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import Registration, TrainingSession
from fablab.upkeep.queries import overdue_maintenance, unsorted_faults

OF_THE_TEAM = (ConsentKind.TEAM, ConsentKind.COMPANY)
SOON = timedelta(days=30)  # before the end of what somebody holds
SOON_BACK = timedelta(days=7)  # before the end of a suspension


class Counts(NamedTuple):
    """How much of each kind waits for somebody of the team."""

    approvals: int
    faults: int
    newcomers: int
    sessions: int
    mails: int
    maintenance: int

    @property
    def all(self) -> int:
        return sum(self)


def counts(place_id: int, member_id: int, today: date, now: datetime) -> Counts:
    """As the one who asks may deal with it, on the place's `today`. One statement, on each of the
    team's pages.
    """

    def number(of: Select[*tuple[Any, ...]]) -> Any:
        return select(func.count()).select_from(of.subquery()).scalar_subquery()

    row = db.session.execute(
        select(
            number(_approvals(place_id, member_id, now)),
            number(unsorted_faults(place_id)),
            number(_newcomers(place_id, Member.id)),
            number(select(TrainingSession.id).where(needs_somebody(place_id, now))),
            number(mail_queries.parked(place_id)),
            number(overdue_maintenance(place_id, today)),
        )
    ).one()
    return Counts(*row)


def _approvals(place_id: int, member_id: int, now: datetime) -> Select[*tuple[Any, ...]]:
    """The questions to the team; nobody answers one about a booking of their own."""
    return (
        select(Consent.id)
        .join(Occupancy, Occupancy.id == Consent.occupancy_id)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .where(
            is_open(),
            Consent.due_at > now,
            Consent.kind.in_(OF_THE_TEAM),
            Machine.place_id == place_id,
            Occupancy.member_id != member_id,
        )
    )


def _newcomers(place_id: int, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Proven accounts that are of no place yet."""
    return people_of(place_id, *columns).where(Membership.id.is_(None))


def newcomers(place_id: int, limit: int) -> Sequence[Row[Any]]:
    """Who has waited longest comes first."""
    asked = _newcomers(place_id, Member.uid, Member.first_name, Member.last_name, Member.created_at)
    return db.session.execute(asked.order_by(Member.created_at, Member.id).limit(limit)).all()


def needs_somebody(place_id: int, now: datetime) -> ColumnElement[bool]:
    """A session to come that nobody gives, or one that is over and nobody said who came."""
    has_people = exists().where(
        Registration.session_id == TrainingSession.id, Registration.seating == Seating.SEATED
    )
    return and_(
        TrainingSession.place_id == place_id,
        TrainingSession.state == SessionState.PLANNED,
        or_(
            and_(TrainingSession.starts_at > now, TrainingSession.trainer_id.is_(None)),
            and_(TrainingSession.ends_at <= now, has_people),
        ),
    )


def bookings_ahead(place_id: int, now: datetime) -> Sequence[Any]:
    """All that stand and are not over, the soonest first."""
    asked = (
        select(
            Occupancy.uid,
            Occupancy.machine_id,
            Occupancy.starts_at,
            Occupancy.ends_at,
            Member.first_name,
            Member.last_name,
        )
        .join(Machine, Machine.id == Occupancy.machine_id)
        .join(Member, Member.id == Occupancy.member_id)
        .where(
            Machine.place_id == place_id,
            Occupancy.kind == OccupancyKind.BOOKING,
            Occupancy.standing,
            Occupancy.ends_at > now,
        )
        .order_by(Occupancy.starts_at, Occupancy.id)
    )
    return db.session.execute(asked).all()


def memberships_ending(place_id: int, today: date) -> Sequence[Row[Any]]:
    """Those that end within a month, the soonest first."""
    asked = people_of(
        place_id, Member.uid, Member.first_name, Member.last_name, Membership.expires_on
    )
    return db.session.execute(
        asked.where(Membership.expires_on >= today, Membership.expires_on <= today + SOON).order_by(
            Membership.expires_on, Member.last_name, Member.id
        )
    ).all()


def suspensions_ending(place_id: int, now: datetime) -> list[Row[Any]]:
    """Who may book again within a week, the soonest first: their `until` is when."""
    latest = case(
        (Membership.marked_until.is_(None), Membership.suspended_until),
        (Membership.suspended_until.is_(None), Membership.marked_until),
        (Membership.suspended_until > Membership.marked_until, Membership.suspended_until),
        else_=Membership.marked_until,
    )
    asked = people_of(
        place_id,
        Member.uid,
        Member.first_name,
        Member.last_name,
        type_coerce(latest, Membership.suspended_until.type).label("until"),
    ).where(
        or_(Membership.suspended_until > now, Membership.marked_until > now),
        latest <= now + SOON_BACK,
    )
    return list(db.session.execute(asked.order_by(latest, Member.id)))
