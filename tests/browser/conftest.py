"""A real browser before the real service, on the demonstration place.

Its clock is the real one: whatever the hour or the day of the year, there is a day to come on
which a machine can be booked.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from fablab import clock, create_app, demo
from fablab.db import db
from fablab.invitations import links
from fablab.machines.models import Occupancy
from fablab.members import mails
from fablab.members.kinds import MailKind
from fablab.members.models import Member
from fablab.migrations import upgrade
from tests.server import Server
from tests.support import close, missing

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CAMILLE = "camille.aubrelle@usines.example"  # runs the place
NOA = "noa.perrinelle@filplomb.example"  # qualified on the lasers
SASHA = "sasha.guerivaud@courriel.example"  # new
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
AXE = Path(__file__).parent.parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Mailed:
    """Where links of mails lead."""

    booking: str  # of a booking to come
    stop: str


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mailed]:
    """The instance folder of a demonstration place, and what its mails to Noa would hold."""
    folder = tmp_path_factory.mktemp("service")
    app = create_app({"INSTANCE_PATH": str(folder)})
    with app.app_context():
        upgrade()
        demo.load(clock.now())
        mailed = mailed_to(NOA)
    close(app)
    return folder, mailed


def mailed_to(email: str) -> Mailed:
    asked = (
        select(Occupancy.uid, Member.uid.label("member_uid"))
        .join(Member, Member.id == Occupancy.member_id)
        .where(Member.email == email, Occupancy.standing, Occupancy.starts_at > clock.now())
        .order_by(Occupancy.starts_at.desc())
    )
    booking = db.session.execute(asked.limit(1)).one()
    token = links.token_for(booking.uid, booking.member_uid)
    stop = mails.stop_token(booking.member_uid, MailKind.REMINDERS)
    return Mailed(f"/bookings/by-mail/{token}", f"/mails/stop/{stop}")


@pytest.fixture(scope="session")
def service(demonstration: tuple[Path, Mailed]) -> Iterator[str]:
    """The address of `fablab serve` on a demonstration place of its own."""
    with Server(demonstration[0], DEMO="true") as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def mailed(demonstration: tuple[Path, Mailed]) -> Mailed:
    return demonstration[1]


@dataclass
class Visit:
    """One person's browser window, with all that went wrong in it."""

    page: Any
    service: str
    problems: list[str]

    def go(self, path: str) -> Any:
        return self.page.goto(self.service + path)

    def press(self, selector: str) -> None:
        """Click the first of `selector` and stay until the page it leads to is there.

        A click alone comes back while the old page still stands, and on a slow day what is
        asked next is asked of neither page.
        """
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()

    def sign_in(self, email: str) -> None:
        self.go("/login")
        self.page.fill('input[name="email"]', email)
        self.page.fill('input[name="password"]', demo.PASSWORD)
        self.press('main form button[type="submit"]')
        self.page.locator("form[action='/logout']").wait_for()

    def axe(self) -> list[str]:
        """What axe finds on the page: rule and element, one a line. Nothing is what is wanted."""
        self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    def spills(self) -> int:
        """By how many pixels the page is wider than the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )


@pytest.fixture
def visit(chromium: Any, service: str, request: Any) -> Iterator[Callable[..., Visit]]:
    """visit(as_="…@…", size=PHONE, dark=False): a window of its own, perhaps signed in.

    Fails the test when a script fails, an answer is a 5xx, or the page's policy is broken.
    """
    made: list[Visit] = []

    def open_window(
        as_: str = "",
        *,
        size: dict[str, int] = DESK,
        dark: bool = False,
        scripts: bool = True,
        language: str = "fr",
        touch: bool = False,
    ) -> Visit:
        context = chromium.new_context(
            viewport=size,
            color_scheme="dark" if dark else "light",
            locale="fr-FR" if language == "fr" else "en-GB",
            timezone_id="America/New_York",
            java_script_enabled=scripts,
            has_touch=touch,
            bypass_csp=False,
        )
        context.add_cookies([{"name": "language", "value": language, "url": service}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(f"script: {error}"))
        page.on("console", lambda said: _note(said, problems))
        page.on("response", lambda answer: _watch(answer, service, problems))
        window = Visit(page, service, problems)
        made.append(window)
        if as_:
            window.sign_in(as_)
        return window

    yield open_window
    problems = [problem for window in made for problem in window.problems]
    for window in made:
        window.page.context.close()
    assert problems == []


def _note(said: Any, problems: list[str]) -> None:
    """Refusals of the policy are errors on the console; so is every answer of 4xx, which is not."""
    if said.type == "error" and "Failed to load resource" not in said.text:
        problems.append(f"console: {said.text}")


def _watch(answer: Any, service: str, problems: list[str]) -> None:
    if answer.status >= 500:
        problems.append(f"{answer.status} {answer.url}")
    if not answer.url.startswith((service, "data:", "blob:")):
        problems.append(f"asked of somebody else: {answer.url}")
