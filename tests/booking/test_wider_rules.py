"""The wider rules on every path, with real rows: booking, moving, lengthening, for others."""

import threading
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from fablab import clock
from fablab.booking import commands, consents, ledger, series, waits
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Acknowledgement, Consent, Series, Wait
from fablab.booking.offers import nearest
from fablab.booking.orders import BookingRefused
from fablab.booking.verdicts import Reason
from fablab.db import add_row, db, writing
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Approval, OccupancyKind, RiskClass, Status
from fablab.machines.models import (
    Category,
    Claim,
    Machine,
    MachineResource,
    Occupancy,
    Policy,
    Resource,
    Seat,
)
from fablab.members.kinds import AgeBand
from fablab.members.models import Mark, Member, Membership
from fablab.organizations.models import Organization, OrganizationKind, OrganizationMember
from fablab.places.kinds import Mode
from fablab.places.models import Opening
from fablab.slots import Slot
from fablab.trainings.models import Qualification
from tests.booking.conftest import Form
from tests.conftest import Fablab
from tests.support import counting, instant, slot, submit

HOUR = timedelta(hours=1)
TUESDAY, WEDNESDAY = "2027-03-30", "2027-03-31"


def set_policy(fablab: Fablab, slug: str, **values: Any) -> None:
    machine = fablab.machine(slug)
    with writing() as session:
        session.add(Policy(place_id=fablab.place_id, machine_id=machine.id, **values))


def change_member(fablab: Fablab, who: str, **values: Any) -> None:
    with writing() as session:
        member = session.get(Member, fablab.people[who])
        for name, value in values.items():
            setattr(member, name, value)


def change_machine(fablab: Fablab, slug: str, **values: Any) -> None:
    with writing() as session:
        machine = session.get(Machine, fablab.machine(slug).id)
        for name, value in values.items():
            setattr(machine, name, value)


def share(fablab: Fablab, capacity: int, *slugs: str) -> None:
    with writing() as session:
        air = Resource(place_id=fablab.place_id, slug="air", name="Air")
        session.add(air)
        session.flush()
        session.add_all(Seat(resource_id=air.id, number=n + 1) for n in range(capacity))
        session.add_all(
            MachineResource(machine_id=fablab.machine(slug).id, resource_id=air.id)
            for slug in slugs
        )


def benches(fablab: Fablab, count: int) -> list[str]:
    """More workbenches, by slug."""
    with writing() as session:
        category = session.scalars(select(Category).filter_by(slug="bench")).one()
        session.add_all(
            Machine(
                place_id=fablab.place_id,
                category_id=category.id,
                slug=f"bench{n}",
                code=f"B{n + 2}",
                name="Workbench",
            )
            for n in range(count)
        )
    return [f"bench{n}" for n in range(count)]


def status_of(uid: str) -> Status:
    return db.session.scalars(select(Occupancy.status).filter_by(uid=uid)).one()


# -- every path asks every rule


def quota_used_up(fablab: Fablab) -> None:
    set_policy(fablab, "bench", quota_machine=2 * HOUR)


def too_many_ahead(fablab: Fablab) -> None:
    set_policy(fablab, "bench", weekly_bookings=1)


def too_young(fablab: Fablab) -> None:
    change_member(fablab, "bruno", age_band=AgeBand.FROM_16, guardian_agreed_on=None)


def unread(fablab: Fablab) -> None:
    change_machine(fablab, "bench", safety="Wear glasses.")


def no_buddy(fablab: Fablab) -> None:
    set_policy(fablab, "bench", buddy=True)


def marked(fablab: Fablab) -> None:
    with writing() as session:
        held = session.scalars(select(Membership).filter_by(member_id=fablab.people["bruno"])).one()
        held.marked_until = instant("2027-06-01 00:00")


def danger(fablab: Fablab) -> None:
    change_machine(fablab, "bench", risk_class=RiskClass.D)
    set_policy(fablab, "bench", modes=["supervised", "resident", "night"])
    change_member(fablab, "bruno", age_band=AgeBand.FROM_16, guardian_agreed_on=clock.now().date())


