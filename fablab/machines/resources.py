"""Seats of a shared resource: who takes which, so that its capacity is never exceeded.

The count of its seats is the capacity; each claim holds one of them for a time, and the
database keeps two claims on one seat apart (see `guards`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from fablab.db import add_rows, db
from fablab.machines.inventory import ResourceFacts
from fablab.machines.models import Bounds, Claim, Resource
from fablab.machines.seating import NoSeatLeft, seats_for
from fablab.slots import Slot

CLAIMS = (
    select(Claim.seat_id, Claim.claimed_from, Claim.claimed_until, Claim.occupancy_id)
    .where(
        Claim.seat_id.in_(bindparam("seats", expanding=True)),
        Claim.claimed_from < Bounds.end,
        Claim.claimed_until > Bounds.start,
    )
    .order_by(Claim.claimed_from)
)


IN_LINE = (
    update(Resource.__table__)
    .where(Resource.id == bindparam("resource_id"))
    .values(revision=Resource.revision + 1)
)


def stand_in_line(session: Session, resources: Iterable[ResourceFacts]) -> None:
    """After the machine's line, that of each resource, in the order of their ids.

    On SQLite nobody else writes meanwhile, so that nobody is to be waited for.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return
    for resource_id in sorted({resource.id for resource in resources}):
        connection.execute(IN_LINE, {"resource_id": resource_id})


def claimed(
    resources: Sequence[ResourceFacts], span: Slot, *, leaving_out: Collection[int] = ()
) -> dict[int, list[Slot]]:
    """By seat, what is claimed in `span`, soonest first; `leaving_out` are ids of occupancies.

    No statement when there is nothing to share.
    """
    seats = [seat for resource in resources for seat in resource.seats]
    found: dict[int, list[Slot]] = {seat: [] for seat in seats}
    if not seats:
        return found
    values = {"seats": seats, "span_start": span.start, "span_end": span.end}
    for row in db.session.connection().execute(CLAIMS, values):
        if row.occupancy_id not in leaving_out:
            found[row.seat_id].append(Slot(row.claimed_from, row.claimed_until))
    return found


def claim(
    session: Session,
    occupancy_id: int,
    resources: Sequence[ResourceFacts],
    span: Slot,
    taken: Mapping[int, Sequence[Slot]],
) -> None:
    """Take a seat of each resource for `span`. One statement, none when there is nothing to share.

    Raises NoSeatLeft when a resource is full at some moment of it.
    """
    rows = [
        {
            "seat_id": seat,
            "occupancy_id": occupancy_id,
            "claimed_from": part.start,
            "claimed_until": part.end,
        }
        for resource in resources
        for seat, part in seats_for(span, {seat: taken[seat] for seat in resource.seats})
    ]
    add_rows(session, Claim, rows)


def let_go(session: Session, occupancy_id: int) -> None:
    """Give all its seats back."""
    session.execute(delete(Claim.__table__).where(Claim.occupancy_id == occupancy_id))


def shorten(session: Session, occupancy_id: int, until: datetime) -> None:
    """Keep its seats until then at most, and give back what it has later."""
    claims: Any = Claim.__table__
    own = claims.c.occupancy_id == occupancy_id
    session.execute(delete(claims).where(own, claims.c.claimed_from >= until))
    session.execute(
        update(claims).where(own, claims.c.claimed_until > until).values(claimed_until=until)
    )


def tidy(session: Session, before: datetime) -> None:
    """Forget what was claimed until then: an occupancy is its own record."""
    claims: Any = Claim.__table__
    session.execute(delete(claims).where(claims.c.claimed_until < before))


__all__ = [
    "NoSeatLeft",
    "claim",
    "claimed",
    "let_go",
    "seats_for",
    "shorten",
    "stand_in_line",
    "tidy",
]
