"""What may be typed: read strictly, shown again as it was, refused in words."""

from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from wtforms.validators import InputRequired

from fablab import ROOT
from fablab.forms import (
    Form,
    StrictDateField,
    StrictTimeField,
    TextField,
    TickField,
    is_visible,
    of_this_century,
    parse_day,
    parse_time,
)

ODD = [
    "\0",
    "x" * 10_000,
    "٢٠٢٧-٠٣-٣٠",
    "１４:３０",
    "2027-03-30\n",
    "2027-3-30",
    "02027-03-30",
    "2027-02-29",
    "0000-01-01",
    "2027-13-01",
    "2027-W13-2",
    "20270330",
    "2027-03-30T10:00",
    "30/03/2027",
    "-1",
    "25:00",
    "24:01",
    "14:60",
    "14:30:59",
    "14h30",
    "²:00",
    "\u202e14:30",
    "<b>",
]


class Sheet(Form):
    day = StrictDateField("Day", [InputRequired("Choose a day."), of_this_century])
    start = StrictTimeField("From", [InputRequired("Say when.")])
    title = TextField("Title", maximum=20)
    is_kept = TickField("Keep it")


@pytest.fixture
def sheet(app: Flask) -> Any:
    """sheet(day="…"): the form as it is read from what was typed."""
    app.config["WTF_CSRF_ENABLED"] = False
    good = {"day": "2027-03-30", "start": "14:30", "title": "Lamp"}

    def read(language: str = "en", **typed: Any) -> Sheet:
        with app.test_request_context(
            "/", method="POST", data=good | typed, headers={"Cookie": f"language={language}"}
        ):
            form = Sheet()
            form.validate()
            form.shown = {field.name: field() for field in form}
            form.problems = {name: list(map(str, all)) for name, all in form.errors.items()}
            return form

    return read


# -- days and hours


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_day_or_hour_is_none(odd):
    assert parse_day(odd) is None
    assert parse_time(odd) is None


@given(st.dates())
def test_every_day_is_read_as_it_is_written(day):
    assert parse_day(day.isoformat()) == day


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_minute_is_read_as_it_is_written(hour, minute):
    written = {f"{hour}:{minute:02}", f"{hour:02}:{minute:02}", f"{hour:02}:{minute:02}:00"}

    assert {parse_time(each) for each in written} == {time(hour, minute)}


def test_the_midnight_that_ends_a_day_may_be_written():
    assert parse_time("24:00") == time.min


@given(st.text())
def test_whatever_is_typed_is_read_or_refused(typed):
    assert parse_day(typed) is None or parse_day(typed).isoformat() == typed
    assert parse_time(typed) is None or typed.isascii()


# -- fields


def test_a_sheet_that_is_well_filled_in_is_read(sheet):
    form = sheet(day=" 2027-03-30 ", start="9:05", title="  Lamp ")

    assert form.problems == {}
    assert (form.day.data, form.start.data, form.title.data) == (
        date(2027, 3, 30),
        time(9, 5),
        "Lamp",
    )


@pytest.mark.parametrize("odd", [each for each in ODD if each.isprintable() and len(each) < 50])
def test_what_cannot_be_read_is_shown_again_and_said(sheet, odd):
    form = sheet(day=odd, start=odd)

    assert set(form.problems) == {"day", "start"}
    for name in ("day", "start"):
        escaped = odd.replace("<", "&lt;").replace(">", "&gt;")
        assert f'value="{escaped}"' in form.shown[name]


def test_what_is_far_too_long_is_shown_cut(sheet):
    assert len(sheet(day="x" * 10_000).shown["day"]) < 200


@pytest.mark.parametrize("blank", ["", " ", "\t", "\u00a0"])
def test_blanks_are_nothing_typed(sheet, blank):
    assert sheet(day=blank, start=blank).problems == {
        "day": ["Choose a day."],
        "start": ["Say when."],
    }


@pytest.mark.parametrize(
    ("day", "is_taken"),
    [
        ("1999-12-31", False),
        ("2000-01-01", True),
        ("2200-12-31", True),
        ("2201-01-01", False),
        ("9999-12-31", False),
        ("0001-01-01", False),
    ],
)
def test_days_are_of_a_time_in_which_one_can_reckon(sheet, day, is_taken):
    assert ("day" not in sheet(day=day).problems) is is_taken


def test_the_first_of_several_values_counts(sheet):
    assert sheet(day=["2027-03-31", "nonsense"]).day.data == date(2027, 3, 31)


def test_messages_of_the_library_speak_the_pages_language(sheet, app):
    french, english = sheet("fr", csrf_token=""), sheet("en")

    assert french.meta.get_translations(french) is not english.meta.get_translations(english)


# -- text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Lamp  ", "Lamp"),
        ("e\u0301te\u0301", "été"),  # composed: one letter, one character
        ("x" * 20, "x" * 20),
        ("e\u0301" * 20, "é" * 20),
        ("👩\u200d🔧", "👩\u200d🔧"),
        ("", ""),
    ],
)
def test_a_line_of_text_is_tidied(sheet, typed, kept):
    form = sheet(title=typed)

    assert (form.title.data, form.problems) == (kept, {})


@pytest.mark.parametrize(
    "typed",
    [
        "a\0b",
        "a\nb",
        "a\rBcc: x",
        "a\tb",
        "a\x1b[31m",
        "a\u202eb",
        "a\u200bb",
        "a\u2028b",
        "a\u0085b",
        "a\ufeffb",
        "a\ue000b",
        "x" * 21,
        "x" * 10_000,
    ],
)
def test_a_line_of_text_that_hides_something_or_is_too_long_is_refused(sheet, typed):
    form = sheet(title=typed)

    assert list(form.problems) == ["title"]
    assert form.title.data == typed


@given(st.text(st.characters(whitelist_categories=["L", "N", "P", "S", "M", "Zs"])))
def test_what_can_be_seen_is_visible(text):
    assert is_visible(text)


@given(st.text(), st.sampled_from("\0\n\x7f\u0085\u200e\u202a\u2066\u2028\ufeff\ue000"), st.text())
def test_one_letter_that_cannot_be_seen_is_enough(before, hidden, after):
    assert not is_visible(before + hidden + after)


# -- what a form is


@pytest.mark.parametrize(
    "body", [{"json": {"day": "2027-03-30", "start": "14:30"}}, {"query_string": {"day": "x"}}]
)
def test_a_form_is_its_fields_and_nothing_else(app, body):
    app.config["WTF_CSRF_ENABLED"] = False
    with app.test_request_context("/", method="POST", **body):
        form = Sheet()

        assert not form.validate()
        assert (form.day.data, form.start.data) == (None, None)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        *((yes, True) for yes in ("y", "yes", "on", "true", "True", "1")),
        *((no, False) for no in ("", "n", "no", "off", "false", "0")),
        *((odd, None) for odd in ("1e3", "2", "01", "yesno", "oui?", "x", "\0", "１")),
    ],
)
def test_a_box_is_ticked_or_not_and_takes_nothing_else(sheet, typed, said):
    form = sheet(is_kept=typed)

    assert form.validate() is (said is not None)
    assert form.is_kept.data is (said or False)
    if said is None:
        assert form.errors == {"is_kept": ["Tick it or leave it: this is neither yes nor no."]}
    assert 'value="y"' in form.is_kept()  # and never what came


def test_every_box_of_the_service_is_read_so():
    loose = [path.name for path in (ROOT / "fablab").rglob("*.py") if "BooleanField(" in said(path)]

    assert loose == []


def said(path: Path) -> str:
    return path.read_text(encoding="utf-8")
