"""What the team may type about an organization, in which format."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import SelectField
from wtforms.validators import DataRequired, InputRequired, Optional

from fablab.forms import Form, StrictDateField, TextField, of_this_century
from fablab.manage.forms import FromToday, translated
from fablab.manage.words import ORGANIZATIONS
from fablab.members.forms import EmailField
from fablab.organizations.commands import Particulars
from fablab.organizations.kinds import OrganizationKind

NAME, WORDS = 120, 80  # letters


class OrganizationForm(Form):
    name = TextField(
        lazy_gettext("Name"), [DataRequired(lazy_gettext("Write its name."))], maximum=NAME
    )
    kind = SelectField(
        lazy_gettext("Kind"), choices=translated(ORGANIZATIONS), coerce=OrganizationKind
    )
    trade = TextField(lazy_gettext("Trade"), maximum=WORDS)
    legal_form = TextField(lazy_gettext("Legal form"), maximum=WORDS)
    hosted_since = StrictDateField(lazy_gettext("Hosted since"), [Optional(), of_this_century])

    def refuse_the_name(self) -> None:
        self["name"].errors = [
            lazy_gettext(
                "Another organization of the place has this name: say which of them it is."
            )
        ]

    @property
    def particulars(self) -> Particulars:
        return Particulars(
            self["name"].data,
            self.kind.data,
            self.trade.data or "",
            self.legal_form.data or "",
            self.hosted_since.data,
        )


class EndForm(FromToday):
    last_day = StrictDateField(
        lazy_gettext("Last day"),
        [InputRequired(lazy_gettext("Choose a day.")), of_this_century],
    )

    def validate_last_day(self, field: Any) -> None:
        self.refuse_the_past(field)


class PersonForm(Form):
    """Somebody of the place to take in at once; who has no account yet is invited instead."""

    email = EmailField(lazy_gettext("Mail address of a member"))
