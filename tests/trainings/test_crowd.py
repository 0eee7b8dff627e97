"""Many people who register in the same second."""

from concurrent.futures import ThreadPoolExecutor

from fablab import clock
from fablab.trainings import queries, sessions
from fablab.trainings.kinds import Seating
from tests.trainings.conftest import newcomer

CROWD = 8


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
