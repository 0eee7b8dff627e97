"""Copying the database of a running installation, and putting a copy back.

SQLite only: PostgreSQL has pg_dump and pg_restore, which do it better than we could.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import Engine

from fablab import migrations
from fablab.db import db

Progress = Callable[[int, int], None]  # pages done, pages in all
PAGES = 2_000  # copied at a time, between two calls of Progress


class BackupError(Exception):
    """One line: why nothing was copied, or nothing put back."""


def save(target: Path, progress: Progress | None = None) -> None:
    """Copy the database into `target`, as it is at one instant, while others write.

    The copy is checked before it gets its name; an earlier copy of that name is then replaced.
    Raises BackupError.
    """
    source = database_file(db.engine)
    if not source.exists():
        raise BackupError(f"there is no database {source}")
    if target.exists():
        if target.samefile(source):
            raise BackupError(f"{target} is the database itself")
        if not is_sqlite(target):
            raise BackupError(f"{target} exists and is not a copy of a database")
    copy(source, target, progress)


def copy(source: Path, target: Path, progress: Progress | None = None) -> None:
    """A checked copy of an SQLite database, whole under its name or not there at all.

    A read held open keeps what is copied as it was when it began: without it, SQLite starts
    anew each time somebody writes meanwhile.
    """
    half = target.with_name(target.name + ".part")
    half.unlink(missing_ok=True)
    os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(readable(source)) as reader, closing(sqlite3.connect(half)) as writer:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reader.backup(writer, pages=PAGES, progress=_told(progress))
            # One file, that needs no journal beside it to be read.
            writer.execute("PRAGMA journal_mode=DELETE")
        problem = damage(half)
        if problem:
            raise BackupError(f"the copy of {source} is damaged: {problem}")
        sync(half)
        half.replace(target)
        sync(target.parent)
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied: {error}") from error
    finally:
        half.unlink(missing_ok=True)


def _told(progress: Progress | None) -> Any:
    if progress is None:
        return None
    return lambda _status, left, total: progress(total - left, total)


def before_migration(revision: str, now: datetime) -> Path | None:
    """A copy in instance/backups/ before the schema of an SQLite database changes."""
    if db.engine.dialect.name != "sqlite":
        return None
    folder = Path(current_app.instance_path) / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{now:%Y%m%d-%H%M%S}-before-leaving-{revision}.sqlite"
    copy(database_file(db.engine), target)
    return target


def restore(source: Path, now: datetime, progress: Progress | None = None) -> Path | None:
    """Make `source` the database; where the one it replaces was kept, if there was one.

    Nobody may be using the database (fablab/serve.py `in_use`). Raises BackupError when `source`
    is damaged, or not a database of this service.
    """
    target = database_file(db.engine)
    problem = unfit(source)
    if problem:
        raise BackupError(f"{source} {problem}")
    if target.exists() and target.samefile(source):
        raise BackupError(f"{source} is the database itself")
    db.engine.dispose()
    fresh = target.with_name(target.name + ".restored")
    copy(source, fresh, progress)
    kept = put_aside(target, now) if target.exists() else None
    fresh.replace(target)
    sync(target.parent)
    return kept


def unfit(path: Path) -> str:
    """Why it cannot be the database of this service; nothing when it can."""
    if not path.is_file():
        return "does not exist"
    if not is_sqlite(path):
        return "is not an SQLite database"
    problem = damage(path, with_indexes=True)
    if problem:
        return f"is damaged: {problem}"
    revision = revision_of(path)
    if revision is None:
        return "is not a database of this service"
    if revision not in migrations.known():
        return f"is at migration {revision}, which this version does not know: it is newer"
    return ""


def put_aside(path: Path, now: datetime) -> Path:
    """Rename a database with its journal, which is folded into it first where that works."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = path.with_name(f"{path.name}.replaced-{now:%Y%m%d-%H%M%S}")
    for suffix in ("-shm", "-wal", ""):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{kept}{suffix}")
    return kept


def has_data() -> bool:
    """Whether there is something that a restore would replace."""
    path = database_file(db.engine)
    return path.exists() and revision_of(path) is not None


def database_file(engine: Engine) -> Path:
    """The file of an SQLite engine. Raises BackupError on PostgreSQL."""
    if engine.dialect.name != "sqlite":
        raise BackupError(
            "this installation is on PostgreSQL: use pg_dump --format=custom, and pg_restore"
        )
    return Path(engine.url.database or "")


def is_sqlite(path: Path) -> bool:
    """Its first 16 bytes say so (the SQLite file format, §1.3.1)."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\x00"


def damage(path: Path, *, with_indexes: bool = False) -> str:
    """What is broken in it, in one line; nothing when it is whole.

    Of a million bookings half a second, and two and a half `with_indexes`.
    """
    try:
        with closing(readable(path)) as connection:
            check = "integrity_check" if with_indexes else "quick_check"
            found = connection.execute(f"PRAGMA {check}(1)").fetchone()[0]
            stray = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        return str(error)
    if found != "ok":
        return str(found).replace("\n", " ")
    return f"a row of {stray[0]} points at a row of {stray[2]} that is not there" if stray else ""


def revision_of(path: Path) -> str | None:
    try:
        with closing(readable(path)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return found[0] if found else None


def readable(path: Path) -> sqlite3.Connection:
    """Opened to be read only."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, survive a power cut from here on."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
