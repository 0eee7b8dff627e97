"""Delivering mails: to real servers on the loopback, good and bad, or as files."""

import smtplib
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from fablab import clock, jobs
from fablab.mail import delivery
from tests.mail.conftest import FROM, by, free_port, promise, promised
from tests.members.conftest import send
from tests.support import instant

pytestmark = pytest.mark.usefixtures("fablab")


def test_a_mail_arrives_whole(app, serve, through, postmaster):
    through(by(serve()))
    promise()

    assert jobs.deliver_due(app) == 1

    [letter], [mail] = postmaster.got, promised()
    assert letter["From"] == FROM
    assert letter["To"] == "dora@atelier.example"
    assert letter["Subject"] == "Ça coupe à l'atelier"
    assert letter["Message-ID"] == mail.message_id
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime == clock.now()
    assert letter.get_content_type() == "multipart/alternative"
    text, html = letter.iter_parts()
    assert text.get_content().split() == ["Bonjour,", "le", "plateau", "est", "réparé."]
    assert html.get_content_type() == "text/html"
    assert "réparé" in html.get_content()


def test_once_sent_a_mail_is_sent_no_more_and_its_text_is_gone(app, serve, through, postmaster):
    through(by(serve()))
    promise()
    jobs.deliver_due(app)

    assert jobs.deliver_due(app) == 0

    [mail] = promised()
    assert (mail.sent_at, mail.text, mail.html, mail.tries) == (clock.now(), "", "", 1)
    assert len(postmaster.got) == 1


def test_no_mail_leaves_inside_a_request(app, browse, serve, through, postmaster):
    through(by(serve()))

    send(browse(None), "/password/forgotten", email="bruno@atelier.example")
    assert postmaster.got == []

    jobs.deliver_due(app)
    assert [letter["To"] for letter in postmaster.got] == ["bruno@atelier.example"]


def test_starttls_is_used_when_offered(app, serve, through, postmaster):
    through(by(serve("on demand"), login="fab:s%40cret@"))
    promise()

    assert jobs.deliver_due(app) == 1
    assert postmaster.logins == [(b"fab", b"s@cret", True)]


def test_tls_from_the_start(app, serve, through, postmaster):
    through(by(serve("from the start"), scheme="smtps", login="fab:secret@"))
    promise()

    assert jobs.deliver_due(app) == 1
    assert [login[:2] for login in postmaster.logins] == [(b"fab", b"secret")]


def test_nothing_leaves_in_clear_when_starttls_is_required(app, serve, through, postmaster):
    through(by(serve(), "?starttls=required"))
    promise()

    assert jobs.deliver_due(app) == 0
    assert postmaster.got == []
    assert "SMTPNotSupportedError" in promised()[0].last_error


def test_a_password_never_crosses_a_network_in_clear(app, serve, through, postmaster):
    through(by(serve(host="127.0.0.2"), login="fab:secret@"))
    promise()

    assert jobs.deliver_due(app) == 0
    assert postmaster.logins == []
    assert postmaster.got == []


def test_a_server_on_this_very_machine_may_be_told_the_password(app, serve, through, postmaster):
    through(by(serve(), login="fab:secret@"))
    promise()

    assert jobs.deliver_due(app) == 1


def test_a_server_that_is_not_who_it_says_gets_nothing(
    app, serve, through, postmaster, monkeypatch
):
    server = serve("on demand")
    monkeypatch.delenv("SSL_CERT_FILE")
    through(by(server))
    promise()

    assert jobs.deliver_due(app) == 0
    assert postmaster.got == []
    assert "CERTIFICATE_VERIFY_FAILED" in promised()[0].last_error


def test_a_server_that_was_down_gets_the_mail_later_under_the_same_id(
    app, serve, through, postmaster, at
):
    port = free_port()
    through(f"smtp://127.0.0.1:{port}")
    promise()
    promise("chloe@atelier.example")
    ids = {mail.message_id for mail in promised()}

    assert jobs.deliver_due(app) == 0
    first, second = promised()
    assert (first.tries, second.tries) == (1, 0)
    assert first.due_at == clock.now() + timedelta(minutes=1)
    assert "ConnectionRefusedError" in first.last_error

    serve(port=port)
    at("2027-03-29 09:01")
    assert jobs.deliver_due(app) == 2
    assert {letter["Message-ID"] for letter in postmaster.got} == ids
    assert promised()[0].last_error == ""


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("RCPT", "450 4.2.1 try again later"),
        ("RCPT", "550 5.7.1 relaying denied"),
        ("RCPT", "451 4.1.1 not yet"),
        ("DATA", "554 5.6.0 no such content here"),
        ("DATA", "452 4.3.1 full"),
    ],
)
def test_a_refusal_that_may_pass_is_tried_again(app, serve, through, postmaster, at, step, says):
    through(by(serve()))
    postmaster.says[step] = says
    promise()

    assert jobs.deliver_due(app) == 0
    [mail] = promised()
    assert (mail.parked_at, mail.tries) == (None, 1)
    assert says[:3] in mail.last_error

    postmaster.says.clear()
    at("2027-03-29 09:01")
    assert jobs.deliver_due(app) == 1


