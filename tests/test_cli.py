"""The command line: what it does, and that whatever goes wrong is one line on stderr."""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url, select

from fablab import clock, create_app, doctor, migrations
from fablab.cli import main
from fablab.db import add_row, db, writing
from fablab.machines import guards
from fablab.mail.kinds import Reason
from fablab.mail.models import OutgoingMail
from fablab.members import passwords
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Audience, Role
from fablab.members.models import Member
from fablab.members.people import load_person
from fablab.places.models import Place
from fablab.serve import in_use
from tests.conftest import populate
from tests.server import free_port
from tests.support import Databases, close

PASSWORD = "mulberry seven lanterns"


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str


@dataclass
class Installation:
    """An instance folder and the `fablab` command that works on it."""

    folder: Path
    url: str
    command: Callable[..., Said]

    def app(self) -> Flask:
        return create_app({"DATABASE_URL": self.url, "INSTANCE_PATH": str(self.folder)})

    @property
    def file(self) -> Path:
        return Path(make_url(self.url).database or "")

    def populate(self) -> None:
        app = self.app()
        with app.app_context():
            populate()
        close(app)


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Said]]:
    """command("backup", "x.sqlite"): what `fablab backup x.sqlite` says and returns."""

    def run(*words: object, typed: str = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["fablab", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Said(ended.value.code or 0, said.out, said.err)

    before = os.umask(0o022)
    yield run
    os.umask(before)


@pytest.fixture
def installation(databases: Databases, tmp_path, monkeypatch, command) -> Installation:
    """Migrated, and empty."""
    folder, url = tmp_path / "instance", databases.url("sqlite")
    monkeypatch.setenv("FABLAB_INSTANCE_PATH", str(folder))
    monkeypatch.setenv("FABLAB_DATABASE_URL", url)
    monkeypatch.setenv("FABLAB_LOG_LEVEL", "WARNING")
    Path(make_url(url).database or "").chmod(0o640)
    return Installation(folder, url, command)


# -- every command


@pytest.mark.parametrize(
    "words",
    [
        "",
        "serve",
        "demo",
        "db",
        "db upgrade",
        "db revision",
        "create-manager",
        "jobs",
        "backup",
        "restore",
        "doctor",
        "mail-test",
    ],
)
def test_every_command_explains_itself_even_when_a_setting_is_wrong(command, monkeypatch, words):
    monkeypatch.setenv("FABLAB_PORT", "eighty")

    said = command(*words.split(), "--help")

    assert said.status == 0
    assert said.out.startswith(f"Usage: fablab {words}".rstrip())
    assert said.err == ""


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("sing", "fablab: No such command 'sing'.\n"),
        ("backup", "fablab: Missing argument 'FILE'.\n"),
        ("restore nowhere.sqlite", "fablab: Invalid value for 'FILE': File 'nowhere.sqlite' does"),
        ("backup nowhere/copy.sqlite", "fablab: nowhere/copy.sqlite.part: No such file"),
        ("create-manager nobody", "fablab: nobody is not a mail address: "),
        ("mail-test nobody", "fablab: ValueError: no mail address: 'nobody'"),
    ],
)
def test_what_goes_wrong_is_one_line(installation, words, line):
    said = installation.command(*words.split())

    assert said.status != 0
    assert said.out == ""
    assert said.err.startswith(line)
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("words", ["db upgrade", "demo", "backup copy.sqlite", "doctor", "jobs"])
def test_an_unreadable_setting_is_named_in_one_line(installation, monkeypatch, words):
    monkeypatch.setenv("FABLAB_MAIL_URL", "pigeon://loft")

    said = installation.command(*words.split())

    assert said.status == 1
    assert said.err.startswith("fablab: MAIL_URL: should be ")
    assert said.err.count("\n") == 1


def test_a_database_that_is_away_is_one_line(installation, monkeypatch):
    monkeypatch.setenv("FABLAB_DATABASE_URL", "postgresql://nobody:hush@127.0.0.1:1/nothing")

    said = installation.command("create-manager", "amina@atelier.example")

    assert said.status == 1
    assert said.err.startswith("fablab: the database: ")
    assert "hush" not in said.err
    assert said.err.count("\n") == 1


