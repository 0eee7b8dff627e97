"""How long a training's qualification lasts."""

from datetime import date

import pytest

from fablab.trainings.rules import lasts_until


@pytest.mark.parametrize(
    ("given_on", "months", "until"),
    [
        ("2027-03-29", 24, "2029-03-29"),
        ("2027-11-30", 3, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2027-12-31", 1, "2028-01-31"),
        ("2027-01-15", 12, "2028-01-15"),
    ],
)
def test_it_lasts_until_the_same_day_of_the_month_or_the_months_last(given_on, months, until):
    assert lasts_until(date.fromisoformat(given_on), months) == date.fromisoformat(until)


def test_without_a_number_of_months_it_is_for_life():
    assert lasts_until(date(2027, 3, 29), None) is None
