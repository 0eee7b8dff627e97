"""What may be typed about an agreement: its terms, its end, a time in which the owner needs it."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from flask_babel import lazy_gettext
from wtforms import (
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    ValidationError,
)
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import CheckboxInput, NumberInput, TextInput

from fablab.forms import (
    Form,
    ParagraphField,
    StrictDateField,
    StrictField,
    StrictTimeField,
    TickField,
    UploadField,
    of_this_century,
)
from fablab.machines import documents
from fablab.machines.kinds import InCharge, Silence
from fablab.members.kinds import Audience
from fablab.members.words import AUDIENCES
from fablab.places.rules import WeeklyOpening
from fablab.places.weeks import over_midnight, overlapping
from fablab.places.words import WEEKDAYS
from fablab.sharing.commands import Terms
from fablab.sharing.words import IN_CHARGE, SILENCES

TERMS = 5000  # letters
RANGES = 7  # of hours in which the owner comes first
LONGEST_NOTICE, LONGEST_ANSWER, LONGEST_RELEASE = 730, 720, 720  # days, hours, hours
PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?", re.ASCII)
NEVER_SHOWN = -1  # no revision is
LONGEST_NIGHT = 12 * 60  # minutes: what is longer was typed the wrong way round
TURNED_ROUND = lazy_gettext("These hours end before they begin: over midnight, 12 hours at most.")
CAME_IN_PARTS = lazy_gettext("Give the day and both hours, or none of them.")


class CountField(StrictField):
    """A whole number from `least` to `most`."""

    widget = NumberInput()

    def __init__(self, label: Any, *, least: int = 0, most: int, **kwargs: Any) -> None:
        super().__init__(label, [InputRequired(lazy_gettext("Give a number."))], **kwargs)
        self.least, self.most = least, most
        self.problem = lazy_gettext(
            "Give a whole number from %(least)s to %(most)s.", least=least, most=most
        )

    def parse(self, typed: str) -> int | None:
        is_number = typed.isascii() and typed.isdigit() and len(typed) < 6
        return int(typed) if is_number and self.least <= int(typed) <= self.most else None


class PercentField(StrictField):
    """A share as people write it: `60`, `33,3` or `12.50`, with or without the sign."""

    widget = TextInput()
    problem = lazy_gettext("Give a share from 0 to 100, like 60 or 12.5.")

    def parse(self, typed: str) -> Decimal | None:
        found = PERCENT.fullmatch(typed.replace("%", "").strip())
        if not found:
            return None
        share = Decimal(f"{found[1]}.{found[2] or '0'}")
        return share if share <= 100 else None

    def written(self, value: Decimal) -> str:
        return f"{value.normalize():f}"


class RangeFields(NamedTuple):
    weekday: SelectField
    opens: StrictTimeField
    closes: StrictTimeField

    @property
    def is_empty(self) -> bool:
        return not (self.weekday.data or self.opens.typed_something or self.closes.typed_something)

    @property
    def errors(self) -> list[Any]:
        return [*self.weekday.errors, *self.opens.errors, *self.closes.errors]


class HourField(StrictTimeField):
    @property
    def typed_something(self) -> bool:
        return bool(self.data is not None or self.raw_data)


def choices(words: dict[Any, str]) -> list[SelectChoice]:
    return [SelectChoice(each.value, lazy_gettext(word)) for each, word in words.items()]


class AgreementForm(Form):
    first_day = StrictDateField(
        lazy_gettext("First day"), [InputRequired(lazy_gettext("Choose a day.")), of_this_century]
    )
    last_day = StrictDateField(lazy_gettext("Last day"), [Optional(), of_this_century])
    notice_days = CountField(lazy_gettext("Notice of the owner, in days"), most=LONGEST_NOTICE)
    audiences = SelectMultipleField(
        lazy_gettext("Shared with"),
        choices=choices({each: AUDIENCES[each] for each in Audience if each is not Audience.STAFF}),
        option_widget=CheckboxInput(),
    )
    terms = ParagraphField(lazy_gettext("Terms, in words"), maximum=TERMS)
    asks_owner = TickField(lazy_gettext("The owner agrees to each booking"))
    answer_hours = CountField(
        lazy_gettext("The owner answers within, in hours"), least=1, most=LONGEST_ANSWER
    )
    silence = RadioField(lazy_gettext("Without an answer"), choices=choices(SILENCES))
    release_hours = CountField(
        lazy_gettext("Unused, free for everybody so many hours before"), most=LONGEST_RELEASE
    )
    insured_by = SelectField(lazy_gettext("Insured by"), choices=choices(IN_CHARGE))
    maintained_by = SelectField(lazy_gettext("Maintained by"), choices=choices(IN_CHARGE))
    insured_until = StrictDateField(
        lazy_gettext("Insured until, that day included"), [Optional(), of_this_century]
    )
    document = UploadField(lazy_gettext("Insurance document"), maximum=documents.MAX_BYTES)
    share = PercentField(
        lazy_gettext("Share of the owner, in percent"),
        [InputRequired(lazy_gettext("Give a share."))],
    )
    revision = HiddenField()

    def validate_last_day(self, field: StrictDateField) -> None:
        if field.data and self.first_day.data and field.data < self.first_day.data:
            raise ValidationError(lazy_gettext("It ends before it begins."))

    def validate_revision(self, field: HiddenField) -> None:
        typed = field.data or ""
        if typed and not (typed.isascii() and typed.isdigit() and len(typed) < 10):
            raise ValidationError(lazy_gettext("This cannot be read."))

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        is_valid = super().validate(*args, **kwargs)
        return self.ranges_are_apart() and is_valid

    def ranges_are_apart(self) -> bool:
        """Each of them whole, and none in the hours of another; what is wrong stands beside it."""
        taken: list[WeeklyOpening] = []
        is_fine = True
        for row in self.ranges:
            if row.is_empty:
                continue
            problem = None
            if row.weekday.errors or row.opens.errors or row.closes.errors:
                is_fine = False
            elif not row.weekday.data or row.opens.data is None or row.closes.data is None:
                problem = CAME_IN_PARTS
            else:
                one = opening(row)
                if sum(part.end - part.start for part in over_midnight(one)) > LONGEST_NIGHT:
                    problem = TURNED_ROUND
                elif overlapping(one, taken):
                    problem = lazy_gettext("The owner comes first in these hours already.")
                taken.append(one)
            if problem:
                row.opens.errors, is_fine = [problem], False
        return is_fine

    @property
    def ranges(self) -> list[RangeFields]:
        return [
            RangeFields(self[f"weekday_{n}"], self[f"opens_{n}"], self[f"closes_{n}"])
            for n in range(RANGES)
        ]

    @property
    def ranges_shown(self) -> list[RangeFields]:
        """Those up to the last that holds something, wrong or not, and two to write in."""
        used = [n for n, row in enumerate(self.ranges, 1) if not row.is_empty or row.errors]
        return self.ranges[: max(max(used, default=0) + 2, 3)]

    @property
    def drawn_for(self) -> int:
        return int(self.revision.data) if self.revision.data else NEVER_SHOWN

    @property
    def agreed(self) -> Terms:
        return Terms(
            first_day=told(self.first_day),
            last_day=told(self.last_day),
            notice_days=told(self.notice_days),
            audiences=tuple(told(self.audiences) or ()),
            terms=told(self.terms),
            asks_owner=told(self.asks_owner),
            answer_within=timedelta(hours=told(self.answer_hours)),
            silence=Silence(told(self.silence)),
            ranges=tuple(opening(row) for row in self.ranges if not row.is_empty),
            release=timedelta(hours=told(self.release_hours)),
            insured_by=InCharge(told(self.insured_by)),
            maintained_by=InCharge(told(self.maintained_by)),
            insured_until=told(self.insured_until),
            share=told(self.share),
        )


for _n in range(RANGES):
    setattr(
        AgreementForm,
        f"weekday_{_n}",
        SelectField(
            lazy_gettext("Day"),
            choices=[
                SelectChoice("", lazy_gettext("None")),
                *(SelectChoice(str(day), lazy_gettext(name)) for day, name in WEEKDAYS.items()),
            ],
            default="",
        ),
    )
    setattr(AgreementForm, f"opens_{_n}", HourField(lazy_gettext("From")))
    setattr(AgreementForm, f"closes_{_n}", HourField(lazy_gettext("To")))


def told(field: Any) -> Any:
    """What a field holds that was validated, whatever its type."""
    return field.data


def opening(row: RangeFields) -> WeeklyOpening:
    return WeeklyOpening(int(told(row.weekday)), told(row.opens), told(row.closes))


def drawn(agreement: Any) -> dict[str, Any]:
    """The values of the form for an agreement that exists."""
    hour = timedelta(hours=1)
    ranges = {
        f"{name}_{n}": value
        for n, each in enumerate(agreement.ranges)
        for name, value in (
            ("weekday", str(each.weekday)),
            ("opens", each.opens_at),
            ("closes", each.closes_at),
        )
    }
    plain = "first_day last_day notice_days audiences terms asks_owner insured_until share revision"
    return {
        **{name: getattr(agreement, name) for name in plain.split()},
        "answer_hours": agreement.answer_within // hour,
        "release_hours": agreement.release // hour,
        "silence": agreement.silence.value,
        "insured_by": agreement.insured_by.value,
        "maintained_by": agreement.maintained_by.value,
        **ranges,
    }


def blank(today: date) -> dict[str, Any]:
    return {
        "first_day": today,
        "notice_days": 60,
        "answer_hours": 48,
        "release_hours": 24,
        "silence": Silence.LAPSES.value,
        "insured_by": InCharge.OWNER.value,
        "maintained_by": InCharge.OWNER.value,
        "share": Decimal(50),
    }


class EndForm(Form):
    """The last day of an agreement."""

    last_day = StrictDateField(
        lazy_gettext("Last day"), [InputRequired(lazy_gettext("Choose a day.")), of_this_century]
    )

    @property
    def day(self) -> date:
        return told(self.last_day)
