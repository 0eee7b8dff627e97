"""Walks over every address there is: a new one is walked too, from the moment it exists.

An address with a part of a new name wants an example of it in `Stage.example`; the walk says so.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from itertools import cycle
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import Table, select, update
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule

from fablab import clock
from fablab.access import Right, right_of
from fablab.booking import (
    commands,
    consent_letters,
    consents,
    handover_links,
    handovers,
    series,
    wait_links,
    waits,
)
from fablab.booking.consents import Wanted
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Consent, Handover
from fablab.calendars import commands as calendars
from fablab.calendars.kinds import About, Scope
from fablab.db import Base, add_row, db, writing
from fablab.imports import drafts
from fablab.invitations import links
from fablab.machines import documents, photos
from fablab.machines.commands import withdraw
from fablab.machines.kinds import Status
from fablab.machines.models import Machine, MachineDocument, MachineReferent, Occupancy, Pool
from fablab.machines.resources_commands import create_resource
from fablab.mail.links import signed
from fablab.members import mails, marks, passwords
from fablab.members.commands import digest
from fablab.members.kinds import LinkPurpose, MailKind, MarkKind
from fablab.members.models import MailedLink, Mark, Member
from fablab.organizations import commands as organizations
from fablab.organizations.commands import Doer
from fablab.organizations.letters import JOIN
from fablab.organizations.models import OrganizationInvitation
from fablab.places.models import Closure, Opening
from fablab.presence import addresses as boards
from fablab.presence.kinds import BoardKind
from fablab.security import CONTENT_SECURITY_POLICY
from fablab.statements import commands as statement_commands
from fablab.statements import queries as statement_queries
from fablab.statements.kinds import Scope as StatementScope
from fablab.statements.models import Statement
from fablab.statements.rules import Period
from fablab.tariffs import allowances
from fablab.tariffs import commands as tariffs
from fablab.tariffs.allowances import Holder, NewAllowance
from fablab.tariffs.commands import NewPack
from fablab.tariffs.models import Allowance, Pack, Supply
from fablab.trainings.models import Qualification, Training
from fablab.trainings.sessions import Plan, plan
from fablab.upkeep import faults, logbook, maintenance
from fablab.upkeep.kinds import EntryKind, Unit
from fablab.upkeep.maintenance_rules import Rhythm
from fablab.upkeep.models import LogEntry, Maintenance
from tests.agendas.support import days, imported, kept
from tests.conftest import Fablab, browser, populate, share
from tests.mail.conftest import promise, promised
from tests.manage.conftest import booking as made
from tests.support import counting, slot
from tests.tariffs.conftest import set_price, set_supply
from tests.upkeep.conftest import picture

SAFE = {"GET", "HEAD", "OPTIONS"}
# For the administrators of the team alone.
ABOVE = {"manage.members_file"}
ROLES = [None, "chloe", "amina"]  # a visitor, a member, the team
DAY = "2027-03-30"

# Without which a page only leads to another.
QUERIES = {
    "booking.new": f"?machine=laser&day={DAY}&start=11:00&end=12:00",
    "manage.qualification": "?of=training:LAS",
    "waits.new": "?machine=bench",
    "statements.preview": "?scope=organization&of=studio&first=2027-02-01&last=2027-02-28",
}

# What a mail program sends unseen, without cookie or form (RFC 8058 §3.2). Its link is signed.
ONE_CLICK = "mails.stop_now"

# What a reading may change: when somebody or something was last seen.
TRACES = {"member": {"seen_at"}, "feed_token": {"used_at"}, "board_address": {"used_at"}}


@dataclass
class Stage:
    """The fablab of all tests with one of everything an address may lead to."""

    app: Flask
    fablab: Fablab
    booking: str
    outage: str
    member: str
    qualification: int
    token: str
    consent: str
    letter: str
    session: str
    mark: str
    missed: str
    series: str
    repeated: str
    wait: str
    wait_letter: str
    stop_letter: str
    booking_letter: str
    mail: str
    draft: str
    agenda: str
    document: int
    sheet: str
    invitation: str
    invitation_letter: str
    fault: str
    board: str
    handover: str
    handover_letter: str
    amina_has: str
    agreement: str

    def example(self, rule: Rule, name: str) -> str:
        """What stands for `<name>` in the address of `rule`, so that it leads somewhere."""
        if name == "uid":
            return self.uid(rule)
        if name == "token" and rule.rule.startswith("/consents/"):
            return self.letter
        if name == "token" and rule.rule.startswith("/handovers/"):
            return self.handover_letter
        if name == "token" and rule.rule.startswith("/waits/"):
            return self.wait_letter
        if name == "token" and rule.rule.startswith("/mails/stop/"):
            return self.stop_letter
        if name == "token" and rule.rule.startswith("/board/"):
            return self.board
        if name == "token" and rule.rule.startswith("/bookings/by-mail/"):
            return self.booking_letter
        if name == "token" and rule.rule.startswith("/organizations/"):
            return self.invitation_letter
        if name == "slug" and "/organizations/" in rule.rule:
            return "studio"
        if name == "slug" and "/pools/" in rule.rule:
            return "benches"
        if name == "secret":
            return f"secret-of-{self.purpose(rule)}"
        known = {
            "day": DAY,
            "slug": "laser",
            "machine_slug": "laser",
            "name": "calendar",
            "token": self.token,
            "filename": "css/app.css",
            "qualification_id": str(self.qualification),
            "code": "LAS",
            "mark_uid": self.mark,
            "opening_id": str(db.session.scalar(select(Opening.id))),
            "client": "apple",
            "week": "2027-W13",
            "document_id": str(self.document),
            "what": "machines",
            "supply_uid": db.session.scalar(select(Supply.uid)),
            "pack_uid": db.session.scalar(select(Pack.uid)),
            "consumption_uid": "00000000-0000-4000-8000-000000000000",
            "allowance_uid": db.session.scalar(select(Allowance.uid)),
            "year": "2026",
            "key": "machines",  # a list of the report
        }
        if name not in known:
            pytest.fail(f"give an example of <{name}> in {rule.rule} to tests/test_walks.py")
        return known[name]

    def uid(self, rule: Rule) -> str:
        if rule.rule.endswith("/absence"):
            return self.missed
        if rule.rule.startswith("/bookings/") and "/handover" in rule.rule:
            return self.amina_has  # only whose it is hands it over
        if "/following/" in rule.rule:
            return self.repeated
        whose = {
            "/bookings/series/": self.series,
            "/bookings/": self.booking,
            "/outages/": self.outage,
            "/members/": self.member,
            "/consents/": self.consent,
            "/approvals/": self.consent,
            "/sessions/": self.session,
            "/waits/": self.wait,
            "/handovers/": self.handover,
            "/mails/": self.mail,
            "/agendas/drafts/": self.draft,
            "/imports/drafts/": self.sheet,
            "/agendas/": self.agenda,
            "/closures/": db.session.scalar(select(Closure.uid)),
            "/people/": self.member,
            "/invitations/": self.invitation,
            "/faults/": self.fault,
            "/agreement/": self.agreement,
            "/statements/": db.session.scalar(select(Statement.uid)),
            "/maintenance/": db.session.scalar(select(Maintenance.uid)),
            "/logbook/": db.session.scalar(select(LogEntry.uid).where(LogEntry.file.is_not(None))),
        }
        for part, uid in whose.items():
            if f"{part}<uuid:uid>" in rule.rule:
                return uid
        pytest.fail(f"say whose <uid> stands in {rule.rule}, in tests/test_walks.py")

    def purpose(self, rule: Rule) -> str:
        purposes = {
            "/register/confirm/": LinkPurpose.CONFIRM,
            "/password/reset/": LinkPurpose.RESET,
            "/account/email/": LinkPurpose.CHANGE,
        }
        for part, purpose in purposes.items():
            if rule.rule.startswith(part):
                return purpose
        pytest.fail(f"say of what <secret> is in {rule.rule}, in tests/test_walks.py")

    def address(self, rule: Rule, **odd: str) -> str:
        """The address of `rule`, filled with examples but for what is `odd`."""
        parts = {name: self.example(rule, name) for name in rule.arguments} | odd
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: parts[found[1]], rule.rule)
        return path + QUERIES.get(rule.endpoint, "")

    def browse(self, who: str | None) -> FlaskClient:
        return browser(self.app, who)


def rules(app: Flask) -> Iterator[Rule]:
    yield from sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))


def readings(app: Flask) -> Iterator[Rule]:
    return (rule for rule in rules(app) if "GET" in rule.methods)


def doings(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every address that changes something, with the method that does."""
    return ((rule, method) for rule in rules(app) for method in sorted(rule.methods - SAFE))


