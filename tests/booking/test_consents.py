"""Somebody's yes that a booking needs: asked, answered, taken back, or past its time."""

from sqlalchemy import select

from fablab import clock
from fablab.booking import commands, consents
from fablab.booking.consents import Wanted
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Consent
from fablab.db import db, writing
from tests.support import counting, instant, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")
DUE = instant("2027-03-29 21:00")


def asked_of(uid):
    db.session.rollback()
    of_it = Consent.occupancy_id == commands.find(uid).id
    return db.session.execute(select(Consent.__table__).where(of_it).order_by(Consent.id)).all()


def test_what_a_booking_waits_for_costs_one_statement(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    booking, bruno = commands.find(uid), any_fablab.people["bruno"]
    wanted = [Wanted(ConsentKind.TEAM), Wanted(ConsentKind.BUDDY, bruno)]

    with writing() as session, counting(db.engine) as statements:
        consents.ask(session, booking.id, wanted, due_at=DUE, now=clock.now())

    assert len(statements) == 1
    assert [(each.kind, each.asked_id, each.answer) for each in asked_of(uid)] == [
        ("team", None, None),
        ("buddy", bruno, None),
    ]
    assert {each.due_at for each in asked_of(uid)} == {DUE}


def test_a_booking_that_needs_nobody_asks_nothing(any_fablab):
    booking = commands.find(any_fablab.book("bench", AFTERNOON, "chloe"))

    with writing() as session, counting(db.engine) as statements:
        consents.ask(session, booking.id, [], due_at=DUE, now=clock.now())

    assert statements == []
