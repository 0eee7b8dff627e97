"""Statements as files: JSON that proves itself, and the table that an accounting tool takes. Pure:
whoever asks for a table says in which language its words are.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from fablab.exports import cell
from fablab.members.words import AUDIENCES
from fablab.statements import canon
from fablab.statements.words import KINDS, UNITS
from fablab.words import N_

Content = Mapping[str, Any]  # the hashed part
People = Mapping[str, str]  # names by reference, of those that the reader may know
Translate = Callable[[str], str]  # from an English msgid


class Row(NamedTuple):
    statement: Content
    line: Content
    people: People
    translate: Translate

    @property
    def subject(self) -> Content:
        return self.statement["subject"]


class Column(NamedTuple):
    label: str  # an English msgid
    value: Callable[[Row], Any]


def _period(row: Row) -> str:
    return f"{row.statement['first_day']}/{row.statement['last_day']}"


def _label(row: Row) -> str:
    return " ".join(filter(None, (row.line["machine"], row.line["machine_name"], row.line["what"])))


def _customer(row: Row) -> str:
    person = row.subject.get("person", "")
    return row.subject.get("organization") or row.people.get(person, person)


def _hours(name: str) -> Callable[[Row], Decimal | None]:
    def hours(row: Row) -> Decimal | None:
        minutes = row.line[name]
        return None if minutes is None else (Decimal(minutes) / 60).quantize(Decimal("0.01"))

    return hours


def _hour(row: Row) -> str:
    """It began at, on the place's clock."""
    zone = ZoneInfo(row.statement["place"]["zone"])
    return f"{datetime.fromisoformat(row.line['starts_at']).astimezone(zone):%H:%M}"


def _of_line(name: str) -> Callable[[Row], Any]:
    return lambda row: row.line.get(name)


def _word(name: str, words: Mapping[Any, str]) -> Callable[[Row], str]:
    """What a code is called; a supply's unit is a word of the place already."""

    def word(row: Row) -> str:
        code = row.line.get(name) or ""
        return row.translate(words[code]) if code in words else code

    return word


def _number(name: str) -> Callable[[Row], Decimal | None]:
    def number(row: Row) -> Decimal | None:
        value = row.line.get(name)
        return None if value is None else Decimal(value)

    return number


COLUMNS: dict[str, Column] = {
    "customer_code": Column(N_("Customer code"), lambda row: row.subject.get("customer_code", "")),
    "customer": Column(N_("Customer"), _customer),
    "siren": Column(N_("SIREN"), lambda row: row.subject.get("siren", "")),
    "period": Column(N_("Period"), _period),
    "first_day": Column(N_("First day"), lambda row: row.statement["first_day"]),
    "last_day": Column(N_("Last day"), lambda row: row.statement["last_day"]),
    "day": Column(N_("Day"), _of_line("day")),
    "hour": Column(N_("Hour"), _hour),
    "product": Column(N_("Product"), _of_line("product")),
    "label": Column(N_("Text of the line"), _label),
    "kind": Column(N_("Kind"), _word("kind", KINDS)),
    "machine": Column(N_("Machine"), _of_line("machine")),
    "category": Column(N_("Category"), _of_line("category")),
    "quantity": Column(N_("Quantity"), _number("quantity")),
    "unit": Column(N_("Unit"), _word("unit", UNITS)),
    "unit_price": Column(N_("Unit price"), _number("unit_price")),
    "percent": Column(N_("Percent"), _number("percent")),
    "amount": Column(N_("Amount"), _number("amount")),
    "share_percent": Column(N_("Owner's percent"), _number("share_percent")),
    "share": Column(N_("Owner's part"), _number("share")),
    "currency": Column(N_("Currency"), lambda row: row.statement["currency"]),
    "vat_text": Column(N_("VAT"), lambda row: row.statement["vat_text"]),
    "activity": Column(N_("Analytic code"), _of_line("activity")),
    "person": Column(N_("Person (reference)"), _of_line("person")),
    "person_name": Column(
        N_("Person (name)"), lambda row: row.people.get(row.line.get("person", ""), "")
    ),
    "audience": Column(N_("Audience"), _word("audience", AUDIENCES)),
    "booked_hours": Column(N_("Hours booked"), _hours("booked_minutes")),
    "real_hours": Column(N_("Hours really there"), _hours("real_minutes")),
    "counted_hours": Column(N_("Hours counted"), _hours("counted_minutes")),
    "covered_hours": Column(
        N_("Hours covered"),
        lambda row: (Decimal(sum(row.line.get("covered", {}).values())) / 60).quantize(
            Decimal("0.01")
        ),
    ),
    "corrects": Column(N_("Corrects"), _of_line("corrects")),
    "booking": Column(N_("Booking"), _of_line("booking")),
}
USUAL = (
    "customer_code",
    "customer",
    "siren",
    "period",
    "day",
    "hour",
    "product",
    "label",
    "kind",
    "quantity",
    "unit",
    "unit_price",
    "percent",
    "covered_hours",  # else nothing says why the amount is less than quantity and price
    "amount",
    "currency",
    "vat_text",
    "activity",
    "booked_hours",
    "corrects",
)


class File(NamedTuple):
    """How a place wants its tables."""

    columns: Sequence[str] = USUAL
    words: Mapping[str, str] = {}  # instead of a column's name
    separator: str = ";"
    decimal_mark: str = ","


def file_of(row: Any) -> File:
    """Of what is stored; columns that are no more are left out."""
    if row is None:
        return File()
    known = [name for name in row.columns if name in COLUMNS]
    return File(known or USUAL, row.words, row.separator, row.decimal_mark)


def table(
    statements: Iterable[Content], people: People, file: File, translate: Translate = str
) -> str:
    """UTF-8 text, one line for each line of the statements, headings first."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=file.separator)
    writer.writerow(cell(file.words.get(name) or name) for name in file.columns)
    for statement in statements:
        for line in statement["lines"]:
            row = Row(statement, line, people, translate)
            writer.writerow(
                written(COLUMNS[name].value(row), file.decimal_mark) for name in file.columns
            )
    return text.getvalue()


def written(value: Any, decimal_mark: str) -> str:
    """Numbers with the place's own mark; a text that a spreadsheet would run is marked as text."""
    if isinstance(value, Decimal):
        return canon.decimal(value).replace(".", decimal_mark)
    return cell(value)


def proof(body: str, sha256: str, people: People) -> str:
    """The file that `fablab statement verify` reads: the hashed part, its fingerprint, and beside
    them the names that the reader may know.
    """
    export = {"statement": canon.read(body), "sha256": sha256, "people": dict(people)}
    return json.dumps(export, ensure_ascii=False, sort_keys=True, indent=2) + "\n"
