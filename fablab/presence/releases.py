"""What nobody came to is released, where the house rules say after how long."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, exists

from fablab.booking.absences import mark_missed
from fablab.booking.facts import audience_of, standing_of
from fablab.booking.presence_rules import is_given_up
from fablab.db import NotAllowed, UTCDateTime, db
from fablab.machines.inventory import of_place
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Bounds, Change, Machine, Occupancy, standing_around
from fablab.places.models import Place
from fablab.slots import Slot

# Under way with nobody there, where there is such a rule and since it is as it is; asked at every
# round of the background work, hence built once. What was given back once waits for people alone.
EXPECTED = (
    standing_around(Bounds())
    .with_only_columns(
        Occupancy.uid,
        Occupancy.machine_id,
        Occupancy.member_id,
        Occupancy.starts_at,
        Occupancy.ends_at,
        Machine.place_id,
    )
    .join(Place, Place.id == Machine.place_id)
    .where(
        Place.releases_since.is_not(None),
        Occupancy.starts_at >= Place.releases_since,
        Occupancy.kind == OccupancyKind.BOOKING,
        Occupancy.status == Status.CONFIRMED,
        Occupancy.arrived_at.is_(None),
        Occupancy.starts_at <= bindparam("now", type_=UTCDateTime()),
        Occupancy.ends_at > bindparam("now", type_=UTCDateTime()),
        ~exists().where(Change.occupancy_id == Occupancy.id, Change.what == "undone"),
    )
)


def release(now: datetime, *, watched_since: datetime) -> int:
    """Free every machine whose booking nobody came to for too long; how many.

    `watched_since`: before that, nobody could say that they were here. One statement when there
    is nothing. Raises Busy.
    """
    values = {"now": now, "span_start": now, "span_end": now + timedelta(seconds=1)}
    expected = db.session.execute(EXPECTED, values).all()
    due = [row for row in expected if is_due(row, now, watched_since)]
    db.session.rollback()
    return sum(_release(row, now) for row in due)


def _release(row: Any, now: datetime) -> bool:
    """False when they have just arrived, or somebody has ended it."""
    with suppress(NotAllowed):
        mark_missed(row.uid, row.place_id, by=None, now=now)
        return True
    return False


def is_due(row: Any, now: datetime, watched_since: datetime) -> bool:
    """Where nobody may use the machine just now, nobody is absent either."""
    machine = of_place(place_id=row.place_id).by_id.get(row.machine_id)
    if machine is None or not machine.is_in_service:
        return False
    slot = Slot(row.starts_at, row.ends_at)
    delays = {policy.release_after for policy in machine.policies.values()}
    if not any(is_given_up(slot, d, now=now, watched_since=watched_since) for d in delays):
        return False
    audience = audience_of(standing_of(row.member_id, row.place_id))
    after = machine.policy_for(audience).release_after
    return is_given_up(slot, after, now=now, watched_since=watched_since)
