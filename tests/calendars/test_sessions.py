"""Training sessions in the calendars: all of the place, one's own, those one gives."""

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.db import db, writing
from fablab.members.models import Member, Membership, names_changed
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.trainings import sessions
from fablab.trainings.kinds import Seating
from fablab.trainings.models import Registration, Training
from fablab.trainings.sessions import Plan
from tests.calendars.support import (
    DAY,
    MINE,
    PLACE,
    TRAININGS,
    address,
    change,
    plan_session,
    read,
    summaries,
)
from tests.support import slot

TUESDAY = slot("2027-03-30 14:00-16:00")
LATER = slot("2027-03-30 15:00-17:00")


@pytest.fixture
def fablab(any_fablab):
    return any_fablab


@pytest.fixture
def phone(browse_any):
    return browse_any(None)


def register(fablab, uid: str, *who: str) -> None:
    for each in who:
        sessions.register(uid, fablab.people[each], now=clock.now())


def cancel(fablab, uid: str, why: str = "") -> None:
    sessions.cancel(uid, why, by=fablab.people["amina"], now=clock.now())


class Client:
    """Asks whether there is something new, as calendars do."""

    def __init__(self, phone, fablab, who: str, about=MINE) -> None:
        self.phone, self.address, self.etag = phone, address(fablab, who, about), ""

    def look(self) -> dict[str, tuple[str, int]] | None:
        """Summary and SEQUENCE by UID; None when nothing has changed since the last look."""
        answer = self.phone.get(self.address, headers={"If-None-Match": self.etag})
        if answer.status_code == 304:
            return None
        self.etag = answer.headers["ETag"]
        events = read(self.phone, self.address)
        return {str(e["UID"]): (str(e["SUMMARY"]), int(e["SEQUENCE"])) for e in events}


# -- all of the place


def test_the_sessions_of_the_place_are_told_with_all_one_needs_to_choose(fablab, phone):
    bruno = fablab.people["bruno"]
    uid = plan_session(fablab, TUESDAY, "laser", "bench", trainer_id=bruno, location="Room 2")
    register(fablab, uid, "chloe")

    (event,) = read(phone, address(fablab, "chloe", TRAININGS))

    assert event["UID"] == uid
    assert (event.start, event.end) == (TUESDAY.start, TUESDAY.end)
    assert event["SUMMARY"] == "Laser cutting"
    assert event["DESCRIPTION"] == (
        "1 seat left\nGiven by Bruno Lefil\nOn Laser cutter (L1), Workbench (B1)"
    )
    assert event["LOCATION"] == "Room 2, L'Atelier, 1 rue du Fil"
    assert event["URL"] == f"http://127.0.0.1:5000/trainings/sessions/{uid}"
    assert event["CATEGORIES"].ical_value == ["Training"]
    assert event["STATUS"] == "CONFIRMED"
    assert event["TRANSP"] == "TRANSPARENT"  # it takes nobody's time who is not registered


def test_that_calendar_has_a_face_of_its_own(fablab, phone):
    text = phone.get(address(fablab, "chloe", TRAININGS)).text

    assert "X-WR-CALNAME:Training sessions\\, L'Atelier" in text
    assert "URL:http://127.0.0.1:5000/trainings/" in text


def test_it_names_nobody_who_comes(fablab, phone):
    uid = plan_session(fablab, TUESDAY)
    register(fablab, uid, "chloe", "bruno")

    text = phone.get(address(fablab, "amina", TRAININGS)).text

    assert "Full" in text
    assert not any(name in text for name in ("Navette", "Lefil", "Bruno"))


def test_a_seat_that_is_taken_or_given_back_is_a_change(fablab, phone):
    uid = plan_session(fablab, TUESDAY)
    client = Client(phone, fablab, "chloe", TRAININGS)
    (before,) = client.look().values()
    assert client.look() is None

    register(fablab, uid, "bruno")
    (taken,) = client.look().values()
    assert taken[1] > before[1]
    sessions.leave(uid, fablab.people["bruno"], now=clock.now())
    (given_back,) = client.look().values()
    assert given_back[1] > taken[1]
    assert client.look() is None


def test_who_changes_seats_in_the_very_second_is_seen_too(fablab, phone):
    """From one session to the other: the same number in all, at the same moment."""
    first, second = plan_session(fablab, TUESDAY), plan_session(fablab, LATER, "bench")
    register(fablab, first, "bruno")
    client = Client(phone, fablab, "chloe", TRAININGS)
    client.look()

    sessions.leave(first, fablab.people["bruno"], now=clock.now())
    register(fablab, second, "bruno")

    assert client.look() is not None


