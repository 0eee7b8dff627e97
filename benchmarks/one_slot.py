"""Fifty signed-in members ask for one slot in the same instant, twenty times, on both engines.

    python -m benchmarks.one_slot                 50 members, 20 rounds; about a minute
    python -m benchmarks.one_slot 20 5            other numbers

Through `fablab serve` on the loopback, as it runs by default. The promise: exactly one 303 a
round, 409 for everybody else, and no two bookings of one machine that overlap in the database.
Exit status 1 when it is broken. Latencies are those of all who asked, the last in line too.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from fablab import create_app
from tests.booking.crowd import Answer, Crowd, bookings, overlaps, statuses
from tests.conftest import populate
from tests.server import Server, free_slots
from tests.support import Databases, close

MEMBERS, ROUNDS = 50, 20


def main() -> int:
    members, rounds = (int(word) for word in sys.argv[1:3] or (MEMBERS, ROUNDS))
    is_kept = True
    with tempfile.TemporaryDirectory() as name:
        databases = Databases(Path(name))
        try:
            for engine in ("sqlite", "postgresql"):
                url, folder = databases.url(engine), Path(name) / engine
                is_kept &= ask_again_and_again(engine, url, folder, members, rounds)
        finally:
            databases.stop()
    return 0 if is_kept else 1


def ask_again_and_again(engine: str, url: str, folder: Path, members: int, rounds: int) -> bool:
    """Whether the promise was kept in every round and in the end."""
    app = create_app({"DATABASE_URL": url, "INSTANCE_PATH": str(folder)})
    with app.app_context():
        crowd = Crowd.gather(app, populate(), members, port=0)
        slots = free_slots("bench")[:rounds]
    close(app)
    print(f"{engine:10} round    303    409  other   p50 ms   p95 ms   max ms")
    everybody: list[Answer] = []
    is_kept = True
    with Server(folder, url) as server:
        crowd.port = server.port
        for number, slot in enumerate(slots, 1):
            answers = crowd.ask(slot)
            everybody += answers
            is_kept &= told(f"{'':10} {number:5}", answers, members)
    told(f"{'':10}   all", everybody, members)
    with app.app_context():
        doubled, made = overlaps(), bookings()
    close(app)
    print(f"{'':10} {made} bookings for {rounds} slots, {doubled} overlaps")
    return is_kept and doubled == 0 and made == rounds


def told(head: str, answers: list[Answer], members: int) -> bool:
    """Print one line; whether the round went as promised."""
    count = statuses(answers)
    others = len(answers) - count[303] - count[409]
    took = sorted(answer.seconds * 1000 for answer in answers)
    middle, late = statistics.median(took), took[int(len(took) * 0.95)]
    figures = f"{count[303]:6} {count[409]:6} {others:6} {middle:8.0f} {late:8.0f} {took[-1]:8.0f}"
    print(f"{head} {figures}", flush=True)
    return count == {303: 1, 409: members - 1}


if __name__ == "__main__":
    raise SystemExit(main())
