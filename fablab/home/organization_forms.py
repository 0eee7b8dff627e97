"""What the people of an organization may type, in which format."""

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext
from wtforms import BooleanField, RadioField, SelectChoice, SelectField, ValidationError
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import TextInput

from fablab.forms import Form, StrictDateField, StrictField, TextField, of_this_century
from fablab.members.forms import EmailField
from fablab.organizations.kinds import ACTIVITY

FIGURE = re.compile(r"[0-9]{1,12}([.,][0-9]{1,2})?", re.ASCII)
BLANKS = re.compile("[ \u00a0\u202f]")  # between thousands


class Bookings(StrEnum):
    """What becomes of the bookings after somebody's last day."""

    KEEP = "keep"
    CANCEL = "cancel"


class InvitationForm(Form):
    email = EmailField(lazy_gettext("Mail address"))


class FigureField(StrictField):
    """A number without a sign, with two decimals at most: 1 234,50 or 1234.5."""

    widget = TextInput()
    problem = lazy_gettext("Write a number, as 12 or 1234.50.")

    def parse(self, typed: str) -> Decimal | None:
        written = BLANKS.sub("", typed)
        return Decimal(written.replace(",", ".")) if FIGURE.fullmatch(written) else None

    def written(self, value: Decimal) -> str:
        return f"{value.normalize():f}"


class YearForm(Form):
    """What an organization declares of one of its years."""

    year = SelectField(lazy_gettext("Year"), coerce=int)
    jobs = FigureField(lazy_gettext("Jobs"), [Optional()])
    turnover = FigureField(lazy_gettext("Turnover"))

    def offer(self, years: Iterable[int]) -> None:
        self.year.choices = [(year, str(year)) for year in years]

    def validate_turnover(self, field: Any) -> None:
        is_nothing_typed = not (field.raw_data or self.jobs.raw_data)
        if is_nothing_typed:
            raise ValidationError(lazy_gettext("Write down one of the two at least."))


def bookings_field() -> RadioField:
    """Nothing is chosen beforehand: whichever it is, somebody meant it."""
    return RadioField(
        lazy_gettext("Bookings after the last day"),
        choices=[
            SelectChoice(Bookings.CANCEL, lazy_gettext("Cancel them: the machines are free again")),
            SelectChoice(Bookings.KEEP, lazy_gettext("Keep them: they count for the organization")),
        ],
        coerce=Bookings,
        validators=[Optional()],
    )


class LeavingForm(Form):
    """One's own end in an organization."""

    until = StrictDateField(
        lazy_gettext("Last day"),
        [InputRequired(lazy_gettext("Choose a day.")), of_this_century],
    )
    bookings = bookings_field()


class StayForm(Form):
    is_manager = BooleanField(lazy_gettext("Manages the organization"))
    activity = TextField(lazy_gettext("Activity account"), maximum=ACTIVITY)
    until = StrictDateField(lazy_gettext("Last day"), [Optional(), of_this_century])
    bookings = bookings_field()
