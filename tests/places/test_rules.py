"""When is the place open? One fact changed at a time, and the nights and years that break."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablab.clock import to_wall, whole_day
from fablab.places.kinds import Mode
from fablab.places.rules import DAYS_KEPT, DaysOff, Schedule, WeeklyOpening, days
from fablab.slots import Slot
from tests.support import PARIS, slot

ALL = frozenset(Mode)
DAYTIME = frozenset({Mode.SUPERVISED, Mode.RESIDENT})
TUESDAY = date(2027, 3, 30)


def schedule(*openings: WeeklyOpening, **more) -> Schedule:
    return Schedule(zone=PARIS, openings=openings, **more)


def weekly(weekday: int, opens: str, closes: str, mode=Mode.SUPERVISED, weeks=()) -> WeeklyOpening:
    return WeeklyOpening(
        weekday, time.fromisoformat(opens), time.fromisoformat(closes), mode, frozenset(weeks)
    )


def test_an_opening_is_open_on_its_weekday_only():
    week = schedule(weekly(2, "10:00", "18:00"))

    assert week.open_time(TUESDAY, TUESDAY, ALL) == [slot("2027-03-30 10:00-18:00")]
    assert week.open_time(date(2027, 3, 31), date(2027, 4, 5), ALL) == []


def test_openings_that_touch_are_one_stretch_for_a_machine_that_takes_both():
    week = schedule(
        weekly(2, "09:00", "14:00", Mode.RESIDENT), weekly(2, "14:00", "20:00", Mode.SUPERVISED)
    )

    assert week.open_time(TUESDAY, TUESDAY, DAYTIME) == [slot("2027-03-30 09:00-20:00")]
    assert week.open_time(TUESDAY, TUESDAY, {Mode.SUPERVISED}) == [slot("2027-03-30 14:00-20:00")]


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2027, 5, 1), True),  # the first Saturday of May
        (date(2027, 5, 8), False),
        (date(2027, 5, 15), True),
        (date(2027, 5, 22), False),
        (date(2027, 5, 29), False),  # the fifth
    ],
)
def test_an_opening_may_fall_on_some_weeks_of_the_month(day, is_open):
    saturdays = schedule(weekly(6, "10:00", "17:00", weeks=(1, 3)))

    assert bool(saturdays.openings_on(day)) is is_open


def test_the_fifth_week_comes_in_some_months_only():
    saturdays = schedule(weekly(6, "10:00", "17:00", weeks=(5,)))

    opened = [d for d in days(date(2027, 5, 1), date(2027, 7, 31)) if saturdays.openings_on(d)]

    assert opened == [date(2027, 5, 29), date(2027, 7, 31)]


def test_the_week_of_a_night_is_that_of_the_evening_it_begins():
    """The night of the first Monday runs into a Tuesday, the second of which is another's."""
    nights = schedule(weekly(1, "22:00", "06:00", Mode.NIGHT, weeks=(1,)))
    monday = date(2027, 6, 7)

    assert nights.open_time(monday, monday + timedelta(1), ALL) == [slot("2027-06-07 22:00-06:00")]
    assert nights.open_time(date(2027, 6, 14), date(2027, 6, 15), ALL) == []


def test_openings_of_several_modes_may_overlap():
    week = schedule(
        weekly(2, "09:00", "20:00", Mode.RESIDENT), weekly(2, "14:00", "18:00", Mode.SUPERVISED)
    )

    assert week.open_time(TUESDAY, TUESDAY, ALL) == [slot("2027-03-30 09:00-20:00")]
    assert week.open_time(TUESDAY, TUESDAY, {Mode.SUPERVISED}) == [slot("2027-03-30 14:00-18:00")]
    assert week.open_time(TUESDAY, TUESDAY, {Mode.NIGHT}) == []


def test_open_round_the_clock_is_one_stretch():
    always = schedule(*(weekly(day, "00:00", "00:00") for day in range(1, 8)))

    [open_time] = always.open_time(date(2027, 3, 27), date(2027, 3, 29), ALL)

    assert open_time.duration == timedelta(hours=71)  # the clocks go forward on the 28th


