"""The background work: mails that are due, bookings that nobody answered in time or came to, places
that came free for whoever waits, and the housekeeping of every hour.

A loop over the outbox in the application's own database rather than a job queue: the outbox is
the truth either way, and a second store would only have to be kept in step with it.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

from flask import Flask
from sqlalchemy import ColumnElement, Select, and_, delete, exists, or_, select, update
from sqlalchemy.exc import DBAPIError

from fablab import clock
from fablab.agendas import commands as agendas
from fablab.booking import answers, consent_letters, handovers, waits
from fablab.db import Busy, db, writing
from fablab.imports import drafts
from fablab.invitations import commands as invitations
from fablab.invitations import digest, reminders
from fablab.invitations import sessions as session_news
from fablab.mail import delivery, outbox
from fablab.mail.kinds import NO_SERVER, Reason
from fablab.mail.models import OutgoingMail
from fablab.members import commands as members
from fablab.members import endings, marks
from fablab.organizations import commands as organizations
from fablab.presence import releases
from fablab.sharing import warnings as insurances
from fablab.trainings import expiries, sessions
from fablab.upkeep import maintenance

log = logging.getLogger(__name__)

# How long after each failed try the next one comes; after the last the mail is parked.
DELAYS = [timedelta(minutes=n) for n in (1, 5, 15, 60, 120, 240, 480, 720, 1440)]
LEASE = timedelta(minutes=5)  # how long a mail being sent is out of other runners' reach
ROUND = 10.0  # seconds of delivering after which other work gets its turn
KNOCKING = timedelta(minutes=5)
HOUSEKEEPING = timedelta(hours=1)
WRITING = timedelta(minutes=1)  # between looks for reminders and morning mails that are due


def deliver_due(
    app: Flask,
    is_stopping: Callable[[], bool] = lambda: False,
    is_still_true: Callable[[Any, datetime], bool] = lambda _mail, _now: True,
) -> int:
    """Deliver the mails that are due, the oldest first; how many left. At least once, each under
    one Message-ID, and to one address in the order in which they were promised.

    Ends early when told to, when the mail server takes nothing, and when other work has waited
    long enough: then it rings for the next round.
    """
    if not is_any(is_due(OutgoingMail.__table__, clock.now())):
        return 0
    try:
        with delivery.connected(app) as deliver:
            take_up()
            return deliver_over(deliver, is_stopping, is_still_true)
    except delivery.NoServer as error:
        wait_for_the_server(error, clock.now())
        return 0


def deliver_over(
    deliver: delivery.Deliver,
    is_stopping: Callable[[], bool],
    is_still_true: Callable[[Any, datetime], bool],
) -> int:
    sent, until = 0, time.monotonic() + ROUND
    while mail := claim(clock.now()):
        try:
            why_not = reason_to_drop(mail, is_still_true, clock.now())
            if not why_not:
                deliver(mail)
        except Exception as error:  # noqa: BLE001  (whatever went wrong, the next try may work)
            put_off(mail, error, clock.now())
            if delivery.is_of_the_server(error):
                break
        else:
            if why_not:
                settle(mail.id, dropped_at=clock.now(), reason=why_not, **outbox.BLANK)
            else:
                settle(mail.id, sent_at=clock.now(), last_error="", **outbox.BLANK)
                sent += 1
        if is_stopping():
            break
        if time.monotonic() >= until:
            outbox.something_to_send.set()
            break
    return sent


def reason_to_drop(
    mail: Any, is_still_true: Callable[[Any, datetime], bool], now: datetime
) -> Reason | None:
    """Why it is not to be sent any more, if so: what was promised may be overtaken by now."""
    if mail.useless_at is not None and mail.useless_at <= now:
        return Reason.LATE
    if mail.topic and not is_still_true(mail, now):
        return Reason.UNTRUE
    return None


def is_waiting(table: Any) -> ColumnElement[bool]:
    return and_(*(at.is_(None) for at in ends_of(table)))


def ends_of(table: Any) -> tuple[ColumnElement[datetime], ...]:
    """When it was sent, parked or dropped."""
    return table.c.sent_at, table.c.parked_at, table.c.dropped_at


def is_due(table: Any, now: datetime) -> ColumnElement[bool]:
    """One put off for longer than we ever do was dated by a wrong clock."""
    is_dated_wrongly = table.c.due_at > now + DELAYS[-1] + LEASE
    return and_(is_waiting(table), or_(table.c.due_at <= now, is_dated_wrongly))


def is_any(such: ColumnElement[bool]) -> bool:
    """Asked by reading alone: nobody's write has to wait for a look."""
    found = db.session.execute(select(OutgoingMail.__table__.c.id).where(such).limit(1)).first()
    db.session.rollback()
    return found is not None


def due(now: datetime, *, in_turn: bool = True) -> Select[Any]:
    """The mail to send next. In its turn it is when no earlier one to the same address is being
    sent or waits for the server; one that was refused by itself holds up no other.
    """
    table, earlier = OutgoingMail.__table__, OutgoingMail.__table__.alias()
    is_held_up = exists().where(
        earlier.c.recipient == table.c.recipient,
        earlier.c.id < table.c.id,
        is_waiting(earlier),
        or_(
            waits_for_the_server(earlier),
            and_(earlier.c.reason == "", earlier.c.due_at <= now + LEASE),
        ),
    )
    asked = select(table).where(is_due(table, now))
    asked = asked.where(~is_held_up) if in_turn else asked
    return asked.order_by(table.c.due_at, table.c.id).limit(1)


