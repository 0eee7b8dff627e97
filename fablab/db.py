"""The database: one session, one naming convention, one way to store an instant, one way to write.

Two engines, one behaviour: SQLite (default) and PostgreSQL. What differs is here and in
`fablab/machines/guards.py`, nowhere else.
"""

import functools
import random
import sqlite3
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    Computed,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Insert,
    Integer,
    MetaData,
    PoolProxiedConnection,
    Select,
    String,
    Table,
    Text,
    event,
    insert,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, MappedColumn, Session, mapped_column, registry
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from fablab import clock
from fablab.words import alphabetical

P = ParamSpec("P")
R = TypeVar("R")

BUSY_TIMEOUT = timedelta(seconds=10)
# Threads of one process that may wait for the database's turn at once, and how long one more
# waits to be among them. Fewer than THREADS; an ordinary write takes some milliseconds.
WRITERS, PATIENCE = 4, timedelta(seconds=5)
_writers = BoundedSemaphore(WRITERS)
NAMES = "names"  # a collation of SQLite's, ours
WRITES = "fablab_writes"  # an execution option of the connection that is about to write


class UTCDateTime(TypeDecorator[datetime]):
    """An instant, to the second: timestamptz on PostgreSQL, text that sorts on SQLite.

    Refuses naive datetimes (whose zone would be a guess) and fractions of a second
    (which no calendar keeps, so that what is read back would not equal what was shown).
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(19))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime is no instant: {value!r}")
        if value.microsecond:
            raise ValueError(f"instants are kept to the second: {value!r}")
        value = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return value.replace(tzinfo=None).isoformat(" ", "seconds")
        return value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Not by `process_result_value`, which is two calls more for each of the four thousand
        instants of a week's planning: a fifth of what that page cost.
        """
        return _instant_of_text if dialect.name == "sqlite" else _in_utc


@functools.lru_cache(maxsize=20_000)
def _instant_of_text(kept: str | None) -> datetime | None:
    """The same few thousand are read again and again."""
    return datetime.fromisoformat(kept + "+00:00") if kept else None  # its zone is UTC itself


def _in_utc(kept: datetime | None) -> datetime | None:
    return kept.astimezone(UTC) if kept else None


class Minutes(TypeDecorator[timedelta]):
    """A length of time kept as whole minutes, so that anyone can read the table."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        minutes, rest = divmod(value, timedelta(minutes=1))
        if rest:
            raise ValueError(f"lengths are kept in whole minutes: {value!r}")
        return minutes

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        return None if value is None else timedelta(minutes=value)


class Amount(TypeDecorator[Decimal]):
    """An amount of money, a quantity or a share, exact to four decimals, kept as a whole number of
    ten-thousandths: SQLite has no decimals, and its sums are then exact too.

    Refuses what has more decimals, and floats, which are not what was typed.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if not isinstance(value, Decimal) or not value.is_finite():
            raise ValueError(f"amounts are decimals: {value!r}")
        parts = value.scaleb(AMOUNT_DECIMALS)
        if parts != parts.to_integral_value():
            raise ValueError(f"amounts are kept to four decimals: {value!r}")
        return int(parts)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-AMOUNT_DECIMALS)


AMOUNT_DECIMALS = 4


class seconds_between(FunctionElement[int]):  # noqa: N801 - reads like `func.…`
    """How many seconds from one instant to another, as the database reckons."""

    type = Integer()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    start, end = (compiler.process(each, **kw) for each in element.clauses)
    return f"(unixepoch({end}) - unixepoch({start}))"


@compiles(seconds_between, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    start, end = (compiler.process(each, **kw) for each in element.clauses)
    return f"CAST(EXTRACT(epoch FROM ({end}) - ({start})) AS integer)"


class by_name(FunctionElement[str]):  # noqa: N801 - reads like `func.…`
    """A name as people look for it: SQLite's own order puts É after Z. PostgreSQL's is that of the
    database's language.
    """

    type = String()
    inherit_cache = True


@compiles(by_name, "sqlite")
def _named_on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"{compiler.process(element.clauses, **kw)} COLLATE {NAMES}"


@compiles(by_name, "postgresql")
def _named_on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kw)})"


class Kept(Computed):
    """Of a column that the database reckons from others of its row, and that an index may hold:
    stored on PostgreSQL, which indexes no other; SQLite adds no stored one to a table that stands.
    """

    inherit_cache = True


@compiles(Kept)
def _kept(element: Any, compiler: Any, **kw: Any) -> str:
    said = compiler.sql_compiler.process(element.sqltext, include_table=False, literal_binds=True)
    stored = " STORED" if compiler.dialect.name == "postgresql" else ""
    # On a line of its own: SQLAlchemy reads it back from SQLite up to the last bracket of the line.
    return f"\nGENERATED ALWAYS AS ({said}){stored}"


def choice(values: type[StrEnum]) -> Enum:
    """A column that holds one of `values`, as its text, checked by the database."""
    return Enum(
        values,
        name=values.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda enum: [member.value for member in enum],
    )


