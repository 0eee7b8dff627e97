"""A machine's day as a row of ranges: what is closed, over, taken, free. Pure.

Everything is said in minutes since midnight on the wall clock of the day shown, since that is
what a planning draws; the instants stay in UTC below and above it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from fablab.clock import whole_day
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.policies import BookingPolicy
from fablab.places.kinds import Mode
from fablab.slots import Slot

MINUTE = timedelta(minutes=1)
COLUMN = 15  # minutes: the quarter-hours a planning's table is made of
WHOLE_DAY = 24 * 60
USUAL_HOURS = (8 * 60, 20 * 60)  # shown when nothing says otherwise
DAYTIME = frozenset({Mode.SUPERVISED, Mode.RESIDENT})

Range = tuple[int, int]


class Kind(StrEnum):
    """What a range of the day is. The values are the design system's words."""

    CLOSED = "closed"
    PAST = "past"  # was free, and is over
    SHORT = "short"  # free, but no booking fits in it
    OPEN = "open"  # free, but not to be booked by this reader, or not yet
    IN_USE = "in_use"  # free, but something it shares is in full use by other machines
    RESERVED = "reserved"  # free, and kept for the owner of the machine
    FREE = "free"  # a slot the rules accept fits in it
    STOPPED = "stopped"  # the machine is out of service
    OUTAGE = "outage"
    HIRE = "hire"  # taken for an event that a calendar of the place brought
    ABSENT = "absent"  # was booked, and nobody came
    TRAINING = "training"  # a session of one
    BOOKED = "booked"
    WAITING = "waiting"  # for an approval
    OWN = "own"


NOT_PEOPLE = frozenset({Kind.OUTAGE, Kind.HIRE})  # who use nothing that machines share

# Whose edges are drawn outwards when a range does not fall on quarter-hours: the more solid.
SOLIDITY = {
    Kind.CLOSED: 2,
    Kind.PAST: 1,
    Kind.SHORT: 1,
    Kind.IN_USE: 1,
    Kind.RESERVED: 1,
    Kind.OPEN: 0,
    Kind.FREE: 0,
}
MOST_SOLID = 3


class Occupied(Protocol):
    """A row of `occupancy`, as far as a planning looks at it."""

    kind: Any
    status: Any
    starts_at: Any
    ends_at: Any
    occupied_from: Any
    occupied_until: Any
    member_id: Any
    is_hire: Any


@dataclass(slots=True)
class Segment:
    """One range of a machine's day; `span` is its width in columns, 0 when it got none."""

    kind: Kind
    start: int
    end: int
    row: Any = None  # the occupancy, when it is one
    span: int = 0


class Taken(NamedTuple):
    """An occupancy on the day's wall clock: the booked time and, around it, the occupied one."""

    start: int
    end: int
    occupied_from: int
    occupied_until: int
    kind: Kind
    row: Any


@dataclass(frozen=True, slots=True)
class Scale:
    """From instants to minutes of one day's wall clock, and so to places on the planning.

    Never runs backwards. In spring it jumps over the hour that is missing. In autumn the hour
    shown twice has room for one: both passes share it, half each.
    """

    day: date
    zone: tzinfo
    start: datetime
    turn: int = 0  # minutes from midnight to the change of the clocks, when there is one
    shift: int = 0  # by how many minutes they go forward; negative in autumn

    @classmethod
    def of(cls, zone: tzinfo, day: date) -> "Scale":
        whole = whole_day(zone, day)
        lasts = whole.duration // MINUTE
        shift = WHOLE_DAY - lasts
        turn = _change_of_clocks(zone, whole.start, lasts) if shift else 0
        return cls(day, zone, whole.start, turn, shift)

    def minute(self, instant: datetime) -> int:
        """Where `instant` stands; below 0 or over 1440 on the days before and after."""
        since = instant - self.start
        elapsed = since.days * WHOLE_DAY + since.seconds // 60
        return self._on_the_wall(elapsed) if self.shift else elapsed

    def _on_the_wall(self, elapsed: int) -> int:
        if self.shift > 0:
            return elapsed + self.shift if elapsed >= self.turn else elapsed
        once, again = self.turn + self.shift, self.turn - self.shift
        if once <= elapsed < again:
            return once + (elapsed - once) // 2
        return elapsed + self.shift if elapsed >= again else elapsed

    @property
    def odd_hour(self) -> Range | None:
        """The part of the wall clock that is skipped or shown twice this day."""
        if not self.shift:
            return None
        return (
            (self.turn, self.turn + self.shift)
            if self.shift > 0
            else (
                self.turn + self.shift,
                self.turn,
            )
        )

    def range(self, span: Slot) -> Range:
        return self.minute(span.start), self.minute(span.end)

    def placed(self, row: Occupied, viewer_id: int | None = None) -> Taken:
        return Taken(
            self.minute(row.starts_at),
            self.minute(row.ends_at),
            self.minute(row.occupied_from),
            self.minute(row.occupied_until),
            kind_of(row, viewer_id),
            row,
        )


