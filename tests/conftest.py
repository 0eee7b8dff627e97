"""The stage and the cast.

L'Atelier opens from Tuesday to Saturday, 10:00 to 18:00, supervised. Amina runs it, Bruno is
qualified on the laser, Chloé is new. It is Monday 29 March 2027, 9:00, unless a test says so.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError

from fablab import clock, create_app
from fablab.booking import commands
from fablab.db import db, writing
from fablab.machines.agreement_models import OwnerRange, SharingAgreement
from fablab.machines.inventory import MachineFacts, of_place
from fablab.machines.kinds import RiskClass
from fablab.machines.models import Category, Machine, Policy
from fablab.manage.member_pages import value
from fablab.manage.words import DEEDS
from fablab.members import sessions
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Audience, Deed, Role
from fablab.members.models import Member, Membership, RoleHeld
from fablab.members.people import Person, load_person
from fablab.organizations.models import Organization, OrganizationKind, OrganizationMember
from fablab.places.kinds import Mode
from fablab.places.models import Opening, Place
from fablab.slots import Slot
from fablab.trainings.models import Qualification, Training, TrainingGrant
from tests.quick import compile_once
from tests.support import Databases, close, compile_catalogues, instant, settings_for

MONDAY = "2027-03-29 09:00"

# A slow machine is no reason to fail; where everybody waits for the answer, the same examples
# every time.
hypothesis.settings.register_profile("here", deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "ci", hypothesis.settings.get_profile("here"), derandomize=True
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")

compile_once()


@pytest.fixture(scope="session", autouse=True)
def compiled_catalogues() -> None:
    """The words a reader gets, also when pytest runs without `make`."""
    compile_catalogues()


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    made = Databases(tmp_path_factory.mktemp("databases"))
    yield made
    made.stop()


@pytest.fixture
def make_app(databases: Databases, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """make_app("sqlite" | "postgresql", **settings): an application on a database of its own."""
    apps: list[Flask] = []
    urls: list[str] = []

    def make(engine: str = "sqlite", **settings: Any) -> Flask:
        if "DATABASE_URL" not in settings:
            settings["DATABASE_URL"] = databases.url(engine)
            urls.append(settings["DATABASE_URL"])
        apps.append(create_app(settings_for(settings["DATABASE_URL"], tmp_path) | settings))
        return apps[-1]

    yield make
    for app in apps:
        close(app)
    for url in urls:
        databases.forget(url)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    app = make_app("sqlite")
    with app.app_context():
        yield app


@pytest.fixture(params=["sqlite", "postgresql"])
def any_app(request: pytest.FixtureRequest, make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """The application on SQLite, then on a real PostgreSQL."""
    app = make_app(request.param)
    with app.app_context():
        yield app


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """at("2027-03-29 09:00"): what the clock on the wall shows from here on."""

    def set_clock(text: str) -> None:
        monkeypatch.setattr(clock, "now", lambda: instant(text))

    return set_clock


@pytest.fixture(autouse=True)
def monday_morning(at: Callable[[str], None], request: pytest.FixtureRequest) -> None:
    if "real_clock" not in request.keywords:
        at(MONDAY)


@dataclass
class Fablab:
    """The place and its people, with what a test asks of them most."""

    place_id: int
    organization_id: int
    people: dict[str, int]

    def machine(self, slug: str) -> MachineFacts:
        return of_place(place_id=self.place_id).by_slug[slug]

    def order(self, slug: str, slot: Slot, who: str, **more: Any) -> commands.Order:
        machine = self.machine(slug)
        return commands.Order(machine.id, self.place_id, slot, self.people[who], **more)

    def book(self, slug: str, slot: Slot, who: str, **more: Any) -> str:
        """Book as `who` would, now; the booking's UID."""
        order = self.order(slug, slot, who, **more)
        return commands.book(order, by=self.people[who], now=clock.now())

    def person(self, who: str) -> Person:
        person = load_person(self.people[who])
        assert person
        return person


