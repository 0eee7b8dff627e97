"""Programs of others read the calendars over HTTP, far from Paris, and see what was booked."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
from sqlalchemy import update
from werkzeug.serving import make_server

from fablab import ROOT, clock
from fablab.booking import commands as bookings
from fablab.db import db, writing
from fablab.machines.commands import withdraw
from fablab.machines.models import Occupancy
from fablab.members.models import Member
from fablab.places.models import Closure, Place
from fablab.slots import Slot
from fablab.trainings.sessions import register
from tests.calendars.support import (
    DAY,
    PLACE,
    TRAININGS,
    address,
    category,
    change,
    close,
    machine,
    make_manager,
    make_pool,
    occupy,
    organization,
    plan_session,
    set_columns,
)
from tests.support import missing, slot

Events = dict[str, list[str]]

FOLDER = Path(__file__).with_name("readers")
A_PYTHON = "/usr/bin/python3"  # the system's own, which has the packages of the system


class Reader(NamedTuple):
    """A program that reads calendars: how it is called, and what shows that it is there."""

    command: list[str]
    probe: list[str]
    keeps_uids: bool = True


def of_ours(name: str, **more: Any) -> Reader:
    command = [sys.executable, str(FOLDER / "in_python.py"), name]
    return Reader(command, [sys.executable, "-c", f"import {name}"], **more)


def program(name: str, *probes: str, **more: Any) -> Reader:
    command = [sys.executable, str(FOLDER / "with_programs.py"), name]
    probe = " && ".join(f"{each} --version" for each in (name, *probes))
    return Reader(command, ["sh", "-c", probe], **more)


# Of these, khal, libical, sabre/vobject, ical.js and icalevents take a local time that comes twice
# for its second pass, against RFC 5545 §3.3.5, and calcurse for either: there is none in what we
# write. calcurse keeps no UID. vdirsyncer replaces those of a calendar that can only be read by
# ones of its own (its HTTP storage: `_ignore_uids`).
READERS = {
    "vobject": of_ours("vobject"),
    "ics": of_ours("ics"),
    "icalevents": of_ours("icalevents"),
    "ical.js": Reader(
        ["node", str(FOLDER / "in_javascript.mjs")],
        ["node", "-e", "process.exit(globalThis.fetch ? 0 : 1)"],
    ),
    "sabre/vobject": Reader(
        ["php", str(FOLDER / "in_php.php")],
        ["php", "-r", "require 'Sabre/VObject/autoload.php';"],
    ),
    "icalendar in Ruby": Reader(
        ["ruby", str(FOLDER / "in_ruby.rb")], ["ruby", "-e", "require 'icalendar'"]
    ),
    "libical": Reader(
        [A_PYTHON, str(FOLDER / "in_c.py")],
        [A_PYTHON, "-c", "import gi; gi.require_version('ICalGLib', '3.0')"],
    ),
    "calcurse": program("calcurse", keeps_uids=False),
    "khal": program("khal"),
    "vdirsyncer": program("vdirsyncer", "khal", keeps_uids=False),
}
ZONES = ["America/New_York", "Asia/Tokyo"]


@lru_cache
def is_there(name: str) -> bool:
    try:
        return subprocess.run(READERS[name].probe, capture_output=True, timeout=60).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture(params=READERS)
def reader(request) -> str:
    if not is_there(request.param):
        missing(f"{request.param}, a reader of calendars,")
    return request.param


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
    session = plan_session(fablab, slot("2027-04-01 10:00-12:00"))
    (held,) = db.session.scalars(db.select(Occupancy.uid).where(Occupancy.kind == "session"))
    hours = ["2027-04-01T08:00:00+00:00", "2027-04-01T10:00:00+00:00"]
    taught = {held: ["Training: Laser cutting, Laser cutter (L1)", *hours]}
    register(session, fablab.people["chloe"], now=clock.now())
    make_manager(fablab, "bruno")
    with writing() as s:
        s.execute(
            update(Occupancy)
            .where(Occupancy.uid.in_(uids))
            .values(organization_id=fablab.organization_id)
        )
    benches = {uid: ["Studio Fil: Workbench (B1)", *times[uid]] for uid in uids}
    return {
        address(fablab, "chloe"): all_as("Workbench (B1)")
        | {session: ["Training: Laser cutting", *hours]},
        address(fablab, "bruno", PLACE): benches | broken | taught | off,
        address(fablab, "amina", DAY): this_week | broken | taught,
        address(fablab, "bruno", category(fablab, "bench")): benches,
        address(fablab, "bruno", make_pool(fablab, "bench")): benches,
        address(fablab, "bruno", machine(fablab, "bench")): all_as("Busy"),
        address(fablab, "bruno", organization(fablab)): shared,
        address(fablab, "bruno", TRAININGS): {session: ["Laser cutting", *hours]},
        "/machines/bench/calendar.ics": all_as("Busy"),
    }


def read_by(reader: str, zone: str, *urls: str, **env: str) -> dict[str, dict[str, list[str]]]:
    """What a reader in a process and time zone of its own finds at each address."""
    ours = {"TZ": zone, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [*READERS[reader].command, *urls],
        env={**os.environ, **ours, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def assert_found(reader: str, found: Events, expected: Events) -> None:
    if READERS[reader].keeps_uids:
        assert found == expected
    else:
        assert sorted(found.values()) == sorted(expected.values())


@pytest.mark.parametrize(
    ("reader", "zone"),
    # What vdirsyncer fetches khal shows, which is asked in both.
    [(each, zone) for each in READERS for zone in ZONES[each == "vdirsyncer" :]],
    indirect=["reader"],
)
def test_readers_of_others_find_the_same_events_at_the_same_instants(site, told, reader, zone):
    expected = {f"{site}{each}": events for each, events in told.items()}

    found = read_by(reader, zone, *expected)

    assert found.keys() == expected.keys()
    for url, events in expected.items():
        assert_found(reader, found[url], events)


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("2027-10-31T00:30", "2027-10-31T00:45"),  # the first half past two
        ("2027-10-31T01:30", "2027-10-31T03:00"),  # the second
        ("2027-10-30T22:00", "2027-10-31T00:15"),
    ],
)
def test_an_hour_that_comes_twice_is_the_one_that_is_meant(site, fablab, reader, starts, ends):
    span = Slot(*(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (starts, ends)))
    (uid,) = occupy(fablab, "bench", "chloe", span)
    url = f"{site}/machines/bench/calendar.ics"

    found = read_by(reader, "America/New_York", url)

    times = [f"{starts}:00+00:00", f"{ends}:00+00:00"]
    assert_found(reader, found[url], {uid: ["Busy", *times]})


def test_a_subscription_follows_what_changes(site, fablab, tmp_path, at):
    """Kept from one synchronisation to the next, as on somebody's machine."""
    if not is_there("vdirsyncer"):
        missing("vdirsyncer, a reader of calendars,")
    url = f"{site}{address(fablab, 'bruno', PLACE)}"
    change(Place, holidays_country="")
    moved = fablab.book("bench", slot("2027-03-30 10:00-11:00"), "chloe")
    gone = fablab.book("laser", slot("2027-03-30 14:00-15:00"), "bruno")

    def shown() -> list[list[str]]:
        return sorted(read_by("vdirsyncer", "Asia/Tokyo", url, KEPT=str(tmp_path))[url].values())

    before = shown()
    assert before == shown()
    at("2027-03-29 10:00")
    chloe, bruno = fablab.people["chloe"], fablab.people["bruno"]
    later = fablab.order("bench", slot("2027-03-30 11:00-12:00"), "chloe")
    bookings.move(moved, later, by=chloe, is_team=False, now=clock.now())
    bookings.cancel(gone, by=bruno, is_team=False, now=clock.now())

    assert [each[0] for each in before] == [
        "Bruno Lefil: Laser cutter (L1)",
        "Chloé Navette: Workbench (B1)",
    ]
    times = ["2027-03-30T09:00:00+00:00", "2027-03-30T10:00:00+00:00"]
    assert shown() == [["Chloé Navette: Workbench (B1)", *times]]
