"""The team grants hours from a member's and an organization's page; they see what is left."""

from datetime import date

import pytest
from sqlalchemy import select

from fablab.db import db
from fablab.members.models import Member
from fablab.tariffs.models import Allowance
from tests.booking.conftest import words
from tests.support import counting, send, slot, submit
from tests.tariffs.conftest import set_price

STUDIO = "/manage/organizations/studio/allowances"
FILLED = {
    "name": "Ten hours",
    "minutes": "10:30",
    "first_day": "2027-03-29",
    "last_day": "2027-12-31",
    "categories": ["laser"],
    "settled": "F-2027-12",
}


@pytest.fixture
def page(cast, uid):
    return f"/manage/members/{uid('bruno')}/allowances"


def grant(client, page, **changed):
    return submit(client, page, page, **FILLED | changed)


def granted():
    return db.session.scalars(select(Allowance).order_by(Allowance.id)).all()


def test_hours_are_granted_from_the_page_of_a_member(amina, browse, page):
    assert page in amina.get(page.removesuffix("/allowances")).text

    assert grant(amina, page).status_code == 303

    [row] = granted()
    assert (row.minutes, row.categories, row.last_day) == (630, ["laser"], date(2027, 12, 31))
    shown = words(amina.get(page).text)
    assert "Ten hours 10 h 30, on: Laser" in shown
    theirs = words(browse("bruno").get("/account/allowances").text)
    assert "F-2027-12" in theirs
    assert "Ten hours" not in words(browse("chloe").get("/account/allowances").text)


def test_in_french_hours_are_used_and_left_not_done_and_gone(amina, page):
    grant(amina, page)
    amina.set_cookie("language", "fr")

    shown = words(amina.get(page).text)

    assert "Utilisé Reste" in shown
    assert "Départ" not in shown


