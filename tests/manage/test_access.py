"""Who may open the team's pages, and of which place."""

from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from flask import url_for
from sqlalchemy import select

from fablab import clock
from fablab.db import db, writing
from fablab.imports import drafts
from fablab.machines import commands as machines
from fablab.machines import documents
from fablab.machines.models import Pool
from fablab.machines.resources_commands import create_resource
from fablab.members.kinds import Role
from fablab.members.models import Member, Membership, RoleHeld
from fablab.places.models import Closure, Opening
from fablab.trainings.models import Qualification, Training
from fablab.trainings.sessions import Plan, plan
from fablab.upkeep import faults
from tests.agendas.support import days, imported, kept
from tests.conftest import share
from tests.mail.conftest import promise, promised
from tests.manage.conftest import booking
from tests.support import slot

# What an administrator alone takes along.
FOR_ADMINISTRATORS = ("/manage/members.csv",)
# Neither of a person nor of a thing
OF_NOTHING = (
    "/manage/day/",
    "/manage/trainings/new",
    "/manage/mails/retry",
    "/manage/mails/test",
    "/manage/machines/new",
    "/manage/settings/",
    "/manage/welcome/",
    "/manage/imports/machines",
    "/manage/organizations/new",
    "/manage/tariffs/company",
    "/manage/tariffs/packs",
    "/manage/tariffs/terms",
)
# What whoever keeps the accounts reads as well.
FOR_ACCOUNTS = ("/manage/tariffs", "/manage/tariffs.csv", "/manage/organizations")


@pytest.fixture
def routes(app, annex, cast, uid):
    """Every route of the team's pages with an address of something that exists in L'Atelier."""
    outage = machines.withdraw(
        cast.machine("bench").id,
        slot("2027-03-30 10:00-12:00"),
        "Changing the vice",
        by=cast.people["amina"],
        now=clock.now(),
    )
    held = db.session.scalar(
        select(Qualification.id).where(Qualification.member_id == cast.people["bruno"])
    )
    with writing() as session:
        held_now = slot("2027-03-29 08:30-09:30")
        session.add(Pool(place_id=cast.place_id, slug="benches", name="Benches"))
        session.add(made := booking(cast.machine("bench").id, cast.people["chloe"], held_now))
    begun = made.uid
    create_resource(cast.place_id, "Bench", 1, [], by=cast.people["amina"], now=clock.now())
    values = {
        "day": "2027-03-30",
        "uid": uid("bruno"),
        "slug": "bench",
        "qualification_id": held,
        "mark_uid": str(uuid4()),
        "code": "LAS",
        "opening_id": db.session.scalar(select(Opening.id)),
        "what": "machines",
        "supply_uid": str(uuid4()),
        "pack_uid": str(uuid4()),
        "allowance_uid": str(uuid4()),
    }
    session_uid = plan(
        db.session.scalar(select(Training.id).where(Training.code == "LAS")),
        Plan(slot("2027-03-31 10:00-12:00"), 4),
        by=cast.people["amina"],
        now=clock.now(),
    )
    promise("bruno@atelier.example")
    mail = promised()[0].message_id[1:37]
    told = faults.Report("It smells of burning", is_usable=True)
    chloe, bench = cast.people["chloe"], cast.machine("bench")
    fault = faults.report(bench, told, place_id=cast.place_id, by=chloe, now=clock.now())
    draft, agenda = kept(cast, days("20270505")), imported(app, cast, days("20270512"))
    closure = db.session.scalar(select(Closure.uid))
    lines, boss = b"code,name,category\nS1,Sewing machine,Textile\n", cast.people["amina"]
    sheet = drafts.keep("machines", "m.csv", lines, cast.place_id, by=boss, now=clock.now())
    with app.app_context():
        agreement = share(cast, document=documents.take(b"%PDF-1.7"))
    found = []
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("manage."):
            continue
        known = values | ({"uid": outage} if "outages" in rule.rule else {})
        known |= {"uid": begun} if "bookings" in rule.rule else {}
        known |= {"uid": session_uid} if "sessions" in rule.rule else {}
        known |= {"uid": mail} if "mails" in rule.rule else {}
        known |= {"uid": agenda} if "agendas" in rule.rule else {}
        known |= {"uid": draft} if "drafts" in rule.rule else {}
        known |= {"uid": closure} if "closures" in rule.rule else {}
        known |= {"uid": sheet} if "imports" in rule.rule else {}
        known |= {"slug": "studio"} if "organizations" in rule.rule else {}
        known |= {"uid": fault} if "faults" in rule.rule else {}
        known |= {"uid": agreement} if "agreement" in rule.rule else {}
        known |= {"slug": "benches"} if "pools" in rule.rule else {}
        given = {name: known[name] for name in rule.arguments}
        if rule.endpoint == "manage.qualification":
            given["of"] = "training:LAS"
        with app.test_request_context():
            address = url_for(rule.endpoint, **given)
        found += [(method, address) for method in rule.methods & {"GET", "POST"}]
    return found


def answers(client, routes):
    return {client.open(address, method=method).status_code for method, address in routes}


def test_there_are_pages_to_keep(routes):
    assert len(routes) > 15


