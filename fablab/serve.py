"""Serving: one process, its threads, the background work, and an end that cuts nobody off.

waitress, in this very process. Measured in this application (benchmarks/serving.py): gunicorn's
threads and cheroot stop answering everyone while eight visitors dawdle over a request; granian
spends 0.15 ms less on a request of 2 to 12, but as two processes with 20 MiB more, and when the
first is killed the second goes on alone, unseen, on the same database.
"""

import ctypes
import fcntl
import logging
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import waitress
from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import FixedStreamReceiver
from waitress.utilities import RequestEntityTooLarge

from fablab.jobs import Runner

IDLE = 60  # seconds a connection may stay silent
# Once told to stop, the seconds that all requests under way have to finish, that visitors
# already at the door have to get in, and after which a request that stands still is given up.
DRAIN, BACKLOG, STALLED = 20.0, 0.5, 2.0
# Each takes a file descriptor, of which a process usually has 1024.
CONNECTIONS = 800
M_ARENA_MAX = -8  # of malloc.h
LARGEST_HEAD = 32 * 1024  # bytes
# A body that is refused for its size is still read, up to here, so that its sender reads why: cut
# off in the middle of sending, a browser shows that the connection failed (RFC 9112 §9.6).
READ_IN_VAIN = 1024**3


class Nothing:
    """Where what is read in vain is put."""

    def append(self, _data: bytes) -> None:
        pass

    def getfile(self) -> BytesIO:
        return BytesIO()

    def close(self) -> None:
        pass

    def __len__(self) -> int:
        return 0


class Incoming(HTTPRequestParser):
    """A request whose body, when it is too large, is read and kept nowhere: that is then told by
    a page of ours, from the length that its head announces.
    """

    is_in_vain = False
    body_rcv: Any
    error: Any

    def received(self, data: bytes) -> int:
        if self.is_in_vain:
            consumed: int = self.body_rcv.received(data)
            self.completed = self.body_rcv.completed
            return consumed
        consumed = super().received(data)
        is_told = self.chunked or self.expect_continue or self.content_length > READ_IN_VAIN
        if isinstance(self.error, RequestEntityTooLarge) and not is_told:
            self.body_rcv = FixedStreamReceiver(self.content_length, Nothing())
            self.is_in_vain, self.error, self.completed = True, None, False
        return consumed


class Channel(HTTPChannel):
    parser_class = Incoming


class InUse(Exception):
    """Another process is using the data of this installation."""


@contextmanager
def in_use(folder: Path, *, alone: bool = False) -> Iterator[None]:
    """Keep the installation's data in use meanwhile; `alone`, by nobody else.

    The lock goes with the process, however it ends. Raises InUse.
    """
    with open(os.open(folder / "in-use", os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse from error
        yield


def share_arenas() -> None:
    """Before there are threads: glibc gives each an arena of its own, of which much stays unused;
    two for all of them take 8 MiB less. Where there is another library nothing is done.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def listening(app: Flask) -> Any:
    """The server, already listening. Raises OSError when the address cannot be had."""
    share_arenas()
    host, port = app.config["HOST"], app.config["PORT"]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full moment is no event
    server = waitress.create_server(
        app,
        sockets=[socket.create_server((host, port), family=family, backlog=1024)],
        threads=app.config["THREADS"],
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE,
        max_request_header_size=LARGEST_HEAD,
        # The most that any form may hold (`takes_files`); from this length on it is read in vain.
        max_request_body_size=2 * app.config["MAX_CONTENT_LENGTH"] + 1,
        # Whom to believe is PROXY_HOPS' to say (fablab/security.py).
        clear_untrusted_proxy_headers=False,
        asyncore_use_poll=True,
        log_socket_errors=False,
        ident=None,
    )
    server.channel_class = Channel
    return server


def address(server: Any) -> str:
    host = server.effective_host
    return f"http://{f'[{host}]' if ':' in host else host}:{server.effective_port}"


def run(app: Flask, server: Any, *, with_jobs: bool) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way."""
    stop = until_told(server.pull_trigger)
    runner = Runner(app).start() if with_jobs else None
    while not stop.is_set():
        turn(server, 30.0)
    drain(server)
    if runner:
        runner.stop()


def run_jobs(app: Flask) -> None:
    """Do the background work alone, until SIGTERM or SIGINT."""
    stop = until_told(lambda: None)
    runner = Runner(app).start()
    while not stop.wait(1.0):
        pass
    runner.stop()


def until_told(wake: Any) -> Event:
    """An event that the first SIGTERM or SIGINT sets, calling `wake`; the second one kills."""
    told = Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        wake()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, tell)
    return told


def turn(server: Any, seconds: float) -> None:
    """Take in and send out what there is, waiting at most so long for it."""
    server.asyncore.loop(timeout=seconds, use_poll=True, map=server._map, count=1)


def drain(server: Any) -> None:
    """Take in what was sent before, answer it, and close every connection; accept nobody new."""
    begin = time.monotonic()
    while time.monotonic() < begin + BACKLOG and is_readable(server.socket):
        turn(server, 0)
    server.accepting = False
    server.del_channel()
    server.socket.close()
    turn(server, 0)
    while server.active_channels and time.monotonic() < begin + DRAIN:
        for channel in list(server.active_channels.values()):
            let_go(channel)
        turn(server, 0.05)
    server.task_dispatcher.shutdown(timeout=1)


def is_readable(listener: socket.socket) -> bool:
    return bool(select.select([listener], [], [], 0)[0])


def let_go(channel: Any) -> None:
    """Close a connection after the answers it still waits for, which say so in their head.

    One in the middle of sending its request may finish, as long as it does not stand still.
    """
    for request in channel.requests:
        request.headers["CONNECTION"] = "close"
    is_sending = channel.request is not None and channel.last_activity > time.time() - STALLED
    if not (is_sending or channel.requests or channel.total_outbufs_len):
        channel.will_close = True