def populate() -> Fablab:
    """Write the stage and the cast into the current application's empty database."""
    now = clock.now()
    with writing() as session:
        place = Place(slug="atelier", name="L'Atelier", address="1 rue du Fil", created_at=now)
        session.add(place)
        session.flush()
        session.add_all(
            Opening(
                place_id=place.id,
                weekday=weekday,
                opens_at=time(10),
                closes_at=time(18),
                mode=Mode.SUPERVISED,
            )
            for weekday in range(2, 7)
        )
        cutting = Category(place_id=place.id, slug="laser", name="Laser", hue="red", position=1)
        benches = Category(place_id=place.id, slug="bench", name="Benches", hue="ink", position=2)
        session.add_all([cutting, benches])
        session.flush()
        laser = Machine(
            place_id=place.id,
            category_id=cutting.id,
            slug="laser",
            code="L1",
            name="Laser cutter",
            model="Speedy",
            location="Room 2",
            risk_class=RiskClass.C,
        )
        bench = Machine(
            place_id=place.id, category_id=benches.id, slug="bench", code="B1", name="Workbench"
        )
        training = Training(
            place_id=place.id,
            code="LAS",
            name="Laser cutting",
            duration=timedelta(hours=2),
            seats=4,
        )
        session.add_all([laser, bench, training])
        session.flush()
        session.add_all(
            [
                Policy(place_id=place.id, step=timedelta(minutes=15), horizon_days=21),
                Policy(
                    place_id=place.id,
                    machine_id=laser.id,
                    maximum=timedelta(hours=2),
                    level=2,
                ),
                Policy(place_id=place.id, audience=Audience.STAFF, horizon_days=365),
                TrainingGrant(training_id=training.id, machine_id=laser.id, level=2),
            ]
        )
        people = {name: _person(session, name, place.id) for name in ("amina", "bruno", "chloe")}
        session.flush()
        ids = {name: member.id for name, member in people.items()}
        amina = people["amina"].memberships[0]
        session.add(RoleHeld(membership_id=amina.id, role=Role.FABMANAGER))
        session.add_all(
            Qualification(
                member_id=ids[name],
                training_id=training.id,
                given_on=date(2026, 1, 1),
                given_by_id=None,
                recorded_at=now,
            )
            for name in ("amina", "bruno")
        )
        studio = Organization(
            place_id=place.id, slug="studio", name="Studio Fil", kind=OrganizationKind.COMPANY
        )
        session.add(studio)
        session.flush()
        session.add(
            OrganizationMember(
                organization_id=studio.id, member_id=ids["bruno"], since=date(2026, 1, 1)
            )
        )
        return Fablab(place.id, studio.id, ids)


def _person(session: Any, name: str, place_id: int) -> Member:
    now = clock.now()
    member = Member(
        uid=str(uuid4()),
        email=f"{name}@atelier.example",
        first_name={"chloe": "Chloé"}.get(name, name.title()),
        last_name={"amina": "Rahal", "bruno": "Lefil", "chloe": "Navette"}[name],
        phone="+33 5 00 00 00 00",
        confirmed_at=now,
        created_at=now,
    )
    member.memberships.append(Membership(place_id=place_id))
    session.add(member)
    return member


def share(fablab: Fablab, slug: str = "bench", **agreed: Any) -> str:
    """The studio owns the machine, and agreed to share it from 2026 on; the agreement's UID.

    `ranges` are the hours in which it comes first: (weekday, opens at, closes at).
    """
    uid, ranges = str(uuid4()), agreed.pop("ranges", ())
    with writing() as session:
        machine = session.scalars(db.select(Machine).where(Machine.slug == slug)).one()
        machine.owner_id = fablab.organization_id
        values = {"first_day": date(2026, 1, 1), "share": Decimal(50), "created_at": clock.now()}
        session.add(
            SharingAgreement(
                uid=uid,
                machine_id=machine.id,
                owner_id=fablab.organization_id,
                ranges=[
                    OwnerRange(weekday=day, opens_at=time(opens), closes_at=time(closes))
                    for day, opens, closes in ranges
                ],
                **values | agreed,
            )
        )
    return uid


@pytest.fixture
def fablab(app: Flask) -> Iterator[Fablab]:
    yield populate()
    read_the_record(app)


@pytest.fixture
def any_fablab(any_app: Flask) -> Iterator[Fablab]:
    yield populate()
    read_the_record(any_app)


# What is kept of these, without a member or a machine, no page shows.
UNSHOWN = {Deed.TRAINING, Deed.AGENDA}


def read_the_record(app: Flask) -> None:
    """Whatever a test had the team do, the pages of the record can say."""
    db.session.rollback()
    try:
        rows = db.session.execute(db.select(AuditEntry.__table__)).all()
    except DBAPIError:  # the test took the database away
        return
    with app.test_request_context():
        for row in rows:
            if row.member_id or row.machine_id or row.what not in UNSHOWN:
                assert DEEDS[row.what]
                for name, kept in (*row.before.items(), *row.after.items()):
                    assert all(value(name, kept, UTC))


@pytest.fixture
def browse(app: Flask) -> Callable[[str | None], FlaskClient]:
    """browse("bruno"): a browser in which they are signed in; browse(None): a visitor's."""
    return lambda who: browser(app, who)


@pytest.fixture
def browse_any(any_app: Flask) -> Callable[[str | None], FlaskClient]:
    return lambda who: browser(any_app, who)


class Browser(FlaskClient):
    """Forgets, before each request, who made the last one: the tests' own application context
    would carry it over, which no server does.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        for name in list(g):
            g.pop(name)
        return super().open(*args, **kwargs)


def browser(app: Flask, who: str | None) -> FlaskClient:
    client = Browser(app, app.response_class)
    client.set_cookie("language", "en")
    if who:
        email = who if "@" in who else f"{who}@atelier.example"
        member = db.session.execute(
            db.select(Member.id, Member.session_version).where(Member.email == email)
        ).one()
        with client.session_transaction() as session:
            session.update(
                sessions.contents(
                    member.id, member.session_version, is_shared=False, now=clock.now()
                )
            )
    return client
