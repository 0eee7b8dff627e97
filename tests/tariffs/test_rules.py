"""What a use is worth, and what an allowance covers of it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablab.slots import Slot
from fablab.tariffs.kinds import Outcome, Unit
from fablab.tariffs.rules import (
    Draw,
    Grant,
    Need,
    Rate,
    allot,
    amount_of,
    charged_time,
    counted_percent,
    counted_slot,
    rounded,
    share_of,
)
from tests.support import slot


def minutes(number):
    return timedelta(minutes=number)


def by_the_hour(price="28", **changed):
    return Rate(Decimal(price), **{name: minutes(value) for name, value in changed.items()})


# -- time


@pytest.mark.parametrize(
    ("rate", "used", "counted"),
    [
        (by_the_hour(), 61, 61),
        (by_the_hour(step=15), 60, 60),
        (by_the_hour(step=15), 61, 75),
        (by_the_hour(minimum=30), 10, 30),
        (by_the_hour(minimum=30), 31, 31),
        (by_the_hour(minimum=20, step=15), 5, 30),
        (by_the_hour(included=15), 15, 0),
        (by_the_hour(included=15), 16, 1),
        (by_the_hour(included=15, minimum=30), 15, 0),
        (by_the_hour(included=15, minimum=30), 16, 30),
        (by_the_hour(included=15, step=15), 31, 30),
    ],
)
def test_what_is_included_goes_first_then_the_minimum_then_the_step(rate, used, counted):
    assert charged_time(rate, minutes(used)) == minutes(counted)


@pytest.mark.parametrize(
    ("arrived", "left", "by_real_use", "expected"),
    [
        ("10:05", "11:20", True, "2027-03-30 10:05-11:20"),
        ("10:05", "11:20", False, "2027-03-30 10:00-12:00"),
        ("10:05", None, True, "2027-03-30 10:00-12:00"),
        (None, None, True, "2027-03-30 10:00-12:00"),
        ("11:20", "11:20", True, "2027-03-30 10:00-12:00"),
    ],
)
def test_real_use_counts_where_both_ends_are_known_and_the_place_says_so(
    arrived, left, by_real_use, expected
):
    booked = slot("2027-03-30 10:00-12:00")
    at = {hour: slot(f"2027-03-30 {hour}-23:00").start for hour in (arrived, left) if hour}

    counted = counted_slot(booked, at.get(arrived), at.get(left), by_real_use=by_real_use)

    assert counted == slot(expected)


def test_the_night_the_clocks_go_back_has_the_hours_it_has():
    night = Slot(
        datetime(2027, 10, 30, 23, tzinfo=UTC), datetime(2027, 10, 31, 3, tzinfo=UTC)
    )  # 01:00 to 04:00 on the wall in Paris

    assert amount_of(by_the_hour("3"), night.duration) == Decimal("12.00")


# -- amounts


@pytest.mark.parametrize(
    ("rate", "used", "days", "amount"),
    [
        (by_the_hour("28"), 90, 1, "42.00"),
        (by_the_hour("0"), 90, 1, "0.00"),
        (by_the_hour("0.33"), 30, 1, "0.17"),  # 0.165
        (by_the_hour("1"), 1, 1, "0.02"),  # 0.0166…
        (Rate(Decimal("42"), Unit.FLAT), 720, 1, "42.00"),
        (Rate(Decimal("15"), Unit.DAY), 4320, 3, "45.00"),
    ],
)
def test_an_amount_is_rounded_once_to_the_cent_and_halves_go_up(rate, used, days, amount):
    assert amount_of(rate, minutes(used), days=days) == Decimal(amount)


def test_what_is_covered_is_not_counted():
    rate = by_the_hour("28", step=15)

    assert amount_of(rate, minutes(85), covered=minutes(60)) == Decimal("14.00")
    assert amount_of(rate, minutes(85), covered=minutes(90)) == Decimal(0)
    with pytest.raises(ValueError, match="more is covered"):
        amount_of(rate, minutes(85), covered=minutes(91))


@pytest.mark.parametrize(
    ("length", "percent", "covered", "amount"),
    [
        (60, 50, 0, "14.00"),
        (60, 50, 30, "0.00"),
        (60, 0, 0, "0.00"),
        (45, 50, 23, "0.00"),  # 22.5 minutes count; an allowance gives whole ones
        (45, 50, 22, "0.23"),
    ],
)
def test_a_share_of_a_use_is_taken_before_what_is_covered(length, percent, covered, amount):
    rate = by_the_hour("28")

    found = amount_of(rate, minutes(length), covered=minutes(covered), percent=percent)

    assert found == Decimal(amount)
    with pytest.raises(ValueError, match="more is covered"):
        amount_of(rate, minutes(60), covered=minutes(31), percent=50)


def test_a_share_is_taken_before_the_one_rounding():
    assert amount_of(by_the_hour("0.33"), minutes(30), percent=50) == Decimal("0.08")  # 0.0825


@pytest.mark.parametrize(
    ("amount", "cents"), [("0.125", "0.13"), ("0.1249", "0.12"), ("-0.125", "-0.13")]
)
def test_halves_go_away_from_zero(amount, cents):
    assert rounded(Decimal(amount)) == Decimal(cents)


def test_a_share_is_rounded_to_the_cent():
    assert share_of(Decimal("33.33"), 50) == Decimal("16.67")
    assert share_of(Decimal("33.33"), Decimal("62.5")) == Decimal("20.83")


@pytest.mark.parametrize(
    ("outcome", "percent"), [(Outcome.USED, 100), (Outcome.LATE, 50), (Outcome.MISSED, 80)]
)
def test_a_use_counts_whole_and_the_place_says_how_much_the_rest_does(outcome, percent):
    assert counted_percent(outcome, late=50, missed=80) == percent


# -- allowances


def need(key, day, wanted, *, hour=10, category="laser", who="noa"):
    starts_at = datetime(2027, 3, day, hour, tzinfo=UTC)
    return Need(key, starts_at, starts_at.date(), category, wanted, who)


def grant(key, granted, **changed):
    facts = {"first_day": date(2027, 3, 1), "last_day": date(2027, 3, 31)}
    return Grant(key, granted, **facts | changed)


def test_the_earliest_use_draws_first_until_nothing_is_left():
    draws = allot([need("late", 3, 60), need("early", 2, 60)], [grant(1, 90)])

    assert draws == {"early": [Draw(1, "", 60)], "late": [Draw(1, "", 30)]}


def test_what_ends_first_is_drawn_first():
    endless = grant(1, 60, last_day=None)
    ending = grant(2, 30)

    draws = allot([need("one", 2, 45)], [endless, ending])

    assert draws == {"one": [Draw(2, "", 30), Draw(1, "", 15)]}


@pytest.mark.parametrize(
    "changed",
    [
        {"first_day": date(2027, 3, 3)},
        {"last_day": date(2027, 3, 1)},
        {"categories": frozenset({"cnc"})},
    ],
)
def test_a_grant_that_is_not_for_it_covers_nothing(changed):
    assert allot([need("one", 2, 30)], [grant(1, 60, **changed)]) == {}


def test_a_monthly_one_begins_anew_each_month_and_keeps_nothing():
    april = Need("april", datetime(2027, 4, 2, tzinfo=UTC), date(2027, 4, 2), "laser", 50)
    monthly = grant(1, 60, last_day=None, is_monthly=True)

    draws = allot([need("before", 1, 45), need("march", 2, 30), april], [monthly])

    assert draws == {
        "before": [Draw(1, "2027-03", 45)],
        "march": [Draw(1, "2027-03", 15)],
        "april": [Draw(1, "2027-04", 50)],
    }


def test_what_is_not_shared_each_of_the_people_has():
    uses = [need("noa", 2, 60), need("alix", 2, 60, hour=11, who="alix")]

    shared = allot(uses, [grant(1, 60)])
    each = allot(uses, [grant(1, 60, is_shared=False)])

    assert shared == {"noa": [Draw(1, "", 60)]}
    assert each == {"noa": [Draw(1, "noa", 60)], "alix": [Draw(1, "alix", 60)]}


uses = st.lists(
    st.builds(
        need,
        st.uuids().map(str),
        st.integers(1, 31),
        st.integers(0, 300),
        category=st.sampled_from(["laser", "cnc"]),
    ),
    max_size=8,
    unique_by=lambda each: each.key,
)
grants = st.lists(
    st.builds(
        Grant,
        st.integers(1, 9),
        st.integers(1, 400),
        st.just(date(2027, 3, 5)),
        st.sampled_from([None, date(2027, 3, 20)]),
        st.sampled_from([frozenset(), frozenset({"laser"})]),
        st.booleans(),
    ),
    max_size=4,
    unique_by=lambda each: each.key,
)


@given(uses, grants, st.randoms())
def test_nobody_draws_more_than_they_need_nor_than_there_is_in_whatever_order(uses, grants, chance):
    draws = allot(uses, grants)

    shuffled = chance.sample(uses, len(uses))
    assert allot(shuffled, chance.sample(grants, len(grants))) == draws
    for each in uses:
        assert sum(draw.minutes for draw in draws.get(each.key, [])) <= each.minutes
    for one in grants:
        drawn = [draw for many in draws.values() for draw in many if draw.grant == one.key]
        for portion in {draw.portion for draw in drawn}:
            assert sum(d.minutes for d in drawn if d.portion == portion) <= one.minutes


def test_the_example_of_the_documentation_comes_out_as_reckoned_by_hand():
    laser = by_the_hour("28", step=15, included=10)

    machine = amount_of(laser, minutes(85), percent=50, covered=minutes(20))
    filament = rounded(Decimal("0.05") * Decimal("42.5"))

    assert (machine, filament) == (Decimal("8.17"), Decimal("2.13"))