def air_in_use(fablab: Fablab) -> None:
    (other,) = benches(fablab, 1)
    share(fablab, 1, "bench", other)
    fablab.book(other, slot(f"{WEDNESDAY} 14:00-18:00"), "chloe")


BROKEN = {
    quota_used_up: Reason.QUOTA_MACHINE,
    too_many_ahead: Reason.WEEKLY_BOOKINGS,
    too_young: Reason.NO_GUARDIAN,
    unread: Reason.NOT_READ,
    no_buddy: Reason.NO_BUDDY,
    marked: Reason.MARKED,
    danger: Reason.TOO_YOUNG,
    air_in_use: Reason.RESOURCE_FULL,
}
WANTED = slot(f"{WEDNESDAY} 14:00-16:00")


def by_themselves(fablab: Fablab, _earlier: str) -> None:
    fablab.book("bench", WANTED, "bruno")


def by_the_team(fablab: Fablab, _earlier: str) -> None:
    order = fablab.order("bench", WANTED, "bruno")
    commands.book(order, by=fablab.people["amina"], now=clock.now(), is_team=True)


def by_moving(fablab: Fablab, earlier: str) -> None:
    order = fablab.order("bench", WANTED, "bruno")
    commands.move(earlier, order, by=fablab.people["bruno"], is_team=False, now=clock.now())


def by_repeating(fablab: Fablab, _earlier: str) -> None:
    week = timedelta(days=7)
    later = Slot(WANTED.start + week, WANTED.end + week)
    orders = [fablab.order("bench", each, "bruno") for each in (WANTED, later)]
    series.book(orders, every_weeks=1, by=fablab.people["bruno"], now=clock.now())


def by_listing(fablab: Fablab, _earlier: str) -> None:
    """The dates of what would repeat, before any of them is booked."""
    wish = series.Wish("first", fablab.order("bench", WANTED, "bruno"))
    inventory = of_place(place_id=fablab.place_id)
    [verdict] = series.review(inventory, [wish], {}, now=clock.now(), is_team=False)
    raise BookingRefused(verdict.refusals)


def by_moving_the_following(fablab: Fablab, earlier: str) -> None:
    bruno = fablab.people["bruno"]
    with writing() as session:
        made = {"uid": "weekly", "member_id": bruno, "every_weeks": 1, "created_at": clock.now()}
        session.execute(
            update(Occupancy)
            .where(Occupancy.uid == earlier)
            .values(series_id=add_row(session, Series, **made))
        )
    wish = series.Wish("", fablab.order("bench", WANTED, "bruno"), ledger.find(earlier))
    series.move(earlier, [wish], by=bruno, is_team=False, now=clock.now())


def by_accepting_an_offer(fablab: Fablab, _earlier: str) -> None:
    """One that was made before anything stood in the way."""
    now, bruno = clock.now(), fablab.people["bruno"]
    place = {"place_id": fablab.place_id, "machine_id": fablab.machine("bench").id}
    span = {"starts_at": WANTED.start, "ends_at": WANTED.end}
    with writing() as session:
        offered = add_row(
            session,
            Occupancy,
            uid="offered",
            kind=OccupancyKind.BOOKING,
            machine_id=place["machine_id"],
            member_id=bruno,
            status=Status.PENDING,
            occupied_from=WANTED.start,
            occupied_until=WANTED.end,
            created_at=now,
            changed_at=now,
            **span,
        )
        asked = [consents.Wanted(ConsentKind.MEMBER, bruno)]
        consents.ask(session, offered, asked, due_at=WANTED.start, now=now)
        more = {"duration": WANTED.duration, "created_at": now, "offered_id": offered}
        add_row(session, Wait, uid="wait", member_id=bruno, **place, **span, **more)
    waits.accept("wait", by=bruno, now=now)


