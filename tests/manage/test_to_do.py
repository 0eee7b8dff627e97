"""What needs the team, on one page; and how much of it, on each of its pages."""

import re
from datetime import date, time, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Consent
from fablab.db import add_row, db, writing
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Machine, Occupancy
from fablab.mail.models import OutgoingMail
from fablab.members.models import Membership
from fablab.places.models import Closure
from fablab.trainings.kinds import Seating
from fablab.trainings.models import Qualification, Registration, Training, TrainingSession
from fablab.upkeep.kinds import FaultState, Unit
from fablab.upkeep.models import Fault, Maintenance, MaintenanceDay
from tests.conftest import browser
from tests.mail.conftest import promise
from tests.manage.conftest import add_annex, add_cast, booking
from tests.support import counting, instant, slot


@pytest.fixture
def stage(any_fablab):
    add_cast(any_fablab)
    return any_fablab


@pytest.fixture
def amina(any_app, stage):
    return browser(any_app, "amina")


def badges(page):
    """What the team's menu counts, by the section's address."""
    return dict(re.findall(r'href="([^"]+)"[^>]*>(?:(?!</a>).)*menu__count">(\d+)', page))


def ask_the_team(stage, who, hours):
    """A booking of theirs that waits for the team's yes."""
    with writing() as session:
        session.add(
            made := booking(stage.machine("bench").id, stage.people[who], hours, Status.PENDING)
        )
        session.flush()
        add_row(
            session,
            Consent,
            uid=str(uuid4()),
            occupancy_id=made.id,
            kind=ConsentKind.TEAM,
            asked_at=clock.now(),
            due_at=hours.start,
            why="",
        )


def session_of(stage, hours, **more):
    with writing() as session:
        return add_row(
            session,
            TrainingSession,
            uid=str(uuid4()),
            place_id=stage.place_id,
            training_id=db.session.scalar(select(Training.id)),
            starts_at=hours.start,
            ends_at=hours.end,
            location="",
            seats=4,
            cancel_reason="",
            revision=0,
            created_at=clock.now(),
            **more,
        )


def forget_lina(stage):
    with writing() as session:
        add_row(
            session,
            Membership,
            member_id=stage.people["lina"],
            place_id=stage.place_id,
            suspension_reason="",
        )


def test_when_nothing_waits_the_page_says_so_and_leads_on(stage, amina):
    forget_lina(stage)

    page = amina.get("/manage/").text

    assert "Nothing needs you just now." in page
    assert badges(page) == {}
    assert 'href="/manage/day"' in page


def test_what_waits_is_counted_on_every_page_and_shown_on_one(stage, amina):
    ask_the_team(stage, "chloe", slot("2027-03-30 10:00-11:00"))
    ask_the_team(stage, "amina", slot("2027-03-30 12:00-13:00"))  # not theirs to answer
    session_of(stage, slot("2027-03-31 10:00-12:00"))
    over = session_of(stage, slot("2027-03-27 10:00-12:00"), trainer_id=stage.people["amina"])
    session_of(stage, slot("2027-03-20 10:00-12:00"))  # nobody came, nobody is to be noted
    promise("bruno@atelier.example")
    with writing() as session:
        add_row(
            session,
            Registration,
            session_id=over,
            member_id=stage.people["chloe"],
            seating=Seating.SEATED,
            asked_at=clock.now(),
        )
        session.execute(update(OutgoingMail).values(parked_at=clock.now()))

    page = amina.get("/manage/").text

    assert badges(page) == {"/manage/": "5", "/manage/approvals": "1"}
    assert badges(amina.get("/manage/day").text) == badges(page)
    assert "Chloé Navette, Workbench" in page
    assert "Lina Bobine" in page
    assert "Nobody gives it yet" in page
    assert "Who came is not noted" in page
    assert "bruno@atelier.example" in page
    assert "Nothing needs you" not in page


def test_faults_and_overdue_maintenance_are_counted(stage, amina):
    forget_lina(stage)
    bench = stage.machine("bench").id
    with writing() as session:
        add_row(
            session,
            Fault,
            uid=str(uuid4()),
            machine_id=bench,
            reported_at=clock.now(),
            reported_by_id=stage.people["chloe"],
            what="The vice is loose",
            is_usable=True,
            state=FaultState.REPORTED,
            said="",
        )
        care = Maintenance(
            uid=str(uuid4()),
            machine_id=bench,
            title="Oil the vice",
            every=1,
            unit=Unit.WEEKS,
            at=time(10),
            length=timedelta(minutes=30),
            starts_on=date(2027, 3, 1),
            created_at=clock.now(),
            created_by_id=stage.people["amina"],
        )
        session.add(care)
        session.flush()
        session.add_all(
            MaintenanceDay(maintenance_id=care.id, due_on=date(2027, 3, day)) for day in (28, 29)
        )

    page = amina.get("/manage/").text

    assert badges(page) == {"/manage/": "2"}
    assert "Faults to sort" in page
    assert "Maintenance overdue" in page
    assert "/manage/machines/bench/maintenance" in page


