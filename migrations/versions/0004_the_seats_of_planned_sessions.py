"""Sessions planned before they took a seat of what their machines share take it now.

Revision: 0004, after 0003. Rows alone. Where a resource is full at some moment of a session, the
session stays without its seat until it is next changed, and the log says which: what is booked
there was promised to people, and is not taken back by an upgrade.
"""

import logging

import sqlalchemy as sa
from alembic import op

from fablab import clock
from fablab.db import UTCDateTime
from fablab.machines.seating import NoSeatLeft, seats_for
from fablab.slots import Slot

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

log = logging.getLogger("fablab.migrations")

OCCUPANCY = sa.table(
    "occupancy",
    sa.column("id"),
    sa.column("kind"),
    sa.column("machine_id"),
    sa.column("title"),
    sa.column("standing", sa.Boolean()),
    sa.column("occupied_from", UTCDateTime()),
    sa.column("occupied_until", UTCDateTime()),
)
NEEDS = sa.table("machine_resource", sa.column("machine_id"), sa.column("resource_id"))
RESOURCE = sa.table("resource", sa.column("id"), sa.column("name"))
SEAT = sa.table("seat", sa.column("id"), sa.column("resource_id"), sa.column("number"))
CLAIM = sa.table(
    "claim",
    sa.column("seat_id"),
    sa.column("occupancy_id"),
    sa.column("claimed_from", UTCDateTime()),
    sa.column("claimed_until", UTCDateTime()),
)


def upgrade() -> None:
    for row in without_a_seat():
        taken = claims_on(row.resource_id)
        span = Slot(row.occupied_from, row.occupied_until)
        try:
            parts = seats_for(span, taken)
        except NoSeatLeft:
            log.warning(
                "%s is full at some moment of the session %r from %s on: it has no seat there",
                row.name,
                row.title,
                row.occupied_from,
            )
            continue
        for seat_id, part in parts:
            op.get_bind().execute(
                sa.insert(CLAIM).values(
                    seat_id=seat_id,
                    occupancy_id=row.id,
                    claimed_from=part.start,
                    claimed_until=part.end,
                )
            )


def downgrade() -> None:
    """The seats stay: they are as good before."""


def without_a_seat() -> list[sa.Row]:
    """What sessions to come occupy, with each resource it needs and has no seat of."""
    has_one = sa.exists().where(
        CLAIM.c.occupancy_id == OCCUPANCY.c.id,
        CLAIM.c.seat_id == SEAT.c.id,
        SEAT.c.resource_id == NEEDS.c.resource_id,
    )
    asked = (
        sa.select(OCCUPANCY, NEEDS.c.resource_id, RESOURCE.c.name)
        .join_from(OCCUPANCY, NEEDS, NEEDS.c.machine_id == OCCUPANCY.c.machine_id)
        .join(RESOURCE, RESOURCE.c.id == NEEDS.c.resource_id)
        .where(
            OCCUPANCY.c.kind == "session",
            OCCUPANCY.c.standing,
            OCCUPANCY.c.occupied_until > clock.now(),
            ~has_one,
        )
        .order_by(OCCUPANCY.c.occupied_from, OCCUPANCY.c.id, NEEDS.c.resource_id)
    )
    return list(op.get_bind().execute(asked).all())


def claims_on(resource_id: int) -> dict[int, list[Slot]]:
    """By seat, in the order of their numbers, when it is taken."""
    asked = (
        sa.select(SEAT.c.id, CLAIM.c.claimed_from, CLAIM.c.claimed_until)
        .select_from(SEAT.outerjoin(CLAIM, CLAIM.c.seat_id == SEAT.c.id))
        .where(SEAT.c.resource_id == resource_id)
        .order_by(SEAT.c.number)
    )
    taken: dict[int, list[Slot]] = {}
    for row in op.get_bind().execute(asked):
        spans = taken.setdefault(row.id, [])
        if row.claimed_from is not None:
            spans.append(Slot(row.claimed_from, row.claimed_until))
    return taken
