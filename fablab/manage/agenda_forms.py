"""What the team sends with a calendar file, and says of what it does."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from flask_babel import lazy_gettext
from wtforms import (
    HiddenField,
    RadioField,
    SelectChoice,
    SelectMultipleField,
    ValidationError,
)
from wtforms.widgets import CheckboxInput

from fablab.agendas.kinds import WholeDays
from fablab.agendas.lines import MAX_BYTES, TooLarge, Unreadable, clean
from fablab.agendas.reading import Event
from fablab.agendas.rules import Choice
from fablab.forms import Form, TickField, UploadField, is_sent
from fablab.machines.inventory import Inventory
from fablab.words import N_

WHOLE_DAYS = {
    WholeDays.CLOSE: N_("close the place"),
    WholeDays.TAKE: N_("take machines"),
    WholeDays.NOTHING: N_("do nothing"),
}


class Which(StrEnum):
    """The machines that events take."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


WHICH = {
    Which.ALL: N_("all machines"),
    Which.SOME: N_("those ticked below"),
    Which.NONE: N_("no machine"),
}


class FileForm(Form):
    file = UploadField(lazy_gettext("Calendar file (.ics)"), [is_sent], maximum=MAX_BYTES)

    refusal = lazy_gettext("This is not possible yet")

    @property
    def name(self) -> str:
        return clean(self.file.filename)[:100] or "calendar.ics"

    def refuse(self, error: Unreadable) -> None:
        """A file that holds too much may well be read."""
        is_too_large = isinstance(error, TooLarge)
        too_large, unreadable = (
            lazy_gettext("This file holds too much"),
            lazy_gettext("This file cannot be read"),
        )
        self.refusal = too_large if is_too_large else unreadable
        self.file.errors = (lazy_gettext(error.sentence),)


class AgendaForm(Form):
    """What the events do. Which of them are ticked is read beside it: they are no fixed list."""

    whole_days = RadioField(
        lazy_gettext("Events of whole days"),
        choices=[SelectChoice(value, lazy_gettext(word)) for value, word in WHOLE_DAYS.items()],
        coerce=WholeDays,
    )
    which = RadioField(
        lazy_gettext("Machines that events take"),
        choices=[SelectChoice(value, lazy_gettext(word)) for value, word in WHICH.items()],
        coerce=Which,
        validate_choice=False,
    )
    machines = SelectMultipleField(
        lazy_gettext("These machines"), option_widget=CheckboxInput(), validate_choice=True
    )
    cancel = TickField(lazy_gettext("Cancel these bookings"))
    bookings = SelectMultipleField(lazy_gettext("Cancel"), validate_choice=False)
    replaces = SelectMultipleField(lazy_gettext("Imported before"), validate_choice=False)
    seen = HiddenField()
    seen_bookings = HiddenField()

    def offer(self, inventory: Inventory, events: Iterable[Event] = ()) -> None:
        """`events` are those that are ticked."""
        self.events = list(events)
        categories = [
            SelectChoice(
                f"category:{each.slug}", lazy_gettext("%(category)s: all", category=each.name)
            )
            for each in inventory.categories
        ]
        machines = [
            SelectChoice(each.slug, f"{each.code} {each.name}") for each in inventory.machines
        ]
        self.machines.choices = [*categories, *machines]

    def validate_which(self, field: RadioField) -> None:
        """Nobody takes every machine of a place by not looking: nothing is chosen at first."""
        if field.data in (Which.ALL, Which.NONE) and self.machines.data:
            raise ValidationError(
                lazy_gettext("Machines are ticked: choose “those ticked below”, or untick them.")
            )
        if self.is_undecided and any(self.takes(each) for each in self.events):
            raise ValidationError(lazy_gettext("Choose which machines."))

    def takes(self, event: Event) -> bool:
        return bool(event.hours or (event.days and self.whole_days.data is WholeDays.TAKE))

    @property
    def is_undecided(self) -> bool:
        """To tick machines is to choose those."""
        return self.which.data is None and not self.machines.data

    def validate_machines(self, field: SelectMultipleField) -> None:
        if self.which.data is Which.SOME and not field.data:
            raise ValidationError(lazy_gettext("Choose at least one machine."))

    def choice(
        self, inventory: Inventory, events: Iterable[int], titles: Mapping[int, str]
    ) -> Choice:
        return Choice(
            whole_days=self.whole_days.data or WholeDays.CLOSE,
            machine_ids=tuple(self.machine_ids(inventory)),
            events=frozenset(events),
            cancels=self.cancel.data,
            cancelled=frozenset(self.bookings.data or ()),
            replaces=frozenset(self.replaces.data or ()),
            titles=titles,
        )

    def machine_ids(self, inventory: Inventory) -> list[int]:
        ticked = set(self.machines.data or ())
        return [
            machine.id
            for machine in inventory.machines
            if (self.which.data is Which.ALL and not ticked)
            or ticked & {machine.slug, f"category:{machine.category.slug}"}
        ]
