"""The guarantee that a closed statement stays as it was closed: kept by the database, not by us.

`health` and the end of every migration ask for these as they do for those of the machines. What
says who closed it, and whose it is, may still move when two accounts are made one.
"""

from sqlalchemy import Connection

TABLE = "statement"
KEPT = (
    "id",
    "uid",
    "place_id",
    "subject",
    "scope",
    "organization_id",
    "activity",
    "first_day",
    "last_day",
    "closed_at",
    "body",
    "sha256",
    "previous",
    "amount",
    "booked",
)
CHANGED, DELETED = "statement_stays_as_closed", "statement_stays_there"
REPLACED = "statement_is_not_replaced"
SQLITE = {
    CHANGED: f"""CREATE TRIGGER {CHANGED}
BEFORE UPDATE OF {", ".join(KEPT)} ON {TABLE}
BEGIN SELECT RAISE(ABORT, '{CHANGED}'); END""",
    DELETED: f"""CREATE TRIGGER {DELETED}
BEFORE DELETE ON {TABLE}
BEGIN SELECT RAISE(ABORT, '{DELETED}'); END""",
    # INSERT OR REPLACE, which PostgreSQL has not, takes a row away without asking the one above.
    REPLACED: f"""CREATE TRIGGER {REPLACED}
BEFORE INSERT ON {TABLE} WHEN EXISTS (
SELECT 1 FROM {TABLE} WHERE id = NEW.id OR uid = NEW.uid
OR (place_id = NEW.place_id AND subject = NEW.subject AND previous = NEW.previous))
BEGIN SELECT RAISE(ABORT, '{REPLACED}'); END""",
}
FUNCTION = "statement_is_closed"
POSTGRESQL_FUNCTION = f"""CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger
LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', TG_NAME USING ERRCODE = '23514'; END $$"""
POSTGRESQL = {
    CHANGED: f"CREATE TRIGGER {CHANGED} BEFORE UPDATE OF {', '.join(KEPT)} ON public.{TABLE}"
    f" FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()",
    DELETED: f"CREATE TRIGGER {DELETED} BEFORE DELETE ON public.{TABLE}"
    f" FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()",
}
EXPECTED = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
# Those that are switched off are none.
PRESENT = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
    " WHERE NOT tgisinternal AND tgenabled = 'O'",
}


def missing(connection: Connection) -> list[str]:
    """The names of the guards that are absent, or not word for word the ones we know."""
    dialect = connection.dialect.name
    rows = connection.exec_driver_sql(PRESENT[dialect])
    found = {row[0]: row[1] for row in rows}
    return [name for name, said in EXPECTED[dialect].items() if found.get(name) != said]


def restore(connection: Connection) -> None:
    """Put back whatever guard a migration dropped or nobody made yet."""
    dialect = connection.dialect.name
    if not connection.dialect.has_table(connection, TABLE):
        return
    for name in missing(connection):
        where = "" if dialect == "sqlite" else f" ON {TABLE}"
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}{where}")
        if dialect == "postgresql":
            connection.exec_driver_sql(POSTGRESQL_FUNCTION.replace("%", "%%"))
        connection.exec_driver_sql(EXPECTED[dialect][name])
