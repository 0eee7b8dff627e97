"""The house rules, one fact changed at a time from a booking that is fine; bounds written out."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from fablab.booking.kinds import ConsentKind
from fablab.booking.known import Buddy, Facts, Held, Own, Shared, Taken
from fablab.booking.rules import (
    HOUSE_RULES,
    OF_NO_SLOT,
    answer_due,
    consents,
    is_acceptable,
    may_cancel,
    may_have_some,
    may_override,
    occupied,
    refusals,
)
from fablab.booking.verdicts import HOPELESS, NEVER_OVERRIDDEN, Reason, Refusal
from fablab.machines.agreements import Agreement
from fablab.machines.kinds import Approval, MachineState, RiskClass
from fablab.machines.policies import OVERRIDABLE, BookingPolicy
from fablab.members.kinds import AgeBand, Audience
from fablab.places.kinds import Mode
from fablab.places.rules import DaysOff, Schedule, WeeklyOpening
from fablab.slots import Slot, TimeUsed
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
    machine_id=7,
    category_id=70,
    pool_id=5,
)
BY_BADGE = replace(
    SCHEDULE,
    openings=tuple(WeeklyOpening(day, time(10), time(18), Mode.RESIDENT) for day in range(2, 7)),
)
# With the owner of the machine, from long ago and without an end.
AGREED = Agreement("a", 3, "Studio Fil", date(2026, 1, 1), audiences=frozenset({Audience.RESIDENT}))
LEVEL_1, LEVEL_3 = (Held(level, date(2026, 1, 1), None) for level in (1, 3))
GOOD_BUDDY = Buddy(is_member=True, held=(Held(2, date(2026, 1, 1), None),))
OWN_2H_HERE = Own(slot("2027-04-01 10:00-12:00"), machine_id=7, category_id=70, is_risky=True)


def ask(wanted=WANTED, **changed) -> list[Reason]:
    """The reasons to refuse, `changed` facts apart; a policy's values may be named too."""
    if "needs_buddy" in changed:  # the policy's `buddy`; the facts' one is the person
        changed["policy"] = replace(POLICY, buddy=changed.pop("needs_buddy"))
    policy = {
        name: changed.pop(name)
        for name in list(changed)
        if hasattr(POLICY, name) and not hasattr(FINE, name)
    }
    facts = replace(FINE, **changed)
    if policy:
        facts = replace(facts, policy=replace(POLICY, **policy))
    return [refusal.reason for refusal in refusals(wanted, facts)]


