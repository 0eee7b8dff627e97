"""People who do something to one session in the same second."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.db import db
from fablab.machines.models import Machine, Occupancy
from fablab.trainings import courses, queries, sessions
from fablab.trainings.kinds import Seating
from tests.trainings.conftest import newcomer

CROWD = 8
A_WHILE = 0.3  # seconds: enough to ask, and then to stand in line behind who is at work


def test_no_more_people_are_seated_than_there_are_seats(any_app, any_course):
    uid = any_course.plan(seats=3)
    people = [newcomer(any_course.fablab, f"member{number}") for number in range(CROWD)]

    def register(member_id):
        with any_app.app_context():
            return sessions.register(uid, member_id, now=clock.now())

    with ThreadPoolExecutor(CROWD) as pool:
        given = list(pool.map(register, people))

    held = queries.session(uid)
    assert sorted(given) == [Seating.SEATED] * 3 + [Seating.WAITING] * (CROWD - 3)
    assert (held.seated, held.waiting) == (3, CROWD - 3)


def test_seats_given_back_at_once_are_each_given_on(any_app, any_course):
    uid = any_course.plan(seats=3)
    people = [newcomer(any_course.fablab, f"member{number}") for number in range(CROWD)]
    for member_id in people:
        sessions.register(uid, member_id, now=clock.now())

    def leave(member_id):
        with any_app.app_context():
            sessions.leave(uid, member_id, now=clock.now())

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(leave, people[:3]))

    held = queries.session(uid)
    assert (held.seated, held.waiting) == (3, CROWD - 6)


@pytest.fixture
def meanwhile(any_app, monkeypatch):
    """Do something while a command on sessions is at work, before it writes a thing."""

    def during(command, other):
        with ThreadPoolExecutor(1) as pool:
            begun = []

            def act():
                with any_app.app_context():
                    other()

            def pause(*args):
                if not begun:
                    begun.append(pool.submit(act))
                    with pytest.raises(TimeoutError):
                        begun[0].result(A_WHILE)
                return check_place(*args)

            check_place = sessions.check_place
            monkeypatch.setattr(sessions, "check_place", pause)
            command()
            begun[0].result()

    return during


def revision(machine_id):
    return db.session.scalar(select(Machine.revision).where(Machine.id == machine_id))


def titles():
    return db.session.scalars(select(Occupancy.title).where(Occupancy.standing)).all()


@pytest.mark.parametrize("what", ["cancelled", "decided", "changed"])
def test_a_machine_taken_while_one_waited_is_stood_in_line_for_too(any_course, meanwhile, what, at):
    any_course.sets(minimum_people=1, decided_before=timedelta(days=7))
    amina = any_course.fablab.people["amina"]
    uid = any_course.plan()
    at("2027-03-31 10:00")
    onto_the_bench = any_course.planned(machine_ids=frozenset({any_course.bench}))
    back = any_course.planned()
    others = {
        "cancelled": lambda: sessions.cancel(uid, "Broken.", by=amina, now=clock.now()),
        "decided": lambda: sessions.decide_on(uid, clock.now()),
        "changed": lambda: sessions.change(uid, back, by=amina, now=clock.now()),
    }
    before = revision(any_course.bench)

    meanwhile(lambda: sessions.change(uid, onto_the_bench, by=amina, now=clock.now()), others[what])

    session_id = queries.session(uid).id
    assert any_course.bench not in sessions.occupied_by(session_id)
    assert revision(any_course.bench) == before + 2


def rename(course, name):
    place_id, amina = course.fablab.place_id, course.fablab.people["amina"]
    now = courses.course_of(db.session(), course.id, place_id)
    courses.save(course.id, place_id, replace(now, name=name), by=amina, now=clock.now())


def test_a_new_name_reaches_the_machines_a_session_was_just_given(any_course, meanwhile):
    amina = any_course.fablab.people["amina"]
    uid = any_course.plan()
    onto_the_bench = any_course.planned(machine_ids=frozenset({any_course.bench}))
    before = revision(any_course.bench)

    meanwhile(
        lambda: sessions.change(uid, onto_the_bench, by=amina, now=clock.now()),
        lambda: rename(any_course, "Laser engraving"),
    )

    assert titles() == ["Laser engraving"]
    assert revision(any_course.bench) == before + 2


def test_a_new_name_reaches_the_session_that_was_just_planned(any_course, meanwhile):
    meanwhile(any_course.plan, lambda: rename(any_course, "Laser engraving"))

    assert titles() == ["Laser engraving"]
