"""What may be typed about a fault, and the photo that goes with it."""

import re
from datetime import date
from typing import Any

from flask_babel import lazy_gettext
from wtforms import (
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    ValidationError,
)
from wtforms.validators import DataRequired, Optional
from wtforms.widgets import TextInput

from fablab.forms import (
    Form,
    ParagraphField,
    StrictDateField,
    StrictField,
    TextField,
    UploadField,
    of_this_century,
)
from fablab.keys import key_field
from fablab.machines import documents, photos
from fablab.upkeep.kinds import STOPPING, VERDICTS, EntryKind, FaultState
from fablab.upkeep.words import ENTRIES, FAULTS, MEANS
from fablab.words import N_

WORDS, SENTENCE = 1000, 200  # letters
COST = re.compile(r"(\d{1,7})(?:[.,](\d{1,2}))?", re.ASCII)
YES, NO = "yes", "no"
NEVER_SHOWN = -1  # no revision is
USABLE = {
    YES: N_("Yes, with care"),
    NO: N_("No, nobody should use it"),
}


def take_photo(data: bytes) -> str:
    """Keep a photo of what is wrong, and give its name. Raises NotTaken."""
    return photos.take(data, photos.OF_FAULT)


def take_paper(data: bytes) -> str:
    """Keep a document or a photo, and give its name. Raises NotTaken."""
    return documents.take(data) if documents.is_pdf(data) else take_photo(data)


class CostField(StrictField):
    """An amount as people write it, kept in cents: `12`, `12,5` or `12.50`."""

    widget = TextInput()
    problem = lazy_gettext("Write an amount as 12 or 12.50.")

    def parse(self, typed: str) -> int | None:
        found = COST.fullmatch(typed.replace("€", "").strip())
        if not found:
            return None
        return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))

    def written(self, value: int) -> str:
        return f"{value // 100}.{value % 100:02}"


def without_nul(typed: str | None) -> str | None:
    """PostgreSQL takes none in a text, not even to look for it."""
    return typed and typed.replace("\0", "")


class ReportForm(Form):
    what = ParagraphField(
        lazy_gettext("What happened?"),
        [DataRequired(lazy_gettext("Say what happened."))],
        maximum=WORDS,
    )
    usable = RadioField(
        lazy_gettext("Can it still be used?"),
        choices=[SelectChoice(value, lazy_gettext(word)) for value, word in USABLE.items()],
        validate_choice=False,
    )
    key = key_field()
    photo = UploadField(lazy_gettext("Photo"), maximum=photos.MAX_BYTES)

    def validate_usable(self, field: RadioField) -> None:
        if field.data not in USABLE:
            raise ValidationError(lazy_gettext("Choose one of these."))

    @property
    def is_usable(self) -> bool:
        return self.usable.data == YES


class VerdictForm(Form):
    """What whoever knows the machine finds."""

    state = RadioField(
        lazy_gettext("What is it?"),
        choices=[SelectChoice(each.value, lazy_gettext(FAULTS[each])) for each in VERDICTS],
        validate_choice=False,
    )
    said = TextField(lazy_gettext("In your words"), maximum=SENTENCE)
    back_on = StrictDateField(lazy_gettext("Expected back on"), [Optional(), of_this_century])
    revision = HiddenField()

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def validate_state(self, field: RadioField) -> None:
        if field.data not in [each.value for each in VERDICTS]:
            raise ValidationError(lazy_gettext("Choose one of these."))

    def validate_said(self, field: TextField) -> None:
        if self.is_read_by_everybody and not field.data:
            raise ValidationError(lazy_gettext("Say it in a sentence: everybody reads it."))

    def validate_back_on(self, field: StrictDateField) -> None:
        if self.is_stopping and field.data and field.data < self.today:
            raise ValidationError(lazy_gettext("This day is over already."))

    def validate_revision(self, field: HiddenField) -> None:
        typed = field.data or ""
        if typed and not (typed.isascii() and typed.isdigit() and len(typed) < 10):
            raise ValidationError(lazy_gettext("This cannot be read."))

    def helps(self) -> dict[str, str]:
        """What each verdict does, by its value."""
        return {each.value: lazy_gettext(words) for each, words in MEANS.items()}

    @property
    def is_stopping(self) -> bool:
        return self.state.data in [each.value for each in STOPPING]

    @property
    def is_read_by_everybody(self) -> bool:
        return self.is_stopping or self.state.data == FaultState.RESTRICTED.value

    @property
    def drawn_for(self) -> int:
        """The revision that the page showed; without it, none that there is: it is shown first."""
        return int(self.revision.data) if self.revision.data else NEVER_SHOWN


WRITTEN = (
    EntryKind.NOTE,
    EntryKind.MAINTENANCE,
    EntryKind.REPAIR,
    EntryKind.PART,
    EntryKind.DOCUMENT,
)


class EntryForm(Form):
    """A line of the logbook, perhaps with a file."""

    kind = SelectField(
        lazy_gettext("What is it?"),
        choices=[SelectChoice(each.value, lazy_gettext(ENTRIES[each])) for each in WRITTEN],
    )
    said = ParagraphField(
        lazy_gettext("In words"), [DataRequired(lazy_gettext("Say what it is."))], maximum=WORDS
    )
    part = TextField(lazy_gettext("Part"), maximum=SENTENCE)
    cost = CostField(lazy_gettext("Cost, in euros"))
    file = UploadField(lazy_gettext("Document or photo"), maximum=documents.MAX_BYTES)
    corrects = HiddenField(filters=[without_nul])
    key = key_field()

    @property
    def entry_kind(self) -> EntryKind:
        return EntryKind.CORRECTION if self.corrects.data else EntryKind(self.kind.data)


class RepairForm(Form):
    """What was done, and what it took."""

    done = ParagraphField(
        lazy_gettext("What was done"),
        [DataRequired(lazy_gettext("Say what was done."))],
        maximum=WORDS,
    )
    part = TextField(lazy_gettext("Part"), maximum=SENTENCE)
    cost = CostField(lazy_gettext("Cost, in euros"))
