"""The version of a planning, of a day or of a week: it changes with what the page would show.

Asked by every planning that is open, three times a minute: counters alone answer that nothing
at all happened in the place. Only when something did are the days themselves looked at.
"""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from fablab.clock import to_wall, whole_days
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


def span_shown(inventory: Inventory, first: date, last: date | None = None) -> Slot:
    """The days, and around them what may keep their first and last minutes from being free."""
    days = whole_days(inventory.schedule.zone, first, last or first)
    return days.widened(inventory.margin, inventory.margin)


def version_now(inventory: Inventory, first: date, last: date, now: datetime) -> str:
    """Without reading what stands there. One statement."""
    span = span_shown(inventory, first, last)
    return _written(inventory, first, last, now, queries.version_on_place(inventory.place.id, span))


def version_shown(
    inventory: Inventory,
    first: date,
    last: date,
    now: datetime,
    rows_of: Iterable[Iterable[Any]],
) -> str:
    """Of a page made of these rows."""
    rows = queries.version_of(chain.from_iterable(rows_of))
    return _written(inventory, first, last, now, rows)


def _written(
    inventory: Inventory, first: date, last: date, now: datetime, rows: tuple[int, ...]
) -> str:
    """What is set up, what stands there, and how far the days are: free time passes."""
    wall = to_wall(inventory.schedule.zone, now)
    when = (wall.date() > last) - (wall.date() < first)
    quarter = 0
    # Hours that are kept for an owner come free on days ahead, too.
    if not when or any(machine.agreements for machine in inventory.machines):
        minutes = (wall.date() - first).days * 24 * 60 + wall.hour * 60 + wall.minute
        quarter = minutes * 60 // QUARTER
    parts = (inventory.place.id, inventory.place.revision, *rows, when, quarter)
    return ".".join(map(str, parts))
