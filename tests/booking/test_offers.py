"""After a refusal: three slots that the member could book at once, nearest first."""

from datetime import timedelta

import pytest

from fablab import clock
from fablab.booking import commands, offers
from fablab.db import db, writing
from fablab.machines import commands as machines
from fablab.machines.inventory import of_place
from fablab.machines.kinds import MachineState
from fablab.machines.models import Machine, Policy, Pool
from tests.booking.conftest import add_machine, change
from tests.support import counting, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")


def offered(fablab, slug, asked, who):
    inventory = of_place(place_id=fablab.place_id)
    machine = inventory.by_slug[slug]
    return offers.nearest(inventory, machine, fablab.people[who], asked, now=clock.now())


def said(found):
    return [(offer.machine.slug, offer.slot) for offer in found]


def test_the_same_machine_that_day_a_like_one_then_and_the_next_day(any_fablab):
    fablab = any_fablab
    add_machine(fablab, "bench2", "bench")
    fablab.book("bench", AFTERNOON, "bruno")

    found = offered(fablab, "bench", AFTERNOON, "chloe")

    assert said(found) == [
        ("bench2", slot("2027-03-30 14:00-16:00")),
        ("bench", slot("2027-03-30 12:00-14:00")),
        ("bench", slot("2027-03-31 14:00-16:00")),
    ]


def test_every_offer_can_be_booked(any_fablab):
    fablab = any_fablab
    change(Policy, setup=timedelta(minutes=15), cleanup=timedelta(minutes=30))
    add_machine(fablab, "bench2", "bench")
    for slug in ("bench", "bench2"):
        fablab.book(slug, slot("2027-03-30 13:00-15:00"), "bruno")
        fablab.book(slug, slot("2027-03-30 16:00-17:00"), "bruno")

    found = offered(fablab, "bench", AFTERNOON, "chloe")

    assert len(found) == 3
    for offer in found:
        fablab.book(offer.machine.slug, offer.slot, "chloe")


def test_an_outage_is_gone_around(fablab):
    bench, amina = fablab.machine("bench"), fablab.people["amina"]
    machines.withdraw(bench.id, slot("2027-03-30 11:00-18:00"), "Oil", by=amina, now=clock.now())

    found = offered(fablab, "bench", slot("2027-03-30 10:00-12:00"), "chloe")

    assert [offer.slot for offer in found] == [
        slot("2027-03-31 10:00-12:00"),
        slot("2027-04-01 10:00-12:00"),
        slot("2027-04-02 10:00-12:00"),
    ]


def test_too_long_a_request_is_answered_with_the_longest_allowed(fablab):
    found = offered(fablab, "laser", slot("2027-03-30 13:00-18:00"), "bruno")

    assert found[0].slot == slot("2027-03-30 13:00-15:00")


def test_a_day_too_far_ahead_is_answered_with_the_last_ones_allowed(fablab):
    """Monday 29 March and 21 days: Monday 19 April, when the place is closed; so Saturday 17."""
    found = offered(fablab, "bench", slot("2027-06-08 14:00-16:00"), "chloe")

    assert [offer.slot for offer in found] == [
        slot("2027-04-17 14:00-16:00"),
        slot("2027-04-16 14:00-16:00"),
        slot("2027-04-15 14:00-16:00"),
    ]


def test_whoever_lacks_the_qualification_is_offered_what_they_may_use(fablab):
    add_machine(fablab, "plotter", "laser")

    found = offered(fablab, "laser", AFTERNOON, "chloe")

    assert said(found) == [("plotter", AFTERNOON)]


def test_a_machine_out_of_service_is_never_offered(fablab):
    add_machine(fablab, "bench2", "bench", state=MachineState.OUT_OF_SERVICE)
    fablab.book("bench", AFTERNOON, "bruno")

    found = offered(fablab, "bench", AFTERNOON, "chloe")

    assert {offer.machine.slug for offer in found} == {"bench"}


def test_instead_of_one_that_is_out_of_service_only_what_does_the_same_is_offered(fablab):
    """As whoever has booked it is offered when it stops: any other of its category is no help."""
    add_machine(fablab, "other", "bench")
    add_machine(fablab, "twin", "bench", model="Sjöbergs 1900")
    change(Machine, where="bench", model="Sjöbergs 1900")
    fablab.book("bench", AFTERNOON, "bruno")
    assert ("other", AFTERNOON) in said(offered(fablab, "bench", AFTERNOON, "chloe"))

    change(Machine, where="bench", state=MachineState.OUT_OF_SERVICE)

    assert said(offered(fablab, "bench", AFTERNOON, "chloe")) == [("twin", AFTERNOON)]


def test_interchangeable_machines_come_before_those_of_the_category(fablab):
    for n in range(3):
        add_machine(fablab, f"other{n}", "bench")
    add_machine(fablab, "twin", "bench")
    with writing() as session:
        session.add(Pool(id=1, place_id=fablab.place_id, slug="benches", name="Benches"))
    change(Machine, where="bench", pool_id=1)
    change(Machine, where="twin", pool_id=1)
    fablab.book("bench", AFTERNOON, "bruno")

    found = offered(fablab, "bench", AFTERNOON, "chloe")

    assert said(found)[0] == ("twin", AFTERNOON)


def offered_to_move(fablab, uid, asked):
    inventory = of_place(place_id=fablab.place_id)
    booking = commands.find(uid)
    machine = inventory.machine(booking.machine_id)
    found = offers.nearest(
        inventory, machine, booking.member_id, asked, now=clock.now(), booking=booking
    )
    for offer in found:  # each is true: it may be moved there
        order = fablab.order(offer.machine.slug, offer.slot, "bruno")
        commands.move(uid, order, by=booking.member_id, is_team=False, now=clock.now())
    return [offer.slot for offer in found]


def test_the_one_booking_that_may_be_ahead_is_offered_other_hours(any_fablab):
    """Also from so far away that it lies outside of what is searched."""
    change(Policy, horizon_days=90, bookings_ahead=1)
    uid = any_fablab.book("bench", slot("2027-06-16 10:00-11:00"), "bruno")
    any_fablab.book("bench", slot("2027-03-30 10:00-11:00"), "amina")

    found = offered_to_move(any_fablab, uid, slot("2027-03-30 10:00-11:00"))

    assert found[0] == slot("2027-03-30 11:00-12:00")


def test_what_is_moved_is_offered_no_more_of_the_quota_than_it_may_take(any_fablab, at):
    """Booked at the last minute it would not count; that it counts already it keeps."""
    change(Policy, quota_machine=timedelta(hours=2), last_minute=timedelta(hours=6))
    uid = any_fablab.book("bench", slot("2027-03-30 12:00-13:00"), "bruno")
    any_fablab.book("bench", slot("2027-03-30 16:00-17:00"), "bruno")
    any_fablab.book("bench", slot("2027-03-30 13:30-14:00"), "amina")
    at("2027-03-30 09:00")

    found = offered_to_move(any_fablab, uid, slot("2027-03-30 12:00-14:00"))

    assert found[0] == slot("2027-03-30 10:00-12:00")  # 11:30 would keep some of the hour


@pytest.mark.parametrize("who", ["bruno", "chloe"])
def test_the_database_is_asked_thirteen_times_at_most(fablab, who):
    for n in range(6):
        add_machine(fablab, f"laser{n}", "laser")
    fablab.book("laser", AFTERNOON, "bruno")
    of_place(place_id=fablab.place_id)

    with counting(db.engine) as statements:
        offered(fablab, "laser", AFTERNOON, who)

    assert len(statements) <= 13
