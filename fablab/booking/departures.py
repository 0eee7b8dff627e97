"""Bookings that end with what they were made for: somebody leaves an organization, or the place."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from fablab.booking import ledger, queries, waits
from fablab.db import db, retried, writing
from fablab.machines.commands import stand_in_line
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy


def on_behalf(organization_id: int, member_id: int, after: datetime) -> Sequence[Row[Any]]:
    """Their standing bookings on its behalf that begin after that, soonest first."""
    return db.session.execute(
        queries.bookings()
        .where(
            Occupancy.organization_id == organization_id,
            Occupancy.member_id == member_id,
            Occupancy.standing,
            Occupancy.starts_at >= after,
        )
        .order_by(Occupancy.starts_at, Occupancy.id)
    ).all()


@retried
def cancel(uids: Collection[str], *, by: int, now: datetime, why: str) -> int:
    """Cancel those of the bookings that stand and have not begun, all or none; how many.

    Whoever may do so was asked before. None leaves a mark: it is not their member who cancels.
    """
    with writing() as session:
        return strike_out_all(session, uids, by=by, now=now, why=why)


def strike_out_all(
    session: Session, uids: Collection[str], *, by: int | None, now: datetime, why: str
) -> int:
    """The same, in a write that is under way and in the line of no machine yet."""
    machines = {row.machine_id for row in map(ledger.find, uids)}
    stand_in_line(session, *machines)
    rows = [ledger.find_in_line(session, uid, *machines) for uid in sorted(uids)]
    ahead = [row for row in rows if row.standing and row.starts_at > now]
    after = {"why": why} if why else None
    for row in ahead:
        waits.give_back(session, row, Status.CANCELLED, "cancelled", by=by, now=now, after=after)
    return len(ahead)
