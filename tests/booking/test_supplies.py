"""What was used up in a booking: noted by its member and the team, struck out with a trace."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from fablab.db import db
from fablab.tariffs.models import Consumption
from fablab.tariffs.rules import may_note
from tests.booking.conftest import words
from tests.support import instant, send, slot, submit
from tests.tariffs.conftest import set_supply

MORNING = slot("2027-03-30 11:00-12:00")
DURING = "2027-03-30 11:30"


@pytest.fixture
def film(fablab):
    return set_supply(fablab, "bench", "Film", "0.05")


@pytest.fixture
def page(fablab, film):
    return f"/bookings/{fablab.book('bench', MORNING, 'chloe')}/supplies"


@pytest.fixture
def during(page, at):
    at(DURING)


def note(client, page, film, quantity="42,5"):
    return submit(client, page, page, supply=film, quantity=quantity)


def noted():
    return db.session.scalars(select(Consumption).order_by(Consumption.id)).all()


@pytest.mark.parametrize(
    ("now", "member", "team"),
    [
        ("2027-03-30 10:59", False, False),
        ("2027-03-30 11:00", True, True),
        ("2027-04-06 11:59", True, True),
        ("2027-04-06 12:00", False, True),
    ],
)
def test_it_is_noted_from_the_start_until_a_week_after_the_end(now, member, team):
    span = MORNING.start, MORNING.end, instant(now)

    assert may_note(*span, is_team=False) is member
    assert may_note(*span, is_team=True) is team


@pytest.mark.usefixtures("during")
def test_the_member_notes_what_they_used_up_and_sees_what_it_is_worth(browse, page, film):
    chloe = browse("chloe")
    assert page in chloe.get(page.removesuffix("/supplies")).text

    assert note(chloe, page, film).status_code == 303

    [row] = noted()
    assert row.quantity == Decimal("42.5")
    assert "Film 42.5 g €2.13" in words(chloe.get(page).text)


@pytest.mark.usefixtures("during")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"quantity": "0"}, "Say how much was used up."),
        ({"quantity": ""}, "Say how much was used up."),
        ({"quantity": "-1"}, "It cannot be less than zero."),
        ({"film": "nothing"}, "Not a valid choice"),
        ({"film": "a\0b"}, "Not a valid choice"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_noted(
    browse, page, film, changed, error
):
    answer = note(browse("chloe"), page, **{"film": film} | changed)

    assert answer.status_code == 422
    assert error in answer.text
    assert noted() == []


@pytest.mark.usefixtures("during")
def test_a_form_that_is_sent_twice_notes_once(browse, page, film):
    chloe = browse("chloe")
    drawn = chloe.get(page).text

    for quantity in ("42,5", "42,5", "7"):
        assert send(chloe, drawn, page, supply=film, quantity=quantity).status_code == 303
    note(chloe, page, film)

    assert [row.quantity for row in noted()] == [Decimal("42.5"), 7, Decimal("42.5")]


@pytest.mark.usefixtures("during")
def test_a_supply_of_another_day_or_machine_is_none(fablab, browse, page):
    gone = set_supply(fablab, "bench", "Paper", "1", last_day=date(2027, 3, 29))
    other = set_supply(fablab, "laser", "Lens", "1")

    for supply in (gone, other):
        assert note(browse("chloe"), page, supply).status_code == 422


def test_nothing_is_noted_before_it_began(browse, page, film, at):
    at("2027-03-30 10:30")

    shown = browse("chloe").get(page)

    assert "once the booking has begun" in words(shown.text)
    assert note(browse("chloe"), page, film).status_code == 403
    assert noted() == []


def test_a_week_later_the_team_alone_notes(browse, page, film, at):
    at("2027-04-07 09:00")

    assert "ask the team" in words(browse("chloe").get(page).text)
    assert note(browse("chloe"), page, film).status_code == 403
    assert note(browse("amina"), page, film).status_code == 303


@pytest.mark.usefixtures("during")
def test_struck_out_it_counts_no_more_and_stays_to_be_seen(browse, fablab, page, film):
    chloe = browse("chloe")
    note(chloe, page, film)

    assert submit(chloe, page, f"{page}/{noted()[0].uid}/striking").status_code == 303

    db.session.expire_all()
    assert noted()[0].struck_by_id == fablab.people["chloe"]
    shown = words(chloe.get(page).text)
    assert "Film Struck out" in shown
    assert "Indicative amount: €" not in shown


@pytest.mark.usefixtures("during")
def test_what_the_team_noted_the_team_strikes_out(browse, page, film):
    note(browse("amina"), page, film)
    striking = f"{page}/{noted()[0].uid}/striking"

    assert submit(browse("chloe"), page, striking).status_code == 403
    assert submit(browse("amina"), page, striking).status_code == 303


@pytest.mark.usefixtures("during")
def test_to_others_the_page_does_not_exist(browse, page):
    assert browse("bruno").get(page).status_code == 404
