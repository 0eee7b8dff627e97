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

# An enhanced status about the address: RFC 3463 §3.2.
NO_SUCH_MAILBOX = re.compile(rb"5\.1\.[1236]\b")

# Delivers a row of the outbox, or raises: OSError, of which SMTPException is one.
Deliver = Callable[[Any], None]


def message(mail: Any, sender: str, *, encoding: str | None = None) -> EmailMessage:
    """A row of the outbox as a message; the same row gives the same Message-ID every time.

    Auto-Submitted keeps out-of-office replies from answering (RFC 3834 §5); List-Unsubscribe is
    one click (RFC 8058). `encoding` is that
    of the text's lines on their way (RFC 2045 §6.1); by default what they ask for.
    """
    letter = EmailMessage(policy=SMTP)
    letter["From"] = sender
    letter["To"] = mail.recipient
    letter["Subject"] = mail.subject
    letter["Date"] = format_datetime(mail.created_at)
    letter["Message-ID"] = mail.message_id
    letter["Auto-Submitted"] = "auto-generated"
    if mail.reply_to:
        letter["Reply-To"] = mail.reply_to
    if mail.unsubscribe:
        letter["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter.set_content(mail.text, cte=encoding)
    if mail.html:
        letter.add_alternative(mail.html, subtype="html", cte=encoding)
    if mail.calendar:
        _enclose(letter, mail.calendar, mail.method)
    return letter


def _enclose(letter: EmailMessage, calendar: str, method: str) -> None:
    """With a method: the last of the alternatives, for calendars that answer to it, and the same
    bytes as a file for all others (RFC 6047 §2.4). Without one a file alone.

    In base64, since the lines of a calendar end in CRLF and are to arrive as they are.
    """
    content = calendar.encode()
    if method:
        letter.add_alternative(
            content,
            maintype="text",
            subtype="calendar",
            cte="base64",
            params={"charset": "UTF-8", "method": method},
        )
    letter.add_attachment(
        content,
        maintype="text",
        subtype="calendar",
        cte="base64",
        filename="invite.ics" if method else "calendar.ics",
        params={"charset": "UTF-8"} | ({"method": method} if method else {}),
    )


def deliverer(app: Flask) -> Deliver:
    """How this installation delivers: by FABLAB_MAIL_URL, or into its outbox folder."""
    url, sender = urlsplit(app.config["MAIL_URL"]), app.config["MAIL_FROM"]
    if url.scheme:
        return lambda mail: send(message(mail, sender), url)
    folder = Path(app.instance_path) / "outbox"
    # As it is: a link that "=" cuts in two cannot be copied out of the file.
    return lambda mail: write_file(message(mail, sender, encoding="8bit"), folder)


def write_file(letter: EmailMessage, folder: Path) -> None:
    """One `.eml` per Message-ID, whole or not at all; writing it again changes nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w-]", "", letter["Message-ID"].split("@")[0])
    day: datetime = letter["Date"].datetime
    path = folder / f"{day:%Y%m%d-%H%M%S}-{name}.eml"
    half = path.with_suffix(".part")
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(letter.as_bytes())
        file.flush()
        os.fsync(file.fileno())
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
        if url.scheme != "smtps":
            _secure(server, url)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(letter)


def _secure(server: smtplib.SMTP, url: SplitResult) -> None:
    """Never say a password in clear over a network: whoever takes the offer of STARTTLS out of
    the conversation would read it.
    """
    wanted = parse_qs(url.query).get("starttls") == ["required"]
    is_here = url.hostname in ("localhost", "127.0.0.1", "::1")
    server.ehlo()
    if wanted or server.has_extn("starttls") or (url.username and not is_here):
        server.starttls(context=ssl.create_default_context())
        server.ehlo()


def is_of_the_server(error: Exception) -> bool:
    """Away, or refusing us whatever we bring: the next mail would fare no better."""
    of_the_mail = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)
    return isinstance(error, OSError) and not isinstance(error, of_the_mail)


def is_final(error: Exception) -> bool:
    """The server says that there is no such mailbox: asking again would be rude (RFC 5321
    §4.2.1). Other refusals may be of the server's own making, and be put right.
    """
    if not isinstance(error, smtplib.SMTPRecipientsRefused):
        return False
    return all(
        500 <= code < 600 and NO_SUCH_MAILBOX.match(said)
        for code, said in error.recipients.values()
    )
