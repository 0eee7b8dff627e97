"""Regular maintenance: it keeps the machine free, is done, and comes again."""

import re
from datetime import date, time, timedelta

import pytest
from sqlalchemy import func, select

from fablab import clock
from fablab.booking.orders import BookingRefused
from fablab.db import db
from fablab.keys import AlreadyMade
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Occupancy
from fablab.upkeep import maintenance, maintenance_views, queries
from fablab.upkeep.kinds import EntryKind, Unit
from fablab.upkeep.maintenance import Done, Plan
from fablab.upkeep.maintenance_rules import Rhythm
from fablab.upkeep.models import LogEntry, Maintenance, MaintenanceDay
from tests.conftest import browser
from tests.manage.conftest import add_annex
from tests.support import PARIS, counting, slot, submit
from tests.upkeep.conftest import add_referent, count

PAGE = "/machines/bench/maintenance"
WEEKLY = Plan(
    "Oiling",
    Rhythm(1, Unit.WEEKS),
    date(2027, 3, 30),
    time(10),
    timedelta(hours=1),
)
TYPED = {
    "title": "Oiling",
    "work": "The vice and the rails",
    "who": "Rémi",
    "every": "1",
    "unit": "weeks",
    "starts_on": "2027-03-30",
    "weekday": "",
    "at": "10:00",
    "length": "60",
}


def begin(fablab, plan=WEEKLY):
    by, bench = fablab.people["amina"], fablab.machine("bench").id
    return maintenance.begin(bench, fablab.place_id, plan, by=by, now=clock.now())


def kept_free():
    table = Occupancy.__table__
    asked = select(table.c.starts_at).where(table.c.kind == OccupancyKind.OUTAGE, table.c.standing)
    starts = db.session.scalars(asked.order_by(table.c.starts_at))
    return [f"{each.astimezone(PARIS):%m-%d %H:%M}" for each in starts]


def finish(fablab, uid, said=""):
    maintenance.finish(uid, Done(said), by=fablab.people["amina"], now=clock.now())


def test_it_keeps_the_machine_free_as_far_ahead_as_it_may_be_booked(any_fablab, any_app):
    add_referent(any_fablab)
    fill_in = {**TYPED, "weekday": "3"}

    answer = submit(browser(any_app, "remi"), PAGE, PAGE, **fill_in)

    assert (answer.status_code, answer.location) == (303, PAGE)
    assert kept_free() == ["03-31 10:00", "04-07 10:00", "04-14 10:00"]  # 21 days
    with pytest.raises(BookingRefused):
        any_fablab.book("bench", slot("2027-03-31 10:00-12:00"), "chloe")
    page = browser(any_app, "remi").get(PAGE).text
    for words in ("Oiling", "The vice and the rails", "Every week at 10:00", "Wednesday"):
        assert words in page


def test_a_plan_that_is_sent_twice_is_one(cast, browse):
    remi = browse("remi")
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', remi.get(PAGE).text)
    fields = dict(hidden) | TYPED

    answers = [remi.post(PAGE, data=fields) for _ in range(2)]

    assert [(each.status_code, each.location) for each in answers] == [(303, PAGE)] * 2
    assert db.session.scalar(select(func.count()).select_from(Maintenance)) == 1


def test_what_is_booked_stays_and_the_maintenance_goes_around_it(cast, browse):
    cast.book("bench", slot("2027-03-30 10:00-11:30"), "chloe")

    begin(cast)

    assert kept_free()[:2] == ["03-30 11:30", "04-06 10:00"]
    assert "moved, for something was booked" in browse("amina").get(PAGE).text


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        ("2027-03-23", ["03-23 10:00", "03-30 10:00", "04-06 10:00", "04-13 10:00"]),
        ("2027-10-26", ["10-26 10:00", "11-02 10:00", "11-09 10:00", "11-16 10:00"]),
    ],
)
def test_the_clocks_change_and_its_hour_does_not(cast, at, today, expected):
    at(f"{today} 09:00")

    begin(cast, Plan(**{**fields(WEEKLY), "starts_on": date.fromisoformat(today)}))

    assert kept_free() == expected


def test_the_background_work_plans_on(cast, at):
    begin(cast)
    before = len(kept_free())

    assert maintenance.plan(clock.now()) == 0
    with counting(db.engine) as sent:
        maintenance.plan(clock.now())
    assert len(sent) <= 3
    at("2027-04-13 09:00")
    assert maintenance.plan(clock.now()) == 1
    assert len(kept_free()) == before + 3
    assert maintenance.plan(clock.now()) == 0


def test_done_on_its_day_the_others_stay_as_they_are(cast, at):
    uid = begin(cast)
    others = kept_free()[1:]
    ids = select(Occupancy.uid).where(Occupancy.standing).order_by(Occupancy.starts_at)
    before = list(db.session.scalars(ids))[1:]
    at("2027-03-30 10:30")

    finish(cast, uid, "New oil")

    assert kept_free()[1:3] == others
    assert list(db.session.scalars(ids))[1:3] == before
    first = db.session.scalars(select(Occupancy).order_by(Occupancy.starts_at)).first()
    assert first.ends_at == clock.now()
    [line] = db.session.scalars(select(LogEntry))
    assert (line.kind, line.said) == (EntryKind.MAINTENANCE, "Oiling\nNew oil")


def test_a_form_that_is_sent_twice_writes_one_line(cast):
    uid, key = begin(cast), "a form"
    by = cast.people["amina"]

    maintenance.finish(uid, Done("New oil"), by=by, now=clock.now(), key=key)
    with pytest.raises(AlreadyMade):
        maintenance.finish(uid, Done("New oil"), by=by, now=clock.now(), key=key)

    assert len(db.session.scalars(select(LogEntry)).all()) == 1


