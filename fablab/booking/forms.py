"""The shape of what a member types; whether it is allowed is for the rules."""

import re
from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from uuid import uuid4

from flask_babel import lazy_gettext
from wtforms import (
    Field,
    HiddenField,
    SelectChoice,
    SelectField,
    SubmitField,
    ValidationError,
)
from wtforms.validators import InputRequired, Optional, Regexp
from wtforms.widgets import CheckboxInput

from fablab.booking.queries import BookedBy, LastChoice
from fablab.booking.series_rules import FEWEST, MOST, how_many
from fablab.clock import from_wall, is_skipped
from fablab.forms import Form, StrictDateField, StrictTimeField, TextField, TickField, parse_day
from fablab.machines.inventory import MachineFacts
from fablab.slots import Slot

# Nobody books a machine for longer in one go.
LONGEST = timedelta(days=31)
FIRST_YEAR, LAST_YEAR = 2000, 2200
# For whom one books, beside the number of an organization. Nothing sent is oneself too.
ONESELF, UNSAID = "self", "choose"
A_HASH = re.compile(r"[0-9a-f]{64}")  # SHA-256


def parse_near_day(typed: str) -> date | None:
    """A day far enough from both ends of the calendar to count from, or None."""
    day = parse_day(typed)
    return day if day and FIRST_YEAR <= day.year <= LAST_YEAR else None


class NearDayField(StrictDateField):
    problem = lazy_gettext("There is no such day to choose. Write it as 2027-03-31.")

    def parse(self, typed: str) -> date | None:
        return parse_near_day(typed)


def day_of_end(day: date, start: time | None, end: time | None, *, spans_nights: bool) -> date:
    """The day that an end said without one is of: midnight is that of the night after.

    So is any end that does not follow its start, where one may stay over the night.
    """
    is_before = start is not None and end is not None and end <= start
    is_of_the_next = end == time.min or (spans_nights and is_before)
    return day + timedelta(days=1) if is_of_the_next else day


