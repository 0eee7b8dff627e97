"""The French catalogue: whole, safe to fill in, and written as French is."""

import os
import re
from collections.abc import Iterator

import pytest
from babel.messages import Message

from tests.support import TRANSLATIONS, compile_catalogues
from tools.translations import badly_typed, catalogue_file, read


def messages() -> Iterator[Message]:
    return (message for message in read(catalogue_file("fr"), "fr") if message.id)


def forms(said: str | tuple[str, ...] | list[str]) -> list[str]:
    return [said] if isinstance(said, str) else list(said)


def sentences() -> list[str]:
    """Every French form, those of counts included."""
    return [form for message in messages() for form in forms(message.string)]


def places(text: str) -> set[str]:
    """The named places to fill in: `%(day)s`, or `{start}` for the scripts."""
    return set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", text))


def test_every_message_is_said_in_french_and_none_is_a_guess():
    assert [m.id for m in messages() if m.fuzzy or not all(forms(m.string))] == []


def test_no_sentence_is_hidden_from_whoever_extracts_them():
    """Within an f-string the extractor sees none: it would stay English without a word."""
    hidden = [
        path.name
        for path in (TRANSLATIONS.parent).rglob("*.py")
        if re.search(r"""\{(?:_|ngettext|pgettext)\(['"]""", path.read_text("utf-8"))
    ]

    assert hidden == []


def test_every_count_has_its_singular_and_its_plural():
    assert [m.id for m in messages() if m.pluralizable and len(forms(m.string)) != 2] == []


def test_a_translation_has_the_places_of_its_message_and_no_other():
    different = [
        (message.id, form)
        for message in messages()
        for form in forms(message.string)
        if places(form) != set().union(*map(places, forms(message.id)))
    ]

    assert different == []


def test_the_french_is_typed_as_french_is():
    assert [(text, badly_typed(text)) for text in sentences() if badly_typed(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "l'heure",
        "un nom...",
        "Quand ?",
        "Quand?",
        "Jour : lundi",
        "Jour: lundi",
        "« Non »",
        "“Oui”",
    ],
)
def test_each_slip_of_the_keyboard_is_seen(text):
    assert badly_typed(text)


@pytest.mark.parametrize(
    "text",
    ["l’heure", "Quand\u202f?", "Jour\u00a0: 14:30", "«\u00a0Oui\u00a0»", "https://lieu.example"],
)
def test_good_french_is_let_through(text):
    assert badly_typed(text) == []


def test_who_chose_no_language_gets_a_french_front_page(fablab, browse):
    visitor = browse(None)
    visitor.delete_cookie("language")

    html = visitor.get("/").text

    assert '<html lang="fr"' in html
    assert "<title>Planning du lundi 29 mars 2027 — L&#39;Atelier</title>" in html
    assert "Se connecter" in html


def test_a_catalogue_is_compiled_when_it_is_newer_than_its_compiled_form(tmp_path):
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "messages.po"
    source.write_bytes((TRANSLATIONS / "fr/LC_MESSAGES/messages.po").read_bytes())

    compile_catalogues(tmp_path)
    first = (folder / "messages.mo").read_bytes()
    source.write_text(source.read_text("utf-8").replace("Se connecter", "Entrer"), "utf-8")
    os.utime(source, (2**32, 2**32))
    compile_catalogues(tmp_path)

    assert b"Se connecter" in first
    assert b"Entrer" in (folder / "messages.mo").read_bytes()
    assert sorted(each.name for each in folder.iterdir()) == ["messages.mo", "messages.po"]
