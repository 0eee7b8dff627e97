"""Everybody asks for one slot in the same second, through HTTP: one is told yes, whatever the load.

A check that cannot fail proves nothing, so the same one is run again without the guard. The
rules alone would still give one winner then, because they are asked in line; so in both of
the last tests they are blind to what is taken, as if everybody had looked at the same instant.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from http.client import HTTPConnection
from threading import Barrier, Thread
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.serving import make_server

from fablab import clock
from fablab.booking import commands
from fablab.db import db, writing
from fablab.machines import guards
from fablab.machines.models import Occupancy, Policy
from fablab.members.models import Member, Membership
from tests.booking.conftest import Form, change
from tests.conftest import Fablab, browser, populate

CLIENTS, ROUNDS = 12, 4
PATIENCE = 30.0  # seconds


@dataclass
class Crowd:
    """Signed-in members at the door of a real server, each with the form already filled in."""

    port: int
    members: list[tuple[str, dict[str, str]]]  # their cookie, their form

    def ask(self, hours: list[dict[str, str]]) -> Counter[int]:
        """Each member sends their form for hours of theirs, all at once: the statuses answered."""
        barrier, answers = Barrier(len(hours)), Counter[int]()

        def send(member: tuple[str, dict[str, str]], wanted: dict[str, str]) -> None:
            cookie, form = member
            connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            connection.connect()
            headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
            barrier.wait(PATIENCE)
            connection.request("POST", "/bookings/", urlencode(form | wanted), headers)
            answers[connection.getresponse().status] += 1
            connection.close()

        pairs = zip(self.members[: len(hours)], hours, strict=True)
        threads = [Thread(target=send, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        return answers


@pytest.fixture
def crowd(any_app: Flask) -> Iterator[Crowd]:
    fablab = populate()
    server = make_server("127.0.0.1", 0, any_app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Crowd(server.server_port, [signed_in(any_app, who) for who in newcomers(fablab)])
    server.shutdown()
    thread.join(PATIENCE)
    server.server_close()


def newcomers(fablab: Fablab) -> list[str]:
    names = [f"visitor{n}" for n in range(CLIENTS)]
    with writing() as session:
        for name in names:
            member = Member(
                uid=f"uid-{name}",
                email=f"{name}@atelier.example",
                first_name=name,
                last_name="Navette",
                confirmed_at=clock.now(),
                created_at=clock.now(),
            )
            member.memberships.append(Membership(place_id=fablab.place_id))
            session.add(member)
    return names


def signed_in(app: Flask, who: str) -> tuple[str, dict[str, str]]:
    client = browser(app, who)
    form = Form(client.get("/bookings/new?machine=bench&day=2027-03-30").text)
    cookie = client.get_cookie("session")
    assert cookie
    return f"session={cookie.value}", form.values


def broken_promises(crowd: Crowd) -> list[str]:
    """What went wrong in a few rounds, each for the hour after; nothing when all went right.

    Exactly one 303 in a round, 409 for everybody else, and no two that overlap in the end.
    """
    wrong: list[str] = []
    for n in range(ROUNDS):
        answers = crowd.ask([hour(10 + n)] * CLIENTS)
        if answers != {303: 1, 409: CLIENTS - 1}:
            wrong.append(f"round {n}: {dict(answers)}")
    if overlaps():
        wrong.append(f"{overlaps()} overlaps")
    return wrong


def hour(start: int) -> dict[str, str]:
    return {"start": f"{start}:00", "end": f"{start + 1}:00"}


def overlaps() -> int:
    """Pairs of standing occupancies that overlap on one machine, counted by the database."""
    db.session.rollback()
    one, other = Occupancy.__table__.alias(), Occupancy.__table__.alias()
    asked = select(func.count()).where(
        one.c.machine_id == other.c.machine_id,
        one.c.id < other.c.id,
        one.c.standing,
        other.c.standing,
        one.c.occupied_from < other.c.occupied_until,
        other.c.occupied_from < one.c.occupied_until,
    )
    return db.session.scalar(asked) or 0


def bookings() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Occupancy)) or 0


@pytest.fixture
def all_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules see nothing that is taken: only the guard is left."""
    gather: Callable[..., Any] = commands.gather
    monkeypatch.setattr(
        commands, "gather", lambda *args, **more: replace(gather(*args, **more), taken=())
    )


@pytest.fixture
def no_guard(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken out of the database; and nobody asks whether it is there."""
    db.session.rollback()
    with db.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            for name in guards.TRIGGERS:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql(f"ALTER TABLE occupancy DROP CONSTRAINT {guards.NO_OVERLAP}")
    monkeypatch.setattr(guards, "require", lambda connection: None)


def test_of_all_who_ask_for_one_slot_exactly_one_gets_it(crowd):
    assert broken_promises(crowd) == []
    assert bookings() == ROUNDS


def test_the_guard_alone_keeps_the_promise(crowd, all_looked_at_once):
    assert broken_promises(crowd) == []
    assert bookings() == ROUNDS


def test_without_the_guard_the_same_check_fails(crowd, all_looked_at_once, no_guard):
    *rounds, sum_of_them = broken_promises(crowd)

    assert len(rounds) == ROUNDS
    assert bookings() > ROUNDS
    assert sum_of_them.endswith("overlaps")


def test_those_who_ask_for_neighbouring_slots_all_get_theirs(crowd):
    answers = crowd.ask([hour(start) for start in range(10, 18)])

    assert answers == {303: 8}
    assert overlaps() == 0


def test_with_set_up_and_clean_up_neighbours_are_no_longer_free(crowd):
    """15 minutes kept on both sides: of nine who ask for slots a quarter apart, no two meet."""
    change(Policy, setup=timedelta(minutes=15), cleanup=timedelta(minutes=15))
    quarters = [10 * 60 + 15 * n for n in range(9)]
    hours = [{"start": clock_face(start), "end": clock_face(start + 60)} for start in quarters]

    answers = crowd.ask(hours)

    assert set(answers) == {303, 409}
    assert 1 <= answers[303] <= 2
    assert overlaps() == 0


def clock_face(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"
