"""The two colours a house may choose, and all that is made of them. Pure.

A text must read on whatever it is laid on: 4.5:1 at least (WCAG 2.2 §1.4.3), in the light look and
in the dark one. A house says its colours as they are in the light look. The grounds are those of
`static/css/tokens.css`, and a test keeps them the same.
"""

from dataclasses import dataclass
from enum import Enum

LEAST = 4.5
PAST = 0.22  # of the sheet in one's own booking that is over, on the planning
STEP = 0.02  # how finely a colour that reads is looked for


@dataclass(frozen=True, slots=True)
class Look:
    paper: str
    sheet: str
    ink: str
    on_action: str


LIGHT = Look("#f4eee1", "#fffcf5", "#1d2230", "#ffffff")
DARK = Look("#191713", "#24211b", "#f3ebdc", "#0d1a2e")
BRICK, BLUE = "#9f331c", "#1c4279"  # ours
BLACK, WHITE = "#000000", "#ffffff"


@dataclass(frozen=True, slots=True)
class Shades:
    """One colour in one look: of texts and buttons, of a button under the mouse, of a ground."""

    plain: str
    deep: str
    pale: str


class Use(Enum):
    """What a colour is for."""

    MARK = "mark"  # read, or looked at, on the page itself
    BUTTON = "button"  # that, and text stands on it and on what is made of it


def least_contrast(colour: str, use: Use, look: Look = LIGHT) -> float:
    """The worst of all pairs of a text and its ground that the colour is part of."""
    on_the_page = min(contrast(colour, look.paper), contrast(colour, look.sheet))
    if use is Use.MARK:
        return on_the_page
    pale, over = shades(colour, look).pale, mixed(colour, look.sheet, PAST)
    return min(
        on_the_page,
        contrast(colour, look.on_action),
        contrast(colour, pale),
        contrast(look.ink, pale),
        contrast(look.on_action, over),
    )


def reads(colour: str, use: Use, look: Look = LIGHT) -> bool:
    return least_contrast(colour, use, look) >= LEAST


def nearest_that_reads(colour: str, use: Use, look: Look = LIGHT) -> str:
    """The colour itself, or as little as it takes darker; lighter in the dark look."""
    aim, share = WHITE if look is DARK else BLACK, 0.0
    while share < 1:
        found = mixed(colour, aim, share)
        if reads(found, use, look):
            return found
        share += STEP
    return aim


def shades(colour: str, look: Look) -> Shades:
    if look is DARK:
        return Shades(colour, mixed(colour, WHITE, 0.45), mixed(colour, look.sheet, 0.78))
    return Shades(colour, mixed(colour, BLACK, 0.3), mixed(colour, WHITE, 0.85))


def style_sheet(brick: str, blue: str) -> str:
    """The tokens that differ from ours; nothing when none does."""
    told = []
    if brick:
        told.append(f"--brick:{in_both_looks(brick, nearest_that_reads(brick, Use.MARK, DARK))}")
    if blue:
        light, dark = shades(blue, LIGHT), shades(nearest_that_reads(blue, Use.BUTTON, DARK), DARK)
        told += [
            f"--action:{in_both_looks(light.plain, dark.plain)}",
            f"--action-deep:{in_both_looks(light.deep, dark.deep)}",
            f"--action-pale:{in_both_looks(light.pale, dark.pale)}",
        ]
    return f"@layer tokens{{:root{{{';'.join(told)}}}}}\n" if told else ""


def in_both_looks(light: str, dark: str) -> str:
    return f"light-dark({light},{dark})"


def mixed(colour: str, other: str, share: float) -> str:
    """`colour` with so large a `share` (0 to 1) of the other in it."""
    pairs = zip(channels(colour), channels(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def contrast(one: str, other: str) -> float:
    """From 1 to 21: WCAG 2.2 §dfn-contrast-ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2.2 §dfn-relative-luminance."""
    parts = [channel / 255 for channel in channels(colour)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def channels(colour: str) -> tuple[int, int, int]:
    """Of `#rrggbb`."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue
