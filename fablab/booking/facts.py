"""Gathering what the rules want to know, in a bounded number of statements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Executable,
    Row,
    select,
)

from fablab import clock
from fablab.booking.fact_statements import (
    ABOUT,
    IN_THE_WAY,
    LONGEST,
    OWN,
    TAKEN,
    TRAINING,
)
from fablab.booking.known import Buddy, Facts, Held, Own, Shared, Taken
from fablab.booking.quotas import RISKY, weeks_of
from fablab.booking.wait_rules import is_only_offered
from fablab.clock import today
from fablab.db import db
from fablab.machines.agreements import with_ranges
from fablab.machines.inventory import Inventory, MachineFacts, of_place
from fablab.machines.kinds import Approval, OccupancyKind
from fablab.machines.models import Machine
from fablab.members.kinds import TEAM, AgeBand, Audience
from fablab.members.people import Standing
from fablab.places.kinds import NamesShown
from fablab.slots import Slot
from fablab.trainings.use import last_day


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
        with_names=reads_names(standing, inventory, now),
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


def reads_names(standing: Standing | None, inventory: Inventory, now: datetime) -> bool:
    """Whether the place tells whoever stands so in it whose a booking is: where that is for
    members, until their membership ends; suspended, they are still one.
    """
    if inventory.place.names_shown is not NamesShown.MEMBERS:
        return inventory.place.names_shown is NamesShown.EVERYONE
    if standing is None:
        return False
    last = standing.expires_on
    return last is None or today(inventory.schedule.zone, now) <= last


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