def own(text: str, **more) -> Own:
    """Another booking of theirs: of another machine of another category, unless told."""
    return Own(slot(text), **({"machine_id": 8, "category_id": 80} | more))


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
        ({"marked_until": instant("2027-03-29 09:01")}, Reason.MARKED),
        ({"age": AgeBand.FROM_16, "youngest": AgeBand.ADULT}, Reason.TOO_YOUNG),
        ({"age": AgeBand.UNDER_16, "youngest": AgeBand.FROM_16}, Reason.TOO_YOUNG),
        ({"age": AgeBand.FROM_16, "guardian_agreed": False}, Reason.NO_GUARDIAN),
        ({"risk": RiskClass.D, "schedule": BY_BADGE}, Reason.NOT_ALONE),
        ({"risk": RiskClass.D, "schedule": BY_BADGE, "held": (LEVEL_3,)}, Reason.NOT_ALONE),
        ({"risk": RiskClass.D, "schedule": BY_BADGE, "buddy": GOOD_BUDDY}, Reason.NOT_ALONE),
        ({"is_accompanied": True, "held": (LEVEL_1,), "schedule": BY_BADGE}, Reason.LEVEL_TOO_LOW),
        ({"needs_buddy": True}, Reason.NO_BUDDY),
        ({"buddy": replace(GOOD_BUDDY, is_oneself=True)}, Reason.NO_BUDDY),
        ({"buddy": replace(GOOD_BUDDY, is_member=False)}, Reason.NO_BUDDY),
        ({"buddy": replace(GOOD_BUDDY, ends_on=date(2027, 3, 29))}, Reason.NO_BUDDY),
        ({"buddy": replace(GOOD_BUDDY, held=()), "level": 0}, Reason.NO_BUDDY),
        ({"buddy": replace(GOOD_BUDDY, held=(LEVEL_1,))}, Reason.NO_BUDDY),
        ({"has_read": False}, Reason.NOT_READ),
        ({"quota_machine": 3 * HOUR, "own": (OWN_2H_HERE,)}, Reason.QUOTA_MACHINE),
        ({"quota_category": 3 * HOUR, "own": (OWN_2H_HERE,)}, Reason.QUOTA_CATEGORY),
        ({"quota_risky": 3 * HOUR, "own": (OWN_2H_HERE,), "risk": RiskClass.C}, Reason.QUOTA_RISKY),
        ({"quota_machine": 2 * HOUR - MINUTE}, Reason.QUOTA_MACHINE),
        ({"weekly_bookings": 1, "own": (OWN_2H_HERE,)}, Reason.WEEKLY_BOOKINGS),
        ({"bookings_ahead": 1, "own": (own("2027-04-17 10:00-11:00"),)}, Reason.BOOKINGS_AHEAD),
        (
            {"one_at_a_time": True, "own": (own("2027-03-30 15:59-17:00"),)},
            Reason.TWO_AT_ONCE,
        ),
        (
            {"units": 1, "own": (own("2027-03-30 15:59-17:00", pool_id=5),)},
            Reason.TOO_MANY_UNITS,
        ),
        ({"whole_days": True}, Reason.NOT_WHOLE_DAYS),
        ({"shared": (Shared("Air", {1: [slot("2027-03-30 15:59-16:30")]}),)}, Reason.RESOURCE_FULL),
        ({"acts_for_organization": False}, Reason.NOT_YOUR_ORGANIZATION),
        ({"acts_until": date(2027, 3, 29)}, Reason.NOT_YOUR_ORGANIZATION),
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
        {"marked_until": instant("2027-03-29 09:00")},
        {"age": AgeBand.FROM_16, "youngest": AgeBand.FROM_16},
        {"risk": RiskClass.D},
        {"risk": RiskClass.D, "schedule": BY_BADGE, "held": (LEVEL_3,), "buddy": GOOD_BUDDY},
        {"is_accompanied": True, "held": (LEVEL_1,)},
        {"needs_buddy": True, "buddy": GOOD_BUDDY},
        {"buddy": replace(GOOD_BUDDY, ends_on=date(2027, 3, 30))},
        {"quota_machine": 4 * HOUR, "own": (OWN_2H_HERE,)},
        {"quota_category": 4 * HOUR, "own": (OWN_2H_HERE,)},
        {"quota_risky": 4 * HOUR, "own": (OWN_2H_HERE,), "risk": RiskClass.C},
        {"quota_risky": HOUR, "own": (OWN_2H_HERE,), "risk": RiskClass.B},  # not of its matter
        {"quota_machine": 3 * HOUR, "own": (replace(OWN_2H_HERE, counts=False),)},
        {"quota_machine": 3 * HOUR, "own": (replace(OWN_2H_HERE, machine_id=8),)},
        {"quota_machine": HOUR, "last_minute": 29 * HOUR},  # still free so late before
        {"weekly_bookings": 2, "own": (OWN_2H_HERE,)},
        {"weekly_bookings": 1, "own": (own("2027-03-28 10:00-11:00", machine_id=7),)},
        {"bookings_ahead": 1, "own": (own("2027-03-29 07:00-09:00"),)},  # over as it is asked
        {"bookings_ahead": 1, "own": (own("2027-04-17 10:00-11:00"),), "is_a_change": True},
        {"one_at_a_time": True, "own": (own("2027-03-30 16:00-17:00"),)},
        {"one_at_a_time": True, "own": (own("2027-03-30 15:00-17:00", runs_alone=True),)},
        {"units": 2, "own": (own("2027-03-30 15:00-17:00", pool_id=5),)},
        {"units": 1, "own": (own("2027-03-30 16:00-17:00", pool_id=5),)},
        {"shared": (Shared("Air", {1: [slot("2027-03-30 16:00-16:30")]}),)},
        {"shared": (Shared("Air", {1: [WANTED], 2: []}),)},
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
        Reason.MARKED: {"marked_until": instant("2027-03-29 09:01")},
        Reason.TOO_YOUNG: {"age": AgeBand.FROM_16, "youngest": AgeBand.ADULT},
        Reason.NO_GUARDIAN: {"age": AgeBand.FROM_16, "guardian_agreed": False},
        Reason.BOOKINGS_AHEAD: {"own": (own("2027-03-30 10:00-11:00"),), "bookings_ahead": 1},
        Reason.NOT_SHARED_WITH_YOU: {
            "agreements": (AGREED,),
            "standing_audience": Audience.REDUCED,
        },
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


