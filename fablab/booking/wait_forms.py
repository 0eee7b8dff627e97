"""What may be typed to wait for a place, and to answer when one is offered."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext
from wtforms import HiddenField, SelectField
from wtforms.validators import AnyOf, InputRequired, Regexp

from fablab.booking.forms import ForWhomForm, ReadField, SlotForm
from fablab.booking.queries import BookedBy
from fablab.booking.wait_rules import LONGEST
from fablab.forms import Form, TextField, TickField

MINUTE = timedelta(minutes=1)


class WaitForm(ForWhomForm, SlotForm):
    """The time somebody waits in, for how long they need the machine, for whom and what for."""

    longest = LONGEST

    length = SelectField(
        lazy_gettext("For how long?"),
        [
            InputRequired(lazy_gettext("Choose from the list.")),
            Regexp(r"[1-9][0-9]{0,4}\Z", message=lazy_gettext("Choose from the list.")),
        ],
        validate_choice=False,
    )
    purpose = TextField(lazy_gettext("Your project"), maximum=200)
    accompanied = TickField(lazy_gettext("I ask somebody of the team to stay with me"))

    def offer(self, lengths: Iterable[tuple[str, str]], organizations: Iterable[BookedBy]) -> None:
        """What the lists let one choose from."""
        self.length.choices = list(lengths)
        self.offer_organizations(organizations)

    @property
    def duration(self) -> timedelta:
        """Only once the form is valid."""
        return int(self.length.data) * MINUTE


class OfferForm(Form):
    """Yes or no to what is offered, by the button that is pressed; with a yes what else the
    machine asks for.
    """

    answer = HiddenField(validators=[AnyOf(["yes", "no"])])
    buddy = TextField(lazy_gettext("Your buddy's e-mail address"), maximum=254)
    safety = ReadField(lazy_gettext("I have read them and will keep to them"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.buddy.id = "offer-buddy"

    @property
    def is_yes(self) -> bool:
        return bool(self.answer.data == "yes")
