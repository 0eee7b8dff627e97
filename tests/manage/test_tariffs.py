"""The team says prices, supplies, packs and how the place counts; everybody keeps what was."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from fablab.db import db
from fablab.tariffs.models import Pack, Supply, Tariff
from tests.booking.conftest import words
from tests.booking.test_views import invalid
from tests.support import counting, send, submit

LASER = "/manage/tariffs/machines/laser"
FILLED = {
    "first_day": "2027-03-29",
    "unit": "hour",
    "step": "15",
    "minimum": "30",
    "included": "0",
    "everybody": "28",
    "resident": "12,50",
}


def save(client, page=LASER, **changed):
    return submit(client, page, page, **FILLED | changed)


@pytest.fixture
def amina(browse, cast):
    return browse("amina")


def test_prices_are_said_and_read_in_the_table(amina):
    answer = save(amina)
    page = words(amina.get("/manage/tariffs").text)

    assert answer.status_code == 303
    assert "€28.00 an hour" in page
    assert "€12.50 an hour" in page
    shown = words(amina.get(LASER).text)
    assert "30 min at least, every 15 min begun counts." in shown
    assert "Withdraw" in shown  # they begin today: nothing was counted yet


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"everybody": "-1"}, "It cannot be less than zero."),
        ({"resident": "\u22120,01"}, "It cannot be less than zero."),
        ({"resident": "1 25,50"}, "Write an amount as 12.50"),
        ({"resident": "1.250,50"}, "Write an amount as 12.50"),
        ({"resident": "12345678"}, "Write an amount as 12.50"),
        ({"everybody": "1e3"}, "Write an amount as 12.50"),
        ({"resident": "0.12345"}, "Write an amount as 12.50"),
        ({"resident": "\u0661\u0662"}, "Write an amount as 12.50"),
        ({"step": "0"}, "Between 1 and 1440"),
        ({"minimum": "-5"}, "Write a whole number"),
        ({"first_day": "2027-02-30"}, "There is no such day"),
        ({"first_day": "9999-12-31"}, "Choose a day of this century"),
        ({"unit": "week"}, "nvalid Choice"),
        ({"product": "a\0b"}, "characters that nobody can see"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_written(amina, changed, error):
    answer = save(amina, **changed)

    assert answer.status_code == 422
    assert error in answer.text
    assert db.session.scalars(select(Tariff)).all() == []


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u2009", "\u202f"])
@pytest.mark.parametrize("comma", [",", "."])
def test_thousands_may_be_parted_by_any_blank(amina, blank, comma):
    assert save(amina, everybody=f"1{blank}250{comma}50").status_code == 303

    prices = db.session.scalars(select(Tariff.price).order_by(Tariff.price)).all()
    assert prices == [Decimal("12.5"), Decimal("1250.5")]


def test_overlapping_prices_are_refused_at_the_day_and_what_was_typed_is_kept(amina):
    save(amina, first_day="2027-06-01")

    answer = save(amina, first_day="2027-05-01", everybody="31")

    assert answer.status_code == 422
    assert "withdraw them first" in answer.text
    assert 'value="31"' in answer.text


def test_a_planned_price_of_one_audience_leaves_the_others_free(amina):
    save(amina)
    save(amina, first_day="2027-06-01", everybody="31")

    refused = save(amina, first_day="2027-05-01", everybody="30", resident="13")
    assert invalid(refused.text) == {"everybody"}
    assert save(amina, first_day="2027-05-01", resident="13").status_code == 303

    prices = db.session.execute(select(Tariff.price, Tariff.first_day, Tariff.last_day)).all()
    assert sorted(
        (int(price), first.month, last and last.month) for price, first, last in prices
    ) == [
        (12, 3, 4),
        (13, 5, None),
        (28, 3, 5),
        (31, 6, None),
    ]


def test_the_form_is_filled_with_the_prices_of_the_chosen_day(amina):
    save(amina)
    save(amina, first_day="2027-06-01", everybody="31")

    assert 'value="28"' in amina.get(LASER).text
    later = amina.get(f"{LASER}?day=2027-07-01").text
    assert 'value="31"' in later
    assert 'name="first_day" required type="date" value="2027-07-01"' in later
    for odd in ("2027-02-30", "x", "9999-12-31"):
        assert amina.get(f"{LASER}?day={odd}").status_code == 404


def test_a_form_of_other_prices_than_those_of_its_day_is_looked_over_first(amina):
    """Else today's prices would silently take the place of the planned ones."""
    save(amina)
    save(amina, first_day="2027-06-01", everybody="31")

    unseen = save(amina, first_day="2027-07-01", shown="2027-03-30", resident="13")

    assert unseen.status_code == 422
    assert invalid(unseen.text) == {"first_day"}
    assert 'value="13"' in unseen.text
    assert 'name="shown" type="hidden" value="2027-07-01"' in unseen.text
    assert len(db.session.scalars(select(Tariff)).all()) == 3
    seen = save(amina, first_day="2027-07-01", shown="2027-07-01", everybody="31", resident="13")
    assert seen.status_code == 303


