"""The first sheet of an XLSX workbook as lines of texts. Pure, and bounded in every direction.

Only what an export writes is read: texts, numbers, yes and no, days and hours (ISO/IEC 29500-1
§18.3.1.4). Nothing is calculated and nothing outside the file is looked at: a document type, which
entities need, is refused.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import BytesIO
from lzma import LZMAError
from typing import Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

SIGNATURE = b"PK\x03\x04"
MAX_UNPACKED = 32 * 1024 * 1024  # bytes, of each part that is read
MAX_CELLS = 500_000
MAX_COLUMNS = 200
MAX_ROWS = 20_000  # the empty ones as well: each takes its time
MAX_TEXT = 32_767  # characters of a cell, as Excel has it
PORTION = 64 * 1024
# The formats that are known by their number alone, and write days or hours (§18.8.30).
DAYS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
SPREADSHEET = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
IN_QUOTES = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
CELL = re.compile(r"([A-Z]{1,3})[1-9][0-9]{0,6}", re.ASCII)


class NoWorkbook(ValueError):
    """It is not one, or holds more than is read."""


Handler = Callable[[str, dict[str, str], str, bool], None]


def lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first sheet with their number, as long as their last cell that holds
    something. Raises NoWorkbook.
    """
    try:
        with ZipFile(BytesIO(data)) as book:
            yield from _lines(book)
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise NoWorkbook("no archive") from error
    except (zlib.error, LZMAError) as error:
        raise NoWorkbook("a damaged archive") from error
    except (expat.ExpatError, LookupError, ValueError, OverflowError) as error:
        raise NoWorkbook("no workbook") from error


def _lines(book: ZipFile) -> Iterator[tuple[int, list[str]]]:
    names = set(book.namelist())
    sheet, epoch = _first_sheet(book, names)
    texts = _texts(book) if "xl/sharedStrings.xml" in names else []
    is_day = _formats(book) if "xl/styles.xml" in names else []
    reader = _Rows(texts, is_day, epoch)
    for _ in _walk(book, sheet, reader.take):
        yield from reader.done()
    yield from reader.done()


