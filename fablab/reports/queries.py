"""What the report asks of the tables: a handful of statements, whatever the number of bookings."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, true
from sqlalchemy.orm import aliased

from fablab.db import by_name, db
from fablab.machines.kinds import STANDING, OccupancyKind, Status
from fablab.machines.models import Category, Machine, Occupancy
from fablab.organizations.models import Organization, OrganizationYear
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.statements.kinds import Scope
from fablab.statements.models import Statement
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import Qualification, Registration, Training, TrainingSession

WHO = (
    Occupancy.audience,
    Occupancy.machine_id,
    Occupancy.organization_id,
    Occupancy.member_id,
)


def begins_in(span: Slot) -> ColumnElement[bool]:
    """Said as one value, so that no index of starts is taken in place of the report's own, in whose
    order nothing has to be sorted.
    """
    return by_start(span).is_(true())


def by_start(span: Slot) -> ColumnElement[bool]:
    """The same, for the few that are ahead: the index of starts leads to them."""
    return and_(Occupancy.starts_at >= span.start, Occupancy.starts_at < span.end)


def uses(now: Slot, within: ColumnElement[bool]) -> Sequence[Any]:
    """Of every place, who booked what for whom, by status: counts and seconds of what begins
    `within` the period and the one before it; and of what is in `now`, the period. One walk along
    one index.
    """
    is_now = Occupancy.starts_at >= now.start
    summed: dict[str, Any] = {
        "bookings": func.count(),
        "booked": func.sum(Occupancy.booked_seconds),
        "used": func.sum(Occupancy.used_seconds),
    }
    grouped = (*WHO, Occupancy.status)
    return _all(
        select(
            *grouped,
            *(column.label(f"{name}_in_all") for name, column in summed.items()),
            *(column.filter(is_now).label(f"{name}_now") for name, column in summed.items()),
        )
        .where(
            Occupancy.kind == OccupancyKind.BOOKING,
            Occupancy.status.in_((Status.CONFIRMED, Status.MISSED)),
            within,
        )
        .group_by(*grouped)
    )


def late(now: Slot, within: Slot) -> Sequence[Any]:
    """Of every place, the seconds cancelled late that nobody excused, in `now` and in all `within`:
    they are few, and have an index of their own.
    """
    seconds = func.sum(Occupancy.booked_seconds)
    return _all(
        select(
            *WHO,
            seconds.label("in_all"),
            seconds.filter(Occupancy.starts_at >= now.start).label("now"),
        )
        .where(
            Occupancy.is_late,
            not_(Occupancy.is_excused),
            Occupancy.status == Status.CANCELLED,
            by_start(within),
        )
        .group_by(*WHO)
    )


def machines(place_ids: Collection[int]) -> Sequence[Any]:
    """Retired ones too, in the order of the catalogue."""
    return _all(
        select(
            Machine.id,
            Machine.code,
            Machine.name,
            Machine.place_id,
            Machine.category_id,
            Category.name.label("category"),
            Machine.owner_id,
            Machine.funder,
        )
        .join(Category, Category.id == Machine.category_id)
        .join(Place, Place.id == Machine.place_id)
        .where(Machine.place_id.in_(place_ids))
        .order_by(Place.position, Place.id, Category.position, Machine.position, Machine.id)
    )


def structures(place_ids: Collection[int]) -> Sequence[Any]:
    return _all(
        select(
            Organization.id,
            Organization.name,
            Organization.kind,
            Organization.trade,
            Organization.legal_form,
            Organization.hosted_since,
            Organization.hosted_until,
            Organization.slug,
            Place.slug.label("place"),
        )
        .join(Place, Place.id == Organization.place_id)
        .where(Organization.place_id.in_(place_ids))
        .order_by(by_name(Organization.name), Organization.id)
    )


def outages(span: Slot, machine_ids: Collection[int]) -> Sequence[Any]:
    """When machines were out of service. No outage is for an audience: the report's index finds
    them among a million bookings.
    """
    return _all(
        select(Occupancy.machine_id, Occupancy.starts_at, Occupancy.ends_at).where(
            Occupancy.audience.is_(None),
            Occupancy.machine_id.in_(machine_ids),
            Occupancy.kind == OccupancyKind.OUTAGE,
            Occupancy.status.in_(STANDING),
            Occupancy.starts_at < span.end,
            Occupancy.ends_at > span.start,
        )
    )


def sessions(span: Slot, place_ids: Collection[int]) -> Sequence[Any]:
    """Those whose attendance is noted: a row for each who came, one without a member where none."""
    came = and_(
        Registration.session_id == TrainingSession.id,
        Registration.seating == Seating.ATTENDED,
    )
    return _all(
        select(
            TrainingSession.id,
            TrainingSession.place_id,
            TrainingSession.starts_at,
            TrainingSession.ends_at,
            Training.name,
            Registration.member_id,
        )
        .join(Training, Training.id == TrainingSession.training_id)
        .outerjoin(Registration, came)
        .where(
            TrainingSession.state == SessionState.HELD,
            TrainingSession.place_id.in_(place_ids),
            TrainingSession.starts_at >= span.start,
            TrainingSession.starts_at < span.end,
        )
        .order_by(TrainingSession.starts_at, TrainingSession.id)
    )


def qualifications(first: Any, last: Any, place_ids: Collection[int]) -> Sequence[Any]:
    """Given, or ending, from `first` to `last`: with whether the same was held before, and whether
    it was given again later.
    """
    other = aliased(Qualification)
    same = and_(
        other.member_id == Qualification.member_id,
        other.training_id.is_not_distinct_from(Qualification.training_id),
        other.machine_id.is_not_distinct_from(Qualification.machine_id),
    )
    earlier = or_(
        other.given_on < Qualification.given_on,
        and_(other.given_on == Qualification.given_on, other.id < Qualification.id),
    )
    longer = or_(other.expires_on.is_(None), other.expires_on > Qualification.expires_on)
    is_here = or_(Training.place_id.in_(place_ids), Machine.place_id.in_(place_ids))
    return _all(
        select(
            Qualification.member_id,
            Qualification.given_on,
            Qualification.expires_on,
            func.coalesce(Training.name, Machine.name).label("what"),
            exists().where(same, earlier).label("is_again"),
            exists().where(same, longer).label("goes_on"),
        )
        .outerjoin(Training, Training.id == Qualification.training_id)
        .outerjoin(Machine, Machine.id == Qualification.machine_id)
        .where(
            is_here,
            or_(
                Qualification.given_on.between(first, last),
                Qualification.expires_on.between(first, last),
            ),
        )
        .order_by("what", Qualification.id)
    )


def declared(years: Collection[int], place_ids: Collection[int]) -> Sequence[Any]:
    return _all(
        select(
            OrganizationYear.organization_id,
            OrganizationYear.year,
            OrganizationYear.jobs,
            OrganizationYear.turnover,
        )
        .join(Organization, Organization.id == OrganizationYear.organization_id)
        .where(OrganizationYear.year.in_(years), Organization.place_id.in_(place_ids))
    )


def currencies(place_ids: Collection[int]) -> set[str]:
    return {row.currency for row in _all(select(Place.currency).where(Place.id.in_(place_ids)))}


def given_back(first: Any, last: Any, place_ids: Collection[int]) -> Sequence[Any]:
    """The statements closed for owners of machines that end from `first` to `last`."""
    return _all(
        select(Statement.organization_id, Statement.last_day, Statement.amount).where(
            Statement.scope == Scope.OWNER,
            Statement.place_id.in_(place_ids),
            Statement.last_day.between(first, last),
        )
    )


def _all(statement: Any) -> Sequence[Any]:
    return db.session.connection().execute(statement).all()
