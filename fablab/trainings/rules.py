"""Who may follow a training, who may give what it gives, and how long that lasts. Pure."""

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


def last_valid_day(
    *,
    given_on: date,
    expires_on: date | None,
    validity_months: int | None,
    inactivity_months: int | None,
    is_renewed_by_use: bool,
    last_used_on: date | None,
) -> date | None:
    """The last day on which a qualification is worth something; None: for life.

    Renewed by use, the validity counts from the last use, and a use never shortens it. What is
    not used for `inactivity_months`, from the last use or the day it was given, lapses then
    whatever its validity. What was given without an end is not given one by use.
    """
    used_on = max(given_on, last_used_on or given_on)
    if expires_on and is_renewed_by_use:
        expires_on = max(expires_on, lasts_until(used_on, validity_months) or expires_on)
    lapses_on = lasts_until(used_on, inactivity_months)
    return min((day for day in (expires_on, lapses_on) if day), default=None)
