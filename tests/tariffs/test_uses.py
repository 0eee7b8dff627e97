"""Which bookings are uses, and what each is worth."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.booking import commands
from fablab.db import add_row, db, writing
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.members import marks
from fablab.members.kinds import Audience, MarkKind
from fablab.members.models import Mark
from fablab.places.kinds import Charged
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.tariffs.kinds import Outcome
from fablab.tariffs.models import Consumption, Supply
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.uses import (
    company_priced,
    consumed_in,
    need_of,
    of_member_alone,
    of_organization,
    of_owner,
    place_wide,
    uses_of,
)
from fablab.tariffs.uses import priced as priced_at
from tests.support import counting, instant, slot
from tests.tariffs.conftest import set_price, set_supply

MARCH = Slot(instant("2027-03-01 00:00"), instant("2027-04-01 00:00"))
LATER = "2027-04-02 09:00"
HOURS = slot("2027-03-30 10:00-11:30")


@pytest.fixture
def stage(priced):
    return priced


@pytest.fixture
def any_stage(any_fablab):
    set_price(any_fablab, "laser", "28")
    return any_fablab


def uses(fablab, scope=None, now=LATER):
    narrowed = place_wide(fablab.place_id) if scope is None else scope
    return uses_of(narrowed, MARCH, now=instant(now))


def change(uid, **columns):
    with writing() as session:
        session.execute(update(Occupancy.__table__).where(Occupancy.uid == uid).values(**columns))


def mark(fablab, uid, kind, **columns):
    occupancy_id = db.session.scalar(db.select(Occupancy.id).where(Occupancy.uid == uid))
    with writing() as session:
        add_row(
            session,
            Mark,
            uid=f"mark of {uid}",
            member_id=fablab.people["bruno"],
            place_id=fablab.place_id,
            occupancy_id=occupancy_id,
            kind=kind,
            made_at=clock.now(),
            **{"lift_reason": ""} | columns,
        )
    change(uid, is_late=kind is MarkKind.LATE, is_excused="lifted_at" in columns)


def terms(fablab, **columns):
    with writing() as session:
        place = session.get(Place, fablab.place_id)
        for name, value in columns.items():
            setattr(place, name, value)


def prices(fablab):
    return prices_of(of_place(place_id=fablab.place_id))


def test_what_is_over_is_a_use_and_says_all_that_amounts_need(stage):
    uid = stage.book("laser", HOURS, "bruno")

    [use] = uses(stage)

    assert (use.uid, use.machine_code, use.category, use.outcome) == (
        uid,
        "L1",
        "laser",
        Outcome.USED,
    )
    assert (use.booked, use.day, use.days) == (HOURS, date(2027, 3, 30), 1)
    assert use.audience is Audience.INDIVIDUAL
    assert use.member_id == stage.people["bruno"]


@pytest.mark.parametrize(("now", "count"), [("2027-03-30 11:29", 0), ("2027-03-30 11:30", 1)])
def test_a_booking_is_a_use_once_it_is_over(stage, now, count):
    stage.book("laser", HOURS, "bruno")

    assert len(uses(stage, now=now)) == count


@pytest.mark.parametrize(
    ("status", "marked", "lifted", "outcome"),
    [
        (Status.PENDING, None, False, None),
        (Status.CANCELLED, None, False, None),
        (Status.CANCELLED, MarkKind.LATE, False, Outcome.LATE),
        (Status.CANCELLED, MarkKind.LATE, True, None),
        (Status.MISSED, MarkKind.MISSED, False, Outcome.MISSED),
        (Status.MISSED, None, False, Outcome.MISSED),  # the mark is forgotten after a year
        (Status.MISSED, MarkKind.MISSED, True, None),
    ],
)
def test_what_was_late_or_missed_counts_until_its_mark_is_lifted(
    any_stage, status, marked, lifted, outcome
):
    uid = any_stage.book("laser", HOURS, "bruno")
    change(uid, status=status, standing=status is Status.PENDING)
    if marked:
        why = {"lifted_at": clock.now(), "lift_reason": "The bus"} if lifted else {}
        mark(any_stage, uid, marked, **why)

    assert [use.outcome for use in uses(any_stage)] == ([outcome] if outcome else [])


@pytest.mark.parametrize("kind", list(MarkKind))
@pytest.mark.parametrize("is_lifted", [False, True])
def test_what_was_decided_of_it_stays_when_its_mark_is_forgotten(any_stage, kind, is_lifted):
    uid, now = any_stage.book("laser", HOURS, "bruno"), clock.now()
    status = Status.CANCELLED if kind is MarkKind.LATE else Status.MISSED
    change(uid, status=status, standing=False)
    bruno, amina = any_stage.people["bruno"], any_stage.people["amina"]
    occupancy_id = db.session.scalar(db.select(Occupancy.id).where(Occupancy.uid == uid))
    with writing() as session:
        marks.mark(session, bruno, any_stage.place_id, occupancy_id, kind, by=amina, now=now)
    if is_lifted:
        made = db.session.scalar(db.select(Mark.uid))
        marks.lift(made, any_stage.place_id, "The bus", by=amina, now=now)
    before = [use.outcome for use in uses(any_stage)]

    with writing() as session:
        marks.tidy(session, now + marks.KEPT * 2)

    assert db.session.scalars(db.select(Mark)).all() == []
    assert [use.outcome for use in uses(any_stage)] == before
    assert [each.value for each in before] == ([] if is_lifted else [kind.value])


def test_who_came_after_all_and_then_did_not_is_not_excused(any_stage):
    uid, now = any_stage.book("laser", HOURS, "bruno"), clock.now()
    bruno, amina = any_stage.people["bruno"], any_stage.people["amina"]
    place_id = any_stage.place_id
    change(uid, status=Status.MISSED, standing=False)
    occupancy_id = db.session.scalar(db.select(Occupancy.id).where(Occupancy.uid == uid))
    for is_last in (False, True):
        with writing() as session:
            missed = MarkKind.MISSED
            marks.mark(session, bruno, place_id, occupancy_id, missed, by=amina, now=now)
        if not is_last:
            made = db.session.scalar(db.select(Mark.uid))
            marks.lift(made, place_id, "The bus", by=amina, now=now)
            with writing() as session:
                marks.unmark(session, bruno, place_id, occupancy_id, by=amina, now=now)

    assert [use.outcome for use in uses(any_stage)] == [Outcome.MISSED]


def test_a_span_takes_what_starts_in_it_and_each_reader_their_own(stage):
    own = stage.book("laser", HOURS, "bruno")
    theirs = stage.book(
        "laser",
        slot("2027-03-31 10:00-11:00"),
        "bruno",
        organization_id=stage.organization_id,
    )
    stage.book("bench", slot("2027-04-01 10:00-11:00"), "chloe")

    assert [use.uid for use in uses(stage)] == [own, theirs]
    assert [use.uid for use in uses(stage, of_organization(stage.organization_id))] == [theirs]
    assert [use.uid for use in uses(stage, of_member_alone(stage.people["bruno"]))] == [own]
    assert uses(stage, of_owner(stage.organization_id)) == []


def test_uses_cost_one_statement_however_many(stage):
    stage.book("laser", HOURS, "bruno")
    stage.book("bench", HOURS, "chloe")

    with counting(db.engine) as statements:
        assert len(uses(stage)) == 2

    assert len(statements) == 1


def test_a_use_has_the_price_of_its_day_whatever_is_planned_since(stage):
    stage.book("laser", HOURS, "bruno")
    set_price(stage, "laser", "99", audience=Audience.INDIVIDUAL, first_day=date(2027, 3, 31))

    found = priced_at(uses(stage)[0], prices(stage))

    assert (found.unit_price, found.quantity, found.amount()) == (28, Decimal("1.5"), Decimal(42))


@pytest.mark.parametrize(
    ("charged", "amount"), [(Charged.BOOKED, "42.00"), (Charged.REAL, "28.00")]
)
def test_the_real_time_counts_where_the_place_says_so(stage, charged, amount):
    uid = stage.book("laser", HOURS, "bruno")
    change(uid, arrived_at=instant("2027-03-30 10:05"), left_at=instant("2027-03-30 11:02"))
    terms(stage, charged=charged)

    assert priced_at(uses(stage)[0], prices(stage)).amount() == Decimal(amount)


@pytest.mark.parametrize(("percent", "amount", "covers"), [(50, "21.00", 45), (0, "0.00", 0)])
def test_what_was_missed_counts_for_so_much_and_draws_no_more_minutes(
    stage, percent, amount, covers
):
    uid = stage.book("laser", HOURS, "bruno")
    change(uid, status=Status.MISSED, standing=False)
    terms(stage, missed_percent=percent)

    [use] = uses(stage)
    found = priced_at(use, prices(stage))
    need = need_of(use, found)

    assert found.amount() == Decimal(amount)
    assert (need.minutes if need else 0) == covers


def test_company_is_a_price_of_its_own(stage):
    stage.book("laser", HOURS, "bruno")
    [alone] = uses(stage)
    assert company_priced(alone, prices(stage)) is None

    change(alone.uid, is_accompanied=True)

    [use] = uses(stage)
    assert company_priced(use, prices(stage)).amount() == Decimal(45)


def test_a_machine_without_a_price_has_uses_without_amounts(stage):
    stage.book("bench", HOURS, "chloe")

    found = priced_at(uses(stage)[0], prices(stage))

    assert found.amount() is None
    assert need_of(found.use, found) is None


def test_what_was_used_up_is_found_with_its_use_unless_it_was_struck_out(any_stage):
    any_stage.book("bench", HOURS, "chloe")
    set_supply(any_stage, "bench", "Filament", "0.04")
    supply_id = db.session.scalar(db.select(Supply.id))
    [use] = uses(any_stage)
    for uid, struck_at in (("stays", None), ("struck", clock.now())):
        with writing() as session:
            add_row(
                session,
                Consumption,
                uid=uid,
                occupancy_id=use.occupancy_id,
                supply_id=supply_id,
                quantity=Decimal("120.5"),
                noted_at=clock.now(),
                struck_at=struck_at,
            )

    found = consumed_in(place_wide(any_stage.place_id), MARCH, now=instant(LATER))

    [consumed] = found[use.occupancy_id]
    assert (consumed.uid, consumed.unit, consumed.amount) == ("stays", "g", Decimal("4.82"))


def test_cancelling_in_time_is_no_use(stage):
    uid = stage.book("laser", HOURS, "bruno")
    commands.cancel(uid, by=stage.people["bruno"], now=clock.now(), is_team=False)

    assert uses(stage) == []
