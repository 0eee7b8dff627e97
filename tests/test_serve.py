"""The service in a process of its own: what it promises is kept, however it ends."""

import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url, select

from fablab import clock, create_app, demo
from fablab.db import db, writing
from fablab.machines import guards
from fablab.machines.inventory import of_place
from fablab.machines.models import Occupancy
from fablab.mail import outbox
from fablab.serve import InUse, in_use
from tests.conftest import populate
from tests.server import (
    PATIENCE,
    Server,
    Stream,
    Visitor,
    fablab_command,
    free_port,
    free_slots,
    queue_of,
)
from tests.support import Databases, close

pytestmark = pytest.mark.real_clock


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, databases: Databases) -> str:
    return databases.url(request.param)


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.url("sqlite")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "instance"


def prepared(url: str, folder: Path) -> Flask:
    """The application of an instance, its place and people in the database."""
    app = create_app({"DATABASE_URL": url, "INSTANCE_PATH": str(folder)})
    with app.app_context():
        populate()
    close(app)
    return app


def until(is_true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def standing(app: Flask) -> set[str]:
    with app.app_context():
        found = set(db.session.scalars(select(Occupancy.uid).where(Occupancy.standing)))
    close(app)
    return found


def test_every_acknowledged_booking_survives_kill_9(any_url, folder):
    app = prepared(any_url, folder)
    with app.app_context():
        visitor, zone = Visitor.sign_in(app, "chloe"), of_place().schedule.zone
        orders = queue_of(visitor.order("bench", slot, zone) for slot in free_slots("bench"))
    close(app)
    acknowledged = []

    for _ in range(2):
        with Server(folder, any_url) as server:
            stream = Stream(server, visitor, orders).start()
            stream.wait_for(15)
            server.stop(signal.SIGKILL)
            stream.join()
        acknowledged += stream.acknowledged
        assert stream.others == []

    assert len(acknowledged) >= 30
    assert set(acknowledged) <= standing(app)
    with Server(folder, any_url) as server:
        assert server.ask("GET", "/readyz").status == 200


def test_a_request_under_way_is_answered_before_the_end(url, folder):
    app = prepared(url, folder)
    with app.app_context():
        visitor, zone = Visitor.sign_in(app, "chloe"), of_place().schedule.zone
        orders = queue_of([visitor.order("bench", free_slots("bench")[0], zone)])
    other = sqlite3.connect(make_url(url).database, isolation_level=None)

    with Server(folder, url) as server:
        other.execute("BEGIN IMMEDIATE")  # the booking waits for its turn to write
        stream = Stream(server, visitor, orders).start(1)
        until(lambda: stream.sent)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: is_refused(server.port))
        other.execute("COMMIT")
        status = server.process.wait(PATIENCE)
        stream.join()

    assert status == 0
    assert len(stream.acknowledged) == 1
    assert set(stream.acknowledged) <= standing(app)


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told_to_and_leaves_one_whole_file(how, url, folder):
    prepared(url, folder)

    with Server(folder, url) as server:
        server.ask("GET", "/planning/")
        held = socket.create_connection(("127.0.0.1", server.port))
        held.sendall(b"GET /planning/ HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        status = server.stop(how)

    assert status == 0
    assert not Path(f"{make_url(url).database}-wal").exists()


def test_it_says_where_it_serves(url, folder):
    prepared(url, folder)

    with Server(folder, url) as server:
        server.stop(signal.SIGTERM)

        said = server.process.communicate()[0]

    assert said == f"Serving on http://127.0.0.1:{server.port}\n"


def test_a_first_look_sets_everything_up_and_keeps_the_data(folder):
    told = []
    for _ in range(2):
        with Server(folder, "", "--demo") as server:
            assert server.ask("GET", "/machines/m01").status == 200
            server.stop(signal.SIGTERM)
            told.append(server.process.communicate()[0])
        uids = rows(folder / "fablab.sqlite", "SELECT uid FROM occupancy")
        told.append(uids)

    first, first_uids, second, second_uids = told
    assert "camille.aubrelle@usines.example" in first
    assert demo.PASSWORD in first
    assert second.replace(str(server.port), "") == re.sub(r"(?<=:)\d+$", "", first, flags=re.M)
    assert first_uids
    assert second_uids == first_uids


def test_a_first_look_leaves_real_data_alone(url, folder):
    prepared(url, folder)

    with Server(folder, url, "--demo") as server:
        server.stop(signal.SIGTERM)
        said = server.process.communicate()[0]

    assert "the demonstration is left out" in said
    assert demo.PASSWORD not in said


def rows(path: Path, query: str) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_visitors_who_dawdle_keep_nobody_waiting(url, folder):
    prepared(url, folder)

    with Server(folder, url, THREADS=2) as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
        for each in held:
            each.sendall(b"POST /bookings/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n")
        answer = server.ask("GET", "/planning/")

    assert answer.status == 200


def test_it_does_not_say_what_it_is_made_of(url, folder):
    prepared(url, folder)

    with Server(folder, url) as server:
        assert server.ask("GET", "/planning/").headers["Server"] is None


def test_heads_and_bodies_have_their_limits(url, folder):
    prepared(url, folder)

    with Server(folder, url, MAX_CONTENT_LENGTH=64 * 1024) as server:
        head = server.ask("GET", "/planning/", **{"X-Long": "x" * 40_000})
        body = server.ask("POST", "/language", b"x" * 100_000)
        next_one = server.ask("GET", "/planning/")

    assert head.status == 431
    assert body.status == 413
    assert "</html>" in body.text  # our own page
    assert next_one.status == 200


def test_a_body_too_large_for_any_form_is_told_by_our_page_in_the_reader_s_words(url, folder):
    prepared(url, folder)
    spoken = {"Cookie": "language=en"}

    with Server(folder, url, MAX_CONTENT_LENGTH=64 * 1024) as server:
        exact = server.ask("POST", "/language", b"x" * (2 * 64 * 1024))
        huge = server.ask("POST", "/language", b"x" * 30_000_000, **spoken)
        chunked = server.ask("POST", "/language", iter([b"x" * 100_000] * 3))

    assert exact.status == huge.status == chunked.status == 413
    assert "</html>" in exact.text
    assert 'lang="en"' in huge.text


def test_a_header_of_a_proxy_is_believed_only_when_it_was_announced(url, folder):
    prepared(url, folder)
    told = {"X-Forwarded-Host": "booking.example", "X-Forwarded-Proto": "https"}

    with Server(folder, url) as server:
        alone = server.ask("GET", "/machines", **told)
    with Server(folder, url, PROXY_HOPS=1, BASE_URL="https://booking.example") as server:
        behind = server.ask("GET", "/machines", **told)

    assert alone.headers["Location"] == f"http://127.0.0.1:{server.port}/machines/" or (
        alone.headers["Location"].endswith("/machines/")
        and "booking.example" not in alone.headers["Location"]
    )
    assert behind.headers["Location"] == "https://booking.example/machines/"


def test_mails_leave_while_it_serves(url, folder):
    promise_a_mail(url, folder)

    with Server(folder, url):
        until(lambda: list(folder.glob("outbox/*.eml")))


def test_mails_wait_for_fablab_jobs_when_told_so(url, folder):
    promise_a_mail(url, folder)

    with Server(folder, url, "--no-jobs") as server:
        server.ask("GET", "/planning/")
        server.stop(signal.SIGTERM)
    assert list(folder.glob("outbox/*.eml")) == []

    with subprocess.Popen(**fablab_command("jobs", folder=folder, url=url)) as jobs:
        until(lambda: list(folder.glob("outbox/*.eml")))
        jobs.send_signal(signal.SIGTERM)
        assert jobs.wait(PATIENCE) == 0


def promise_a_mail(url: str, folder: Path) -> None:
    app = prepared(url, folder)
    with app.app_context(), writing() as session:
        outbox.post(
            session,
            kind="test",
            recipient="bruno@atelier.example",
            subject="Hello",
            text="Hello.",
            now=clock.now(),
        )


def refusal_of(folder: Path, url: str, **settings: object) -> str:
    """What `fablab serve` says on stderr when it does not start."""
    done = subprocess.run(
        **fablab_command("serve", folder=folder, url=url, **settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def test_an_unreadable_setting_stops_the_start_with_one_line(url, folder):
    assert refusal_of(folder, url, PORT="eighty") == (
        "fablab: PORT: should be a whole number from 1 to 65535 (in the environment)\n"
    )


def test_a_database_that_was_never_migrated_stops_the_start(tmp_path, folder):
    said = refusal_of(folder, f"sqlite:///{tmp_path / 'empty.sqlite'}")

    assert said.endswith(": run `fablab db upgrade`\n")
    assert said.count("\n") == 1


def test_a_missing_guard_stops_the_start(url, folder):
    with sqlite3.connect(make_url(url).database) as connection:
        connection.execute(f"DROP TRIGGER {guards.NO_OVERLAP}_update")

    assert refusal_of(folder, url) == (
        "fablab: the guard occupancy_no_overlap_update is missing: run `fablab db upgrade`\n"
    )


def test_a_database_that_is_away_stops_the_start(folder):
    said = refusal_of(folder, f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")

    assert said.startswith("fablab: the database cannot be reached")
    assert said.count("\n") == 1


def test_a_port_that_is_taken_stops_the_start(url, folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        said = refusal_of(folder, url, PORT=port)

    assert "already in use" in said
    assert str(port) in said
    assert said.count("\n") == 1


def test_data_in_use_cannot_be_had_alone(tmp_path):
    with in_use(tmp_path), in_use(tmp_path), pytest.raises(InUse), in_use(tmp_path, alone=True):
        pass
    with in_use(tmp_path, alone=True), pytest.raises(InUse), in_use(tmp_path):
        pass
