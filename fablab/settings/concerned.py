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

from sqlalchemy import Row
from sqlalchemy.orm import Session

from fablab.booking import waits
from fablab.db import writing
from fablab.machines import resources
from fablab.machines.commands import stand_in_line
from fablab.machines.inventory import Inventory, of_place
from fablab.machines.kinds import Status
from fablab.places.rules import Schedule
from fablab.settings.commands import held
from fablab.upkeep import outside
from fablab.upkeep.outside import concerned, is_booking


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
        freed = [row for row in found if choice.cancels(row.uid) and is_booking(row)]
        going = {row.uid for row in freed}
        outside.tell(session, inventory, choice.why, going=going, by=by, now=now)
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


def fingerprint(bookings: Iterable[Row[Any]]) -> str:
    """Changes with any of them, so that nobody cancels what they have not seen."""
    told = sorted(f"{row.uid}.{row.revision}" for row in bookings)
    return hashlib.sha256(" ".join(told).encode()).hexdigest()[:20] if told else ""