def _change_of_clocks(zone: tzinfo, start: datetime, lasts: int) -> int:
    """How many minutes after `start` the offset from UTC changes; 0 when it does at midnight."""
    before = start.astimezone(zone).utcoffset()

    def has_changed(minutes: int) -> bool:
        return (start + minutes * MINUTE).astimezone(zone).utcoffset() != before

    if not has_changed(lasts):
        return 0
    low, high = 0, lasts
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if has_changed(middle) else (middle, high)
    return high


def kind_of(row: Occupied, viewer_id: int | None) -> Kind:
    if row.kind == OccupancyKind.OUTAGE:
        return Kind.HIRE if row.is_hire else Kind.OUTAGE
    if row.status == Status.MISSED:
        return Kind.ABSENT
    if row.kind == OccupancyKind.SESSION:
        return Kind.TRAINING
    if viewer_id is not None and row.member_id == viewer_id:
        return Kind.OWN
    return Kind.WAITING if row.status == Status.PENDING else Kind.BOOKED


class Terms(NamedTuple):
    """What the rules ask of a slot on this day, in minutes."""

    step: int = COLUMN
    minimum: int = 30
    maximum: int = 4 * 60
    setup: int = 0
    cleanup: int = 0
    earliest: int = 0  # no start before: what is over, and the notice
    is_bookable: bool = True  # not beyond the horizon, and open to this reader
    is_in_service: bool = True

    @property
    def usual_length(self) -> int:
        """What a link proposes: an hour, or as near to one as the machine allows."""
        wanted = min(max(60, self.minimum), self.maximum)
        return max(wanted - wanted % self.step, round_up(self.minimum, self.step))


