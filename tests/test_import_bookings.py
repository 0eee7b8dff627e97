"""Bookings that are over, from a file: whole or not at all, once, and nobody is told."""

from datetime import UTC

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from fablab import clock, imports
from fablab.accounts import erasure
from fablab.booking import queries
from fablab.db import db
from fablab.imports.models import ImportedBooking
from fablab.machines.commands import withdraw
from fablab.machines.kinds import Status
from fablab.machines.models import Change, Occupancy
from fablab.mail.models import OutgoingMail
from fablab.members.audit import AuditEntry
from fablab.members.models import Mark
from tests.support import counting, instant, slot
from tests.test_imports import bring_in, compared, problems

HEAD = "email,machine,start,end,organization,purpose,status,reference\n"
BRUNO, CHLOE = "bruno@atelier.example", "chloe@atelier.example"
ONE = f"{HEAD}{BRUNO},L1,2027-03-23 10:00,2027-03-23 12:00,Studio Fil,Lamp,,\n"


def written() -> list:
    db.session.rollback()
    return list(db.session.execute(select(Occupancy.__table__).order_by(Occupancy.starts_at)))


def count(model) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_line_is_a_booking_as_it_was_and_nobody_is_told(any_fablab):
    mails = count(OutgoingMail)

    assert bring_in("bookings", ONE) == (1, 0, 0)

    [booking] = written()
    assert (booking.starts_at, booking.ends_at) == (
        slot("2027-03-23 10:00-12:00").start,
        slot("2027-03-23 10:00-12:00").end,
    )
    assert (booking.member_id, booking.machine_id) == (
        any_fablab.people["bruno"],
        any_fablab.machine("laser").id,
    )
    assert (booking.organization_id, booking.title) == (any_fablab.organization_id, "Lamp")
    assert (booking.status, booking.standing) == (Status.CONFIRMED, True)
    assert (count(OutgoingMail), count(Mark)) == (mails, 0)
    [change] = db.session.execute(select(Change.what, Change.told_at)).all()
    assert change == ("imported", clock.now())
    [entry] = db.session.scalars(select(AuditEntry)).all()
    assert (entry.machine_id, entry.after) == (booking.machine_id, {"past_bookings": 1})
    assert [row.uid for row in queries.past(booking.member_id, clock.now(), limit=9)] == [
        booking.uid
    ]


def test_the_same_file_again_changes_nothing(any_fablab):
    bring_in("bookings", ONE)
    before = written()

    assert bring_in("bookings", ONE) == (0, 0, 1)

    assert written() == before


def test_a_reference_is_what_makes_a_line_the_same(fablab):
    text = f"{HEAD}{BRUNO},laser,2027-03-23 10:00,12:00,,,used,R-1\n"
    bring_in("bookings", text)

    assert bring_in("bookings", text) == (0, 0, 1)
    [(line, why)] = problems("bookings", text.replace("12:00", "13:00"))
    assert line == 2
    assert "“R-1” was imported before and says something else now" in why
    assert len(written()) == 1


def test_cancelled_and_missed_ones_stand_in_nobodys_way(fablab):
    text = (
        f"{HEAD}{BRUNO},L1,2027-03-23 10:00,12:00,,,cancelled,\n"
        f"{CHLOE},L1,2027-03-23 10:00,12:00,,,missed,\n"
        f"{CHLOE},L1,2027-03-23 11:00,12:00,,,used,\n"
    )

    assert bring_in("bookings", text) == (3, 0, 0)

    assert sorted((row.status, row.standing) for row in written()) == [
        (Status.CANCELLED, False),
        (Status.CONFIRMED, True),
        (Status.MISSED, False),
    ]
    # When it was cancelled nobody knows: not later than it began, so that it is none of the late.
    assert [row.cancelled_at for row in written() if row.cancelled_at] == [
        row.starts_at for row in written() if row.status == Status.CANCELLED
    ]
    assert count(Mark) == 0


