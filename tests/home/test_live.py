"""A planning that is open asks whether it is still true: cheaply, and never wrongly."""

import re

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.booking import commands
from fablab.db import db, writing
from fablab.machines import commands as machines
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Machine, Occupancy
from tests.home.test_pages import AFTERNOON, TUESDAY, change
from tests.support import counting, slot

DAY, WEEK = f"/planning/{TUESDAY}", "/planning/week/2027-W13"
ADDRESS = f"{DAY}/version"


@pytest.fixture
def still_true(browse_any):
    """Asks as the page does: is the planning that `page` showed still the one?"""
    client = browse_any(None)

    def ask(page: str) -> bool:
        answer = client.get(re.search(r'data-version-url="([^"]+)"', page)[1])
        assert answer.status_code == 200
        return answer.text == re.search(r'data-version="([^"]+)"', page)[1]

    return ask


@pytest.mark.parametrize("path", [DAY, WEEK])
def test_while_nothing_happens_one_statement_says_so(any_fablab, browse_any, still_true, path):
    any_fablab.book("bench", AFTERNOON, "bruno")
    page, client = browse_any("chloe").get(path).text, browse_any(None)
    assert still_true(page)
    etag = client.get(f"{path}/version").headers["ETag"]

    with counting(db.engine) as statements:
        again = client.get(f"{path}/version", headers={"If-None-Match": etag})

    assert again.status_code == 304
    assert len(statements) == 1


def cancelled(fablab, uid):
    commands.cancel(uid, by=fablab.people["bruno"], is_team=False, now=clock.now())


def swapped(fablab, uid):
    """As many as before, in the same revisions."""
    cancelled(fablab, uid)
    fablab.book("bench", slot(f"{TUESDAY} 11:00-12:00"), "bruno")


def missed(fablab, uid):
    become(status=Status.MISSED, standing=False)


def agreed(fablab, uid):
    become(status=Status.CONFIRMED)


def become(**values):
    """As every write on a machine, in its queue."""
    with writing() as session:
        session.execute(update(Machine).values(revision=Machine.revision + 1))
        session.execute(update(Occupancy).values(**values))


def booked(fablab, uid):
    fablab.book("laser", AFTERNOON, "bruno")


def withdrawn(fablab, uid):
    laser = fablab.machine("laser").id
    machines.withdraw(laser, AFTERNOON, "Lens", by=None, now=clock.now())


def stopped(fablab, uid):
    change(Machine, state=MachineState.OUT_OF_SERVICE)


@pytest.mark.parametrize("path", [DAY, WEEK])
@pytest.mark.parametrize("what", [cancelled, swapped, missed, booked, withdrawn, stopped, agreed])
def test_whatever_the_page_would_show_is_another_version(
    any_fablab, browse_any, still_true, what, path
):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    if what is agreed:
        with writing() as session:
            session.execute(update(Occupancy).values(status=Status.PENDING))
    page = browse_any("chloe").get(path).text
    etag = browse_any(None).get(f"{path}/version").headers["ETag"]

    what(any_fablab, uid)

    answer = browse_any(None).get(f"{path}/version", headers={"If-None-Match": etag})
    assert answer.status_code == 200
    assert not still_true(page)
    assert still_true(browse_any("chloe").get(path).text)


def test_another_day_is_another_matter_and_another_week(any_fablab, browse_any, still_true):
    day, week = (browse_any("chloe").get(path).text for path in (DAY, WEEK))

    any_fablab.book("bench", slot("2027-03-31 14:00-16:00"), "bruno")
    assert still_true(day)
    assert not still_true(week)

    week = browse_any("chloe").get(WEEK).text
    any_fablab.book("bench", slot("2027-04-06 14:00-16:00"), "bruno")
    assert still_true(week)


def test_free_time_passes_by_the_quarter_of_an_hour(any_fablab, browse_any, still_true, at):
    at(f"{TUESDAY} 11:01")
    pages = [browse_any("chloe").get(path).text for path in ("/", "/planning/week/")]

    at(f"{TUESDAY} 11:14")
    assert all(map(still_true, pages))
    at(f"{TUESDAY} 11:15")
    assert not any(map(still_true, pages))


def test_who_asks_makes_no_difference_and_nothing_is_said(fablab, browse):
    fablab.book("bench", AFTERNOON, "bruno")

    answers = [browse(who).get(ADDRESS) for who in (None, "bruno", "amina")]

    assert len({answer.headers["ETag"] for answer in answers}) == 1
    assert len({answer.text for answer in answers}) == 1
    assert "bruno" not in answers[0].text.lower()
    assert not any("Set-Cookie" in answer.headers for answer in answers)


@pytest.mark.parametrize(
    "day", ["2027-02-30", "tomorrow", "1999-12-31", "week/2027-W54", "week/1999-W01", "week/2027"]
)
def test_what_is_no_day_has_no_version(fablab, browse, day):
    assert browse(None).get(f"/planning/{day}/version").status_code == 404