@pytest.mark.parametrize(
    ("day", "reasons"),
    [
        ("2027-12-23", []),
        ("2027-12-24", [Reason.CLOSED_DAY]),
        ("2027-12-31", [Reason.CLOSED_DAY]),
        ("2028-01-01", [Reason.CLOSED_DAY]),
        ("2028-01-02", [Reason.CLOSED_DAY]),
        ("2028-01-03", []),
    ],
)
def test_a_closure_over_new_year_holds_on_both_sides_of_it(day, reasons):
    off = DaysOff(date(2020, 12, 24), date(2021, 1, 2), "winter", repeats_yearly=True)
    every_day = tuple(WeeklyOpening(n, time(10), time(18), Mode.SUPERVISED) for n in range(1, 8))
    winter = replace(SCHEDULE, openings=every_day, closures=(off,))
    now = instant("2027-12-20 09:00")

    assert ask(slot(f"{day} 14:00-16:00"), now=now, schedule=winter) == reasons


def test_set_up_and_clean_up_are_part_of_what_is_taken():
    neighbours = (Taken(slot("2027-03-30 12:00-13:45")), Taken(slot("2027-03-30 16:30-18:00")))

    assert ask(taken=neighbours, setup=timedelta(minutes=15), cleanup=timedelta(minutes=30)) == []
    for margin in ({"setup": timedelta(minutes=16)}, {"cleanup": timedelta(minutes=31)}):
        assert ask(taken=neighbours, **margin) == [Reason.TAKEN]


def test_a_neighbour_that_does_not_touch_the_slot_is_explained():
    policy = replace(POLICY, setup=timedelta(minutes=15))

    def advice(hours: str) -> str:
        near = replace(FINE, policy=policy, taken=(Taken(slot(f"2027-03-30 {hours}")),))
        return refusals(WANTED, near)[0].advice

    assert advice("12:00-14:00") == "It needs %(margin)s around each booking."
    assert advice("12:00-14:30") == ""


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


# -- the week of a quota


@pytest.mark.parametrize(
    ("day", "is_refused"),
    [("2027-03-29", True), ("2027-04-04", True), ("2027-03-28", False), ("2027-04-05", False)],
)
def test_the_week_of_a_quota_is_monday_to_sunday_on_the_wall(day, is_refused):
    other = own(f"{day} 10:00-14:15", machine_id=7)

    assert ask(quota_machine=6 * HOUR, own=(other,)) == [Reason.QUOTA_MACHINE] * is_refused