def _walk(book: ZipFile, name: str, handle: Handler) -> Iterator[None]:
    """Hand each element of a part to `handle`: name, attributes, text, and whether it ends."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    held: list[str] = []
    length = 0

    def hold(text: str) -> None:
        nonlocal length
        length += len(text)
        if length > MAX_TEXT:
            raise NoWorkbook("a long text")
        held.append(text)

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal length
        held.clear()
        length = 0
        handle(tag.rpartition(" ")[2], attributes, "", False)

    def end(tag: str) -> None:
        nonlocal length
        handle(tag.rpartition(" ")[2], {}, "".join(held), True)
        held.clear()
        length = 0

    def refuse(*_args: Any) -> None:
        raise NoWorkbook("a document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = hold
    parser.StartDoctypeDeclHandler = refuse
    unpacked = 0
    with book.open(name) as part:
        while portion := part.read(PORTION):
            unpacked += len(portion)
            if unpacked > MAX_UNPACKED:
                raise NoWorkbook("too large")
            parser.Parse(portion)
            yield
    parser.Parse(b"", True)
    yield


def _read(book: ZipFile, name: str, handle: Handler) -> None:
    for _ in _walk(book, name, handle):
        pass


def _first_sheet(book: ZipFile, names: set[str]) -> tuple[str, datetime]:
    """The part that holds it, and the day that days are counted from."""
    ids: list[str] = []
    targets: dict[str, str] = {}
    is_1904: list[bool] = []

    def in_book(tag: str, attributes: dict[str, str], _text: str, is_end: bool) -> None:
        if tag == "sheet" and not is_end:
            ids.append(attributes[f"{SPREADSHEET} id"])
        elif tag == "workbookPr" and not is_end:
            is_1904.append(attributes.get("date1904", "0") in ("1", "true"))

    def in_links(tag: str, attributes: dict[str, str], _text: str, is_end: bool) -> None:
        if tag == "Relationship" and not is_end:
            targets[attributes["Id"]] = attributes["Target"]

    _read(book, "xl/workbook.xml", in_book)
    _read(book, "xl/_rels/workbook.xml.rels", in_links)
    target = targets[ids[0]]
    name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    if name not in names:
        raise NoWorkbook("no sheet")
    # 1900 is a leap year there (§18.17.4.1), so that days count from the 30th from March 1900 on.
    return name, datetime(1904, 1, 1) if any(is_1904) else datetime(1899, 12, 30)  # noqa: DTZ001


def _texts(book: ZipFile) -> list[str]:
    """Those that cells point to, with the parts that are set in several ways joined."""
    found: list[str] = []
    parts: list[str] = []
    phonetic: list[bool] = []

    def handle(tag: str, _attributes: dict[str, str], text: str, is_end: bool) -> None:
        if tag == "rPh":
            phonetic.pop() if is_end else phonetic.append(True)
        elif tag == "t" and is_end and not phonetic:
            parts.append(text)
        elif tag == "si" and is_end:
            if len(found) >= MAX_CELLS:
                raise NoWorkbook("too many texts")
            found.append("".join(parts))
            parts.clear()

    _read(book, "xl/sharedStrings.xml", handle)
    return found


def _formats(book: ZipFile) -> list[bool]:
    """Of each format that a cell may have, whether it writes a day or an hour."""
    own: dict[int, bool] = {}
    found: list[bool] = []
    inside: list[str] = []

    def handle(tag: str, attributes: dict[str, str], _text: str, is_end: bool) -> None:
        if tag == "cellXfs":
            inside.pop() if is_end else inside.append(tag)
        elif tag == "numFmt" and not is_end:
            code = IN_QUOTES.sub("", attributes["formatCode"]).casefold()
            own[int(attributes["numFmtId"])] = any(letter in code for letter in "ymdh")
        elif tag == "xf" and inside and not is_end:
            number = int(attributes.get("numFmtId", "0"))
            found.append(own.get(number, number in DAYS))

    _read(book, "xl/styles.xml", handle)
    return found


class _Rows:
    """Gathers cells into rows while the sheet is walked."""

    def __init__(self, texts: list[str], is_day: list[bool], epoch: datetime) -> None:
        self.texts, self.is_day, self.epoch = texts, is_day, epoch
        self.ready: list[tuple[int, list[str]]] = []
        self.row: list[str] = []
        self.number, self.count, self.cells, self.at = 0, 0, 0, 0
        self.kind, self.style, self.parts = "", 0, [""]

    def done(self) -> Iterator[tuple[int, list[str]]]:
        ready, self.ready = self.ready, []
        yield from ready

    def take(self, tag: str, attributes: dict[str, str], text: str, is_end: bool) -> None:
        if tag == "row" and not is_end:
            self.count += 1
            if self.count > MAX_ROWS:
                raise NoWorkbook("too many rows")
            self.number = int(attributes.get("r") or self.number + 1)
            self.row, self.at = [], 0
        elif tag == "row":
            self.ready.append((self.number, self.row))
        elif tag == "c" and not is_end:
            self._begin(attributes)
        elif tag in ("v", "t") and is_end:
            self.parts.append(text)
        elif tag == "c":
            self._finish()

    def _begin(self, attributes: dict[str, str]) -> None:
        self.cells += 1
        if "r" in attributes:
            self.at = column_of(attributes["r"])
        if self.cells > MAX_CELLS or self.at >= MAX_COLUMNS:
            raise NoWorkbook("too many cells")
        self.kind = attributes.get("t", "n")
        self.style = int(attributes.get("s", "0"))
        self.parts = []

    def _finish(self) -> None:
        self.row += [""] * (self.at - len(self.row) + 1)
        self.row[self.at] = self._said("".join(self.parts))
        self.at += 1

    def _said(self, text: str) -> str:
        if not text or self.kind in ("str", "inlineStr", "e", "d"):
            return text
        if self.kind == "s":
            return self.texts[int(text)]
        if self.kind == "b":
            return "yes" if text in ("1", "true") else "no"
        if self.style < len(self.is_day) and self.is_day[self.style]:
            return self._day(float(text))
        return text.removesuffix(".0")

    def _day(self, serial: float) -> str:
        moment = self.epoch + timedelta(minutes=round(serial * 24 * 60))
        if 0 < serial < 1:  # of no day: an hour alone
            return f"{moment:%H:%M}"
        return f"{moment:%Y-%m-%d}" if serial == int(serial) else f"{moment:%Y-%m-%d %H:%M}"


def column_of(reference: str) -> int:
    """`A7` is 0. Raises ValueError."""
    found = CELL.fullmatch(reference)
    if not found:
        raise ValueError(reference)
    at = 0
    for letter in found[1]:
        at = at * 26 + ord(letter) - ord("A") + 1
    return at - 1
