"""What the team may type about an organization, in which format."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import SelectChoice, SelectField
from wtforms.validators import DataRequired, InputRequired, Optional, StopValidation

from fablab.forms import Form, StrictDateField, TextField, of_this_century
from fablab.manage.forms import FromToday, translated
from fablab.manage.words import AUDIENCES, ORGANIZATIONS
from fablab.members.forms import EmailField
from fablab.members.kinds import Audience
from fablab.organizations.commands import Particulars
from fablab.organizations.kinds import OrganizationKind
from fablab.organizations.rules import is_siren

NAME, WORDS, CODE = 120, 80, 40  # letters


class SirenField(TextField):
    """Nine digits that prove each other, spaces between them or not."""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        self.data = "".join((self.data or "").split())

    def pre_validate(self, form: Any) -> None:
        if self.data and not is_siren(self.data):
            raise StopValidation(
                lazy_gettext("This is no SIREN number: it has nine digits, and one of them is off.")
            )


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
    siren = SirenField(lazy_gettext("SIREN number"), maximum=20)
    audience = SelectField(
        lazy_gettext("Whose prices hold"),
        choices=[
            SelectChoice("", lazy_gettext("Those of whoever books")),
            *(each for each in translated(AUDIENCES) if each.value != Audience.STAFF),
        ],
        default="",
    )
    customer_code = TextField(lazy_gettext("Customer code"), maximum=CODE)

    @classmethod
    def of(cls, row: Any) -> "OrganizationForm":
        """With what is known of an organization."""
        data = {name: getattr(row, name) for name in Particulars._fields}
        return cls(formdata=None, data=data | {"audience": row.audience or ""})

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
            self.siren.data or "",
            Audience(self.audience.data) if self.audience.data else None,
            self.customer_code.data or "",
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
