"""The house rules, one fact changed at a time from a booking that is fine; bounds written out."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from fablab.booking.rules import (
    HOPELESS,
    Facts,
    Held,
    Reason,
    Taken,
    may_cancel,
    occupied,
    refusals,
)
from fablab.machines.kinds import MachineState
from fablab.machines.policies import BookingPolicy
from fablab.places.kinds import Mode
from fablab.places.rules import DaysOff, Schedule, WeeklyOpening
from tests.support import PARIS, instant, slot

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WANTED = slot("2027-03-30 14:00-16:00")
SCHEDULE = Schedule(
    zone=PARIS,
    openings=tuple(WeeklyOpening(day, time(10), time(18)) for day in range(2, 7)),
)
POLICY = BookingPolicy(
    step=timedelta(minutes=15), minimum=HOUR / 2, maximum=2 * HOUR, horizon_days=21, level=2
)
FINE = Facts(
    now=instant("2027-03-29 09:00"),
    schedule=SCHEDULE,
    policy=POLICY,
    held=(Held(2, date(2026, 1, 1), None),),
)


def ask(wanted=WANTED, **changed) -> list[Reason]:
    """The reasons to refuse, `changed` facts apart; a policy's values may be named too."""
    policy = {name: changed.pop(name) for name in list(changed) if hasattr(POLICY, name)}
    facts = replace(FINE, **changed)
    if policy:
        facts = replace(facts, policy=replace(POLICY, **policy))
    return [refusal.reason for refusal in refusals(wanted, facts)]


def test_a_free_slot_in_opening_hours_is_accepted():
    assert ask() == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"now": WANTED.start + timedelta(seconds=1)}, Reason.PAST),
        ({"is_member": False}, Reason.NO_MEMBERSHIP),
        ({"membership_ends_on": date(2027, 3, 29)}, Reason.MEMBERSHIP_EXPIRED),
        ({"suspended_until": instant("2027-03-29 09:01")}, Reason.SUSPENDED),
        ({"is_open": False}, Reason.NOT_OPEN_TO_YOU),
        ({"machine_state": MachineState.OUT_OF_SERVICE}, Reason.OUT_OF_SERVICE),
        ({"machine_state": MachineState.LOCKED_OUT}, Reason.OUT_OF_SERVICE),
        ({"held": ()}, Reason.UNQUALIFIED),
        ({"held": (Held(1, date(2026, 1, 1), None),)}, Reason.LEVEL_TOO_LOW),
        ({"held": (Held(2, date(2026, 1, 1), date(2027, 3, 29)),)}, Reason.NOT_VALID_THEN),
        ({"held": (Held(2, date(2027, 3, 31), None),)}, Reason.LEVEL_TOO_LOW),
        ({"acts_for_organization": False}, Reason.NOT_YOUR_ORGANIZATION),
        ({"modes": frozenset({Mode.RESIDENT})}, Reason.CLOSED),
        ({"minimum": 2 * HOUR + MINUTE, "maximum": 4 * HOUR}, Reason.TOO_SHORT),
        ({"maximum": 2 * HOUR - MINUTE}, Reason.TOO_LONG),
        ({"step": timedelta(minutes=80)}, Reason.OFF_STEP),
        ({"wanted": slot("2027-03-30 14:05-15:05")}, Reason.OFF_STEP),
        ({"wanted": slot("2027-03-30 14:00-15:10")}, Reason.OFF_STEP),
        ({"notice": 29 * HOUR + MINUTE}, Reason.TOO_LATE),
        ({"horizon_days": 0}, Reason.TOO_FAR),
        ({"taken": (Taken(slot("2027-03-30 15:59-17:00")),)}, Reason.TAKEN),
        ({"taken": (Taken(slot("2027-03-30 12:00-14:01")),)}, Reason.TAKEN),
        ({"taken": (Taken(slot("2027-03-30 15:00-17:00"), is_outage=True),)}, Reason.OUTAGE),
    ],
)
def test_each_rule_refuses_on_its_own(changed, reason):
    assert ask(**changed) == [reason]


@pytest.mark.parametrize(
    "changed",
    [
        {"now": WANTED.start},
        {"membership_ends_on": date(2027, 3, 30)},
        {"suspended_until": instant("2027-03-29 09:00")},
        {"held": (Held(2, date(2027, 3, 30), date(2027, 3, 30)),)},
        {"minimum": 2 * HOUR},
        {"maximum": 2 * HOUR},
        {"step": 2 * HOUR},
        {"notice": 29 * HOUR},
        {"horizon_days": 1},
        {"taken": (Taken(slot("2027-03-30 12:00-14:00")), Taken(slot("2027-03-30 16:00-18:00")))},
        {"level": 0, "held": ()},
    ],
)
def test_each_bound_is_allowed_to_the_minute(changed):
    assert ask(**changed) == []


