"""What may be typed to answer a question, or to name a buddy."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import RadioField, SelectChoice, ValidationError

from fablab.forms import Form, TextField
from fablab.members.forms import EmailField

REASON = 200  # letters


class AnswerForm(Form):
    """Yes or no, by the button that is pressed; perhaps a reason. Several stand on one page."""

    answer = RadioField(
        lazy_gettext("Answer"),
        choices=[
            SelectChoice("yes", lazy_gettext("Yes")),
            SelectChoice("no", lazy_gettext("No")),
        ],
    )
    why = TextField(lazy_gettext("Reason"), maximum=REASON)

    def __init__(self, uid: str, *, wants_a_reason: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.why.id = f"why-{uid}"
        self.wants_a_reason = wants_a_reason

    def validate_why(self, field: TextField) -> None:
        if self.wants_a_reason and self.answer.data == "no" and not field.data:
            raise ValidationError(lazy_gettext("Say why: whoever booked reads it."))

    @property
    def is_yes(self) -> bool:
        return bool(self.answer.data == "yes")


class BuddyForm(Form):
    email = EmailField(lazy_gettext("Their mail address"))
