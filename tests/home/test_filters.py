"""Which machines a planning leaves out when it is asked to."""

import re
from datetime import date

from fablab import clock
from fablab.db import db, writing
from fablab.trainings.models import Qualification
from tests.home.test_pages import TUESDAY, words
from tests.support import counting


def chips(page: str) -> dict[str, str]:
    """The filters by their words, with where they lead."""
    found = re.findall(r'<a class="chip[^"]*" href="([^"]+)"[^>]*>(.*?)</a>', page)
    return {words(text).strip(): url.replace("&amp;", "&") for url, text in found}


def test_what_one_may_use_leaves_out_what_asks_for_more(fablab, browse):
    page = browse("chloe").get(f"/planning/{TUESDAY}?may=use").text

    assert "Workbench" in page
    assert "Laser cutter" not in page
    assert "I may use (1)" in page
    assert "Laser cutter" in browse("bruno").get(f"/planning/{TUESDAY}?may=use").text


def test_a_visitor_is_not_asked_what_they_may_use_and_sees_all(fablab, browse):
    page = browse(None).get(f"/planning/{TUESDAY}?may=use").text

    assert "I may use" not in page
    assert "Laser cutter" in page


def test_what_one_may_use_is_of_today_whatever_the_day_shown(fablab, browse):
    beyond_the_horizon = browse("chloe").get("/planning/2027-06-15?may=use").text
    over = browse("chloe").get("/planning/2027-03-27?may=use").text

    for page in (beyond_the_horizon, over):
        assert "Workbench" in page
        assert "Laser cutter" not in page


def test_a_qualification_that_runs_out_before_the_day_counts_today(fablab, browse):
    with writing() as session:
        session.add(
            Qualification(
                member_id=fablab.people["chloe"],
                machine_id=fablab.machine("laser").id,
                level=2,
                given_on=date(2026, 1, 1),
                expires_on=date(2027, 3, 29),
                recorded_at=clock.now(),
            )
        )

    page = browse("chloe").get(f"/planning/{TUESDAY}?may=use").text

    assert "I may use (2)" in page
    assert '<a class="barred"' in page


def test_the_filters_go_together_and_are_taken_off_one_by_one(fablab, browse, at):
    at(f"{TUESDAY} 11:00")
    found = chips(browse("chloe").get("/?may=use&category=bench&free=now").text)

    today = f"/planning/{TUESDAY}"
    assert found["All (2)"] == today
    assert found["I may use (1)"] == f"{today}?category=bench&free=now"
    assert found["Free now (2)"] == f"{today}?category=bench&may=use"
    assert found["Laser"] == f"{today}?category=laser&may=use&free=now"


def test_with_nothing_left_the_way_to_a_training_is_shown(fablab, browse):
    page = browse("chloe").get(f"/planning/{TUESDAY}?may=use&category=laser").text

    assert "No machine here that you may use yet." in page
    assert 'href="/trainings/"' in page


def test_asking_what_one_may_use_costs_no_more_statements(fablab, browse):
    client = browse("chloe")
    client.get(f"/planning/{TUESDAY}?may=use")

    with counting(db.engine) as statements:
        client.get(f"/planning/{TUESDAY}?may=use")

    assert len(statements) <= 3


def test_the_catalogue_has_the_same_filters(fablab, browse):
    bruno, chloe = browse("bruno"), browse("chloe")

    def shown(client, query):
        page = client.get(f"/machines/{query}").text
        return [name for name in ("Laser cutter", "Workbench") if f">{name}</a>" in page]

    assert shown(chloe, "") == ["Laser cutter", "Workbench"]
    assert shown(chloe, "?may=use") == ["Workbench"]
    assert shown(bruno, "?may=use") == ["Laser cutter", "Workbench"]
    assert shown(chloe, "?may=use&q=laser") == []
    assert shown(chloe, "?free=now") == []  # closed on a Monday
    assert shown(browse(None), "?may=use") == ["Laser cutter", "Workbench"]


def test_the_catalogue_keeps_the_other_filters_and_says_why_a_machine_is_barred(fablab, browse):
    page = browse("chloe").get("/machines/?q=e&may=use").text

    assert "/machines/?category=laser&amp;q=e&amp;may=use" in page
    assert "qualification" in browse("chloe").get("/machines/").text


def test_today_and_tomorrow_are_one_step_away(fablab, browse):
    monday = words(browse(None).get("/").text)

    assert "Today The day after: Tomorrow" in monday
    assert "The day after: Wed 31" in words(browse(None).get(f"/planning/{TUESDAY}").text)
