"""The planning of a week: machines by days."""

import re
from datetime import time

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.db import db, writing
from fablab.machines import commands as machines
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Machine, Occupancy, Policy
from fablab.places.kinds import Mode
from fablab.places.models import Opening, Place
from tests.home.test_pages import cards, change, words
from tests.manage.conftest import booking
from tests.support import counting, slot

WEEK = "/planning/week/2027-W13"  # from Monday 29 March


def cells(page: str, machine: str) -> list[str]:
    """What the seven cells of a machine's row say, its hidden words included."""
    row = re.search(rf"<tr>(?:(?!</tr>).)*/machines/{machine}.*?</tr>", page, re.S)
    found = re.findall(r"<td[^>]*><span[^>]*>[^<]*</span>(.*?)</td>", row[0], re.S)
    return [words(cell).replace(" ,", ",").strip() for cell in found]


def strips(page: str, machine: str) -> list[list[str]]:
    """The kinds that each day's strip is made of."""
    row = re.search(rf"<tr>(?:(?!</tr>).)*/machines/{machine}.*?</tr>", page, re.S)
    return [
        re.findall(r"strip__part--(\w+)", cell) for cell in re.findall(r"<td.*?</td>", row[0], re.S)
    ]


def test_each_day_says_what_is_left_and_leads_there(fablab, browse):
    fablab.book("bench", slot("2027-03-30 14:00-16:00"), "bruno")

    page = browse("chloe").get(WEEK).text

    said = cells(page, "bench")
    assert said[0] == "Closed, Workbench, Monday 29 March"
    assert said[1] == "6 h left free, Workbench, Tuesday 30 March"
    assert said[2] == "8 h left free, Workbench, Wednesday 31 March"
    assert said[6] == "Closed, Workbench, Sunday 4 April"
    assert page.count('href="/planning/2027-03-30"') == 3  # the head and both machines
    assert strips(page, "bench")[1] == ["booked"]


def test_the_week_under_way_is_shown_by_default_and_that_of_a_day_on_request(fablab, browse):
    client = browse(None)

    assert "Week 13, from 29 March to 4 April 2027" in client.get("/planning/week/").text
    assert "Week 14, from 5 to 11 April 2027" in client.get("/planning/week/?day=2027-04-08").text
    assert "Week 53, from 28 December 2026 to 3 January 2027" in words(
        client.get("/planning/week/2026-W53").text
    )


@pytest.mark.parametrize(
    "week", ["2027-W54", "2027-W00", "2027-13", "1999-W52", "2201-W02", "٢٠٢٧-W13", "x"]
)
def test_what_is_no_week_is_no_page(fablab, browse, week):
    assert browse(None).get(f"/planning/week/{week}").status_code == 404


@pytest.mark.parametrize("week", ["2000-W01", "2200-W52"])
def test_the_first_and_last_week_can_be_read(fablab, browse, week):
    assert browse("bruno").get(f"/planning/week/{week}").status_code == 200


def test_each_reason_for_nothing_has_its_words_and_its_look(fablab, browse, at):
    bench, now = fablab.machine("bench").id, clock.now()
    fablab.book("bench", slot("2027-03-30 10:00-14:00"), "bruno")
    fablab.book("bench", slot("2027-03-30 14:00-18:00"), "chloe")
    machines.withdraw(bench, slot("2027-03-31 10:00-12:00"), "Vice", by=None, now=now)
    at("2027-04-01 12:00")

    page = browse("bruno").get(WEEK).text

    said = cells(page, "bench")
    assert said[1].startswith("Over, ")
    assert said[3].startswith("6 h left free")
    assert strips(page, "bench")[1] == ["own", "booked"]
    assert strips(page, "bench")[2] == ["outage", "past"]
    assert strips(page, "bench")[3] == ["past"]
    change(Machine, state=MachineState.OUT_OF_SERVICE, state_reason="Broken")
    assert cells(browse("bruno").get(WEEK).text, "bench")[4].startswith("Out of service, ")


def test_a_day_without_free_time_says_why(fablab, browse):
    bench, now = fablab.machine("bench").id, clock.now()
    machines.withdraw(bench, slot("2027-03-31 10:00-18:00"), "Vice", by=None, now=now)

    week = browse("bruno").get(WEEK).text
    card = cards(browse("bruno").get("/planning/2027-03-31").text)["bench"]

    assert cells(week, "bench")[2].startswith("Maintenance, ")
    assert "Maintenance Vice" in words(card)
    change(Machine, state=MachineState.OUT_OF_SERVICE, state_reason="Broken")
    assert cells(browse("bruno").get(WEEK).text, "bench")[2].startswith("Out of service, ")
    stopped = cards(browse("bruno").get("/planning/2027-04-01").text)["bench"]
    assert "Out of service Broken" in words(stopped)


