"""What a training asks for, and how long what it gives lasts."""

from datetime import date

import pytest

from fablab.trainings.rules import last_valid_day, lasts_until


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


GIVEN = date(2027, 3, 29)


def last_day(**changed):
    """Of two years of validity from 29 March 2027, unless the test says otherwise."""
    facts = {
        "given_on": GIVEN,
        "expires_on": date(2029, 3, 29),
        "validity_months": 24,
        "inactivity_months": None,
        "is_renewed_by_use": False,
        "last_used_on": None,
    }
    return last_valid_day(**facts | changed)


@pytest.mark.parametrize(
    ("changed", "day"),
    [
        ({}, "2029-03-29"),
        ({"last_used_on": date(2028, 6, 1)}, "2029-03-29"),
        # Renewed by use: from the last use, and never the shorter for it.
        ({"is_renewed_by_use": True}, "2029-03-29"),
        ({"is_renewed_by_use": True, "last_used_on": date(2028, 6, 1)}, "2030-06-01"),
        ({"is_renewed_by_use": True, "last_used_on": date(2026, 6, 1)}, "2029-03-29"),
        (
            {
                "is_renewed_by_use": True,
                "last_used_on": date(2027, 4, 1),
                "expires_on": date(2035, 1, 1),
            },
            "2035-01-01",
        ),
        (
            {
                "is_renewed_by_use": True,
                "last_used_on": date(2028, 6, 1),
                "validity_months": None,
            },
            "2029-03-29",
        ),
        # Unused for so long: from the last use, or from the day it was given.
        ({"inactivity_months": 6}, "2027-09-29"),
        ({"inactivity_months": 6, "last_used_on": date(2026, 1, 1)}, "2027-09-29"),
        ({"inactivity_months": 6, "last_used_on": date(2028, 6, 1)}, "2028-12-01"),
        ({"inactivity_months": 6, "last_used_on": date(2029, 2, 1)}, "2029-03-29"),
        ({"inactivity_months": 6, "expires_on": None}, "2027-09-29"),
        (
            {
                "inactivity_months": 6,
                "is_renewed_by_use": True,
                "last_used_on": date(2029, 2, 1),
            },
            "2029-08-01",
        ),
    ],
)
def test_use_renews_it_or_want_of_use_ends_it(changed, day):
    assert last_day(**changed) == date.fromisoformat(day)


@pytest.mark.parametrize("used_on", [None, date(2028, 6, 1)])
def test_what_is_given_for_life_is_not_ended_by_use(used_on):
    assert last_day(expires_on=None, is_renewed_by_use=True, last_used_on=used_on) is None
