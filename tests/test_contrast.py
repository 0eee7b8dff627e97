"""Colours are told apart by everyone: WCAG 2.2 §1.4.3 (text) and §1.4.11 (edges of controls).

Reads the tokens from the style sheet itself, in both themes, so that a hue added tomorrow is
measured too.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHEET = (ROOT / "fablab/static/css/tokens.css").read_text("utf-8")
TOKEN = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{3,8}), (#[0-9a-f]{3,8})\);")
LIGHT = {name: light for name, light, _ in TOKEN.findall(SHEET)}
DARK = {name: dark for name, _, dark in TOKEN.findall(SHEET)}
THEMES = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])

HUES = sorted(name for name in LIGHT if name.startswith("hue-"))

TEXTS = [
    ("ink", "paper sheet well free-pale action-pale refusal-pale warning-pale warning-weave"),
    ("ink-soft", "paper sheet well"),
    ("action", "paper sheet action-pale"),
    ("on-action", "action action-deep"),
    ("refusal", "paper sheet refusal-pale"),
    ("warning", "paper sheet warning-pale"),
    ("free", "paper sheet free-pale"),
    ("on-free", "free"),
    ("on-booked", "booked"),
    ("on-now", "now"),
    ("sheet", "ink"),
]
EDGES = [
    ("line-strong", "paper sheet"),
    ("booked-edge", "sheet free-pale"),
    ("focus", "paper sheet"),
    ("now", "sheet paper"),
]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2 §dfn-relative-luminance; `#rgb` or `#rrggbb`."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def pairs(table: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(front, back) for front, backs in table for back in backs.split()]


def test_the_measure_itself_is_right():
    assert contrast("#fff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_there_are_ten_hues_and_a_class_for_each():
    assert len(HUES) == 10
    for hue in HUES:
        name = hue.removeprefix("hue-")
        assert f".category--{name} {{ --hue: var(--{hue}); }}" in SHEET


@THEMES
@pytest.mark.parametrize("hue", HUES)
def test_a_code_reads_on_its_plate(colours, hue):
    assert contrast(colours[hue], colours["on-plate"]) >= 4.5


@THEMES
@pytest.mark.parametrize("hue", HUES)
def test_the_drawing_of_a_category_shows_on_a_sheet(colours, hue):
    assert contrast(colours[hue], colours["sheet"]) >= 3


@THEMES
@pytest.mark.parametrize(("front", "back"), pairs(TEXTS))
def test_a_text_reads_on_what_it_is_laid_on(colours, front, back):
    assert contrast(colours[front], colours[back]) >= 4.5


@THEMES
@pytest.mark.parametrize(("front", "back"), pairs(EDGES))
def test_an_edge_shows_against_what_is_beside_it(colours, front, back):
    assert contrast(colours[front], colours[back]) >= 3
