"""The background work: mails that are due, bookings that nobody answered in time, places that came
free for whoever waits, and the housekeeping of every hour.

A loop over the outbox in the application's own database rather than a job queue: the outbox is
the truth either way, and a second store would only have to be kept in step with it.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

from flask import Flask
from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.exc import DBAPIError

from fablab import clock
from fablab.booking import answers, consent_letters, wait_letters, waits
from fablab.db import Busy, db, writing
from fablab.mail import delivery, outbox
from fablab.mail.models import OutgoingMail
from fablab.members import commands as members
from fablab.members import marks
from fablab.trainings import expiries, sessions

log = logging.getLogger(__name__)

# How long after each failed try the next one comes; after the last the mail is parked.
DELAYS = [timedelta(minutes=n) for n in (1, 5, 15, 60, 120, 240, 480, 720, 1440)]
LEASE = timedelta(minutes=5)  # how long a mail being sent is out of other runners' reach
KEPT = timedelta(days=30)  # the row of a mail that was sent (without its text) or parked
HOUSEKEEPING = timedelta(hours=1)


def deliver_due(app: Flask, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Deliver every mail that is due; how many left. At least once, each under one Message-ID.

    Ends early when told to, and when the mail server takes nothing.
    """
    deliver, sent = delivery.deliverer(app), 0
    while not is_stopping() and (mail := claim(clock.now())):
        try:
            deliver(mail)
        except Exception as error:  # noqa: BLE001  (whatever went wrong, the next try may work)
            put_off(mail, error, clock.now())
            if delivery.is_of_the_server(error):
                break
        else:
            settle(mail.id, sent_at=clock.now(), last_error="", **outbox.BLANK)
            sent += 1
    return sent


def due(now: datetime) -> Select[Any]:
    """The mail to send next. One put off for longer than we ever do was dated by a wrong clock."""
    table = OutgoingMail.__table__
    return (
        select(table)
        .where(
            table.c.sent_at.is_(None),
            table.c.parked_at.is_(None),
            table.c.dropped_at.is_(None),
            or_(table.c.due_at <= now, table.c.due_at > now + DELAYS[-1] + LEASE),
        )
        .order_by(table.c.due_at, table.c.id)
        .limit(1)
    )


def claim(now: datetime) -> Any:
    """The next mail that is due, out of other runners' reach for five minutes; None without one."""
    if db.session.execute(due(now)).first() is None:
        db.session.rollback()
        return None  # found by reading: nobody's write has to wait for a look
    table = OutgoingMail.__table__
    with writing() as session:
        mail = session.execute(due(now).with_for_update(skip_locked=True)).first()
        if mail:
            session.execute(
                update(table)
                .where(table.c.id == mail.id)
                .values(due_at=now + LEASE, tries=mail.tries + 1)
            )
        return mail


def put_off(mail: Any, error: Exception, now: datetime) -> None:
    """Try again later, each time a longer while; park it after the last try, or when there is
    no such mailbox.
    """
    tries = mail.tries + 1
    log.warning("mail %s not delivered (try %s): %s", mail.kind, tries, type(error).__name__)
    said = f"{type(error).__name__}: {error}"[:500]
    if tries > len(DELAYS) or delivery.is_final(error):
        settle(mail.id, parked_at=now, last_error=said)
    else:
        settle(mail.id, due_at=now + DELAYS[tries - 1], last_error=said)


def settle(mail_id: int, **values: Any) -> None:
    table = OutgoingMail.__table__
    with writing() as session:
        session.execute(update(table).where(table.c.id == mail_id).values(**values))


def tidy(now: datetime) -> None:
    """What is kept no longer than promised: old mails, links, tries, unproven accounts, marks,
    waits that are over.
    """
    table = OutgoingMail.__table__
    with writing() as session:
        session.execute(
            delete(table).where(or_(table.c.sent_at < now - KEPT, table.c.parked_at < now - KEPT))
        )
        members.tidy(session, now)
        marks.tidy(session, now)
        waits.tidy(session, now)


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
            if not self._stop.is_set():  # its ring may be the one that was just cleared
                outbox.something_to_send.wait(self.every)

    def once(self) -> None:
        """One round; whatever goes wrong is written down and the next round comes."""
        try:
            with self.app.app_context():
                deliver_due(self.app, self._stop.is_set)
                sessions.decide(clock.now())
                answers.lapse(clock.now())
                waits.look(clock.now())
                consent_letters.send_questions(clock.now())  # they leave in the next round, at once
                wait_letters.send_offers(clock.now())
                self._tidy_now_and_then(clock.now())
        except (DBAPIError, Busy) as error:
            log.warning("background work put off: %s", error)
        except Exception:
            log.exception("background work failed")

    def _tidy_now_and_then(self, now: datetime) -> None:
        if self._tidied is None or abs(now - self._tidied) >= HOUSEKEEPING:
            tidy(now)
            expiries.warn(now)
            waits.sweep(now)
            self._tidied = now
