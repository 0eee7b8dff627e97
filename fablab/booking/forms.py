"""The shape of what a member types; whether it is allowed is for the rules."""

from collections.abc import Sequence
from datetime import time, timedelta, tzinfo
from typing import Any

from flask_babel import lazy_gettext
from wtforms import HiddenField, SelectField, ValidationError
from wtforms.validators import InputRequired, Optional, Regexp

from fablab.booking.queries import BookedBy
from fablab.clock import from_wall, is_skipped
from fablab.forms import Form, StrictDateField, StrictTimeField, TextField, of_this_century
from fablab.slots import Slot

# Nobody books a machine for longer in one go; also keeps the arithmetic far from year 9999.
LONGEST = timedelta(days=31)
ONESELF = ""


class SlotForm(Form):
    """A slot as people type it, on the place's clock."""

    longest = LONGEST
    too_long = lazy_gettext("That is longer than a month.")

    day = StrictDateField(
        lazy_gettext("Day"), [InputRequired(lazy_gettext("Choose a day.")), of_this_century]
    )
    start = StrictTimeField(
        lazy_gettext("From"), [InputRequired(lazy_gettext("Say when it starts."))]
    )
    end_day = StrictDateField(lazy_gettext("Last day, if another"), [Optional(), of_this_century])
    end = StrictTimeField(lazy_gettext("To"), [InputRequired(lazy_gettext("Say when it ends."))])

    def __init__(self, *args: Any, zone: tzinfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone

    def validate_start(self, field: StrictTimeField) -> None:
        if not self.day.errors:
            self._refuse_a_skipped_hour(self.day.data, field)

    def validate_end(self, field: StrictTimeField) -> None:
        """An end of midnight is that of the night after; else it follows the start."""
        if self.day.errors or self.end_day.errors:
            return
        self._refuse_a_skipped_hour(self.last_day, field)
        if not self.day.data or self.start.data is None or self.start.errors:
            return
        if field.data is None:
            return
        span = self.ends_at - from_wall(self.zone, self.day.data, self.start.data)
        if span <= timedelta(0):
            raise ValidationError(lazy_gettext("The end comes after the start."))
        if span > self.longest:
            raise ValidationError(self.too_long)

    def _refuse_a_skipped_hour(self, day: Any, field: StrictTimeField) -> None:
        if day and field.data is not None and is_skipped(self.zone, day, field.data):
            raise ValidationError(
                lazy_gettext("The clocks go forward that night: this hour does not exist.")
            )

    @property
    def last_day(self) -> Any:
        """The day it ends on: the one typed, or the first; the next for an end at midnight."""
        day = self.end_day.data or self.day.data
        if day and not self.end_day.data and self.end.data == time.min:
            return day + timedelta(days=1)
        return day

    @property
    def ends_at(self) -> Any:
        assert self.end.data is not None
        return from_wall(self.zone, self.last_day, self.end.data)

    @property
    def slot(self) -> Slot:
        """The slot asked for, in UTC; only once the form is valid.

        An hour that the autumn night shows twice means its first pass (PEP 495, fold=0).
        """
        assert self.day.data
        assert self.start.data is not None
        return Slot(from_wall(self.zone, self.day.data, self.start.data), self.ends_at)


class BookingForm(SlotForm):
    """A slot, for whom and what for."""

    machine = HiddenField()
    organization = SelectField(lazy_gettext("On behalf of"), default=ONESELF)
    purpose = TextField(lazy_gettext("Your project"), maximum=200)
    key = HiddenField(validators=[Optional(), Regexp(r"[A-Za-z0-9-]{8,64}\Z")])

    def __init__(self, *args: Any, organizations: Sequence[BookedBy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization.choices = [
            (ONESELF, lazy_gettext("Myself")),
            *((str(each.id), each.name) for each in organizations),
        ]

    @property
    def organization_id(self) -> int | None:
        return int(self.organization.data) if self.organization.data else None
