"""How a migration runs: on the application's own engine, in one transaction, guards last.

What is about to change is copied first, where the database is a file.
"""

from alembic import context
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from flask import current_app

from fablab import backup, clock
from fablab.db import WRITES, db
from fablab.machines import guards


def run() -> None:
    leaving = revision_to_leave()
    if leaving:
        backup.before_migration(leaving, clock.now())
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            # Both engines undo a broken migration whole; Alembic assumes SQLite cannot.
            transactional_ddl=True,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()
            # A batch operation re-creates the table and silently drops its triggers.
            guards.restore(connection)


def revision_to_leave() -> str | None:
    """The revision of a database whose schema is about to change; None when nothing is lost."""
    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    try:
        is_there = context.get_revision_argument() == found
    except KeyError:  # `current`, `check`: they only look
        is_there = True
    except CommandError:  # a relative revision
        is_there = False
    return None if is_there else found


run()
