"""The life of one booking as every calendar tells it: made, moved, moved again, cancelled, and
its slot booked by somebody else.
"""

from typing import NamedTuple

import pytest

from fablab import clock
from fablab.booking import commands as bookings
from fablab.machines.models import Policy
from tests.calendars.support import (
    DAY,
    MINE,
    PLACE,
    address,
    category,
    change,
    machine,
    make_manager,
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
        "studio": address(fablab, "bruno", studio),
        "bench": "/machines/bench/calendar.ics",
        "other": address(fablab, "chloe", MINE),
    }
    return {name: Reader(browse_any(None), each) for name, each in addresses.items()}


def look(readers) -> dict:
    return {name: reader.look() for name, reader in readers.items()}


EVERYWHERE = ("own", "place", "day", "studio")
ON_THE_LASER = ("lasers", "secret", "public")


def test_every_calendar_tells_the_whole_life_of_a_booking(fablab, readers, at):
    def order(slug, span, who="bruno"):
        studio = fablab.organization_id if who == "bruno" else None
        return fablab.order(slug, span, who, organization_id=studio)

    bruno, chloe = fablab.people["bruno"], fablab.people["chloe"]
    assert set(map(str, look(readers).values())) == {"{}"}

    at("2027-03-29 09:10")
    uid = bookings.book(order("laser", FIRST), by=bruno, now=clock.now())

    seen = look(readers)
    made = {uid: Told(0, "CONFIRMED", "30 14:00", "07:10")}
    for name in (*EVERYWHERE, *ON_THE_LASER):
        assert seen[name] == made, name
    assert seen["bench"] is seen["other"] is None
    assert set(look(readers).values()) == {None}

    at("2027-03-29 09:20")
    bookings.move(uid, order("laser", LATER), by=bruno, is_team=False, now=clock.now())

    seen = look(readers)
    moved = {uid: Told(1, "CONFIRMED", "30 15:00", "07:20")}
    for name in (*EVERYWHERE, *ON_THE_LASER):
        assert seen[name] == moved, name
    assert seen["bench"] is seen["other"] is None

    at("2027-03-29 09:30")
    bookings.move(uid, order("bench", LATER), by=bruno, is_team=False, now=clock.now())

    seen = look(readers)
    moved_again = {uid: Told(2, "CONFIRMED", "30 15:00", "07:30")}
    for name in (*EVERYWHERE, "bench"):
        assert seen[name] == moved_again, name
    for name in ON_THE_LASER:
        assert seen[name] == {}, name
    assert seen["other"] is None

    at("2027-03-29 09:40")
    bookings.cancel(uid, by=bruno, is_team=False, now=clock.now())

    seen = look(readers)
    assert seen["own"] == {uid: Told(3, "CANCELLED", "30 15:00", "07:40")}
    for name in ("place", "day", "studio", "bench"):
        assert seen[name] == {}, name

    at("2027-03-29 09:50")
    other = bookings.book(order("bench", LATER, "chloe"), by=chloe, now=clock.now())

    seen = look(readers)
    assert other != uid
    made = {other: Told(0, "CONFIRMED", "30 15:00", "07:50")}
    for name in ("place", "day", "bench", "other"):
        assert seen[name] == made, name
    assert seen["own"] is None


def test_the_same_order_again_is_no_change(fablab, readers):
    uid = fablab.book("laser", FIRST, "bruno")
    look(readers)

    bruno = fablab.people["bruno"]
    same = fablab.order("laser", FIRST, "bruno")
    bookings.move(uid, same, by=bruno, is_team=False, now=clock.now())

    assert readers["own"].look() is None
