"""One machine's day as a row of ranges: plain values in, plain values out."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablab.home.planning import (
    Kind,
    Scale,
    Segment,
    State,
    Taken,
    Terms,
    by_the_day,
    fill_columns,
    full_ranges,
    hours_shown,
    segments,
    starts_offered,
    state_at,
    terms_of,
    with_absent,
    without_full,
)
from fablab.machines.policies import BookingPolicy
from fablab.places.kinds import Mode
from fablab.slots import Slot
from tests.support import PARIS, instant, slot

TUESDAY = date(2027, 3, 30)
SPRING = date(2027, 3, 28)  # 23 hours: 2:00 to 3:00 does not exist
AUTUMN = date(2027, 10, 31)  # 25 hours: 2:00 to 3:00 comes twice
HOURS = (8 * 60, 20 * 60)
OPEN = [(9 * 60, 18 * 60)]
BEFORE = -1  # "now" is on an earlier day


ROW = "the occupancy"


def minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def taken(hours: str, kind: Kind = Kind.BOOKED, before: int = 0, after: int = 0) -> Taken:
    start, end = (minutes(hour) for hour in hours.split("-"))
    return Taken(start, end, start - before, end + after, kind, ROW)


def told(row: list[Segment]) -> list[str]:
    """`free 9:00-10:30` for each segment."""
    return [f"{s.kind} {written(s.start)}-{written(s.end)}" for s in row]


def written(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"


def day(*occupied: Taken, now: int = BEFORE, **changed: Any) -> list[str]:
    return told(segments(HOURS, OPEN, occupied, Terms(**changed), now=now))


def test_an_empty_day_is_closed_then_free_then_closed():
    assert day() == ["closed 8:00-9:00", "free 9:00-18:00", "closed 18:00-20:00"]


def test_where_nobody_came_it_shows_and_what_was_released_is_free():
    free = segments(HOURS, OPEN, [], Terms(), now=minutes("11:00"))

    row = told(list(with_absent(free, [taken("10:00-12:30", Kind.ABSENT)])))

    assert row == [
        "closed 8:00-9:00",
        "past 9:00-10:00",
        "absent 10:00-11:00",
        "free 11:00-18:00",
        "closed 18:00-20:00",
    ]


def test_whoever_came_instead_is_shown_before_who_did_not():
    others = [taken("10:30-11:30")]
    row = segments(HOURS, OPEN, others, Terms(), now=minutes("13:00"))

    row = told(list(with_absent(row, [taken("10:00-12:00", Kind.ABSENT)])))

    assert row[1:6] == [
        "past 9:00-10:00",
        "absent 10:00-10:30",
        "booked 10:30-11:30",
        "absent 11:30-12:00",
        "past 12:00-13:00",
    ]


def test_a_booking_cuts_the_free_time_in_two():
    assert day(taken("10:00-11:30")) == [
        "closed 8:00-9:00",
        "free 9:00-10:00",
        "booked 10:00-11:30",
        "free 11:30-18:00",
        "closed 18:00-20:00",
    ]


def test_past_time_is_not_offered_and_what_is_left_starts_on_the_step():
    assert day(now=minutes("10:42"), earliest=minutes("10:42"))[1:4] == [
        "past 9:00-10:42",
        "short 10:42-10:45",
        "free 10:45-18:00",
    ]


def test_the_notice_is_left_out_of_free_time():
    assert day(now=minutes("10:00"), earliest=minutes("12:00"))[1:4] == [
        "past 9:00-10:00",
        "short 10:00-12:00",
        "free 12:00-18:00",
    ]


def test_a_range_one_minute_shorter_than_the_minimum_is_too_short():
    assert "short 9:00-9:29" in day(taken("9:29-18:00"), step=1)
    assert "free 9:00-9:30" in day(taken("9:30-18:00"), step=1)


def test_free_time_ends_on_a_step_counted_from_its_start():
    assert day(taken("10:50-18:00"))[1:3] == ["free 9:00-10:45", "short 10:45-10:50"]


def test_set_up_and_clean_up_of_the_neighbours_and_of_oneself_are_left_out():
    row = day(taken("12:00-13:00", before=15, after=15), setup=30, cleanup=15)

    assert row[1:6] == [
        "free 9:00-11:30",  # 12:00, less its set-up, less our clean-up
        "short 11:30-12:00",
        "booked 12:00-13:00",
        "short 13:00-13:45",  # its clean-up, then our set-up
        "free 13:45-18:00",
    ]


def test_the_clean_up_of_a_booking_before_the_first_hour_reaches_into_the_day():
    night = taken("7:00-8:00", after=90)

    assert day(night)[1:3] == ["short 9:00-9:30", "free 9:30-18:00"]


def test_what_may_not_be_booked_is_open_but_not_free():
    assert day(is_bookable=False)[1] == "open 9:00-18:00"


def test_a_machine_out_of_service_is_stopped_while_it_would_be_open():
    assert day(now=minutes("10:00"), is_in_service=False) == [
        "closed 8:00-9:00",
        "past 9:00-10:00",
        "stopped 10:00-18:00",
        "closed 18:00-20:00",
    ]


def test_bookings_over_the_edges_are_cut_at_the_edges():
    row = day(taken("6:00-10:00"), Taken(1140, 1800, 1140, 1800, Kind.OUTAGE, ROW))

    assert row[0] == "booked 8:00-10:00"
    assert row[-1] == "outage 19:00-20:00"


@pytest.mark.parametrize(
    ("free", "offered"),
    [
        ((0, 1440), [(540, 1440), (0, 1440)]),
        ((600, 1440), [(600, 1440)]),
        ((1085, 1440), [(1085, 1440)]),
        ((0, 545), [(0, 545)]),  # too little is left of it by day
    ],
)
def test_a_start_while_somebody_may_be_there_comes_before_the_others(free, offered):
    assert starts_offered([free], [(540, 1080)], Terms()) == offered


def test_an_hour_that_does_not_exist_is_not_part_of_free_time():
    row = segments((0, 360), [(0, 360)], [], Terms(), now=BEFORE, odd_hour=(120, 180))

    assert told(row) == ["free 0:00-2:00", "short 2:00-3:00", "free 3:00-6:00"]


# -- columns


def spans(row: list[Segment]) -> list[tuple[str, int]]:
    fill_columns(row)
    return [(str(s.kind), s.span) for s in row]


def test_what_is_taken_is_drawn_outwards():
    row = segments(HOURS, OPEN, [taken("10:05-10:50")], Terms(step=5), now=BEFORE)

    assert spans(row) == [("closed", 4), ("free", 4), ("booked", 4), ("free", 28), ("closed", 8)]


def test_five_minutes_have_a_column_of_their_own():
    row = segments(HOURS, OPEN, [taken("10:05-10:10")], Terms(step=5), now=BEFORE)

    assert ("booked", 1) in spans(row)


def test_two_bookings_in_one_quarter_of_an_hour_share_its_column():
    row = segments(
        HOURS, OPEN, [taken("10:00-10:05"), taken("10:05-10:10")], Terms(step=5), now=BEFORE
    )

    assert [span for kind, span in spans(row) if kind == "booked"] == [1, 0]


minute = st.integers(-1440, 2880)
a_kind = st.sampled_from([Kind.BOOKED, Kind.OWN, Kind.WAITING, Kind.OUTAGE])


@st.composite
def anything_taken(draw: Any) -> Taken:
    start, end = sorted((draw(minute), draw(minute)))
    before, after = draw(st.integers(0, 90)), draw(st.integers(0, 90))
    return Taken(start, end, start - before, end + after, draw(a_kind), ROW)


@st.composite
def some_hours(draw: Any) -> tuple[int, int]:
    first = draw(st.integers(0, 23))
    return first * 60, draw(st.integers(first + 1, 24)) * 60


@st.composite
def some_openings(draw: Any) -> list[tuple[int, int]]:
    edges = sorted(draw(st.sets(st.integers(0, 1440), max_size=8)))
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)]


terms = st.builds(
    Terms,
    step=st.sampled_from([1, 5, 10, 15, 20, 30, 60]),
    minimum=st.integers(1, 240),
    setup=st.integers(0, 60),
    cleanup=st.integers(0, 60),
    earliest=minute,
    is_bookable=st.booleans(),
    is_in_service=st.booleans(),
)
some_taken = st.lists(anything_taken(), max_size=8)
odd_hours = st.sampled_from([None, (120, 180), (0, 60), (1380, 1440)])


@given(some_hours(), some_openings(), some_taken, terms, minute, odd_hours)
def test_a_day_is_covered_whole_whatever_happens(hours, openings, occupied, terms, now, odd_hour):
    row = segments(hours, openings, occupied, terms, now=now, odd_hour=odd_hour)

    assert (row[0].start, row[-1].end) == hours
    assert all(one.end == after.start for one, after in zip(row, row[1:], strict=False))
    assert all(one.start < one.end for one in row)


@given(some_hours(), some_openings(), some_taken, terms, minute, odd_hours)
def test_columns_always_sum_to_the_hours_shown(hours, openings, occupied, terms, now, odd_hour):
    row = segments(hours, openings, occupied, terms, now=now, odd_hour=odd_hour)

    fill_columns(row)

    assert sum(one.span for one in row) == (hours[1] - hours[0]) // 15
    assert all(one.span >= 0 for one in row)


@given(some_openings(), some_taken, terms, minute)
def test_free_time_keeps_every_rule(openings, occupied, terms, now):
    for free in segments((0, 1440), openings, occupied, terms, now=now):
        if free.kind is not Kind.FREE:
            continue
        assert free.start >= max(now, terms.earliest)
        assert free.start % terms.step == 0
        assert (free.end - free.start) % terms.step == 0
        assert free.end - free.start >= terms.minimum
        assert any(opens <= free.start and free.end <= closes for opens, closes in openings)
        assert not any(
            t.start < t.end
            and t.occupied_from < free.end + terms.cleanup
            and free.start - terms.setup < t.occupied_until
            for t in occupied
            if t.start < 1440 and t.end > 0
        )


# -- the clock


@pytest.mark.parametrize(
    ("when", "minute"),
    [("00:00", 0), ("01:59", 119), ("03:00", 180), ("12:00", 720), ("23:59", 1439)],
)
def test_on_the_day_of_23_hours_the_planning_shows_the_wall_clock(when, minute):
    assert Scale.of(PARIS, SPRING).minute(instant(f"2027-03-28 {when}")) == minute


def test_on_the_day_of_25_hours_both_passes_share_the_hour():
    scale = Scale.of(PARIS, AUTUMN)
    first, second = (datetime(2027, 10, 31, hour, 30, tzinfo=UTC) for hour in (0, 1))

    assert scale.odd_hour == (120, 180)
    assert [scale.minute(first), scale.minute(second)] == [135, 165]
    assert scale.minute(instant("2027-10-31 03:00")) == 180
    assert scale.minute(instant("2027-10-31 12:00")) == 720


def test_a_booking_over_midnight_goes_beyond_the_day():
    night = slot("2027-03-30 22:00-06:00")

    assert Scale.of(PARIS, TUESDAY).range(night) == (22 * 60, 30 * 60)
    assert Scale.of(PARIS, date(2027, 3, 31)).range(night) == (-120, 360)


@given(
    st.sampled_from(
        ["Europe/Paris", "Australia/Lord_Howe", "Asia/Beirut", "America/Havana", "UTC"]
    ),
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    st.lists(st.integers(0, 1500), min_size=2),
)
def test_the_scale_never_runs_backwards_and_covers_the_day(zone, day, elapsed):
    scale = Scale.of(ZoneInfo(zone), day)
    instants = [scale.start + timedelta(minutes=m) for m in sorted(elapsed)]

    placed = [scale.minute(one) for one in instants]

    assert placed == sorted(placed)
    assert scale.minute(scale.start + timedelta(minutes=1440 - scale.shift)) == 1440


# -- the hours of the grid


def at(text: str, mode: Mode = Mode.SUPERVISED) -> tuple[Slot, Mode]:
    return slot(f"2027-03-30 {text}"), mode


@pytest.mark.parametrize(
    ("openings", "hours"),
    [
        ([], (8, 20)),
        ([at("09:00-19:00")], (8, 20)),
        ([at("10:30-18:30")], (9, 20)),
        ([at("09:00-18:00", Mode.RESIDENT), at("18:00-00:00", Mode.NIGHT)], (8, 19)),
        ([at("18:00-23:00", Mode.NIGHT)], (8, 20)),
        ([at("00:00-23:45")], (0, 24)),
    ],
)
def test_openings_by_day_decide_which_hours_are_shown(openings, hours):
    shown = hours_shown(Scale.of(PARIS, TUESDAY), openings, [])

    assert tuple(minute // 60 for minute in shown) == hours


def test_a_booking_at_night_stretches_the_hours_shown():
    scale = Scale.of(PARIS, TUESDAY)

    assert hours_shown(scale, [at("09:00-18:00")], [taken("21:10-23:20")]) == (480, 1440)


def test_a_loan_of_whole_days_stretches_nothing():
    scale = Scale.of(PARIS, TUESDAY)
    lent = Taken(0, 1440, 0, 1440, Kind.BOOKED, ROW)

    assert hours_shown(scale, [at("09:00-18:00")], [lent]) == (480, 1140)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2027, 3, 30), (8, 20)),  # begins at 19:10
        (date(2027, 3, 31), (8, 19)),  # lasts all day
        (date(2027, 4, 1), (5, 19)),  # ends at 6:00
        (date(2027, 4, 2), (8, 19)),  # is over
    ],
)
def test_a_booking_over_midnight_stretches_only_the_days_it_begins_and_ends(day, hours):
    scale = Scale.of(PARIS, day)
    span = Slot(instant("2027-03-30 19:10"), instant("2027-04-01 06:00"))
    loan = Taken(*scale.range(span), *scale.range(span), Kind.BOOKED, ROW)
    opening = slot(f"{day} 09:00-18:00"), Mode.SUPERVISED

    shown = hours_shown(scale, [opening], [loan])

    assert tuple(minute // 60 for minute in shown) == hours


# -- one moment


@pytest.mark.parametrize(
    ("hour", "state"),
    [
        ("8:30", State(Kind.CLOSED, minutes("9:00"))),
        ("9:30", State(Kind.FREE, minutes("10:00"))),
        ("9:59", State(Kind.FREE, minutes("10:00"))),
        ("10:00", State(Kind.BOOKED, minutes("12:00"), ROW, True, minutes("14:00"))),
        ("12:00", State(Kind.FREE, minutes("14:00"))),
        ("17:59", State(Kind.OUTAGE, minutes("18:00"), ROW, False, None)),
        ("18:00", State(Kind.CLOSED, None)),
    ],
)
def test_how_a_machine_stands_at_a_moment(hour, state):
    day = [taken("14:00-18:00", Kind.OUTAGE), taken("10:00-11:00"), taken("11:00-12:00")]

    assert state_at(minutes(hour), OPEN, day) == state


@pytest.mark.parametrize(
    ("hour", "state"),
    [
        ("9:59", State(Kind.FREE, minutes("10:00"))),
        ("10:00", State(Kind.IN_USE, minutes("11:00"))),
        ("11:00", State(Kind.FREE, minutes("12:00"))),
        ("12:30", State(Kind.BOOKED, minutes("13:00"), ROW, False, None)),
        ("13:00", State(Kind.IN_USE, minutes("14:00"))),
        ("17:00", State(Kind.FREE, minutes("18:00"))),
        ("18:00", State(Kind.CLOSED, None)),
    ],
)
def test_a_machine_is_not_free_while_it_waits_for_what_it_shares(hour, state):
    full = [(minutes("10:00"), minutes("11:00")), (minutes("13:00"), minutes("14:00"))]

    assert state_at(minutes(hour), OPEN, [taken("12:00-13:00")], full=full) == state


def test_a_machine_out_of_service_is_stopped_at_any_moment():
    assert state_at(600, OPEN, [], is_in_service=False).kind is Kind.STOPPED


# -- the terms


def test_the_terms_of_a_day_say_what_the_rules_would():
    policy = BookingPolicy(horizon_days=2, notice=timedelta(hours=2))
    now = instant("2027-03-29 09:00")

    tomorrow = terms_of(policy, Scale.of(PARIS, TUESDAY), now)
    too_far = terms_of(policy, Scale.of(PARIS, date(2027, 4, 1)), now)

    assert tomorrow.is_bookable
    assert not too_far.is_bookable
    assert tomorrow.earliest == minutes("11:00") - 1440


@pytest.mark.parametrize(
    ("minimum", "maximum", "step", "proposed"),
    [(30, 240, 15, 60), (90, 240, 15, 90), (30, 45, 15, 45), (30, 240, 40, 40), (50, 240, 20, 60)],
)
def test_a_link_proposes_an_hour_or_what_is_nearest(minimum, maximum, step, proposed):
    assert Terms(step=step, minimum=minimum, maximum=maximum).usual_length == proposed


# -- what machines share


def shared_taken(*ranges: tuple[int, int], kind: Kind = Kind.BOOKED) -> list[Taken]:
    return [Taken(start, end, start, end, kind, None) for start, end in ranges]


@pytest.mark.parametrize(
    ("taken", "capacity", "full"),
    [
        ([], 1, []),
        ([(600, 660)], 1, [(600, 660)]),
        ([(600, 660), (660, 720)], 1, [(600, 720)]),
        ([(600, 660)], 2, []),
        ([(600, 700), (650, 720)], 2, [(650, 700)]),
        ([(600, 700), (600, 700), (650, 720)], 2, [(600, 700)]),
    ],
)
def test_what_is_shared_is_in_full_use_while_so_many_are_there(taken, capacity, full):
    assert full_ranges(shared_taken(*taken), capacity) == full


def test_an_outage_uses_nothing_that_is_shared():
    assert full_ranges(shared_taken((600, 660), kind=Kind.OUTAGE), 1) == []


def test_a_session_uses_what_is_shared_as_a_booking_does():
    assert full_ranges(shared_taken((600, 660), kind=Kind.TRAINING), 1) == [(600, 660)]


def test_free_time_in_full_use_is_neither_free_nor_left():
    row = [Segment(Kind.FREE, 600, 900), Segment(Kind.BOOKED, 900, 960)]
    terms = Terms(step=15, minimum=30, setup=5, cleanup=10)

    drawn = list(without_full(row, [(660, 720), (885, 960)], terms))

    assert [(part.kind, part.start, part.end) for part in drawn] == [
        (Kind.FREE, 600, 650),
        (Kind.IN_USE, 650, 735),
        (Kind.FREE, 735, 875),
        (Kind.IN_USE, 875, 900),
        (Kind.BOOKED, 900, 960),
    ]


@pytest.mark.parametrize(
    ("row", "may_begin", "kinds"),
    [
        ([Segment(Kind.CLOSED, 480, 540), Segment(Kind.SHORT, 540, 1200)], True, "closed free"),
        ([Segment(Kind.OPEN, 540, 1200)], False, "open"),
        (
            [Segment(Kind.SHORT, 540, 600), Segment(Kind.BOOKED, 600, 1200, object())],
            True,
            "open booked",
        ),
    ],
)
def test_what_is_lent_by_the_day_is_free_for_the_whole_of_it_or_not_at_all(row, may_begin, kinds):
    assert " ".join(part.kind for part in by_the_day(row, may_begin=may_begin)) == kinds
