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
TRIGGERS = {
    f"{NO_OVERLAP}_insert": f"""CREATE TRIGGER {NO_OVERLAP}_insert
BEFORE INSERT ON occupancy WHEN NEW.standing
BEGIN {_CLASH.format(name=NO_OVERLAP, others="")} END""",
    f"{NO_OVERLAP}_update": f"""CREATE TRIGGER {NO_OVERLAP}_update
BEFORE UPDATE OF machine_id, occupied_from, occupied_until, standing ON occupancy
WHEN NEW.standing
BEGIN {_CLASH.format(name=NO_OVERLAP, others=" AND id <> NEW.id")} END""",
}

# PostgreSQL's guard, as it says it itself. int4range needs no extension, `machine_id =` would.
EXCLUSION = (
    "EXCLUDE USING gist (int4range(machine_id, machine_id, '[]'::text) WITH &&,"
    " tstzrange(occupied_from, occupied_until) WITH &&) WHERE (standing)"
)


def no_overlap() -> ExcludeConstraint:
    """EXCLUSION as a part of the model; SQLite has no such constraint and gets TRIGGERS."""
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
    """Put back whatever guard a migration dropped or nobody made yet.

    Raises DBAPIError on PostgreSQL when two standing occupancies overlap already.
    """
    if not connection.dialect.has_table(connection, "occupancy"):
        return
    for name in missing(connection):
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(TRIGGERS[name])
        else:
            connection.exec_driver_sql(f"ALTER TABLE occupancy DROP CONSTRAINT IF EXISTS {name}")
            connection.exec_driver_sql(f"ALTER TABLE occupancy ADD CONSTRAINT {name} {EXCLUSION}")


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
        triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        found = {row.name: row.sql for row in connection.exec_driver_sql(triggers)}
        return [name for name, sql in TRIGGERS.items() if found.get(name) != sql]
    constraint = text(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conname = :name AND conrelid = to_regclass('occupancy')"
    )
    return [] if connection.scalar(constraint, {"name": NO_OVERLAP}) == EXCLUSION else [NO_OVERLAP]


def refused(error: DBAPIError) -> bool:
    """True when `error` is a guard's no: the slot is, or was just, taken.

    SQLSTATE 23P01 is exclusion_violation; SQLite gives the trigger's own words.
    """
    return getattr(error.orig, "sqlstate", "") == "23P01" or NO_OVERLAP in str(error.orig)
