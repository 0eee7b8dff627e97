"""Two who change the same thing at once: what the second typed beside what the first saved."""

from typing import Any, NamedTuple

from flask_babel import gettext as _
from wtforms import BooleanField, FileField, HiddenField, SubmitField
from wtforms.fields.choices import SelectFieldBase

from fablab.forms import Form

SILENT = (HiddenField, FileField, SubmitField)


class SeenForm(Form):
    """Of values that others may change meanwhile; `seen` is the fingerprint of those drawn."""

    seen = HiddenField()


class Difference(NamedTuple):
    what: str
    now: str
    typed: str


def differences(now: Form, typed: Form) -> list[Difference]:
    """Of each field that is not the same; `now` is the form as it is drawn for whoever comes."""
    told = [
        Difference(str(field.label.text), said(now[field.name]) or "–", said(field) or "–")
        for field in typed
        if not isinstance(field, SILENT)
    ]
    return [each for each in told if each.now != each.typed]


def said(field: Any) -> str:
    """As its reader would say it."""
    if isinstance(field, BooleanField):
        return _("Yes") if field.data else _("No")
    if isinstance(field, SelectFieldBase):
        return ", ".join(str(option.label.text) for option in field if option.checked)
    return "\n".join(str(field._value()).splitlines())