@pytest.fixture
def open_door(app):
    """Forms need no token, so that what answers is the door and not the missing token."""
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.mark.usefixtures("open_door")
def test_a_visitor_is_asked_to_sign_in(browse, routes):
    visitor = browse(None)

    for method, address in routes:
        answer = visitor.open(address, method=method)
        assert answer.status_code == 303
        assert urlsplit(answer.location).path == "/login"


@pytest.mark.usefixtures("open_door")
@pytest.mark.parametrize("who", ["chloe", "bruno", "remi", "anouk", "emile", "lina"])
def test_who_is_not_on_the_team_is_shut_out(browse, routes, who):
    shut = [each for each in routes if who != "anouk" or each[1] not in FOR_ACCOUNTS]

    assert answers(browse(who), shut) == {403}


def test_whoever_keeps_the_accounts_reads_them_in_a_frame_of_their_own(browse, routes):
    anouk = browse("anouk")
    pages = [(method, address) for method, address in routes if address in FOR_ACCOUNTS]

    assert answers(anouk, pages) == {200}
    page = anouk.get("/manage/tariffs").text
    assert "/manage/day" not in page
    assert "/manage/tariffs/machines/" not in page
    assert 'href="/manage/tariffs"' in anouk.get("/").text
    for address in ("/manage/reports", "/manage/statements", "/manage/organizations"):
        assert f'href="{address}"' in page
        assert anouk.get(address).status_code == 200
    listed = anouk.get("/manage/organizations").text
    assert "/manage/organizations/" not in listed
    assert 'href="/organizations/studio/statements"' in listed
    assert anouk.get("/organizations/studio/statements").status_code == 200


@pytest.mark.parametrize("who", ["amina", "odile"])
def test_the_team_reads_every_page(browse, routes, who):
    pages = [
        (method, address)
        for method, address in routes
        if method == "GET" and (who == "odile" or address not in FOR_ADMINISTRATORS)
    ]

    assert answers(browse(who), pages) == {200}


@pytest.mark.parametrize("who", ["amina", "odile"])
def test_nothing_is_done_without_the_token_of_a_form(browse, routes, who):
    deeds = [(method, address) for method, address in routes if method == "POST"]

    assert answers(browse(who), deeds) == {400}


@pytest.mark.usefixtures("open_door")
def test_the_team_of_another_place_sees_nothing_of_this_one(browse, routes):
    dora = browse("dora")
    of_something = [
        (method, address)
        for method, address in routes
        if address.count("/") > 2 and not address.startswith(OF_NOTHING)
    ]

    assert len(of_something) > 10
    assert answers(dora, of_something) == {404}


def test_a_place_they_do_not_manage_is_no_place(browse, routes):
    dora, amina = browse("dora"), browse("amina")

    assert answers(dora, [(m, f"{a}?place=atelier") for m, a in routes if m == "GET"]) == {404}
    assert amina.get("/manage/day?place=annexe").status_code == 404


def test_each_team_finds_itself_in_its_own_place(browse, annex):
    atelier = browse("amina").get("/manage/members").text
    there = browse("dora").get("/manage/members").text

    assert "Chloé Navette" in atelier
    assert "Émile Foret" not in atelier
    assert "Émile Foret" in there
    assert "Chloé Navette" not in there


def test_whoever_manages_two_places_goes_from_one_to_the_other(browse, cast, annex):
    with writing() as session:
        both = Membership(member_id=cast.people["amina"], place_id=annex.place_id)
        session.add(both)
        session.flush()
        session.add(RoleHeld(membership_id=both.id, role=Role.FABMANAGER))
    amina = browse("amina")

    here, there = (
        amina.get("/manage/machines").text,
        amina.get("/manage/machines?place=annexe").text,
    )

    assert "/manage/day?place=annexe" in here
    assert 'href="/manage/machines/bench"' in here
    assert 'href="/manage/machines/drill?place=annexe"' in there
    assert 'href="/manage/members?place=annexe"' in there


def test_somebody_who_does_not_exist_is_not_found(browse, cast):
    amina = browse("amina")

    assert amina.get(f"/manage/members/{uuid4()}").status_code == 404
    assert amina.get("/manage/members/1").status_code == 404
    assert amina.get("/manage/machines/none").status_code == 404
    assert amina.get(f"/manage/machines/bench/outages/{uuid4()}/end").status_code == 404


def test_an_erased_account_is_gone_for_the_team_too(browse, cast, uid):
    address = f"/manage/members/{uid('chloe')}"
    with writing() as session:
        session.get(Member, cast.people["chloe"]).erased_at = clock.now()

    assert browse("amina").get(address).status_code == 404
    assert "Navette" not in browse("amina").get("/manage/members").text


def test_the_header_leads_the_team_and_nobody_else_to_the_day(browse, cast):
    assert 'href="/manage/day"' in browse("amina").get("/").text
    assert 'href="/manage/day"' not in browse("chloe").get("/").text


def test_the_sections_lead_to_one_another(browse, cast):
    day = browse("amina").get("/manage/day").text

    for address in ("/manage/day", "/manage/members", "/manage/machines"):
        assert f'href="{address}"' in day
    assert '<a href="/manage/day" aria-current="page">' in day
