"""When agreements meet, when notice ends, when an insurance is warned of."""

from datetime import date

import pytest

from fablab.sharing.rules import Days, earliest_end, in_the_way, warning_due

MARCH = Days(date(2027, 3, 1), date(2027, 3, 31))


@pytest.mark.parametrize(
    ("first", "last", "meets"),
    [
        ("2027-02-01", "2027-02-28", False),
        ("2027-02-01", "2027-03-01", True),
        ("2027-03-31", None, True),
        ("2027-04-01", None, False),
        ("2027-01-01", None, True),
    ],
)
def test_agreements_may_follow_one_another_and_not_share_a_day(first, last, meets):
    asked = Days(date.fromisoformat(first), date.fromisoformat(last) if last else None)

    assert asked.meets(MARCH) is meets
    assert MARCH.meets(asked) is meets
    assert in_the_way(asked, [MARCH]) == (MARCH if meets else None)


def test_two_without_an_end_always_meet():
    assert Days(date(2027, 1, 1), None).meets(Days(date(2030, 1, 1), None))


def test_notice_counts_from_today_and_ends_nothing_before_it_begins():
    begun, ahead, today = date(2026, 1, 1), date(2027, 4, 15), date(2027, 3, 29)

    assert earliest_end(begun, today, 0) == today
    assert earliest_end(begun, today, 60) == date(2027, 5, 28)
    assert earliest_end(ahead, today, 0) == ahead
    assert earliest_end(ahead, today, 60) == date(2027, 5, 28)


@pytest.mark.parametrize(
    ("today", "warned", "due"),
    [
        ("2027-03-31", None, None),
        ("2027-04-01", None, 30),
        ("2027-04-01", 30, None),
        ("2027-04-23", 30, None),
        ("2027-04-24", 30, 7),
        ("2027-04-24", None, 7),
        ("2027-04-24", 7, None),
        ("2027-05-01", None, 7),  # its last day
        ("2027-05-02", None, None),
    ],
)
def test_an_insurance_that_ends_is_warned_of_thirty_and_seven_days_before(today, warned, due):
    assert warning_due(date(2027, 5, 1), date.fromisoformat(today), warned) == due
