"""The bookings somebody may see, as rows of what a page shows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import abort
from sqlalchemy import ColumnElement, Row, Select, or_, select
from werkzeug.exceptions import NotFound

from fablab.booking.models import Series
from fablab.db import by_name, db
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Category, Change, Machine, Occupancy
from fablab.members.kinds import Audience
from fablab.members.models import Member
from fablab.members.people import Person
from fablab.organizations.models import Organization, OrganizationMember

COLUMNS = (
    Occupancy.id,
    Occupancy.uid,
    Occupancy.status,
    Occupancy.standing,
    Occupancy.starts_at,
    Occupancy.ends_at,
    Occupancy.title,
    Occupancy.revision,
    Occupancy.created_at,
    Occupancy.changed_at,
    Occupancy.cancelled_at,
    Occupancy.member_id,
    Occupancy.created_by_id,
    Occupancy.organization_id,
    Occupancy.activity,
    Occupancy.buddy_id,
    Occupancy.is_accompanied,
    Occupancy.counts_in_quota,
    Occupancy.override_reason,
    Occupancy.series_id,
    Occupancy.arrived_at,
    Occupancy.left_at,
    Occupancy.audience,
    Occupancy.activity,
    Occupancy.quoted,
    Occupancy.is_late,
    Occupancy.is_excused,
    Series.uid.label("series_uid"),
    Series.every_weeks,
    Occupancy.machine_id,
    Machine.place_id,
    Machine.slug,
    Machine.code,
    Machine.name.label("machine_name"),
    Machine.location,
    Category.hue,
    Category.name.label("category_name"),
    Organization.name.label("organization_name"),
    Member.first_name,
    Member.last_name,
)


class Somebody(NamedTuple):
    """A member the team books for."""

    id: int
    uid: str
    name: str


class BookedBy(NamedTuple):
    """An organization somebody may book for."""

    id: int
    name: str
    prices: Audience | None  # whose hold for what is booked in its name


class LastChoice(NamedTuple):
    """For whom somebody booked; None: for themselves."""

    organization_id: int | None


def member_by_uid(uid: str) -> Somebody | None:
    row = db.session.execute(
        select(Member.id, Member.uid, Member.first_name, Member.last_name).where(
            Member.uid == uid, Member.erased_at.is_(None)
        )
    ).first()
    return Somebody(row.id, row.uid, f"{row.first_name} {row.last_name}".strip()) if row else None


NOBODY = -1  # the id of whoever has no account


def member_id_of(email: str) -> int | None:
    """Whose address it is: NOBODY when it is nobody's, None when none was given."""
    if not email:
        return None
    asked = select(Member.id).where(Member.email == email.lower(), Member.erased_at.is_(None))
    return db.session.scalar(asked) or NOBODY


def name_of(member_id: int | None) -> str:
    """Empty for nobody."""
    if member_id is None:
        return ""
    asked = select(Member.first_name, Member.last_name).where(Member.id == member_id)
    row = db.session.execute(asked).first()
    return f"{row.first_name} {row.last_name}".strip() if row else ""


def email_of(member_id: int | None) -> str:
    if member_id is None:
        return ""
    return db.session.scalar(select(Member.email).where(Member.id == member_id)) or ""


def bookings() -> Select[*tuple[Any, ...]]:
    """Every booking, with what a page shows of it; narrow it before asking."""
    return (
        select(*COLUMNS)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .join(Category, Category.id == Machine.category_id)
        .join(Member, Member.id == Occupancy.member_id)
        .outerjoin(Organization, Organization.id == Occupancy.organization_id)
        .outerjoin(Series, Series.id == Occupancy.series_id)
        .where(Occupancy.kind == OccupancyKind.BOOKING)
    )


def visible_to(person: Person) -> ColumnElement[bool]:
    """Theirs, made by them, or of a place whose team they are on."""
    managed = [place_id for place_id in person.standings if person.manages(place_id)]
    return or_(
        Occupancy.member_id == person.id,
        Occupancy.created_by_id == person.id,
        Machine.place_id.in_(managed),
    )


class NotTheirs(NotFound):
    """A 404 like any other, but for whoever has handed that booking over: they are told so."""

    def __init__(self, uid: str) -> None:
        super().__init__()
        self.uid = uid


def find_visible(uid: str, person: Person) -> Row[Any]:
    """A booking they may see; any other answers 404, as if it did not exist."""
    found = db.session.execute(bookings().where(Occupancy.uid == uid, visible_to(person))).first()
    if found is None:
        raise NotTheirs(uid)
    return found


def find_own(uid: str, member_id: int) -> Row[Any]:
    """A booking of theirs, with the language they read; any other answers 404, as if it did not
    exist.
    """
    own = bookings().add_columns(Member.language)
    own = own.where(Occupancy.uid == uid, Occupancy.member_id == member_id)
    found = db.session.execute(own).first()
    if found is None:
        raise NotTheirs(uid)
    return found


def of_series(uid: str, person: Person) -> Sequence[Row[Any]]:
    """Every occurrence of a series they may see, soonest first; 404 when there is none."""
    found = db.session.execute(
        bookings()
        .where(Series.uid == uid, visible_to(person))
        .order_by(Occupancy.starts_at, Occupancy.id)
    ).all()
    return found or abort(404)


def upcoming(member_id: int, now: datetime) -> Sequence[Row[Any]]:
    """Their standing bookings that are not over, soonest first."""
    return db.session.execute(
        bookings()
        .where(Occupancy.member_id == member_id, Occupancy.standing, Occupancy.ends_at > now)
        .order_by(Occupancy.starts_at)
    ).all()


def past(member_id: int, now: datetime, *, limit: int, offset: int = 0) -> Sequence[Row[Any]]:
    """What is over or was cancelled, latest first."""
    return db.session.execute(
        bookings()
        .where(
            Occupancy.member_id == member_id,
            or_(Occupancy.ends_at <= now, Occupancy.status.in_((Status.CANCELLED, Status.MISSED))),
        )
        .order_by(Occupancy.starts_at.desc(), Occupancy.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()


def history(occupancy_id: int) -> Sequence[Row[Any]]:
    """What happened to it, first to last: when, what, by whom."""
    return db.session.execute(
        select(Change.made_at, Change.what, Change.before, Change.after, Member.first_name)
        .outerjoin(Member, Member.id == Change.made_by_id)
        .where(Change.occupancy_id == occupancy_id)
        .order_by(Change.id)
    ).all()


def organizations_of(member_id: int, place_id: int, day: Any) -> list[BookedBy]:
    """The organizations of the place they may book for on `day`, by name."""
    rows = db.session.execute(
        select(Organization.id, Organization.name, Organization.audience)
        .join(OrganizationMember, OrganizationMember.organization_id == Organization.id)
        .where(
            Organization.place_id == place_id,
            OrganizationMember.member_id == member_id,
            OrganizationMember.since <= day,
            or_(OrganizationMember.until.is_(None), OrganizationMember.until >= day),
        )
        .order_by(by_name(Organization.name))
    )
    return [BookedBy(*row) for row in rows]


def last_choice(member_id: int, place_id: int) -> LastChoice | None:
    """For whom they booked last in the place, when it was they who chose; None: they never did."""
    row = db.session.execute(
        select(Occupancy.organization_id)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .where(
            Occupancy.member_id == member_id,
            Occupancy.created_by_id == member_id,
            Occupancy.kind == OccupancyKind.BOOKING,
            Machine.place_id == place_id,
        )
        .order_by(Occupancy.created_at.desc(), Occupancy.id.desc())
        .limit(1)
    ).first()
    return LastChoice(row.organization_id) if row else None
