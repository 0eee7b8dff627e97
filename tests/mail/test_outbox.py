"""Promising mails: with what they speak of, in words that cannot break out of their place."""

import re
from pathlib import Path

import pytest
from flask_babel import lazy_gettext

from fablab import ROOT, clock
from fablab.db import db, writing
from fablab.mail import outbox
from fablab.mail.delivery import message
from fablab.members import letters
from fablab.places.models import Place
from tests.mail.conftest import promise, promised

KINDS = sorted(letters.SUBJECTS)
TEMPLATES = Path(ROOT) / "templates" / "mails"


def break_a_promise() -> None:
    with writing() as session:
        outbox.post(
            session, kind="t", recipient="a@b.example", subject="", text="x", now=clock.now()
        )
        raise ZeroDivisionError


@pytest.mark.usefixtures("any_fablab")
def test_a_promise_is_kept_or_broken_with_what_it_speaks_of():
    with pytest.raises(ZeroDivisionError):
        break_a_promise()

    assert promised() == []


@pytest.mark.usefixtures("fablab")
def test_the_bell_rings_when_the_promise_can_be_seen_and_not_before():
    outbox.something_to_send.clear()
    with writing() as session:
        outbox.post(
            session,
            kind="test",
            recipient="dora@atelier.example",
            subject="A promise",
            text="x",
            now=clock.now(),
        )
        assert not outbox.something_to_send.is_set()

    assert outbox.something_to_send.is_set()


@pytest.mark.usefixtures("fablab")
def test_the_bell_is_silent_when_nothing_was_promised_after_all():
    outbox.something_to_send.clear()
    with pytest.raises(ZeroDivisionError):
        break_a_promise()
    with writing():
        pass

    assert not outbox.something_to_send.is_set()


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", "\u2029"])
@pytest.mark.usefixtures("fablab")
def test_no_text_begins_another_header(break_):
    evil = f"Hello{break_}Bcc: victim@elsewhere.example{break_}{break_}Buy!"

    promise(f"dora@atelier.example{break_}Bcc: victim@elsewhere.example", subject=evil)

    [mail] = promised()
    letter = message(mail, "Fablab <fablab@atelier.example>")
    assert letter["Bcc"] is None
    assert letter["Subject"] == mail.subject
    names = [
        line.partition(b":")[0] for line in letter.as_bytes().split(b"\r\n\r\n")[0].split(b"\r\n")
    ]
    assert names.count(b"Subject") == names.count(b"To") == 1
    assert b"Bcc" not in names


@pytest.mark.usefixtures("fablab")
def test_the_name_of_the_place_begins_no_header_either(fablab):
    with writing() as session:
        session.get(Place, fablab.place_id).name = "L'Atelier\r\nBcc: victim@elsewhere.example"
    with writing() as session:
        letters.post(
            session,
            "reset",
            to="dora@atelier.example",
            language="en",
            now=clock.now(),
            path="/x",
            lasts=clock.timedelta(hours=1),
        )

    letter = message(promised()[0], "Fablab <fablab@atelier.example>")
    assert letter["Bcc"] is None
    assert "\n" not in letter["Subject"]


@pytest.mark.usefixtures("fablab")
def test_each_mail_has_a_message_id_of_its_own_under_our_name():
    promise()
    promise()

    ids = [mail.message_id for mail in promised()]
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"<[0-9a-f-]{36}@127\.0\.0\.1>", each) for each in ids)


def post(kind: str, language: str) -> None:
    with writing() as session:
        letters.post(
            session,
            kind,
            to="dora@atelier.example",
            language=language,
            now=clock.now(),
            path="/some/secret",
            lasts=clock.timedelta(days=7),
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("fablab")
def test_every_kind_names_the_place_leads_somewhere_and_says_why_one_gets_it(kind):
    post(kind, "en")

    [mail] = promised()
    assert mail.subject.startswith("L'Atelier: ")
    assert "http://127.0.0.1:5000/some/secret\n" in mail.text
    assert 'href="http://127.0.0.1:5000/some/secret"' in mail.html
    for part in (mail.text, mail.html.replace("&#39;", "'")):
        assert "L'Atelier" in part
        assert "You get this mail because" in part
    assert "\n\n\n" not in mail.text
    assert "<" not in mail.text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("fablab")
def test_no_mail_fetches_anything(kind):
    post(kind, "en")

    html = promised()[0].html
    assert re.findall(r"<(?:img|link|script|iframe|object|video|form)", html) == []
    assert re.findall(r"(?:src|background)=|url\(|@import", html) == []


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.usefixtures("fablab")
def test_a_mail_is_written_outside_of_any_request_in_its_readers_language(app, language):
    from flask import has_request_context
    from flask_babel import get_locale

    said = []
    seen = lazy_gettext("A subject")

    class Spy(str):
        def __str__(self) -> str:
            said.append(str(get_locale()))
            return str(seen)

    assert not has_request_context()
    with writing() as session:
        outbox.post_page(
            session,
            "reset",
            to="dora@atelier.example",
            language=language,
            subject=Spy(),
            now=clock.now(),
            place="L'Atelier",
            link="x",
            lasts=clock.timedelta(hours=1),
        )

    assert set(said) == {language}
    assert f'<html lang="{language}">' in promised()[0].html


@pytest.mark.usefixtures("fablab")
def test_a_mail_written_in_a_request_speaks_its_readers_language_and_the_page_its_own(browse):
    from tests.members.conftest import send

    visitor = browse(None)

    sent = send(visitor, "/password/forgotten", email="bruno@atelier.example")

    assert '<html lang="fr">' in promised()[0].html
    assert '<html lang="en">' in visitor.get(sent.location).text


def test_every_kind_has_its_words_in_text_and_in_html():
    written = {path.stem for path in TEMPLATES.glob("*.*") if not path.stem.startswith("_")}

    assert set(KINDS) <= written
    for kind in KINDS:
        assert (TEMPLATES / f"{kind}.txt").exists()
        assert (TEMPLATES / f"{kind}.html").exists()


@pytest.mark.usefixtures("fablab")
def test_what_is_written_into_the_html_stays_text(fablab):
    with writing() as session:
        session.get(Place, fablab.place_id).name = "<b>L'Atelier</b>"

    post("reset", "en")

    mail = promised()[0]
    assert "<b>" not in mail.html
    assert "&lt;b&gt;" in mail.html
    assert "<b>L'Atelier</b>" in mail.text


def test_before_any_place_is_set_up_mails_can_be_written(app):
    post("reset", "en")

    assert promised()[0].subject == "Machine booking: choose another password"
    assert db.session.get(Place, 1) is None
