"""The slot: the span of time everything in a fablab is booked by, and a little algebra on spans."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self


@dataclass(frozen=True, order=True, slots=True)
class Slot:
    """From `start` up to, but not including, `end`, both in UTC.

    Half-open, so 10:00-11:00 and 11:00-12:00 touch without overlapping; it is
    how RFC 5545 §3.6.1 reads DTEND too. UTC only, because Python subtracts two
    datetimes of the same zone by the clock on the wall, one hour wrong on the
    nights the clocks change.

    Raises ValueError when a bound is not in UTC or the slot is empty.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC:
            raise ValueError("a slot is kept in UTC")
        if self.end <= self.start:
            raise ValueError("a slot ends after it starts")

    @classmethod
    def lasting(cls, start: datetime, duration: timedelta) -> Self:
        return cls(start, start + duration)

    @property
    def duration(self) -> timedelta:
        return self.end - self.start

    def overlaps(self, other: "Slot") -> bool:
        return self.start < other.end and other.start < self.end

    def covers(self, other: "Slot") -> bool:
        return self.start <= other.start and other.end <= self.end

    def widened(self, before: timedelta, after: timedelta) -> "Slot":
        """The slot with `before` added at its start and `after` at its end."""
        return Slot(self.start - before, self.end + after)

    def within(self, other: "Slot") -> "Slot | None":
        """The part of this slot inside `other`, or None when they do not overlap."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Slot(start, end) if start < end else None


class TimeUsed(timedelta):
    """A sum of time on machines: said in hours, however long, for 24 h of work are no day."""


def merged(spans: Iterable[Slot]) -> list[Slot]:
    """The same time as `spans`, in order, with spans that overlap or touch made one.

    Two openings that touch (14:00 ends one, 14:00 starts the next) are one
    stretch of time to whoever books across them.
    """
    stretches: list[Slot] = []
    for span in sorted(spans):
        if stretches and span.start <= stretches[-1].end:
            last = stretches.pop()
            span = Slot(last.start, max(last.end, span.end))
        stretches.append(span)
    return stretches


def without(spans: Iterable[Slot], holes: Iterable[Slot]) -> list[Slot]:
    """What is left of `spans` (merged) when every one of `holes` is taken out."""
    cuts = merged(holes)
    return [part for span in merged(spans) for part in _cut(span, cuts)]


def _cut(span: Slot, holes: list[Slot]) -> Iterator[Slot]:
    start = span.start
    for hole in holes:
        if hole.end <= start or hole.start >= span.end:
            continue
        if hole.start > start:
            yield Slot(start, hole.start)
        start = max(start, hole.end)
    if start < span.end:
        yield Slot(start, span.end)
