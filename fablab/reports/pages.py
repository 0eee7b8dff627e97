"""The report as its pages show it: figures written for people, charts, the period in words."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import NamedTuple

from flask_babel import format_currency, format_decimal, ngettext
from flask_babel import gettext as _

from fablab import clock, texts
from fablab.reports import definitions
from fablab.reports.definitions import SECTIONS, Indicator, Unit
from fablab.reports.figures import Hidden, MaybeHidden
from fablab.reports.periods import Period, PeriodKind, recent
from fablab.reports.tables import Column, Report, Structure, Table, Value, Word

NOTHING = "–"
# What a bar is as long as: the column of a table, and the one of the period before.
CHARTS = {"audiences": (4, 5), "categories": (2, 3), "machines": (2, 3)}
AHEAD = "ahead"  # of a period that is over there is none
SPACE = "\N{NO-BREAK SPACE}"


class Figure(NamedTuple):
    key: str
    title: str
    definition: str
    value: str
    before: str
    change: str
    behind: str  # the list; empty where it may not be told


class Bar(NamedTuple):
    """Lengths in percent of the longest one."""

    label: str
    value: str
    before: str
    length: float
    length_before: float


class Cell(NamedTuple):
    text: str
    is_number: bool
    heading: str
    structure: Structure | None = None  # with a page of its own


class Block(NamedTuple):
    key: str
    title: str
    headings: list[str]
    rows: list[list[Cell]]
    bars: list[Bar]
    summary: str


class Section(NamedTuple):
    key: str
    title: str
    brief: list[tuple[str, str]]  # a few of the figures: value and title
    figures: list[Figure]
    blocks: list[Block]


def sections(report: Report, currency: str) -> list[Section]:
    return [section(each, report, currency) for each in SECTIONS]


def section(of: definitions.Section, report: Report, currency: str) -> Section:
    figures = [
        figure(each, report, currency)
        for each in of.indicators
        if each.key != AHEAD or report.now[AHEAD]
    ]
    return Section(
        of.key,
        _(of.title),
        [(each.value, each.title) for each in figures if each.key in of.brief],
        figures,
        [block(report.tables[key]) for key in of.tables if key in report.tables],
    )


def figure(indicator: Indicator, report: Report, currency: str) -> Figure:
    now, before = report.now[indicator.key], report.before[indicator.key]
    return Figure(
        indicator.key,
        _(indicator.title),
        _(indicator.definition),
        number(now, indicator.unit, currency),
        _("nothing recorded")
        if indicator.key in report.unrecorded
        else number(before, indicator.unit, currency),
        change(now, before, indicator.unit, currency),
        indicator.behind if indicator.behind in report.tables else "",
    )


def number(value: MaybeHidden, unit: Unit, currency: str = "") -> str:
    if isinstance(value, Hidden):
        return _("withheld")
    if value is None:
        return NOTHING
    if unit is Unit.MONEY:
        return format_currency(value, currency or "EUR", format="#,##0 ¤", currency_digits=False)
    if unit in (Unit.COUNT, Unit.JOBS):
        return format_decimal(value)
    written = format_decimal(value, "#,##0.0")
    if unit is Unit.RATIO:
        return written
    return f"{written}{SPACE}{'%' if unit is Unit.PERCENT else 'h'}"


def change(now: MaybeHidden, before: MaybeHidden, unit: Unit, currency: str = "") -> str:
    """`+12.5 h`; of shares in points, `+2.1 points`; nothing where either is not known."""
    if isinstance(now, Hidden) or isinstance(before, Hidden) or now is None or before is None:
        return ""
    difference = Decimal(now) - Decimal(before)
    sign = "+" if difference > 0 else "−" if difference < 0 else "±"
    if unit is Unit.PERCENT:
        return sign + points_said(abs(difference))
    return sign + number(abs(difference), unit, currency)


def points_said(many: Decimal) -> str:
    """In English all but 1 are several, in French all from 2: a broken number below is like 0."""
    shown = round(many, 1)
    number = int(shown) if shown == 1 or shown >= 2 else 0
    points = format_decimal(shown, "#,##0.0")
    return ngettext("%(points)s point", "%(points)s points", number, points=points)


def written(value: Value, column: Column) -> str:
    if isinstance(value, Word):
        return _(value.msgid)
    if isinstance(value, Structure):
        return value.name
    if isinstance(value, date):
        return texts.day(value, "d MMM y")
    if isinstance(value, str):
        return value
    return number(value, column.unit or Unit.COUNT)


def block(table: Table) -> Block:
    """Without the columns of which nothing is known, as of a time when nothing was recorded."""
    said = [n for n, _column in enumerate(table.columns) if is_said(table, n)]
    headings = [_(table.columns[n].title) for n in said]
    rows = [
        [cell(row[n], table.columns[n], heading) for n, heading in zip(said, headings, strict=True)]
        for row in table.rows
    ]
    drawn = bars(table) if table.key in CHARTS else []
    return Block(table.key, _(table.title), headings, rows, drawn, summary(table))


def cell(value: Value, column: Column, heading: str) -> Cell:
    linked = value if isinstance(value, Structure) else None
    return Cell(written(value, column), column.unit is not None, heading, linked)


def is_said(table: Table, column: int) -> bool:
    return not table.rows or any(row[column] is not None for row in table.rows)


def bars(table: Table) -> list[Bar]:
    now, before = CHARTS[table.key]
    longest = max(
        (_length(row[n]) for row in table.rows for n in (now, before)), default=Decimal(0)
    )
    if not longest:
        return []
    return [
        Bar(
            written(row[0], table.columns[0]),
            written(row[now], table.columns[now]),
            written(row[before], table.columns[before]),
            float(round(100 * _length(row[now]) / longest, 1)),
            float(round(100 * _length(row[before]) / longest, 1)),
        )
        for row in table.rows
    ]


def _length(value: Value) -> Decimal:
    return Decimal(value) if isinstance(value, int | Decimal) else Decimal(0)


def summary(table: Table) -> str:
    """The longest bar in a sentence, for whoever does not see the drawing."""
    if table.key not in CHARTS:
        return ""
    now, _before = CHARTS[table.key]
    rows = [row for row in table.rows if _length(row[now])]
    if not rows:
        return ""
    top = max(rows, key=lambda row: _length(row[now]))
    return _(
        "Most hours: %(name)s, %(hours)s.",
        name=written(top[0], table.columns[0]),
        hours=written(top[now], table.columns[now]),
    )


def named(period: Period) -> str:
    """`2026`, `4th quarter 2026`, `November 2026`, `1 January 2026 – 15 March 2026`."""
    year = period.first_day.year
    if period.kind is PeriodKind.YEAR:
        return _("Year %(year)s", year=year)
    if period.kind is PeriodKind.QUARTER:
        return _("Quarter %(number)s of %(year)s", number=period.quarter, year=year)
    if period.kind is PeriodKind.MONTH:
        return texts.capital(texts.day(period.first_day.replace(day=2), "LLLL y"))
    return days(period)


def days(period: Period) -> str:
    first, last = (texts.day(day, "d MMMM y") for day in (period.first_day, period.last_day))
    return _("%(first)s – %(last)s", first=first, last=last)


def moment(zone: tzinfo, now: datetime) -> str:
    """On the place's clock: `29 November 2026 at 10:00`."""
    day = texts.day(clock.today(zone, now), "d MMMM y")
    return _("%(day)s at %(hour)s", day=day, hour=texts.hour(clock.to_wall(zone, now)))


class Choice(NamedTuple):
    key: str
    name: str


def choices(today: date, chosen: Period) -> list[tuple[str, list[Choice]]]:
    """The periods to choose from, kind by kind; the chosen one among them."""
    periods = recent(today)
    if chosen.key and chosen not in periods:
        periods.append(chosen)
    headings = {
        PeriodKind.YEAR: _("Years"),
        PeriodKind.QUARTER: _("Quarters"),
        PeriodKind.MONTH: _("Months"),
    }
    return [
        (heading, [Choice(each.key, named(each)) for each in _sorted(periods, kind)])
        for kind, heading in headings.items()
    ]


def _sorted(periods: Iterable[Period], kind: PeriodKind) -> Sequence[Period]:
    return sorted((p for p in periods if p.kind is kind), key=lambda p: p.first_day, reverse=True)
