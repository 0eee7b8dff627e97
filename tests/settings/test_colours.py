"""The colours of a house: everything that is written in them or on them can be read."""

import re

import pytest

from fablab.settings import colours
from fablab.settings.colours import DARK, LEAST, LIGHT, Use, contrast
from tests import test_contrast as tokens

CHOSEN = ["#1c4279", "#9f331c", "#ffcc00", "#2e7d32", "#8a2be2", "#000000", "#ffffff", "#777777"]


@pytest.mark.parametrize(("look", "known"), [(LIGHT, tokens.LIGHT), (DARK, tokens.DARK)])
def test_the_grounds_are_those_of_the_style_sheet(look, known):
    told = (look.paper, look.sheet, look.ink, look.on_action)

    assert told == tuple(known[name] for name in ("paper", "sheet", "ink", "on-action"))


def test_ours_are_those_of_the_style_sheet_and_read():
    assert (tokens.LIGHT["brick"], tokens.LIGHT["action"]) == (colours.BRICK, colours.BLUE)
    assert colours.reads(colours.BRICK, Use.MARK)
    assert colours.reads(colours.BLUE, Use.BUTTON)


LOOKS = pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])


@LOOKS
@pytest.mark.parametrize("colour", CHOSEN)
def test_the_nearest_that_reads_does_read(colour, look):
    found = colours.nearest_that_reads(colour, Use.BUTTON, look)
    shades = colours.shades(found, look)

    for ground in (look.paper, look.sheet, shades.pale):
        assert contrast(found, ground) >= LEAST
    for ground in (shades.plain, shades.deep, colours.mixed(found, look.sheet, colours.PAST)):
        assert contrast(look.on_action, ground) >= LEAST
    assert contrast(look.ink, shades.pale) >= LEAST


@LOOKS
@pytest.mark.parametrize("colour", CHOSEN)
def test_a_mark_reads_on_the_page(colour, look):
    found = colours.nearest_that_reads(colour, Use.MARK, look)

    assert min(contrast(found, look.paper), contrast(found, look.sheet)) >= LEAST


def test_what_reads_already_is_left_as_it_is():
    assert colours.nearest_that_reads("#1c4279", Use.BUTTON) == "#1c4279"
    assert not colours.reads("#ffcc00", Use.MARK)


def test_the_sheet_says_each_colour_for_both_looks_and_nothing_else():
    sheet = colours.style_sheet("#2b6e31", "#8a2be2")

    told = dict(re.findall(r"--([\w-]+):light-dark\((#[0-9a-f]{6},#[0-9a-f]{6})\)", sheet))
    assert set(told) == {"brick", "action", "action-deep", "action-pale"}
    assert told["brick"].startswith("#2b6e31,")
    assert colours.style_sheet("", "") == ""
    assert "--action" not in colours.style_sheet("#2b6e31", "")
