"""A table as a CSV file that a spreadsheet opens as it is meant, whatever people typed."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

# What a spreadsheet takes for the start of a formula (OWASP, CSV Injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


MARK = "'"


def cell(value: Any) -> str:
    """Nothing for None; a text that would be run as a formula is marked as text."""
    text = "" if value is None else str(value)
    return f"{MARK}{text}" if needs_a_mark(text) else text


def typed(text: str) -> str:
    """What was in a `cell` before it was marked."""
    inside = text.removeprefix(MARK)
    return inside if inside != text and needs_a_mark(inside) else text


def needs_a_mark(text: str) -> bool:
    """Also what looks as if it were marked already, so that it reads back as it was."""
    if text.startswith(MARK):
        return needs_a_mark(text.lstrip(MARK))
    return text.startswith(FORMULA) and not is_number(text)


def is_number(text: str) -> bool:
    """A number, or a telephone number as we keep them."""
    return text.lstrip("+-").replace(" ", "").replace(".", "").isdigit()


def csv_bytes(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """UTF-8 with its mark, without which a spreadsheet guesses another encoding."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(headings)
    writer.writerows([cell(each) for each in row] for row in rows)
    return file.getvalue().encode("utf-8-sig")


def csv_file(name: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    return Response(
        csv_bytes(headings, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
