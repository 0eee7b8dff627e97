"""Whoever follows the links gets everywhere, to no closed door, in their own language."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from fablab import create_app, demo
from fablab.db import Base, db
from fablab.manage.place_forms import countries, parts_of
from fablab.places.rules import public_holidays
from tests.conftest import browser
from tests.support import Databases, close, instant, settings_for
from tests.wander import Walk
from tools.translations import catalogue_file, read

WEDNESDAY = "2026-11-25 10:40"
READERS = {
    "visitor": None,
    "new": "sasha.guerivaud@courriel.example",
    "member": "noa.perrinelle@filplomb.example",
    "team": "camille.aubrelle@usines.example",
}
# What no page of the demonstration leads to, and what does.
LED_TO_OTHERWISE = {
    "a mail": {
        "consents.by_mail",
        "handovers.by_mail",
        "invitations.booking",
        "mails.stop",
        "members.choose_password",
        "members.confirmation",
        "members.new_email",
        "organizations.invitation",
        "waits.by_mail",
    },
    "a form that was sent": {
        "calendars.code",
        "manage.agenda_draft",
        "manage.import_columns",
        "manage.import_draft",
        "members.registered",
        "members.reset_sent",
    },
    "a program": {
        "calendars.machine_availability",
        "calendars.secret",
        "health.alive",
        "health.ready",
        "home.version",
        "home.version_of_week",
        "metrics.figures",
    },
    "a machine whose buddy said no": {"consents.buddy"},
    "a place with colours, a logo, photos or documents of its own": {
        "home.document",
        "manage.agreement_document",
        "owners.document",
        "home.photo",
        "look.logo",
        "look.theme",
    },
    "an address shown once": {"presence.wall"},
    "a fault with a photograph, a logbook with a file": {"upkeep.file", "upkeep.photo"},
    "a booking that nobody came to and nobody released": {"manage.absence"},
}
# Said alike in every language: it is their own name.
NAMES = set("English Français DAVx⁵ Evolution ICSx⁵ Nextcloud khal vdirsyncer".split())


@pytest.fixture(scope="module")
def place(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The demonstration of a Wednesday in November."""
    app = create_app(settings_for(databases.url("sqlite"), tmp_path_factory.mktemp("place")))
    with app.app_context():
        assert demo.load(instant(WEDNESDAY))
        yield app
    close(app)


@pytest.fixture(scope="module")
def walk(place: Flask) -> Callable[[str, str], Walk]:
    """walk("member", "fr"): all that a reader sees in a language; walked once."""
    walked: dict[tuple[str, str], Walk] = {}

    def walk_(reader: str, language: str) -> Walk:
        if (reader, language) not in walked:
            client = browser(place, READERS[reader])
            client.set_cookie("language", language)
            walked[reader, language] = Walk(place, client).from_("/")
        return walked[reader, language]

    return walk_


@pytest.fixture(autouse=True)
def wednesday_morning(at: Callable[[str], None], monday_morning: None) -> None:
    at(WEDNESDAY)


@pytest.mark.parametrize("reader", READERS)
def test_no_link_leads_to_a_closed_door(walk, reader):
    assert walk(reader, "fr").dead == []


def test_every_page_is_reached_from_another(place, walk):
    reached = {kind for reader in READERS for kind in walk(reader, "fr").kinds}
    pages = {rule.endpoint for rule in place.url_map.iter_rules() if "GET" in rule.methods}

    otherwise = {endpoint for kinds in LED_TO_OTHERWISE.values() for endpoint in kinds}
    assert sorted(pages - reached) == sorted(otherwise)


# -- words


def stored() -> set[str]:
    """Every text in the database: what people typed is said in every language as they typed it."""
    found: set[str] = set()
    for table in Base.metadata.sorted_tables:
        for row in db.session.execute(select(table)):
            found |= set(strings(tuple(row)))
    return found


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings(tuple(value))
        yield from strings(tuple(value.values()))
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from strings(each)


def same_in_both() -> set[str]:
    """What the catalogue says alike in French and in English."""
    return {
        m.id for m in read(catalogue_file("fr"), "fr") if isinstance(m.id, str) and m.id == m.string
    }


def from_elsewhere() -> Iterator[str]:
    """Names that others wrote: of countries and their parts, and of the public holidays of the
    place, which are in its own language everywhere.
    """
    yield from (name for _, name in countries("en"))
    yield from (name for _, name in parts_of("FR"))
    for year in (2026, 2027):
        yield from public_holidays("FR", "", "fr", year).values()


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{3,}", text)


@pytest.mark.parametrize("reader", READERS)
def test_each_page_speaks_one_language(walk, reader):
    """What a page says alike in both is what somebody typed, or is said alike."""
    french, english = walk(reader, "fr").pages, walk(reader, "en").pages
    known = set(words(" ".join([*stored(), *same_in_both(), *from_elsewhere(), *NAMES])))

    alike = {
        text: address
        for address in sorted(french.keys() & english.keys())
        for text in set(french[address].texts) & set(english[address].texts)
        if not text.endswith(".") or " " in text  # a category, cut short
        if set(words(text)) - known
    }

    assert french.keys() & english.keys()
    assert alike == {}
