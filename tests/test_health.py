"""Is it alive, is it able to serve, and what goes on while it is not?"""

import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from fablab import db as layer
from fablab.db import db, writing
from fablab.machines import guards
from fablab.machines.models import Occupancy
from fablab.migrations import downgrade, upgrade
from tests.conftest import browser, populate
from tests.mail.conftest import promise
from tests.support import slot, submit

TUESDAY = "2027-03-30"
FORM = f"/bookings/new?machine=bench&day={TUESDAY}&start=14:00&end=15:00"
FIELDS = {"machine": "bench", "day": TUESDAY, "start": "14:00", "end": "15:00"}


@pytest.fixture(params=["sqlite", "postgresql"])
def any_app(request: pytest.FixtureRequest, make_app: Callable[..., Flask]) -> Any:
    """As it is served: what fails is answered."""
    app = make_app(request.param)
    app.testing = False
    with app.app_context():
        yield app


def ready(app: Flask) -> tuple[int, list[str]]:
    answer = app.test_client().get("/readyz")
    assert answer.json["status"] == ("ready" if answer.status_code == 200 else "not ready")
    return answer.status_code, answer.json["problems"]


def names() -> list[str]:
    is_sqlite = db.engine.dialect.name == "sqlite"
    return list(guards.TRIGGERS if is_sqlite else guards.EXCLUSIONS)


def lose_the_guard() -> None:
    with writing() as session:
        for name in names():
            if db.engine.dialect.name == "sqlite":
                session.execute(text(f"DROP TRIGGER {name}"))
            else:
                table = name.partition("_")[0]
                session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))


def test_it_is_alive_and_ready(any_app):
    answer = any_app.test_client().get("/healthz")

    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert ready(any_app) == (200, [])


def test_who_watches_gets_no_session(any_app):
    for address in ("/healthz", "/readyz"):
        answer = any_app.test_client().get(address)

        assert "Set-Cookie" not in answer.headers
        assert answer.mimetype == "application/json"


def test_it_says_which_guard_is_missing_and_refuses_bookings(any_app):
    fablab = populate()
    bruno = browser(any_app, "bruno")
    lose_the_guard()

    assert ready(any_app) == (503, [f"the guard {name} is missing" for name in names()])
    answer = submit(bruno, FORM, "/bookings/", **FIELDS)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "Not available for a moment" in answer.text
    assert rows() == 0
    for address in ("/", "/machines/laser", "/bookings/", FORM):
        assert bruno.get(address).status_code == 200
    assert fablab.machine("bench")


def test_a_migration_makes_it_ready_again(any_app):
    lose_the_guard()

    upgrade()

    assert ready(any_app) == (200, [])


def test_it_says_that_its_tables_are_of_another_version(any_app):
    downgrade("base")

    status, [problem] = ready(any_app)

    assert status == 503
    assert problem.startswith("the database is at migration none, this version needs ")


def rows() -> int:
    return db.session.scalar(db.select(db.func.count()).select_from(Occupancy)) or 0


# -- the database away


def test_it_is_alive_but_not_ready_without_its_database(make_app, tmp_path):
    (tmp_path / "text").write_text("This is no database. " * 100)
    for url in (
        f"sqlite:///{tmp_path}",
        f"sqlite:///{tmp_path}/text",
        "postgresql://u@localhost:1/x",
    ):
        app = make_app(DATABASE_URL=url)

        status, [problem] = ready(app)

        assert status == 503
        assert problem.startswith("the database cannot be reached")
        assert app.test_client().get("/healthz").status_code == 200


def test_an_answer_to_who_watches_tells_no_secret(make_app):
    app = make_app(DATABASE_URL="postgresql://user:hunter2hunter2@localhost:1/secretname")

    said = json.dumps(app.test_client().get("/readyz").json)

    assert "hunter2" not in said
    assert "localhost" not in said


# -- the database read-only, full or locked: reads go on


def read_only(make_app: Callable[..., Flask]) -> Flask:
    """A service whose file can only be read, with the fablab in it."""
    first = make_app("sqlite")
    with first.app_context():
        populate().book("laser", slot(f"{TUESDAY} 10:00-11:00"), "bruno")
        db.engine.dispose()
    path = Path(first.config["DATABASE_URL"].removeprefix("sqlite:///"))
    app = make_app(DATABASE_URL=f"sqlite:///file:{path}?mode=ro&uri=true")
    app.testing = False
    return app


@pytest.fixture
def stuck(make_app: Callable[..., Flask]) -> Any:
    app = read_only(make_app)
    with app.app_context():
        yield app


