"""What was used, and what it is worth: statements, and what is left of allowances, rest on it.

A use is a booking that is over and counts: it was used, or cancelled too late, or nobody came. The
two last are none once the team excused them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, not_, or_, select

from fablab.db import db
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Category, Machine, Occupancy
from fablab.members.kinds import Audience
from fablab.members.models import Member
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.tariffs.kinds import Outcome, Unit
from fablab.tariffs.models import Consumption, Supply
from fablab.tariffs.prices import Price, PriceList, day_of, days_in
from fablab.tariffs.rules import (
    A_MINUTE,
    NOTHING,
    Need,
    Rate,
    amount_of,
    charged_time,
    counted_percent,
    counted_slot,
    coverable,
    rounded,
)


@dataclass(frozen=True, slots=True)
class Use:
    """A booking that is over, and what became of it."""

    occupancy_id: int
    uid: str
    machine_id: int
    machine_code: str
    machine_name: str
    category: str  # its slug
    member_id: int
    member_uid: str
    organization_id: int | None
    activity: str
    audience: Audience | None
    booked: Slot
    arrived_at: datetime | None
    left_at: datetime | None
    outcome: Outcome
    is_accompanied: bool
    day: date  # it starts on, on the wall: whose prices hold
    days: int  # of the wall, that were booked
    quoted: Decimal | None
    owner_id: int | None  # of the machine, when it is not the place's


@dataclass(frozen=True, slots=True)
class Priced:
    """A use with the price that holds for it: of the machine, or of company."""

    use: Use
    price: Price | None
    length: timedelta  # booked or real, as the place counts
    days: int
    percent: int  # of it counts

    @property
    def rate(self) -> Rate | None:
        return self.price.rate if self.price else None

    @property
    def product(self) -> str:
        return self.price.product if self.price else ""

    @property
    def unit(self) -> Unit | None:
        return self.rate.unit if self.rate else None

    @property
    def unit_price(self) -> Decimal | None:
        return self.rate.price if self.rate else None

    @property
    def counted(self) -> timedelta:
        """The time that is counted by the hour, `percent` not yet taken; else what it lasted."""
        if self.rate is None or self.rate.unit is not Unit.HOUR:
            return self.length
        return charged_time(self.rate, self.length)

    @property
    def quantity(self) -> Decimal:
        """Of units, `percent` not yet taken: hours to four decimals, days, or one."""
        if self.unit is Unit.DAY:
            return Decimal(self.days)
        if self.unit is Unit.FLAT:
            return Decimal(1)
        return (Decimal(self.counted // A_MINUTE) / 60).quantize(Decimal("0.0001"))

    @property
    def coverable(self) -> timedelta:
        """How much of it an allowance may cover."""
        if self.rate is None:
            return NOTHING
        return coverable(self.rate, self.length, percent=self.percent)

    def amount(self, covered: timedelta = NOTHING) -> Decimal | None:
        """None where no price is known; `covered` of it by allowances."""
        if self.rate is None:
            return None
        return amount_of(
            self.rate, self.length, days=self.days, covered=covered, percent=self.percent
        )


@dataclass(frozen=True, slots=True)
class Consumed:
    """So much of a supply was used up, at the price of the day."""

    uid: str
    occupancy_id: int
    name: str
    unit: str
    quantity: Decimal
    price: Decimal
    product: str
    noted_at: datetime

    @property
    def amount(self) -> Decimal:
        return rounded(self.price * self.quantity)


COLUMNS = (
    Occupancy.id.label("occupancy_id"),
    Occupancy.uid,
    Occupancy.machine_id,
    Machine.code.label("machine_code"),
    Machine.name.label("machine_name"),
    Machine.owner_id,
    Category.slug.label("category"),
    Occupancy.member_id,
    Member.uid.label("member_uid"),
    Occupancy.organization_id,
    Occupancy.activity,
    Occupancy.audience,
    Occupancy.starts_at,
    Occupancy.ends_at,
    Occupancy.arrived_at,
    Occupancy.left_at,
    Occupancy.status,
    Occupancy.is_accompanied,
    Occupancy.quoted,
    Place.zone,
)
OUTCOMES = {
    Status.CONFIRMED: Outcome.USED,
    Status.CANCELLED: Outcome.LATE,
    Status.MISSED: Outcome.MISSED,
}


def uses_of(scope: ColumnElement[bool], span: Slot, *, now: datetime) -> list[Use]:
    """The uses that start in `span`, by start and UID. One statement.

    `scope` narrows Occupancy, Machine, Category, Member or Place, of which one place's machines
    are asked for best: they have the index.
    """
    asked = _counting(select(*COLUMNS), scope, span, now)
    rows = db.session.execute(asked.order_by(Occupancy.starts_at, Occupancy.uid)).all()
    return [_use(row) for row in rows]


def starts_of(scope: ColumnElement[bool], span: Slot, *, now: datetime) -> Sequence[datetime]:
    """When the uses of `uses_of` began, and nothing else of them. One statement."""
    asked = _counting(select(Occupancy.starts_at), scope, span, now)
    return db.session.scalars(asked.order_by(Occupancy.starts_at)).all()


def consumed_in(
    scope: ColumnElement[bool], span: Slot, *, now: datetime
) -> dict[int, list[Consumed]]:
    """What was used up in the uses of `uses_of`, by their occupancy's id. One statement."""
    asked = _counting(
        select(
            Consumption.uid,
            Consumption.occupancy_id,
            Supply.name,
            Supply.unit,
            Consumption.quantity,
            Supply.price,
            Supply.product,
            Consumption.noted_at,
        ),
        scope,
        span,
        now,
    )
    rows = db.session.execute(
        asked.join(Consumption, Consumption.occupancy_id == Occupancy.id)
        .join(Supply, Supply.id == Consumption.supply_id)
        .where(Consumption.struck_at.is_(None))
        .order_by(Consumption.id)
    ).all()
    found: dict[int, list[Consumed]] = {}
    for row in rows:
        found.setdefault(row.occupancy_id, []).append(Consumed(*row))
    return found


