"""Whoever asks learns nothing of an address that is not theirs: the answers are the same, and so
is the work behind them.
"""

from dataclasses import dataclass

import pytest
from sqlalchemy import func, select

from fablab.db import db
from fablab.mail.models import OutgoingMail
from fablab.members.models import Attempt, MailedLink
from tests.members.conftest import PASSWORD, email_of, fields, text_of
from tests.support import counting

pytestmark = pytest.mark.usefixtures("fablab")

KNOWN, UNKNOWN = email_of("bruno"), "nobody@atelier.example"


@dataclass
class Answer:
    """All that can be told from outside, and what it cost."""

    status: int
    headers: dict[str, str]
    page: str
    cookies: list[str]
    verbs: list[str]
    hashes: int
    written: tuple[int, ...]


@pytest.fixture
def ask(browse, hashes):
    """ask("bruno", "/login", ADDRESS, …): what a browser is answered, signed in as that or not."""

    def ask(who, page, email, **typed):
        client = browse(who)
        hidden = fields(client.get(page).text)
        hashes.clear()
        before = rows()
        with counting(db.engine) as statements:
            answer = client.post(page, data=hidden | {"email": email} | typed)
        after = rows()
        follow = client.get(answer.location) if answer.location else answer
        return Answer(
            answer.status_code,
            {name: value for name, value in answer.headers if name in ("Location", "Retry-After")},
            text_of(follow).replace(email, "ADDRESS"),
            [cookie.split("=")[0] for cookie in answer.headers.getlist("Set-Cookie")],
            [each.split()[0] for each in statements],
            len(hashes),
            tuple(now - then for now, then in zip(after, before, strict=True)),
        )

    return ask


def rows() -> tuple[int, ...]:
    counted = tuple(
        db.session.scalar(select(func.count()).select_from(table))
        for table in (Attempt, MailedLink, OutgoingMail)
    )
    db.session.rollback()
    return counted


def test_signing_in(ask, give_password):
    give_password("bruno")

    known, unknown = (
        ask(None, "/login", email, password="un copeau de sapin") for email in (KNOWN, UNKNOWN)
    )

    assert known == unknown
    assert (known.status, known.hashes, known.written) == (422, 1, (1, 0, 0))


def test_signing_in_without_a_password_on_the_account(ask):
    known, unknown = (ask(None, "/login", email, password=PASSWORD) for email in (KNOWN, UNKNOWN))

    assert known == unknown


def test_signing_in_too_often(ask, give_password):
    give_password("bruno")
    for email in (KNOWN, UNKNOWN):
        for _ in range(5):
            ask(None, "/login", email, password="un copeau de sapin")

    known, unknown = (ask(None, "/login", email, password=PASSWORD) for email in (KNOWN, UNKNOWN))

    assert known == unknown
    assert (known.status, known.hashes) == (429, 0)


def test_registering(ask):
    typed = {"first_name": "Dora", "last_name": "Mèche", "password": PASSWORD}

    known, unknown = (ask(None, "/register", email, **typed) for email in (KNOWN, UNKNOWN))

    # What is written differs by its verb: an INSERT of the account, or an UPDATE that meets none.
    assert [verb.replace("UPDATE", "INSERT") for verb in known.verbs] == unknown.verbs
    assert {**vars(known), "verbs": []} == {**vars(unknown), "verbs": []}
    assert (known.status, known.hashes, known.written) == (303, 1, (1, 1, 1))


def test_a_forgotten_password(ask):
    known, unknown = (ask(None, "/password/forgotten", email) for email in (KNOWN, UNKNOWN))

    assert known == unknown
    assert (known.status, known.hashes, known.written) == (303, 0, (1, 1, 1))


def test_another_address(ask, give_password):
    give_password("chloe")

    known, unknown = (
        ask("chloe", "/account/email", email, current=PASSWORD) for email in (KNOWN, UNKNOWN)
    )

    assert known == unknown
    assert (known.status, known.hashes, known.written) == (303, 1, (1, 1, 2))


def test_an_account_is_as_hard_to_hash_for_when_there_is_none(hashes):
    from fablab.members import passwords

    kept = passwords.hashed(PASSWORD)
    hashes.clear()

    assert not passwords.matches(None, PASSWORD)
    assert not passwords.matches(kept, "un copeau de sapin")
    assert len(hashes) == 2