@pytest.fixture(autouse=True)
def light_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", light)


@pytest.fixture
def stage(app: Flask) -> Stage:
    return set_up(app)


@pytest.fixture
def any_stage(any_app: Flask) -> Stage:
    return set_up(any_app)


def set_up(app: Flask) -> Stage:
    """As it is served, so that what fails is answered and not raised."""
    app.testing = False
    fablab, now = populate(), clock.now()
    laser, bruno = fablab.machine("laser").id, fablab.people["bruno"]
    booking = fablab.book("laser", slot(f"{DAY} 10:00-11:00"), "bruno")
    asked = fablab.book("laser", slot(f"{DAY} 14:00-15:00"), "bruno", purpose="Lamp")
    fablab.book("bench", slot(f"{DAY} 10:00-12:00"), "chloe")
    create_resource(fablab.place_id, "Laser", 1, [laser], by=fablab.people["amina"], now=now)
    outage = withdraw(laser, slot(f"{DAY} 16:00-17:00"), "Lens", by=None, now=now)
    token = calendars.make_address(
        About(Scope.MEMBER),
        member_id=fablab.people["amina"],
        place_id=fablab.place_id,
        key=calendars.new_key(),
        now=now,
    )
    with writing() as session:
        # Else there is nothing she may qualify for, but as the team.
        add_row(session, MachineReferent, machine_id=laser, member_id=fablab.people["amina"])
        for purpose in LinkPurpose:
            add_row(
                session,
                MailedLink,
                member_id=fablab.people["chloe"],
                purpose=purpose,
                secret_hash=digest(f"secret-of-{purpose}"),
                new_email="new@atelier.example" if purpose == LinkPurpose.CHANGE else None,
                created_at=now,
                expires_at=clock.from_wall(clock.UTC, clock.date(2027, 4, 30), clock.time(0)),
            )
    qualification = db.session.scalar(
        select(Qualification.id).where(Qualification.member_id == bruno)
    )
    member = db.session.scalar(select(Member.uid).where(Member.id == bruno))
    consent, letter = ask_amina(asked, fablab)
    say_prices(fablab)
    mark, missed = leave_a_mark(fablab)
    state_february(fablab)
    training = db.session.scalar(select(Training.id))
    session_uid = plan(
        training,
        Plan(slot(f"{DAY} 17:00-18:00"), 4, machine_ids=frozenset({laser})),
        by=fablab.people["amina"],
        now=now,
    )
    return Stage(
        app,
        fablab,
        booking,
        outage,
        member,
        qualification,
        token,
        consent,
        letter,
        session_uid,
        mark,
        missed,
        *repeat_it(fablab),
        *let_amina_wait(fablab),
        mails.stop_token(member, MailKind.REMINDERS),
        links.token_for(booking, member),
        promise_a_mail(),
        kept(fablab, days("20270505")),
        imported(app, fablab, days("20270512")),
        keep_a_document(laser),
        keep_a_sheet(fablab),
        *invite_amina(fablab),
        report_a_fault(fablab),
        board_of(fablab),
        *hand_over_to_amina(fablab),
        share(fablab, "laser", document=documents.take(b"%PDF-1.7")),
    )


