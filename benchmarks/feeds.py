"""What the calendars cost: one that has not changed, one of 1,000 events, warm and cold; and what
a year of a busy place weighs: 24 machines, 20,000 bookings, all of them shown.

    python -m benchmarks.feeds

CPU in multiples of a bare Flask hello measured in the same run. Exit status 1 when a budget is
exceeded.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from icalendar import Calendar
from sqlalchemy import select, update

from benchmarks import stage
from benchmarks.measure import cost, counting, hello, ratio
from fablab import clock, create_app
from fablab.calendars import feed
from fablab.calendars.commands import make_address, new_key
from fablab.calendars.kinds import About, Scope
from fablab.db import db, writing
from fablab.machines.models import Machine, Occupancy
from fablab.migrations import upgrade

EVENTS = 1_000
UNCHANGED, STATEMENTS, WARM = 4.0, 2, 30.0
YEAR, YEAR_SENT = 20_000, 1_000


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            {"TESTING": True, "LOG_LEVEL": "WARNING", "INSTANCE_PATH": str(Path(folder))}
        )
        with app.app_context():
            upgrade()
            member_id = stage.populate(EVENTS - stage.MACHINES * len(stage.STARTS) * stage.DAYS)
            db.session.remove()
        kept = measured(app, member_id)
        with app.app_context():
            stage.book_a_year(YEAR - EVENTS)
            db.session.remove()
        return 0 if all([*kept, *weighed(app, member_id)]) else 1


def measured(app: Flask, member_id: int) -> list[bool]:
    """Prints each figure beside its budget; whether each was kept."""
    unit = hello()
    print(f"bare Flask hello: {cost(unit) * 1e6:.0f} µs of CPU")
    kept = []
    for scope in (Scope.MEMBER, Scope.PLACE, Scope.TRAININGS):
        address = address_of(app, scope, member_id)
        kept += unchanged(app, f"{scope} feed", address, unit)
    kept += unchanged(app, "public feed", "/machines/m03/calendar.ics", unit)

    address = address_of(app, Scope.PLACE, member_id)
    shown = reader(app, address)
    count = shown().data.count(b"BEGIN:VEVENT")
    print(f"\nplace feed of {count} events, {len(shown().data) / 1000:.0f} kB")
    kept.append(line("warm", ratio(shown, unit), WARM, "× hello"))
    packed = reader(app, address, {"Accept-Encoding": "gzip"})
    kept.append(line("warm, compressed", ratio(packed, unit), WARM, "× hello"))
    line("after one booking changed", ratio(Changing(app, shown), unit), None, "× hello")

    cold = cost(Cold(app, shown), rounds=3, requests=3)
    library = cost(Calendar.from_ical(shown().data).to_ical, rounds=3, requests=3)
    kept.append(line("cold", cold * 1000, library * 1000, "ms, beside icalendar's to_ical"))
    return kept


def weighed(app: Flask, member_id: int) -> list[bool]:
    """As sent: every program of note asks for it compressed."""
    address = address_of(app, Scope.PLACE, member_id)
    plain = reader(app, address)().data
    packed = reader(app, address, {"Accept-Encoding": "gzip"})().data
    print(f"\na year of a busy place: {plain.count(b'BEGIN:VEVENT'):,} events")
    line("plain", len(plain) / 1000, None, "kB")
    return [line("compressed", len(packed) / 1000, YEAR_SENT, "kB")]


def address_of(app: Flask, scope: Scope, member_id: int) -> str:
    with app.app_context():
        place_id = db.session.scalars(select(Machine.place_id).limit(1)).one()
        token = make_address(
            About(scope), member_id=member_id, place_id=place_id, key=new_key(), now=clock.now()
        )
        db.session.remove()
    return f"/calendars/{token}/calendar.ics"


def reader(app: Flask, address: str, headers: dict[str, str] | None = None) -> Callable[[], Any]:
    client = app.test_client()

    def read() -> Any:
        response = client.get(address, headers=headers or {})
        assert response.status_code in (200, 304), response.status
        return response

    return read


def unchanged(app: Flask, what: str, address: str, unit: Callable[[], Any]) -> list[bool]:
    etag = reader(app, address)().headers["ETag"]
    read = reader(app, address, {"If-None-Match": etag})
    assert read().status_code == 304
    with app.app_context():
        engine = db.engine
    with counting(engine) as statements:
        read()
    return [
        line(f"{what}, unchanged: statements", len(statements), STATEMENTS, ""),
        line(f"{what}, unchanged", ratio(read, unit, requests=200), UNCHANGED, "× hello"),
    ]


class Changing:
    """Reads a feed in which one booking has changed since it was last read."""

    def __init__(self, app: Flask, read: Callable[[], Any]) -> None:
        self.app, self.read = app, read

    def __call__(self) -> None:
        with self.app.app_context():
            with writing() as session:
                first = session.execute(select(Occupancy.id, Occupancy.machine_id).limit(1)).one()
                session.execute(
                    update(Occupancy.__table__)
                    .where(Occupancy.id == first.id)
                    .values(revision=Occupancy.revision + 1)
                )
                session.execute(
                    update(Machine)
                    .where(Machine.id == first.machine_id)
                    .values(revision=Machine.revision + 1)
                )
            db.session.remove()
        self.read()


class Cold:
    """Reads a feed of which nothing is in memory."""

    def __init__(self, app: Flask, read: Callable[[], Any]) -> None:
        self.app, self.read = app, read

    def __call__(self) -> None:
        feed.init_app(self.app)
        self.read()


def line(what: str, figure: float, budget: float | None, unit: str) -> bool:
    is_kept = budget is None or figure <= budget
    limit = "" if budget is None else f"≤ {budget:.4g}"
    print(f"{what:36} {figure:8.1f} {unit:32} {limit:8} {'' if is_kept else 'OVER'}".rstrip())
    return is_kept


if __name__ == "__main__":
    sys.exit(main())
