"""What keeps a member from each machine of a place for a whole day, whatever the hours."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Date, and_, bindparam, func, or_, select

from fablab.booking.fact_statements import HELD
from fablab.booking.facts import (
    About,
    audience_of,
    held_from,
    of_machine,
    rows_of,
    with_person,
)
from fablab.booking.known import Facts, Held
from fablab.booking.rules import obstacle
from fablab.booking.verdicts import Refusal
from fablab.clock import today, whole_day
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.models import Machine
from fablab.members.kinds import AgeBand
from fablab.members.models import Member, Membership
from fablab.members.people import Standing
from fablab.organizations.models import OrganizationMember
from fablab.trainings.models import Qualification, Training, TrainingGrant

# Asked with every planning of a member, hence built once: a row for each machine that each of
# their qualifications is for, or one row without; as often as organizations of theirs own some.
HELD_ANYWHERE = (
    select(
        Member.age_band,
        Member.guardian_agreed_on,
        Membership.marked_until,
        OrganizationMember.organization_id.label("owner_id"),
        func.coalesce(Qualification.machine_id, TrainingGrant.machine_id).label("machine_id"),
        *HELD,
    )
    .select_from(Member)
    .outerjoin(
        Membership,
        and_(Membership.member_id == Member.id, Membership.place_id == bindparam("place_id")),
    )
    .outerjoin(
        OrganizationMember,
        and_(
            OrganizationMember.member_id == Member.id,
            OrganizationMember.since <= bindparam("day", type_=Date()),
            or_(
                OrganizationMember.until.is_(None),
                OrganizationMember.until >= bindparam("day", type_=Date()),
            ),
            OrganizationMember.organization_id.in_(
                select(Machine.owner_id).where(
                    Machine.place_id == bindparam("place_id"), Machine.owner_id.is_not(None)
                )
            ),
        ),
    )
    .outerjoin(Qualification, Qualification.member_id == Member.id)
    .outerjoin(
        TrainingGrant,
        and_(
            TrainingGrant.training_id == Qualification.training_id,
            Qualification.machine_id.is_(None),
        ),
    )
    .outerjoin(Training, Training.id == Qualification.training_id)
    .where(Member.id == bindparam("member_id"), Member.erased_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class Known:
    """One member in one place, and what they hold on which machine; a value to keep things by."""

    standing: Standing | None
    marked_until: datetime | None
    age: AgeBand
    guardian_agreed: bool
    held: tuple[tuple[int, Held], ...]
    owns: frozenset[int] = frozenset()  # organizations they are of that own machines, by id


def known_of(
    member_id: int, standing: Standing | None, inventory: Inventory, *, now: datetime
) -> Known | None:
    """None when there is no such member. One statement."""
    zone = inventory.schedule.zone
    about = {"member_id": member_id, "place_id": inventory.place.id}
    rows = rows_of(HELD_ANYWHERE, **about, now=now, day=today(zone, now))
    if not rows:
        return None
    # One who is of two such organizations has each of their rows twice.
    held = dict.fromkeys(
        (row.machine_id, held_from(row, zone)) for row in rows if row.machine_id is not None
    )
    return Known(
        standing,
        rows[0].marked_until,
        rows[0].age_band,
        rows[0].guardian_agreed_on is not None,
        tuple(held),
        frozenset(row.owner_id for row in rows if row.owner_id is not None),
    )


def obstacles(
    known: Known, inventory: Inventory, day: date, *, now: datetime
) -> dict[int, Refusal]:
    """By machine, the first reason why they can book nothing of `day`; most have none."""
    whole = whole_day(inventory.schedule.zone, day)
    found = (
        (machine.id, obstacle(whole, _facts(known, inventory, machine, now)))
        for machine in inventory.machines
    )
    return {machine_id: refusal for machine_id, refusal in found if refusal}


def _facts(known: Known, inventory: Inventory, machine: MachineFacts, now: datetime) -> Facts:
    policy = machine.policy_for(audience_of(known.standing))
    held = tuple(each for machine_id, each in known.held if machine_id == machine.id)
    facts = Facts(
        now=now,
        schedule=inventory.schedule,
        policy=policy,
        held=held if policy.level else (),
        **of_machine(machine),
    )
    about = About(
        name="",
        standing=known.standing,
        marked_until=known.marked_until,
        age=known.age,
        guardian_agreed=known.guardian_agreed,
        read_hash="",
        has_used=True,
        activity="",
        acts_until=None,
        prices=None,
        held=held,
        is_of_owner=machine.owner_id in known.owns,
    )
    return with_person(facts, about, machine, has_read=True)
