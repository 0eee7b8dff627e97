"""The report as files: a table of all figures, a table for each list, a workbook of everything."""

import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from fablab.reports.definitions import SECTIONS, Unit
from fablab.reports.figures import Hidden
from fablab.reports.tables import Report, Structure, Table, Value, Word
from fablab.words import N_

UNITS = {
    Unit.COUNT: N_("number"),
    Unit.HOURS: N_("hours"),
    Unit.PERCENT: N_("percent"),
    Unit.RATIO: N_("ratio"),
    Unit.JOBS: N_("full-time equivalents"),
    Unit.MONEY: N_("money"),
}
LONGEST_NAME = 31  # of a sheet, for the programs that take no longer one


def figure_headings() -> list[str]:
    return [_("Chapter"), _("Figure"), _("Value"), _("Before"), _("Unit"), _("Definition")]


def figure_rows(report: Report, currency: str) -> list[list[Any]]:
    return [
        [
            _(section.title),
            _(each.title),
            plain(report.now[each.key]),
            plain(report.before[each.key]),
            currency if each.unit is Unit.MONEY else _(UNITS[each.unit]),
            _(each.definition),
        ]
        for section in SECTIONS
        for each in section.indicators
    ]


def headings(table: Table) -> list[str]:
    return [_(column.title) for column in table.columns]


def rows(table: Table) -> list[list[Any]]:
    return [[plain(value) for value in row] for row in table.rows]


def plain(value: Value) -> Any:
    """Numbers and days stay what they are."""
    if isinstance(value, Hidden):
        return _("withheld")
    if isinstance(value, Structure):
        return value.name
    return _(value.msgid) if isinstance(value, Word) else value


def workbook(report: Report, about: Sequence[tuple[str, str]], currency: str) -> bytes:
    """An OpenDocument spreadsheet (ISO/IEC 26300): a sheet for the figures, one for each table, one
    for what they mean.
    """
    from odfdo import Document  # 25 MB in memory, for whoever asks for such a file

    document = Document("spreadsheet")
    document.body.clear()
    figures = figure_rows(report, currency)
    sheets: list[tuple[str, Iterable[Sequence[Any]]]] = [
        (
            _("Figures"),
            [*about, (), figure_headings()[:5], *(row[:5] for row in figures)],
        ),
        *((_(table.title), [headings(table), *rows(table)]) for table in report.tables.values()),
        (
            _("Definitions"),
            [[_("Figure"), _("Unit"), _("Definition")], *([row[1], *row[4:]] for row in figures)],
        ),
    ]
    for name, lines in sheets:
        document.body.append(_sheet(name, lines))
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _sheet(name: str, lines: Iterable[Sequence[Any]]) -> Any:
    from odfdo import Row, Table

    sheet = Table(name.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")[:LONGEST_NAME])
    for line in lines:
        row = Row()
        row.set_values([_typed(value) for value in line])
        sheet.append_row(row, clone=False)
    return sheet


def _typed(value: Any) -> Any:
    """Text is text, also where it looks like a formula; a day is a day."""
    return value if isinstance(value, int | Decimal | date | None) else str(value)
