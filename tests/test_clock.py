"""The bridge between UTC and the clock on the wall, on the nights it breaks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablab import clock
from tests.support import PARIS

SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)


@pytest.mark.parametrize(
    ("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2027, 3, 29), 24), (date(2027, 1, 1), 24)]
)
def test_a_day_lasts_as_long_as_its_clock_says(day, hours):
    assert clock.whole_day(PARIS, day).duration == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("day", "hour", "skipped", "repeated"),
    [
        (SPRING, time(1, 59), False, False),
        (SPRING, time(2, 0), True, False),
        (SPRING, time(2, 59), True, False),
        (SPRING, time(3, 0), False, False),
        (AUTUMN, time(1, 59), False, False),
        (AUTUMN, time(2, 0), False, True),
        (AUTUMN, time(2, 59), False, True),
        (AUTUMN, time(3, 0), False, False),
        (date(2027, 6, 1), time(2, 30), False, False),
    ],
)
def test_which_hours_the_wall_skips_and_which_it_shows_twice(day, hour, skipped, repeated):
    assert clock.is_skipped(PARIS, day, hour) is skipped
    assert clock.is_repeated(PARIS, day, hour) is repeated


def test_an_hour_shown_twice_means_its_first_pass():
    assert clock.from_wall(PARIS, AUTUMN, time(2, 30)) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


@given(
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(["Europe/Paris", "Indian/Reunion", "America/Martinique", "Europe/Lisbon"]),
)
def test_the_wall_reads_what_was_typed_unless_the_hour_does_not_exist(day, at, name):
    zone = ZoneInfo(name)

    wall = clock.to_wall(zone, clock.from_wall(zone, day, at))

    assert (wall.date(), wall.time()) == (day, at) or clock.is_skipped(zone, day, at)


@pytest.mark.real_clock
def test_now_is_in_utc_and_has_no_fraction_of_a_second():
    before = datetime.now(UTC)

    now = clock.now()

    assert now.tzinfo is UTC
    assert now.microsecond == 0
    assert before - timedelta(seconds=1) < now <= datetime.now(UTC)
