"""Programs of others read the calendars over HTTP, far from Paris, and see what was booked."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import make_server

from fablab import clock
from fablab.db import db
from fablab.machines.commands import withdraw
from fablab.members.models import Member
from fablab.places.models import Closure, Place
from fablab.slots import Slot
from tests.calendars.support import DAY, PLACE, address, change, close, occupy, set_columns
from tests.support import slot

READERS = Path(__file__).with_name("readers.py")

# On the clock of Paris, and the instants that are meant.
SPANS = [
    ("2027-03-30 14:00-16:00", "2027-03-30T12:00", "2027-03-30T14:00"),
    # the night the clocks go forward: over the change, after it, and the night before it
    ("2027-03-28 01:30-03:30", "2027-03-28T00:30", "2027-03-28T01:30"),
    ("2027-03-28 04:00-05:00", "2027-03-28T02:00", "2027-03-28T03:00"),
    ("2027-03-26 22:00-02:00", "2027-03-26T21:00", "2027-03-27T01:00"),
    # over midnight in summer, and in winter
    ("2027-07-15 23:00-04:00", "2027-07-15T21:00", "2027-07-16T02:00"),
    ("2027-12-01 09:00-10:00", "2027-12-01T08:00", "2027-12-01T09:00"),
    # the night they go back: before it and over it
    ("2027-10-31 00:30-01:30", "2027-10-30T22:30", "2027-10-30T23:30"),
    ("2027-10-31 01:45-04:00", "2027-10-30T23:45", "2027-10-31T03:00"),
]
NAME = "Zoë d'Ésope; née “L’Épée”, 👩🏽‍🔧👩🏽‍🔧👩🏽‍🔧 \\ Łódź Ω 漢字漢字漢字漢字漢字漢字"


@pytest.fixture
def site(app, fablab) -> Iterator[str]:
    """The application, served on this machine: where it listens."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def told(fablab) -> dict[str, dict[str, list[str]]]:
    """What each address should tell, by the words of the people who booked."""
    set_columns(Member, fablab.people["chloe"], first_name=NAME, last_name="")
    change(Place, holidays_country="")  # of which there are dozens
    uids = occupy(fablab, "bench", "chloe", *(slot(span) for span, _, _ in SPANS))
    times = {
        uid: [f"{start}:00+00:00", f"{end}:00+00:00"]
        for uid, (_, start, end) in zip(uids, SPANS, strict=True)
    }
    outage = withdraw(
        fablab.machine("laser").id,
        slot("2027-03-31 10:00-12:00"),
        "Lens\nand mirror",
        by=None,
        now=clock.now(),
    )
    times[outage] = ["2027-03-31T08:00:00+00:00", "2027-03-31T10:00:00+00:00"]
    close(fablab, "2027-12-24", "2028-01-02", "Winter, at last")
    closure = db.session.scalars(db.select(Closure.uid)).one()
    off = {closure: ["Closed: Winter, at last", "2027-12-24", "2028-01-03"]}

    def all_as(summary: str) -> dict[str, list[str]]:
        return {uid: [summary, *times[uid]] for uid in uids}

    broken = {outage: ["Out of service: Laser cutter (L1)", *times[outage]]}
    shared = all_as(f"{NAME}: Workbench (B1)")
    this_week = {uids[0]: shared[uids[0]]}
    return {
        address(fablab, "chloe"): all_as("Workbench (B1)"),
        address(fablab, "bruno", PLACE): shared | broken | off,
        address(fablab, "amina", DAY): this_week | broken,
        "/machines/bench/calendar.ics": all_as("Busy"),
    }


def read_by(reader: str, zone: str, *urls: str) -> dict[str, dict[str, list[str]]]:
    """What a reader in a process and time zone of its own finds at each address."""
    found = subprocess.run(
        [sys.executable, str(READERS), reader, *urls],
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(found.stdout)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("reader", ["vobject", "ics", "icalevents"])
def test_readers_of_others_find_the_same_events_at_the_same_instants(site, told, reader, zone):
    expected = {f"{site}{each}": events for each, events in told.items()}

    found = read_by(reader, zone, *expected)

    for url, events in expected.items():
        assert found[url] == events


# icalevents takes a local time that comes twice for its second pass, against §3.3.5.
@pytest.mark.parametrize("reader", ["vobject", "ics"])
def test_the_first_half_past_two_is_read_as_the_first(site, fablab, reader):
    (uid,) = occupy(fablab, "bench", "chloe", slot("2027-10-31 02:30-02:45"))
    url = f"{site}/machines/bench/calendar.ics"

    found = read_by(reader, "America/New_York", url)

    times = ["2027-10-31T00:30:00+00:00", "2027-10-31T00:45:00+00:00"]
    assert found == {url: {uid: ["Busy", *times]}}


@pytest.mark.parametrize("reader", ["vobject", "ics", "icalevents"])
def test_the_second_half_past_two_is_read_as_the_second(site, fablab, reader):
    """A local time would mean the first."""
    second = Slot(datetime(2027, 10, 31, 1, 30, tzinfo=UTC), datetime(2027, 10, 31, 3, tzinfo=UTC))
    (uid,) = occupy(fablab, "bench", "chloe", second)
    url = f"{site}/machines/bench/calendar.ics"

    found = read_by(reader, "America/New_York", url)

    times = ["2027-10-31T01:30:00+00:00", "2027-10-31T03:00:00+00:00"]
    assert found == {url: {uid: ["Busy", *times]}}
