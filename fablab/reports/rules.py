"""From rows to figures: sums, shares and counts of people. Pure.

Lengths are whole seconds. A figure that nobody can compute (a share of nothing) is None.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import compress
from typing import Any, NamedTuple, TypeVar

from fablab.members.kinds import Audience

Key = TypeVar("Key", bound=Hashable)

MEASURES = ("bookings", "booked", "used", "late", "missed")
# Who works with the machines: what a machine paid for by a grant was paid for.
PROFESSIONALS = frozenset({Audience.PROFESSIONAL, Audience.RESIDENT, Audience.COOPERATIVE})
SEVERAL = 3  # structures on one machine, or structures behind one sum
HOUR = 3600


class Line(NamedTuple):
    """What one member did on one machine, for one audience and one structure."""

    machine_id: int
    audience: Audience | None
    organization_id: int | None
    member_id: int
    bookings: int = 0
    booked: int = 0
    used: int = 0
    late: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class MachineTold:
    id: int
    code: str
    name: str
    place_id: int
    category_id: int
    category: str
    owner_id: int | None = None
    funder: str = ""
    is_lent: bool = False  # by the day: its hours are no share of the opening hours


@dataclass(frozen=True, slots=True)
class StructureTold:
    id: int
    name: str
    kind: str
    trade: str = ""
    legal_form: str = ""
    hosted_since: date | None = None
    hosted_until: date | None = None
    slug: str = ""
    place: str = ""  # its slug

    def is_hosted(self, first: date, last: date) -> bool:
        """On one day at least from `first` to `last`, both included."""
        if self.hosted_since is None or self.hosted_since > last:
            return False
        return self.hosted_until is None or self.hosted_until >= first


class SessionTold(NamedTuple):
    """A training that was held, and who came."""

    training: str
    day: date
    seconds: int
    people: frozenset[int]


class GivenTold(NamedTuple):
    """A qualification that was given, renewed or has lapsed."""

    what: str
    member_id: int


class GivenBack(NamedTuple):
    """An owner's part of what others used their machines for, as a closed statement says it."""

    owner_id: int
    amount: Decimal


class Declared(NamedTuple):
    organization_id: int
    jobs: Decimal | None
    turnover: Decimal | None


@dataclass(frozen=True)
class Facts:
    """All that is known of one period."""

    first_day: date
    last_day: date
    lines: Sequence[Line] = ()
    ahead: Sequence[Line] = ()  # of the period, and not begun when the report was closed
    open: Mapping[int, int] = field(default_factory=dict)  # by machine, outages taken out
    sessions: Sequence[SessionTold] = ()
    given: Sequence[GivenTold] = ()
    renewed: Sequence[GivenTold] = ()
    lapsed: Sequence[GivenTold] = ()
    declared: Sequence[Declared] = ()
    given_back: Sequence[GivenBack] = ()


@dataclass(frozen=True)
class Ground:
    """What stands whatever the period: machines and structures, by id."""

    machines: Mapping[int, MachineTold]
    structures: Mapping[int, StructureTold]
    currency: str = "EUR"  # empty where places reckon in several, whose sums would mean nothing

    def hosted(self, facts: Facts) -> list[StructureTold]:
        return [
            one
            for one in self.structures.values()
            if one.is_hosted(facts.first_day, facts.last_day)
        ]

    def supported(self, facts: Facts) -> list[StructureTold]:
        """Those whose people used a machine without being hosted."""
        hosted = {one.id for one in self.hosted(facts)}
        used = {line.organization_id for line in facts.lines if line.bookings}
        return [one for one in self.structures.values() if one.id in used - hosted]


class Cell(NamedTuple):
    """A sum, and whose it is."""

    value: int = 0
    people: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some lines: a cell for each measure, and the structures they were for."""

    cells: Mapping[str, Cell]
    structures: frozenset[int]

    def __getitem__(self, measure: str) -> Cell:
        return self.cells[measure]


def summed(lines: Iterable[Line]) -> Sums:
    """Column by column: a report is of thousands of lines, each summed a dozen times."""
    some = list(lines)
    if not some:
        return Sums(dict.fromkeys(MEASURES, Cell()), frozenset())
    values = zip(*some, strict=True)
    columns: dict[str, tuple[Any, ...]] = dict(zip(Line._fields, values, strict=True))
    members = columns["member_id"]
    cells = {
        measure: Cell(sum(columns[measure]), frozenset(compress(members, columns[measure])))
        for measure in MEASURES
    }
    structures = frozenset(compress(columns["organization_id"], columns["bookings"]))
    return Sums(cells, structures - {None})


NOTHING = summed(())


def cut(lines: Iterable[Line], key: Callable[[Line], Key]) -> dict[Key, Sums]:
    """The sums of the lines of each key."""
    parts: dict[Key, list[Line]] = {}
    for line in lines:
        parts.setdefault(key(line), []).append(line)
    return {each: summed(part) for each, part in parts.items()}


def hours(seconds: int) -> Decimal:
    return rounded(Decimal(seconds) / HOUR, 1)


def rounded(number: Decimal, places: int) -> Decimal:
    """Half up, as people round; sums are rounded once, at the end."""
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def share(part: int, whole: int) -> Decimal | None:
    """In percent; more than the whole is the whole, for work at night counts as well."""
    if not whole:
        return None
    return min(rounded(100 * Decimal(part) / whole, 1), Decimal(100))


def is_professional(line: Line) -> bool:
    return line.audience in PROFESSIONALS


def occupancy(sums: Mapping[int, Sums], ground: Ground, facts: Facts) -> Decimal | None:
    """Booked hours in the hours that machines could be used; those lent by the day apart."""
    counted = [
        one for one in ground.machines.values() if not one.is_lent and facts.open.get(one.id)
    ]
    booked = sum(sums.get(one.id, NOTHING)["booked"].value for one in counted)
    return share(booked, sum(facts.open[one.id] for one in counted))


def on_funded(lines: Iterable[Line], ground: Ground) -> list[Line]:
    """What was done on the machines that somebody funded."""
    return [line for line in lines if ground.machines[line.machine_id].funder]


def on_shared(lines: Iterable[Line], ground: Ground) -> list[Line]:
    """What was done on the machines that a structure owns and shares."""
    return [line for line in lines if ground.machines[line.machine_id].owner_id is not None]


def is_owners(line: Line, ground: Ground) -> bool:
    return line.organization_id == ground.machines[line.machine_id].owner_id


def used_by_several(sums: Mapping[Any, Sums]) -> int:
    return sum(len(one.structures) >= SEVERAL for one in sums.values())


def structures_each(sums: Mapping[Any, Sums]) -> Decimal | None:
    """How many structures used a machine, on average over those that any did."""
    counts = [len(one.structures) for one in sums.values() if one.structures]
    return rounded(Decimal(sum(counts)) / len(counts), 1) if counts else None


def told_together(numbers: Iterable[Decimal | None]) -> Decimal | None:
    """A sum of what was declared; None of fewer than three, which would tell one from another."""
    known = [number for number in numbers if number is not None]
    return sum(known, Decimal(0)) if len(known) >= SEVERAL else None
