"""A forgotten password: the form, the mail, the link."""

import pytest

from tests.members.conftest import (
    PASSWORD,
    email_of,
    is_signed_in,
    last_link,
    link_in,
    log_in,
    mails,
    member,
    send,
)

pytestmark = pytest.mark.usefixtures("fablab")

OTHER = "un autre copeau de chêne"


def ask(client, who="bruno", page="/password/forgotten"):
    return send(client, page, email=email_of(who))


def test_from_the_form_to_the_new_password_and_where_one_wanted_to_go(browse, give_password):
    give_password("bruno")
    visitor, elsewhere = browse(None), browse("bruno")

    sent = ask(visitor, page="/password/forgotten?next=/bookings/")
    assert (sent.status_code, sent.location) == (303, "/password/forgotten/sent")
    assert "A mail is on its way" in visitor.get("/password/forgotten/sent").text
    done = send(visitor, last_link("reset"), password=OTHER)

    assert (done.status_code, done.location) == (303, "/login?next=/bookings/")
    assert log_in(visitor, "bruno", PASSWORD).status_code == 422
    assert log_in(visitor, "bruno", OTHER).status_code == 303
    assert not is_signed_in(elsewhere)


def test_the_owner_is_told_that_the_password_changed(browse):
    visitor = browse(None)
    ask(visitor)
    send(visitor, last_link("reset"), password=OTHER)

    assert [mail.recipient for mail in mails("password_changed")] == [email_of("bruno")]


def test_opening_the_link_changes_nothing(browse, give_password):
    give_password("bruno")
    visitor = browse(None)
    ask(visitor)
    before = member(email_of("bruno"))

    page = visitor.get(last_link("reset"))

    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "12 characters or more" in page.text
    assert member(email_of("bruno")) == before


def test_a_link_works_once_and_for_an_hour(browse, at):
    visitor = browse(None)
    ask(visitor)
    link = last_link("reset")

    at("2027-03-29 09:59")
    assert visitor.get(link).status_code == 200
    at("2027-03-29 10:00")
    assert visitor.get(link).status_code == 404
    at("2027-03-29 09:59")
    send(visitor, link, password=OTHER)
    assert visitor.get(link).status_code == 404
    assert send(visitor, "/login", link, password=PASSWORD).status_code == 404


def test_only_the_newest_link_works(browse):
    visitor = browse(None)
    ask(visitor)
    ask(visitor)
    older, newer = (link_in(mail) for mail in mails("reset"))

    assert visitor.get(older).status_code == 404
    assert visitor.get(newer).status_code == 200


def test_a_weak_password_leaves_the_link_alive(browse):
    visitor = browse(None)
    ask(visitor)
    link = last_link("reset")

    for weak in ("court", "motdepasse2027", "Bruno-Lefil-27"):
        assert send(visitor, link, password=weak).status_code == 422

    assert send(visitor, link, password=OTHER).status_code == 303


def test_reading_the_mail_proves_the_address(browse):
    send(
        browse(None),
        "/register",
        first_name="Dora",
        last_name="Mèche",
        email="dora@atelier.example",
        password=PASSWORD,
    )
    visitor = browse(None)
    ask(visitor, "dora")
    send(visitor, last_link("reset"), password=OTHER)

    assert member("dora@atelier.example").confirmed_at
    assert visitor.get(last_link("confirm")).status_code == 404


def test_who_is_signed_in_may_have_forgotten_it_too(browse):
    bruno = browse("bruno")

    assert ask(bruno).status_code == 303
    assert "Bruno Lefil" in bruno.get("/password/forgotten").text


def test_an_address_without_account_is_told_so_by_mail_alone(browse):
    ask(browse(None), "nobody")

    [mail] = mails()
    assert (mail.kind, mail.recipient) == ("no_account", "nobody@atelier.example")
    assert link_in(mail) == "/register"


def test_asking_without_end_is_refused_in_words(browse):
    answers = [ask(browse(None)).status_code for _ in range(5)]

    assert answers == [303, 303, 303, 429, 429]
    assert len(mails()) == 3


@pytest.mark.parametrize("email", ["", "bruno", "\x00", "a" * 10_000, "b@c.example\r\nBcc: d@e.fr"])
def test_odd_addresses_are_a_field_error(browse, email):
    answer = send(browse(None), "/password/forgotten", email=email)

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert mails() == []
