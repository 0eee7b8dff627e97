"""What every page is made of: the style sheet, the sprite, the vendored files, the macros."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask_babel import Babel
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired

from fablab import security, texts
from tools import bundle_css

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "fablab" / "static"
TEMPLATES = ROOT / "templates"
SPRITE = next(STATIC.glob("vendor/lucide-*/icons.svg"))

FORBIDDEN = re.compile(
    r"""\sstyle\s*=|<style|\son[a-z]+\s*=\s*["']|src=["']?data:|<script(?![^>]*\ssrc=)"""
)
# icon("…"), drawing("…"), icon="…", "icon": "…"
ICON = re.compile(r"""\b(?:icon|drawing|icon_after)(?:"\s*:|\s*=|\()\s*"([a-z0-9-]+)\"""")


def weight(*files: Path) -> int:
    """Bytes on the wire, each file compressed on its own."""
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def pages() -> list[Path]:
    """Every template of a page. A mail is none: it can link no sheet, and carries its own."""
    return sorted(set(TEMPLATES.rglob("*.html")) - set(TEMPLATES.glob("mails/*")))


def test_the_linked_sheet_is_made_of_the_sheets_beside_it():
    assert bundle_css.BUNDLE.read_text("utf-8") == bundle_css.bundle()


def outermost(css: str) -> list[str]:
    """The first words of what stands at the top of a sheet, outside all braces."""
    depth, found, words = 0, [], ""
    for letter in css:
        if depth == 0 and letter not in "{};":
            words += letter
        elif depth == 0 and letter in "{;":
            found.append(words.strip())
            words = ""
        depth += {"{": 1, "}": -1}.get(letter, 0)
    return found


@pytest.mark.parametrize("sheet", bundle_css.parts(), ids=lambda sheet: sheet.stem)
def test_every_rule_stands_in_a_layer(sheet):
    css = bundle_css.compact(sheet.read_text("utf-8"))

    assert all(re.match(r"@(layer|font-face|page)\b", words) for words in outermost(css))


def test_no_style_is_left_behind_by_what_it_was_for():
    written = "".join(
        file.read_text("utf-8")
        for folder, ending in ((TEMPLATES, "html"), (STATIC / "js", "js"), (ROOT / "fablab", "py"))
        for file in folder.rglob(f"*.{ending}")
    )
    classes = set(re.findall(r"\.([a-z][\w-]*)", bundle_css.BUNDLE.read_text("utf-8")))

    # `tag--` is written out where its ending comes from a value.
    left = {
        each
        for each in classes
        if each not in written and f"{each.rpartition('--')[0] or each}--" not in written
    }

    assert left == set()


def test_the_caption_of_cards_takes_the_whole_line():
    """Beside blocks it would stay a part of a table of its own, as narrow as its longest word."""
    cards = bundle_css.BUNDLE.read_text("utf-8").partition(".table--cards {")[2]

    blocks = cards.partition("display: block")[0]

    assert "caption" in blocks


def test_numbers_of_a_card_stand_beside_one_another():
    """A line of a statement has seven: one beneath the other it is a screen of a phone."""
    cards = bundle_css.BUNDLE.read_text("utf-8").partition(".table--cards {")[2]

    numbers = cards.partition(":is(.number, .table__part) {")[2].partition("}")[0]

    assert "flex-basis: auto" in numbers


def test_the_corner_of_a_card_stands_at_the_end_of_its_first_line():
    """Whether it is a number or a word: as wide as a line it would be the second one."""
    cards = bundle_css.BUNDLE.read_text("utf-8").partition(".table--cards {")[2]

    corner = cards.partition("> .table__corner {")[2].partition("}")[0]

    assert "flex: 0 1 auto" in corner
    assert "order: -2" in corner


def test_the_first_visit_stays_light():
    assert weight(STATIC / "css/app.css") <= 12_000
    assert weight(*first_modules()) <= 10_000
    assert weight(SPRITE) <= 5_000


def first_modules() -> list[Path]:
    """What the planning, where most people come in, loads at once; the frame of every page too."""
    html = "".join(
        (TEMPLATES / page).read_text("utf-8") for page in ("layout/base.html", "home/day.html")
    )
    linked = [STATIC / file for file in re.findall(r"static\('(js/[\w-]+\.js)'\)", html)]
    imported = [
        re.findall(r'^import "\./([\w-]+\.js)"', each.read_text("utf-8"), re.M) for each in linked
    ]
    return linked + [STATIC / "js" / name for names in imported for name in names]


def test_all_scripts_together_stay_light():
    assert len(first_modules()) == 4
    assert weight(*(STATIC / "js").glob("*.js")) <= 25_000


@pytest.mark.parametrize("folder", sorted(STATIC.glob("vendor/*")), ids=lambda folder: folder.name)
def test_what_comes_from_others_is_as_it_came_and_has_its_licence(folder):
    sums = (folder / "SHA256SUMS").read_text("utf-8").split()
    listed = dict(zip(sums[1::2], sums[::2], strict=True))

    assert set(listed) == {file.name for file in folder.iterdir()} - {"SHA256SUMS", "README.md"}
    assert any(name in listed for name in ("LICENSE", "OFL.txt"))
    for name, expected in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(TEMPLATES)))
def test_no_template_writes_a_style_or_a_script_into_the_page(page):
    assert FORBIDDEN.findall(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(TEMPLATES)))
def test_every_icon_asked_for_is_in_the_sprite(page):
    drawn = set(re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text("utf-8")))

    assert set(ICON.findall(page.read_text("utf-8"))) <= drawn


