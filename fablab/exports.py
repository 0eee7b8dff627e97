"""A table as a CSV file that a spreadsheet opens as it is meant, whatever people typed."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from flask import Response

# What a spreadsheet takes for the start of a formula (OWASP, CSV Injection).
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"  # of full width too
FORMULA = (*SIGNS, "\t", "\r")
MARK = "'"
# A spreadsheet may part lines by other signs than the file does, quoted or not: a French one by
# semicolons. What follows one is then a cell of its own.
INSIDE = re.compile(rf"([;,\t\r\n])({MARK}*[{re.escape(SIGNS)}])")
MARKED_INSIDE = re.compile(rf"([;,\t\r\n]){MARK}({MARK}*[{re.escape(SIGNS)}])")


def cell(value: Any) -> str:
    """Nothing for None; a text that would be run as a formula is marked as text."""
    text = "" if value is None else str(value)
    inside = INSIDE.sub(rf"\1{MARK}\2", text)
    return f"{MARK}{inside}" if needs_a_mark(text) else inside


def typed(text: str) -> str:
    """What was in a `cell` before it was marked."""
    inside = text.removeprefix(MARK)
    unmarked = inside if inside != text and needs_a_mark(inside) else text
    return MARKED_INSIDE.sub(r"\1\2", unmarked)


def needs_a_mark(text: str) -> bool:
    """Also what looks as if it were marked already, so that it reads back as it was."""
    if text.startswith(MARK):
        return needs_a_mark(text.lstrip(MARK))
    return text.startswith(FORMULA) and not is_number(text)


def is_number(text: str) -> bool:
    """A number, or a telephone number as we keep them."""
    return text.lstrip("+-").replace(" ", "").replace(".", "").isdigit()


class Marks(NamedTuple):
    """How a place's spreadsheets part cells and numbers."""

    separator: str
    decimal: str

    def cell(self, value: Any) -> str:
        if not isinstance(value, (float, Decimal)):
            return cell(value)
        number = Decimal(str(value)).normalize()
        return f"{number:f}".replace(".", self.decimal)


def csv_bytes(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], marks: Marks | None = None
) -> bytes:
    """UTF-8 with its mark, without which a spreadsheet guesses another encoding. Without `marks`
    with commas and points, as our imports read it back.
    """
    file = io.StringIO()
    writer = csv.writer(file, delimiter=marks.separator if marks else ",")
    writer.writerow(headings)
    written = marks.cell if marks else cell
    writer.writerows([written(each) for each in row] for row in rows)
    return file.getvalue().encode("utf-8-sig")


def csv_file(
    name: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    marks: Marks | None = None,
) -> Response:
    return Response(
        csv_bytes(headings, rows, marks),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