@pytest.mark.parametrize(("typed", "minutes"), [("630", 630), ("10 h", 600), ("1 h 05", 65)])
def test_how_long_is_typed_as_hours_and_minutes_or_as_minutes(amina, page, typed, minutes):
    grant(amina, page, minutes=typed)

    assert granted()[0].minutes == minutes


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"name": " "}, "Give it a name."),
        ({"minutes": ""}, "Say how long"),
        ({"minutes": "0"}, "Between a minute and 10,000 hours."),
        ({"minutes": "10001:00"}, "Between a minute and 10,000 hours."),
        ({"minutes": "10:60"}, "Write hours and minutes as 10:30"),
        ({"minutes": "-5"}, "Write hours and minutes as 10:30"),
        ({"minutes": "\u0661\u0660"}, "Write hours and minutes as 10:30"),
        ({"last_day": "2027-03-28"}, "It ends before it starts."),
        ({"last_day": "9999-12-31"}, "Choose a day of this century."),
        ({"first_day": ""}, "Say from when."),
        ({"categories": ["nothing"]}, "nothing&#39; is not a valid choice"),
        ({"settled": "a\0b"}, "characters that nobody can see"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_granted(amina, page, changed, error):
    answer = grant(amina, page, **changed)

    assert answer.status_code == 422
    assert error in answer.text
    assert granted() == []


@pytest.mark.parametrize("of", ["member", "organization"])
def test_a_form_that_is_sent_twice_grants_once(cast, amina, page, of):
    whose = page if of == "member" else STUDIO
    drawn = amina.get(whose).text

    answers = [send(amina, drawn, whose, **FILLED).status_code for _time in range(2)]

    assert answers == [303, 303]
    assert len(granted()) == 1
    send(amina, drawn, whose, **FILLED | {"minutes": "5:00"})
    grant(amina, whose)
    assert [row.minutes for row in granted()] == [630, 300, 630]  # other words, another form


def test_one_day_is_long_enough(amina, page):
    assert grant(amina, page, last_day="2027-03-29").status_code == 303


def test_a_pack_fills_the_form_and_what_is_none_is_no_pack(amina, page):
    packs = "/manage/tariffs/packs"
    pack = {"name": "P10", "audience": "", "price": "150", "hours": "10", "valid_months": "12"}
    submit(amina, packs, packs, **pack)
    uid = db.session.scalar(db.text("SELECT uid FROM pack"))

    filled = amina.get(f"{page}?pack={uid}").text
    assert 'value="10:00"' in filled
    assert 'value="2028-03-29"' in filled
    grant(amina, page, pack=uid)
    grant(amina, page, pack="a\0b")
    assert [row.pack_id is None for row in granted()] == [False, True]


def test_hours_end_today_by_a_button(amina, page):
    grant(amina, page)
    [row] = granted()

    answer = submit(amina, page, f"{page}/{row.uid}/end")

    assert answer.status_code == 303
    db.session.expire_all()
    assert granted()[0].last_day == date(2027, 3, 29)
    assert amina.post(f"{STUDIO}/{row.uid}/end").status_code == 400  # without its form
    assert submit(amina, page, f"{STUDIO}/{row.uid}/end").status_code == 404


def test_what_is_neither_ticked_nor_left_is_refused(amina, page):
    answer = grant(amina, page, is_monthly="1e3")

    assert answer.status_code == 422
    assert "this is neither yes nor no" in answer.text
    assert granted() == []


def test_a_member_shares_with_nobody(amina, page):
    grant(amina, page, is_shared="y")

    assert not granted()[0].is_shared


def test_an_organization_sees_sums_and_no_name(app, fablab, amina, browse):
    set_price(fablab, "laser", "28")
    hours = slot("2027-03-30 10:00-11:30")
    fablab.book("laser", hours, "bruno", organization_id=fablab.organization_id)
    grant(amina, STUDIO, is_shared="y")
    grant(amina, STUDIO, name="For each", last_day="")

    shown = words(browse("bruno").get("/organizations/studio/allowances").text)

    assert "shared in the organization" in shown
    assert "for each of its people" in shown
    assert "No end" in shown
    assert "Bruno" not in shown.replace("Bruno", "", 1)  # whose menu it is
    assert browse("chloe").get("/organizations/studio/allowances").status_code == 404


def test_who_was_granted_nothing_is_told_what_to_do(browse, cast):
    shown = words(browse("bruno").get("/account/allowances").text)

    assert "No hours are granted in your name. Ask the team" in shown
    assert "Studio Fil · no hours are granted" in shown
    assert "/organizations/studio/allowances" in browse("bruno").get("/account/allowances").text
    alone = words(browse("chloe").get("/account/allowances").text)
    assert "No hours are granted here. Ask the team" in alone


def test_what_is_left_of_an_organizations_hours_stands_beside_ones_own(amina, browse):
    grant(amina, STUDIO, is_shared="y")
    grant(amina, STUDIO, name="Gone", first_day="2026-01-01", last_day="2026-12-31")

    shown = words(browse("bruno").get("/account/allowances").text)

    assert "Studio Fil · Ten hours: 10 h 30 left" in shown
    assert "Gone" not in shown


def test_who_waits_for_a_membership_is_granted_nothing(amina, uid):
    assert amina.get(f"/manage/members/{uid('lina')}/allowances").status_code == 404


def test_the_pages_cost_few_statements(app, fablab, amina, browse, page):
    for _time in range(3):
        grant(amina, page)
        grant(amina, STUDIO)
    assert db.session.scalar(select(Member.id).where(Member.first_name == "Bruno"))
    for client, asked in (
        (amina, page),
        (amina, STUDIO),
        (browse("bruno"), "/account/allowances"),
        (browse("bruno"), "/organizations/studio/allowances"),
        (browse("bruno"), "/account/"),
    ):
        client.get(asked)
        with counting(db.engine) as statements:
            client.get(asked)
        assert len(statements) <= 9, (asked, len(statements), statements)
