"""Axe looks at every address and at every page: a new one too, from the moment it exists.

The walks of the demonstration (`test_accessibility.py`) follow its links, and look in every way;
here stands one of everything (`Stage` of `tests/test_walks.py`), what only a form leads to is
sent, and the application, served by this very process, tells which pages it drew.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask, template_rendered
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from fablab import clock
from fablab.booking import handovers
from fablab.booking.models import Handover
from fablab.db import db, writing
from fablab.imports import drafts
from fablab.machines.models import Occupancy
from fablab.members.models import Member
from fablab.places.models import Opening
from tests.browser.conftest import PHONE, Visit
from tests.manage.conftest import booking as made
from tests.support import slot
from tests.test_walks import DAY, Stage, light_hashes, readings, set_up  # noqa: F401

pytestmark = pytest.mark.browser

TEMPLATES = Path(__file__).parent.parent.parent / "templates"
NOBODYS = "00000000-0000-4000-8000-000000000000"

# What is read by programs, or kept as a file; the endpoints of each blueprint.
FILES = {
    "calendars": {"booking", "code", "machine", "machine_availability", "machine_code", "secret"},
    "health": {"alive", "ready"},
    "home": {"document", "photo", "version", "version_of_week"},
    "look": {"logo", "theme"},
    "manage": {
        "agreement_document",
        "export_machines",
        "import_template",
        "label_code",
        "members_file",
        "tariffs_file",
    },
    "metrics": {"figures"},
    "organizations": {"bookings_file"},
    "owners": {"document"},
    "reports": {"figures_csv", "rows_csv", "workbook"},
    "statements": {"proof", "table"},
    "upkeep": {"file", "photo"},
}
NOT_PAGES = {f"{each}.{name}" for each, names in FILES.items() for name in names} | {"static"}
# What pages are drawn in, and what only whoever builds them sees.
FRAMES = {"layout/base.html", "manage/layout.html", "upkeep/layout.html", "upkeep/plain.html"}
NO_PAGES = FRAMES | {"styleguide.html"}
# Whose page it is, where it is not the team's.
WHOSE = {"members.login": None, "members.register": None, "organizations.leaving": "bruno"}


class Quiet(WSGIRequestHandler):
    def log(self, *_args: Any) -> None:
        """The application keeps its own."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


class Walk:
    """What axe found in each state of each page that was looked at, and what drew them."""

    def __init__(self, app: Flask, chromium: Any, at: str) -> None:
        self.app, self.at, self.chromium = app, at, chromium
        self.windows: dict[str | None, Visit] = {}
        self.found: dict[str, list[str]] = {}
        self.seen: set[str] = set()  # endpoints
        self.drawn: set[str] = set()  # templates
        self._drawing: set[str] = set()
        template_rendered.connect(self._note, app)

    def _note(self, _app: Flask, template: Any, **_values: Any) -> None:
        self._drawing.add(template.name)

    def as_(self, who: str | None, stage: Stage | None = None) -> Visit:
        """Their window, in which they are signed in."""
        if who not in self.windows:
            context = self.chromium.new_context(viewport=PHONE, locale="fr-FR")
            cookies = {"language": "fr"}
            if who and stage:
                cookies["session"] = stage.browse(who).get_cookie("session").value
            context.add_cookies(
                [{"name": name, "value": value, "url": self.at} for name, value in cookies.items()]
            )
            self.windows[who] = Visit(context.new_page(), self.at, [])
        return self.windows[who]

    def look(self, window: Visit, name: str, path: str = "") -> Any:
        """At what is shown, or at the page of `path`; its answer."""
        if path:
            self._drawing.clear()
        answer = window.go(path) if path else None
        if answer and not answer.headers["content-type"].startswith("text/html"):
            return answer
        window.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        self.found[name] = window.axe()
        if window.spills() > 0:
            self.found[name].append(f"wider than the screen by {window.spills()} px")
        self.drawn |= self._drawing
        return answer

    def send(self, window: Visit, action: str, **fields: str) -> None:
        """The form of the page that is shown, with other values, and look at what comes of it."""
        self._drawing.clear()
        with window.page.expect_navigation():
            window.page.evaluate(SEND, [action, fields])
        self.look(window, f"POST {action} {fields}")

    def close(self) -> None:
        template_rendered.disconnect(self._note, self.app)
        for window in self.windows.values():
            window.page.context.close()


SEND = """([action, fields]) => {
    const form = [...document.forms].find(f => f.getAttribute("action").split("?")[0] === action)
    for (const [name, value] of Object.entries(fields)) {
        for (const old of form.querySelectorAll(`[name="${name}"]`)) old.disabled = true
        const field = document.createElement("input")
        Object.assign(field, {type: "hidden", name, value})
        form.append(field)
    }
    form.submit()
}"""


