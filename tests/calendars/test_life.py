"""The life of one booking as every calendar tells it: made, moved, its machine renamed, moved
again, cancelled, and its slot booked by somebody else.
"""

from typing import NamedTuple

import pytest

from fablab import clock
from fablab.booking import commands as bookings
from fablab.db import writing
from fablab.machines.models import Machine, Policy
from tests.calendars.support import (
    DAY,
    MINE,
    PLACE,
    TRAININGS,
    address,
    category,
    change,
    machine,
    make_manager,
    make_pool,
    organization,
    read,
)
from tests.support import slot

FIRST = slot("2027-03-30 14:00-15:00")
LATER = slot("2027-03-30 15:00-16:00")


class Told(NamedTuple):
    """What a calendar says of one booking."""

    sequence: int
    status: str
    start: str
    changed: str
    summary: str


class Reader:
    """A calendar client: keeps the tag and asks whether there is something new."""

    def __init__(self, phone, address: str) -> None:
        self.phone, self.address, self.etag = phone, address, ""

    def look(self) -> dict[str, Told] | None:
        """What is there, by UID; None when nothing has changed since the last look."""
        response = self.phone.get(self.address, headers={"If-None-Match": self.etag})
        if response.status_code == 304:
            return None
        self.etag = response.headers["ETag"]
        return {
            str(event["UID"]): Told(
                int(event["SEQUENCE"]),
                str(event["STATUS"]),
                f"{event.start:%d %H:%M}",
                f"{event['LAST-MODIFIED'].dt:%H:%M}",
                str(event["SUMMARY"]),
            )
            for event in read(self.phone, self.address)
        }


@pytest.fixture
def fablab(any_fablab):
    change(Policy, level=None)
    return any_fablab


@pytest.fixture
def readers(fablab, browse_any):
    make_manager(fablab, "bruno")
    studio, laser = organization(fablab), category(fablab, "laser")
    addresses = {
        "own": address(fablab, "bruno", MINE),
        "place": address(fablab, "chloe", PLACE),
        "day": address(fablab, "amina", DAY),
        "lasers": address(fablab, "chloe", laser),
        "secret": address(fablab, "chloe", machine(fablab, "laser")),
        "public": "/machines/laser/calendar.ics",
        "pool": address(fablab, "chloe", make_pool(fablab, "laser")),
        "studio": address(fablab, "bruno", studio),
        "bench": "/machines/bench/calendar.ics",
        "benches": address(fablab, "chloe", category(fablab, "bench")),
        "spares": address(fablab, "chloe", make_pool(fablab, "bench")),
        "other": address(fablab, "chloe", MINE),
        "trainings": address(fablab, "chloe", TRAININGS),
    }
    return {name: Reader(browse_any(None), each) for name, each in addresses.items()}


def look(readers) -> dict:
    return {name: reader.look() for name, reader in readers.items()}


# Who is told what of Bruno's booking for the studio, and where.
EVERYWHERE = {
    "own": "{machine}",
    "place": "Studio Fil: {machine}",
    "day": "Bruno Lefil: {machine}",
    "studio": "Bruno Lefil: {machine}",
}
ON_THE_LASER = {
    "lasers": "Studio Fil: {machine}",
    "pool": "Studio Fil: {machine}",
    "secret": "Busy",
    "public": "Busy",
}
ON_THE_BENCH = {
    "benches": "Studio Fil: {machine}",
    "spares": "Studio Fil: {machine}",
    "bench": "Busy",
}
OTHERS = {"other", "trainings"}


def test_every_calendar_tells_the_whole_life_of_a_booking(fablab, readers, at):
    def order(slug, span, who="bruno"):
        studio = fablab.organization_id if who == "bruno" else None
        return fablab.order(slug, span, who, organization_id=studio)

    def assert_seen(*where, uid, told, machine):
        """In these calendars, and in no other; none has anything new to tell thereafter."""
        seen, expected = look(readers), {}
        for calendars in where:
            for name, what in calendars.items():
                summary = told.summary.format(what=what.format(machine=machine))
                expected[name] = {uid: told._replace(summary=summary)}
        for name, events in seen.items():
            assert events == expected.get(name, events and {}), name
        assert set(look(readers).values()) == {None}
        return seen

    bruno, chloe = fablab.people["bruno"], fablab.people["chloe"]
    assert set(map(str, look(readers).values())) == {"{}"}

    at("2027-03-29 09:10")
    uid = bookings.book(order("laser", FIRST), by=bruno, now=clock.now())

    told = Told(0, "CONFIRMED", "30 14:00", "07:10", "{what}")
    seen = assert_seen(EVERYWHERE, ON_THE_LASER, uid=uid, told=told, machine="Laser cutter (L1)")
    assert all(seen[name] is None for name in ("bench", *OTHERS))

    at("2027-03-29 09:20")
    bookings.move(uid, order("laser", LATER), by=bruno, is_team=False, now=clock.now())

    told = Told(1, "CONFIRMED", "30 15:00", "07:20", "{what}")
    assert_seen(EVERYWHERE, ON_THE_LASER, uid=uid, told=told, machine="Laser cutter (L1)")

    # Not the booking has changed, but what is read of it: another version of the calendar.
    at("2027-03-29 09:25")
    rename(fablab, "laser", "Cutter")

    assert_seen(EVERYWHERE, ON_THE_LASER, uid=uid, told=told, machine="Cutter (L1)")

    at("2027-03-29 09:30")
    bookings.move(uid, order("bench", LATER), by=bruno, is_team=False, now=clock.now())

    told = Told(2, "CONFIRMED", "30 15:00", "07:30", "{what}")
    seen = assert_seen(EVERYWHERE, ON_THE_BENCH, uid=uid, told=told, machine="Workbench (B1)")
    assert all(seen[name] == {} for name in ON_THE_LASER)

    at("2027-03-29 09:40")
    bookings.cancel(uid, by=bruno, is_team=False, now=clock.now())

    told = Told(3, "CANCELLED", "30 15:00", "07:40", "Cancelled: {what}")
    own = {"own": EVERYWHERE["own"]}
    seen = assert_seen(own, uid=uid, told=told, machine="Workbench (B1)")
    for name in (*EVERYWHERE, *ON_THE_BENCH):
        assert name == "own" or seen[name] == {}, name

    at("2027-03-29 09:50")
    other = bookings.book(order("bench", LATER, "chloe"), by=chloe, now=clock.now())

    seen = look(readers)
    assert other != uid
    named = "Chloé Navette: Workbench (B1)"
    summaries = {
        "place": named,
        "day": named,
        "benches": named,
        "spares": named,
        "bench": "Busy",
        "other": "Workbench (B1)",
    }
    for name, summary in summaries.items():
        assert seen[name] == {other: Told(0, "CONFIRMED", "30 15:00", "07:50", summary)}, name
    assert seen["own"] is None
    assert not seen["studio"]


def rename(fablab, slug, name):
    with writing() as session:
        session.get(Machine, fablab.machine(slug).id).name = name


def test_the_same_order_again_is_no_change(fablab, readers):
    uid = fablab.book("laser", FIRST, "bruno")
    look(readers)

    bruno = fablab.people["bruno"]
    same = fablab.order("laser", FIRST, "bruno")
    bookings.move(uid, same, by=bruno, is_team=False, now=clock.now())

    assert readers["own"].look() is None
