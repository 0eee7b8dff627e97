"""Where a setting is read from, and what stops the start."""

import os
import stat
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from fablab import create_app
from fablab.config import SETTINGS, ConfigError, example
from fablab.db import db

SECRET = "a-secret-of-this-test-and-of-no-other"


@pytest.fixture(autouse=True)
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own, and an environment that says nothing else of it."""
    for name in list(os.environ):
        if name.startswith("FABLAB_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FABLAB_INSTANCE_PATH", str(tmp_path / "instance"))
    (tmp_path / "instance").mkdir()
    return tmp_path / "instance"


def start(**settings: object) -> Flask:
    app = create_app(settings)
    with app.app_context():
        db.engine.dispose()
    return app


def refused(**settings: object) -> str:
    """What the start says as it stops."""
    with pytest.raises(ConfigError) as stopped:
        start(**settings)
    line = str(stopped.value)
    assert line.isprintable()
    return line


def write(instance: Path, text: str) -> None:
    (instance / "config.toml").write_text(text, encoding="utf-8")


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(instance, monkeypatch):
    assert start().config["THREADS"] == SETTINGS["THREADS"].default

    write(instance, "THREADS = 3\nPORT = 8001")
    monkeypatch.setenv("FABLAB_THREADS", "4")

    app = start()
    assert (app.config["THREADS"], app.config["PORT"]) == (4, 8001)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "http://127.0.0.1:5000"),
        ({"PORT": 5231}, "http://127.0.0.1:5231"),
        ({"HOST": "fablab.example", "PORT": 80}, "http://fablab.example:80"),
        ({"HOST": "0.0.0.0"}, "http://127.0.0.1:5000"),
        ({"HOST": "::"}, "http://[::1]:5000"),
        ({"HOST": "::1"}, "http://[::1]:5000"),
        ({"PORT": 5231, "BASE_URL": "https://booking.example"}, "https://booking.example"),
    ],
)
def test_people_are_sent_to_where_it_listens_unless_told_otherwise(settings, address):
    assert start(**settings).config["BASE_URL"] == address


def test_the_data_lives_in_the_instance_folder_unless_told_otherwise(instance):
    with start().app_context():
        assert db.engine.url.database == str(instance / "fablab.sqlite")

    with start(DATABASE_URL="sqlite:///other.sqlite").app_context():
        assert db.engine.url.database == str(instance / "other.sqlite")


def test_an_instance_folder_may_have_any_name(tmp_path):
    odd = tmp_path / "50 % of? #1"

    with start(INSTANCE_PATH=str(odd)).app_context():
        assert db.engine.url.database == str(odd / "fablab.sqlite")


def test_the_instance_folder_is_absolute_whatever_was_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FABLAB_INSTANCE_PATH", "here")

    app = start()

    assert app.instance_path == app.config["INSTANCE_PATH"] == str(tmp_path / "here")


@pytest.mark.parametrize("url", ["postgresql://u:p%40ss@db.example/fablab", "postgresql:///fablab"])
def test_postgresql_is_spoken_to_through_psycopg(url):
    with start(DATABASE_URL=url).app_context():
        assert db.engine.dialect.driver == "psycopg"
        assert db.engine.url.password in (None, "p@ss")


# What cannot be read, in the environment; every setting is here.
WRONG = {
    "DATABASE_URL": ["nonsense", "mysql://host/name", "sqlite://", "sqlite:///:memory:", "x\x1b"],
    "BASE_URL": ["fablab.example", "ftp://fablab.example", "https://fablab.example/booking"],
    "SECRET_KEY": ["short", "x" * 31],
    "MAIL_URL": ["mail.example", "https://mail.example", "smtp://mail.example:no", "smtp://"],
    "MAIL_FROM": ["", "nobody", "a@b", "a@b.example\rBcc: c@d.example"],
    "REDIS_URL": ["localhost", "https://redis.example", "redis://"],
    "TRUSTED_HOSTS": ["https://fablab.example", "two words", "a..b", "é.example", "a" * 64],
    "PROXY_HOPS": ["-1", "6", "one", ""],
    "HOST": ["\x7f"],
    "PORT": ["0", "65536", "80.5", "٨٠", "1e3", ""],
    "THREADS": ["0", "65"],
    "SESSION_IDLE_DAYS": ["0", "366"],
    "SESSION_ABSOLUTE_DAYS": ["0", "366"],
    "SHARED_IDLE_MINUTES": ["4", "1441"],
    "SHARED_ABSOLUTE_MINUTES": ["4", "1441"],
    "MAX_CONTENT_LENGTH": ["0", "1", "9" * 12, "9" * 10_000],
    "LOG_LEVEL": ["", "info", "TRACE"],
    "LOG_FORMAT": ["", "xml"],
    "METRICS_TOKEN": ["short", "x" * 31],
    "DEMO": ["", "maybe", "2"],
    "INSTANCE_PATH": ["\x1b"],
}


def test_every_setting_is_tried():
    assert set(WRONG) == set(SETTINGS)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_what_cannot_be_read_in_the_environment_stops_the_start(name, value, monkeypatch, tmp_path):
    monkeypatch.setenv(f"FABLAB_{name}", value)
    monkeypatch.chdir(tmp_path)

    line = refused()

    assert line.startswith(f"{name}: should be ")
    assert line.endswith(" (in the environment)")


@pytest.mark.parametrize("name", sorted(set(SETTINGS) - {"INSTANCE_PATH"}))
@pytest.mark.parametrize("value", ["1979-05-27", "{ a = 1 }", "[[1]]", "1.5"])
def test_a_value_of_the_wrong_type_in_the_file_stops_the_start(name, value, instance):
    write(instance, f"{name} = {value}")

    line = refused()

    assert line.startswith(f"{name}: should be ")
    assert line.endswith(" (in config.toml)")


@pytest.mark.parametrize("value", ["true", "false"])
def test_yes_and_no_are_no_numbers(value, instance):
    write(instance, f"PORT = {value}")

    assert refused().startswith("PORT: should be a whole number from 1 to 65535")


@pytest.mark.parametrize("value", ["SECRET-not-long-enough", "sqlite:///nowhere?secret\x00"])
def test_what_was_written_is_not_repeated(value):
    name = "SECRET_KEY" if value.startswith("SECRET") else "DATABASE_URL"

    assert value not in refused(**{name: value})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("PORTS = 80", "'PORTS': no such setting (in config.toml)"),
        ("port = 80", "'port': no such setting (in config.toml)"),
        ('"a\\nb" = 80', r"'a\nb': no such setting (in config.toml)"),
        ("[PORT]\nvalue = 80", "PORT: should be a whole number"),
        ("PORT = ", "config.toml: cannot be read"),
        ("PORT = 80\nPORT = 81", "config.toml: cannot be read"),
        ('INSTANCE_PATH = "/srv"', "INSTANCE_PATH: config.toml lies in that folder"),
    ],
)
def test_a_file_that_makes_no_sense_stops_the_start(text, said, instance):
    write(instance, text)

    assert refused().startswith(said)


@pytest.mark.parametrize("raw", [b"PORT = \xff", b"\x00", b"\xff\xfeP\x00"])
def test_a_file_that_is_no_text_stops_the_start(raw, instance):
    (instance / "config.toml").write_bytes(raw)

    assert refused().startswith("config.toml: cannot be read")


def test_a_file_that_cannot_be_opened_stops_the_start(instance):
    (instance / "config.toml").mkdir()

    assert refused().startswith("config.toml: cannot be read")


def test_an_unknown_name_in_the_environment_stops_the_start(monkeypatch):
    monkeypatch.setenv("FABLAB_PROT", "80")

    assert refused() == "'FABLAB_PROT': no such setting (in the environment)"


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_an_instance_folder_that_cannot_be_written_to_stops_the_start(name, tmp_path):
    (tmp_path / "file").write_text("no folder")

    line = refused(INSTANCE_PATH=str(tmp_path / name))

    assert line.startswith(f"INSTANCE_PATH: {tmp_path / name} cannot be written to")


def test_several_hosts_are_read_from_a_list_or_a_line(instance, monkeypatch):
    write(instance, 'TRUSTED_HOSTS = ["One.example", ".two.example"]')
    assert start().config["TRUSTED_HOSTS"] == ["one.example", ".two.example"]

    monkeypatch.setenv("FABLAB_TRUSTED_HOSTS", "three.example, four.example")
    assert start().config["TRUSTED_HOSTS"] == ["three.example", "four.example"]


def test_the_hosts_answered_to_are_those_of_the_address_unless_told():
    hosts = start(BASE_URL="https://Fablab.example:8443/").config["TRUSTED_HOSTS"]

    assert hosts == ["127.0.0.1", "fablab.example", "localhost"]


def test_cookies_are_kept_to_https_where_the_service_is():
    plain, safe = start(), start(BASE_URL="https://fablab.example")

    assert (plain.config["SESSION_COOKIE_NAME"], plain.config["SESSION_COOKIE_SECURE"]) == (
        "session",
        False,
    )
    assert (safe.config["SESSION_COOKIE_NAME"], safe.config["SESSION_COOKIE_SECURE"]) == (
        "__Host-session",
        True,
    )


# -- the secret


def test_a_secret_is_made_once_and_read_by_its_owner_alone(instance):
    first, second = start(), start()

    assert first.config["SECRET_KEY"] == second.config["SECRET_KEY"]
    assert len(first.config["SECRET_KEY"]) >= 64
    assert stat.S_IMODE((instance / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in instance.iterdir()] == ["secret_key"]


def test_a_given_secret_is_not_written_down(instance):
    assert start(SECRET_KEY=SECRET).config["SECRET_KEY"] == SECRET
    assert not (instance / "secret_key").exists()


@pytest.mark.parametrize("raw", [b"", b"short\n", b"\xff" * 64, b"a line\n" * 10])
def test_a_kept_secret_that_is_none_stops_the_start(raw, instance):
    (instance / "secret_key").write_bytes(raw)

    assert refused().startswith(f"SECRET_KEY: {instance / 'secret_key'} should hold ")


def test_processes_that_start_at_once_share_one_secret(instance):
    code = "from fablab import create_app; print(create_app().config['SECRET_KEY'])"

    def run(_number: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        return done.stdout

    with ThreadPoolExecutor(4) as pool:
        secrets = set(pool.map(run, range(4)))

    assert len(secrets) == 1
    assert secrets == {(instance / "secret_key").read_text()}


def test_the_secret_of_a_process_that_was_faster_is_kept(instance, monkeypatch):
    link = os.link

    def too_late(half: str, path: Path) -> None:
        path.write_text(SECRET)
        link(half, path)

    monkeypatch.setattr(os, "link", too_late)

    assert start().config["SECRET_KEY"] == SECRET
    assert [path.name for path in instance.iterdir()] == ["secret_key"]


# -- the example


def test_the_example_names_every_setting_and_says_nothing_yet(instance):
    write(instance, example())

    assert tomllib.loads(example()) == {}
    assert start().config["PORT"] == SETTINGS["PORT"].default


def test_every_line_of_the_example_is_a_default_once_it_counts():
    lines = example().splitlines()
    settings = [line.removeprefix("# ") for line in lines if " = " in line and line[2].isupper()]

    said = tomllib.loads("\n".join(settings))

    assert said == {
        name: setting.default for name, setting in SETTINGS.items() if name != "INSTANCE_PATH"
    }
