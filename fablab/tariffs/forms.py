"""Amounts and quantities as they are typed."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import SelectField
from wtforms.validators import InputRequired, ValidationError

from fablab.forms import DecimalField, Form
from fablab.keys import key_field


class AmountField(DecimalField):
    """An amount or a quantity: `12`, `12.50` or `1 250,50`; four decimals at most, not negative."""

    problem = lazy_gettext("Write an amount as 12.50, with four decimals at most.")
    whole, decimals = 7, 4


class ConsumptionForm(Form):
    """So much of a supply that could be used up that day."""

    key = key_field()
    supply = SelectField(lazy_gettext("Supply"))
    quantity = AmountField(
        lazy_gettext("Quantity"), [InputRequired(lazy_gettext("Say how much was used up."))]
    )

    def validate_quantity(self, field: Any) -> None:
        if field.data is not None and not field.data:
            raise ValidationError(lazy_gettext("Say how much was used up."))
