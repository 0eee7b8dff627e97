"""The account of who is signed in: profile, password, address."""

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.db import db, writing
from fablab.members import commands
from fablab.members.kinds import Role
from fablab.members.models import Member
from fablab.places.models import Place
from tests.members.conftest import (
    PASSWORD,
    email_of,
    is_signed_in,
    last_link,
    log_in,
    mails,
    member,
    send,
)
from tests.support import submit

pytestmark = pytest.mark.usefixtures("fablab")

OTHER = "un autre copeau de chêne"
PROFILE = {
    "first_name": "Bruno",
    "last_name": "Lefil",
    "phone": "+33 5 11 11 11 11",
    "shares_phone": "y",
    "language": "en",
}


@pytest.fixture(autouse=True)
def bruno_has_a_password(fablab, give_password):
    give_password("bruno")


@pytest.mark.parametrize("page", ["/account/", "/account/password", "/account/email"])
def test_a_visitor_signs_in_first_and_comes_back(browse, page):
    answer = browse(None).get(page)

    assert answer.status_code == 303
    assert answer.location == f"/login?next={page}"


def test_the_profile_is_saved(browse):
    bruno = browse("bruno")

    answer = submit(bruno, "/account/", "/account/", **PROFILE)

    assert (answer.status_code, answer.location) == (303, "/account/")
    saved = member(email_of("bruno"))
    assert (saved.phone, saved.shares_phone, saved.language) == ("+33 5 11 11 11 11", True, "en")
    assert "Your profile is saved." in bruno.get("/account/").text


def test_the_telephone_is_shared_only_when_asked_for(browse):
    bruno = browse("bruno")
    submit(bruno, "/account/", "/account/", **PROFILE)

    unticked = {name: value for name, value in PROFILE.items() if name != "shares_phone"}
    submit(bruno, "/account/", "/account/", **unticked)

    assert member(email_of("bruno")).shares_phone is False


def test_the_chosen_language_wins_over_what_this_browser_showed_before(browse):
    bruno = browse("bruno")
    assert 'lang="en"' in bruno.get("/account/").text

    submit(bruno, "/account/", "/account/", **PROFILE | {"language": "en"})
    submit(bruno, "/account/", "/account/", **PROFILE | {"language": "fr"})

    assert '<html lang="fr"' in bruno.get("/account/").text


def test_the_profile_is_said_to_be_saved_in_the_language_just_chosen(browse):
    bruno = browse("bruno")

    submit(bruno, "/account/", "/account/", **PROFILE | {"language": "fr"})
    page = bruno.get("/account/").text

    assert '<html lang="fr"' in page
    assert "Votre profil est enregistré" in page


@pytest.mark.parametrize("way_out", ["/logout", "/account/sessions/sign-out"])
def test_one_is_logged_out_in_the_language_of_the_page_one_lands_on(browse, way_out):
    bruno = browse("bruno")
    submit(bruno, "/account/", "/account/", **PROFILE | {"language": "en"})

    landing = bruno.get(submit(bruno, "/account/", way_out).location).text

    assert '<html lang="fr"' in landing  # a visitor's, who has chosen none
    assert "déconnecté" in landing
    assert "You are logged out" not in landing


def test_the_teams_calendar_hears_of_a_new_name(browse, fablab):
    before = db.session.get(Place, fablab.place_id).people_revision

    submit(browse("bruno"), "/account/", "/account/", **PROFILE | {"first_name": "Brunault"})

    db.session.expire_all()
    assert db.session.get(Place, fablab.place_id).people_revision == before + 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"first_name": ""}, "first_name"),
        ({"last_name": "Le\x00fil"}, "last_name"),
        ({"last_name": "L" * 10_000}, "last_name"),
        ({"phone": "call me"}, "phone"),
        ({"phone": "٠٥ ١١ ١١ ١١"}, "phone"),
        ({"phone": "1" * 31}, "phone"),
        ({"language": "de"}, "language"),
    ],
)
def test_what_cannot_be_taken_is_told_and_nothing_saved(browse, changed, field):
    before = member(email_of("bruno"))

    answer = submit(browse("bruno"), "/account/", "/account/", **PROFILE | changed)

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert member(email_of("bruno")) == before


def test_nobody_gives_themselves_more_than_a_profile(browse, fablab):
    submit(
        browse("bruno"),
        "/account/",
        "/account/",
        **PROFILE,
        email="boss@atelier.example",
        role="administrator",
        age_band="",
        session_version="9",
        id=str(fablab.people["amina"]),
    )

    saved = member(email_of("bruno"))
    assert (saved.id, saved.session_version) == (fablab.people["bruno"], 0)
    assert not fablab.person("bruno").may_manage


def test_a_new_password_signs_out_every_device_but_this_one(browse):
    here, there = browse("bruno"), browse("bruno")

    answer = send(here, "/account/password", current=PASSWORD, password=OTHER)

    assert (answer.status_code, answer.location) == (303, "/account/")
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert log_in(browse(None), "bruno", OTHER).status_code == 303
    assert [mail.recipient for mail in mails("password_changed")] == [email_of("bruno")]


def test_a_new_password_on_a_shared_computer_leaves_it_a_shared_computer(browse):
    visitor = browse(None)
    log_in(visitor, "bruno", shared="y")

    send(visitor, "/account/password", current=PASSWORD, password=OTHER)

    with visitor.session_transaction() as kept:
        assert kept["shared"] is True
        assert not kept.permanent


