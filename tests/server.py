"""The service as it really runs: `fablab serve` in a process of its own, spoken to over HTTP."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from fablab import clock
from fablab.clock import to_wall, today
from fablab.machines.inventory import of_place
from fablab.slots import Slot
from tests.conftest import browser

PATIENCE = 30.0  # seconds after which what is waited for will not come
CSRF = "the server's tests"


def fablab_command(*words: str, folder: Path, url: str = "", **settings: Any) -> dict[str, Any]:
    """What subprocess needs to run `fablab …` on the instance in `folder`."""
    ours = {f"FABLAB_{name}": str(value) for name, value in settings.items()}
    ours |= {"FABLAB_INSTANCE_PATH": str(folder), "FABLAB_DATABASE_URL": url}
    others = {name: value for name, value in os.environ.items() if not name.startswith("FABLAB_")}
    call = "from fablab.cli import main; main()"
    return {"args": [sys.executable, "-c", call, *words], "env": others | ours}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


class Server:
    """`fablab serve` on an instance; stopped, or killed, at the end."""

    def __init__(self, folder: Path, url: str = "", *words: str, **settings: Any) -> None:
        self.port = free_port()
        settings = {"LOG_LEVEL": "WARNING", "PORT": self.port, **settings}
        self.process = subprocess.Popen(
            **fablab_command("serve", *words, folder=folder, url=url, **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Server":
        """Waits until it answers. Raises RuntimeError with what it said when it does not."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            try:
                self.ask("GET", "/healthz")
                return self
            except OSError:
                time.sleep(0.02)
        self.process.kill()
        raise RuntimeError("".join(self.process.communicate()))

    def __exit__(self, *_error: Any) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer, read whole: `.status`, `.headers`, `.text`."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers)
            answer: Any = connection.getresponse()
            answer.text = answer.read().decode()
            return answer
        finally:
            connection.close()

    def stop(self, how: int) -> int:
        """Send a signal and wait for the end; the exit status."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


@dataclass
class Visitor:
    """A signed-in member who books over HTTP, one slot after another."""

    cookie: str
    token: str

    @classmethod
    def sign_in(cls, app: Flask, who: str) -> "Visitor":
        """In the current application's database, with a cookie it signs itself."""
        client = browser(app, who)
        with client.session_transaction() as session:
            session["csrf_token"] = CSRF
        token = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(CSRF)
        cookie = client.get_cookie("session")
        assert cookie
        return cls(f"session={cookie.value}", str(token))

    def headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}

    def order(self, machine: str, slot: Slot, zone: Any) -> str:
        """The form of a booking, filled in."""
        start, end = to_wall(zone, slot.start), to_wall(zone, slot.end)
        hours = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}
        form = {"machine": machine, "day": f"{start:%Y-%m-%d}", **hours, "csrf_token": self.token}
        return urlencode(form)


def free_slots(machine: str) -> list[Slot]:
    """Every half hour that anybody may book from tomorrow on, in order."""
    inventory, half = of_place(), timedelta(minutes=30)
    policy, zone = inventory.by_slug[machine].policy_for(None), inventory.schedule.zone
    first = today(zone, clock.now())
    last = first + timedelta(days=policy.horizon_days - 1)
    open_time = inventory.schedule.open_time(first + timedelta(days=1), last, policy.modes)
    return [
        Slot(span.start + n * half, span.start + (n + 1) * half)
        for span in open_time
        for n in range(span.duration // half)
    ]


@dataclass
class Stream:
    """Several visitors who book as fast as they can until the server is gone."""

    server: Server
    visitor: Visitor
    orders: Queue[str]
    sent: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)  # UIDs of the bookings promised
    others: list[int] = field(default_factory=list)  # statuses that were no promise

    def start(self, visitors: int = 4) -> "Stream":
        self.threads = [Thread(target=self._book) for _ in range(visitors)]
        for thread in self.threads:
            thread.start()
        return self

    def _book(self) -> None:
        connection = self.server.connect()
        try:
            while True:
                order = self.orders.get_nowait()
                connection.request("POST", "/bookings/", order, self.visitor.headers())
                self.sent.append(order)
                answer = connection.getresponse()
                answer.read()
                found = re.search(r"/bookings/([0-9a-f-]{36})$", answer.headers["Location"] or "")
                if answer.status == 303 and found:
                    self.acknowledged.append(found[1])
                else:
                    self.others.append(answer.status)
        except (OSError, HTTPException, Empty):
            return
        finally:
            connection.close()

    def wait_for(self, count: int) -> None:
        """Until so many more bookings are acknowledged, or none will be."""
        wanted = len(self.acknowledged) + count
        while len(self.acknowledged) < wanted and any(each.is_alive() for each in self.threads):
            time.sleep(0.005)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(PATIENCE)


def queue_of(orders: Iterable[str]) -> Queue[str]:
    queue: Queue[str] = Queue()
    for order in orders:
        queue.put(order)
    return queue
