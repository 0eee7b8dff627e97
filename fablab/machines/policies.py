"""Which booking rules hold for whom: the rows of `policy`, laid over one another. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Protocol

from fablab.members.kinds import Audience
from fablab.places.kinds import Mode


@dataclass(frozen=True, slots=True)
class BookingPolicy:
    """The rules of one machine for one audience, every value decided.

    The defaults hold where nobody said anything: the least a workshop needs to be usable.
    """

    step: timedelta = timedelta(minutes=15)
    minimum: timedelta = timedelta(minutes=30)
    maximum: timedelta = timedelta(hours=4)
    notice: timedelta = timedelta(0)
    horizon_days: int = 21
    setup: timedelta = timedelta(0)
    cleanup: timedelta = timedelta(0)
    level: int = 0
    modes: frozenset[Mode] = frozenset({Mode.SUPERVISED, Mode.RESIDENT})
    is_open: bool = True


class PolicyRow(Protocol):
    """A row of `policy`: a value or None in each column of BookingPolicy."""

    category_id: int | None
    machine_id: int | None
    audience: Audience | None


NAMES = tuple(field.name for field in fields(BookingPolicy))


def resolve(rows: Iterable[PolicyRow], audience: Audience | None) -> BookingPolicy:
    """Lay `rows` over the defaults: place, then category, then machine, each for all first.

    Rows of another audience are left out; `audience` None (a visitor) hears what is said to all.
    """
    heard = [row for row in rows if row.audience in (None, audience)]
    heard.sort(key=lambda row: (_nearness(row), row.audience is not None))
    said = {
        name: value for row in heard for name in NAMES if (value := getattr(row, name)) is not None
    }
    if "modes" in said:
        said["modes"] = frozenset(Mode(mode) for mode in said["modes"])
    return BookingPolicy(**said)


def _nearness(row: PolicyRow) -> int:
    """0 for the place's own rows, 1 for a category's, 2 for a machine's."""
    if row.machine_id is not None:
        return 2
    return 0 if row.category_id is None else 1
