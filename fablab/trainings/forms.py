"""What a trainer or a referent types: whom they qualify, who came to a session of theirs."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import lazy_gettext
from wtforms import SelectChoice, SelectField, SelectMultipleField, ValidationError
from wtforms.validators import Optional
from wtforms.widgets import CheckboxInput

from fablab.forms import Form, StrictDateField, of_this_century
from fablab.machines.inventory import MachineFacts
from fablab.members.forms import EmailField
from fablab.trainings.words import LEVELS


class GrantForm(Form):
    email = EmailField(lazy_gettext("Mail address of the member"))
    machine = SelectField(lazy_gettext("Machine"))
    level = SelectField(
        lazy_gettext("Level"),
        choices=[SelectChoice(str(int(n)), lazy_gettext(word)) for n, word in LEVELS.items()],
    )
    expires_on = StrictDateField(lazy_gettext("Valid until"), [Optional(), of_this_century])

    def __init__(
        self, *args: Any, today: date, machines: Sequence[MachineFacts], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.machine.choices = [(each.slug, f"{each.code} {each.name}") for each in machines]

    def validate_expires_on(self, field: StrictDateField) -> None:
        if field.data and field.data < self.today:
            raise ValidationError(lazy_gettext("This day is over already."))


class AttendanceForm(Form):
    came = SelectMultipleField(lazy_gettext("Who came"), option_widget=CheckboxInput())

    def __init__(self, *args: Any, people: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.came.choices = [
            (each.uid, f"{each.first_name} {each.last_name}".strip()) for each in people
        ]
