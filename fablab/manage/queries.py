"""What the team's pages ask of the database, always of one place."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from flask import abort
from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from fablab.calendars.kinds import Scope
from fablab.calendars.models import FeedToken
from fablab.db import by_name, db
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Category, Machine, Occupancy, standing_around
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed, Role
from fablab.members.models import Member, Membership, RoleHeld
from fablab.organizations.models import Organization, OrganizationMember
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.trainings.models import Qualification, Training, TrainingSession

# After any day a form takes.
NEVER = datetime(2300, 1, 1, tzinfo=UTC)

OCCUPANCY = (
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
    Machine.slug,
    Machine.code,
    Machine.name.label("machine_name"),
    Category.hue,
    Organization.name.label("organization_name"),
    Member.uid.label("member_uid"),
    Member.first_name,
    Member.last_name,
    Member.email,
    Member.phone,
    Member.shares_phone,
    Member.erased_at,
    TrainingSession.uid.label("session_uid"),
)


def _with_people(asked: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """`asked` is of occupancies and their machines; each with who holds it, and for whom."""
    return (
        asked.with_only_columns(*OCCUPANCY)
        .join(Category, Category.id == Machine.category_id)
        .outerjoin(Member, Member.id == Occupancy.member_id)
        .outerjoin(Organization, Organization.id == Occupancy.organization_id)
        .outerjoin(TrainingSession, TrainingSession.id == Occupancy.session_id)
        .order_by(Occupancy.starts_at, Machine.position, Occupancy.id)
    )


def standing(span: Slot, *narrowed: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """What occupies the machines in `span`, soonest first. One statement."""
    return db.session.execute(_with_people(standing_around(span)).where(*narrowed)).all()


def on_day(place_id: int, day: Slot) -> Sequence[Row[Any]]:
    """The bookings and outages with a part in the day; what only cleans up into it has none."""
    return standing(
        day,
        Machine.place_id == place_id,
        Occupancy.starts_at < day.end,
        Occupancy.ends_at > day.start,
    )


def called_off(place_id: int, day: Slot) -> Sequence[Row[Any]]:
    """The bookings that were to start that day and do not stand any more. One statement."""
    asked = select(Occupancy.id).join(Machine, Machine.id == Occupancy.machine_id)
    return db.session.execute(
        _with_people(asked).where(
            Machine.place_id == place_id,
            Occupancy.kind == OccupancyKind.BOOKING,
            Occupancy.status.in_((Status.CANCELLED, Status.MISSED)),
            Occupancy.starts_at >= day.start,
            Occupancy.starts_at < day.end,
        )
    ).all()


def outages_ahead(place_id: int, now: datetime) -> Sequence[Row[Any]]:
    """The outages of the place that are not over."""
    return standing(
        Slot(now, NEVER),
        Machine.place_id == place_id,
        Occupancy.kind == OccupancyKind.OUTAGE,
        Occupancy.ends_at > now,
    )


def ahead_on(machine_id: int, now: datetime) -> Sequence[Row[Any]]:
    """The bookings and outages of a machine that are not over."""
    return standing(Slot(now, NEVER), Machine.id == machine_id, Occupancy.ends_at > now)


def in_the_way(machine_id: int, span: Slot) -> Sequence[Row[Any]]:
    return standing(span, Machine.id == machine_id)


def bookings_ahead(member_id: int, place_id: int, now: datetime) -> Sequence[Row[Any]]:
    """A member's standing bookings in the place that are not over, soonest first."""
    asked = select(Occupancy.id).join(Machine, Machine.id == Occupancy.machine_id)
    return db.session.execute(
        _with_people(asked).where(
            Occupancy.member_id == member_id,
            Machine.place_id == place_id,
            Occupancy.standing,
            Occupancy.ends_at > now,
        )
    ).all()


Elsewhere = aliased(Membership)


