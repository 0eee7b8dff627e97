"""The team's trainings: written down and changed, their sessions planned, held, called off."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, func, select, update

from fablab import clock
from fablab.db import add_row, db, writing
from fablab.invitations.sessions import tell
from fablab.machines import resources_commands
from fablab.machines.models import Category, Machine
from fablab.mail.models import OutgoingMail
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.members.models import Member, Membership
from fablab.trainings import queries, sessions
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import Qualification, Training, TrainingGrant, TrainingSession
from fablab.trainings.sessions import Refused
from tests.manage.conftest import add_annex
from tests.support import slot, submit

LIST, NEW, LASER = "/manage/trainings", "/manage/trainings/new", "/manage/trainings/LAS"
EDIT = f"{LASER}/edit"
TRAINING = {
    "code": "BEN-1",
    "name": "Workbench basics",
    "description": "Clamps and vices",
    "duration": "90",
    "seats": "6",
    "minimum_people": "2",
    "decided_before": "24",
    "validity_months": "24",
    "inactivity_months": "6",
    "minimum_age": "16",
}
SESSION = {
    "day": "2027-04-06",
    "start": "14:00",
    "end": "16:00",
    "seats": "3",
    "location": "Room 2",
    "machines": ["laser"],
}
# Control characters, marks that turn a text around, digits of another script, far too much.
NONSENSE = ("\x00", "a\r\nb", "\u202etxt", "\u0661\u0662", "x" * 10_000, "-1", "1e9", "0000-00-00")
# Nonsense that is a name or a code all the same.
WORDS = ("-1", "1e9", "0000-00-00", "\u0661\u0662")
HARMLESS = {
    "name": WORDS,
    "description": WORDS,
    "location": WORDS,
    "code": ("1e9", "0000-00-00"),
}


@pytest.fixture
def amina(browse, cast):
    return browse("amina")


@pytest.fixture
def cast(fablab):
    return fablab


def find(code):
    return db.session.execute(
        select(Training.__table__).where(Training.__table__.c.code == code)
    ).first()


def everything():
    """All that a training form may write, to see that nothing did."""
    tables = (Training, TrainingGrant, TrainingSession)
    return [db.session.execute(select(each.__table__)).all() for each in tables]


def create(client, **changed):
    return submit(client, NEW, LIST, **TRAINING | changed)


def plan(client, **changed):
    """The session that was planned, as its UID."""
    answer = submit(client, LASER, f"{LASER}/sessions", **SESSION | changed)
    assert answer.status_code == 303, answer.text
    return answer.location.rpartition("/")[2]


def test_a_training_is_written_down_as_typed(amina, cast):
    laser = cast.machine("laser").id

    answer = create(amina, requires=["LAS"], is_renewed_by_use="y", **{f"level_{laser}": "3"})

    assert (answer.status_code, answer.location) == (303, "/manage/trainings/BEN-1")
    made = find("BEN-1")
    assert (made.name, made.description) == ("Workbench basics", "Clamps and vices")
    assert (made.duration, made.seats) == (timedelta(minutes=90), 6)
    assert (made.minimum_people, made.decided_before) == (2, timedelta(hours=24))
    assert (made.validity_months, made.inactivity_months, made.minimum_age) == (24, 6, 16)
    assert made.is_renewed_by_use is True
    assert queries.granted(made.id) == {laser: 3}
    assert queries.required([made.id]) == {made.id: {find("LAS").id: "Laser cutting"}}
    page = amina.get("/manage/trainings/BEN-1").text
    assert "Laser cutter, level 3" in page
    assert "24 months" in page


def test_what_is_left_empty_is_said_to_be_for_life(amina):
    create(amina, validity_months="", inactivity_months="", minimum_age="")

    made = find("BEN-1")
    assert (made.validity_months, made.inactivity_months, made.minimum_age) == (None, None, None)
    assert "for life" in amina.get("/manage/trainings/BEN-1").text


def test_a_training_is_changed_and_the_record_says_what(amina, cast):
    page = amina.get(EDIT).text
    assert 'value="Laser cutting"' in page

    submit(amina, EDIT, LASER, **TRAINING | {"code": "LAS", "name": "Laser, from scratch"})

    assert find("LAS").name == "Laser, from scratch"
    assert queries.granted(find("LAS").id) == {}
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.what == Deed.TRAINING)).one()
    assert entry.made_by_id == cast.people["amina"]
    assert (entry.before["name"], entry.after["name"]) == ("Laser cutting", "Laser, from scratch")


def test_a_training_shown_and_saved_again_is_the_same(amina, cast):
    before = everything()
    shown = amina.get(EDIT).text
    fields = dict(re.findall(r'<input class="input"[^>]*name="(\w+)"[^>]*value="([^"]*)"', shown))
    laser = cast.machine("laser").id

    submit(amina, EDIT, LASER, **fields, **{f"level_{laser}": "2"})

    assert everything() == before


@pytest.mark.parametrize(
    "name",
    [
        "code",
        "name",
        "description",
        "duration",
        "seats",
        "minimum_people",
        "decided_before",
        "validity_months",
        "inactivity_months",
        "minimum_age",
        "requires",
        "level",
    ],
)
def test_nonsense_in_any_field_is_told_beside_it_and_changes_nothing(amina, cast, name):
    field = f"level_{cast.machine('laser').id}" if name == "level" else name
    before = everything()

    for typed in NONSENSE:
        if typed in HARMLESS.get(name, ()):
            continue
        answer = create(amina, **{field: typed})

        assert answer.status_code == 422, (name, typed)
        assert 'class="field__error"' in answer.text
        assert everything() == before


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"code": ""}, "Give it a code."),
        ({"code": "new"}, "Letters without accents"),
        ({"code": "É-1"}, "Letters without accents"),
        ({"code": "LAS"}, "Another training has this code."),
        ({"name": " "}, "Give it a name."),
        ({"duration": "4"}, "From 5 to 7200."),
        ({"seats": "0"}, "From 1 to 200."),
        ({"seats": ""}, "Write a whole number."),
        ({"minimum_people": "7"}, "There are not so many seats."),
        ({"validity_months": "0"}, "From 1 to 240."),
        ({"minimum_age": "19"}, "From 1 to 18."),
        ({"validity_months": "", "is_renewed_by_use": "y"}, "for how many months"),
    ],
)
def test_what_makes_no_sense_is_told(amina, changed, told):
    before = everything()

    answer = create(amina, **changed)

    assert answer.status_code == 422
    assert told in answer.text
    assert everything() == before


def test_a_training_does_not_ask_for_itself_through_another(amina):
    create(amina, requires=["LAS"])
    before = everything()

    answer = submit(amina, EDIT, LASER, **TRAINING | {"code": "LAS", "requires": ["BEN-1"]})

    assert answer.status_code == 422
    assert "asks for this training itself" in answer.text
    assert everything() == before


def test_a_retired_training_offers_no_new_session(amina):
    submit(amina, EDIT, LASER, **TRAINING | {"code": "LAS", "is_retired": "y"})

    assert "Plan a session" not in amina.get(LASER).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', amina.get(EDIT).text)[1]
    answer = amina.post(f"{LASER}/sessions", data={"csrf_token": token, **SESSION})
    assert answer.status_code == 404


def test_a_session_is_planned_on_the_machines_the_training_grants(amina, cast):
    assert re.search(r'<input checked[^>]*value="laser"', amina.get(LASER).text)

    uid = plan(amina)

    held = queries.session(uid)
    assert (held.seats, held.location, held.trainer_id) == (3, "Room 2", None)
    assert [each.slug for each in queries.machines_of(held.id)] == ["laser"]
    page = amina.get(f"/manage/sessions/{uid}").text
    assert "Tuesday 6 April 14:00–16:00" in page
    assert "0 of 3" in page
    assert "Tuesday 6 April 14:00–16:00" in amina.get(LIST).text


def test_a_session_over_a_booking_says_what_stands_in_the_way(amina, cast):
    cast.book("laser", slot("2027-04-06 15:00-17:00"), "bruno")

    answer = submit(amina, LASER, f"{LASER}/sessions", **SESSION)

    assert answer.status_code == 409
    assert "A machine is taken during that time" in answer.text
    assert "Bruno Lefil" in answer.text
    assert 'value="Room 2"' in answer.text
    assert everything()[2] == []


def test_a_session_where_what_its_machine_shares_is_full_is_told_beside_the_machines(amina, cast):
    machines = {cast.machine(slug).id for slug in ("laser", "bench")}
    asked = {"by": cast.people["amina"], "now": clock.now()}
    resources_commands.create_resource(cast.place_id, "Dust extraction", 1, machines, **asked)
    cast.book("bench", slot("2027-04-06 15:00-17:00"), "bruno")
    full = "Dust extraction is in full use 15:00–16:00 by other machines."

    answer = submit(amina, LASER, f"{LASER}/sessions", **SESSION)

    assert answer.status_code == 422
    assert full in answer.text
    assert 'value="Room 2"' in answer.text
    assert everything()[2] == []

    page = f"/manage/sessions/{plan(amina, day='2027-04-07')}"
    answer = submit(amina, page, page, **SESSION)

    assert (answer.status_code, full in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("capacity", "said"),
    [
        (1, "Dust extraction serves 1 machine at once, and this session takes 2 that need it."),
        (
            2,
            "Dust extraction is in full use 15:00–16:00 by other machines. Dust extraction serves"
            " 2 machines at once, and this session takes 2 that need it.",
        ),
    ],
)
def test_what_serves_fewer_machines_than_a_session_takes_is_told(amina, cast, capacity, said):
    lathe = add_lathe(cast)
    machines = {cast.machine("laser").id, cast.machine("bench").id, lathe}
    asked = {"by": cast.people["amina"], "now": clock.now()}
    resources_commands.create_resource(
        cast.place_id, "Dust extraction", capacity, machines, **asked
    )
    cast.book("lathe", slot("2027-04-06 15:00-17:00"), "bruno")

    answer = submit(amina, LASER, f"{LASER}/sessions", **SESSION | {"machines": ["laser", "bench"]})

    assert answer.status_code == 422
    assert said in answer.text
    assert everything()[2] == []


def add_lathe(cast):
    category_id = db.session.scalar(select(Category.id).where(Category.slug == "bench"))
    with writing() as session:
        return add_row(
            session,
            Machine,
            place_id=cast.place_id,
            category_id=category_id,
            slug="lathe",
            code="T1",
            name="Lathe",
        )


@pytest.mark.parametrize(
    "name", ["day", "start", "end", "end_day", "trainer", "seats", "location", "machines"]
)
def test_nonsense_in_a_session_is_told_beside_its_field_and_plans_nothing(amina, name):

    for typed in NONSENSE:
        if typed in HARMLESS.get(name, ()):
            continue
        answer = submit(amina, LASER, f"{LASER}/sessions", **SESSION | {name: typed})

        assert answer.status_code == 422, (name, typed)
        assert 'class="field__error"' in answer.text
        assert everything()[2] == []


def test_a_session_in_the_past_is_refused(amina):
    answer = submit(amina, LASER, f"{LASER}/sessions", **SESSION | {"day": "2027-03-28"})

    assert answer.status_code == 422
    assert "This hour is over already." in answer.text


def test_a_session_is_moved_and_given_a_trainer(amina, cast):
    uid = plan(amina)
    page = f"/manage/sessions/{uid}"
    trainer = re.search(r'<option value="([^"]+)">Amina Rahal', amina.get(page).text)[1]

    answer = submit(
        amina, page, page, **SESSION | {"start": "15:00", "end": "17:00"}, trainer=trainer
    )

    assert answer.status_code == 303
    held = queries.session(uid)
    assert held.trainer_id == cast.people["amina"]
    assert "15:00–17:00" in amina.get(page).text


def test_who_was_named_stays_the_trainer_when_the_rest_changes(amina, cast):
    uid = sessions.plan(
        find("LAS").id,
        sessions.Plan(slot("2027-04-06 14:00-16:00"), 3, trainer_id=cast.people["chloe"]),
        by=cast.people["amina"],
        now=clock.now(),
    )
    page = f"/manage/sessions/{uid}"
    chosen = re.search(r'<option selected value="([^"]+)">Chloé Navette', amina.get(page).text)

    answer = submit(amina, page, page, **SESSION | {"seats": "5"}, trainer=chosen[1])

    assert answer.status_code == 303
    assert (queries.session(uid).seats, queries.session(uid).trainer_id) == (
        5,
        cast.people["chloe"],
    )


def test_fewer_seats_than_people_are_refused(amina, cast):
    uid = plan(amina)
    for name in ("bruno", "chloe"):
        sessions.register(uid, cast.people[name], now=clock.now())
    page = f"/manage/sessions/{uid}"

    answer = submit(amina, page, page, **SESSION | {"seats": "1"})

    assert answer.status_code == 422
    assert "2 people are registered already." in answer.text


def test_a_session_is_cancelled_for_a_reason_that_people_are_told(amina, cast):
    uid = plan(amina)
    sessions.register(uid, cast.people["chloe"], now=clock.now())
    page = f"/manage/sessions/{uid}"

    refused = submit(amina, page, f"{page}/cancellation", reason=" ")
    submit(amina, page, f"{page}/cancellation", reason="The trainer is ill.")
    tell(clock.now())

    assert refused.status_code == 422
    assert queries.session(uid).state is SessionState.CANCELLED
    mail = db.session.scalars(select(OutgoingMail)).one()
    assert mail.recipient == "chloe@atelier.example"
    assert "The trainer is ill." in mail.text
    assert "The trainer is ill." in amina.get(page).text


def enter(client, uid, email):
    page = f"/manage/sessions/{uid}"
    return submit(client, page, f"{page}/registrations", email=email)


def stands(uid):
    return [(each.email, each.seating) for each in queries.people(queries.session(uid).id)]


def test_the_team_registers_a_member_who_gets_a_mail(amina, cast):
    uid = plan(amina, seats="1")

    answers = [enter(amina, uid, f"{name}@atelier.example") for name in ("Chloe", "bruno")]
    tell(clock.now())

    assert [each.status_code for each in answers] == [303, 303]
    assert stands(uid) == [
        ("chloe@atelier.example", Seating.SEATED),
        ("bruno@atelier.example", Seating.WAITING),
    ]
    first, second = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id))
    assert (first.recipient, second.recipient) == ("chloe@atelier.example", "bruno@atelier.example")
    assert "L’équipe vous a inscrit" in first.text
    assert "liste d’attente" in second.text
    member = db.session.scalar(select(Member.uid).where(Member.id == cast.people["chloe"]))
    page = re.sub(r"<[^>]+>|\s+", " ", amina.get(f"/manage/members/{member}").text)
    assert re.search(r"Session of a training +Registered for +Laser cutting +When", page), page


def test_the_team_sets_aside_what_the_rules_say_and_reads_it(amina, cast):
    uid = plan(amina)
    with writing() as session:
        session.execute(
            update(Membership.__table__)
            .where(Membership.member_id == cast.people["chloe"])
            .values(expires_on=date(2027, 3, 28))
        )

    enter(amina, uid, "chloe@atelier.example")

    assert stands(uid) == [("chloe@atelier.example", Seating.SEATED)]
    assert "Your membership ended on Sunday 28 March." in amina.get(f"/manage/sessions/{uid}").text


def test_the_team_registers_nobody_twice_and_none_but_members(amina, cast):
    uid = plan(amina)
    enter(amina, uid, "chloe@atelier.example")
    with writing() as session:
        session.execute(
            delete(Membership.__table__).where(Membership.member_id == cast.people["bruno"])
        )

    for email, said in (
        ("chloe@atelier.example", "They are registered for this session already."),
        ("bruno@atelier.example", "No member here has this address."),
        ("nobody@atelier.example", "No member here has this address."),
        ("nonsense", "This is no mail address."),
    ):
        answer = enter(amina, uid, email)
        assert answer.status_code == 422
        assert said in answer.text
        assert f'value="{email}"' in answer.text

    with pytest.raises(Refused):
        sessions.register_for(uid, cast.people["bruno"], by=cast.people["amina"], now=clock.now())
    assert stands(uid) == [("chloe@atelier.example", Seating.SEATED)]


def test_nobody_is_registered_for_a_session_that_has_begun(amina, at):
    uid = plan(amina)
    page = amina.get(f"/manage/sessions/{uid}").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    at("2027-04-06 14:00")

    answer = amina.post(
        f"/manage/sessions/{uid}/registrations",
        data={"csrf_token": token, "email": "chloe@atelier.example"},
    )

    assert answer.status_code == 422
    assert stands(uid) == []
    assert "/registrations" not in amina.get(f"/manage/sessions/{uid}").text


def test_attendance_and_then_the_grant(amina, cast, at):
    uid = plan(amina)
    for name in ("bruno", "chloe"):
        sessions.register(uid, cast.people[name], now=clock.now())
    page = f"/manage/sessions/{uid}"
    assert "Note who came" not in amina.get(page).text
    at("2027-04-06 16:00")
    chloe = re.search(r'value="([^"]+)"[^>]*><label[^>]*>Chloé Navette', amina.get(page).text)[1]

    submit(amina, page, f"{page}/attendance", came=[chloe])
    assert "1 person gets what this training gives" in amina.get(page).text
    submit(amina, page, f"{page}/grant")

    assert [each.seating for each in queries.people(queries.session(uid).id)] == [
        Seating.ABSENT,
        Seating.ATTENDED,
    ]
    given = db.session.scalar(
        select(func.count())
        .select_from(Qualification)
        .where(
            Qualification.member_id == cast.people["chloe"],
            Qualification.given_by_id == cast.people["amina"],
        )
    )
    assert given == 1


def test_nonsense_in_the_attendance_notes_nothing(amina, cast, at):
    uid = plan(amina)
    sessions.register(uid, cast.people["chloe"], now=clock.now())
    page = f"/manage/sessions/{uid}"
    at("2027-04-06 16:00")

    for typed in NONSENSE:
        assert submit(amina, page, f"{page}/attendance", came=[typed]).status_code == 422

    assert queries.session(uid).state is SessionState.PLANNED


def test_a_session_or_training_of_another_place_does_not_exist(amina, cast):
    annex = add_annex(cast)
    uid = sessions.plan(
        annex.training_id,
        sessions.Plan(slot("2027-04-06 14:00-16:00"), 4),
        by=cast.people["dora"],
        now=clock.now(),
    )

    assert amina.get("/manage/trainings/DRI").status_code == 404
    assert amina.get(f"/manage/sessions/{uid}").status_code == 404


def test_the_team_sees_a_session_on_its_day(amina):
    uid = plan(amina)

    page = amina.get("/manage/day/2027-04-06").text

    assert "Training sessions of the day" in page
    assert "Laser cutting" in page
    assert f"/manage/sessions/{uid}" in page
