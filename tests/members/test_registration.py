"""Opening an account: the form, the mail, the link."""

import pytest

from fablab import clock
from fablab.db import db, writing
from fablab.members import commands
from fablab.members.kinds import LinkPurpose
from fablab.members.models import Member, Membership
from tests.members.conftest import (
    PASSWORD,
    is_signed_in,
    last_link,
    link_in,
    mails,
    member,
    send,
)

pytestmark = pytest.mark.usefixtures("fablab")

DORA = {
    "first_name": "Dora",
    "last_name": "Mèche",
    "email": "dora@atelier.example",
    "password": PASSWORD,
}


def test_from_the_form_to_being_signed_in_where_one_wanted_to_go(browse):
    visitor = browse(None)

    sent = send(visitor, "/register?next=/machines/", **DORA)
    assert (sent.status_code, sent.location) == (303, "/register/sent")
    told = visitor.get("/register/sent").text
    assert "A mail is on its way" in told
    assert "records your membership" in told
    assert not is_signed_in(visitor)

    link = last_link("confirm")
    assert "Confirm and log in" in visitor.get(link).text
    assert member("dora@atelier.example").confirmed_at is None
    done = send(visitor, link)

    assert (done.status_code, done.location) == (303, "/machines/")
    assert member("dora@atelier.example").confirmed_at == clock.now()
    with visitor.session_transaction() as kept:
        assert not {"next", "registered", "csrf_token"} & set(kept)
    account = visitor.get("/account/").text
    assert "Dora Mèche" in account
    assert "yet to record your membership" in account


def test_another_browser_has_to_know_the_password_as_well(browse):
    send(browse(None), "/register", **DORA)
    telephone, link = browse(None), last_link("confirm")

    assert 'name="password"' in telephone.get(link).text
    assert send(telephone, link).status_code == 422
    wrong = send(telephone, link, password="un copeau de sapin")
    assert wrong.status_code == 422
    assert "This is not the password that was chosen." in wrong.text
    assert member("dora@atelier.example").confirmed_at is None

    assert send(telephone, link, password=PASSWORD).status_code == 303
    assert is_signed_in(telephone)


def test_guessing_at_the_password_of_a_link_is_slowed_down(browse):
    send(browse(None), "/register", **DORA)
    thief, link = browse(None), last_link("confirm")
    for _ in range(5):
        send(thief, link, password="un copeau de sapin")

    assert send(thief, link, password=PASSWORD).status_code == 429


def test_a_stranger_who_registers_somebodys_address_gets_nothing_of_their_click(browse):
    stranger, dora = browse(None), browse(None)
    send(dora, "/register", **DORA)
    send(stranger, "/register", **DORA | {"password": "le mot du voisin curieux"})

    first, second = (link_in(mail) for mail in mails("confirm"))
    assert dora.get(first).status_code == 404
    answer = send(dora, second, password=PASSWORD)

    assert answer.status_code == 422
    assert member("dora@atelier.example").confirmed_at is None


def test_a_link_works_once(browse):
    visitor = browse(None)
    send(visitor, "/register", **DORA)
    link = last_link("confirm")
    send(visitor, link)

    again = browse(None)
    assert again.get(link).status_code == 404
    assert send(again, "/login", link).status_code == 404


def test_a_link_works_for_seven_days(browse, at):
    visitor = browse(None)
    send(visitor, "/register", **DORA)
    link = last_link("confirm")

    at("2027-04-05 08:59")
    assert visitor.get(link).status_code == 200
    at("2027-04-05 09:00")
    assert visitor.get(link).status_code == 404
    assert send(visitor, "/login", link).status_code == 404
    assert member("dora@atelier.example").confirmed_at is None


def test_opening_the_link_acts_on_nothing_and_is_kept_from_others(browse):
    visitor = browse(None)
    send(visitor, "/register", **DORA)

    page = visitor.get(last_link("confirm"))

    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert member("dora@atelier.example").confirmed_at is None
    with visitor.session_transaction() as kept:
        assert "_user_id" not in kept


def test_a_link_acts_over_https_where_no_referrer_is_sent(make_app, at):
    app = make_app("sqlite", BASE_URL="https://booking.example")
    here = {"base_url": "https://booking.example"}
    with app.app_context():
        secret = commands.register(
            *(DORA[name] for name in ("email", "first_name", "last_name", "password")),
            language="en",
            address="192.0.2.1",
            now=clock.now(),
        )
        assert secret
        visitor = app.test_client()
        link = mails("confirm")[0].text.split("https://booking.example")[1].split()[0]
        token = visitor.get(link, **here).text.split('name="csrf_token"')[1].split('value="')[1]

        answer = visitor.post(
            link, data={"csrf_token": token.split('"')[0], "password": PASSWORD}, **here
        )

    assert answer.status_code == 303


@pytest.mark.parametrize(
    "link",
    [
        "/register/confirm/unknown",
        "/register/confirm/" + "x" * 5000,
        "/register/confirm/%0D%0A",
        "/register/confirm/%E2%80%AE",
        "/password/reset/unknown",
        "/account/email/unknown",
    ],
)
def test_a_link_that_is_none_says_so_the_same_way(browse, link):
    answer = browse(None).get(link)

    assert answer.status_code == 404
    assert "This link no longer works" in answer.text


