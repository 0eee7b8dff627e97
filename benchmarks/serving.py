"""What it costs to serve the application: speed, memory, the start, the stop, slow visitors.

    python -m benchmarks.serving                        as `fablab serve` does it
    python -m benchmarks.serving granian --port {port} …   any other server, to compare

The application on a busy place (benchmarks/stage.py), real sockets on the loopback, kept
alive. Processor time is the server's own, all its processes together.
"""

import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from benchmarks import stage
from fablab import create_app, demo
from fablab.migrations import upgrade

MEMORY, START = 120.0, 2.0  # budgets: MiB, seconds
PORT = 5141
CLIENTS = 8
SECONDS = 4.0
TICK = os.sysconf("SC_CLK_TCK")
PAGES = {
    "hello (/healthz)": "/healthz",
    "planning of a day": "/planning/",
    "a machine's page": "/machines/m03",
    "machine feed, unchanged (304)": "/machines/m03/calendar.ics",
}
MORNING = (
    "/planning/",
    "/planning/?view=list",
    "/machines/",
    "/machines/m02",
    "/machines/m02/calendar.ics",
    "/bookings/",
    "/bookings/new?machine=m02",
    "/calendars/",
    "/account/",
    "/manage/day",
    "/manage/members",
    "/manage/machines",
)


class Connection:
    """One visitor's kept-alive connection, as cheap as can be."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.rest = b""

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and head. Raises ConnectionError when the answer is not whole."""
        self.socket.sendall(request)
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if length:
            while len(self.rest) < int(length[1]):
                self.more()
            self.rest = self.rest[int(length[1]) :]
        elif b"chunked" in head.lower():
            while not self.rest.endswith(b"0\r\n\r\n"):
                self.more()
            self.rest = b""
        return status, head

    def more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("cut")
        self.rest += data


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept-Language: fr", *headers, "", ""]
    return "\r\n".join(lines).encode()


@contextmanager
def server(command: list[str], folder: Path, port: int):
    """The server's process, once it answers, and how many seconds that took."""
    settings = {
        "FABLAB_INSTANCE_PATH": str(folder),
        "FABLAB_PORT": str(port),
        "FABLAB_LOG_LEVEL": "WARNING",
    }
    command = [word.replace("{port}", str(port)) for word in command]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | settings, start_new_session=True)
    try:
        until_it_answers(process, port)
        yield process, time.perf_counter() - began
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until_it_answers(process: subprocess.Popen, port: int) -> None:
    while process.poll() is None:
        with suppress(OSError):
            Connection(port).ask(get("/healthz"))
            return
        time.sleep(0.01)
    raise SystemExit("the server did not start")


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def cpu(pid: int) -> float:
    """Seconds of processor time of a process and its children so far."""
    spent = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        spent += int(fields[11]) + int(fields[12])
    return spent / TICK


def memory(pid: int) -> float:
    """MiB in use by a process and its children, what they share counted once."""
    found = 0
    for each in family(pid):
        rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        found += int(re.search(r"Pss: +(\d+)", rollup)[1])
    return found / 1024


