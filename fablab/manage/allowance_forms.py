"""What may be typed of minutes that are granted."""

import re
from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import HiddenField, ValidationError
from wtforms.validators import DataRequired, InputRequired
from wtforms.widgets import TextInput

from fablab.forms import StrictDateField, StrictField, TextField, of_this_century
from fablab.keys import key_field
from fablab.manage.tariff_forms import MOST_MINUTES, CoveringForm
from fablab.tariffs.allowances import NewAllowance
from fablab.tariffs.models import Pack
from fablab.trainings.rules import lasts_until

SPANS = (
    re.compile(r"(?P<hours>\d{1,5})(?::| ?h ?)(?P<minutes>[0-5]\d)", re.ASCII),
    re.compile(r"(?P<hours>\d{1,5}) ?h", re.ASCII),
    re.compile(r"(?P<minutes>\d{1,6})(?: ?min)?", re.ASCII),
)


def parse_minutes(typed: str) -> int | None:
    """`10:30`, `10 h 30` and `10 h` are hours, `630` and `630 min` minutes."""
    for span in SPANS:
        found = span.fullmatch(typed)
        if found:
            parts = found.groupdict()
            return int(parts.get("hours") or 0) * 60 + int(parts.get("minutes") or 0)
    return None


class MinutesField(StrictField):
    widget = TextInput()
    problem = lazy_gettext("Write hours and minutes as 10:30, or minutes as 630.")

    def parse(self, typed: str) -> int | None:
        return parse_minutes(typed)

    def written(self, value: int) -> str:
        return f"{value // 60}:{value % 60:02}"


class AllowanceForm(CoveringForm):
    """`pack` is the UID of the one it comes from; what is typed is what is granted."""

    pack = HiddenField()
    key = key_field()
    name = TextField(
        lazy_gettext("Name"), [DataRequired(lazy_gettext("Give it a name."))], maximum=80
    )
    minutes = MinutesField(
        lazy_gettext("How long"), [InputRequired(lazy_gettext("Say how long: 10:30, or 630."))]
    )
    first_day = StrictDateField(
        lazy_gettext("Starting on"),
        [InputRequired(lazy_gettext("Say from when.")), of_this_century],
    )
    last_day = StrictDateField(lazy_gettext("Last day"), [of_this_century])
    settled = TextField(lazy_gettext("Settled elsewhere: reference"), maximum=120)

    def validate_minutes(self, field: MinutesField) -> None:
        if field.data is not None and not 0 < field.data <= MOST_MINUTES:
            raise ValidationError(gettext("Between a minute and 10,000 hours."))

    def validate_last_day(self, field: StrictDateField) -> None:
        first_day = self.first_day.data
        if field.data and first_day and field.data < first_day:
            raise ValidationError(gettext("It ends before it starts."))

    def new(self, pack_id: int | None) -> NewAllowance:
        minutes, first_day = self.minutes.data, self.first_day.data
        assert minutes is not None
        assert first_day is not None
        return NewAllowance(
            name=self["name"].data or "",
            minutes=minutes,
            first_day=first_day,
            last_day=self.last_day.data,
            categories=tuple(self.categories.data or ()),
            is_monthly=self.is_monthly.data,
            is_shared="is_shared" in self and self.is_shared.data,
            settled=self.settled.data or "",
            pack_id=pack_id,
        )


def filled(pack: Pack | None, today: date) -> dict[str, Any]:
    """As the pack says it, from today on; else blank."""
    if pack is None:
        return {"first_day": today}
    return {
        "pack": pack.uid,
        "name": pack.name,
        "minutes": pack.minutes,
        "first_day": today,
        "last_day": lasts_until(today, pack.valid_months),
        "categories": pack.categories,
        "is_monthly": pack.is_monthly,
        "is_shared": pack.is_shared,
    }
