"""What the team may type of its place: who it is, how it looks, when it opens, the days off."""

import re
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import holidays
from babel import Locale
from flask_babel import format_decimal, get_locale, lazy_gettext
from wtforms import (
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Optional
from wtforms.widgets import CheckboxInput, ColorInput, EmailInput

from fablab import texts
from fablab.forms import (
    Form,
    StrictDateField,
    StrictTimeField,
    TextField,
    TickField,
    UploadField,
    of_this_century,
)
from fablab.machines.photos import MAX_BYTES
from fablab.manage.conflicts import SeenForm
from fablab.manage.forms import REASON, translated
from fablab.manage.place_words import NAMES_SHOWN
from fablab.manage.policy_forms import ParagraphField
from fablab.members.forms import LONGEST_ADDRESS, PhoneField, an_address
from fablab.places.kinds import Mode, NamesShown
from fablab.places.words import MODES, WEEKDAYS, WEEKS
from fablab.settings import colours
from fablab.settings.closures import Days
from fablab.settings.colours import Use
from fablab.settings.concerned import Choice
from fablab.settings.openings import Hours
from fablab.words import LANGUAGES

HOUSE_RULES = 5000  # letters
LANGUAGE_CHOICES = [SelectChoice(code, name) for code, name in LANGUAGES.items()]
COLOUR = re.compile(r"#[0-9a-f]{6}")


class ParticularsForm(SeenForm):
    """How the place is reached, and its rules: for any of the team."""

    address = TextField(lazy_gettext("Address"), maximum=200)
    email = TextField(
        lazy_gettext("Mail address"),
        [Optional(), an_address],
        maximum=LONGEST_ADDRESS,
        widget=EmailInput(),
    )
    phone = PhoneField(lazy_gettext("Telephone"))
    house_rules = ParagraphField(lazy_gettext("House rules"), maximum=HOUSE_RULES)


class IdentityForm(SeenForm):
    """For administrators."""

    name = TextField(
        lazy_gettext("Name"), [DataRequired(lazy_gettext("Give it a name."))], maximum=80
    )
    zone = TextField(
        lazy_gettext("Time zone"),
        [DataRequired(lazy_gettext("There is no such time zone."))],
        maximum=60,
    )
    language = SelectField(lazy_gettext("Language of the place"), choices=LANGUAGE_CHOICES)
    names_shown = RadioField(
        lazy_gettext("Who reads whose booking it is"),
        choices=translated(NAMES_SHOWN),
        coerce=NamesShown,
    )
    has_public_feeds = TickField(lazy_gettext("A public calendar for each machine"))

    def validate_zone(self, field: TextField) -> None:
        if field.data and field.data not in zones():
            raise ValidationError(lazy_gettext("There is no such time zone."))


class ColourField(TextField):
    """A colour as browsers send it."""

    widget = ColorInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        self.data = (self.data or "").lower()


class LookForm(SeenForm):
    """The colours and the mark of the house: for administrators."""

    brick = ColourField(lazy_gettext("Stripe and mark"), maximum=7)
    blue = ColourField(lazy_gettext("Buttons and one’s own bookings"), maximum=7)
    logo = UploadField(lazy_gettext("Logo"), maximum=MAX_BYTES)
    is_without_logo = TickField(lazy_gettext("Take the logo away"))

    def validate_brick(self, field: ColourField) -> None:
        self.refuse_pale(field, Use.MARK)

    def validate_blue(self, field: ColourField) -> None:
        self.refuse_pale(field, Use.BUTTON)

    def refuse_pale(self, field: ColourField, use: Use) -> None:
        if not COLOUR.fullmatch(field.data or ""):
            raise ValidationError(lazy_gettext("Write a colour as #1c4279."))
        if not colours.reads(field.data, use):
            raise ValidationError(
                lazy_gettext(
                    "Text in this colour would not be readable by everybody: a contrast of"
                    " %(found)s, where %(least)s is needed. The nearest that is: %(nearest)s.",
                    found=format_decimal(round(colours.least_contrast(field.data, use), 1)),
                    least=format_decimal(colours.LEAST),
                    nearest=colours.nearest_that_reads(field.data, use),
                )
            )

    def values(self) -> dict[str, str]:
        """Ours are kept as nothing said, so that they stay ours should they ever change."""
        brick, blue = self.brick.data, self.blue.data
        return {
            "brick": "" if brick == colours.BRICK else brick,
            "blue": "" if blue == colours.BLUE else blue,
        }


class HoursForm(SeenForm):
    """An opening of the ordinary week, on one weekday or on several."""

    weekdays = SelectMultipleField(
        lazy_gettext("Days"),
        choices=[SelectChoice(str(day), lazy_gettext(name)) for day, name in WEEKDAYS.items()],
        option_widget=CheckboxInput(),
    )
    opens_at = StrictTimeField(
        lazy_gettext("From"), [InputRequired(lazy_gettext("Say from when."))]
    )
    closes_at = StrictTimeField(
        lazy_gettext("To"), [InputRequired(lazy_gettext("Say until when."))]
    )
    mode = RadioField(lazy_gettext("Who is there"), choices=translated(MODES), coerce=Mode)
    weeks = SelectMultipleField(
        lazy_gettext("Only in these weeks of the month"),
        choices=[SelectChoice(str(week), lazy_gettext(name)) for week, name in WEEKS.items()],
        option_widget=CheckboxInput(),
    )

    def validate_weekdays(self, field: SelectMultipleField) -> None:
        if not field.data:
            raise ValidationError(lazy_gettext("Choose at least one day."))

    @property
    def days(self) -> list[int]:
        return [int(each) for each in self.weekdays.data or ()]

    @property
    def hours(self) -> Hours:
        weeks = frozenset(int(each) for each in self.weeks.data or ())
        if len(weeks) == len(WEEKS):
            weeks = frozenset()
        opens_at, closes_at = self.opens_at.data, self.closes_at.data
        assert opens_at is not None
        assert closes_at is not None
        return Hours(opens_at, closes_at, self.mode.data, weeks)


class OpeningForm(HoursForm):
    """One opening that is there."""

    weekdays = SelectField(
        lazy_gettext("Days"),
        choices=[SelectChoice(str(day), lazy_gettext(name)) for day, name in WEEKDAYS.items()],
    )

    @property
    def days(self) -> list[int]:
        return [int(self.weekdays.data)]


class ChoiceForm(Form):
    """What becomes of the bookings that other hours would leave outside."""

    bookings = SelectMultipleField(lazy_gettext("Cancel"), validate_choice=False)
    cancel_all = TickField(lazy_gettext("Cancel all of them"))
    why = TextField(lazy_gettext("Reason they are told"), maximum=REASON)
    seen_bookings = HiddenField()

    def choice(self, why: str = "") -> Choice:
        return Choice(
            seen=self.seen_bookings.data or "",
            cancelled=frozenset(self.bookings.data or ()),
            cancels_all=self.cancel_all.data,
            why=self.why.data or why,
        )


class ClosureForm(SeenForm):
    first_day = StrictDateField(
        lazy_gettext("First day"), [InputRequired(lazy_gettext("Choose a day.")), of_this_century]
    )
    last_day = StrictDateField(lazy_gettext("Last day"), [Optional(), of_this_century])
    reason = TextField(
        lazy_gettext("Reason"),
        [DataRequired(lazy_gettext("Say why: members read it."))],
        maximum=REASON,
    )
    repeats_yearly = TickField(lazy_gettext("Every year again"))

    def validate_last_day(self, field: StrictDateField) -> None:
        first = self.first_day.data
        if not field.data or not first:
            return
        if field.data < first:
            raise ValidationError(lazy_gettext("It ends before it begins."))
        if (field.data - first).days >= 366:
            raise ValidationError(lazy_gettext("That is longer than a year."))

    def validate_repeats_yearly(self, field: TickField) -> None:
        first, last = self.first_day.data, self.last_day.data
        if field.data and first and last and (last - first).days >= 364:
            raise ValidationError(lazy_gettext("A year of closure cannot come again every year."))

    @property
    def days(self) -> Days:
        first = self.first_day.data
        assert first is not None
        last = self.last_day.data or first
        return Days(first, last, self.reason.data, self.repeats_yearly.data)


class HolidaysForm(SeenForm):
    holidays_country = SelectField(lazy_gettext("Country"))
    holidays_subdivision = SelectField(lazy_gettext("Part of it"), validate_choice=False)

    def offer(self, chosen: str) -> None:
        """The countries, in the reader's language, and the parts of the one that is chosen."""
        self.holidays_country.choices = [
            SelectChoice("", lazy_gettext("None: no public holiday closes the place")),
            *(SelectChoice(code, name) for code, name in countries(str(get_locale() or "fr"))),
        ]
        self.holidays_subdivision.choices = [
            SelectChoice("", lazy_gettext("None in particular")),
            *(SelectChoice(code, name) for code, name in parts_of(chosen)),
        ]

    @property
    def subdivision(self) -> str:
        """Of the country that is chosen; that of another one is none."""
        codes = {code for code, _name in parts_of(self.holidays_country.data or "")}
        said: str = self.holidays_subdivision.data or ""
        return said if said in codes else ""


@cache
def zones() -> frozenset[str]:
    """Those of a region of the world, and UTC: what is left out are abbreviations and offsets."""
    return frozenset(
        zone
        for zone in available_timezones()
        if zone == "UTC" or ("/" in zone and not zone.startswith(("Etc/", "posix/", "right/")))
    )


@cache
def countries(language: str) -> list[tuple[str, str]]:
    """Those whose public holidays are known, by their names in `language`."""
    names = Locale.parse(language).territories
    known = [code for code in holidays.list_supported_countries() if len(code) == 2]
    pairs = [(code, names[code]) for code in known if code in names]
    return sorted(pairs, key=lambda pair: texts.plain(pair[1]))


@cache
def parts_of(country: str) -> list[tuple[str, str]]:
    """The parts of a country with other holidays, by what they are called there."""
    if country not in holidays.list_supported_countries():
        return []
    made: Any = holidays.country_holidays(country)
    names = {code: name for name, code in getattr(made, "subdivisions_aliases", {}).items()}
    return [
        (code, f"{names[code]} ({code})" if code in names else code) for code in made.subdivisions
    ]
