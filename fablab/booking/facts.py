"""Gathering what the rules want to know, in a bounded number of statements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Boolean,
    CompoundSelect,
    Date,
    Executable,
    Integer,
    Row,
    and_,
    bindparam,
    case,
    exists,
    func,
    join,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from fablab import clock
from fablab.booking.known import Buddy, Facts, Held, Own, Shared, Taken
from fablab.booking.models import Acknowledgement
from fablab.booking.quotas import RISKY, weeks_of
from fablab.booking.wait_rules import is_only_offered
from fablab.clock import today
from fablab.db import UTCDateTime, db
from fablab.machines.agreements import with_ranges
from fablab.machines.inventory import Inventory, MachineFacts, of_place
from fablab.machines.kinds import Approval, OccupancyKind, Status
from fablab.machines.models import Bounds, Claim, Machine, Occupancy, standing_around
from fablab.members.kinds import TEAM, AgeBand, Audience
from fablab.members.models import Member, Membership, RoleHeld
from fablab.members.people import Standing
from fablab.organizations.models import Organization, OrganizationMember
from fablab.places.kinds import NamesShown
from fablab.slots import Slot
from fablab.trainings.kinds import SessionState
from fablab.trainings.models import Qualification, Training, TrainingGrant, TrainingSession
from fablab.trainings.use import LAST_USED, last_day

# Sent with every booking, hence built once: to build it cost more than to send it.
USED = Occupancy.__table__.alias("used")
# What `held_from` reads of a qualification.
HELD = (
    Qualification.level,
    TrainingGrant.level.label("granted"),
    Qualification.given_on,
    Qualification.expires_on,
    Training.validity_months,
    Training.inactivity_months,
    Training.is_renewed_by_use,
    case(
        (
            or_(Training.inactivity_months.is_not(None), Training.is_renewed_by_use),
            LAST_USED,
        )
    ).label("last_used_at"),
)
# Everything about some people in one place and on one machine: for each of them a row for every
# qualification they have or had on it, or one row without.


def _in_it(column: Any) -> Any:
    """Of their stay in the organization named, if they are in it on the day."""
    return (
        select(column)
        .where(
            Organization.id == bindparam("organization_id"),
            Organization.place_id == bindparam("place_id"),
            OrganizationMember.organization_id == Organization.id,
            OrganizationMember.member_id == Member.id,
            OrganizationMember.since <= bindparam("day", type_=Date()),
            or_(
                OrganizationMember.until.is_(None),
                OrganizationMember.until >= bindparam("day", type_=Date()),
            ),
        )
        .scalar_subquery()
    )


ABOUT = (
    select(
        Member.id,
        Member.first_name,
        Member.last_name,
        Member.age_band,
        Member.guardian_agreed_on,
        Membership.id.label("membership_id"),
        Membership.audience,
        Membership.expires_on.label("ends_on"),
        Membership.suspended_until,
        Membership.suspension_reason,
        Membership.marked_until,
        exists()
        .where(RoleHeld.membership_id == Membership.id, RoleHeld.role.in_(TEAM))
        .label("is_team"),
        select(Acknowledgement.text_hash)
        .where(
            Acknowledgement.member_id == Member.id,
            Acknowledgement.machine_id == bindparam("machine_id"),
        )
        .scalar_subquery()
        .label("has_read"),
        # Looks through all that they have booked, hence only where it matters.
        case(
            (
                bindparam("asks_use", type_=Boolean()),
                exists().where(
                    USED.c.member_id == Member.id,
                    USED.c.machine_id == bindparam("machine_id"),
                    USED.c.status == Status.CONFIRMED,
                    USED.c.id != bindparam("moving"),
                ),
            ),
            else_=true(),
        ).label("has_used"),
        # Of the organization they act for, if they may: their account there, until when, and whose
        # prices hold.
        _in_it(OrganizationMember.activity).label("activity"),
        _in_it(OrganizationMember.until).label("acts_until"),
        select(Organization.audience)
        .where(Organization.id == bindparam("organization_id"))
        .scalar_subquery()
        .label("prices"),
        exists()
        .where(
            OrganizationMember.organization_id == bindparam("owner_id"),
            OrganizationMember.member_id == Member.id,
            OrganizationMember.since <= bindparam("day", type_=Date()),
            or_(
                OrganizationMember.until.is_(None),
                OrganizationMember.until >= bindparam("day", type_=Date()),
            ),
        )
        .label("is_of_owner"),
        Qualification.id.label("qualification_id"),
        *HELD,
    )
    .select_from(Member)
    .outerjoin(
        Membership,
        and_(Membership.member_id == Member.id, Membership.place_id == bindparam("place_id")),
    )
    .outerjoin(
        Qualification,
        and_(
            Qualification.member_id == Member.id,
            or_(
                Qualification.machine_id == bindparam("machine_id"),
                and_(
                    Qualification.machine_id.is_(None),
                    Qualification.training_id.in_(
                        select(TrainingGrant.training_id).where(
                            TrainingGrant.machine_id == bindparam("machine_id")
                        )
                    ),
                ),
            ),
        ),
    )
    .outerjoin(
        TrainingGrant,
        and_(
            TrainingGrant.training_id == Qualification.training_id,
            TrainingGrant.machine_id == bindparam("machine_id"),
            Qualification.machine_id.is_(None),
        ),
    )
    .outerjoin(Training, Training.id == Qualification.training_id)
    .where(Member.id.in_(bindparam("member_ids", expanding=True)), Member.erased_at.is_(None))
)
LONGEST = timedelta(days=31)  # of a booking: how long before a moment one may have begun
# How many of their bookings that stand are still ahead, those around the span left out.
_AHEAD = Occupancy.__table__.alias("ahead")
_ITS_MACHINE = Machine.__table__.alias("its_machine")
FURTHER_AHEAD = (
    select(func.count().label("further_ahead"))
    .select_from(_AHEAD)
    .join(_ITS_MACHINE, _ITS_MACHINE.c.id == _AHEAD.c.machine_id)
    .where(
        _AHEAD.c.member_id == bindparam("member_id"),
        _AHEAD.c.starts_at >= bindparam("since", type_=UTCDateTime()),
        _AHEAD.c.ends_at > bindparam("now", type_=UTCDateTime()),
        or_(_AHEAD.c.starts_at >= Bounds.end, _AHEAD.c.ends_at <= Bounds.start),
        _AHEAD.c.standing,
        _ITS_MACHINE.c.place_id == bindparam("place_id"),
    )
    .subquery("further")
)
# Those around the span, each with that number; one row without any when there are none.
OWN = (
    select(
        FURTHER_AHEAD.c.further_ahead,
        Occupancy.id,
        Occupancy.uid,
        Occupancy.machine_id,
        Occupancy.starts_at,
        Occupancy.ends_at,
        Occupancy.counts_in_quota,
        Machine.category_id,
        Machine.pool_id,
        Machine.risk_class,
    )
    .select_from(FURTHER_AHEAD)
    .outerjoin(
        join(Occupancy.__table__, Machine.__table__, Machine.id == Occupancy.machine_id),
        and_(
            Occupancy.member_id == bindparam("member_id"),
            Occupancy.starts_at >= bindparam("around", type_=UTCDateTime()),
            Occupancy.starts_at < Bounds.end,
            Occupancy.ends_at > Bounds.start,
            Occupancy.standing,
            Machine.place_id == bindparam("place_id"),
        ),
    )
    .order_by(Occupancy.starts_at)
)
# When the training is given next, of the training that the statement around it is about.
NEXT_SESSION = (
    select(func.min(TrainingSession.starts_at))
    .where(
        TrainingSession.training_id == Training.id,
        TrainingSession.state == SessionState.PLANNED,
        TrainingSession.starts_at > bindparam("now", type_=UTCDateTime()),
    )
    .correlate(Training)
    .scalar_subquery()
)
TRAINING = (
    select(Training.name, NEXT_SESSION.label("next_session"))
    .join(TrainingGrant, TrainingGrant.training_id == Training.id)
    .where(TrainingGrant.machine_id == bindparam("machine_id"))
    .order_by(TrainingGrant.level.desc(), Training.id)
    .limit(1)
)


NOTHING = literal_column("NULL", Integer)
# When the people of the machine's owner booked it; nothing where others did.
OWNER_SINCE = case(
    (
        and_(
            Machine.owner_id.is_not(None),
            or_(
                Occupancy.organization_id == Machine.owner_id,
                exists().where(
                    OrganizationMember.organization_id == Machine.owner_id,
                    OrganizationMember.member_id == Occupancy.member_id,
                    OrganizationMember.since <= func.date(Occupancy.starts_at),
                    or_(
                        OrganizationMember.until.is_(None),
                        OrganizationMember.until >= func.date(Occupancy.starts_at),
                    ),
                ),
            ),
        ),
        Occupancy.created_at,
    )
).label("owner_since")
# What stands on the machine.
TAKEN = (
    standing_around(Bounds())
    .with_only_columns(
        Occupancy.id,
        Occupancy.kind,
        Occupancy.occupied_from,
        Occupancy.occupied_until,
        Occupancy.title,
        Occupancy.uid,
        Occupancy.member_id,
        Occupancy.status,
        Occupancy.created_by_id,
        Member.first_name,
        Member.last_name,
        Organization.name.label("organization_name"),
        OWNER_SINCE,
    )
    .outerjoin(Member, Member.id == Occupancy.member_id)
    .outerjoin(Organization, Organization.id == Occupancy.organization_id)
    .add_columns(NOTHING.label("seat_id"))
    .where(Machine.id == bindparam("machine_id"))
)
# The same with the claims on the seats of what the machine shares, which name a seat.
IN_THE_WAY: CompoundSelect[Any] = union_all(
    TAKEN,
    select(
        Claim.occupancy_id,
        NOTHING,
        Claim.claimed_from,
        Claim.claimed_until,
        *[NOTHING] * 9,
        Claim.seat_id,
    ).where(
        Claim.seat_id.in_(bindparam("seats", expanding=True)),
        Claim.claimed_from < Bounds.end,
        Claim.claimed_until > Bounds.start,
    ),
)


@dataclass(frozen=True, slots=True)
class About:
    """One person in one place and on one machine, as the database has it now."""

    name: str
    standing: Standing | None  # None: no member of the place
    marked_until: datetime | None
    age: AgeBand
    guardian_agreed: bool
    read_hash: str
    has_used: bool
    activity: str | None  # their account in the organization named; None: they may not act for it
    acts_until: date | None  # their last day in it
    prices: Audience | None  # whose hold for what is booked in its name
    held: tuple[Held, ...]
    is_of_owner: bool = False  # one of the people of the machine's owner

    @property
    def acts_for(self) -> bool:
        return self.activity is not None


@dataclass(frozen=True, slots=True)
class OwnBookings:
    """What else they have booked in the place: around a span, and how many more are ahead."""

    around: tuple[Own, ...] = ()
    further_ahead: int = 0

    def as_theirs(self, inventory: Inventory, audience: Audience | None) -> dict[str, Any]:
        """The facts about them, of a member of that audience: whose machines run alone."""

        def seen(own: Own) -> Own:
            machine = inventory.by_id.get(own.machine_id)
            is_alone = machine is not None and machine.policy_for(audience).runs_alone
            return replace(own, runs_alone=True) if is_alone else own

        return {"own": tuple(map(seen, self.around)), "further_ahead": self.further_ahead}


def gather(
    inventory: Inventory,
    machine: MachineFacts,
    member_id: int,
    span: Slot,
    *,
    now: datetime,
    organization_id: int | None = None,
    buddy_id: int | None = None,
    is_accompanied: bool = False,
    has_read: bool = False,
    moving: int | None = None,
    own: OwnBookings | None = None,
) -> Facts:
    """The facts about `member_id` on `machine`, with all that is taken in and around `span`.

    `moving` is the id of an occupancy to leave out, because it is the one that would move;
    `has_read` that they say so now; `own` their other bookings, where they are known already.
    Four statements at most.
    """
    people = about_members(
        {member_id, buddy_id or member_id},
        inventory,
        machine.id,
        now=now,
        organization_id=organization_id,
        moving=moving,
    )
    about = people.get(member_id)
    standing = about.standing if about else None
    policy = machine.policy_for(audience_of(standing))
    held = about.held if about else ()
    days = inventory.schedule.days_of(span)
    is_enough = any(h.level >= policy.level and h.is_valid_on(*days) for h in held)
    taken, shared = in_the_way(
        machine,
        with_ranges(
            machine.agreements,
            inventory.schedule.zone,
            span.widened(policy.before, policy.after),
        ),
        member_id=member_id,
        leaving_out=moving,
        with_names=standing is not None and shows_names_to_members(inventory),
    )
    if own is None and not policy.counts_bookings:
        own = OwnBookings()
    elif own is None:
        own = own_bookings(member_id, inventory, span, now=now, leaving_out=moving)
    facts = Facts(
        now=now,
        schedule=inventory.schedule,
        policy=policy,
        held=held,
        **(training_for(machine.id, now) if policy.level and not is_enough else {}),
        taken=taken,
        is_accompanied=is_accompanied,
        buddy=buddy_of(buddy_id, member_id, people, now) if buddy_id else None,
        **own.as_theirs(inventory, audience_of(standing)),
        shared=shared,
        acts_for_organization=organization_id is None or bool(about and about.acts_for),
        **counted(about, organization_id),
        **of_machine(machine),
    )
    return with_person(facts, about, machine, has_read=has_read)


def counted(about: About | None, organization_id: int | None) -> dict[str, Any]:
    """For whom a booking of theirs counts, and the activity account it is put down to."""
    if about is None or about.standing is None:
        return {}
    if organization_id is None:
        return {"audience": audience_of(about.standing)}
    return {
        "audience": about.prices or about.standing.audience,
        "activity": about.activity or "",
        "acts_until": about.acts_until,
    }


def of_machine(machine: MachineFacts) -> dict[str, Any]:
    """What the rules want to know of the machine alone, whoever asks."""
    return {
        "machine_id": machine.id,
        "category_id": machine.category.id,
        "category": machine.category.name,
        "pool_id": machine.pool_id,
        "risk": machine.risk_class,
        "machine_state": machine.state,
        "state_reason": machine.state_reason,
        "back_on": machine.back_on,
        "is_owned": machine.owner_id is not None,
        "agreements": machine.agreements,
    }


def with_person(
    facts: Facts, about: About | None, machine: MachineFacts, *, has_read: bool
) -> Facts:
    """`facts` with what is known of the person: none, when there is no such member."""
    if about is None or about.standing is None:
        return replace(facts, is_member=False, has_read=True)
    standing = about.standing
    return replace(
        facts,
        is_member=True,
        membership_ends_on=standing.expires_on,
        suspended_until=standing.suspended_until,
        suspension_reason=standing.suspension_reason,
        marked_until=about.marked_until,
        age=about.age,
        guardian_agreed=about.guardian_agreed,
        has_read=has_read or not machine.safety_hash or about.read_hash == machine.safety_hash,
        has_used=about.has_used,
        is_of_owner=about.is_of_owner,
        standing_audience=audience_of(standing),
    )


def about_member(
    member_id: int,
    inventory: Inventory,
    machine_id: int,
    *,
    now: datetime,
    organization_id: int | None = None,
    moving: int | None = None,
) -> About | None:
    """Who they are here, and what they hold on the machine; None when there is nobody.

    The arguments and the cost of `about_members`.
    """
    people = about_members(
        {member_id},
        inventory,
        machine_id,
        now=now,
        organization_id=organization_id,
        moving=moving,
    )
    return people.get(member_id)


def about_members(
    member_ids: Collection[int],
    inventory: Inventory,
    machine_id: int,
    *,
    now: datetime,
    organization_id: int | None = None,
    moving: int | None = None,
) -> dict[int, About]:
    """As `about_member`, of each of them there is, by id. One statement.

    `acts_for` asks of the organization, if one is given, on the place's calendar.
    """
    zone = inventory.schedule.zone
    rows = rows_of(
        ABOUT,
        member_ids=list(member_ids),
        place_id=inventory.place.id,
        machine_id=machine_id,
        organization_id=organization_id or 0,
        owner_id=_owner_of(inventory.by_id.get(machine_id)),
        asks_use=_asks_use(inventory.by_id.get(machine_id)),
        moving=moving or 0,
        now=now,
        day=today(zone, now),
    )
    return {
        member_id: _about_one([row for row in rows if row.id == member_id], zone)
        for member_id in {row.id for row in rows}
    }


def _asks_use(machine: MachineFacts | None) -> bool:
    """Does it matter to anybody's booking of it whether they used it before?"""
    policies = machine.policies.values() if machine else ()
    return any(policy.approval is Approval.FIRST for policy in policies)