def test_a_slot_may_fill_the_opening_and_not_a_minute_more():
    assert ask(slot("2027-03-30 10:00-18:00"), maximum=8 * HOUR) == []
    for over in ("2027-03-30 09:59-18:00", "2027-03-30 10:00-18:01"):
        assert ask(slot(over), maximum=9 * HOUR, step=MINUTE) == [Reason.CLOSED]


def test_every_reason_is_given_at_once_in_the_order_of_the_house():
    reasons = ask(
        is_member=False,
        held=(),
        maximum=HOUR,
        taken=(Taken(WANTED),),
        schedule=replace(SCHEDULE, openings=()),
    )

    assert reasons == [
        Reason.NO_MEMBERSHIP,
        Reason.UNQUALIFIED,
        Reason.CLOSED,
        Reason.TOO_LONG,
        Reason.TAKEN,
    ]


def test_all_that_can_be_wrong_at_once_is_said_at_once():
    closed = replace(SCHEDULE, closures=(DaysOff(date(2027, 3, 30), date(2027, 3, 30), "works"),))

    reasons = ask(
        slot("2027-03-30 09:55-16:05"),
        now=instant("2027-02-28 09:00"),
        is_member=False,
        membership_ends_on=date(2027, 1, 1),
        suspended_until=instant("2027-04-30 09:00"),
        is_open=False,
        machine_state=MachineState.OUT_OF_SERVICE,
        held=(Held(2, date(2025, 1, 1), date(2026, 1, 1)),),
        acts_for_organization=False,
        schedule=closed,
        notice=60 * DAY,
        taken=(Taken(slot("2027-03-30 15:00-17:00"), is_outage=True), Taken(WANTED)),
    )

    assert reasons == [
        Reason.NO_MEMBERSHIP,
        Reason.MEMBERSHIP_EXPIRED,
        Reason.SUSPENDED,
        Reason.NOT_OPEN_TO_YOU,
        Reason.OUT_OF_SERVICE,
        Reason.NOT_VALID_THEN,
        Reason.NOT_YOUR_ORGANIZATION,
        Reason.CLOSED_DAY,
        Reason.TOO_LONG,
        Reason.OFF_STEP,
        Reason.TOO_LATE,
        Reason.TOO_FAR,
        Reason.OUTAGE,
        Reason.TAKEN,
    ]


def test_a_public_holiday_closes_the_place_under_its_name():
    """Easter Monday of 2027 is 29 March: found by the calendar, set down by nobody."""
    french = Schedule(
        zone=PARIS,
        openings=tuple(WeeklyOpening(day, time(10), time(18)) for day in range(1, 8)),
        holidays_country="FR",
    )
    facts = replace(FINE, schedule=french, now=instant("2027-03-27 09:00"))

    [refusal] = refusals(slot("2027-03-29 14:00-16:00"), facts)

    assert refusal.reason is Reason.CLOSED_DAY
    assert refusal.values == {"day": date(2027, 3, 29), "why": "Lundi de Pâques"}
    assert refusals(slot("2027-03-28 14:00-16:00"), facts) == []


@pytest.mark.parametrize("reason", sorted(HOPELESS))
def test_what_is_no_matter_of_time_is_refused_at_any_time(reason):
    broken = {
        Reason.NO_MEMBERSHIP: {"is_member": False},
        Reason.SUSPENDED: {"suspended_until": instant("2027-03-29 09:01")},
        Reason.NOT_OPEN_TO_YOU: {"is_open": False},
        Reason.OUT_OF_SERVICE: {"machine_state": MachineState.OUT_OF_SERVICE},
        Reason.UNQUALIFIED: {"held": ()},
    }

    for day in range(1, 60):
        later = slot("2027-03-30 14:00-16:00")
        later = replace(later, start=later.start + day * DAY, end=later.end + day * DAY)
        assert reason in ask(later, **broken[reason])


def test_a_day_off_says_why_the_place_is_closed():
    off = replace(SCHEDULE, closures=(DaysOff(date(2027, 3, 30), date(2027, 3, 30), "works"),))

    [refusal] = refusals(WANTED, replace(FINE, schedule=off))

    assert refusal.reason is Reason.CLOSED_DAY
    assert refusal.values["why"] == "works"