def priced(use: Use, prices: PriceList) -> Priced:
    """The machine's price for it, by the tariff of its day."""
    return _priced(use, prices, prices.price_for(use.machine_id, use.audience, use.day))


def company_priced(use: Use, prices: PriceList) -> Priced | None:
    """The price of whoever stays with them; None when nobody was asked to, or nothing is said.

    What was cancelled late or missed counts like the machine's: somebody had kept the time free.
    """
    if not use.is_accompanied:
        return None
    company = prices.company_for(use.audience, use.day)
    return _priced(use, prices, company) if company else None


def need_of(use: Use, machine: Priced) -> Need | None:
    """What an allowance may cover of it: the machine's time alone; None when that is nothing."""
    minutes = machine.coverable // A_MINUTE
    if not minutes:
        return None
    return Need(use.uid, use.booked.start, use.day, use.category, minutes, who=str(use.member_id))


def _priced(use: Use, prices: PriceList, price: Price | None) -> Priced:
    terms = prices.terms
    slot = counted_slot(use.booked, use.arrived_at, use.left_at, by_real_use=terms.is_by_real_use)
    percent = counted_percent(use.outcome, late=terms.late_percent, missed=terms.missed_percent)
    return Priced(use, price, slot.duration, days_in(terms.zone, slot), percent)


def _counting(
    asked: Select[*tuple[Any, ...]], scope: ColumnElement[bool], span: Slot, now: datetime
) -> Select[*tuple[Any, ...]]:
    """Narrowed to the bookings that are over and count."""
    return (
        asked.select_from(Occupancy)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .join(Category, Category.id == Machine.category_id)
        .join(Place, Place.id == Machine.place_id)
        .join(Member, Member.id == Occupancy.member_id)
        .where(
            Occupancy.kind == OccupancyKind.BOOKING,
            Occupancy.starts_at >= span.start,
            Occupancy.starts_at < span.end,
            Occupancy.ends_at <= now,
            or_(
                Occupancy.status == Status.CONFIRMED,
                and_(Occupancy.status == Status.MISSED, not_(Occupancy.is_excused)),
                and_(
                    Occupancy.status == Status.CANCELLED,
                    Occupancy.is_late,
                    not_(Occupancy.is_excused),
                ),
            ),
            scope,
        )
    )


def _use(row: Row[Any]) -> Use:
    values = dict(row._mapping)
    zone = _zone(values.pop("zone"))
    booked = Slot(values.pop("starts_at"), values.pop("ends_at"))
    outcome = OUTCOMES[values.pop("status")]
    return Use(
        **values,
        booked=booked,
        outcome=outcome,
        day=day_of(zone, booked.start),
        days=days_in(zone, booked),
    )


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def place_wide(place_id: int) -> ColumnElement[bool]:
    return Machine.place_id == place_id


def of_organization(organization_id: int) -> ColumnElement[bool]:
    return Occupancy.organization_id == organization_id


def of_member_alone(member_id: int) -> ColumnElement[bool]:
    """What somebody used for themselves."""
    return and_(Occupancy.member_id == member_id, Occupancy.organization_id.is_(None))


def of_owner(organization_id: int) -> ColumnElement[bool]:
    """What anybody used of the machines that an organization owns."""
    return Machine.owner_id == organization_id