def test_a_machine_closed_while_the_place_is_open_says_so_on_the_list(fablab, browse):
    change(Policy, modes=[Mode.SUPERVISED])
    with writing() as session:
        session.add(
            Opening(
                place_id=fablab.place_id,
                weekday=7,
                opens_at=time(10),
                closes_at=time(12),
                mode=Mode.RESIDENT,
            )
        )

    card = words(cards(browse("chloe").get("/planning/2027-04-04").text)["bench"])

    assert "Closed" in card
    assert "Nothing left free" not in card


def test_what_is_free_but_not_for_the_reader_looks_alike_in_the_list_and_the_week(fablab, browse):
    card = cards(browse("chloe").get("/planning/2027-03-31").text)["laser"]
    week = browse("chloe").get(WEEK).text

    assert "barred" in re.findall(r"strip__part--(\w+)", card)
    assert strips(week, "laser")[2] == ["barred"]


def test_ones_own_bookings_are_links_and_say_when_they_wait(fablab, browse):
    uid = fablab.book("bench", slot("2027-03-30 14:00-16:00"), "bruno")
    with writing() as session:
        session.execute(update(Occupancy).values(status=Status.PENDING))

    page = browse("bruno").get(WEEK).text

    assert f'href="/bookings/{uid}"' in page
    assert cells(page, "bench")[1].endswith("Your booking, waiting for approval 14:00–16:00")
    assert uid not in browse("chloe").get(WEEK).text


def test_what_is_not_for_the_reader_says_why(fablab, browse):
    page = browse("chloe").get(WEEK).text

    assert "not for you: This machine asks for a qualification" in cells(page, "laser")[1]
    assert strips(page, "laser")[1] == ["barred"]
    assert "not for you" not in browse(None).get(WEEK).text


def test_a_booking_over_midnight_shows_on_both_days_and_counts_in_each(fablab, browse):
    with writing() as session:
        row = fablab.order("bench", slot("2027-03-30 17:00-11:00"), "bruno")
        session.add(booking(row.machine_id, row.member_id, row.slot))

    said = cells(browse("chloe").get(WEEK).text, "bench")

    assert said[1].startswith("7 h left free")
    assert said[2].startswith("7 h left free")


def test_the_filters_are_kept_from_week_to_week_and_to_the_day(fablab, browse):
    page = browse("chloe").get(f"{WEEK}?category=bench&may=use").text

    assert "Laser cutter" not in page
    assert 'href="/planning/week/2027-W14?category=bench&amp;may=use"' in page
    assert 'href="/planning/2027-03-29?category=bench&amp;may=use"' in page
    day = browse("chloe").get("/planning/2027-04-08?category=bench&may=use").text
    assert 'href="/planning/week/2027-W14?category=bench&amp;may=use"' in day


@pytest.mark.parametrize("week", ["2027-W12", "2027-W43"], ids=["spring", "autumn"])
def test_the_weeks_of_both_clock_changes_are_drawn(fablab, browse, week):
    """The place is closed on those Sundays, so that their hour is in nobody's way."""
    page = browse("amina").get(f"/planning/week/{week}")

    assert page.status_code == 200
    assert len(cells(page.text, "bench")) == 7


def test_a_week_asks_the_database_six_times_cold_and_three_warm(any_fablab, browse_any, any_app):
    for day in ("03-30", "03-31", "04-01", "04-02", "04-03"):
        for hour in range(10, 18):
            any_fablab.book("bench", slot(f"2027-{day} {hour}:00-{hour}:30"), "bruno")
    client = browse_any("bruno")
    change(Place, address="Elsewhere")  # so that nothing of it is in memory

    with counting(db.engine) as cold:
        client.get(WEEK)
    with counting(db.engine) as warm:
        page = client.get(WEEK)

    assert page.text.count('class="week__own"') == 40
    assert len(cold) <= 6
    assert len(warm) <= 3


def test_what_was_drawn_for_one_is_not_read_by_another(fablab, browse):
    fablab.book("bench", slot("2027-03-30 14:00-16:00"), "bruno")
    bruno, chloe = (browse(who).get(WEEK).text for who in ("bruno", "chloe"))

    assert strips(bruno, "bench")[1] == ["own"]
    assert strips(chloe, "bench")[1] == ["booked"]
    fablab.book("bench", slot("2027-03-31 14:00-16:00"), "bruno")
    assert strips(browse("chloe").get(WEEK).text, "bench")[2] == ["booked"]
