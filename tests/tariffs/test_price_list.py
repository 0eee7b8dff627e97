"""The prices kept in memory: whose holds, from when, and what changes them."""

from datetime import date
from decimal import Decimal

import pytest

from fablab.db import db
from fablab.machines.inventory import of_place
from fablab.members.kinds import Audience
from fablab.tariffs.kinds import Unit
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import quote
from tests.support import counting, slot
from tests.tariffs.conftest import set_price, set_supply


def prices(fablab):
    return prices_of(of_place(place_id=fablab.place_id))


def price(fablab, audience, day="2027-03-30"):
    laser = fablab.machine("laser").id
    found = prices(fablab).price_for(laser, audience, date.fromisoformat(day))
    return found and found.rate.price


def test_ones_own_price_goes_before_everybodys(priced):
    set_price(priced, "laser", "14", audience=Audience.RESIDENT)

    assert price(priced, Audience.RESIDENT) == 14
    assert price(priced, Audience.INDIVIDUAL) == 28
    assert price(priced, None) == 28


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-12-31", None), ("2027-01-01", 20), ("2027-03-31", 20), ("2027-04-01", 24)],
)
def test_a_price_holds_from_its_first_day_to_its_last(fablab, day, expected):
    set_price(fablab, "laser", "20", first_day=date(2027, 1, 1), last_day=date(2027, 3, 31))
    set_price(fablab, "laser", "24", first_day=date(2027, 4, 1))

    assert price(fablab, None, day) == expected


def test_prices_are_read_once_until_one_changes(priced):
    inventory = of_place(place_id=priced.place_id)
    prices_of(inventory)
    with counting(db.engine) as statements:
        prices_of(inventory)
    assert not statements

    set_price(priced, "bench", "3")
    set_supply(priced, "bench", "Filament", "0.04")

    bench = priced.machine("bench").id
    assert prices(priced).price_for(bench, None, date(2027, 3, 30))
    assert [each.name for each in prices(priced).supplies_of(bench, date(2027, 3, 30))]


@pytest.mark.parametrize(
    ("hours", "accompanied", "expected"),
    [
        ("2027-03-30 10:00-11:00", False, "28.00"),
        ("2027-03-30 10:00-11:20", False, "42.00"),  # six quarters, the last one begun
        ("2027-03-30 10:00-11:00", True, "58.00"),
        ("2025-12-31 10:00-11:00", True, None),  # no price yet
    ],
)
def test_a_slot_is_quoted_with_company_where_it_is_asked_for(priced, hours, accompanied, expected):
    laser = priced.machine("laser").id

    quoted = quote(prices(priced), laser, None, slot(hours), is_accompanied=accompanied)

    assert quoted == (expected and Decimal(expected))


def test_another_day_may_be_said_whose_prices_hold(priced):
    """Who arrives before midnight uses what was booked for the day after."""
    laser, late = priced.machine("laser").id, slot("2027-03-30 23:00-00:00")

    assert quote(prices(priced), laser, None, late, day=date(2025, 12, 31)) is None
    assert quote(prices(priced), laser, None, late) == 28


@pytest.mark.parametrize(
    ("hours", "days"),
    [
        ("2027-03-30 00:00-00:00", 1),  # until midnight is not the next day
        ("2027-03-30 22:00-02:00", 2),
        ("2027-03-27 00:00-00:00", 1),
        ("2027-03-28 00:00-00:00", 1),  # 23 hours long
    ],
)
def test_days_are_those_of_the_wall_and_one_that_has_begun_counts(fablab, hours, days):
    set_price(fablab, "bench", "15", unit=Unit.DAY)

    assert quote(prices(fablab), fablab.machine("bench").id, None, slot(hours)) == 15 * days
