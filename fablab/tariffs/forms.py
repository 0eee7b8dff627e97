"""Amounts and quantities as they are typed."""

import re
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext
from wtforms import SelectField
from wtforms.validators import InputRequired, ValidationError
from wtforms.widgets import TextInput

from fablab.forms import Form, StrictField

AMOUNT = re.compile(r"(\d{1,7})(?:[.,](\d{1,4}))?", re.ASCII)


class AmountField(StrictField):
    """An amount or a quantity: `12`, `12.50` or `12,50`; four decimals at most, never negative."""

    widget = TextInput()
    problem = lazy_gettext("Write an amount as 12.50, with four decimals at most.")

    def parse(self, typed: str) -> Decimal | None:
        found = AMOUNT.fullmatch(typed)
        return Decimal(f"{found[1]}.{found[2] or 0}") if found else None

    def written(self, value: Decimal) -> str:
        return f"{value.normalize():f}"


class ConsumptionForm(Form):
    """So much of a supply that could be used up that day."""

    supply = SelectField(lazy_gettext("Supply"))
    quantity = AmountField(
        lazy_gettext("Quantity"), [InputRequired(lazy_gettext("Say how much was used up."))]
    )

    def validate_quantity(self, field: Any) -> None:
        if field.data is not None and not field.data:
            raise ValidationError(lazy_gettext("Say how much was used up."))
