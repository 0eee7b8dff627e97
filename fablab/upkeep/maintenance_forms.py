"""What may be typed about regular maintenance."""

from datetime import date, timedelta
from typing import Any

from flask_babel import get_locale, lazy_gettext
from wtforms import SelectChoice, SelectField, ValidationError
from wtforms.validators import DataRequired, InputRequired
from wtforms.widgets import NumberInput

from fablab import texts
from fablab.forms import (
    Form,
    ParagraphField,
    StrictDateField,
    StrictField,
    StrictTimeField,
    TextField,
    of_this_century,
)
from fablab.keys import key_field
from fablab.upkeep.forms import SENTENCE, WORDS, CostField
from fablab.upkeep.kinds import Unit
from fablab.upkeep.maintenance import Done, Plan
from fablab.upkeep.maintenance_rules import Rhythm
from fablab.upkeep.words import UNITS

TITLE, MOST = 80, 365
LENGTHS = (15, 30, 45, 60, 90, 120, 180, 240, 360, 480)  # minutes
FARTHEST = timedelta(days=3 * 365)  # ahead of today, of its first day


class CountField(StrictField):
    """How many of something: 1 to MOST, in ASCII digits."""

    widget = NumberInput(min=1, max=MOST)
    problem = lazy_gettext("Write a whole number, 365 at most.")

    def parse(self, typed: str) -> int | None:
        is_number = typed.isascii() and typed.isdigit() and len(typed) < 4
        return int(typed) if is_number and 1 <= int(typed) <= MOST else None


class MaintenanceForm(Form):
    title = TextField(
        lazy_gettext("What is it called?"),
        [DataRequired(lazy_gettext("Give it a name."))],
        maximum=TITLE,
    )
    work = ParagraphField(lazy_gettext("What is to be done"), maximum=WORDS)
    who = TextField(lazy_gettext("Who does it"), maximum=TITLE)
    every = CountField(lazy_gettext("Every"), [InputRequired(lazy_gettext("Say how often."))])
    unit = SelectField(
        lazy_gettext("Counted in"),
        choices=[SelectChoice(each.value, lazy_gettext(word)) for each, word in UNITS.items()],
    )
    starts_on = StrictDateField(
        lazy_gettext("Next time on"),
        [InputRequired(lazy_gettext("Choose a day.")), of_this_century],
    )
    weekday = SelectField(lazy_gettext("Always on"), default="")
    at = StrictTimeField(lazy_gettext("At"), [InputRequired(lazy_gettext("Say when it starts."))])
    length = SelectField(lazy_gettext("For how long"), default="60")
    key = key_field()

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        locale = get_locale()
        names = locale.days["format"]["wide"] if locale else {}
        self.weekday.choices = [
            SelectChoice("", lazy_gettext("any day")),
            *(SelectChoice(str(n), names.get(n - 1, str(n))) for n in range(1, 8)),
        ]
        self.length.choices = [
            SelectChoice(str(n), texts.length(timedelta(minutes=n))) for n in LENGTHS
        ]

    def validate_starts_on(self, field: StrictDateField) -> None:
        if field.data and field.data < self.today:
            raise ValidationError(lazy_gettext("This day is over already."))
        if field.data and field.data > self.today + FARTHEST:
            raise ValidationError(lazy_gettext("That is more than three years ahead."))

    def validate_at(self, field: StrictTimeField) -> None:
        if field.data is not None and field.typed.startswith("24"):
            raise ValidationError(StrictTimeField.problem)  # it is the end of a day, and no start

    @property
    def plan(self) -> Plan:
        weekday = int(self.weekday.data) if self.weekday.data else None
        assert self.every.data
        assert self.starts_on.data
        assert self.at.data is not None
        return Plan(
            self.title.data,
            Rhythm(self.every.data, Unit(self.unit.data), weekday),
            self.starts_on.data,
            self.at.data,
            timedelta(minutes=int(self.length.data)),
            self.work.data,
            self.who.data,
        )


def drawn(row: Any) -> dict[str, Any]:
    """What the form shows of one that exists."""
    return {
        "title": row.title,
        "work": row.work,
        "who": row.who,
        "every": row.every,
        "unit": row.unit.value,
        "starts_on": row.starts_on,
        "weekday": str(row.weekday or ""),
        "at": row.at,
        "length": str(row.length // timedelta(minutes=1)),
    }


class DoneForm(Form):
    """What was done. Several stand on one page."""

    said = ParagraphField(lazy_gettext("Anything to note?"), maximum=WORDS)
    part = TextField(lazy_gettext("Part"), maximum=SENTENCE)
    cost = CostField(lazy_gettext("Cost, in euros"))
    key = key_field()

    def __init__(self, uid: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for field in (self.said, self.part, self.cost):
            field.id = f"{field.name}-{uid}"

    @property
    def done(self) -> Done:
        return Done(self.said.data, self.part.data, self.cost.data)
