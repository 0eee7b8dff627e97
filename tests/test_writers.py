"""A database that is locked takes no more threads than it is given: reads go on."""

import sqlite3
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import make_url

from fablab import db as database
from fablab.db import Busy, db, writing


def test_writers_that_wait_are_few_and_the_next_is_told(app, fablab, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", timedelta(seconds=0.2))
    path = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).database
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    refused = []

    def write() -> None:
        with app.app_context():
            try:
                with writing():
                    pass
            except Exception as error:  # noqa: BLE001
                refused.append(type(error))

    waiting = [Thread(target=write) for _ in range(database.WRITERS)]
    for thread in waiting:
        thread.start()
    while database._writers._value:
        pass

    with pytest.raises(Busy), writing():
        pass
    assert db.session.execute(db.text("SELECT count(*) FROM member")).scalar() == 3

    lock.execute("ROLLBACK")
    for thread in waiting:
        thread.join()
    assert refused == []
    lock.close()
