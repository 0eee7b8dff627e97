"""How a migration runs: on the application's own engine, in one transaction, guards last.

What is about to change is copied first, where the database is a file.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from fablab import backup, clock, migrations
from fablab.db import WRITES, db
from fablab.machines import guards
from fablab.statements import guards as statement_guards

MIGRATIONS = 7_330_231  # a number of our own: on PostgreSQL, of two who migrate one waits


def run() -> None:
    leaving = revision_to_leave()
    if leaving:
        backup.before_migration(leaving, clock.now())
    writes = db.engine.connect().execution_options(**{WRITES: True})
    with writes as connection, without_foreign_keys(connection):
        migrate(connection)


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        # Both engines undo a broken migration whole; Alembic assumes SQLite cannot.
        transactional_ddl=True,
        compare_type=True,
        # SQLite alters a table by making it anew.
        render_as_batch=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATIONS})")
        context.run_migrations()
        # A batch operation re-creates the table and silently drops its triggers.
        guards.restore(connection)
        statement_guards.restore(connection)
        if connection.dialect.name == "sqlite":
            lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if lost:
                raise CommandError(f"{len(lost)} rows point at nothing, first of all {lost[0]}")


@contextmanager
def without_foreign_keys(connection: Connection) -> Iterator[None]:
    """SQLite's own advice for changing a schema (lang_altertable, section 7): no foreign keys.

    A batch operation drops the old table, and with foreign keys on all that points at its rows
    would go or be refused. They can only be switched outside of a transaction.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def revision_to_leave() -> str | None:
    """The revision of a database whose schema is about to change; None when nothing is lost."""
    with db.engine.connect() as connection:
        found = migrations.found(connection)
    try:
        is_there = context.get_revision_argument() == found
    except KeyError:  # `current`, `check`: they only look
        is_there = True
    except CommandError:  # a relative revision
        is_there = False
    return None if is_there else found


run()
