"""Delivering mails: to an SMTP server, or as files in instance/outbox/."""

import os
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from flask import Flask

from fablab.mail.kinds import Reason
from fablab.mail.outbox import one_line

TIMEOUT = 20.0  # seconds, for each exchange with the mail server

# An enhanced status about the address: RFC 3463 §3.2.
NO_SUCH_MAILBOX = re.compile(rb"5\.1\.[1236]\b")

FOLDED = 60  # letters of a word that is still folded where it ends
LONGEST_ADDRESS = 320  # letters: RFC 5321 §4.5.3.1
SERVICE_ENDS = 421  # RFC 5321 §3.8
TOO_LARGE = 552  # RFC 1870 §6: said to the sender's command, meant of the mail

# A raw header goes as it is: folded anew an address would become encoded words, which no program
# looks for an address in (RFC 2047 §5).
AS_WRITTEN = SMTP.clone(refold_source="none")

# Delivers a row of the outbox, or raises: OSError, of which SMTPException is one, or whatever
# went wrong in making a message of it.
Deliver = Callable[[Any], None]


class NoServer(OSError):
    """Nobody to hand any mail to; its cause says why."""


def message(mail: Any, sender: str, *, encoding: str | None = None) -> EmailMessage:
    """A row of the outbox as a message; the same row gives the same Message-ID every time.

    Auto-Submitted keeps out-of-office replies from answering (RFC 3834 §5); List-Unsubscribe is
    one click (RFC 8058). `encoding` is that of the text's lines on their way (RFC 2045 §6.1); by
    default what they ask for.
    """
    letter = EmailMessage(policy=AS_WRITTEN)
    letter["From"] = sender
    letter["To"] = mail.recipient
    letter.set_raw("Subject", subject_line(mail.subject))
    letter["Date"] = format_datetime(mail.created_at)
    letter["Message-ID"] = mail.message_id
    letter["Auto-Submitted"] = "auto-generated"
    with suppress(ValueError):  # whatever was noted as the address of a place
        letter["Reply-To"] = one_address(mail.reply_to)
    if mail.unsubscribe:
        letter.set_raw("List-Unsubscribe", f"<{mail.unsubscribe}>")
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter.set_content(mail.text, cte=encoding)
    if mail.html:
        letter.add_alternative(mail.html, subtype="html", cte=encoding)
    if mail.calendar:
        _enclose(letter, mail)
    return letter


def subject_line(subject: str) -> str:
    """A subject as it travels (RFC 2047), each of its lines whole.

    Left to itself the library loses a space where it folds between two encoded words, which every
    reader joins (§6.2).
    """
    subject = one_line(subject)
    longest = max(map(len, subject.split()), default=0)
    # What looks like an encoded word is somebody's text, and to be read as it stands.
    is_plain = subject.isascii() and longest < FOLDED and "=?" not in subject
    return Header(subject, None if is_plain else "utf-8", header_name="Subject").encode()


def _enclose(letter: EmailMessage, mail: Any) -> None:
    """With a method: the last of the alternatives, for calendars that answer to it, and the same
    bytes as a file for all others (RFC 6047 §2.4). Without one a file alone.

    In base64, since the lines of a calendar end in CRLF and are to arrive as they are. The file
    of an invitation is of another type: a second text/calendar with a method would be a second
    invitation to whoever acts on each.
    """
    content = mail.calendar.encode()
    if mail.method:
        letter.add_alternative(
            content,
            maintype="text",
            subtype="calendar",
            cte="base64",
            params={"charset": "UTF-8", "method": mail.method},
        )
        letter.add_attachment(
            content,
            maintype="application",
            subtype="ics",
            cte="base64",
            filename="invite.ics",
            params={"name": "invite.ics"},
        )
    else:
        letter.add_attachment(
            content,
            maintype="text",
            subtype="calendar",
            cte="base64",
            filename=f"{mail.created_at:%Y-%m-%d}.ics",
            params={"charset": "UTF-8"},
        )


@contextmanager
def connected(app: Flask) -> Iterator[Deliver]:
    """How this installation delivers one mail after another: in one conversation with the server
    of FABLAB_MAIL_URL, or into its outbox folder. Raises NoServer.
    """
    url, sender = urlsplit(app.config["MAIL_URL"]), app.config["MAIL_FROM"]
    if not url.scheme:
        yield partial(_to_folder, Path(app.instance_path) / "outbox", sender)
        return
    conversation = Conversation(url)
    try:
        yield partial(_to_server, conversation, sender)
    finally:
        conversation.end()


