"""A machine that a file takes out of the inventory, as on its page: not while somebody needs it."""

from datetime import date

import pytest
from sqlalchemy import select

from fablab import clock, imports
from fablab.db import Busy, db, writing
from fablab.machines.commands import withdraw
from fablab.machines.kinds import MachineState
from fablab.machines.models import Occupancy
from fablab.members.audit import AuditEntry
from tests.support import slot
from tests.test_imports import bring_in, compared, machine, problems
from tests.trainings.conftest import Course

HEAD = "code,name,category,state,state_reason,back_on\n"
OUT = f"{HEAD}B1,Workbench,Benches,retired,Sold,\n"


def test_whoever_counts_on_it_is_counted_and_nothing_is_done(any_fablab):
    for day, who in (("30", "bruno"), ("31", "bruno"), ("31", "chloe")):
        hours = "10:00-11:00" if who == "bruno" else "14:00-15:00"
        any_fablab.book("bench", slot(f"2027-03-{day} {hours}"), who)
    any_fablab.book("laser", slot("2027-03-30 14:00-15:00"), "bruno")

    found = problems("machines", OUT)

    assert found == [
        (
            2,
            "“B1” cannot be retired, somebody counts on it. Bookings to come: 3; people who made"
            " them: 2; trainings: 0. Move or cancel them first.",
        )
    ]
    with pytest.raises(imports.ImportRefused):
        bring_in("machines", OUT)
    assert machine("B1").state is MachineState.IN_SERVICE


def test_what_is_over_or_cancelled_is_in_nobodys_way(any_fablab, at):
    any_fablab.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    at("2027-03-30 11:00")

    assert problems("machines", OUT) == []


def test_nobody_counts_on_it_and_what_it_was_withdrawn_for_ends_with_it(any_fablab):
    bench = any_fablab.machine("bench").id
    withdraw(bench, slot("2027-04-01 10:00-12:00"), "Vice", by=None, now=clock.now())

    [note] = compared("machines", OUT).notes
    assert bring_in("machines", OUT) == (0, 1, 0)

    assert (note.sentence % note.values).startswith("“B1” is retired: no page shows it any longer")
    db.session.rollback()
    assert machine("B1").state is MachineState.RETIRED
    outages = db.session.scalars(select(Occupancy.standing).where(Occupancy.machine_id == bench))
    assert outages.all() == [False]
    [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.what == "state"))
    assert (entry.after["state"], entry.after["reason"]) == ("retired", "Sold")


def test_it_is_not_expected_back_any_more(any_fablab):
    bring_in("machines", f"{HEAD}B1,Workbench,Benches,locked_out,Vice,2027-05-01\n")
    assert machine("B1").back_on == date(2027, 5, 1)

    assert problems("machines", OUT.replace("Sold,", "Sold,2027-06-01")) == [
        (2, "A retired machine has no “back_on”: it is not expected back.")
    ]
    bring_in("machines", OUT)

    db.session.rollback()
    assert machine("B1").back_on is None
    assert bring_in("machines", OUT) == (0, 0, 1)


def test_it_wants_a_reason_like_on_its_page(any_fablab):
    assert problems("machines", OUT.replace("Sold", "")) == [
        (2, "Say in “state_reason” why it is retired: the record keeps it.")
    ]


def test_one_that_comes_in_retired_was_so_elsewhere(any_fablab):
    assert bring_in("machines", f"{HEAD}X1,Old saw,Wood,retired,,\n") == (1, 0, 0)


def test_what_was_booked_since_it_was_looked_at_stays(any_fablab):
    plan = compared("machines", OUT)
    any_fablab.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    where = imports.where(any_fablab.place_id, clock.now(), None)

    with pytest.raises(Busy), writing() as session:
        imports.KINDS["machines"].write(session, plan, where, lambda: None)

    assert machine("B1").state is MachineState.IN_SERVICE


def test_a_training_on_it_is_counted_too(any_fablab):
    course = Course(any_fablab)
    course.plan(machine_ids=frozenset({course.bench}))

    [(_line, told)] = problems("machines", OUT)

    assert "people who made them: 0; trainings: 1." in told