def test_the_current_password_is_asked_and_guesses_are_slowed_down(browse):
    bruno = browse("bruno")

    for page in ("/account/password", "/account/email", "/account/password"):
        answer = send(bruno, page, current="wrong", password=OTHER, email="bruno@elsewhere.example")
        assert answer.status_code == 422
        assert "This is not your password." in answer.text
    for _ in range(2):
        send(bruno, "/account/password", current="wrong", password=OTHER)

    assert send(bruno, "/account/password", current=PASSWORD, password=OTHER).status_code == 429
    assert log_in(browse(None), "bruno", OTHER).status_code == 429
    assert mails() == []


def test_a_weak_password_is_refused_before_the_current_one_is_asked(browse):
    answer = send(
        browse("bruno"), "/account/password", current="wrong", password="bruno lefil 2027"
    )

    assert answer.status_code == 422
    assert "your own name or address" in answer.text
    assert "This is not your password." not in answer.text


def test_a_link_asked_for_before_does_not_undo_the_password_just_chosen(browse):
    bruno = browse("bruno")
    send(bruno, "/password/forgotten", email=email_of("bruno"))
    send(bruno, "/account/email", current=PASSWORD, email="bruno@elsewhere.example")

    send(bruno, "/account/password", current=PASSWORD, password=OTHER)

    assert bruno.get(last_link("reset")).status_code == 404
    assert bruno.get(last_link("new_email")).status_code == 404


def test_a_new_address_is_proven_before_it_is_used(browse):
    here, there = browse("bruno"), browse("bruno")

    asked = send(here, "/account/email", current=PASSWORD, email="Bruno@Elsewhere.example")
    assert (asked.status_code, asked.location) == (303, "/account/")
    assert {mail.kind: mail.recipient for mail in mails()} == {
        "email_changing": email_of("bruno"),
        "new_email": "bruno@elsewhere.example",
    }
    link = last_link("new_email")
    assert "bruno@elsewhere.example" in here.get(link).text
    assert member(email_of("bruno"))
    done = send(here, link)

    assert (done.status_code, done.location) == (303, "/account/")
    assert member(email_of("bruno")) is None
    assert "bruno@elsewhere.example" in here.get("/account/").text
    assert not is_signed_in(there)
    assert mails("email_changed")[0].recipient == email_of("bruno")
    assert here.get(link).status_code == 404


def test_the_link_works_in_a_browser_that_is_not_signed_in_and_signs_nobody_in(browse):
    send(browse("bruno"), "/account/email", current=PASSWORD, email="bruno@elsewhere.example")
    visitor = browse(None)

    answer = send(visitor, last_link("new_email"))

    assert answer.status_code == 303
    assert member("bruno@elsewhere.example")
    assert not is_signed_in(visitor)


def test_the_link_leaves_somebody_else_signed_in_as_they_are(browse):
    send(browse("bruno"), "/account/email", current=PASSWORD, email="bruno@elsewhere.example")
    chloe = browse("chloe")

    send(chloe, last_link("new_email"))

    assert "Chloé Navette" in chloe.get("/account/").text


def test_the_link_works_for_a_day(browse, at):
    bruno = browse("bruno")
    send(bruno, "/account/email", current=PASSWORD, email="bruno@elsewhere.example")

    at("2027-03-30 08:59")
    assert bruno.get(last_link("new_email")).status_code == 200
    at("2027-03-30 09:00")
    assert bruno.get(last_link("new_email")).status_code == 404


def test_an_address_taken_meanwhile_stays_with_who_was_faster(browse):
    bruno = browse("bruno")
    send(bruno, "/account/email", current=PASSWORD, email="bruno@elsewhere.example")
    with writing() as session:
        session.execute(
            update(Member)
            .where(Member.email == "chloe@atelier.example")
            .values(email="bruno@elsewhere.example")
        )

    answer = send(bruno, last_link("new_email"))

    assert answer.status_code == 303
    assert "another account has this address" in bruno.get("/account/").text
    assert member(email_of("bruno"))


def test_a_registration_that_nobody_proved_gives_way_to_who_proves_the_address(browse):
    send(
        browse(None),
        "/register",
        first_name="Eve",
        last_name="Ombre",
        email="bruno@elsewhere.example",
        password=OTHER,
    )
    bruno = browse("bruno")
    send(bruno, "/account/email", current=PASSWORD, email="bruno@elsewhere.example")

    send(bruno, last_link("new_email"))

    assert member("bruno@elsewhere.example").first_name == "Bruno"


def test_the_address_one_has_is_no_new_one(browse):
    answer = send(
        browse("bruno"), "/account/email", current=PASSWORD, email="BRUNO@atelier.example"
    )

    assert answer.status_code == 422
    assert "This is the address you have now." in answer.text
    assert mails() == []


def test_a_new_address_cannot_be_asked_for_without_end(browse, at):
    bruno = browse("bruno")
    answers = [
        send(bruno, "/account/email", current=PASSWORD, email="victim@elsewhere.example")
        for _ in range(4)
    ]

    assert [answer.status_code for answer in answers] == [303, 303, 303, 429]
    assert len(mails("new_email")) == 3


def test_the_command_line_makes_a_proven_account_and_proves_one_that_was_not(fablab):
    commands.register(
        "dora@atelier.example",
        "Dora",
        "Mèche",
        PASSWORD,
        language="fr",
        address="192.0.2.1",
        now=clock.now(),
    )

    commands.create_account(
        "Dora@Atelier.example",
        "Dora",
        "Mèche",
        OTHER,
        place_id=fablab.place_id,
        roles={Role.FABMANAGER},
        now=clock.now(),
    )

    found = commands.sign_in("dora@atelier.example", OTHER, address="192.0.2.1", now=clock.now())
    assert found.member_id == member("dora@atelier.example").id
