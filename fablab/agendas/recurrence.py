"""The days on which an event repeats (RFC 5545 §3.3.10). Pure, and bounded in steps.

Written here and not left to python-dateutil, by which the tests judge it: its search for the next
match never returns to the caller before the year 9999, so that neither a rule that has none (the
30th of February) nor one with an interval of 0 can be stopped from outside (its issues 1393 and
1441; recurring-ical-events stands on it). Here each day looked at is a step, and steps run out.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import count

from fablab.words import N_

WEEKDAYS = {name: number for number, name in enumerate("MO TU WE TH FR SA SU".split())}
NUMBER = re.compile(r"[+-]?\d{1,12}", re.ASCII)
DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


class Freq(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


class OutOfSteps(Exception):
    """What is asked for takes longer than may be spent on it."""


class Steps:
    """How much looking may still be done: `left` in all, `each` for any one event."""

    def __init__(self, left: int, each: int) -> None:
        self.left, self.each = left, each
        self.here = each

    def next_event(self) -> None:
        self.here = self.each

    def take(self, steps: int = 1) -> None:
        """Raises OutOfSteps."""
        self.here -= steps
        self.left -= steps
        if self.here < 0 or self.left < 0:
            raise OutOfSteps


class NotRead(ValueError):
    """A rule that is damaged, or that is not followed here; the text says why."""


DAMAGED = N_("How it repeats cannot be read.")
TOO_OFTEN = N_(
    "It repeats every hour, minute or second, which is not read: enter such hours by hand."
)
SEVERAL_HOURS = N_("It repeats at several hours of a day, which is not read.")
ANOTHER_CALENDAR = N_("It repeats by another calendar than ours, which is not read.")


@dataclass(frozen=True, slots=True)
class Rule:
    """An RRULE. `until` is as it is written: who knows the event's hour and zone compares it."""

    freq: Freq
    interval: int = 1
    count: int | None = None
    until: str = ""
    week_start: int = 0
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    year_days: frozenset[int] = frozenset()
    weeks: frozenset[int] = frozenset()
    week_days: frozenset[tuple[int, int]] = frozenset()  # (0 or which of them, weekday)
    positions: frozenset[int] = frozenset()
    time: tuple[tuple[str, int], ...] = ()  # BYHOUR and the like, of one value each


def parsed(text: str) -> Rule:
    """Raises NotRead."""
    parts: dict[str, str] = {}
    for part in filter(None, text.strip().upper().split(";")):
        name, equals, value = part.partition("=")
        if not equals or not value or name in parts:
            raise NotRead(DAMAGED)
        parts[name] = value
    freq = parts.pop("FREQ", "")
    if freq in ("SECONDLY", "MINUTELY", "HOURLY"):
        raise NotRead(TOO_OFTEN)
    if freq not in set(Freq):
        raise NotRead(DAMAGED)
    if parts.pop("RSCALE", "GREGORIAN") != "GREGORIAN":
        raise NotRead(ANOTHER_CALENDAR)
    parts.pop("SKIP", "")
    start = parts.pop("WKST", "MO")
    if start not in WEEKDAYS:
        raise NotRead(DAMAGED)
    rule = Rule(
        freq=Freq(freq),
        interval=_one(parts.pop("INTERVAL", "1"), 10**12),
        count=_one(parts.pop("COUNT"), 10**12) if "COUNT" in parts else None,
        until=parts.pop("UNTIL", ""),
        week_start=WEEKDAYS[start],
        months=_numbers(parts.pop("BYMONTH", ""), 1, 12),
        month_days=_numbers(parts.pop("BYMONTHDAY", ""), -31, 31),
        year_days=_numbers(parts.pop("BYYEARDAY", ""), -366, 366),
        weeks=_numbers(parts.pop("BYWEEKNO", ""), -53, 53),
        week_days=_week_days(parts.pop("BYDAY", "")),
        positions=_numbers(parts.pop("BYSETPOS", ""), -366, 366),
        time=tuple(
            (name, _hour_part(parts.pop(name)))
            for name in ("BYHOUR", "BYMINUTE", "BYSECOND")
            if name in parts
        ),
    )
    if parts or not _holds_together(rule):
        raise NotRead(DAMAGED)
    return rule


