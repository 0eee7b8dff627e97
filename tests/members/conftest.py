"""What the tests of accounts share: mails that were promised, a visitor's way through the forms."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import select

from fablab import clock
from fablab.db import db, writing
from fablab.mail.models import OutgoingMail
from fablab.members import passwords
from fablab.members.models import Member

REAL_HASHER = passwords.hasher
PASSWORD = "un copeau de chêne blond"


def mails(kind: str | None = None) -> list[OutgoingMail]:
    """What was promised, oldest first; of one kind."""
    asked = select(OutgoingMail).order_by(OutgoingMail.id).execution_options(populate_existing=True)
    found = list(db.session.scalars(asked))
    db.session.rollback()
    return [mail for mail in found if kind in (None, mail.kind)]


def link_in(mail: OutgoingMail) -> str:
    """The path that a mail leads to."""
    return re.search(r"http://127\.0\.0\.1:5000(/\S+)", mail.text)[1]


def last_link(kind: str) -> str:
    return link_in(mails(kind)[-1])


def member(email: str) -> Any:
    """The row of an account; None when there is none."""
    found = db.session.execute(select(Member.__table__).where(Member.email == email)).first()
    db.session.rollback()
    return found


def email_of(who: str) -> str:
    return f"{who}@atelier.example"


@pytest.fixture(autouse=True)
def light_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 at its smallest: what it costs for real is asked where it matters."""
    light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", light)


@pytest.fixture
def give_password() -> Callable[..., None]:
    """give_password("bruno"): what they sign in with, PASSWORD unless said otherwise."""

    def give(who: str, password: str = PASSWORD) -> None:
        with writing() as session:
            session.execute(
                Member.__table__.update()
                .where(Member.__table__.c.email == email_of(who))
                .values(password_hash=passwords.hashed(password), changed_at=clock.now())
            )

    return give


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The work of argon2 as it happens: "hash" or "verify", the costly part of any answer."""
    done: list[str] = []
    hasher = passwords.hasher

    class Counting:
        def hash(self, password: str) -> str:
            done.append("work")
            return hasher.hash(password)

        def verify(self, kept: str, password: str) -> bool:
            done.append("work")
            return hasher.verify(kept, password)

        def check_needs_rehash(self, kept: str) -> bool:
            return hasher.check_needs_rehash(kept)

    monkeypatch.setattr(passwords, "hasher", Counting())
    return done


def text_of(answer: Any) -> str:
    """The page without what is drawn anew for each: the token of its forms."""
    return re.sub(r'(name="csrf_token"[^>]*value=")[^"]+', r"\1", answer.text)


def fields(page: str) -> dict[str, str]:
    """The hidden fields of a page's own form, the first one after its header."""
    form = re.search(r"<main.*?<form(.*?)</form>", page, re.S)[1]
    inputs = re.findall(r"<input[^>]*>", form)
    hidden = [tag for tag in inputs if 'type="hidden"' in tag]
    return {
        re.search(r'name="([^"]+)"', tag)[1]: unescape(re.search(r'value="([^"]*)"', tag)[1])
        for tag in hidden
    }


def send(client: FlaskClient, page: str, action: str | None = None, **typed: Any) -> Any:
    """Open `page`, fill in its form, send it to `action` (by default where the page is)."""
    opened = client.get(page)
    return client.post(action or page.partition("?")[0], data=fields(opened.text) | typed)


def log_in(client: FlaskClient, who: str, password: str = PASSWORD, **typed: Any) -> Any:
    page = "/login" + (f"?next={typed.pop('next')}" if "next" in typed else "")
    return send(client, page, "/login", email=email_of(who), password=password, **typed)


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account/").status_code == 200
