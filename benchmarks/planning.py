"""What the planning and a machine's page cost, beside a bare Flask hello in the same process.

    python benchmarks/planning.py

Thirty machines in ten categories, and as many bookings a day as fit: more than a busy fablab.
"""

import gzip
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as hour
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event, insert

from fablab import clock, create_app
from fablab.clock import from_wall, midnight, today
from fablab.db import db, writing
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Category, Machine, Occupancy, Policy
from fablab.members.kinds import Role
from fablab.members.models import Member, Membership, RoleHeld
from fablab.places.kinds import NamesShown
from fablab.places.models import Opening, Place

HUES = "red orange blue plum teal brown slate green terracotta ink".split()
ICONS = "zap drill printer-3d spool file-text axe anvil cpu amphora warehouse".split()
ROUNDS, REQUESTS = 7, 30


def populate(machines: int = 30, days: int = 8) -> int:
    """A place with its machines and a full week; the id of a member."""
    now = clock.now()
    with writing() as session:
        place = Place(
            slug="bench", name="The mill", names_shown=NamesShown.EVERYONE, created_at=now
        )
        session.add(place)
        session.flush()
        session.add_all(
            Opening(place_id=place.id, weekday=day, opens_at=hour(9), closes_at=hour(20))
            for day in range(1, 8)
        )
        session.add(Policy(place_id=place.id, cleanup=timedelta(0)))
        categories = [
            Category(
                place_id=place.id, slug=hue, name=f"Category {hue}", hue=hue, icon=icon, position=n
            )
            for n, (hue, icon) in enumerate(zip(HUES, ICONS, strict=True))
        ]
        session.add_all(categories)
        members = [member(n, now) for n in range(40)]
        for one in members:
            one.memberships.append(Membership(place_id=place.id))
        session.add_all(members)
        session.flush()
        session.add(RoleHeld(membership_id=members[0].memberships[0].id, role=Role.FABMANAGER))
        made = [
            Machine(
                place_id=place.id,
                category_id=categories[n * len(categories) // machines].id,
                slug=f"m{n:02}",
                code=f"M{n:02}",
                name=f"Machine number {n}",
                model="Maker 3000",
                position=n,
            )
            for n in range(machines)
        ]
        session.add_all(made)
        session.flush()
        session.execute(insert(Occupancy.__table__), bookings(made, members, now, days))
        return members[1].id


def member(n: int, now: datetime) -> Member:
    return Member(
        uid=str(uuid4()),
        email=f"member{n}@bench.example",
        first_name=f"Firstname{n}",
        last_name=f"Lastname{n}",
        created_at=now,
        confirmed_at=now,
    )


def bookings(made: list[Machine], members: list[Member], now: datetime, days: int) -> list[dict]:
    """Four a day on each machine, of an hour and a half."""
    zone = Place(zone="Europe/Paris").tz
    first = today(zone, now)
    rows = []
    for ahead in range(days):
        day: date = first + timedelta(days=ahead)
        for n, machine in enumerate(made):
            for k, starts in enumerate((9, 11, 14, 17)):
                start = from_wall(zone, day, hour(starts, 15 * (n % 4)))
                end = start + timedelta(minutes=90)
                rows.append(
                    {
                        "uid": str(uuid4()),
                        "kind": OccupancyKind.BOOKING,
                        "machine_id": machine.id,
                        "starts_at": start,
                        "ends_at": end,
                        "occupied_from": start,
                        "occupied_until": end,
                        "status": "confirmed",
                        "standing": True,
                        "revision": 0,
                        "created_at": now,
                        "changed_at": now,
                        "title": "Something to make",
                        "member_id": members[(n * 4 + k) % len(members)].id,
                    }
                )
    return rows


def cost(call: Callable[[], Any]) -> float:
    """Seconds of CPU of one call: the median of rounds, the fastest of which is not believed."""
    call()
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(REQUESTS):
            call()
        found.append((time.process_time() - start) / REQUESTS)
    return statistics.median(found)


def hello() -> Flask:
    app = Flask("hello")
    app.add_url_rule("/", view_func=lambda: "hello")
    return app


def main() -> None:
    bare = hello().test_client()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        app = create_app(
            {
                "TESTING": True,
                "DATABASE_URL": f"sqlite:///{path / 'bench.sqlite'}",
                "INSTANCE_PATH": str(path / "instance"),
            }
        )
        with app.app_context():
            upgrade()
            member_id = populate()
            engine = db.engine
            # ten in the morning: half of the day past, half to come
            zone = Place(zone="Europe/Paris").tz
            then = midnight(zone, today(zone, clock.now())) + timedelta(hours=10)
        clock.now = lambda: then  # type: ignore[assignment]
        unit = cost(lambda: bare.get("/"))
        print(f"hello {unit * 1e6:.0f} µs")
        for who in (None, member_id):
            client = app.test_client()
            if who:
                with client.session_transaction() as session:
                    session["_user_id"], session["_fresh"] = f"{who}.0", True
            for address in ("/planning/", "/planning/?category=red", "/machines/", "/machines/m03"):
                report(client, engine, address, unit, "member" if who else "visitor")


def report(client: Any, engine: Any, address: str, unit: float, who: str) -> None:
    statements: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "ROLLBACK", "COMMIT")):
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    page = client.get(address)
    event.remove(engine, "before_cursor_execute", note)
    assert page.status_code == 200, page.status
    spent = cost(lambda: client.get(address))
    size = len(gzip.compress(page.data, 6)) / 1000
    print(
        f"{who:8} {address:24} {spent * 1e3:6.2f} ms  {spent / unit:5.1f} × hello"
        f"  {len(statements)} statements  {size:.1f} kB gz ({len(page.data) / 1000:.0f})"
    )


if __name__ == "__main__":
    main()
