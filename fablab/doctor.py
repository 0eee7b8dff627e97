"""Looking an installation over: what it runs on, what its database guarantees, what is unsafe."""

import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from fablab import backup
from fablab.config import SETTINGS
from fablab.db import db
from fablab.health import unready
from fablab.mail.commands import is_unsent
from fablab.mail.kinds import NO_SERVER
from fablab.mail.models import OutgoingMail

LIBRARIES = ("Flask", "Werkzeug", "SQLAlchemy", "alembic", "waitress", "psycopg", "icalendar")
# Before it, two checkpoints at the same moment could, rarely, lose a transaction.
SAFE_WITH_SEVERAL_PROCESSES = (3, 51, 3)
LATE = timedelta(hours=1)  # a mail still waiting then waits for nobody
ROOM = 500 * 1024 * 1024  # bytes free on the disk, below which to worry


class Verdict(StrEnum):
    FINE = "ok"
    NOTE = "note"  # as it should be while trying things out, not where people rely on it
    WRONG = "WRONG"


@dataclass(frozen=True)
class Finding:
    verdict: Verdict
    text: str


def examine(app: Flask, now: datetime) -> Iterator[Finding]:
    """Every finding, the plain facts first."""
    yield from versions()
    yield from database(app)
    yield from settings(app)
    yield from files(app)
    if not unready():
        yield from mails(now)


def versions() -> Iterator[Finding]:
    yield fine(f"fablab {version('fablab-booking')}, Python {platform.python_version()}")
    yield fine(", ".join(f"{name} {version(name)}" for name in LIBRARIES))


def database(app: Flask) -> Iterator[Finding]:
    for problem in unready():
        remedy = ": run `fablab db upgrade`" if mended_by_upgrade(problem) else ""
        yield wrong(problem + remedy)
    if db.engine.dialect.name == "sqlite":
        yield from sqlite()
    else:
        yield from postgresql()


def mended_by_upgrade(problem: str) -> bool:
    """Whether `fablab db upgrade` is what `problem`, one of `unready`, calls for."""
    return "migration" in problem or "guard" in problem


def sqlite() -> Iterator[Finding]:
    path = backup.database_file(db.engine)
    if not path.exists():
        return
    is_old = sqlite3.sqlite_version_info < SAFE_WITH_SEVERAL_PROCESSES
    limit = ", safe with one process only (below 3.51.3)" if is_old else ""
    yield fine(f"SQLite {sqlite3.sqlite_version}{limit}; {path}, {megabytes(path)} MB")
    if os.environ.get("WEB_CONCURRENCY", "1") not in ("", "1"):
        why = "could lose writes" if is_old else "would wait for one another"
        yield wrong(f"WEB_CONCURRENCY asks for several processes, which {why} on SQLite")
    problem = backup.damage(path)
    yield wrong(f"the database is damaged: {problem}") if problem else fine("the file is whole")
    free = shutil.disk_usage(path.parent).free
    if free < ROOM:
        yield wrong(f"only {free / 1e6:.0f} MB are free on the disk of the database")


def megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f}"


def postgresql() -> Iterator[Finding]:
    try:
        with db.engine.connect() as connection:
            yield fine(f"PostgreSQL {connection.exec_driver_sql('SHOW server_version').scalar()}")
    except DBAPIError:
        return  # already said


def settings(app: Flask) -> Iterator[Finding]:
    """What is unsafe where real people sign in; only worth a note on this machine alone."""
    config, base = app.config, urlsplit(app.config["BASE_URL"])
    is_private = is_loopback(base.hostname or "")
    unsafe = note if is_private else wrong
    if is_private:
        yield note(f"BASE_URL is {config['BASE_URL']}: nobody else can follow links in mails")
        if base.port != config["PORT"] and not config["PROXY_HOPS"]:
            yield note(f"BASE_URL does not lead to PORT {config['PORT']}")
    elif base.scheme != "https":
        yield wrong("BASE_URL: without https, passwords travel in the clear")
    elif not config["PROXY_HOPS"]:
        yield wrong("PROXY_HOPS is 0: with https in front, every visitor has the proxy's address")
    if not is_loopback(config["HOST"]) and not config["PROXY_HOPS"]:
        yield wrong(f"HOST: {config['HOST']} can be reached from elsewhere, without https")
    if config["DEMO"]:
        yield unsafe("DEMO is on: the sign-in page tells accounts and their password")
    if not config["MAIL_URL"]:
        yield unsafe("MAIL_URL is empty: mails are written to instance/outbox/ and reach nobody")
    if config["MAIL_FROM"] == SETTINGS["MAIL_FROM"].default:
        yield unsafe("MAIL_FROM is still the example: no answer to a mail reaches you")


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def files(app: Flask) -> Iterator[Finding]:
    """What other accounts of this machine must not read."""
    folder = Path(app.instance_path)
    for path in (folder / "secret_key", folder / "config.toml"):
        if path.exists() and path.stat().st_mode & 0o077:
            yield wrong(f"{path} can be read by other accounts: chmod 600 {path}")
    if db.engine.dialect.name == "sqlite":
        path = backup.database_file(db.engine)
        if path.exists() and path.stat().st_mode & 0o007:
            yield wrong(f"{path} can be read by other accounts: chmod o= {path}*")


def mails(now: datetime) -> Iterator[Finding]:
    unsent = select(func.count()).where(is_unsent)
    waiting = unsent.where(OutgoingMail.parked_at.is_(None))
    parked = db.session.scalar(unsent.where(OutgoingMail.parked_at.is_not(None)))
    late = db.session.scalar(waiting.where(OutgoingMail.due_at < now - LATE))
    held = db.session.scalar(waiting.where(OutgoingMail.reason.in_(NO_SERVER)))
    if parked:
        yield wrong(f"mails given up after their last try: {parked}; /manage/mails says why")
    if held:
        said = select(OutgoingMail.last_error).where(OutgoingMail.reason.in_(NO_SERVER))
        why = db.session.scalar(said.order_by(OutgoingMail.id.desc()).limit(1))
        yield wrong(f"mails waiting for the mail server: {held}; {why}")
    if late:
        yield wrong(f"mails waiting for an hour and more: {late}; is the background work running?")


def fine(text: str) -> Finding:
    return Finding(Verdict.FINE, text)


def note(text: str) -> Finding:
    return Finding(Verdict.NOTE, text)


def wrong(text: str) -> Finding:
    return Finding(Verdict.WRONG, text)
