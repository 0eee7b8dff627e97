"""From an empty database to the first booking, over HTTP, as the first manager."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.calendars import commands as calendars
from fablab.calendars.kinds import About, Scope
from fablab.db import db, writing
from fablab.managers import Newcomer, make_manager
from fablab.members.models import Member, Membership
from fablab.places.models import Place
from tests.conftest import Browser
from tests.manage.conftest import account
from tests.support import submit

EMAIL, PASSWORD = "first@atelier.example", "une filature pleine de machines"
WELCOME, NEW_MACHINE = "/manage/welcome", "/manage/machines/new"
LASER = {
    "code": "L1",
    "name": "Laser",
    "category": "",
    "new_category": "Laser",
    "pool": "",
    "risk_class": "A",
    "owner": "",
}
NEXT = re.compile(r"<a\s[^>]*href=|<button\b")


@pytest.fixture
def nothing(app: Any) -> Any:
    """The application on a database in which nothing was set up."""
    app.testing = False
    return app


@pytest.fixture
def manager(nothing: Any) -> Browser:
    """Who ran `fablab create-manager`, signed in by the form, and reads English."""
    newcomer = Newcomer("Fanny", "Première", PASSWORD)
    make_manager(EMAIL, newcomer, "L'Atelier neuf", now=clock.now())
    client = visitor(nothing)
    assert submit(client, "/login", "/login", email=EMAIL, password=PASSWORD).status_code == 303
    return client


def visitor(app: Any) -> Browser:
    client = Browser(app, app.response_class)
    client.set_cookie("language", "en")
    return client


def main(html: str) -> str:
    """What is on the page itself, without its frame and the team's menu; a screen for the wall
    has neither.
    """
    part = "main" if 'class="header"' in html else "body"
    found = re.search(rf"<{part}.*?</{part}>", html, re.S)[0]
    return re.sub(r'<ul class="menu">.*?</ul>', "", found, flags=re.S)


def place() -> Place:
    return db.session.scalars(select(Place).execution_options(populate_existing=True)).one()


def test_a_database_with_nothing_in_it_says_how_to_begin(nothing):
    answer = visitor(nothing).get("/")

    assert answer.status_code == 200
    assert "fablab create-manager" in answer.text
    assert "Nothing is set up here yet" in answer.text


def test_any_other_page_leads_there_meanwhile(nothing):
    answer = visitor(nothing).get("/machines/")

    assert answer.status_code == 503
    assert 'href="/"' in main(answer.text)


def test_the_first_manager_is_shown_the_steps(manager):
    answer = manager.get("/", follow_redirects=True)

    assert answer.request.path == WELCOME
    assert "Welcome to L&#39;Atelier neuf" in answer.text
    assert "4 steps left" in answer.text
    for address in ("settings/place", "openings", "machines/new", "members"):
        assert f'href="/manage/{address}"' in main(answer.text)


def test_a_visitor_reads_a_kind_word_instead(manager, nothing):
    for path in ("/", "/planning/", "/machines/"):
        answer = visitor(nothing).get(path)
        assert answer.status_code == 200
        assert "The place is being set up" in answer.text
        assert WELCOME not in answer.text


def test_each_step_is_ticked_by_what_is_there(manager):
    def left() -> int:
        return main(manager.get(WELCOME).text).count('<li class="card') - main(
            manager.get(WELCOME).text
        ).count("done</span>")

    assert left() == 4

    at = "/manage/settings/place"
    submit(manager, at, at, address="1 rue neuve")
    assert left() == 3

    made = submit(manager, NEW_MACHINE, NEW_MACHINE, **LASER)
    assert made.status_code == 303, re.findall(r"field__error.*", made.text)
    assert left() == 2

    with writing() as session:
        second = account(session, "second", "Venue")
        second.memberships.append(Membership(place_id=place().id))
    assert left() == 1

    first = db.session.scalar(select(Member.id).where(Member.email == EMAIL))
    calendars.make_address(
        About(Scope.DAY),
        member_id=first,
        place_id=place().id,
        key=calendars.new_key(),
        now=clock.now(),
    )
    assert left() == 0
    assert "the first booking may come" in manager.get(WELCOME).text
    assert manager.get("/").status_code == 200


def test_the_steps_are_put_aside_and_found_again(manager):
    assert submit(manager, WELCOME, f"{WELCOME}/dismissal").status_code == 303

    assert place().welcomed_at == clock.now()
    assert manager.get("/").status_code == 200
    assert f'href="{WELCOME}"' in main(manager.get("/").text)
    assert f'href="{WELCOME}"' in manager.get("/manage/settings").text
    assert f"{WELCOME}/dismissal" not in manager.get(WELCOME).text


def test_no_page_is_empty_without_something_to_do_next(manager, nothing):
    """Every page of a place in which nothing is yet, as its manager and as a visitor sees it."""
    rules = [r for r in nothing.url_map.iter_rules() if "GET" in r.methods and not r.arguments]
    dead_ends = []
    for client in (manager, visitor(nothing)):
        for rule in rules:
            answer = client.get(rule.rule, follow_redirects=True)
            if answer.mimetype == "text/html" and not NEXT.search(main(answer.text)):
                dead_ends.append(rule.rule)
            assert answer.status_code < 500, rule.rule

    assert len(rules) > 40
    assert dead_ends == []