def claim(now: datetime, *, in_turn: bool = True) -> Any:
    """The next mail that is due, out of other runners' reach for five minutes; None without one."""
    asked = due(now, in_turn=in_turn)
    if db.session.execute(asked).first() is None:
        db.session.rollback()
        return None
    table = OutgoingMail.__table__
    with writing() as session:
        mail = session.execute(asked.with_for_update(of=table, skip_locked=True)).first()
        if mail:
            session.execute(
                update(table)
                .where(table.c.id == mail.id)
                .values(due_at=now + LEASE, tries=mail.tries + 1, reason="")
            )
        return mail


def put_off(mail: Any, error: Exception, now: datetime) -> None:
    """Try again later, each time a longer while; park it after the last try, or when there is
    no such mailbox.
    """
    tries, why = mail.tries + 1, delivery.reason_of(error)
    log.warning("mail %s not delivered (try %s): %s", mail.kind, tries, why)
    said = {"reason": why, "last_error": delivery.in_words(error)}
    if tries > len(DELAYS) or delivery.is_final(error):
        settle(mail.id, parked_at=now, **said)
    else:
        settle(mail.id, due_at=now + DELAYS[tries - 1], **said)


def wait_for_the_server(error: delivery.NoServer, now: datetime) -> None:
    """One mail has had its try; all others wait a minute, so that a server that has just come up,
    or shuts out who fails too often, is not asked once for each of them.
    """
    if mail := claim(now, in_turn=False):
        put_off(mail, error, now)
    table = OutgoingMail.__table__
    with writing() as session:
        session.execute(
            update(table)
            .where(is_due(table, now))
            .values(
                due_at=now + DELAYS[0],
                reason=delivery.reason_of(error),
                last_error=delivery.in_words(error),
            )
        )


def knock(app: Flask) -> None:
    """Look whether a server that was away is back, when mails wait for it: sooner than it is
    their turn, and at no cost to them.
    """
    if not is_any(waits_for_the_server(OutgoingMail.__table__)):
        return
    with suppress(delivery.NoServer), delivery.connected(app):
        take_up()


def take_up() -> None:
    """The server listens: what waited for nothing else is due, in the order it was promised."""
    table = OutgoingMail.__table__
    waits = waits_for_the_server(table)
    if is_any(waits):
        with writing() as session:
            session.execute(update(table).where(waits).values(due_at=table.c.created_at, reason=""))


def waits_for_the_server(table: Any) -> ColumnElement[bool]:
    return and_(is_waiting(table), table.c.reason.in_(NO_SERVER))


def settle(mail_id: int, **values: Any) -> None:
    table = OutgoingMail.__table__
    with writing() as session:
        session.execute(update(table).where(table.c.id == mail_id).values(**values))


def tidy(now: datetime) -> None:
    """What is kept no longer than promised: mails that are old or of no use, links, tries,
    unproven accounts, marks, waits that are over, files that were sent and never applied.
    """
    table = OutgoingMail.__table__
    with writing() as session:
        session.execute(
            update(table)
            .where(is_waiting(table), table.c.useless_at <= now)
            .values(dropped_at=now, reason=Reason.LATE, **outbox.BLANK)
        )
        session.execute(
            delete(table).where(or_(*(at < now - outbox.KEPT for at in ends_of(table))))
        )
        members.tidy(session, now)
        marks.tidy(session, now)
        waits.tidy(session, now)
        handovers.tidy(session, now)
        agendas.tidy(session, now)
        drafts.tidy(session, now)
        organizations.tidy(session, now)


class Runner:
    """One thread that does the background work until it is told to stop."""

    def __init__(self, app: Flask, every: float = 5.0) -> None:
        self.app = app
        self.every = every  # seconds between looks, when nobody rings
        self._stop = Event()
        self._thread = Thread(target=self._run, name="jobs", daemon=True)
        self._began = clock.now()  # before, nobody may have been able to say that they are here
        self._wrote: datetime | None = None
        self._tidied: datetime | None = None
        self._knocked: datetime | None = None

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
        """One round, each part of it by itself: whatever goes wrong with one is written down, the
        others are done, and the next round comes.
        """
        self._do(
            self._knock_now_and_then,
            self._deliver,
            sessions.decide,
            answers.lapse,
            handovers.lapse,
            self._release,
            waits.look,
            # What is promised here leaves in the next round, at once.
            consent_letters.send_questions,
            invitations.tell,
            session_news.tell,
        )
        if not self._stop.is_set():
            self._write_now_and_then(clock.now())
            self._tidy_now_and_then(clock.now())

    def _do(self, *parts: Callable[[datetime], Any]) -> None:
        for part in parts:
            try:
                with self.app.app_context():
                    part(clock.now())
            except (DBAPIError, Busy) as error:
                log.warning("background work put off: %s", error)
            except Exception:
                log.exception("background work failed")

    def _release(self, now: datetime) -> None:
        releases.release(now, watched_since=self._began)

    def _deliver(self, _now: datetime) -> None:
        deliver_due(self.app, self._stop.is_set, invitations.is_still_true)

    def _knock_now_and_then(self, now: datetime) -> None:
        if self._knocked is None or abs(now - self._knocked) >= KNOCKING:
            self._knocked = now
            knock(self.app)

    def _write_now_and_then(self, now: datetime) -> None:
        """What is due at an hour of the day: a minute sooner or later is all one."""
        if self._wrote is None or abs(now - self._wrote) >= WRITING:
            self._wrote = now
            self._do(reminders.remind, digest.send)

    def _tidy_now_and_then(self, now: datetime) -> None:
        if self._tidied is None or abs(now - self._tidied) >= HOUSEKEEPING:
            self._tidied = now
            self._do(
                tidy, maintenance.plan, endings.warn, expiries.warn, insurances.warn, waits.sweep
            )
