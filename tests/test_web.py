"""What every page shares: its language, its look, its static files, and who stands in front."""

import re
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from jinja2 import DictLoader
from sqlalchemy import update

from fablab.access import anyone
from fablab.db import db, writing
from fablab.members.models import Member
from fablab.places.models import Place
from fablab.words import LANGUAGES


def language(page: str) -> str:
    return re.search(r'<html lang="(\w+)"', page)[1]


def without_choice(client: FlaskClient) -> FlaskClient:
    client.delete_cookie("language")
    return client


@pytest.mark.parametrize("address", ["/", "/machines/", "/machines/laser", "/login", "/nowhere"])
@pytest.mark.parametrize("theirs", ["fr", "en"])
@pytest.mark.parametrize("chosen", ["fr", "en", None, "de", "", "en-GB", "x" * 5000])
def test_a_choice_comes_first_then_the_members_language_then_french(
    fablab, browse, address, theirs, chosen
):
    with writing() as session:
        session.execute(update(Member).values(language=theirs))
    visitor, member = without_choice(browse(None)), without_choice(browse("bruno"))
    for client in (visitor, member):
        if chosen is not None:
            client.set_cookie("language", chosen)

    pages = [client.get(address, follow_redirects=True).text for client in (visitor, member)]

    known = chosen if chosen in LANGUAGES else None
    assert [language(page) for page in pages] == [known or "fr", known or theirs]


@pytest.mark.parametrize("header", ["en", "en-GB,en;q=0.9", "de", "*", "x" * 1000])
def test_what_a_browser_prefers_is_not_asked(fablab, browse, header):
    """One address shows one page to all who chose nothing: French, as its members speak."""
    visitor = without_choice(browse(None))

    answer = visitor.get("/machines/", headers={"Accept-Language": header})

    assert language(answer.text) == "fr"
    assert "Accept-Language" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize(("here", "other"), [("en", "fr"), ("fr", "en")])
def test_every_page_offers_the_other_language_in_its_own_words(fablab, browse, here, other):
    client = browse(None)
    client.set_cookie("language", here)

    page = client.get("/machines/laser?length=60").text

    assert f'value="{other}" lang="{other}">{LANGUAGES[other]}</button>' in page
    assert 'name="next" value="/machines/laser?length=60"' in page


@pytest.mark.parametrize(
    ("cookie", "theme"),
    [("dark", "dark"), ("light", "light"), ("", ""), ("x><b", ""), ("DARK", "")],
)
def test_the_look_that_was_chosen_is_there_from_the_first_byte(fablab, browse, cookie, theme):
    client = browse(None)
    client.set_cookie("theme", cookie)

    html = re.search(r"<html[^>]*>", client.get("/machines/").text)[0]

    assert re.findall(r'data-theme="(\w*)"', html) == ([theme] if theme else [])


def test_the_name_of_the_place_stands_in_the_frame_and_is_inert(fablab, browse):
    with writing():
        db.session.get(Place, fablab.place_id).name = "<b>\"Fil\" & 'Fer'</b>"

    page = browse(None).get("/machines/").text

    assert "&lt;b&gt;" in page
    assert "<b>&#34;Fil" not in page


# -- static files


def test_what_a_page_loads_may_be_kept_for_ever(fablab, browse):
    visitor = browse(None)
    page = visitor.get("/").text

    loaded = re.findall(r'(?:href|src)="(/static/[^"#]+)"', page)

    assert len(loaded) >= 4
    for address in loaded:
        answer = visitor.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert re.search(r"\?v=[0-9a-f]{10}$", address)


def test_without_its_version_a_file_is_asked_for_again(app):
    assert app.test_client().get("/static/css/app.css").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["", "..", "../config.py", "..%2fconfig.py", "css", "css/", "%2e%2e/config.py", "/etc/passwd"],
)
def test_only_static_files_are_served(fablab, app, path):
    answer = app.test_client().get(f"/static/{path}")

    assert answer.status_code in (308, 404)
    assert "FABLAB" not in answer.text


# -- texts of templates


@pytest.mark.parametrize(
    ("name", "shown"),
    [("page.html", "<b>100 %</b> of &lt;i&gt;"), ("mail.txt", "<b>100 %</b> of <i>")],
)
def test_what_is_filled_into_a_text_is_harmless_in_a_page(app, name, shown):
    """The text itself is ours. A sign of percent is written twice in it, with values or without."""
    env = app.jinja_env.overlay(
        loader=DictLoader({name: "{{ _('<b>100 %%</b> of %(what)s', what='<i>') }}|{{ _('%%') }}"})
    )

    with app.test_request_context():
        assert env.get_template(name).render() == f"{shown}|%"


# -- what runs for a request


def test_whatever_runs_for_a_request_is_a_plain_function(app):
    """Flask is not asked to look for coroutines (`Application.ensure_sync`)."""
    hooks = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
    )
    run = [*app.view_functions.values()]
    run += [hook for kind in hooks for of_one in kind.values() for hook in of_one]

    assert len(run) > 100
    assert [each for each in run if iscoroutinefunction(each)] == []


# -- proxies


@pytest.fixture
def seen(make_app: Callable[..., Flask]) -> Callable[..., dict[str, Any]]:
    """seen(hops, **headers): what the application makes of a request."""

    def ask(hops: int, headers: dict[str, str]) -> dict[str, Any]:
        app = make_app(PROXY_HOPS=hops, TRUSTED_HOSTS=["fablab.example", "localhost"])

        @anyone
        def mirror() -> dict[str, Any]:
            return {"address": request.remote_addr, "url": request.url_root}

        app.add_url_rule("/mirror", "mirror", mirror)
        answer = app.test_client().get("/mirror", headers=headers)
        return answer.json if answer.status_code == 200 else {"status": answer.status_code}

    return ask


FORWARDED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "fablab.example",
}


def test_without_a_proxy_nobody_speaks_for_another(seen):
    assert seen(0, FORWARDED) == {"address": "127.0.0.1", "url": "http://localhost/"}


def test_a_proxy_of_ours_says_who_asks_and_where(seen):
    assert seen(1, FORWARDED) == {"address": "203.0.113.7", "url": "https://fablab.example/"}


def test_what_a_client_says_before_the_proxy_is_not_believed(seen):
    forged = FORWARDED | {"X-Forwarded-For": "10.0.0.1, 203.0.113.7"}

    assert seen(1, forged)["address"] == "203.0.113.7"


def test_a_proxy_cannot_bring_in_another_host(seen):
    assert seen(1, FORWARDED | {"X-Forwarded-Host": "evil.example"}) == {"status": 400}


def test_a_prefix_is_nothing_a_proxy_may_say(seen):
    assert seen(1, FORWARDED | {"X-Forwarded-Prefix": "/evil"})["url"] == "https://fablab.example/"


def test_the_style_guide_is_served_in_development_alone(make_app, monkeypatch):
    assert make_app().test_client().get("/styleguide").status_code == 404

    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = make_app()
    with app.app_context():
        page = app.test_client().get("/styleguide")

    assert page.status_code == 200
    assert "board-head" in page.text