def _owner_of(machine: MachineFacts | None) -> int:
    """The organization that owns it; 0, which none is, for what the place owns."""
    return (machine.owner_id or 0) if machine else 0


def _about_one(rows: Sequence[Row[Any]], zone: tzinfo) -> About:
    first = rows[0]
    standing = None
    if first.membership_id is not None:
        standing = Standing(
            first.audience,
            first.ends_on,
            first.suspended_until,
            first.suspension_reason,
            roles=TEAM if first.is_team else frozenset(),
        )
    return About(
        name=f"{first.first_name} {first.last_name}".strip(),
        standing=standing,
        marked_until=first.marked_until,
        age=first.age_band,
        guardian_agreed=first.guardian_agreed_on is not None,
        read_hash=first.has_read or "",
        has_used=first.has_used,
        activity=first.activity,
        acts_until=first.acts_until,
        prices=first.prices,
        held=tuple(held_from(row, zone) for row in rows if row.qualification_id is not None),
        is_of_owner=first.is_of_owner,
    )


def standing_of(member_id: int, place_id: int) -> Standing | None:
    """How the member stands in the place right now; None when they are no member of it."""
    about = _about(member_id, place_id)
    return about.standing if about else None


def held_on(machine_id: int, member_id: int) -> tuple[Held, ...]:
    """Every qualification the member has or had on the machine, through a training or its own."""
    place_id = db.session.scalars(select(Machine.place_id).where(Machine.id == machine_id)).one()
    about = _about(member_id, place_id, machine_id)
    return about.held if about else ()


