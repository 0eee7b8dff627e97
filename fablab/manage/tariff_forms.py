"""What may be typed of prices, supplies, packs, and how the place counts."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel.numbers import list_currencies
from flask_babel import gettext, lazy_gettext
from wtforms import (
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired
from wtforms.widgets import CheckboxInput

from fablab.forms import Form, StrictDateField, TextField, TickField, of_this_century
from fablab.manage.forms import translated
from fablab.manage.policy_forms import NumberField
from fablab.manage.words import CHARGED
from fablab.members.kinds import Audience
from fablab.members.words import AUDIENCES
from fablab.places.kinds import Charged
from fablab.tariffs.changes import Said, Wanted, held
from fablab.tariffs.commands import NewPack, NewSupply
from fablab.tariffs.forms import AmountField
from fablab.tariffs.kinds import Unit
from fablab.tariffs.rules import A_MINUTE, Rate
from fablab.words import N_

EVERYBODY = "everybody"
UNITS = {Unit.HOUR: N_("An hour"), Unit.FLAT: N_("A booking, however long"), Unit.DAY: N_("A day")}
A_DAY_LONG = 24 * 60  # minutes
MOST_MINUTES = 10_000 * 60


class PricesForm(Form):
    """The prices of a machine, or of company, for every kind of member: one way of counting."""

    first_day = StrictDateField(
        lazy_gettext("Starting on"),
        [InputRequired(lazy_gettext("Say from when.")), of_this_century],
    )
    seen = HiddenField()  # the fingerprint of what was said when the form was drawn
    shown = StrictDateField()  # the day whose prices the form was filled with
    unit = SelectField(lazy_gettext("Price for"), choices=translated(UNITS), coerce=Unit)
    step = NumberField(N_("Counted in steps of, in minutes"), least=1, most=A_DAY_LONG)
    minimum = NumberField(N_("At least, in minutes"), least=0, most=A_DAY_LONG)
    included = NumberField(N_("Included at the start, in minutes"), least=0, most=A_DAY_LONG)
    product = TextField(lazy_gettext("What the accounts call it"), maximum=60)
    everybody = AmountField(lazy_gettext("Everybody else"))
    individual = AmountField(lazy_gettext(AUDIENCES[Audience.INDIVIDUAL]))
    reduced = AmountField(lazy_gettext(AUDIENCES[Audience.REDUCED]))
    association = AmountField(lazy_gettext(AUDIENCES[Audience.ASSOCIATION]))
    professional = AmountField(lazy_gettext(AUDIENCES[Audience.PROFESSIONAL]))
    resident = AmountField(lazy_gettext(AUDIENCES[Audience.RESIDENT]))
    cooperative = AmountField(lazy_gettext(AUDIENCES[Audience.COOPERATIVE]))
    staff = AmountField(lazy_gettext(AUDIENCES[Audience.STAFF]))

    @property
    def prices(self) -> list[Any]:
        return [self[name_of(audience)] for audience in (None, *Audience)]

    def is_of_other_prices(self, said: Iterable[Said]) -> bool:
        """Was it filled with the prices of a day, and is saved for another with other prices?"""
        said, shown, first_day = list(said), self.shown.data, self.first_day.data
        if shown is None or first_day is None:
            return False
        return held(said, shown) != held(said, first_day)

    def wanted(self) -> dict[Audience | None, Wanted | None]:
        return {audience: self._wanted(audience) for audience in (None, *Audience)}

    def _wanted(self, audience: Audience | None) -> Wanted | None:
        price = self[name_of(audience)].data
        if price is None:
            return None
        minutes = (self.step.data or 1, self.minimum.data or 0, self.included.data or 0)
        if self.unit.data is not Unit.HOUR:
            minutes = (1, 0, 0)
        step, minimum, included = (each * A_MINUTE for each in minutes)
        rate = Rate(price, self.unit.data, step, minimum, included)
        return Wanted(rate, self.product.data or "")


def name_of(audience: Audience | None) -> str:
    return audience.value if audience else EVERYBODY


def filled(said: Iterable[Said], day: date) -> dict[str, Any]:
    """The form as the prices stand on the day that they would begin, or as the first ones will."""
    said = list(said)
    first = min((each.first_day for each in said if each.first_day > day), default=day)
    holding = [each for each in said if each.holds_on(day)]
    holding = holding or [each for each in said if each.holds_on(first)]
    days = {"first_day": day, "shown": day}
    if not holding:
        return days | {"unit": Unit.HOUR, "step": 15, "minimum": 0, "included": 0}
    rate = holding[0].rate
    counted = (("step", rate.step), ("minimum", rate.minimum), ("included", rate.included))
    return {
        **days,
        "unit": rate.unit,
        "product": holding[0].product,
        **{name: length // A_MINUTE for name, length in counted},
        **{name_of(each.audience): each.rate.price for each in holding},
    }


class SupplyForm(Form):
    name = TextField(
        lazy_gettext("Supply"), [DataRequired(lazy_gettext("Give it a name."))], maximum=80
    )
    counted_by = TextField(
        lazy_gettext("Counted by"),
        [DataRequired(lazy_gettext("Say its unit: g, sheet…"))],
        maximum=30,
    )
    price = AmountField(
        lazy_gettext("Price of one"),
        [InputRequired(lazy_gettext("Say its price, 0 if it is included."))],
    )
    supply_from = StrictDateField(
        lazy_gettext("Starting on"),
        [InputRequired(lazy_gettext("Say from when.")), of_this_century],
    )

    def new(self) -> NewSupply:
        first_day, price = self.supply_from.data, self.price.data
        assert first_day is not None
        assert price is not None
        return NewSupply(self.name.data or "", self.counted_by.data or "", price, first_day)


class TermsForm(Form):
    charged = RadioField(
        lazy_gettext("What amounts are made of"), choices=translated(CHARGED), coerce=Charged
    )
    late_percent = NumberField(
        N_("Of what was cancelled late, in percent"), [InputRequired()], most=100
    )
    missed_percent = NumberField(
        N_("Of what nobody came to, in percent"), [InputRequired()], most=100
    )
    currency = TextField(lazy_gettext("Currency"), maximum=3)
    vat_text = TextField(lazy_gettext("What is said of VAT"), maximum=200)

    def validate_currency(self, field: TextField) -> None:
        if (field.data or "").upper() not in list_currencies():
            raise ValidationError(gettext("Write a currency by its three letters: EUR."))

    def values(self) -> Mapping[str, Any]:
        return {
            "charged": self.charged.data,
            "late_percent": self.late_percent.data,
            "missed_percent": self.missed_percent.data,
            "currency": (self.currency.data or "").upper(),
            "vat_text": self.vat_text.data or "",
        }


class CoveringForm(Form):
    """What both a pack and a grant say: of what, how often, by whom."""

    categories = SelectMultipleField(
        lazy_gettext("Only on machines of"), option_widget=CheckboxInput()
    )
    is_monthly = TickField(lazy_gettext("Anew each month; what is left is not kept"))
    is_shared = TickField(lazy_gettext("Shared by the people of an organization"))

    def offer(self, categories: Iterable[Any]) -> None:
        self.categories.choices = [SelectChoice(each.slug, each.name) for each in categories]


class PackForm(CoveringForm):
    hours = AmountField(lazy_gettext("Hours"), [InputRequired(lazy_gettext("Say how many hours."))])
    name = TextField(
        lazy_gettext("Name"), [DataRequired(lazy_gettext("Give it a name."))], maximum=80
    )
    audience = SelectField(
        lazy_gettext("Meant for"),
        choices=[SelectChoice("", lazy_gettext("Everybody")), *translated(AUDIENCES)],
    )
    price = AmountField(
        lazy_gettext("Price"), [InputRequired(lazy_gettext("Say its price, 0 if it is included."))]
    )
    valid_months = NumberField(N_("Valid for so many months"), least=1, most=120)

    def validate_hours(self, field: AmountField) -> None:
        if field.data is not None and not 0 < self.minutes <= MOST_MINUTES:
            raise ValidationError(gettext("Between a minute and 10,000 hours."))

    @property
    def minutes(self) -> int:
        return int((self.hours.data or Decimal(0)) * 60)

    def new(self) -> NewPack:
        price = self.price.data
        assert price is not None
        return NewPack(
            name=self.name.data or "",
            audience=Audience(self.audience.data) if self.audience.data else None,
            price=price,
            minutes=self.minutes,
            categories=tuple(self.categories.data or ()),
            is_monthly=self.is_monthly.data,
            valid_months=self.valid_months.data,
            is_shared=self.is_shared.data,
        )
