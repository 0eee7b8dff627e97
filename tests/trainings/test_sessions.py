"""Planning a session, registering for it, holding it, calling it off."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update

from fablab import clock, jobs
from fablab.booking.orders import BookingRefused
from fablab.db import NotAllowed, add_row, db, writing
from fablab.machines import resources_commands
from fablab.machines.commands import SlotTaken
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Claim, Machine, MachineReferent, Occupancy
from fablab.members.kinds import AgeBand
from fablab.members.models import Member, Membership
from fablab.trainings import courses, queries, sessions
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import (
    Qualification,
    Training,
    TrainingPrerequisite,
    TrainingSession,
)
from fablab.trainings.rules import Obstacle
from fablab.trainings.sessions import NotPlanned, Refused, ResourceFull, TooFewSeats
from tests.support import instant, slot
from tests.trainings.conftest import TUESDAY, count, last_mail, told

LATER = slot("2027-04-07 10:00-12:00")


def occupied():
    """The machines that sessions occupy, and when."""
    rows = db.session.execute(
        select(Occupancy.machine_id, Occupancy.starts_at, Occupancy.title).where(
            Occupancy.kind == OccupancyKind.SESSION, Occupancy.standing
        )
    )
    return sorted((row.machine_id, row.starts_at, row.title) for row in rows)


def seats(course, uid):
    """Where everybody stands, in the order they asked."""
    names = {member_id: name for name, member_id in course.fablab.people.items()}
    people = queries.people(queries.session(uid).id)
    return [(names[each.member_id], each.seating) for each in people]


def cancel(course, uid, why="The laser is broken."):
    sessions.cancel(uid, why, by=course.fablab.people["amina"], now=clock.now())


def change(course, uid, *args, **changed):
    planned = course.planned(*args, **changed)
    sessions.change(uid, planned, by=course.fablab.people["amina"], now=clock.now())


def attend(course, uid, *came):
    ids = [course.fablab.people[name] for name in came]
    sessions.note_attendance(uid, ids, by=course.fablab.people["amina"], now=clock.now())


def grant(course, uid, by="amina"):
    return sessions.grant(uid, by=course.fablab.people[by], now=clock.now())


def held_by(course, name):
    rows = db.session.execute(
        select(Qualification.given_on, Qualification.expires_on, Qualification.given_by_id)
        .where(
            Qualification.member_id == course.fablab.people[name],
            Qualification.training_id == course.id,
        )
        .order_by(Qualification.id)
    )
    return [tuple(row) for row in rows]


# Planning


def test_a_session_occupies_its_machines_under_the_trainings_name(any_course):
    any_course.plan(machine_ids=frozenset({any_course.laser, any_course.bench}))

    assert occupied() == [
        (any_course.laser, TUESDAY.start, "Laser cutting"),
        (any_course.bench, TUESDAY.start, "Laser cutting"),
    ]


def test_a_session_is_not_planned_over_a_booking(any_course):
    any_course.fablab.book("laser", slot("2027-04-06 15:30-17:00"), "bruno")

    with pytest.raises(SlotTaken):
        any_course.plan()

    assert (occupied(), count(TrainingSession)) == ([], 0)


def test_nobody_books_over_a_session(any_course):
    any_course.plan()

    with pytest.raises(Exception, match="outage"):
        any_course.fablab.book("laser", slot("2027-04-06 15:30-17:00"), "bruno")


def test_sessions_to_come_follow_the_new_name_of_their_training_in_every_calendar(any_course, at):
    amina, place_id = any_course.fablab.people["amina"], any_course.fablab.place_id
    past = any_course.plan(slot("2027-03-31 10:00-12:00"))
    ahead = any_course.plan()
    at("2027-04-01 09:00")
    course = courses.course_of(db.session(), any_course.id, place_id)
    before = {uid: titled(uid) for uid in (past, ahead)}

    for _ in range(2):
        new = replace(course, name="Laser engraving")
        courses.save(any_course.id, place_id, new, by=amina, now=clock.now())

    title, revision, machine_revision = before[ahead]
    assert titled(ahead) == ("Laser engraving", revision + 1, machine_revision + 1)
    assert titled(past)[:2] == before[past][:2]


def titled(uid):
    """What its machine's calendar says, in which version, and the version of that calendar."""
    row = db.session.execute(
        select(Occupancy.title, Occupancy.revision, Machine.revision.label("calendar"))
        .join(Machine, Machine.id == Occupancy.machine_id)
        .where(Occupancy.session_id == queries.session(uid).id)
    ).one()
    return tuple(row)


