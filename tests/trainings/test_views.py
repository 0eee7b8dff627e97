"""The trainings as a member meets them: what they hold, the sessions, their seat."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.db import add_row, db, writing
from fablab.machines.models import MachineReferent
from fablab.mail.models import OutgoingMail
from fablab.members.models import Member, Membership
from fablab.trainings import queries, sessions
from fablab.trainings.kinds import Seating
from fablab.trainings.models import Qualification, Training, TrainingPrerequisite
from tests.support import counting, instant, slot, submit
from tests.trainings.conftest import count

INDEX = "/trainings/"


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.fixture
def uid(course):
    return course.plan(seats=1)


@pytest.fixture
def chloe(browse, course):
    return browse("chloe")


def seating(course, uid, who="chloe"):
    held = queries.session(uid)
    return queries.seatings(course.fablab.people[who], [held.id]).get(held.id)


def address(uid, what=""):
    return f"/trainings/sessions/{uid}{what}"


def test_a_visitor_reads_a_session_that_a_mail_leads_to_but_not_who_gives_it(browse, uid):
    page = browse(None).get(address(uid))

    assert page.status_code == 200
    assert "Laser cutting" in page.text
    assert "Bruno" not in page.text
    assert "Log in to register" in page.text


def test_a_visitor_sees_what_is_offered_and_is_asked_to_log_in(browse, course, uid):
    page = browse(None).get(INDEX).text

    assert "Laser cutting" in page
    assert "Tuesday 6 April 14:00–16:00" in page
    assert "1 seat left" in page
    assert f"/login?next={address(uid)}" in page
    assert "Bruno" not in page


def test_a_member_registers_and_gives_the_seat_back(chloe, course, uid):
    submit(chloe, INDEX, address(uid, "/registration"))
    assert seating(course, uid) is Seating.SEATED
    page = words(chloe.get(address(uid)).text)
    assert "You have a seat" in page
    assert "Bruno Lefil" in page

    submit(chloe, address(uid), address(uid, "/departure"))

    assert seating(course, uid) is Seating.LEFT
    assert "Register" in words(chloe.get(address(uid)).text)


def test_when_it_is_full_one_waits(chloe, course, uid):
    course.register(uid, "amina")
    assert "Full" in chloe.get(INDEX).text

    answer = submit(chloe, INDEX, address(uid, "/registration"))

    assert answer.status_code == 303
    assert seating(course, uid) is Seating.WAITING
    assert "You are in the waiting list" in chloe.get(INDEX).text
    assert "Full; 1 person waits" in chloe.get(INDEX).text


def test_what_is_required_first_is_said_beforehand_and_on_the_way(chloe, course, uid):
    page = chloe.get(address(uid)).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
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

    answer = chloe.post(address(uid, "/registration"), data={"csrf_token": token})

    assert answer.status_code == 422
    assert "This training asks for another one first: Welcome." in answer.text
    assert seating(course, uid) is None
    index = chloe.get(INDEX).text
    assert "This training asks for another one first: Welcome." in index
    assert "You need to hold this first: Welcome." in index
    assert "/registration" not in index


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("Paper left burning", "Reason given: Paper left burning. The team can tell you more."),
        ("", "The team can tell you more."),
    ],
)
def test_who_is_suspended_then_reads_until_when_and_why(chloe, course, uid, reason, advice):
    page = chloe.get(address(uid)).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    with writing() as session:
        session.execute(
            update(Membership.__table__)
            .where(Membership.member_id == course.fablab.people["chloe"])
            .values(suspended_until=instant("2027-04-07 10:00"), suspension_reason=reason)
        )

    answer = chloe.post(address(uid, "/registration"), data={"csrf_token": token})

    until = f"Your right to book is suspended until Wednesday 7 April 10:00. {advice}"
    assert answer.status_code == 422
    for said in (answer.text, chloe.get(address(uid)).text, chloe.get(INDEX).text):
        assert until in words(said)
        assert f'action="{address(uid, "/registration")}"' not in said


def test_what_keeps_from_every_session_is_said_once(chloe, course, uid):
    course.plan(slot("2027-04-07 14:00-16:00"))
    with writing() as session:
        session.execute(update(Membership.__table__).values(expires_on=date(2027, 3, 28)))

    page = chloe.get(INDEX).text

    assert page.count("Your membership ended on Sunday 28 March.") == 1
    assert "You cannot register just now" in page


def test_a_session_is_named_within_a_sentence(chloe, course, uid):
    chloe.set_cookie("language", "fr")

    page = chloe.get(INDEX).text

    assert "Prochaine séance\u00a0: mardi 6 avril 14:00–16:00" in page
    assert ">Mardi 6 avril 14:00–16:00</a>" in page


@pytest.mark.parametrize(
    ("ends_on", "said"),
    [
        (date(2027, 3, 28), "Your membership ended on Sunday 28 March."),
        (date(2027, 4, 5), "Your membership ends on Monday 5 April, before this session."),
    ],
)
def test_whose_membership_is_over_then_reads_what_to_do(chloe, course, uid, ends_on, said):
    with writing() as session:
        session.execute(update(Membership.__table__).values(expires_on=ends_on))

    for page in (chloe.get(address(uid)).text, chloe.get(INDEX).text):
        assert f"{said} Ask the team to renew it; it takes a minute." in words(page)
        assert "/registration" not in page


def test_a_seat_is_not_given_back_once_it_has_begun(chloe, course, uid, at):
    course.register(uid, "chloe")
    page = chloe.get(address(uid)).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    at("2027-04-06 14:00")

    answer = chloe.post(address(uid, "/departure"), data={"csrf_token": token})

    assert answer.status_code == 422
    assert "It is too late to give the seat back." in answer.text
    assert seating(course, uid) is Seating.SEATED
    assert "/departure" not in chloe.get(address(uid)).text


def test_a_cancelled_session_says_why(chloe, course, uid):
    sessions.cancel(uid, "The laser is broken.", by=None, now=clock.now())

    page = chloe.get(address(uid)).text

    assert "The laser is broken." in page
    assert "/registration" not in page
    assert "6 April" not in chloe.get(INDEX).text


def test_a_member_reads_what_they_hold_and_until_when(browse, course):
    bruno, chloe = course.fablab.people["bruno"], course.fablab.people["chloe"]
    with writing() as session:
        for member_id, expires_on in ((bruno, None), (chloe, date(2027, 3, 28))):
            add_row(
                session,
                Qualification,
                member_id=member_id,
                machine_id=course.laser,
                level=3,
                given_on=date(2027, 1, 1),
                expires_on=expires_on,
                recorded_at=clock.now(),
            )

    brunos, chloes = (words(browse(name).get(INDEX).text) for name in ("bruno", "chloe"))

    assert "Laser cutter, level 3 For life" in brunos
    assert "Laser cutter, level 3 Ended on Sunday 28 March Not valid today" in chloes


def test_a_session_of_another_place_does_not_exist(chloe):
    unknown = "00000000-0000-4000-8000-000000000000"

    assert chloe.get(address(unknown)).status_code == 404


def test_the_page_asks_the_same_whatever_the_number_of_sessions(chloe, course):
    def statements():
        with counting(db.engine) as asked:
            chloe.get(INDEX)
        return len(asked)

    course.plan()
    few = statements()
    for _number in range(6):
        course.plan(machine_ids=frozenset())
    many = statements()

    assert many == few
    assert count(OutgoingMail) == 0


def test_the_page_of_a_machine_that_a_training_grants_leads_to_the_trainings(chloe, course):
    link = "See the trainings"  # beside the menu, which has another

    assert link in chloe.get("/machines/laser").text
    assert link not in chloe.get("/machines/bench").text


# Trainers and referents

NEW, GIVE = "/trainings/qualifications/new", "/trainings/qualifications"
GRANT = {"email": "chloe@atelier.example", "machine": "laser", "level": "2"}


@pytest.fixture
def bruno(browse, course):
    """Who looks after the laser."""
    with writing() as session:
        add_row(
            session,
            MachineReferent,
            machine_id=course.laser,
            member_id=course.fablab.people["bruno"],
        )
    return browse("bruno")


def given(course, who="chloe"):
    """What Bruno gave them: machine, level, days."""
    table = Qualification.__table__
    rows = db.session.execute(
        select(table.c.machine_id, table.c.level, table.c.given_on, table.c.expires_on).where(
            table.c.member_id == course.fablab.people[who],
            table.c.given_by_id == course.fablab.people["bruno"],
        )
    )
    return [tuple(row) for row in rows]


def test_a_referent_qualifies_somebody_on_their_machine(bruno, course):
    assert NEW in bruno.get(INDEX).text

    answer = submit(bruno, NEW, GIVE, **GRANT, expires_on="2028-03-29")

    assert answer.status_code == 303
    assert given(course) == [(course.laser, 2, date(2027, 3, 29), date(2028, 3, 29))]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"email": "nobody@atelier.example"}, "No member here has this address."),
        ({"email": "bruno@atelier.example"}, "Nobody qualifies themselves"),
        ({"email": "\x00"}, "field__error"),
        ({"machine": "bench"}, "field__error"),
        ({"level": "5"}, "field__error"),
        ({"level": "\u0662"}, "field__error"),
        ({"expires_on": "2027-03-28"}, "This day is over already."),
        ({"expires_on": "9999-12-31"}, "field__error"),
    ],
)
def test_what_they_may_not_give_is_told_and_nothing_is_given(bruno, course, changed, told):
    answer = submit(bruno, NEW, GIVE, **GRANT | changed)

    assert answer.status_code == 422
    assert told in answer.text
    assert given(course) == given(course, "bruno") == []


def test_who_looks_after_nothing_gives_nothing(chloe, course, uid):
    token = re.search(r'name="csrf_token" value="([^"]+)"', chloe.get(address(uid)).text)[1]

    assert chloe.get(NEW).status_code == 404
    assert chloe.post(GIVE, data={"csrf_token": token, **GRANT}).status_code == 404
    assert NEW not in chloe.get(INDEX).text


def test_the_team_may_give_what_is_on_any_machine(browse, course):
    answer = submit(browse("amina"), NEW, GIVE, **GRANT | {"machine": "bench"})

    assert answer.status_code == 303


# A session that one gives, without being of the team


def attend(client, uid, *came):
    return submit(client, address(uid), address(uid, "/attendance"), came=list(came))


def uid_of(course, who):
    return db.session.scalar(select(Member.uid).where(Member.id == course.fablab.people[who]))


def held(course, who):
    asked = select(Qualification.given_by_id).where(
        Qualification.member_id == course.fablab.people[who]
    )
    return db.session.scalars(asked).all()


def look_after_the_laser(course, who="bruno"):
    with writing() as session:
        member_id = course.fablab.people[who]
        add_row(session, MachineReferent, machine_id=course.laser, member_id=member_id)


def test_who_gives_a_session_finds_it_and_sees_who_comes(browse, course, uid):
    course.register(uid, "chloe")

    bruno, chloe = browse("bruno"), browse("chloe")

    assert address(uid) in re.search(r"Sessions you give.*?</ul>", bruno.get(INDEX).text, re.S)[0]
    assert "Chloé Navette" in bruno.get(address(uid)).text
    assert "Who came is noted once the session has begun." in words(bruno.get(address(uid)).text)
    assert "Sessions you give" not in chloe.get(INDEX).text
    assert "You give this session" not in chloe.get(address(uid)).text


def test_who_gives_a_session_notes_who_came_and_a_referent_gives_what_it_gives(
    browse, course, uid, at
):
    look_after_the_laser(course)
    course.register(uid, "chloe")
    at("2027-04-06 15:00")
    bruno = browse("bruno")

    assert attend(bruno, uid, uid_of(course, "chloe")).status_code == 303
    assert seating(course, uid) is Seating.ATTENDED
    answer = submit(bruno, address(uid), address(uid, "/grant"))

    assert answer.status_code == 303
    assert held(course, "chloe") == [course.fablab.people["bruno"]]
    assert "1 qualification is given." in words(bruno.get(address(uid)).text)


def test_nobody_was_there(browse, course, uid, at):
    course.register(uid, "chloe")
    at("2027-04-06 15:00")

    attend(browse("bruno"), uid)

    assert seating(course, uid) is Seating.ABSENT


def test_who_may_not_qualify_on_its_machines_notes_who_came_and_gives_nothing(
    browse, course, uid, at, app
):
    course.register(uid, "chloe")
    at("2027-04-06 15:00")
    bruno = browse("bruno")
    attend(bruno, uid, uid_of(course, "chloe"))

    page = bruno.get(address(uid)).text
    app.config["WTF_CSRF_ENABLED"] = False
    answer = bruno.post(address(uid, "/grant"))

    assert "Give the qualification" not in page
    assert "The team gives the qualification to those who came." in page
    assert answer.status_code == 403
    assert held(course, "chloe") == []


@pytest.mark.parametrize("what", ["/attendance", "/grant"])
def test_a_session_is_noted_by_who_gives_it_alone(browse, course, uid, at, app, what):
    """Also of whoever looks after the machine."""
    look_after_the_laser(course, "chloe")
    course.register(uid, "amina")
    at("2027-04-06 15:00")
    app.config["WTF_CSRF_ENABLED"] = False

    answer = browse("chloe").post(address(uid, what), data={"came": [uid_of(course, "amina")]})

    assert answer.status_code == 404
    assert seating(course, uid, "amina") is Seating.SEATED


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("/attendance", "Who came is noted once the session has begun."),
        ("/grant", "Note who came first."),
    ],
)
def test_what_comes_too_early_is_told(browse, course, uid, app, what, told):
    course.register(uid, "chloe")
    app.config["WTF_CSRF_ENABLED"] = False

    answer = browse("bruno").post(address(uid, what), data={"came": [uid_of(course, "chloe")]})

    assert (answer.status_code, told in answer.text) == (422, True)
    assert seating(course, uid) is Seating.SEATED


@pytest.mark.parametrize("typed", ["nobody", "\0", "x" * 10_000, "\u202eabc"])
def test_nonsense_in_who_came_is_told_beside_it_and_notes_nobody(browse, course, uid, at, typed):
    course.register(uid, "chloe")
    at("2027-04-06 15:00")

    answer = attend(browse("bruno"), uid, typed)

    assert answer.status_code == 422
    assert 'class="field__error"' in answer.text
    assert seating(course, uid) is Seating.SEATED


# The way to a machine


def test_whoever_wants_a_machine_sees_what_leads_there_alone(fablab, browse):
    with writing() as session:
        first = Training(
            place_id=fablab.place_id,
            code="SAF",
            name="Safety",
            duration=timedelta(hours=1),
            seats=4,
        )
        other = Training(
            place_id=fablab.place_id,
            code="SEW",
            name="Sewing",
            duration=timedelta(hours=1),
            seats=4,
        )
        session.add_all([first, other])
        session.flush()
        laser = session.scalar(select(Training.id).where(Training.code == "LAS"))
        session.add(TrainingPrerequisite(training_id=laser, required_id=first.id))

    everything = browse("chloe").get("/trainings/").text
    way = browse("chloe").get("/trainings/?machine=laser").text
    bruno = browse("bruno").get("/trainings/?machine=laser").text
    free = browse("chloe").get("/trainings/?machine=bench").text

    assert "Sewing" in everything
    assert "Sewing" not in way
    assert "Safety" in way
    assert "What leads to Laser cutter" in way
    assert "No session is planned just now: ask the team." in way
    assert "register for a session" not in way
    steps = way.partition('id="offers"')[2]
    assert steps.index("Safety") < steps.index("Laser")  # the order to follow them in
    held = bruno.partition('id="offers"')[2]
    assert "Safety" in held
    assert "Laser" not in held.partition("</table>")[0]  # he holds it already
    assert "You hold what Laser cutter asks for." in bruno
    assert "/bookings/new?machine=laser" in bruno
    assert "No training is needed for Workbench." in free
    assert browse(None).get("/trainings/?machine=%F0nonsense").status_code == 200
    assert "/trainings/?machine=laser" in browse("chloe").get("/machines/laser").text
