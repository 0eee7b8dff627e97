"""Who reads what of the pool: organizations, machines of residents, prices, statements, the report.

On the demonstration place. Each page says who reads it; for everybody else it is closed (403) or
not there (404), and a visitor is asked to sign in. Nobody finds another's name in what is theirs.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from fablab import create_app, demo
from fablab.db import db
from fablab.machines.models import Machine, Occupancy
from fablab.members.models import Member
from fablab.organizations.models import Organization, OrganizationMember
from tests.conftest import browser
from tests.support import Databases, close, instant, settings_for

WEDNESDAY = "2026-11-25 10:40"
# The co-operative (S06) hosts two entrepreneurs and is run by somebody else; the furniture
# makers (S05) own three machines of the pool, which others use.
ROLES = {
    "stranger": None,
    "member": "charlie.ouvrardin@courriel.example",
    "entrepreneur": "alix.vermandoye@navette.example",
    "their manager": "gestion@navette.example",
    "owner": "mael.corbinel@placage.example",
    "accountant": "gestion@usines.example",
    "staff": "sacha.delorvane@usines.example",
}
EVERYBODY = set(ROLES) - {"stranger"}
TEAM = {"accountant", "staff"}
NOVEMBER = "first=2026-11-01&last=2026-11-25"

# The accountant reads prices and changes none.
PAGES = {
    "/manage/organizations": TEAM,
    "/manage/organizations/{cooperative}": {"staff"},
    "/manage/organizations/{cooperative}/allowances": {"staff"},
    "/manage/members/{alix}/allowances": {"staff"},
    "/manage/bookings/{booking}/behalf": {"staff"},
    "/manage/machines/{machine}/agreement": {"staff"},
    "/manage/tariffs": TEAM,
    "/manage/tariffs.csv": TEAM,
    "/manage/tariffs/machines/{machine}": {"staff"},
    "/manage/tariffs/company": {"staff"},
    "/manage/tariffs/packs": {"staff"},
    "/manage/tariffs/terms": {"staff"},
    "/manage/statements": TEAM,
    "/manage/statements/columns": TEAM,
    "/manage/reports": TEAM,
    "/manage/reports/lists/machines": TEAM,
    "/manage/reports/figures.csv": TEAM,
    "/manage/reports/report.ods": TEAM,
    "/organizations/{cooperative}": {"entrepreneur", "their manager", "staff"},
    "/organizations/{cooperative}/bookings.csv": {"their manager", "staff"},
    "/organizations/{cooperative}/people/{alix}": {"their manager", "staff"},
    "/organizations/{cooperative}/years": {"their manager"} | TEAM,
    "/organizations/{cooperative}/allowances": {"entrepreneur", "their manager", "staff"},
    "/organizations/{cooperative}/statements": {"their manager"} | TEAM,
    "/organizations/{furniture}/machines": {"owner", "staff"},
    "/statements/preview?scope=organization&of={cooperative}&" + NOVEMBER: (
        {"their manager"} | TEAM
    ),
    "/statements/preview?scope=owner&of={furniture}&" + NOVEMBER: {"owner"} | TEAM,
    "/statements/preview?scope=member&of={alix}&" + NOVEMBER: {"entrepreneur"} | TEAM,
    "/account/allowances": EVERYBODY,
    "/account/statements": EVERYBODY,
}


@pytest.fixture(scope="module")
def place(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = create_app(settings_for(databases.url("sqlite"), tmp_path_factory.mktemp("pool")))
    with app.app_context():
        assert demo.load(instant(WEDNESDAY))
        yield app
    close(app)


@pytest.fixture(scope="module")
def whereabouts(place: Flask) -> dict[str, Any]:
    """What the addresses name."""
    alix = _one(Member, email=ROLES["entrepreneur"])
    cooperative, furniture = (_of_manager(who) for who in ("their manager", "owner"))
    machine = db.session.scalars(select(Machine).where(Machine.owner_id == furniture.id)).first()
    booking = db.session.scalars(
        select(Occupancy).where(Occupancy.organization_id == cooperative.id)
    ).first()
    return {
        "alix": alix.uid,
        "cooperative": cooperative.slug,
        "furniture": furniture.slug,
        "machine": machine.slug,
        "booking": booking.uid,
    }


def _one(model: Any, **values: Any) -> Any:
    return db.session.scalars(select(model).filter_by(**values)).one()


def _of_manager(who: str) -> Organization:
    return db.session.scalars(
        select(Organization)
        .join(OrganizationMember, OrganizationMember.organization_id == Organization.id)
        .join(Member, Member.id == OrganizationMember.member_id)
        .where(Member.email == ROLES[who], OrganizationMember.is_manager)
    ).one()


@pytest.fixture(autouse=True)
def wednesday_morning(at: Callable[[str], None], monday_morning: None) -> None:
    at(WEDNESDAY)


@pytest.mark.parametrize("page", PAGES)
def test_each_page_is_open_to_whom_it_concerns_and_to_nobody_else(place, whereabouts, page):
    answers = {
        role: browser(place, email).get(page.format(**whereabouts)).status_code
        for role, email in ROLES.items()
    }

    assert {role for role, answer in answers.items() if answer == 200} == PAGES[page], answers
    assert answers.pop("stranger") == 303
    assert set(answers.values()) <= {200, 403, 404}


@pytest.mark.parametrize("role", ["member", "entrepreneur", "their manager", "owner"])
def test_nobody_reads_a_name_that_is_not_theirs(place, whereabouts, role):
    """One's own, the manager's of one's organization, its people's for who manages it."""
    known = {ROLES[role]}
    if role == "entrepreneur":
        known.add(ROLES["their manager"])
    if role == "their manager":
        known |= {ROLES["entrepreneur"], "robin.charlevin@navette.example"}
    others = {
        member.last_name
        for member in db.session.scalars(select(Member))
        if member.email not in known and member.last_name
    }
    client = browser(place, ROLES[role])

    for page in (page for page, readers in PAGES.items() if role in readers):
        address = page.format(**whereabouts)
        named = set(re.findall(r"[\w’'-]+", client.get(address).text)) & others
        assert not named, address
