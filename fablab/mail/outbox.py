"""Promising a mail: a row in the outbox, in the transaction of what it speaks of."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from flask import current_app
from flask_babel import force_locale
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from fablab.db import add_row
from fablab.mail.kinds import Reason
from fablab.mail.models import OutgoingMail

# Rings when this process has promised a mail, so that it leaves within a second.
something_to_send = Event()

# The row of a mail that was sent or dropped (without its text), or parked.
KEPT = timedelta(days=30)
PROMISED = "fablab_promised_mail"  # in a session's info: its transaction promises a mail
# What is not kept of a mail once it was sent or dropped: it may hold a link that acts for somebody.
BLANK = {"text": "", "html": "", "calendar": "", "unsubscribe": ""}
BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
EMPTY_LINES = re.compile(r"\n\s*\n\s*\n")


class Envelope(NamedTuple):
    """What a mail carries besides its words; see the columns of `OutgoingMail`."""

    topic: str = ""
    calendar: str = ""
    method: str = ""
    reply_to: str = ""
    unsubscribe: str = ""
    useless_at: datetime | None = None


PLAIN = Envelope()


def one_line(text: str) -> str:
    """A text fit for a mail header: no line break or other control character can start another."""
    return BREAKS.sub(" ", text).strip()


class Mail(NamedTuple):
    """A mail that is written and not promised yet."""

    kind: str
    recipient: str
    subject: str
    text: str
    html: str = ""
    envelope: Envelope = PLAIN


def new_message_id() -> str:
    return f"<{uuid4()}@{urlsplit(current_app.config['BASE_URL']).hostname}>"


def put(session: Session, mail: Mail, *, now: datetime) -> None:
    """Add a mail to the outbox; it leaves when the caller's transaction has committed."""
    add_row(
        session,
        OutgoingMail,
        message_id=new_message_id(),
        kind=mail.kind,
        recipient=one_line(mail.recipient),
        subject=one_line(mail.subject),
        text=mail.text,
        html=mail.html,
        created_at=now,
        due_at=now,
        tries=0,
        last_error="",
        **mail.envelope._asdict() | {"reply_to": one_line(mail.envelope.reply_to)},
    )
    ring(session)


def ring(session: Session) -> None:
    """Once this is committed, have the background work see at once what there is to mail."""
    session.info[PROMISED] = True


def post(session: Session, *, now: datetime, **words: Any) -> None:
    """Add the mail of these `words` (see `Mail`) to the outbox."""
    put(session, Mail(**words), now=now)


@event.listens_for(Session, "after_commit")
def _ring(session: Session) -> None:
    """Only now is there something to see: whoever is rung earlier looks too early."""
    if session.info.pop(PROMISED, False):
        something_to_send.set()


@event.listens_for(Session, "after_rollback")
def _keep_quiet(session: Session) -> None:
    session.info.pop(PROMISED, None)


def post_page(session: Session, kind: str, *, now: datetime, **words: Any) -> None:
    """Add the mail of `templates/mails/<kind>` to the outbox: `page`, and then `put`."""
    put(session, page(kind, **words), now=now)


def page(
    kind: str,
    *,
    to: str,
    language: str,
    subject: Any,
    envelope: Envelope = PLAIN,
    contact: str = "",
    **values: Any,
) -> Mail:
    """The mail of `templates/mails/<kind>`, in the reader's language, text and HTML.

    `subject` is a lazy text, so that it speaks that language too. The templates know `values`
    alone and nothing of the request, if there is one: who asks is not who reads. An answer goes to
    `contact`, the place's own address, unless the envelope names somebody else.
    """
    envelope = envelope._replace(reply_to=envelope.reply_to or contact)
    template = current_app.jinja_env.get_template
    with force_locale(language):
        known = {
            "language": language,
            "base_url": current_app.config["BASE_URL"],
            "subject": one_line(str(subject)),
            "unsubscribe": envelope.unsubscribe,
            "contact": contact,
            **values,
        }
        text = EMPTY_LINES.sub("\n\n", template(f"mails/{kind}.txt").render(known)).strip()
        html = template(f"mails/{kind}.html").render(known)
        return Mail(kind, to, known["subject"], text + "\n", html, envelope)


def drop(session: Session, uid: str, recipient: str, *, now: datetime) -> Sequence[Any]:
    """What waits to be sent to them about this is overtaken by something newer, and is not sent;
    what it was. One that is on its way this very moment may still arrive.
    """
    table = OutgoingMail.__table__
    overtaken = (
        select(table.c.id, table.c.kind, table.c.topic, table.c.created_at)
        .where(
            table.c.recipient == one_line(recipient),
            table.c.topic.contains(uid, autoescape=True),
            table.c.sent_at.is_(None),
            table.c.dropped_at.is_(None),
        )
        .with_for_update()
    )
    found = session.execute(overtaken).all()
    if found:
        session.execute(
            update(table)
            .where(table.c.id.in_([mail.id for mail in found]))
            .values(dropped_at=now, reason=Reason.OVERTAKEN, **BLANK)
        )
    return found


def address(path: str) -> str:
    """A full address for a mail: of the configured base, never of the request's host."""
    return current_app.config["BASE_URL"] + path
