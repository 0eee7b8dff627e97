"""How days and hours are written in each language."""

from dataclasses import replace
from datetime import UTC, date, time, timedelta

import pytest

from fablab import texts
from fablab.places import words
from fablab.places.kinds import Mode
from fablab.places.rules import WeeklyOpening
from fablab.slots import Slot
from tests.support import PARIS, instant, slot


@pytest.fixture
def spoken(app):
    """spoken("fr", write): what `write` gives to a reader of French."""

    def say(language, write):
        with app.test_request_context("/", headers={"Cookie": f"language={language}"}):
            return write()

    return say


@pytest.mark.parametrize(
    ("language", "day", "written"),
    [
        ("fr", date(2027, 3, 1), "lundi 1er mars"),
        ("fr", date(2027, 3, 2), "mardi 2 mars"),
        ("fr", date(2027, 3, 31), "mercredi 31 mars"),
        ("en", date(2027, 3, 1), "Monday 1 March"),
    ],
)
def test_french_counts_the_first_of_a_month_with_its_ordinal(spoken, language, day, written):
    assert spoken(language, lambda: texts.day(day)) == written


@pytest.mark.parametrize(
    ("language", "written"),
    [("fr", "jeudi 1er avril à 14:00"), ("en", "Thursday 1 April 14:00")],
)
def test_a_moment_is_said_as_each_language_says_it(spoken, language, written):
    assert spoken(language, lambda: texts.moment(instant("2027-04-01 14:00"), PARIS)) == written


def test_a_short_day_has_its_ordinal_too(spoken):
    assert spoken("fr", lambda: texts.day(date(2027, 4, 1), texts.SHORT_DAY)) == "jeu. 1er"


@pytest.mark.parametrize(
    ("minutes", "written"),
    [
        (0, "0 min"),
        (45, "45 min"),
        (60, "1 h"),
        (65, "1 h 05"),
        (90, "1 h 30"),
        (1439, "23 h 59"),
        (1440, "1 day"),
        (2880, "2 days"),
        (1500, "25 h"),
    ],
)
def test_a_length_is_said_as_on_the_workshops_wall(spoken, minutes, written):
    assert spoken("en", lambda: texts.length(timedelta(minutes=minutes))) == written


@pytest.mark.parametrize(
    ("span", "written"),
    [
        ("2027-03-30 09:00-10:30", "9:00–10:30"),
        ("2027-03-30 22:00-00:00", "22:00–24:00"),
        ("2027-03-30 00:00-00:00", "all day"),
        ("2027-03-28 00:00-00:00", "all day"),  # of 23 hours
        ("2027-03-30 22:00-06:00", "Tuesday 30 March 22:00 – Wednesday 31 March 6:00"),
        ("2027-03-28 01:00-04:00", "1:00–4:00"),  # two hours, over the spring gap
        ("2027-10-31 01:00-03:00", "1:00–3:00"),  # three hours, in autumn
    ],
)
def test_hours_are_those_of_the_wall(spoken, span, written):
    assert spoken("en", lambda: texts.hours(slot(span), PARIS)) == written


@pytest.mark.parametrize("day", ["2027-03-28", "2027-03-30", "2027-10-31"])
def test_a_whole_day_is_named_of_whatever_length(spoken, day):
    start = instant(f"{day} 00:00")
    wall = start.astimezone(PARIS)
    span = Slot(start, (wall + timedelta(days=1)).astimezone(UTC))

    said = spoken("en", lambda: texts.day_and_hours(span, PARIS))

    assert said == f"{wall:%A} {wall.day} {wall:%B}, all day"


def test_whole_days_have_no_hours(spoken):
    span = Slot(instant("2027-03-27 00:00"), instant("2027-03-29 00:00"))

    said = spoken("en", lambda: texts.hours(span, PARIS))

    assert said == "from Saturday 27 March to Sunday 28 March"


def test_a_sentence_is_filled_with_what_people_read(spoken):
    values = {
        "long": timedelta(minutes=90),
        "day": date(2027, 3, 30),
        "at": instant("2027-03-30 14:00"),
        "hours": (slot("2027-03-30 10:00-12:00"), slot("2027-03-30 14:00-18:00")),
        "who": "100 % Amina",
    }

    said = spoken(
        "en",
        lambda: texts.filled("%(long)s | %(day)s | %(at)s | %(hours)s | %(who)s", values, PARIS),
    )

    assert said == (
        "1 h 30 | Tuesday 30 March | Tuesday 30 March 14:00"
        " | 10:00–12:00, 14:00–18:00 | 100 % Amina"
    )


def test_no_sentence_says_nothing(spoken):
    assert spoken("en", lambda: texts.filled("", {}, PARIS)) == ""


@pytest.mark.parametrize(
    ("language", "marks"), [("fr", ["8 h", "24 h"]), ("en", ["8:00", "24:00"])]
)
def test_a_scale_is_marked_as_each_language_does(spoken, language, marks):
    assert spoken(language, lambda: [texts.hour_mark(8), texts.hour_mark(24)]) == marks


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", ["", "laser", "laser and saw", "laser, saw and kiln"]),
        ("fr", ["", "laser", "laser et saw", "laser, saw et kiln"]),
    ],
)
def test_names_are_joined_as_in_a_sentence(spoken, language, written):
    names = ("laser", "saw", "kiln")

    said = spoken(language, lambda: [texts.together(names[:count]) for count in range(4)])

    assert said == written


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "first, third and fifth Tuesday"), ("fr", "1er, 3e et 5e mardi")],
)
def test_the_weeks_of_an_opening_are_said_of_its_day(spoken, language, written):
    opening = WeeklyOpening(2, time(10), time(12), Mode.SUPERVISED, frozenset({1, 3, 5}))

    assert spoken(language, lambda: words.weeks(opening)) == written
    assert spoken(language, lambda: words.weeks(replace(opening, weeks=frozenset()))) == ""


@pytest.mark.parametrize(
    ("opens", "closes", "mode", "written"),
    [
        (0, 0, Mode.RESIDENT, "day and night by badge"),
        (0, 0, Mode.NIGHT, "day and night"),
        (20, 20, Mode.NIGHT, "20:00–20:00 the next day at night"),
        (20, 0, Mode.NIGHT, "20:00–24:00 at night"),
    ],
)
def test_an_opening_around_the_clock_is_said_without_hours(spoken, opens, closes, mode, written):
    opening = WeeklyOpening(2, time(opens), time(closes), mode)

    assert spoken("en", lambda: words.in_words(opening)) == written