def test_a_session_that_is_called_off_is_gone_for_who_only_might_have_come(fablab, phone):
    uid = plan_session(fablab, TUESDAY)
    client = Client(phone, fablab, "chloe", TRAININGS)
    assert client.look()

    cancel(fablab, uid)

    assert client.look() == {}


def test_another_name_of_a_training_or_its_trainer_is_read_anew(fablab, phone):
    plan_session(fablab, TUESDAY, trainer_id=fablab.people["bruno"])
    mine = address(fablab, "chloe", TRAININGS)
    assert "Given by Bruno Lefil" in phone.get(mine).text

    with writing() as session:
        session.execute(
            update(Member).where(Member.first_name == "Bruno").values(first_name="Bruna")
        )
        names_changed(session, fablab.people["bruno"])
    assert "Given by Bruna Lefil" in phone.get(mine).text

    with writing() as session:
        training = session.scalars(select(Training.id)).one()
        sessions.rename(session, training, "Engraving", now=clock.now())
        session.execute(update(Training).values(name="Engraving"))
    assert summaries(phone, mine) == ["Engraving"]


def test_one_without_a_machine_is_among_what_the_place_and_the_day_hold(fablab, phone):
    clients = Client(phone, fablab, "chloe", PLACE), Client(phone, fablab, "amina", DAY)
    assert [client.look() for client in clients] == [{}, {}]
    plan_session(fablab, TUESDAY)
    with_one = [client.look().keys() for client in clients]

    amina = fablab.people["amina"]
    training = db.session.scalars(select(Training.id)).one()
    uid = sessions.plan(training, Plan(LATER, 2, location="Attic"), by=amina, now=clock.now())

    for client, before in zip(clients, with_one, strict=True):
        found = client.look()
        assert found.keys() - before == {uid}
        assert found[uid][0] == "Training: Laser cutting"
    register(fablab, uid, "chloe")
    assert [client.look()[uid][1] for client in clients] == [1, 1]
    cancel(fablab, uid)
    assert [client.look().keys() for client in clients] == with_one


# -- one's own


def test_a_session_one_is_registered_for_is_in_ones_own_calendar(fablab, phone):
    uid = plan_session(fablab, TUESDAY)
    register(fablab, uid, "chloe")
    booked = fablab.book("bench", TUESDAY, "chloe")

    events = {str(event["UID"]): event for event in read(phone, address(fablab, "chloe"))}

    assert set(events) == {uid, booked}
    event = events[uid]
    assert event["SUMMARY"] == "Training: Laser cutting"
    assert (event["STATUS"], event["TRANSP"]) == ("CONFIRMED", "OPAQUE")
    assert event["URL"] == f"http://127.0.0.1:5000/trainings/sessions/{uid}"
    assert summaries(phone, address(fablab, "bruno")) == []


def test_who_gives_it_finds_it_there_and_sees_how_many_come(fablab, phone):
    bruno = fablab.people["bruno"]
    uid = plan_session(fablab, TUESDAY, trainer_id=bruno)
    client = Client(phone, fablab, "bruno")
    client.look()

    register(fablab, uid, "chloe")

    assert client.look().keys() == {uid}
    (event,) = read(phone, client.address)
    assert event["SUMMARY"] == "Training you give: Laser cutting"
    assert event["DESCRIPTION"] == "Seats taken: 1 of 2\nOn Laser cutter (L1)"


def test_another_trainer_has_it_in_place_of_the_one_before(fablab, phone):
    uid = plan_session(fablab, TUESDAY, trainer_id=fablab.people["bruno"])
    before, after = Client(phone, fablab, "bruno"), Client(phone, fablab, "amina")
    assert (len(before.look()), after.look()) == (1, {})

    laser = frozenset({fablab.machine("laser").id})
    given = Plan(TUESDAY, 2, trainer_id=fablab.people["amina"], machine_ids=laser)
    sessions.change(uid, given, by=fablab.people["amina"], now=clock.now())

    assert (before.look(), len(after.look())) == ({}, 1)


def test_who_waits_for_a_seat_is_told_so_until_they_have_one(fablab, phone, at):
    uid = plan_session(fablab, TUESDAY, seats=1)
    register(fablab, uid, "bruno", "chloe")
    client = Client(phone, fablab, "chloe")
    client.look()
    (event,) = read(phone, client.address)
    assert event["SUMMARY"] == "Waiting list: Training: Laser cutting"
    assert (event["STATUS"], event["TRANSP"]) == ("TENTATIVE", "TRANSPARENT")

    at("2027-03-29 10:00")
    sessions.leave(uid, fablab.people["bruno"], now=clock.now())

    assert [summary for summary, _ in client.look().values()] == ["Training: Laser cutting"]
    assert summaries(phone, address(fablab, "bruno")) == []