# What its machines share


def share(course, capacity=1):
    """Air, which the laser and the bench need."""
    amina, machines = course.fablab.people["amina"], {course.laser, course.bench}
    resources_commands.create_resource(
        course.fablab.place_id, "Air", capacity, machines, by=amina, now=clock.now()
    )


def book_the_bench(course, hours="2027-04-06 15:30-17:00"):
    return course.fablab.book("bench", slot(hours), "chloe")


def claims():
    asked = select(Claim.claimed_from, Claim.claimed_until).order_by(Claim.id)
    return [tuple(row) for row in db.session.execute(asked)]


def test_a_session_takes_a_seat_of_what_its_machine_shares_until_it_is_called_off(any_course):
    share(any_course)
    uid = any_course.plan()

    with pytest.raises(BookingRefused, match="resource_full"):
        book_the_bench(any_course)

    cancel(any_course, uid)
    book_the_bench(any_course)


def test_a_session_that_is_called_off_for_too_few_people_gives_its_seat_back(course, at):
    share(course)
    course.plan()
    at("2027-04-05 09:00")
    sessions.decide(clock.now())

    assert claims() == []


def test_a_session_is_not_planned_where_what_it_shares_is_full(any_course):
    share(any_course)
    book_the_bench(any_course)

    with pytest.raises(ResourceFull) as refused:
        any_course.plan()

    assert (refused.value.name, refused.value.hours) == ("Air", [slot("2027-04-06 15:30-16:00")])
    assert (occupied(), count(TrainingSession), len(claims())) == ([], 0, 1)


def test_each_machine_of_a_session_takes_a_seat(any_course):
    share(any_course)

    with pytest.raises(ResourceFull) as refused:
        any_course.plan(machine_ids=frozenset({any_course.laser, any_course.bench}))

    assert (refused.value.capacity, refused.value.wanted) == (1, 2)


def test_a_session_that_is_moved_takes_its_seats_along(any_course):
    share(any_course)
    uid = any_course.plan()
    an_hour_later = slot("2027-04-06 15:00-17:00")

    change(any_course, uid, an_hour_later)
    assert claims() == [(an_hour_later.start, an_hour_later.end)]
    change(any_course, uid, an_hour_later, machine_ids=frozenset({any_course.bench}))
    assert claims() == [(an_hour_later.start, an_hour_later.end)]

    change(any_course, uid, an_hour_later, machine_ids=frozenset())
    assert claims() == []


def test_a_session_is_not_moved_to_where_what_it_shares_is_full(any_course):
    share(any_course)
    uid = any_course.plan()
    book_the_bench(any_course, "2027-04-07 11:00-13:00")

    with pytest.raises(ResourceFull):
        change(any_course, uid, LATER)

    assert occupied() == [(any_course.laser, TUESDAY.start, "Laser cutting")]
    assert len(claims()) == 2


def test_what_is_shared_from_now_on_counts_the_sessions_that_are_planned(any_course):
    any_course.plan()
    share(any_course)

    with pytest.raises(BookingRefused, match="resource_full"):
        book_the_bench(any_course)


def test_a_retired_training_has_no_new_session(course):
    course.sets(retired_at=clock.now())

    with pytest.raises(LookupError):
        course.plan()


