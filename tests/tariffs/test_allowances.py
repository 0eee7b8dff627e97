"""Hours are granted, used up by what was booked, and ended early; never rewritten."""

from datetime import date

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.db import NoSuch, db, writing
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.members import marks
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed, MarkKind
from fablab.places.models import Place
from fablab.tariffs import allowances
from fablab.tariffs.allowances import Holder, NewAllowance
from fablab.tariffs.balances import balances
from fablab.tariffs.models import Allowance
from tests.support import counting, instant, slot
from tests.tariffs.conftest import set_price

TODAY = date(2027, 3, 29)
TUESDAY, WEDNESDAY = slot("2027-03-30 10:00-11:30"), slot("2027-03-31 10:00-11:00")
LATER = "2027-04-02 09:00"


@pytest.fixture
def stage(any_fablab):
    set_price(any_fablab, "laser", "28")
    return any_fablab


@pytest.fixture
def bruno(stage):
    return Holder("Bruno", member_id=stage.people["bruno"])


@pytest.fixture
def studio(stage):
    return Holder("Studio", organization_id=stage.organization_id)


def grant(stage, holder, **changed):
    facts = {"name": "Ten hours", "minutes": 600, "first_day": TODAY}
    new = NewAllowance(**facts | changed)
    by = stage.people["amina"]
    return allowances.grant(stage.place_id, holder, new, by=by, now=clock.now())


def end(stage, holder, uid, now="2027-03-29 12:00"):
    by = stage.people["amina"]
    return allowances.end(stage.place_id, holder, uid, by=by, now=instant(now))


def balance(stage, holder, now=LATER, **more):
    inventory = of_place(place_id=stage.place_id)
    return balances(inventory, holder, now=instant(now), **more)


def told(stage, holder, **more):
    return [(each.used, each.left) for each in balance(stage, holder, **more)]


def noted():
    asked = select(AuditEntry).where(AuditEntry.what == Deed.TARIFF).order_by(AuditEntry.id)
    return db.session.scalars(asked).all()


def test_what_is_granted_is_used_by_what_they_booked_for_themselves(stage, bruno):
    grant(stage, bruno)
    stage.book("laser", TUESDAY, "bruno")
    stage.book("laser", WEDNESDAY, "bruno", organization_id=stage.organization_id)

    assert told(stage, bruno) == [(90, 510)]


def test_it_is_used_once_the_booking_is_over(stage, bruno):
    grant(stage, bruno)
    stage.book("laser", TUESDAY, "bruno")

    assert told(stage, bruno, now="2027-03-30 11:29") == [(0, 600)]


def test_what_an_organization_shares_is_one_sum(stage, studio):
    grant(stage, studio, is_shared=True)
    stage.book("laser", TUESDAY, "bruno", organization_id=stage.organization_id)

    assert told(stage, studio) == [(90, 510)]
    assert told(stage, studio, member_id=stage.people["chloe"]) == [(90, 510)]


def test_of_what_each_has_everybody_sees_their_own_part_and_who_manages_the_sum(stage, studio):
    grant(stage, studio)
    stage.book("laser", TUESDAY, "bruno", organization_id=stage.organization_id)

    assert told(stage, studio, member_id=stage.people["bruno"]) == [(90, 510)]
    assert told(stage, studio, member_id=stage.people["chloe"]) == [(0, 600)]
    assert told(stage, studio) == [(90, None)]


def test_each_month_begins_anew(stage, bruno):
    grant(stage, bruno, minutes=60, is_monthly=True)
    stage.book("laser", TUESDAY, "bruno")
    stage.book("laser", slot("2027-04-01 10:00-10:30"), "bruno")

    [found] = balance(stage, bruno)

    assert (found.used, found.left) == (30, 30)
    assert found.by_month == {date(2027, 4, 1): 30, date(2027, 3, 1): 60}


def test_what_ended_long_ago_still_covers_what_it_did(stage, bruno):
    """Left out of the sum, it would let its own uses eat what came after."""
    grant(stage, bruno, first_day=date(2027, 3, 30), last_day=date(2027, 3, 30), name="First")
    grant(stage, bruno, first_day=date(2027, 3, 30), name="Second")
    stage.book("laser", TUESDAY, "bruno")

    later = balance(stage, bruno, now="2028-06-01 09:00")

    assert [(each.row.name, each.used) for each in later] == [("Second", 0)]


@pytest.mark.parametrize(("day", "count"), [("2028-03-29", 1), ("2028-03-30", 0)])
def test_what_is_over_is_shown_for_a_year(stage, bruno, day, count):
    grant(stage, bruno, last_day=date(2027, 3, 30))

    assert len(balance(stage, bruno, now=f"{day} 09:00")) == count


def test_ended_today_is_its_last_day_and_what_was_used_stays_covered(stage, bruno):
    uid = grant(stage, bruno)
    stage.book("laser", TUESDAY, "bruno")

    assert end(stage, bruno, uid, now="2027-03-31 12:00")
    assert not end(stage, bruno, uid, now="2027-04-01 12:00")

    [row] = db.session.scalars(select(Allowance))
    assert (row.minutes, row.last_day) == (600, date(2027, 3, 31))
    assert told(stage, bruno) == [(90, 510)]
    granted, ended = noted()
    assert granted.after["minutes"] == 600
    assert (ended.before["granted_until"], ended.after["granted_until"]) == (None, "2027-03-31")


def test_what_has_not_begun_is_taken_back(stage, studio):
    uid = grant(stage, studio, first_day=date(2027, 5, 1))

    assert end(stage, studio, uid)

    assert db.session.scalars(select(Allowance)).all() == []
    assert noted()[-1].before["organization"] == "Studio"


def test_hours_of_others_do_not_exist(stage, bruno, studio):
    uid = grant(stage, bruno)

    for holder, place_id in ((studio, stage.place_id), (bruno, stage.place_id + 1)):
        with pytest.raises(NoSuch):
            allowances.end(place_id, holder, uid, by=stage.people["amina"], now=clock.now())


def test_what_a_late_one_drew_stays_drawn_when_its_mark_is_forgotten(stage, bruno):
    grant(stage, bruno)
    with writing() as session:
        session.execute(update(Place).values(late_percent=100))
    uid = stage.book("laser", TUESDAY, "bruno")
    with writing() as session:
        table = Occupancy.__table__
        cancelled = {"status": Status.CANCELLED, "standing": False}
        session.execute(update(table).where(table.c.uid == uid).values(**cancelled))
        one = session.scalar(select(table.c.id))
        amina, now = stage.people["amina"], clock.now()
        member_id, late = stage.people["bruno"], MarkKind.LATE
        marks.mark(session, member_id, stage.place_id, one, late, by=amina, now=now)
    assert told(stage, bruno) == [(90, 510)]

    with writing() as session:
        marks.tidy(session, clock.now() + 2 * marks.KEPT)

    assert told(stage, bruno) == [(90, 510)]


def test_balances_cost_two_statements_however_much_was_used(stage, bruno):
    grant(stage, bruno)
    grant(stage, bruno, is_monthly=True)
    stage.book("laser", TUESDAY, "bruno")
    stage.book("laser", WEDNESDAY, "bruno")
    balance(stage, bruno)
    inventory = of_place(place_id=stage.place_id)

    with counting(db.engine) as statements:
        balances(inventory, bruno, now=instant(LATER))

    assert len(statements) == 2, statements