def terms_of(
    policy: BookingPolicy, scale: Scale, now: datetime, *, is_in_service: bool = True
) -> Terms:
    """The terms of `policy` for slots of the scale's day, asked at `now`."""
    today = now.astimezone(scale.zone).date()
    return Terms(
        step=max(policy.step // MINUTE, 1),
        minimum=policy.minimum // MINUTE,
        maximum=policy.maximum // MINUTE,
        setup=policy.before // MINUTE,
        cleanup=policy.after // MINUTE,
        earliest=scale.minute(now + policy.notice),
        is_bookable=policy.is_open and (scale.day - today).days <= policy.horizon_days,
        is_in_service=is_in_service,
    )


def hours_shown(
    scale: Scale, openings: Iterable[tuple[Slot, Mode]], taken: Iterable[Taken]
) -> Range:
    """The first and last whole hour of the grid: an hour around the openings, and all bookings.

    Nights do not stretch it, unless something is booked there. Of a booking that runs over a
    midnight only the start or end that lies in the day counts: a loan of three days would
    otherwise show three whole nights.
    """
    day = [scale.range(span) for span, mode in openings if mode in DAYTIME]
    spans = [(start - 60, end + 60) for start, end in day]
    for one in taken:
        if one.start <= 0 and one.end >= WHOLE_DAY:
            continue  # all day long: it says nothing of the hours
        if 0 <= one.start < WHOLE_DAY:
            spans.append((one.start, one.start + 1))
        if 0 < one.end <= WHOLE_DAY:
            spans.append((one.end - 1, one.end))
    if not day:
        spans.append(USUAL_HOURS)
    first = min(start for start, _ in spans) // 60 * 60
    last = round_up(max(end for _, end in spans), 60)
    return max(first, 0), min(last, WHOLE_DAY)


def segments(
    hours: Range,
    openings: Sequence[Range],
    taken: Iterable[Taken],
    terms: Terms,
    *,
    now: int,
    odd_hour: Range | None = None,
) -> list[Segment]:
    """The ranges of one machine's day, one after the other from the first hour to the last.

    `openings` are those in which the machine may be used, in order and apart; `now` may lie
    before or after the day. A free range is one in which a slot the rules accept fits: it
    starts on the step, respects the notice, and leaves the set-up and clean-up of this
    machine between itself and its neighbours.
    """
    first, last = hours
    row: list[Segment] = []
    cursor, clear_from = first, -WHOLE_DAY
    for one in sorted(taken, key=lambda t: t.start):
        start, end = max(one.start, cursor), min(one.end, last)
        if start >= last:
            row += _gap(
                (cursor, last),
                openings,
                terms,
                now,
                odd_hour,
                (clear_from, one.occupied_from - terms.cleanup),
            )
            cursor = last
            break
        if start < end:
            clear = clear_from, one.occupied_from - terms.cleanup
            row += _gap((cursor, start), openings, terms, now, odd_hour, clear)
            row.append(Segment(one.kind, start, end, one.row))
            cursor = end
        clear_from = max(clear_from, one.occupied_until + terms.setup)
    row += _gap((cursor, last), openings, terms, now, odd_hour, (clear_from, 2 * WHOLE_DAY))
    return row


def full_ranges(taken: Iterable[Taken], capacity: int) -> list[Range]:
    """When so many bookings or more are there at once, soonest first; ranges that touch are one."""
    steps = sorted(
        (minute, change)
        for one in taken
        if one.kind not in NOT_PEOPLE
        for minute, change in ((one.occupied_from, 1), (one.occupied_until, -1))
    )
    full: list[Range] = []
    count = 0
    for minute, change in steps:
        if change > 0 and count == capacity - 1:
            if full and full[-1][1] == minute:
                minute, _ = full.pop()
            full.append((minute, minute))
        count += change
        if change < 0 and count == capacity - 1:
            full[-1] = (full[-1][0], minute)
    return full


def without_full(row: Iterable[Segment], full: Sequence[Range], terms: Terms) -> Iterator[Segment]:
    """What is free, less the time in which something the machine shares is in full use."""
    for segment in row:
        cursor = segment.start
        for start, end in full if segment.kind is Kind.FREE else ():
            start = max(start - terms.cleanup, cursor)
            end = min(round_up(end + terms.setup, terms.step), segment.end)
            if start < end:
                yield from _free_or_open(cursor, start, terms)
                yield Segment(Kind.IN_USE, start, end)
                cursor = end
        if cursor == segment.start:
            yield segment
        else:
            yield from _free_or_open(cursor, segment.end, terms)


def without_reserved(
    row: Iterable[Segment], reserved: Sequence[Range], terms: Terms
) -> Iterator[Segment]:
    """What is free, less the hours that are kept for the owner of the machine."""
    for segment in row:
        cursor = segment.start
        for start, end in reserved if segment.kind in STILL_FREE else ():
            start, end = max(start, cursor), min(end, segment.end)
            if start < end:
                yield from _left_beside(segment, cursor, start, terms)
                yield Segment(Kind.RESERVED, start, end)
                cursor = end
        if cursor == segment.start:
            yield segment
        else:
            yield from _left_beside(segment, cursor, segment.end, terms)


STILL_FREE = (Kind.FREE, Kind.OPEN, Kind.SHORT, Kind.IN_USE)


def _left_beside(segment: Segment, start: int, end: int, terms: Terms) -> Iterator[Segment]:
    """The rest of what was free, from its next step on, when a booking still fits in it."""
    least = round_up(start, terms.step) if segment.kind is Kind.FREE else start
    if segment.kind is Kind.FREE and end - least < terms.minimum:
        least = end
    if start < least:
        yield Segment(Kind.SHORT, start, least)
    if least < end:
        yield Segment(segment.kind, least, end)


def with_absent(row: Iterable[Segment], absent: Iterable[Taken]) -> Iterator[Segment]:
    """What was free and is over, less the time in which somebody was expected who never came.

    What is left of theirs is free for others, and drawn as such.
    """
    expected = sorted(absent, key=lambda one: one.start)
    for segment in row:
        cursor = segment.start
        for one in expected if segment.kind is Kind.PAST else ():
            start, end = max(one.start, cursor), min(one.end, segment.end)
            if start < end:
                if cursor < start:
                    yield Segment(Kind.PAST, cursor, start)
                yield Segment(Kind.ABSENT, start, end, one.row)
                cursor = end
        if cursor == segment.start:
            yield segment
        elif cursor < segment.end:
            yield Segment(segment.kind, cursor, segment.end)


def by_the_day(row: Sequence[Segment], *, may_begin: bool) -> Iterator[Segment]:
    """Of what is lent by the day: all of its open time is one free day, or none of it is.

    `may_begin` says whether a loan may begin that day, were the machine free.
    """
    kinds = (Kind.FREE, Kind.OPEN, Kind.SHORT)
    is_free = may_begin and not any(segment.row is not None for segment in row)
    for segment in row:
        if segment.kind in kinds:
            yield Segment(Kind.FREE if is_free else Kind.OPEN, segment.start, segment.end)
        else:
            yield segment


def _free_or_open(start: int, end: int, terms: Terms) -> Iterator[Segment]:
    if start < end:
        fits = end - start >= terms.minimum
        yield Segment(Kind.FREE if fits else Kind.OPEN, start, end)


def _gap(
    gap: Range,
    openings: Sequence[Range],
    terms: Terms,
    now: int,
    odd_hour: Range | None,
    clear: Range,
) -> Iterator[Segment]:
    """What lies between two occupancies: closed, and open in parts."""
    cursor, end = gap
    for opens, closes in openings:
        start, stop = max(opens, cursor), min(closes, end)
        if start >= stop:
            continue
        if start > cursor:
            yield Segment(Kind.CLOSED, cursor, start)
        if odd_hour and start < odd_hour[1] and stop > odd_hour[0]:
            yield from _around(odd_hour, (start, stop), terms, now, clear)
        else:
            yield from _open(start, stop, terms, now, clear)
        cursor = stop
    if cursor < end:
        yield Segment(Kind.CLOSED, cursor, end)


def _around(
    odd_hour: Range, part: Range, terms: Terms, now: int, clear: Range
) -> Iterator[Segment]:
    """Free time on both sides of an hour that is skipped or shown twice, whose minutes lie."""
    start, stop = part
    before, after = max(start, odd_hour[0]), min(stop, odd_hour[1])
    if start < before:
        yield from _open(start, before, terms, now, clear)
    if before < after:
        yield from _open(before, after, terms._replace(minimum=WHOLE_DAY), now, clear)
    if after < stop:
        yield from _open(after, stop, terms, now, clear)


def _open(start: int, end: int, terms: Terms, now: int, clear: Range) -> Iterator[Segment]:
    """An open range: what is over, what is too short or too soon, and what is free."""
    if now > start:
        over = min(now, end)
        yield Segment(Kind.PAST, start, over)
        start = over
    if start >= end:
        return
    if not terms.is_in_service:
        yield Segment(Kind.STOPPED, start, end)
        return
    least = max(start, clear[0])
    kind, most = Kind.OPEN, min(end, clear[1])
    if terms.is_bookable:
        kind = Kind.FREE
        least = round_up(max(least, terms.earliest), terms.step)
        most = least + (most - least) // terms.step * terms.step
    if most - least < terms.minimum:
        yield Segment(Kind.SHORT, start, end)
        return
    if start < least:
        yield Segment(Kind.SHORT, start, least)
    yield Segment(kind, least, most)
    if most < end:
        yield Segment(Kind.SHORT, most, end)


def starts_offered(free: Iterable[Range], daytime: Iterable[Range], terms: Terms) -> list[Range]:
    """The free ranges, each from where one may begin in it: by day first, then the others.

    People start a machine in person, one that then runs alone through the night too.
    """
    free, daytime = list(free), list(daytime)
    by_day = [
        (start, end)
        for first, end in free
        for opens, closes in daytime
        if (start := round_up(max(first, opens), terms.step)) < min(closes, end)
        and end - start >= terms.minimum
    ]
    return by_day + [one for one in free if one not in by_day]


def left_in(whole: Iterable[Segment]) -> int:
    """How many minutes of a day are left free: what may still be booked in it, by somebody."""
    return sum(part.end - part.start for part in whole if part.kind in (Kind.FREE, Kind.OPEN))


def fill_columns(row: Sequence[Segment]) -> None:
    """Give each segment its columns, the edges of what is taken rounded outwards.

    For display only: the words keep the true times. The columns always sum to the hours
    shown; what finds its quarter-hour already full gets none, and its words join a neighbour.
    """
    if not row:
        return
    first, last = row[0].start, row[-1]
    filled = 0
    for one, after in zip(row, (*row[1:], last), strict=True):
        minutes = one.end - first
        edge = minutes // COLUMN
        if minutes % COLUMN and (one is last or is_as_solid(one, after)):
            edge += 1
        edge = max(edge, filled)
        one.span = edge - filled
        filled = edge


def is_as_solid(one: Segment, other: Segment) -> bool:
    return SOLIDITY.get(one.kind, MOST_SOLID) >= SOLIDITY.get(other.kind, MOST_SOLID)


class State(NamedTuple):
    """How a machine stands at one moment of the day; `until` and `then_until` in minutes.

    None: not before the day ends.
    """

    kind: Kind  # FREE, IN_USE, RESERVED, BOOKED, OWN, WAITING, OUTAGE, TRAINING, STOPPED or CLOSED
    until: int | None = None
    row: Any = None  # what occupies it
    is_free_then: bool = False  # after `until`
    then_until: int | None = None


def state_at(
    minute: int,
    openings: Sequence[Range],
    taken: Iterable[Taken],
    *,
    full: Sequence[Range] = (),
    reserved: Sequence[Range] = (),
    is_in_service: bool = True,
) -> State:
    """How the machine stands at `minute`, and what comes next; `full` is when it would have to
    wait for what it shares, `reserved` when it is kept for its owner.
    """
    if not is_in_service:
        return State(Kind.STOPPED)
    ahead = sorted((t for t in taken if t.end > minute), key=lambda t: t.start)
    if ahead and ahead[0].start <= minute:
        first, until, taken_until = ahead[0], ahead[0].end, ahead[0].end
        for following in ahead[1:]:
            if following.start > taken_until:
                break
            # What is one's own, or an outage, is that no longer when something else follows.
            goes_on = first.kind in (Kind.BOOKED, Kind.WAITING) or following.kind is first.kind
            if goes_on and until == taken_until:
                until = following.end
            taken_until = following.end
        if until < taken_until:
            return State(first.kind, until, first.row)
        free_until = _free_until(until, openings, ahead, (*full, *reserved))
        return State(first.kind, until, first.row, free_until is not None, free_until)
    free_until = _free_until(minute, openings, ahead, (*full, *reserved))
    if free_until is not None:
        return State(Kind.FREE, free_until)
    kept_until = max((end for start, end in reserved if start <= minute < end), default=None)
    if kept_until is not None and any(opens <= minute < closes for opens, closes in openings):
        return State(Kind.RESERVED, kept_until)
    used_until = max((end for start, end in full if start <= minute < end), default=None)
    if used_until is not None and any(opens <= minute < closes for opens, closes in openings):
        return State(Kind.IN_USE, used_until)
    return State(Kind.CLOSED, next((opens for opens, _ in openings if opens > minute), None))


def _free_until(
    minute: int, openings: Sequence[Range], taken: Iterable[Taken], full: Sequence[Range]
) -> int | None:
    """Until when it is free from `minute` on; None when it is closed, or waits, then."""
    closes = next((closes for opens, closes in openings if opens <= minute < closes), None)
    if closes is None or any(start <= minute < end for start, end in full):
        return None
    starts = (*(t.start for t in taken), *(start for start, _end in full))
    return min((start for start in starts if minute <= start < closes), default=closes)


def round_up(value: int, step: int) -> int:
    return -(-value // step) * step


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def name_of_week(day: date) -> str:
    """As addresses say it: `2027-W13` (ISO 8601)."""
    year, week, _day = day.isocalendar()
    return f"{year}-W{week:02}"
