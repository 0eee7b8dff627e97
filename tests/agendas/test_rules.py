"""What a calendar would do: closures, the free time of machines, and whom it concerns."""

from dataclasses import replace
from datetime import date

import pytest

from fablab.agendas import rules
from fablab.agendas.kinds import WholeDays
from fablab.agendas.reading import Days
from fablab.agendas.rules import Choice, Earlier, Made, Taken, Withdrawal
from fablab.machines.kinds import OccupancyKind
from tests.agendas.support import NOW, days, hours, reading
from tests.support import PARIS, instant, slot

LASER, BENCH = 1, 2
FILE = reading(
    days("20270505", "20270508", uid="closed"),
    hours("20270330T130000", "20270330T170000", uid="hired"),
)


def taken(id, machine_id, span, kind=OccupancyKind.BOOKING, cleanup=None):
    slot_ = slot(span)
    return Taken(id, f"uid-{id}", 0, kind, machine_id, slot_, cleanup or slot_)


def plan(*standing, file=FILE, now=NOW, day_off=lambda day: None, earlier=(), **choice):
    asked = {
        "whole_days": WholeDays.CLOSE,
        "machine_ids": (LASER, BENCH),
        "events": frozenset(range(len(file.events))),
    }
    return rules.plan(
        file,
        Choice(**asked | choice),
        zone=PARIS,
        now=now,
        day_off=day_off,
        taken=standing,
        earlier=earlier,
    )


def outages(found):
    return [each for effect in found.chosen for each in effect.outages]


def test_days_close_the_place_and_hours_take_the_machines():
    found = plan()

    assert [effect.closures for effect in found.effects] == [FILE.events[0].days, ()]
    assert outages(found) == [
        Withdrawal(machine, slot("2027-03-30 13:00-17:00")) for machine in (LASER, BENCH)
    ]
    assert (found.closures, found.outages, found.does_nothing) == (1, 2, False)


def test_days_may_take_machines_instead_on_the_clock_of_the_place():
    found = plan(file=reading(days("20271031")), whole_days=WholeDays.TAKE, machine_ids=(LASER,))

    [(machine, span)] = outages(found)
    assert machine == LASER
    assert (span.start, span.end) == (instant("2027-10-31 00:00"), instant("2027-11-01 00:00"))
    assert span.duration.total_seconds() == 25 * 3600


@pytest.mark.parametrize(
    "choice",
    [
        {"events": frozenset()},
        {"whole_days": WholeDays.NOTHING, "machine_ids": ()},
        {"events": frozenset({99})},
    ],
)
def test_what_is_not_chosen_does_nothing(choice):
    found = plan(taken(1, LASER, "2027-03-30 14:00-15:00"), **choice)

    assert found.does_nothing
    assert found.concerned == ()


def test_outages_go_around_what_stands_there():
    found = plan(
        taken(1, LASER, "2027-03-30 14:00-15:00"),
        taken(2, LASER, "2027-03-30 16:30-18:00", OccupancyKind.OUTAGE),
        taken(3, BENCH, "2027-03-30 12:00-13:00"),
    )

    assert outages(found) == [
        (LASER, slot("2027-03-30 13:00-14:00")),
        (LASER, slot("2027-03-30 15:00-16:30")),
        (BENCH, slot("2027-03-30 13:00-17:00")),
    ]
    assert [each.id for each in found.concerned] == [1]


def test_bookings_that_are_cancelled_leave_their_time_and_the_rest_stays():
    found = plan(
        taken(1, LASER, "2027-03-30 14:00-15:00"),
        taken(2, LASER, "2027-03-30 16:00-17:00", OccupancyKind.SESSION),
        cancels=True,
    )

    assert outages(found) == [
        (LASER, slot("2027-03-30 13:00-16:00")),
        (BENCH, slot("2027-03-30 13:00-17:00")),
    ]
    assert [each.id for each in found.concerned] == [1]
    assert [each.id for each in found.sessions] == [2]


def test_clean_up_counts_for_a_machine_and_not_for_a_day():
    """A booking that only cleans up into a closed day is not on it."""
    file = reading(days("20270331"), hours("20270330T180000", "20270330T190000", uid="hired"))
    cleaning = taken(
        1,
        LASER,
        "2027-03-30 22:00-24:00".replace("24:00", "00:00"),
        cleanup=slot("2027-03-30 22:00-01:00"),
    )
    found = plan(cleaning, taken(2, BENCH, "2027-03-31 23:00-02:00"), file=file)

    assert [each.id for each in found.concerned] == [2]


