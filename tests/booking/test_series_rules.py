"""The same hours on the wall, week after week, and what the rules say of each."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablab.booking.known import Facts, Own, Taken
from fablab.booking.rules import refusals
from fablab.booking.series_rules import Hours, counting, days_of, how_many, nearest, without
from fablab.booking.verdicts import Reason
from fablab.clock import to_wall
from fablab.machines.policies import BookingPolicy
from fablab.places.rules import Schedule, WeeklyOpening
from fablab.slots import Slot
from tests.support import PARIS, instant, slot

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)  # Sundays
WEEK = Schedule(
    zone=PARIS, openings=tuple(WeeklyOpening(day, time(10), time(18)) for day in range(2, 7))
)
POLICY = BookingPolicy(horizon_days=60)
FACTS = Facts(now=instant("2027-03-16 09:00"), schedule=WEEK, policy=POLICY, machine_id=1)


def wall(slot: Slot) -> str:
    start, end = to_wall(PARIS, slot.start), to_wall(PARIS, slot.end)
    return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M}"


# -- which days


def test_every_week_until_a_day_that_is_included():
    days = days_of(date(2027, 3, 16), date(2027, 3, 30), 1)

    assert days == [date(2027, 3, 16), date(2027, 3, 23), date(2027, 3, 30)]


def test_every_other_week_until_a_day_that_need_not_be_one_of_them():
    assert days_of(date(2027, 3, 16), date(2027, 4, 12), 2) == [
        date(2027, 3, 16),
        date(2027, 3, 30),
    ]


@pytest.mark.parametrize(
    ("until", "count"),
    [
        (date(2027, 3, 9), 0),
        (date(2027, 3, 15), 0),
        (date(2027, 3, 16), 1),
        (date(2027, 3, 22), 1),
        (date(2027, 3, 23), 2),
        (date(2200, 1, 1), 9017),
    ],
)
def test_so_many_they_are(until, count):
    assert how_many(date(2027, 3, 16), until, 1) == count


@pytest.mark.parametrize(("weeks", "is_possible"), [(0, False), (1, True), (51, True), (52, False)])
def test_they_are_two_at_least_and_a_year_of_weeks_at_most(weeks, is_possible):
    first = date(2027, 3, 16)

    if is_possible:
        assert len(days_of(first, first + weeks * 7 * DAY, 1)) == weeks + 1
    else:
        with pytest.raises(ValueError, match="occurrences"):
            days_of(first, first + weeks * 7 * DAY, 1)


# -- the same hours, whatever the clocks do


@pytest.mark.parametrize(
    ("first", "change", "utc_before", "utc_after"),
    [("2027-03-23", SPRING, 13, 12), ("2027-10-26", AUTUMN, 12, 13)],
)
def test_the_hours_on_the_wall_stay_across_a_clock_change(first, change, utc_before, utc_after):
    asked = slot(f"{first} 14:00-16:00")
    day = date.fromisoformat(first)
    assert day < change < day + 7 * DAY

    after = Hours.of(asked, PARIS).on(day + 7 * DAY, PARIS)

    assert wall(after).endswith("14:00-16:00")
    assert (asked.start.hour, after.start.hour) == (utc_before, utc_after)
    assert after.duration == asked.duration


def test_an_end_on_another_day_is_kept():
    hours = Hours.of(slot("2027-03-19 22:00-06:00"), PARIS)

    assert hours.nights == 1
    assert hours.on(date(2027, 3, 26), PARIS) == slot("2027-03-26 22:00-06:00")


def test_a_night_in_which_the_clocks_change_is_shorter_or_longer():
    hours = Hours.of(slot("2027-03-20 22:00-06:00"), PARIS)

    assert hours.on(SPRING - DAY, PARIS).duration == 7 * HOUR
    assert hours.on(AUTUMN - DAY, PARIS).duration == 9 * HOUR


def test_an_hour_that_does_not_exist_is_the_hour_after():
    hours = Hours(time(2, 30), time(5), 0)

    assert wall(hours.on(SPRING, PARIS)) == "2027-03-28 03:30-05:00"
    assert list(hours.odd(SPRING, PARIS)) == [(time(2, 30), False)]


def test_where_the_spring_night_leaves_nothing_the_length_is_kept():
    made = Hours(time(2, 30), time(3), 0).on(SPRING, PARIS)

    assert wall(made) == "2027-03-28 03:30-04:00"


def test_an_hour_shown_twice_is_its_first():
    hours = Hours(time(2, 30), time(5), 0)

    made = hours.on(AUTUMN, PARIS)

    assert made.start == instant("2027-10-31 02:30")
    assert made.duration == 3.5 * HOUR
    assert list(hours.odd(AUTUMN, PARIS)) == [(time(2, 30), True)]
    assert list(hours.odd(AUTUMN - DAY, PARIS)) == []


def test_from_the_second_pass_of_an_hour_the_others_are_as_the_wall_says():
    """In summer time 2:30 is 0:30 UTC; in the second pass of that night it was 1:30."""
    second = Slot(instant("2027-10-31 02:30") + HOUR, instant("2027-10-31 05:00"))

    assert Hours.of(second, PARIS).on(SPRING + 7 * DAY, PARIS) == slot("2027-04-04 02:30-05:00")


@given(
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    st.integers(0, 95),
    st.integers(1, 96 * 3),
    st.integers(-400, 400),
)
def test_hours_taken_from_a_slot_give_it_back_and_never_an_empty_one(day, quarter, length, shift):
    start = time(quarter // 4, quarter % 4 * 15)
    starts_at = instant(f"{day} {start:%H:%M}")
    asked = Slot.lasting(starts_at, length * HOUR / 4)

    hours = Hours.of(asked, PARIS)

    if not any(hours.odd(to_wall(PARIS, asked.start).date(), PARIS)):
        assert hours.on(to_wall(PARIS, asked.start).date(), PARIS) == asked
    shifted = hours.on(day + shift * DAY, PARIS)
    assert shifted.start < shifted.end


# -- the earlier ones count


def test_a_quota_is_reached_by_the_third_and_not_by_the_second():
    """Three times two hours, in one week: of six hours all, of five only two."""
    wanted = [slot(f"2027-03-{day} 10:00-12:00") for day in (17, 18, 19)]

    def said(quota: timedelta) -> list[list[Reason]]:
        facts = replace(FACTS, policy=replace(POLICY, quota_machine=quota))
        booked: list[tuple[Slot, Facts]] = []
        answers = []
        for each in wanted:
            counted = counting(facts, booked)
            answers.append([refusal.reason for refusal in refusals(each, counted)])
            booked.append((each, counted))
        return answers

    assert said(6 * HOUR) == [[], [], []]
    assert said(5 * HOUR) == [[], [], [Reason.QUOTA_MACHINE]]


def test_so_many_ahead_and_no_more():
    facts = replace(FACTS, policy=replace(POLICY, bookings_ahead=2))
    booked = [(slot(f"2027-03-{day} 10:00-12:00"), facts) for day in (17, 18)]

    assert refusals(slot("2027-03-19 10:00-12:00"), counting(facts, booked[:1])) == []
    [refusal] = refusals(slot("2027-03-19 10:00-12:00"), counting(facts, booked))
    assert refusal.reason is Reason.BOOKINGS_AHEAD


def test_what_is_longer_than_a_week_stands_in_its_own_way():
    facts = replace(
        FACTS,
        schedule=Schedule(
            PARIS, openings=tuple(WeeklyOpening(d, time(0), time(0)) for d in range(1, 8))
        ),
        policy=replace(POLICY, maximum=9 * DAY, setup=HOUR),
    )
    hours = Hours.of(Slot(instant("2027-03-17 10:00"), instant("2027-03-25 10:00")), PARIS)
    first, second = hours.on(date(2027, 3, 17), PARIS), hours.on(date(2027, 3, 24), PARIS)

    [refusal] = refusals(second, counting(facts, [(first, facts)]))

    assert refusal.reason is Reason.TAKEN


def test_on_another_machine_it_is_ones_own_but_not_in_the_way():
    elsewhere = replace(FACTS, machine_id=2)
    booked = [(slot("2027-03-17 10:00-12:00"), elsewhere)]

    assert refusals(slot("2027-03-17 10:00-12:00"), counting(FACTS, booked)) == []
    alone = replace(FACTS, policy=replace(POLICY, one_at_a_time=True))
    [refusal] = refusals(slot("2027-03-17 10:00-12:00"), counting(alone, booked))
    assert refusal.reason is Reason.TWO_AT_ONCE


def test_what_moves_away_is_in_nobodys_way():
    there = slot("2027-03-17 10:00-12:00")
    facts = replace(
        FACTS,
        taken=(Taken(there, own_uid="a"), Taken(slot("2027-03-17 12:00-13:00"), own_uid="b")),
        own=(Own(there, 1, 0, uid="a"), Own(slot("2027-03-17 12:00-13:00"), 1, 0, uid="b")),
    )

    left = without(facts, frozenset({"a"}))

    assert refusals(there, left) == []
    assert [own.uid for own in left.own] == ["b"]
    assert refusals(slot("2027-03-17 11:00-13:00"), left)[0].reason is Reason.TAKEN


# -- an alternative


def test_the_same_day_comes_first_then_the_day_after():
    asked = slot("2027-03-17 14:00-16:00")
    busy = replace(FACTS, taken=(Taken(slot("2027-03-17 13:00-17:00")),))
    full = replace(FACTS, taken=(Taken(slot("2027-03-17 10:00-18:00")),))

    assert nearest(asked, [busy]) == (slot("2027-03-17 11:00-13:00"), busy)
    assert nearest(asked, [full]) == (slot("2027-03-18 14:00-16:00"), full)


def test_another_machine_that_day_comes_before_another_day():
    asked = slot("2027-03-17 14:00-16:00")
    full = replace(FACTS, taken=(Taken(slot("2027-03-17 10:00-18:00")),))
    twin = replace(FACTS, machine_id=2)

    assert nearest(asked, [full, twin]) == (asked, twin)


@pytest.mark.parametrize(
    "changed",
    [
        {"taken": (Taken(slot("2027-03-10 00:00-00:00").widened(DAY, 20 * DAY)),)},
        {"policy": replace(POLICY, is_open=False)},
        {"policy": replace(POLICY, buddy=True)},
        {"now": instant("2027-05-01 09:00")},
        {"policy": replace(POLICY, horizon_days=0)},
    ],
)
def test_where_nothing_near_would_be_accepted_nothing_is_offered(changed):
    assert nearest(slot("2027-03-24 14:00-16:00"), [replace(FACTS, **changed)]) is None


@given(st.integers(0, 20), st.integers(0, 31), st.integers(2, 16))
def test_what_is_offered_would_be_accepted(day, quarter, length):
    """Whatever is asked, with a machine half taken; no further than three days off."""
    starts = instant("2027-03-16 10:00") + day * DAY + quarter * HOUR / 4
    asked = Slot.lasting(starts, length * HOUR / 4)
    facts = replace(
        FACTS,
        taken=tuple(Taken(slot(f"2027-03-{d} 11:00-15:00")) for d in range(16, 31, 2)),
    )

    found = nearest(asked, [facts])

    if found:
        offered, there = found
        assert refusals(offered, there) == []
        assert abs(offered.start - asked.start) < 4 * DAY
