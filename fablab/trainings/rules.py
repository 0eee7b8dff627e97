"""How long what a training gives lasts. Pure."""

from calendar import monthrange
from datetime import date


def lasts_until(given_on: date, months: int | None) -> date | None:
    """The last valid day of what was given that day for so many months; None: for life.

    The same day of the month, or the month's last when it has no such day: a year from
    29 February ends on 28 February.
    """
    if months is None:
        return None
    years, month = divmod(given_on.month - 1 + months, 12)
    year = given_on.year + years
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(given_on.day, last))