@pytest.mark.parametrize(("hours", "is_refused"), [(6, False), (5, True)])
def test_a_booking_over_two_weeks_counts_in_each_with_its_own_part(hours, is_refused):
    """Sunday 20:00 to Monday 05:00, in the night the clocks go forward: 3 h, then 5 h."""
    night = replace(
        SCHEDULE,
        openings=tuple(WeeklyOpening(n, time(0), time(0), Mode.NIGHT) for n in range(1, 8)),
    )
    facts = replace(
        FINE,
        schedule=night,
        now=instant("2027-03-20 09:00"),
        policy=replace(
            POLICY, modes=frozenset({Mode.NIGHT}), maximum=12 * HOUR, quota_machine=hours * HOUR
        ),
        own=(own("2027-03-29 10:00-11:00", machine_id=7),),
    )
    asked = slot("2027-03-28 20:00-05:00")

    assert [r.reason for r in refusals(asked, facts)] == [Reason.QUOTA_MACHINE] * is_refused


def test_in_the_week_the_clocks_change_hours_are_real_ones():
    """2027-03-28, 01:00 to 04:00 on the wall, lasts two hours."""
    night = replace(
        SCHEDULE, openings=tuple(WeeklyOpening(n, time(0), time(0)) for n in range(1, 8))
    )
    facts = replace(FINE, schedule=night, now=instant("2027-03-20 09:00"))
    asked = slot("2027-03-28 01:00-04:00")

    exact = replace(facts, policy=replace(POLICY, quota_machine=2 * HOUR))
    less = replace(facts, policy=replace(POLICY, quota_machine=2 * HOUR - MINUTE))

    assert refusals(asked, exact) == []
    assert [r.reason for r in refusals(asked, less)] == [Reason.QUOTA_MACHINE]


def test_a_refused_quota_tells_what_they_had_and_what_is_the_most():
    facts = replace(FINE, policy=replace(POLICY, quota_machine=3 * HOUR), own=(OWN_2H_HERE,))

    (refusal,) = refusals(WANTED, facts)

    assert refusal.values["had"] == 2 * HOUR
    assert refusal.values["total"] == 4 * HOUR
    assert refusal.values["most"] == 3 * HOUR


def test_a_day_of_work_is_said_in_hours():
    facts = replace(FINE, policy=replace(POLICY, quota_machine=HOUR), own=(OWN_2H_HERE,) * 12)

    (refusal,) = refusals(WANTED, facts)

    assert isinstance(refusal.values["had"], TimeUsed)
    assert refusal.values["had"] == DAY


def test_whoever_is_over_their_quota_may_still_give_time_back():
    kept = {"kept_start": WANTED.start, "kept_end": WANTED.end, "is_a_change": True}
    shorter = replace(WANTED, end=WANTED.end - HOUR)
    longer = replace(WANTED, end=WANTED.end + HOUR)

    assert ask(shorter, quota_machine=HOUR / 2, **kept) == []
    assert ask(longer, quota_machine=2 * HOUR, maximum=4 * HOUR, **kept) == [Reason.QUOTA_MACHINE]


# -- lent by the day


@pytest.mark.parametrize(
    ("first", "last"), [("2027-03-30", "2027-03-31"), ("2027-03-27", "2027-03-30")]
)
def test_a_day_is_lent_from_midnight_to_midnight_whatever_the_clocks_do(first, last):
    """From the Saturday before the clocks change to the Tuesday after: 71 hours are three days."""
    start, end = (instant(f"{day} 00:00") for day in (first, last))
    facts = replace(
        FINE,
        now=instant("2027-03-20 09:00"),
        policy=replace(POLICY, whole_days=True, minimum=DAY, maximum=3 * DAY),
    )
    open_all = replace(
        SCHEDULE, openings=tuple(WeeklyOpening(day, time(10), time(18)) for day in range(1, 8))
    )

    assert refusals(Slot(start, end), replace(facts, schedule=open_all)) == []


def test_what_is_lent_by_the_day_is_fetched_and_brought_back_on_open_days():
    """Monday is closed: not the last day; between two open ones it does not matter."""
    lent = {"whole_days": True, "minimum": DAY, "maximum": 4 * DAY}

    until_monday = Slot(instant("2027-04-03 00:00"), instant("2027-04-06 00:00"))
    until_tuesday = Slot(instant("2027-04-03 00:00"), instant("2027-04-07 00:00"))

    assert ask(until_monday, **lent) == [Reason.CLOSED]
    assert ask(until_tuesday, **lent) == []