def keep_a_sheet(fablab: Fablab) -> str:
    lines, amina = b"code,name,category\nS1,Sewing machine,Textile\n", fablab.people["amina"]
    place = fablab.place_id
    return drafts.keep("machines", "machines.csv", lines, place, by=amina, now=clock.now())


def hand_over_to_amina(fablab: Fablab) -> tuple[str, str, str]:
    """An hour of Bruno's: the UID of the offer, and what opens it by mail; and one of her own."""
    uid = fablab.book("bench", slot("2027-04-01 10:00-11:00"), "bruno")
    handovers.offer(
        uid,
        "amina@atelier.example",
        by=fablab.people["bruno"],
        language="en",
        now=clock.now(),
    )
    offered = db.session.scalars(select(Handover.uid)).one()
    amina = db.session.scalar(select(Member.uid).where(Member.id == fablab.people["amina"]))
    own = fablab.book("bench", slot("2027-04-01 14:00-15:00"), "amina")
    return offered, handover_links.token_for(offered, amina), own


def board_of(fablab: Fablab) -> str:
    """What opens the board at the door."""
    by, key = fablab.people["amina"], boards.new_key()
    return boards.make(fablab.place_id, BoardKind.DOOR, key=key, by=by, now=clock.now())


def state_february(fablab: Fablab) -> None:
    """The statement of Studio Fil, closed, with a line."""
    used = slot("2027-02-23 10:00-11:00")
    with writing() as session:
        add_row(
            session,
            Occupancy,
            uid="3f0c7a54-8d0f-4a42-9c3b-0a3f5f7f6a01",
            kind="booking",
            status=Status.CONFIRMED,
            machine_id=fablab.machine("laser").id,
            member_id=fablab.people["bruno"],
            organization_id=fablab.organization_id,
            starts_at=used.start,
            ends_at=used.end,
            occupied_from=used.start,
            occupied_until=used.end,
            standing=True,
            revision=0,
            created_at=used.start,
            changed_at=used.start,
            title="",
        )
    studio = statement_queries.subject(StatementScope.ORGANIZATION, "studio", "", fablab.place_id)
    assert studio
    february = Period(clock.date(2027, 2, 1), clock.date(2027, 2, 28))
    statement_commands.close(studio, february, by=None, now=clock.now())