class SlotForm(Form):
    """A slot as people type it, on the place's clock."""

    longest = LONGEST
    too_long = lazy_gettext("That is longer than a month.")

    day = NearDayField(lazy_gettext("Day"), [InputRequired(lazy_gettext("Choose a day."))])
    start = StrictTimeField(
        lazy_gettext("From"), [InputRequired(lazy_gettext("Say when it starts."))]
    )
    end_day = NearDayField(lazy_gettext("Last day, if another"), [Optional()])
    end = StrictTimeField(lazy_gettext("To"), [InputRequired(lazy_gettext("Say when it ends."))])

    def __init__(self, *args: Any, zone: tzinfo, spans_nights: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.spans_nights = spans_nights  # then an end before the start is one of the next day

    def validate_start(self, field: StrictTimeField) -> None:
        self._refuse_a_skipped_hour(self.day.data, field)

    def validate_end(self, field: StrictTimeField) -> None:
        """It follows the start, once `last_day` has said of which day it is."""
        if self.end_day.errors:
            return
        self._refuse_a_skipped_hour(self.last_day, field)
        if self.day.data is None or self.start.data is None or field.data is None:
            return
        if self.start.errors:
            return
        span = self.ends_at - from_wall(self.zone, self.day.data, self.start.data)
        if span <= timedelta(0):
            raise ValidationError(
                lazy_gettext("The end must come after the start: choose a later last day.")
                if self.end_day.data
                else lazy_gettext("The end must come after the start.")
            )
        if span > self.longest:
            raise ValidationError(self.too_long)

    def _refuse_a_skipped_hour(self, day: date | None, field: StrictTimeField) -> None:
        if day and field.data is not None and is_skipped(self.zone, day, field.data):
            raise ValidationError(
                lazy_gettext("The clocks go forward that night: this hour does not exist.")
            )

    @property
    def last_day(self) -> date | None:
        """The day it ends on: the one typed, else `day_of_end`."""
        if self.end_day.data or not self.day.data:
            return self.end_day.data or self.day.data
        return day_of_end(
            self.day.data, self.start.data, self.end.data, spans_nights=self.spans_nights
        )

    @property
    def ends_at(self) -> datetime:
        assert self.last_day
        assert self.end.data is not None
        return from_wall(self.zone, self.last_day, self.end.data)

    @property
    def slot(self) -> Slot:
        """The slot asked for, in UTC; only once the form is valid.

        An hour that the autumn night shows twice means its first pass (PEP 495, fold=0).
        """
        assert self.day.data
        assert self.start.data is not None
        return Slot(from_wall(self.zone, self.day.data, self.start.data), self.ends_at)


class ReadField(Field):
    """A box to tick under a text, that says by its value which text was read.

    Its data is the hash of that text, empty when it was not ticked. Beside another text, of
    another machine or changed meanwhile, the box is drawn empty and asks again.
    """

    widget = CheckboxInput()
    shown = ""

    def show(self, text_hash: str) -> None:
        """Draw it beside the text of this hash."""
        self.shown = text_hash

    @property
    def checked(self) -> bool:
        return bool(self.data) and self.data == self.shown

    def process_data(self, value: str | None) -> None:
        self.data = value or ""

    def process_formdata(self, valuelist: list[str]) -> None:
        sent = valuelist[0] if valuelist else ""
        self.data = sent if A_HASH.fullmatch(sent) else ""

    def _value(self) -> str:
        return self.shown


def chosen_again(last: LastChoice | None, possible: Collection[int]) -> str:
    """What one chose last, while it is `possible`; UNSAID for what one has yet to choose."""
    if last is None or last.organization_id not in {None, *possible}:
        return UNSAID
    return str(last.organization_id) if last.organization_id else ONESELF


class ForWhomForm(Form):
    """For whom one books: oneself, or an organization one may act for.

    Whoever has several to choose from and never chose is asked: none of them is a guess.
    """

    who = ""  # whom the team fills it in for, by name

    organization = SelectField(
        lazy_gettext("On behalf of"),
        [
            Optional(),
            Regexp(
                rf"(?:{ONESELF}|{UNSAID}|[1-9][0-9]{{0,8}})\Z",
                message=lazy_gettext("Choose from the list."),
            ),
        ],
        validate_choice=False,
        default="",
    )

    def validate_organization(self, field: SelectField) -> None:
        if field.data == UNSAID:
            raise ValidationError(
                lazy_gettext("Say for whom it is: %(who)s or an organization.", who=self.who)
                if self.who
                else lazy_gettext("Say for whom you book: yourself or an organization.")
            )

    def offer_organizations(self, organizations: Iterable[BookedBy]) -> None:
        """What the list lets one choose from; one that is not in it any more is asked anew."""
        organizations = list(organizations)
        if self.organization_id not in {None, *(each.id for each in organizations)}:
            self.organization.data = UNSAID
        unsaid = [(UNSAID, lazy_gettext("Choose…"))] if self.organization.data == UNSAID else []
        self.organization.choices = [
            *unsaid,
            (ONESELF, self.who or lazy_gettext("Myself")),
            *((str(each.id), each.name) for each in organizations),
        ]

    @property
    def organization_id(self) -> int | None:
        """None: for oneself, or nothing that may be chosen."""
        chosen = (self.organization.data or "").strip()
        is_number = len(chosen) < 10 and chosen.isascii() and chosen.isdigit()
        return int(chosen) if is_number else None


# What the fields of a booking are called for whoever fills them in for somebody else.
OF_THEM = {
    "purpose": lazy_gettext("Their project"),
    "buddy": lazy_gettext("Their buddy's e-mail address"),
    "accompanied": lazy_gettext("Somebody of the team is to stay with them"),
    "safety": lazy_gettext("They have read them and will keep to them"),
}


class BookingForm(ForWhomForm, SlotForm):
    """A slot on a machine, for whom and what for.

    Whether the machine and the organization are theirs to choose is asked by the view and by
    the rules; what the lists show is looked up only when the form is.
    """

    machine = SelectField(lazy_gettext("Machine"), validate_choice=False)
    purpose = TextField(lazy_gettext("Your project"), maximum=200)
    buddy = TextField(lazy_gettext("Your buddy's e-mail address"), maximum=254)
    accompanied = TickField(lazy_gettext("I ask somebody of the team to stay with me"))
    safety = ReadField(lazy_gettext("I have read them and will keep to them"))
    repeat = SelectField(
        lazy_gettext("Repeat"),
        choices=[
            SelectChoice("", lazy_gettext("No")),
            SelectChoice("1", lazy_gettext("Every week")),
            SelectChoice("2", lazy_gettext("Every other week")),
        ],
        default="",
    )
    until = NearDayField(lazy_gettext("Until"))
    # By the team: for whom, by their uid, and why a rule is set aside.
    member = HiddenField(
        lazy_gettext("This form"),
        [
            Optional(),
            Regexp(
                r"[0-9a-f-]{36}\Z",
                message=lazy_gettext("It was damaged on the way; send it again."),
            ),
        ],
    )
    override = TextField(lazy_gettext("Why this rule is set aside"), maximum=200)
    key = HiddenField(
        lazy_gettext("This form"),
        [
            Optional(),
            Regexp(
                r"[A-Za-z0-9-]{8,64}\Z",
                message=lazy_gettext("It was damaged on the way; send it again."),
            ),
        ],
    )
    revision = HiddenField(
        lazy_gettext("This form"),
        [
            Optional(),
            Regexp(
                r"[0-9]{1,9}\Z",
                message=lazy_gettext("It was damaged on the way; send it again."),
            ),
        ],
    )  # of the booking being changed, when the form was drawn
    check = SubmitField()  # asks what the rules say, and books nothing

    def speak_of(self, who: str) -> None:
        """Of whom the team fills it in for, rather than to them; empty: of nobody else."""
        self.who = who
        for field, label in OF_THEM.items() if who else ():
            self[field].label.text = label

    def offer(self, organizations: Iterable[BookedBy], machines: Iterable[MachineFacts]) -> None:
        """What the lists let one choose from."""
        self.machine.choices = [(one.slug, f"{one.code} {one.name}") for one in machines]
        self.offer_organizations(organizations)

    def validate_organization(self, field: SelectField) -> None:
        """Whoever only asks about the hours need not have chosen yet."""
        if not self.check.data:
            super().validate_organization(field)

    def validate_until(self, field: NearDayField) -> None:
        if not self.every_weeks or field.errors:
            return
        if field.data is None:
            raise ValidationError(lazy_gettext("Say until which day it repeats."))
        if self.day.data is None:
            return
        count = how_many(self.day.data, field.data, self.every_weeks)
        if count < FEWEST:
            raise ValidationError(
                lazy_gettext("Until then it repeats not once: choose a later day.")
            )
        if count > MOST:
            raise ValidationError(
                lazy_gettext(
                    "That makes %(count)s dates; %(most)s is the most.", count=count, most=MOST
                )
            )

    @property
    def every_weeks(self) -> int:
        """How many weeks lie between two occurrences; 0 when it does not repeat."""
        return {"1": 1, "2": 2}.get(self.repeat.data or "", 0)

    @property
    def drawn_for(self) -> int | None:
        """The revision of the booking that the form was drawn for."""
        return int(self.revision.data) if self.revision.data else None

    def renew_key(self) -> None:
        """Give a form that came without a sound key one that it can be sent again with."""
        if self.key.errors or not self.key.data:
            self.key.data = str(uuid4())


REASON = 200  # letters


class CancellationForm(Form):
    """Why somebody else's booking is cancelled: they read it."""

    why = TextField(lazy_gettext("Reason"), maximum=REASON)
