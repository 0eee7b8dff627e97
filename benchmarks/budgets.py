"""The budgets of the product, each with the figure measured now.

    python -m benchmarks.budgets             everything; about two minutes
    python -m benchmarks.budgets --quick     without the million past bookings

CPU is that of this process, in multiples of a bare Flask hello measured in the same run, so that
the ratios hold on any machine. Exit status 1 when a budget is exceeded.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from benchmarks import stage
from benchmarks.measure import compressed, cost, counting, hello, ratio
from fablab import clock, create_app
from fablab.booking.facts import gather
from fablab.booking.suggestions import acceptable
from fablab.clock import midnight, today, whole_days
from fablab.db import db
from fablab.machines.inventory import here
from fablab.members import sessions
from fablab.members.models import Member
from fablab.migrations import upgrade
from fablab.places.rules import days

PAST, LONG_PAST = 20_000, 1_000_000
STATEMENTS = {
    "planning day": 6,
    "planning week": 6,
    "planning, unchanged": 2,
    "machine page": 8,
    "POST booking": 14,
    "feed, unchanged": 2,
    "POST booking, every rule on": 14,
    "next free slots, 14 days": 8,
}
CPU = {
    "planning day": 45.0,
    "planning week": 90.0,
    "planning, unchanged": 4.0,
    "POST booking": 50.0,
    "feed, unchanged": 4.0,
    "POST booking, every rule on": 50.0,
    "next free slots, 14 days": 30.0,
}
STRICT = "m17"  # the machine that has every rule
GROWTH = 1.5
NEXT_PAGE, FIRST_LOAD, FIRST_REQUESTS = 15.0, 80.0, 10


@dataclass
class Report:
    """Prints each figure beside its budget, and remembers whether all were kept."""

    is_kept: bool = True
    cpu: dict[str, float] = field(default_factory=dict)

    def line(self, what: str, figure: float, budget: float | None, unit: str) -> None:
        is_over = budget is not None and figure > budget
        self.is_kept = self.is_kept and not is_over
        limit = "" if budget is None else f"≤ {budget:g}"
        print(f"{what:44} {figure:9.1f} {unit:10} {limit:8} {'OVER' if is_over else ''}".rstrip())


def main() -> int:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            {"TESTING": True, "LOG_LEVEL": "WARNING", "INSTANCE_PATH": str(Path(folder))}
        )
        with app.app_context():
            upgrade()
            member_id = stage.populate(PAST)
        ten_in_the_morning()
        unit = hello()
        print(f"bare Flask hello: {cost(unit) * 1e6:.0f} µs of CPU; {PAST:,} past bookings\n")
        client = signed_in(app, member_id)
        requests = measured_requests(app, client)
        for what, call in requests.items():
            measure(report, app, what, call, unit)
        with app.app_context():
            stage.every_rule(STRICT, member_id, member_id + 1)
            buddy = db.session.scalars(select(Member.email).filter_by(id=member_id + 1)).one()
        strict = Booker(app, client, (STRICT,), ahead=150, buddy=buddy)
        measure(report, app, "POST booking, every rule on", strict.book, unit)
        with app.app_context():
            search = next_free_slots(member_id + 1)  # who has booked less than the one above
            measure(report, app, "next free slots, 14 days", search, unit)
        weights(report, app, client)
        if "--quick" not in sys.argv:
            with app.app_context():
                stage.lengthen_past(PAST, LONG_PAST)
            # Asked anew, for the place has other rules since; on days not booked yet.
            grown(report, measured_requests(app, client, ahead=60), unit)
    return 0 if report.is_kept else 1


def ten_in_the_morning() -> None:
    """Half of the day past, half to come."""
    then = midnight(stage.ZONE, today(stage.ZONE, clock.now())) + timedelta(hours=10)
    clock.now = lambda: then  # type: ignore[assignment]


def signed_in(app: Flask, member_id: int) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(sessions.contents(member_id, 0, is_shared=False, now=clock.now()))
    return client


def measured_requests(
    app: Flask, client: FlaskClient, ahead: int = 0
) -> dict[str, Callable[[], Any]]:
    """What is asked for, by name; each raises when the answer is not what it should be.

    What is booked is so many days ahead.
    """
    feed = feed_address(client)
    etag = client.get(feed).headers["ETag"]
    version = f"/planning/{today(stage.ZONE, clock.now()).isoformat()}/version"
    shown = client.get(version).headers["ETag"]
    return {
        "planning day": lambda: answered(client.get("/planning/"), 200),
        "planning, unchanged": lambda: answered(
            app.test_client().get(version, headers={"If-None-Match": shown}), 304
        ),
        "planning week": lambda: answered(client.get("/planning/week/"), 200),
        "machine page": lambda: answered(client.get("/machines/m03"), 200),
        "POST booking": Booker(app, client, ahead=ahead).book,
        "feed, unchanged": lambda: answered(
            app.test_client().get(feed, headers={"If-None-Match": etag}), 304
        ),
    }


def answered(response: Any, status: int) -> Any:
    assert response.status_code == status, (response.status, response.text[:2000])
    return response


def feed_address(client: FlaskClient) -> str:
    return "/machines/m03/calendar.ics"


class Booker:
    """Books the next free half hour, each time another; not of the machine the feed is of."""

    def __init__(
        self,
        app: Flask,
        client: FlaskClient,
        machines: tuple[str, ...] = ("m00", "m01"),
        ahead: int = 0,
        **more: str,
    ) -> None:
        self.ahead = stage.DAYS + ahead  # in days: the first that is tried
        self.client, self.machines, self.more = client, machines, more
        page = client.get("/bookings/new?machine=m00").text
        self.token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page)[0]
        self.slots = self._free()

    def _free(self) -> Iterator[dict[str, str]]:
        first = today(stage.ZONE, clock.now()) + timedelta(days=self.ahead)
        for ahead in range(280 - self.ahead):
            day = (first + timedelta(days=ahead)).isoformat()
            for machine in self.machines:
                for hour in range(9, 20):
                    yield {
                        "machine": machine,
                        "day": day,
                        "start": f"{hour:02}:00",
                        "end": f"{hour:02}:45",
                    }

    def book(self) -> None:
        form = {**next(self.slots), **self.more, "purpose": "A lamp", "csrf_token": self.token}
        answered(self.client.post("/bookings/", data=form), 303)


def next_free_slots(member_id: int) -> Callable[[], Any]:
    """The first three slots of an hour that this member may have on the strict machine, on each
    of 14 days: as many as a page shows.
    """
    first = today(stage.ZONE, clock.now())
    last = first + timedelta(days=13)

    def search() -> None:
        inventory = here()
        machine = inventory.by_slug[STRICT]
        span = whole_days(stage.ZONE, first, last)
        facts = gather(inventory, machine, member_id, span, now=clock.now())
        for day in days(first, last):
            assert list(islice(acceptable(facts, day, day, timedelta(hours=1)), 3))
        db.session.rollback()

    return search


def measure(
    report: Report, app: Flask, what: str, call: Callable[[], Any], unit: Callable[[], Any]
) -> None:
    call()
    with app.app_context():
        engine = db.engine
    with counting(engine) as statements:
        call()
    report.line(f"{what}: statements", len(statements), STATEMENTS[what], "")
    report.cpu[what] = ratio(call, unit)
    report.line(f"{what}: CPU", report.cpu[what], CPU.get(what), "× hello")


def weights(report: Report, app: Flask, client: FlaskClient) -> None:
    """The first visit: the page, and all it asks for; then the page alone."""
    page = app.test_client().get("/")
    found = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    files = sorted({address.partition("#")[0] for address in found})
    bodies = [client.get(address).data for address in files]
    report.line("first page load, compressed", compressed(page.data, *bodies), FIRST_LOAD, "kB")
    report.line("first page load: requests", 1 + len(files), FIRST_REQUESTS, "")
    report.line("next page, HTML compressed", compressed(page.data), NEXT_PAGE, "kB")
    week = client.get("/planning/week/")
    report.line("planning week, HTML compressed", compressed(week.data), NEXT_PAGE, "kB")


def grown(report: Report, requests: dict[str, Callable[[], Any]], unit: Callable[[], Any]) -> None:
    print(f"\nwith {LONG_PAST:,} past bookings instead of {PAST:,}")
    for what, call in requests.items():
        growth = ratio(call, unit) / report.cpu[what]
        report.line(f"{what}: CPU", growth, GROWTH, "× before")


if __name__ == "__main__":
    raise SystemExit(main())
