"""The team says what machines share: how much there is of it, and which machines need it."""

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.db import db, writing
from fablab.machines import resources_commands as commands
from fablab.machines.models import Claim, MachineResource, Resource, Seat
from fablab.machines.resources_commands import InTheWay
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from tests.conftest import browser
from tests.manage.conftest import add_cast, booking
from tests.support import slot, submit

LIST = "/manage/resources"
AIR = f"{LIST}/dust-extraction"
MORNING = slot("2027-03-30 10:00-12:00")
LATER = slot("2027-03-30 11:00-13:00")


def create(client, fablab, *slugs, **fields):
    ids = [str(fablab.machine(slug).id) for slug in slugs]
    told = {"name": "Dust extraction", "capacity": "2", "machines": ids}
    return submit(client, LIST, LIST, **told | fields)


def change(client, fablab, *slugs, **fields):
    ids = [str(fablab.machine(slug).id) for slug in slugs]
    told = {"name": "Dust extraction", "capacity": "2", "machines": ids}
    return submit(client, AIR, AIR, **told | fields)


def booked(fablab, slug, span, who="bruno"):
    """A booking that stands; its id."""
    with writing() as session:
        row = booking(fablab.machine(slug).id, fablab.people[who], span)
        session.add(row)
        session.flush()
        return row.id


def claims():
    return db.session.execute(
        select(Claim.occupancy_id, Seat.number).join(Seat).order_by(Claim.occupancy_id)
    ).all()


def shared_by(fablab, slug):
    return [(each.name, each.capacity) for each in fablab.machine(slug).resources]


def notes():
    entries = select(AuditEntry).where(AuditEntry.what == Deed.RESOURCES).order_by(AuditEntry.id)
    return db.session.scalars(entries).all()


def test_what_is_created_is_needed_at_once(cast, amina):
    answer = create(amina, cast, "laser", "bench")

    assert (answer.status_code, answer.location) == (303, AIR)
    assert shared_by(cast, "laser") == shared_by(cast, "bench") == [("Dust extraction", 2)]
    html = amina.get(LIST).text
    assert f'href="{AIR}"' in html
    assert "Machines that need it" in html
    assert 'href="/manage/resources"' in amina.get("/manage/policies").text
    (note,) = notes()
    assert (note.made_by_id, note.machine_id) == (cast.people["amina"], None)
    assert note.after == {"shared": "Dust extraction", "capacity": 2, "needed_by": ["B1", "L1"]}


def test_it_is_renamed_and_keeps_its_address(cast, amina):
    create(amina, cast, "laser")

    assert change(amina, cast, "laser", name="Fume extraction").status_code == 303

    assert "Fume extraction" in amina.get(AIR).text
    assert shared_by(cast, "laser") == [("Fume extraction", 2)]
    assert notes()[-1].before["shared"] == "Dust extraction"


def test_saving_what_is_shown_changes_nothing(cast, amina):
    create(amina, cast, "laser")

    assert change(amina, cast, "laser").status_code == 303

    assert len(notes()) == 1


def test_seats_are_added_and_the_last_ones_taken_away(cast, amina):
    create(amina, cast, "laser")

    change(amina, cast, "laser", capacity="4")
    assert shared_by(cast, "laser") == [("Dust extraction", 4)]
    change(amina, cast, "laser", capacity="1")

    assert shared_by(cast, "laser") == [("Dust extraction", 1)]
    assert db.session.scalars(select(Seat.number)).all() == [1]


def test_what_is_booked_takes_its_seat_when_its_machine_needs_one(cast, amina):
    ours, theirs = booked(cast, "laser", MORNING), booked(cast, "bench", LATER, "chloe")

    create(amina, cast, "laser", "bench")

    assert claims() == [(ours, 1), (theirs, 2)]


