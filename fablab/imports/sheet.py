"""A CSV file as rows of checked values, with everything that is wrong in it. No database here."""

import csv
import io
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from fablab import exports
from fablab.forms import FIRST_YEAR, LAST_YEAR, is_visible, parse_day
from fablab.words import N_

MAX_BYTES = 2 * 1024 * 1024
MAX_LINES = 5000  # of data, the first line not counted
SHOWN = 40  # characters of a wrong cell that a problem repeats
BETWEEN = "|"  # the parts of a list inside a cell


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong on a line: an English msgid and its values. Line 0 is the whole file."""

    line: int
    sentence: str
    values: Mapping[str, Any] = field(default_factory=dict)


class BadCell(Exception):
    """Why a cell cannot be read: an English msgid, with %(cell)s and the given values."""

    def __init__(self, sentence: str, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.values = values


@dataclass(frozen=True, slots=True)
class Column:
    """`parse` is given the trimmed text of a cell that is not empty; it may raise BadCell."""

    name: str
    parse: Callable[[str], Any]
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one line, by column; a cell left empty has none."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The lines that can be used, and what is wrong with the others."""

    rows: list[Row]
    problems: list[Problem]


def read(data: bytes, columns: Sequence[Column]) -> Sheet:
    """Read a whole file: UTF-8 with or without BOM, commas or semicolons, a line of headers."""
    rows: list[Row] = []
    problems: list[Problem] = []
    try:
        lines = lines_of(decoded(data))
        at, cells = next(lines, (0, []))
        header = header_of(at, cells, columns)
        for count, (at, cells) in enumerate(lines):
            if count == MAX_LINES:
                raise Unreadable(0, N_("The file has more than %(limit)s lines."), limit=MAX_LINES)
            values, wrong = values_of(at, cells, header)
            problems += wrong
            if not wrong:
                rows.append(Row(at, values))
    except Unreadable as error:
        problems += error.problems
    return Sheet(rows, problems)


class Unreadable(Exception):
    """Nothing more can be read from here on."""

    def __init__(self, line: int, sentence: str, **values: Any) -> None:
        super().__init__(sentence)
        self.problems = [Problem(line, sentence, values)]


def decoded(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise Unreadable(
            0, N_("The file is larger than %(limit)s MB."), limit=MAX_BYTES // 1024 // 1024
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(
            data.count(b"\n", 0, error.start) + 1,
            N_("This is not written in UTF-8: save the file as “CSV UTF-8” and try again."),
        ) from error


def lines_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that is not blank, with its number in the file; a quoted cell may span several."""
    first = text.lstrip().partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        at = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Unreadable(
                at, N_("From here on the file cannot be read: look at its quotation marks.")
            ) from error
        if any(cell.strip() for cell in cells):
            yield at, cells


def header_of(line: int, cells: list[str], columns: Sequence[Column]) -> list[Column]:
    """The column of each cell. Raises Unreadable with everything that is wrong in the header."""
    if not cells:
        raise Unreadable(0, N_("The file is empty."))
    known = {column.name: column for column in columns}
    names = [cell.strip().casefold() for cell in cells]
    while names and not names[-1]:
        names.pop()
    problems = [
        Problem(
            line,
            N_("There is no column “%(name)s”. The columns are: %(known)s."),
            {"name": shown(name), "known": ", ".join(known)},
        )
        for name in names
        if name not in known
    ]
    problems += [
        Problem(line, N_("The column “%(name)s” is there twice."), {"name": name})
        for name in known
        if names.count(name) > 1
    ]
    problems += [
        Problem(line, N_("The column “%(name)s” is missing."), {"name": name})
        for name, column in known.items()
        if column.is_required and name not in names
    ]
    if problems:
        error = Unreadable(line, "")
        error.problems = problems
        raise error
    return [known[name] for name in names]


def values_of(
    line: int, cells: list[str], header: list[Column]
) -> tuple[dict[str, Any], list[Problem]]:
    """The values of a line, or everything that is wrong with it."""
    while len(cells) > len(header) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) != len(header):
        numbers = {"found": len(cells), "expected": len(header)}
        sentence = N_("This line has %(found)s cells where the first line has %(expected)s.")
        return {}, [Problem(line, sentence, numbers)]
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for column, cell in zip(header, cells, strict=True):
        typed = exports.typed(unicodedata.normalize("NFC", cell).strip()).strip()
        try:
            if typed:
                values[column.name] = column.parse(typed)
            elif column.is_required:
                raise BadCell(N_("“%(column)s” is empty."))
        except BadCell as error:
            told = {"column": column.name, "cell": shown(typed)} | error.values
            problems.append(Problem(line, error.sentence, told))
    return values, problems


def shown(typed: str) -> str:
    """What a problem repeats of a cell: cut, and without what a terminal would obey."""
    cut = typed if len(typed) <= SHOWN else typed[: SHOWN - 1] + "…"
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in cut
    )


# -- what a cell may hold


def line_of_text(longest: int) -> Callable[[str], str]:
    def parse(typed: str) -> str:
        if not is_visible(typed):
            raise BadCell(N_("“%(column)s” holds characters that nobody can see."))
        if len(typed) > longest:
            raise BadCell(
                N_("“%(column)s” is longer than %(longest)s characters."), longest=longest
            )
        return typed

    return parse


def text_of_lines(longest: int) -> Callable[[str], str]:
    """Several lines, inside quotation marks."""
    one_line = line_of_text(longest)

    def parse(typed: str) -> str:
        text = typed.replace("\r\n", "\n").replace("\r", "\n")
        one_line(text.replace("\n", " "))
        return text

    return parse


def list_of_texts(typed: str) -> list[str]:
    text = line_of_text(1000)(typed)
    return [part.strip() for part in text.split(BETWEEN) if part.strip()]


def named_facts(typed: str) -> dict[str, str]:
    """`Power: 80 W | Area: 1000 × 610 mm`."""
    facts: dict[str, str] = {}
    for part in list_of_texts(typed):
        name, colon, fact = (piece.strip() for piece in part.partition(":"))
        if not (name and colon and fact):
            raise BadCell(
                N_("“%(column)s”: write it as “Power: 80 W | Area: 1000 × 610 mm”, not “%(cell)s”.")
            )
        facts[name] = fact
    return facts


def one_of(values: type[StrEnum] | Sequence[str]) -> Callable[[str], str]:
    known = {str(value).casefold(): value for value in values}
    told = ", ".join(map(str, values))

    def parse(typed: str) -> str:
        if typed.casefold() not in known:
            raise BadCell(N_("“%(column)s” is one of %(known)s, not “%(cell)s”."), known=told)
        return known[typed.casefold()]

    return parse


def yes_or_no(typed: str) -> bool:
    return one_of(("yes", "no"))(typed) == "yes"


def day(typed: str) -> date:
    found = parse_day(typed)
    if found is None:
        raise BadCell(N_("“%(column)s”: there is no day “%(cell)s”. Write it as 2027-03-31."))
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadCell(N_("“%(column)s”: %(cell)s is no day of this century."))
    return found


def level(typed: str) -> int:
    return int(one_of(("1", "2", "3", "4"))(typed))
