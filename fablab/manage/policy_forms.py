"""What the team may type of booking rules and of shared resources, in which format."""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import Field, SelectChoice, SelectField, SelectMultipleField, ValidationError
from wtforms.validators import DataRequired, InputRequired
from wtforms.widgets import CheckboxInput, TextInput

from fablab.forms import Form, ParagraphField, StrictField, TextField
from fablab.machines.inventory import MachineFacts
from fablab.machines.kinds import Approval
from fablab.machines.policies import NAMES
from fablab.manage.conflicts import SeenForm
from fablab.manage.policy_words import (
    AGES,
    APPROVALS,
    LABELS,
    LEVELS,
    NOTHING,
    OVERRIDES,
    typed,
)
from fablab.members.forms import EmailField
from fablab.members.kinds import AgeBand
from fablab.places.words import MODES
from fablab.words import N_

LENGTH = re.compile(
    r"(?:(?P<hours>\d{1,3}) ?h(?: ?(?P<rest>[0-5]\d))?|(?P<minutes>\d{1,5}) ?min"
    r"|(?P<days>\d{1,2}) ?(?:days?|jours?))",
    re.ASCII,
)
NUMBER = re.compile(r"\d{1,6}", re.ASCII)
A_MINUTE = timedelta(minutes=1)
LONGEST = timedelta(days=31)
SAFETY = 2000  # letters
NAME = 100


class LengthField(StrictField):
    """A length of time as `1 h 30`, `2 h` or `45 min`, or in days; of 31 days at most."""

    widget = TextInput()
    problem = lazy_gettext("Write a length as 1 h 30, 2 h or 45 min.")

    def __init__(self, called: str, *, least: timedelta = timedelta(0), **kwargs: Any) -> None:
        super().__init__(lazy_gettext(LABELS[called]), [self.is_sensible], **kwargs)
        self.least = least

    def parse(self, typed: str) -> timedelta | None:
        found = LENGTH.fullmatch(typed)
        if not found:
            return None
        hours, minutes = found["hours"] or 0, found["rest"] or found["minutes"] or 0
        return timedelta(days=int(found["days"] or 0), hours=int(hours), minutes=int(minutes))

    def written(self, value: timedelta) -> str:
        return typed(value)

    def is_sensible(self, _form: Any, _field: Any) -> None:
        if self.data is not None and not self.least <= self.data <= LONGEST:
            raise ValidationError(
                gettext(
                    "Between %(least)s and %(most)s.", least=typed(self.least), most=typed(LONGEST)
                )
            )


class NumberField(StrictField):
    """A whole number in ASCII digits."""

    widget = TextInput()
    problem = lazy_gettext("Write a whole number.")

    def __init__(
        self, label: str, validators: Iterable[Any] = (), *, least: int = 0, most: int, **kw: Any
    ) -> None:
        super().__init__(lazy_gettext(label), [*validators, self.is_sensible], **kw)
        self.least, self.most = least, most

    def parse(self, typed: str) -> int | None:
        return int(typed) if NUMBER.fullmatch(typed) else None

    def is_sensible(self, _form: Any, _field: Any) -> None:
        if self.data is not None and not self.least <= self.data <= self.most:
            raise ValidationError(
                gettext("Between %(least)s and %(most)s.", least=self.least, most=self.most)
            )


def one_of(name: str, words: dict[Any, str]) -> SelectField:
    """One of `words`, or nothing said."""
    choices = [SelectChoice("", lazy_gettext("Inherited"))]
    choices += [SelectChoice(str(value), lazy_gettext(word)) for value, word in words.items()]
    return SelectField(lazy_gettext(LABELS[name]), choices=choices, default="")


def yes_or_no(name: str) -> SelectField:
    return one_of(name, {YES: N_("Yes"), NO: N_("No")})


def some_of(name: str, words: dict[Any, str]) -> SelectMultipleField:
    return SelectMultipleField(
        lazy_gettext(LABELS[name]),
        choices=[SelectChoice(str(value), lazy_gettext(word)) for value, word in words.items()],
        option_widget=CheckboxInput(),
    )


YES, NO = "yes", "no"


def is_yes(said: str) -> bool:
    return said == YES


READ: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("whole_days", "is_open", "one_at_a_time", "buddy", "owner_approval"), is_yes),
    "level": int,
    "youngest": AgeBand,
    "approval": Approval,
}