def _to_folder(folder: Path, sender: str, mail: Any) -> None:
    """As it is: a link that "=" cuts in two cannot be copied out of the file."""
    one_address(mail.recipient)
    write_file(message(mail, sender, encoding="8bit"), folder)


def _to_server(conversation: "Conversation", sender: str, mail: Any) -> None:
    conversation.send(message(mail, sender), to=one_address(mail.recipient).addr_spec)


def one_address(text: str) -> Address:
    """The mail address that a text is. Raises ValueError for what is none, or several."""
    try:
        found = Address(addr_spec=text)
    except (ValueError, IndexError, HeaderParseError):  # all of them: as the library finds it
        found = Address()
    if not found.domain or len(text) > LONGEST_ADDRESS:
        raise ValueError(f"no mail address: {text[:LONGEST_ADDRESS]!r}")
    return found


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


class Conversation:
    """With one SMTP server, for many mails; begun anew when the server has ended it meanwhile."""

    def __init__(self, url: SplitResult) -> None:
        """Raises NoServer."""
        self.url = url
        self._begin()

    def _begin(self) -> None:
        try:
            self._server, self._is_new = _connect(self.url), True
        except OSError as error:
            raise NoServer from error

    def send(self, letter: EmailMessage, to: str) -> None:
        """Raises OSError, or what went wrong in making commands of it."""
        if not self._is_new and not self._is_listening():
            self._begin()
        is_first, self._is_new = self._is_new, False
        try:
            self._server.send_message(letter, to_addrs=[to])
        except smtplib.SMTPSenderRefused as error:
            if is_first or error.smtp_code != SERVICE_ENDS:
                raise
            self._begin()  # so many in one conversation were enough for it
            self._server.send_message(letter, to_addrs=[to])

    def _is_listening(self) -> bool:
        """Whatever was left unfinished of the mail before is forgotten, too."""
        try:
            return self._server.rset()[0] == 250
        except OSError:
            return False

    def end(self) -> None:
        with suppress(OSError):
            self._server.quit()
        self._server.close()


def _connect(url: SplitResult) -> smtplib.SMTP:
    """With STARTTLS when offered (`?starttls=required` insists), or smtps://."""
    host = url.hostname or "localhost"
    if url.scheme == "smtps":
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, url.port or 465, timeout=TIMEOUT, context=context
        )
    else:
        server = smtplib.SMTP(host, url.port or 587, timeout=TIMEOUT)
    try:
        if url.scheme != "smtps":
            _secure(server, url)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.ehlo_or_helo_if_needed()
    except BaseException:
        server.close()
        raise
    return server


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


OF_THE_MAIL = {Reason.MAILBOX, Reason.RECIPIENT, Reason.CONTENT, Reason.UNWRITABLE}


def is_of_the_server(error: Exception) -> bool:
    """Away, or refusing us whatever we bring: the next mail would fare no better."""
    return reason_of(error) not in OF_THE_MAIL


def reason_of(error: BaseException) -> Reason:
    """What went wrong, as far as it can be told."""
    if isinstance(error, NoServer):
        return _why_no_server(error.__cause__)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return Reason.MAILBOX if is_final(error) else Reason.RECIPIENT
    if isinstance(error, smtplib.SMTPSenderRefused):
        return Reason.CONTENT if error.smtp_code == TOO_LARGE else Reason.SENDER
    if isinstance(error, smtplib.SMTPDataError):
        return Reason.CONTENT
    # An address outside ASCII, which this server cannot take (RFC 6531)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Reason.UNWRITABLE
    if isinstance(error, (smtplib.SMTPException, ConnectionError, TimeoutError)):
        return Reason.BROKEN_OFF
    return Reason.OTHER if isinstance(error, OSError) else Reason.UNWRITABLE


def _why_no_server(error: BaseException | None) -> Reason:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Reason.CERTIFICATE
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Reason.LOGIN
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Reason.INSECURE if "STARTTLS" in str(error) else Reason.LOGIN
    return Reason.AWAY


def in_words(error: BaseException) -> str:
    """One line for who looks after the server: what it, or Python, said."""
    cause = error.__cause__ if isinstance(error, NoServer) and error.__cause__ else error
    return " ".join(f"{type(cause).__name__}: {cause}".split())[:500]


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
