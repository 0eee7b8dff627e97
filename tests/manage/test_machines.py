"""The machines for the team: how they are, when they are withdrawn, and whom that concerns."""

import re
from datetime import date

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.booking import commands as booking
from fablab.db import db, writing
from fablab.machines import commands
from fablab.machines.kinds import MachineState, OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy
from tests.conftest import browser
from tests.manage.conftest import add_cast
from tests.manage.conftest import booking as made_up
from tests.support import instant, slot, submit
from tests.upkeep.conftest import settle

BENCH = "/manage/machines/bench"
MORNING = slot("2027-03-30 10:00-12:00")
INSIDE = slot("2027-03-30 11:00-12:00")
OUTAGE = {
    "day": "2027-03-30",
    "start": "10:00",
    "end": "12:00",
    "end_day": "",
    "reason": "Changing the vice",
}
STOPPED = {
    "state": "out_of_service",
    "state_reason": "The vice is cracked",
    "back_on": "2027-04-06",
}


def set_state(client, **fields):
    """Whoever has booked keeps their booking, and is warned."""
    answer = submit(client, BENCH, f"{BENCH}/state", **STOPPED | fields)
    if answer.status_code != 409:
        return answer
    return settle(client, f"{BENCH}/state", answer.text)


def withdraw(client, **fields):
    return submit(client, BENCH, f"{BENCH}/outages", **OUTAGE | fields)


def withdrawn(fablab, span=MORNING):
    return commands.withdraw(
        fablab.machine("bench").id, span, "Changing the vice", by=None, now=clock.now()
    )


def outages():
    return db.session.scalars(
        select(Occupancy).where(Occupancy.kind == OccupancyKind.OUTAGE).order_by(Occupancy.id)
    ).all()


def concerned(html):
    table = re.search(r'<h2 id="concerned">.*?</table>', html, re.S)
    return re.findall(r'href="/bookings/([^"]+)"', table[0]) if table else []


# The list


def test_the_list_shows_how_each_machine_is(cast, amina):
    withdrawn(cast)
    commands.set_state(
        cast.machine("laser").id,
        MachineState.LOCKED_OUT,
        "Sparks",
        date(2027, 4, 6),
        by=None,
        now=clock.now(),
    )

    page = amina.get("/manage/machines").text

    laser, bench = (
        re.search(rf"{name}</a>.*?</tr>", page, re.S)[0] for name in ("Laser cutter", "Workbench")
    )
    for word in ("Locked out", "Sparks", "6 Apr 2027"):
        assert word in laser
    for word in ("In service", "Tuesday 30 March 10:00–12:00", "Changing the vice"):
        assert word in bench
    assert "Changing" not in laser


@pytest.mark.parametrize(
    ("now", "is_listed", "is_under_way"),
    [
        ("2027-03-30 09:59", True, False),
        ("2027-03-30 10:00", True, True),
        ("2027-03-30 11:59", True, True),
        ("2027-03-30 12:00", False, False),
    ],
)
def test_the_list_shows_outages_until_they_are_over(cast, amina, at, now, is_listed, is_under_way):
    withdrawn(cast)
    at(now)

    page = amina.get("/manage/machines").text

    assert ("Changing the vice" in page) is is_listed
    assert ("Under way" in page) is is_under_way


# The state


def test_a_machine_is_put_out_of_service_and_back(any_fablab, any_app):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")

    answer = set_state(amina)

    bench = any_fablab.machine("bench")
    page = amina.get(BENCH).text
    assert (answer.status_code, answer.location) == (303, BENCH)
    assert bench.state == MachineState.OUT_OF_SERVICE
    assert (bench.state_reason, bench.back_on) == ("The vice is cracked", date(2027, 4, 6))
    assert "nobody can book it" in page
    assert "State of the machine" in page

    set_state(amina, state="in_service")

    assert any_fablab.machine("bench").is_in_service
    assert "it can be booked" in amina.get(BENCH).text


def test_a_machine_is_locked_out_without_a_day_to_expect_it_back(cast, amina):
    set_state(amina, state="locked_out", back_on="")

    assert cast.machine("bench").state == MachineState.LOCKED_OUT
    assert cast.machine("bench").back_on is None


