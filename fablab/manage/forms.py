"""What the team may type, in which format."""

from datetime import date
from typing import Any

from flask_babel import lazy_gettext
from wtforms import (
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Optional
from wtforms.widgets import CheckboxInput

from fablab.forms import Form, StrictDateField, TextField, of_this_century
from fablab.machines.kinds import MachineState
from fablab.manage.words import ROLES, STATES, WALL_NAMES
from fablab.members.kinds import Audience, Role
from fablab.members.staff import GRANTED
from fablab.members.words import AUDIENCES
from fablab.places.kinds import WallNames
from fablab.trainings.words import LEVELS

REASON = 200  # letters


def translated(words: dict[Any, str]) -> list[SelectChoice]:
    return [SelectChoice(value, lazy_gettext(word)) for value, word in words.items()]


class DayForm(Form):
    """The day to show, from an address."""

    class Meta(Form.Meta):
        csrf = False

    day = StrictDateField(lazy_gettext("Day"), [Optional(), of_this_century])


class MembershipForm(Form):
    audience = SelectField(
        lazy_gettext("Kind of member"), choices=translated(AUDIENCES), coerce=Audience
    )
    valid_until = StrictDateField(lazy_gettext("Valid until"), [Optional(), of_this_century])


class WallForm(Form):
    wall_names = RadioField(
        lazy_gettext("Who is there is shown by"),
        choices=translated(WALL_NAMES),
        coerce=WallNames,
        validators=[InputRequired()],
    )


class FromToday(Form):
    """A form that knows the place's day, for dates that must not be over already."""

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def refuse_the_past(self, field: StrictDateField) -> None:
        if field.data and field.data < self.today:
            raise ValidationError(lazy_gettext("This day is over already."))


class SuspensionForm(FromToday):
    suspended_until = StrictDateField(
        lazy_gettext("Until the end of"),
        [InputRequired(lazy_gettext("Say until when.")), of_this_century],
    )
    reason = TextField(
        lazy_gettext("Reason"), [DataRequired(lazy_gettext("Say why."))], maximum=REASON
    )

    def validate_suspended_until(self, field: StrictDateField) -> None:
        self.refuse_the_past(field)


class LiftForm(Form):
    """Why a mark is taken away. Several stand on one page."""

    why = TextField(
        lazy_gettext("Reason"), [DataRequired(lazy_gettext("Say why."))], maximum=REASON
    )

    def __init__(self, mark_uid: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mark_uid = mark_uid
        self.why.id = f"lift-{mark_uid}"


class RolesForm(Form):
    roles = SelectMultipleField(
        lazy_gettext("Roles"),
        choices=translated({role: word for role, word in ROLES.items() if role in GRANTED}),
        coerce=Role,
        option_widget=CheckboxInput(),
    )


class QualificationForm(FromToday):
    """Without `level` for a training, which says itself which level it grants."""

    level = SelectField(
        lazy_gettext("Level"),
        choices=translated({str(level.value): word for level, word in LEVELS.items()}),
    )
    given_on = StrictDateField(
        lazy_gettext("Given on"),
        [InputRequired(lazy_gettext("Choose a day.")), of_this_century],
    )
    expires_on = StrictDateField(lazy_gettext("Valid until"), [Optional(), of_this_century])

    @property
    def level_given(self) -> int | None:
        return int(self.level.data) if "level" in self else None

    def validate_given_on(self, field: StrictDateField) -> None:
        if field.data and field.data > self.today:
            raise ValidationError(lazy_gettext("That day has not come yet."))

    def validate_expires_on(self, field: StrictDateField) -> None:
        given_on = self.given_on.data
        if field.data and given_on and field.data < given_on:
            raise ValidationError(lazy_gettext("It ends before it begins."))


class StateForm(FromToday):
    state = RadioField(
        lazy_gettext("The machine is"),
        choices=translated(
            {state: word for state, word in STATES.items() if state is not MachineState.RETIRED}
        ),
        coerce=MachineState,
    )
    state_reason = TextField(lazy_gettext("Reason"), maximum=REASON)
    back_on = StrictDateField(lazy_gettext("Expected back on"), [Optional(), of_this_century])

    def validate_state_reason(self, field: TextField) -> None:
        if self.is_stopped and not field.data:
            raise ValidationError(lazy_gettext("Say why: members read it."))

    def validate_back_on(self, field: StrictDateField) -> None:
        if self.is_stopped:
            self.refuse_the_past(field)

    @property
    def is_stopped(self) -> bool:
        return self.state.data is not MachineState.IN_SERVICE