def _one(value: str, highest: int) -> int:
    found = _numbers(value, 1, highest)
    if len(found) != 1:
        raise NotRead(DAMAGED)
    return min(found)


def _numbers(value: str, lowest: int, highest: int) -> frozenset[int]:
    if not value:
        return frozenset()
    words = value.split(",")
    if not all(NUMBER.fullmatch(word) for word in words):
        raise NotRead(DAMAGED)
    found = frozenset(int(word) for word in words)
    if 0 in found or not all(lowest <= number <= highest for number in found):
        raise NotRead(DAMAGED)
    return found


def _hour_part(value: str) -> int:
    if "," in value:
        raise NotRead(SEVERAL_HOURS)
    if not NUMBER.fullmatch(value):
        raise NotRead(DAMAGED)
    return int(value)


def _week_days(value: str) -> frozenset[tuple[int, int]]:
    found = [DAY.fullmatch(word) for word in value.split(",")] if value else []
    if not all(found):
        raise NotRead(DAMAGED)
    days = frozenset((int(day[1] or 0), WEEKDAYS[day[2]]) for day in found if day)
    if not all(-53 <= which <= 53 for which, _ in days):
        raise NotRead(DAMAGED)
    return days


def _holds_together(rule: Rule) -> bool:
    """What may not stand together, §3.3.10."""
    is_numbered = any(which for which, _ in rule.week_days)
    return not (
        (rule.weeks and rule.freq is not Freq.YEARLY)
        or (rule.year_days and rule.freq is not Freq.YEARLY)
        or (rule.month_days and rule.freq is Freq.WEEKLY)
        or (is_numbered and rule.freq in (Freq.DAILY, Freq.WEEKLY))
        or (is_numbered and rule.weeks)
    )


