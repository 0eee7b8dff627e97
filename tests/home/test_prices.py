"""The prices on the page of a machine: the reader's own first, the others folded away."""

from fablab.db import db
from fablab.members.kinds import Audience
from tests.booking.conftest import words
from tests.support import counting
from tests.tariffs.conftest import set_price, set_supply


def test_ones_own_price_stands_first_and_the_others_are_folded(fablab, browse):
    set_price(fablab, "laser", "28", audience=Audience.INDIVIDUAL)
    set_price(fablab, "laser", "14", audience=Audience.RESIDENT)
    set_price(fablab, "laser", "0", audience=Audience.STAFF)
    set_supply(fablab, "laser", "Film", "0.04", unit="sheet")

    page = words(browse("chloe").get("/machines/laser").text)

    assert "€28.00 an hour Every 15 min begun counts." in page
    assert "Film €0.04 for 1 sheet" in page
    assert "Prices for others Resident €14.00 an hour" in page
    assert "Settled with the place; nothing is paid here." in page


def test_zero_is_said_as_included(fablab, browse):
    set_price(fablab, "laser", "0")

    page = words(browse(None).get("/machines/laser").text)

    assert "Prices Included" in page
    assert "€0" not in page


def test_a_machine_without_a_price_has_no_card_of_prices(fablab, browse):
    assert 'id="prices"' not in browse("chloe").get("/machines/laser").text


def test_prices_cost_no_statement(fablab, browse):
    client = browse("chloe")
    client.get("/machines/laser")
    with counting(db.engine) as without:
        client.get("/machines/laser")
    set_price(fablab, "laser", "28")
    client.get("/machines/laser")

    with counting(db.engine) as statements:
        client.get("/machines/laser")

    assert len(statements) == len(without)
