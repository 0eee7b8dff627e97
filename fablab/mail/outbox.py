"""Promising a mail: a row in the outbox, in the transaction of what it speaks of."""

import re
from datetime import datetime
from threading import Event
from typing import Any
from uuid import uuid4

from flask import current_app, render_template
from flask_babel import force_locale
from sqlalchemy.orm import Session

from fablab.db import add_row
from fablab.mail.models import OutgoingMail

# Rings when this process has promised a mail, so that it leaves within a second.
something_to_send = Event()

BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """A text fit for a mail header: no line break or other control character can start another."""
    return BREAKS.sub(" ", text).strip()


def post(
    session: Session,
    *,
    kind: str,
    recipient: str,
    subject: str,
    text: str,
    now: datetime,
    html: str = "",
) -> None:
    """Add a mail to the outbox; it leaves when the caller's transaction has committed."""
    add_row(
        session,
        OutgoingMail,
        message_id=f"<{uuid4()}@fablab>",
        kind=kind,
        recipient=one_line(recipient),
        subject=one_line(subject),
        text=text,
        html=html,
        created_at=now,
        due_at=now,
        tries=0,
        last_error="",
    )
    something_to_send.set()


def post_page(
    session: Session,
    kind: str,
    *,
    to: str,
    language: str,
    subject: Any,
    now: datetime,
    **values: Any,
) -> None:
    """The mail of `templates/mails/<kind>`, in the reader's language, text and HTML.

    `subject` is a lazy text, so that it speaks that language too.
    """
    with force_locale(language):
        values |= {"language": language, "base_url": current_app.config["BASE_URL"]}
        post(
            session,
            kind=kind,
            recipient=to,
            subject=str(subject),
            text=render_template(f"mails/{kind}.txt", **values),
            html=render_template(f"mails/{kind}.html", subject=str(subject), **values),
            now=now,
        )


def address(path: str) -> str:
    """A full address for a mail: of the configured base, never of the request's host."""
    return current_app.config["BASE_URL"] + path