def test_a_session_that_moves_takes_its_machines_along_and_its_people_are_told(any_course):
    uid = any_course.plan()
    any_course.register(uid, "chloe")
    before = queries.session(uid).revision
    told()

    change(any_course, uid, LATER, machine_ids=frozenset({any_course.laser, any_course.bench}))

    assert occupied() == [
        (any_course.laser, LATER.start, "Laser cutting"),
        (any_course.bench, LATER.start, "Laser cutting"),
    ]
    assert told() == [("session_changed", "bruno"), ("session_changed", "chloe")]
    assert queries.session(uid).revision == before + 1


def test_a_machine_left_out_is_free_again(any_course):
    uid = any_course.plan(machine_ids=frozenset({any_course.laser, any_course.bench}))
    assert told() == [("session_giving", "bruno")]

    change(any_course, uid, machine_ids=frozenset({any_course.bench}))

    assert occupied() == [(any_course.bench, TUESDAY.start, "Laser cutting")]
    assert told() == []


def test_a_session_does_not_move_onto_a_booking(any_course):
    uid = any_course.plan()
    any_course.fablab.book("laser", LATER, "bruno")

    with pytest.raises(SlotTaken):
        change(any_course, uid, LATER)

    assert occupied() == [(any_course.laser, TUESDAY.start, "Laser cutting")]


def test_seats_taken_are_not_taken_away(course):
    uid = course.plan()
    course.register(uid, "chloe", "amina")

    with pytest.raises(TooFewSeats):
        change(course, uid, seats=1)

    assert queries.session(uid).seats == 2


def test_more_seats_are_for_who_waits(any_course):
    uid = any_course.plan(seats=1)
    any_course.register(uid, "chloe", "dora", "emil")
    told()

    change(any_course, uid, seats=2)

    assert seats(any_course, uid) == [
        ("chloe", Seating.SEATED),
        ("dora", Seating.SEATED),
        ("emil", Seating.WAITING),
    ]
    assert told() == [("session_seat", "dora")]


# Calling off


def test_a_session_called_off_frees_its_machines_and_tells_everybody_why(any_course):
    uid = any_course.plan(seats=1)
    any_course.register(uid, "chloe", "dora")
    told()

    cancel(any_course, uid)
    cancel(any_course, uid)

    assert occupied() == []
    assert told() == [
        ("session_cancelled", "bruno"),
        ("session_cancelled", "chloe"),
        ("session_cancelled", "dora"),
    ]
    assert "The laser is broken." in last_mail().text
    any_course.fablab.book("laser", TUESDAY, "bruno")


def test_who_left_is_told_nothing(course):
    uid = course.plan(trainer_id=None)
    course.register(uid, "chloe")
    told()
    sessions.leave(uid, course.fablab.people["chloe"], now=clock.now())
    assert told() == [("session_left", "chloe")]

    cancel(course, uid)

    assert told() == []


def test_mails_speak_the_language_of_each_reader(course):
    with writing() as session:
        session.execute(
            update(Member.__table__)
            .where(Member.id == course.fablab.people["chloe"])
            .values(language="en")
        )
    uid = course.plan(trainer_id=None)
    course.register(uid, "chloe")
    told()

    cancel(course, uid)

    assert told() == [("session_cancelled", "chloe")]
    mail = last_mail()
    assert mail.subject == "L'Atelier: the session of Laser cutting is cancelled"
    assert "Tuesday 6 April" in mail.text
    assert "14:00–16:00" in mail.text
    assert "See the other sessions\nhttp://127.0.0.1:5000/trainings/\n" in mail.text
    assert "14:00–16:00" in mail.html


# Too few people


@pytest.mark.parametrize(
    ("at_hour", "is_off"), [("2027-04-04 13:59", False), ("2027-04-04 14:00", True)]
)
def test_with_too_few_people_it_is_called_off_when_that_is_decided(any_course, at, at_hour, is_off):
    any_course.sets(minimum_people=2, decided_before=timedelta(hours=48))
    uid = any_course.plan()
    any_course.register(uid, "chloe")
    told()
    at(at_hour)

    sessions.decide(clock.now())

    assert (queries.session(uid).state is SessionState.CANCELLED) is is_off
    assert (occupied() == []) is is_off
    expected = [("session_cancelled", "bruno"), ("session_cancelled", "chloe")]
    assert told() == (expected if is_off else [])


