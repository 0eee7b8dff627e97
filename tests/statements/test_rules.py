"""Lines, differences, sums: pure."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from fablab.slots import Slot
from fablab.statements.kinds import LineKind
from fablab.statements.rules import (
    Line,
    Period,
    Refusal,
    Stated,
    corrections,
    covered_by,
    in_order,
    left_open,
    real_minutes,
    refusal,
    statement_of,
    total,
    totals,
)

MARCH = Period(date(2027, 3, 1), date(2027, 3, 31))
APRIL = Period(date(2027, 4, 1), date(2027, 4, 30))
MAY = Period(date(2027, 5, 1), date(2027, 5, 31))


def line(booking="a", day=date(2027, 3, 30), **changed):
    facts = {
        "item": "time",
        "kind": LineKind.USE,
        "starts_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        "machine": "L1",
        "machine_name": "Laser cutter",
        "booked": 120,
        "counted": 120,
        "unit": "hour",
        "unit_price": Decimal(28),
        "amount": Decimal("56.00"),
    }
    return Line(booking=booking, day=day, **facts | changed)


def numbers(found):
    return [(each.booking, each.booked, each.amount) for each in found]


def test_a_period_states_what_began_in_it_its_first_and_last_day_included():
    first, last = line("first", MARCH.first), line("last", MARCH.last)

    found = statement_of(MARCH, [last, first, line("next", APRIL.first)])

    assert [each.booking for each in found] == ["first", "last"]


def test_what_has_not_changed_is_corrected_by_nothing():
    assert corrections([line()], [Stated(MARCH, [line()])]) == []


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"amount": Decimal("50.00")}, ("amount", Decimal("-6.00"))),
        ({"booked": 60}, ("booked", -60)),
        ({"real": 90}, ("real", 90)),
        ({"counted": 105}, ("counted", -15)),
        ({"covered": {"pack": 60}}, ("covered", {"pack": 60})),
        ({"share": Decimal("1.00")}, ("share", Decimal("1.00"))),
    ],
)
def test_each_number_that_differs_is_a_correction(changed, difference):
    [found] = corrections([line(**changed)], [Stated(MARCH, [line()])])

    name, value = difference
    assert getattr(found, name) == value
    assert (found.kind, found.of, found.corrects) == (LineKind.CORRECTION, LineKind.USE, MARCH)


def test_what_is_no_use_any_more_is_taken_back_whole():
    [found] = corrections([], [Stated(MARCH, [line()])])

    assert (found.booked, found.amount) == (-120, Decimal("-56.00"))


def test_what_was_not_stated_is_added():
    [found] = corrections([line(), line("late")], [Stated(MARCH, [line()])])

    assert numbers([found]) == [("late", 120, Decimal("56.00"))]


def test_a_correction_that_was_stated_is_not_made_twice():
    stated = [Stated(MARCH, [line()])]
    changed = line(amount=Decimal("28.00"))
    april = corrections([changed], stated)

    assert corrections([changed], [*stated, Stated(APRIL, april)]) == []
    assert [each.amount for each in april] == [Decimal("-28.00")]


def test_what_goes_back_is_corrected_back_and_says_the_period_it_is_of():
    stated = [Stated(MARCH, [line()])]
    april = corrections([line(amount=Decimal("28.00"))], stated)

    [may] = corrections([line()], [*stated, Stated(APRIL, april)])

    assert (may.amount, may.corrects) == (Decimal("28.00"), MARCH)


def test_what_was_stated_by_a_correction_alone_is_taken_back_as_of_the_period_it_was_of():
    """It was put down to them after March was closed, and is taken back after April was."""
    missed = line(kind=LineKind.MISSED)
    april = corrections([missed], [Stated(MARCH, [])])

    [may] = corrections([], [Stated(MARCH, []), Stated(APRIL, april)])

    assert (may.kind, may.of, may.corrects) == (LineKind.CORRECTION, LineKind.MISSED, MARCH)
    assert (may.booked, may.amount) == (-120, Decimal("-56.00"))


def test_what_was_covered_is_taken_back_by_allowance():
    before, now = line(covered={"one": 60, "two": 30}), line(covered={"two": 90})

    [found] = corrections([now], [Stated(MARCH, [before])])

    assert found.covered == {"one": -60, "two": 60}
    assert covered_by([before, found]) == {"one": 0, "two": 90}


def test_items_of_a_booking_are_told_apart():
    company = line(item="company", kind=LineKind.COMPANY, booked=0, amount=Decimal("60.00"))

    [found] = corrections([line()], [Stated(MARCH, [line(), company])])

    assert (found.item, found.of, found.amount) == ("company", LineKind.COMPANY, Decimal("-60.00"))


def test_what_moved_into_the_period_is_taken_back_and_stated_anew():
    moved = line(day=date(2027, 4, 2))

    found = statement_of(APRIL, [moved], [Stated(MARCH, [line()])])

    assert numbers(found) == [("a", 120, Decimal("56.00")), ("a", -120, Decimal("-56.00"))]


def test_bookings_left_alone_are_not_corrected():
    assert corrections([], [Stated(MARCH, [line()])], frozenset({"a"})) == []


def test_of_a_period_that_reaches_far_back_only_the_recent_days_are_compared():
    recent = Period(date(2027, 3, 15), MARCH.last)
    old = line("old", date(2027, 3, 14))

    assert corrections([old], [Stated(MARCH, [], recent)]) == []
    assert len(corrections([line("new", recent.first)], [Stated(MARCH, [], recent)])) == 1


JANUARY = Period(date(2027, 1, 1), date(2027, 1, 31))


@pytest.mark.parametrize(
    ("closed", "expected"),
    [
        ([], JANUARY),
        ([JANUARY], MARCH),
        ([MARCH], JANUARY),
        ([JANUARY, MARCH], None),
        ([Period(date(2026, 12, 1), date(2027, 1, 9))], Period(date(2027, 1, 10), JANUARY.last)),
        ([Period(date(2027, 1, 11), MARCH.first)], Period(JANUARY.first, date(2027, 1, 10))),
        ([Period(date(2027, 1, 1), date(2027, 1, 10)), MARCH], None),
    ],
)
def test_what_is_left_open_is_the_first_month_with_a_day_that_is_not_stated(closed, expected):
    assert left_open([date(2027, 3, 30), date(2027, 1, 10)], closed) == expected


def test_lines_stand_in_the_order_of_time_and_corrections_last():
    early, late = line("z", date(2027, 3, 2)), line("a", date(2027, 3, 3))
    company = replace(early, item="company")
    correction = replace(early, kind=LineKind.CORRECTION)

    assert in_order([correction, late, company, early]) == [early, company, late, correction]


def test_sums_are_of_the_lines_as_they_stand():
    used = line(real=100, covered={"pack": 30}, share=Decimal("33.60"))
    missed = line("b", kind=LineKind.MISSED, amount=Decimal("0.10"))

    by_kind = totals([used, missed])

    assert list(by_kind) == [LineKind.USE, LineKind.MISSED]
    assert by_kind[LineKind.USE].covered == 30
    assert total([used, missed]).amount == Decimal("56.10")
    assert total([used, missed]).real == 100
    assert total([used, missed]).share == Decimal("33.60")
    assert total([used]) + total([missed]) == total([used, missed])
    assert total([]).count == 0


def test_real_time_is_known_where_an_arrival_is():
    booked = Slot(datetime(2027, 3, 30, 12, tzinfo=UTC), datetime(2027, 3, 30, 14, tzinfo=UTC))
    ten_past = booked.start.replace(minute=10)

    assert real_minutes(booked, None, None) is None
    assert real_minutes(booked, ten_past, None) == 110
    assert real_minutes(booked, ten_past, ten_past.replace(minute=40, second=59)) == 30
    assert real_minutes(booked, booked.end, ten_past) == 0


@pytest.mark.parametrize(
    ("period", "today", "closed", "expected"),
    [
        (MARCH, date(2027, 4, 1), [], None),
        (MARCH, MARCH.last, [], Refusal.NOT_OVER),
        (MARCH, date(2027, 4, 1), [APRIL], None),
        (MARCH, date(2027, 4, 1), [MARCH], Refusal.STATED),
        (MARCH, date(2027, 4, 1), [Period(MARCH.last, APRIL.last)], Refusal.STATED),
        (MARCH, date(2027, 4, 1), [Period(date(2027, 1, 1), MARCH.first)], Refusal.STATED),
        (Period(MARCH.last, MARCH.first), date(2027, 4, 1), [], Refusal.BACKWARDS),
        (Period(MARCH.first, MARCH.first), date(2027, 4, 1), [], None),
        (Period(date(2026, 3, 1), date(2027, 3, 2)), date(2027, 4, 1), [], None),
        (Period(date(2026, 3, 1), date(2027, 3, 3)), date(2027, 4, 1), [], Refusal.TOO_LONG),
    ],
)
def test_what_stands_against_closing_a_period(period, today, closed, expected):
    assert refusal(period, today, closed) is expected
