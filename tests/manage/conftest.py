"""More of the cast: Rémi looks after machines, Anouk keeps the accounts, Odile is administrator.

L'Annexe is another place: Dora runs it, Émile is a member there and nowhere else, and it has a
drill. Lina has an account and is a member nowhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from fablab import clock
from fablab.booking.models import Booking
from fablab.db import db, writing
from fablab.machines.kinds import Status
from fablab.machines.models import Category, Machine
from fablab.members.kinds import Role
from fablab.members.models import Member, Membership, RoleHeld
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.trainings.models import Training
from tests.conftest import Fablab, browser


def account(session: Any, name: str, last_name: str, **more: Any) -> Member:
    member = Member(
        uid=str(uuid4()),
        email=f"{name}@atelier.example",
        first_name=more.pop("first_name", name.title()),
        last_name=last_name,
        created_at=clock.now(),
        **{"confirmed_at": clock.now()} | more,
    )
    session.add(member)
    return member


def join(session: Any, member: Member, place_id: int, *roles: Role) -> None:
    membership = Membership(place_id=place_id)
    member.memberships.append(membership)
    session.flush()
    session.add_all(RoleHeld(membership_id=membership.id, role=role) for role in roles)
    session.flush()


def add_cast(fablab: Fablab) -> None:
    with writing() as session:
        for name, last_name, first_name, role in (
            ("remi", "Copeau", "Rémi", Role.REFERENT),
            ("anouk", "Livre", "Anouk", Role.ACCOUNTANT),
            ("odile", "Filature", "Odile", Role.ADMINISTRATOR),
        ):
            member = account(session, name, last_name, first_name=first_name)
            join(session, member, fablab.place_id, role)
            fablab.people[name] = member.id
        lina = account(session, "lina", "Bobine")
        session.flush()
        fablab.people["lina"] = lina.id


@dataclass
class Annex:
    place_id: int
    drill_id: int
    training_id: int


def add_annex(fablab: Fablab) -> Annex:
    with writing() as session:
        place = Place(slug="annexe", name="L'Annexe", position=1, created_at=clock.now())
        session.add(place)
        session.flush()
        drills = Category(place_id=place.id, slug="drill", name="Drills")
        session.add(drills)
        session.flush()
        drill = Machine(
            place_id=place.id,
            category_id=drills.id,
            slug="drill",
            code="D1",
            name="Pillar drill",
        )
        course = Training(
            place_id=place.id,
            code="DRI",
            name="Drilling",
            duration=timedelta(hours=1),
            seats=4,
        )
        session.add_all([drill, course])
        dora = account(session, "dora", "Mèche")
        join(session, dora, place.id, Role.FABMANAGER)
        emile = account(session, "emile", "Foret", first_name="Émile")
        join(session, emile, place.id)
        fablab.people |= {"dora": dora.id, "emile": emile.id}
        return Annex(place.id, drill.id, course.id)


def booking(
    machine_id: int, member_id: int, span: Slot, status: Status = Status.CONFIRMED
) -> Booking:
    """One that no rule was asked about."""
    return Booking(
        uid=str(uuid4()),
        machine_id=machine_id,
        member_id=member_id,
        starts_at=span.start,
        ends_at=span.end,
        occupied_from=span.start,
        occupied_until=span.end,
        status=status,
        standing=status in (Status.CONFIRMED, Status.PENDING),
        created_at=clock.now(),
        changed_at=clock.now(),
    )


@pytest.fixture
def cast(fablab: Fablab) -> Fablab:
    add_cast(fablab)
    return fablab


@pytest.fixture
def annex(cast: Fablab) -> Annex:
    return add_annex(cast)


@pytest.fixture
def uid(fablab: Fablab) -> Callable[[str], str]:
    """uid("chloe"): what her addresses are made of."""
    return uid_in(fablab)


def uid_in(fablab: Fablab) -> Callable[[str], str]:
    def find(who: str) -> str:
        found = db.session.scalar(select(Member.uid).where(Member.id == fablab.people[who]))
        assert found
        return found

    return find


@pytest.fixture
def amina(app: Any, cast: Fablab) -> FlaskClient:
    """The fabmanager's browser."""
    return browser(app, "amina")


@pytest.fixture
def odile(app: Any, cast: Fablab) -> FlaskClient:
    """The administrator's."""
    return browser(app, "odile")
