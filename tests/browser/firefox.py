"""Firefox as it is installed, without a driver of its own: it speaks WebDriver BiDi over a socket.

https://www.w3.org/TR/webdriver-bidi/ — only what a visitor does: go, point, type, read.
"""

import json
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

PATIENCE = 30.0  # seconds
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Right": "\ue014", "Shift": "\ue008"}
# A person's settings that would answer for the page, and what it asks of the world at its start.
PROFILE = """
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.normandy.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("browser.newtabpage.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:9/");
user_pref("toolkit.telemetry.enabled", false);
user_pref("intl.accept_languages", "fr");
"""


def program() -> str | None:
    return next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)


class Firefox:
    """One window on a new profile; what a script of a page fails with is kept in `problems`."""

    def __init__(self, size: dict[str, int]) -> None:
        self.size = size
        self.problems: list[str] = []
        self._numbers = count(1)

    def __enter__(self) -> "Firefox":
        self.profile = tempfile.TemporaryDirectory(prefix="firefox-")
        Path(self.profile.name, "user.js").write_text(PROFILE, "utf-8")
        self.process = subprocess.Popen(
            [
                str(program()),
                "--headless",
                "--no-remote",
                "--profile",
                self.profile.name,
                "--remote-debugging-port=0",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            self.opened = ExitStack()
            address = f"{self._address()}/session"
            self.socket = self.opened.enter_context(connect(address, max_size=None, proxy=None))
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: Any) -> None:
        self.opened.close()
        self.process.terminate()
        self.process.communicate()
        self.profile.cleanup()

    def _address(self) -> str:
        """Where it listens, which it says once it does."""
        assert self.process.stderr
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := re.search(r"listening on (ws://\S+)", line):
                return found[1]
        raise RuntimeError("".join(said))

    def _open(self) -> None:
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded"])
        tree = self.ask("browsingContext.getTree")
        self.tab = tree["contexts"][0]["context"]
        self.ask("browsingContext.setViewport", context=self.tab, viewport=self.size)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command. Raises AssertionError with what Firefox says against it."""
        number = next(self._numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            said = json.loads(self.socket.recv(PATIENCE))
            if said.get("id") == number:
                assert said["type"] == "success", said
                return said["result"]
            if said.get("method") == "log.entryAdded" and said["params"]["level"] == "error":
                self.problems.append(said["params"]["text"])

    # -- what a visitor does

    def go(self, address: str) -> None:
        self.ask("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def press(self, selector: str) -> None:
        """Click, and stay until the page it leads to is there."""
        self.evaluate("window.isLeft = true")
        self.click(selector)
        self.until("!window.isLeft && document.readyState === 'complete'")

    def click(self, selector: str) -> None:
        mouse: list[dict[str, Any]] = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": self.find(selector)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self.act({"type": "pointer", "id": "mouse", "actions": mouse})

    def fill(self, selector: str, text: str) -> None:
        self.click(selector)
        self.evaluate("document.activeElement.value = ''")
        self.type(text)

    def type(self, *keys: str, holding: str = "") -> None:
        """The letters of a text, or keys by their name, perhaps while another is held."""
        letters = [KEYS[key]] if (key := keys[0]) in KEYS else list(key)
        held = [KEYS[holding]] if holding else []
        strokes = [{"type": "keyDown", "value": each} for each in held]
        for letter in letters:
            strokes += [{"type": what, "value": letter} for what in ("keyDown", "keyUp")]
        strokes += [{"type": "keyUp", "value": each} for each in held]
        self.act({"type": "key", "id": "keyboard", "actions": strokes})

    def drag(self, selector: str, start: float, end: float) -> None:
        """From one share of an element's width to another, 0 at its left and 1 at its right."""
        self.find(selector)  # brings it into view
        box = self.evaluate(
            f"(b => [b.x, b.y, b.width, b.height])({one(selector)}.getBoundingClientRect())"
        )
        left, top, width, height = (each["value"] for each in box)
        places = [
            {"x": round(left + share * width), "y": round(top + height / 2)}
            for share in (start, (start + end) / 2, end)
        ]
        moves = [{"type": "pointerMove", **place} for place in places]
        down, up = ({"type": what, "button": 0} for what in ("pointerDown", "pointerUp"))
        self.act({"type": "pointer", "id": "mouse", "actions": [moves[0], down, *moves[1:], up]})

    def act(self, source: dict[str, Any]) -> None:
        self.ask("input.performActions", context=self.tab, actions=[source])

    # -- what a visitor sees

    def find(self, selector: str) -> dict[str, Any]:
        script = f"(found => (found.scrollIntoView({{block: 'center'}}), found))({one(selector)})"
        return {"type": "element", "element": {"sharedId": self._said(script)["sharedId"]}}

    def evaluate(self, script: str) -> Any:
        return self._said(script).get("value")

    def text(self, selector: str = "main") -> str:
        return str(self.evaluate(f"{one(selector)}.innerText"))

    @property
    def address(self) -> str:
        return str(self.evaluate("location.href"))

    def until(self, script: str) -> None:
        """Wait until it is true, through whatever pages come and go meanwhile."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(AssertionError):  # the page was just going away
                if self.evaluate(script):
                    return
            time.sleep(0.02)
        raise AssertionError(f"never true: {script}")

    def _said(self, script: str) -> dict[str, Any]:
        target = {"context": self.tab}
        said = self.ask("script.evaluate", expression=script, target=target, awaitPromise=True)
        assert said["type"] == "success", said["exceptionDetails"]["text"]
        return said["result"]


def one(selector: str) -> str:
    return f"document.querySelector({json.dumps(selector)})"
