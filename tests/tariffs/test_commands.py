"""Saying prices: written in one go or not at all, told in the record, never of the past."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.db import NoSuch, NotAllowed, db
from fablab.machines.inventory import of_place
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Audience, Deed
from fablab.places.kinds import Charged
from fablab.tariffs import commands
from fablab.tariffs.changes import Problem, Wanted
from fablab.tariffs.commands import NewSupply, NotOnThatDay
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.rules import Rate
from tests.support import refusing
from tests.tariffs.conftest import set_price

TODAY, JUNE = date(2027, 3, 29), date(2027, 6, 1)


def say(fablab, first_day, slug="laser", **prices):
    wanted = {None: None} | dict.fromkeys(Audience)
    for name, price in prices.items():
        who = None if name == "everybody" else Audience(name)
        wanted[who] = Wanted(Rate(Decimal(price)))
    return commands.set_prices(
        fablab.place_id,
        fablab.machine(slug).id if slug else None,
        first_day,
        wanted,
        by=fablab.people["amina"],
        now=clock.now(),
    )


def price(fablab, day, audience=None, slug="laser"):
    prices = prices_of(of_place(place_id=fablab.place_id))
    found = prices.price_for(fablab.machine(slug).id if slug else None, audience, day)
    return found and found.rate.price


def noted():
    return db.session.scalars(select(AuditEntry).where(AuditEntry.what == Deed.TARIFF)).all()


def test_a_new_price_ends_the_old_one_the_day_before(any_fablab):
    set_price(any_fablab, "laser", "20")

    assert say(any_fablab, JUNE, everybody="24", resident="12")

    assert price(any_fablab, date(2027, 5, 31), Audience.RESIDENT) == 20
    assert price(any_fablab, JUNE) == 24
    assert price(any_fablab, JUNE, Audience.RESIDENT) == 12
    assert noted()[0].after["prices_from"] == "2027-06-01"


def test_saying_the_same_again_changes_nothing(fablab):
    say(fablab, TODAY, everybody="24")

    assert not say(fablab, JUNE, everybody="24")
    assert len(noted()) == 1


def test_company_has_prices_of_its_own(fablab):
    say(fablab, TODAY, slug=None, everybody="30")

    assert price(fablab, TODAY, slug=None) == 30
    assert price(fablab, TODAY) is None


def test_days_gone_by_keep_their_prices(fablab):
    set_price(fablab, "laser", "20")

    with pytest.raises(NotOnThatDay) as refused:
        say(fablab, date(2027, 3, 28), everybody="24")

    assert refused.value.problem is Problem.PAST
    assert price(fablab, date(2027, 3, 28)) == 20


def test_what_fails_half_way_leaves_the_prices_as_they_were(fablab):
    set_price(fablab, "laser", "20")

    with refusing("audit_entry"):
        say(fablab, JUNE, everybody="24")

    assert price(fablab, JUNE) == 20


def test_a_planned_price_is_withdrawn_and_the_one_before_goes_on(any_fablab):
    set_price(any_fablab, "laser", "20")
    say(any_fablab, JUNE, everybody="24")
    laser = any_fablab.machine("laser").id

    commands.withdraw(
        any_fablab.place_id, laser, JUNE, by=any_fablab.people["amina"], now=clock.now()
    )

    assert price(any_fablab, JUNE) == 20


@pytest.mark.parametrize(
    ("day", "error"), [(date(2026, 1, 1), NotAllowed), (date(2027, 7, 1), NoSuch)]
)
def test_what_began_or_was_never_planned_is_not_withdrawn(fablab, day, error):
    set_price(fablab, "laser", "20")

    with pytest.raises(error):
        commands.withdraw(
            fablab.place_id,
            fablab.machine("laser").id,
            day,
            by=fablab.people["amina"],
            now=clock.now(),
        )


def test_a_supply_has_a_new_price_from_a_day_on(fablab):
    bench = fablab.machine("bench").id
    common = {"by": fablab.people["amina"], "now": clock.now()}
    commands.add_supply(
        fablab.place_id, bench, NewSupply("PLA", "g", Decimal("0.04"), TODAY), **common
    )
    commands.add_supply(
        fablab.place_id, bench, NewSupply("PLA", "g", Decimal("0.05"), JUNE), **common
    )
    with pytest.raises(NotOnThatDay):
        commands.add_supply(
            fablab.place_id, bench, NewSupply("PLA", "g", Decimal("0.06"), TODAY), **common
        )

    prices = prices_of(of_place(place_id=fablab.place_id))

    assert [s.price for s in prices.supplies_of(bench, date(2027, 5, 31))] == [Decimal("0.04")]
    assert [s.price for s in prices.supplies_of(bench, JUNE)] == [Decimal("0.05")]


def test_a_supply_ends_today_and_only_in_its_own_place(fablab):
    bench = fablab.machine("bench").id
    common = {"by": fablab.people["amina"], "now": clock.now()}
    commands.add_supply(
        fablab.place_id, bench, NewSupply("PLA", "g", Decimal("0.04"), TODAY), **common
    )
    [supply] = prices_of(of_place(place_id=fablab.place_id)).supplies

    commands.end_supply(fablab.place_id, supply.uid, **common)

    assert prices_of(of_place(place_id=fablab.place_id)).supplies[0].last_day == TODAY
    with pytest.raises(NoSuch):
        commands.end_supply(fablab.place_id, "another", **common)


def test_how_the_place_counts_is_said_and_told(fablab):
    asked = {"charged": Charged.REAL, "late_percent": 50}
    common = {"by": fablab.people["amina"], "now": clock.now()}

    assert commands.set_terms(fablab.place_id, asked, **common)
    assert not commands.set_terms(fablab.place_id, asked, **common)

    terms = prices_of(of_place(place_id=fablab.place_id)).terms
    assert (terms.charged, terms.late_percent) == (Charged.REAL, 50)
    assert noted()[0].after == {"charged": "real", "late_percent": 50}
