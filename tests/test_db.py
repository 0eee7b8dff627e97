"""Instants and lengths, transactions, and databases that fail: the same on both engines."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError

from fablab import clock
from fablab import db as db_module
from fablab.db import (
    Amount,
    Busy,
    Minutes,
    UTCDateTime,
    add_row,
    by_name,
    db,
    is_busy,
    retried,
    writing,
    writing_if_free,
)
from fablab.members.models import Member
from fablab.organizations.models import Organization, OrganizationKind
from tests.support import PARIS

NOON = datetime(2027, 3, 30, 12, tzinfo=UTC)

# A table of this test alone.
kept = Table(
    "kept",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", UTCDateTime()),
    Column("length", Minutes()),
    Column("worth", Amount()),
)


@pytest.fixture
def table(any_app: Flask) -> Table:
    with writing() as session:
        kept.create(session.connection())
    return kept


def keep(**values: Any) -> None:
    with writing() as session:
        session.execute(insert(kept).values(**values))


def count() -> int:
    return db.session.scalar(select(db.func.count()).select_from(Member)) or 0


def a_member(name: str = "dora") -> dict[str, Any]:
    return {
        "uid": str(uuid4()),
        "email": f"{name}@atelier.example",
        "first_name": name,
        "last_name": "",
        "phone": "",
        "shares_phone": False,
        "language": "fr",
        "session_version": 0,
        "calendar_revision": 0,
        "age_band": "adult",
        "created_at": clock.now(),
        "changed_at": clock.now(),
    }


def write() -> None:
    with writing() as session:
        add_row(session, Member, **a_member())


# -- columns


@pytest.mark.parametrize(
    "instant",
    [
        NOON,
        datetime(2027, 3, 30, 14, tzinfo=PARIS),  # the same instant
        datetime(2027, 10, 31, 2, 30, tzinfo=PARIS, fold=1),
        datetime(2, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 30, 23, 59, 59, tzinfo=UTC),
        None,
    ],
)
def test_an_instant_is_read_back_as_it_was(table, instant):
    keep(at=instant)

    read = db.session.scalar(select(kept.c.at))

    assert read == (instant and instant.astimezone(UTC))
    assert read is None or read.tzinfo is UTC


@pytest.mark.parametrize(
    "instant",
    [datetime(2027, 3, 30, 12), NOON.replace(microsecond=1)],  # noqa: DTZ001
)
def test_what_is_no_whole_instant_is_refused(table, instant):
    with pytest.raises(StatementError, match="naive|to the second"):
        keep(at=instant)

    assert db.session.scalar(select(db.func.count()).select_from(kept)) == 0


instants = st.datetimes(
    datetime(1900, 1, 2),  # noqa: DTZ001
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, PARIS, timezone(timedelta(hours=-11))]),
).map(lambda at: at.replace(microsecond=0))


def test_instants_sort_and_compare_as_time_does(table):
    @settings(max_examples=20)
    @given(st.lists(instants, min_size=1, max_size=20))
    def check(many: list[datetime]) -> None:
        with writing() as session:
            session.execute(kept.delete())
            session.execute(insert(kept), [{"at": at} for at in many])

        assert list(db.session.scalars(select(kept.c.at).order_by(kept.c.at))) == sorted(
            at.astimezone(UTC) for at in many
        )
        earlier = select(db.func.count()).where(kept.c.at < many[0])
        assert db.session.scalar(earlier) == sum(
            at.astimezone(UTC) < many[0].astimezone(UTC) for at in many
        )

    check()


@pytest.mark.parametrize("length", [timedelta(0), timedelta(minutes=45), timedelta(days=3), None])
def test_a_length_is_kept_in_minutes(table, length):
    keep(length=length)

    assert db.session.scalar(select(kept.c.length)) == length


def test_a_length_of_seconds_is_refused(table):
    with pytest.raises(StatementError, match="whole minutes"):
        keep(length=timedelta(seconds=90))


# -- connections


def test_every_connection_to_sqlite_keeps_what_it_acknowledged(app):
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "trusted_schema": 0,
        "busy_timeout": 10_000,
    }

    with ExitStack() as opened:
        many = [opened.enter_context(db.engine.connect()) for _ in range(12)]  # beyond the pool
        found = [
            {name: one.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
            for one in many
        ]

    assert found == [wanted] * 12


def test_every_connection_to_postgresql_has_the_queue_it_needs(make_app):
    app = make_app("postgresql")
    with app.app_context():
        name = db.engine.url.database
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(
                text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
            )
        db.engine.dispose()

        with ExitStack() as opened:
            many = [opened.enter_context(db.engine.connect()) for _ in range(12)]
            found = {
                tuple(
                    one.exec_driver_sql(f"SHOW {name}").scalar()
                    for name in ("transaction_isolation", "lock_timeout", "timezone")
                )
                for one in many
            }

    assert found == {("read committed", "10s", "UTC")}


# -- writing


def may_write(app: Flask) -> bool:
    """Whether somebody else could write to the SQLite file right now."""
    other = sqlite3.connect(db.engine.url.database, timeout=0, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    finally:
        other.close()
    return True


def test_a_write_holds_the_file_from_its_first_statement_and_a_read_does_not(app):
    count()
    assert may_write(app)

    with writing():
        assert not may_write(app)

    assert may_write(app)


def test_what_was_read_before_may_have_changed_when_the_write_begins(any_app):
    assert count() == 0
    with db.engine.connect().execution_options(**{db_module.WRITES: True}) as somebody_else:
        somebody_else.execute(insert(Member.__table__).values(a_member("eve")))
        somebody_else.commit()

    with writing() as session:
        before = count()
        add_row(session, Member, **a_member())

    assert (before, count()) == (1, 2)


def test_a_write_is_undone_whole_when_it_fails(any_app):
    def half_done() -> None:
        with writing() as session:
            add_row(session, Member, **a_member())
            session.add(Member(**a_member("eve")))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()

    assert count() == 0


def test_a_write_inside_a_write_is_refused_and_undoes_both(any_app):
    def twice() -> None:
        with writing() as session:
            add_row(session, Member, **a_member())
            write()

    with pytest.raises(RuntimeError, match="already under way"):
        twice()

    assert count() == 0


def test_the_next_write_works_after_one_that_failed(any_app):
    with pytest.raises(DBAPIError), writing() as session:
        session.execute(text("SELECT nothing FROM nowhere"))

    with writing() as session:
        add_row(session, Member, **a_member())

    assert count() == 1


@pytest.mark.parametrize("how", ["flush", "commit"])
def test_changes_outside_of_a_write_are_refused(any_app, how):
    db.session.add(Member(**a_member()))

    with pytest.raises(RuntimeError, match="inside `with writing"):
        getattr(db.session, how)()

    db.session.rollback()
    assert count() == 0


def test_changes_made_before_a_write_do_not_slip_into_it(any_app):
    db.session.add(Member(**a_member()))

    with pytest.raises(RuntimeError, match="inside `with writing"), writing():
        pass

    db.session.rollback()
    assert count() == 0


def test_what_was_loaded_stays_readable_after_the_write(any_app):
    with writing() as session:
        member = Member(**a_member())
        session.add(member)
    db.session.remove()

    assert member.first_name == "dora"


def test_an_inserted_row_says_its_id(any_app):
    with writing() as session:
        made = add_row(session, Member, **a_member())

    assert db.session.scalar(select(Member.id)) == made


# -- small writes that give way


def test_a_small_write_is_written_when_nobody_else_writes(any_app):
    with writing_if_free() as connection:
        connection.execute(insert(Member.__table__).values(a_member()))

    assert count() == 1


def test_a_small_write_gives_way_to_one_under_way(any_app):
    with writing() as session:
        made = add_row(session, Member, **a_member())
    change = update(Member.__table__).where(Member.id == made)

    with writing() as session:
        session.execute(change.values(first_name="Dora"))
        with pytest.raises(DBAPIError) as refused, writing_if_free() as connection:
            connection.execute(change.values(first_name="nobody"))

    assert is_busy(refused.value)
    assert db.session.scalar(select(Member.first_name)) == "Dora"


def test_a_small_write_waits_for_nobody(any_app):
    is_sqlite = db.engine.dialect.name == "sqlite"

    with writing_if_free() as connection:
        asked = "PRAGMA busy_timeout" if is_sqlite else "SHOW lock_timeout"
        patience = connection.exec_driver_sql(asked).scalar()

    assert patience == (0 if is_sqlite else "50ms")


def test_a_small_write_leaves_the_connection_as_patient_as_it_was(app):
    with writing_if_free():
        pass

    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000


# -- a database that cannot be written to


@contextmanager
def someone_writing(app: Flask) -> Iterator[None]:
    other = sqlite3.connect(db.engine.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_module, "BUSY_TIMEOUT", timedelta(milliseconds=20))


def test_a_locked_file_is_busy_and_can_be_read(impatient, app):
    with someone_writing(app), pytest.raises(Busy):
        retried(write)()

    assert count() == 0
    retried(write)()
    assert count() == 1


def test_a_queue_that_does_not_move_is_busy_on_postgresql_too(impatient, make_app):
    app = make_app("postgresql")
    with app.app_context():
        write()
        change = update(Member.__table__).values(first_name="eve")

        def rename() -> None:
            with writing() as session:
                session.execute(change)

        with db.engine.begin() as somebody_else:
            somebody_else.execute(change)
            with pytest.raises(Busy):
                retried(rename)()

        retried(rename)()


def fill(connection: sqlite3.Connection, _record: Any) -> None:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")


def test_a_full_disk_is_busy_and_can_be_read(app):
    event.listen(db.engine, "connect", fill)

    def write_much() -> None:
        with writing() as session:
            add_row(session, Member, **a_member() | {"phone": "0" * 100_000})

    with pytest.raises(Busy) as busy:
        retried(write_much)()

    assert busy.value.__cause__.orig.sqlite_errorname == "SQLITE_FULL"
    assert count() == 0


def read_only(url: str) -> str:
    return url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"


def test_a_read_only_file_is_busy_and_can_be_read(make_app, databases):
    app = make_app(DATABASE_URL=read_only(databases.url("sqlite")))
    with app.app_context():
        with pytest.raises(Busy) as busy:
            retried(write)()

        assert busy.value.__cause__.orig.sqlite_errorname == "SQLITE_READONLY"
        assert count() == 0


def test_a_read_only_server_is_busy_and_can_be_read(make_app):
    app = make_app("postgresql")
    with app.app_context():
        name = db.engine.url.database
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(
                text(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            )
        db.engine.dispose()

        with pytest.raises(Busy):
            retried(write)()

        assert count() == 0


@pytest.mark.parametrize("state", ["53100", "53200", "58030", "55P03"])
def test_a_server_in_trouble_is_busy(make_app, state):
    """Disk full, out of memory, an input/output error, a lock not to be had."""
    app = make_app("postgresql")

    def trouble() -> None:
        with writing() as session:
            session.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$"))

    with app.app_context(), pytest.raises(Busy):
        retried(trouble)()


def gone(kind: str) -> Callable[[Any], str]:
    """Addresses at which no database answers."""
    return {
        "a folder": lambda folder: f"sqlite:///{folder}",
        "nowhere": lambda folder: f"sqlite:///{folder}/none/at/all.sqlite",
        "no database": lambda folder: f"sqlite:///{folder}/text",
        "no server": lambda folder: f"postgresql://user@localhost:1/{folder.name}",
        "no socket": lambda folder: f"postgresql:///name?host={folder}",
    }[kind]


@pytest.mark.parametrize("kind", ["a folder", "nowhere", "no database", "no server", "no socket"])
def test_a_database_that_is_away_is_busy(make_app, tmp_path, kind):
    (tmp_path / "text").write_text("This is no database. " * 100)
    app = make_app(DATABASE_URL=gone(kind)(tmp_path))
    with app.app_context():
        with pytest.raises(DBAPIError) as away:
            count()
        assert is_busy(away.value)

        with pytest.raises(Busy):
            retried(write)()


def test_a_server_that_stops_is_busy_once_and_then_asked_again(make_app):
    app = make_app("postgresql")
    with app.app_context():
        write()
        pid = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

        with pytest.raises(DBAPIError) as away:
            count()

        assert is_busy(away.value)
        db.session.rollback()
        assert count() == 1


def test_a_mistake_of_ours_is_not_called_busy(any_app):
    def mistake() -> None:
        with writing() as session:
            add_row(session, Member, **a_member() | {"email": "CAPITALS@atelier.example"})

    with pytest.raises(DBAPIError) as mistaken:
        retried(mistake)()

    assert not is_busy(mistaken.value)


def test_errors_do_not_repeat_what_was_written(any_app):
    write()

    with pytest.raises(DBAPIError) as twice:
        write()

    assert clock.now().isoformat() not in str(twice.value)
    assert "parameters" not in str(twice.value) or "hidden" in str(twice.value)


# -- ties


def test_two_writes_that_wait_for_each_other_both_happen(make_app):
    """A real deadlock: PostgreSQL undoes one, which is then done again from its start."""
    app = make_app("postgresql")
    with app.app_context(), writing() as session:
        ids = [add_row(session, Member, **a_member(name)) for name in ("dora", "eve")]
    both_hold_one = threading.Barrier(2)
    tries: list[str] = []

    def rename(name: str, first: int, second: int) -> None:
        @retried
        def command() -> None:
            tries.append(name)
            with writing() as session:
                session.execute(text("SET LOCAL lock_timeout = 0"))
                for place, member_id in enumerate((first, second)):
                    session.execute(
                        update(Member.__table__)
                        .where(Member.id == member_id)
                        .values(session_version=Member.session_version + 1)
                    )
                    if place == 0 and len(tries) <= 2:
                        both_hold_one.wait(10)

        with app.app_context():
            command()

    threads = [
        threading.Thread(target=rename, args=("one", *ids)),
        threading.Thread(target=rename, args=("other", *reversed(ids))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    with app.app_context():
        assert list(db.session.scalars(select(Member.session_version))) == [2, 2]
    assert len(tries) == 3


def test_a_tie_that_never_breaks_is_busy_after_four_tries(make_app):
    app = make_app("postgresql")
    tries = []

    @retried
    def unlucky() -> None:
        tries.append(1)
        with writing() as session:
            session.execute(text("DO $$ BEGIN RAISE serialization_failure; END $$"))

    with app.app_context(), pytest.raises(Busy):
        unlucky()

    assert len(tries) == 4


@pytest.mark.parametrize("typed", ["0", "0.0001", "28", "-12.5", "123456789.9999"])
def test_an_amount_is_read_back_as_it_was(table, typed):
    keep(worth=Decimal(typed))

    assert db.session.scalar(select(kept.c.worth)) == Decimal(typed)


@pytest.mark.parametrize("wrong", [0.1, 3, Decimal("0.00001"), Decimal("NaN")])
def test_what_is_no_exact_amount_is_refused(table, wrong):
    with pytest.raises(StatementError, match="amounts are"):
        keep(worth=wrong)


def test_names_stand_where_people_look_for_them(app, fablab):
    """On SQLite, whose own order puts É after Z."""
    with writing() as session:
        for slug in ("Zinc", "Ébénisterie", "dentelle", "Filature"):
            session.add(
                Organization(
                    place_id=fablab.place_id,
                    slug=slug.lower(),
                    name=slug,
                    kind=OrganizationKind.COMPANY,
                )
            )

    found = db.session.scalars(select(Organization.name).order_by(by_name(Organization.name)))

    assert list(found) == ["dentelle", "Ébénisterie", "Filature", "Studio Fil", "Zinc"]
