"""What staff set up, as plain values kept in memory: never old, never another place's."""

import threading
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.db import add_row, db, writing
from fablab.machines import inventory as inventories
from fablab.machines.agreement_models import OwnerRange, SharingAgreement
from fablab.machines.inventory import NothingSetUp, here, of_place
from fablab.machines.kinds import MachineState
from fablab.machines.models import (
    Category,
    Machine,
    MachineReferent,
    MachineResource,
    Policy,
    Pool,
    Resource,
    Seat,
)
from fablab.members.kinds import Audience
from fablab.organizations.models import Organization, OrganizationKind
from fablab.places.kinds import Mode
from fablab.places.models import Closure, Opening, Place
from fablab.tariffs.kinds import Unit
from fablab.tariffs.models import Supply, Tariff
from tests.conftest import populate
from tests.support import counting, slot

FIRST = date(2027, 5, 1)


def revision(place_id: int) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(select(Place.revision).where(Place.id == place_id)) or 0


def another_place(slug: str = "annexe", **values: Any) -> int:
    with writing() as session:
        place = Place(slug=slug, name="Annexe", created_at=clock.now(), position=1, **values)
        session.add(place)
        session.flush()
        return place.id


def rows(place_id: int) -> dict[type, Any]:
    """One of each thing that staff set up."""
    laser = db.session.scalars(select(Machine).filter_by(slug="laser")).one()
    hours = {"opens_at": time(9), "closes_at": time(12), "mode": Mode.RESIDENT}
    air, _dust = (
        add_row(db.session(), Resource, place_id=place_id, slug=name, name=name)
        for name in ("air", "dust")
    )
    studio = db.session.scalars(select(Organization).filter_by(slug="studio")).one()
    agreed = {"owner_id": studio.id, "first_day": FIRST, "created_at": clock.now()}
    bench = db.session.scalars(select(Machine).filter_by(slug="bench")).one()
    agreement = add_row(
        db.session(), SharingAgreement, uid="agreement", machine_id=bench.id, **agreed
    )
    priced = {"uid": "new", "price": Decimal(3), "first_day": FIRST, "made_at": clock.now()}
    return {
        Opening: Opening(place_id=place_id, weekday=1, **hours),
        Closure: Closure(
            place_id=place_id,
            uid="closure",
            first_day=FIRST,
            last_day=FIRST,
            reason="Works",
            changed_at=clock.now(),
        ),
        Organization: Organization(
            place_id=place_id, slug="other", name="Other", kind=OrganizationKind.ASSOCIATION
        ),
        Category: Category(place_id=place_id, slug="other", name="Other"),
        Machine: Machine(
            place_id=place_id, category_id=laser.category_id, slug="m2", code="M2", name="Two"
        ),
        Policy: Policy(place_id=place_id, audience=Audience.RESIDENT, horizon_days=60),
        Resource: Resource(place_id=place_id, slug="steam", name="Steam"),
        Seat: Seat(resource_id=air, number=1),
        MachineResource: MachineResource(machine_id=laser.id, resource_id=air),
        MachineReferent: MachineReferent(machine_id=laser.id, member_id=1),
        SharingAgreement: SharingAgreement(uid="new", machine_id=laser.id, **agreed),
        OwnerRange: OwnerRange(
            agreement_id=agreement, weekday=1, opens_at=time(9), closes_at=time(12)
        ),
        Tariff: Tariff(place_id=place_id, machine_id=laser.id, unit=Unit.HOUR, **priced),
        Supply: Supply(machine_id=laser.id, name="Acrylic", unit="sheet", **priced),
    }


CHANGES = {
    Opening: {"weekday": 7},
    Closure: {"reason": "Holidays"},
    Organization: {"name": "Another"},
    Category: {"name": "Another"},
    Machine: {"state": MachineState.OUT_OF_SERVICE},
    Policy: {"level": 3},
    Resource: {"name": "Another"},
    Seat: {"number": 2},
    MachineResource: {"resource_id": 2},
    MachineReferent: {"member_id": 2},
    SharingAgreement: {"last_day": FIRST},
    OwnerRange: {"weekday": 2},
    Tariff: {"last_day": FIRST},
    Supply: {"last_day": FIRST},
}


@pytest.mark.parametrize("kind", CHANGES)
def test_every_change_of_the_set_up_is_counted(any_fablab, kind):
    place = any_fablab.place_id
    other = another_place()
    counted = [revision(place)]
    with writing() as session:
        row = rows(place)[kind]
        session.add(row)
    counted.append(revision(place))
    with writing() as session:
        for name, value in CHANGES[kind].items():
            setattr(row, name, value)
    counted.append(revision(place))
    with writing() as session:
        session.delete(row)
    counted.append(revision(place))

    assert counted == sorted(set(counted))
    assert revision(other) == 1  # when it was made


