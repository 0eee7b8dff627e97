"""A file's bytes as numbered lines, and the components they make (RFC 5545 §3.1, §3.4). Pure.

Not left to icalendar as a whole, which knows no line numbers and gives up a file for one line: it
reads the single content lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from icalendar.parser import Contentline

from fablab.words import N_

MAX_BYTES = 1024 * 1024
DEEPEST = 20  # components within components; an alarm in an event in a calendar is the third
MOST_DAMAGED = 2_000  # lines of a file that is still read
LONGEST = 20_000  # letters of a line that is read: 1,000 dates left out, and to spare
NAME = re.compile(r"([A-Za-z0-9-]{1,100})[;:]", re.ASCII)


class Unreadable(ValueError):
    """The file as a whole says nothing; `sentence` why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class TooLarge(Unreadable):
    """It may well be a calendar, but holds too much of it."""


TOO_DAMAGED = N_("So much of the file is damaged that it is not read.")
EMPTY = N_("The file is empty.")
TOO_LARGE = N_("The file is larger than 1 MB.")
PACKED = N_("This is a packed file (ZIP): unpack it, and send the .ics file in it.")
WEB_PAGE = N_("This is a web page and not a calendar: look for “export” or “download” on it.")
NO_CALENDAR = N_("This is no calendar file (.ics).")


class Trouble(NamedTuple):
    """What cannot be read: the line it begins on, whose it is, and why."""

    line: int
    about: str
    sentence: str
    values: dict[str, Any] = {}


DAMAGED_LINE = N_("This line is damaged, and was passed over.")
TOO_LONG = N_("This line is too long to be read.")
CUT_SHORT = N_("The file ends in the midst of it: it is left out.")
NOT_CLOSED = N_("Its end is missing: it is left out.")
NO_END = N_("The file ends too early: some of it may be missing.")
TOO_DEEP = N_("Too much is packed into one another here: it is left out.")


class Line(NamedTuple):
    number: int
    text: str

    @property
    def name(self) -> str:
        """In capitals; empty when the line is no property."""
        found = NAME.match(self.text)
        return found[1].upper() if found else ""


class Property(NamedTuple):
    """A content line taken apart. `raw` is the value as written, `text` without its backslashes."""

    line: int
    params: dict[str, str]
    raw: str
    text: str


@dataclass(slots=True)
class Component:
    name: str
    line: int
    lines: list[Line] = field(default_factory=list)
    parts: list["Component"] = field(default_factory=list)
    summary: Line | None = None  # the first, by which what is wrong with it is told


def checked(content: bytes) -> bytes:
    """The bytes in UTF-8 or something like it, without what may stand before them.

    Raises Unreadable.
    """
    if len(content) > MAX_BYTES:
        raise TooLarge(TOO_LARGE)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16", "replace").encode("utf-8", "replace")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip(b"\0 \t\r\n"):
        raise Unreadable(EMPTY)
    if content.startswith(b"PK\x03\x04"):
        raise Unreadable(PACKED)
    if not re.search(rb"^[ \t]*BEGIN:VCALENDAR\b", content, re.IGNORECASE | re.MULTILINE):
        is_page = re.search(rb"<(!doctype|html|body)", content[:5000], re.IGNORECASE)
        raise Unreadable(WEB_PAGE if is_page else NO_CALENDAR)
    return content


def unfolded(content: bytes) -> Iterator[Line]:
    """The content lines, each with the number of the line it begins on.

    Folded lines are joined as bytes, for some programs fold within a letter. What is not UTF-8 is
    Latin-1, as old programs write it.
    """
    number, parts = 0, list[bytes]()
    for at, line in enumerate(content.splitlines(), 1):
        if line[:1] in (b" ", b"\t") and parts:
            parts.append(line[1:])
            continue
        if parts:
            yield Line(number, _decoded(b"".join(parts)))
        number, parts = at, [line]
    if parts:
        yield Line(number, _decoded(b"".join(parts)))


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def components(lines: Iterator[Line], troubles: list[Trouble]) -> Iterator[Component]:
    """Each component that stands in a calendar, whole, with the parts of its own; what is cut or
    damaged goes to `troubles`.
    """
    open_ones: list[Component] = []
    skipping = 0  # components within one that lies too deep
    for line in lines:
        if len(troubles) > MOST_DAMAGED:
            raise Unreadable(TOO_DAMAGED)
        words = line.text.strip().upper()
        if words.startswith("BEGIN:"):
            if len(open_ones) >= DEEPEST or skipping:
                if not skipping:
                    troubles.append(Trouble(line.number, _title(open_ones), TOO_DEEP))
                skipping += 1
            else:
                open_ones.append(Component(words[6:].strip(), line.number))
        elif words.startswith("END:"):
            if skipping:
                skipping -= 1
            else:
                yield from _closed(words[4:].strip(), line, open_ones, troubles)
        elif skipping or not words.strip("\0"):
            continue
        elif not line.name:
            about = _title(open_ones)
            troubles.append(Trouble(line.number, about or _cut(line.text), DAMAGED_LINE))
        elif open_ones:
            open_ones[-1].lines.append(line)
            if open_ones[-1].summary is None and line.name == "SUMMARY":
                open_ones[-1].summary = line
    for component in open_ones:
        sentence = NO_END if component.name == "VCALENDAR" else CUT_SHORT
        troubles.append(Trouble(component.line, _title([component]), sentence))


def _closed(
    name: str, line: Line, open_ones: list[Component], troubles: list[Trouble]
) -> Iterator[Component]:
    if not any(component.name == name for component in open_ones):
        troubles.append(Trouble(line.number, _cut(line.text), DAMAGED_LINE))
        return
    while open_ones[-1].name != name:
        lost = open_ones.pop()
        troubles.append(Trouble(lost.line, _title([lost]), NOT_CLOSED))
    component = open_ones.pop()
    if not open_ones or open_ones[-1].name == "VCALENDAR":
        yield component
    else:
        open_ones[-1].parts.append(component)


def _title(open_ones: list[Component]) -> str:
    """What the innermost event that is open is called."""
    found = (component.summary for component in reversed(open_ones) if component.summary)
    summary = next(found, None)
    return title(summary) if summary else ""


def title(line: Line) -> str:
    """The text of a SUMMARY, as far as it can be read."""
    try:
        return clean(taken_apart(Line(line.number, line.text[:2000])).text)
    except ValueError:
        return _cut(line.text.partition(":")[2])


def clean(text: str) -> str:
    """One line of at most 200 letters that anybody can see: what a closure's reason may hold."""
    words = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(words.split())[:200]


def _cut(text: str) -> str:
    return clean(text)[:60]


def taken_apart(line: Line) -> Property:
    """Raises ValueError when it is not `name;param=value:value`."""
    if len(line.text) > LONGEST:
        raise ValueError(TOO_LONG)
    content = Contentline(line.text.replace("\0", ""))
    try:
        _name, params, raw = content.raw_parts()
        _name, _params, text = content.parts()
    except ValueError as error:
        raise ValueError(DAMAGED_LINE) from error
    words = {
        str(name).upper(): value if isinstance(value, str) else ",".join(value)
        for name, value in params.items()
    }
    return Property(line.number, words, raw, text)
