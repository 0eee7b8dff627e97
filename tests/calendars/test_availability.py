"""When a machine is free, as another program reads it."""

import gzip
import json
from datetime import datetime, timedelta

import pytest

from fablab import clock
from fablab.booking import commands
from fablab.db import db, writing
from fablab.machines.commands import set_state, withdraw
from fablab.machines.kinds import MachineState
from fablab.machines.models import MachineResource, Policy, Resource, Seat
from fablab.places.models import Place
from tests.support import counting, slot

BENCH = "/machines/bench/availability.json"
TUESDAY = f"{BENCH}?from=2027-03-30&to=2027-03-31"


@pytest.fixture
def door(browse):
    return browse(None)


def free(response):
    """The free stretches, as hours on the wall of their days."""
    return hours(response, "free")


def hours(response, what):
    assert response.status_code == 200, response.text
    spans = [(part["start"], part["end"]) for part in response.json[what]]
    for start, end in spans:  # each is an instant, whatever clock reads it
        assert datetime.fromisoformat(start) < datetime.fromisoformat(end)
    return [f"{start[5:16]} {end[5:16]}" for start, end in spans]


def test_free_is_what_is_open_and_not_taken(any_fablab, browse_any):
    any_fablab.book("bench", slot("2027-03-30 14:00-16:00"), "bruno")

    answer = browse_any(None).get(TUESDAY)

    assert free(answer) == ["03-30T10:00 03-30T14:00", "03-30T16:00 03-30T18:00"]
    assert hours(answer, "taken") == ["03-30T14:00 03-30T16:00"]
    assert answer.json["machine"] == {"slug": "bench", "code": "B1", "name": "Workbench"}
    assert answer.json["zone"] == "Europe/Paris"
    assert answer.json["from"] == "2027-03-30T00:00:00+02:00"
    assert answer.json["state"] == "in_service"


def test_nothing_is_said_of_anybody(fablab, door):
    order = fablab.order(
        "bench",
        slot("2027-03-30 14:00-16:00"),
        "bruno",
        purpose="Secret lamp",
        organization_id=fablab.organization_id,
    )
    uid = commands.book(order, by=fablab.people["bruno"], now=clock.now())

    said = door.get(TUESDAY).text

    assert not any(word in said for word in ("Bruno", "Lefil", "lamp", "Studio", uid))


def test_set_up_and_clean_up_are_not_free(fablab, door):
    with writing() as session:
        session.add(
            Policy(
                place_id=fablab.place_id,
                machine_id=fablab.machine("bench").id,
                setup=timedelta(minutes=15),
                cleanup=timedelta(minutes=30),
            )
        )
    fablab.book("bench", slot("2027-03-30 14:00-16:00"), "bruno")

    answer = door.get(TUESDAY)

    assert free(answer) == ["03-30T10:00 03-30T13:15", "03-30T16:45 03-30T18:00"]
    assert hours(answer, "taken") == ["03-30T13:45 03-30T16:30"]


def test_only_stretches_that_are_long_enough_are_told(fablab, door):
    fablab.book("bench", slot("2027-03-30 14:00-16:00"), "bruno")

    answer = door.get(f"{TUESDAY}&minutes=150")

    assert free(answer) == ["03-30T10:00 03-30T14:00"]
    assert answer.json["minutes"] == 150


def test_what_is_shared_and_in_full_use_is_not_free(fablab, door):
    with writing() as session:
        air = Resource(place_id=fablab.place_id, slug="air", name="Air")
        session.add(air)
        session.flush()
        session.add(Seat(resource_id=air.id, number=1))
        session.add_all(
            MachineResource(machine_id=fablab.machine(slug).id, resource_id=air.id)
            for slug in ("bench", "laser")
        )
    before = door.get(TUESDAY)
    fablab.book("laser", slot("2027-03-30 14:00-16:00"), "bruno")

    answer = door.get(TUESDAY)

    assert free(answer) == ["03-30T10:00 03-30T14:00", "03-30T16:00 03-30T18:00"]
    assert answer.headers["ETag"] != before.headers["ETag"]