def test_every_kind_of_set_up_is_tried():
    assert {*CHANGES, Place} == set(inventories.SET_UP)


def test_a_change_of_the_place_itself_is_counted(any_fablab):
    before = revision(any_fablab.place_id)
    place = db.session.get(Place, any_fablab.place_id)

    with writing():
        place.name = "Another"

    assert revision(any_fablab.place_id) > before
    assert of_place().place.name == "Another"


def test_what_is_written_again_the_same_is_no_change(any_fablab):
    before = revision(any_fablab.place_id)

    with writing() as session:
        for machine in session.scalars(select(Machine)):
            machine.name = str(machine.name)

    assert revision(any_fablab.place_id) == before


def test_a_booking_is_no_change_of_the_set_up(any_fablab):
    before = revision(any_fablab.place_id)

    any_fablab.book("laser", slot("2027-03-30 14:00-16:00"), "bruno")

    assert revision(any_fablab.place_id) == before


def test_a_machine_that_moves_house_is_counted_in_both(any_fablab):
    here_id, other = any_fablab.place_id, another_place()
    of_place(place_id=here_id), of_place(place_id=other)
    laser = db.session.scalars(select(Machine).filter_by(slug="laser")).one()

    with writing():
        laser.place_id = other

    assert "laser" not in of_place(place_id=here_id).by_slug
    assert "laser" in of_place(place_id=other).by_slug


# -- memory


def test_what_did_not_change_costs_one_statement(any_fablab):
    first = of_place()

    with counting(db.engine) as statements:
        again = of_place()

    assert again is first
    assert len(statements) == 1


def change(machine: str, **values: Any) -> None:
    with writing() as session:
        row = session.scalars(select(Machine).filter_by(slug=machine)).one()
        for name, value in values.items():
            setattr(row, name, value)


def test_what_another_process_changed_is_seen_at_once(make_app):
    """Two applications on one database: neither knows of what the other does but by asking."""
    ours = make_app("sqlite")
    theirs = make_app(DATABASE_URL=ours.config["DATABASE_URL"])
    with ours.app_context():
        populate()
        assert of_place().by_slug["laser"].name == "Laser cutter"

    with theirs.app_context():
        change("laser", name="Plasma cutter")

    with ours.app_context():
        assert of_place().by_slug["laser"].name == "Plasma cutter"


def test_rows_loaded_before_somebody_elses_change_do_not_come_back(any_app, any_fablab):
    """The session still holds the old objects when the inventory is read anew."""
    of_place()
    old = [*db.session.scalars(select(Policy)), *db.session.scalars(select(Category))]
    with any_app.app_context(), writing() as session:
        for policy in session.scalars(select(Policy)):
            policy.horizon_days = 99
        for category in session.scalars(select(Category)):
            category.name = "New"

    with writing():
        pass
    inventory = of_place()

    assert len(old) == 5
    assert inventory.by_slug["laser"].policy_for(None).horizon_days == 99
    assert {category.name for category in inventory.categories} == {"New"}


def test_a_change_that_was_undone_is_never_remembered(any_fablab):
    """Its revision will be the next change's, which has something else to say."""
    laser = db.session.scalars(select(Machine).filter_by(slug="laser")).one()

    def half_done() -> None:
        with writing() as session:
            laser.name = "Undone"
            session.flush()
            assert of_place().by_slug["laser"].name == "Undone"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()
    change("bench", name="Done")

    inventory = of_place()
    assert inventory.by_slug["laser"].name == "Laser cutter"
    assert inventory.by_slug["bench"].name == "Done"


def test_memory_is_bounded(fablab, monkeypatch):
    monkeypatch.setattr(inventories, "KEPT", 3)
    monkeypatch.setattr(inventories, "_kept", inventories.OrderedDict())

    for number in range(6):
        change("laser", name=f"Laser {number}")
        of_place()

    assert len(inventories._kept) == 3
    assert of_place().by_slug["laser"].name == "Laser 5"