@pytest.mark.parametrize(
    ("back_on", "is_concerned"),
    [("2027-03-30", False), ("2027-03-31", True), ("", True)],
)
def test_a_machine_that_stops_names_the_bookings_it_lets_down(cast, amina, back_on, is_concerned):
    uid = cast.book("bench", MORNING, "chloe", purpose="Shelves")
    assert concerned(amina.get(BENCH).text) == []

    set_state(amina, back_on=back_on)

    page = amina.get(BENCH).text
    assert concerned(page) == [uid] * is_concerned
    assert ("mailto:?bcc=chloe@atelier.example" in page) is is_concerned
    assert ("1 booking counts on this machine" in page) is is_concerned


def test_a_machine_is_back_at_the_midnight_its_day_begins(cast, amina):
    bench, chloe = cast.machine("bench").id, cast.people["chloe"]
    with writing() as session:
        late = made_up(bench, chloe, slot("2027-04-05 23:59-00:00"))
        session.add_all([late, made_up(bench, chloe, slot("2027-04-06 00:00-01:00"))])

    set_state(amina, back_on="2027-04-06")

    assert concerned(amina.get(BENCH).text) == [late.uid]


def test_what_is_over_or_cancelled_is_not_let_down(cast, amina, at):
    cast.book("bench", MORNING, "chloe")
    uid = cast.book("bench", slot("2027-03-31 10:00-12:00"), "chloe")
    booking.cancel(uid, by=cast.people["chloe"], is_team=False, now=clock.now())
    at("2027-03-30 12:00")

    set_state(amina)

    assert concerned(amina.get(BENCH).text) == []


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("state", ""),
        ("state", "retired"),
        ("state", "\x00"),
        ("state_reason", ""),
        ("state_reason", "a\u202eb"),
        ("state_reason", "x" * 201),
        ("back_on", "2027-03-28"),
        ("back_on", "٢٠٢٧-٠٤-٠٦"),
        ("back_on", "9999-12-31"),
        ("back_on", "0001-01-01"),
    ],
)
def test_an_odd_state_is_a_fault_of_its_field_and_nothing_is_lost(cast, amina, field, typed):
    answer = set_state(amina, **{field: typed})

    kept = {name: value for name, value in STOPPED.items() if name not in (field, "state")}
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert all(f'value="{value}"' in answer.text for value in kept.values())
    assert cast.machine("bench").is_in_service


# Outages


def test_a_machine_is_withdrawn_for_a_time(any_fablab, any_app):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")

    answer = withdraw(amina)

    (outage,) = outages()
    page = amina.get(BENCH).text
    assert (answer.status_code, answer.location) == (303, BENCH)
    assert (outage.starts_at, outage.ends_at) == (MORNING.start, MORNING.end)
    assert (outage.title, outage.created_by_id) == (
        "Changing the vice",
        any_fablab.people["amina"],
    )
    assert f"{BENCH}/outages/{outage.uid}/end" in page
    with pytest.raises(booking.BookingRefused):
        any_fablab.book("bench", INSIDE, "chloe")


def test_an_outage_may_last_for_days_and_begin_before_now(cast, amina):
    withdraw(amina, day="2027-03-28", start="18:00", end_day="2027-04-20", end="08:00")

    (outage,) = outages()
    assert outage.starts_at == instant("2027-03-28 18:00")
    assert outage.ends_at == instant("2027-04-20 08:00")


def test_bookings_in_the_way_are_listed_and_nothing_typed_is_lost(any_fablab, any_app):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")
    inside = any_fablab.book("bench", INSIDE, "chloe")
    later = any_fablab.book("bench", slot("2027-03-30 12:00-13:00"), "bruno")

    answer = withdraw(amina)

    message = re.search(r'id="refusal".*?</ul>.*?</div>', answer.text, re.S)[0]
    assert answer.status_code == 409
    assert f'href="/bookings/{inside}"' in message
    assert "Chloé Navette" in message
    assert later not in message
    assert "mailto:?bcc=chloe@atelier.example" in message
    assert 'value="Changing the vice"' in answer.text
    assert 'value="10:00"' in answer.text
    assert outages() == []