def keep_a_document(machine_id: int) -> int:
    file = documents.take(b"%PDF-1.7")
    with writing() as session:
        place_id = session.get_one(Machine, machine_id).place_id
        add_row(session, Pool, place_id=place_id, slug="benches", name="Benches")
        return add_row(session, MachineDocument, machine_id=machine_id, title="Manual", file=file)


def invite_amina(fablab: Fablab) -> tuple[str, str]:
    """Into Studio Fil: the UID of the invitation, and what opens it by mail."""
    amina = Doer(fablab.people["amina"], is_team=True)
    organizations.invite(
        fablab.organization_id,
        "amina@atelier.example",
        by=amina,
        language="en",
        now=clock.now(),
    )
    uid = db.session.scalars(select(OrganizationInvitation.uid)).one()
    return uid, signed(JOIN, uid)


def report_a_fault(fablab: Fablab) -> str:
    """Of the laser, by Chloé, with a photo."""
    photo = photos.take(picture().getvalue(), photos.OF_FAULT)
    told = faults.Report("It smells of burning", is_usable=True, photo=photo)
    chloe, laser = fablab.people["chloe"], fablab.machine("laser")
    look_after(fablab)
    return faults.report(laser, told, place_id=fablab.place_id, by=chloe, now=clock.now())


def look_after(fablab: Fablab) -> None:
    """Of the laser: a line of its logbook with a paper, and what is done every month."""
    laser, amina = fablab.machine("laser").id, fablab.people["amina"]
    paper = logbook.Entry(EntryKind.DOCUMENT, "Manual", file=documents.take(b"%PDF-1.7"))
    logbook.write(laser, paper, by=amina, now=clock.now())
    monthly, an_hour = Rhythm(1, Unit.MONTHS), clock.timedelta(hours=1)
    first, at = clock.date(2027, 4, 1), clock.time(10)
    wanted = maintenance.Plan("Cleaning", monthly, first, at, an_hour)
    maintenance.begin(laser, fablab.place_id, wanted, by=amina, now=clock.now())


def promise_a_mail() -> str:
    """To Chloé; what its addresses are made of."""
    promise("chloe@atelier.example")
    return promised()[-1].message_id[1:37]


def repeat_it(fablab: Fablab) -> tuple[str, str]:
    """Two bookings two weeks apart: the UID of their series, and that of the first."""
    hours = [slot(f"2027-{day} 14:00-15:00") for day in ("03-31", "04-14")]
    orders = [fablab.order("bench", each, "bruno") for each in hours]
    uid = series.book(orders, every_weeks=2, by=fablab.people["bruno"], now=clock.now())
    first = select(Occupancy.uid).where(Occupancy.series_id.is_not(None))
    return uid, db.session.scalars(first.order_by(Occupancy.starts_at).limit(1)).one()


def ask_amina(booking: str, fablab: Fablab) -> tuple[str, str]:
    """The booking waits for her to be its buddy: the question's UID, and what opens it by mail."""
    amina, of_it = fablab.people["amina"], Occupancy.uid == booking
    with writing() as session:
        session.execute(update(Occupancy).where(of_it).values(status=Status.PENDING))
        occupancy_id = session.scalar(select(Occupancy.id).where(of_it))
        due = slot(f"{DAY} 14:00-15:00").start
        wanted = [Wanted(ConsentKind.BUDDY, amina)]
        consents.ask(session, occupancy_id, wanted, due_at=due, now=clock.now())
    uid = db.session.scalar(select(Consent.uid).where(Consent.asked_id == amina))
    of_hers = select(Member.uid).where(Member.id == amina)
    return uid, consent_letters.token_for(uid, db.session.scalar(of_hers))


