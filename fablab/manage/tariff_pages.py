"""The prices of the place as plain values: what holds now, what is planned, what was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from flask_babel import gettext as _

from fablab import texts
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.members.kinds import Audience
from fablab.members.words import AUDIENCES
from fablab.tariffs.allowance_pages import covers
from fablab.tariffs.changes import A_DAY, Said
from fablab.tariffs.models import Pack
from fablab.tariffs.prices import Price, PriceList
from fablab.tariffs.rules import A_MINUTE
from fablab.tariffs.words import amount_said, counted_said, money, rate_said


class Column(NamedTuple):
    audience: Audience | None
    text: str


class Cell(NamedTuple):
    text: str
    later: str = ""  # what is planned next, and from when


@dataclass(frozen=True, slots=True)
class Row:
    """A machine, or company, and its price for each column."""

    title: str
    code: str
    hue: str
    slug: str
    cells: list[Cell]
    supplies: str = ""


class Family(NamedTuple):
    title: str
    id: str
    rows: list[Row]


def columns(prices: PriceList, day: date) -> list[Column]:
    """Those of whom anything is said that day or planned after it; everybody else last."""
    said = {
        price.audience for price in prices.prices if price.holds_on(day) or price.first_day > day
    }
    found = [Column(each, _(AUDIENCES[each])) for each in Audience if each in said]
    return [*found, Column(None, _("Everybody else"))] if None in said else found


def families(
    inventory: Inventory, prices: PriceList, shown: list[Column], day: date
) -> list[Family]:
    by_category = groupby(inventory.machines, key=lambda machine: machine.category)
    return [
        Family(
            category.name,
            f"of-{category.slug}",
            [_row(machine, prices, shown, day) for machine in machines],
        )
        for category, machines in by_category
    ]


def company(prices: PriceList, shown: list[Column], day: date) -> Row:
    cells = [_cell(prices, None, each.audience, day) for each in shown]
    return Row(_("Somebody of the team stays with them"), "", "", "", cells)


def _row(machine: MachineFacts, prices: PriceList, shown: list[Column], day: date) -> Row:
    currency = prices.terms.currency
    supplies = [
        f"{each.name} ({money(each.price, currency)}/{each.unit})"
        if each.price
        else _("%(name)s (included)", name=each.name)
        for each in prices.supplies_of(machine.id, day)
    ]
    return Row(
        machine.name,
        machine.code,
        machine.category.hue,
        machine.slug,
        [_cell(prices, machine.id, each.audience, day) for each in shown],
        ", ".join(supplies),
    )


def _cell(prices: PriceList, machine_id: int | None, audience: Audience | None, day: date) -> Cell:
    def said(price: Price | None) -> str:
        return rate_said(price.rate, prices.terms.currency) if price else "–"

    now = prices.price_for(machine_id, audience, day)
    for later, price in prices.after(machine_id, audience, day):
        if said(price) != said(now):
            when = texts.day(later, "d MMM y")
            return Cell(said(now), _("From %(day)s: %(price)s", day=when, price=said(price)))
    return Cell(said(now))


class SupplyLine(NamedTuple):
    uid: str
    name: str
    unit: str
    price: str


def supply_lines(prices: PriceList, machine_id: int, day: date) -> list[SupplyLine]:
    return [
        SupplyLine(each.uid, each.name, each.unit, amount_said(each.price, prices.terms.currency))
        for each in prices.supplies_of(machine_id, day)
    ]


class Period(NamedTuple):
    """Prices that began on one day."""

    day: str
    date: str
    lines: list[tuple[str, str]]
    is_planned: bool


def periods(said: Sequence[Said], planned: Sequence[date], currency: str) -> list[Period]:
    """All that was ever said, latest first; what is planned may be withdrawn."""
    days = sorted({each.first_day for each in said} | set(planned), reverse=True)
    return [
        Period(
            texts.day(day, texts.DAY_AND_YEAR),
            day.isoformat(),
            [_line(each, currency) for each in said if each.first_day == day]
            + [
                (_who(each.audience), _("ends: everybody’s price holds"))
                for each in said
                if each.last_day == day - A_DAY and not _follows(each, said)
            ],
            day in planned,
        )
        for day in days
    ]


def _follows(ended: Said, said: Sequence[Said]) -> bool:
    return any(
        each.audience == ended.audience
        and ended.last_day is not None
        and each.first_day == ended.last_day + A_DAY
        for each in said
    )


def _line(each: Said, currency: str) -> tuple[str, str]:
    words = f"{rate_said(each.rate, currency)}. {counted_said(each.rate)}".strip()
    return _who(each.audience), words


def _who(audience: Audience | None) -> str:
    return _(AUDIENCES[audience]) if audience else _("Everybody else")


class PackLine(NamedTuple):
    uid: str
    name: str
    who: str
    price: str
    covers: str


def pack_lines(packs: Sequence[Pack], inventory: Inventory, currency: str) -> list[PackLine]:
    return [
        PackLine(
            each.uid,
            each.name,
            _(AUDIENCES[each.audience]) if each.audience else _("Everybody"),
            amount_said(each.price, currency),
            covers(each, inventory, each.valid_months),
        )
        for each in packs
    ]


# The columns of the file: company has no machine, everybody else no audience; lengths in minutes.
FILE = (
    "machine",
    "audience",
    "supply",
    "unit",
    "price",
    "currency",
    "step",
    "minimum",
    "included",
    "first_day",
    "last_day",
    "product",
)


def in_file(inventory: Inventory, prices: PriceList, day: date) -> list[tuple[Any, ...]]:
    """Prices and supplies that hold on the day or later."""
    codes = {machine.id: machine.code for machine in inventory.machines}
    currency = prices.terms.currency
    found: list[tuple[Any, ...]] = []
    for price in prices.prices:
        if price.last_day is None or price.last_day >= day:
            rate = price.rate
            counted = [each // A_MINUTE for each in (rate.step, rate.minimum, rate.included)]
            whose = (codes.get(price.machine_id or 0, ""), price.audience or "", "")
            days = (price.first_day, price.last_day, price.product)
            found.append((*whose, rate.unit, plain(rate.price), currency, *counted, *days))
    for supply in prices.supplies:
        if supply.last_day is None or supply.last_day >= day:
            whose = (codes.get(supply.machine_id, ""), "", supply.name)
            days = (supply.first_day, supply.last_day, supply.product)
            worth = (supply.unit, plain(supply.price), currency, "", "", "")
            found.append((*whose, *worth, *days))
    return found


def plain(price: Decimal) -> str:
    return f"{price.normalize():f}"
