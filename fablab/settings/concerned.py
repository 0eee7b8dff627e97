"""The bookings that other hours would leave outside of them, and what is done about it.

Hours change in one go with that: nothing is changed before whoever changes them has seen the
bookings, and only those that they saw are cancelled.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, select
from sqlalchemy.orm import Session

from fablab.booking import waits
from fablab.db import UTCDateTime, db, writing
from fablab.machines import resources
from fablab.machines.commands import stand_in_line
from fablab.machines.inventory import Inventory, of_place
from fablab.machines.kinds import MachineState, OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy
from fablab.machines.policies import BookingPolicy
from fablab.members.kinds import TEAM, Audience
from fablab.members.models import Membership, RoleHeld
from fablab.places.rules import Schedule
from fablab.settings.commands import held
from fablab.slots import Slot
from fablab.upkeep import news
from fablab.upkeep.news import MOVED, REOPENED, SHUT


@dataclass(frozen=True, slots=True)
class Choice:
    """What was seen of the bookings concerned, and which of them go, for which reason."""

    seen: str = ""
    cancelled: frozenset[str] = frozenset()  # UIDs
    why: str = ""
    cancels_all: bool = False

    def cancels(self, uid: str) -> bool:
        return self.cancels_all or uid in self.cancelled


class Concerns(Exception):
    """Bookings would be outside of the hours, and were not shown as they stand. Nothing changed."""

    def __init__(self, bookings: Sequence[Row[Any]]) -> None:
        super().__init__(bookings)
        self.bookings = bookings


Change = Callable[[Schedule], Schedule]


@contextmanager
def changing(
    place_id: int, change: Change, choice: Choice, *, by: int, now: datetime
) -> Iterator[Session]:
    """A write in which the place's hours become what `change` makes of them, as the caller writes
    it; in the line of every machine, so that no booking comes in between.

    Raises Concerns before anything is written. What is cancelled is cancelled as the team does,
    and what it leaves is offered once the new hours stand. Who keeps a booking is told that it is
    outside, and who was told so, that it no longer is.
    """
    with writing() as session:
        inventory = stand_in_every_line(session, place_id)
        found = concerned(inventory, change(inventory.schedule), now)
        if found and choice.seen != fingerprint(found):
            raise Concerns(found)
        yield session
        session.flush()
        tell(session, inventory, found, choice, by=by, now=now)
        freed = [row for row in found if choice.cancels(row.uid) and is_booking(row)]
        for row in freed:
            waits.give_back(
                session,
                row,
                Status.CANCELLED,
                "cancelled",
                by=by,
                now=now,
                after={"why": choice.why},
                is_offered=False,
            )
        for row in freed:
            waits.offer(session, row, now=now)


def tell(
    session: Session,
    before: Inventory,
    found: Sequence[Row[Any]],
    choice: Choice,
    *,
    by: int,
    now: datetime,
) -> None:
    """Now that the new hours stand."""
    after = of_place(place_id=before.place.id)
    outside = [row for row in found if is_booking(row) and not choice.cancels(row.uid)]
    inside = [row for row in concerned(after, before.schedule, now) if is_booking(row)]
    ids = [row.id for row in (*outside, *inside)]
    last = news.last_words(session, ids, SHUT, REOPENED, MOVED) if ids else {}
    unaware = [row for row in outside if last.get(row.id) != SHUT]
    news.say(session, unaware, SHUT, choice.why, by=by, now=now)
    back = [row for row in inside if last.get(row.id) == SHUT]
    news.say(session, back, REOPENED, by=by, now=now)


def stand_in_every_line(session: Session, place_id: int) -> Inventory:
    """Of the machines, of all that they share, then of the place itself: in the order of every
    other write.
    """
    inventory = of_place(place_id=place_id)
    stand_in_line(session, *inventory.by_id)
    shared = {each for machine in inventory.machines for each in machine.resources}
    resources.stand_in_line(session, shared)
    held(session, place_id)
    return of_place(place_id=place_id)


def concerned(inventory: Inventory, asked: Schedule, now: datetime) -> list[Row[Any]]:
    """The bookings and sessions to come that lie within the hours of `inventory` and would not
    within those `asked`, soonest first. One statement.
    """
    found = []
    for row in db.session.execute(TO_COME, {"place_id": inventory.place.id, "now": now}):
        machine = inventory.by_id.get(row.machine_id)
        if machine is None:
            continue
        policy = machine.policy_for(Audience.STAFF if row.is_of_team else row.audience)
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
    return not schedule.closed_time(slot, policy.modes)


def fingerprint(bookings: Iterable[Row[Any]]) -> str:
    """Changes with any of them, so that nobody cancels what they have not seen."""
    told = sorted(f"{row.uid}.{row.revision}" for row in bookings)
    return hashlib.sha256(" ".join(told).encode()).hexdigest()[:20] if told else ""


def is_booking(row: Row[Any]) -> bool:
    return row.kind == OccupancyKind.BOOKING


TO_COME = (
    select(
        Occupancy.__table__,
        Membership.audience,
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
