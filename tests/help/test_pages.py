"""The pages of help: true to the settings and to the bounds of the code, in both languages."""

import re

import pytest

from fablab.db import db, writing
from fablab.help.prose import Block, blocks
from fablab.members import marks
from fablab.places.kinds import NamesShown
from fablab.places.models import Place
from tests.presence.support import say
from tests.support import submit

PAGES = ["/help/", "/help/privacy", "/help/accessibility"]


def change(fablab, **values):
    with writing():
        place = db.session.get(Place, fablab.place_id)
        for name, value in values.items():
            setattr(place, name, value)


def test_plain_text_becomes_paragraphs_and_lists():
    text = "Be kind.\nTidy up.\n\nWear:\n- goggles\n – shoes\n\n\n* no gloves\n"

    assert blocks(text) == [
        Block(False, ["Be kind.", "Tidy up."]),
        Block(False, ["Wear:"]),
        Block(True, ["goggles", "shoes"]),
        Block(True, ["no gloves"]),
    ]
    assert blocks(" \n ") == []


@pytest.mark.parametrize("who", [None, "chloe", "amina"])
@pytest.mark.parametrize("path", PAGES)
def test_everybody_finds_help_from_every_page(fablab, browse, who, path):
    client = browse(who)

    assert f'href="{path}"' in client.get("/machines/").text
    assert client.get(path).status_code == 200


def test_help_stands_where_it_is_needed(fablab, browse):
    visitor = browse(None)

    assert 'href="/help/">House rules' in visitor.get("/machines/laser").text
    assert 'href="/help/privacy">What is kept of you, and' in visitor.get("/register").text


@pytest.mark.parametrize(
    ("path", "words"),
    list(zip(PAGES, ["pas à pas", "Ce qui est gardé", "Non conforme"], strict=True)),
)
def test_help_is_in_french_too(fablab, browse, path, words):
    client = browse(None)
    client.set_cookie("language", "fr")

    assert words in client.get(path).text


def test_the_house_rules_are_written_out_safely(fablab, browse):
    change(fablab, house_rules="<script>alert(1)</script>\n\n- goggles")

    page = browse(None).get("/help/").text

    assert "&lt;script&gt;alert(1)" in page
    assert "<li>goggles</li>" in page


def test_how_to_book_tells_the_rules_as_they_are(fablab, browse):
    visitor = browse(None)
    before = visitor.get("/help/").text
    assert "1 machine asks for a qualification" in before
    assert "From 30 min to 4 h at a time" in before
    assert "Up to 21 days ahead." in before
    assert "no booking for" not in before

    change(fablab, marks_allowed=3)
    page = visitor.get("/help/").text
    assert "3 late cancellations or absences within 90 days: no booking for 14 days." in page
    assert "Up to 365 days ahead." in browse("amina").get("/help/").text


def test_privacy_tells_who_reads_names_as_it_is_set(fablab, browse):
    assert "Members who are signed in read" in browse(None).get("/help/privacy").text

    change(fablab, names_shown=NamesShown.NOBODY, has_public_feeds=False)
    page = browse(None).get("/help/privacy").text
    assert "Nobody but the team reads" in page
    assert "public calendar" not in page


def test_privacy_tells_the_bounds_that_the_code_forgets_by(app, fablab, browse, monkeypatch):
    monkeypatch.setattr(marks, "KEPT", marks.KEPT * 2)
    app.config["SESSION_IDLE_DAYS"] = 5

    page = browse(None).get("/help/privacy").text

    assert "730 days" in page
    assert "5 days without a visit, 30 days at most" in page


def test_who_is_signed_in_takes_along_what_is_kept_of_them(fablab, browse):
    chloe = browse("chloe")

    answer = submit(chloe, "/help/privacy", "/account/data")

    assert answer.status_code == 200
    assert answer.json["member"][0]["email"] == "chloe@atelier.example"
    assert "/account/data" not in browse(None).get("/help/privacy").text


def test_every_cookie_that_is_set_is_named(fablab, browse):
    client = browse("chloe")
    page = client.get("/help/privacy").text

    client.get("/planning/?view=list")
    client.get("/login")
    names = {name for _domain, _path, name in client._cookies}
    assert names >= {"view", "session"}
    assert names <= set(re.findall(r"<code>([\w-]+)</code>", page))


def test_nothing_is_claimed_of_accessibility_before_an_audit(fablab, browse):
    page = browse(None).get("/help/accessibility").text

    assert "Not compliant: the audit is yet to come" in page
    assert "Accessibility: not compliant" in browse(None).get("/").text
    change(fablab, email="hello@atelier.example")
    assert 'href="mailto:hello@atelier.example"' in browse(None).get("/help/accessibility").text


def test_help_tells_the_whole_of_a_visit_and_what_becomes_of_a_fault(fablab, browse):
    words = "Where nobody has arrived 30 min after the start"
    before = browse(None).get("/help/").text
    say(fablab)

    steps, privacy = browse(None).get("/help/").text, browse(None).get("/help/privacy").text

    assert words not in before
    assert words in steps
    for sentence in ("Say that you are here", "Finished early?", "Report the fault"):
        assert sentence in steps
    assert "What you report of a machine is read by" in privacy
    assert "Faults you reported" in privacy
