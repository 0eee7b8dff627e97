"""The only place that asks what time it is, and the only bridge to the clock on the wall.

*Wall* is what the fablab's clock shows, in the place's own zone; all else is UTC.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from fablab.slots import Slot


def now() -> datetime:
    """The present instant, in UTC, to the second: what feeds and pages can show."""
    return datetime.now(UTC).replace(microsecond=0)


def from_wall(zone: tzinfo, day: date, at: time) -> datetime:
    """The instant when the clock on the wall shows `at` on `day`.

    On the October night that has 02:30 twice, the first one is meant; on the
    March night that has none, 03:30 is (PEP 495, fold=0). Ask `is_skipped` and
    `is_repeated` when that matters to the person who typed it.
    """
    return datetime.combine(day, at, zone).astimezone(UTC)


def to_wall(zone: tzinfo, instant: datetime) -> datetime:
    return instant.astimezone(zone)


def today(zone: tzinfo, instant: datetime) -> date:
    return instant.astimezone(zone).date()


def midnight(zone: tzinfo, day: date) -> datetime:
    return from_wall(zone, day, time.min)


def whole_day(zone: tzinfo, day: date) -> Slot:
    """From midnight to midnight on the wall: 23, 24 or 25 hours long."""
    return whole_days(zone, day, day)


def whole_days(zone: tzinfo, first: date, last: date) -> Slot:
    """From the first midnight of `first` to the last of `last`, both days included."""
    return Slot(midnight(zone, first), midnight(zone, last + timedelta(days=1)))


def is_skipped(zone: tzinfo, day: date, at: time) -> bool:
    """True when the wall clock jumps over `at` on `day`: it never shows it (spring)."""
    wall = datetime.combine(day, at, zone)
    return wall.astimezone(UTC).astimezone(zone).time() != at


def is_repeated(zone: tzinfo, day: date, at: time) -> bool:
    """True when the wall clock shows `at` twice on `day` (autumn)."""
    first, second = (datetime.combine(day, at, zone).replace(fold=fold) for fold in (0, 1))
    return not is_skipped(zone, day, at) and first.utcoffset() != second.utcoffset()
