"""Kill the server with -9 in the middle of a stream of bookings: is every promise kept?

    python -m benchmarks.power_cut              five times on each engine

A booking is promised once its 303 has reached the visitor.
"""

import signal
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url, select

from fablab import create_app
from fablab.db import db
from fablab.machines.inventory import of_place
from fablab.machines.models import Occupancy
from tests.conftest import populate
from tests.server import Server, Stream, Visitor, free_slots, queue_of
from tests.support import Databases, close

ROUNDS, PROMISES = 5, 40  # and how many bookings to wait for before each kill


def main() -> int:
    lost = 0
    with tempfile.TemporaryDirectory() as name:
        databases = Databases(Path(name))
        try:
            for engine in ("sqlite", "postgresql"):
                lost += stream_and_kill(engine, databases.url(engine), Path(name) / engine)
        finally:
            databases.stop()
    return 1 if lost else 0


def stream_and_kill(engine: str, url: str, folder: Path) -> int:
    """How many promised bookings are not there after all the kills."""
    app = create_app({"DATABASE_URL": url, "INSTANCE_PATH": str(folder)})
    with app.app_context():
        populate()
        visitor, zone = Visitor.sign_in(app, "chloe"), of_place().schedule.zone
        orders = queue_of(visitor.order("bench", slot, zone) for slot in free_slots("bench"))
    close(app)
    lost = 0
    for number in range(1, ROUNDS + 1):
        with Server(folder, url) as server:
            stream = Stream(server, visitor, orders).start()
            stream.wait_for(PROMISES)
            server.stop(signal.SIGKILL)
            stream.join()
        with app.app_context():
            there = set(db.session.scalars(select(Occupancy.uid).where(Occupancy.standing)))
        close(app)
        away = set(stream.acknowledged) - there
        lost += len(away)
        print(
            f"{engine:10} kill {number}: {len(stream.acknowledged)} promised, {len(away)} lost,"
            f" {len(stream.others)} answers that were no promise{state(url)}"
        )
    return lost


def state(url: str) -> str:
    """Of an SQLite file: whether it is whole."""
    if not url.startswith("sqlite"):
        return ""
    with closing(sqlite3.connect(make_url(url).database or "")) as connection:
        return f", integrity {connection.execute('PRAGMA integrity_check').fetchone()[0]}"


if __name__ == "__main__":
    raise SystemExit(main())
