"""What the people of an organization may type, in which format."""

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext
from wtforms import HiddenField, RadioField, SelectChoice, ValidationError
from wtforms.validators import InputRequired, Optional

from fablab.forms import DecimalField, Form, StrictDateField, TextField, TickField, of_this_century
from fablab.members.forms import EmailField
from fablab.organizations.kinds import ACTIVITY


class Bookings(StrEnum):
    """What becomes of the bookings after somebody's last day."""

    KEEP = "keep"
    CANCEL = "cancel"


class InvitationForm(Form):
    email = EmailField(lazy_gettext("Mail address"))


class FigureField(DecimalField):
    """Two decimals at most: 1 234,50 or 1234.5."""

    problem = lazy_gettext("Write a number, as 12 or 1234.50.")


class YearForm(Form):
    """What an organization declares of one of its years; `seen` is the declaration it was filled
    with, by when that was made.
    """

    seen = HiddenField()
    jobs = FigureField(lazy_gettext("Jobs"), [Optional()])
    turnover = FigureField(lazy_gettext("Turnover"))

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
    is_manager = TickField(lazy_gettext("Manages the organization"))
    activity = TextField(lazy_gettext("Activity account"), maximum=ACTIVITY)
    until = StrictDateField(lazy_gettext("Last day"), [Optional(), of_this_century])
    bookings = bookings_field()
