"""The period of a report and the one before it, in whole days of the place's calendar. Pure."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

ONE_DAY = timedelta(days=1)
LONGEST = 3 * 366  # days
FIRST_YEAR, LAST_YEAR = 2000, 2999
MONTHS_A_QUARTER = 3
WRITTEN = re.compile(r"(2\d{3})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?", re.ASCII)


class PeriodKind(StrEnum):
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    DAYS = "days"  # any two days


@dataclass(frozen=True, slots=True)
class Period:
    """Both days included. Raises ValueError when it ends before it begins."""

    kind: PeriodKind
    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError("a period ends after it begins")

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    @property
    def key(self) -> str:
        """`2026`, `2026-Q4`, `2026-11`; empty for any two days."""
        year = self.first_day.year
        if self.kind is PeriodKind.YEAR:
            return f"{year}"
        if self.kind is PeriodKind.QUARTER:
            return f"{year}-Q{self.quarter}"
        return f"{self.first_day:%Y-%m}" if self.kind is PeriodKind.MONTH else ""

    @property
    def quarter(self) -> int:
        return (self.first_day.month - 1) // MONTHS_A_QUARTER + 1

    @property
    def before(self) -> "Period":
        """The one of the same kind that ends the day before; of two days, as many days."""
        eve = self.first_day - ONE_DAY
        if self.kind is PeriodKind.DAYS:
            return Period(self.kind, self.first_day - timedelta(days=self.days), eve)
        return around(self.kind, eve)


def around(kind: PeriodKind, day: date) -> Period:
    """The month, the quarter or the year that `day` is in."""
    months = {PeriodKind.MONTH: 1, PeriodKind.QUARTER: MONTHS_A_QUARTER, PeriodKind.YEAR: 12}[kind]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    last_month = first.month + months - 1
    following = date(day.year + last_month // 12, last_month % 12 + 1, 1)
    return Period(kind, first, following - ONE_DAY)


def read(written: str) -> Period | None:
    """The period whose `key` is written so."""
    found = WRITTEN.fullmatch(written)
    if not found:
        return None
    year, quarter, month = found.groups()
    if quarter:
        return around(PeriodKind.QUARTER, date(int(year), MONTHS_A_QUARTER * int(quarter), 1))
    if month:
        return around(PeriodKind.MONTH, date(int(year), int(month), 1))
    return around(PeriodKind.YEAR, date(int(year), 1, 1))


def recent(today: date, years: int = 4, quarters: int = 5, months: int = 13) -> list[Period]:
    """What one may choose at once: the one under way and those before it, of each kind."""
    found = []
    for kind, count in (
        (PeriodKind.YEAR, years),
        (PeriodKind.QUARTER, quarters),
        (PeriodKind.MONTH, months),
    ):
        period = around(kind, today)
        for _ in range(count):
            found.append(period)
            period = period.before
    return found