def people_of(place_id: int, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Whom a place's team sees: its members, and proven accounts that are of no place yet.

    Who is a member of another place is for that place to know.
    """
    of_this_place = and_(Membership.member_id == Member.id, Membership.place_id == place_id)
    of_any_place = exists().where(Elsewhere.member_id == Member.id)
    return (
        select(*columns)
        .select_from(Member)
        .outerjoin(Membership, of_this_place)
        .where(
            Member.erased_at.is_(None),
            or_(
                Membership.id.is_not(None),
                and_(Member.confirmed_at.is_not(None), ~of_any_place),
            ),
        )
    )


class Somebody(NamedTuple):
    """An account as the list of members sorts and searches it."""

    id: int
    first_name: str
    last_name: str
    email: str
    is_member: bool


def everybody(place_id: int, *narrowed: ColumnElement[bool]) -> list[Somebody]:
    """All whom the team sees, as far as `narrowed` leaves them. A place has hundreds of people,
    and these are their bare names.
    """
    is_member = Membership.id.is_not(None)
    rows = db.session.execute(
        people_of(
            place_id, Member.id, Member.first_name, Member.last_name, Member.email, is_member
        ).where(*narrowed)
    )
    return [Somebody(*row) for row in rows]


MEMBER = (
    Member.id,
    Member.uid,
    Member.first_name,
    Member.last_name,
    Member.email,
    Member.phone,
    Member.shares_phone,
    Member.language,
    Member.age_band,
    Member.guardian_agreed_on,
    Member.confirmed_at,
    Member.created_at,
    Membership.id.label("membership_id"),
    Membership.audience,
    Membership.expires_on,
    Membership.suspended_until,
    Membership.suspension_reason,
)


def members(place_id: int, ids: Collection[int]) -> dict[int, Row[Any]]:
    """The particulars of some of them. One statement."""
    rows = db.session.execute(people_of(place_id, *MEMBER).where(Member.id.in_(ids)))
    return {row.id: row for row in rows}


def find_member(place_id: int, uid: str) -> Row[Any]:
    """Somebody the team sees; anybody else answers 404, as if there were no such person."""
    found = db.session.execute(people_of(place_id, *MEMBER).where(Member.uid == uid)).first()
    if found is None:
        abort(404)
    return found


def roles(place_id: int, ids: Collection[int]) -> dict[int, list[Role]]:
    """The roles of some members in the place. One statement."""
    rows = db.session.execute(
        select(Membership.member_id, RoleHeld.role)
        .join(RoleHeld, RoleHeld.membership_id == Membership.id)
        .where(Membership.place_id == place_id, Membership.member_id.in_(ids))
    )
    found: dict[int, list[Role]] = {}
    for member_id, role in rows:
        found.setdefault(member_id, []).append(role)
    return found


def organizations(member_id: int, place_id: int, day: date) -> list[str]:
    """The names of the organizations of the place they are in on that day."""
    return list(
        db.session.scalars(
            select(Organization.name)
            .join(OrganizationMember, OrganizationMember.organization_id == Organization.id)
            .where(
                Organization.place_id == place_id,
                OrganizationMember.member_id == member_id,
                OrganizationMember.since <= day,
                or_(OrganizationMember.until.is_(None), OrganizationMember.until >= day),
            )
            .order_by(by_name(Organization.name))
        )
    )


def trainings(place_id: int) -> Sequence[Training]:
    return db.session.scalars(
        select(Training).where(Training.place_id == place_id).order_by(Training.name, Training.id)
    ).all()


Giver = aliased(Member)


def qualifications(member_id: int, place_id: int) -> Sequence[Any]:
    """What they hold or held in the place, latest given first."""
    return db.session.execute(
        select(
            Qualification.id,
            Qualification.level,
            Qualification.given_on,
            Qualification.expires_on,
            Training.name.label("training"),
            Machine.code,
            Machine.name.label("machine"),
            Giver.first_name,
            Giver.last_name,
        )
        .outerjoin(Training, Training.id == Qualification.training_id)
        .outerjoin(Machine, Machine.id == Qualification.machine_id)
        .outerjoin(Giver, Giver.id == Qualification.given_by_id)
        .where(
            Qualification.member_id == member_id,
            or_(Training.place_id == place_id, Machine.place_id == place_id),
        )
        .order_by(Qualification.given_on.desc(), Qualification.id.desc())
    ).all()


def find_qualification(qualification_id: int, member_id: int, place_id: int) -> Any:
    """One of theirs; any other answers 404."""
    held = qualifications(member_id, place_id)
    return next((row for row in held if row.id == qualification_id), None) or abort(404)


def record(*about: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """What the team did about somebody or something, latest first."""
    return db.session.execute(
        select(
            AuditEntry.made_at,
            AuditEntry.what,
            AuditEntry.before,
            AuditEntry.after,
            Member.first_name,
            Member.last_name,
        )
        .outerjoin(Member, Member.id == AuditEntry.made_by_id)
        .where(*about)
        .order_by(AuditEntry.id.desc())
    ).all()


def record_of_member(member_id: int, place_id: int) -> Sequence[Row[Any]]:
    return record(AuditEntry.member_id == member_id, AuditEntry.place_id == place_id)


def record_of_machine(machine_id: int) -> Sequence[Row[Any]]:
    return record(AuditEntry.machine_id == machine_id)


def places(ids: Collection[int]) -> Sequence[Any]:
    return db.session.execute(
        select(Place.id, Place.slug, Place.name)
        .where(Place.id.in_(ids))
        .order_by(Place.position, Place.id)
    ).all()


def categories(place_id: int) -> Sequence[Category]:
    return db.session.scalars(
        select(Category)
        .where(Category.place_id == place_id)
        .order_by(Category.position, Category.id)
    ).all()


def find_category(slug: str, place_id: int) -> Category:
    """A category of the place; any other answers 404."""
    found = next((each for each in categories(place_id) if each.slug == slug), None)
    return found or abort(404)


def occupancies(ids: Collection[int]) -> Sequence[Row[Any]]:
    """Some occupancies with their people, soonest first. One statement."""
    asked = select(Occupancy.id).join(Machine, Machine.id == Occupancy.machine_id)
    return db.session.execute(_with_people(asked).where(Occupancy.id.in_(ids))).all()


def record_of_place(place_id: int, what: Deed) -> Sequence[Row[Any]]:
    """What was done to the place itself, and to no machine or member of it."""
    return record(
        AuditEntry.place_id == place_id,
        AuditEntry.what == what,
        AuditEntry.machine_id.is_(None),
        AuditEntry.member_id.is_(None),
    )


def member_with(email: str, place_id: int) -> int | None:
    """The member of the place whose account has this address."""
    return db.session.scalar(
        select(Member.id)
        .join(Membership, Membership.member_id == Member.id)
        .where(Member.email == email, Member.erased_at.is_(None), Membership.place_id == place_id)
    )


def count_members(place_id: int) -> int:
    asked = select(func.count()).where(Membership.place_id == place_id)
    return db.session.scalar(asked) or 0


def has_feed(member_id: int, place_id: int, scope: Scope) -> bool:
    """Whether a calendar of the place has an address of theirs."""
    asked = select(FeedToken.id).where(
        FeedToken.member_id == member_id,
        FeedToken.place_id == place_id,
        FeedToken.scope == scope,
        FeedToken.revoked_at.is_(None),
    )
    return db.session.scalar(asked.limit(1)) is not None
