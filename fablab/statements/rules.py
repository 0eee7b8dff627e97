"""What a statement says: its lines, what they correct of earlier ones, their sums. Pure.

All lengths are whole minutes of real time, all amounts decimals to the cent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from fablab.slots import Slot
from fablab.statements.kinds import LineKind, Scope
from fablab.tariffs.kinds import Outcome

A_MINUTE, A_DAY = timedelta(minutes=1), timedelta(days=1)
NOTHING = Decimal("0.00")
NONE: Mapping[str, int] = MappingProxyType({})
KIND_OF = {
    Outcome.USED: LineKind.USE,
    Outcome.LATE: LineKind.LATE,
    Outcome.MISSED: LineKind.MISSED,
}
TIME = "time"  # the item of a booking's own line; the others are named by what they are of


class Period(NamedTuple):
    """Days of the place's calendar, both included."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last

    def overlaps(self, other: "Period") -> bool:
        return self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        """As ISO 8601 writes an interval."""
        return f"{self.first}/{self.last}"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of one booking. Of a correction, every number is a difference."""

    booking: str
    item: str
    kind: LineKind
    starts_at: datetime
    day: date  # it began on, on the place's calendar
    machine: str  # its code
    machine_name: str
    category: str = ""
    what: str = ""  # the supply that was used up
    person: str = ""  # a reference, never a name; none in an owner's statement
    activity: str = ""
    audience: str = ""
    booked: int = 0
    real: int | None = None  # None where nobody noted who came when
    counted: int = 0  # of what is counted by the hour
    covered: Mapping[str, int] = field(default_factory=lambda: NONE)  # by the allowance's UID
    quantity: Decimal = Decimal(1)
    unit: str = ""
    unit_price: Decimal | None = None  # None: no price was known for it
    percent: int = 100
    amount: Decimal = NOTHING
    product: str = ""
    # Of an owner's statement: whether they used it themselves, and their part of the amount.
    is_own: bool | None = None
    share_percent: Decimal | None = None
    share: Decimal | None = None
    # Of a correction: the kind of line and the period that it corrects.
    of: LineKind | None = None
    corrects: Period | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.booking, self.item

    @property
    def drawn(self) -> int:
        return sum(self.covered.values())


def real_minutes(booked: Slot, arrived_at: datetime | None, left_at: datetime | None) -> int | None:
    """How long they were there, until the end where nobody said that they left."""
    if arrived_at is None:
        return None
    return max((left_at or booked.end) - arrived_at, timedelta(0)) // A_MINUTE


def in_order(lines: Iterable[Line]) -> list[Line]:
    """The corrections last; the same lines always stand in the same order."""
    return sorted(
        lines,
        key=lambda line: (
            line.kind is LineKind.CORRECTION,
            line.starts_at,
            line.booking,
            line.item != TIME,
            line.item,
        ),
    )


# Earlier statements


class Stated(NamedTuple):
    """What a closed statement of the same subject says, of those of its days that are `recent`."""

    period: Period
    lines: Sequence[Line]
    recent: Period | None = None  # none: all of them

    def holds(self, day: date) -> bool:
        return (self.recent or self.period).holds(day)


def stated_before(period: Period, closed: Iterable[Period]) -> Period | None:
    """The closed one that the period would state anew, the earliest if there are several."""
    return min((other for other in closed if other.overlaps(period)), default=None)


def left_open(days: Iterable[date], closed: Sequence[Period]) -> Period | None:
    """The month of the first of these days that no closed statement holds, as far as it may still
    be closed in one go; None where all are stated.
    """
    day = min((day for day in days if not any(each.holds(day) for each in closed)), default=None)
    if day is None:
        return None
    first = day.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - A_DAY
    return Period(
        max([first, *(each.last + A_DAY for each in closed if each.last < day)]),
        min([last, *(each.first - A_DAY for each in closed if each.first > day)]),
    )


@dataclass(frozen=True, slots=True)
class Difference:
    booked: int = 0
    real: int = 0
    counted: int = 0
    covered: Mapping[str, int] = field(default_factory=lambda: NONE)
    amount: Decimal = NOTHING
    share: Decimal = NOTHING

    def plus(self, line: Line, sign: int = 1) -> "Difference":
        covered = dict(self.covered)
        for allowance, minutes in line.covered.items():
            covered[allowance] = covered.get(allowance, 0) + sign * minutes
        return Difference(
            self.booked + sign * line.booked,
            self.real + sign * (line.real or 0),
            self.counted + sign * line.counted,
            {allowance: minutes for allowance, minutes in covered.items() if minutes},
            self.amount + sign * line.amount,
            self.share + sign * (line.share or NOTHING),
        )

    @property
    def is_none(self) -> bool:
        numbers = (self.booked, self.real, self.counted, self.amount, self.share)
        return not any(numbers) and not self.covered


def corrections(
    now: Iterable[Line], closed: Sequence[Stated], left_alone: frozenset[str] = frozenset()
) -> list[Line]:
    """The differences between what is `now` of the periods of closed statements and the sum of
    what these said of it, corrections included. What differs in nothing is no line.

    Bookings `left_alone` are those of which it can no longer be told whether they differ.
    """
    found: dict[tuple[str, str], Difference] = {}
    told: dict[tuple[str, str], tuple[Line, Period]] = {}
    for line in now:
        stating = next((stated for stated in closed if stated.holds(line.day)), None)
        if stating:
            found[line.key] = Difference().plus(line)
            told[line.key] = (line, stating.period)
    for stated in closed:
        for line in stated.lines:
            found[line.key] = found.get(line.key, Difference()).plus(line, -1)
            told.setdefault(line.key, (line, line.corrects or stated.period))
    return in_order(
        _correction(*told[key], difference)
        for key, difference in found.items()
        if not difference.is_none and key[0] not in left_alone
    )


def _correction(line: Line, period: Period, difference: Difference) -> Line:
    return replace(
        line,
        kind=LineKind.CORRECTION,
        of=line.of or line.kind,
        corrects=period,
        booked=difference.booked,
        real=difference.real,
        counted=difference.counted,
        covered=difference.covered,
        quantity=Decimal(1),
        unit="",
        unit_price=difference.amount,
        percent=100,
        amount=difference.amount,
        share=None if line.share is None else difference.share,
    )


def statement_of(
    period: Period,
    lines: Iterable[Line],
    closed: Sequence[Stated] = (),
    left_alone: frozenset[str] = frozenset(),
) -> list[Line]:
    """The lines of a period, with what they correct. `lines` are those of that period and of the
    closed ones, as things are now.
    """
    known = list(lines)
    own = [line for line in known if period.holds(line.day)]
    return in_order([*own, *corrections(known, closed, left_alone)])


# Sums


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of some lines."""

    count: int = 0
    booked: int = 0
    real: int = 0
    counted: int = 0
    covered: int = 0
    amount: Decimal = NOTHING
    share: Decimal = NOTHING

    def plus(self, line: Line) -> "Total":
        return Total(
            self.count + 1,
            self.booked + line.booked,
            self.real + (line.real or 0),
            self.counted + line.counted,
            self.covered + line.drawn,
            self.amount + line.amount,
            self.share + (line.share or NOTHING),
        )

    def stated(self, scope: Scope) -> Decimal:
        """The amount that a statement of that scope is about: of an owner's, their share."""
        return self.share if scope is Scope.OWNER else self.amount

    def __add__(self, other: "Total") -> "Total":
        return Total(
            self.count + other.count,
            self.booked + other.booked,
            self.real + other.real,
            self.counted + other.counted,
            self.covered + other.covered,
            self.amount + other.amount,
            self.share + other.share,
        )


