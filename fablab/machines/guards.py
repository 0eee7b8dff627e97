"""The guarantee that no machine, and no seat of a shared resource, is ever taken twice: kept by
the database, not by us.

The rules give the member a sentence; these give the certainty, when fifty people press the
button in the same second. Nothing may write to `occupancy` when they are missing: start-up,
/readyz and `fablab doctor` ask `missing()`, and every migration ends with `restore()`, since
Alembic's batch operations re-create an SQLite table and silently drop its triggers.
"""

import json
from typing import Any

from sqlalchemy import Boolean, Connection, column, func
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import quoted_name

NO_OVERLAP = "occupancy_no_overlap"
NO_SEAT_TWICE = "claim_no_seat_twice"

# Standing occupancies of one machine never overlap, hence only the one with the greatest
# start before my end can clash: one seek in ix_occupancy_standing decides. (An id is not yet
# there BEFORE INSERT, and is not asked for.)
_CLASH = """
    SELECT RAISE(ABORT, '{name}') WHERE (
        SELECT occupied_until FROM occupancy
        WHERE machine_id = NEW.machine_id AND standing{others}
          AND occupied_from < NEW.occupied_until
        ORDER BY occupied_from DESC LIMIT 1
    ) > NEW.occupied_from;
"""
# The same of the claims on one seat of a shared resource, whose count is its capacity.
_SEAT_CLASH = """
    SELECT RAISE(ABORT, '{name}') WHERE (
        SELECT claimed_until FROM claim
        WHERE seat_id = NEW.seat_id{others}
          AND claimed_from < NEW.claimed_until
        ORDER BY claimed_from DESC LIMIT 1
    ) > NEW.claimed_from;
"""
TRIGGERS = {
    f"{NO_OVERLAP}_insert": f"""CREATE TRIGGER {NO_OVERLAP}_insert
BEFORE INSERT ON occupancy WHEN NEW.standing
BEGIN {_CLASH.format(name=NO_OVERLAP, others="")} END""",
    f"{NO_OVERLAP}_update": f"""CREATE TRIGGER {NO_OVERLAP}_update
BEFORE UPDATE OF machine_id, occupied_from, occupied_until, standing ON occupancy
WHEN NEW.standing
BEGIN {_CLASH.format(name=NO_OVERLAP, others=" AND id <> NEW.id")} END""",
    f"{NO_SEAT_TWICE}_insert": f"""CREATE TRIGGER {NO_SEAT_TWICE}_insert
BEFORE INSERT ON claim
BEGIN {_SEAT_CLASH.format(name=NO_SEAT_TWICE, others="")} END""",
    f"{NO_SEAT_TWICE}_update": f"""CREATE TRIGGER {NO_SEAT_TWICE}_update
BEFORE UPDATE OF seat_id, claimed_from, claimed_until ON claim
BEGIN {_SEAT_CLASH.format(name=NO_SEAT_TWICE, others=" AND id <> NEW.id")} END""",
}

# PostgreSQL's guards, as it says them itself. int4range needs no extension, `machine_id =` would.
EXCLUSIONS = {
    NO_OVERLAP: (
        "occupancy",
        "EXCLUDE USING gist (int4range(machine_id, machine_id, '[]'::text) WITH &&,"
        " tstzrange(occupied_from, occupied_until) WITH &&) WHERE (standing)",
    ),
    NO_SEAT_TWICE: (
        "claim",
        "EXCLUDE USING gist (int4range(seat_id, seat_id, '[]'::text) WITH &&,"
        " tstzrange(claimed_from, claimed_until) WITH &&)",
    ),
}


def no_overlap() -> ExcludeConstraint:
    """The guard of occupancies as a part of the model; SQLite gets TRIGGERS instead."""
    return _exclusion(
        NO_OVERLAP, "machine_id", "occupied_from", "occupied_until", column("standing", Boolean)
    )


def no_seat_twice() -> ExcludeConstraint:
    """The guard of claims as a part of the model."""
    return _exclusion(NO_SEAT_TWICE, "seat_id", "claimed_from", "claimed_until")


def _exclusion(name: str, of: str, start: str, end: str, where: Any = None) -> ExcludeConstraint:
    constraint = ExcludeConstraint(
        (func.int4range(column(of), column(of), "[]"), "&&"),
        (func.tstzrange(column(start), column(end)), "&&"),
        where=where,
        name=quoted_name(name, quote=False),
    )
    return constraint.ddl_if(dialect="postgresql")


def restore(connection: Connection) -> None:
    """Put back whatever guard a migration dropped or nobody made yet.

    Each is named after the table it is on. Raises DBAPIError on PostgreSQL when two standing
    occupancies, or two claims on a seat, overlap already.
    """
    for name in missing(connection):
        if not connection.dialect.has_table(connection, name.partition("_")[0]):
            continue
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(TRIGGERS[name])
        else:
            table, exclusion = EXCLUSIONS[name]
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {exclusion}")


class GuardMissing(Exception):
    """The database would let a machine be taken twice; nothing is written until it is mended."""


def require(away: list[str]) -> None:
    """Raise GuardMissing, rather than write without a guard, when one is `missing`."""
    if away:
        raise GuardMissing(", ".join(away))


# Every guard in the database as one value, {name: its definition} in JSON, so that another
# statement can ask for it on its way.
PRESENT = {
    "sqlite": "(SELECT json_group_object(name, sql) FROM sqlite_master WHERE type = 'trigger')",
    "postgresql": "(SELECT json_object_agg(conname, pg_get_constraintdef(oid))::text"
    " FROM pg_constraint WHERE contype = 'x')",
}
EXPECTED = {
    "sqlite": TRIGGERS,
    "postgresql": {name: said for name, (_, said) in EXCLUSIONS.items()},
}


def missing(connection: Connection) -> list[str]:
    """The names of the guards that are absent, or not word for word the ones we know."""
    dialect = connection.dialect.name
    return missing_in(connection.exec_driver_sql(f"SELECT {PRESENT[dialect]}").scalar(), dialect)


def missing_in(present: str | None, dialect: str) -> list[str]:
    """As `missing`, of what PRESENT gave on that dialect."""
    found = json.loads(present or "{}")
    return [name for name, said in EXPECTED[dialect].items() if found.get(name) != said]


def refused(error: DBAPIError) -> bool:
    """True when `error` is a guard's no: the slot, or the last seat, was just taken.

    SQLSTATE 23P01 is exclusion_violation; SQLite gives the trigger's own words.
    """
    said = str(error.orig)
    is_excluded = getattr(error.orig, "sqlstate", "") == "23P01"
    return is_excluded or NO_OVERLAP in said or NO_SEAT_TWICE in said
