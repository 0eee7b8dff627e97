"""The background work: mails that are due, and the housekeeping of every hour.

A loop over the outbox in the application's own database rather than a job queue: the outbox is
the truth either way, and a second store would only have to be kept in step with it.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from fablab import clock
from fablab.db import Busy, db, writing
from fablab.mail import delivery, outbox
from fablab.mail.models import OutgoingMail
from fablab.members import commands as members

log = logging.getLogger(__name__)

# How long after each failed try the next one comes; after the last the mail is parked.
DELAYS = [timedelta(minutes=n) for n in (1, 5, 15, 60, 120, 240, 480, 720, 1440)]
LEASE = timedelta(minutes=5)  # how long a mail being sent is out of other runners' reach
KEPT = timedelta(days=30)  # a sent mail's row, without its text
HOUSEKEEPING = timedelta(hours=1)


def deliver_due(app: Flask, now: Callable[[], datetime] = clock.now) -> int:
    """Deliver every mail that is due; how many left. At least once, each under one Message-ID."""
    deliver, sent = delivery.deliverer(app), 0
    while mail := claim(now()):
        try:
            deliver(delivery.message(mail, app.config["MAIL_FROM"]))
        except Exception as error:  # noqa: BLE001  (whatever went wrong, the next try may work)
            put_off(mail, error, now())
        else:
            settle(mail.id, sent_at=now(), text="", html="", last_error="")
            sent += 1
    return sent


def claim(now: datetime) -> Any:
    """The next mail that is due, out of other runners' reach for five minutes; None without one."""
    table = OutgoingMail.__table__
    with writing() as session:
        mail = session.execute(
            select(table)
            .where(table.c.sent_at.is_(None), table.c.parked_at.is_(None), table.c.due_at <= now)
            .order_by(table.c.due_at, table.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if mail:
            session.execute(
                update(table)
                .where(table.c.id == mail.id)
                .values(due_at=now + LEASE, tries=mail.tries + 1)
            )
        return mail


def put_off(mail: Any, error: Exception, now: datetime) -> None:
    """Try again later, each time a longer while; park it after the last try."""
    tries = mail.tries + 1
    log.warning("mail %s not delivered (try %s): %s", mail.kind, tries, type(error).__name__)
    said = f"{type(error).__name__}: {error}"[:500]
    if tries > len(DELAYS):
        settle(mail.id, parked_at=now, last_error=said)
    else:
        settle(mail.id, due_at=now + DELAYS[tries - 1], last_error=said)


def settle(mail_id: int, **values: Any) -> None:
    table = OutgoingMail.__table__
    with writing() as session:
        session.execute(update(table).where(table.c.id == mail_id).values(**values))


def tidy(now: datetime) -> None:
    """What is kept no longer than promised: sent mails, links, failures, unproven accounts."""
    table = OutgoingMail.__table__
    with writing() as session:
        session.execute(delete(table).where(table.c.sent_at < now - KEPT))
        members.tidy(session, now)


class Runner:
    """One thread that does the background work until it is told to stop."""

    def __init__(self, app: Flask, every: float = 5.0) -> None:
        self.app = app
        self.every = every  # seconds between looks, when nobody rings
        self._stop = Event()
        self._thread = Thread(target=self._run, name="jobs", daemon=True)
        self._tidied: datetime | None = None

    def start(self) -> "Runner":
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the mail under way, then end; waits for that."""
        self._stop.set()
        outbox.something_to_send.set()
        self._thread.join(delivery.TIMEOUT * 2)

    def _run(self) -> None:
        while not self._stop.is_set():
            outbox.something_to_send.clear()
            self.once()
            outbox.something_to_send.wait(self.every)

    def once(self) -> None:
        """One round; whatever goes wrong is written down and the next round comes."""
        try:
            with self.app.app_context():
                deliver_due(self.app)
                now = clock.now()
                if self._tidied is None or now - self._tidied >= HOUSEKEEPING:
                    tidy(now)
                    self._tidied = now
        except (DBAPIError, Busy) as error:
            log.warning("background work put off: %s", error)
        except Exception:
            log.exception("background work failed")
        finally:
            with self.app.app_context():
                db.session.remove()