def total(lines: Iterable[Line]) -> Total:
    whole = Total()
    for line in lines:
        whole = whole.plus(line)
    return whole


def totals(lines: Sequence[Line]) -> dict[LineKind, Total]:
    """By kind, in the order of the kinds; those that there are."""
    by_kind = {kind: [line for line in lines if line.kind is kind] for kind in LineKind}
    return {kind: total(those) for kind, those in by_kind.items() if those}


def covered_by(lines: Iterable[Line]) -> dict[str, int]:
    """The minutes each allowance covers, by its UID."""
    drawn: dict[str, int] = {}
    for line in lines:
        for allowance, minutes in line.covered.items():
            drawn[allowance] = drawn.get(allowance, 0) + minutes
    return dict(sorted(drawn.items()))


# Closing


class Refusal(StrEnum):
    """Why a period cannot be closed. The sentences are in `pages`."""

    BACKWARDS = "backwards"
    TOO_LONG = "too_long"
    NOT_OVER = "not_over"
    STATED = "stated"
    NOTHING = "nothing"
    CHANGED = "changed"  # since it was confirmed


LONGEST = timedelta(days=366)
# What began longer ago is settled: each statement is compared with so much of the past.
LOOKBACK = timedelta(days=300)


def refusal(period: Period, today: date, closed: Iterable[Period]) -> Refusal | None:
    """Why not to close it; one that is not over, or was stated, may be looked at all the same."""
    if period.last < period.first:
        return Refusal.BACKWARDS
    if period.last - period.first > LONGEST:
        return Refusal.TOO_LONG
    if stated_before(period, closed):
        return Refusal.STATED
    return Refusal.NOT_OVER if period.last >= today else None