def let_amina_wait(fablab: Fablab) -> tuple[str, str]:
    """Something is offered to her, and she waits for something else: the first of the two, and
    what opens it by mail.
    """
    amina, bench, now = fablab.people["amina"], fablab.machine("bench").id, clock.now()
    hours, an_hour = slot("2027-03-31 12:00-13:00"), clock.timedelta(hours=1)
    earlier = slot("2027-03-31 10:00-12:00")
    fablab.book("bench", earlier, "chloe")
    given_back = fablab.book("bench", hours, "chloe")
    uid = waits.join(waits.Wish(bench, fablab.place_id, hours, an_hour, amina), now=now)
    waits.join(waits.Wish(bench, fablab.place_id, earlier, an_hour, amina), now=now)
    commands.cancel(given_back, by=fablab.people["chloe"], is_team=False, now=now)
    of_hers = select(Member.uid).where(Member.id == amina)
    return uid, wait_links.token_for(uid, db.session.scalar(of_hers))


def say_prices(fablab: Fablab) -> None:
    set_price(fablab, "laser", "28")
    set_price(fablab, None, "30")
    set_supply(fablab, "laser", "Film", "0.04")
    pack = NewPack("Ten hours", None, Decimal(150), 600)
    amina, now = fablab.people["amina"], clock.now()
    tariffs.add_pack(fablab.place_id, pack, by=amina, now=now)
    hours = NewAllowance("Ten hours", 600, date(2027, 3, 1), is_shared=True)
    studio = Holder("Studio", organization_id=fablab.organization_id)
    allowances.grant(fablab.place_id, studio, hours, by=amina, now=now)


def leave_a_mark(fablab: Fablab) -> tuple[str, str]:
    """Bruno did not come twice: the mark of the first time, and the booking of the second."""
    machine, bruno = fablab.machine("bench").id, fablab.people["bruno"]
    with writing() as session:
        missed = [
            made(machine, bruno, slot(f"2027-03-29 0{hour}:00-0{hour}:30")) for hour in (7, 8)
        ]
        session.add_all(missed)
        session.flush()
        missed[0].standing, missed[0].status = False, Status.MISSED
        marks.mark(
            session,
            bruno,
            fablab.place_id,
            missed[0].id,
            MarkKind.MISSED,
            by=fablab.people["amina"],
            now=clock.now(),
        )
    return db.session.scalar(select(Mark.uid)), missed[1].uid


# -- rights


def test_every_address_says_who_may_go_there(app):
    undeclared = [rule.rule for rule in rules(app) if right_of(rule.endpoint) is None]

    assert undeclared == []


def may_enter(who: str | None, right: Right) -> bool:
    enters = {None: {Right.ANYONE}, "chloe": {Right.ANYONE, Right.MEMBER}, "amina": set(Right)}
    return right in enters[who]


def is_shut(answer: Any, who: str | None) -> bool:
    """A visitor is asked to sign in, somebody signed in is told no."""
    if who is None:
        return answer.status_code == 303 and answer.location.startswith("/login")
    return answer.status_code == 403


@pytest.mark.parametrize("who", ROLES)
def test_every_page_opens_for_those_it_says_and_for_nobody_else(stage, who):
    for rule in readings(stage.app):
        answer = stage.browse(who).get(stage.address(rule))

        if may_enter(who, right_of(rule.endpoint)):
            allowed = (200, 302, 303, 404, *([403] if rule.endpoint in ABOVE else []))
            assert answer.status_code in allowed, (rule.rule, who)
            assert not is_shut(answer, who) or rule.endpoint in ABOVE, (rule.rule, who)
        else:
            assert is_shut(answer, who), (rule.rule, who)


def test_the_team_finds_something_at_every_example(stage):
    """Else the walks would walk past closed doors. What leads on is followed by its own rule."""
    expected = {
        "manage.members_file": 403,
        "members.login": 303,
        "members.register": 303,
        "home.photo": 404,
        "look.logo": 404,
        "organizations.leaving": 404,  # only whoever is in it
    }
    for rule in readings(stage.app):
        answer = stage.browse("amina").get(stage.address(rule))

        assert answer.status_code == expected.get(rule.endpoint, 200), rule.rule


@pytest.mark.parametrize("who", ROLES)
def test_nothing_is_done_by_those_who_may_not(stage, who):
    before = contents()

    for rule, method in doings(stage.app):
        if not may_enter(who, right_of(rule.endpoint)):
            answer = stage.browse(who).open(stage.address(rule), method=method)
            assert is_shut(answer, who), (rule.rule, who)

    assert contents() == before


# -- forms


