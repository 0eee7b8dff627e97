"""When regular maintenance is due, and what time it takes."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from fablab.upkeep.kinds import Unit
from fablab.upkeep.maintenance_rules import Rhythm, first_free, slot_on
from tests.support import PARIS, instant, slot

DAY = "2027-03-30"
OPEN = [slot(f"{DAY} 10:00-18:00"), slot("2027-03-31 10:00-18:00")]
NOW = instant("2027-03-29 09:00")


def due(rhythm, first, since, until):
    days = rhythm.due(*(date.fromisoformat(day) for day in (first, since, until)))
    return [day.isoformat() for day in days]


@pytest.mark.parametrize(
    ("rhythm", "first", "expected"),
    [
        (Rhythm(10, Unit.DAYS), "2027-01-01", ["2027-01-01", "2027-01-11", "2027-01-21"]),
        (Rhythm(2, Unit.WEEKS), "2027-01-05", ["2027-01-05", "2027-01-19"]),
        (Rhythm(2, Unit.WEEKS, 4), "2027-01-05", ["2027-01-07", "2027-01-21"]),
        (Rhythm(3, Unit.DAYS, 1), "2027-01-02", ["2027-01-04", "2027-01-11", "2027-01-18"]),
    ],
)
def test_it_is_due_from_its_first_day_on(rhythm, first, expected):
    assert due(rhythm, first, "2027-01-01", "2027-01-22")[: len(expected)] == expected


def test_a_month_ends_where_it_ends_and_the_next_has_its_days_again():
    days = due(Rhythm(1, Unit.MONTHS), "2027-10-31", "2027-01-01", "2028-03-31")

    assert days == [
        "2027-10-31",
        "2027-11-30",
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
    ]


def test_both_bounds_are_included_and_nothing_before():
    daily = Rhythm(1, Unit.DAYS)

    assert due(daily, "2027-01-01", "2027-01-03", "2027-01-04") == ["2027-01-03", "2027-01-04"]
    assert due(daily, "2027-01-05", "2027-01-01", "2027-01-04") == []


@pytest.mark.parametrize(
    ("day", "starts"),
    [
        ("2027-03-27", "2027-03-27 08:00"),
        ("2027-03-28", "2027-03-28 07:00"),  # the clocks go forward
        ("2027-10-30", "2027-10-30 07:00"),
        ("2027-10-31", "2027-10-31 08:00"),  # and back
    ],
)
def test_its_hour_is_the_one_on_the_wall(day, starts):
    found = slot_on(PARIS, date.fromisoformat(day), time(9), timedelta(hours=2))

    assert found.start == datetime.fromisoformat(starts).replace(tzinfo=UTC)
    assert found.duration == timedelta(hours=2)


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([], f"{DAY} 10:00-12:00"),
        (["12:00-13:00"], f"{DAY} 10:00-12:00"),
        (["11:00-12:00"], f"{DAY} 12:00-14:00"),
        (["10:00-11:00", "12:00-13:00"], f"{DAY} 13:00-15:00"),
        (["11:00-17:00"], "2027-03-31 10:00-12:00"),  # not after closing time
    ],
)
def test_what_is_taken_goes_to_the_next_time_that_is_free(taken, expected):
    spans = [slot(f"{DAY} {each}") for each in taken]

    assert first_free(slot(f"{DAY} 10:00-12:00"), spans, OPEN, NOW) == slot(expected)


def test_what_is_outside_opening_hours_may_stay_outside():
    wanted, taken = slot(f"{DAY} 07:00-09:00"), [slot(f"{DAY} 08:00-09:30")]

    assert first_free(wanted, taken, OPEN, NOW) == slot(f"{DAY} 09:30-11:30")


def test_a_week_later_it_is_given_up():
    wanted, taken = slot(f"{DAY} 10:00-12:00"), [slot(f"{DAY} 09:00-12:00")]
    far = [slot("2027-04-10 10:00-18:00")]

    assert first_free(wanted, taken, [slot(f"{DAY} 10:00-12:00"), *far], NOW) is None


def test_what_has_begun_is_no_time_any_more():
    wanted = slot(f"{DAY} 10:00-12:00")

    assert first_free(wanted, [], OPEN, wanted.start) == wanted
    assert first_free(wanted, [], [OPEN[0]], wanted.start + timedelta(seconds=1)) is None
