"""What a statement would say now: lines of real bookings at real prices, on both engines."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.db import add_row, db, writing
from fablab.machines.agreement_models import SharingAgreement
from fablab.machines.kinds import Status
from fablab.machines.models import Machine, Occupancy
from fablab.organizations.models import Organization
from fablab.places.kinds import Charged
from fablab.slots import Slot
from fablab.statements import canon, months
from fablab.statements.kinds import LineKind, Scope
from fablab.statements.rules import Period, total
from fablab.tariffs.models import Consumption, Supply
from tests.conftest import share
from tests.statements.conftest import APRIL, IN_APRIL, IN_MAY, MARCH
from tests.support import counting, instant, slot


def told(account):
    return [(line.kind, line.booked, line.amount) for line in account.lines]


def test_an_organizations_statement_is_what_was_booked_on_its_behalf(any_workshop):
    workshop = any_workshop
    uid = workshop.for_studio("laser", "2027-03-30 10:00-11:20")
    workshop.used("laser", "2027-03-30 14:00-15:00")
    workshop.for_studio("laser", "2027-04-01 10:00-11:00")

    [line] = workshop.account().lines

    assert (line.booking, line.booked, line.counted) == (uid, 80, 90)
    assert (line.amount, line.unit_price, line.quantity) == (
        Decimal("42.00"),
        Decimal(28),
        Decimal("1.5"),
    )


def test_a_member_has_what_they_used_for_themselves(workshop):
    workshop.for_studio("laser", "2027-03-30 10:00-11:00")
    own = workshop.used("bench", "2027-03-30 14:00-15:00")
    workshop.used("bench", "2027-03-30 16:00-17:00", "chloe")

    assert [line.booking for line in workshop.account(workshop.member("bruno")).lines] == [own]


def test_an_activity_has_what_is_put_down_to_it(workshop):
    workshop.for_studio("laser", "2027-03-30 10:00-11:00")
    lamps = workshop.for_studio("bench", "2027-03-30 12:00-13:00", "chloe", activity="lamps")

    account = workshop.account(workshop.subject(Scope.ACTIVITY, activity="lamps"))

    assert [line.booking for line in account.lines] == [lamps]


def test_absences_and_late_cancellations_count_as_the_place_says(workshop):
    workshop.terms(late_percent=50, missed_percent=100)
    late = workshop.for_studio("laser", "2027-03-30 10:00-11:00", status=Status.CANCELLED)
    workshop.mark(late)
    workshop.for_studio("laser", "2027-03-30 12:00-13:00", status=Status.MISSED)
    workshop.for_studio("laser", "2027-03-30 14:00-15:00", status=Status.CANCELLED)

    assert told(workshop.account()) == [
        (LineKind.LATE, 60, Decimal("14.00")),
        (LineKind.MISSED, 60, Decimal("28.00")),
    ]


def test_real_time_is_told_and_counts_where_the_place_says_so(workshop):
    uid = workshop.for_studio(
        "laser",
        "2027-03-30 10:00-12:00",
        arrived_at=instant("2027-03-30 10:10"),
        left_at=instant("2027-03-30 11:00"),
    )
    assert [line.amount for line in workshop.account().lines] == [Decimal("56.00")]

    workshop.terms(charged=Charged.REAL)

    [line] = workshop.account().lines
    assert (line.booking, line.real, line.counted, line.amount) == (uid, 50, 60, Decimal("28.00"))


def test_company_and_what_was_used_up_are_lines_of_their_own(workshop):
    uid = workshop.for_studio("laser", "2027-03-30 10:00-11:00", is_accompanied=True)
    consume(workshop, uid, "Plywood", "4.50", "2")

    found = workshop.account().lines

    assert [(line.kind, line.booked, line.amount) for line in found] == [
        (LineKind.USE, 60, Decimal("28.00")),
        (LineKind.COMPANY, 0, Decimal("30.00")),
        (LineKind.SUPPLY, 0, Decimal("9.00")),
    ]
    assert (found[2].what, found[2].unit, found[2].quantity) == ("Plywood", "sheet", Decimal(2))


def consume(workshop, uid, name, price, quantity, unit="sheet"):
    machine_id = workshop.fablab.machine("laser").id
    occupancy_id = db.session.scalar(db.select(Occupancy.id).where(Occupancy.uid == uid))
    with writing() as session:
        supply_id = add_row(
            session,
            Supply,
            uid=name,
            machine_id=machine_id,
            name=name,
            unit=unit,
            price=Decimal(price),
            first_day=date(2026, 1, 1),
            made_at=clock.now(),
        )
        add_row(
            session,
            Consumption,
            uid=f"use of {name}",
            occupancy_id=occupancy_id,
            supply_id=supply_id,
            quantity=Decimal(quantity),
            noted_at=clock.now(),
        )


def test_an_allowance_covers_what_is_left_of_it_by_then(workshop):
    grant = workshop.grant(150, first_day=date(2027, 2, 1))
    workshop.for_studio("laser", "2027-02-23 10:00-12:00")
    workshop.for_studio("laser", "2027-03-30 10:00-11:00")

    account = workshop.account()

    [line] = account.lines
    assert (line.covered, line.amount) == ({grant: 30}, Decimal("14.00"))
    assert [row.settled for row in account.allowances] == ["Receipt 12"]


def test_what_a_month_gives_is_told_by_all_of_the_month_before_the_period(workshop):
    workshop.grant(60, is_monthly=True, first_day=date(2027, 1, 1))
    workshop.for_studio("laser", "2027-03-05 10:00-11:00")
    workshop.for_studio("laser", "2027-03-20 10:00-11:00")

    account = workshop.account(period=Period(date(2027, 3, 15), MARCH.last))

    assert [(line.drawn, line.amount) for line in account.lines] == [(0, Decimal("28.00"))]


def test_an_activity_shares_what_its_organization_was_granted(workshop):
    workshop.grant(60)
    workshop.for_studio("bench", "2027-03-30 10:00-11:00")
    workshop.for_studio("bench", "2027-03-30 12:00-13:00", "chloe", activity="lamps")

    lamps = workshop.account(workshop.subject(Scope.ACTIVITY, activity="lamps"))

    assert [(line.drawn, line.amount) for line in lamps.lines] == [(0, Decimal("12.00"))]


def test_an_owner_learns_hours_and_amounts_and_no_name(workshop):
    own_it(workshop)
    workshop.used("laser", "2027-03-30 10:00-11:00", "chloe")
    workshop.for_studio("laser", "2027-03-30 12:00-13:00")

    account = workshop.account(workshop.subject(Scope.OWNER))

    assert [(line.is_own, line.booked, line.amount) for line in account.lines] == [
        (False, 60, Decimal("28.00")),
        (True, 60, Decimal("0.00")),
    ]
    assert account.people == {}
    assert all(not line.person and not line.activity for line in account.lines)


def test_an_owner_has_of_each_amount_what_was_agreed_for_its_day(any_workshop):
    workshop = any_workshop
    agree(workshop, last_day=date(2027, 3, 15), share=Decimal("33.33"))
    agree(workshop, first_day=date(2027, 3, 18), share=Decimal(60))
    for day in (14, 15, 16, 18):
        workshop.used("laser", f"2027-03-{day} 10:00-11:15", "chloe")

    account = workshop.account(workshop.subject(Scope.OWNER))

    # 35 € each: 11.6655 is rounded line by line, not in the sum.
    assert [(line.day.day, line.share_percent, line.share) for line in account.lines] == [
        (14, Decimal("33.33"), Decimal("11.67")),
        (15, Decimal("33.33"), Decimal("11.67")),
        (16, None, Decimal("0.00")),
        (18, Decimal(60), Decimal("21.00")),
    ]
    assert total(account.lines).share == Decimal("44.34")


def test_what_another_owner_agreed_is_not_theirs(workshop):
    agree(workshop, share=Decimal(60))
    own_it(workshop)
    with writing() as session:
        other = Organization(place_id=workshop.place_id, slug="other", name="Other", kind="company")
        session.add(other)
        session.flush()
        session.execute(update(SharingAgreement).values(owner_id=other.id))
    workshop.used("laser", "2027-03-30 10:00-11:00", "chloe")

    [line] = workshop.account(workshop.subject(Scope.OWNER)).lines

    assert (line.share_percent, line.share) == (None, Decimal("0.00"))


def test_a_months_list_tells_the_owners_part(workshop):
    agree(workshop, share=Decimal(60))
    workshop.used("laser", "2027-03-30 10:00-11:00", "chloe")

    entries = months.month_of(MARCH, workshop.inventory, IN_APRIL).entries

    [owner] = [each for each in entries if each.subject.scope is Scope.OWNER]
    assert (owner.total.amount, owner.total.share) == (Decimal("28.00"), Decimal("16.80"))


def agree(workshop, **agreed):
    return share(workshop.fablab, "laser", **agreed)


def own_it(workshop, owner_id=...):
    owner = workshop.fablab.organization_id if owner_id is ... else owner_id
    with writing() as session:
        session.get(Machine, workshop.fablab.machine("laser").id).owner_id = owner


def test_a_machine_that_changes_hands_takes_nothing_of_the_past_back(workshop):
    own_it(workshop)
    workshop.used("laser", "2027-03-30 10:00-11:00", "chloe")
    subject = workshop.subject(Scope.OWNER)
    workshop.close(subject)

    own_it(workshop, None)

    assert workshop.account(subject, APRIL).lines == []


def test_an_erased_account_is_no_change_of_what_was_stated(workshop):
    from fablab.accounts import erasure

    workshop.terms(late_percent=50)
    late = workshop.for_studio(
        "laser", "2027-03-30 10:00-11:00", "chloe", activity="lamps", status=Status.CANCELLED
    )
    workshop.mark(late)
    lamps = workshop.subject(Scope.ACTIVITY, activity="lamps")
    workshop.close()
    workshop.close(lamps)

    erasure.erase(workshop.fablab.people["chloe"], now=IN_APRIL)

    assert workshop.account(period=APRIL).lines == []
    assert workshop.account(lamps, APRIL).lines == []


# A mark is forgotten a year after it was made, which may be long before its booking


def late(workshop, slug, when, who="bruno", **changed):
    uid = workshop.for_studio(slug, when, who, status=Status.CANCELLED, **changed)
    workshop.mark(uid)
    return uid


def in_the_list(workshop, period=APRIL, scope=Scope.ORGANIZATION):
    entries = months.month_of(period, workshop.inventory, IN_MAY).entries
    return [each.total.count for each in entries if each.subject.scope is scope]


def test_a_late_cancellation_that_is_forgotten_is_no_change_of_what_was_stated(any_workshop):
    any_workshop.terms(late_percent=50)
    late(any_workshop, "laser", "2027-03-30 10:00-11:00")
    any_workshop.close()

    any_workshop.forget()

    assert any_workshop.account(period=APRIL).lines == []
    assert in_the_list(any_workshop) == []


def test_one_that_is_lifted_is_corrected_and_then_forgotten_for_good(workshop):
    workshop.terms(late_percent=50)
    uid = late(workshop, "laser", "2027-03-30 10:00-11:00")
    workshop.for_studio("bench", "2027-04-01 10:00-11:00")
    workshop.close()
    workshop.lift(uid)
    may = Period(date(2027, 5, 1), date(2027, 5, 31))

    assert [line.amount for line in workshop.account(period=APRIL).lines][-1] == Decimal("-14.00")
    workshop.close(period=APRIL, now=IN_MAY)
    workshop.forget()

    assert workshop.account(period=may, now=IN_MAY).lines == []


def test_what_was_used_and_is_cancelled_now_is_corrected_although_it_has_no_mark(workshop):
    uid = workshop.for_studio("laser", "2027-03-30 10:00-11:00")
    workshop.close()
    workshop.change(uid, status=Status.CANCELLED, standing=False)

    assert [line.amount for line in workshop.account(period=APRIL).lines] == [Decimal("-28.00")]


FEBRUARY = Period(date(2027, 2, 1), date(2027, 2, 28))


@pytest.mark.parametrize("is_monthly", [False, True])
@pytest.mark.parametrize("is_shared", [False, True])
def test_what_it_drew_of_a_grant_stays_gone_when_it_is_forgotten(workshop, is_monthly, is_shared):
    """Else what was used since would be covered in its stead, and stated anew."""
    workshop.terms(late_percent=100)
    workshop.grant(60, first_day=date(2027, 2, 1), is_monthly=is_monthly, is_shared=is_shared)
    late(workshop, "laser", "2027-02-23 10:00-11:00", "chloe", activity="lamps")
    workshop.for_studio("laser", "2027-02-24 10:00-11:00", "chloe", activity="lamps")
    workshop.for_studio("laser", "2027-02-24 12:00-13:00", "bruno")
    workshop.for_studio("bench", "2027-03-30 10:00-11:00", "chloe", activity="lamps")
    lamps = workshop.subject(Scope.ACTIVITY, activity="lamps")
    for subject in (workshop.subject(), lamps):
        workshop.close(subject, FEBRUARY)
        workshop.close(subject)

    workshop.forget()

    for subject in (workshop.subject(), lamps):
        assert workshop.account(subject, APRIL).lines == []
    assert in_the_list(workshop) == []


def test_a_member_alone_keeps_nothing_of_what_a_forgotten_one_drew(workshop):
    workshop.terms(late_percent=100)
    bruno_id = workshop.fablab.people["bruno"]
    workshop.grant(60, organization_id=None, member_id=bruno_id, is_shared=False)
    uid = workshop.used("laser", "2027-03-29 10:00-11:00", status=Status.CANCELLED)
    workshop.mark(uid)
    workshop.used("laser", "2027-03-30 10:00-11:00")
    bruno = workshop.member("bruno")
    workshop.close(bruno)

    workshop.forget()

    assert workshop.account(bruno, APRIL).lines == []
    assert in_the_list(workshop, scope=Scope.MEMBER) == []


def test_the_night_the_clocks_go_back_counts_its_real_hours(any_workshop):
    workshop = any_workshop
    night = Slot(instant("2027-10-31 01:30"), instant("2027-10-31 03:30"))
    assert night.duration == timedelta(hours=3)
    workshop.for_studio("bench", night)
    october = Period(date(2027, 10, 1), date(2027, 10, 31))

    [line] = workshop.account(period=october, now=instant("2027-11-02 09:00")).lines

    assert (line.booked, line.day, line.amount) == (180, october.last, Decimal("36.00"))


def test_what_was_used_months_before_is_settled(workshop):
    uid = workshop.for_studio("laser", "2027-03-30 10:00-11:00")
    workshop.close()
    workshop.change(uid, organization_id=None)
    last_day = instant("2027-03-30 12:00") + timedelta(days=300)

    assert len(workshop.account(period=APRIL, now=last_day).lines) == 1
    assert workshop.account(period=APRIL, now=last_day + timedelta(days=1)).lines == []


def test_of_a_year_that_was_stated_what_began_months_before_is_settled_too(workshop):
    for day in ("2026-04-14", "2027-03-30"):
        workshop.for_studio("laser", f"{day} 10:00-11:00")
    workshop.close(period=Period(date(2026, 4, 1), date(2027, 3, 31)))

    assert workshop.account(period=APRIL).lines == []


def test_people_are_references_that_lead_to_their_rows(workshop):
    workshop.for_studio("laser", "2027-03-30 10:00-11:00", "chloe")

    account = workshop.account()

    [(reference, row)] = account.people.items()
    assert reference == canon.reference(row.uid) == account.lines[0].person
    assert row.first_name == "Chloé"


@pytest.mark.parametrize("count", [1, 40])
def test_a_month_takes_at_most_nine_statements_whatever_the_bookings(any_workshop, count):
    workshop = any_workshop
    workshop.grant(600, first_day=date(2027, 1, 1))
    for n in range(count):
        start = instant("2027-03-02 08:00") + timedelta(hours=n)
        workshop.for_studio("bench", Slot(start, start + timedelta(minutes=45)))
    workshop.close()
    gone = workshop.for_studio("laser", "2027-04-06 10:00-11:00")
    workshop.change(gone, title="")
    subject, inventory = workshop.subject(), workshop.inventory

    with counting(db.engine) as statements:
        from fablab.statements.gathering import account_of

        account_of(subject, APRIL, inventory, instant("2027-05-02 09:00"))

    assert len(statements) <= 9


def test_totals_are_the_sum_of_the_lines(workshop):
    for hour in ("10:00-10:20", "12:00-12:20", "14:00-14:20"):
        workshop.for_studio("laser", f"2027-03-30 {hour}")

    lines = workshop.account().lines

    assert total(lines).amount == sum(line.amount for line in lines) == Decimal("42.00")
    assert slot("2027-03-30 10:00-10:20").duration == timedelta(minutes=20)
    assert MARCH.holds(lines[0].day)
