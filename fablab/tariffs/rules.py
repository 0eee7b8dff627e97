"""What a use is worth, to the cent; what packs and allowances cover of it. Pure.

The rounding, in one place: lengths are rounded up to the tariff's step, once; an amount is
rounded to the cent, halves away from zero, once for each line. A total is the sum of its lines,
so that whoever adds them up finds it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from fablab.slots import Slot
from fablab.tariffs.kinds import Outcome, Unit

NOTHING, CENT, A_MINUTE = timedelta(0), Decimal("0.01"), timedelta(minutes=1)
AN_HOUR, TIME_TO_NOTE = timedelta(hours=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rate:
    """A price, and how time is counted for it."""

    price: Decimal
    unit: Unit = Unit.HOUR
    step: timedelta = A_MINUTE  # a step that has begun counts
    minimum: timedelta = NOTHING
    included: timedelta = NOTHING  # at the start, for nothing


def rounded(amount: Decimal) -> Decimal:
    """To the cent, halves away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def charged_time(rate: Rate, length: timedelta) -> timedelta:
    """How much of a use of `length` is counted by the hour.

    What is included is taken off first. Of the rest, if there is any, the minimum at least, and
    every step that has begun.
    """
    rest = length - rate.included
    if rest <= NOTHING:
        return NOTHING
    return rounded_up(max(rest, rate.minimum), rate.step)


def rounded_up(length: timedelta, step: timedelta) -> timedelta:
    return -(-length // step) * step


def amount_of(
    rate: Rate,
    length: timedelta,
    *,
    days: int = 1,
    covered: timedelta = NOTHING,
    percent: int = 100,
) -> Decimal:
    """What a use of `length`, on so many `days`, is worth; `covered` of it by an allowance.

    `percent` of it counts, and is taken before what is covered: of two hours cancelled late that
    count for half, an allowance covers one. Only what is counted by the hour can be covered.
    Raises ValueError when more is covered than `coverable`.
    """
    share = Decimal(percent) / 100
    if rate.unit is Unit.FLAT:
        return rounded(rate.price * share)
    if rate.unit is Unit.DAY:
        return rounded(rate.price * days * share)
    if covered > coverable(rate, length, percent=percent):
        raise ValueError("more is covered than is counted")
    counted = Decimal(charged_time(rate, length) // A_MINUTE) * share
    left = max(counted - covered // A_MINUTE, Decimal(0))
    return rounded(rate.price * left / (AN_HOUR // A_MINUTE))


def coverable(rate: Rate, length: timedelta, *, percent: int = 100) -> timedelta:
    """How much of a use an allowance may cover: whole minutes, one that has begun counts."""
    if rate.unit is not Unit.HOUR:
        return NOTHING
    minutes = charged_time(rate, length) // A_MINUTE
    return -(-minutes * percent // 100) * A_MINUTE


def share_of(amount: Decimal, percent: Decimal | int) -> Decimal:
    return rounded(amount * percent / 100)


def counted_percent(outcome: Outcome, *, late: int, missed: int) -> int:
    """How much of its amount a booking counts for, as the place says; a use counts whole."""
    return {Outcome.USED: 100, Outcome.LATE: late, Outcome.MISSED: missed}[outcome]


def counted_slot(
    booked: Slot, arrived_at: datetime | None, left_at: datetime | None, *, by_real_use: bool
) -> Slot:
    """The time an amount is made of: what was booked, or the real use where both ends are known."""
    is_known = arrived_at is not None and left_at is not None and arrived_at < left_at
    if by_real_use and is_known and arrived_at and left_at:
        return Slot(arrived_at, left_at)
    return booked


def may_note(starts_at: datetime, ends_at: datetime, now: datetime, *, is_team: bool) -> bool:
    """Whether what was used up may be said: once it began; by whoever booked for a week after."""
    return starts_at <= now and (is_team or now < ends_at + TIME_TO_NOTE)


@dataclass(frozen=True, slots=True)
class Grant:
    """Minutes that somebody may use, from one day to another included.

    A monthly one gives them anew each month of the calendar, and what is left is gone with it.
    """

    key: int
    minutes: int
    first_day: date
    last_day: date | None = None
    categories: frozenset[str] = frozenset()  # slugs; none named: all of them
    is_monthly: bool = False
    is_shared: bool = True  # by all of an organization; else each of its people has so much

    def covers(self, need: "Need") -> bool:
        """Is it for that day and that category?"""
        is_then = self.first_day <= need.day and (
            self.last_day is None or need.day <= self.last_day
        )
        return is_then and (not self.categories or need.category in self.categories)

    def portion_for(self, need: "Need") -> str:
        """Which of its portions it draws from: a month's, a person's, or the one there is."""
        month = f"{need.day:%Y-%m}" if self.is_monthly else ""
        return f"{month} {'' if self.is_shared else need.who}".strip()


@dataclass(frozen=True, slots=True)
class Need:
    """A use that an allowance may cover: when, of which category, how many counted minutes."""

    key: str
    starts_at: datetime
    day: date  # it starts on, on the place's calendar
    category: str
    minutes: int
    who: str = ""  # whoever used it


@dataclass(frozen=True, slots=True)
class Draw:
    """So many minutes of a use are covered by a grant."""

    grant: int
    portion: str
    minutes: int


def allot(needs: Iterable[Need], grants: Sequence[Grant]) -> dict[str, list[Draw]]:
    """What each use draws from the grants: the earliest use first, from the grant that ends first.

    The same uses and grants give the same draws, whatever their order.
    """
    in_turn = sorted(grants, key=lambda grant: (grant.last_day or date.max, grant.key))
    spent: dict[tuple[int, str], int] = {}
    draws: dict[str, list[Draw]] = {}
    for need in sorted(needs, key=lambda need: (need.starts_at, need.key)):
        wanted = need.minutes
        for grant in (grant for grant in in_turn if grant.covers(need)):
            purse = (grant.key, grant.portion_for(need))
            drawn = min(wanted, max(grant.minutes - spent.get(purse, 0), 0))
            if drawn:
                spent[purse] = spent.get(purse, 0) + drawn
                draws.setdefault(need.key, []).append(Draw(grant.key, purse[1], drawn))
                wanted -= drawn
    return draws
