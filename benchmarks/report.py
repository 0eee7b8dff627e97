"""The report for the funders over a year of a million bookings, on both engines.

    python -m benchmarks.report               a million; two minutes
    python -m benchmarks.report 100000        another number

All of them are in the period, the worst there is: 24 machines, 400 members, 12 structures. The time
is what passes until the page is there, the middle one of some. Exit status 1 when it is too long.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from benchmarks import stage
from benchmarks.budgets import signed_in
from benchmarks.measure import counting
from fablab import create_app
from fablab.db import db, writing
from fablab.migrations import upgrade
from fablab.organizations.models import Organization
from tests.support import Databases, close, settings_for

BOOKINGS, MEMBERS, STRUCTURES, MACHINES = 1_000_000, 400, 12, 24
SECONDS, STATEMENTS, ROUNDS = 2.0, 20, 5
A_YEAR = 365 * 24 * 3600
PAGE = "/manage/reports?period=2026"

# Numbers k to times, and a series of them, as each engine says it.
ENGINES = {
    "sqlite": (
        "datetime('2026-01-01', '+' || ({}) || ' seconds')",
        "WITH RECURSIVE numbers(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM numbers WHERE k < {})",
        "DROP TRIGGER {}",
    ),
    "postgresql": (
        "timestamptz '2026-01-01 00:00Z' + ({}) * interval '1 second'",
        "WITH numbers(k) AS (SELECT generate_series(0, {}))",
        "ALTER TABLE occupancy DROP CONSTRAINT {}",
    ),
}
GUARDS = {
    "sqlite": ("occupancy_no_overlap_insert", "occupancy_no_overlap_update"),
    "postgresql": ("occupancy_no_overlap",),
}
FILL = """
    {series} INSERT INTO occupancy (
        uid, kind, machine_id, starts_at, ends_at, occupied_from, occupied_until, status, standing,
        revision, created_at, changed_at, title, member_id, organization_id, audience, arrived_at
    )
    SELECT machine.id || '-' || k, 'booking', machine.id, {start}, {end}, {start}, {end},
        CASE WHEN k % 25 = 0 THEN 'missed' WHEN k % 25 < 3 THEN 'cancelled' ELSE 'confirmed' END,
        k % 25 >= 3, 0, {start}, {start}, 'Something', member, {organization}, {audience},
        CASE WHEN k % 25 >= 3 AND k % 2 = 0 THEN {start} END
    FROM (SELECT k, machine.id AS id, (k * 13 + machine.id * 17) % {members} + 1 AS member
          FROM numbers, machine) AS machine
"""
AUDIENCE = """CASE member % 4 WHEN 0 THEN 'individual' WHEN 1 THEN 'association'
    WHEN 2 THEN 'professional' ELSE 'resident' END"""


def main() -> int:
    wanted = int(sys.argv[1]) if sys.argv[1:] else BOOKINGS
    is_kept = True
    with tempfile.TemporaryDirectory() as name:
        databases = Databases(Path(name))
        try:
            for engine in ENGINES:
                is_kept &= measured(databases.url(engine), engine, Path(name), wanted)
        finally:
            databases.stop()
    return 0 if is_kept else 1


def measured(url: str, engine: str, folder: Path, wanted: int) -> bool:
    app = create_app(settings_for(url, folder) | {"LOG_LEVEL": "WARNING"})
    with app.app_context():
        upgrade()
        stage.MEMBERS = MEMBERS
        stage.populate(0)
        fill(engine, wanted)
        settle(engine)
        client = signed_in(app, 1)
        client.get(PAGE)
        times = []
        for _ in range(ROUNDS):
            with counting(db.engine) as sent:
                start = time.perf_counter()
                assert client.get(PAGE).status_code == 200
                times.append(time.perf_counter() - start)
    close(app)
    seconds = statistics.median(times)
    print(f"report of {wanted:,} bookings, {engine:12} {seconds:6.2f} s           ≤ {SECONDS:g}")
    print(f"report of {wanted:,} bookings, {engine:12} {len(sent):6} statements  ≤ {STATEMENTS}")
    return seconds <= SECONDS and len(sent) <= STATEMENTS


def fill(engine: str, wanted: int) -> None:
    """In one statement, without the guards: none of these overlap, and nothing else is written."""
    instant, series, without = ENGINES[engine]
    each = wanted // MACHINES
    apart = A_YEAR // each
    values = {
        "series": series.format(each - 1),
        "start": instant.format(f"k * {apart}"),
        "end": instant.format(f"k * {apart} + {apart * 4 // 5}"),
        "members": MEMBERS,
        "organization": f"CASE WHEN member % 3 > 0 THEN member % {STRUCTURES} + 1 END",
        "audience": AUDIENCE,
    }
    with writing() as session:
        session.execute(text("DELETE FROM occupancy"))
        place_id = session.scalar(text("SELECT id FROM place"))
        session.add_all(
            Organization(place_id=place_id, slug=f"s{n}", name=f"Structure {n}", kind="company")
            for n in range(STRUCTURES)
        )
        session.flush()
        for guard in GUARDS[engine]:
            session.execute(text(without.format(guard)))
        session.execute(text(FILL.format(**values)))


def settle(engine: str) -> None:
    """What PostgreSQL does by itself within minutes of so many rows, and SQLite never."""
    if engine == "postgresql":
        with db.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("VACUUM ANALYZE occupancy"))


if __name__ == "__main__":
    raise SystemExit(main())
