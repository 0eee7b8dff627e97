"""The checks of `make check` that are ours find what they are for."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.pofile import write_po
from jinja2 import DictLoader, Environment

from tools import check_templates, translations

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def catalogue(tmp_path, monkeypatch) -> Catalog:
    """A French catalogue in step with a code of two messages; `saved` writes it."""
    monkeypatch.setattr(translations, "catalogue_file", lambda language: tmp_path / "fr.po")
    kept = Catalog(locale="fr")
    kept.add("Book", "Réserver")
    kept.add(("%(num)d machine", "%(num)d machines"), ("%(num)d machine", "%(num)d machines"))
    return kept


def say(catalogue: Catalog, message: Any, translation: Any) -> None:
    """Translate a message again: `add` keeps what was said first."""
    catalogue.delete(message)
    catalogue.add(message, translation)


def words() -> Catalog:
    code = Catalog()
    code.add("Book")
    code.add(("%(num)d machine", "%(num)d machines"))
    return code


def problems(catalogue: Catalog) -> list[str]:
    with translations.catalogue_file("fr").open("wb") as file:
        write_po(file, catalogue)
    return list(translations.problems("fr", words()))


def test_a_catalogue_in_step_with_the_code_is_fine(catalogue):
    assert problems(catalogue) == []


def test_a_catalogue_that_is_not_there_is_found(catalogue):
    assert list(translations.problems("fr", words())) == ["there is no catalogue"]


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda kept: kept.delete("Book"), "not in the catalogue: 'Book'"),
        (lambda kept: say(kept, "Book", ""), "not translated: 'Book'"),
        (lambda kept: kept.add("Book", "Réserver", flags=["fuzzy"]), "fuzzy: 'Book'"),
        (lambda kept: kept.add("Cook", "Cuisiner"), "no longer in the code: 'Cook'"),
    ],
)
def test_a_message_out_of_step_is_found(catalogue, spoil, found):
    spoil(catalogue)

    assert problems(catalogue) == [found]


def test_a_placeholder_that_was_translated_is_found(catalogue):
    machines = ("%(num)d machine", "%(num)d machines")
    say(catalogue, machines, ("%(nombre)d machine", "%(num)d machines"))

    (found,) = problems(catalogue)

    assert "nombre" in found


def test_bringing_a_catalogue_in_step_adds_drops_and_keeps(catalogue):
    catalogue.delete("Book")
    catalogue.add("Cook", "Cuisiner")
    problems(catalogue)

    translations.update("fr", words())
    once = translations.catalogue_file("fr").read_bytes()
    translations.update("fr", words())

    assert list(translations.problems("fr", words())) == ["not translated: 'Book'"]
    assert translations.catalogue_file("fr").read_bytes() == once


def test_the_words_of_code_and_templates_are_found():
    found = translations.words_of_the_code()

    assert found.get("Somebody has just taken this slot.")  # N_ in Python
    assert found.get("There is no such page")  # lazy_gettext in Python
    assert any("templates/" in file for message in found for file, _ in message.locations)


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("{% from 'part.html' import name, colour %}{{ name() }}", []),
        ("{% if %}", ["page.html: Expected an expression, got 'end of statement block'"]),
        ("{{ day | sparkle }}", ["page.html: No filter named 'sparkle'."]),
        ("{% extends 'frame.html' %}", ["page.html: there is no frame.html (line 1)"]),
        ("{% include 'frame.html' %}", ["page.html: there is no frame.html (line 1)"]),
        ("\n{% from 'part.html' import nam %}", ["page.html: part.html has no nam (line 2)"]),
    ],
)
def test_a_mistake_in_a_template_is_found(page, found):
    part = "{% macro name() %}{% endmacro %}{% set colour = 'red' %}"
    environment = Environment(loader=DictLoader({"part.html": part, "page.html": page}))

    assert list(check_templates.problems(environment)) == found


def test_without_a_python_to_use_one_line_says_what_to_install(tmp_path):
    done = subprocess.run(
        [ROOT / "tools" / "make_venv", tmp_path / "venv"],
        env={"PYTHON": "/nowhere/python3", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("No Python 3.11 or newer with its venv module was found")
    assert not (tmp_path / "venv").exists()