@pytest.mark.parametrize("who", ROLES)
def test_nothing_is_done_without_the_token_of_a_form(stage, who):
    before = contents()

    for rule, method in doings(stage.app):
        if may_enter(who, right_of(rule.endpoint)) and rule.endpoint != ONE_CLICK:
            for data in ({}, {"csrf_token": "wrong"}, {"csrf_token": ""}):
                client = stage.browse(who)
                answer = client.open(stage.address(rule), method=method, data=data)
                assert answer.status_code == 400, (rule.rule, who)

    assert contents() == before


def contents() -> dict[str, str]:
    """A checksum of each table, without the traces that readings leave."""
    with db.engine.connect() as connection:
        return {
            table.name: hashlib.sha256(
                repr(connection.execute(whole(table)).all()).encode()
            ).hexdigest()
            for table in Base.metadata.sorted_tables
        }


def whole(table: Table) -> Any:
    left_out = TRACES.get(table.name, set())
    columns = [column for column in table.columns if column.name not in left_out]
    return select(*columns).order_by(*table.primary_key.columns)


def test_a_change_is_seen_by_the_checksum(stage):
    before = contents()
    stage.fablab.book("bench", slot(f"{DAY} 16:00-17:00"), "bruno")

    changed = {name for name, sum in contents().items() if sum != before[name]}

    assert {"occupancy", "change", "machine", "member"} <= changed


@pytest.mark.parametrize("who", ROLES)
def test_reading_changes_nothing(any_stage, who):
    before = contents()

    for rule in readings(any_stage.app):
        for method in sorted(rule.methods & SAFE):
            any_stage.browse(who).open(any_stage.address(rule), method=method)
        assert contents() == before, rule.rule


# -- pages

VOID = set("area base br col embed hr img input link meta source track wbr".split())
LOADS = {
    "audio": ["src"],
    "embed": ["src"],
    "form": ["action"],
    "button": ["formaction"],
    "iframe": ["src"],
    "image": ["href"],
    "img": ["src", "srcset"],
    "input": ["src", "formaction"],
    "link": ["href"],
    "object": ["data"],
    "script": ["src"],
    "source": ["src", "srcset"],
    "use": ["href", "xlink:href"],
    "video": ["src", "poster"],
}
DANGEROUS = re.compile(r"\s*(javascript|data|vbscript):", re.I)


