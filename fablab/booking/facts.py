"""Gathering what the rules want to know, in a bounded number of statements."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, or_, select

from fablab.booking.rules import Facts, Held, Taken
from fablab.clock import today
from fablab.db import db
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Bounds, Machine, Occupancy, standing_around
from fablab.members.kinds import Audience
from fablab.members.models import Member, Membership, RoleHeld
from fablab.members.people import Standing
from fablab.organizations.models import Organization, OrganizationMember
from fablab.places.kinds import NamesShown
from fablab.slots import Slot
from fablab.trainings.models import Qualification, Training, TrainingGrant

# Sent with every booking, hence built once: to build them cost more than to send them.
STANDING = (
    select(
        Membership.audience,
        Membership.expires_on,
        Membership.suspended_until,
        Membership.suspension_reason,
        RoleHeld.role,
    )
    .join(Member, Member.id == Membership.member_id)
    .outerjoin(RoleHeld, RoleHeld.membership_id == Membership.id)
    .where(
        Membership.member_id == bindparam("member_id"),
        Membership.place_id == bindparam("place_id"),
        Member.erased_at.is_(None),
    )
)
HELD = (
    select(
        Qualification.level,
        TrainingGrant.level.label("granted"),
        Qualification.given_on,
        Qualification.expires_on,
    )
    .outerjoin(
        TrainingGrant,
        and_(
            TrainingGrant.training_id == Qualification.training_id,
            TrainingGrant.machine_id == bindparam("machine_id"),
            Qualification.machine_id.is_(None),
        ),
    )
    .where(
        Qualification.member_id == bindparam("member_id"),
        or_(
            Qualification.machine_id == bindparam("machine_id"),
            TrainingGrant.level.is_not(None),
        ),
    )
)
TRAINING = (
    select(Training.name)
    .join(TrainingGrant, TrainingGrant.training_id == Training.id)
    .where(TrainingGrant.machine_id == bindparam("machine_id"))
    .order_by(TrainingGrant.level.desc(), Training.id)
    .limit(1)
)


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
        Member.first_name,
        Member.last_name,
        Organization.name.label("organization_name"),
    )
    .outerjoin(Member, Member.id == Occupancy.member_id)
    .outerjoin(Organization, Organization.id == Occupancy.organization_id)
    .where(Machine.id == bindparam("machine_id"))
    .order_by(Occupancy.occupied_from)
)


def gather(
    inventory: Inventory,
    machine: MachineFacts,
    member_id: int,
    span: Slot,
    *,
    now: datetime,
    organization_id: int | None = None,
    moving: int | None = None,
) -> Facts:
    """The facts about `member_id` on `machine`, with all that is taken in and around `span`.

    `moving` is the id of an occupancy to leave out, because it is the one that would move.
    Five statements at most.
    """
    standing = standing_of(member_id, inventory.place.id)
    facts = about(inventory, machine, member_id, standing, span, now=now, moving=moving)
    if organization_id is None or acts_for(member_id, organization_id, inventory, now):
        return facts
    return replace(facts, acts_for_organization=False)


def about(
    inventory: Inventory,
    machine: MachineFacts,
    member_id: int,
    standing: Standing | None,
    span: Slot,
    *,
    now: datetime,
    moving: int | None = None,
) -> Facts:
    """The facts on one machine of a member whose standing is known. Three statements at most."""
    policy = machine.policy_for(audience_of(standing))
    held = held_on(machine.id, member_id) if policy.level else ()
    days = inventory.schedule.days_of(span)
    is_enough = any(h.level >= policy.level and h.is_valid_on(*days) for h in held)
    return Facts(
        now=now,
        schedule=inventory.schedule,
        policy=policy,
        machine_state=machine.state,
        state_reason=machine.state_reason,
        back_on=machine.back_on,
        is_member=standing is not None,
        membership_ends_on=standing.expires_on if standing else None,
        suspended_until=standing.suspended_until if standing else None,
        suspension_reason=standing.suspension_reason if standing else "",
        held=held,
        training=training_for(machine.id) if policy.level and not is_enough else "",
        taken=taken_on(
            machine.id,
            span.widened(policy.before, policy.after),
            member_id=member_id,
            leaving_out=moving,
            with_names=standing is not None and shows_names_to_members(inventory),
        ),
    )


def shows_names_to_members(inventory: Inventory) -> bool:
    return inventory.place.names_shown in (NamesShown.EVERYONE, NamesShown.MEMBERS)


def audience_of(standing: Standing | None) -> Audience | None:
    """Whose rules hold for them: the team's own when they are on it."""
    if standing is None:
        return None
    return Audience.STAFF if standing.is_team else standing.audience


def standing_of(member_id: int, place_id: int) -> Standing | None:
    """How the member stands in the place right now; None when they are no member of it."""
    rows = rows_of(STANDING, member_id=member_id, place_id=place_id)
    if not rows:
        return None
    first = rows[0]
    return Standing(
        first.audience,
        first.expires_on,
        first.suspended_until,
        first.suspension_reason,
        roles=frozenset(row.role for row in rows if row.role),
    )


def held_on(machine_id: int, member_id: int) -> tuple[Held, ...]:
    """Every qualification the member has or had on the machine, through a training or its own."""
    rows = rows_of(HELD, machine_id=machine_id, member_id=member_id)
    return tuple(Held(row.level or row.granted, row.given_on, row.expires_on) for row in rows)


def training_for(machine_id: int) -> str:
    """The name of the training that grants the machine, or an empty text."""
    rows = rows_of(TRAINING, machine_id=machine_id)
    return rows[0].name if rows else ""


def rows_of(statement: Select[*tuple[Any, ...]], **values: Any) -> Sequence[Row[Any]]:
    """Straight from the connection: these are columns, of which the session need not know."""
    return db.session.connection().execute(statement, values).all()


def acts_for(member_id: int, organization_id: int, inventory: Inventory, now: datetime) -> bool:
    """Is it of the place, and may they book on its behalf today, on the place's calendar?"""
    day: date = today(inventory.schedule.zone, now)
    return bool(
        db.session.scalar(
            select(OrganizationMember.member_id)
            .join(Organization, Organization.id == OrganizationMember.organization_id)
            .where(
                Organization.place_id == inventory.place.id,
                OrganizationMember.organization_id == organization_id,
                OrganizationMember.member_id == member_id,
                OrganizationMember.since <= day,
                or_(OrganizationMember.until.is_(None), OrganizationMember.until >= day),
            )
        )
    )


def taken_on(
    machine_id: int,
    span: Slot,
    *,
    member_id: int,
    leaving_out: int | None = None,
    with_names: bool = False,
) -> tuple[Taken, ...]:
    """What stands on the machine in `span`, soonest first, and what of it is `member_id`'s own."""
    rows = rows_of(TAKEN, machine_id=machine_id, span_start=span.start, span_end=span.end)
    return tuple(_taken(row, member_id, with_names) for row in rows if row.id != leaving_out)


def _taken(row: Any, member_id: int, with_name: bool) -> Taken:
    is_outage = row.kind == OccupancyKind.OUTAGE
    holder = row.organization_name or f"{row.first_name or ''} {row.last_name or ''}".strip()
    return Taken(
        Slot(row.occupied_from, row.occupied_until),
        is_outage=is_outage,
        why=row.title if is_outage else "",
        who=holder if with_name and not is_outage else "",
        own_uid=row.uid if row.member_id == member_id and not is_outage else "",
    )
