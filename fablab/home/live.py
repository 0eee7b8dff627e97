"""The version of a day's planning: it changes with what the page would show.

Asked by every planning that is open, three times a minute: counters alone answer that nothing
at all happened in the place. Only when something did is the day itself looked at.
"""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from fablab.clock import to_wall, whole_day
from fablab.db import Glance
from fablab.home import queries
from fablab.machines.inventory import Inventory, NothingSetUp
from fablab.machines.models import Machine
from fablab.places.models import Place
from fablab.slots import Slot

QUARTER = 15 * 60  # seconds: free time passes in such steps
# Every write on a machine raises its revision, every change of what is set up the place's.
COUNTERS = Glance(
    select(
        Place.id,
        Place.revision,
        select(func.coalesce(func.sum(Machine.revision), 0))
        .where(Machine.place_id == Place.id)
        .scalar_subquery()
        .label("machines"),
    )
    .order_by(Place.slug != bindparam("slug"), Place.position, Place.id)
    .limit(1)
)


class Counters(NamedTuple):
    place_id: int
    set_up: int
    machines: int

    def at(self, now: datetime) -> str:
        """What stays the same while nothing happens in the place, and for a quarter of an hour."""
        return ".".join(map(str, (*self, int(now.timestamp()) // QUARTER)))


def counters(slug: str) -> Counters:
    """Of the place of that slug, else of the first one. One statement.

    Raises NothingSetUp when there is none.
    """
    row = COUNTERS.first(slug=slug)
    if row is None:
        raise NothingSetUp("no place has been set up yet")
    return Counters(*row)


def span_shown(inventory: Inventory, day: date) -> Slot:
    """The day, and around it what may keep its first and last minutes from being free."""
    return whole_day(inventory.schedule.zone, day).widened(inventory.margin, inventory.margin)


def version_now(inventory: Inventory, day: date, now: datetime) -> str:
    """Without reading what stands there. One statement."""
    rows = queries.version_on_place(inventory.place.id, span_shown(inventory, day))
    return _written(inventory, day, now, rows)


def version_shown(
    inventory: Inventory, day: date, now: datetime, rows_of: Iterable[Iterable[Any]]
) -> str:
    """Of a page made of these rows."""
    rows = queries.version_of(chain.from_iterable(rows_of))
    return _written(inventory, day, now, rows)


def _written(inventory: Inventory, day: date, now: datetime, rows: tuple[int, ...]) -> str:
    """What is set up, what stands there, and how far the day is: free time passes."""
    wall = to_wall(inventory.schedule.zone, now)
    passed = (wall.date() - day).days
    quarter = (wall.hour * 60 + wall.minute) * 60 // QUARTER if not passed else 0
    parts = (inventory.place.id, inventory.place.revision, *rows, max(min(passed, 1), -1), quarter)
    return ".".join(map(str, parts))
