"""Who may wait for what, and what is offered: the bounds, and the rules of whoever books."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given, settings

from fablab.booking import rules
from fablab.booking.known import Facts, Held, Own, Shared, Taken
from fablab.booking.verdicts import Reason, Refusal
from fablab.booking.wait_rules import (
    LIFTED_BY_WAITING,
    is_worth_waiting,
    offer_due,
    on_offer,
    out_of_bounds,
    refusals,
    slots_in,
)
from fablab.clock import whole_days
from fablab.machines.policies import BookingPolicy
from fablab.places.rules import Schedule, WeeklyOpening
from fablab.slots import Slot
from tests.booking.test_suggestions import FACTS, facts_drawn, minutes
from tests.support import PARIS, instant, slot

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = instant("2027-03-29 09:00")
TUESDAY = slot("2027-03-30 10:00-18:00")


def no(*reasons: Reason) -> list[Refusal]:
    return [Refusal(reason, "No.") for reason in reasons]


@pytest.mark.parametrize("reason", Reason)
def test_waiting_lifts_what_is_a_matter_of_others_and_of_time(reason):
    assert is_worth_waiting(no(reason)) is (reason in LIFTED_BY_WAITING)


def test_waiting_does_not_help_whoever_could_not_have_it_anyway():
    assert is_worth_waiting(no(Reason.TAKEN, Reason.NO_BUDDY, Reason.TOO_LATE))
    assert not is_worth_waiting(no(Reason.TAKEN, Reason.UNQUALIFIED))
    assert not is_worth_waiting([])


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2027-03-30 10:00", "2027-03-29 13:00"),
        ("2027-03-29 13:00", "2027-03-29 13:00"),
        ("2027-03-29 12:59", "2027-03-29 12:59"),
    ],
)
def test_an_offer_is_kept_four_hours_but_not_beyond_its_start(start, due):
    assert offer_due(Slot.lasting(instant(start), HOUR), NOW) == instant(due)


@pytest.mark.parametrize(("hour", "expected"), [("13:45", "14:00"), ("13:46", "14:15")])
def test_what_starts_within_a_quarter_of_an_hour_is_not_offered(hour, expected):
    facts = replace(FACTS, now=instant(f"2027-03-30 {hour}"))

    found = on_offer(TUESDAY, HOUR, facts)

    assert found == Slot.lasting(instant(f"2027-03-30 {expected}"), HOUR)


@pytest.mark.parametrize(
    ("window", "waits", "expected"),
    [
        (TUESDAY, 9, []),
        (TUESDAY, 10, [Reason.BOOKINGS_AHEAD]),
        (slot("2027-03-29 07:00-09:00"), 0, [Reason.PAST]),
        (Slot(NOW - HOUR, NOW + MINUTE), 0, []),
        (Slot(NOW, NOW + 31 * DAY), 0, []),
        (Slot(NOW, NOW + 31 * DAY + MINUTE), 0, [Reason.TOO_LONG]),
    ],
)
def test_the_bounds_of_a_window(window, waits, expected):
    assert [why.reason for why in out_of_bounds(window, NOW, waits=waits)] == expected


def test_a_slot_is_inside_the_window_when_it_touches_its_bounds():
    assert next(slots_in(slot("2027-03-30 12:00-14:00"), 2 * HOUR, FACTS), None)
    assert not next(slots_in(slot("2027-03-30 12:00-13:59"), 2 * HOUR, FACTS), None)
    assert not next(slots_in(slot("2027-03-30 12:01-14:00"), 2 * HOUR, FACTS), None)


def test_others_and_ones_own_bookings_keep_nobody_from_waiting():
    taken = Taken(slot("2027-03-30 09:00-19:00"))
    full = Shared("Air", {1: [taken.span]})
    own = Own(slot("2027-03-31 10:00-12:00"), 1, 1)
    policy = BookingPolicy(quota_machine=2 * HOUR, bookings_ahead=1, weekly_bookings=1)
    facts = replace(FACTS, taken=(taken,), shared=(full,), own=(own,), policy=policy, machine_id=1)

    assert refusals(TUESDAY, 2 * HOUR, facts) == []
    assert on_offer(TUESDAY, 2 * HOUR, facts) is None
    assert Reason.QUOTA_MACHINE in {
        why.reason for why in refusals(TUESDAY, 3 * HOUR, facts)
    }  # more than a whole week's


def test_what_the_form_asks_with_the_yes_keeps_nobody_from_waiting():
    facts = replace(FACTS, has_read=False, policy=BookingPolicy(buddy=True))

    assert refusals(TUESDAY, HOUR, facts) == []
    assert on_offer(TUESDAY, HOUR, facts)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"is_member": False}, Reason.NO_MEMBERSHIP),
        ({"membership_ends_on": date(2027, 3, 29)}, Reason.MEMBERSHIP_EXPIRED),
        ({"suspended_until": instant("2027-03-29 09:01")}, Reason.SUSPENDED),
        ({"marked_until": instant("2027-03-29 09:01")}, Reason.MARKED),
        ({"policy": BookingPolicy(is_open=False)}, Reason.NOT_OPEN_TO_YOU),
        ({"policy": BookingPolicy(level=2)}, Reason.UNQUALIFIED),
        (
            {
                "policy": BookingPolicy(level=2),
                "held": (Held(2, date(2026, 1, 1), date(2027, 3, 29)),),
            },
            Reason.NOT_VALID_THEN,
        ),
        (
            {"policy": BookingPolicy(level=2), "held": (Held(1, date(2026, 1, 1), None),)},
            Reason.LEVEL_TOO_LOW,
        ),
        ({"acts_for_organization": False}, Reason.NOT_YOUR_ORGANIZATION),
        ({"policy": BookingPolicy(notice=3 * DAY)}, Reason.TOO_LATE),
        ({"policy": BookingPolicy(horizon_days=0)}, Reason.TOO_FAR),
    ],
)
def test_who_could_have_no_slot_of_the_window_is_told_why(changed, expected):
    facts = replace(FACTS, **changed)

    assert expected in {why.reason for why in refusals(TUESDAY, HOUR, facts)}


def test_who_asks_to_be_accompanied_may_wait():
    facts = replace(FACTS, policy=BookingPolicy(level=2), held=(Held(1, date(2026, 1, 1), None),))

    assert refusals(TUESDAY, HOUR, replace(facts, is_accompanied=True)) == []


def test_a_window_in_which_some_hours_are_open_is_enough():
    assert refusals(slot("2027-03-30 08:00-11:00"), HOUR, FACTS) == []
    assert [why.reason for why in refusals(slot("2027-03-30 08:00-10:30"), HOUR, FACTS)] == [
        Reason.CLOSED
    ]


ALWAYS = Schedule(
    zone=PARIS, openings=tuple(WeeklyOpening(day, time(0), time(0)) for day in range(1, 8))
)


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        ("2027-03-22 09:00", date(2027, 3, 27), date(2027, 3, 28)),  # 47 hours
        ("2027-10-25 09:00", date(2027, 10, 30), date(2027, 10, 31)),  # 49 hours
    ],
)
def test_whole_days_fit_into_whole_days_whatever_the_clocks(now, first, last):
    policy = BookingPolicy(whole_days=True, minimum=DAY, maximum=7 * DAY, step=DAY)
    facts = Facts(now=instant(now), schedule=ALWAYS, policy=policy)
    window = whole_days(PARIS, first, last)

    assert refusals(window, 2 * DAY, facts) == []
    assert on_offer(window, 2 * DAY, facts) == window
    assert on_offer(window, 3 * DAY, facts) is None
    assert refusals(window, 3 * DAY, facts)


@given(facts_drawn(), minutes(-300, 6000), minutes(5, 3000), minutes(10, 500))
@settings(max_examples=150, deadline=None)
def test_whatever_the_hours_and_rules_an_offer_is_a_yes_and_a_no_is_for_good(
    facts, after, length, duration
):
    window = Slot.lasting(facts.now + after, length)
    if out_of_bounds(window, facts.now, waits=0):
        return

    found = on_offer(window, duration, facts)
    whys = refusals(window, duration, facts)

    if found:
        assert window.covers(found)
        assert found.duration == duration
        assert rules.refusals(found, facts) == []
        assert whys == []
    if whys:
        assert next(slots_in(window, duration, facts), None) is None
        assert not {why.reason for why in whys} & {Reason.TAKEN, Reason.OUTAGE}