def test_set_up_and_clean_up_are_part_of_what_is_taken():
    neighbours = (Taken(slot("2027-03-30 12:00-13:45")), Taken(slot("2027-03-30 16:30-18:00")))

    assert ask(taken=neighbours, setup=timedelta(minutes=15), cleanup=timedelta(minutes=30)) == []
    for margin in ({"setup": timedelta(minutes=16)}, {"cleanup": timedelta(minutes=31)}):
        assert ask(taken=neighbours, **margin) == [Reason.TAKEN]


def test_clean_up_may_run_past_closing_time():
    """The workshop shuts at 18:00; the kiln cools all the same."""
    assert ask(slot("2027-03-30 16:00-18:00"), cleanup=12 * HOUR) == []


def test_a_qualification_counts_at_the_time_of_the_slot_and_not_of_the_click():
    expires_that_day = (Held(2, date(2026, 1, 1), date(2027, 3, 30)),)
    over_midnight = slot("2027-03-30 22:00-02:00")
    nights = Schedule(zone=PARIS, openings=(WeeklyOpening(2, time(20), time(8), Mode.NIGHT),))
    night = {"schedule": nights, "modes": frozenset({Mode.NIGHT}), "maximum": 4 * HOUR}

    assert ask(held=expires_that_day) == []
    assert ask(over_midnight, held=expires_that_day, **night) == [Reason.NOT_VALID_THEN]


def test_a_better_level_that_lapsed_leaves_the_lower_one_that_did_not():
    held = (Held(3, date(2025, 1, 1), date(2026, 1, 1)), Held(2, date(2026, 1, 1), None))

    assert ask(held=held) == []
    assert ask(held=held, level=3) == [Reason.NOT_VALID_THEN]


def test_the_step_is_counted_on_the_wall_on_both_sides_of_a_clock_change():
    sundays = Schedule(zone=PARIS, openings=(WeeklyOpening(7, time(0), time(0)),))

    for day in ("2027-03-28", "2027-10-31"):
        early = instant("2027-03-20 09:00") if "03" in day else instant("2027-10-20 09:00")
        on_the_hour = slot(f"{day} 12:00-14:00")
        assert ask(on_the_hour, schedule=sundays, now=early, step=HOUR) == []
        assert ask(on_the_hour, schedule=sundays, now=early, step=2 * HOUR) == []


def test_the_horizon_counts_days_of_the_calendar_not_hours():
    late = instant("2027-03-09 23:59")

    assert ask(now=late) == []
    assert ask(now=instant("2027-03-08 23:59")) == [Reason.TOO_FAR]


class TestABookingUnderWay:
    """Its start stays as it was; only its end may still move, and not before now."""

    NOW = instant("2027-03-30 15:00")

    def test_may_be_lengthened_without_notice(self):
        assert ask(now=self.NOW, kept_start=WANTED.start, is_under_way=True, notice=HOUR) == []

    def test_may_not_end_in_the_past(self):
        ended = slot("2027-03-30 14:00-15:00")
        assert ask(ended, now=self.NOW, kept_start=WANTED.start, is_under_way=True) == [Reason.PAST]

    def test_may_not_start_at_another_time(self):
        began = {"now": self.NOW, "is_under_way": True, "kept_start": WANTED.start - HOUR}

        assert ask(**began) == [Reason.PAST]
        assert ask(slot("2027-03-30 16:00-17:00"), **began) == [Reason.PAST]


def test_what_is_occupied_is_wider_than_what_is_booked():
    policy = replace(POLICY, setup=timedelta(minutes=15), cleanup=HOUR)

    assert occupied(WANTED, policy) == slot("2027-03-30 13:45-17:00")


@pytest.mark.parametrize(
    ("now", "is_own", "is_team", "allowed"),
    [
        ("2027-03-30 13:59", True, False, True),
        ("2027-03-30 14:00", True, False, False),
        ("2027-03-30 15:59", False, True, True),
        ("2027-03-30 16:00", True, False, False),
        ("2027-03-30 16:00", False, True, False),
        ("2027-03-30 13:59", False, True, True),
        ("2027-03-30 13:59", False, False, False),
    ],
)
def test_who_may_cancel_and_until_when(now, is_own, is_team, allowed):
    assert may_cancel(WANTED, now=instant(now), is_own=is_own, is_team=is_team) is allowed