def days(
    rule: Rule,
    first: date,
    since: date,
    last: date,
    *,
    is_over: Callable[[date], bool],
    steps: Steps,
) -> Iterator[date]:
    """The days from `since` to `last`, both included, on which an event of `first` is; in order.

    `first` itself is always one of them and the first that COUNT counts (§3.8.5.3), also when the
    rule would not name it. `is_over` says of a day that it is after UNTIL. Raises OutOfSteps.
    """
    if is_over(first) or first > last:
        return
    if first >= since:
        yield first
    made, rule = 1, _completed(rule, first)
    weight = 1 + len(rule.week_days) // 8  # a day is held against each of them
    begin = 0 if rule.count else max(0, _period_of(rule, first, since) // rule.interval)
    for number in count(begin):
        if rule.count is not None and made >= rule.count:
            return
        candidates = _period(rule, first, number * rule.interval, last)
        if candidates is None:
            return
        steps.take(1 + len(candidates) * weight)
        for day in _at_positions(rule, [day for day in candidates if _matches(rule, day)]):
            if day <= first:
                continue
            if day > last or is_over(day):
                return
            made += 1
            if day >= since:
                yield day
            if rule.count is not None and made >= rule.count:
                return


def _completed(rule: Rule, first: date) -> Rule:
    """What a rule does not say it has from the first day."""
    if rule.weeks and not (rule.week_days or rule.month_days or rule.year_days):
        return replace(rule, week_days=frozenset({(0, first.weekday())}))
    if rule.weeks or rule.year_days or rule.month_days or rule.week_days:
        return rule
    if rule.freq is Freq.WEEKLY:
        return replace(rule, week_days=frozenset({(0, first.weekday())}))
    if rule.freq is Freq.MONTHLY:
        return replace(rule, month_days=frozenset({first.day}))
    if rule.freq is Freq.YEARLY:
        months = rule.months or frozenset({first.month})
        return replace(rule, months=months, month_days=frozenset({first.day}))
    return rule


def _period_of(rule: Rule, first: date, day: date) -> int:
    """How many days, weeks, months or years after that of `first` the one of `day` is."""
    if rule.freq is Freq.DAILY:
        return (day - first).days
    if rule.freq is Freq.WEEKLY:
        return (_week_of(rule, day) - _week_of(rule, first)) // 7
    if rule.freq is Freq.MONTHLY:
        return (day.year - first.year) * 12 + day.month - first.month
    return day.year - first.year


def _week_of(rule: Rule, day: date) -> int:
    """The ordinal of the day that begins its week."""
    return day.toordinal() - (day.weekday() - rule.week_start) % 7


def _period(rule: Rule, first: date, number: int, last: date) -> list[date] | None:
    """The days of a period, without those of a month that is not meant; None after `last`."""
    if rule.freq is Freq.DAILY:
        return _run(first.toordinal() + number, 1, last)
    if rule.freq is Freq.WEEKLY:
        return _run(_week_of(rule, first) + 7 * number, 7, last)
    if rule.freq is Freq.MONTHLY:
        year, month = divmod(first.year * 12 + first.month - 1 + number, 12)
        if (year, month + 1) > (last.year, last.month):
            return None
        return _month(rule, year, month + 1)
    year = first.year + number
    if year > last.year:
        return None
    return [day for month in range(1, 13) for day in _month(rule, year, month)]


def _run(ordinal: int, length: int, last: date) -> list[date] | None:
    if ordinal > last.toordinal():
        return None
    return [date.fromordinal(each) for each in range(max(ordinal, 1), ordinal + length)]


def _month(rule: Rule, year: int, month: int) -> list[date]:
    if rule.months and month not in rule.months:
        return []
    return [date(year, month, day) for day in range(1, monthrange(year, month)[1] + 1)]


def _matches(rule: Rule, day: date) -> bool:
    return (
        (not rule.months or day.month in rule.months)
        and (not rule.weeks or not rule.weeks.isdisjoint(_weeks(rule, day)))
        and (not rule.year_days or not rule.year_days.isdisjoint(_from_both_ends(*_in_year(day))))
        and (
            not rule.month_days or not rule.month_days.isdisjoint(_from_both_ends(*_in_month(day)))
        )
        and (not rule.week_days or _is_week_day(rule, day))
    )


def _in_year(day: date) -> tuple[int, int]:
    """Which day of its year it is, and how many that year has."""
    return day.timetuple().tm_yday, 366 if isleap(day.year) else 365


def _in_month(day: date) -> tuple[int, int]:
    return day.day, monthrange(day.year, day.month)[1]


def _from_both_ends(which: int, of: int) -> tuple[int, int]:
    """Its number from the first, and from the last as -1."""
    return which, which - of - 1


def _weeks(rule: Rule, day: date) -> tuple[int, int]:
    """The number of its week from both ends of the year which that week is of: the one that has
    four days of it at least (ISO 8601, for any first day of the week).
    """
    fourth = date.fromordinal(max(_week_of(rule, day) + 3, 1))
    which = (_in_year(fourth)[0] - 1) // 7 + 1
    to_go = (_in_year(fourth)[1] - _in_year(fourth)[0]) // 7
    return which, -1 - to_go


def _is_week_day(rule: Rule, day: date) -> bool:
    for which, weekday in rule.week_days:
        if day.weekday() != weekday:
            continue
        if which == 0 or which in _from_both_ends(*_which_week_day(rule, day)):
            return True
    return False


def _which_week_day(rule: Rule, day: date) -> tuple[int, int]:
    """The how-manieth of its weekday it is in its month or year, and of how many."""
    is_of_month = rule.freq is Freq.MONTHLY or bool(rule.months)
    at, length = _in_month(day) if is_of_month else _in_year(day)
    before, after = (at - 1) // 7, (length - at) // 7
    return before + 1, before + 1 + after


def _at_positions(rule: Rule, found: list[date]) -> Iterable[date]:
    if not rule.positions:
        return found
    places = range(1, len(found) + 1)
    wanted = {at for at in places if not rule.positions.isdisjoint(_from_both_ends(at, len(found)))}
    return [day for at, day in zip(places, found, strict=True) if at in wanted]