def pages() -> set[str]:
    """Every template that a view may draw."""
    every = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")}
    parts = re.compile(r"(.*/)?_|mails/|components/")
    return {name for name in every if not parts.match(name)} - NO_PAGES


def test_no_page_is_left_out_of_what_axe_looks_at(app, chromium):
    with served(app) as at:
        walk = Walk(app, chromium, at)
        try:
            walk.look(walk.as_(None), "before there is a place", "/")
            stage = set_up(app)
            look_at_every_address(walk, stage)
            look_at_what_is_not_there(walk, stage)
            send_what_only_a_form_leads_to(walk, stage)
        finally:
            walk.close()

    assert [(name, wrong) for name, wrong in walk.found.items() if wrong] == []
    addresses = {rule.endpoint for rule in readings(app)}
    assert sorted(addresses - walk.seen) == sorted(NOT_PAGES)
    assert sorted(pages() - walk.drawn) == []


def look_at_every_address(walk: Walk, stage: Stage) -> None:
    for rule in readings(stage.app):
        if rule.endpoint in NOT_PAGES:  # a browser would keep it
            continue
        window = walk.as_(WHOSE.get(rule.endpoint, "amina"), stage)
        address = stage.address(rule)
        answer = walk.look(window, address, address)
        if answer.status == 200 and answer.headers["content-type"].startswith("text/html"):
            walk.seen.add(rule.endpoint)


def look_at_what_is_not_there(walk: Walk, stage: Stage) -> None:
    """And what an address leads to when something else is asked with it, or has happened."""
    chloe = db.session.scalar(select(Member.uid).where(Member.email == "chloe@atelier.example"))
    for who, path, status in [
        ("amina", "/manage/imports/calendar", 200),
        ("amina", f"/manage/members/{stage.member}/merge?with={chloe}", 200),
        ("amina", f"/manage/imports/drafts/{NOBODYS}", 404),
        ("amina", f"/manage/agendas/drafts/{NOBODYS}", 404),
        (None, "/password/reset/nothing", 404),
        ("bruno", "/organizations/invitations/nothing", 404),
        ("bruno", "/no-such-page", 404),
        ("bruno", "/manage/day", 403),
        ("bruno", f"/bookings/{hand_over(stage)}", 410),
    ]:
        assert walk.look(walk.as_(who, stage), path, path).status == status, path


def hand_over(stage: Stage) -> str:
    """What Bruno offered to Amina is hers: the UID of the booking."""
    asked = select(Occupancy.uid, Occupancy.revision).join(
        Handover, Handover.occupancy_id == Occupancy.id
    )
    uid, revision = db.session.execute(asked).one()
    amina, seen = stage.fablab.people["amina"], handovers.Acceptance(revision)
    handovers.accept(stage.handover, seen, by=amina, now=clock.now())
    return uid


def send_what_only_a_form_leads_to(walk: Walk, stage: Stage) -> None:
    amina, bruno = walk.as_("amina", stage), walk.as_("bruno", stage)
    bruno.go("/bookings/new?machine=bench&day=2027-04-02&start=14:00&end=15:00")
    walk.send(bruno, "/bookings/", repeat="1", until="2027-04-16")
    amina.go("/manage/machines/laser")
    walk.send(amina, "/manage/machines/laser/state", state="out_of_service", state_reason="Lens")
    amina.go(f"/manage/faults/{stage.fault}")
    verdict = f"/machines/laser/faults/{stage.fault}/verdict"
    walk.send(amina, verdict, state="out_of_service", said="Lens")
    amina.go(f"/manage/imports/drafts/{stage.sheet}")
    drafts.leave(stage.sheet, stage.fablab.place_id)  # a colleague was faster
    walk.send(amina, f"/manage/imports/drafts/{stage.sheet}/application")
    amina.go("/manage/policies/machines/laser")
    walk.send(amina, "/manage/policies/machines/laser", seen="another", maximum="3 h")
    opening = db.session.scalar(select(Opening.id))
    amina.go(f"/manage/openings/{opening}")
    walk.send(amina, f"/manage/openings/{opening}", opens_at="17:00")
    use_it_in_january(stage)
    january = "&first=2027-01-01&last=2027-01-31"
    amina.go(f"/statements/preview?scope=member&of={stage.member}{january}")
    walk.send(amina, "/statements")


def use_it_in_january(stage: Stage) -> None:
    bench, bruno = stage.fablab.machine("bench").id, stage.fablab.people["bruno"]
    with writing() as session:
        session.add(made(bench, bruno, slot("2027-01-12 10:00-11:00")))
