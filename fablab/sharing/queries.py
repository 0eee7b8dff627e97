"""What is asked of the agreements, of their people, and of what became of owners' machines."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from fablab.db import NoSuch, db
from fablab.machines.agreement_models import InsuranceWarning, OwnerOutage, SharingAgreement
from fablab.machines.kinds import MachineState, OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy
from fablab.members.kinds import TEAM
from fablab.members.models import Member, Membership, RoleHeld
from fablab.organizations.models import OrganizationMember
from fablab.organizations.queries import is_in
from fablab.sharing.rules import WARNED
from fablab.slots import Slot
from fablab.upkeep.models import Fault

READER = (Member.id, Member.uid, Member.email, Member.language)


def of_machine(machine_id: int) -> Sequence[SharingAgreement]:
    """All there ever were, with former owners too, the latest first. One statement."""
    asked = (
        select(SharingAgreement)
        .where(SharingAgreement.machine_id == machine_id)
        .options(joinedload(SharingAgreement.ranges), joinedload(SharingAgreement.owner))
        .order_by(SharingAgreement.first_day.desc(), SharingAgreement.id.desc())
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(asked).unique().all()


def find(uid: str, machine_id: int) -> SharingAgreement:
    """Raises NoSuch when the machine has none of that UID."""
    found = next((each for each in of_machine(machine_id) if each.uid == uid), None)
    if found is None:
        raise NoSuch(f"no agreement {uid}")
    return found


def readers(owner_id: int, place_id: int, day: date) -> Sequence[Any]:
    """Whom a machine's agreement concerns: who manages its owner, and the team of the place."""
    managers = select(OrganizationMember.member_id).where(
        OrganizationMember.organization_id == owner_id, OrganizationMember.is_manager, is_in(day)
    )
    team = (
        select(Membership.member_id)
        .join(RoleHeld, RoleHeld.membership_id == Membership.id)
        .where(Membership.place_id == place_id, RoleHeld.role.in_(TEAM))
    )
    return db.session.execute(
        select(*READER, Member.id.in_(managers).label("is_manager"))
        .where(Member.erased_at.is_(None), or_(Member.id.in_(managers), Member.id.in_(team)))
        .order_by(Member.id)
    ).all()


def insured(place_id: int, today: date) -> Sequence[Any]:
    """The agreements in force whose insurance ends within the longest warning; `warned` is the
    closest one given of that end. One statement.
    """
    warned = (
        select(func.min(InsuranceWarning.days))
        .where(
            InsuranceWarning.agreement_id == SharingAgreement.id,
            InsuranceWarning.insured_until == SharingAgreement.insured_until,
        )
        .correlate(SharingAgreement)
        .scalar_subquery()
    )
    return db.session.execute(
        select(
            SharingAgreement.id,
            SharingAgreement.owner_id,
            SharingAgreement.insured_until,
            warned.label("warned"),
            Machine.slug,
            Machine.code,
            Machine.name.label("machine_name"),
        )
        .join(Machine, Machine.id == SharingAgreement.machine_id)
        .where(
            Machine.place_id == place_id,
            Machine.owner_id == SharingAgreement.owner_id,
            Machine.state != MachineState.RETIRED,
            SharingAgreement.first_day <= today,
            or_(SharingAgreement.last_day.is_(None), SharingAgreement.last_day >= today),
            SharingAgreement.insured_until >= today,
            SharingAgreement.insured_until <= today + timedelta(days=max(WARNED)),
        )
        .order_by(SharingAgreement.id)
    ).all()


# -- what an owner sees: of its own machines alone, and of nobody who used them


def _owned(owner_id: int, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Machine)
        .join(Occupancy, Occupancy.machine_id == Machine.id)
        .where(Machine.owner_id == owner_id)
    )


def ahead(owner_id: int, span: Slot, now: datetime) -> Sequence[Any]:
    """The bookings of an organization's machines that begin within `span` and are not over, so that
    no statement tells them yet. One statement.
    """
    return db.session.execute(
        _owned(
            owner_id,
            Occupancy.machine_id,
            Occupancy.status,
            Occupancy.starts_at,
            Occupancy.ends_at,
        ).where(
            Occupancy.kind == OccupancyKind.BOOKING,
            Occupancy.status == Status.CONFIRMED,
            Occupancy.starts_at >= span.start,
            Occupancy.starts_at < span.end,
            Occupancy.ends_at > now,
        )
    ).all()


def faults(owner_id: int, span: Slot) -> Sequence[Any]:
    """Those reported within `span`, and those that are open still; the latest first."""
    is_of_month: ColumnElement[bool] = and_(
        Fault.reported_at >= span.start, Fault.reported_at < span.end
    )
    return db.session.execute(
        select(
            Fault.machine_id,
            Fault.what,
            Fault.state,
            Fault.said,
            Fault.reported_at,
            Fault.closed_at,
        )
        .join(Machine, Machine.id == Fault.machine_id)
        .where(Machine.owner_id == owner_id, or_(Fault.closed_at.is_(None), is_of_month))
        .order_by(Fault.reported_at.desc(), Fault.id.desc())
    ).all()


def outages(owner_id: int, now: datetime) -> Sequence[Any]:
    """What takes its machines away, now and later, and whether the owner declared it."""
    return db.session.execute(
        _owned(
            owner_id,
            Occupancy.machine_id,
            Occupancy.uid,
            Occupancy.starts_at,
            Occupancy.ends_at,
            Occupancy.title,
            OwnerOutage.outage_uid.is_not(None).label("is_theirs"),
        )
        .outerjoin(
            OwnerOutage,
            and_(OwnerOutage.outage_uid == Occupancy.uid, OwnerOutage.owner_id == owner_id),
        )
        .where(Occupancy.kind == OccupancyKind.OUTAGE, Occupancy.standing, Occupancy.ends_at > now)
        .order_by(Occupancy.starts_at, Occupancy.id)
    ).all()
