"""A CSV file or a workbook as rows of checked values, with everything that is wrong in it. No
database here.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from fablab import exports
from fablab.forms import FIRST_YEAR, LAST_YEAR, is_visible, parse_day, parse_time
from fablab.imports import workbook
from fablab.imports.columns import WORDS, ours, plain, twice
from fablab.words import N_

MAX_BYTES = 2 * 1024 * 1024
MAX_LINES = 5000  # of data, the first line not counted
SHOWN = 40  # characters of a wrong cell that a problem repeats
BETWEEN = "|"  # the parts of a list inside a cell
MISSING = N_("The column “%(name)s” is missing.")
TWICE = N_("The column “%(name)s” is there twice.")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong on a line: an English msgid and its values. Line 0 is the whole file."""

    line: int
    sentence: str
    values: Mapping[str, Any] = field(default_factory=dict)
    column: str = ""  # whose cell it is about


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
    """The values of one line, by column, as far as they can be read; a cell left empty has none.

    A line with a wrong cell is told here, and looked at all the same: what its other cells say is
    checked like that of any line, so that everything wrong with it is told at once.
    """

    line: int
    values: dict[str, Any]
    is_kept: bool = False  # what is there of it already stays, whatever it says now
    unread: frozenset[str] = frozenset()  # the columns whose cell is wrong

    @property
    def is_whole(self) -> bool:
        return not self.unread

    def says(self, *columns: str) -> bool:
        """Whether something stands in one of these, be it what cannot be read."""
        return any(column in self.values or column in self.unread for column in columns)

    def knows(self, *columns: str) -> bool:
        """Whether what these mean is known; an empty cell that may be empty is."""
        return self.unread.isdisjoint(columns)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The lines as far as they can be read, and what is wrong with their cells."""

    rows: list[Row]
    problems: list[Problem]
    texts: dict[int, dict[str, str]] = field(default_factory=dict)  # what each line says, by column
    order: tuple[str, ...] = ()  # of our columns in the file

    def in_order(self, problems: Iterable[Problem]) -> list[Problem]:
        """By line, and along it as one reads; what is of no cell comes last."""
        at = {name: number for number, name in enumerate(self.order)}
        return sorted(problems, key=lambda each: (each.line, at.get(each.column, len(at))))


def read(data: bytes, columns: Sequence[Column], names: Mapping[str, str] | None = None) -> Sheet:
    """Read a whole file: a line of headers, then a line for each. `names` says what our columns
    are called in it, and that all others are left alone; else they have our names.
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    texts: dict[int, dict[str, str]] = {}
    header: list[Column | None] = []
    try:
        lines = lines_of(data)
        at, cells = next(lines, (0, []))
        header = (
            header_of(at, cells, columns) if names is None else named(at, cells, columns, names)
        )
        for count, (at, cells) in enumerate(lines):
            if count == MAX_LINES:
                sentence = N_("The file has more than %(limit)s lines: send it in several parts.")
                raise Unreadable(0, sentence, limit=MAX_LINES)
            named_cells = zip(header, cells, strict=False)
            texts[at] = {one.name: shown(cell.strip()) for one, cell in named_cells if one}
            try:
                values, wrong = values_of(at, fitting(at, cells, len(header)), header)
            except Shifted as error:
                problems += error.problems
                continue
            problems += wrong
            rows.append(Row(at, values, unread=frozenset(each.column for each in wrong)))
    except Unreadable as error:
        problems += error.problems
    return Sheet(rows, problems, texts, tuple(column.name for column in header if column))


def first_lines(data: bytes, most: int) -> list[list[str]]:
    """The line of headers and some of those below, as they stand there; none of what is no file
    with lines.
    """
    found: list[list[str]] = []
    try:
        for _at, cells in lines_of(data):
            found.append([cell.strip() for cell in cells])
            if len(found) == most:
                break
    except Unreadable:
        pass
    return found


class Unreadable(Exception):
    """Nothing more can be read from here on."""

    def __init__(self, line: int, sentence: str, **values: Any) -> None:
        super().__init__(sentence)
        self.problems = [Problem(line, sentence, values)]

    @classmethod
    def all_of(cls, line: int, problems: list[Problem]) -> "Unreadable":
        error = cls(line, "")
        error.problems = problems
        return error


class Shifted(Unreadable):
    """Nobody knows which cell of this line is under which column."""


