"""What may be typed to hand a booking over, and to take one over."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import HiddenField
from wtforms.validators import AnyOf, Optional, Regexp

from fablab.booking.forms import ForWhomForm, ReadField
from fablab.forms import Form, TextField, TickField
from fablab.members.forms import EmailField


class HandoverForm(Form):
    email = EmailField(lazy_gettext("Their mail address"))


class TakeOverForm(ForWhomForm):
    """Yes or no, by the button that is pressed; with a yes for whom, and what else the machine
    asks for. `revision` is that of the booking as it was shown.
    """

    answer = HiddenField(validators=[AnyOf(["yes", "no"])])
    revision = HiddenField(validators=[Optional(), Regexp(r"[0-9]{1,9}\Z")])
    buddy = TextField(lazy_gettext("Your buddy's e-mail address"), maximum=254)
    accompanied = TickField(lazy_gettext("I ask somebody of the team to stay with me"))
    safety = ReadField(lazy_gettext("I have read them and will keep to them"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.buddy.id = "take-over-buddy"

    def validate_organization(self, field: Any) -> None:
        """Whoever says no need not have chosen."""
        if self.is_yes:
            super().validate_organization(field)

    @property
    def is_yes(self) -> bool:
        return bool(self.answer.data == "yes")

    @property
    def drawn_for(self) -> int:
        """The booking's revision on the page that was answered; -1 when it does not say."""
        return int(self.revision.data or -1)