def test_the_installed_command_and_flask_offer_the_same():
    env = os.environ | {"FLASK_APP": "wsgi"}
    for words in (["-m", "flask", "doctor", "--help"], ["-m", "flask", "create-manager", "--help"]):
        done = subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True)

        assert done.returncode == 0, done.stderr


# -- the database


def test_a_new_database_is_made_by_upgrading(installation, tmp_path, monkeypatch):
    monkeypatch.setenv("FABLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'new.sqlite'}")

    first, second = (installation.command("db", "upgrade") for _ in range(2))

    assert (first.status, second.status) == (0, 0)
    assert first.out == "The database is ready\n"
    assert (tmp_path / "new.sqlite").stat().st_mode & 0o007 == 0  # not for other accounts


def test_upgrading_puts_a_missing_guard_back(installation):
    with sqlite3.connect(installation.file) as connection:
        connection.execute(f"DROP TRIGGER {guards.NO_OVERLAP}_insert")
    assert "guard" in installation.command("doctor").out

    installation.command("db", "upgrade")

    assert "guard" not in installation.command("doctor").out


@pytest.fixture
def own_migrations(tmp_path, monkeypatch) -> Path:
    """A copy of the migrations, to write into."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, folder)
    monkeypatch.setattr(migrations, "FOLDER", folder)
    return folder / "versions"


def test_the_next_migration_has_the_next_number(installation, own_migrations):
    last = int(migrations.known()[-1])

    said = installation.command("db", "revision", "add colours")

    assert said.status == 0
    written = own_migrations / f"{last + 1:04}_add_colours.py"
    assert str(written) in said.out
    assert f"down_revision = '{last:04}'" in written.read_text()


def test_the_next_migration_is_written_beside_a_migrated_database(
    installation, own_migrations, tmp_path, monkeypatch
):
    monkeypatch.setenv("FABLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.sqlite'}")

    said = installation.command("db", "revision", "add colours")

    assert said == Said(1, "", "fablab: Target database is not up to date.\n")


# -- the first manager


def test_the_first_manager_comes_with_a_place_and_its_hours(installation):
    said = installation.command(
        *"create-manager Amina@Atelier.example --password-stdin".split(),
        *("--first-name", "Amina", "--last-name", "Rahal", "--place", "L'Atelier du Fil"),
        typed=f"{PASSWORD}\n",
    )

    assert said == Said(0, "Amina@Atelier.example manages the place, with a new account\n", "")
    with installation.app().app_context():
        place = db.session.scalars(select(Place)).one()
        member = db.session.scalars(select(Member)).one()
        person = load_person(member.id)
        assert (place.name, place.slug) == ("L'Atelier du Fil", "l-atelier-du-fil")
        assert [f"{o.weekday} {o.opens_at:%H}-{o.closes_at:%H}" for o in place.openings] == [
            f"{weekday} 09-18" for weekday in range(1, 6)
        ]
        assert member.email == "amina@atelier.example"
        assert passwords.matches(member.password_hash, PASSWORD)
        assert person.is_confirmed
        assert person.manages(place.id)
        assert person.standings[place.id].roles == {Role.ADMINISTRATOR, Role.FABMANAGER}
        assert person.audience_in(place.id) == Audience.STAFF


def test_a_member_becomes_manager_and_keeps_their_account(installation):
    installation.populate()

    said = installation.command("create-manager", "chloe@atelier.example")

    assert said.status == 0
    with installation.app().app_context():
        place = db.session.scalars(select(Place)).one()
        chloe = db.session.scalars(
            select(Member).where(Member.email == "chloe@atelier.example")
        ).one()
        entry = db.session.scalars(select(AuditEntry)).one()
        assert load_person(chloe.id).manages(place.id)
        assert chloe.session_version == 1  # her session begins anew, with her new rights
        assert entry.member_id == chloe.id
        assert entry.made_by_id is None
        assert entry.after == {"roles": ["administrator", "fabmanager"]}


def test_a_manager_can_be_made_twice(installation):
    installation.populate()

    statuses = [
        installation.command("create-manager", "amina@atelier.example").status for _ in range(2)
    ]

    assert statuses == [0, 0]


@pytest.mark.parametrize(
    ("words", "typed", "why"),
    [
        ("--first-name Amina --last-name Rahal --password-stdin", "short\n", "Use 12 characters"),
        ("--first-name Amina --last-name Rahal --password-stdin", "", "Use 12 characters"),
        ("--first-name Amina --last-name Rahal", "", "Password: not given, and nobody is there"),
        ("--last-name Rahal --password-stdin", f"{PASSWORD}\n", "First name: not given"),
    ],
)
def test_a_manager_without_all_it_takes_is_not_made(installation, words, typed, why):
    said = installation.command(
        "create-manager", "amina@atelier.example", "--place", "Atelier", *words.split(), typed=typed
    )

    assert said.status == 1
    assert said.err.startswith(f"fablab: {why}")
    with installation.app().app_context():
        assert db.session.scalars(select(Place.id)).all() == []
        assert db.session.scalars(select(Member.id)).all() == []


# -- copies


def test_a_copy_is_made_and_what_else_to_keep_is_said(installation, tmp_path):
    installation.populate()
    (installation.folder / "config.toml").write_text("THREADS = 4\n")

    said = installation.command("backup", tmp_path / "copy.sqlite")

    assert said.status == 0
    assert (tmp_path / "copy.sqlite").exists()
    assert f"from {installation.folder}: secret_key, config.toml" in said.out


def test_a_restore_replaces_a_database_only_when_told_to(installation, tmp_path):
    installation.populate()
    installation.command("backup", tmp_path / "copy.sqlite")

    unsure = installation.command("restore", tmp_path / "copy.sqlite")
    sure = installation.command("restore", tmp_path / "copy.sqlite", "--yes")

    assert unsure.status == 1
    assert unsure.err == "fablab: there is a database already: --yes replaces it and keeps it\n"
    assert sure.status == 0
    assert f"is kept as {installation.file}.replaced-" in sure.out
    assert sure.out.endswith("Restored; the database is ready\n")


def test_a_restore_into_nothing_needs_no_word(installation, tmp_path):
    installation.populate()
    installation.command("backup", tmp_path / "copy.sqlite")
    installation.file.unlink()

    assert installation.command("restore", tmp_path / "copy.sqlite").status == 0


def test_a_restore_waits_for_nobody_who_serves(installation, tmp_path):
    installation.populate()
    installation.command("backup", tmp_path / "copy.sqlite")

    with in_use(installation.folder):
        said = installation.command("restore", tmp_path / "copy.sqlite", "--yes")

    assert said.status == 1
    assert said.err == "fablab: the service is running; stop it first\n"


# -- the doctor


def wrongs(said: Said) -> list[str]:
    marked = [line for line in said.out.splitlines() if line.startswith(doctor.Verdict.WRONG)]
    assert said.status == (1 if marked else 0)
    return [line.removeprefix(doctor.Verdict.WRONG).strip() for line in marked]


def test_a_trial_on_ones_own_machine_is_fine(installation):
    installation.populate()

    said = installation.command("doctor")

    assert wrongs(said) == []
    assert f"SQLite {sqlite3.sqlite_version}" in said.out
    assert "Python 3" in said.out


def test_a_well_kept_installation_is_fine(installation, monkeypatch):
    installation.populate()
    for name, value in SAFE.items():
        monkeypatch.setenv(f"FABLAB_{name}", value)

    assert wrongs(installation.command("doctor")) == []


SAFE = {
    "BASE_URL": "https://booking.example",
    "PROXY_HOPS": "1",
    "MAIL_URL": "smtp://post.example:587",
    "MAIL_FROM": "Atelier <atelier@booking.example>",
}


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("BASE_URL", "http://booking.example", "BASE_URL: without https"),
        ("PROXY_HOPS", "0", "PROXY_HOPS is 0"),
        ("MAIL_URL", "", "MAIL_URL is empty"),
        ("MAIL_FROM", "Fablab <fablab@localhost.example>", "MAIL_FROM is still the example"),
        ("DEMO", "true", "DEMO is on"),
    ],
)
def test_a_setting_that_is_unsafe_for_real_people_is_wrong(
    installation, monkeypatch, name, value, why
):
    installation.populate()
    for each, safe in (SAFE | {name: value}).items():
        monkeypatch.setenv(f"FABLAB_{each}", safe)

    (said,) = wrongs(installation.command("doctor"))

    assert said.startswith(why)


def test_listening_to_all_without_https_is_wrong(installation, monkeypatch):
    monkeypatch.setenv("FABLAB_HOST", "0.0.0.0")

    (said,) = wrongs(installation.command("doctor"))

    assert said.startswith("HOST: 0.0.0.0 can be reached from elsewhere")


def test_several_processes_on_sqlite_are_wrong(installation, monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "4")

    (said,) = wrongs(installation.command("doctor"))

    assert said.startswith("WEB_CONCURRENCY asks for several processes")


@pytest.mark.parametrize("name", ["secret_key", "config.toml"])
def test_a_secret_that_others_can_read_is_wrong(installation, name):
    installation.populate()
    (installation.folder / name).touch()
    (installation.folder / name).chmod(0o644)

    (said,) = wrongs(installation.command("doctor"))

    assert said.startswith(f"{installation.folder / name} can be read by other accounts")


def test_a_database_that_others_can_read_is_wrong(installation):
    installation.file.chmod(0o644)

    (said,) = wrongs(installation.command("doctor"))

    assert said.startswith(f"{installation.file} can be read by other accounts")


def test_a_database_that_was_never_migrated_is_wrong(installation, tmp_path, monkeypatch):
    monkeypatch.setenv("FABLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.sqlite'}")

    (said,) = wrongs(installation.command("doctor"))

    assert said.endswith("run `fablab db upgrade`")


def test_a_database_that_is_away_is_wrong(installation, monkeypatch):
    monkeypatch.setenv("FABLAB_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")

    (said,) = wrongs(installation.command("doctor"))

    assert said.startswith("the database cannot be reached")


def test_postgresql_is_told_by_its_version(installation, databases, monkeypatch):
    monkeypatch.setenv("FABLAB_DATABASE_URL", databases.url("postgresql"))

    said = installation.command("doctor")

    assert wrongs(said) == []
    assert "PostgreSQL 1" in said.out


def test_mails_that_do_not_leave_are_wrong(installation):
    installation.populate()
    now = clock.now()
    with installation.app().app_context(), writing() as session:
        for n, fate in enumerate([{"parked_at": now}, {"due_at": now - timedelta(hours=2)}, {}]):
            add_row(session, OutgoingMail, **letter(n), **{"due_at": now} | fate)

    given_up, waiting = wrongs(installation.command("doctor"))

    assert given_up.startswith("mails given up after their last try: 1;")
    assert waiting.startswith("mails waiting for an hour and more: 1;")


def test_a_mail_server_that_is_away_is_wrong(installation):
    installation.populate()
    now = clock.now()
    away = {"reason": Reason.AWAY, "last_error": "ConnectionRefusedError: [Errno 111]"}
    with installation.app().app_context(), writing() as session:
        add_row(session, OutgoingMail, **letter(1) | away, due_at=now + timedelta(minutes=5))

    (said,) = wrongs(installation.command("doctor"))

    assert said == "mails waiting for the mail server: 1; ConnectionRefusedError: [Errno 111]"


def letter(n: int) -> dict[str, object]:
    return {
        "message_id": f"<{n}@atelier.example>",
        "kind": "test",
        "recipient": "chloe@atelier.example",
        "subject": "Hello",
        "text": "Hello.",
        "html": "",
        "created_at": clock.now(),
        "tries": 0,
        "last_error": "",
    }


# -- mails


def test_a_mail_can_be_sent_to_try_the_settings(installation):
    said = installation.command("mail-test", "chloe@atelier.example")

    assert (said.status, said.out) == (0, "It is in instance/outbox/\n")
    [file] = (installation.folder / "outbox").glob("*.eml")
    assert b"To: chloe@atelier.example" in file.read_bytes()


def test_a_mail_server_that_is_away_is_told_in_one_line(installation, monkeypatch):
    monkeypatch.setenv("FABLAB_MAIL_URL", f"smtp://127.0.0.1:{free_port()}")

    said = installation.command("mail-test", "chloe@atelier.example")

    assert said.status == 1
    assert said.err.startswith("fablab: ConnectionRefusedError: ")
    assert said.err.count("\n") == 1


# -- the demonstration


def test_the_demonstration_refuses_real_data(installation):
    installation.populate()

    said = installation.command("demo")

    assert said.status == 1
    assert said.err.startswith("fablab: This database has data of its own")
    assert said.err.count("\n") == 1
