"""What may be chosen about one's mails."""

from collections.abc import Collection
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import RadioField, SelectChoice, SelectMultipleField, ValidationError
from wtforms.widgets import CheckboxInput

from fablab.forms import Form
from fablab.invitations.choice_words import CHANNELS, KINDS, Words
from fablab.members.kinds import Channel, MailKind


def named(words: dict[Any, Words], offered: Collection[str]) -> list[SelectChoice]:
    return [SelectChoice(str(each), lazy_gettext(words[each].name)) for each in offered]


class MailsForm(Form):
    """One channel, and a box for each kind of mail: ticked are those that are wanted."""

    channel = RadioField(
        lazy_gettext("How my bookings reach me"),
        choices=named(CHANNELS, CHANNELS),
        validate_choice=False,
    )
    kinds = SelectMultipleField(
        lazy_gettext("Which mails I want"), choices=[], option_widget=CheckboxInput()
    )

    def __init__(self, *args: Any, offered: Collection[MailKind], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = offered
        self.kinds.choices = named(KINDS, offered)

    def validate_channel(self, field: RadioField) -> None:
        if field.data not in CHANNELS:
            raise ValidationError(gettext("Choose one of these."))

    @property
    def unwanted(self) -> frozenset[MailKind]:
        return frozenset(kind for kind in self.offered if kind not in (self.kinds.data or ()))

    @property
    def channel_chosen(self) -> Channel:
        return Channel(self.channel.data)
