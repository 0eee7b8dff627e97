"""Saying which column of a file is which of ours."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext
from wtforms import SelectChoice, SelectField, ValidationError

from fablab.forms import Form
from fablab.imports import columns
from fablab.imports.sheet import Column
from fablab.manage.import_words import column_said

NONE = ""  # of the file's columns


class ColumnsForm(Form):
    """A list for each of our columns, to choose one of the file's from; see `form_of`."""

    asked: Sequence[Column] = ()
    header: Sequence[str] = ()
    is_guessed = False

    @property
    def names(self) -> dict[str, str]:
        """What ours are called in the file. Only once the form is valid."""
        said = {each.name: self[field_of(each)].data for each in self.asked}
        return {ours: self.header[int(at)] for ours, at in said.items() if at}


def field_of(column: Column) -> str:
    """Apart from the form's own: a column may be called like one of its parts."""
    return f"column_{column.name}"


def form_of(
    asked: Sequence[Column], header: Sequence[str], said: Mapping[str, str] | None
) -> type[ColumnsForm]:
    """A form that has the lists for these, filled with what was said before, else with what the
    names in the file seem to mean.
    """
    guessed = said or columns.guess(header, [each.name for each in asked])
    at = {name: str(n) for n, name in reversed(list(enumerate(header)))}
    choices = [SelectChoice(NONE, lazy_gettext("none of them"))]
    choices += [SelectChoice(at[name], name) for name in dict.fromkeys(header) if name]
    fields: dict[str, Any] = {"asked": asked, "header": header, "is_guessed": bool(guessed)}
    for each in asked:
        fields[field_of(each)] = SelectField(
            column_said(each.name),
            [is_there] if each.is_required else [],
            choices=choices,
            default=at.get(guessed.get(each.name, ""), NONE),
        )
        fields[f"validate_{field_of(each)}"] = is_taken_once
    return type("ColumnsOfThisFile", (ColumnsForm,), fields)


def is_there(_form: ColumnsForm, field: SelectField) -> None:
    if not field.data:
        raise ValidationError(lazy_gettext("Say which column it is: this is needed."))


def is_taken_once(form: ColumnsForm, field: SelectField) -> None:
    others = (form[field_of(each)] for each in form.asked)
    if field.data and any(each.data == field.data and each is not field for each in others):
        raise ValidationError(lazy_gettext("This column is chosen twice."))