@pytest.mark.parametrize("changed", [{}, {"shown": ""}, {"seen": ""}])
def test_of_two_who_say_prices_at_once_the_second_sees_what_the_first_said(amina, changed):
    drawn = amina.get(LASER).text
    save(amina, everybody="31")

    second = send(amina, drawn, LASER, **FILLED | {"everybody": "32"} | changed)

    assert second.status_code == 409
    assert invalid(second.text) == {"first_day"}
    assert 'value="32"' in second.text
    assert db.session.scalars(select(Tariff.price).where(Tariff.price > Decimal(30))).all() == [31]
    again = send(amina, second.text, LASER, **FILLED | {"everybody": "32"})
    assert again.status_code == 303
    assert db.session.scalars(select(Tariff.price).where(Tariff.price > Decimal(30))).all() == [32]


def test_the_table_says_what_is_planned_and_shows_another_day(amina):
    save(amina)
    save(amina, first_day="2027-06-01", everybody="31", association="20", resident="")

    now = words(amina.get("/manage/tariffs").text)
    assert "€28.00 an hour From 1 Jun 2027: €31.00 an hour" in now
    assert "€12.50 an hour From 1 Jun 2027: €31.00 an hour" in now  # theirs ends
    assert "€28.00 an hour From 1 Jun 2027: €20.00 an hour" in now  # theirs begins
    later = words(amina.get("/manage/tariffs?day=2027-06-01").text)
    assert "What holds on 1 June 2027" in later
    assert "€31.00 an hour" in later
    assert "€28.00" not in later.partition("What the team did")[0]
    assert "From 1 Jun" not in later
    for odd in ("2027-02-30", "x", "9999-12-31"):
        assert amina.get(f"/manage/tariffs?day={odd}").status_code == 404


def test_a_planned_price_is_withdrawn_from_the_page(amina):
    save(amina)
    save(amina, first_day="2027-06-01", everybody="31")

    answer = submit(amina, LASER, f"{LASER}/withdrawal", first_day="2027-06-01")

    assert answer.status_code == 303
    prices = db.session.execute(select(Tariff.price, Tariff.last_day)).all()
    assert sorted(price for price, last_day in prices) == [12.5, 28]
    assert {last_day for price, last_day in prices} == {None}


def test_a_supply_is_added_and_refused_without_a_unit(amina):
    filled = {"name": "Filament", "counted_by": "g", "price": "0,04", "supply_from": "2027-03-29"}
    refused = submit(amina, LASER, f"{LASER}/supplies", **filled | {"counted_by": " "})
    assert refused.status_code == 422
    assert "Say its unit" in refused.text

    submit(amina, LASER, f"{LASER}/supplies", **filled)

    assert "€0.04" in amina.get(LASER).text
    uid = db.session.scalar(select(Supply.uid))
    assert submit(amina, LASER, f"{LASER}/supplies/{uid}/end").status_code == 303


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"late_percent": "101"}, "Between 0 and 100"),
        ({"missed_percent": "-1"}, "Write a whole number"),
        ({"currency": "XYZ"}, "three letters"),
    ],
)
def test_how_the_place_counts_has_bounds(amina, changed, error):
    page = "/manage/tariffs/terms"
    filled = {
        "charged": "real",
        "late_percent": "50",
        "missed_percent": "100",
        "currency": "EUR",
        "vat_text": "Prices without VAT",
    }
    answer = submit(amina, page, page, **filled | changed)
    assert (answer.status_code, error in answer.text) == (422, True)

    assert submit(amina, page, page, **filled).status_code == 303
    shown = words(amina.get("/manage/tariffs").text)
    assert "50 % of it" in shown
    assert "Prices without VAT" in shown


def test_a_pack_is_offered_and_offered_no_longer(amina):
    page = "/manage/tariffs/packs"
    filled = {"name": "Ten hours", "audience": "", "price": "150", "hours": "10"}
    filled |= {"categories": ["laser"]}
    assert submit(amina, page, page, **filled | {"hours": "0"}).status_code == 422

    submit(amina, page, page, valid_months="12", **filled)

    assert "10 h, on: Laser, valid for 12 months" in words(amina.get(page).text)
    pack = db.session.scalars(select(Pack)).one()
    assert (pack.minutes, pack.price) == (600, 150)
    submit(amina, page, f"{page}/{pack.uid}/retirement")
    assert "Ten hours" not in amina.get(page).text


def test_what_holds_and_what_is_planned_goes_along_as_a_file(amina):
    save(amina)
    save(amina, first_day="2027-06-01", everybody="31")
    supply = {"name": "=Film", "counted_by": "g", "price": "0,04", "supply_from": "2027-03-29"}
    submit(amina, LASER, f"{LASER}/supplies", **supply)

    lines = amina.get("/manage/tariffs.csv").text.splitlines()

    assert "L1,,,hour,28,EUR,15,30,0,2027-03-29,2027-05-31," in lines
    assert "L1,,,hour,31,EUR,15,30,0,2027-06-01,," in lines
    assert "L1,,'=Film,g,0.04,EUR,,,,2027-03-29,," in lines


def test_the_settings_lead_to_how_the_place_counts(amina):
    assert "/manage/tariffs/terms" in amina.get("/manage/settings").text


def test_the_table_costs_few_statements(app, amina):
    save(amina)
    amina.get("/manage/tariffs")

    with counting(db.engine) as statements:
        amina.get("/manage/tariffs")

    assert len(statements) <= 6, statements
