"""The team's morning mail."""

from datetime import date, time, timedelta

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
from fablab.members.models import Membership
from fablab.places.models import Opening, Place
from fablab.slots import Slot
from fablab.trainings import sessions as trainings
from fablab.trainings.models import Training, TrainingSession
from fablab.trainings.sessions import Plan, plan
from tests.calendars.support import book_elsewhere, change, close, occupy, open_every_day
from tests.invitations.conftest import letter, promised, set_member
from tests.support import PARIS, counting, instant, slot

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


def session(fablab, hours: str, *slugs: str, seats=2, **more) -> str:
    """A session planned by Amina, who gives it unless said otherwise; its UID."""
    machines = frozenset(fablab.machine(slug).id for slug in slugs)
    more = {"trainer_id": fablab.people["amina"]} | more
    return trainings.plan(
        db.session.scalars(select(Training.id)).one(),
        trainings.Plan(slot(hours), seats, machine_ids=machines, **more),
        by=fablab.people["amina"],
        now=clock.now(),
    )


def stop(fablab, slug: str, back_on: date) -> None:
    set_state(
        fablab.machine(slug).id,
        MachineState.OUT_OF_SERVICE,
        "A leg is broken",
        back_on,
        by=fablab.people["amina"],
        now=clock.now(),
    )


def days(first: str, count: int) -> Slot:
    """Whole days of the place, from midnight to midnight."""
    day = date.fromisoformat(first)
    return clock.whole_days(PARIS, day, day + timedelta(days=count - 1))


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
    assert enclosed.get_filename() == "2027-03-30.ics"
    calendar = Calendar.from_ical(enclosed.get_payload(decode=True))
    assert "METHOD" not in calendar
    summaries = [str(event["SUMMARY"]) for event in calendar.events]
    assert "Bruno Lefil: Laser cutter (L1)" in summaries
    assert "Chloé Navette: Workbench (B1)" in summaries
    assert {event.start.day for event in calendar.events} == {30}  # the day, and no other


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


# -- training sessions


@pytest.mark.parametrize("slugs", [(), ("laser", "bench")])
def test_a_session_is_told_once_with_its_people_and_machines(any_fablab, at, slugs):
    people = any_fablab.people
    set_member(any_fablab, "chloe", shares_phone=True, phone="+33 5 11 22 33 44")
    uid = session(any_fablab, "2027-03-30 14:00-16:00", *slugs, seats=4, location="Room 2")
    for who in ("chloe", "bruno"):
        trainings.register(uid, people[who], now=clock.now())
    at(TUESDAY)
    [mail] = sent()

    where = ", ".join(["Room 2", "B1 Workbench", "L1 Laser cutter"][: 1 + len(slugs)])
    assert (
        f"- 14:00–16:00 Laser cutting, {where} · Given by Amina Rahal"
        " · 2 of 4 seats: Bruno Lefil, Chloé Navette\n"
    ) in mail.text
    assert mail.html.count("<b>Laser cutting</b>") == 1
    assert "<br>Given by Amina Rahal<br>2 of 4 seats: Bruno Lefil, Chloé Navette<" in mail.html
    assert "Nobody has booked today." in mail.text


def test_who_comes_to_a_session_is_expected_once_at_their_first_hour(tuesday, at):
    at("2027-03-29 09:00")
    set_member(tuesday, "chloe", shares_phone=True, phone="+33 5 99 88 77 66")
    uid = session(tuesday, "2027-03-30 14:00-16:00", "laser")
    for who in ("bruno", "chloe"):
        trainings.register(uid, tuesday.people[who], now=clock.now())
    at(TUESDAY)
    [mail] = sent()

    assert (
        "- 10:00 Bruno Lefil, +33 5 11 22 33 44\n"
        "- 14:00 Amina Rahal\n"
        "- 14:00 Chloé Navette, +33 5 99 88 77 66\n\n"
    ) in mail.text