def test_an_outage_is_taken_and_a_machine_out_of_service_has_nothing_free(fablab, door):
    bench, amina = fablab.machine("bench").id, fablab.people["amina"]
    withdraw(bench, slot("2027-03-30 10:00-12:00"), "Oil", by=amina, now=clock.now())
    assert free(door.get(TUESDAY)) == ["03-30T12:00 03-30T18:00"]
    assert "Oil" not in door.get(TUESDAY).text

    set_state(bench, MachineState.OUT_OF_SERVICE, "Broken", None, by=amina, now=clock.now())

    answer = door.get(TUESDAY)
    assert (free(answer), answer.json["state"]) == ([], "out_of_service")


@pytest.mark.parametrize(
    ("day", "until", "length", "offsets"),
    [
        ("2027-03-28", "2027-03-29", 23, ("+01:00", "+02:00")),
        ("2027-10-31", "2027-11-01", 25, ("+02:00", "+01:00")),
    ],
)
def test_a_day_the_clocks_change_is_as_long_as_it_is(fablab, door, at, day, until, length, offsets):
    at(f"{day} 00:00")

    told = door.get(f"{BENCH}?from={day}&to={until}").json

    start, end = told["from"], told["to"]
    assert (start[-6:], end[-6:]) == offsets
    lasts = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    assert lasts == timedelta(hours=length)


def test_an_instant_is_read_with_its_offset(fablab, door):
    asked = f"{BENCH}?from=2027-03-30T09:00:00Z&to=2027-03-30T13:30:00%2B02:00"

    assert free(door.get(asked)) == ["03-30T11:00 03-30T13:30"]


def test_without_a_question_it_is_the_week_from_this_quarter_of_an_hour(fablab, door, at):
    at("2027-03-30 10:07")

    told = door.get(BENCH).json

    assert told["from"] == "2027-03-30T10:00:00+02:00"
    assert told["to"] == "2027-04-06T10:00:00+02:00"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=tomorrow", "from"),
        ("from=2027-02-30", "from"),
        ("from=2027-03-30T10:00:00", "from"),  # of which clock?
        ("from=2027-03-30T10:00:00.5Z", "from"),
        ("from=2027-03-30T25:00:00Z", "from"),
        ("from=0001-01-01T00:00:00%2B14:00", "from"),
        ("from=9999-12-31", "from"),
        ("from=%D9%A2%D9%A0%D9%A2%D9%A7-03-30", "from"),
        ("from=2027-03-30&to=2027-03-30", "to"),
        ("from=2027-03-30&to=2027-03-29", "to"),
        ("from=2027-03-30&to=2027-05-01", "to"),
        ("to=%0a", "to"),
        ("minutes=-1", "minutes"),
        ("minutes=1e3", "minutes"),
        ("minutes=999999", "minutes"),
        ("minutes=%D9%A3", "minutes"),
    ],
)
def test_nonsense_is_named(fablab, door, query, field):
    answer = door.get(f"{BENCH}?{query}")

    assert answer.status_code == 400
    assert answer.json["field"] == field
    assert answer.json["error"]


@pytest.mark.parametrize("slug", ["no-such", "Bench", "x" * 3000])
def test_a_machine_there_is_not_is_no_page(fablab, door, slug):
    answer = door.get(f"/machines/{slug}/availability.json")

    assert (answer.status_code, answer.json) == (404, {"error": "there is no such machine"})


def test_a_place_that_has_no_public_calendars_has_none_of_these_either(fablab, door):
    with writing() as session:
        session.get(Place, fablab.place_id).has_public_feeds = False

    assert door.get(BENCH).status_code == 404


def test_what_has_not_changed_costs_one_statement(fablab, door):
    etag = door.get(TUESDAY).headers["ETag"]

    with counting(db.engine) as statements:
        again = door.get(TUESDAY, headers={"If-None-Match": etag})

    assert (again.status_code, again.data) == (304, b"")
    assert len(statements) == 1


def test_a_booking_changes_the_answer_and_its_tag(fablab, door):
    before = door.get(TUESDAY)
    fablab.book("bench", slot("2027-03-30 14:00-16:00"), "bruno")

    after = door.get(TUESDAY, headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200
    assert after.headers["ETag"] != before.headers["ETag"]


def test_it_may_be_read_by_the_page_of_another_site(fablab, door):
    headers = door.get(TUESDAY).headers

    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "public, no-cache"
    assert "Set-Cookie" not in headers


def test_gzip_is_the_same_answer(fablab, door):
    packed = door.get(TUESDAY, headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.data)) == door.get(TUESDAY).json
