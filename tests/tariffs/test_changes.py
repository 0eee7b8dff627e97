"""What new prices do to those that are said: they end the day before, and none is rewritten."""

from datetime import UTC, date
from decimal import Decimal

import pytest

from fablab.manage.tariff_forms import filled
from fablab.members.kinds import Audience
from fablab.tariffs.changes import Said, Wanted, is_past, planned_days, planned_for, steps
from fablab.tariffs.prices import Price, PriceList, Terms
from fablab.tariffs.rules import Rate

TODAY, JUNE = date(2027, 5, 10), date(2027, 6, 1)
RESIDENT = Audience.RESIDENT


def said(key, price, first, last=None, audience=None):
    return Said(key, audience, Rate(Decimal(price)), "", first, last)


def wanted(price):
    return Wanted(Rate(Decimal(price)))


OLD = said(1, "20", date(2027, 1, 1))


@pytest.mark.parametrize(
    ("prices", "first_day", "expected"),
    [
        ([], date(2026, 1, 1), False),  # nothing was ever said of those days
        ([OLD], TODAY, False),
        ([OLD], date(2027, 5, 9), True),
    ],
)
def test_prices_begin_today_or_later(prices, first_day, expected):
    assert is_past(prices, first_day, TODAY) is expected


@pytest.mark.parametrize(
    ("asked", "first_day", "whose"),
    [
        ({None: "24"}, date(2027, 5, 31), [None]),
        ({None: "24"}, JUNE, []),  # it is dropped: it never held
        ({None: "20"}, TODAY, []),  # it stays as it is
        ({None: "20", RESIDENT: "12"}, TODAY, []),  # another's is nothing to them
        ({None: "24", RESIDENT: "12"}, TODAY, [None]),
    ],
)
def test_a_planned_price_stands_in_the_way_of_its_own_audience_alone(asked, first_day, whose):
    prices = [said(1, "20", date(2027, 1, 1), date(2027, 5, 31)), said(2, "22", JUNE)]

    found = planned_for(prices, {who: wanted(price) for who, price in asked.items()}, first_day)

    assert found == whose


def test_what_is_planned_stays_when_another_audience_gets_a_price():
    prices = [said(1, "20", date(2027, 1, 1), date(2027, 5, 31)), said(2, "22", JUNE)]

    found = steps(prices, {None: wanted("20"), RESIDENT: wanted("12")}, TODAY)

    assert (found.ended, found.dropped, found.begun) == ((), (), {RESIDENT: wanted("12")})


def test_the_old_price_ends_and_the_new_one_begins():
    found = steps([OLD], {None: wanted("24")}, JUNE)

    assert (found.ended, found.dropped, found.begun) == ((1,), (), {None: wanted("24")})


def test_what_is_the_same_is_left_alone():
    resident = said(2, "10", date(2027, 1, 1), audience=RESIDENT)

    found = steps([OLD, resident], {None: wanted("20"), RESIDENT: wanted("12")}, JUNE)

    assert (found.ended, found.begun) == ((2,), {RESIDENT: wanted("12")})
    assert not steps([OLD], {None: wanted("20"), RESIDENT: None}, JUNE)


def test_a_price_taken_away_ends_and_none_begins():
    resident = said(2, "10", date(2027, 1, 1), audience=RESIDENT)

    found = steps([OLD, resident], {None: wanted("20"), RESIDENT: None}, JUNE)

    assert (found.ended, dict(found.begun)) == ((2,), {})


def test_a_price_that_would_have_begun_that_very_day_is_dropped():
    found = steps([said(3, "22", JUNE)], {None: wanted("23")}, JUNE)

    assert (found.ended, found.dropped) == ((), (3,))


def test_a_price_whose_end_is_planned_goes_on_when_it_is_said_anew():
    ending = said(1, "20", date(2027, 1, 1), date(2027, 6, 30))

    assert steps([ending], {None: wanted("20")}, JUNE).ended == (1,)


def test_what_begins_or_ends_from_today_on_is_planned():
    prices = [
        said(1, "20", date(2027, 1, 1), date(2027, 5, 8)),
        said(2, "22", date(2027, 5, 9), date(2027, 5, 31)),
        said(3, "24", JUNE, date(2027, 6, 30)),
    ]

    assert planned_days(prices, TODAY) == [JUNE, date(2027, 7, 1)]


def test_what_is_planned_for_another_audience_follows_nothing_of_ones_own():
    ending = said(1, "20", date(2027, 1, 1), date(2027, 6, 30))
    others = said(2, "10", date(2027, 7, 1), audience=RESIDENT)

    assert steps([ending, others], {None: wanted("20")}, JUNE).ended == (1,)


def test_the_form_begins_with_the_first_prices_where_none_holds_yet():
    planned = [said(1, "20", JUNE, date(2027, 6, 30)), said(2, "22", date(2027, 7, 1))]

    assert filled([said(3, "5", date(2026, 1, 1), date(2026, 2, 1)), *planned], TODAY)[
        "everybody"
    ] == Decimal("20")


def test_the_end_of_a_price_is_a_day_to_tell_too():
    rate = Rate(Decimal(20))
    own = Price("u", date(2027, 1, 1), date(2027, 5, 31), 1, None, rate)

    assert PriceList(Terms(UTC), (own,)).after(1, None, TODAY) == [(JUNE, None)]
