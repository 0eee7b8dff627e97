"""What the planning and a machine's page say of a machine that a resident shares."""

import re
from datetime import date, timedelta

import pytest

from fablab.db import db
from tests.conftest import share
from tests.home.test_pages import cards, grid, words
from tests.home.test_week import cells, strips
from tests.support import counting, slot

TUESDAY = "2027-03-30"
MORNINGS = {"ranges": ((2, 10, 12),), "release": timedelta(hours=24)}


def test_the_owners_hours_are_drawn_as_reserved_for_all_others(fablab, browse):
    share(fablab, ranges=((2, 10, 12),), release=timedelta(hours=12))

    for who in ("chloe", None):
        page = grid(browse(who).get(f"/planning/{TUESDAY}").text)
        assert "10:00 to 12:00, reserved for the owner, Studio Fil" in words(page)
        assert "Book Workbench, free from 12:00 to 18:00" in words(page)

    own = grid(browse("bruno").get(f"/planning/{TUESDAY}").text)
    assert "reserved for the owner" not in own
    assert "Book Workbench, free from 10:00 to 18:00" in words(own)


def test_once_released_they_are_free(fablab, browse, at):
    share(fablab, **MORNINGS)
    at("2027-03-29 10:00")

    assert "reserved for the owner" not in browse("chloe").get(f"/planning/{TUESDAY}").text

    at("2027-03-29 09:59")
    assert "reserved for the owner" in browse("chloe").get(f"/planning/{TUESDAY}").text


def test_what_its_people_booked_keeps_the_rest_reserved(fablab, browse, at):
    share(fablab, **MORNINGS)
    fablab.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    at("2027-03-30 09:00")

    page = words(grid(browse("chloe").get(f"/planning/{TUESDAY}").text))

    assert "11:00 to 12:00, reserved for the owner, Studio Fil" in page


def test_the_week_leaves_them_out_of_what_is_free(fablab, browse):
    share(fablab, ranges=((3, 10, 12),), release=timedelta(hours=12))

    chloe, bruno = (browse(who).get("/planning/week/2027-W13").text for who in ("chloe", "bruno"))

    assert "6 h left free" in chloe
    said, theirs = cells(chloe, "bench")[2], cells(bruno, "bench")[2]
    assert said.startswith("6 h left free")
    assert "Reserved for the owner, Studio Fil: 10:00–12:00" in said
    assert strips(chloe, "bench")[2] == ["reserved"]
    assert "Reserved" not in theirs
    assert strips(bruno, "bench")[2] == []


def test_a_day_that_is_all_the_owners_says_so_in_the_week_and_the_list(fablab, browse):
    share(fablab, ranges=((3, 10, 18),), release=timedelta(hours=12))

    week = browse("chloe").get("/planning/week/2027-W13").text
    card = cards(browse("chloe").get("/planning/2027-03-31").text)["bench"]

    assert cells(week, "bench")[2].startswith("Reserved for the owner, ")
    assert "Reserved for the owner, Studio Fil: 10:00–18:00" in words(card)
    assert "Nothing left free" not in card


def test_on_the_list_they_have_their_own_look_and_words(fablab, browse):
    share(fablab, ranges=((2, 10, 12),), release=timedelta(hours=12))

    card = cards(browse("chloe").get(f"/planning/{TUESDAY}").text)["bench"]
    own = cards(browse("bruno").get(f"/planning/{TUESDAY}").text)["bench"]

    assert re.findall(r"strip__part--(\w+)", card) == ["closed", "reserved", "closed"]
    assert "Reserved for the owner, Studio Fil: 10:00–12:00" in words(card)
    assert "reserved" not in own
    assert "Reserved" not in own


def test_the_seven_days_of_its_page_say_when_it_is_kept_for_its_owner(fablab, browse):
    share(fablab, ranges=((2, 10, 12),), release=timedelta(hours=12))

    page = browse("chloe").get("/machines/bench").text

    assert page.count("strip__part--reserved") == 1
    assert "Reserved for the owner, Studio Fil: 10:00–12:00" in words(page)


@pytest.mark.parametrize("address", [f"/planning/{TUESDAY}", "/planning/week/2027-W13"])
def test_the_legend_explains_the_look_where_a_machine_has_an_owner(fablab, browse, address):
    assert "Reserved for the owner" not in browse("chloe").get(address).text

    share(fablab)

    legends = re.findall(r'<ul class="legend".*?</ul>', browse("chloe").get(address).text, re.S)
    assert legends
    assert all("Reserved for the owner" in legend for legend in legends)


def test_a_machine_says_now_that_it_is_reserved(fablab, browse, at):
    share(fablab, ranges=((2, 10, 12),))
    at("2027-03-30 10:30")

    assert "Reserved for its owner until 12:00" in browse("chloe").get("/machines/bench").text
    assert "Reserved for its owner" not in browse("bruno").get("/machines/bench").text


def test_its_page_tells_what_was_agreed(fablab, browse):
    share(
        fablab,
        ranges=((2, 10, 12), (4, 10, 12), (5, 14, 18)),
        release=timedelta(hours=36),
        audiences=["resident", "professional"],
        asks_owner=True,
        answer_within=timedelta(hours=48),
        last_day=date(2027, 12, 31),
    )

    page = words(browse("bruno").get("/machines/bench").text)

    assert "It belongs to Studio Fil" in page
    assert "Its owner shares it until Friday 31 December 2027." in page
    assert "Shared with: Professional, Resident" in page
    assert "Its owner comes first: Tuesday, Thursday 10:00–12:00; Friday 14:00–18:00" in page
    assert "Unused, they are free for everybody 36 h before." in page
    assert "They answer within 2 days, or the booking lapses." in page


def test_whoever_it_is_not_shared_with_reads_why(fablab, browse):
    share(fablab, audiences=["resident"])

    for address in ("/machines/bench", f"/planning/{TUESDAY}"):
        page = words(browse("chloe").get(address).text)
        assert "Studio Fil, does not share this machine with your kind of membership" in page


@pytest.mark.parametrize("who", ["chloe", None])
def test_beyond_the_agreement_nothing_is_offered(fablab, browse, who):
    share(fablab, last_day=date(2027, 3, 29))

    page = grid(browse(who).get(f"/planning/{TUESDAY}").text)

    assert "Book Workbench" not in page
    assert "Book Laser cutter" in page or who == "chloe"


def test_it_costs_no_statement(fablab, browse):
    share(fablab, **MORNINGS)
    reader = browse("chloe")
    reader.get(f"/planning/{TUESDAY}")

    for address, most in ((f"/planning/{TUESDAY}", 6), ("/planning/week/2027-W13", 6)):
        with counting(db.engine) as statements:
            assert reader.get(address).status_code == 200
        assert len(statements) <= most
