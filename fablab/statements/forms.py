"""What may be typed about statements: a period, and the columns of the files."""

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import HiddenField, RadioField
from wtforms.validators import InputRequired, ValidationError
from wtforms.widgets import NumberInput

from fablab.forms import Form, StrictDateField, StrictField, TextField, of_this_century
from fablab.statements.exports import COLUMNS, File
from fablab.statements.rules import LONGEST, Period

A_HEADING = 60  # letters


class Days(Form):
    """A period: its first day and its last."""

    first = StrictDateField(
        lazy_gettext("First day"), [InputRequired(lazy_gettext("Choose a day.")), of_this_century]
    )
    last = StrictDateField(
        lazy_gettext("Last day"), [InputRequired(lazy_gettext("Choose a day.")), of_this_century]
    )

    def validate_last(self, field: Any) -> None:
        if not (field.data and self.first.data) or self.first.errors:
            return
        if field.data < self.first.data:
            raise ValidationError(_("It is before the first day."))
        if field.data - self.first.data > LONGEST:
            raise ValidationError(_("A statement is of a year at most."))

    @property
    def period(self) -> Period:
        assert self.first.data
        assert self.last.data
        return Period(self.first.data, self.last.data)


class PeriodForm(Days):
    """Read from the address: it changes nothing, and needs no token."""

    class Meta(Form.Meta):
        csrf = False


class CloseForm(Days):
    scope = HiddenField()
    of = HiddenField()
    activity = HiddenField()


class TurnField(StrictField):
    """In ASCII digits: `int` reads Arabic-Indic ones too."""

    widget = NumberInput(min=1, max=99)
    problem = lazy_gettext("From 1 to 99, or empty to leave it out.")

    def parse(self, typed: str) -> int | None:
        found = re.fullmatch(r"0*(\d{1,2})", typed, re.ASCII)
        return int(found[1]) or None if found else None


class ColumnsForm(Form):
    """Each column with its turn (empty: left out) and its heading (empty: its name)."""

    separator = RadioField(
        lazy_gettext("Between the columns"),
        choices=[(";", lazy_gettext("A semicolon")), (",", lazy_gettext("A comma"))],
    )
    decimal_mark = RadioField(
        lazy_gettext("In numbers"),
        choices=[(",", lazy_gettext("A comma: 12,50")), (".", lazy_gettext("A point: 12.50"))],
    )

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        if not self.chosen:
            self.form_errors.append(_("Choose one column at least: give it a turn."))
        if self.separator.data == self.decimal_mark.data == ",":
            self.decimal_mark.errors = [
                _("A comma cannot stand both in numbers and between the columns.")
            ]
            return False
        return bool(self.chosen)

    @property
    def chosen(self) -> list[str]:
        """In their turns; of two with the same turn as they stand in the list."""
        turns = {name: self[f"turn_{name}"].data for name in COLUMNS}
        wanted = [name for name in COLUMNS if turns[name] is not None]
        return sorted(wanted, key=lambda name: turns[name])

    @property
    def words(self) -> dict[str, str]:
        typed = {name: self[f"word_{name}"].data for name in COLUMNS}
        return {name: word for name, word in typed.items() if word}


for _name, _column in COLUMNS.items():
    setattr(
        ColumnsForm,
        f"turn_{_name}",
        TurnField(lazy_gettext("Turn")),
    )
    setattr(ColumnsForm, f"word_{_name}", TextField(lazy_gettext("Heading"), maximum=A_HEADING))


def as_typed(file: File) -> Mapping[str, Any]:
    """What the form shows of how a place wants its files."""
    turns = {f"turn_{name}": n for n, name in enumerate(file.columns, start=1)}
    words = {f"word_{name}": word for name, word in file.words.items()}
    return turns | words | {"separator": file.separator, "decimal_mark": file.decimal_mark}
