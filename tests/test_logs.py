"""What is written to the log: one line for each request, and nobody's secrets."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, abort
from hypothesis import given
from hypothesis import strategies as st

from fablab.access import anyone
from fablab.logs import Lines, without_secrets
from tests.conftest import browser, populate

REQUEST = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 INFO    GET /machines/ 200 "
    r"logger=fablab\.request ms=[\d.]+ request=[0-9a-f]{32}\n"
)


@pytest.fixture
def logged(make_app: Callable[..., Flask], capfd: pytest.CaptureFixture[str]) -> Any:
    """logged(address, **settings): what a request writes."""

    def ask(address: str, *, who: str | None = None, method: str = "GET", **more: Any) -> str:
        settings = {name: more.pop(name) for name in list(more) if name.isupper()}
        app = make_app(**settings)
        app.testing = False
        app.add_url_rule("/odd/<path:rest>", "odd", odd)
        app.add_url_rule("/odd/secret/<token>", "secret", odd_secret)
        with app.app_context():
            populate()
            client = browser(app, who)
            capfd.readouterr()
            client.open(address, method=method, **more)
        return capfd.readouterr().err

    return ask


@anyone
def odd(rest: str) -> Any:
    if rest == "refused":
        abort(403)
    raise RuntimeError(f"amina.rahal@atelier.example\n2027 INFO   made up /calendars/abcdef {rest}")


@anyone
def odd_secret(token: str) -> Any:
    return token


def test_a_request_is_one_line(logged):
    assert REQUEST.fullmatch(logged("/machines/"))


def test_who_asked_is_a_number(logged):
    line = logged("/bookings/", who="bruno")

    assert re.search(r" member=\d+ ", line)
    assert "bruno" not in line.lower()


def test_what_was_searched_for_is_not_written(logged):
    assert "lamp" not in logged("/machines/?q=lamp")


def test_machines_read_json(logged):
    said = json.loads(logged("/machines/", LOG_FORMAT="json"))

    assert said["message"] == "GET /machines/ 200"
    assert (said["level"], said["logger"]) == ("INFO", "fablab.request")
    assert len(said["request"]) == 32


def test_the_answer_names_its_request(make_app, capfd):
    app = make_app()
    response = app.test_client().get("/healthz")

    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-Id"])


@pytest.mark.parametrize(
    ("hops", "given", "kept"),
    [
        (0, "0123456789abcdef", False),
        (1, "0123456789abcdef", True),
        (1, "short", False),
        (1, "x" * 65, False),
        (1, "with blank", False),
        (1, "a=b&c\x1b[31m", False),
    ],
)
def test_a_request_is_named_by_a_proxy_of_ours_alone(make_app, hops, given, kept):
    app = make_app(PROXY_HOPS=hops)

    response = app.test_client().get("/healthz", headers={"X-Request-Id": given})

    assert (response.headers["X-Request-Id"] == given) is kept


def test_static_files_and_heartbeats_are_not_worth_a_line(logged):
    assert logged("/healthz") == ""
    assert logged("/static/css/app.css") == ""
    assert "GET /healthz 200" in logged("/healthz", LOG_LEVEL="DEBUG")


def test_a_mistake_of_ours_is_told_whole_and_indented(logged):
    first, *others, last = logged("/odd/1").splitlines()

    assert " ERROR   Exception on /odd/1 [GET] logger=fablab request=" in first
    assert all(line.startswith("    ") for line in others)
    assert any("RuntimeError: a…@atelier.example" in line for line in others)
    assert any("made up /calendars/…" in line for line in others)
    assert " INFO    GET /odd/1 500 " in last


def test_a_mistake_in_json_is_one_line(logged):
    lines = logged("/odd/1", LOG_FORMAT="json").splitlines()

    error, request = map(json.loads, lines)
    assert error["traceback"].splitlines()[0] == "Traceback (most recent call last):"
    assert error["request"] == request["request"]


@pytest.mark.parametrize(
    "path", ["a%0aINFO", "a%0d%0ab", "a%1b[31m", "a%E2%80%A8b", "a%E2%80%AEb", "a%C2%85b"]
)
def test_a_path_cannot_begin_a_line_nor_command_a_terminal(logged, path):
    for setting in ("text", "json"):
        written = logged(f"/machines/{path}", LOG_FORMAT=setting)

        assert len(written.splitlines()) == 1
        assert written.rstrip("\n").isprintable()


def test_a_long_path_is_cut(logged):
    assert len(logged("/machines/" + "x" * 10_000)) < 600


# -- secrets


@pytest.mark.parametrize(
    "address",
    [
        "/odd/secret/Zm9vYmFy",
        "/calendars/Zm9vYmFy/mine.ics",
        "/calendars/Zm9vYmFy/mine.ics/",  # no such page
        "/calendars/Zm9vYmFy",
        "/consents/by-mail/Zm9vYmFy",
        "/consents/by-mail/Zm9vYmFy/",
        "/waits/by-mail/Zm9vYmFy",
        "/bookings/by-mail/Zm9vYmFy",
        "/bookings/by-mail/Zm9vYmFy/cancellation",
        "/mails/stop/Zm9vYmFy",
        "/mails/stop/Zm9vYmFy/",
        "/password/reset/Zm9vYmFy",
        "/password/reset/Zm9vYmFy/further",
        "/register/confirm/Zm9vYmFy",
        "/account/email/Zm9vYmFy",
        "/%2Fcalendars/Zm9vYmFy/mine.ics",
    ],
)
def test_a_secret_address_is_not_written(logged, address):
    assert "Zm9vYmFy" not in logged(address)


def test_every_secret_address_of_ours_is_cut_even_where_no_page_answers(app):
    """A client that adds a slash gets a 404, and the log no token."""
    secrets = [rule for rule in app.url_map.iter_rules() if {"token", "secret"} & rule.arguments]

    for rule in secrets:
        start = rule.rule.partition("<token>")[0].partition("<secret>")[0]
        assert "Zm9v" not in without_secrets(f"{start}Zm9vYmFy/and/more"), rule


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("amina.rahal@atelier.example", "a…@atelier.example"),
        ("to <a@b.example>, c.d@e.example", "to <a…@b.example>, c…@e.example"),
        ("someone@localhost", "s…@localhost"),
        ("+tag-ged_x@y.example", "+…@y.example"),
        ("Key (email)=(eve@y.example) exists", "Key (email)=(e…@y.example) exists"),
        ("josé@y.example", "j…@y.example"),
        ("nothing to hide", "nothing to hide"),
        ("@ alone @", "@ alone @"),
    ],
)
def test_mail_addresses_are_shortened(text, shown):
    assert without_secrets(text) == shown


def test_a_long_text_takes_no_longer_than_its_length():
    """Were every letter tried as a beginning, this would not end today."""
    assert without_secrets("a." * 1_000_000 + "@ b" * 10) == "a…@ " + "b…@ " * 9 + "b"
    assert without_secrets("a." * 1_000_000) == "a." * 1_000_000
    assert without_secrets("a." * 1_000_000 + " @") == "a." * 1_000_000 + " @"


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_said_takes_one_line(message, name):
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (message,), None)
    record.facts = {"fact": name}

    for as_json in (True, False):
        line = Lines(as_json=as_json).format(record)
        assert len(line.splitlines()) == 1
        assert line.isprintable()


def test_starting_twice_writes_once(make_app, capfd):
    make_app()
    app = make_app()
    capfd.readouterr()

    app.test_client().get("/nothing/at/all")

    assert len([line for line in capfd.readouterr().err.splitlines() if " 404 " in line]) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/waits/by-mail//TOKEN",
        "//waits/by-mail/TOKEN",
        "/waits//by-mail/TOKEN",
        "/consents/by-mail/%2FTOKEN",
        "/WAITS/BY-MAIL/TOKEN",
        "/waits/by-mail\\TOKEN",
        "/bookings/by-mail//TOKEN/cancellation",
        "//mails/stop/TOKEN",
        "/mails%2Fstop/TOKEN",
        "/password/reset//TOKEN",
        "//calendars/TOKEN/day.ics",
    ],
)
def test_a_secret_is_cut_however_its_address_is_misspelt(path):
    assert "TOKEN" not in without_secrets(f"GET {path} 404")


TOKEN = "Zm9vYmFyWm9vYmFyWm9vYmFyWm9vYmFy"


@pytest.mark.parametrize(
    "path",
    [
        f"/calendars/%20{TOKEN}",
        f"/calendars/%22{TOKEN}%22/day.ics",
        f"/calendars/%0a{TOKEN}",
        f"/calendars/./{TOKEN}/x",
        f"/calendar/{TOKEN}",
        f"/calendars;{TOKEN}",
        f"/mails/%20stop/{TOKEN}",
        f"/mails/stop/x/.eJw{TOKEN}.{TOKEN}",
    ],
)
def test_no_secret_is_logged_of_an_address_that_leads_nowhere(app, fablab, caplog, path):
    with caplog.at_level("INFO", logger="fablab.request"):
        assert app.test_client().get(path).status_code in (404, 308)

    assert TOKEN not in caplog.text