class PolicyForm(SeenForm):
    """One field for each value; an empty one says nothing."""

    step = LengthField("step", least=A_MINUTE)
    minimum = LengthField("minimum", least=A_MINUTE)
    maximum = LengthField("maximum", least=A_MINUTE)
    fixed = LengthField("fixed")
    whole_days = yes_or_no("whole_days")
    notice = LengthField("notice")
    horizon_days = NumberField(LABELS["horizon_days"], most=730)
    modes = some_of("modes", MODES)
    is_open = yes_or_no("is_open")
    quota_machine = LengthField("quota_machine")
    quota_category = LengthField("quota_category")
    quota_risky = LengthField("quota_risky")
    last_minute = LengthField("last_minute")
    weekly_bookings = NumberField(LABELS["weekly_bookings"], most=200)
    bookings_ahead = NumberField(LABELS["bookings_ahead"], most=1000)
    one_at_a_time = yes_or_no("one_at_a_time")
    units = NumberField(LABELS["units"], most=100)
    level = one_of("level", LEVELS)
    youngest = one_of("youngest", AGES)
    buddy = yes_or_no("buddy")
    approval = one_of("approval", APPROVALS)
    approval_above = LengthField("approval_above")
    owner_approval = yes_or_no("owner_approval")
    answer_within = LengthField("answer_within", least=A_MINUTE)
    setup = LengthField("setup")
    cleanup = LengthField("cleanup")
    cooling = LengthField("cooling")
    free_cancellation = LengthField("free_cancellation")
    release_after = LengthField("release_after")
    overridable = some_of("overridable", OVERRIDES | {NOTHING: N_("Nothing")})

    def validate_maximum(self, field: Field) -> None:
        if field.data is not None and self.minimum.data and field.data < self.minimum.data:
            raise ValidationError(
                gettext("The longest booking would be shorter than the shortest one.")
            )

    def validate_overridable(self, field: Field) -> None:
        if field.data and NOTHING in field.data and len(field.data) > 1:
            raise ValidationError(gettext("Either nothing or some of the rules."))

    def values(self) -> dict[str, Any]:
        """What is said, by name; None where nothing is."""
        return {name: self.value(name) for name in NAMES}

    def value(self, name: str) -> Any:
        said = self[name].data
        if name == "overridable":
            return [] if said == [NOTHING] else said or None
        if name == "modes":
            return said or None
        if said == "":
            return None
        return READ[name](said) if name in READ else said


def filled(values: dict[str, Any]) -> dict[str, Any]:
    """The data of a PolicyForm that shows what is said; the opposite of its `values`."""
    return {name: as_data(name, value) for name, value in values.items() if value is not None}


def as_data(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return YES if value else NO
    if name == "overridable":
        return list(value) or [NOTHING]
    return str(value) if name in READ else value


class MarksForm(SeenForm):
    """An empty number of marks: they are kept and nothing follows."""

    marks_allowed = NumberField(N_("Marks that suspend"), least=1, most=100)
    marks_window_days = NumberField(
        N_("Within so many days"),
        [InputRequired(lazy_gettext("Write a whole number."))],
        least=1,
        most=730,
    )
    marks_suspension_days = NumberField(
        N_("Suspended for so many days"),
        [InputRequired(lazy_gettext("Write a whole number."))],
        least=1,
        most=730,
    )

    def values(self) -> dict[str, Any]:
        """What the place's columns hold."""
        return {
            name: self[name].data
            for name in ("marks_allowed", "marks_window_days", "marks_suspension_days")
        }


class ResourceForm(Form):
    name = TextField(
        lazy_gettext("Name"), [DataRequired(lazy_gettext("Give it a name."))], maximum=NAME
    )
    capacity = NumberField(
        N_("For how many machines at once"),
        [InputRequired(lazy_gettext("Write a whole number."))],
        least=1,
        most=100,
    )
    machines = SelectMultipleField(
        lazy_gettext("Machines that need it"), option_widget=CheckboxInput()
    )

    def offer(self, machines: Iterable[MachineFacts]) -> None:
        self.machines.choices = [
            SelectChoice(str(machine.id), f"{machine.code} {machine.name}") for machine in machines
        ]

    def values(self) -> dict[str, Any]:
        return {
            "name": self["name"].data,
            "capacity": self.capacity.data,
            "machine_ids": [int(each) for each in self.machines.data or ()],
        }


class SafetyForm(Form):
    safety = ParagraphField(lazy_gettext("Safety text"), maximum=SAFETY)


class ReferentForm(Form):
    email = EmailField(lazy_gettext("Mail address of the member"))
