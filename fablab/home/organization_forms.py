"""What the people of an organization may type, in which format."""

from enum import StrEnum

from flask_babel import lazy_gettext
from wtforms import BooleanField, RadioField, SelectChoice
from wtforms.validators import Optional

from fablab.forms import Form, StrictDateField, TextField, of_this_century
from fablab.members.forms import EmailField

ACTIVITY = 120  # letters


class Bookings(StrEnum):
    """What becomes of the bookings after somebody's last day."""

    KEEP = "keep"
    CANCEL = "cancel"


class InvitationForm(Form):
    email = EmailField(lazy_gettext("Mail address"))


class StayForm(Form):
    is_manager = BooleanField(lazy_gettext("Manages the organization"))
    activity = TextField(lazy_gettext("Activity account"), maximum=ACTIVITY)
    until = StrictDateField(lazy_gettext("Last day"), [Optional(), of_this_century])
    bookings = RadioField(
        lazy_gettext("Bookings after the last day"),
        choices=[
            SelectChoice(Bookings.CANCEL, lazy_gettext("Cancel them: the machines are free again")),
            SelectChoice(Bookings.KEEP, lazy_gettext("Keep them: they count for the organization")),
        ],
        coerce=Bookings,
        default=Bookings.CANCEL,
        validators=[Optional()],
    )
