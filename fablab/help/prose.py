"""The team's plain text as paragraphs and lists. Pure."""

import re
from itertools import groupby
from typing import NamedTuple

ITEM = re.compile(r"\s*[-–—•*]\s+(.*)")


class Block(NamedTuple):
    """Some lines of a paragraph, or the items of a list."""

    is_list: bool
    lines: list[str]


def blocks(text: str) -> list[Block]:
    """An empty line ends a paragraph; lines that begin with a dash, a star or a dot are a list."""
    found = []
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = [(ITEM.fullmatch(line), line.strip()) for line in part.split("\n") if line.strip()]
        for is_list, group in groupby(lines, key=lambda pair: pair[0] is not None):
            found.append(Block(is_list, [item[1] if item else line for item, line in group]))
    return found
