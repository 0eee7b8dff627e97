"""What the team may type about trainings and their sessions."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext
from wtforms import SelectChoice, SelectField, SelectMultipleField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Optional
from wtforms.widgets import CheckboxInput, NumberInput

from fablab.booking.forms import SlotForm
from fablab.forms import Form, StrictField, TextField, TickField
from fablab.machines.inventory import MachineFacts
from fablab.manage.forms import REASON, translated
from fablab.members.forms import EmailField
from fablab.trainings.courses import Course
from fablab.trainings.rules import OF_AGE
from fablab.trainings.words import LEVELS

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,19}", re.ASCII)
NEW = "new"  # the address of the form of a new training
MINUTE, AN_HOUR = timedelta(minutes=1), timedelta(hours=1)
NOBODY = ""


class WholeNumberField(StrictField):
    """A whole number in ASCII digits, both bounds included."""

    widget = NumberInput(step=1)
    data: Any
    problem = lazy_gettext("Write a whole number.")

    def __init__(
        self, label: Any = None, validators: Any = (), *, least: int, most: int, **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.least, self.most = least, most

    def parse(self, typed: str) -> int | None:
        return int(typed) if re.fullmatch(r"[0-9]{1,9}", typed, re.ASCII) else None

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if self.data is not None and not self.least <= self.data <= self.most:
            raise ValidationError(
                lazy_gettext("From %(least)s to %(most)s.", least=self.least, most=self.most)
            )


def needed() -> InputRequired:
    return InputRequired(lazy_gettext("Write a whole number."))


class TrainingForm(Form):
    """All that is said of a training; `level_<id>` for each machine is added by `of_machines`."""

    code = TextField(
        lazy_gettext("Code"), [DataRequired(lazy_gettext("Give it a code."))], maximum=20
    )
    name = TextField(
        lazy_gettext("Name"), [DataRequired(lazy_gettext("Give it a name."))], maximum=80
    )
    description = TextField(lazy_gettext("What one learns"), maximum=500)
    duration = WholeNumberField(lazy_gettext("Minutes it lasts"), [needed()], least=5, most=7200)
    seats = WholeNumberField(lazy_gettext("Seats"), [needed()], least=1, most=200)
    minimum_people = WholeNumberField(lazy_gettext("Fewest people"), [needed()], least=1, most=200)
    decided_before = WholeNumberField(
        lazy_gettext("Hours before the start when it is decided"), [needed()], least=0, most=720
    )
    validity_months = WholeNumberField(
        lazy_gettext("Months it is valid"), [Optional()], least=1, most=240
    )
    is_renewed_by_use = TickField(lazy_gettext("Each use of the machine renews it"))
    inactivity_months = WholeNumberField(
        lazy_gettext("Months without use after which it lapses"), [Optional()], least=1, most=240
    )
    minimum_age = WholeNumberField(lazy_gettext("Youngest age"), [Optional()], least=1, most=OF_AGE)
    requires = SelectMultipleField(
        lazy_gettext("Trainings it asks for first"), option_widget=CheckboxInput()
    )
    is_retired = TickField(lazy_gettext("No longer given: no new session of it"))

    machines: Sequence[MachineFacts] = ()

    def validate_code(self, field: TextField) -> None:
        if not CODE.fullmatch(field.data or "") or field.data == NEW:
            raise ValidationError(
                lazy_gettext("Letters without accents, digits and hyphens: LAS-1.")
            )

    def validate_minimum_people(self, field: WholeNumberField) -> None:
        if field.data and self.seats.data and field.data > self.seats.data:
            raise ValidationError(lazy_gettext("There are not so many seats."))

    def validate_is_renewed_by_use(self, field: TickField) -> None:
        if field.data and not self.validity_months.raw_data:
            raise ValidationError(lazy_gettext("Say for how many months it is valid."))

    @property
    def levels(self) -> list[tuple[MachineFacts, SelectField]]:
        return [(machine, self[f"level_{machine.id}"]) for machine in self.machines]

    def course(self, ids: dict[str, int]) -> Course:
        """What was typed; `ids` are the trainings to require, by code."""
        return Course(
            code=self.code.data,
            name=self.name.data,
            description=self.description.data,
            duration=self.duration.data * MINUTE,
            seats=self.seats.data,
            minimum_people=self.minimum_people.data,
            decided_before=self.decided_before.data * AN_HOUR,
            validity_months=self.validity_months.data,
            inactivity_months=self.inactivity_months.data,
            is_renewed_by_use=self.is_renewed_by_use.data,
            minimum_age=self.minimum_age.data,
            is_retired=self.is_retired.data,
            requires=frozenset(ids[code] for code in self.requires.data or ()),
            grants={machine.id: int(field.data) for machine, field in self.levels if field.data},
        )


def training_form(
    machines: Sequence[MachineFacts], others: Sequence[Any], data: dict[str, Any] | None = None
) -> TrainingForm:
    """Blank with `data`, else with what was sent; `others` are the trainings it may ask for."""
    levels = [
        SelectChoice("", lazy_gettext("Nothing")),
        *translated({str(level.value): word for level, word in LEVELS.items()}),
    ]
    fields: dict[str, Any] = {
        f"level_{machine.id}": SelectField(
            f"{machine.code} {machine.name}", choices=levels, default=""
        )
        for machine in machines
    }
    kind = type("TrainingFormOfMachines", (TrainingForm,), fields | {"machines": machines})
    form: TrainingForm = kind(formdata=None, data=data) if data is not None else kind()
    form.requires.choices = [(each.code, f"{each.code} {each.name}") for each in others]
    return form


def data_of(course: Course, codes: dict[int, str]) -> dict[str, Any]:
    """A training as its form shows it; `codes` are those of the trainings by id."""
    plain = {name: getattr(course, name) for name in Course.__slots__}
    return plain | {
        "duration": course.duration // MINUTE,
        "decided_before": course.decided_before // AN_HOUR,
        "requires": [codes[id] for id in course.requires if id in codes],
        **{f"level_{machine}": str(level) for machine, level in course.grants.items()},
    }


class SessionForm(SlotForm):
    """When a session is, who gives it, for how many, where, on which machines."""

    longest = timedelta(days=14)
    too_long = lazy_gettext("That is longer than two weeks.")

    trainer = SelectField(lazy_gettext("Given by"), default=NOBODY)
    seats = WholeNumberField(lazy_gettext("Seats"), [needed()], least=1, most=200)
    location = TextField(lazy_gettext("Where"), maximum=80)
    machines = SelectMultipleField(lazy_gettext("Machines it takes"), option_widget=CheckboxInput())

    def __init__(
        self,
        *args: Any,
        now: datetime,
        trainers: Sequence[Any],
        machines: Sequence[MachineFacts],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        self.trainers = trainers
        named = [(each.uid, f"{each.first_name} {each.last_name}".strip()) for each in trainers]
        self.trainer.choices = [(NOBODY, lazy_gettext("Not known yet")), *named]
        self.machines.choices = [(each.slug, f"{each.code} {each.name}") for each in machines]

    def validate_end(self, field: Any) -> None:
        super().validate_end(field)
        is_read = self.day.data and not (self.day.errors or self.end_day.errors)
        if is_read and field.data is not None and self.ends_at <= self.now:
            raise ValidationError(lazy_gettext("This hour is over already."))


class RegisterForm(Form):
    email = EmailField(lazy_gettext("Mail address of the member"))


class CancelSessionForm(Form):
    reason = TextField(
        lazy_gettext("Reason"),
        [DataRequired(lazy_gettext("Say why: those registered read it."))],
        maximum=REASON,
    )
