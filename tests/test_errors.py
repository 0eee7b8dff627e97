"""The pages of errors: in the product's look, in the reader's language, whatever is broken."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.exceptions import HTTPException, ServiceUnavailable, TooManyRequests

from fablab.access import anyone
from fablab.db import Busy, NoSuch, NotAllowed, db, writing
from fablab.machines.guards import GuardMissing
from fablab.members.models import Member
from fablab.web import ERRORS
from tests.conftest import browser, populate

CODES = [400, 403, 404, 405, 409, 413, 422, 429, 500, 503]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Any:
    """The application as it is served, with a page for each thing that goes wrong."""
    app = served(make_app("sqlite"))
    with app.app_context():
        yield app


def served(app: Flask) -> Flask:
    app.testing = False
    app.add_url_rule("/fails/<int:code>", "fails", anyone(fail))
    app.add_url_rule("/breaks/<how>", "breaks", anyone(break_down))
    return app


def fail(code: int) -> Any:
    if code == 429:
        raise TooManyRequests(retry_after=30)
    if code == 503:
        raise ServiceUnavailable(retry_after=5)
    abort(code)


def break_down(how: str) -> Any:
    if how == "sql":
        db.session.execute(text("SELECT nothing FROM nowhere"))
    if how == "dirty":
        db.session.add(Member(email="half@done.example"))
        db.session.flush()
    errors = {
        "gone": NoSuch(),
        "not theirs": NotAllowed(),
        "busy": Busy(),
        "unguarded": GuardMissing("occupancy_no_overlap"),
        "key": KeyError(1),
    }
    raise errors.get(how, RuntimeError(how))


def language(page: str) -> str:
    return re.search(r'<html lang="(\w+)"', page)[1]


def in_our_look(page: str) -> bool:
    marks = ("css/app.css?v=", 'class="header"', 'class="error-page"', 'class="footer"')
    return all(mark in page for mark in marks)


def test_every_code_that_may_happen_has_words_of_its_own():
    assert sorted(ERRORS) == CODES
    assert len({str(sentence) for _, sentence in ERRORS.values()}) == len(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_error_is_a_page_of_ours(fablab, browse, code):
    answer = browse(None).get(f"/fails/{code}")

    title, sentence = ERRORS[code]
    assert answer.status_code == code
    assert in_our_look(answer.text)
    assert f"<h1>{title}</h1>" in answer.text
    assert f"<p>{sentence}</p>" in answer.text
    assert "L&#39;Atelier" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("code", CODES)
def test_every_error_says_what_to_do_next(fablab, browse, code):
    ways = ways_of(browse("bruno").get(f"/fails/{code}").text)

    assert ("/", "Back to the planning") in ways
    assert ("/help/", "Help") in ways
    may_try = code in (409, 429, 500, 503)
    assert ((f"/fails/{code}", "Try again") in ways) is may_try


def ways_of(page: str) -> list[tuple[str, str]]:
    """Where the page of an error leads: the addresses, and the words of their buttons."""
    found = re.search(r'<div class="error-page">.*?</div>', page, re.S)[0]
    return re.findall(r'<a class="button[^>]* href="([^"]+)"><span>([^<]+)</span>', found)


def test_a_form_that_failed_leads_back_to_its_page(fablab, browse):
    referrer = {"Referer": "http://localhost/login?next=/machines/"}
    answer = browse(None).post("/login", data={}, headers=referrer)

    assert answer.status_code == 400
    assert ways_of(answer.text)[0] == ("/login?next=/machines/", "Back to the form")


def test_no_error_leads_to_another_site(fablab, browse):
    answer = browse(None).post("/login", data={}, headers={"Referer": "https://evil.example//x.y"})

    assert all(url.startswith("/") and "evil" not in url for url, _ in ways_of(answer.text))


@pytest.mark.parametrize("code", CODES)
def test_an_error_keeps_who_is_signed_in(fablab, browse, code):
    assert "Bruno Lefil" in browse("bruno").get(f"/fails/{code}").text


@pytest.mark.parametrize("code", CODES)
def test_an_error_speaks_the_readers_language(fablab, app, browse, code):
    with writing():
        db.session.get(Member, fablab.people["chloe"]).language = "en"

    visitor = app.test_client().get(f"/fails/{code}").text
    chosen = browse(None).get(f"/fails/{code}").text
    member = without_cookie(browse("chloe")).get(f"/fails/{code}").text

    assert [language(page) for page in (visitor, chosen, member)] == ["fr", "en", "en"]


def without_cookie(client: FlaskClient) -> FlaskClient:
    client.delete_cookie("language")
    return client


@pytest.mark.parametrize(("code", "words_of"), [(418, 400), (451, 400), (501, 500), (504, 500)])
def test_a_code_without_words_borrows_those_of_its_kind(fablab, browse, code, words_of):
    answer = browse(None).get(f"/fails/{code}")

    assert answer.status_code == code
    assert str(ERRORS[words_of][0]) in answer.text


def test_what_a_client_must_know_is_kept(fablab, browse):
    visitor = browse(None)

    assert visitor.get("/fails/429").headers["Retry-After"] == "30"
    assert visitor.get("/fails/503").headers["Retry-After"] == "5"
    assert set(visitor.delete("/machines/").headers["Allow"].split(", ")) == {
        "GET",
        "HEAD",
        "OPTIONS",
    }


def test_a_redirect_is_no_error(fablab, browse):
    answer = browse(None).get("/machines")

    assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/machines/")


@pytest.mark.parametrize(
    ("how", "code", "retry_after"),
    [
        ("gone", 404, None),
        ("not theirs", 403, None),
        ("busy", 503, "5"),
        ("unguarded", 503, "60"),
        ("key", 500, None),
        ("bug", 500, None),
        ("sql", 500, None),
        ("dirty", 500, None),
    ],
)
def test_what_breaks_is_answered_in_the_frame_of_the_place(fablab, browse, how, code, retry_after):
    answer = browse("bruno").get(f"/breaks/{how}")

    assert (answer.status_code, answer.headers.get("Retry-After")) == (code, retry_after)
    assert in_our_look(answer.text)
    assert "L&#39;Atelier" in answer.text
    assert "Bruno Lefil" in answer.text


def test_a_statement_that_fails_on_postgresql_leaves_a_frame_too(make_app):
    """There the whole transaction is lost with it; the frame is read in another one."""
    app = served(make_app("postgresql"))
    with app.app_context():
        populate()
        answer = browser(app, "bruno").get("/breaks/sql")

    assert answer.status_code == 500
    assert "L&#39;Atelier" in answer.text


def test_an_address_is_inert_in_the_page_of_its_error(fablab, browse):
    page = browse(None).get('/"><script>alert(1)</script>?"><script>alert(2)</script>').text

    assert "<script>alert" not in page


# -- no place yet


def test_before_a_place_is_set_up_every_page_but_the_first_says_to_come_back(app, browse):
    """The first one says how to begin: tests/test_first_use.py."""
    for address in ("/planning/", "/machines/", "/machines/laser", "/planning/2027-03-30"):
        answer = browse(None).get(address)

        assert answer.status_code == 503
        assert in_our_look(answer.text)


# -- no database


def take_away(app: Flask) -> None:
    """What a disk does: the file is there, and is no database any more."""
    db.session.remove()
    db.engine.dispose()
    Path(db.engine.url.database).write_text("nothing to read here " * 1000)


@pytest.mark.parametrize("who", [None, "bruno"])
@pytest.mark.parametrize("address", ["/", "/machines/laser", "/planning/2027-03-30"])
def test_without_its_database_a_page_is_a_503(fablab, app, browse, who, address):
    client = browse(who)
    take_away(app)

    answer = client.get(address)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert in_our_look(answer.text)
    assert "L&#39;Atelier" not in answer.text
    assert "Bruno" not in answer.text


@pytest.mark.parametrize("code", CODES)
def test_without_a_database_an_error_stays_the_same_error(fablab, app, browse, code):
    client = browse("bruno")
    take_away(app)

    answer = client.get(f"/fails/{code}")

    assert answer.status_code == code
    assert in_our_look(answer.text)
    assert language(answer.text) == "en"


def test_without_a_database_an_unknown_page_is_still_unknown(fablab, app, browse):
    client = browse("bruno")
    take_away(app)

    assert client.get("/no/such/page").status_code == 404


def test_without_a_server_every_page_is_a_503(make_app):
    app = served(make_app(DATABASE_URL="postgresql://nobody@localhost:1/none"))

    with app.app_context():
        client = app.test_client()
        for address, code in (("/", 503), ("/machines/", 503), ("/nope", 404), ("/fails/403", 403)):
            answer = client.get(address)
            assert answer.status_code == code
            assert in_our_look(answer.text)


def test_when_every_connection_is_taken_a_page_is_a_503(make_app):
    few = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.01}
    app = served(make_app(SQLALCHEMY_ENGINE_OPTIONS=few))
    with app.app_context():
        populate()
        client = browser(app, None)
        db.session.remove()
        with db.engine.connect():
            answer = client.get("/machines/")

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert in_our_look(answer.text)
        assert client.get("/machines/").status_code == 200


# -- requests that cannot be read


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "evil.example:80", "", "a b", "127.0.0.1.x"]
)
def test_a_host_that_is_not_ours_is_refused(fablab, app, host):
    answer = app.test_client().get("/", headers={"Host": host}, base_url="http://x.example")

    assert answer.status_code == 400
    assert in_our_look(answer.text)
    assert "evil" not in answer.text
    assert 'href="/machines/"' in answer.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5000", "localhost:8080"])
def test_a_host_of_ours_is_answered(fablab, app, host):
    assert app.test_client().get("/machines/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("address", "code"),
    [("/machines/a%00b", 404), ("/%00", 404), ("/machines/?q=%00", 400), ("/?place=a%00", 400)],
)
def test_an_address_with_a_nul_is_none_of_ours(fablab, browse, address, code):
    assert browse(None).get(address).status_code == code


def urlencoded(length: int) -> dict[str, Any]:
    return {"data": b"a=" + b"x" * length, "content_type": "application/x-www-form-urlencoded"}


def test_a_form_too_large_is_a_413(fablab, browse):
    answer = browse("bruno").post("/bookings/", **urlencoded(256 * 1024))

    assert answer.status_code == 413
    assert str(ERRORS[413][1]) in answer.text
    assert browse("bruno").post("/bookings/", **urlencoded(250 * 1024)).status_code == 400


def test_many_fields_are_no_way_around(fablab, browse):
    many = {"data": b"&a" * 200_000, "content_type": "application/x-www-form-urlencoded"}

    assert browse("bruno").post("/bookings/", **many).status_code == 413


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"purpose": "x" * 257 * 1024}, 413),
        ({f"field{n}": "" for n in range(501)}, 413),
        ({"purpose": "x" * 1024}, 400),  # only the token is missing
    ],
)
def test_a_form_in_parts_is_limited_too(fablab, browse, fields, code):
    answer = browse("bruno").post("/bookings/", data=fields, content_type="multipart/form-data")

    assert answer.status_code == code
    assert in_our_look(answer.text)


def test_a_body_too_large_is_refused_before_it_is_read(fablab, browse):
    answer = browse("bruno").post(
        "/bookings/",
        environ_overrides={"CONTENT_LENGTH": str(200 * 1024 * 1024)},
        content_type="multipart/form-data; boundary=x",
    )

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        {"data": b"\xff\xfe=\xff", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"--x\r\nbroken", "content_type": "multipart/form-data; boundary=x"},
        {"data": b"", "content_type": "multipart/form-data"},
        {"data": b"{", "content_type": "application/json"},
        {"data": b"csrf_token=", "content_type": "text/plain"},
    ],
)
def test_a_body_that_is_no_form_is_a_400(fablab, browse, body):
    answer = browse("bruno").post("/bookings/", **body)

    assert answer.status_code == 400
    assert in_our_look(answer.text)


# -- forms from elsewhere


def test_a_form_of_another_site_does_not_touch_who_is_signed_in(fablab, app):
    """It comes without our cookie (SameSite=Lax), and the answer's would replace it."""
    for address in ("/language", "/bookings/", "/logout", "/nowhere", "/machines/"):
        answer = app.test_client().post(address, data={"a": "b"})

        assert answer.status_code in (303, 400, 404, 405)
        assert "Set-Cookie" not in answer.headers


def test_a_form_without_its_token_changes_nothing_and_says_what_to_do(fablab, browse):
    bruno = browse("bruno")
    bruno.get("/machines/")

    answer = bruno.post("/language", data={"language": "fr"})

    assert answer.status_code == 400
    assert "This form is no longer valid" in answer.text
    assert "Bruno Lefil" in answer.text


def test_a_refused_form_leaves_those_of_other_windows_valid(fablab, browse):
    bruno = browse("bruno")
    token = token_on(bruno.get("/machines/").text)
    bruno.post("/language", data={"language": "fr", "csrf_token": "wrong"})

    answer = bruno.post("/language", data={"language": "fr", "csrf_token": token})

    assert answer.status_code == 303


def token_on(page: str) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]


def test_an_error_with_an_answer_of_its_own_keeps_it(app):
    @anyone
    def teapot() -> Any:
        raise HTTPException(response=app.response_class("short and stout", 418))

    app.add_url_rule("/teapot", "teapot", teapot)

    answer = app.test_client().get("/teapot")

    assert (answer.status_code, answer.text) == (418, "short and stout")
