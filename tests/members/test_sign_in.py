"""Signing in and out: by the form, on both sides of the throttle, and what a session is worth."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.db import db, writing
from fablab.members import commands, passwords, sessions
from fablab.members.models import Attempt, EndedSession, Member
from tests.conftest import Browser
from tests.members.conftest import (
    PASSWORD,
    REAL_HASHER,
    email_of,
    is_signed_in,
    log_in,
    mails,
    member,
    send,
)
from tests.support import counting, submit

pytestmark = pytest.mark.usefixtures("fablab")


@pytest.fixture(autouse=True)
def bruno_has_a_password(fablab, give_password):
    give_password("bruno")


def copy_of(client, app):
    """Another browser that holds the same cookie."""
    other = Browser(app, app.response_class)
    other.set_cookie("session", client.get_cookie("session").value)
    return other


def test_whoever_knows_the_password_is_let_in(browse):
    visitor = browse(None)

    answer = log_in(visitor, "bruno")

    assert (answer.status_code, answer.location) == (303, "/")
    assert "Bruno Lefil" in visitor.get("/account/").text


def test_the_address_may_be_typed_in_capitals_and_with_spaces(browse):
    visitor = browse(None)

    answer = send(visitor, "/login", email="  Bruno@Atelier.EXAMPLE ", password=PASSWORD)

    assert answer.status_code == 303


def test_a_password_typed_with_another_form_of_the_same_letters_is_the_same(browse):
    visitor = browse(None)

    assert "ê" in PASSWORD
    assert log_in(visitor, "bruno", PASSWORD.replace("ê", "e\u0302")).status_code == 303


def test_a_wrong_password_says_so_and_keeps_the_address(browse):
    visitor = browse(None)

    answer = log_in(visitor, "bruno", "un copeau de sapin")

    assert answer.status_code == 422
    assert "<title>Error: Log in" in answer.text
    assert "No account has this address and this password." in answer.text
    assert 'value="bruno@atelier.example"' in answer.text
    assert "un copeau de sapin" not in answer.text
    assert not is_signed_in(visitor)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("", PASSWORD),
        ("bruno@atelier.example", ""),
        ("bruno", PASSWORD),
        ("bruno@atelier.example\r\nBcc: a@b.example", PASSWORD),
        ("bruno\x00@atelier.example", PASSWORD),
        ("bruno\u202e@atelier.example", PASSWORD),
        ("b" * 10_000 + "@atelier.example", PASSWORD),
        ("bruno@atelier.example", "x" * 10_000),
    ],
)
def test_odd_input_is_a_field_error_and_no_try(browse, email, password):
    answer = send(browse(None), "/login", email=email, password=password)

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert db.session.scalar(select(Attempt.id)) is None


def test_a_password_of_odd_characters_is_simply_wrong(browse):
    answer = log_in(browse(None), "bruno", "\x00\u202e٣٤٥\ud7ff\n")

    assert answer.status_code == 422


def test_the_sixth_wrong_password_in_a_row_has_to_wait(browse, at):
    visitor = browse(None)
    for _ in range(5):
        assert log_in(visitor, "bruno", "wrong").status_code == 422

    answer = log_in(visitor, "bruno")

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    assert "Try again in 1 second" in answer.text
    assert 'href="/password/forgotten' in answer.text


def test_after_the_wait_the_right_password_opens_and_wipes_the_count(browse, monkeypatch):
    visitor = browse(None)
    for _ in range(5):
        log_in(visitor, "bruno", "wrong")
    later = clock.now() + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert log_in(visitor, "bruno").status_code == 303
    assert db.session.scalar(select(Attempt.id)) is None


def test_after_25_wrong_passwords_the_owner_still_has_a_way_in_by_mail(browse, at):
    for number in range(25):
        at(f"2027-03-29 {9 + number // 4:02}:{15 * (number % 4):02}")
        log_in(browse(None), "bruno", "wrong")
    at("2027-03-29 16:00")
    visitor = browse(None)
    assert log_in(visitor, "bruno").status_code == 429

    send(visitor, "/password/forgotten", email=email_of("bruno"))
    link = re.search(r"/password/reset/\S+", mails("reset")[-1].text)[0]
    send(visitor, link, password="un autre copeau de chêne")

    assert log_in(visitor, "bruno", "un autre copeau de chêne").status_code == 303


@pytest.mark.parametrize("state", ["unproven", "erased", "without a password"])
def test_an_account_that_may_not_be_entered_is_not(browse, state):
    changes = {
        "unproven": {"confirmed_at": None},
        "erased": {"erased_at": clock.now()},
        "without a password": {"password_hash": None},
    }
    with writing() as session:
        session.execute(
            Member.__table__.update()
            .where(Member.__table__.c.email == email_of("bruno"))
            .values(**changes[state])
        )
    visitor = browse(None)

    log_in(visitor, "bruno")

    assert not is_signed_in(visitor)


def test_the_right_password_of_an_unproven_account_sends_the_link_again(browse):
    with writing() as session:
        session.execute(
            Member.__table__.update()
            .where(Member.__table__.c.email == email_of("bruno"))
            .values(confirmed_at=None)
        )
    visitor = browse(None)

    answer = log_in(visitor, "bruno")

    assert (answer.status_code, answer.location) == (303, "/register/sent")
    assert [mail.recipient for mail in mails("confirm")] == [email_of("bruno")]


def test_signing_in_begins_a_new_session(browse, app):
    visitor = browse(None)
    visitor.get("/login")
    planted = visitor.get_cookie("session").value

    log_in(visitor, "bruno")

    assert is_signed_in(visitor)
    attacker = Browser(app, app.response_class)
    attacker.set_cookie("session", planted)
    assert not is_signed_in(attacker)


def test_no_two_sessions_have_the_same_key(browse):
    keys = set()
    for _ in range(2):
        visitor = browse(None)
        log_in(visitor, "bruno")
        with visitor.session_transaction() as kept:
            keys.add(kept["key"])

    assert len(keys) == 2


def test_the_forms_of_before_do_not_work_in_the_new_session(browse):
    visitor = browse(None)
    before = re.search(r'name="csrf_token"[^>]*value="([^"]+)', visitor.get("/login").text)[1]
    log_in(visitor, "bruno")

    answer = visitor.post("/account/sessions/sign-out", data={"csrf_token": before})

    assert answer.status_code == 400
    assert is_signed_in(visitor)


def test_logging_out_makes_every_copy_of_the_cookie_worthless(browse, app):
    visitor = browse(None)
    log_in(visitor, "bruno")
    copy = copy_of(visitor, app)
    assert is_signed_in(copy)

    answer = submit(visitor, "/account/", "/logout")

    assert (answer.status_code, answer.location) == (303, "/")
    assert not is_signed_in(visitor)
    assert not is_signed_in(copy)


def test_logging_out_leaves_the_other_devices_alone(browse):
    here, there = browse(None), browse(None)
    log_in(here, "bruno")
    log_in(there, "bruno")

    submit(here, "/account/", "/logout")

    assert is_signed_in(there)


def test_logging_out_twice_at_once_is_logging_out(browse, app):
    visitor = browse("bruno")
    with visitor.session_transaction() as kept:
        ended = sessions.read(kept)
    for _ in range(2):
        commands.sign_out(ended.key_hash, ended.ends_at)

    assert not is_signed_in(visitor)


def test_logging_out_without_being_in_changes_nothing(browse):
    answer = submit(browse(None), "/login", "/logout")

    assert (answer.status_code, answer.location) == (303, "/")
    assert db.session.scalar(select(EndedSession.key_hash)) is None


def test_a_visit_by_address_logs_nobody_out(browse):
    bruno = browse("bruno")

    assert bruno.get("/logout").status_code == 405
    assert is_signed_in(bruno)


def test_logging_out_on_every_device_ends_every_session(browse, app):
    here, there = browse(None), browse(None)
    log_in(here, "bruno")
    log_in(there, "bruno")

    answer = submit(here, "/account/", "/account/sessions/sign-out")

    assert (answer.status_code, answer.location) == (303, "/login")
    assert not is_signed_in(here)
    assert not is_signed_in(there)


def test_who_is_signed_in_and_that_they_still_are_costs_one_statement(browse, app):
    bruno = browse("bruno")
    bruno.get("/account/")

    with counting(db.engine) as statements:
        bruno.get("/login")

    assert len([each for each in statements if "FROM member" in each]) == 1
    assert len([each for each in statements if "ended_session" in each]) == 1
    assert len(statements) == 1


def test_a_session_ends_after_two_weeks_without_a_visit(browse, at):
    bruno = browse("bruno")

    at("2027-04-12 08:59")
    assert is_signed_in(bruno)
    at("2027-04-26 08:59")
    assert not is_signed_in(bruno)


def test_a_session_ends_after_thirty_days_however_used(browse, at):
    bruno = browse("bruno")
    for day in ("2027-04-09", "2027-04-19"):
        at(f"{day} 09:00")
        assert is_signed_in(bruno)

    at("2027-04-28 08:59")
    assert is_signed_in(bruno)
    at("2027-04-28 09:00")
    assert not is_signed_in(bruno)


def test_a_shared_computer_is_signed_out_after_half_an_hour(browse, at):
    visitor = browse(None)
    log_in(visitor, "bruno", shared="y")

    at("2027-03-29 09:29")
    assert is_signed_in(visitor)
    at("2027-03-29 09:59")
    assert not is_signed_in(visitor)


def test_a_shared_computer_is_signed_out_after_eight_hours_however_used(browse, at):
    visitor = browse(None)
    log_in(visitor, "bruno", shared="y")
    for minutes in range(20, 8 * 60, 20):
        at(f"2027-03-29 {9 + minutes // 60:02}:{minutes % 60:02}")
        assert is_signed_in(visitor)

    at("2027-03-29 17:00")
    assert not is_signed_in(visitor)


def test_the_cookie_of_a_shared_computer_goes_with_the_browser(browse):
    mine, shared = browse(None), browse(None)

    kept = log_in(mine, "bruno").headers["Set-Cookie"]
    passing = log_in(shared, "bruno", shared="y").headers["Set-Cookie"]

    assert "Expires=" in kept
    assert "Expires=" not in passing


def test_the_cookie_is_written_anew_now_and_then_only(browse, at):
    bruno = browse("bruno")
    bruno.get("/account/email")

    at("2027-03-30 09:00")
    assert "Set-Cookie" not in bruno.get("/account/email").headers
    at("2027-03-31 09:00")
    assert "Set-Cookie" in bruno.get("/account/email").headers
    assert "Set-Cookie" not in bruno.get("/account/email").headers


def test_an_ended_session_is_forgotten_by_the_browser_too(browse, at):
    bruno = browse("bruno")
    at("2027-05-30 09:00")

    bruno.get("/account/")

    with bruno.session_transaction() as kept:
        assert "_user_id" not in kept
        assert "key" not in kept


@pytest.mark.parametrize("lacking", ["key", "began", "seen", "shared"])
def test_a_cookie_of_an_earlier_version_signs_nobody_in(browse, lacking):
    bruno = browse("bruno")
    with bruno.session_transaction() as kept:
        del kept[lacking]

    assert not is_signed_in(bruno)


def test_the_cookie_is_kept_from_scripts_and_other_sites(browse):
    cookie = log_in(browse(None), "bruno").headers["Set-Cookie"]

    assert cookie.startswith("session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


def test_over_https_the_cookie_is_bound_to_the_host_and_to_https(make_app):
    app = make_app("sqlite", BASE_URL="https://booking.example")
    visitor = app.test_client()

    with app.app_context():
        cookie = visitor.get("/login", base_url="https://booking.example").headers["Set-Cookie"]

    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_a_password_kept_under_older_parameters_is_kept_anew(browse, monkeypatch):
    monkeypatch.setattr(passwords, "hasher", REAL_HASHER)
    assert "m=8," in member(email_of("bruno")).password_hash

    assert log_in(browse(None), "bruno").status_code == 303

    kept = member(email_of("bruno")).password_hash
    assert kept.startswith("$argon2id$")
    assert "m=47104,t=1" in kept
    assert passwords.matches(kept, PASSWORD)


def test_the_page_leads_to_registering_and_to_a_forgotten_password_with_where_to_go(browse):
    page = browse(None).get("/login?next=/bookings/").text

    assert 'href="/register?next=/bookings/"' in page
    assert 'href="/password/forgotten?next=/bookings/"' in page
    assert 'name="next" value="/bookings/"' in page


def test_whoever_is_signed_in_already_is_sent_on(browse):
    bruno = browse("bruno")

    assert bruno.get("/login?next=/machines/").location == "/machines/"
    assert bruno.get("/register?next=/machines/").location == "/machines/"
    assert bruno.get("/login?next=//evil.example").location == "/"


def test_the_place_is_named_on_the_page(browse):
    assert "L&#39;Atelier" in browse(None).get("/login").text


def test_the_demonstration_tells_its_accounts_and_real_places_do_not(make_app, browse):
    demo = make_app("sqlite", DEMO=True)
    with demo.app_context():
        told = demo.test_client().get("/login").text
        chosen = demo.test_client().get("/login?email=noa.perrinelle@filplomb.example").text

    assert "demo-les-usines" in told
    for who in ("camille.aubrelle", "noa.perrinelle", "sasha.guerivaud", "andrea.tilleraye"):
        assert who in told
    assert 'value="noa.perrinelle@filplomb.example"' in chosen
    assert "demo-les-usines" not in browse(None).get("/login").text
    assert 'value="a@b.example"' not in browse(None).get("/login?email=a@b.example").text


def test_the_page_is_kept_by_nobody_once_somebody_is_signed_in(browse):
    visitor = browse(None)
    log_in(visitor, "bruno")

    assert visitor.get("/account/").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("address", "is_told"),
    [
        ("/bookings/new?machine=laser&day=2027-03-30&start=10:00&end=11:00", True),
        ("/bookings/new", False),
        ("/bookings/", False),
        ("//evil.example/bookings/new?start=10:00", False),
        ("", False),
    ],
)
def test_who_chose_a_slot_is_told_why_to_log_in(browse, address, is_told):
    page = browse(None).get("/login", query_string={"next": address}).text

    assert ("Log in to book this slot; you come back to it afterwards." in page) is is_told


def test_who_is_invited_finds_their_address_in_the_form(browse):
    page = browse(None).get("/register?next=/bookings/&email=zoe%40atelier.example").text

    assert 'value="zoe@atelier.example"' in page
