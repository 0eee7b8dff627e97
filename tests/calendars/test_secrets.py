"""Whatever the service writes while it runs, none of it opens anything."""

import re
import secrets
from signal import SIGTERM
from threading import Thread

import pytest
from sqlalchemy import select

from fablab import clock, create_app
from fablab.booking import consent_letters, wait_links
from fablab.calendars.commands import make_address, new_key, stop_address
from fablab.calendars.kinds import About, Scope
from fablab.db import db
from fablab.members.models import Member
from tests.conftest import populate
from tests.server import Server
from tests.support import close

pytestmark = pytest.mark.real_clock


def prepared(url: str, folder) -> tuple[list[str], list[str]]:
    """What opens something or did, and every address of the service that holds such a thing."""
    app = create_app({"DATABASE_URL": url, "INSTANCE_PATH": str(folder)})
    with app.app_context():
        fablab, now = populate(), clock.now()
        amina = fablab.people["amina"]
        held = {"member_id": amina, "place_id": fablab.place_id}
        tokens = [
            make_address(About(scope), **held, key=new_key(), now=now)
            for scope in (Scope.MEMBER, Scope.DAY, Scope.TRAININGS, Scope.PLACE)
        ]
        stop_address(About(Scope.PLACE), **held, now=now)
        uid = db.session.scalars(select(Member.uid).where(Member.id == amina)).one()
        tokens += [letters.token_for(uid, uid) for letters in (consent_letters, wait_links)]
        tokens.append(secrets.token_urlsafe(24))
        rules = [
            re.sub(r"<(?:\w+:)?(\w+)>", lambda part: _part(part[1]), rule.rule)
            for rule in app.url_map.iter_rules()
            if {"token", "secret"} & rule.arguments
        ]
    close(app)
    return tokens, rules


def _part(name: str) -> str:
    return "{}" if name in ("token", "secret") else "calendar"


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_that_is_written_while_serving_holds_a_secret(databases, tmp_path, form):
    """Every address that holds one, and each of them misspelt, in whatever way it is asked for."""
    url, folder = databases.url("sqlite"), tmp_path / "instance"
    tokens, addresses = prepared(url, folder)
    assert len(addresses) >= 8
    odd = ["//calendars/{}", "/calendars/{}/x/", "/Calendars/{}/x.ics", "/calendars%2f{}%2fx.ics"]

    with Server(folder, url, LOG_LEVEL="DEBUG", LOG_FORMAT=form) as server:
        written: list[str] = []
        pipes = (server.process.stdout, server.process.stderr)
        listening = [Thread(target=written.extend, args=[pipe]) for pipe in pipes]
        for each in listening:  # else the service waits for whoever reads it
            each.start()
        answers = set()
        for address in (*addresses, *odd):
            for token in tokens:
                for method in ("GET", "HEAD", "POST"):
                    path = address.format(token)
                    answers.add(server.ask(method, path, Referer=f"http://localhost{path}").status)
        server.stop(SIGTERM)
        for each in listening:
            each.join()

    text = "".join(written)
    assert answers >= {200, 404, 405}
    assert text.count("/calendars/") > 20
    assert [token for token in tokens if token[:12] in text] == []
