"""For whom the team says that a booking counts, and why."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext
from wtforms import HiddenField, SelectField, ValidationError
from wtforms.validators import DataRequired, Regexp

from fablab.booking.behalf import Behalf
from fablab.booking.forms import ONESELF, REASON
from fablab.forms import Form, TextField
from fablab.organizations.kinds import ACTIVITY


class BehalfForm(Form):
    organization = SelectField(
        lazy_gettext("On behalf of"),
        [
            Regexp(
                rf"(?:{ONESELF}|[1-9][0-9]{{0,8}})\Z", message=lazy_gettext("Choose from the list.")
            )
        ],
        validate_choice=False,
    )
    activity = TextField(lazy_gettext("Activity account"), maximum=ACTIVITY)
    why = TextField(
        lazy_gettext("Reason"), [DataRequired(lazy_gettext("Say why."))], maximum=REASON
    )
    revision = HiddenField(
        lazy_gettext("This form"),
        [
            Regexp(
                r"[0-9]{1,9}\Z",
                message=lazy_gettext("It was damaged on the way; send it again."),
            )
        ],
    )

    def offer(self, who: str, organizations: Iterable[Behalf]) -> None:
        """What the list lets one choose from; `who` booked."""
        self.organization.choices = [
            (ONESELF, who),
            *((str(each.id), each.name) for each in organizations),
        ]

    def validate_activity(self, field: Any) -> None:
        if field.data and self.organization.data == ONESELF:
            raise ValidationError(
                lazy_gettext("An activity account is one in an organization: choose it too.")
            )

    @property
    def organization_id(self) -> int | None:
        """Only once the form is valid."""
        chosen = self.organization.data
        return None if chosen == ONESELF else int(chosen)