def test_who_waited_in_vain_has_nothing_once_it_begins(fablab, phone, at):
    uid = plan_session(fablab, TUESDAY, seats=1)
    register(fablab, uid, "bruno", "chloe")
    client = Client(phone, fablab, "chloe")
    assert client.look()
    at("2027-03-30 13:59")
    client.look()
    assert client.look() is None

    at("2027-03-30 14:00")

    assert client.look() == {}


def test_a_session_called_off_stays_in_ones_own_until_it_would_have_begun(fablab, phone, at):
    uid = plan_session(fablab, TUESDAY, trainer_id=fablab.people["bruno"])
    register(fablab, uid, "chloe")
    clients = Client(phone, fablab, "chloe"), Client(phone, fablab, "bruno")
    at("2027-03-29 10:00")

    cancel(fablab, uid, "The lens broke")

    for client in clients:
        assert uid in client.look()
        (event,) = read(phone, client.address)
        assert event["SUMMARY"].startswith("Cancelled: Training")
        assert event["DESCRIPTION"] == "Cancelled: The lens broke"
        assert (event["STATUS"], event["TRANSP"]) == ("CANCELLED", "TRANSPARENT")
        assert event["LAST-MODIFIED"].dt == clock.now()
    at("2027-03-30 13:59")
    assert all(client.look() for client in clients)
    at("2027-03-30 14:00")
    assert [client.look() for client in clients] == [{}, {}]


def test_a_session_that_moves_keeps_its_uid_and_says_it_changed(fablab, phone):
    uid = plan_session(fablab, TUESDAY)
    register(fablab, uid, "chloe")
    clients = Client(phone, fablab, "chloe"), Client(phone, fablab, "bruno", TRAININGS)
    before = [client.look()[uid][1] for client in clients]

    laser = frozenset({fablab.machine("laser").id})
    sessions.change(
        uid, Plan(LATER, 2, machine_ids=laser), by=fablab.people["amina"], now=clock.now()
    )

    for client, sequence in zip(clients, before, strict=True):
        assert client.look()[uid][1] == sequence + 1
        (event,) = read(phone, client.address)
        assert event.start == LATER.start


@pytest.mark.parametrize(("came", "shown"), [({"chloe"}, 1), (set(), 0)])
def test_who_came_keeps_it_and_who_did_not_does_not(fablab, phone, at, came, shown):
    uid = plan_session(fablab, TUESDAY)
    register(fablab, uid, "chloe")
    client = Client(phone, fablab, "chloe")
    at("2027-03-30 16:30")
    assert len(client.look()) == 1

    ids = [fablab.people[who] for who in came]
    sessions.note_attendance(uid, ids, by=fablab.people["amina"], now=clock.now())

    assert len(client.look()) == shown
    assert db.session.scalar(select(Registration.seating)) in (Seating.ATTENDED, Seating.ABSENT)


def test_a_session_goes_back_as_far_as_a_booking(fablab, phone, at):
    uid = plan_session(fablab, TUESDAY)
    register(fablab, uid, "chloe")
    both = address(fablab, "chloe"), address(fablab, "bruno", TRAININGS)
    at("2027-04-29 23:59")
    assert all(summaries(phone, each) for each in both)
    known = [{"If-None-Match": phone.get(each).headers["ETag"]} for each in both]

    at("2027-04-30 00:00")

    for each, tag in zip(both, known, strict=True):
        assert phone.get(each, headers=tag).status_code == 200
        assert summaries(phone, each) == []


def test_a_session_of_another_place_is_on_its_clock_and_leads_there(fablab, phone):
    with writing() as session:
        loft = Place(
            slug="loft",
            name="The Loft",
            zone="America/New_York",
            position=2,
            created_at=clock.now(),
        )
        session.add(loft)
        session.flush()
        session.execute(update(Training).values(place_id=loft.id))
        session.add(Membership(member_id=fablab.people["chloe"], place_id=loft.id))
    uid = sessions.plan(
        db.session.scalars(select(Training.id)).one(),
        Plan(Slot(TUESDAY.start, TUESDAY.end), 2),
        by=fablab.people["amina"],
        now=clock.now(),
    )
    register(fablab, uid, "chloe")

    (event,) = read(phone, address(fablab, "chloe"))

    assert event["DTSTART"].params["TZID"] == "America/New_York"
    assert event["LOCATION"] == "The Loft"
    assert event["URL"] == f"http://127.0.0.1:5000/trainings/sessions/{uid}?place=loft"
    assert summaries(phone, address(fablab, "bruno", TRAININGS)) == []


def test_in_french_it_is_told_in_french(fablab, phone):
    change(Member, language="fr")
    plan_session(fablab, TUESDAY)

    (event,) = read(phone, address(fablab, "chloe", TRAININGS))

    assert event["DESCRIPTION"].startswith("2 places")