def test_who_waits_for_a_seat_or_has_left_is_not_expected(fablab, at):
    uid = session(fablab, "2027-03-30 14:00-16:00", seats=1, trainer_id=None)
    trainings.register(uid, fablab.people["amina"], now=clock.now())
    trainings.register(uid, fablab.people["bruno"], now=clock.now())
    trainings.register(uid, fablab.people["chloe"], now=clock.now())
    trainings.leave(uid, fablab.people["amina"], now=clock.now())
    at(TUESDAY)
    [mail] = sent()

    assert "Given by" not in mail.text
    assert "Laser cutting, 1 of 1 seat: Bruno Lefil\n" in mail.text
    assert "Chloé" not in mail.text + mail.html
    assert "Amina" not in mail.text + mail.html


def test_a_session_that_is_called_off_or_of_another_day_is_not_told(fablab, at):
    gone = session(fablab, "2027-03-30 14:00-16:00", "laser")
    session(fablab, "2027-03-31 14:00-16:00")
    trainings.cancel(gone, "", by=fablab.people["amina"], now=clock.now())
    at(TUESDAY)
    [mail] = sent()

    assert "Laser cutting" not in mail.text
    assert "Who comes" not in mail.text


def test_a_session_over_midnight_is_told_on_both_days(fablab, at):
    session(fablab, "2027-03-29 22:00-02:00", trainer_id=fablab.people["bruno"])
    at("2027-03-29 09:30")
    [before] = sent()
    at(TUESDAY)
    [after] = sent()

    assert "- from 22:00 Laser cutting, Given by Bruno Lefil" in before.text
    assert "- 22:00 Bruno Lefil\n" in before.text
    assert "- until 2:00 Laser cutting" in after.text
    assert "Who comes" not in after.text


def test_a_session_of_another_place_is_not_told(fablab, at):
    book_elsewhere(fablab, "chloe", slot("2027-03-30 14:00-16:00"))
    session(fablab, "2027-03-30 14:00-16:00")
    with writing() as write:
        loft = select(Place.id).where(Place.slug == "loft").scalar_subquery()
        write.execute(update(TrainingSession).values(place_id=loft))
    at(TUESDAY)
    [mail] = sent()

    assert "Laser cutting" not in mail.text


def test_a_session_alone_wakes_the_team_on_a_day_off(fablab, at):
    session(fablab, "2027-03-29 14:00-16:00")
    at("2027-03-29 07:00")  # Easter Monday
    [mail] = sent()

    assert "Laser cutting" in mail.text


def test_the_day_is_told_in_its_readers_own_language(any_fablab, at):
    set_member(any_fablab, "amina", language="fr")
    uid = session(any_fablab, "2027-03-30 14:00-16:00", "laser", seats=4)
    trainings.register(uid, any_fablab.people["bruno"], now=clock.now())
    stop(any_fablab, "laser", date(2027, 4, 6))
    at(TUESDAY)
    close(any_fablab, "2027-03-30", "2027-03-30", "Inventaire")
    [mail] = sent()

    assert "L1 Laser cutter (hors service) · Animée par Amina Rahal · 1 sur 4 places" in mail.text
    assert "Retour prévu le mardi 6 avril" in mail.text
    assert (
        "Le lieu est fermé\u00a0: Inventaire. Ces personnes sont attendues malgré tout."
        in mail.text
    )


# -- what is had for whole days, what is out of service, days off


def test_who_fetches_something_for_whole_days_comes_in_the_day(any_fablab, at):
    occupy(any_fablab, "bench", "chloe", days("2027-03-30", 1))
    occupy(any_fablab, "laser", "bruno", days("2027-03-30", 2))
    at(TUESDAY)
    [mail] = sent()

    for body in (mail.text, mail.html):
        assert "0:00" not in body.partition("10:00")[2]
    assert "- in the day Bruno Lefil" in mail.text
    assert "- in the day Chloé Navette" in mail.text
    assert "- all day B1 Workbench, Chloé Navette\n" in mail.text
    assert "- all day L1 Laser cutter, Bruno Lefil\n" in mail.text


