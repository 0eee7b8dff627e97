"""Amounts and prices as people read them. Nobody is asked to pay anything here: zero is a word."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import format_currency, format_decimal
from flask_babel import gettext as _

from fablab import texts
from fablab.slots import TimeUsed
from fablab.tariffs.kinds import Unit
from fablab.tariffs.prices import PriceList, total
from fablab.tariffs.rules import A_MINUTE, NOTHING, Rate
from fablab.words import N_

RATES = {
    Unit.HOUR: N_("%(price)s an hour"),
    Unit.FLAT: N_("%(price)s a booking"),
    Unit.DAY: N_("%(price)s a day"),
}


def money(amount: Decimal, currency: str) -> str:
    """`12,50 €`; four decimals where a price by the gram has them."""
    decimals = max(2, -int(amount.normalize().as_tuple().exponent))
    pattern = "#,##0." + "0" * decimals
    said: str = format_currency(
        amount, currency, pattern_of(pattern), currency_digits=False, format_type="standard"
    )
    return said


def pattern_of(number: str) -> str:
    """Where the sign of the currency stands, in the language of the page."""
    return f"{number}\xa0¤" if texts.language() == "fr" else f"¤{number}"


def amount_said(amount: Decimal | None, currency: str) -> str:
    """Empty where no price is known."""
    if amount is None:
        return ""
    return money(amount, currency) if amount else _("Included")


def sum_said(amounts: Iterable[Decimal | None], currency: str) -> str:
    """Of those that are known; empty where none is."""
    known = [amount for amount in amounts if amount is not None]
    return amount_said(total(known), currency) if known else ""


def rate_said(rate: Rate, currency: str) -> str:
    """`28,00 € an hour`"""
    if not rate.price:
        return _("Included")
    return _(RATES[rate.unit], price=money(rate.price, currency))


def counted_said(rate: Rate) -> str:
    """How time is counted for a price by the hour, where that is not simply by the minute."""
    if rate.unit is not Unit.HOUR or not rate.price:
        return ""
    parts = []
    if rate.included > NOTHING:
        parts.append(_("the first %(time)s included", time=texts.length(rate.included)))
    if rate.minimum > NOTHING:
        parts.append(_("%(time)s at least", time=texts.length(rate.minimum)))
    if rate.step > A_MINUTE:
        parts.append(_("every %(time)s begun counts", time=texts.length(rate.step)))
    return texts.capital(", ".join(parts)) + "." if parts else ""


SYMBOL = 3  # letters at most: `g`, `mL`, `kWh`; a symbol has no plural


def quantity_said(quantity: Decimal, unit: str) -> str:
    """`42.5 g`, but `60 × sheet`: the place's own words are put into no plural."""
    times = "" if len(unit) <= SYMBOL else "× "
    return f"{format_decimal(quantity)} {times}{unit}".strip()


def minutes_said(minutes: int) -> str:
    return texts.length(TimeUsed(minutes=minutes)) if minutes else _("nothing")


@dataclass(frozen=True, slots=True)
class Indicative:
    """What a slot is worth, and the price it comes from; empty where none is known."""

    amount: str = ""
    price: str = ""
    company: str = ""
    vat: str = ""

    @property
    def is_known(self) -> bool:
        return bool(self.amount or self.price)


def indicative(
    prices: PriceList,
    machine_id: int,
    audience: Any,
    day: date,
    quoted: Decimal | None,
    *,
    is_accompanied: bool = False,
) -> Indicative:
    price = prices.price_for(machine_id, audience, day)
    if price is None:
        return Indicative()
    terms = prices.terms
    company = prices.company_for(audience, day) if is_accompanied else None
    return Indicative(
        amount_said(quoted, terms.currency),
        rate_said(price.rate, terms.currency),
        rate_said(company.rate, terms.currency) if company else "",
        terms.vat_text,
    )
