"""What a calendar is made of: its version in one statement, its events in another."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
)

from fablab.calendars.kinds import About, Scope
from fablab.calendars.models import FeedToken
from fablab.calendars.rules import BACK
from fablab.db import Glance, UTCDateTime, by_name, db
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import (
    Bounds,
    Category,
    Machine,
    MachineResource,
    Occupancy,
    Pool,
    standing_around,
)
from fablab.members.kinds import TEAM
from fablab.members.models import Member, Membership, RoleHeld
from fablab.organizations.models import Organization, OrganizationMember
from fablab.places.models import Closure, Place
from fablab.slots import Slot
from fablab.trainings.models import Registration, TrainingSession

AT_ONCE = 500  # events of which the particulars are read in one statement
NOW = bindparam("now", type_=UTCDateTime())

# -- the version: all that a calendar's bytes depend on, without reading one event


def _machines(what: Any) -> Any:
    """Machine.revision is raised by every write on the machine, hence on any of them."""
    return select(what).where(Machine.place_id == Place.id).correlate(Place).scalar_subquery()


EVERYWHERE = Place.__table__.alias("everywhere")
# What the address of a page says of its place: nothing of the first one.
ASKED = case(
    (
        exists().where(
            or_(
                EVERYWHERE.c.position < Place.position,
                and_(EVERYWHERE.c.position == Place.position, EVERYWHERE.c.id < Place.id),
            )
        ),
        Place.slug,
    )
).label("asked")
VERSION = (
    Place.id.label("place_id"),
    Place.name.label("place_name"),
    Place.zone,
    Place.revision.label("place_revision"),
    Place.people_revision,
    Place.changed_at.label("place_changed_at"),
    ASKED,
)


# The calendars of a place that show its training sessions, also those without a machine.
WITH_SESSIONS = (Scope.TRAININGS, Scope.PLACE, Scope.DAY)


def _sessions(what: Any) -> Any:
    """Over the training sessions of the place that a calendar may still show."""
    return (
        select(what)
        .where(
            TrainingSession.place_id == Place.id,
            TrainingSession.ends_at > bindparam("sessions_since", type_=UTCDateTime()),
        )
        .correlate(Place)
        .scalar_subquery()
    )


def _sessions_if_shown(what: Any) -> Any:
    is_shown = or_(*(FeedToken.scope == scope for scope in WITH_SESSIONS))
    return case((is_shown, _sessions(what)))  # else it is not even looked for


def _last_session_passed() -> Any:
    """When the last of one's own began: one that was cancelled, or waited for, then left."""
    mine = select(Registration.session_id).where(Registration.member_id == Member.id)
    asked = (
        select(func.max(TrainingSession.starts_at))
        .where(
            or_(TrainingSession.trainer_id == Member.id, TrainingSession.id.in_(mine)),
            TrainingSession.starts_at > bindparam("yesterday", type_=UTCDateTime()),
            TrainingSession.starts_at <= NOW,
        )
        .correlate(Member)
        .scalar_subquery()
    )
    return case((FeedToken.scope == Scope.MEMBER, asked))


