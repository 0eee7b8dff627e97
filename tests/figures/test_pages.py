"""The chart of a week on the pages of machines, and of the place for the team."""

import re

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.db import db, writing
from fablab.machines import commands as machines
from fablab.machines.models import Occupancy
from tests.home.test_pages import words
from tests.support import counting, slot


@pytest.fixture
def booked(any_fablab):
    """Two hours on Tuesday and four on Wednesday; a breakdown is no use."""
    any_fablab.book("bench", slot("2027-03-30 10:00-12:00"), "bruno")
    any_fablab.book("bench", slot("2027-03-31 10:00-14:00"), "bruno")
    bench, now = any_fablab.machine("bench").id, clock.now()
    machines.withdraw(bench, slot("2027-04-01 10:00-12:00"), "Vice", by=None, now=now)
    return any_fablab


def table(page: str) -> list[list[str]]:
    """The figures beneath the drawing."""
    figure = re.search(r'<figure class="chart".*?</figure>', page, re.S)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", figure[figure.index("<tbody>") :], re.S)
    return [
        [words(cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]


def test_a_member_reads_how_much_of_the_week_is_booked(booked, browse_any):
    page = browse_any("chloe").get("/machines/bench").text

    assert table(page) == [
        ["Mon 29", "Closed", "0 min", "–"],
        ["Tue 30", "8 h", "2 h", "25 %"],
        ["Wed 31", "8 h", "4 h", "50 %"],
        ["Thu 1", "8 h", "0 min", "0 %"],
        ["Fri 2", "8 h", "0 min", "0 %"],
        ["Sat 3", "8 h", "0 min", "0 %"],
        ["Sun 4", "Closed", "0 min", "–"],
        ["Week", "40 h", "6 h", "15 %"],
    ]
    assert "6 h booked of 40 h open: 15 %." in words(page).replace("\N{NO-BREAK SPACE}", " ")


def test_a_visitor_has_no_use_for_figures(booked, browse_any):
    assert 'class="chart"' not in browse_any(None).get("/machines/bench").text


def test_the_team_reads_the_same_of_a_machine_and_of_all(booked, browse_any):
    booked.book("laser", slot("2027-03-30 10:00-12:00"), "bruno")
    amina = browse_any("amina")

    assert table(amina.get("/manage/machines/bench").text)[-1] == ["Week", "40 h", "6 h", "15 %"]
    assert table(amina.get("/manage/day/2027-04-01").text)[-1] == ["Week", "80 h", "8 h", "10 %"]


def test_what_was_really_used_stands_beside_what_was_booked(booked, browse_any, at):
    hours = slot("2027-03-30 10:15-11:45")
    with writing() as session:
        first = select(Occupancy.id).order_by(Occupancy.starts_at).limit(1).scalar_subquery()
        values = {"arrived_at": hours.start, "left_at": hours.end}
        session.execute(update(Occupancy).where(Occupancy.id == first).values(values))
    at("2027-03-31 18:00")

    found = table(browse_any("chloe").get("/machines/bench").text)

    assert found[1] == ["Tue 30", "8 h", "2 h", "1 h 30", "25 %"]
    assert found[2] == ["Wed 31", "8 h", "4 h", "0 min", "50 %"]
    assert found[-1] == ["Week", "40 h", "6 h", "1 h 30", "15 %"]


def test_the_figures_cost_one_statement_whatever_the_bookings(booked, browse_any):
    amina = browse_any("amina")
    amina.get("/manage/day/2027-03-30")

    with counting(db.engine) as before:
        amina.get("/manage/day/2027-03-30")
    for hour in range(10, 18):
        booked.book("laser", slot(f"2027-03-30 {hour}:00-{hour}:30"), "bruno")
    with counting(db.engine) as after:
        amina.get("/manage/day/2027-03-30")

    assert len(after) == len(before) <= 8
