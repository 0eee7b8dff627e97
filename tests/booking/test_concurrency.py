"""Everybody asks for one slot in the same second, through HTTP: one is told yes, whatever the load.

A check that cannot fail proves nothing, so the same one is run again without the guard. The
rules alone would still give one winner then, because they are asked in line; so in both of
the last proofs they are blind to what is taken, as if everybody had looked at the same instant.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from fablab.booking import ledger
from fablab.db import db
from fablab.machines import guards
from fablab.machines.models import Policy
from fablab.slots import Slot
from tests.booking.conftest import change
from tests.booking.crowd import PATIENCE, Crowd, bookings, overlaps, statuses
from tests.conftest import populate
from tests.support import slot

CLIENTS, ROUNDS = 12, 4
HOUR = timedelta(hours=1)
TEN = slot("2027-03-30 10:00-11:00")


def later(by: timedelta) -> Slot:
    return Slot(TEN.start + by, TEN.end + by)


@pytest.fixture
def crowd(any_app: Flask) -> Iterator[Crowd]:
    """Twelve members, and the application behind a real server with a thread for each."""
    fablab = populate()
    server = make_server("127.0.0.1", 0, any_app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Crowd.gather(any_app, fablab, CLIENTS, server.server_port)
    server.shutdown()
    thread.join(PATIENCE)
    server.server_close()


def broken_promises(crowd: Crowd) -> list[str]:
    """What went wrong in a few rounds, each for the hour after; nothing when all went right.

    Exactly one 303 in a round, 409 for everybody else, and no two that overlap in the end.
    """
    wrong: list[str] = []
    for n in range(ROUNDS):
        answers = statuses(crowd.ask(later(n * HOUR)))
        if answers != {303: 1, 409: CLIENTS - 1}:
            wrong.append(f"round {n}: {dict(answers)}")
    if overlaps():
        wrong.append(f"{overlaps()} overlaps")
    return wrong


@pytest.fixture
def all_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules see nothing that is taken: only the guard is left."""
    gather: Callable[..., Any] = ledger.gather
    monkeypatch.setattr(
        ledger, "gather", lambda *args, **more: replace(gather(*args, **more), taken=())
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
            for name, (table, _) in guards.EXCLUSIONS.items():
                connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    monkeypatch.setattr(guards, "require", lambda away: None)


def test_of_all_who_ask_for_one_slot_exactly_one_gets_it(crowd):
    assert broken_promises(crowd) == []
    assert bookings() == ROUNDS


def test_the_guard_alone_keeps_the_promise(crowd, all_looked_at_once):
    assert broken_promises(crowd) == []
    assert bookings() == ROUNDS


def test_without_the_guard_the_same_check_fails(crowd, all_looked_at_once, no_guard):
    *rounds, in_the_end = broken_promises(crowd)

    assert len(rounds) == ROUNDS
    assert bookings() > ROUNDS
    assert in_the_end.endswith("overlaps")


def test_those_who_ask_for_neighbouring_slots_all_get_theirs(crowd):
    answers = crowd.ask(*(later(n * HOUR) for n in range(8)))

    assert statuses(answers) == {303: 8}
    assert overlaps() == 0


def test_with_set_up_and_clean_up_neighbours_are_no_longer_free(crowd):
    """Fifteen minutes on either side: of nine who ask for slots a quarter apart, two at most."""
    change(Policy, setup=HOUR / 4, cleanup=HOUR / 4)

    answers = statuses(crowd.ask(*(later(n * HOUR / 4) for n in range(9))))

    assert set(answers) == {303, 409}
    assert answers[303] in (1, 2)
    assert overlaps() == 0
