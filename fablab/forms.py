"""What every form shares: CSRF protection, strict fields, and messages in the page's language."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from functools import cached_property
from typing import Any

from flask import request
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field, FileField, StringField, ValidationError
from wtforms.i18n import get_translations
from wtforms.validators import Length
from wtforms.widgets import DateInput, TextArea, TextInput, TimeInput

from fablab import texts
from fablab.words import NotTaken

DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
HOUR = re.compile(r"(\d{1,2}):(\d{2})(?::00)?", re.ASCII)
BLANK = "[ \u00a0\u2009\u202f]"  # between thousands: ordinary, no-break, thin
BLANKS = re.compile(BLANK)
NUMBER = re.compile(rf"(\d{{1,3}}(?:{BLANK}\d{{3}})+|\d+)(?:[.,](\d+))?", re.ASCII)
MINUS = "-\N{MINUS SIGN}\N{EN DASH}"
FIRST_YEAR, LAST_YEAR = 2000, 2200  # of the days a form takes and a page shows


class Form(FlaskForm):
    class Meta:
        # Ours are translated by gettext; WTForms knows French and English itself.
        @property
        def locales(self) -> list[str]:
            return [texts.language()]

        def get_translations(self, form: Any) -> Any:
            return get_translations(tuple(self.locales))

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """The fields of a form and nothing else: Flask-WTF would also read files as fields,
            and the body as JSON.
            """
            if formdata is None or isinstance(formdata, MultiDict):
                return formdata
            return (request.form or None) if form.is_submitted() else None


class Confirmation(Form):
    """A form of one button: nothing to fill in, only the CSRF token to check."""


def parse_day(typed: str) -> date | None:
    """`YYYY-MM-DD` in ASCII digits, or None. (`int` and `strptime` read Arabic-Indic ones too.)"""
    found = DAY.fullmatch(typed)
    try:
        return date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        return None


def parse_week(typed: str) -> date | None:
    """The Monday of `YYYY-Www` (ISO 8601), in ASCII digits, or None."""
    found = WEEK.fullmatch(typed)
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        return None


def parse_time(typed: str) -> time | None:
    """`H:MM` or `HH:MM` in ASCII digits, `24:00` meaning the midnight that ends the day."""
    found = HOUR.fullmatch(typed)
    if not found:
        return None
    hour, minute = (int(part) for part in found.groups())
    if (hour, minute) == (24, 0):
        return time.min
    return time(hour, minute) if hour < 24 and minute < 60 else None


class StrictField(Field):
    """A field whose text is parsed strictly; what was typed is shown again when it is wrong."""

    problem = lazy_gettext("This cannot be read.")

    def parse(self, typed: str) -> Any:
        raise NotImplementedError

    def written(self, value: Any) -> str:
        return str(value)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.typed = valuelist[0].strip() if valuelist else ""
        if not self.typed:
            # Blanks alone are nothing typed: InputRequired asks what came, not what was read.
            self.raw_data: list[str] = []
        self.data = self.parse(self.typed) if self.typed else None
        if self.typed and self.data is None:
            raise ValueError(str(self.problem))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])[:50]
        return "" if self.data is None else self.written(self.data)


class StrictDateField(StrictField):
    widget = DateInput()
    problem = lazy_gettext("There is no such day. Write it as 2027-03-31.")

    def parse(self, typed: str) -> date | None:
        return parse_day(typed)


class StrictTimeField(StrictField):
    widget = TimeInput()
    problem = lazy_gettext("There is no such hour. Write it as 14:30.")

    def parse(self, typed: str) -> time | None:
        return parse_time(typed)

    def written(self, value: time) -> str:
        return f"{value:%H:%M}"


class DecimalField(StrictField):
    """A number without a sign, as it is written by hand: 1 250,50 or 1250.5.

    Thousands may be parted by blanks, ordinary or not; the decimals stand after a comma or a point.
    """

    widget = TextInput()
    negative = lazy_gettext("It cannot be less than zero.")
    whole, decimals = 12, 2  # digits before and after the comma, at most

    def parse(self, typed: str) -> Decimal | None:
        if typed[0] in MINUS:
            raise ValueError(str(self.negative))
        found = NUMBER.fullmatch(typed)
        digits, rest = (BLANKS.sub("", found[1]), found[2] or "") if found else ("", "")
        if not digits or len(digits) > self.whole or len(rest) > self.decimals:
            return None
        return Decimal(f"{digits}.{rest or 0}")

    def written(self, value: Decimal) -> str:
        plain = f"{value.normalize():f}"
        return plain.replace(".", ",") if texts.language() == "fr" else plain


class TextField(StringField):
    """A line of text: trimmed, normalised (NFC), bounded, without characters nobody can see."""

    widget = TextInput()

    def __init__(self, label: Any = None, validators: Any = (), *, maximum: int, **kwargs: Any):
        limit = Length(max=maximum, message=lazy_gettext("%(max)s characters at most."))
        super().__init__(label, [*validators, limit, visible], **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = valuelist[0] if valuelist else ""
        self.data = unicodedata.normalize("NFC", typed).strip()


class ParagraphField(TextField):
    """Some lines of text, otherwise as strict as one line."""

    widget = TextArea()

    def __init__(self, label: Any, validators: Any = (), *, maximum: int, **kwargs: Any) -> None:
        limit = Length(max=maximum, message=lazy_gettext("%(max)s characters at most."))
        checks = [*validators, limit, self.lines_are_visible]
        super(TextField, self).__init__(label, checks, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        self.data = (self.data or "").replace("\r\n", "\n")

    def lines_are_visible(self, _form: Any, _field: Any) -> None:
        if not all(is_visible(line) for line in (self.data or "").split("\n")):
            raise ValidationError(
                gettext("It holds characters that nobody can see; type it again.")
            )


class TickField(BooleanField):
    """A box to tick. Anything but a yes or a no is told: WTForms takes whatever is not empty for a
    yes, `no` and `0` as well.
    """

    yes = frozenset(("y", "yes", "on", "true", "1"))
    no = frozenset(("", "n", "no", "off", "false", "0"))

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = valuelist[0].strip().casefold() if valuelist else ""
        self.data = typed in self.yes
        if not self.data and typed not in self.no:
            raise ValueError(gettext("Tick it or leave it: this is neither yes nor no."))

    def _value(self) -> str:
        """What the box sends, whatever came."""
        return "y"


class UploadField(FileField):
    """A file. One byte more than `maximum` is read of it: that says that there are too many."""

    def __init__(self, label: Any, validators: Any = (), *, maximum: int, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.maximum = maximum

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        """Files come beside what was typed; a form that is drawn anew has none."""
        super().process(formdata, *args, **kwargs)
        came = request.files.get(self.name) if formdata is not None else None
        self.upload = came if came and came.filename else None

    @property
    def is_sent(self) -> bool:
        return self.upload is not None

    @property
    def filename(self) -> str:
        return (self.upload and self.upload.filename) or ""

    @cached_property
    def content(self) -> bytes:
        return self.upload.stream.read(self.maximum + 1) if self.upload else b""

    def take(self, keep: Callable[[bytes], str]) -> str | None:
        """Keep what came, if anything did, and give the name that `keep` does; refused, the field
        says why, whether or not the form is validated after that.
        """
        if not self.is_sent:
            return None
        try:
            return keep(self.content)
        except NotTaken as refused:
            self.refuse(refused)
            return None

    def ask_again(self) -> None:
        """Say of a form that is refused for something else that what came with it was not kept."""
        if self.is_sent:
            self.process_errors = [lazy_gettext("Choose the file again: it was not kept.")]
            self.errors = tuple(self.process_errors)

    def refuse(self, refused: NotTaken) -> None:
        self.process_errors = [lazy_gettext(refused.sentence, **refused.values)]
        self.errors = tuple(self.process_errors)


def is_sent(_form: Any, field: UploadField) -> None:
    if not field.is_sent:
        raise ValidationError(lazy_gettext("Choose a file."))


def of_this_century(_form: Any, field: Field) -> None:
    """Refuse days so far away that arithmetic on them would fail: years 1 and 9999."""
    if field.data and not FIRST_YEAR <= field.data.year <= LAST_YEAR:
        raise ValidationError(gettext("Choose a day of this century."))


def visible(_form: Any, field: Field) -> None:
    if not is_visible(field.data or ""):
        raise ValidationError(gettext("It holds characters that nobody can see; type it again."))


def is_visible(text: str) -> bool:
    """False with control characters or marks that turn a text around (Cc, Cf but ZWJ/ZWNJ)."""
    for letter in text:
        category = unicodedata.category(letter)
        if category in ("Cc", "Cs", "Co", "Zl", "Zp"):
            return False
        if category == "Cf" and letter not in "\u200c\u200d":
            return False
    return True