FIELDS = '{% from "components/field.html" import field, choice, error_summary %}'
# Where the frame of a page leads
ENDPOINTS = [
    *("home.index", "home.day", "home.machines", "trainings.index", "booking.index", "booking.new"),
    *("members.account", "members.login", "members.logout", "calendars.index"),
    *("help.index", "help.privacy", "help.accessibility"),
    *("manage.day", "preferences.language"),
]
STRIPS = '{% from "components/strip.html" import strip, scale %}'


@pytest.fixture
def draw():
    """draw(source, **values): a template of the product's, drawn without a database."""
    app = Flask(
        "drawing",
        root_path=str(ROOT / "fablab"),
        template_folder=str(TEMPLATES),
        static_folder=str(STATIC),
    )
    app.config.update(SECRET_KEY="drawing", WTF_CSRF_ENABLED=False)
    Babel(app)
    app.jinja_env.globals.update(texts=texts, static=security.static)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["csrf_token"] = lambda: "token"
    for endpoint in ENDPOINTS:
        app.add_url_rule(f"/{endpoint}", endpoint)

    def render(source: str, **values: object) -> str:
        return render_template_string(source, **values)

    with app.test_request_context():
        yield render


class Questions(FlaskForm):
    name = StringField("Name", [DataRequired("Tell us your name.")])
    about = TextAreaField("About you")
    trade = SelectField("Trade", choices=["wood", "metal"])
    agreed = BooleanField("I agree", [DataRequired("Please agree.")])
    length = RadioField("For how long?", choices=["1 h", "2 h"], validate_choice=False)


def test_a_field_is_tied_to_its_help_and_its_error(draw):
    form = Questions(data={"name": ""})
    form.validate()

    drawn = draw(
        FIELDS + '{{ field(form.name, help="As on the badge.") }}',
        form=form,
    )

    assert 'for="name"' in drawn
    assert 'aria-invalid="true"' in drawn
    assert 'aria-describedby="name-error name-help"' in drawn
    assert 'id="name-help">As on the badge.' in drawn
    assert 'id="name-error"' in drawn
    assert "Tell us your name." in drawn


def test_a_field_without_fault_says_nothing_of_faults(draw):
    drawn = draw(FIELDS + "{{ field(form.about) }}", form=Questions())

    assert "aria-invalid" not in drawn
    assert "aria-describedby" not in drawn
    assert "<textarea" in drawn


def test_attributes_reach_the_control(draw):
    drawn = draw(
        FIELDS + '{{ field(form.name, autocomplete="name") }}',
        form=Questions(),
    )

    assert 'autocomplete="name"' in drawn


def test_a_checkbox_and_a_radio_are_laid_out_as_such(draw):
    source = FIELDS + "{{ field(form.agreed) }}{{ choice(form.length) }}"

    drawn = draw(source, form=Questions())

    assert '<div class="check">' in drawn
    assert drawn.count('type="radio"') == 2
    assert "<legend>For how long?</legend>" in drawn


def test_the_summary_of_errors_leads_to_each_field(draw):
    form = Questions(data={})
    form.validate()
    form.form_errors.append("The machine is <taken>.")

    drawn = draw(
        FIELDS + '{{ error_summary(form, "Not yet") }}',
        form=form,
    )

    assert '<a href="#name">Name</a>' in drawn
    assert '<a href="#agreed">I agree</a>' in drawn
    assert "The machine is &lt;taken&gt;." in drawn
    assert 'id="refusal"' in drawn


def test_what_people_wrote_is_escaped_everywhere(draw):
    evil = "<b>&\"'"
    cell = {
        "kind": "own",
        "span": 4,
        "text": evil,
        "hours": "9:00–10:00",
        "said": evil,
        "url": "/x?a=1&b=2",
    }

    drawn = draw(
        '{% from "components/plan_cells.html" import plan_row %}'
        '{% from "components/button.html" import post_button %}'
        '{% from "components/booking_row.html" import booking_row %}'
        '{{ plan_row([cell], "m01") }}{{ post_button(evil, "/y", "token", hidden=evil) }}'
        '{{ booking_row(evil, "red", evil, "/z", evil) }}',
        cell=cell,
        evil=evil,
    )

    assert "<b>&" not in drawn
    assert 'href="/x?a=1&amp;b=2"' in drawn


def test_a_strip_is_drawn_in_minutes_over_its_hours(draw):
    parts = [{"kind": "booked", "start": 300, "end": 720}]

    drawn = draw(
        STRIPS + '{{ strip(parts, 540, 1140, 642, label="Taken until 12:00") }}', parts=parts
    )

    assert 'viewBox="540 0 600 1"' in drawn
    assert 'x="300" width="420"' in drawn
    assert 'd="M642 0v1"' in drawn
    assert 'role="img" aria-label="Taken until 12:00"' in drawn


def test_a_scale_marks_every_third_hour_away_from_its_ends(draw):
    drawn = draw(STRIPS + "{{ scale(540, 1140) }}")

    assert re.findall(r">(\d+)[^<]*</text>", drawn) == ["9", "12", "15", "19"]


def test_the_error_page_needs_neither_place_nor_member(draw):
    drawn = draw(
        "{% include 'errors/error.html' %}",
        code=503,
        title="Not available",
        sentence="Try again soon.",
        place=None,
        member=None,
    )

    assert "<title>Error: Not available — Machine booking</title>" in drawn
    assert "Try again soon." in drawn


def test_the_style_guide_shows_every_component(draw):
    drawn = draw("{% include 'styleguide.html' %}", place=None, member=None)
    shown = set(re.findall(r'class="([a-z-]+)', drawn))

    assert FORBIDDEN.findall(drawn) == []
    assert {"plate", "button", "tag", "lamp", "card", "message", "field", "slot", "strip"} <= shown
    assert {"board-head", "tile", "gauge", "arrivals", "arrival"} <= shown
    assert {"ticket", "stamp", "facts", "rules", "table", "subscription", "empty"} <= shown