def test_a_booking_that_is_over_concerns_nobody_while_its_clean_up_keeps_the_machine():
    file = reading(hours("20270329T080000", "20270329T120000"))
    cleaning = taken(1, LASER, "2027-03-29 08:00-08:50", cleanup=slot("2027-03-29 08:00-09:30"))
    found = plan(cleaning, file=file, machine_ids=(LASER,), cancels=True)

    assert found.concerned == ()
    assert outages(found) == [(LASER, slot("2027-03-29 09:30-12:00"))]


def test_what_has_begun_is_taken_from_this_minute_on():
    file = reading(
        hours("20270329T080000", "20270329T120000"), days("20270301", "20270401", uid="d")
    )
    found = plan(file=file, now=instant("2027-03-29 09:00:30"), machine_ids=(LASER,))

    assert outages(found) == [(LASER, slot("2027-03-29 09:00-12:00"))]
    assert found.effects[1].closures == ((date(2027, 3, 29), date(2027, 3, 31)),)


def test_what_goes_on_for_ever_ends_at_the_horizon():
    file = reading(
        days("20270401", "21000101"), hours("20270401T100000", "21000101T000000", uid="h")
    )
    found = plan(file=file, machine_ids=(LASER,))

    assert found.effects[0].closures[0].last == date(2028, 9, 27)
    assert outages(found)[0].span.end == instant("2028-09-28 00:00")


def test_two_events_on_one_machine_never_overlap():
    file = reading(
        hours("20270330T130000", "20270330T160000", uid="a"),
        hours("20270330T150000", "20270330T180000", uid="b"),
    )
    found = plan(file=file, machine_ids=(LASER,))

    assert [effect.outages for effect in found.effects] == [
        ((LASER, slot("2027-03-30 13:00-16:00")),),
        ((LASER, slot("2027-03-30 16:00-18:00")),),
    ]


def test_days_closed_already_are_said_and_not_closed_again():
    holidays = {date(2027, 5, day): "Fête" for day in (5, 6, 7)}
    found = plan(day_off=holidays.get)

    assert found.effects[0].closures == ()
    assert found.effects[0].closed_already == ((FILE.events[0].days[0], "Fête"),)


def test_days_that_another_event_of_the_file_closes_are_not_closed_again():
    """Unless that one is left out; the mark of what was seen is the same either way."""
    file = reading(
        days("20270503", "20270510", uid="a", title="Week"),
        days("20270505", uid="b", title="Day"),
        days("20270509", "20270512", uid="c", title="Later"),
    )
    all_of_them, without_it = plan(file=file), plan(file=file, events=frozenset({1, 2}))

    assert [len(effect.closures) for effect in all_of_them.effects] == [1, 0, 1]
    assert all_of_them.effects[1].closed_already == ((file.events[1].days[0], "Week"),)
    assert without_it.closures == 2
    assert without_it.seen == all_of_them.seen


def test_a_closure_around_a_holiday_is_one():
    found = plan(day_off={date(2027, 5, 6): "Ascension"}.get)

    assert found.effects[0].closures == FILE.events[0].days


def test_machines_taken_already_are_said():
    found = plan(
        taken(1, LASER, "2027-03-30 12:00-18:00", OccupancyKind.OUTAGE), machine_ids=(LASER,)
    )

    assert found.effects[1].is_taken_already
    assert found.outages == 0


def test_there_may_be_so_many_outages_and_no_more():
    daily = reading(hours("20270330T130000", "20270330T170000", "RRULE:FREQ=DAILY;COUNT=500"))

    assert not plan(file=daily, machine_ids=(1, 2, 3, 4)).is_too_much
    assert plan(file=daily, machine_ids=(1, 2, 3, 4, 5)).is_too_much


WEEK = Days(date(2027, 5, 5), date(2027, 5, 7))
LASER_HIRED = Withdrawal(LASER, slot("2027-03-30 13:00-17:00"))
BENCH_HIRED = Withdrawal(BENCH, slot("2027-03-30 13:00-17:00"))


def before(*made):
    """An import that made these: before(("closed", WEEK)), under the name of the file's events."""
    all_of_it = tuple(
        Made(at, uid, f"made-{at}", "Works", does) for at, (uid, does) in enumerate(made)
    )
    return Earlier(1, "before", "closures.ics", NOW, all_of_it)