def _about(member_id: int, place_id: int, machine_id: int = 0) -> About | None:
    inventory = of_place(place_id=place_id)
    return about_member(member_id, inventory, machine_id, now=clock.now())


def held_from(row: Any, zone: tzinfo) -> Held:
    """As it stands with what was used since: a training may lapse unused, or be renewed by use."""
    return Held(row.level or row.granted, row.given_on, last_day(row, zone))


def buddy_of(buddy_id: int, member_id: int, people: Mapping[int, About], now: datetime) -> Buddy:
    """Whoever is named as a buddy, as the rules ask of them: whose membership is suspended is
    kept from the machines, and is nobody's company there.
    """
    about = people.get(buddy_id)
    if about is None:
        return Buddy(is_member=False)
    standing = about.standing
    return Buddy(
        is_member=standing is not None and not standing.is_suspended(now),
        ends_on=standing.expires_on if standing else None,
        is_oneself=buddy_id == member_id,
        held=about.held,
    )


def own_bookings(
    member_id: int,
    inventory: Inventory,
    span: Slot,
    *,
    now: datetime,
    leaving_out: int | None = None,
) -> OwnBookings:
    """Their bookings in the place that the quotas of the weeks of `span`, and the rules about
    what lies ahead, are about. One statement, whatever they have booked besides.
    """
    weeks = weeks_of(span, inventory.schedule.zone)
    start, end = weeks[0].start, weeks[-1].end
    rows = rows_of(
        OWN,
        member_id=member_id,
        place_id=inventory.place.id,
        now=now,
        since=now - LONGEST,
        around=start - LONGEST,
        span_start=start,
        span_end=end,
    )
    around = [row for row in rows if row.id not in (None, leaving_out)]
    return OwnBookings(tuple(map(_own, around)), rows[0].further_ahead)