def test_the_background_work_decides(app, course, at):
    course.sets(minimum_people=1)
    uid = course.plan()
    at("2027-04-05 09:00")

    jobs.Runner(app).once()

    assert queries.session(uid).state is SessionState.CANCELLED


def test_who_left_does_not_count_among_the_people(course, at):
    course.sets(minimum_people=1)
    uid = course.plan()
    course.register(uid, "chloe")
    sessions.leave(uid, course.fablab.people["chloe"], now=clock.now())
    at("2027-04-05 09:00")

    sessions.decide(clock.now())

    assert queries.session(uid).state is SessionState.CANCELLED


def test_once_decided_it_is_held_whoever_leaves(course, at):
    course.sets(minimum_people=1)
    uid = course.plan()
    course.register(uid, "chloe")
    at("2027-04-05 09:00")
    sessions.decide(clock.now())

    sessions.leave(uid, course.fablab.people["chloe"], now=clock.now())
    sessions.decide(clock.now())

    assert queries.session(uid).state is SessionState.PLANNED


def test_what_is_decided_stays_so_unless_the_session_moves(course, at):
    course.sets(minimum_people=1)
    uid = course.plan()
    course.register(uid, "chloe")
    at("2027-04-05 09:00")
    sessions.decide(clock.now())
    decided_at = queries.session(uid).decided_at

    at("2027-04-05 10:00")
    change(course, uid, seats=5)
    assert queries.session(uid).decided_at == decided_at == instant("2027-04-05 09:00")

    change(course, uid, slot("2027-04-20 14:00-16:00"))
    assert queries.session(uid).decided_at is None


def test_what_is_planned_too_late_to_be_decided_is_held(course, at):
    at("2027-04-05 09:00")
    uid = course.plan()

    sessions.decide(clock.now())

    assert queries.session(uid).state is SessionState.PLANNED


# Registering


def test_the_last_seat_is_followed_by_the_waiting_list(any_course):
    uid = any_course.plan(seats=2)

    given = any_course.register(uid, "chloe", "dora", "emil")

    assert given == [Seating.SEATED, Seating.SEATED, Seating.WAITING]


def test_a_freed_seat_is_for_the_first_who_waits(any_course):
    uid = any_course.plan(seats=1)
    any_course.register(uid, "chloe", "dora", "emil")
    told()

    sessions.leave(uid, any_course.fablab.people["chloe"], now=clock.now())

    assert seats(any_course, uid) == [
        ("chloe", Seating.LEFT),
        ("dora", Seating.SEATED),
        ("emil", Seating.WAITING),
    ]
    assert told() == [("session_left", "chloe"), ("session_seat", "dora")]


def test_who_leaves_the_waiting_list_frees_no_seat(course):
    uid = course.plan(seats=1)
    course.register(uid, "chloe", "amina")
    told()

    sessions.leave(uid, course.fablab.people["amina"], now=clock.now())

    assert seats(course, uid) == [("chloe", Seating.SEATED), ("amina", Seating.LEFT)]
    assert told() == [("session_left", "amina")]


def test_who_comes_back_stands_at_the_end_of_the_line(any_course, at):
    uid = any_course.plan(seats=1)
    any_course.register(uid, "chloe", "dora", "emil")
    sessions.leave(uid, any_course.fablab.people["dora"], now=clock.now())
    at("2027-03-29 10:00")
    any_course.register(uid, "dora")

    sessions.leave(uid, any_course.fablab.people["chloe"], now=clock.now())

    assert dict(seats(any_course, uid)) == {
        "chloe": Seating.LEFT,
        "emil": Seating.SEATED,
        "dora": Seating.WAITING,
    }