def peak_memory(pid: int) -> float:
    """The most MiB a process ever had in memory, what it shares counted whole."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def load(port: int, pid: int, request: bytes) -> tuple[float, float, float]:
    """Requests a second, ms of processor per request, ms of the 99th percentile."""
    took: list[float] = []
    spent, began = cpu(pid), time.perf_counter()
    together(lambda: ask_until(began + SECONDS, Connection(port), request, took))
    elapsed, spent = time.perf_counter() - began, cpu(pid) - spent
    p99 = statistics.quantiles(took, n=100)[98]
    return len(took) / elapsed, spent / len(took) * 1000, p99 * 1000


def ask_until(end: float, connection: Connection, request: bytes, took: list[float]) -> None:
    while (start := time.perf_counter()) < end:
        connection.ask(request)
        took.append(time.perf_counter() - start)


def together(work: Callable[[], None], count: int = CLIENTS) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def stop_under_load(process: subprocess.Popen, port: int) -> str:
    """SIGTERM while all clients ask for pages: what became of the requests under way."""
    answered: list[float] = []  # when it was sent, of each request
    lost: list[float] = []
    request = get("/planning/")

    def visit() -> None:
        with suppress(OSError):
            connection = Connection(port)
            closing = False
            while not closing:
                sent = time.perf_counter()
                try:
                    closing = b"connection: close" in connection.ask(request)[1].lower()
                    answered.append(sent)
                except OSError:
                    lost.append(sent)
                    return

    visitors = threading.Thread(target=lambda: together(visit))
    visitors.start()
    time.sleep(1.0)
    asked = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    status = process.wait(60)
    took = time.perf_counter() - asked
    visitors.join()
    return (
        f"told to stop under load: ended with {status} after {took:.2f} s;"
        f" lost {sum(sent < asked for sent in lost)} requests sent before,"
        f" answered {sum(sent > asked for sent in answered)} sent after"
    )


def slow_visitors(port: int, count: int) -> float:
    """Seconds that a page takes while `count` visitors stay in the middle of their request."""
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    for each in held:
        each.sendall(b"GET /planning/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    time.sleep(0.3)
    began = time.perf_counter()
    try:
        connection = Connection(port)
        connection.socket.settimeout(10)
        connection.ask(get("/planning/"))
    except TimeoutError:
        return float("inf")
    finally:
        for each in held:
            each.close()
    return time.perf_counter() - began


def make_run_again(folder: Path) -> tuple[float, float, float]:
    """The second one: seconds to its first answer, MiB after a morning and at the most."""
    for is_second in (False, True):
        with server(["make", "--silent", "run", "PORT={port}"], folder, PORT) as (process, took):
            if is_second:
                a_morning()
                service = family(process.pid)[-1]
                used, peak = memory(service), peak_memory(service)
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
    return took, used, peak


def a_morning() -> None:
    """The people of the demonstration sign in and look around, several at once."""
    together(sign_in_and_look)


def sign_in_and_look() -> None:
    base = f"http://127.0.0.1:{PORT}"
    for email, _who in demo.ACCOUNTS:
        browser = build_opener(HTTPCookieProcessor())
        form = browser.open(f"{base}/login").read().decode()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)[1]
        said = {"csrf_token": token, "email": email, "password": demo.PASSWORD}
        browser.open(f"{base}/login", urlencode(said).encode())
        for page in MORNING:
            with suppress(HTTPError):  # not everything is everybody's
                browser.open(base + page).read()


def main() -> int:
    command = sys.argv[1:] or [sys.executable, "-c", "from fablab.cli import main; main()", "serve"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with create_app({"INSTANCE_PATH": str(folder / "bench")}).app_context():
            upgrade()
            stage.populate(20_000)
        with server(command, folder / "bench", PORT) as (process, started):
            print(f"first answer after {started:.2f} s, {memory(process.pid):.0f} MiB")
            for words, path in PAGES.items():
                _, head = Connection(PORT).ask(get(path))
                tag = re.search(rb"(?i)\r\netag: *([^\r]+)", head)
                more = [f"If-None-Match: {tag[1].decode()}"] if tag else []
                speed, spent, p99 = load(PORT, process.pid, get(path, *more))
                print(f"{words:32} {speed:7.0f} /s {spent:7.2f} ms CPU {p99:7.1f} ms p99")
            used, count = memory(process.pid), len(family(process.pid))
            print(f"memory then {used:.0f} MiB (≤ {MEMORY:g}) in {count} processes")
            for count in (20, 200):
                print(f"{count} slow visitors: a page takes {slow_visitors(PORT, count):.3f} s")
            print(stop_under_load(process, PORT))
        again, later, peak = make_run_again(folder / "demo")
        print(f"second `make run` to first answer {again:.2f} s (≤ {START:g})")
        print(f"memory after everybody signed in and looked around {later:.0f} MiB (≤ {MEMORY:g}),")
        print(f"and {peak:.0f} MiB at most, while a password was hashed (argon2id takes 46)")
    return 1 if max(used, later) > MEMORY or again > START else 0


if __name__ == "__main__":
    raise SystemExit(main())
