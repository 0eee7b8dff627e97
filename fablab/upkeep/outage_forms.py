"""What may be typed to take a machine away for a time."""

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext
from wtforms import ValidationError
from wtforms.validators import DataRequired

from fablab.booking.forms import SlotForm
from fablab.forms import TextField

REASON = 200  # letters


class OutageForm(SlotForm):
    longest = timedelta(days=366)
    too_long = lazy_gettext("That is longer than a year.")

    reason = TextField(
        lazy_gettext("Reason"),
        [DataRequired(lazy_gettext("Say why: members read it."))],
        maximum=REASON,
    )

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now

    def validate_end(self, field: Any) -> None:
        super().validate_end(field)
        is_read = self.day.data and not (self.day.errors or self.end_day.errors)
        if is_read and field.data is not None and self.ends_at <= self.now:
            raise ValidationError(lazy_gettext("This hour is over already."))
