"""Giving a qualification and taking it back."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking.facts import held_on
from fablab.booking.known import Held
from fablab.db import NotAllowed, add_row, db, writing
from fablab.machines.models import MachineReferent
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.members.models import Membership
from fablab.trainings import commands
from fablab.trainings.commands import Award
from fablab.trainings.models import Qualification, Training
from tests.support import instant

GIVEN, ENDS = date(2027, 3, 29), date(2029, 3, 29)


@pytest.fixture
def laser_course(any_fablab):
    return Award("Laser cutting", GIVEN, ENDS, training_id=db.session.scalar(select(Training.id)))


def give(fablab, award, *, to="chloe", by="amina"):
    return commands.qualify(
        fablab.people[to], fablab.place_id, award, by=fablab.people[by], now=clock.now()
    )


def take(fablab, qualification_id, *, of="chloe"):
    commands.disqualify(
        qualification_id,
        fablab.people[of],
        fablab.place_id,
        "Laser cutting",
        by=fablab.people["amina"],
        now=clock.now(),
    )


def noted():
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()


def test_a_training_qualifies_for_the_machines_it_grants(any_fablab, laser_course):
    give(any_fablab, laser_course)

    laser, bench = any_fablab.machine("laser"), any_fablab.machine("bench")
    assert held_on(laser.id, any_fablab.people["chloe"]) == (Held(2, GIVEN, ENDS),)
    assert held_on(bench.id, any_fablab.people["chloe"]) == ()


def test_a_level_on_one_machine_holds_there_alone(any_fablab):
    laser, bench = any_fablab.machine("laser"), any_fablab.machine("bench")

    give(any_fablab, Award("L1 Laser cutter", GIVEN, None, machine_id=laser.id, level=3))

    assert held_on(laser.id, any_fablab.people["chloe"]) == (Held(3, GIVEN, None),)
    assert held_on(bench.id, any_fablab.people["chloe"]) == ()


def test_who_gave_it_is_kept_with_it_and_on_record(any_fablab, laser_course):
    given = give(any_fablab, laser_course)

    held = db.session.get(Qualification, given)
    (entry,) = noted()
    assert held.given_by_id == any_fablab.people["amina"]
    assert (entry.what, entry.made_by_id) == (Deed.QUALIFIED, any_fablab.people["amina"])
    assert entry.member_id == any_fablab.people["chloe"]
    assert entry.before == {}
    assert entry.after == {
        "of": "Laser cutting",
        "given_on": "2027-03-29",
        "expires_on": "2029-03-29",
    }


def test_the_same_given_twice_is_held_once(any_fablab, laser_course):
    assert give(any_fablab, laser_course) == give(any_fablab, laser_course)

    assert len(noted()) == 1


def test_nobody_qualifies_themselves(any_fablab, laser_course):
    with pytest.raises(NotAllowed):
        give(any_fablab, laser_course, to="amina")

    assert noted() == []


@pytest.fixture
def laser_referent(any_fablab):
    """Bruno looks after the laser, and is not on the team."""
    with writing() as session:
        add_row(
            session,
            MachineReferent,
            machine_id=any_fablab.machine("laser").id,
            member_id=any_fablab.people["bruno"],
        )


@pytest.mark.usefixtures("laser_referent")
def test_a_referent_gives_what_is_on_their_machine_and_nothing_else(any_fablab, laser_course):
    laser, bench = any_fablab.machine("laser").id, any_fablab.machine("bench").id

    give(any_fablab, laser_course, by="bruno")
    give(any_fablab, Award("L1", GIVEN, None, machine_id=laser, level=3), by="bruno")
    with pytest.raises(NotAllowed):
        give(any_fablab, Award("B1", GIVEN, None, machine_id=bench, level=1), by="bruno")

    assert [entry.made_by_id for entry in noted()] == [any_fablab.people["bruno"]] * 2


@pytest.mark.usefixtures("laser_referent")
@pytest.mark.parametrize(
    ("standing", "may"),
    [
        ({"suspended_until": instant("2027-03-29 09:01")}, False),
        ({"suspended_until": instant("2027-03-29 09:00")}, True),
        ({"expires_on": date(2027, 3, 28)}, False),
        ({"expires_on": date(2027, 3, 29)}, True),
    ],
)
def test_a_referent_is_one_as_long_as_they_are_a_member(any_fablab, laser_course, standing, may):
    with writing() as session:
        of_bruno = Membership.member_id == any_fablab.people["bruno"]
        session.execute(update(Membership).where(of_bruno).values(**standing))

    if may:
        give(any_fablab, laser_course, by="bruno")
    else:
        with pytest.raises(NotAllowed):
            give(any_fablab, laser_course, by="bruno")


@pytest.mark.parametrize(
    ("level", "expires_on", "may"),
    [
        (3, None, False),
        (4, None, True),
        (4, date(2027, 3, 28), False),
        (4, date(2027, 3, 29), True),
    ],
)
def test_a_trainer_gives_what_is_on_their_machine_while_they_are_one(
    any_fablab, level, expires_on, may
):
    laser = any_fablab.machine("laser").id
    trainer = Award("L1", date(2027, 1, 1), expires_on, machine_id=laser, level=level)
    give(any_fablab, trainer, to="bruno")

    if may:
        give(any_fablab, Award("L1", GIVEN, None, machine_id=laser, level=2), by="bruno")
    else:
        with pytest.raises(NotAllowed):
            give(any_fablab, Award("L1", GIVEN, None, machine_id=laser, level=2), by="bruno")


@pytest.mark.parametrize(
    "changed",
    [
        {"expires_on": date(2027, 3, 28)},
        {"suspended_until": datetime(2027, 4, 12, tzinfo=UTC)},
    ],
)
def test_a_trainer_who_is_kept_from_the_machines_qualifies_nobody(any_fablab, changed):
    laser = any_fablab.machine("laser").id
    give(any_fablab, Award("L1", date(2027, 1, 1), None, machine_id=laser, level=4), to="bruno")
    with writing() as session:
        of_bruno = Membership.member_id == any_fablab.people["bruno"]
        session.execute(update(Membership).where(of_bruno).values(**changed))

    with pytest.raises(NotAllowed):
        give(any_fablab, Award("L1", GIVEN, None, machine_id=laser, level=2), by="bruno")


def test_what_is_taken_back_is_gone_and_stays_on_record(any_fablab, laser_course):
    given = give(any_fablab, laser_course)

    take(any_fablab, given)
    take(any_fablab, given)

    assert db.session.scalar(select(Qualification.id).where(Qualification.id == given)) is None
    assert [entry.what for entry in noted()] == [Deed.QUALIFIED, Deed.DISQUALIFIED]
    assert noted()[1].before["of"] == "Laser cutting"


def test_nothing_is_taken_from_somebody_else(any_fablab):
    brunos = db.session.scalar(
        select(Qualification.id).where(Qualification.member_id == any_fablab.people["bruno"])
    )

    take(any_fablab, brunos, of="chloe")

    assert db.session.get(Qualification, brunos) is not None
    assert noted() == []
