"""What the team's page says of the mail server itself, and the mail that tries it."""

from datetime import timedelta

import pytest

from fablab import clock, jobs
from tests.mail.conftest import by, free_port, promise, promised
from tests.manage.test_day import text_of
from tests.manage.test_mails import BRUNO, PAGE, change, press


@pytest.fixture
def amina(fablab, browse):
    return browse("amina")


def test_while_the_server_is_away_the_page_says_since_when(app, amina, through, serve, at):
    promise("sent@atelier.example")
    change("sent@atelier.example", sent_at=clock.now() - timedelta(days=1))
    port = free_port()
    through(f"smtp://127.0.0.1:{port}")
    promise(BRUNO)
    at("2027-03-29 10:30")
    jobs.deliver_due(app)

    page = text_of(amina.get(PAGE).text)
    assert "The mail server does not answer. No mail has left since 29 Mar 9:00." in page

    serve(port=port)
    jobs.knock(app)
    assert "does not answer" not in amina.get(PAGE).text


def test_without_a_server_the_page_says_where_mails_go(app, amina, through):
    assert "instance/outbox" in amina.get(PAGE).text

    through("smtp://127.0.0.1")
    assert "instance/outbox" not in amina.get(PAGE).text


def test_a_test_mail_goes_to_whoever_asks(app, amina, through, serve, postmaster):
    through(by(serve()))

    assert press(amina, f"{PAGE}/test").status_code == 303
    assert jobs.deliver_due(app) == 1

    [letter] = postmaster.got
    assert letter["To"] == "amina@atelier.example"
    assert "http://127.0.0.1:5000/manage/mails" in letter.get_body(("plain",)).get_content()
    assert "A mail to amina@atelier.example is on its way." in amina.get(PAGE).text


def test_test_mails_are_limited_like_all_that_one_asks_for(amina):
    for _ in range(3):
        press(amina, f"{PAGE}/test")
    amina.get(PAGE)

    press(amina, f"{PAGE}/test")

    assert "Several mails were asked for already." in amina.get(PAGE).text
    assert len(promised()) == 3