OF_TOKEN = Glance(
    select(
        *VERSION,
        Place.names_shown,
        _machines(func.sum(Machine.revision)).label("machines_revision"),
        _machines(func.max(Machine.changed_at)).label("machines_changed_at"),
        # A member's own calendar spans places.
        select(func.sum(EVERYWHERE.c.revision)).scalar_subquery().label("places_revision"),
        select(func.max(EVERYWHERE.c.changed_at)).scalar_subquery().label("places_changed_at"),
        FeedToken.id,
        FeedToken.scope,
        FeedToken.member_id,
        FeedToken.category_id,
        FeedToken.machine_id,
        FeedToken.organization_id,
        FeedToken.pool_id,
        FeedToken.used_at,
        Member.language,
        Member.calendar_revision,
        Member.created_at.label("member_created_at"),
        Member.changed_at.label("member_changed_at"),
        Membership.id.label("membership_id"),
        Membership.expires_on,
        Membership.suspended_until,
        exists()
        .where(
            RoleHeld.membership_id == Membership.id,
            # Not `in_`, whose list is written anew into the statement each time.
            or_(*(RoleHeld.role == role for role in sorted(TEAM))),
        )
        .label("is_team"),
        OrganizationMember.is_manager,
        OrganizationMember.since,
        OrganizationMember.until,
        # The last moment at which a cancelled booking left the calendar by its time alone.
        select(func.max(Occupancy.starts_at))
        .where(
            Occupancy.member_id == Member.id,
            Occupancy.status == Status.CANCELLED,
            Occupancy.starts_at > bindparam("yesterday", type_=UTCDateTime()),
            Occupancy.starts_at <= NOW,
        )
        .correlate(Member)
        .scalar_subquery()
        .label("last_passed"),
        _last_session_passed().label("last_session_passed"),
        _sessions_if_shown(func.sum(TrainingSession.revision + 1)).label("sessions_revision"),
        _sessions_if_shown(func.max(TrainingSession.changed_at)).label("sessions_changed_at"),
    )
    .select_from(FeedToken)
    .join(Member, Member.id == FeedToken.member_id)
    .join(Place, Place.id == FeedToken.place_id)
    .outerjoin(Membership, and_(Membership.member_id == Member.id, Membership.place_id == Place.id))
    .outerjoin(
        OrganizationMember,
        and_(
            OrganizationMember.member_id == Member.id,
            OrganizationMember.organization_id == FeedToken.organization_id,
        ),
    )
    .where(
        FeedToken.token_hash == bindparam("token_hash"),
        FeedToken.revoked_at.is_(None),
        Member.erased_at.is_(None),
    )
)

OF_MACHINE = Glance(
    select(
        *VERSION,
        Place.language,
        Machine.id.label("machine_id"),
        Machine.revision.label("machines_revision"),
        Machine.changed_at.label("machines_changed_at"),
    )
    .join(Place, Place.id == Machine.place_id)
    .where(
        Machine.slug == bindparam("slug"),
        Machine.state != MachineState.RETIRED,
        Place.has_public_feeds,
    )
)


def of_token(token_hash: str, now: datetime) -> Any:
    """What a token opens and how its holder stands; None when revoked, unknown, or erased."""
    return OF_TOKEN.first(
        token_hash=token_hash,
        now=now,
        yesterday=now - timedelta(days=1),
        sessions_since=before_any_window(now),
    )


def before_any_window(now: datetime) -> datetime:
    """Of the windows that the place's clock may show today."""
    return now.replace(hour=0, minute=0, second=0) - BACK - timedelta(days=2)


def of_place(place_id: int, language: str, now: datetime) -> Any:
    """What the calendars of a place depend on, for whoever reads them in `language`."""
    asked = select(
        *VERSION,
        literal(language).label("language"),
        _machines(func.sum(Machine.revision)).label("machines_revision"),
        _machines(func.max(Machine.changed_at)).label("machines_changed_at"),
        _sessions(func.sum(TrainingSession.revision + 1)).label("sessions_revision"),
        _sessions(func.max(TrainingSession.changed_at)).label("sessions_changed_at"),
    )
    values = {"sessions_since": before_any_window(now)}
    return db.session.execute(asked.where(Place.id == place_id), values).one()


def of_machine(slug: str) -> Any:
    """What the public calendar of a machine depends on; None when there is none."""
    return None if "\0" in slug else OF_MACHINE.first(slug=slug)


_SHARING = Machine.__table__.alias("sharing")
_NEEDS, _ALSO_NEEDS = (MachineResource.__table__.alias(name) for name in ("needs", "also_needs"))


def _of_those_sharing(what: Any) -> Any:
    """Over the machines that need something this one needs: their bookings are in its way."""
    return (
        select(what)
        .select_from(_SHARING)
        .join(_ALSO_NEEDS, _ALSO_NEEDS.c.machine_id == _SHARING.c.id)
        .join(_NEEDS, _NEEDS.c.resource_id == _ALSO_NEEDS.c.resource_id)
        .where(_NEEDS.c.machine_id == Machine.id)
        .correlate(Machine.__table__)
        .scalar_subquery()
    )


AVAILABILITY = Glance(
    select(
        Place.id.label("place_id"),
        Place.zone,
        Place.revision.label("place_revision"),
        Machine.id.label("machine_id"),
        Machine.revision,
        _of_those_sharing(func.sum(_SHARING.c.revision)).label("shared_revision"),
        Place.changed_at.label("place_changed_at"),
        Machine.changed_at,
        _of_those_sharing(func.max(_SHARING.c.changed_at)).label("shared_changed_at"),
    )
    .join(Place, Place.id == Machine.place_id)
    .where(
        Machine.slug == bindparam("slug"),
        Machine.state != MachineState.RETIRED,
        Place.has_public_feeds,
    )
)


