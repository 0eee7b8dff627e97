"""The schema: migrated up, down and up again, equal to the models, guarded whatever happens."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, delete, select, text
from sqlalchemy.exc import DBAPIError

from fablab import ROOT, clock
from fablab.db import db, writing
from fablab.health import unready
from fablab.machines import guards
from fablab.machines.models import Change, Claim, Occupancy
from fablab.machines.resources_commands import create_resource
from fablab.members import marks
from fablab.members.kinds import MarkKind
from fablab.members.models import Mark
from fablab.migrations import MigrationFailed, downgrade, upgrade
from fablab.trainings.models import Training
from fablab.trainings.sessions import Plan, plan
from tests.support import Databases, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(
    request: pytest.FixtureRequest, databases: Databases, make_app: Callable[..., Flask], tmp_path
) -> Any:
    """The application on a database without a table."""
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/new.sqlite" if is_sqlite else databases.empty_postgresql()
    app = make_app(DATABASE_URL=url)
    with app.app_context():
        yield app


def schema() -> dict[str, Any]:
    """Everything the database knows of its tables, in words that can be compared."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            return sqlite_schema(connection)
        return postgresql_schema(connection)


def sqlite_schema(connection: Connection) -> dict[str, Any]:
    """Tables and indexes; the order of columns and constraints in a table says nothing, nor
    whether a check stands beside its column or after them all.
    """
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type <> 'trigger' AND sql IS NOT NULL"
    )
    return {
        row.name: sorted(parts_of(row.sql.replace('"', "")))
        for row in rows
        if row.name != "alembic_version"
    }


def parts_of(sql: str) -> Iterator[str]:
    """Each column and each constraint of a CREATE statement, blanks made one."""
    first, _, body = sql.partition("(")
    yield first.strip()
    depth, part = 0, ""
    for letter in body.rpartition(")")[0] + ",":
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            column, *checks = re.split(r"\s+(?=CONSTRAINT\s+ck_)", part.strip())
            yield from (" ".join(each.split()) for each in (column, *checks))
            part = ""
        else:
            part += letter


def postgresql_schema(connection: Connection) -> dict[str, Any]:
    columns = connection.exec_driver_sql(
        "SELECT table_name, column_name, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public'"
    )
    constraints = connection.exec_driver_sql(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
    )
    indexes = connection.exec_driver_sql(
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    return {
        name: sorted(map(str, (row for row in rows if row[0] != "alembic_version")))
        for name, rows in {
            "columns": columns,
            "constraints": constraints,
            "indexes": indexes,
        }.items()
    }


def missing_guards() -> list[str]:
    with db.engine.connect() as connection:
        return guards.missing(connection)


def test_migrations_make_what_the_models_say(empty):
    upgrade()
    migrated = schema()

    with writing() as session:
        connection = session.connection()
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, db.metadata)
        db.metadata.drop_all(connection)
        db.metadata.create_all(connection)

    assert differences == []
    assert migrated == schema()


def test_a_new_database_is_ready_and_guarded(empty):
    assert unready() == ["the database is at migration none, this version needs " + head()]

    upgrade()

    assert unready() == []
    assert missing_guards() == []


def test_down_to_nothing_and_up_again(empty):
    upgrade()
    first = schema()

    downgrade(revision="base")
    nothing = schema()
    upgrade()

    assert not any(nothing.values())
    assert schema() == first
    assert missing_guards() == []


def test_migrating_twice_changes_nothing(any_fablab):
    any_fablab.book("laser", AFTERNOON, "bruno")
    before, bookings = schema(), rows(Occupancy)

    upgrade()

    assert (schema(), rows(Occupancy)) == (before, bookings)
    assert missing_guards() == []


def test_processes_that_migrate_at_once_wait_for_each_other(empty):
    """As when several nodes start on a new version: one migrates, all find it done."""
    code = (
        "import sys; from fablab.migrations import upgrade; from fablab import create_app\n"
        "app = create_app({'DATABASE_URL': sys.argv[1], 'INSTANCE_PATH': sys.argv[2]})\n"
        "with app.app_context(): upgrade()"
    )
    url = db.engine.url.render_as_string(hide_password=False)
    folder = empty.instance_path

    starting = [subprocess.Popen([sys.executable, "-c", code, url, folder]) for _ in range(3)]

    assert [process.wait(60) for process in starting] == [0, 0, 0]
    assert unready() == []


# -- what the rows need


def test_planned_sessions_get_the_seats_they_never_took(any_app, any_fablab, caplog):
    amina, machines = any_fablab.people["amina"], ("laser", "bench")
    shared = {any_fablab.machine(each).id for each in machines}
    now = clock.now()
    create_resource(any_fablab.place_id, "Air", 1, shared, by=amina, now=now)
    training = db.session.scalar(select(Training.id))
    planned = Plan(AFTERNOON, 4, machine_ids=frozenset({any_fablab.machine("laser").id}))
    later = replace(planned, slot=slot("2027-03-31 14:00-16:00"))
    plan(training, planned, by=amina, now=now)
    plan(training, later, by=amina, now=now)
    given = claims()
    with writing() as session:
        session.execute(delete(Claim.__table__))
    any_fablab.book("bench", slot("2027-03-31 15:00-17:00"), "bruno")
    booked = claims()
    downgrade(revision="0003")

    upgrade()
    upgrade()

    assert claims() == [given[0], *booked]
    assert missing_guards() == []
    assert "Air is full at some moment of the session 'Laser cutting'" in caplog.text