class Page(HTMLParser):
    """Reads a page as a strict reader would, and keeps what is wrong with it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.texts: dict[str, str] = {}
        self.language = ""
        self.feed(html)
        self.close()
        self.wrong += [f"<{tag}> is never closed" for tag in self.open]
        twice = {id for id in self.ids if self.ids.count(id) > 1}
        self.wrong += [f"id {id} is given twice" for id in twice]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.language = given.get("lang", "") if tag == "html" else self.language
        self.ids += [given["id"]] if "id" in given else []
        self.check(tag, given)
        if len(given) < len(attrs):
            self.wrong.append(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self.open.append(tag)

    def check(self, tag: str, given: dict[str, str]) -> None:
        if tag in ("style", "base") or "style" in given or "http-equiv" in given:
            self.wrong.append(f"<{tag}> {given} brings a style or another base")
        if tag == "script" and not given.get("src"):
            self.wrong.append("a script stands in the page")
        for name, value in given.items():
            if name.startswith("on") or name == "srcdoc":
                self.wrong.append(f"<{tag} {name}> is a script")
            if DANGEROUS.match(value):
                self.wrong.append(f"<{tag} {name}> leads to {value[:40]}")
        for name in LOADS.get(tag, []):
            address = given.get(name, "")
            if address and not re.match(r"/(?!/)|#", address):
                self.wrong.append(f"<{tag} {name}> asks elsewhere: {address}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> closes {self.open[-1:]}, line {self.getpos()[0]}")
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data


def test_the_reader_of_pages_finds_what_is_wrong():
    wrong = (
        '<html><div style="x"><p onclick="x"></div><img src="//cdn.example/x"><script>x</script>'
        '<a href="javascript:x"></a><form action="https://else.example"></form><b id=a><b id=a>'
    )

    assert len(Page(wrong).wrong) == 11
    assert Page("<html lang=en><head><title>x</title></head><body><br></body></html>").wrong == []


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("who", ROLES)
def test_every_page_is_whole_and_asks_nobody_else(stage, who, language):
    for rule in readings(stage.app):
        client = stage.browse(who)
        client.set_cookie("language", language)
        answer = client.get(stage.address(rule), follow_redirects=True)
        if answer.mimetype != "text/html":
            continue

        html = answer.data.decode("utf-8")
        page = Page(html)
        assert html.startswith("<!doctype html>"), rule.rule
        assert page.wrong == [], rule.rule
        assert page.language == language, rule.rule
        assert page.texts["title"].strip(" —"), rule.rule
        assert page.texts.get("h1", "").strip(), rule.rule


@pytest.mark.parametrize("who", ROLES)
def test_a_page_costs_the_same_however_much_is_booked(stage, who):
    few = statements(stage, who)
    for day in range(6, 10):
        for hour in range(10, 18):
            span = slot(f"2027-04-{day:02} {hour}:00-{hour + 1}:00")
            stage.fablab.book("laser", span, "bruno")
            stage.fablab.book("bench", span, "chloe")
    for hour in range(12, 18):
        stage.fablab.book("bench", slot(f"{DAY} {hour}:00-{hour + 1}:00"), "bruno")

    many = statements(stage, who)

    assert {rule: (few[rule], many[rule]) for rule in few if few[rule] != many[rule]} == {}
    assert {rule: cost for rule, cost in many.items() if cost > 14} == {}


def statements(stage: Stage, who: str | None) -> dict[str, int]:
    """How many statements each page takes, once what is kept in memory is there."""
    found = {}
    for rule in readings(stage.app):
        client, address = stage.browse(who), stage.address(rule)
        client.get(address)
        with counting(db.engine) as sent:
            client.get(address)
        found[rule.rule] = len(sent)
    return found


# -- headers


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("base", ["http://localhost", "https://localhost"])
def test_every_answer_keeps_the_browser_safe(make_app, who, base):
    app = make_app(BASE_URL=base)
    is_https = base.startswith("https")
    with app.app_context():
        stage = set_up(app)
        for rule in rules(app):
            for method in sorted(rule.methods):
                answer = stage.browse(who).open(stage.address(rule), method=method, base_url=base)
                check_headers(answer, rule, who, is_https=is_https)


def check_headers(answer: Any, rule: Rule, who: str | None, *, is_https: bool) -> None:
    headers, where = answer.headers, (rule.rule, answer.request.method, answer.status_code, who)
    assert headers.getlist("Content-Security-Policy") == [CONTENT_SECURITY_POLICY], where
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert headers["X-Frame-Options"] == "DENY", where
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
    assert "camera=()" in headers["Permissions-Policy"], where
    is_secret = bool({"token", "secret"} & rule.arguments)
    policy = "no-referrer" if is_secret else "same-origin"
    assert headers["Referrer-Policy"] == policy, where
    if is_secret:
        assert headers["X-Robots-Tag"] == "noindex", where
    assert ("Strict-Transport-Security" in headers) is is_https, where
    assert headers["Cache-Control"], where
    is_page = answer.mimetype == "text/html" and answer.request.method != "OPTIONS"
    if is_page and (who or is_secret or answer.status_code >= 400):
        assert headers["Cache-Control"] == "no-store", where
    elif is_page or is_secret:
        assert "public" not in headers["Cache-Control"], where
    for cookie in headers.getlist("Set-Cookie"):
        assert "SameSite=Lax" in cookie, where
        assert ("Secure" in cookie) is is_https, where


def test_the_policy_is_the_one_that_was_promised():
    parts = dict(part.strip().split(" ", 1) for part in CONTENT_SECURITY_POLICY.split(";"))

    ours = ("default-src", "script-src", "style-src", "img-src", "font-src", "form-action")
    assert {name: parts[name] for name in ours} == dict.fromkeys(ours, "'self'")
    nobody = ("object-src", "base-uri", "frame-ancestors")
    assert {name: parts[name] for name in nobody} == dict.fromkeys(nobody, "'none'")
    assert "unsafe" not in CONTENT_SECURITY_POLICY


# -- odd things typed

ODD = [
    "",
    " ",
    "\0",
    "%00",
    "x" * 10_000,
    "../../etc/passwd",
    "..%2f..%2fetc",
    "\u202egnissap",
    "٢٠٢٧-٠٣-٣٠",
    "١",
    "0",
    "-1",
    "99999999999999999999",
    "1e9",
    "NaN",
    "0000-00-00",
    "0001-01-01",
    "9999-12-31",
    "2027-02-30",
    "2027-03-28",
    "24:00",
    "02:30",
    "99:99",
    "a\r\nSet-Cookie: b=c",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "{{ 7 * 7 }}",
    "%s%n%x",
    "=1+1",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "e\u0301" * 50,
    "\U0001f6e0",
    "00000000-0000-0000-0000-000000000000",
    "null",
]


class Curious(ImmutableMultiDict[str, str]):
    """Fields that note which names are asked for, and by which page."""

    asked: dict[str, set[str]] = {}

    def note(self, key: object) -> None:
        self.asked.setdefault(request.endpoint or "", set()).add(str(key))

    def get(self, key: Any, *args: Any, **kwargs: Any) -> Any:
        self.note(key)
        return super().get(key, *args, **kwargs)

    def getlist(self, key: Any, *args: Any, **kwargs: Any) -> Any:
        self.note(key)
        return super().getlist(key, *args, **kwargs)

    def __contains__(self, key: object) -> bool:
        self.note(key)
        return super().__contains__(key)


@pytest.fixture
def names(any_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every name of a field that some page or form of ours reads."""
    monkeypatch.setattr(Curious, "asked", {})
    monkeypatch.setitem(any_stage.app.config, "WTF_CSRF_ENABLED", False)
    monkeypatch.setattr(any_stage.app.request_class, "parameter_storage_class", Curious)
    for rule in readings(any_stage.app):
        any_stage.browse("amina").get(any_stage.address(rule))
        any_stage.browse(None).get(any_stage.address(rule))
    for rule, method in doings(any_stage.app):
        any_stage.browse(None).open(any_stage.address(rule), method=method, data={"x": "y"})
        any_stage.browse("amina").open(any_stage.address(rule), method=method, data={"x": "y"})
    return sorted(set().union(*Curious.asked.values()))