def test_a_read_only_database_is_still_read(stuck):
    for who in (None, "bruno", "amina"):
        client = browser(stuck, who)
        for address in ("/", f"/planning/{TUESDAY}", "/machines/", "/machines/laser"):
            assert client.get(address).status_code == 200, (who, address)
    assert browser(stuck, "bruno").get("/bookings/").status_code == 200
    assert browser(stuck, "amina").get("/manage/day").status_code == 200
    assert browser(stuck, None).get("/machines/laser/calendar.ics").status_code == 200


PROFILE = {"first_name": "Bruno", "last_name": "Lefil", "phone": "", "language": "en"}
SIGN_IN = {"email": "bruno@atelier.example", "password": "no matter which one"}


@pytest.mark.parametrize(
    ("who", "page", "action", "fields"),
    [
        ("bruno", FORM, "/bookings/", FIELDS),
        ("bruno", "/account/", "/account/", PROFILE),
        (None, "/login", "/login", SIGN_IN),
        ("bruno", "/calendars/", "/calendars/", {"of": "member"}),
    ],
)
def test_a_read_only_database_refuses_writes_in_a_sentence(stuck, who, page, action, fields):
    answer = submit(browser(stuck, who), page, action, **fields)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "The service cannot do this just now. Nothing was changed" in answer.text
    assert "L&#39;Atelier" in answer.text


def test_a_form_sent_again_when_writing_works_again_books_once(fablab, browse, app):
    app.testing = False
    bruno = browse("bruno")
    key = {"key": "0123456789abcdef"}
    db.session.remove()
    db.engine.dispose()
    db.event.listen(db.engine, "connect", forbid_writing)

    refused = submit(bruno, FORM, "/bookings/", **FIELDS, **key)
    db.event.remove(db.engine, "connect", forbid_writing)
    db.engine.dispose()
    done = [submit(bruno, FORM, "/bookings/", **FIELDS, **key) for _ in range(2)]

    assert refused.status_code == 503
    assert [answer.status_code for answer in done] == [303, 303]
    assert done[0].location == done[1].location
    assert rows() == 1


def forbid_writing(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA query_only=ON")


def test_somebody_who_writes_for_long_keeps_nobody_from_reading(
    fablab, browse, app, monkeypatch: pytest.MonkeyPatch
):
    app.testing = False
    monkeypatch.setattr(layer, "BUSY_TIMEOUT", timedelta(milliseconds=20))
    db.engine.dispose()
    bruno: FlaskClient = browse("bruno")
    other = sqlite3.connect(db.engine.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    reading = [bruno.get(address).status_code for address in ("/", "/bookings/", FORM)]
    writing_ = submit(bruno, FORM, "/bookings/", **FIELDS)
    other.close()

    assert reading == [200, 200, 200]
    assert (writing_.status_code, writing_.headers["Retry-After"]) == (503, "5")
    assert submit(bruno, FORM, "/bookings/", **FIELDS).status_code == 303


# -- figures


def test_the_figures_are_for_this_machine_or_for_the_token(make_app):
    app = make_app(METRICS_TOKEN="t" * 32)
    with app.app_context():
        populate()
    app.testing = False
    client = app.test_client()

    def status(address="127.0.0.1", **headers):
        environ = {"REMOTE_ADDR": address}
        return client.get("/metrics", environ_base=environ, headers=headers).status_code

    assert status() == status("::1") == 200
    assert status("192.0.2.7") == status("") == 404
    assert status(**{"X-Forwarded-For": "192.0.2.7"}) == 404
    assert status("192.0.2.7", Authorization="Bearer " + "t" * 32) == 200
    assert status("192.0.2.7", Authorization="Bearer " + "t" * 31) == 404
    assert status("192.0.2.7", Authorization="Bearer ") == 404


def test_the_figures_tell_of_requests_mails_and_guards_and_of_no_person(any_app):
    populate()
    browser(any_app, "bruno").get("/machines/laser")
    promise("bruno@atelier.example")
    for letter in "XYZ":
        browser(any_app, None).open("/", method=letter * 20)

    said = browser(any_app, None).get("/metrics").text

    assert 'fablab_requests_total{endpoint="home.machine",method="GET",status="200"} 1.0' in said
    assert "fablab_request_seconds_count" in said
    assert 'fablab_mails{state="waiting"} 1.0' in said
    assert 'fablab_mails{state="parked"} 0.0' in said
    assert "fablab_ready 1.0" in said
    assert "bruno" not in said.lower()
    assert 'method="other",status="405"} 3.0' in said
    assert {family.name for family in text_string_to_metric_families(said)} >= {"fablab_mails"}
