"""How often one may try, and how long a session lasts."""

from datetime import timedelta

import pytest

from fablab.members.rules import GUESSES, Lifetime, Limit
from tests.support import instant

NOON = instant("2027-03-30 12:00")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LIMIT = Limit(5, 25, first=SECOND, longest=15 * MINUTE)


@pytest.mark.parametrize(
    ("count", "pause"),
    [
        (0, 0 * SECOND),
        (4, 0 * SECOND),
        (5, 1 * SECOND),
        (6, 2 * SECOND),
        (10, 32 * SECOND),
        (14, 512 * SECOND),
        (15, 15 * MINUTE),
        (24, 15 * MINUTE),
    ],
)
def test_each_try_after_the_free_ones_waits_twice_as_long(count, pause):
    oldest = NOON - HOUR if count else None
    newest = NOON if count else None

    assert LIMIT.wait(count, oldest, newest, now=NOON) == pause


def test_the_wait_counts_from_the_last_try():
    for_six = LIMIT.wait(8, NOON - HOUR, NOON, now=NOON + 3 * SECOND)

    assert for_six == 5 * SECOND
    assert LIMIT.wait(8, NOON - HOUR, NOON, now=NOON + 8 * SECOND) == timedelta(0)
    assert LIMIT.wait(8, NOON - HOUR, NOON, now=NOON + HOUR) == timedelta(0)


def test_after_the_most_of_a_day_the_oldest_has_to_be_a_day_old():
    assert LIMIT.wait(25, NOON - HOUR, NOON, now=NOON) == 23 * HOUR
    assert LIMIT.wait(40, NOON - 23 * HOUR, NOON, now=NOON) == 1 * HOUR


def test_passwords_may_be_guessed_five_times_at_once_and_twenty_five_times_a_day():
    assert (GUESSES.free, GUESSES.most) == (5, 25)


LASTS = Lifetime(idle=30 * MINUTE, absolute=8 * HOUR)


def test_a_session_ends_when_it_was_idle_for_long_enough():
    just_before = NOON + 30 * MINUTE - SECOND

    assert not LASTS.is_over(began=NOON, seen=NOON, now=just_before)
    assert LASTS.is_over(began=NOON, seen=NOON, now=just_before + SECOND)


def test_a_session_ends_in_the_end_however_busy():
    end = NOON + 8 * HOUR

    assert not LASTS.is_over(began=NOON, seen=end - MINUTE, now=end - SECOND)
    assert LASTS.is_over(began=NOON, seen=end - MINUTE, now=end)


def test_a_visit_is_noted_ten_times_per_idle_time_at_most():
    assert not LASTS.is_to_refresh(seen=NOON, now=NOON + 3 * MINUTE - SECOND)
    assert LASTS.is_to_refresh(seen=NOON, now=NOON + 3 * MINUTE)


def test_a_clock_that_was_ahead_ends_no_session():
    assert not LASTS.is_over(began=NOON + HOUR, seen=NOON + HOUR, now=NOON)
