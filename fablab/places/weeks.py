"""What of an ordinary week falls together. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import time

from fablab.places.rules import WeeklyOpening

EVERY_WEEK = frozenset(range(1, 6))
A_DAY = 24 * 60  # minutes


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """What an opening takes of one day of the week, in minutes from its midnight; with the weeks
    of the month in which it does.
    """

    weekday: int
    start: int
    end: int
    weeks: frozenset[int]

    def meets(self, other: "Part") -> bool:
        """True when some day of some month belongs to both; to touch is not to meet."""
        return (
            self.weekday == other.weekday
            and bool(self.weeks & other.weeks)
            and self.start < other.end
            and other.start < self.end
        )


def overlapping(asked: WeeklyOpening, others: Iterable[WeeklyOpening]) -> list[WeeklyOpening]:
    """Those of `others` that are open at the same time as `asked`, on some day of some month."""
    own = list(parts(asked))
    return [
        other for other in others if any(one.meets(part) for one in own for part in parts(other))
    ]


def over_midnight(opening: WeeklyOpening) -> list[Part]:
    """Its two parts when it goes on into the next day; none when it ends by midnight."""
    both = list(parts(opening))
    return both if len(both) > 1 else []


def parts(opening: WeeklyOpening) -> Iterator[Part]:
    """One part, or two when it goes on after midnight."""
    weeks = opening.weeks or EVERY_WEEK
    start, end = minutes(opening.opens_at), minutes(opening.closes_at)
    if end > start:
        yield Part(opening.weekday, start, end, weeks)
        return
    yield Part(opening.weekday, start, A_DAY, weeks)
    if end:
        yield Part(opening.weekday % 7 + 1, 0, end, the_day_after(weeks))


def the_day_after(weeks: Iterable[int]) -> frozenset[int]:
    """The weeks of the month that the next day may be in: the 7th is of the first week and the
    8th of the second; a month ends in its fourth week or its fifth.
    """
    found: set[int] = set()
    for week in weeks:
        found |= {week, week + 1} if week < 5 else {week}
        if week >= 4:
            found.add(1)
    return frozenset(found)


def minutes(at: time) -> int:
    return at.hour * 60 + at.minute