def refused(course, uid, who):
    with pytest.raises(Refused) as refusal:
        course.register(uid, who)
    return [each.obstacle for each in refusal.value.objections]


def test_nobody_is_registered_twice(course):
    uid = course.plan()
    course.register(uid, "chloe")

    assert refused(course, uid, "chloe") == [Obstacle.THERE]


def test_a_training_asks_for_those_before_it(course):
    uid = course.plan(trainer_id=None)
    with writing() as session:
        first = add_row(
            session,
            Training,
            place_id=course.fablab.place_id,
            code="ACC",
            name="Welcome",
            duration=timedelta(hours=1),
            seats=8,
        )
        add_row(session, TrainingPrerequisite, training_id=course.id, required_id=first)
        add_row(
            session,
            Qualification,
            member_id=course.fablab.people["bruno"],
            training_id=first,
            given_on=date(2027, 1, 1),
            expires_on=TUESDAY.start.date(),
            recorded_at=clock.now(),
        )

    with pytest.raises(Refused) as refusal:
        course.register(uid, "chloe")
    course.register(uid, "bruno")

    (objection,) = refusal.value.objections
    assert objection.obstacle is Obstacle.PREREQUISITES
    assert objection.values["trainings"] == "Welcome"


def test_what_is_required_is_held_on_the_day_of_the_session(course):
    uid = course.plan(trainer_id=None)
    with writing() as session:
        add_row(session, TrainingPrerequisite, training_id=course.id, required_id=course.id)
        session.execute(update(Qualification.__table__).values(expires_on=date(2027, 4, 5)))

    assert refused(course, uid, "bruno") == [Obstacle.PREREQUISITES]


def test_a_minor_is_kept_out_of_what_is_for_adults(course):
    course.sets(minimum_age=18)
    uid = course.plan()
    becomes(course, "chloe", age_band=AgeBand.FROM_16, guardian_agreed_on=date(2027, 1, 1))

    assert refused(course, uid, "chloe") == [Obstacle.TOO_YOUNG]


def becomes(course, who, **values):
    with writing() as session:
        session.execute(
            update(Member.__table__).where(Member.id == course.fablab.people[who]).values(**values)
        )


def membership(course, who, **values):
    with writing() as session:
        session.execute(
            update(Membership.__table__)
            .where(Membership.member_id == course.fablab.people[who])
            .values(**values)
        )


@pytest.mark.parametrize(
    ("values", "obstacle"),
    [
        ({"expires_on": date(2027, 4, 6)}, None),
        ({"expires_on": date(2027, 4, 5)}, Obstacle.MEMBERSHIP_ENDS),
        ({"expires_on": date(2027, 3, 29)}, Obstacle.MEMBERSHIP_ENDS),
        ({"expires_on": date(2027, 3, 28)}, Obstacle.MEMBERSHIP_ENDED),
        ({"suspended_until": instant("2027-04-06 14:00")}, None),
        ({"suspended_until": instant("2027-04-06 14:01")}, Obstacle.SUSPENDED),
    ],
)
def test_a_membership_is_good_on_the_day_of_the_session(any_course, values, obstacle):
    uid = any_course.plan()
    membership(any_course, "chloe", **values)

    if obstacle is None:
        assert any_course.register(uid, "chloe") == [Seating.SEATED]
    else:
        assert refused(any_course, uid, "chloe") == [obstacle]
        assert seats(any_course, uid) == []


def test_who_is_no_member_of_the_place_has_no_seat_in_it(any_course):
    uid = any_course.plan()
    with writing() as session:
        chloe = any_course.fablab.people["chloe"]
        session.execute(delete(Membership.__table__).where(Membership.member_id == chloe))

    assert refused(any_course, uid, "chloe") == [Obstacle.NO_MEMBERSHIP]


def test_a_minor_comes_once_a_guardian_has_agreed(any_course):
    uid = any_course.plan()
    becomes(any_course, "chloe", age_band=AgeBand.FROM_16)
    assert refused(any_course, uid, "chloe") == [Obstacle.NO_GUARDIAN]

    becomes(any_course, "chloe", guardian_agreed_on=date(2027, 1, 1))

    assert any_course.register(uid, "chloe") == [Seating.SEATED]


