"""When a machine's owner comes first: on the wall clock, over midnight, until it is released."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from fablab.machines.agreements import (
    Agreement,
    Used,
    agreement_on,
    is_shared_on,
    kept_for_owner,
    overnight,
    with_ranges,
)
from fablab.members.kinds import Audience
from fablab.places.rules import WeeklyOpening
from tests.support import PARIS, instant, slot

A_DAY = timedelta(days=1)
MONDAY_MORNING = WeeklyOpening(1, time(9), time(12))
AGREED = Agreement(
    "a",
    3,
    "Studio Fil",
    date(2027, 1, 1),
    date(2027, 12, 31),
    ranges=(MONDAY_MORNING,),
    release=A_DAY,
)
RANGE = slot("2027-04-05 09:00-12:00")


def kept(around, now, used=(), agreed=AGREED):
    return kept_for_owner((agreed,), PARIS, slot(around), used, instant(now))


@pytest.mark.parametrize(
    ("day", "covered"),
    [("2026-12-31", False), ("2027-01-01", True), ("2027-12-31", True), ("2028-01-01", False)],
)
def test_the_first_and_the_last_day_belong_to_an_agreement(day, covered):
    assert AGREED.covers(date.fromisoformat(day)) is covered
    assert replace(AGREED, last_day=None).covers(date(2199, 1, 1))


def test_what_nothing_was_agreed_about_is_shared_like_any_machine():
    assert is_shared_on((), date(2027, 4, 5))
    assert not is_shared_on((AGREED,), date(2026, 12, 31))
    assert agreement_on((AGREED,), date(2026, 12, 31)) is None


def test_it_is_open_to_all_or_to_those_who_are_named_and_the_team():
    for_residents = replace(AGREED, audiences=frozenset({Audience.RESIDENT}))

    assert all(AGREED.is_open_to(each) for each in (*Audience, None))
    assert {each for each in Audience if for_residents.is_open_to(each)} == {
        Audience.RESIDENT,
        Audience.STAFF,
    }


@pytest.mark.parametrize(
    ("around", "is_in"),
    [
        ("2027-04-05 07:00-09:00", False),
        ("2027-04-05 08:00-09:01", True),
        ("2027-04-05 11:59-13:00", True),
        ("2027-04-05 12:00-13:00", False),
        ("2027-04-06 09:00-12:00", False),
    ],
)
def test_a_range_is_kept_to_the_minute(around, is_in):
    assert kept(around, "2027-04-01 09:00") == ([RANGE] if is_in else [])


@pytest.mark.parametrize(
    ("now", "is_kept"),
    [("2027-04-04 08:59", True), ("2027-04-04 09:00", False), ("2027-04-05 10:00", False)],
)
def test_unused_it_is_free_for_all_so_long_before_it_begins(now, is_kept):
    assert kept("2027-04-05 10:00-11:00", now) == ([RANGE] if is_kept else [])


def test_one_that_is_never_released_is_kept_to_its_end():
    agreed = replace(AGREED, release=timedelta(0))

    assert kept("2027-04-05 10:00-11:00", "2027-04-05 11:00", agreed=agreed) == [RANGE]


@pytest.mark.parametrize(
    ("used", "since", "is_kept"),
    [
        ("2027-04-05 11:59-12:30", "2027-04-04 08:59", True),
        ("2027-04-05 11:59-12:30", "2027-04-04 09:00", False),  # it was free for all already
        ("2027-04-05 12:00-13:00", "2027-04-01 09:00", False),
    ],
)
def test_what_its_people_booked_in_time_keeps_the_rest_of_it_for_them(used, since, is_kept):
    theirs = [Used(slot(used), instant(since))]

    assert kept("2027-04-05 09:00-10:00", "2027-04-04 12:00", theirs) == (
        [RANGE] if is_kept else []
    )


def test_a_range_over_midnight_belongs_to_the_day_it_begins_on():
    agreed = replace(AGREED, ranges=(WeeklyOpening(1, time(22), time(2)),))
    night = slot("2027-04-05 22:00-02:00")

    assert kept("2027-04-06 01:00-03:00", "2027-04-01 09:00", agreed=agreed) == [night]
    assert kept("2027-04-05 01:00-03:00", "2027-04-01 09:00", agreed=agreed) == []
    assert (overnight([agreed]), overnight([AGREED])) == (A_DAY, timedelta(0))


def test_it_is_there_on_the_days_of_the_agreement_alone():
    until_sunday = replace(AGREED, last_day=date(2027, 4, 4))

    assert kept("2027-04-05 09:00-12:00", "2027-04-01 09:00", agreed=until_sunday) == []


@pytest.mark.parametrize(
    ("sunday", "hours"), [("2027-03-28", 2), ("2027-10-31", 4)]
)  # 1:00 to 4:00 on the wall
def test_its_hours_are_those_on_the_wall_when_the_clocks_change(sunday, hours):
    agreed = replace(AGREED, ranges=(WeeklyOpening(7, time(1), time(4)),))

    [span] = kept(f"{sunday} 00:00-06:00", "2027-03-01 09:00", agreed=agreed)

    assert span.duration == timedelta(hours=hours)


def test_a_range_is_looked_at_whole():
    assert with_ranges((AGREED,), PARIS, slot("2027-04-05 11:00-13:00")) == slot(
        "2027-04-05 09:00-13:00"
    )
    assert with_ranges((), PARIS, RANGE) == RANGE
