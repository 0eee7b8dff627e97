"""The demonstration place, loaded on any day of the year, on both engines."""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import func, select, text

from fablab import clock, create_app, demo
from fablab.booking import commands, handovers, waits
from fablab.booking.facts import gather
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Acknowledgement, Booking, Consent, Handover, Series, Wait
from fablab.booking.rules import refusals
from fablab.booking.suggestions import acceptable
from fablab.booking.verdicts import Reason
from fablab.clock import whole_day
from fablab.db import db, writing
from fablab.home.queries import on_place
from fablab.invitations import commands as invitations
from fablab.invitations import sessions as session_news
from fablab.machines import guards
from fablab.machines.inventory import Inventory, of_place
from fablab.machines.kinds import Approval, MachineState, OccupancyKind, RiskClass, Status
from fablab.machines.models import Category, Claim, Machine, Occupancy, Pool
from fablab.members import passwords, sessions
from fablab.members.kinds import Role
from fablab.members.models import Member, Membership, RoleHeld
from fablab.members.people import load_person
from fablab.organizations.models import Organization, OrganizationMember, OrganizationYear
from fablab.organizations.rules import is_siren
from fablab.places.kinds import Mode
from fablab.places.models import Place
from fablab.presence.board import board_of
from fablab.presence.names import for_the_team
from fablab.slots import Slot, merged, without
from fablab.statements import months
from fablab.statements import queries as statements
from fablab.statements.gathering import account_of
from fablab.statements.kinds import LineKind, Scope
from fablab.statements.models import Statement
from fablab.statements.rules import Period
from fablab.tariffs import uses
from fablab.tariffs.kinds import Outcome
from fablab.tariffs.price_list import prices_of
from fablab.trainings import queries
from fablab.trainings.models import Qualification, Training
from fablab.trainings.sessions import objections
from tests.conftest import browser
from tests.support import PARIS, Databases, close, instant, settings_for

WEDNESDAY = "2026-11-25 10:40"
CLOCK_CHANGES = [
    "2027-03-26 15:00",  # the clocks go forward that Sunday
    "2027-03-28 03:10",
    "2027-03-29 09:30",
    "2027-10-29 11:00",  # the clocks go back that Sunday
    "2027-10-31 02:30",
]
DAYS = [
    *CLOCK_CHANGES,
    *(f"2026-11-{day} 10:40" for day in range(23, 30)),  # each day of a week
    "2026-12-28 10:40",  # the winter closure
    "2027-05-06 10:00",  # Ascension Day
    "2027-08-10 12:00",  # the summer closure
    "2028-02-29 16:00",
]
DAYTIME = {Mode.SUPERVISED, Mode.RESIDENT}


@pytest.fixture
def load(at: Callable[[str], None]) -> Callable[[str], Inventory]:
    """load("2026-11-25 10:40"): the demonstration, loaded then; the clock stays there."""

    def loaded(when: str) -> Inventory:
        at(when)
        assert demo.load(clock.now())
        return of_place()

    return loaded