@pytest.mark.parametrize("says", ["550 5.1.1 no such user", "553 5.1.3 bad address"])
def test_a_mailbox_that_does_not_exist_is_not_asked_again(
    app, serve, through, postmaster, at, says
):
    through(by(serve()))
    postmaster.says["RCPT"] = says
    promise()

    jobs.deliver_due(app)

    assert promised()[0].parked_at == clock.now()
    postmaster.says.clear()
    at("2027-04-05 09:00")
    assert jobs.deliver_due(app) == 0


def test_one_mail_that_is_refused_holds_up_no_other(app, serve, through, postmaster):
    through(by(serve()))
    postmaster.refuses = "dora@atelier.example"
    promise("dora@atelier.example")
    promise("chloe@atelier.example")

    assert jobs.deliver_due(app) == 1
    assert [letter["To"] for letter in postmaster.got] == ["chloe@atelier.example"]


def test_a_server_that_hangs_up_in_the_middle_gets_it_again(app, serve, through, postmaster, at):
    through(by(serve()))
    postmaster.hangs_up = "before"
    promise()

    assert jobs.deliver_due(app) == 0
    assert promised()[0].sent_at is None

    postmaster.hangs_up = ""
    at("2027-03-29 09:01")
    assert jobs.deliver_due(app) == 1
    assert postmaster.got[0]["Message-ID"] == promised()[0].message_id


def test_a_server_that_does_not_answer_is_given_up_for_now(
    app, serve, through, postmaster, monkeypatch
):
    monkeypatch.setattr(delivery, "TIMEOUT", 0.2)
    through(by(serve()))
    postmaster.is_open.clear()
    promise()

    assert jobs.deliver_due(app) == 0
    assert promised()[0].due_at == clock.now() + timedelta(minutes=1)


def test_the_delay_grows_and_then_the_mail_is_parked(app, through, at, monkeypatch):
    through(f"smtp://127.0.0.1:{free_port()}")
    promise()
    waits = []
    for _ in range(len(jobs.DELAYS)):
        jobs.deliver_due(app)
        [mail] = promised()
        waits.append(mail.due_at - clock.now())
        monkeypatch.setattr(clock, "now", lambda due=mail.due_at: due)
    jobs.deliver_due(app)

    assert waits == jobs.DELAYS == sorted(jobs.DELAYS)
    [mail] = promised()
    assert (mail.parked_at, mail.tries) == (clock.now(), len(jobs.DELAYS) + 1)
    assert sum(jobs.DELAYS, timedelta(0)) > timedelta(days=2)
    assert mail.text  # whoever looks into it can still read it


def test_the_words_of_a_failure_hold_nothing_of_the_mail(app, through, caplog):
    through(f"smtp://127.0.0.1:{free_port()}")
    promise(text="http://127.0.0.1:5000/password/reset/SECRET")

    jobs.deliver_due(app)

    assert "SECRET" not in caplog.text
    assert "dora" not in caplog.text


def files(app) -> list[Path]:
    return sorted((Path(app.instance_path) / "outbox").glob("*"))


def test_without_a_server_mails_are_files(app):
    promise(text="Go to http://127.0.0.1:5000/password/reset/" + "x" * 90 + "\n")

    assert jobs.deliver_due(app) == 1

    [file] = files(app)
    [mail] = promised()
    letter = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert file.suffix == ".eml"
    assert file.stat().st_mode & 0o077 == 0
    assert letter["Message-ID"] == mail.message_id
    assert letter["Subject"] == "Ça coupe à l'atelier"
    # As whoever opens the file has to copy it
    assert b"http://127.0.0.1:5000/password/reset/" + b"x" * 90 in file.read_bytes()
    assert "Le plateau est réparé.".encode() in file.read_bytes()


def test_a_mail_written_twice_is_one_file(app):
    promise()
    [mail] = promised()

    with delivery.connected(app) as deliver:
        deliver(mail)
        deliver(mail)

    assert len(files(app)) == 1


def test_a_folder_that_cannot_be_written_to_loses_no_mail(app, at):
    folder = Path(app.instance_path) / "outbox"
    folder.write_text("in the way")
    promise()

    assert jobs.deliver_due(app) == 0

    folder.unlink()
    at("2027-03-29 09:01")
    assert jobs.deliver_due(app) == 1


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (smtplib.SMTPRecipientsRefused({"a@b.example": (550, b"5.1.1 unknown")}), True),
        (smtplib.SMTPRecipientsRefused({"a@b.example": (550, b"5.1.10 null MX")}), False),
        (smtplib.SMTPRecipientsRefused({"a@b.example": (550, b"unknown")}), False),
        (smtplib.SMTPRecipientsRefused({"a@b.example": (450, b"5.1.1 odd")}), False),
        (smtplib.SMTPDataError(550, b"5.1.1 unknown"), False),
        (ConnectionRefusedError(), False),
    ],
)
def test_which_refusals_are_the_last_word(error, is_final):
    assert delivery.is_final(error) is is_final


def test_a_mail_is_dated_when_it_was_promised(app, at):
    promise()
    at("2027-03-29 12:00")

    jobs.deliver_due(app)

    letter = message_from_bytes(files(app)[0].read_bytes(), policy=policy.default)
    assert letter["Date"].datetime == instant("2027-03-29 09:00")
