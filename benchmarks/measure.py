"""How the benchmarks measure: CPU beside a bare Flask hello, statements, bytes on the wire."""

import gzip
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event

ROUNDS, REQUESTS = 7, 20


def spent(call: Callable[[], Any], requests: int) -> float:
    """Seconds of CPU of this process for one call, of several in a row."""
    start = time.process_time()
    for _ in range(requests):
        call()
    return (time.process_time() - start) / requests


def cost(call: Callable[[], Any], *, rounds: int = ROUNDS, requests: int = REQUESTS) -> float:
    """Seconds of CPU of one call of this process: the median of several rounds, after one call."""
    call()
    return statistics.median(spent(call, requests) for _ in range(rounds))


def ratio(
    call: Callable[[], Any], other: Callable[[], Any], *, rounds: int = 9, requests: int = REQUESTS
) -> float:
    """How many times the CPU of `other` one call takes.

    The median of rounds that measure both, one after the other: the cores of a shared machine are
    fast now and slow then, and a unit measured a minute ago is of another machine.
    """
    call(), other()
    return statistics.median(spent(call, requests) / spent(other, 100) for _ in range(rounds))


def hello() -> Callable[[], Any]:
    """A request to a view that does nothing, in a bare Flask: the unit of every ratio."""
    app = Flask("hello")
    app.add_url_rule("/", view_func=lambda: "hello")
    client = app.test_client()
    return lambda: client.get("/")


@contextmanager
def counting(engine: Engine) -> Iterator[list[str]]:
    """The statements sent meanwhile; transaction control is not counted."""
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def compressed(*bodies: bytes) -> float:
    """kB on the wire, each body compressed on its own."""
    return sum(len(gzip.compress(body, 6)) for body in bodies) / 1000
