"""What stands in the way of a booking that stays, or no longer does: said to its member by a line
of its record, like all that is told by mail, and to nobody twice.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from fablab.machines.commands import record
from fablab.machines.models import Change, Occupancy
from fablab.members.models import calendar_changed

MOVED = "moved"
WARNED, RELIEVED = "warned", "relieved"  # its machine is away, is back
UNSHARED, SHARED = "unshared", "shared"  # its owner shares it no longer then, does after all
SHUT, REOPENED = "shut", "reopened"  # the place is closed then, is open after all


def say(
    session: Session, rows: Iterable[Any], what: str, why: str = "", *, by: int, now: datetime
) -> None:
    """Have the members of these bookings told by mail, and their calendars fetch the event anew."""
    table = Occupancy.__table__
    for row in rows:
        session.execute(
            update(table)
            .where(table.c.id == row.id)
            .values(revision=table.c.revision + 1, changed_at=now)
        )
        calendar_changed(session, row.member_id)
        record(session, row.id, what, by=by, now=now, after={"why": why} if why else None)


def last_words(session: Session, ids: Select[Any] | Collection[int], *whats: str) -> dict[int, str]:
    """Of each of these bookings the last of `whats` that was said, where one was."""
    asked = (
        select(Change.occupancy_id, Change.what)
        .where(Change.occupancy_id.in_(ids), Change.what.in_(whats))
        .order_by(Change.id)
    )
    return {row.occupancy_id: row.what for row in session.execute(asked)}
