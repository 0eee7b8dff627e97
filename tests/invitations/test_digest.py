"""The team's morning mail."""

from datetime import time

import pytest
from icalendar import Calendar
from sqlalchemy import select, update

from fablab import clock
from fablab.db import db, writing
from fablab.invitations.digest import send
from fablab.machines.commands import set_state, withdraw
from fablab.machines.kinds import MachineState
from fablab.machines.models import Occupancy
from fablab.members import mails as choices
from fablab.members.kinds import MailKind
from fablab.places.models import Opening, Place
from fablab.trainings.models import Training
from fablab.trainings.sessions import Plan, plan
from tests.calendars.support import change, close, open_every_day
from tests.invitations.conftest import letter, promised, set_member
from tests.support import counting, slot

TUESDAY = "2027-03-30 07:00"


@pytest.fixture
def tuesday(any_fablab, at):
    """A day with a bit of everything, at seven o'clock."""
    set_member(any_fablab, "bruno", shares_phone=True, phone="+33 5 11 22 33 44")
    any_fablab.book(
        "bench", slot("2027-03-30 14:00-16:00"), "bruno", purpose="A shelf", organization_id=1
    )
    any_fablab.book("laser", slot("2027-03-30 10:00-12:00"), "bruno")
    any_fablab.book("bench", slot("2027-03-30 16:00-17:00"), "chloe")
    any_fablab.book("bench", slot("2027-03-31 16:00-17:00"), "chloe", purpose="Tomorrow's")
    at(TUESDAY)
    return any_fablab


def sent() -> list:
    before = len(promised())
    send(clock.now())
    return promised()[before:]


def test_the_team_reads_who_comes_at_seven(tuesday, at):
    at("2027-03-30 06:59")
    assert sent() == []
    at(TUESDAY)
    [mail] = sent()

    assert (mail.kind, mail.recipient) == ("digest", "amina@atelier.example")
    assert mail.subject == "L'Atelier: the day, Tuesday 30 March"
    for body in (mail.text, mail.html):
        assert "Tuesday 30 March 2027" in body
        assert "10:00–18:00 with the team" in body
        assert "+33 5 11 22 33 44" in body
        assert "Studio Fil" not in body.partition("Bookings")[0]  # the first is on his own behalf
        assert "A shelf" in body
        assert "Tomorrow" not in body
        assert body.index("L1 Laser cutter") < body.index("B1 Workbench")
    assert "10:00 Bruno Lefil, +33 5 11 22 33 44\n- 16:00 Chloé Navette\n" in mail.text


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ("2027-03-29 22:00-02:00", "until 2:00"),
        ("2027-03-30 22:00-02:00", "from 22:00"),
        ("2027-03-30 22:00-00:00", "22:00–24:00"),
        ("2027-03-30 00:00-02:00", "0:00–2:00"),
    ],
)
def test_what_goes_over_midnight_says_so(fablab, at, hours, said):
    open_every_day(fablab)
    change(Opening, opens_at=time(0), closes_at=time(0))  # night and day
    at("2027-03-28 09:00")
    fablab.book("bench", slot(hours), "amina")
    at(TUESDAY)
    [mail] = sent()

    assert f"- {said} B1 Workbench, Amina Rahal\n" in mail.text
    is_arrival = not said.startswith("until")
    assert ("Who comes" in mail.text) is is_arrival


def test_it_is_sent_once_a_day(tuesday, at):
    assert len(sent()) == 1
    at("2027-03-30 07:01")
    assert sent() == []
    at("2027-03-31 07:00")
    assert len(sent()) == 1


def test_who_was_away_all_morning_sends_none(tuesday, at):
    at("2027-03-30 12:00")

    assert sent() == []


def test_it_moves_no_calendar(tuesday):
    before = db.session.scalars(select(Place.changed_at)).one()
    sent()

    assert db.session.scalars(select(Place.changed_at)).one() == before
    assert (
        db.session.scalars(select(Place.digest_day)).one()
        == slot("2027-03-30 09:00-10:00").start.date()
    )


def test_the_day_is_enclosed_as_a_calendar(tuesday):
    [mail] = sent()

    [enclosed] = letter(mail).iter_attachments()
    assert enclosed.get_content_type() == "text/calendar"
    assert enclosed.get_filename() == "calendar.ics"
    calendar = Calendar.from_ical(enclosed.get_payload(decode=True))
    assert "METHOD" not in calendar
    summaries = [str(event["SUMMARY"]) for event in calendar.events]
    assert "Bruno Lefil: Laser cutter (L1)" in summaries
    assert "Chloé Navette: Workbench (B1)" in summaries


def test_a_session_without_a_machine_is_in_the_enclosed_day(tuesday, at):
    at("2027-03-29 09:00")
    training = db.session.scalars(select(Training.id)).one()
    planned = Plan(slot("2027-03-30 16:00-18:00"), seats=4)
    uid = plan(training, planned, by=tuesday.people["amina"], now=clock.now())
    at(TUESDAY)
    [mail] = sent()

    [enclosed] = letter(mail).iter_attachments()
    events = Calendar.from_ical(enclosed.get_payload(decode=True)).events
    [held] = [event for event in events if str(event["UID"]) == uid]
    assert held["URL"] == f"http://127.0.0.1:5000/trainings/sessions/{uid}"


def test_sessions_outages_and_what_is_out_of_service_are_in_it(tuesday, at):
    at("2027-03-29 09:00")
    withdraw(
        tuesday.machine("laser").id,
        slot("2027-03-30 15:00-16:00"),
        "New lens",
        by=None,
        now=clock.now(),
    )
    training = db.session.scalars(select(Training.id)).one()
    machines = frozenset({tuesday.machine("laser").id})
    plan(
        training,
        Plan(slot("2027-03-30 16:00-18:00"), seats=4, machine_ids=machines),
        by=tuesday.people["amina"],
        now=clock.now(),
    )
    set_state(
        tuesday.machine("bench").id,
        MachineState.OUT_OF_SERVICE,
        "A leg is broken",
        None,
        by=tuesday.people["amina"],
        now=clock.now(),
    )
    at(TUESDAY)
    [mail] = sent()

    for body in (mail.text, mail.html):
        assert "New lens" in body
        assert "Laser cutting" in body
        assert "A leg is broken" in body


def test_how_many_wait_for_an_answer_is_said(tuesday):
    with writing() as session:
        session.execute(
            update(Occupancy.__table__).where(Occupancy.title == "A shelf").values(status="pending")
        )
    [mail] = sent()

    assert "1 booking waits for an answer." in mail.text
    assert "Bruno Lefil, Studio Fil: A shelf (awaiting approval)" in mail.text


def test_a_day_without_anybody_is_told_when_somebody_opens(fablab, at):
    at(TUESDAY)
    [mail] = sent()

    assert "Nobody has booked today." in mail.text


def test_a_day_off_is_told_when_somebody_has_booked(tuesday):
    close(tuesday, "2027-03-30", "2027-03-30", "Stocktaking")
    [mail] = sent()

    assert "The place is closed: Stocktaking." in mail.text


def test_nobody_is_woken_on_a_day_off(fablab, at):
    at("2027-03-29 07:00")  # a Monday

    assert sent() == []


def test_who_does_not_want_it_does_not_get_it(tuesday):
    choices.refuse(tuesday.people["amina"], MailKind.DIGEST)

    assert sent() == []


def test_at_any_other_hour_it_costs_one_statement(fablab, at):
    at("2027-03-29 13:00")
    with counting(db.engine) as statements:
        send(clock.now())

    assert len(statements) == 1
