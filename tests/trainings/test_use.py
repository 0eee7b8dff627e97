"""What counts as use of a qualification, for the rules and for the trainings' page alike."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.booking.facts import held_on
from fablab.db import add_row, writing
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.trainings import queries
from fablab.trainings.models import Qualification, TrainingGrant
from tests.support import slot

GIVEN, UNUSED, USED = date(2027, 1, 1), date(2027, 4, 1), date(2027, 6, 30)


@pytest.fixture
def course(any_course):
    """It grants the laser and the bench, and lapses after three months without use."""
    any_course.sets(inactivity_months=3)
    with writing() as session:
        add_row(
            session, TrainingGrant, training_id=any_course.id, machine_id=any_course.bench, level=2
        )
    return any_course


def qualify(course, **values):
    with writing() as session:
        return add_row(
            session,
            Qualification,
            member_id=course.fablab.people["chloe"],
            training_id=course.id,
            given_on=GIVEN,
            recorded_at=clock.now(),
            **values,
        )


def use(course, machine, at, hours="2027-03-31 14:00-15:00"):
    """Chloé's booking of the machine, made before the hands of the clock reach it."""
    at("2027-03-30 10:00")
    course.fablab.book(machine, slot(hours), "chloe")


def last_days(course):
    """By the rules of booking on the laser, and by the page."""
    chloe = course.fablab.people["chloe"]
    zone = ZoneInfo("Europe/Paris")
    (by_rules,) = held_on(course.laser, chloe)
    (by_page,) = queries.held_by(chloe, course.fablab.place_id, zone, clock.now())
    return by_rules.expires_on, by_page.last_day


@pytest.mark.parametrize("machine", ["laser", "bench"])
def test_a_training_is_used_on_any_machine_it_grants(course, at, machine):
    qualify(course)
    use(course, machine, at)
    assert last_days(course) == (UNUSED, UNUSED)

    at("2027-03-31 14:00")

    assert last_days(course) == (USED, USED)


@pytest.mark.parametrize(("machine", "ends"), [("laser", USED), ("bench", UNUSED)])
def test_what_a_training_gave_on_one_machine_is_used_on_that_one_alone(course, at, machine, ends):
    qualify(course, machine_id=course.laser, level=2)
    use(course, machine, at)

    at("2027-04-01 10:00")

    assert last_days(course) == (ends, ends)


def test_a_booking_that_nobody_came_to_is_no_use(course, at):
    qualify(course)
    use(course, "bench", at)
    with writing() as session:
        session.execute(update(Occupancy.__table__).values(status=Status.MISSED, standing=False))

    at("2027-04-01 10:00")

    assert last_days(course) == (UNUSED, UNUSED)
