"""What may be asked of a report: a period that is named, or two days; one place, or all."""

from dataclasses import dataclass
from datetime import date

from fablab.forms import parse_day
from fablab.reports.periods import (
    FIRST_YEAR,
    LAST_YEAR,
    LONGEST,
    Period,
    PeriodKind,
    around,
    read,
)
from fablab.words import N_

DEFAULT = PeriodKind.YEAR


@dataclass(frozen=True)
class Asked:
    """What was typed, with the period it says, or with the sentence of what is wrong with it."""

    period: Period
    first: str = ""
    last: str = ""
    error: str = ""  # an English msgid


def asked(period: str, first: str, last: str, today: date) -> Asked:
    """Two days go before a period that is named; nothing at all is the year under way."""
    year = around(DEFAULT, today)
    if not first and not last:
        named = read(period) if period else year
        if named is None:
            return Asked(year, error=N_("There is no such period: choose one of those here."))
        return Asked(named)
    days = parse_day(first), parse_day(last)
    if days[0] is None or days[1] is None:
        error = N_("Write both days, the first and the last one.")
    elif days[1] < days[0]:
        error = N_("The last day comes before the first one.")
    elif not (days[0].year >= FIRST_YEAR and days[1].year <= LAST_YEAR):
        error = N_("There is no such period: choose one of those here.")
    elif (days[1] - days[0]).days >= LONGEST:
        error = N_("Three years are the longest period.")
    else:
        return Asked(Period(PeriodKind.DAYS, *days), first, last)  # type: ignore[arg-type]
    return Asked(year, first, last, error)
