"""How a migration runs: on the application's own engine, in one transaction, guards last."""

from alembic import context
from flask import current_app

from fablab.db import WRITES, db
from fablab.machines import guards


def run() -> None:
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


run()
