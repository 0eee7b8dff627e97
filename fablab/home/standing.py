"""What stands on the machines of a day, on its wall clock; kept for the next reader."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from fablab.home import recent
from fablab.home.planning import Kind, Range, Scale, State, Taken, hours_shown
from fablab.machines.inventory import Inventory
from fablab.places.kinds import Mode
from fablab.slots import Slot

KEPT = 20  # minutes and kinds of readers


@dataclass(eq=False)
class Standing:
    """By machine what occupies it and to what nobody came, and the hours a planning shows."""

    taken: Mapping[int, list[Taken]]
    absent: Mapping[int, list[Taken]]
    hours: Range
    _states: dict[Hashable, dict[int, State]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        scale: Scale,
        rows_of: Mapping[int, Sequence[Any]],
        viewer_id: int | None,
        openings: Iterable[tuple[Slot, Mode]],
    ) -> "Standing":
        taken: dict[int, list[Taken]] = {}
        absent: dict[int, list[Taken]] = {}
        for machine_id, rows in rows_of.items():
            placed = [scale.placed(row, viewer_id) for row in rows]
            taken[machine_id] = [one for one in placed if one.kind is not Kind.ABSENT]
            if len(taken[machine_id]) < len(placed):
                absent[machine_id] = [one for one in placed if one.kind is Kind.ABSENT]
        hours = hours_shown(scale, openings, chain.from_iterable(taken.values()))
        return cls(taken, absent, hours)

    def states_at(self, moment: Hashable, make: Callable[[], dict[int, State]]) -> dict[int, State]:
        """How the machines stand at `moment`, as `make` gives it; the last few are kept."""
        if moment not in self._states:
            if len(self._states) >= KEPT:
                self._states.clear()
            self._states[moment] = make()
        return self._states[moment]


def kept(
    inventory: Inventory,
    scale: Scale,
    rows_of: Mapping[int, Sequence[Any]],
    viewer_id: int | None,
    openings: Iterable[tuple[Slot, Mode]],
) -> Standing:
    """As `Standing.of`, made once for all who see the same rows and have none of them, and once
    for each of the others.
    """
    rows = tuple(map(tuple, chain.from_iterable(rows_of.values())))
    has_own = any(row.member_id == viewer_id for row in chain.from_iterable(rows_of.values()))
    key = ("standing", scale.day, viewer_id if has_own else None, rows)
    return recent.kept(inventory, key, lambda: Standing.of(scale, rows_of, viewer_id, openings))