def names(found):
    """What stays as it is, what moves, what goes."""
    same = [made.uid for effect in found.effects for made in effect.same.values()]
    moved = [made.uid for effect in found.effects for made in effect.moved.values()]
    return same, moved, [made.uid for made in found.goes]


@pytest.mark.parametrize(
    ("uid", "does", "expected"),
    [
        ("closed", WEEK, "same"),
        ("closed", WEEK._replace(last=date(2027, 5, 8)), "moved"),
        ("other", WEEK, "goes"),
        ("hired", LASER_HIRED, "same"),
        ("hired", LASER_HIRED._replace(span=slot("2027-03-30 13:00-16:59")), "goes"),
        ("hired", LASER_HIRED._replace(machine_id=3), "goes"),
    ],
)
def test_what_an_import_of_before_made_stays_moves_or_goes(uid, does, expected):
    earlier = [before((uid, does))]
    found = plan(earlier=earlier, replaces=frozenset({"before"}))

    assert dict(zip(("same", "moved", "goes"), names(found), strict=True))[expected] == ["made-0"]
    assert sum(map(len, names(found))) == 1
    assert names(plan(earlier=earlier)) == ([], [], [])  # it is not replaced


def test_all_the_same_is_nothing_to_do():
    earlier = [before(("closed", WEEK), ("hired", LASER_HIRED), ("hired", BENCH_HIRED))]
    found = plan(earlier=earlier, replaces=frozenset({"before"}))

    assert found.does_nothing
    assert names(found)[0] == ["made-0", "made-1", "made-2"]
    left_out = plan(earlier=earlier, replaces=frozenset({"before"}), events=frozenset({0}))
    assert names(left_out) == (["made-0"], [], ["made-1", "made-2"])
    assert not left_out.does_nothing


def test_what_is_replaced_is_in_nobodys_way():
    old = taken(1, LASER, "2027-03-30 12:00-18:00", OccupancyKind.OUTAGE)
    earlier = [before(("hired", Withdrawal(LASER, old.slot)))]
    earlier = [replace(earlier[0], made=(earlier[0].made[0]._replace(uid=old.uid),))]
    found = plan(old, earlier=earlier, replaces=frozenset({"before"}), machine_ids=(LASER,))

    assert outages(found) == [LASER_HIRED]
    assert outages(plan(old, earlier=earlier, machine_ids=(LASER,))) == []


def test_another_name_is_another_reason():
    earlier = [before(("closed", WEEK))]
    found = plan(
        earlier=[replace(earlier[0], made=(earlier[0].made[0]._replace(title="Spring"),))],
        replaces=frozenset({"before"}),
    )

    assert names(found) == ([], ["made-0"], [])


def test_single_bookings_are_cancelled():
    first = taken(1, LASER, "2027-03-30 14:00-15:00")
    found = plan(
        first,
        taken(2, LASER, "2027-03-30 15:00-16:00"),
        machine_ids=(LASER,),
        cancelled=frozenset({first.uid}),
    )

    assert [each.span for each in outages(found)] == [
        slot("2027-03-30 13:00-15:00"),
        slot("2027-03-30 16:00-17:00"),
    ]
    assert [each.id for each in found.concerned] == [1, 2]


def test_the_mark_of_what_was_seen_moves_with_the_imports_that_are_offered():
    earlier = [before(("closed", WEEK))]
    replaced = {"replaces": frozenset({"before"})}

    marks = {plan().seen, plan(earlier=earlier).seen, plan(earlier=earlier, **replaced).seen}
    assert len(marks) == 3
    assert plan(**replaced).seen == plan().seen


def test_the_mark_of_what_was_seen_moves_with_the_choice_and_not_with_the_ticks():
    here = plan()

    assert plan(events=frozenset({1})).seen == here.seen
    assert plan(cancels=True).seen == here.seen
    assert plan(now=instant("2027-03-29 09:01")).seen == here.seen
    assert plan(machine_ids=(LASER,)).seen != here.seen
    assert plan(whole_days=WholeDays.TAKE).seen != here.seen
    assert plan(day_off=lambda day: "Fête").seen != here.seen


def test_the_mark_of_the_bookings_moves_with_each_of_them():
    one = taken(1, LASER, "2027-03-30 14:00-15:00")
    here = plan(one)

    assert plan(one, cancels=True).seen_bookings == here.seen_bookings
    assert plan(one._replace(revision=1)).seen_bookings != here.seen_bookings
    assert plan().seen_bookings != here.seen_bookings
    assert plan(one).seen == plan().seen
