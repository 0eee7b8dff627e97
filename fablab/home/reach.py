"""What the reader may book in the place as of today, and what keeps them from the rest."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from fablab import texts
from fablab.booking.obstacles import Known, known_of, obstacles
from fablab.clock import today
from fablab.home import recent
from fablab.machines.inventory import Inventory


class Reach(NamedTuple):
    """One reader in one place, asked once; what is made of it is kept for all who hold the same."""

    inventory: Inventory
    known: Known | None  # None for a visitor
    now: datetime  # to the minute

    @property
    def usable(self) -> frozenset[int] | None:
        """The machines, by id, that nothing of the reader's stands in the way of today; None for
        a visitor, of whom nothing is known.
        """
        if self.known is None:
            return None
        barred = self.barred(today(self.inventory.schedule.zone, self.now))
        return frozenset(self.inventory.by_id).difference(barred)

    @property
    def owns(self) -> frozenset[int]:
        """The organizations of the reader's that own machines here, by id."""
        return self.known.owns if self.known else frozenset()

    def barred(self, day: date) -> Mapping[int, str]:
        """Why the reader can book nothing of each machine that day, by the machines' ids."""
        known, zone = self.known, self.inventory.schedule.zone
        if known is None or day < today(zone, self.now):
            return MappingProxyType({})
        return recent.kept(
            self.inventory,
            ("barred", known, day, self.now, texts.language()),
            lambda: {
                machine_id: texts.filled(refusal.sentence, refusal.values, zone)
                for machine_id, refusal in obstacles(
                    known, self.inventory, day, now=self.now
                ).items()
            },
        )


def reach_of(person: Any, inventory: Inventory, now: datetime) -> Reach:
    """What `person` (the request's, signed in or not) may book there. One statement, or none."""
    now = now.replace(second=0, microsecond=0)
    if person.id is None:
        return Reach(inventory, None, now)
    standing = person.standings.get(inventory.place.id)
    return Reach(inventory, known_of(person.id, standing, inventory, now=now), now)