def odd_in_paths(stage: Stage, rule: Rule) -> Iterator[str]:
    for name in sorted(rule.arguments):
        for odd in ODD:
            yield stage.address(rule, **{name: odd.replace("%", "%25").replace("?", "")})


@pytest.mark.parametrize("who", [None, "amina"])
def test_an_odd_address_is_never_a_mistake_of_ours(any_stage, who):
    client = any_stage.browse(who)
    for rule in readings(any_stage.app):
        for address in odd_in_paths(any_stage, rule):
            answer = client.get(address)

            assert answer.status_code < 500, address[:200]


@pytest.mark.parametrize("who", [None, "amina"])
def test_odd_words_behind_an_address_are_never_a_mistake_of_ours(any_stage, names, who):
    assert {"q", "place", "category", "machine", "day", "page", "next"} <= set(names)
    client, turn = any_stage.browse(who), cycle(ODD)
    for rule in readings(any_stage.app):
        address = any_stage.address(rule).partition("?")[0]
        for odd in ODD:
            answer = client.get(address, query_string=dict.fromkeys(names, odd))
            assert answer.status_code < 500, (address, odd[:100])
        for name in sorted(Curious.asked.get(rule.endpoint, ())):
            query = {"machine": "laser", name: next(turn)}
            assert client.get(address, query_string=query).status_code < 500, (address, query)


@pytest.mark.parametrize("who", [None, "amina"])
def test_odd_words_in_a_form_are_never_a_mistake_of_ours(any_stage, names, who):
    assert {"purpose", "email", "password", "start", "end_day", "organization"} <= set(names)
    for rule, method in doings(any_stage.app):
        address = any_stage.address(rule)
        for odd in ODD:
            data = dict.fromkeys(names, odd) | {"machine": "laser"}
            answer = any_stage.browse(who).open(address, method=method, data=data)
            assert answer.status_code < 500, (address, odd[:100])


@pytest.mark.parametrize("cookie", ["language", "theme", "view", "session"])
def test_odd_cookies_are_never_a_mistake_of_ours(stage, cookie):
    for odd in ODD:
        client = stage.browse(None)
        client.set_cookie(cookie, odd.replace("\r\n", "").replace("\0", ""))
        for address in ("/", "/machines/laser", "/login", "/bookings/"):
            assert client.get(address).status_code < 500, odd[:100]


HEADERS = ["If-None-Match", "If-Modified-Since", "Range", "Accept-Encoding", "Accept-Language"]


@pytest.mark.parametrize("header", [*HEADERS, "Referer", "Authorization", "X-Forwarded-For"])
def test_odd_headers_are_never_a_mistake_of_ours(stage, header):
    for rule in readings(stage.app):
        for odd in ("", "x" * 5000, "bytes=9-1", 'W/"', "\xff", "é", "Mon, 99 Foo 0000", ",,;q=;"):
            answer = stage.browse("amina").get(stage.address(rule), headers={header: odd})

            assert answer.status_code < 500, (rule.rule, odd[:100])