def test_a_night_runs_into_the_next_morning():
    nights = schedule(weekly(5, "17:00", "10:00", Mode.NIGHT))
    friday = date(2027, 4, 2)

    assert nights.open_time(friday, friday + timedelta(1), ALL) == [slot("2027-04-02 17:00-10:00")]
    assert nights.open_time(friday, friday, ALL) == [slot("2027-04-02 17:00-00:00")]


def test_the_night_before_a_day_off_ends_at_midnight():
    nights = schedule(
        weekly(5, "17:00", "10:00", Mode.NIGHT),
        closures=(DaysOff(date(2027, 4, 3), date(2027, 4, 3), "works"),),
    )

    assert nights.open_time(date(2027, 4, 2), date(2027, 4, 3), ALL) == [
        slot("2027-04-02 17:00-00:00")
    ]


def test_the_morning_after_a_day_off_is_not_taken_from_the_night_before_it():
    """A closure is whole days: what began on it goes on when it is over."""
    nights = schedule(
        weekly(6, "17:00", "10:00", Mode.NIGHT),
        closures=(DaysOff(date(2027, 4, 3), date(2027, 4, 3), "works"),),
    )

    assert nights.open_time(date(2027, 4, 3), date(2027, 4, 4), ALL) == [
        slot("2027-04-04 00:00-10:00")
    ]


@pytest.mark.parametrize("reason", ["works", ""])
def test_a_day_off_needs_no_reason_to_be_one(reason):
    week = schedule(weekly(2, "10:00", "18:00"), closures=(DaysOff(TUESDAY, TUESDAY, reason),))

    assert week.openings_on(TUESDAY) == ()


def test_a_closure_is_named_before_the_holiday_it_falls_on():
    easter_monday = date(2027, 3, 29)
    week = schedule(
        holidays_country="FR", closures=(DaysOff(easter_monday, easter_monday, "works"),)
    )

    assert week.day_off(easter_monday) == "works"


@pytest.mark.parametrize(
    ("day", "off"),
    [
        (date(2028, 2, 29), True),
        (date(2027, 2, 28), False),
        (date(2027, 3, 1), True),
        (date(2027, 3, 2), False),
    ],
)
def test_a_yearly_closure_may_begin_on_a_day_that_few_years_have(day, off):
    assert DaysOff(date(2024, 2, 29), date(2024, 3, 1), "", repeats_yearly=True).covers(day) is off


@pytest.mark.parametrize(
    ("day", "off"),
    [
        (date(2026, 12, 23), False),
        (date(2026, 12, 24), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), True),
        (date(2027, 1, 2), True),
        (date(2027, 1, 3), False),
        (date(2030, 1, 2), True),
    ],
)
def test_a_yearly_closure_may_span_new_year(day, off):
    winter = DaysOff(date(2025, 12, 24), date(2026, 1, 2), "winter", repeats_yearly=True)

    assert winter.covers(day) is off


@pytest.mark.parametrize(
    ("first", "last", "today", "begins"),
    [
        ("2025-12-24", "2026-01-02", "2027-03-30", "2027-12-24"),
        ("2025-12-24", "2026-01-02", "2028-01-02", "2027-12-24"),
        ("2025-12-24", "2026-01-02", "2028-01-03", "2028-12-24"),
        ("2025-08-01", "2025-08-21", "2027-08-21", "2027-08-01"),
        ("2025-08-01", "2025-08-21", "2027-08-22", "2028-08-01"),
        ("2024-02-29", "2024-02-29", "2027-01-01", "2027-03-01"),
    ],
)
def test_days_off_of_every_year_begin_again(first, last, today, begins):
    first, last, today, begins = map(date.fromisoformat, (first, last, today, begins))

    assert DaysOff(first, last, "", repeats_yearly=True).begins_next(today) == begins
    assert DaysOff(first, last, "").begins_next(today) == first