def _own(row: Row[Any]) -> Own:
    return Own(
        Slot(row.starts_at, row.ends_at),
        row.machine_id,
        row.category_id,
        row.pool_id,
        row.risk_class in RISKY,
        row.counts_in_quota,
        uid=row.uid,
    )


def shows_names_to_members(inventory: Inventory) -> bool:
    return inventory.place.names_shown in (NamesShown.EVERYONE, NamesShown.MEMBERS)


def audience_of(standing: Standing | None) -> Audience | None:
    """Whose rules hold for them: the team's own when they are on it."""
    if standing is None:
        return None
    return Audience.STAFF if standing.is_team else standing.audience


def training_for(machine_id: int, now: datetime) -> dict[str, Any]:
    """The facts about the training that grants the machine: its name, and when it is next given."""
    rows = rows_of(TRAINING, machine_id=machine_id, now=now)
    return {"training": rows[0].name, "next_session": rows[0].next_session} if rows else {}


def rows_of(statement: Executable, **values: Any) -> Sequence[Row[Any]]:
    """Straight from the connection: these are columns, of which the session need not know."""
    return db.session.connection().execute(statement, values).all()


def in_the_way(
    machine: MachineFacts,
    span: Slot,
    *,
    member_id: int,
    leaving_out: int | None = None,
    with_names: bool = False,
) -> tuple[tuple[Taken, ...], tuple[Shared, ...]]:
    """What stands on the machine in `span`, soonest first, and what of it is `member_id`'s own;
    and what is taken of all that the machine shares. One statement.
    """
    values = {"machine_id": machine.id, "span_start": span.start, "span_end": span.end}
    seats = [seat for resource in machine.resources for seat in resource.seats]
    rows = rows_of(IN_THE_WAY, seats=seats, **values) if seats else rows_of(TAKEN, **values)
    rows = sorted((row for row in rows if row.id != leaving_out), key=attrgetter("occupied_from"))
    claims: dict[int, list[Slot]] = {seat: [] for seat in seats}
    # What stands on the machine itself is in the way as such, and not by the seats it takes.
    here = {row.id for row in rows if row.seat_id is None}
    for row in rows:
        if row.seat_id is not None and row.id not in here:
            claims[row.seat_id].append(Slot(row.occupied_from, row.occupied_until))
    return (
        tuple(_taken(row, member_id, with_names) for row in rows if row.seat_id is None),
        tuple(
            Shared(resource.name, {seat: claims[seat] for seat in resource.seats})
            for resource in machine.resources
        ),
    )


def _taken(row: Any, member_id: int, with_name: bool) -> Taken:
    is_outage = row.kind != OccupancyKind.BOOKING
    holder = row.organization_name or f"{row.first_name or ''} {row.last_name or ''}".strip()
    return Taken(
        Slot(row.occupied_from, row.occupied_until),
        is_outage=is_outage,
        why=row.title if is_outage else "",
        who=holder if with_name and not is_outage and not is_only_offered(row) else "",
        own_uid=row.uid if row.member_id == member_id and not is_outage else "",
        owner_since=None if is_outage else row.owner_since,
    )
