"""What keeps a member from each machine of a place for a whole day, whatever the hours."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, bindparam, func, select

from fablab.booking.facts import (
    HELD,
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
from fablab.clock import whole_day
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.members.kinds import AgeBand
from fablab.members.models import Member, Membership
from fablab.members.people import Standing
from fablab.trainings.models import Qualification, Training, TrainingGrant

# Asked with every planning of a member, hence built once: a row for each machine that each of
# their qualifications is for, or one row without.
HELD_ANYWHERE = (
    select(
        Member.age_band,
        Member.guardian_agreed_on,
        Membership.marked_until,
        func.coalesce(Qualification.machine_id, TrainingGrant.machine_id).label("machine_id"),
        *HELD,
    )
    .select_from(Member)
    .outerjoin(
        Membership,
        and_(Membership.member_id == Member.id, Membership.place_id == bindparam("place_id")),
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


def known_of(
    member_id: int, standing: Standing | None, inventory: Inventory, *, now: datetime
) -> Known | None:
    """None when there is no such member. One statement."""
    rows = rows_of(HELD_ANYWHERE, member_id=member_id, place_id=inventory.place.id, now=now)
    if not rows:
        return None
    zone = inventory.schedule.zone
    return Known(
        standing,
        rows[0].marked_until,
        rows[0].age_band,
        rows[0].guardian_agreed_on is not None,
        tuple((row.machine_id, held_from(row, zone)) for row in rows if row.machine_id is not None),
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
        prices=None,
        held=held,
    )
    return with_person(facts, about, machine, has_read=True)