@pytest.mark.parametrize(
    ("day", "off"),
    [(date(2027, 7, 31), False), (date(2027, 8, 1), True), (date(2029, 8, 21), True)],
)
def test_a_yearly_closure_comes_back_each_year(day, off):
    summer = DaysOff(date(2026, 8, 1), date(2026, 8, 21), "summer", repeats_yearly=True)

    assert summer.covers(day) is off


def test_a_closure_once_is_not_repeated():
    works = DaysOff(date(2026, 8, 1), date(2026, 8, 21), "works")

    assert works.covers(date(2026, 8, 1))
    assert not works.covers(date(2027, 8, 1))


def test_french_public_holidays_are_days_off_with_their_name():
    week = schedule(*(weekly(day, "10:00", "18:00") for day in range(1, 8)), holidays_country="FR")

    easter_monday = date(2027, 3, 29)
    assert week.day_off(easter_monday) == "Lundi de Pâques"
    assert week.openings_on(easter_monday) == ()
    named = [day for day in days(date(2027, 1, 1), date(2027, 12, 31)) if week.day_off(day)]
    assert len(named) == 11


def test_holidays_are_named_in_the_language_of_the_place():
    ours = schedule(holidays_country="FR", language="en")

    assert ours.day_off(date(2027, 3, 29)) == "Easter Monday"


def test_a_place_may_work_on_public_holidays():
    week = schedule(*(weekly(day, "10:00", "18:00") for day in range(1, 8)))

    assert week.day_off(date(2027, 3, 29)) is None
    assert all(week.openings_on(day) for day in days(date(2027, 1, 1), date(2027, 12, 31)))


@pytest.mark.parametrize("year", [2000, 2050, 2099])
def test_holidays_of_far_years_are_known(year):
    assert schedule(holidays_country="FR").day_off(date(year, 7, 14)) == "Fête nationale"


def test_alsace_has_two_days_off_more():
    alsace = schedule(holidays_country="FR", holidays_subdivision="6AE")

    assert alsace.day_off(date(2027, 12, 26))
    assert alsace.day_off(date(2027, 3, 26))  # Good Friday


def test_a_supervised_tuesday_keeps_its_hours_when_the_clocks_change():
    sundays = schedule(weekly(7, "10:00", "18:00"))

    for sunday in (date(2027, 3, 28), date(2027, 10, 31)):
        [open_time] = sundays.open_time(sunday, sunday, ALL)
        assert open_time.duration == timedelta(hours=8)
        assert to_wall(PARIS, open_time.start).time() == time(10)


def test_a_night_over_a_clock_change_lasts_what_the_clock_makes_it_last():
    saturdays = schedule(weekly(6, "20:00", "08:00", Mode.NIGHT))

    for saturday, hours in ((date(2027, 3, 27), 11), (date(2027, 10, 30), 13)):
        [night] = saturdays.open_time(saturday, saturday + timedelta(1), ALL)
        assert night.duration == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("day", "opens", "closes", "length"),
    [
        (date(2027, 3, 28), "01:00", "04:00", 2),
        (date(2027, 3, 28), "02:00", "03:00", None),  # an hour the wall never shows
        (date(2027, 3, 28), "02:30", "04:00", 0.5),  # 2:30 reads as 3:30
        (date(2027, 10, 31), "01:00", "04:00", 4),
        (date(2027, 10, 31), "02:00", "03:00", 2),  # shown twice
        (date(2027, 10, 31), "02:30", "03:00", 1.5),  # from its first pass
        (date(2027, 10, 31), "01:00", "02:30", 1.5),  # until its first pass
    ],
)
def test_openings_in_the_nights_of_the_clock_changes(day, opens, closes, length):
    span = weekly(7, opens, closes).on(PARIS, day)

    assert (span and span.duration) == (length and timedelta(hours=length))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2027-03-30 10:00-18:00", TUESDAY, TUESDAY),
        ("2027-03-30 22:00-00:00", TUESDAY, TUESDAY),
        ("2027-03-30 22:00-00:01", TUESDAY, date(2027, 3, 31)),
        ("2027-03-30 00:00-00:00", TUESDAY, TUESDAY),
        ("2027-10-31 02:30-03:30", date(2027, 10, 31), date(2027, 10, 31)),
    ],
)
def test_the_days_of_a_span_are_those_of_the_wall(text, first, last):
    assert schedule().days_of(slot(text)) == (first, last)


