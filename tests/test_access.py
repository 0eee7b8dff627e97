"""The doors: who is let through, and where the others are sent."""

import re

import pytest
from flask import Flask

from fablab import access
from tests.members.conftest import send
from tests.support import submit

pytestmark = pytest.mark.usefixtures("fablab")


@pytest.fixture
def doors(app: Flask) -> None:
    """One page behind each right, one behind none."""

    def page() -> str:
        return "inside"

    for name, declare in {
        "anyone": access.anyone,
        "members": access.members_only,
        "team": access.team_only,
        "forgotten": lambda view: view,
    }.items():
        view = declare(lambda: page())
        app.add_url_rule(f"/doors/{name}", f"door_{name}", view, methods=["GET", "POST"])


@pytest.mark.parametrize(
    ("who", "let_in"),
    [
        (None, {"anyone"}),
        ("bruno", {"anyone", "members"}),
        ("amina", {"anyone", "members", "team"}),
    ],
)
@pytest.mark.usefixtures("doors")
def test_each_right_opens_its_doors_and_no_right_opens_what_declares_none(browse, who, let_in):
    client = browse(who)

    opened = {
        door
        for door in ("anyone", "members", "team", "forgotten")
        if client.get(f"/doors/{door}").status_code == 200
    }

    assert opened == let_in


@pytest.mark.usefixtures("doors")
def test_who_is_signed_in_without_the_right_is_told_so(browse):
    assert browse("bruno").get("/doors/team").status_code == 403
    assert browse("amina").get("/doors/forgotten").status_code == 403


@pytest.mark.usefixtures("doors")
def test_a_visitor_is_sent_to_sign_in_and_back_to_the_page(browse):
    answer = browse(None).get("/doors/members?day=2027-03-30&q=bois%20massif")

    assert answer.status_code == 303
    assert answer.location.startswith("/login?next=/doors/members?day%3D2027-03-30%26q%3Dbois")


@pytest.mark.usefixtures("doors")
def test_what_a_visitor_sent_is_not_done_and_they_are_sent_back_to_the_form(browse):
    visitor = browse(None)

    answer = visitor.post("/doors/members", headers={"Referer": "http://localhost/machines/?q=x"})

    assert answer.status_code == 303
    assert answer.location == "/login?next=/machines/?q%3Dx"


@pytest.mark.parametrize("referrer", ["", "http://[evil", "no address at all", "about:blank"])
@pytest.mark.usefixtures("doors")
def test_a_form_from_nowhere_leads_to_signing_in(browse, referrer):
    answer = browse(None).post("/doors/members", headers={"Referer": referrer})

    assert answer.status_code == 303
    assert answer.location.startswith("/login")


@pytest.mark.usefixtures("doors")
def test_after_signing_in_one_is_where_one_wanted_to_be(browse, app):
    from fablab.db import writing
    from fablab.members import passwords
    from fablab.members.models import Member

    with writing() as session:
        session.execute(
            Member.__table__.update().values(password_hash=passwords.hashed("un copeau de chêne"))
        )
    visitor = browse(None)
    page = visitor.get("/doors/members?day=2027-03-30&view=list").location

    answer = send(
        visitor, page, "/login", email="bruno@atelier.example", password="un copeau de chêne"
    )

    assert answer.location == "/doors/members?day=2027-03-30&view=list"


def test_a_page_that_does_not_exist_is_not_behind_a_door(browse):
    assert browse(None).get("/no/such/page").status_code == 404


def test_the_session_says_nothing_of_the_browser_it_began_in(browse):
    bruno = browse("bruno")
    bruno.get("/account/")

    with bruno.session_transaction() as kept:
        assert not {"_id", "_fresh"} & set(kept)
    answer = bruno.get("/account/", headers={"User-Agent": "another"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_no_remember_me_cookie_signs_anybody_in(browse, fablab):
    from flask_login.utils import encode_cookie

    visitor = browse(None)
    visitor.set_cookie("remember_token", encode_cookie(f"{fablab.people['bruno']}.0"))

    assert visitor.get("/account/").status_code == 303


def test_signing_out_needs_the_token_of_the_form(browse):
    bruno = browse("bruno")

    assert bruno.post("/logout").status_code == 400
    assert bruno.get("/account/").status_code == 200
    assert submit(bruno, "/account/", "/logout").status_code == 303


def login_link(page: str) -> str:
    return re.search(r'href="(/login[^"]*)"', page)[1]


def test_whoever_scans_a_label_signs_in_and_is_back_at_the_machine(browse):
    page = browse(None).get("/machines/bench?length=120").text

    assert login_link(page) == "/login?next=/machines/bench?length%3D120"
    assert "Log in to say that you are here, to book or to report a fault" in page
    assert "to report a fault</a>" not in browse("bruno").get("/machines/bench").text


def test_the_pages_of_signing_in_lead_where_they_were_asked_to(browse):
    visitor = browse(None)

    assert login_link(visitor.get("/login").text) == "/login"
    assert login_link(visitor.get("/register?next=/machines/bench").text) == (
        "/login?next=/machines/bench"
    )
    assert login_link(visitor.get("/nowhere").text) == "/login"
    assert login_link(visitor.post("/login", data={"email": "x"}).text) == "/login"
