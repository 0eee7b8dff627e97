"""A place's prices as plain values: whose holds on which day, and what a slot is worth. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from fablab.clock import today
from fablab.members.kinds import Audience
from fablab.places.kinds import Charged
from fablab.slots import Slot
from fablab.tariffs.rules import Rate, amount_of

A_MOMENT, A_DAY = timedelta(microseconds=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """How the place counts, and what it says beside the amounts."""

    zone: tzinfo
    currency: str = "EUR"  # ISO 4217
    charged: Charged = Charged.BOOKED
    late_percent: int = 0
    missed_percent: int = 0
    vat_text: str = ""

    @property
    def is_by_real_use(self) -> bool:
        return self.charged is Charged.REAL


@dataclass(frozen=True, slots=True)
class Dated:
    """What holds from one day to another, both included."""

    uid: str
    first_day: date
    last_day: date | None

    def holds_on(self, day: date) -> bool:
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class Price(Dated):
    """What a machine, or company (no machine), is worth to one audience, or everybody (none)."""

    machine_id: int | None
    audience: Audience | None
    rate: Rate
    product: str = ""


@dataclass(frozen=True, slots=True)
class SupplyPrice(Dated):
    """What is used up on a machine, by the unit."""

    id: int
    machine_id: int
    name: str
    unit: str
    price: Decimal
    product: str = ""


@dataclass(frozen=True, eq=False)
class PriceList:
    """All prices of a place, past and planned ones too."""

    terms: Terms
    prices: tuple[Price, ...] = ()
    supplies: tuple[SupplyPrice, ...] = ()
    _by_scope: Mapping[tuple[int | None, Audience | None], list[Price]] = field(init=False)

    def __post_init__(self) -> None:
        by_scope: dict[tuple[int | None, Audience | None], list[Price]] = {}
        for price in self.prices:
            by_scope.setdefault((price.machine_id, price.audience), []).append(price)
        object.__setattr__(self, "_by_scope", by_scope)

    def price_for(
        self, machine_id: int | None, audience: Audience | None, day: date
    ) -> Price | None:
        """Of a machine, or of company (no machine): the audience's own price, else everybody's."""
        for whose in dict.fromkeys((audience, None)):
            for price in self._by_scope.get((machine_id, whose), ()):
                if price.holds_on(day):
                    return price
        return None

    def after(
        self, machine_id: int | None, audience: Audience | None, day: date
    ) -> list[tuple[date, Price | None]]:
        """Each later day on which a price of theirs begins or ends, and the one that holds then."""
        own = [
            price
            for whose in dict.fromkeys((audience, None))
            for price in self._by_scope.get((machine_id, whose), ())
        ]
        ends = {price.last_day + A_DAY for price in own if price.last_day}
        days = sorted(each for each in ends | {price.first_day for price in own} if each > day)
        return [(each, self.price_for(machine_id, audience, each)) for each in days]

    def company_for(self, audience: Audience | None, day: date) -> Price | None:
        """The price of somebody of the team who stays with them."""
        return self.price_for(None, audience, day)

    def supplies_of(self, machine_id: int, day: date) -> list[SupplyPrice]:
        return [
            supply
            for supply in self.supplies
            if supply.machine_id == machine_id and supply.holds_on(day)
        ]


def day_of(zone: tzinfo, starts_at: datetime) -> date:
    """The day whose prices hold for a booking: the one it starts on, on the wall."""
    return today(zone, starts_at)


def days_in(zone: tzinfo, slot: Slot) -> int:
    """On how many days of the wall it is; one that has begun counts."""
    first, last = today(zone, slot.start), today(zone, slot.end - A_MOMENT)
    return (last - first).days + 1


def quote(
    prices: PriceList,
    machine_id: int,
    audience: Audience | None,
    slot: Slot,
    *,
    is_accompanied: bool = False,
    percent: int = 100,
    day: date | None = None,
) -> Decimal | None:
    """What is shown before a slot is booked, company included; None where no price is known.

    `percent` of each counts: of what was cancelled late, or missed. The prices are those of `day`,
    the one that the slot starts on unless another is said.
    """
    zone = prices.terms.zone
    day, days = day or day_of(zone, slot.start), days_in(zone, slot)
    price = prices.price_for(machine_id, audience, day)
    if price is None:
        return None
    found = [price, prices.company_for(audience, day) if is_accompanied else None]
    return total(
        amount_of(each.rate, slot.duration, days=days, percent=percent) for each in found if each
    )


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal("0.00"))
