"""A month computed twice: by the program, and by a script that reads the exported tables alone."""

import ast
import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from fablab import clock, demo
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Status
from fablab.members.kinds import Audience
from fablab.places.kinds import Charged
from fablab.slots import Slot
from fablab.statements import canon, months, sources
from fablab.statements.gathering import account_of
from fablab.statements.kinds import LineKind, Scope
from fablab.statements.rules import Period
from fablab.tariffs.kinds import Unit
from tests.conftest import share
from tests.statements import independent
from tests.statements.conftest import MARCH
from tests.statements.test_gathering import consume
from tests.support import instant

OCTOBER = Period(date(2027, 10, 1), date(2027, 10, 31))


def write(folder, inventory, period):
    for name, text in sources.tables(inventory, period).items():
        (folder / name).write_text(text, "utf-8")


def by_booking(lines):
    """Minutes booked and covered, and cents: of the machine, of company, of what was used up."""
    found = defaultdict(lambda: [0, 0, 0, 0, 0])
    for line in lines:
        numbers, cents = found[line.booking], int(line.amount * 100)
        numbers[0] += line.booked
        numbers[1] += line.drawn
        numbers[{LineKind.COMPANY: 3, LineKind.SUPPLY: 4}.get(line.kind, 2)] += cents
    return {uid: tuple(numbers) for uid, numbers in found.items()}


def owners_by_booking(lines):
    """Minutes booked, and cents: of all and of theirs."""
    return {
        line.booking: (line.booked, int(line.amount * 100), int(line.share * 100)) for line in lines
    }


def both(folder, inventory, period, now):
    """By subject, what either computed. Allowances are counted from the first day that is told."""
    month = months.month_of(period, inventory, now)
    days = (str(period.first), str(period.last))
    found = {}
    for entry in month.entries:
        subject = entry.subject
        lines = account_of(subject, period, inventory, now).lines
        if subject.scope is Scope.OWNER:
            theirs = independent.owners_statement(folder, subject.of, *days)
            found[subject.key] = owners_by_booking(lines), theirs
        elif subject.scope in (Scope.ORGANIZATION, Scope.MEMBER):
            of = canon.reference(subject.of) if subject.is_member else subject.of
            theirs = independent.statement(folder, subject.scope, of, *days)
            found[subject.key] = by_booking(lines), theirs
    return found


def test_the_script_knows_nothing_of_the_program():
    tree = ast.parse(Path(independent.__file__).read_text("utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert not imported & {"fablab", "decimal", "tests"}


@pytest.mark.parametrize("charged", list(Charged))
def test_a_month_computed_twice_is_equal_to_the_minute_and_the_cent(
    any_workshop, tmp_path, charged
):
    workshop = any_workshop
    fill(workshop, charged)
    now = instant("2027-11-02 09:00")
    write(tmp_path, workshop.inventory, Period(date(2027, 9, 1), OCTOBER.last))

    found = both(tmp_path, workshop.inventory, OCTOBER, now)

    assert len(found) == 4
    for ours, theirs in found.values():
        assert ours == theirs
    lines = [numbers for ours, _ in found.values() for numbers in ours.values()]
    assert len(lines) > 60
    assert all(any(numbers[n] for numbers in lines) for n in range(5))
    assert any(numbers[0] == 180 for numbers in lines)


def test_an_owners_month_computed_twice_is_equal(workshop, tmp_path):
    fill(workshop, Charged.BOOKED)
    share(workshop.fablab, "laser", share=Decimal("33.33"), last_day=date(2027, 10, 11))
    share(workshop.fablab, "laser", share=Decimal("62.5"), first_day=date(2027, 10, 19))
    now = instant("2027-11-02 09:00")
    write(tmp_path, workshop.inventory, OCTOBER)

    subject = workshop.subject(Scope.OWNER)
    ours, theirs = both(tmp_path, workshop.inventory, OCTOBER, now)[subject.key]

    assert ours == theirs
    assert len(ours) > 20
    assert any(amount and not part for _, amount, part in ours.values())


def test_the_demonstrations_last_month_computed_twice_is_equal(any_app, tmp_path, at):
    """Of everybody who used anything in October 2027, at the end of which the clocks go back."""
    at("2027-11-03 10:40")
    now = clock.now()
    assert demo.load(now)
    inventory = of_place()
    write(tmp_path, inventory, Period(date(2027, 1, 1), OCTOBER.last))

    found = both(tmp_path, inventory, OCTOBER, now)

    for key, (ours, theirs) in found.items():
        assert ours == theirs, key
    assert {key.split(":")[0] for key in found} == {"organization", "member", "owner"}
    assert len(found) > 12
    assert sum(len(ours) for ours, _ in found.values()) > 150


def fill(workshop, charged):
    """A lively month, always the same; a night in which the clocks go back among it."""
    chance = random.Random(20271031)
    workshop.terms(late_percent=50, missed_percent=100, charged=charged)
    workshop.price("laser", "17.35", audience=Audience.REDUCED, included=timedelta(minutes=10))
    workshop.price("laser", "9.99", audience=Audience.RESIDENT, unit=Unit.FLAT)
    workshop.price("bench", "7.50", audience=Audience.RESIDENT, unit=Unit.DAY)
    workshop.price("bench", "11.11", audience=Audience.REDUCED, minimum=timedelta(hours=1))
    workshop.grant(500, first_day=date(2027, 9, 20))
    workshop.grant(90, is_monthly=True, is_shared=False, categories=["laser"])
    bruno = workshop.fablab.people["bruno"]
    workshop.grant(200, organization_id=None, member_id=bruno, is_shared=False)
    night = Slot(instant("2027-10-31 01:30"), instant("2027-10-31 03:30"))
    workshop.for_studio("bench", night)
    for n in range(120):
        start = instant("2027-09-10 06:00") + timedelta(hours=10 * n, minutes=chance.randrange(60))
        span = Slot.lasting(start, timedelta(minutes=chance.randrange(15, 400)))
        use(workshop, chance, span)


def use(workshop, chance, span):
    arrived = span.start + timedelta(seconds=chance.randrange(900))
    status = chance.choice([Status.CONFIRMED] * 6 + [Status.CANCELLED, Status.MISSED])
    is_there = status is Status.CONFIRMED and chance.random() < 0.6
    uid = workshop.used(
        chance.choice(["laser", "bench"]),
        span,
        chance.choice(["bruno", "chloe", "zoe"]),
        organization_id=chance.choice([None, workshop.fablab.organization_id]),
        audience=chance.choice([None, Audience.REDUCED, Audience.RESIDENT]),
        status=status,
        arrived_at=arrived if is_there else None,
        left_at=arrived + timedelta(seconds=chance.randrange(60, 20_000)) if is_there else None,
        is_accompanied=chance.random() < 0.2,
    )
    if status is Status.CANCELLED and chance.random() < 0.7:
        workshop.mark(uid)
    if is_there and chance.random() < 0.1:
        consume(workshop, uid, f"Plywood {uid}", "4.15", "2.5")


def test_what_is_exported_names_nobody(workshop):
    workshop.for_studio("laser", "2027-03-30 10:00-11:00", "chloe")

    text = "".join(sources.tables(workshop.inventory, MARCH).values())

    assert "Chloé" not in text
    assert "atelier.example" not in text