def lines_of(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Each line that is not blank, with its number in the file. Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable(
            0, N_("The file is larger than %(limit)s MB."), limit=MAX_BYTES // 1024 // 1024
        )
    every = of_workbook(data) if data.startswith(workbook.SIGNATURE) else of_text(decoded(data))
    yield from ((at, cells) for at, cells in every if any(cell.strip() for cell in cells))


def of_workbook(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The first sheet; what is empty at the end of a line counts as empty cells."""
    width = 0
    try:
        for at, cells in workbook.lines(data):
            width = width or len(cells)
            yield at, cells + [""] * (width - len(cells))
    except workbook.NoWorkbook as error:
        sentence = N_("This workbook cannot be read: save it as “CSV UTF-8” and try again.")
        raise Unreadable(0, sentence) from error


def decoded(data: bytes) -> str:
    """UTF-8, with or without its mark; else as Windows writes French, in which a zero byte means
    nothing.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" not in data:
            with suppress(UnicodeDecodeError):
                return data.decode("cp1252")
        raise Unreadable(
            data.count(b"\n", 0, error.start) + 1,
            N_("This is no text that can be read: save the file as “CSV UTF-8” and try again."),
        ) from error


def of_text(text: str) -> Iterator[tuple[int, list[str]]]:
    """Separated by what the first line has most of; a quoted cell may span several lines."""
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
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
        yield at, cells


def named(
    line: int, cells: list[str], columns: Sequence[Column], names: Mapping[str, str]
) -> list[Column | None]:
    """The column of each cell, by what ours are called in this file; None for what is left alone.
    Raises Unreadable with everything that is wrong with the names.
    """
    if not cells:
        raise Unreadable(0, N_("The file is empty."))
    header = [cell.strip().casefold() for cell in cells]
    called = {ours: theirs.strip().casefold() for ours, theirs in names.items()}
    known = {column.name: column for column in columns}
    problems = [
        Problem(
            line,
            N_("There is no column “%(name)s”. The columns are: %(known)s."),
            {"name": shown(ours), "known": ", ".join(known)},
        )
        for ours in called
        if ours not in known
    ]
    problems += [
        Problem(line, N_("The file has no column “%(name)s”."), {"name": shown(theirs)})
        for theirs in called.values()
        if theirs not in header
    ]
    problems += [
        Problem(line, TWICE, {"name": shown(theirs)})
        for theirs in {
            *twice(called),
            *(each for each in called.values() if header.count(each) > 1),
        }
    ]
    problems += [
        Problem(line, MISSING, {"name": name}, name)
        for name, column in known.items()
        if column.is_required and name not in called
    ]
    if problems:
        raise Unreadable.all_of(line, problems)
    ours_of = {theirs: known[ours] for ours, theirs in called.items()}
    return [ours_of.get(theirs) for theirs in header]


def header_of(line: int, cells: list[str], columns: Sequence[Column]) -> list[Column | None]:
    """The column of each cell. Raises Unreadable with everything that is wrong in the header."""
    if not cells:
        raise Unreadable(0, N_("The file is empty."))
    known = {column.name: column for column in columns}
    typed = [cell.strip().casefold() for cell in cells]
    while typed and not typed[-1]:
        typed.pop()
    names = [ours(name, known) or name for name in typed]
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
        Problem(line, TWICE, {"name": name}, name) for name in known if names.count(name) > 1
    ]
    problems += [
        Problem(line, MISSING, {"name": name}, name)
        for name, column in known.items()
        if column.is_required and name not in names
    ]
    if problems:
        raise Unreadable.all_of(line, problems)
    return [known[name] for name in names]


def fitting(line: int, cells: list[str], width: int) -> list[str]:
    """The cells of a line, one for each of the first line. Raises Shifted."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) != width:
        sentence = N_("This line has %(found)s cells where the first line has %(expected)s.")
        raise Shifted(line, sentence, found=len(cells), expected=width)
    return cells


def values_of(
    line: int, cells: list[str], header: list[Column | None]
) -> tuple[dict[str, Any], list[Problem]]:
    """The values of a line, and what is wrong with its other cells."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for column, cell in zip(header, cells, strict=True):
        if column is None:
            continue
        typed = exports.typed(unicodedata.normalize("NFC", cell).strip()).strip()
        try:
            if typed:
                values[column.name] = column.parse(typed)
            elif column.is_required:
                raise BadCell(N_("“%(column)s” is empty."))
        except BadCell as error:
            told = {"column": column.name, "cell": shown(typed)} | error.values
            problems.append(Problem(line, error.sentence, told, column.name))
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
    """One of these, as they are written here or as `WORDS` says them in French."""
    known = {str(value).casefold(): value for value in values}
    french = {
        plain(word): value for value in values for word in WORDS.get(str(value).casefold(), ())
    }
    told = ", ".join(map(str, values))

    def parse(typed: str) -> str:
        found = known.get(typed.casefold(), french.get(plain(typed)))
        if found is None:
            raise BadCell(N_("“%(column)s” is one of %(known)s, not “%(cell)s”."), known=told)
        return found

    return parse


def yes_or_no(typed: str) -> bool:
    return one_of(("yes", "no"))(typed) == "yes"


DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


def day(typed: str) -> date:
    """`2027-03-31`, or `31/03/2027`: never the month first."""
    found = parse_day(DAY_FIRST.sub(_turned, typed, count=1))
    if found is None:
        raise BadCell(N_("“%(column)s”: there is no day “%(cell)s”. Write it as 2027-03-31."))
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadCell(N_("“%(column)s”: %(cell)s is no day of this century."))
    return found


def _turned(found: re.Match[str]) -> str:
    return f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}"


def hour(typed: str) -> time:
    """`14:30`, `14h30` or `14h`; seconds are none."""
    found = re.fullmatch(r"(\d{1,2}) ?[h:] ?(\d{2})?(?::00)?", typed, re.ASCII | re.IGNORECASE)
    at = parse_time(f"{found[1]}:{found[2] or '00'}") if found else None
    if at is None:
        raise BadCell(N_("“%(column)s”: there is no hour in “%(cell)s”. Write it as 14:30."))
    return at


def moment(typed: str) -> datetime:
    """A day and an hour on the place's clock: `2027-03-31 14:30`, or `31/03/2027 14h30`."""
    on, _space, at = typed.replace("T", " ", 1).partition(" ")
    return datetime.combine(day(on), hour(at.strip()))


def moment_or_hour(typed: str) -> datetime | time:
    """The hour alone is of the day that is said elsewhere."""
    return moment(typed) if re.match(r"\d+[-/]", typed) else hour(typed)


def level(typed: str) -> int:
    return int(one_of(("1", "2", "3", "4"))(typed))
