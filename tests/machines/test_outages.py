"""Withdrawing a machine for a time, giving it back, and saying how it is."""

from datetime import date

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.booking import commands as booking
from fablab.booking.verdicts import Reason
from fablab.db import db
from fablab.machines import commands
from fablab.machines.inventory import of_place
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Change, Machine
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from tests.support import instant, slot

MORNING = slot("2027-03-30 10:00-12:00")
INSIDE = slot("2027-03-30 11:00-12:00")


def withdraw(fablab, span=MORNING):
    return commands.withdraw(
        fablab.machine("bench").id,
        span,
        "Changing the vice",
        by=fablab.people["amina"],
        now=clock.now(),
    )


def end(fablab, uid):
    commands.end_outage(uid, by=fablab.people["amina"], now=clock.now())


def set_state(fablab, state, why="", back_on=None):
    commands.set_state(
        fablab.machine("bench").id,
        state,
        why,
        back_on,
        by=fablab.people["amina"],
        now=clock.now(),
    )


def changes(uid):
    outage = commands.find_outage(uid)
    return db.session.scalars(
        select(Change).where(Change.occupancy_id == outage.id).order_by(Change.id)
    ).all()


def revision(fablab):
    return db.session.scalar(
        select(Machine.revision).where(Machine.id == fablab.machine("bench").id)
    )


def test_a_withdrawn_machine_cannot_be_booked(any_fablab):
    uid = withdraw(any_fablab)

    with pytest.raises(booking.BookingRefused) as refused:
        any_fablab.book("bench", INSIDE, "chloe")
    assert [each.reason for each in refused.value.refusals] == [Reason.OUTAGE]
    (change,) = changes(uid)
    assert (change.what, change.made_by_id) == ("withdrawn", any_fablab.people["amina"])
    assert change.after == commands.said(MORNING)


def test_a_booking_stands_in_the_way_of_an_outage(any_fablab):
    any_fablab.book("bench", INSIDE, "chloe")

    with pytest.raises(commands.SlotTaken):
        withdraw(any_fablab)


def test_an_outage_to_come_is_cancelled_and_the_machine_free(any_fablab):
    uid = withdraw(any_fablab)
    before = revision(any_fablab)

    end(any_fablab, uid)

    outage = commands.find_outage(uid)
    assert (outage.status, outage.standing, outage.revision) == (Status.CANCELLED, False, 1)
    assert outage.cancelled_at == clock.now()
    assert [change.what for change in changes(uid)] == ["withdrawn", "cancelled"]
    assert revision(any_fablab) == before + 1
    assert any_fablab.book("bench", INSIDE, "chloe")


def test_an_outage_under_way_ends_this_minute(any_fablab, at):
    uid = withdraw(any_fablab)
    at("2027-03-30 10:30:42")

    end(any_fablab, uid)

    outage = commands.find_outage(uid)
    half_past_ten = instant("2027-03-30 10:30")
    assert (outage.ends_at, outage.occupied_until) == (half_past_ten, half_past_ten)
    assert (outage.status, outage.revision) == (Status.CONFIRMED, 1)
    assert outage.changed_at == clock.now()
    assert changes(uid)[1].before == commands.said(MORNING)
    assert changes(uid)[1].after == commands.said(slot("2027-03-30 10:00-10:30"))
    assert any_fablab.book("bench", INSIDE, "chloe")


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ("2027-03-30 10:00:59", Status.CANCELLED),
        ("2027-03-30 10:01", Status.CONFIRMED),
        ("2027-03-30 11:59", Status.CONFIRMED),
    ],
)
def test_an_outage_that_lasted_no_minute_never_was(any_fablab, at, now, status):
    uid = withdraw(any_fablab)
    at(now)

    end(any_fablab, uid)

    assert commands.find_outage(uid).status == status
    assert commands.find_outage(uid).revision == 1


def test_an_outage_that_is_over_stays_as_it_was(any_fablab, at):
    uid = withdraw(any_fablab)
    at("2027-03-30 12:00")

    end(any_fablab, uid)

    assert commands.find_outage(uid).revision == 0
    assert len(changes(uid)) == 1


def test_an_outage_is_cancelled_once(any_fablab):
    uid = withdraw(any_fablab)

    end(any_fablab, uid)
    end(any_fablab, uid)

    assert commands.find_outage(uid).revision == 1
    assert len(changes(uid)) == 2


def test_a_booking_is_no_outage(any_fablab):
    uid = any_fablab.book("bench", INSIDE, "chloe")

    with pytest.raises(LookupError):
        end(any_fablab, uid)


def test_a_machine_out_of_service_says_why_and_until_when(any_fablab):
    set_state(any_fablab, MachineState.OUT_OF_SERVICE, "The vice is cracked", date(2027, 4, 6))

    bench = any_fablab.machine("bench")
    (entry,) = db.session.scalars(select(AuditEntry)).all()
    assert (bench.state, bench.state_reason, bench.back_on) == (
        MachineState.OUT_OF_SERVICE,
        "The vice is cracked",
        date(2027, 4, 6),
    )
    assert (entry.what, entry.machine_id, entry.member_id) == (Deed.STATE, bench.id, None)
    assert entry.before == {"state": "in_service", "reason": "", "back_on": None}
    assert entry.after["back_on"] == "2027-04-06"


def test_a_machine_back_in_service_has_no_reason_left(any_fablab):
    set_state(any_fablab, MachineState.LOCKED_OUT, "Sparks", date(2027, 4, 6))

    set_state(any_fablab, MachineState.IN_SERVICE, "Sparks", date(2027, 4, 6))

    bench = any_fablab.machine("bench")
    assert (bench.is_in_service, bench.state_reason, bench.back_on) == (True, "", None)


def test_every_page_learns_of_the_state_at_once(any_fablab):
    before = of_place(place_id=any_fablab.place_id).place.revision

    set_state(any_fablab, MachineState.OUT_OF_SERVICE, "The vice is cracked")

    assert of_place(place_id=any_fablab.place_id).place.revision > before


def test_the_same_state_again_leaves_no_trace(any_fablab):
    set_state(any_fablab, MachineState.IN_SERVICE)

    assert db.session.scalars(select(AuditEntry)).all() == []
