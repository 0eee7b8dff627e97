"""How long something was open, booked and used."""

from datetime import date, timedelta

import pytest

from fablab.clock import whole_day
from fablab.figures.rules import Use, stay, together, use_of
from tests.support import PARIS, slot

HOUR = timedelta(hours=1)
TUESDAY = whole_day(PARIS, date(2027, 3, 30))
OPEN = [slot("2027-03-30 10:00-18:00")]


def test_what_is_booked_is_counted_beside_what_is_open():
    use = use_of(TUESDAY, OPEN, [slot("2027-03-30 10:00-12:00"), slot("2027-03-30 14:00-16:00")])

    assert use == Use(8 * HOUR, 4 * HOUR, None)
    assert use.share == 50


def test_of_what_runs_over_midnight_each_day_has_its_part():
    night = [slot("2027-03-30 22:00-06:00")]
    wednesday = whole_day(PARIS, date(2027, 3, 31))

    assert use_of(TUESDAY, OPEN, night).booked == 2 * HOUR
    assert use_of(wednesday, [], night).booked == 6 * HOUR


def test_what_is_lent_for_days_counts_while_it_is_open():
    whole = [slot("2027-03-30 00:00-00:00")]

    assert use_of(TUESDAY, OPEN, whole, only_open_time=True).booked == 8 * HOUR
    assert use_of(TUESDAY, OPEN, whole).booked == 24 * HOUR
    assert use_of(TUESDAY, OPEN, whole).share == 100


def test_where_nothing_is_open_there_is_no_share():
    assert use_of(TUESDAY, [], [slot("2027-03-30 10:00-12:00")]).share == 0


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25)], ids=["spring", "autumn"]
)
def test_the_days_of_the_clock_changes_are_as_long_as_they_are(day, hours):
    whole = whole_day(PARIS, day)

    assert use_of(whole, [whole], [whole]) == Use(hours * HOUR, hours * HOUR, None)


def test_real_stays_are_counted_apart_and_nobody_twice():
    stays = [slot("2027-03-30 10:10-11:40"), slot("2027-03-30 11:30-12:00")]

    assert use_of(TUESDAY, OPEN, [], stays).used == timedelta(hours=1, minutes=50)
    assert use_of(TUESDAY, OPEN, [], []).used == timedelta(0)


@pytest.mark.parametrize(
    ("arrived", "left", "until"),
    [
        ("10:10", "11:40", "11:40"),
        ("10:10", None, "12:00"),  # nobody said when
        ("11:10", None, "12:00"),
    ],
)
def test_a_stay_ends_when_somebody_says_so_or_the_booking_does(arrived, left, until):
    booked, there = slot("2027-03-30 10:00-12:00"), slot(f"2027-03-30 {arrived}-{until}")
    gone = there.end if left else None

    assert stay(booked, there.start, gone, now=booked.end + HOUR) == there


def test_a_stay_under_way_is_as_long_as_it_has_been():
    booked = slot("2027-03-30 10:00-12:00")

    assert stay(booked, booked.start, None, now=booked.start + HOUR).duration == HOUR
    assert stay(booked, booked.start, None, now=booked.start) is None
    assert stay(booked, None, None, now=booked.end) is None


def test_several_machines_add_up_and_what_is_not_known_of_one_hides_no_other():
    one, other = Use(8 * HOUR, 4 * HOUR, 3 * HOUR), Use(8 * HOUR, 8 * HOUR, None)

    assert together([one, other]) == Use(16 * HOUR, 12 * HOUR, 3 * HOUR)
    assert together([other]).used is None
    assert together([]) == Use(0 * HOUR, 0 * HOUR, None)