def test_an_outage_goes_around_another_and_one_of_the_same_hours_is_listed(cast, amina):
    uid = withdrawn(cast, INSIDE)

    answer = withdraw(amina, start="11:00")

    assert answer.status_code == 409
    assert f'href="{BENCH}/outages/{uid}/end"' in answer.text
    assert "mailto:" not in answer.text
    assert len(outages()) == 1
    assert withdraw(amina).status_code == 303
    before, inside = sorted(outages(), key=lambda each: each.starts_at)
    assert (before.slot, inside.slot) == (slot("2027-03-30 10:00-11:00"), INSIDE)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        *(("day", typed) for typed in ["", "30/03/2027", "0001-01-01", "9999-12-31", "\x00"]),
        *(("start", typed) for typed in ["", "25:00", "١٠:٠٠", "10h", "\x00", "9" * 10_000]),
        *(("end", typed) for typed in ["", "25:00", "10:00", "09:00"]),
        *(("end_day", typed) for typed in ["2027-03-32", "0001-01-01", "9999-12-31"]),
        *(("reason", typed) for typed in ["", "  ", "a\r\nb", "a\u202eb", "x" * 201]),
    ],
)
def test_an_odd_outage_is_a_fault_of_its_field(cast, amina, field, typed):
    answer = withdraw(amina, **{field: typed})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert outages() == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"day": "2027-03-29", "start": "08:00", "end": "09:00"}, 422),
        ({"day": "2027-03-29", "start": "08:00", "end": "09:01"}, 303),
        ({"end_day": "2028-03-30", "end": "10:00"}, 303),
        ({"end_day": "2028-03-30", "end": "10:01"}, 422),
        ({"day": "2028-03-26", "start": "02:30", "end": "04:00"}, 422),
    ],
)
def test_an_outage_ends_after_now_within_a_year_at_hours_that_exist(cast, amina, fields, status):
    assert withdraw(amina, **fields).status_code == status


def test_an_hour_that_its_night_shows_twice_means_the_first_and_says_so(cast, amina):
    withdraw(amina, day="2027-10-31", start="02:30", end="04:00")

    (outage,) = outages()
    assert outage.starts_at.hour == 0
    assert "the first is meant" in amina.get(BENCH).text


def test_an_outage_to_come_is_cancelled_after_asking_once(any_fablab, any_app):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")
    form = f"{BENCH}/outages/{withdrawn(any_fablab)}/end"
    assert "Cancel this outage?" in amina.get(form).text

    answer = submit(amina, form, form)

    assert (answer.status_code, answer.location) == (303, BENCH)
    assert [each.status for each in outages()] == [Status.CANCELLED]
    assert form not in amina.get(BENCH).text
    assert amina.get(form).status_code == 404


def test_an_outage_under_way_is_ended(cast, amina, at):
    form = f"{BENCH}/outages/{withdrawn(cast)}/end"
    at("2027-03-30 10:30")
    assert "End this outage now?" in amina.get(form).text

    submit(amina, form, form)

    (outage,) = outages()
    assert outage.ends_at == instant("2027-03-30 10:30")
    assert form not in amina.get(BENCH).text


def test_an_outage_is_ended_through_its_own_machine_alone(cast, amina, app):
    app.config["WTF_CSRF_ENABLED"] = False
    uid = withdrawn(cast)

    answer = amina.post(f"/manage/machines/laser/outages/{uid}/end")

    assert answer.status_code == 404
    assert amina.get(f"/manage/machines/laser/outages/{uid}/end").status_code == 404
    assert [each.standing for each in outages()] == [True]


def test_a_booking_is_not_ended_as_if_it_were_an_outage(cast, amina, app):
    app.config["WTF_CSRF_ENABLED"] = False
    uid = cast.book("bench", INSIDE, "chloe")

    assert amina.get(f"{BENCH}/outages/{uid}/end").status_code == 404
    assert amina.post(f"{BENCH}/outages/{uid}/end").status_code == 404
    assert booking.find(uid).standing


def test_a_retired_machine_has_no_page(cast, amina):
    with writing() as session:
        bench = session.get(Machine, cast.machine("bench").id)
        bench.state = MachineState.RETIRED

    assert amina.get(BENCH).status_code == 404
    assert "Workbench" not in amina.get("/manage/machines").text


def test_a_place_without_machines_says_so(annex, browse):
    with writing() as session:
        session.get(Machine, annex.drill_id).state = MachineState.RETIRED

    assert "There is no machine here yet." in browse("dora").get("/manage/machines").text


def test_bookings_of_a_retired_machine_stay_on_the_day(cast, amina):
    cast.book("bench", MORNING, "chloe")
    with writing() as session:
        bench = session.get(Machine, cast.machine("bench").id)
        bench.state = MachineState.RETIRED

    assert "Chloé Navette" in amina.get("/manage/day/2027-03-30").text
