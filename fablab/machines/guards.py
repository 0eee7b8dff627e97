"""The guarantee that no machine is ever taken twice: kept by the database, not by us.

The rules give the member a sentence; these give the certainty, when fifty people press the
button in the same second. Nothing may write to `occupancy` when they are missing: start-up,
/readyz and `fablab doctor` ask `missing()`, and every migration ends with `restore()`, since
Alembic's batch operations re-create an SQLite table and silently drop its triggers.
"""

from sqlalchemy import Boolean, Connection, column, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import quoted_name

NO_OVERLAP = "occupancy_no_overlap"

# Standing occupancies of one machine never overlap, hence only the one with the greatest
# start before my end can clash: one seek in ix_occupancy_standing decides.
_CLASH = """
    SELECT RAISE(ABORT, 'occupancy_no_overlap') WHERE (
        SELECT occupied_until FROM occupancy
        WHERE machine_id = NEW.machine_id AND standing AND id <> NEW.id
          AND occupied_from < NEW.occupied_until
        ORDER BY occupied_from DESC LIMIT 1
    ) > NEW.occupied_from;
"""
TRIGGERS = {
    f"{NO_OVERLAP}_insert": f"""CREATE TRIGGER {NO_OVERLAP}_insert
BEFORE INSERT ON occupancy WHEN NEW.standing
BEGIN {_CLASH} END""",
    f"{NO_OVERLAP}_update": f"""CREATE TRIGGER {NO_OVERLAP}_update
BEFORE UPDATE OF machine_id, occupied_from, occupied_until, standing ON occupancy
WHEN NEW.standing
BEGIN {_CLASH} END""",
}


def no_overlap() -> ExcludeConstraint:
    """PostgreSQL's guard, part of the table. int4range needs no extension, `=` would.

    SQLite has no such constraint and gets TRIGGERS instead.
    """
    machine = func.int4range(column("machine_id"), column("machine_id"), "[]")
    occupied = func.tstzrange(column("occupied_from"), column("occupied_until"))
    constraint = ExcludeConstraint(
        (machine, "&&"),
        (occupied, "&&"),
        where=column("standing", Boolean),
        name=quoted_name(NO_OVERLAP, quote=False),
    )
    return constraint.ddl_if(dialect="postgresql")


def restore(connection: Connection) -> None:
    """Put back, on SQLite, whatever guard a migration dropped or nobody made yet."""
    if connection.dialect.name != "sqlite" or not _has_table(connection):
        return
    for name in missing(connection):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql(TRIGGERS[name])


class GuardMissing(Exception):
    """The database would let a machine be taken twice; nothing is written until it is mended."""


def require(connection: Connection) -> None:
    """Raise GuardMissing rather than write without a guard. One statement."""
    away = missing(connection)
    if away:
        raise GuardMissing(", ".join(away))


def missing(connection: Connection) -> list[str]:
    """The names of the guards that are absent, or not word for word the ones we know."""
    if connection.dialect.name == "sqlite":
        asked = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        found = {row.name: row.sql for row in connection.exec_driver_sql(asked)}
        return [name for name, sql in TRIGGERS.items() if found.get(name) != sql]
    found_it = connection.scalar(
        text(
            "SELECT count(*) FROM pg_constraint WHERE conname = :name AND contype = 'x'"
            " AND convalidated AND conrelid = to_regclass('occupancy')"
        ),
        {"name": NO_OVERLAP},
    )
    return [] if found_it else [NO_OVERLAP]


def refused(error: DBAPIError) -> bool:
    """True when `error` is a guard's no: the slot is, or was just, taken.

    SQLSTATE 23P01 is exclusion_violation; SQLite gives the trigger's own words.
    """
    return getattr(error.orig, "sqlstate", "") == "23P01" or NO_OVERLAP in str(error.orig)


def _has_table(connection: Connection) -> bool:
    return connection.dialect.has_table(connection, "occupancy")