def test_a_schedule_remembers_no_more_than_it_must():
    week = schedule(weekly(2, "10:00", "18:00"))

    opened = [d for d in days(date(2020, 1, 1), date(2029, 12, 31)) if week.openings_on(d)]

    assert len(opened) == 521
    assert len(week._days) <= DAYS_KEPT
    assert week.openings_on(TUESDAY) == week.openings_on(TUESDAY)


def test_open_time_is_remembered_of_few_days_and_is_whoever_asks_theirs():
    week = schedule(weekly(2, "10:00", "18:00"))

    for day in days(date(2020, 1, 1), date(2029, 12, 31)):
        week.open_time(day, day, ALL)
    week.open_time(TUESDAY, TUESDAY, ALL).clear()

    assert len(week._open) <= DAYS_KEPT
    assert week.open_time(TUESDAY, TUESDAY, ALL) == [slot(f"{TUESDAY} 10:00-18:00")]
    assert week.open_time(TUESDAY, TUESDAY, {Mode.NIGHT}) == []


def test_what_of_a_span_is_closed():
    week = schedule(weekly(2, "10:00", "18:00"))

    assert week.closed_time(slot("2027-03-30 10:00-18:00"), ALL) == []
    assert week.is_open(slot("2027-03-30 10:00-18:00"), ALL)
    assert week.closed_time(slot("2027-03-30 17:00-19:00"), ALL) == [slot("2027-03-30 18:00-19:00")]
    assert not week.is_open(slot("2027-03-30 17:00-19:00"), ALL)


def test_what_is_open_by_two_openings_that_touch_is_open():
    week = schedule(weekly(2, "10:00", "14:00"), weekly(2, "14:00", "18:00", Mode.RESIDENT))

    assert week.is_open(slot("2027-03-30 13:00-15:00"), ALL)
    assert not week.is_open(slot("2027-03-30 13:00-15:00"), {Mode.SUPERVISED})


def test_the_next_open_day_skips_closures_and_gives_up_after_a_year():
    week = schedule(
        weekly(2, "10:00", "18:00"),
        closures=(DaysOff(date(2027, 4, 6), date(2027, 4, 6), "works"),),
    )

    assert week.next_open_day(TUESDAY, ALL) == date(2027, 4, 13)
    assert schedule().next_open_day(TUESDAY, ALL) is None


weekly_openings = st.builds(
    WeeklyOpening,
    weekday=st.integers(1, 7),
    opens_at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    closes_at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    mode=st.sampled_from(Mode),
    weeks=st.frozensets(st.integers(1, 5), max_size=2),
)
around_the_changes = st.one_of(
    st.dates(date(2027, 3, 25), date(2027, 3, 31)), st.dates(date(2027, 10, 28), date(2027, 11, 2))
)


@given(st.lists(weekly_openings, max_size=5), around_the_changes)
def test_a_day_is_open_and_closed_without_a_gap_or_an_overlap(openings, day):
    week = schedule(*openings)
    whole = whole_day(PARIS, day)

    opened = week.open_time(day, day, ALL)
    closed = week.closed_time(whole, ALL)

    parts = sorted([*opened, *closed])
    assert sum((part.duration for part in parts), timedelta(0)) == whole.duration
    assert all(whole.covers(part) for part in parts)
    assert not any(one.overlaps(other) for one, other in zip(parts, parts[1:], strict=False))


@given(st.lists(weekly_openings, max_size=5), around_the_changes, st.integers(0, 3))
def test_several_days_are_open_when_each_of_them_is(openings, first, more):
    week = schedule(*openings)
    last = first + timedelta(days=more)

    together = week.open_time(first, last, ALL)

    apart = [span for day in days(first, last) for span in week.open_time(day, day, ALL)]
    assert sum((s.duration for s in together), timedelta(0)) == sum(
        (s.duration for s in apart), timedelta(0)
    )
    assert all(isinstance(span, Slot) for span in together)
