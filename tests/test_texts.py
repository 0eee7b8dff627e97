"""How days and hours are written in each language."""

from datetime import date

import pytest

from fablab import texts
from tests.support import PARIS, instant


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