# -- somebody's yes


@pytest.mark.parametrize("first", ["2027-03-24", "2027-10-28", "2027-11-03"])
@pytest.mark.parametrize(("days", "kinds"), [(7, []), (8, [ConsentKind.TEAM])])
def test_a_week_is_seven_days_whatever_the_clocks_do(first, days, kinds):
    """From 28 October 2027 a week lasts 169 hours."""
    last = date.fromisoformat(first) + days * DAY
    lent = Slot(instant(f"{first} 00:00"), instant(f"{last} 00:00"))
    policy = replace(POLICY, whole_days=True, minimum=DAY, maximum=9 * DAY, approval_above=7 * DAY)

    assert consents(lent, replace(FINE, policy=policy)) == kinds


@pytest.mark.parametrize(
    ("changed", "kinds"),
    [
        ({}, []),
        ({"approval": Approval.ALWAYS}, [ConsentKind.TEAM]),
        ({"approval": Approval.FIRST}, []),
        ({"approval": Approval.FIRST, "has_used": False}, [ConsentKind.TEAM]),
        ({"approval_above": 2 * HOUR}, []),
        ({"approval_above": 2 * HOUR - MINUTE}, [ConsentKind.TEAM]),
        ({"owner_approval": True}, []),
        ({"owner_approval": True, "is_owned": True}, [ConsentKind.OWNER]),
        ({"buddy": GOOD_BUDDY}, [ConsentKind.BUDDY]),
        ({"held": (LEVEL_1,), "is_accompanied": True}, [ConsentKind.COMPANY]),
    ],
)
def test_whose_yes_a_booking_needs(changed, kinds):
    policy = {name: changed[name] for name in changed if hasattr(POLICY, name) and name != "buddy"}
    facts = replace(FINE, **{name: changed[name] for name in changed if name not in policy})

    assert consents(WANTED, replace(facts, policy=replace(POLICY, **policy))) == kinds


def test_an_answer_is_due_in_time_and_never_after_the_start():
    for within, due in ((2 * HOUR, FINE.now + 2 * HOUR), (9 * DAY, WANTED.start)):
        facts = replace(FINE, policy=replace(POLICY, answer_within=within))
        assert answer_due(WANTED, facts) == due


# -- what the team may set aside


@pytest.mark.parametrize("reason", sorted(NEVER_OVERRIDDEN))
def test_what_the_database_guards_is_never_set_aside(reason):
    everything = replace(POLICY, overridable=frozenset(Reason))

    assert not may_override([Refusal(reason, "")], everything)
    assert may_override([Refusal(Reason.TOO_LONG, "")], everything)
    assert not may_override([Refusal(Reason.TOO_LONG, ""), Refusal(reason, "")], everything)


def test_who_may_use_a_machine_safely_is_not_set_aside_unless_a_policy_says_so():
    unqualified = [Refusal(Reason.UNQUALIFIED, "")]

    assert not may_override(unqualified, POLICY)
    assert may_override(unqualified, replace(POLICY, overridable=frozenset({"unqualified"})))


def test_every_name_that_may_be_set_aside_is_a_rules():
    assert set(Reason) >= OVERRIDABLE
    assert not OVERRIDABLE & NEVER_OVERRIDDEN


# -- the search asks the same rules


def test_no_slot_lifts_what_is_of_no_slot():
    """Each of these rules says the same of any slot, so that a search asks it once."""
    for rule in OF_NO_SLOT:
        assert rule in HOUSE_RULES
    assert not may_have_some(replace(FINE, is_member=False))
    assert may_have_some(FINE)


def test_a_search_accepts_what_the_rules_accept():
    assert is_acceptable(WANTED, FINE)
    assert is_acceptable(WANTED, replace(FINE, has_read=False))  # a tick away
    assert not is_acceptable(WANTED, replace(FINE, taken=(Taken(WANTED),)))
