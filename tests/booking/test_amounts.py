"""The amount of a booking: shown before it is confirmed, frozen on it, quoted anew for a move."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.booking import commands
from fablab.db import db
from fablab.machines.inventory import of_place
from fablab.machines.models import Occupancy
from fablab.members.kinds import Audience
from fablab.organizations.models import Organization
from fablab.tariffs.price_list import prices_of
from tests.booking.conftest import change, words
from tests.booking.test_series_views import Sheet
from tests.booking.test_series_views import dates as listing
from tests.booking.test_views import NEW
from tests.support import counting, slot, submit
from tests.tariffs.conftest import set_price

AFTERNOON = slot("2027-03-30 14:00-16:00")


def quoted(uid):
    return db.session.scalar(select(Occupancy.quoted).where(Occupancy.uid == uid))


@pytest.fixture
def bench(fablab):
    set_price(fablab, "bench", "3")
    set_price(fablab, "bench", "2", audience=Audience.RESIDENT)
    set_price(fablab, None, "30")
    return fablab


def move(fablab, uid, who, to):
    commands.move(
        uid,
        fablab.order("bench", to, who),
        by=fablab.people[who],
        is_team=False,
        now=clock.now(),
    )


def test_the_amount_is_frozen_on_the_booking_whatever_the_price_becomes(bench):
    uid = bench.book("bench", AFTERNOON, "chloe")

    set_price(bench, "bench", "9", audience=Audience.INDIVIDUAL)

    assert quoted(uid) == 6


def test_a_booking_for_an_organization_has_its_price(bench):
    change(Organization, audience=Audience.RESIDENT)

    own = bench.book("bench", AFTERNOON, "bruno")
    uid = bench.book(
        "bench",
        slot("2027-03-31 14:00-16:00"),
        "bruno",
        organization_id=bench.organization_id,
    )

    assert (quoted(own), quoted(uid)) == (6, 4)


def test_where_no_price_is_known_nothing_is_frozen(fablab):
    assert quoted(fablab.book("bench", AFTERNOON, "chloe")) is None


def test_a_moved_booking_is_worth_its_new_slot_at_the_price_of_that_day(bench):
    set_price(bench, "bench", "5", audience=Audience.INDIVIDUAL, first_day=date(2027, 4, 1))
    uid = bench.book("bench", AFTERNOON, "chloe")
    assert quoted(uid) == 6

    move(bench, uid, "chloe", slot("2027-04-01 14:00-15:00"))

    assert quoted(uid) == 5


def test_booking_with_prices_costs_no_statement_more(fablab):
    bench_and_prices = of_place(place_id=fablab.place_id)
    prices_of(bench_and_prices)
    with counting(db.engine) as without:
        fablab.book("bench", AFTERNOON, "chloe")
    set_price(fablab, "bench", "3")
    prices_of(of_place(place_id=fablab.place_id))

    with counting(db.engine) as statements:
        fablab.book("bench", slot("2027-03-31 14:00-16:00"), "chloe")

    assert len(statements) == len(without)


@pytest.mark.parametrize(
    ("price", "said"),
    [("3", "Indicative amount: €6.00"), ("0", "Indicative amount: Included")],
)
def test_the_amount_is_shown_before_it_is_confirmed(fablab, browse, price, said):
    set_price(fablab, "bench", price)

    page = words(browse("chloe").get(NEW).text)

    assert said in page
    assert "nothing is paid here" in page
    assert "€0" not in page


def test_without_a_price_the_form_says_nothing_of_amounts(fablab, browse):
    assert "ndicative" not in browse("chloe").get(NEW).text


def test_the_amount_follows_the_organization_that_is_chosen(bench, browse):
    change(Organization, audience=Audience.RESIDENT)
    answer = submit(
        browse("bruno"),
        NEW,
        "/bookings/",
        day="2027-03-30",
        start="14:00",
        end="16:00",
        organization=str(bench.organization_id),
        check="1",
    )

    assert "Indicative amount: €4.00" in words(answer.text)


def test_the_page_of_a_booking_and_the_list_say_the_amount(bench, browse):
    uid = bench.book("bench", AFTERNOON, "chloe")

    page = words(browse("chloe").get(f"/bookings/{uid}").text)

    assert "Indicative amount €6.00" in page
    assert "Settled with the place; nothing is paid here." in page
    assert "€6.00" in browse("chloe").get("/bookings/").text


def test_french_writes_amounts_its_own_way(bench, browse):
    uid = bench.book("bench", AFTERNOON, "chloe")
    client = browse("chloe")
    client.set_cookie("language", "fr")

    assert "6,00\xa0€" in client.get(f"/bookings/{uid}").text


def test_company_is_in_the_amount(bench):
    change(Organization, audience=None)
    uid = bench.book("bench", AFTERNOON, "bruno", is_accompanied=True)

    assert quoted(uid) == Decimal(66)


def test_the_dates_of_a_series_and_its_page_say_the_sum(bench, browse):
    client = browse("chloe")
    dates = listing(client)
    assert "Indicative amount: €18.00" in words(dates.text)

    booked = Sheet(dates.text).send(client, confirm="1")

    assert "Indicative amount of all that stand: €18.00" in words(booked.text)


def test_a_move_shows_what_the_new_slot_is_worth_for_whom_it_counts_already(bench, browse):
    uid = bench.book("bench", AFTERNOON, "chloe")
    set_price(bench, "bench", "5", audience=Audience.INDIVIDUAL, first_day=date(2027, 4, 1))

    page = f"/bookings/{uid}/move?machine=bench&day=2027-04-01&start=14:00&end=15:00"
    moved = words(browse("chloe").get(page).text)

    assert "Indicative amount: €5.00" in moved
    assert "Indicative amount: €6.00" in words(browse("chloe").get(f"/bookings/{uid}/move").text)
