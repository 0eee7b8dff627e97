"""Delivering a mail: to an SMTP server, or as a file in instance/outbox/."""

import os
import re
import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from flask import Flask

TIMEOUT = 20.0  # seconds, for each exchange with the mail server

Deliver = Callable[[EmailMessage], None]


def message(mail: Any, sender: str) -> EmailMessage:
    """A row of the outbox as a message; the same row gives the same Message-ID every time.

    Auto-Submitted keeps out-of-office replies from answering (RFC 3834 §5).
    """
    letter = EmailMessage(policy=SMTP)
    letter["From"] = sender
    letter["To"] = mail.recipient
    letter["Subject"] = mail.subject
    letter["Date"] = format_datetime(mail.created_at)
    letter["Message-ID"] = mail.message_id
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(mail.text)
    if mail.html:
        letter.add_alternative(mail.html, subtype="html")
    return letter


def deliverer(app: Flask) -> Deliver:
    """How this installation delivers: by FABLAB_MAIL_URL, or into its outbox folder."""
    url = urlsplit(app.config["MAIL_URL"])
    if url.scheme:
        return lambda letter: send(letter, url)
    folder = Path(app.instance_path) / "outbox"
    return lambda letter: write_file(letter, folder)


def write_file(letter: EmailMessage, folder: Path) -> None:
    """One `.eml` per Message-ID, whole or not at all; writing it again changes nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w-]", "", letter["Message-ID"].split("@")[0])
    day: datetime = letter["Date"].datetime
    path = folder / f"{day:%Y%m%d-%H%M%S}-{name}.eml"
    half = path.with_suffix(".part")
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(letter.as_bytes())
    half.replace(path)


def send(letter: EmailMessage, url: SplitResult) -> None:
    """Over SMTP, with STARTTLS when offered (`?starttls=required` insists), or smtps://.

    Raises OSError or smtplib.SMTPException.
    """
    host = url.hostname or "localhost"
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, url.port or 465, timeout=TIMEOUT, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, url.port or 587, timeout=TIMEOUT)
    with server:
        _secure(server, url)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(letter)


def _secure(server: smtplib.SMTP, url: SplitResult) -> None:
    if url.scheme == "smtps":
        return
    must = parse_qs(url.query).get("starttls") == ["required"]
    server.ehlo()
    if must or server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
        server.ehlo()