def last_change() -> MappedColumn[Any]:
    """A column that says when its row last changed; every INSERT and UPDATE sets it."""
    return mapped_column(default=lambda: clock.now(), onupdate=lambda: clock.now())


class Base(DeclarativeBase):
    if TYPE_CHECKING:
        __table__: ClassVar[Table]

    registry = registry(
        type_annotation_map={
            datetime: UTCDateTime,
            timedelta: Minutes,
            Decimal: Amount,
            str: Text,
            dict[str, str]: JSON,
            dict[str, Any]: JSON,
            list[str]: JSON,
        },
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
    )


# Rows stay loaded after a commit: ending the read that loaded the signed-in member must not
# forget them. In exchange commands read their facts as columns, never from loaded rows.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def init_app(app: Flask) -> None:
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)


def prepare(engine: Engine) -> None:
    """Give every connection the settings that what is promised here rests on."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", sqlite_settings)
        event.listen(engine, "begin", sqlite_begin)
    else:
        event.listen(engine, "connect", postgresql_settings)


def sqlite_settings(connection: Any, _record: Any) -> None:
    """Keep every acknowledged booking: with synchronous=NORMAL a simulated power cut lost 79 of
    79 of them, with FULL none.
    """
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={milliseconds(BUSY_TIMEOUT)}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_collation(NAMES, in_order)


def in_order(one: str, other: str) -> int:
    """-1, 0 or 1, as SQLite asks of a collation."""
    first, second = alphabetical(one), alphabetical(other)
    return (first > second) - (first < second)


def sqlite_begin(connection: Connection) -> None:
    """BEGIN is ours and not the driver's: a read that turns into a write fails at once with
    SQLITE_BUSY_SNAPSHOT whatever the timeout, so a write says so from its first statement.
    """
    if connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:  # never waits nor fails; asked of the driver itself it costs a tenth
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("BEGIN")


def postgresql_settings(connection: Any, _record: Any) -> None:
    """The queue in front of a machine works in READ COMMITTED alone, whatever the server's own
    default; who stands in it gives up after as long as on SQLite.
    """
    connection.autocommit = True
    for setting in (
        "default_transaction_isolation = 'read committed'",
        f"lock_timeout = {milliseconds(BUSY_TIMEOUT)}",
        "timezone = 'UTC'",
    ):
        connection.execute(f"SET {setting}")
    connection.autocommit = False


def milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


@contextmanager
def writing() -> Iterator[Session]:
    """A write transaction of the request's session: commits at the end, or undoes everything.

    Ends the read that came before it; what that read loaded may be stale, so the facts a
    decision stands on are asked anew inside.

    Raises RuntimeError when a write is already under way: one command, one transaction. Raises
    Busy when too many others wait for theirs: a database that is locked must not take every
    thread, for reads go on.
    """
    session = db.session()
    if session.info.get(WRITES):
        raise RuntimeError("a write is already under way")
    session.commit()
    # PostgreSQL locks a machine, SQLite the whole file.
    is_counted = session.get_bind().dialect.name == "sqlite"
    if is_counted and not _writers.acquire(timeout=PATIENCE / timedelta(seconds=1)):
        raise Busy
    session.info[WRITES] = True
    try:
        session.connection(execution_options={WRITES: True})
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info[WRITES] = False
        if is_counted:
            _writers.release()


@contextmanager
def writing_if_free() -> Iterator[Connection]:
    """A small write of its own, beside the request's session, that never waits for another.

    Raises DBAPIError (`is_busy` tells why) when its turn would not come at once: for what may
    be written a moment later just as well.
    """
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        if connection.dialect.name == "sqlite":
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA busy_timeout=0")
            try:
                with connection.begin():
                    yield connection
            finally:
                driver.execute(f"PRAGMA busy_timeout={milliseconds(BUSY_TIMEOUT)}")
        else:
            with connection.begin():
                connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
                yield connection


@event.listens_for(Session, "before_flush")
def _only_while_writing(session: Session, _context: Any, _instances: Any) -> None:
    if not session.info.get(WRITES):
        raise RuntimeError("changes are made inside `with writing():`")


class Glance:
    """One row by one statement of columns, asked of the driver itself.

    For the few questions that stand for most requests (has this calendar changed?) and that an
    index answers at once: there a connection, a statement and a cursor of SQLAlchemy cost five
    times what the database does. It sees what is committed, and nothing of the request's own
    transaction. A list of values (`in_`) is not possible.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self.statement = statement
        self._prepared: dict[str, _Prepared] = {}

    def first(self, **values: Any) -> Any:
        """The first row as a named tuple, or None. Raises DBAPIError."""
        engine = db.engine
        asked = self._prepared.get(engine.dialect.name) or self._prepare(engine.dialect)
        parameters = asked.parameters(values)
        connection = None
        try:
            connection = engine.raw_connection()
            cursor = connection.cursor()
            # Whoever counts statements counts this one too.
            engine.dispatch.before_cursor_execute(None, cursor, asked.sql, parameters, None, False)
            cursor.execute(asked.sql, parameters)
            row = cursor.fetchone()
            cursor.close()
        except engine.dialect.loaded_dbapi.Error as error:
            raise _told(engine, asked.sql, error, connection) from error
        finally:
            if connection is not None:
                connection.close()
        return None if row is None else asked.result(row)

    def _prepare(self, dialect: Dialect) -> "_Prepared":
        compiled = self.statement.compile(dialect=dialect)
        columns = self.statement.selected_columns
        written = {
            name: write
            for name, bind in compiled.binds.items()
            if (write := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }
        read = [column.type.dialect_impl(dialect) for column in columns]
        made = _Prepared(
            sql=str(compiled),
            order=getattr(compiled, "positiontup", None),
            constants=_written(compiled.params, written),
            written=written,
            row=namedtuple("Glanced", [column.key for column in columns]),  # type: ignore[misc]
            read=[
                (at, process)
                for at, each in enumerate(read)
                if (process := each.result_processor(dialect, None))
            ],
        )
        self._prepared[dialect.name] = made
        return made


def _told(
    engine: Engine, sql: str, error: Exception, connection: PoolProxiedConnection | None
) -> DBAPIError:
    """The driver's error as SQLAlchemy tells it; a connection that is lost is given up."""
    is_lost = engine.dialect.is_disconnect(error, connection, None)  # type: ignore[arg-type]
    if is_lost and connection is not None:
        connection.invalidate(error)
    told = DBAPIError.instance(
        sql,
        None,
        error,
        engine.dialect.loaded_dbapi.Error,
        connection_invalidated=is_lost,
        dialect=engine.dialect,
    )
    return cast(DBAPIError, told)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement in the words of one driver, and what its values go through on either way."""

    sql: str
    order: list[str] | None  # of the parameters; None when the driver takes them by name
    constants: dict[str, Any]
    written: dict[str, Any]
    row: Any
    read: list[tuple[int, Any]]

    def parameters(self, values: dict[str, Any]) -> Any:
        given = self.constants | _written(values, self.written)
        return given if self.order is None else tuple([given[name] for name in self.order])

    def result(self, row: Any) -> Any:
        found = list(row)
        for at, process in self.read:
            found[at] = process(found[at])
        return self.row._make(found)


def _written(values: Mapping[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    return {
        name: written[name](value) if name in written and value is not None else value
        for name, value in values.items()
    }


def add_row(session: Session, model: type[Base], **values: Any) -> int:
    """Insert one row by its columns and give its id: a fifth of what a unit of work costs."""
    made = session.connection().execute(_insert_into(model), values)
    return int(made.inserted_primary_key[0]) if made.inserted_primary_key else 0


def add_rows(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert several rows of the same columns, if any. One statement."""
    if rows:
        session.connection().execute(_insert_into(model), rows)


# An INSERT that knows what to do when the row is there already, spelt alike by both.
INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@functools.cache
def _insert_into(model: type[Base]) -> Insert:
    """Built once: that cost more than to send it."""
    return insert(model.__table__)


class NoSuch(LookupError):
    """What is asked for does not exist, or is not theirs to know of: a 404, never a bug of ours.

    A KeyError is a LookupError too, and no answer to anybody.
    """


class NotAllowed(Exception):
    """They may know of it, and not do this to it: a 403, unless a page has more to say."""


class Busy(Exception):
    """The database could not take the write just now; trying again later may work."""


# SQLSTATE of PostgreSQL (Appendix A): serialization_failure, deadlock_detected.
TRY_AGAIN = {"40001", "40P01"}
TRIES = 4

# lock_not_available, read_only_sql_transaction, and whole classes: insufficient resources (a
# full disk among them), errors of the server's own system.
CANNOT_NOW = ("55P03", "25006", "53", "58")
SQLITE_CANNOT_NOW = tuple(
    f"SQLITE_{name}"
    for name in "BUSY LOCKED FULL READONLY CANTOPEN IOERR PERM NOTADB CORRUPT".split()
)


def retried(command: Callable[P, R]) -> Callable[P, R]:
    """Run the whole command again when the database undid it to break a tie.

    Raises Busy after four tries, or at once when the database cannot be written to just now.
    """

    @functools.wraps(command)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(TRIES):
            try:
                return command(*args, **kwargs)
            except DBAPIError as error:
                if is_busy(error):
                    raise Busy from error
                if getattr(error.orig, "sqlstate", None) not in TRY_AGAIN:
                    raise
                time.sleep(random.uniform(0, 0.05) * 2**attempt)
        raise Busy

    return again


def is_busy(error: DBAPIError) -> bool:
    """True when the database cannot do it just now: it is locked, full, read-only, or away.

    Nobody's mistake; nothing was acknowledged, and reads may go on.
    """
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorname", "").startswith(SQLITE_CANNOT_NOW)
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # psycopg found no server to ask
        return isinstance(error, OperationalError)
    return state.startswith(CANNOT_NOW)
