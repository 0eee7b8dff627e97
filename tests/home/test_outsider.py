"""Somebody signed in who is no member of the place reads what to do next."""

import pytest

from fablab.db import writing
from fablab.members.models import Member
from fablab.places.models import Place
from tests.booking.conftest import change
from tests.manage.conftest import add_cast

PAGES = ("/", "/planning/2027-03-30", "/planning/week/2027-W13", "/bookings/")


@pytest.mark.parametrize("page", PAGES)
def test_a_newcomer_reads_the_next_step_and_a_member_nothing(fablab, browse, page):
    add_cast(fablab)
    change(Place, email="team@atelier.example")

    newcomer, member = (browse(name).get(page).text for name in ("lina", "bruno"))

    assert newcomer.count("You cannot book here yet.") == 1
    assert "has yet to record your membership" in newcomer
    assert 'href="mailto:team@atelier.example"' in newcomer
    assert "You cannot book here yet." not in member
    if page != "/bookings/":
        assert "You cannot book here yet." not in browse(None).get(page).text


def test_on_a_machines_page_they_read_it_in_the_place_of_the_slots(fablab, browse):
    add_cast(fablab)

    newcomer, member, visitor = (
        browse(name).get("/machines/bench").text for name in ("lina", "bruno", None)
    )

    assert newcomer.count("You cannot book here yet.") == 1
    assert "/bookings/new" not in newcomer
    assert "/waits/" not in newcomer
    for page in (member, visitor):
        assert "You cannot book here yet." not in page
        assert "/bookings/new" in page


def test_who_has_not_confirmed_their_address_reads_that_first(fablab, browse):
    add_cast(fablab)
    with writing() as session:
        session.get(Member, fablab.people["lina"]).confirmed_at = None

    page = browse("lina").get("/bookings/").text

    assert "First confirm your address" in page
    assert "write to it" not in page