def test_done_late_the_next_is_counted_from_that_day(cast, at):
    uid = begin(cast)
    at("2027-04-01 09:00")
    today = date(2027, 4, 1)
    assert count(queries.overdue_maintenance(cast.place_id, today)) == 1

    finish(cast, uid)

    assert count(queries.overdue_maintenance(cast.place_id, today)) == 0
    assert [each for each in kept_free() if each > "04-01"][:2] == ["04-08 10:00", "04-15 10:00"]


def test_done_early_what_comes_next_is_done_with_it(cast):
    uid = begin(cast, Plan(**{**fields(WEEKLY), "starts_on": date(2027, 4, 2)}))

    finish(cast, uid)

    assert kept_free()[0] == "04-05 10:00"


def fields(plan):
    return {name: getattr(plan, name) for name in plan.__slots__}


@pytest.mark.parametrize("moment", ["2027-03-30 11:30", "2027-03-29 08:30"])
def test_done_twice_on_a_day_is_two_lines_and_the_next_time_stays(any_fablab, any_app, at, moment):
    uid = begin(any_fablab)
    at(moment)
    finish(any_fablab, uid, "New oil")
    planned = kept_free()
    amina, address = browser(any_app, "amina"), f"{PAGE}/{uid}/done"

    answer = submit(amina, PAGE, address, said="The rails as well")

    assert answer.status_code == 303
    assert "It was done today before" in amina.get(answer.location).text
    assert kept_free() == planned
    said = list(db.session.scalars(select(LogEntry.said).order_by(LogEntry.id)))
    assert said == ["Oiling\nNew oil", "Oiling\nThe rails as well"]


def test_a_day_on_which_it_is_done_is_not_planned_anew(any_fablab, at):
    uid = begin(any_fablab)
    at("2027-03-30 10:30")
    finish(any_fablab, uid)
    daily = Plan(**{**fields(WEEKLY), "rhythm": Rhythm(1, Unit.DAYS), "at": time(16)})

    maintenance.change(uid, daily, by=any_fablab.people["amina"], now=clock.now())

    assert kept_free()[:3] == ["03-30 10:00", "03-31 16:00", "04-01 16:00"]


def test_what_is_overdue_is_shown(cast, browse, at):
    begin(cast)
    at("2027-03-31 09:00")

    amina = browse("amina")
    assert "Overdue" in amina.get("/manage/machines/bench/maintenance").text
    assert "Oiling, due on Tuesday 30 March" in amina.get("/manage/").text


def test_changed_it_is_planned_anew_and_ended_no_more(any_fablab, any_app):
    add_referent(any_fablab)
    uid = begin(any_fablab)
    amina = browser(any_app, "amina")
    changed = {**TYPED, "every": "2", "at": "14:00"}

    edit = f"{PAGE}?edit={uid}"
    answer = submit(amina, edit, f"{PAGE}/{uid}", **changed)

    assert answer.location == "/manage/machines/bench/maintenance"
    assert kept_free()[:2] == ["03-30 14:00", "04-13 14:00"]
    submit(amina, PAGE, f"{PAGE}/{uid}/end")
    assert kept_free() == []
    assert db.session.scalar(select(MaintenanceDay.id)) is None
    assert amina.get(PAGE).status_code == 200
    assert amina.post(f"{PAGE}/{uid}/done").status_code in (400, 404)


def test_ended_by_somebody_else_a_moment_ago_it_is_there_no_longer(cast, browse, monkeypatch):
    uid, amina, remi = begin(cast), browse("amina"), cast.people["remi"]
    find = maintenance_views.find

    def found_just_before_it_ended(machine, uid):
        row = find(machine, uid)
        maintenance.end(uid, by=remi, now=clock.now())
        return row

    monkeypatch.setattr(maintenance_views, "find", found_just_before_it_ended)

    assert submit(amina, PAGE, f"{PAGE}/{uid}/end").status_code == 404


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("title", " "),
        ("every", "0"),
        ("every", "366"),
        ("every", "٣"),
        ("unit", "years"),
        ("starts_on", "2027-03-28"),
        ("starts_on", "2031-01-01"),
        ("weekday", "8"),
        ("at", "25:00"),
        ("at", "24:00"),
        ("length", "7"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_lost(cast, browse, field, typed):
    answer = submit(browse("amina"), PAGE, PAGE, **TYPED | {field: typed})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert "The vice and the rails" in answer.text
    assert kept_free() == []


def test_a_cost_that_is_none_is_said_beside_its_maintenance(cast, browse):
    uid = begin(cast)

    answer = submit(browse("amina"), PAGE, f"{PAGE}/{uid}/done", said="Oil", cost="much")

    assert answer.status_code == 422
    assert re.search(rf'id="cost-{uid}-error"', answer.text)
    assert db.session.scalar(select(LogEntry.id)) is None


def test_it_is_for_whoever_looks_after_the_machine(cast, browse, app):
    add_annex(cast)
    app.config["WTF_CSRF_ENABLED"] = False
    uid = begin(cast)

    for who in ("chloe", "bruno", "dora"):
        client = browse(who)
        assert client.get(PAGE).status_code == 404
        for action in ("", f"/{uid}", f"/{uid}/done", f"/{uid}/end"):
            assert client.post(PAGE + action, data=TYPED).status_code == 404
    laser = f"/machines/laser/maintenance/{uid}/end"
    assert browse("amina").post(laser).status_code == 404
    assert browse("remi").get(PAGE).status_code == 200
    assert kept_free() != []