def test_readers_never_see_less_than_what_was_written(any_app, any_fablab):
    """Readers and a writer at once: whatever is read is at least as new as when they asked."""
    written, failures = [0], []

    def write() -> None:
        with any_app.app_context():
            for number in range(1, 15):
                change("laser", notes=str(number))
                written.append(number)

    def read() -> None:
        with any_app.app_context():
            while written[-1] < 14 and not failures:
                known = written[-1]
                seen = int(of_place().by_slug["laser"].notes or 0)
                if seen < known:
                    failures.append((known, seen))
                db.session.rollback()

    threads = [threading.Thread(target=act) for act in (read, read, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert of_place().by_slug["laser"].notes == "14"


# -- several places


@pytest.mark.parametrize(
    ("asked", "slug"),
    [(None, "atelier"), ("annexe", "annexe"), ("nowhere", "atelier"), ("", "atelier")],
)
def test_an_address_may_name_the_place(any_app, any_fablab, asked, slug):
    another_place()

    with any_app.test_request_context(query_string={"place": asked} if asked is not None else {}):
        assert here().place.slug == slug


def test_the_first_place_is_the_one_that_stands_first(any_fablab):
    annexe = another_place()
    with writing():
        db.session.get(Place, any_fablab.place_id).position = 2

    assert of_place().place.id == annexe


def test_each_place_has_its_own(any_fablab):
    annexe = another_place()

    here_, there = of_place(place_id=any_fablab.place_id), of_place(place_id=annexe)

    assert (len(here_.machines), len(there.machines)) == (2, 0)
    assert (bool(here_.schedule.openings), bool(there.schedule.openings)) == (True, False)


@pytest.mark.parametrize("asked", [{}, {"slug": "atelier"}, {"place_id": 1}])
def test_before_any_place_is_set_up_there_is_nothing(any_app, asked):
    with pytest.raises(NothingSetUp):
        of_place(**asked)


# -- what it says


def test_machines_come_by_category_and_position_without_the_retired(any_fablab):
    change("bench", state=MachineState.RETIRED)
    category = db.session.scalars(select(Category).filter_by(slug="laser")).one()
    with writing() as session:
        session.add_all(
            Machine(
                place_id=any_fablab.place_id,
                category_id=category.id,
                slug=slug,
                code=slug,
                name=slug,
                position=position,
            )
            for slug, position in (("third", 2), ("second", 1))
        )

    inventory = of_place()

    assert [machine.slug for machine in inventory.machines] == ["laser", "second", "third"]
    assert [one.slug for one in inventory.categories] == ["laser"]
    assert inventory.by_id[inventory.machines[1].id].slug == "second"


def test_a_machine_knows_the_rules_of_each_audience(any_fablab):
    laser = of_place().by_slug["laser"]

    assert laser.policy_for(None).horizon_days == 21
    assert laser.policy_for(Audience.STAFF).horizon_days == 365
    assert laser.policy_for(Audience.INDIVIDUAL).level == 2


def test_weeks_of_the_month_and_days_off_reach_the_schedule(any_fablab):
    with writing() as session:
        session.add_all(
            [
                Opening(
                    place_id=any_fablab.place_id,
                    weekday=7,
                    opens_at=time(14),
                    closes_at=time(18),
                    weeks="1,3",
                ),
                Closure(
                    place_id=any_fablab.place_id,
                    uid="closure",
                    first_day=date(2027, 6, 20),
                    last_day=date(2027, 6, 20),
                    reason="Works",
                    changed_at=clock.now(),
                ),
            ]
        )

    schedule = of_place().schedule

    sundays = {day: bool(schedule.openings_on(date(2027, 6, day))) for day in (6, 13, 20, 27)}
    assert sundays == {6: True, 13: False, 20: False, 27: False}
    assert schedule.day_off(date(2027, 6, 20)) == "Works"


def test_equivalents_are_those_of_the_pool_then_those_of_the_category(fablab):
    cutter = db.session.scalars(db.select(Machine).filter_by(slug="laser")).one()
    kind = {"place_id": fablab.place_id, "category_id": cutter.category_id, "specs": {"W": "60"}}
    with writing() as session:
        pool = Pool(place_id=fablab.place_id, slug="lasers", name="Lasers")
        cutter.pool = pool
        session.add_all(
            [
                Machine(**kind, slug="l2", code="L2", name="Of the category"),
                Machine(**kind, slug="l3", code="L3", name="Of the pool", pool=pool),
            ]
        )
    inventory = of_place()

    others = inventory.equivalents(inventory.by_slug["laser"])

    assert [machine.slug for machine in others] == ["l3", "l2"]


def test_a_machine_of_the_pool_stands_in_for_another_else_one_of_the_same_model(fablab):
    cutter = db.session.scalars(db.select(Machine).filter_by(slug="laser")).one()
    kind = {"place_id": fablab.place_id, "category_id": cutter.category_id}
    with writing() as session:
        session.add_all(
            [
                Machine(**kind, slug="l2", code="L2", name="Of the category"),
                Machine(**kind, slug="l3", code="L3", name="Of the model", model="SPEEDY"),
            ]
        )

    def stand_ins(slug):
        inventory = of_place()
        return [machine.slug for machine in inventory.stand_ins(inventory.by_slug[slug])]

    assert (stand_ins("laser"), stand_ins("l2"), stand_ins("bench")) == (["l3"], [], [])

    with writing() as session:
        pool = Pool(place_id=fablab.place_id, slug="lasers", name="Lasers")
        for slug in ("laser", "l2"):
            session.scalars(db.select(Machine).filter_by(slug=slug)).one().pool = pool

    assert (stand_ins("laser"), stand_ins("l2"), stand_ins("l3")) == (["l2"], ["laser"], ["laser"])