def availability_of(slug: str) -> Any:
    """What it depends on when a machine is free; None when that is nobody's to know."""
    return None if "\0" in slug else AVAILABILITY.first(slug=slug)


# -- the events: which ones, in which state; then those not written yet

IS_OWN = or_(
    Occupancy.member_id == bindparam("reader", type_=Integer()),
    Occupancy.created_by_id == bindparam("reader", type_=Integer()),
)
STATE = (
    Occupancy.id,
    Occupancy.revision,
    type_coerce(IS_OWN, Integer).label("is_own"),  # a Boolean is converted row by row
)


def _standing(*where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        standing_around(Bounds())
        .with_only_columns(*STATE)
        # The booked times, and not the set-up and clean-up around them, are what is shown.
        .where(Occupancy.ends_at > Bounds.start, Occupancy.starts_at < Bounds.end, *where)
        .order_by(Occupancy.starts_at, Occupancy.id)
    )


SUBJECT = bindparam("subject", type_=Integer())
EVENTS = {
    Scope.DAY: _standing(Machine.place_id == SUBJECT),
    Scope.PLACE: _standing(Machine.place_id == SUBJECT),
    Scope.CATEGORY: _standing(Machine.category_id == SUBJECT),
    Scope.MACHINE: _standing(Machine.id == SUBJECT),
    Scope.POOL: _standing(Machine.pool_id == SUBJECT),
    Scope.ORGANIZATION: _standing(
        Machine.place_id == bindparam("place", type_=Integer()),
        Occupancy.organization_id == SUBJECT,
    ),
    Scope.MEMBER: select(*STATE)
    .where(
        Occupancy.member_id == SUBJECT,
        Occupancy.starts_at >= Bounds.start,
        Occupancy.starts_at < Bounds.end,
        or_(
            Occupancy.standing,
            and_(Occupancy.status == Status.CANCELLED, Occupancy.starts_at > NOW),
        ),
    )
    .order_by(Occupancy.starts_at, Occupancy.id),
}


def events(
    scope: Scope, subject: int, place: int, reader: int | None, span: Slot, now: datetime
) -> Sequence[Any]:
    """The events of a calendar as (id, revision, is_own), soonest first. One statement."""
    values = {
        "subject": subject,
        "place": place,
        "reader": reader,
        "span_start": span.start,
        "span_end": span.end,
        "now": now,
    }
    statement = EVENTS[scope]
    return db.session.connection().execute(statement, values).all()


PARTICULARS = (
    select(
        Occupancy.id,
        Occupancy.uid,
        Occupancy.kind,
        Occupancy.status,
        Occupancy.created_by_id,
        Occupancy.starts_at,
        Occupancy.ends_at,
        Occupancy.revision,
        Occupancy.created_at,
        Occupancy.changed_at,
        Occupancy.title,
        Machine.code,
        Machine.name.label("machine_name"),
        Machine.location,
        Machine.state,
        Machine.state_reason,
        Machine.back_on,
        Category.name.label("category_name"),
        Place.name.label("place_name"),
        Place.address,
        Place.zone,
        Organization.name.label("organization_name"),
        Member.first_name,
        Member.last_name,
        Member.phone,
        Member.shares_phone,
    )
    .select_from(Occupancy)
    .join(Machine, Machine.id == Occupancy.machine_id)
    .join(Category, Category.id == Machine.category_id)
    .join(Place, Place.id == Machine.place_id)
    .outerjoin(Member, Member.id == Occupancy.member_id)
    .outerjoin(Organization, Organization.id == Occupancy.organization_id)
    .where(Occupancy.id.in_(bindparam("ids", expanding=True)))
)


def particulars(ids: Collection[int]) -> dict[int, Row[Any]]:
    """All that a calendar may show of these events, by id."""
    asked, found = list(ids), dict[int, Row[Any]]()
    connection = db.session.connection()
    for first in range(0, len(asked), AT_ONCE):
        part = {"ids": asked[first : first + AT_ONCE]}
        found |= {row.id: row for row in connection.execute(PARTICULARS, part)}
    return found