def test_a_link_of_one_kind_opens_no_other(browse):
    visitor = browse(None)
    send(visitor, "/register", **DORA)
    secret = last_link("confirm").rpartition("/")[2]

    assert visitor.get(f"/password/reset/{secret}").status_code == 404
    assert visitor.get(f"/account/email/{secret}").status_code == 404


def test_only_the_hash_of_a_secret_is_kept(browse):
    send(browse(None), "/register", **DORA)
    secret = last_link("confirm").rpartition("/")[2]

    rows = db.session.execute(db.text("SELECT * FROM mailed_link")).all()
    assert secret not in str(rows)
    assert commands.digest(secret) in str(rows)
    assert commands.find_link(secret, LinkPurpose.CONFIRM, clock.now())


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"first_name": ""}, "first_name", "Tell us your first name."),
        ({"last_name": "   "}, "last_name", "Tell us your last name."),
        ({"last_name": "M\u202eèche"}, "last_name", "characters that nobody can see"),
        ({"last_name": "Mèche\r\nBcc: a@b.example"}, "last_name", "that nobody can see"),
        ({"first_name": "D" * 81}, "first_name", "80 characters at most."),
        ({"email": "dora"}, "email", "This is no mail address."),
        ({"email": "dora@atelier"}, "email", "This is no mail address."),
        ({"email": "dôra@atelier.example"}, "email", "This is no mail address."),
        ({"email": "٣@atelier.example"}, "email", "This is no mail address."),
        ({"email": "d" * 250 + "@atelier.example"}, "email", "This is no mail address."),
        ({"email": '"dora mèche"@atelier.example'}, "email", "This is no mail address."),
        ({"password": "trop court"}, "password", "Use 12 characters or more"),
        ({"password": "x" * 10_000}, "password", "Use 128 characters at most."),
        ({"password": "azertyuiop123"}, "password", "the first that anyone would try"),
        ({"password": "Dora-Meche-2027"}, "password", "your own name or address"),
    ],
)
def test_what_cannot_be_taken_is_told_at_its_field_and_the_rest_kept(
    browse, changed, field, sentence
):
    answer = send(browse(None), "/register", **DORA | changed)

    assert answer.status_code == 422
    assert "<title>Error: Open an account" in answer.text
    wrong = answer.text.split(f'id="{field}-error"')[1].split("</p>")[0]
    assert sentence in wrong
    for name in {"first_name", "last_name", "email"} - {field}:
        assert f'value="{DORA[name]}"' in answer.text
    assert member("dora@atelier.example") is None
    assert mails() == []


def test_an_address_of_another_script_is_kept_as_the_network_writes_it(browse):
    send(browse(None), "/register", **DORA | {"email": "Dora@Bücher.example"})

    assert member("dora@xn--bcher-kva.example")
    assert mails("confirm")[0].recipient == "dora@xn--bcher-kva.example"


def test_nobody_registers_with_more_than_the_form_asks(browse):
    send(browse(None), "/register", **DORA, confirmed_at="2027-01-01", role="administrator", id="1")

    made = member("dora@atelier.example")
    assert made.confirmed_at is None
    memberships = db.select(Membership.id).where(Membership.member_id == made.id)
    assert db.session.execute(memberships).all() == []


def test_an_account_that_staff_made_is_not_registered_over(browse):
    with writing() as session:
        session.execute(
            Member.__table__.update()
            .where(Member.__table__.c.email == "chloe@atelier.example")
            .values(confirmed_at=None, password_hash=None)
        )

    send(browse(None), "/register", **DORA | {"email": "chloe@atelier.example"})

    assert member("chloe@atelier.example").first_name == "Chloé"
    assert member("chloe@atelier.example").password_hash is None
    assert [mail.kind for mail in mails()] == ["already_registered"]


def test_nobody_has_mails_sent_without_end_to_a_stranger(browse):
    for _ in range(3):
        assert send(browse(None), "/register", **DORA).status_code == 303

    answer = send(browse(None), "/register", **DORA)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3600"
    assert "ask again in 1 h" in answer.text
    assert len(mails()) == 3


def test_nobody_has_mails_sent_without_end_to_many_strangers(browse):
    answers = [
        send(browse(None), "/register", **DORA | {"email": f"{number}@b.example"}).status_code
        for number in range(25)
    ]

    assert answers.count(303) == len(mails()) == 20
    assert set(answers[20:]) == {429}


def test_the_mail_repeats_nothing_that_was_typed(browse):
    send(
        browse(None), "/register", **DORA | {"first_name": "Buy at evil.example", "last_name": "X"}
    )

    mail = mails("confirm")[0]
    assert "evil" not in mail.text + mail.html + mail.subject


def test_the_mail_names_the_place_says_why_and_never_the_host_of_the_request(browse):
    visitor = browse(None)
    page = visitor.get("/register").text
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]

    visitor.post("/register", data={**DORA, "csrf_token": token}, headers={"Host": "localhost"})

    mail = mails("confirm")[0]
    assert mail.subject == "L'Atelier: confirm your address"
    assert "You get this mail because" in mail.text
    assert "http://127.0.0.1:5000/register/confirm/" in mail.text
    assert "localhost" not in mail.text + mail.html
