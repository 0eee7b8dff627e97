"""The bookings that other hours leave outside of them, and what their members are told."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, select
from sqlalchemy.orm import Session

from fablab.db import UTCDateTime, db
from fablab.machines.inventory import Inventory, of_place
from fablab.machines.kinds import MachineState, OccupancyKind
from fablab.machines.models import Machine, Occupancy
from fablab.machines.policies import BookingPolicy
from fablab.members.kinds import TEAM, Audience
from fablab.members.models import Membership, RoleHeld
from fablab.places.rules import Schedule
from fablab.slots import Slot
from fablab.upkeep import news
from fablab.upkeep.news import MOVED, REOPENED, SHUT


def tell(
    session: Session,
    before: Inventory,
    why: str = "",
    *,
    going: Collection[str] = (),
    by: int,
    now: datetime,
) -> None:
    """Now that the new hours stand: whoever keeps a booking outside of them hears so, and who was
    told so, that it no longer is. Of those that are `going`, by UID, nothing is said.
    """
    after = of_place(place_id=before.place.id)
    if after.schedule == before.schedule:
        return
    found = (row for row in concerned(before, after.schedule, now) if row.uid not in going)
    outside = [row for row in found if is_booking(row)]
    inside = [row for row in concerned(after, before.schedule, now) if is_booking(row)]
    ids = [row.id for row in (*outside, *inside)]
    last = news.last_words(session, ids, SHUT, REOPENED, MOVED) if ids else {}
    unaware = [row for row in outside if last.get(row.id) != SHUT]
    news.say(session, unaware, SHUT, why, by=by, now=now)
    back = [row for row in inside if last.get(row.id) == SHUT]
    news.say(session, back, REOPENED, by=by, now=now)


def concerned(inventory: Inventory, asked: Schedule, now: datetime) -> list[Row[Any]]:
    """The bookings and sessions to come that lie within the hours of `inventory` and would not
    within those `asked`, soonest first. One statement.
    """
    found = []
    for row in db.session.execute(TO_COME, {"place_id": inventory.place.id, "now": now}):
        machine = inventory.by_id.get(row.machine_id)
        if machine is None:
            continue
        policy = machine.policy_for(Audience.STAFF if row.is_of_team else row.their_audience)
        slot = Slot(row.starts_at, row.ends_at)
        if is_open(inventory.schedule, slot, policy) and not is_open(asked, slot, policy):
            found.append(row)
    return found


def is_open(schedule: Schedule, slot: Slot, policy: BookingPolicy) -> bool:
    """As the booking rules have it: of what is lent by the day, the first day and the last."""
    if policy.whole_days:
        return all(
            schedule.open_time(day, day, policy.modes) for day in set(schedule.days_of(slot))
        )
    return schedule.is_open(slot, policy.modes)


def is_booking(row: Row[Any]) -> bool:
    return row.kind == OccupancyKind.BOOKING


TO_COME = (
    select(
        Occupancy.__table__,
        Membership.audience.label("their_audience"),  # today's, not the one whose prices hold
        exists()
        .where(RoleHeld.membership_id == Membership.id, RoleHeld.role.in_(TEAM))
        .label("is_of_team"),
    )
    .join(Machine, Machine.id == Occupancy.machine_id)
    .outerjoin(
        Membership,
        (Membership.member_id == Occupancy.member_id) & (Membership.place_id == Machine.place_id),
    )
    .where(
        Machine.place_id == bindparam("place_id"),
        Machine.state != MachineState.RETIRED,
        Occupancy.kind.in_((OccupancyKind.BOOKING, OccupancyKind.SESSION)),
        Occupancy.standing,
        Occupancy.starts_at > bindparam("now", type_=UTCDateTime()),
    )
    .order_by(Occupancy.starts_at, Occupancy.id)
)
