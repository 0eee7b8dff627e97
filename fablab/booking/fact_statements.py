"""The statements that the facts of a booking are read with.

Sent with every booking, hence built once: to build one cost more than to send it.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    CompoundSelect,
    Date,
    Integer,
    String,
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
    type_coerce,
    union_all,
)

from fablab.booking.models import Acknowledgement
from fablab.db import UTCDateTime
from fablab.machines.kinds import Status
from fablab.machines.models import Bounds, Claim, Machine, Occupancy, standing_around
from fablab.members.kinds import TEAM
from fablab.members.models import Member, Membership, RoleHeld
from fablab.organizations.models import Organization, OrganizationMember
from fablab.trainings.kinds import SessionState
from fablab.trainings.models import Qualification, Training, TrainingGrant, TrainingSession
from fablab.trainings.use import LAST_USED

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
        type_coerce(Machine.risk_class, String).label("risk_class"),
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
        type_coerce(Occupancy.kind, String).label("kind"),  # as the word it is
        Occupancy.occupied_from,
        Occupancy.occupied_until,
        Occupancy.title,
        Occupancy.uid,
        Occupancy.member_id,
        type_coerce(Occupancy.status, String).label("status"),
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