def test_every_obstacle_is_told_at_once(course, at):
    course.sets(minimum_age=18)
    uid = course.plan()
    cancel(course, uid)

    assert refused(course, uid, "bruno") == [Obstacle.OVER, Obstacle.TRAINER]


def test_a_session_that_has_begun_is_neither_joined_nor_left(course, at):
    uid = course.plan()
    course.register(uid, "chloe")
    at("2027-04-06 14:00")

    with pytest.raises(NotPlanned):
        sessions.leave(uid, course.fablab.people["chloe"], now=clock.now())
    assert refused(course, uid, "amina") == [Obstacle.OVER]


# Attendance and grants


@pytest.fixture
def held(any_course, at):
    """A session that has just begun: Chloé and Dora have its seats, Emil waits."""
    uid = any_course.plan(seats=2)
    any_course.register(uid, "chloe", "dora", "emil")
    at("2027-04-06 14:00")
    return uid


def test_attendance_says_who_came_of_those_seated(any_course, held):
    attend(any_course, held, "chloe", "emil")

    assert seats(any_course, held) == [
        ("chloe", Seating.ATTENDED),
        ("dora", Seating.ABSENT),
        ("emil", Seating.WAITING),
    ]
    assert queries.session(held).state is SessionState.HELD


def test_attendance_can_be_corrected(any_course, held):
    attend(any_course, held, "chloe")

    attend(any_course, held, "dora")

    assert dict(seats(any_course, held))["chloe"] is Seating.ABSENT
    assert dict(seats(any_course, held))["dora"] is Seating.ATTENDED


def test_attendance_is_not_noted_before_the_session(any_course, held, at):
    at("2027-04-06 13:59")

    with pytest.raises(NotPlanned):
        attend(any_course, held, "chloe")


def test_all_who_attended_are_granted_the_training_in_one_go(any_course, held):
    any_course.sets(validity_months=24)
    attend(any_course, held, "chloe")

    granted = grant(any_course, held), grant(any_course, held)

    assert granted == (1, 0)
    amina = any_course.fablab.people["amina"]
    assert held_by(any_course, "chloe") == [(date(2027, 4, 6), date(2029, 4, 6), amina)]
    assert held_by(any_course, "dora") == held_by(any_course, "emil") == []


def test_who_holds_it_already_gets_the_new_one(course, at):
    course.sets(validity_months=24)
    uid = course.plan(trainer_id=None)
    course.register(uid, "bruno")
    at("2027-04-06 16:00")
    attend(course, uid, "bruno")

    grant(course, uid)

    assert [expires_on for _given, expires_on, _by in held_by(course, "bruno")] == [
        None,
        date(2029, 4, 6),
    ]


def test_nobody_grants_themselves(course, at):
    uid = course.plan()
    course.register(uid, "amina", "chloe")
    at("2027-04-06 16:00")
    attend(course, uid, "amina", "chloe")
    before = held_by(course, "amina")

    assert grant(course, uid) == 1
    assert held_by(course, "amina") == before


def test_nothing_is_granted_before_attendance_is_noted(any_course, held):
    with pytest.raises(NotPlanned):
        grant(any_course, held)


def test_who_gives_the_session_grants_only_what_they_may(any_course, held):
    attend(any_course, held, "chloe")
    with pytest.raises(NotAllowed):
        grant(any_course, held, by="bruno")

    with writing() as session:
        add_row(
            session,
            MachineReferent,
            machine_id=any_course.laser,
            member_id=any_course.fablab.people["bruno"],
        )

    assert grant(any_course, held, by="bruno") == 1


def test_what_was_held_is_not_called_off(any_course, held):
    attend(any_course, held, "chloe")
    told()

    with pytest.raises(NotPlanned):
        cancel(any_course, held)

    assert told() == []