@pytest.fixture(scope="module")
def loaded(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the demonstration of that Wednesday, to be copied."""
    url = databases.url("sqlite")
    app = create_app(settings_for(url, tmp_path_factory.mktemp("demonstration")))
    with app.app_context():
        assert demo.load(instant(WEDNESDAY))
    close(app)
    return url


@pytest.fixture
def wednesday(
    loaded: str, make_app: Callable[..., Flask], tmp_path: Path, at: Callable[[str], None]
) -> Iterator[Inventory]:
    """The demonstration as it was loaded that Wednesday, at that hour."""
    copy = tmp_path / "demonstration.sqlite"
    shutil.copyfile(loaded.removeprefix("sqlite:///"), copy)
    at(WEDNESDAY)
    with make_app(DATABASE_URL=f"sqlite:///{copy}").app_context():
        yield of_place()


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def member_id(account: str) -> int:
    return db.session.scalars(select(Member.id).where(Member.email.startswith(account))).one()


def standing(inventory: Inventory, day: date) -> list[Any]:
    rows = on_place(inventory.place.id, whole_day(PARIS, day))
    return [row for of_machine in rows.values() for row in of_machine]


def monday(when: str) -> date:
    day = instant(when).astimezone(PARIS).date()
    return day - timedelta(days=day.weekday())


def test_the_whole_fablab_is_there(wednesday):
    found = {
        model.__name__: count(model)
        for model in (Place, Category, Machine, Pool, Member, Organization, Training)
    }
    assert found == {
        "Place": 1,
        "Category": 10,
        "Machine": 26,  # 24 codes, of which one is a pool of three
        "Pool": 1,
        "Member": 20,
        "Organization": 12,
        "Training": 16,
    }


def test_every_machine_tells_its_whole_story(wednesday):
    slugs = [f"m{n:02}" for n in range(1, 25) if n != 5]
    assert sorted(wednesday.by_slug) == sorted([*slugs, "m05a", "m05b", "m05c"])
    for machine in wednesday.machines:
        assert machine.code.lower() == machine.slug
        assert machine.model
        assert machine.location
        assert machine.specs
        assert machine.notes
    printers = [wednesday.by_slug[slug] for slug in ("m05a", "m05b", "m05c")]
    assert [m.slug for m in wednesday.equivalents(printers[0])][:2] == ["m05b", "m05c"]
    owners = select(Machine.slug, Organization.name).join(
        Organization, Organization.id == Machine.owner_id
    )
    assert {row.slug: row.name for row in db.session.execute(owners)} == {
        "m06": "Studio Fil à Plomb",
        "m15": "Ébénisterie Trame & Placage",
        "m16": "Facture Sacqueboute",
        "m18": "Forge du Petit Bief",
        "m21": "Terre & Cardes",
    }
    unnumbered = select(Machine.slug).where(Machine.asset_number == "", Machine.owner_id.is_(None))
    assert not db.session.scalars(unnumbered).all()


def test_the_metal_lathe_is_locked_out_and_says_why(wednesday):
    lathe = wednesday.by_slug["m19"]

    assert lathe.state is MachineState.LOCKED_OUT
    assert lathe.state_reason == "Courroie à remplacer"
    assert lathe.back_on == date(2026, 12, 5)


def test_hours_and_days_off_are_those_of_the_place(wednesday):
    schedule = wednesday.schedule

    def hours(day: str, *modes: Mode) -> list[str]:
        spans = schedule.open_time(date.fromisoformat(day), date.fromisoformat(day), modes)
        return [f"{s.start.astimezone(PARIS):%H:%M}-{s.end.astimezone(PARIS):%H:%M}" for s in spans]

    assert hours("2026-11-24", Mode.SUPERVISED) == ["14:00-20:00"]
    assert hours("2026-11-24", Mode.RESIDENT) == ["09:00-14:00"]
    assert hours("2026-11-25", *Mode) == ["00:00-00:00"]
    assert hours("2026-12-05", Mode.SUPERVISED) == ["10:00-17:00"]  # first Saturday
    assert not hours("2026-12-12", Mode.SUPERVISED)
    assert schedule.day_off(date(2026, 12, 24)) == "Fermeture d'hiver"
    assert schedule.day_off(date(2027, 1, 2)) == "Fermeture d'hiver"
    assert schedule.day_off(date(2027, 8, 21)) == "Fermeture d'été"
    assert schedule.day_off(date(2027, 7, 14)) == "Fête nationale"
    assert schedule.day_off(date(2026, 12, 19)).startswith("Journée portes ouvertes")


@pytest.mark.parametrize(
    ("slug", "who", "told"),
    [
        ("m01", "resident", {"maximum": timedelta(hours=3), "level": 2, "horizon_days": 45}),
        ("m01", "individual", {"weekly_bookings": 2, "quota_risky": timedelta(hours=6)}),
        ("m01", "staff", {"weekly_bookings": 0, "quota_risky": timedelta(0), "bookings_ahead": 0}),
        ("m02", "individual", {"maximum": timedelta(hours=2), "horizon_days": 21}),
        ("m02", "association", {"bookings_ahead": 4, "one_at_a_time": True}),
        ("m02", "professional", {"quota_risky": timedelta(hours=16), "bookings_ahead": 8}),
        ("m02", "cooperative", {"quota_risky": timedelta(hours=24), "one_at_a_time": False}),
        ("m03", "resident", {"buddy": True, "approval": Approval.FIRST, "youngest": "adult"}),
        ("m03", "staff", {"cleanup": timedelta(minutes=15), "horizon_days": 365}),
        ("m05b", "reduced", {"maximum": timedelta(hours=16), "modes": frozenset(Mode)}),
        ("m05b", "individual", {"units": 2, "last_minute": timedelta(hours=4)}),
        ("m07", "resident", {"youngest": "from_16", "free_cancellation": timedelta(days=1)}),
        ("m13", "professional", {"modes": frozenset({Mode.SUPERVISED}), "horizon_days": 30}),
        ("m15", "individual", {"is_open": False}),
        ("m15", "cooperative", {"is_open": True, "level": 3, "owner_approval": True}),
        ("m16", "resident", {"youngest": "adult", "buddy": False}),
        ("m20", "association", {"level": 0, "notice": timedelta(minutes=30)}),
        ("m21", "resident", {"minimum": timedelta(hours=12), "cooling": timedelta(hours=12)}),
        ("m24", "reduced", {"whole_days": True, "modes": frozenset({Mode.SUPERVISED})}),
    ],
)
def test_each_machine_has_its_rules_for_each_audience(wednesday, slug, who, told):
    policy = wednesday.by_slug[slug].policy_for(who)

    assert {name: getattr(policy, name) for name in told} == told


def test_what_machines_share_has_its_capacity(wednesday):
    shared = {
        machine.slug: [(resource.name, resource.capacity) for resource in machine.resources]
        for machine in wednesday.machines
        if machine.resources
    }

    extraction = [("Filtration et extraction laser", 1)]
    dust, room = [("Aspiration centralisée bois", 2)], [("Salle textile", 4)]
    assert shared == {
        **dict.fromkeys(("m01", "m02"), extraction),
        **dict.fromkeys(("m03", "m13", "m14", "m15"), dust),
        **dict.fromkeys(("m10", "m11", "m12"), room),
    }


def test_every_booking_and_session_takes_a_seat_of_what_its_machine_shares(wednesday):
    claims: dict[int, list[Slot]] = {}
    for claim in db.session.scalars(select(Claim).order_by(Claim.claimed_from)):
        part = Slot(claim.claimed_from, claim.claimed_until)
        claims.setdefault(claim.occupancy_id, []).append(part)
    shared = [machine.id for machine in wednesday.machines if machine.resources]

    rows = db.session.execute(
        select(Occupancy.__table__).where(
            Occupancy.standing,
            Occupancy.kind != OccupancyKind.OUTAGE,
            Occupancy.machine_id.in_(shared),
        )
    ).all()
    assert {row.id: [Slot(row.occupied_from, row.occupied_until)] for row in rows} == {
        occupancy_id: merged(parts) for occupancy_id, parts in claims.items()
    }


def test_everybody_needed_has_agreed_to_what_is_confirmed(wednesday):
    asked: dict[int, list[Consent]] = {}
    for consent in db.session.scalars(select(Consent)):
        asked.setdefault(consent.occupancy_id, []).append(consent)
    rows = db.session.scalars(
        select(Booking).where(Booking.standing, Booking.starts_at > clock.now())
    ).all()

    assert any(row.buddy_id for row in rows)
    for row in rows:
        consents = asked.get(row.id, [])
        with_whom = [c.asked_id for c in consents if c.kind is ConsentKind.BUDDY]
        assert with_whom == ([row.buddy_id] if row.buddy_id else [])
        needs = wednesday.by_id[row.machine_id].policy_for(None).buddy
        assert needs == (row.buddy_id is not None)
        waits = any(consent.answer is None for consent in consents)
        assert waits == (row.status is Status.PENDING)


def test_whoever_is_trained_has_read_what_the_machine_asks_for(wednesday):
    noa = db.session.scalars(select(Acknowledgement).filter_by(member_id=member_id("noa"))).all()

    read = {wednesday.by_id[one.machine_id].slug: one.text_hash for one in noa}
    assert set(read) == {"m01", "m02", "m03"}
    assert all(text == wednesday.by_slug[slug].safety_hash for slug, text in read.items())
    for machine in wednesday.machines:
        assert machine.safety or machine.risk_class not in (RiskClass.C, RiskClass.D)


def test_nobody_is_real(wednesday):
    addresses = [
        *db.session.scalars(select(Member.email)),
        *db.session.scalars(select(Place.email)),
    ]
    assert all(address.endswith(".example") for address in addresses)
    numbers = db.session.scalars(select(Member.phone)).all()
    assert all(number.startswith("+33 6 39 98 ") for number in numbers)  # kept for fiction


def test_everyone_signs_in_with_the_same_password(wednesday):
    kept = set(db.session.scalars(select(Member.password_hash)))
    assert len(kept) == 1
    assert passwords.matches(kept.pop(), demo.PASSWORD)


def test_the_accounts_told_are_members(wednesday):
    for email, said in demo.ACCOUNTS:
        assert db.session.scalar(select(Member.id).where(Member.email == email))
        assert said


def test_roles_managers_and_memberships_are_as_told(wednesday):
    roles = db.session.execute(
        select(Member.first_name, RoleHeld.role)
        .join(Membership, Membership.member_id == Member.id)
        .join(RoleHeld)
    )
    assert Counter(role.value for _, role in roles) == {
        "administrator": 1,
        "fabmanager": 2,
        "accountant": 1,
        "referent": 4,
    }
    managers = db.session.scalars(select(OrganizationMember).filter_by(is_manager=True)).all()
    assert len(managers) == 7
    yael = db.session.get(Member, member_id("yael"))
    assert yael.is_minor
    assert yael.guardian_agreed_on
    elie = db.session.scalars(select(Membership).filter_by(member_id=member_id("elie"))).one()
    assert elie.suspension_reason == "3 absences en 90 jours"
    lois = db.session.scalars(select(Membership).filter_by(member_id=member_id("lois"))).one()
    assert lois.expires_on == date(2026, 10, 26)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("when", ["2026-11-23 09:00", "2026-11-25 10:00", "2026-12-25 12:00"])
def test_sessions_of_three_trainings_are_ahead_with_people_and_machines(load, when):
    inventory = load(when)

    rows = queries.sessions_ahead(inventory.place.id, clock.now())

    assert sorted((row.training_code, row.seated) for row in rows) == [
        ("F-ACC", 1),
        ("F-LAS", 2),
        ("F-TOUP", 1),
    ]
    assert sorted(unit.slug for row in rows for unit in queries.machines_of(row.id)) == [
        "m01",
        "m15",
        "m23",
    ]
    for row in rows:
        assert row.trainer_uid
        for person in queries.people(row.id):
            assert objections(row, person.member_id, None, clock.now()) == []


def test_nobody_qualified_themselves(wednesday):
    given = db.session.execute(select(Qualification.member_id, Qualification.given_by_id)).all()
    assert given
    assert all(by and by != who for who, by in given)


@pytest.mark.parametrize("when", DAYS)
def test_any_day_it_loads_and_the_planning_is_alive(app, load, when):
    inventory = load(when)

    no_machine_is_taken_twice()
    for offset in range(14):
        day = monday(when) + timedelta(days=offset)
        rows = standing(inventory, day)
        booked = [row for row in rows if row.member_id]
        open_time = inventory.schedule.open_time(day, day, DAYTIME)
        assert rows, f"{day} is empty"
        if inventory.schedule.day_off(day):
            assert not booked
        elif open_time:
            assert len({row.machine_id for row in booked}) >= 6
            for laser in ("m01", "m02"):
                taken = [
                    Slot(row.occupied_from, row.occupied_until)
                    for row in rows
                    if row.machine_id == inventory.by_slug[laser].id
                ]
                left = without(open_time, taken)
                assert any(part.duration >= timedelta(hours=1) for part in left), f"{laser} {day}"


@pytest.mark.parametrize("when", CLOCK_CHANGES)
def test_postgresql_takes_it_too(make_app, load, when):
    with make_app("postgresql").app_context():
        load(when)

        no_machine_is_taken_twice()


def no_machine_is_taken_twice() -> None:
    rows = db.session.execute(
        select(Occupancy.machine_id, Occupancy.occupied_from, Occupancy.occupied_until)
        .where(Occupancy.status.in_((Status.CONFIRMED, Status.PENDING)))
        .order_by(Occupancy.machine_id, Occupancy.occupied_from)
    ).all()
    for one, after in pairwise(rows):
        assert one.machine_id != after.machine_id or one.occupied_until <= after.occupied_from


@pytest.mark.parametrize("when", [WEDNESDAY, "2027-03-26 15:00", "2027-10-25 09:00"])
def test_what_is_confirmed_ahead_is_what_the_rules_accepted(app, load, when):
    inventory = load(when)

    rows = db.session.execute(
        select(Occupancy.__table__, Machine.slug)
        .join(Machine)
        .where(Occupancy.member_id.is_not(None), Occupancy.starts_at > clock.now())
        .where(Occupancy.status == Status.CONFIRMED)
    ).all()
    assert len(rows) > 100
    for row in rows:
        slot = Slot(row.starts_at, row.ends_at)
        facts = gather(
            inventory,
            inventory.by_id[row.machine_id],
            row.member_id,
            slot,
            now=row.created_at,
            organization_id=row.organization_id,
            moving=row.id,
            buddy_id=row.buddy_id,
        )
        assert not refusals(slot, facts), f"{row.slug} {slot}"


def test_nothing_was_booked_after_the_loading(wednesday):
    written = select(func.max(Occupancy.created_at), func.max(Occupancy.changed_at))
    assert all(instant <= clock.now() for instant in db.session.execute(written).one())


def test_nobody_is_written_to_about_what_was_loaded(wednesday):
    assert invitations.tell(clock.now()) == 0
    assert session_news.tell(clock.now()) == 0


def test_what_was_used_is_worth_what_was_shown_and_less_when_nobody_came(wednesday):
    inventory, now = of_place(place_id=1), clock.now()
    prices = prices_of(inventory)
    span = Slot(now - timedelta(days=60), now)

    found = uses.uses_of(uses.place_wide(1), span, now=now)

    assert {use.outcome for use in found} == set(Outcome)
    amounts = {use.uid: uses.priced(use, prices).amount() for use in found}
    assert all(use.quoted is not None for use in found)
    used = [use for use in found if use.outcome is Outcome.USED]
    assert all(amounts[use.uid] == use.quoted for use in used)
    assert any(amounts.values())
    assert uses.consumed_in(uses.place_wide(1), span, now=now)


def test_of_last_month_some_statements_are_closed_and_others_open(wednesday):
    october = Period(date(2026, 10, 1), date(2026, 10, 31))

    entries = months.month_of(october, wednesday, clock.now()).entries

    closed = {each.subject.scope: each for each in entries if not each.is_open}
    assert set(closed) == {Scope.ORGANIZATION, Scope.ACTIVITY, Scope.OWNER}
    assert closed[Scope.ACTIVITY].subject.activity == "Luminaires"
    assert closed[Scope.OWNER].total.share > 0
    rows = {row.uid: row for row in statements.heads(Statement.place_id == wednesday.place.id)}
    for each in closed.values():
        total = each.total.share if each.subject.scope is Scope.OWNER else each.total.amount
        assert rows[each.statement.uid].amount == total
    assert {each.subject.scope for each in entries if each.is_open} == set(Scope)
    activities = {each.subject.activity for each in entries if each.subject.activity}
    assert activities == {"Luminaires", "Scénographie papier"}


def test_what_is_closed_corrects_nothing_the_month_after(wednesday):
    november = Period(date(2026, 11, 1), date(2026, 11, 24))
    [row] = [
        row
        for row in statements.heads(Statement.first_day == date(2026, 10, 1))
        if row.scope is Scope.OWNER
    ]
    subject = statements.subject(Scope.OWNER, row.slug, "", wednesday.place.id)

    lines = account_of(subject, november, wednesday, clock.now()).lines

    assert lines
    assert all(line.kind is not LineKind.CORRECTION for line in lines)


def test_every_organization_has_an_invented_siren_and_declared_its_years(wednesday):
    rows = db.session.execute(select(Organization.id, Organization.siren)).all()
    declared = set(db.session.scalars(select(OrganizationYear.organization_id)))

    # Those of local authorities begin with 2, and none of these is one.
    assert all(is_siren(row.siren) and row.siren.startswith("29999") for row in rows)
    assert declared == {row.id for row in rows}


def test_noa_comes_every_week(wednesday):
    """Behind and ahead, the same hours on the same day of the week."""
    rows = db.session.execute(
        select(Occupancy.starts_at, Series.every_weeks, Series.member_id, Series.created_at)
        .join(Series, Series.id == Occupancy.series_id)
        .where(Occupancy.member_id == Series.member_id)
        .order_by(Occupancy.starts_at)
    ).all()

    assert {row.member_id for row in rows} == {member_id("noa")}
    assert {row.every_weeks for row in rows} == {1}
    assert rows[0].starts_at < clock.now() < rows[-1].starts_at
    walls = {row.starts_at.astimezone(PARIS) for row in rows}
    assert {(wall.weekday(), wall.hour) for wall in walls} == {(0, 9)}


def test_the_diary_is_the_same_at_every_loading(app, make_app, load):
    def told() -> list[Any]:
        columns = (Machine.slug, Occupancy.starts_at, Occupancy.status, Occupancy.title)
        return db.session.execute(select(*columns).join(Machine).order_by(Occupancy.id)).all()

    load(WEDNESDAY)
    once = told()
    with make_app().app_context():
        demo.load(clock.now())
        assert told() == once


def test_past_weeks_have_all_that_can_become_of_a_booking(wednesday):
    statuses = db.session.scalars(
        select(Occupancy.status).where(
            Occupancy.member_id == member_id("noa"), Occupancy.ends_at < clock.now()
        )
    ).all()
    assert len(statuses) > 10
    everyones = db.session.scalars(select(Occupancy.status).distinct()).all()
    assert set(everyones) == set(Status)


# -- the main accounts do what the sign-in page says of them


def order(account: str, machine: str, slot: Slot) -> commands.Order:
    inventory = of_place()
    return commands.Order(
        inventory.by_slug[machine].id, inventory.place.id, slot, member_id(account)
    )


def book(account: str, machine: str, slot: Slot) -> str:
    return commands.book(order(account, machine, slot), by=member_id(account), now=clock.now())


def free_today(machine: str, account: str = "noa") -> Slot:
    """The next free half-hour of the machine today: its Tuesday is told nearly full."""
    inventory, who = of_place(), member_id(account)
    today = clock.today(PARIS, clock.now())
    laser = inventory.by_slug[machine]
    facts = gather(inventory, laser, who, whole_day(PARIS, today), now=clock.now())
    return next(acceptable(facts, today, today, timedelta(minutes=30)))


@pytest.mark.parametrize("day", range(23, 28))
def test_noa_books_the_lasers_today(app, load, day):
    load(f"2026-11-{day} 10:40")

    for laser in ("m01", "m02"):
        assert book("noa", laser, free_today(laser))


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ("sasha", Reason.UNQUALIFIED),
        ("andrea", Reason.NOT_VALID_THEN),
        ("elie", Reason.SUSPENDED),
        ("lois", Reason.MEMBERSHIP_EXPIRED),
    ],
)
def test_others_are_refused_the_laser_for_the_reason_told(wednesday, account, reason):
    with pytest.raises(commands.BookingRefused) as refused:
        book(account, "m02", free_today("m02"))

    found = {refusal.reason for refusal in refused.value.refusals}
    also = {Reason.UNQUALIFIED} if account in ("elie", "lois") else set()
    # They may be at another machine at that hour.
    assert found - {Reason.TWO_AT_ONCE} == {reason} | also


def test_sasha_books_what_asks_for_no_qualification(wednesday):
    slot = free_today("m20", "sasha")

    assert book("sasha", "m20", slot)


def test_noa_waits_for_what_others_have_booked(wednesday):
    rows = db.session.execute(
        select(Wait.__table__, Member.email)
        .join(Member, Member.id == Wait.member_id)
        .order_by(Wait.created_at, Wait.id)
    ).all()
    noa = "noa.perrinelle@filplomb.example"

    assert [row.email for row in rows].count(noa) == 2
    assert rows[0].email != noa  # somebody came before her
    for row in rows:
        taken = select(Occupancy.member_id).where(
            Occupancy.machine_id == row.machine_id,
            Occupancy.standing,
            Occupancy.starts_at == row.starts_at,
            Occupancy.ends_at == row.ends_at,
        )
        assert db.session.scalar(taken) not in (None, row.member_id)
    # Nothing is free where they wait, and what goes is theirs.
    assert waits.look(clock.now()) == 0
    cancelled = db.session.scalar(
        select(Occupancy.uid).where(
            Occupancy.machine_id == rows[0].machine_id, Occupancy.starts_at == rows[0].starts_at
        )
    )
    camille = db.session.scalar(select(Member.id).where(Member.email.startswith("camille.")))
    commands.cancel(cancelled, by=camille, is_team=True, now=clock.now())
    db.session.rollback()
    assert db.session.scalar(select(Wait.offered_id).where(Wait.id == rows[0].id))


def test_noa_is_offered_a_booking_that_she_may_take_over(wednesday):
    [offered] = db.session.execute(select(Handover.__table__)).all()
    asked = select(Occupancy.revision).where(Occupancy.id == offered.occupancy_id)
    seen = handovers.Acceptance(db.session.scalars(asked).one())

    uid = handovers.accept(offered.uid, seen, by=offered.offered_to_id, now=clock.now())

    taken = select(Member.email).join(Occupancy, Occupancy.member_id == Member.id)
    noa = db.session.scalar(taken.where(Occupancy.uid == uid))
    assert noa == "noa.perrinelle@filplomb.example"


def test_today_somebody_is_here_somebody_late_somebody_absent_and_others_come(wednesday):
    with current_app.test_request_context():
        board = board_of(wednesday, clock.now(), name=for_the_team)
        states = Counter(each.state for each in board.arrivals)
        (arrived, *_), (expected, *_), (absent, *_) = board.counts

    assert states["late"] >= 1
    assert states["here"] >= 1
    assert (arrived > 0, expected > 0, absent) == (True, True, 1)


def test_who_came_earlier_has_hours_of_their_own(wednesday):
    past = Booking.ends_at < clock.now() - timedelta(days=1)
    seen = db.session.scalars(select(Booking).where(past, Booking.status == Status.CONFIRMED))

    hours = {(b.arrived_at, b.left_at) == (b.starts_at, b.ends_at) for b in seen if b.left_at}

    assert False in hours


def test_camille_runs_the_place(wednesday):
    place_id = wednesday.place.id

    camille = load_person(member_id("camille"))

    assert camille.manages(place_id)
    assert Role.ADMINISTRATOR in camille.standings[place_id].roles
    assert book("camille", "m01", free_today("m01"))


@pytest.mark.parametrize("when", [WEDNESDAY, "2026-12-25 10:00", "2027-10-31 02:30"])
def test_every_page_of_the_place_can_be_read(any_app, load, when):
    load(when)

    days = [monday(when) + timedelta(days=n) for n in range(-1, 9)]
    machines = [f"/machines/{slug}" for slug in ("m01", "m05a", "m15", "m19", "m21", "m24")]
    for who in (None, "camille", "noa"):
        client = browser(any_app, None)
        if who:
            sign_in(client, member_id(who))
        feed = "/machines/m01/calendar.ics"
        for page in ("/", "/machines/", feed, *machines, *(f"/planning/{day}" for day in days)):
            assert client.get(page).status_code == 200, page


# -- what it does not touch


def test_loading_again_changes_nothing(any_app, load, at):
    load(WEDNESDAY)
    uids = set(db.session.scalars(select(Occupancy.uid)))

    at("2026-12-09 08:00")

    assert demo.load(clock.now()) is False
    assert set(db.session.scalars(select(Occupancy.uid))) == uids


def test_somebody_who_joined_the_demonstration_does_not_stop_it_from_starting(wednesday):
    add_somebody()

    assert demo.load(clock.now()) is False


def test_it_refuses_a_place_that_is_not_its_own(any_fablab):
    with pytest.raises(demo.DemoRefused):
        demo.load(clock.now())

    assert count(Place) == 1
    assert not count(Occupancy)


def test_it_refuses_a_database_with_a_member_and_no_place(any_app):
    add_somebody()

    with pytest.raises(demo.DemoRefused):
        demo.load(clock.now())

    assert not count(Place)


def test_a_real_place_of_the_same_name_is_not_taken_for_it(app):
    with writing() as session:
        session.add(Place(slug="les-usines", name="Les Usines", created_at=clock.now()))

    with pytest.raises(demo.DemoRefused):
        demo.load(clock.now())


def test_nothing_is_loaded_without_the_guard(app):
    with writing() as session:
        session.execute(text("DROP TRIGGER occupancy_no_overlap_insert"))

    with pytest.raises(guards.GuardMissing):
        demo.load(clock.now())

    assert not count(Place)


# -- the command


def test_the_command_loads_it_once_and_tells_the_accounts(app):
    first, second = (app.test_cli_runner().invoke(args=["demo"]) for _ in range(2))

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "is loaded" in first.output
    assert "already" in second.output
    for told in ("camille.aubrelle@usines.example", "demo-les-usines"):
        assert told in first.output
        assert told in second.output
    assert count(Place) == 1


def test_the_command_refuses_real_data_in_one_line(fablab, app):
    refused = app.test_cli_runner().invoke(args=["demo"])

    assert refused.exit_code == 1
    assert re.fullmatch(r"Error: .+ has data of its own.+\n", refused.output)


def add_somebody() -> None:
    with writing() as session:
        session.add(
            Member(
                uid="somebody",
                email="somebody@elsewhere.example",
                first_name="Some",
                last_name="Body",
                created_at=clock.now(),
            )
        )


def sign_in(client: Any, who: int) -> None:
    with client.session_transaction() as session:
        session.update(sessions.contents(who, 0, is_shared=False, now=clock.now()))