PATHS = [
    *(by_themselves, by_the_team, by_moving, by_accepting_an_offer),
    *(by_repeating, by_listing, by_moving_the_following),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("broken", BROKEN)
def test_no_path_skips_a_rule(fablab, path, broken):
    fablab.book("bench", slot(f"{TUESDAY} 10:00-12:00"), "bruno")
    earlier = fablab.book("laser", slot(f"{TUESDAY} 14:00-15:00"), "bruno")
    broken(fablab)

    with pytest.raises(BookingRefused) as refused:
        path(fablab, earlier)

    assert BROKEN[broken] in {refusal.reason for refusal in refused.value.refusals}


@pytest.mark.parametrize("broken", [each for each in BROKEN if each not in (unread, no_buddy)])
def test_nothing_is_offered_against_a_rule(fablab, broken):
    """What must be read, and who must be there, is asked with the yes."""
    taken = fablab.book("bench", WANTED, "amina")
    fablab.book("bench", slot(f"{TUESDAY} 10:00-12:00"), "bruno")
    wish = waits.Wish(
        fablab.machine("bench").id, fablab.place_id, WANTED, 2 * HOUR, fablab.people["bruno"]
    )
    waits.join(wish, now=clock.now())
    broken(fablab)

    commands.cancel(taken, by=fablab.people["amina"], is_team=False, now=clock.now())

    assert db.session.scalar(select(Wait.offered_id)) is None
    assert waits.sweep(clock.now()) == 0


def test_lengthening_asks_the_quota(fablab):
    uid = fablab.book("bench", slot(f"{TUESDAY} 10:00-12:00"), "bruno")
    quota_used_up(fablab)
    longer = fablab.order("bench", slot(f"{TUESDAY} 10:00-12:30"), "bruno")

    with pytest.raises(BookingRefused) as refused:
        commands.move(uid, longer, by=fablab.people["bruno"], is_team=False, now=clock.now())

    assert [refusal.reason for refusal in refused.value.refusals] == [Reason.QUOTA_MACHINE]


def test_who_holds_level_3_uses_a_dangerous_machine_that_asks_for_no_level_with_a_buddy(fablab):
    """Where the team asks for no qualification, the class of the machine still does."""
    with writing() as session:
        session.add(
            Opening(
                place_id=fablab.place_id,
                weekday=3,
                opens_at=time(18),
                closes_at=time(22),
                mode=Mode.RESIDENT,
            )
        )
        session.add_all(
            Qualification(
                member_id=fablab.people[who],
                machine_id=fablab.machine("bench").id,
                level=3,
                given_on=date(2026, 1, 1),
                recorded_at=clock.now(),
            )
            for who in ("bruno", "chloe")
        )
    change_machine(fablab, "bench", risk_class=RiskClass.D)
    evening = slot(f"{WEDNESDAY} 19:00-20:00")

    with pytest.raises(BookingRefused, match="not_alone"):
        fablab.book("bench", evening, "bruno")
    uid = fablab.book("bench", evening, "bruno", buddy_id=fablab.people["chloe"])

    assert status_of(uid) == Status.PENDING


@pytest.mark.parametrize("end", ["15:45", "16:15"])
def test_what_counts_in_the_quota_goes_on_counting_when_it_is_changed_late(fablab, at, end):
    """Booked the day before, it was not free two hours before its start."""
    set_policy(fablab, "bench", quota_machine=3 * HOUR, last_minute=4 * HOUR)
    uid = fablab.book("bench", WANTED, "bruno")
    at(f"{WEDNESDAY} 12:00")
    changed = fablab.order("bench", slot(f"{WEDNESDAY} 14:00-{end}"), "bruno")

    commands.move(uid, changed, by=fablab.people["bruno"], is_team=False, now=clock.now())

    with pytest.raises(BookingRefused, match="quota_machine"):
        fablab.book("bench", slot("2027-04-02 14:00-16:00"), "bruno")


@pytest.mark.parametrize(("hours", "counts"), [("17:00-18:00", False), ("14:30-16:30", True)])
def test_what_is_moved_late_to_a_slot_still_free_counts_no_more(fablab, at, hours, counts):
    set_policy(fablab, "bench", quota_machine=3 * HOUR, last_minute=6 * HOUR)
    uid = fablab.book("bench", WANTED, "bruno")
    at(f"{WEDNESDAY} 12:00")
    moved = fablab.order("bench", slot(f"{WEDNESDAY} {hours}"), "bruno")

    commands.move(uid, moved, by=fablab.people["bruno"], is_team=False, now=clock.now())

    assert commands.find(uid).counts_in_quota is counts


# -- what was read


def test_bookings_of_other_weeks_are_counted_among_those_ahead(any_fablab):
    fablab = any_fablab
    set_policy(fablab, "bench", bookings_ahead=2)
    (other,) = benches(fablab, 1)
    fablab.book("bench", slot("2027-04-14 10:00-11:00"), "bruno")
    fablab.book(other, slot(f"{TUESDAY} 10:00-11:00"), "bruno")

    with pytest.raises(BookingRefused) as refused:
        fablab.book("bench", slot("2027-04-07 10:00-11:00"), "bruno")

    assert [each.reason for each in refused.value.refusals] == [Reason.BOOKINGS_AHEAD]
    assert refused.value.refusals[0].values["had"] == 2


def test_what_is_lent_for_weeks_still_is_their_machine_in_the_last_one(fablab):
    """It began long before the week that is asked about."""
    (other,) = benches(fablab, 1)
    set_policy(fablab, "bench", one_at_a_time=True)
    fablab.book(other, slot("2027-04-01 10:00-11:00"), "bruno")
    until = instant("2027-04-15 12:00")
    with writing() as session:
        session.execute(update(Occupancy.__table__).values(ends_at=until, occupied_until=until))

    with pytest.raises(BookingRefused) as refused:
        fablab.book("bench", slot("2027-04-15 10:00-11:00"), "bruno")

    assert [each.reason for each in refused.value.refusals] == [Reason.TWO_AT_ONCE]


def test_the_first_time_is_known_of_whatever_else_they_booked(any_fablab):
    fablab = any_fablab
    (other,) = benches(fablab, 1)
    set_policy(fablab, "bench", approval=Approval.FIRST)
    fablab.book(other, slot(f"{TUESDAY} 10:00-11:00"), "bruno")

    first = fablab.book("bench", slot(f"{TUESDAY} 14:00-15:00"), "bruno")

    assert status_of(first) is Status.PENDING


def _others(fablab: Fablab) -> int:
    """An organization that asks for its yes: nobody here belongs to it, Amina answers for it."""
    with writing() as session:
        mill = Organization(
            place_id=fablab.place_id, slug="mill", name="Mill", kind=OrganizationKind.COMPANY
        )
        session.add(mill)
        session.flush()
        session.add(
            OrganizationMember(
                organization_id=mill.id,
                member_id=fablab.people["amina"],
                is_manager=True,
                since=date(2026, 1, 1),
            )
        )
        return mill.id


def test_with_every_rule_on_a_booking_takes_fourteen_statements_at_most(any_fablab, browse_any):
    """A buddy by address, three to agree, quotas, the safety rules read for the first time, and a
    seat of what is shared, in whose line one stands on PostgreSQL.
    """
    fablab, client = any_fablab, browse_any("bruno")
    share(fablab, 2, "laser")
    change_machine(
        fablab, "laser", owner_id=_others(fablab), safety="Glasses.", risk_class=RiskClass.D
    )
    set_policy(
        fablab,
        "laser",
        quota_machine=9 * HOUR,
        quota_category=9 * HOUR,
        quota_risky=9 * HOUR,
        weekly_bookings=9,
        bookings_ahead=9,
        one_at_a_time=True,
        buddy=True,
        approval=Approval.ALWAYS,
        owner_approval=True,
    )
    address = f"/bookings/new?machine=laser&day={WEDNESDAY}&start=14:00&end=15:00"
    form = Form(client.get(address).text)

    with counting(db.engine) as statements:
        answer = form.send(client, buddy="amina@atelier.example", safety=form.boxes["safety"])

    assert answer.status_code == 303, answer.text
    most = 13 if db.engine.dialect.name == "sqlite" else 14
    assert len(statements) <= most, "\n".join(statements)
    assert db.session.scalar(select(func.count()).select_from(Consent)) == 3


def test_what_was_read_once_is_not_asked_again_until_it_changes(fablab):
    unread(fablab)
    read = fablab.machine("bench").safety_hash
    fablab.book("bench", slot(f"{TUESDAY} 10:00-12:00"), "bruno", read_hash=read)

    fablab.book("bench", slot(f"{TUESDAY} 12:00-13:00"), "bruno")

    change_machine(fablab, "bench", safety="Wear glasses and gloves.")
    with pytest.raises(BookingRefused, match="not_read"):
        fablab.book("bench", WANTED, "bruno")
    assert db.session.scalar(select(func.count()).select_from(Acknowledgement)) == 1


# -- somebody's yes


@pytest.mark.parametrize(
    ("policy", "kinds"),
    [
        ({"approval": Approval.ALWAYS}, [ConsentKind.TEAM]),
        ({"approval": Approval.FIRST}, [ConsentKind.TEAM]),
        ({"approval_above": HOUR}, [ConsentKind.TEAM]),
    ],
)
def test_a_booking_that_needs_a_yes_is_pending_and_occupies_the_machine(any_fablab, policy, kinds):
    set_policy(any_fablab, "bench", **policy)

    uid = any_fablab.book("bench", WANTED, "bruno")

    assert status_of(uid) == Status.PENDING
    assert db.session.scalars(select(Consent.kind)).all() == kinds
    with pytest.raises(BookingRefused, match="taken"):
        any_fablab.book("bench", WANTED, "chloe")


def test_the_second_time_the_team_is_not_asked(fablab):
    fablab.book("bench", slot(f"{TUESDAY} 10:00-12:00"), "bruno")
    set_policy(fablab, "bench", approval=Approval.FIRST)

    assert status_of(fablab.book("bench", WANTED, "bruno")) == Status.CONFIRMED


def test_what_the_team_books_it_agrees_to(fablab):
    set_policy(fablab, "bench", approval=Approval.ALWAYS)
    order = fablab.order("bench", WANTED, "bruno")

    uid = commands.book(order, by=fablab.people["amina"], now=clock.now(), is_team=True)

    assert status_of(uid) == Status.CONFIRMED


def test_other_hours_are_asked_for_again_and_fewer_are_not(fablab):
    uid = fablab.book("bench", WANTED, "bruno")
    set_policy(fablab, "bench", approval=Approval.ALWAYS)

    def move(text: str) -> Status:
        order = fablab.order("bench", slot(text), "bruno")
        commands.move(uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())
        return status_of(uid)

    assert move(f"{WEDNESDAY} 14:00-15:00") == Status.CONFIRMED
    assert move(f"{WEDNESDAY} 15:00-16:00") == Status.PENDING


def test_asking_for_company_later_is_asked_of_the_team_as_when_booking(any_fablab):
    fablab = any_fablab
    uid = fablab.book("laser", WANTED, "bruno")
    with writing() as session:
        session.execute(delete(Qualification))
        session.add(
            Qualification(
                member_id=fablab.people["bruno"],
                machine_id=fablab.machine("laser").id,
                level=1,
                given_on=date(2026, 1, 1),
                recorded_at=clock.now(),
            )
        )

    order = fablab.order("laser", WANTED, "bruno", is_accompanied=True)
    commands.move(uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())

    assert status_of(uid) == Status.PENDING
    assert db.session.scalars(select(Consent.kind)).all() == [ConsentKind.COMPANY]


# -- setting a rule aside


def test_the_team_sets_a_rule_aside_for_a_reason_that_is_kept_and_shown(fablab, browse):
    quota_used_up(fablab)
    order = replace(
        fablab.order("bench", slot(f"{WEDNESDAY} 10:00-13:00"), "bruno"), override="Late order"
    )

    with pytest.raises(BookingRefused):
        commands.book(order, by=fablab.people["bruno"], now=clock.now())
    uid = commands.book(order, by=fablab.people["amina"], now=clock.now(), is_team=True)

    assert db.session.scalars(select(Occupancy.override_reason)).one() == "Late order"
    page = browse("bruno").get(f"/bookings/{uid}").text
    named = "Set aside: Over the machine&#39;s hours of the week. Reason: Late order"
    assert f"Booked by Amina. {named}" in page


def test_what_is_left_of_a_booking_keeps_the_reason_it_was_allowed_for(fablab):
    """Shortened, it is asked no quota, and still stands over it."""
    quota_used_up(fablab)
    late = replace(
        fablab.order("bench", slot(f"{WEDNESDAY} 10:00-13:00"), "bruno"), override="Late order"
    )
    uid = commands.book(late, by=fablab.people["amina"], now=clock.now(), is_team=True)
    bruno = {"by": fablab.people["bruno"], "is_team": False, "now": clock.now()}

    for hours, reason in (("10:00-12:45", "Late order"), ("14:00-15:00", "")):
        order = fablab.order("bench", slot(f"{WEDNESDAY} {hours}"), "bruno")
        commands.move(uid, order, **bruno)
        assert commands.find(uid).override_reason == reason


@pytest.mark.parametrize("reason", ["taken", "unqualified"])
def test_what_may_not_be_set_aside_is_refused_whatever_the_reason(fablab, reason):
    slug = "bench" if reason == "taken" else "laser"
    if reason == "taken":
        fablab.book("bench", WANTED, "bruno")
    order = replace(fablab.order(slug, WANTED, "chloe"), override="Because")

    with pytest.raises(BookingRefused, match=reason):
        commands.book(order, by=fablab.people["amina"], now=clock.now(), is_team=True)


# -- on screen


def member_uid(fablab: Fablab, who: str) -> str:
    return db.session.scalars(select(Member.uid).filter_by(id=fablab.people[who])).one()


def test_the_team_books_for_somebody_on_screen_and_sets_the_quota_aside(fablab, browse):
    quota_used_up(fablab)
    team, uid = browse("amina"), member_uid(fablab, "bruno")
    page = f"/bookings/new?machine=bench&member={uid}&day={WEDNESDAY}&start=10:00&end=13:00"

    refused = submit(
        team, page, "/bookings/", day=WEDNESDAY, start="10:00", end="13:00", purpose=""
    )
    assert refused.status_code == 422
    assert 'name="override"' in refused.text
    made = submit(
        team,
        page,
        "/bookings/",
        day=WEDNESDAY,
        start="10:00",
        end="13:00",
        override="Late order",
    )

    assert made.status_code == 303
    booked = db.session.execute(select(Occupancy.member_id, Occupancy.created_by_id)).one()
    assert booked == (fablab.people["bruno"], fablab.people["amina"])


def test_a_member_books_for_nobody_else(fablab, browse):
    uid = member_uid(fablab, "chloe")

    assert browse("bruno").get(f"/bookings/new?machine=bench&member={uid}").status_code == 404


def test_the_safety_rules_are_ticked_once_on_screen(fablab, browse):
    unread(fablab)
    bruno, page = browse("bruno"), f"/bookings/new?machine=bench&day={WEDNESDAY}"
    hours = {"day": WEDNESDAY, "start": "14:00", "end": "16:00"}

    assert "Wear glasses." in bruno.get(page).text
    assert submit(bruno, page, "/bookings/", **hours).status_code == 422
    assert submit(bruno, page, "/bookings/", safety="y", **hours).status_code == 422
    read = fablab.machine("bench").safety_hash
    assert submit(bruno, page, "/bookings/", safety=read, **hours).status_code == 303
    assert "Wear glasses." not in bruno.get(page).text


def test_a_tick_counts_for_the_text_it_was_drawn_beside_alone(fablab, browse):
    unread(fablab)
    client = browse("bruno")
    drawn = Form(client.get(f"/bookings/new?machine=bench&day={WEDNESDAY}&start=14:00").text)
    old = drawn.boxes["safety"]
    change_machine(fablab, "bench", safety="Wear glasses and gloves.")

    refused = drawn.send(client, safety=old, purpose="Shelves")

    assert refused.status_code == 422
    assert "Wear glasses and gloves." in refused.text
    assert 'value="Shelves"' in refused.text
    again = Form(refused.text)
    assert again.boxes["safety"] == fablab.machine("bench").safety_hash != old
    assert db.session.scalar(select(func.count()).select_from(Acknowledgement)) == 0
    checked = again.check(client, safety=again.boxes["safety"]).text
    assert Form(checked).values["safety"] == again.boxes["safety"]  # ticked, and stays so
    assert again.send(client, safety=again.boxes["safety"]).status_code == 303
    read = db.session.scalars(select(Acknowledgement.text_hash)).all()
    assert read == [again.boxes["safety"]]


def test_a_tick_does_not_follow_to_another_machine(fablab, browse):
    [slug] = benches(fablab, 1)
    uid = fablab.book("bench", WANTED, "bruno")
    unread(fablab)
    change_machine(fablab, slug, safety="Mind your fingers.")
    client = browse("bruno")
    form = Form(client.get(f"/bookings/{uid}/move").text)

    checked = form.check(client, machine=slug, safety=form.boxes["safety"])
    refused = form.send(client, machine=slug, safety=form.boxes["safety"])

    assert refused.status_code == 422
    for answer in (checked, refused):
        assert "Mind your fingers." in answer.text
        assert Form(answer.text).boxes["safety"] == fablab.machine(slug).safety_hash
    assert db.session.scalar(select(func.count()).select_from(Acknowledgement)) == 0


def test_what_changes_between_the_form_and_the_booking_was_not_read(any_fablab):
    unread(any_fablab)
    read = any_fablab.machine("bench").safety_hash
    order = any_fablab.order("bench", WANTED, "bruno", read_hash=read)
    change_machine(any_fablab, "bench", safety="Wear no glasses.")

    with pytest.raises(BookingRefused, match="not_read"):
        commands.book(order, by=any_fablab.people["bruno"], now=clock.now())

    assert db.session.scalar(select(func.count()).select_from(Acknowledgement)) == 0


def test_a_buddy_is_named_by_address_and_nobody_learns_who_has_an_account(fablab, browse):
    no_buddy(fablab)
    bruno, page = browse("bruno"), f"/bookings/new?machine=bench&day={WEDNESDAY}"
    hours = {"day": WEDNESDAY, "start": "14:00", "end": "16:00"}

    answers = [
        submit(bruno, page, "/bookings/", buddy=address, **hours)
        for address in ("nobody@atelier.example", "chloe@atelier.example")
    ]

    for answer in answers:
        assert answer.status_code == 422
        assert "qualifi" in answer.text


@pytest.mark.parametrize("field", ["buddy", "override", "member", "accompanied", "safety"])
@pytest.mark.parametrize("typed", [" ", "\0", "١٢", "x" * 10_000, "\u202eabc", "a\r\nb"])
def test_nonsense_in_the_new_fields_is_no_mistake_of_ours(fablab, browse, field, typed):
    hours = {"day": WEDNESDAY, "start": "14:00", "end": "16:00"}

    for who in ("amina", "bruno"):
        answer = submit(
            browse(who), "/bookings/new?machine=bench", "/bookings/", **(hours | {field: typed})
        )
        assert answer.status_code in (303, 404, 409, 422)


def test_a_blank_organization_is_oneself(fablab, browse):
    answer = submit(
        browse("bruno"),
        "/bookings/new?machine=bench",
        "/bookings/",
        day=WEDNESDAY,
        start="14:00",
        end="16:00",
        organization=" ",
    )

    assert answer.status_code == 303


# -- what several machines share


def test_of_what_is_shared_its_capacity_is_given_and_never_more(any_app, any_fablab):
    """Sixteen machines, sixteen people at once, air for two."""
    slugs = benches(any_fablab, 16)
    share(any_fablab, 2, *slugs)
    orders = [any_fablab.order(slug, WANTED, "bruno") for slug in slugs]
    by, now = any_fablab.people["bruno"], clock.now()
    db.session.remove()
    answers: list[str] = []
    gate = threading.Barrier(len(orders))

    def ask(order: commands.Order) -> None:
        with any_app.app_context():
            gate.wait()
            try:
                commands.book(order, by=by, now=now)
                answers.append("booked")
            except BookingRefused as refused:
                answers.append(" ".join(refusal.reason for refusal in refused.refusals))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=ask, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == ["booked"] * 2 + ["resource_full"] * 14
    assert db.session.scalar(select(func.count()).select_from(Claim)) == 2


def test_what_is_given_back_may_be_taken_again(any_fablab):
    first, second = benches(any_fablab, 2)
    share(any_fablab, 1, first, second)
    uid = any_fablab.book(first, WANTED, "bruno")
    with pytest.raises(BookingRefused, match="resource_full"):
        any_fablab.book(second, WANTED, "chloe")

    commands.cancel(uid, by=any_fablab.people["bruno"], is_team=False, now=clock.now())

    assert any_fablab.book(second, WANTED, "chloe")


def test_a_move_takes_its_seat_along(any_fablab):
    first, second = benches(any_fablab, 2)
    share(any_fablab, 1, first, second)
    uid = any_fablab.book(first, WANTED, "bruno")
    later = any_fablab.order(first, slot(f"{WEDNESDAY} 16:00-18:00"), "bruno")

    commands.move(uid, later, by=any_fablab.people["bruno"], is_team=False, now=clock.now())

    assert any_fablab.book(second, WANTED, "chloe")
    with pytest.raises(BookingRefused, match="resource_full"):
        any_fablab.book(second, slot(f"{WEDNESDAY} 17:00-18:00"), "chloe")


# -- what is offered instead


def test_offers_stay_within_the_quota_and_what_is_shared(fablab):
    (other,) = benches(fablab, 1)
    share(fablab, 1, "bench", other)
    fablab.book(other, slot(f"{WEDNESDAY} 14:00-18:00"), "chloe")
    inventory = of_place(place_id=fablab.place_id)

    found = nearest(
        inventory, fablab.machine("bench"), fablab.people["bruno"], WANTED, now=clock.now()
    )

    assert found
    for offer in found:
        order = fablab.order(offer.machine.slug, offer.slot, "bruno")
        uid = commands.book(order, by=fablab.people["bruno"], now=clock.now())
        commands.cancel(uid, by=fablab.people["bruno"], is_team=False, now=clock.now())


# -- cancelling


def test_whoever_has_just_booked_may_think_again(fablab, at):
    set_policy(fablab, "bench", free_cancellation=24 * HOUR)
    bruno = fablab.people["bruno"]

    def marks_after(booked: str, cancelled: str) -> int:
        at(f"{TUESDAY} {booked}")
        uid = fablab.book("bench", slot(f"{TUESDAY} 14:00-15:00"), "bruno")
        at(f"{TUESDAY} {cancelled}")
        commands.cancel(uid, by=bruno, is_team=False, now=clock.now())
        return db.session.scalar(select(func.count()).select_from(Mark))

    assert marks_after("10:00", "10:15") == 0
    assert marks_after("10:30", "10:46") == 1