def test_who_has_an_hour_besides_is_expected_then(fablab, at):
    occupy(fablab, "bench", "chloe", days("2027-03-30", 1))
    occupy(fablab, "laser", "chloe", slot("2027-03-30 15:00-16:00"))
    occupy(fablab, "laser", "bruno", slot("2027-03-30 16:00-17:00"))
    at(TUESDAY)
    [mail] = sent()

    assert "- 15:00 Chloé Navette\n- 16:00 Bruno Lefil\n\n" in mail.text


def test_what_is_booked_on_a_machine_out_of_service_says_so(tuesday):
    stop(tuesday, "bench", date(2027, 3, 31))
    [mail] = sent()

    for body in (mail.text, mail.html):
        assert body.count("B1 Workbench (out of service)") == 2
        assert "L1 Laser cutter (out of service)" not in body
        assert "Expected back on Wednesday 31 March" in body
    assert "- all day B1 Workbench, A leg is broken · Expected back on" in mail.text


def test_what_is_back_that_day_is_not_out_of_service(tuesday):
    stop(tuesday, "bench", date(2027, 3, 30))
    [mail] = sent()

    assert "out of service" not in mail.text.lower()


def test_an_outage_that_goes_on_says_when_the_machine_is_back(fablab, at):
    for slug, span in (
        ("laser", "2027-03-30 15:00-00:00"),
        ("bench", "2027-03-30 15:00-02:00"),
    ):
        withdraw(fablab.machine(slug).id, slot(span), "New lens", by=None, now=clock.now())
    at(TUESDAY)
    [mail] = sent()

    assert "- 15:00–24:00 L1 Laser cutter, New lens\n" in mail.text
    back = "Expected back on Wednesday 31 March 2:00"
    assert f"- from 15:00 B1 Workbench, New lens · {back}\n" in mail.text


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

    said = "The place is closed: Stocktaking. These people are expected all the same."
    for body in (mail.text, mail.html):
        assert said in body
        assert body.index(said) < body.index("Tuesday 30 March 2027") < body.index("Who comes")


def test_a_day_off_on_which_nobody_comes_is_only_closed(fablab, at):
    close(fablab, "2027-03-30", "2027-03-30", "Stocktaking")
    withdraw(
        fablab.machine("laser").id,
        slot("2027-03-30 15:00-16:00"),
        "New lens",
        by=None,
        now=clock.now(),
    )
    at(TUESDAY)
    [mail] = sent()

    assert "The place is closed: Stocktaking." in mail.text
    assert "all the same" not in mail.text


def test_a_day_without_hours_is_said_to_be_closed(fablab, at):
    occupy(fablab, "bench", "chloe", slot("2027-04-04 10:00-11:00"))  # a Sunday
    at("2027-04-04 07:00")
    [mail] = sent()

    assert "The place is closed. These people are expected all the same." in mail.text


def test_nobody_is_woken_on_a_day_off(fablab, at):
    at("2027-03-29 07:00")  # a Monday

    assert sent() == []


def test_who_does_not_want_it_does_not_get_it(tuesday):
    choices.refuse(tuesday.people["amina"], MailKind.DIGEST)

    assert sent() == []


def test_who_is_suspended_reads_nobodys_day(tuesday):
    with writing() as session:
        session.execute(
            update(Membership.__table__)
            .where(Membership.member_id == tuesday.people["amina"])
            .values(suspended_until=instant("2027-04-30 00:00"))
        )

    assert sent() == []


def test_at_any_other_hour_it_costs_one_statement(fablab, at):
    at("2027-03-29 13:00")
    with counting(db.engine) as statements:
        send(clock.now())

    assert len(statements) == 1
