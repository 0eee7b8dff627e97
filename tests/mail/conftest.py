"""A real mail server on the loopback, as good or bad as a test wants it."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from sqlalchemy import select

from fablab import clock
from fablab.db import db, writing
from fablab.mail import outbox
from fablab.mail.models import OutgoingMail

CERTIFICATE = Path(__file__).with_name("localhost.pem")


class Postmaster:
    """Takes every mail, or answers as told: `says` is its word on the step it is for."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.logins: list[tuple[bytes, bytes, bool]] = []  # name, password, over TLS
        self.says: dict[str, str] = {}
        self.refuses = ""  # an address
        self.hangs_up = False
        self.delay = 0.0  # seconds before it answers the data

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        if address == self.refuses:
            return "550 5.7.1 not for you"
        return self.says.get("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.hangs_up:
            server.transport.close()
            return "451 gone"
        await asyncio.sleep(self.delay)
        if "DATA" not in self.says:
            content = envelope.content
            assert isinstance(content, bytes)
            self.got.append(message_from_bytes(content, policy=policy.default))
        return self.says.get("DATA", "250 OK")

    def authenticate(self, server: SMTP, session: Session, *_rest: Any) -> AuthResult:
        login = _rest[-1]
        self.logins.append((login.login, login.password, session.ssl is not None))
        return AuthResult(success=True)


class Server(Controller):
    """Listens until it is stopped; the certificate is the one beside this file."""

    def __init__(self, postmaster: Postmaster, host: str, port: int, tls: str) -> None:
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
        running.append(server)
        return server

    yield start
    for server in running:
        if server.loop.is_running():
            server.stop()


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