def claims() -> list[Any]:
    """When a seat is taken, soonest first."""
    asked = select(Claim.claimed_from, Claim.claimed_until).order_by(Claim.claimed_from)
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(asked)]


def test_what_marks_said_stays_with_their_bookings(any_app, any_fablab):
    place_id, bruno = any_fablab.place_id, any_fablab.people["bruno"]
    amina, now = any_fablab.people["amina"], clock.now()
    days = {"03-30": MarkKind.LATE, "03-31": MarkKind.MISSED, "04-01": None}
    for day, kind in days.items():
        uid = any_fablab.book("laser", slot(f"2027-{day} 14:00-16:00"), "bruno")
        one = db.session.scalar(select(Occupancy.id).where(Occupancy.uid == uid))
        if kind:
            with writing() as session:
                marks.mark(session, bruno, place_id, one, kind, by=amina, now=now)
    missed = db.session.scalar(select(Mark.uid).where(Mark.kind == MarkKind.MISSED))
    marks.lift(missed, place_id, "The bus", by=amina, now=now)
    downgrade(revision="0029")

    upgrade()

    asked = select(Occupancy.is_late, Occupancy.is_excused).order_by(Occupancy.starts_at)
    assert list(db.session.execute(asked)) == [(True, False), (False, True), (False, False)]


# -- migrations to come


@pytest.fixture
def next_migration(tmp_path: Path) -> Callable[[str], Path]:
    """next_migration(body): the folder of our migrations with one more, which does `body`."""

    def write(body: str) -> Path:
        folder = tmp_path / "migrations"
        shutil.copytree(ROOT / "migrations", folder)
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        (folder / "versions" / "9999_next.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = '9999'\ndown_revision = {head()!r}\n"
            f"def upgrade():\n{lines}\n"
        )
        return folder

    return write


# Alembic would copy the columns that the database reckons: they go first, with their index.
ANOTHER_COLUMN = """
op.drop_index("ix_occupancy_report", "occupancy")
op.execute("ALTER TABLE occupancy DROP COLUMN booked_seconds")
op.execute("ALTER TABLE occupancy DROP COLUMN used_seconds")
with op.batch_alter_table("occupancy") as table:
    table.add_column(sa.Column("colour", sa.Text(), nullable=False, server_default="red"))
    table.alter_column("title", existing_type=sa.Text(), nullable=True)
"""


def test_a_table_made_anew_keeps_its_rows_and_its_guards(any_fablab, next_migration):
    uid = any_fablab.book("laser", AFTERNOON, "bruno")
    before = rows(Change)

    upgrade(directory=next_migration(ANOTHER_COLUMN))

    assert missing_guards() == []
    assert db.session.execute(text("SELECT uid, colour FROM occupancy")).all() == [(uid, "red")]
    assert rows(Change) == before
    with pytest.raises(DBAPIError) as refused:
        insert_again()
    assert guards.refused(refused.value)


def test_without_the_last_step_the_guards_would_be_gone(fablab, next_migration, monkeypatch):
    """What the one before protects from: SQLite drops a table's triggers with the old table."""
    monkeypatch.setattr(guards, "restore", lambda connection: None)

    upgrade(directory=next_migration(ANOTHER_COLUMN))

    of_occupancies = [name for name in guards.TRIGGERS if name.startswith("occupancy")]
    assert missing_guards() == of_occupancies


def test_a_migration_that_breaks_is_undone_whole(any_fablab, next_migration):
    any_fablab.book("laser", AFTERNOON, "bruno")
    before, bookings = schema(), rows(Occupancy)

    with pytest.raises(ZeroDivisionError):
        upgrade(directory=next_migration(ANOTHER_COLUMN + "1 / 0"))

    assert (schema(), rows(Occupancy)) == (before, bookings)
    assert unready() == []


def test_a_migration_that_leaves_rows_pointing_at_nothing_is_undone(any_fablab, next_migration):
    any_fablab.book("laser", AFTERNOON, "bruno")
    before = rows(Occupancy)

    with pytest.raises((MigrationFailed, DBAPIError)):
        upgrade(directory=next_migration('op.execute("DELETE FROM occupancy")'))

    assert rows(Occupancy) == before
    assert unready() == []


def test_foreign_keys_are_watched_again_after_a_migration(app):
    upgrade()

    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def head() -> str:
    return ScriptDirectory(str(ROOT / "migrations")).get_current_head()


def rows(model: Any) -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(select(model.__table__)).all())


def insert_again() -> None:
    """A second occupancy with the times of the first."""
    others = ", ".join(
        column.name
        for column in Occupancy.__table__.columns
        if column.computed is None and column.name not in ("id", "uid", "request_key")
    )
    with writing() as session:
        session.execute(
            text(f"INSERT INTO occupancy (uid, {others}) SELECT 'two', {others} FROM occupancy")
        )
