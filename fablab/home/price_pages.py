"""What a machine is worth, as its page says it: the reader's price first, the others folded."""

from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _

from fablab.machines.inventory import Inventory, MachineFacts
from fablab.members.kinds import Audience
from fablab.members.words import AUDIENCES
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import Price, PriceList
from fablab.tariffs.words import amount_said, counted_said, rate_said


@dataclass(frozen=True, slots=True)
class Prices:
    own: str  # the reader's, or everybody's; empty where none is known
    counted: str
    others: list[tuple[str, str]]
    supplies: list[tuple[str, str]]
    company: str
    vat: str

    @property
    def are_known(self) -> bool:
        return bool(self.own or self.others or self.supplies)


def prices_on(
    inventory: Inventory, machine: MachineFacts, audience: Audience | None, day: date
) -> Prices:
    prices = prices_of(inventory)
    currency = prices.terms.currency
    own = prices.price_for(machine.id, audience, day)
    company = prices.company_for(audience, day)
    return Prices(
        rate_said(own.rate, currency) if own else "",
        counted_said(own.rate) if own else "",
        [
            (_(AUDIENCES[each]), rate_said(price.rate, currency))
            for each, price in of_others(prices, machine, audience, day)
        ],
        [
            (each.name, _each(amount_said(each.price, currency), each.unit, bool(each.price)))
            for each in prices.supplies_of(machine.id, day)
        ],
        rate_said(company.rate, currency) if company else "",
        prices.terms.vat_text,
    )


def of_others(
    prices: PriceList, machine: MachineFacts, audience: Audience | None, day: date
) -> list[tuple[Audience, Price]]:
    """The team's own concerns nobody else."""
    found = [(each, prices.price_for(machine.id, each, day)) for each in Audience]
    left_out = (audience, Audience.STAFF)
    return [(each, price) for each, price in found if price and each not in left_out]


def _each(price: str, unit: str, is_counted: bool) -> str:
    return _("%(price)s for 1 %(unit)s", price=price, unit=unit) if is_counted else price
