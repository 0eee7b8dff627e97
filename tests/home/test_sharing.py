"""What the planning and a machine's page say of a machine that a resident shares."""

from datetime import date, timedelta

import pytest

from fablab.db import db
from tests.conftest import share
from tests.home.test_pages import grid, words
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
    assert "strip__part--barred" in chloe
    assert "6 h left free" not in bruno


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