def test_what_ends_soon_is_told_and_not_counted(stage, amina):
    forget_lina(stage)
    today = date(2027, 3, 29)
    with writing() as session:
        for who, values in {
            "chloe": {"expires_on": today + timedelta(days=30)},
            "remi": {"expires_on": today + timedelta(days=31)},
            "bruno": {"suspended_until": instant("2027-04-05 09:00"), "suspension_reason": "Dust"},
            "anouk": {"marked_until": instant("2027-04-05 09:01")},
        }.items():
            session.execute(
                update(Membership).where(Membership.member_id == stage.people[who]).values(**values)
            )
        session.execute(
            update(Qualification)
            .where(Qualification.member_id == stage.people["bruno"])
            .values(expires_on=today)
        )

    page = amina.get("/manage/").text

    assert badges(page) == {}
    good_to_know = page.partition("Good to know")[2]
    assert "Chloé Navette" in good_to_know
    assert "Laser cutting, until 29 Mar 2027" in good_to_know
    assert good_to_know.count("Bruno Lefil") == 2
    for absent in ("Rémi Copeau", "Anouk Livre"):
        assert absent not in good_to_know


def test_what_was_renewed_does_not_end_and_another_place_has_its_own(stage, amina):
    annex = add_annex(stage)
    with writing() as session:
        held = session.scalar(
            select(Qualification).where(Qualification.member_id == stage.people["bruno"])
        )
        held.expires_on = date(2027, 4, 2)
        session.add(
            Qualification(
                member_id=held.member_id,
                training_id=held.training_id,
                given_on=date(2027, 3, 1),
                expires_on=date(2029, 3, 1),
                recorded_at=clock.now(),
            )
        )
        session.execute(
            update(Membership)
            .where(Membership.place_id == annex.place_id)
            .values(expires_on=date(2027, 4, 2))
        )

    page = amina.get("/manage/").text

    assert "Bruno" not in page
    assert "Émile" not in page


def test_bookings_left_on_a_stopped_machine_or_a_closed_day_are_listed(stage, amina):
    stage.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    stage.book("bench", slot("2027-04-06 10:00-11:00"), "chloe")  # once it is back
    stage.book("laser", slot("2027-03-31 10:00-11:00"), "bruno")
    with writing() as session:
        bench = session.get(Machine, stage.machine("bench").id)
        bench.state, bench.back_on = MachineState.OUT_OF_SERVICE, date(2027, 4, 1)
        day = date(2027, 3, 31)
        session.add(
            Closure(
                place_id=stage.place_id,
                uid="works",
                first_day=day,
                last_day=day,
                reason="Works",
                changed_at=clock.now(),
            )
        )

    page = amina.get("/manage/").text

    stopped = page.partition('id="without_a_machine"')[2].partition("</section>")[0]
    closed = page.partition('id="on_closed_days"')[2].partition("</section>")[0]
    assert ("Workbench" in stopped, "Tuesday 30 March, 10:00–11:00, Bruno Lefil" in stopped) == (
        True,
        True,
    )
    assert "Chlo" not in stopped
    assert ("Laser cutter" in closed, "Bruno Lefil" in closed) == (True, True)


def test_much_to_do_costs_no_more_statements(stage, amina):
    def everything(hours):
        ask_the_team(stage, "chloe", hours)
        session_of(stage, hours)

    everything(slot("2027-03-30 10:00-11:00"))
    amina.get("/manage/")
    with counting(db.engine) as few:
        amina.get("/manage/")
    for hour in range(11, 17):
        everything(slot(f"2027-03-30 {hour}:00-{hour + 1}:00"))
    with counting(db.engine) as many:
        page = amina.get("/manage/").text

    assert len(many) == len(few) <= 13
    assert page.count("Answer before") == 5
    assert "Answer them (7)" in page


def test_the_days_page_pays_one_statement_for_the_count(stage, amina):
    amina.get("/manage/day")
    with counting(db.engine) as asked:
        amina.get("/manage/day")

    assert len(asked) <= 6
    assert (
        sum("count(*)" in statement.lower() and "consent" in statement for statement in asked) == 1
    )
    assert db.session.scalar(select(Occupancy.id)) is None
