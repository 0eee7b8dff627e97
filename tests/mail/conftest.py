"""A real mail server on the loopback, as good or bad as a test wants it."""

import asyncio
import os
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from flask import Flask
from sqlalchemy import select

from fablab import clock
from fablab.db import db, writing
from fablab.mail import outbox
from fablab.mail.models import OutgoingMail

FROM = "L'Atelier <bonjour@atelier.example>"
CERTIFICATE = Path(__file__).with_name("localhost.pem")


class Postmaster:
    """Takes every mail, or answers as told: `says` is its word on the step it is for."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.raw: list[bytes] = []  # the same, as they came
        self.conversations = 0
        self.logins: list[tuple[bytes, bytes, bool]] = []  # name, password, over TLS
        self.lets_in = True
        self.says: dict[str, str] = {}
        self.refuses = ""  # an address
        self.greylists = False  # refuses what it sees for the first time, for now
        self.hangs_up = ""  # "before" it has taken the mail, or "after" without saying so
        self.most = 0  # mails in one conversation, if that is limited
        self.is_open, self.is_asked = Event(), Event()  # it takes a mail once open; one is here
        self.is_open.set()
        self.takes: Callable[[], None] = lambda: None  # done while it takes a mail
        self.servers: list[SMTP] = []  # one for each conversation
        self._seen: set[bytes] = set()
        self._in_session: Counter[int] = Counter()

    async def handle_MAIL(
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.most and self._in_session[id(session)] >= self.most:
            return "421 4.7.0 that is enough for one conversation"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.says.get("MAIL", "250 OK")

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        if address == self.refuses:
            return "550 5.7.1 not for you"
        if self.greylists and address not in self._seen:
            self._seen.add(address)
            return "451 4.7.1 come back later"
        return self.says.get("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.is_asked.set()
        if self.hangs_up == "before":
            server.transport.close()
            return "451 gone"
        while not self.is_open.is_set():
            await asyncio.sleep(0.01)
        if "DATA" not in self.says:
            content = envelope.content
            assert isinstance(content, bytes)
            self.raw.append(content)
            self.got.append(message_from_bytes(content, policy=policy.default))
            self._in_session[id(session)] += 1
            self.takes()
        if self.hangs_up == "after":
            server.transport.close()
        return self.says.get("DATA", "250 OK")

    def hang_up(self) -> None:
        """End every conversation there is, in the way of a server that has waited too long."""
        for server in self.servers:
            if server.transport:
                server.loop.call_soon_threadsafe(server.transport.close)

    def authenticate(self, server: SMTP, session: Session, *_rest: Any) -> AuthResult:
        login = _rest[-1]
        self.logins.append((login.login, login.password, session.ssl is not None))
        return AuthResult(success=self.lets_in, handled=self.lets_in)


class Server(Controller):
    """Listens until it is stopped; the certificate is the one beside this file."""

    def __init__(self, postmaster: Postmaster, host: str, port: int, tls: str) -> None:
        self.postmaster = postmaster
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE)
        super().__init__(
            postmaster,
            hostname=host,
            port=port,
            ssl_context=context if tls == "from the start" else None,
            tls_context=context if tls == "on demand" else None,
            authenticator=postmaster.authenticate,
            auth_require_tls=False,
        )

    def factory(self) -> SMTP:
        self.postmaster.conversations += 1
        self.postmaster.servers.append(made := super().factory())
        return made

    # aiosmtpd looks for itself without the certificate being one it trusts.
    def _trigger_server(self) -> None:
        socket.create_connection((self.hostname, self.port), timeout=5).close()


@pytest.fixture
def postmaster() -> Postmaster:
    return Postmaster()


@pytest.fixture
def serve(
    postmaster: Postmaster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Server]]:
    """serve(tls="no" | "on demand" | "from the start"): a mail server that listens."""
    monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(CERTIFICATE))
    running: list[Server] = []

    def start(tls: str = "no", host: str = "127.0.0.1", port: int = 0) -> Server:
        server = Server(postmaster, host, port or free_port(), tls)
        server.start()
        postmaster.conversations = 0  # the server's own look at itself is none
        running.append(server)
        return server

    yield start
    postmaster.is_open.set()
    for server in running:
        if server.loop.is_running():
            server.stop()


@pytest.fixture
def through(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """through("smtp://…"): from here on mails go that way."""

    def choose(url: str) -> None:
        monkeypatch.setitem(app.config, "MAIL_URL", url)
        monkeypatch.setitem(app.config, "MAIL_FROM", FROM)

    return choose


def by(server: Server, extra: str = "", scheme: str = "smtp", login: str = "") -> str:
    return f"{scheme}://{login}{server.hostname}:{server.port}{extra}"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def promise(recipient: str = "dora@atelier.example", **more: Any) -> None:
    """Put a mail into the outbox, in a transaction of its own."""
    with writing() as session:
        values = {
            "kind": "test",
            "subject": "Ça coupe à l'atelier",
            "text": "Bonjour,\n\nle plateau est réparé.\n",
            "html": "<p>Le plateau est réparé.</p>",
            "now": clock.now(),
        } | more
        outbox.post(session, recipient=recipient, **values)


def promised() -> list[OutgoingMail]:
    asked = select(OutgoingMail).order_by(OutgoingMail.id).execution_options(populate_existing=True)
    found = list(db.session.scalars(asked))
    db.session.rollback()
    return found
