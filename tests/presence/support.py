"""A Tuesday on which somebody has booked the workbench, and what became of it."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from fablab import clock
from fablab.db import db
from fablab.machines.models import Change, Occupancy
from fablab.machines.policy_commands import Scope, set_policy
from fablab.presence import commands
from tests.conftest import Fablab
from tests.support import slot

AFTERNOON = slot("2027-03-30 14:00-16:00")
HALF_AN_HOUR = timedelta(minutes=30)


def booked(fablab: Fablab, who: str = "bruno", hours: str = "14:00-16:00", **more: Any) -> str:
    return fablab.book(more.pop("slug", "bench"), slot(f"2027-03-30 {hours}"), who, **more)


def row(uid: str) -> Any:
    """As it stands in the database now."""
    db.session.rollback()
    return db.session.execute(select(Occupancy.__table__).where(Occupancy.uid == uid)).one()


def record(uid: str) -> list[tuple[str, int | None]]:
    """What happened to it, and by whom, the oldest first."""
    asked = select(Change.what, Change.made_by_id).where(Change.occupancy_id == row(uid).id)
    return [tuple(each) for each in db.session.execute(asked.order_by(Change.id))]


def arrive(fablab: Fablab, uid: str, who: str | None = "bruno") -> bool:
    by = fablab.people[who] if who else None
    now, is_team = clock.now(), who == "amina"
    return commands.arrive(uid, fablab.place_id, by=by, is_team=is_team, now=now)


def leave(fablab: Fablab, uid: str, who: str = "bruno") -> bool:
    by, now = fablab.people[who], clock.now()
    return commands.leave(uid, fablab.place_id, by=by, is_team=who == "amina", now=now)


def undo(fablab: Fablab, uid: str, who: str = "amina") -> bool:
    return commands.undo(uid, fablab.place_id, by=fablab.people[who], now=clock.now())


def say(fablab: Fablab, after: timedelta = HALF_AN_HOUR) -> None:
    """How long a slot that nobody came to is kept in the place."""
    place = Scope(fablab.place_id)
    said = {"step": timedelta(minutes=15), "horizon_days": 21, "release_after": after}
    set_policy(place, said, by=fablab.people["amina"], now=clock.now())
