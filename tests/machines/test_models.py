"""What the database itself keeps true of machines, policies and occupancies, on both engines."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, StatementError

from fablab.db import db, writing
from fablab.machines.kinds import MachineState, OccupancyKind, RiskClass, Status
from fablab.machines.models import (
    Category,
    Machine,
    MachineDocument,
    MachineReferent,
    Occupancy,
    Outage,
    Policy,
    standing_around,
)
from fablab.members.kinds import Audience
from fablab.slots import Slot
from tests.conftest import Fablab
from tests.support import instant, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")


def add(*rows: Any) -> None:
    with writing() as session:
        session.add_all(rows)


def laser() -> Machine:
    return db.session.scalars(select(Machine).filter_by(slug="laser")).one()


INVENTORY = {
    "name": "Découpeuse n° 2",
    "model": "Speedy 400",
    "location": "Atelier bois",
    "specs": {"Puissance": "80 W", "Plateau": "1000 × 600 mm"},
    "materials_allowed": ["PMMA", "carton"],
    "materials_forbidden": ["PVC"],
    "risk_class": RiskClass.C,
    "notes": "Ouvrir l'extraction.",
    "photo": "a.webp",
    "photo_alt": "La machine",
    "asset_number": "INV-007",
    "funder": "Région",
    "state": MachineState.LOCKED_OUT,
    "state_reason": "Courroie",
    "back_on": date(2027, 4, 12),
}


def test_every_field_of_the_inventory_is_read_back_as_it_was(any_fablab):
    first = laser()
    machine = Machine(
        place_id=any_fablab.place_id,
        category_id=first.category_id,
        owner_id=any_fablab.organization_id,
        slug="second",
        code="L2",
        **INVENTORY,
    )
    add(machine)
    add(
        MachineDocument(machine_id=machine.id, title="Manual", file="b.pdf"),
        MachineReferent(machine_id=machine.id, member_id=any_fablab.people["amina"]),
    )
    db.session.remove()

    read = db.session.scalars(select(Machine).filter_by(slug="second")).one()

    assert {name: getattr(read, name) for name in INVENTORY} == INVENTORY
    assert read.owner_id == any_fablab.organization_id


@pytest.mark.parametrize("values", [{"risk_class": "E"}, {"state": "asleep"}, {"risk_class": "a"}])
def test_a_word_that_is_not_known_is_refused(any_fablab, values):
    def change() -> None:
        with writing():
            for name, value in values.items():
                setattr(laser(), name, value)

    with pytest.raises(StatementError):
        change()


def test_two_machines_never_share_an_address(any_fablab):
    first = laser()

    with pytest.raises(IntegrityError):
        add(
            Machine(
                place_id=first.place_id,
                category_id=first.category_id,
                slug="laser",
                code="X",
                name="X",
            )
        )


def test_two_categories_of_a_place_never_share_an_address(any_fablab):
    with pytest.raises(IntegrityError):
        add(Category(place_id=any_fablab.place_id, slug="laser", name="Another"))


@pytest.mark.parametrize(
    "values",
    [
        {"step": timedelta(0)},
        {"minimum": timedelta(0)},
        {"minimum": timedelta(hours=2), "maximum": timedelta(hours=1)},
        {"notice": timedelta(minutes=-1)},
        {"horizon_days": -1},
        {"setup": timedelta(minutes=-1), "cleanup": timedelta(0)},
        {"setup": timedelta(0), "cleanup": timedelta(minutes=-1)},
        {"level": 5},
        {"level": -1},
        {"category_id": 1, "machine_id": 1},
    ],
)
def test_a_policy_that_nobody_could_keep_is_refused(any_fablab, values):
    with pytest.raises(IntegrityError):
        add(Policy(place_id=any_fablab.place_id, **values))


def test_a_policy_is_read_back_as_it_was(any_fablab):
    values = {
        "audience": Audience.RESIDENT,
        "step": timedelta(minutes=5),
        "minimum": timedelta(minutes=30),
        "maximum": timedelta(days=2),
        "modes": ["night"],
        "is_open": False,
    }
    add(Policy(place_id=any_fablab.place_id, **values))
    db.session.remove()

    read = db.session.scalars(select(Policy).where(Policy.audience == Audience.RESIDENT)).one()

    assert {name: getattr(read, name) for name in values} == values
    assert read.notice is None


# -- what occupies


def outage(fablab: Fablab, span: Slot, **values: Any) -> Outage:
    times = {
        "starts_at": span.start,
        "ends_at": span.end,
        "occupied_from": span.start,
        "occupied_until": span.end,
    }
    common = {
        "uid": f"{span.start}{span.end}",
        "machine_id": fablab.machine("laser").id,
        "created_at": span.start,
        "changed_at": span.start,
        "title": "Works",
    }
    return Outage(**common | times | values)


def test_an_outage_needs_nobody_and_a_booking_somebody(any_fablab):
    add(outage(any_fablab, AFTERNOON))

    with pytest.raises(IntegrityError), writing() as session:
        session.execute(Occupancy.__table__.update().values(kind=OccupancyKind.BOOKING))


def test_an_uid_is_given_once(any_fablab):
    add(outage(any_fablab, AFTERNOON, uid="one"))

    with pytest.raises(IntegrityError):
        add(outage(any_fablab, slot("2027-03-31 14:00-16:00"), uid="one"))


def test_the_same_key_of_the_same_person_is_written_once(any_fablab):
    amina = any_fablab.people["amina"]
    add(outage(any_fablab, AFTERNOON, created_by_id=amina, request_key="key"))
    tomorrow = slot("2027-03-31 14:00-16:00")

    with pytest.raises(IntegrityError):
        add(outage(any_fablab, tomorrow, created_by_id=amina, request_key="key"))
    add(outage(any_fablab, tomorrow, created_by_id=any_fablab.people["bruno"], request_key="key"))


def test_an_occupancy_points_at_a_machine_and_a_member_that_exist(any_fablab):
    for values in ({"machine_id": 999}, {"member_id": 999}, {"organization_id": 999}):
        with pytest.raises(IntegrityError):
            add(outage(any_fablab, AFTERNOON, **values))


# -- what stands around a span


gaps, lengths = st.integers(0, 2), st.integers(1, 4)  # minutes


def around(span: Slot) -> set[int]:
    return set(db.session.scalars(standing_around(span)))


def test_what_stands_around_a_span_is_what_overlaps_it(any_fablab):
    start = slot("2027-03-30 00:00-00:01").start
    minute = timedelta(minutes=1)

    @settings(max_examples=100)
    @given(
        st.lists(st.tuples(gaps, lengths, st.sampled_from(Status)), min_size=1, max_size=8),
        st.integers(-2, 20),
        lengths,
    )
    def check(told: list[tuple[int, int, Status]], first: int, length: int) -> None:
        wanted = Slot(start + first * minute, start + (first + length) * minute)
        rows, moment = [], start
        for gap, minutes, status in told:
            span = Slot.lasting(moment + gap * minute, minutes * minute)
            is_standing = status in (Status.CONFIRMED, Status.PENDING)
            uid = str(len(rows))
            rows.append(outage(any_fablab, span, uid=uid, status=status, standing=is_standing))
            moment = span.end if is_standing else moment

        with suppress(Undone), writing() as session:
            session.add_all(rows)
            session.flush()
            assert around(wanted) == {
                row.id
                for row in rows
                if row.standing and Slot(row.starts_at, row.ends_at).overlaps(wanted)
            }
            raise Undone

    check()


class Undone(Exception):
    pass


def test_a_long_one_that_began_long_before_is_around(any_fablab):
    long = outage(any_fablab, Slot(instant("2026-01-01 00:00"), instant("2027-12-31 00:00")))
    add(long)

    assert around(AFTERNOON) == {long.id}