def test_more_than_there_is_cannot_be_booked_already(cast, amina):
    booked(cast, "laser", MORNING)
    booked(cast, "bench", LATER, "chloe")

    answer = create(amina, cast, "laser", "bench", capacity="1")

    assert answer.status_code == 409
    assert "Bookings that stand need it" in answer.text
    assert "Chloé Navette" in answer.text
    assert "Dust extraction" in answer.text
    assert not db.session.scalars(select(Resource)).all()
    assert create(amina, cast, "laser", "bench", capacity="2").status_code == 303


def test_a_seat_that_is_claimed_is_not_taken_away(cast, amina):
    booked(cast, "laser", MORNING)
    booked(cast, "bench", LATER, "chloe")
    create(amina, cast, "laser", "bench")
    before = claims()

    answer = change(amina, cast, "laser", "bench", capacity="1", name="Less")

    assert answer.status_code == 409
    assert "Chloé Navette" in answer.text
    assert 'value="Less"' in answer.text
    assert claims() == before
    assert shared_by(cast, "laser") == [("Dust extraction", 2)]


def test_once_it_is_over_its_seat_is_taken_away_with_the_claim(cast, amina, at):
    ours = booked(cast, "laser", MORNING)
    booked(cast, "bench", LATER, "chloe")
    create(amina, cast, "laser", "bench")

    at("2027-03-30 12:59")
    assert change(amina, cast, "laser", "bench", capacity="1").status_code == 409
    at("2027-03-30 13:00")
    assert change(amina, cast, "laser", "bench", capacity="1").status_code == 303

    assert claims() == [(ours, 1)]


def test_a_machine_that_needs_it_no_longer_gives_its_seats_back(cast, amina):
    ours = booked(cast, "laser", MORNING)
    booked(cast, "bench", LATER, "chloe")
    create(amina, cast, "laser", "bench")

    answer = change(amina, cast, "laser", capacity="1")

    assert answer.status_code == 303
    assert claims() == [(ours, 1)]
    assert shared_by(cast, "bench") == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "\u202egnissap"}, "name"),
        ({"name": "x" * 10_000}, "name"),
        ({"capacity": "0"}, "capacity"),
        ({"capacity": "-1"}, "capacity"),
        ({"capacity": "101"}, "capacity"),
        ({"capacity": "٢"}, "capacity"),
        ({"capacity": "2\0"}, "capacity"),
        ({"capacity": ""}, "capacity"),
        ({"machines": ["none"]}, "machines"),
        ({"machines": ["\0"]}, "machines"),
        ({"machines": ["999"]}, "machines"),
    ],
)
def test_odd_things_typed_are_field_errors(cast, amina, fields, field):
    create(amina, cast)

    for answer in (create(amina, cast, **fields), change(amina, cast, **fields)):
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
    assert len(notes()) == 1


def test_two_of_one_name_would_be_mixed_up(cast, amina):
    create(amina, cast)

    assert create(amina, cast).status_code == 422
    assert "Another shared resource has this name." in create(amina, cast).text


def test_another_places_resources_and_machines_are_not_found(annex, cast, amina):
    with writing() as session:
        session.add(Resource(place_id=annex.place_id, slug="steam", name="Steam"))

    assert amina.get(f"{LIST}/steam").status_code == 404
    assert create(amina, cast, machines=[str(annex.drill_id)]).status_code == 422
    with pytest.raises(LookupError):
        commands.create_resource(
            cast.place_id, "Air", 1, [annex.drill_id], by=cast.people["amina"], now=clock.now()
        )
    assert not db.session.scalars(select(MachineResource)).all()


def test_both_engines_keep_the_capacity(any_app, any_fablab):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")
    booked(any_fablab, "laser", MORNING)
    booked(any_fablab, "bench", LATER, "chloe")
    create(amina, any_fablab, "laser", "bench")
    resource = db.session.scalars(select(Resource.id)).one()
    machines = [any_fablab.machine(slug).id for slug in ("laser", "bench")]

    with pytest.raises(InTheWay):
        commands.change_resource(resource, "Air", 1, machines, by=1, now=clock.now())
    commands.change_resource(resource, "Air", 1, machines[:1], by=1, now=clock.now())

    assert shared_by(any_fablab, "laser") == [("Air", 1)]
    assert len(claims()) == 1
