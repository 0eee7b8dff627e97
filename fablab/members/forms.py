"""What may be typed to open, enter and change an account."""

import re
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext, lazy_gettext
from wtforms import HiddenField, PasswordField, SelectField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length, StopValidation
from wtforms.widgets import EmailInput, TelInput

from fablab.forms import Form, TextField, TickField
from fablab.members import passwords
from fablab.words import LANGUAGES

LONGEST_ADDRESS = 254  # characters: RFC 5321 §4.5.3.1.3, less the angle brackets
LONGEST_TYPED = 1000  # characters of a password that is only compared
PHONE = re.compile(r"\+?[0-9 ().\-/]{6,30}", re.ASCII)

RULE = lazy_gettext(
    "12 characters or more: a short sentence is fine, and no capital, digit or sign is asked for. "
    "Neither your own name nor a password that anyone would try first."
)


class EmailField(TextField):
    """A mail address that can be written to; its data is in the form accounts are found under."""

    widget = EmailInput()

    def __init__(self, label: Any, missing: Any = None, **kwargs: Any) -> None:
        asked = DataRequired(missing or lazy_gettext("Write your mail address."))
        super().__init__(label, [asked, an_address], maximum=LONGEST_ADDRESS, **kwargs)


def an_address(_form: Any, field: EmailField) -> None:
    """No address is asked whether it exists: the mail that is sent to it will tell."""
    try:
        found = validate_email(
            field.data or "", check_deliverability=False, allow_smtputf8=False
        ).ascii_email
    except EmailNotValidError as error:
        problem = gettext("This is no mail address. Write it like name@place.org.")
        raise StopValidation(problem) from error
    field.data = (found or "").lower()


class NameField(TextField):
    """A part of a name; `asked` is said when it is missing."""

    def __init__(self, label: Any, asked: Any, **kwargs: Any) -> None:
        super().__init__(label, [DataRequired(asked)], maximum=80, **kwargs)


def first_name() -> Any:
    return NameField(lazy_gettext("First name"), lazy_gettext("Tell us your first name."))


def last_name() -> Any:
    return NameField(lazy_gettext("Last name"), lazy_gettext("Tell us your last name."))


class PhoneField(TextField):
    widget = TelInput()

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(label, [a_number], maximum=30, **kwargs)


def a_number(_form: Any, field: PhoneField) -> None:
    if field.data and not PHONE.fullmatch(field.data):
        raise StopValidation(gettext("Write it with digits, like +33 5 00 00 00 00."))


class KnownPassword(PasswordField):
    """A password that exists already: compared, never judged."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        asked = InputRequired(lazy_gettext("Type your password."))
        limit = Length(max=LONGEST_TYPED, message=lazy_gettext("That is too long."))
        super().__init__(label, [asked, limit], **kwargs)


class NewPassword(PasswordField):
    """A password being chosen, judged with what its form knows of the person (`about`)."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        asked = InputRequired(lazy_gettext("Choose a password."))
        super().__init__(label, [asked, a_good_password], description=RULE, **kwargs)


def a_good_password(form: Any, field: NewPassword) -> None:
    try:
        passwords.check(field.data or "", form.about)
    except passwords.WeakPassword as weak:
        raise ValidationError(gettext(str(weak))) from weak


class LoginForm(Form):
    email = EmailField(lazy_gettext("E-mail"))
    password = KnownPassword(lazy_gettext("Password"))
    shared = TickField(lazy_gettext("This is a shared computer"))
    next = HiddenField()


class RegisterForm(Form):
    first_name = first_name()
    last_name = last_name()
    email = EmailField(lazy_gettext("E-mail"))
    password = NewPassword(lazy_gettext("Password"))
    next = HiddenField()

    @property
    def about(self) -> tuple[str, ...]:
        return (self.first_name.data or "", self.last_name.data or "", self.email.data or "")


class ConfirmForm(Form):
    """Confirms an address; asks the password unless it is deleted from the form."""

    password = KnownPassword(lazy_gettext("The password you chose"))
    shared = TickField(lazy_gettext("This is a shared computer"))


class ForgottenForm(Form):
    email = EmailField(lazy_gettext("E-mail"))
    next = HiddenField()


class ChoosePasswordForm(Form):
    password = NewPassword(lazy_gettext("New password"))

    def __init__(self, *args: Any, about: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.about = about


class ChangePasswordForm(ChoosePasswordForm):
    current = KnownPassword(lazy_gettext("Current password"))


class ChangeEmailForm(Form):
    email = EmailField(lazy_gettext("New mail address"))
    current = KnownPassword(lazy_gettext("Current password"))

    def __init__(self, *args: Any, known: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = known

    def validate_email(self, field: EmailField) -> None:
        if field.data == self.known:
            raise ValidationError(gettext("This is the address you have now."))


class ProfileForm(Form):
    first_name = first_name()
    last_name = last_name()
    phone = PhoneField(lazy_gettext("Phone"))
    shares_phone = TickField(lazy_gettext("The team may see my telephone number"))
    language = SelectField(lazy_gettext("Language of my mails and pages"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language.choices = list(LANGUAGES.items())