class Named(NamedTuple):
    """What a calendar is called after; an organization has neither `hue` nor `slug`."""

    name: str
    hue: str | None
    slug: str | None


SUBJECTS = {
    Scope.CATEGORY: select(Category.name, Category.hue, Category.slug).where(
        Category.id == SUBJECT
    ),
    Scope.MACHINE: select(Machine.name, Category.hue, Machine.slug)
    .join(Category, Category.id == Machine.category_id)
    .where(Machine.id == SUBJECT),
    # A pool has no page: that of its machines' category shows it.
    Scope.POOL: select(Pool.name, Category.hue, Category.slug)
    .outerjoin(Machine, Machine.pool_id == Pool.id)
    .outerjoin(Category, Category.id == Machine.category_id)
    .where(Pool.id == SUBJECT)
    .order_by(Machine.position, Machine.id)
    .limit(1),
    Scope.ORGANIZATION: select(Organization.name, literal(""), literal("")).where(
        Organization.id == SUBJECT
    ),
}


def subject_of(scope: Scope, subject: int) -> Named:
    row = db.session.connection().execute(SUBJECTS[scope], {"subject": subject}).one()
    return Named(*row)


def closures(place_id: int) -> Sequence[Any]:
    return db.session.execute(
        select(
            Closure.uid,
            Closure.first_day,
            Closure.last_day,
            Closure.reason,
            Closure.repeats_yearly,
            Closure.revision,
            Closure.changed_at,
        )
        .where(Closure.place_id == place_id)
        .order_by(Closure.first_day, Closure.id)
    ).all()


def founded_at(place_id: int) -> datetime:
    """When the place was entered here: it never changes."""
    return db.session.scalars(select(Place.created_at).where(Place.id == place_id)).one()


# -- the page


def held(member_id: int, place_id: int) -> dict[About, Any]:
    """The addresses somebody has in the place, by what they open."""
    rows = db.session.execute(
        select(
            FeedToken.scope,
            FeedToken.category_id,
            FeedToken.machine_id,
            FeedToken.organization_id,
            FeedToken.pool_id,
            FeedToken.created_at,
            FeedToken.used_at,
        ).where(
            FeedToken.member_id == member_id,
            FeedToken.revoked_at.is_(None),
            or_(FeedToken.scope == Scope.MEMBER, FeedToken.place_id == place_id),
        )
    )
    return {
        About(row.scope, row.category_id, row.machine_id, row.organization_id, row.pool_id): row
        for row in rows
    }


class Shared(NamedTuple):
    """Machines that stand for one another."""

    id: int
    slug: str
    name: str


def pools(place_id: int) -> list[Shared]:
    """The pools of the place with a machine in use, by name."""
    in_use = exists().where(Machine.pool_id == Pool.id, Machine.state != MachineState.RETIRED)
    rows = db.session.execute(
        select(Pool.id, Pool.slug, Pool.name)
        .where(Pool.place_id == place_id, in_use)
        .order_by(Pool.name, Pool.id)
    )
    return [Shared(*row) for row in rows]


def has_own_calendar(member_id: int) -> bool:
    """Is there an address at which a calendar may read their own bookings?"""
    asked = select(FeedToken.id).where(
        FeedToken.member_id == member_id,
        FeedToken.revoked_at.is_(None),
        FeedToken.scope == Scope.MEMBER,
    )
    return db.session.scalar(asked.limit(1)) is not None


class Run(NamedTuple):
    """An organization somebody runs."""

    id: int
    slug: str
    name: str


def run_by(member_id: int, place_id: int, day: date) -> list[Run]:
    """The organizations of the place they are a manager of on `day`, by name."""
    rows = db.session.execute(
        select(Organization.id, Organization.slug, Organization.name)
        .join(OrganizationMember, OrganizationMember.organization_id == Organization.id)
        .where(
            Organization.place_id == place_id,
            OrganizationMember.member_id == member_id,
            OrganizationMember.is_manager,
            OrganizationMember.since <= day,
            or_(OrganizationMember.until.is_(None), OrganizationMember.until >= day),
        )
        .order_by(by_name(Organization.name))
    )
    return [Run(*row) for row in rows]
