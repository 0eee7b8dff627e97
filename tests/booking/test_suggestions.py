"""What is offered instead: whatever the hours, the rules and the neighbours, it would be a yes."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablab.booking import offers
from fablab.booking.known import Facts, Held, Taken
from fablab.booking.rules import occupied, refusals
from fablab.booking.suggestions import acceptable, can_be_said, free_time, nearest, on_step
from fablab.clock import from_wall, to_wall, today, whole_days
from fablab.machines.kinds import MachineState
from fablab.machines.policies import BookingPolicy
from fablab.places.kinds import Mode
from fablab.places.rules import DaysOff, Schedule, WeeklyOpening
from fablab.slots import Slot, merged
from tests.support import PARIS, instant, slot

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TUESDAY = date(2027, 3, 30)
WEEK = Schedule(
    zone=PARIS, openings=tuple(WeeklyOpening(day, time(10), time(18)) for day in range(2, 7))
)
FACTS = Facts(now=instant("2027-03-29 09:00"), schedule=WEEK, policy=BookingPolicy())


def minutes(lowest: int, highest: int) -> st.SearchStrategy[timedelta]:
    return st.integers(lowest, highest).map(lambda n: n * MINUTE)


# Around the nights the clocks change, and an ordinary week
NOWS = st.sampled_from(["2027-03-26 08:10", "2027-10-29 17:55", "2027-06-08 12:00"]).map(instant)
HOURS = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
OPENINGS = st.builds(
    WeeklyOpening,
    weekday=st.integers(1, 7),
    opens_at=HOURS,
    closes_at=HOURS,
    mode=st.sampled_from(Mode),
)
POLICIES = st.builds(
    lambda step, least, more, **rest: BookingPolicy(
        step=step * MINUTE, minimum=least, maximum=least + more, **rest
    ),
    step=st.sampled_from([5, 15, 20, 30, 60, 120]),
    least=minutes(10, 180),
    more=minutes(0, 600),
    notice=minutes(0, 2000),
    horizon_days=st.integers(0, 6),
    setup=minutes(0, 45),
    cleanup=minutes(0, 90),
    modes=st.sets(st.sampled_from(Mode), min_size=1).map(frozenset),
)


@st.composite
def facts_drawn(draw: st.DrawFn) -> Facts:
    """A week of any hours and any rules, with anything standing on the machine."""
    now = draw(NOWS)
    off = draw(st.lists(st.integers(0, 6), max_size=2))
    days_off = [today(PARIS, now) + n * DAY for n in off]
    spans = draw(st.lists(st.tuples(minutes(-600, 8000), minutes(5, 900)), max_size=6))
    return Facts(
        now=now,
        schedule=Schedule(
            zone=PARIS,
            openings=tuple(draw(st.lists(OPENINGS, min_size=1, max_size=6))),
            closures=tuple(DaysOff(day, day, "off") for day in days_off),
        ),
        policy=draw(POLICIES),
        taken=tuple(
            Taken(Slot.lasting(now + after, length), is_outage=draw(st.booleans()))
            for after, length in spans
        ),
    )


@given(facts_drawn())
@settings(max_examples=150, deadline=None)
def test_free_time_is_what_is_open_and_clear_of_the_others(facts):
    first = today(PARIS, facts.now)
    last = first + 4 * DAY
    policy = facts.policy
    opened = facts.schedule.open_time(first, last, policy.modes)
    blocked = [t.span.widened(policy.after, policy.before) for t in facts.taken]

    free = free_time(facts, first, last)

    for stretch in free:
        assert any(opening.covers(stretch) for opening in opened)
        assert not any(stretch.overlaps(hole) for hole in blocked)
        assert not any(t.span.overlaps(occupied(stretch, policy)) for t in facts.taken)
    # Nothing that is open and clear was left out.
    cut_out = [part for hole in blocked for o in opened if (part := hole.within(o))]
    assert merged([*free, *cut_out]) == merged(opened)


@given(facts_drawn(), minutes(10, 400))
@settings(max_examples=200, deadline=None)
def test_every_slot_offered_passes_all_the_rules_soonest_first(facts, duration):
    first = today(PARIS, facts.now)
    found = list(acceptable(facts, first, first + 2 * DAY, duration))

    assert found == sorted(set(found))
    for one in found:
        assert refusals(one, facts) == []
        assert one.duration == duration
        assert one.start >= facts.now
        assert first <= today(PARIS, one.start) <= first + 2 * DAY
        assert not any(t.span.overlaps(occupied(one, facts.policy)) for t in facts.taken)


@given(facts_drawn(), minutes(10, 400))
@settings(max_examples=100, deadline=None)
def test_no_slot_that_would_be_accepted_is_left_out(facts, duration):
    """Tried minute by minute, for the steps that fall on every hour."""
    facts = replace(facts, policy=replace(facts.policy, step=30 * MINUTE, notice=timedelta(0)))
    duration -= duration % (30 * MINUTE)
    first = today(PARIS, facts.now)
    whole = whole_days(PARIS, first, first)
    starts = (whole.start + n * 5 * MINUTE for n in range(int(whole.duration / (5 * MINUTE))))
    wanted = [Slot.lasting(start, duration) for start in starts if duration]

    found = list(acceptable(facts, first, first, duration))

    assert found == [one for one in wanted if can_be_said(one, PARIS) and not refusals(one, facts)]


@given(facts_drawn(), minutes(-3000, 9000), minutes(10, 900))
@settings(max_examples=100, deadline=None)
def test_the_nearest_comes_first_and_is_as_long_as_allowed(facts, after, duration):
    asked = Slot.lasting(facts.now + after, duration)
    first = today(PARIS, facts.now)

    found = nearest(facts, asked, first, first + DAY)

    distances = [abs(one.start - asked.start) for one in found]
    assert distances == sorted(distances)
    assert {one.duration for one in found} <= {found[0].duration} if found else True
    for one in found:
        assert facts.policy.minimum <= one.duration <= facts.policy.maximum


@given(facts_drawn(), minutes(-6000, 30000), minutes(10, 900))
@settings(max_examples=100, deadline=None)
def test_the_offers_of_a_machine_pass_all_the_rules_and_do_not_overlap(facts, after, duration):
    asked = Slot.lasting(facts.now + after, duration)

    found = offers.on_machine(facts, asked)

    days = [today(PARIS, one.start) for one in found]
    assert len(found) <= offers.OFFERS + 2
    assert all(days.count(day) <= (2 if day == days[0] else 1) for day in days)
    for n, one in enumerate(found):
        assert refusals(one, facts) == []
        assert not any(one.overlaps(other) for other in found[:n])
        start, end = to_wall(PARIS, one.start), to_wall(PARIS, one.end)
        assert from_wall(PARIS, start.date(), start.time()) == one.start
        assert from_wall(PARIS, end.date(), end.time()) == one.end


def test_what_touches_is_free_and_what_overlaps_by_a_minute_is_not():
    taken = (Taken(slot("2027-03-30 11:00-12:00")), Taken(slot("2027-03-30 13:00-18:00")))
    facts = replace(FACTS, taken=taken)

    assert free_time(facts, TUESDAY, TUESDAY) == [
        slot("2027-03-30 10:00-11:00"),
        slot("2027-03-30 12:00-13:00"),
    ]
    assert list(acceptable(facts, TUESDAY, TUESDAY, HOUR)) == free_time(facts, TUESDAY, TUESDAY)
    assert list(acceptable(facts, TUESDAY, TUESDAY, HOUR + 15 * MINUTE)) == []


def test_set_up_and_clean_up_keep_their_distance_from_both_neighbours():
    policy = replace(FACTS.policy, setup=15 * MINUTE, cleanup=30 * MINUTE)
    taken = (Taken(slot("2027-03-30 10:00-11:00")), Taken(slot("2027-03-30 14:00-18:00")))

    assert free_time(replace(FACTS, policy=policy, taken=taken), TUESDAY, TUESDAY) == [
        slot("2027-03-30 11:15-13:30")
    ]


def test_a_slot_may_run_into_the_next_day_where_the_night_is_open():
    nights = Schedule(zone=PARIS, openings=(WeeklyOpening(2, time(18), time(10), Mode.NIGHT),))
    policy = BookingPolicy(
        step=HOUR, minimum=12 * HOUR, maximum=12 * HOUR, modes=frozenset({Mode.NIGHT})
    )
    facts = replace(FACTS, schedule=nights, policy=policy)

    assert list(acceptable(facts, TUESDAY, TUESDAY, 12 * HOUR)) == [
        slot(f"2027-03-30 {start}:00-{start - 12:02}:00") for start in range(18, 23)
    ]
    assert list(acceptable(facts, TUESDAY + DAY, TUESDAY + DAY, 12 * HOUR)) == []


def test_the_second_pass_of_the_hour_shown_twice_is_not_offered():
    """On 31 October 2027 the clock shows 2:00 to 3:00 twice; `2:30` means the first."""
    sunday = date(2027, 10, 31)
    opened = Schedule(zone=PARIS, openings=(WeeklyOpening(7, time(1), time(4)),))
    facts = replace(FACTS, now=instant("2027-10-30 09:00"), schedule=opened)

    found = list(acceptable(facts, sunday, sunday, HOUR / 2))

    said = [f"{to_wall(PARIS, one.start):%H:%M}" for one in found]
    assert said == ["01:00", "01:15", "01:30", "01:45", "02:00", "02:15", "03:00", "03:15", "03:30"]


@pytest.mark.parametrize("asked", [date(2027, 3, 28), date(2027, 10, 31), date(2027, 6, 9)])
def test_for_a_day_that_is_lent_one_day_is_offered_whatever_the_clocks_do(asked):
    """31 October 2027 has 25 hours, 28 March has 23."""
    every_day = Schedule(
        zone=PARIS, openings=tuple(WeeklyOpening(day, time(10), time(18)) for day in range(1, 8))
    )
    policy = BookingPolicy(
        step=HOUR / 4, whole_days=True, minimum=DAY, maximum=7 * DAY, horizon_days=30
    )
    lent = whole_days(PARIS, asked, asked)
    now = lent.start - 5 * DAY
    facts = Facts(now=now, schedule=every_day, policy=policy, taken=(Taken(lent),))

    found = nearest(facts, lent, asked, asked + 3 * DAY)

    days = [asked + n * DAY for n in (1, 2, 3)]
    assert found == [whole_days(PARIS, day, day) for day in days]
    assert {facts.length_of(each) for each in offers.on_machine(facts, lent)} == {DAY}


@pytest.mark.parametrize(
    ("now", "first"),
    [("09:00", "09:00"), ("09:01", "09:15"), ("09:14", "09:15"), ("09:15", "09:15")],
)
def test_a_step_is_counted_from_midnight(now, first):
    assert on_step(FACTS, instant(f"2027-03-30 {now}")) == instant(f"2027-03-30 {first}")


class TestDaysSearched:
    """Around the day asked for, and never where nobody may book."""

    TODAY = date(2027, 3, 29)

    def test_a_day_gone_by_stands_for_today(self):
        days = offers.days_searched(date(2027, 1, 1), self.TODAY, 21)
        assert days == (self.TODAY, self.TODAY + 14 * DAY)

    def test_a_day_too_far_ahead_stands_for_the_last_one_allowed(self):
        days = offers.days_searched(date(2200, 12, 31), self.TODAY, 21)
        assert days == (self.TODAY + 7 * DAY, self.TODAY + 21 * DAY)

    def test_a_horizon_of_nothing_leaves_today(self):
        assert offers.days_searched(self.TODAY, self.TODAY, 0) == (self.TODAY, self.TODAY)

    def test_later_days_come_before_earlier_ones_as_near(self):
        asked = slot("2027-04-01 14:00-15:00")
        facts = replace(FACTS, policy=replace(FACTS.policy, horizon_days=5))

        days = list(offers.days_outward(facts, asked))

        assert [day.day for day in days] == [1, 2, 31, 3, 30, 29]


def test_nothing_is_offered_where_no_slot_would_help():
    facts = replace(FACTS, machine_state=MachineState.OUT_OF_SERVICE)

    assert offers.on_machine(facts, slot("2027-03-30 14:00-15:00")) == []


def test_a_slot_after_a_qualification_expired_is_offered_before_it_does():
    policy = replace(FACTS.policy, level=2)
    held = (Held(2, date(2026, 1, 1), date(2027, 3, 31)),)
    facts = replace(FACTS, policy=policy, held=held)

    found = offers.on_machine(facts, slot("2027-04-02 14:00-15:00"))

    assert found[:2] == [slot("2027-03-31 14:00-15:00"), slot("2027-03-30 14:00-15:00")]
