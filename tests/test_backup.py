"""A copy taken while others write is whole; what a restore replaces is kept."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import select

from fablab import backup, clock, migrations
from fablab.db import db
from fablab.health import unready
from fablab.machines.models import Occupancy
from tests.support import close, slot

WANTED = "2027-03-30 10:00-11:00"


@pytest.fixture
def writer(app: Flask) -> Iterator[list[int]]:
    """Somebody who writes without a pause: pairs of rows, both or none, and how many so far."""
    path, done, stop = backup.database_file(db.engine), [0], Event()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE pair (number INTEGER, text TEXT)")

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            while not stop.is_set():
                with connection:
                    for _ in range(2):
                        connection.execute("INSERT INTO pair VALUES (?, ?)", (done[0], "x" * 3000))
                done[0] += 1

    thread = Thread(target=write)
    thread.start()
    while done[0] < 50:
        pass
    yield done
    stop.set()
    thread.join()


def pairs(path: Path) -> list[int]:
    """How many rows each number has."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT count(*) FROM pair GROUP BY number").fetchall()
    return [count for (count,) in found]


def test_a_copy_is_of_one_instant_while_others_write(writer, tmp_path, monkeypatch):
    monkeypatch.setattr(backup, "PAGES", 1)
    target = tmp_path / "copy.sqlite"
    seen: list[tuple[int, int]] = []
    before = writer[0]

    def wait_for_a_write(done: int, total: int) -> None:
        seen.append((done, total))
        now = writer[0]
        while len(seen) < 20 and writer[0] == now:
            pass

    backup.save(target, wait_for_a_write)

    assert writer[0] >= before + 15
    assert len(seen) > 20
    assert seen[-1][0] == seen[-1][1]
    assert {total for _done, total in seen} == {seen[0][1]}  # it never had to start anew
    assert set(pairs(target)) == {2}
    assert len(pairs(target)) >= before


def test_a_copy_is_one_file_for_its_owner_alone(fablab, tmp_path):
    target = tmp_path / "copy.sqlite"

    backup.save(target)

    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("copy.sqlite*")) == [target]
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"


def test_an_older_copy_of_the_same_name_is_replaced(fablab, tmp_path):
    target = tmp_path / "copy.sqlite"
    backup.save(target)
    fablab.book("bench", slot(WANTED), "chloe")

    backup.save(target)

    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT count(*) FROM occupancy").fetchone()[0] == 1


def test_a_copy_replaces_nothing_that_is_no_copy(fablab, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all")

    with pytest.raises(backup.BackupError, match="is not a copy of a database"):
        backup.save(letter)
    with pytest.raises(backup.BackupError, match="is the database itself"):
        backup.save(backup.database_file(db.engine))

    assert letter.read_text() == "Dear all"


def test_a_damaged_database_gives_no_copy(app, tmp_path):
    damaged, target = tmp_path / "damaged.sqlite", tmp_path / "copy.sqlite"
    with closing(sqlite3.connect(damaged)) as connection:
        connection.execute("CREATE TABLE word (text TEXT)")
        connection.executemany("INSERT INTO word VALUES (?)", [("w" * 900,)] * 200)
        connection.execute("CREATE INDEX word_text ON word (text)")
        connection.commit()
    with damaged.open("r+b") as file:
        file.seek(damaged.stat().st_size // 2)
        file.write(b"\xff" * 4096)

    with pytest.raises(backup.BackupError, match="is damaged"):
        backup.copy(damaged, target)

    assert list(tmp_path.glob("copy.sqlite*")) == []


def test_what_was_saved_comes_back_and_what_was_there_is_kept(app, fablab, tmp_path):
    target = tmp_path / "copy.sqlite"
    kept_booking = fablab.book("bench", slot(WANTED), "chloe")
    backup.save(target)
    lost_booking = fablab.book("laser", slot(WANTED), "bruno")
    db.session.remove()

    aside = backup.restore(target, clock.now())

    assert set(db.session.scalars(select(Occupancy.uid))) == {kept_booking}
    assert unready() == []
    assert aside.name.endswith(".sqlite.replaced-20270329-070000")
    assert aside.stat().st_mode & 0o007 == 0 or aside.exists()
    with closing(sqlite3.connect(aside)) as connection:
        found = {uid for (uid,) in connection.execute("SELECT uid FROM occupancy")}
    assert found == {kept_booking, lost_booking}


def test_a_restore_needs_no_database_to_replace(app, fablab, tmp_path):
    target = tmp_path / "copy.sqlite"
    backup.save(target)
    close(app)
    backup.database_file(db.engine).unlink()

    assert backup.restore(target, clock.now()) is None
    assert unready() == []


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def of_something_else(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE alembic_version")


def without_members(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM member")


def with_a_wrong_index(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE INDEX names ON member (first_name)")
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'first_', 'last_') WHERE name = 'names'"
        )


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def no_database(path: Path) -> None:
    path.write_text("Dear all")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (newer, "is at migration 9999, which this version does not know"),
        (of_something_else, "is not a database of this service"),
        (without_members, "is damaged: a row of .* points at a row of member"),
        (with_a_wrong_index, "is damaged: row 1 missing from index names"),
        (cut_short, "is damaged"),
        (no_database, "is not an SQLite database"),
    ],
)
def test_what_cannot_be_the_database_changes_nothing(fablab, tmp_path, spoil, why):
    target = tmp_path / "copy.sqlite"
    backup.save(target)
    spoil(target)
    booked = fablab.book("bench", slot(WANTED), "chloe")

    with pytest.raises(backup.BackupError, match=why):
        backup.restore(target, clock.now())

    assert set(db.session.scalars(select(Occupancy.uid))) == {booked}


def test_postgresql_is_left_to_its_own_tools(make_app, tmp_path):
    with make_app("postgresql").app_context():
        with pytest.raises(backup.BackupError, match="pg_dump"):
            backup.save(tmp_path / "copy.sqlite")
        with pytest.raises(backup.BackupError, match="pg_restore"):
            backup.restore(tmp_path / "copy.sqlite", clock.now())


def test_the_database_is_copied_before_its_schema_changes(app, fablab):
    booked = fablab.book("bench", slot(WANTED), "chloe")
    head = ScriptDirectory(migrations.FOLDER).get_current_head()
    migrations.downgrade("base")

    (copy,) = (Path(app.instance_path) / "backups").iterdir()
    assert copy.name == f"20270329-070000-before-leaving-{head}.sqlite"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT uid FROM occupancy").fetchall() == [(booked,)]


def test_a_migration_that_changes_nothing_copies_nothing(app, fablab):
    migrations.upgrade()
    command.current(migrations.settings(migrations.FOLDER))

    assert not (Path(app.instance_path) / "backups").exists()