GOOD = {
    "email": BRUNO,
    "machine": "L1",
    "start": "2027-03-23 10:00",
    "end": "2027-03-23 12:00",
    "organization": "",
    "purpose": "",
    "status": "",
    "reference": "",
}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"email": ""}, "“email” is empty."),
        ({"email": "nobody@atelier.example"}, "nobody@atelier.example is no member"),
        ({"email": "bruno"}, "is no mail address"),
        ({"machine": "L9"}, "There is no machine “L9”."),
        ({"machine": ""}, "“machine” is empty."),
        ({"start": "yesterday"}, "there is no day “yesterday”"),
        ({"start": "2027-02-30 10:00"}, "there is no day"),
        ({"start": "2027-03-23"}, "there is no hour"),
        ({"start": "2027-03-23 25:00"}, "there is no hour"),
        ({"start": "٢٠٢٧-٠٣-٢٣ 10:00"}, "there is no day"),
        ({"end": "2027-03-23 10:00"}, "It ends before it begins."),
        ({"end": "09:00"}, "It ends before it begins."),
        ({"end": "2027-04-30 10:00"}, "It is longer than 31 days."),
        ({"end": "2027-03-29 09:01"}, "It is not over yet"),
        ({"start": "2027-03-30 10:00", "end": "11:00"}, "It is not over yet"),
        ({"start": "2027-03-28 02:30", "end": "04:00"}, "there was no 02:30 on 2027-03-28"),
        ({"organization": "Nobody"}, "There is no organization “Nobody”"),
        ({"status": "gone"}, "“status” is one of used, cancelled, missed"),
        ({"purpose": "x" * 201}, "longer than 200"),
        ({"purpose": "a\u202eb"}, "nobody can see"),
        ({"reference": "x" * 201}, "longer than 200"),
    ],
)
def test_each_broken_line_is_told_and_nothing_is_written(fablab, changed, why):
    text = HEAD + ",".join((GOOD | changed).values()) + "\n"
    text += f"{CHLOE},B1,2027-03-24 10:00,11:00,,,,\n"

    found = problems("bookings", text)

    assert [line for line, _ in found] == [2] * len(found)
    assert why in found[0][1]
    with pytest.raises(imports.ImportRefused):
        bring_in("bookings", text)
    assert written() == []


def test_what_stands_on_the_machine_is_in_the_way(fablab):
    laser = fablab.machine("laser").id
    withdraw(
        laser, slot("2027-03-23 11:00-13:00"), "Lens", by=None, now=instant("2027-03-22 09:00")
    )

    assert problems("bookings", ONE) == [
        (2, "The machine is taken then: 2027-03-23 11:00 – 2027-03-23 13:00.")
    ]
    text = ONE.replace("12:00", "11:00")
    assert bring_in("bookings", text) == (1, 0, 0)


def test_lines_are_in_each_others_way_and_may_touch(fablab):
    text = (
        f"{HEAD}{BRUNO},L1,2027-03-23 10:00,12:00,,,,\n"
        f"{CHLOE},L1,2027-03-23 11:59,13:00,,,,\n"
        f"{CHLOE},L1,2027-03-23 12:00,13:00,,,,\n"
        f"{BRUNO},L1,2027-03-23 10:00,12:00,,,,\n"
    )

    assert problems("bookings", text) == [
        (3, "The machine is taken then, by line 2: 2027-03-23 10:00 – 2027-03-23 12:00."),
        (5, "The same booking was on line 2 already."),
    ]


def test_of_an_hour_that_was_there_twice_the_first_is_meant_and_told(fablab, at):
    at("2027-11-02 09:00")
    text = f"{HEAD}{BRUNO},L1,2027-10-31 02:30,2027-10-31 04:00,,,,\n"

    [note] = compared("bookings", text).notes
    bring_in("bookings", text)

    assert (
        note.sentence % note.values
        == "The clock showed 02:30 twice that night: the first is meant."
    )
    assert written()[0].starts_at == instant("2027-10-31 02:30")


def test_days_and_hours_may_be_written_as_in_france(fablab):
    text = f"{HEAD}{BRUNO};L1;23/03/2027 10h00;23/03/2027 12h;;;;\n".replace(",", ";")

    assert bring_in("bookings", text) == (1, 0, 0)

    assert written()[0].ends_at == instant("2027-03-23 12:00")


def test_a_thousand_lines_cost_a_few_statements_each_five_hundred(app, fablab):
    first = instant("2026-01-01 00:00")
    hour = clock.timedelta(hours=1)
    lines = [
        f"{BRUNO},L1,{(first + n * hour).astimezone(UTC):%Y-%m-%d %H:%M},"
        f"{(first + (n + 1) * hour).astimezone(UTC):%Y-%m-%d %H:%M},,,,{n}\n"
        for n in range(1000)
    ]
    with counting(db.engine) as statements:
        assert bring_in("bookings", HEAD + "".join(lines)) == (1000, 0, 0)

    assert len(statements) < 60


def test_an_erasure_forgets_where_their_bookings_came_from(fablab):
    bring_in("bookings", ONE)

    erasure.erase(fablab.people["bruno"], now=clock.now())

    assert count(ImportedBooking) == 0


HOURS = st.lists(st.integers(0, 9), max_size=6)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=HOURS, machines=st.sampled_from(["L1", "B1"]))
def test_applied_twice_it_is_the_same_as_once(imported_anew, hours, machines):
    """Whatever the lines: what is refused writes nothing, what is accepted is written once."""
    imported_anew()
    text = HEAD + "".join(
        f"{BRUNO},{machines},2027-03-23 {8 + hour:02}:00,{9 + hour:02}:30,,,,\n" for hour in hours
    )
    try:
        once = bring_in("bookings", text)
    except imports.ImportRefused:
        assert written() == []
        return
    before = written()

    assert bring_in("bookings", text) == (0, 0, once[0])
    assert written() == before


@pytest.fixture
def imported_anew(fablab):
    def forget() -> None:
        db.session.rollback()
        for table in (ImportedBooking, Change, Occupancy):
            db.session.execute(table.__table__.delete())
        db.session.commit()

    return forget
