"""What a training asks for, and how long what it gives lasts."""

from datetime import date

import pytest

from fablab.members.kinds import AgeBand
from fablab.members.rules import warning_due
from fablab.trainings.kinds import Seating
from fablab.trainings.rules import (
    is_old_enough,
    is_to_cancel,
    last_valid_day,
    lasts_until,
    may_grant,
    seating_for,
)


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


@pytest.mark.parametrize(
    ("today", "days"),
    [
        ("2029-02-26", None),
        ("2029-02-27", 30),
        ("2029-03-21", 30),
        ("2029-03-22", 7),
        ("2029-03-29", 7),
        ("2029-03-30", None),
    ],
)
def test_its_end_is_said_30_and_7_days_before(today, days):
    last_day = date(2029, 3, 29)

    assert warning_due(last_day, given_on=GIVEN, today=date.fromisoformat(today)) == days


@pytest.mark.parametrize(
    ("given_on", "days"), [("2027-03-09", None), ("2027-02-26", None), ("2027-02-25", 30)]
)
def test_what_is_given_for_a_short_while_does_not_start_with_a_warning(given_on, days):
    last_day, given = date(2027, 3, 28), date.fromisoformat(given_on)

    assert warning_due(last_day, given_on=given, today=date(2027, 3, 9)) == days


@pytest.mark.parametrize(
    ("band", "minimum_age", "is_one"),
    [
        (AgeBand.UNDER_16, None, True),
        (AgeBand.UNDER_16, 14, False),
        (AgeBand.FROM_16, 16, True),
        (AgeBand.FROM_16, 17, False),
        (AgeBand.ADULT, 18, True),
        (AgeBand.ADULT, 21, True),
    ],
)
def test_somebody_is_old_enough_when_that_is_certain(band, minimum_age, is_one):
    assert is_old_enough(band, minimum_age) is is_one


def test_a_full_session_makes_one_wait():
    assert seating_for(seats=4, seated=3) is Seating.SEATED
    assert seating_for(seats=4, seated=4) is Seating.WAITING


def test_fewer_than_the_minimum_are_too_few():
    assert is_to_cancel(seated=1, minimum_people=2)
    assert not is_to_cancel(seated=2, minimum_people=2)


AMINA, BRUNO = 1, 2
LASER, BENCH = 11, 12


def granting(**changed):
    facts = {
        "by_id": BRUNO,
        "member_id": AMINA,
        "is_team": False,
        "machines": {LASER},
        "trains_on": (),
        "looks_after": (),
    }
    return may_grant(**facts | changed)


@pytest.mark.parametrize(
    ("changed", "is_allowed"),
    [
        ({}, False),
        ({"is_team": True}, True),
        ({"is_team": True, "machines": ()}, True),
        ({"is_team": True, "member_id": BRUNO}, False),
        ({"trains_on": {LASER}}, True),
        ({"looks_after": {LASER}}, True),
        ({"looks_after": {LASER}, "member_id": BRUNO}, False),
        ({"trains_on": {BENCH}}, False),
        ({"trains_on": {LASER}, "machines": {LASER, BENCH}}, False),
        ({"trains_on": {LASER}, "looks_after": {BENCH}, "machines": {LASER, BENCH}}, True),
        ({"trains_on": {LASER}, "machines": ()}, False),
    ],
)
def test_the_team_grants_anything_others_on_their_machines_and_nobody_themselves(
    changed, is_allowed
):
    assert granting(**changed) is is_allowed
