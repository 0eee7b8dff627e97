"""Which migration the database is at, and bringing it to the one this version needs.

Alembic itself is loaded to migrate, never to serve: it is 10 MiB, and a third of the start.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


class MigrationFailed(Exception):
    """One line: what Alembic, or the check at its end, found wrong."""


def known() -> list[str]:
    """The revisions of this version, in order: the numbers that their files begin with."""
    files = (FOLDER / "versions").glob("[0-9]*_*.py")
    return sorted(file.name.partition("_")[0] for file in files)


def found(connection: Connection) -> str | None:
    """The revision the database is at; None before the first one."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    asked = connection.exec_driver_sql("SELECT version_num FROM alembic_version")
    revision: str | None = asked.scalar()
    return revision


def upgrade(revision: str = "head", *, directory: Path = FOLDER) -> None:
    """Raises MigrationFailed; the database is then as it was."""
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(settings(directory), revision)
    except CommandError as error:
        raise MigrationFailed(str(error)) from error


def downgrade(revision: str, *, directory: Path = FOLDER) -> None:
    from alembic import command

    command.downgrade(settings(directory), revision)


def write_next(what: str) -> Path:
    """A new file with what the models have and the migrated database has not."""
    from alembic import command
    from alembic.util import CommandError

    number = f"{int(known()[-1]) + 1:04}"
    try:
        command.revision(settings(FOLDER), what, autogenerate=True, rev_id=number)
    except CommandError as error:
        raise MigrationFailed(str(error)) from error
    (written,) = (FOLDER / "versions").glob(f"{number}_*.py")
    return written


def settings(directory: Path) -> "Config":
    from alembic.config import Config

    made = Config(str(directory / "alembic.ini"), stdout=sys.stdout)
    made.set_main_option("script_location", str(directory).replace("%", "%%"))
    return made
