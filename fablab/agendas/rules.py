"""What a calendar that was read would do: closures, outages, whom they concern. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import NamedTuple

from fablab.agendas.kinds import WholeDays
from fablab.agendas.reading import HORIZON, Days, Event, Reading
from fablab.clock import midnight, today, whole_days
from fablab.machines.kinds import OccupancyKind
from fablab.slots import Slot, without

MAX_OUTAGES = 2000  # that one calendar makes
A_DAY = timedelta(days=1)


class Taken(NamedTuple):
    """What stands on a machine: `slot` is what people read, `span` how long it is occupied."""

    id: int
    uid: str
    revision: int
    kind: OccupancyKind
    machine_id: int
    slot: Slot
    span: Slot


@dataclass(frozen=True, slots=True)
class Choice:
    """What the team wants of a calendar: `events` are places in the reading."""

    whole_days: WholeDays
    machine_ids: tuple[int, ...]
    events: frozenset[int]
    cancels: bool = False  # all bookings concerned, and not around them
    cancelled: frozenset[str] = frozenset()  # these of them, by their UIDs
    replaces: frozenset[str] = frozenset()  # imports of before, by their UIDs
    titles: Mapping[int, str] = field(default_factory=dict)  # instead of the events' own

    @property
    def cancels_some(self) -> bool:
        return self.cancels or bool(self.cancelled)


class Withdrawal(NamedTuple):
    machine_id: int
    span: Slot


class Made(NamedTuple):
    """What an import of before made of an event, and that is not over: a closure or an outage."""

    entry_id: int
    event_uid: str
    uid: str
    title: str
    does: Days | Withdrawal

    def from_now(self, today: date, minute: datetime) -> Days | Withdrawal:
        """What of it is to come."""
        if isinstance(self.does, Days):
            return self.does._replace(first=max(self.does.first, today))
        span = Slot(max(self.does.span.start, minute), self.does.span.end)
        return self.does._replace(span=span)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An import that holds an event of this file, and has something to come."""

    id: int
    uid: str
    name: str
    applied_at: datetime
    made: tuple[Made, ...]

    @property
    def machine_ids(self) -> set[int]:
        does = (each.does for each in self.made)
        return {each.machine_id for each in does if isinstance(each, Withdrawal)}


@dataclass(frozen=True, slots=True)
class Effect:
    """What one event does, and what of it is so already."""

    number: int
    event: Event
    is_chosen: bool
    closures: tuple[Days, ...] = ()
    closed_already: tuple[tuple[Days, str], ...] = ()  # and why
    hours: tuple[Slot, ...] = ()  # in which machines are taken
    outages: tuple[Withdrawal, ...] = ()
    would_close: tuple[Days, ...] = ()  # whatever else in the file closes, ticked or not
    is_taken_already: bool = False  # by other outages, as far as machines are free of bookings
    same: Mapping[Days | Withdrawal, Made] = field(default_factory=dict)  # so before, and stays
    moved: Mapping[Days, Made] = field(default_factory=dict)  # a closure of before, on other days

    @property
    def new_closures(self) -> list[Days]:
        return [each for each in self.closures if each not in self.same]

    @property
    def new_outages(self) -> list[Withdrawal]:
        return [each for each in self.outages if each not in self.same]


@dataclass(frozen=True, slots=True)
class Plan:
    effects: tuple[Effect, ...]
    concerned: tuple[Taken, ...]  # the bookings in the time that is closed or taken
    sessions: tuple[Taken, ...]  # trainings there, which stay in any case
    because: Mapping[int, str]  # by the id of each of them, what the event is called
    is_too_much: bool
    replaced: tuple[Earlier, ...]  # what is undone with it
    goes: tuple[Made, ...]  # of those, without anything in its stead
    # Of what was shown before it is done: the choice with what each event would do, ticked or
    # not; and the bookings concerned.
    seen: str
    seen_bookings: str

    @property
    def chosen(self) -> list[Effect]:
        return [effect for effect in self.effects if effect.is_chosen]

    @property
    def closures(self) -> int:
        return sum(len(effect.new_closures) for effect in self.chosen)

    @property
    def outages(self) -> int:
        return sum(len(effect.new_outages) for effect in self.chosen)

    @property
    def does_nothing(self) -> bool:
        return not (self.closures or self.outages or self.goes)


@dataclass(slots=True)
class Lane:
    """What stands on one machine, in order; what is added to it meanwhile."""

    taken: list[Taken]
    added: list[Slot] = field(default_factory=list)
    starts: list[datetime] = field(init=False)
    ends: list[datetime] = field(init=False)

    def __post_init__(self) -> None:
        self.taken.sort(key=lambda each: each.span)
        self.starts = [each.span.start for each in self.taken]
        self.ends = [each.span.end for each in self.taken]

    def within(self, span: Slot) -> Sequence[Taken]:
        """Standing occupancies of one machine never overlap: both bounds are found by halving."""
        return self.taken[bisect_right(self.ends, span.start) : bisect_left(self.starts, span.end)]


def plan(
    reading: Reading,
    choice: Choice,
    *,
    zone: tzinfo,
    now: datetime,
    day_off: Callable[[date], str | None],
    taken: Iterable[Taken],
    earlier: Sequence[Earlier] = (),
) -> Plan:
    """`taken` is what stands in the place from now on, whatever the machine; `day_off` tells of
    all closures but those of imports that are replaced.
    """
    replaced = tuple(each for each in earlier if each.uid in choice.replaces)
    undone = {made.uid for each in replaced for made in each.made}
    lanes: dict[int, Lane] = {}
    for each in taken:
        if each.uid in undone:
            continue
        lanes.setdefault(each.machine_id, Lane([])).taken.append(each)
    lanes = {machine_id: Lane(lane.taken) for machine_id, lane in lanes.items()}
    planner = _Planner(choice, zone, now, day_off, lanes)
    effects = tuple(planner.effect(at, event) for at, event in enumerate(reading.events))
    matcher = _Matcher(replaced, planner.today, planner.ahead.start)
    effects = tuple(matcher.moved(each) for each in [matcher.same(each) for each in effects])
    found = sorted(planner.found.values(), key=lambda each: (each.slot, each.id))
    bookings = tuple(each for each in found if each.kind is OccupancyKind.BOOKING)
    return Plan(
        effects=effects,
        concerned=bookings,
        sessions=tuple(each for each in found if each.kind is OccupancyKind.SESSION),
        because=planner.because,
        is_too_much=planner.is_too_much,
        replaced=replaced,
        goes=tuple(matcher.left),
        seen=_mark(
            (
                choice.whole_days,
                choice.machine_ids,
                [(each.uid, each.uid in choice.replaces) for each in earlier],
                *map(_would_do, effects),
            )
        ),
        seen_bookings=_mark((each.uid, each.revision) for each in bookings),
    )


def _would_do(effect: Effect) -> tuple[object, ...]:
    return effect.event.uid, effect.would_close, effect.event.days, effect.event.hours


def _mark(values: Iterable[object]) -> str:
    return sha256(repr(list(values)).encode()).hexdigest()[:16]


class _Planner:
    def __init__(
        self,
        choice: Choice,
        zone: tzinfo,
        now: datetime,
        day_off: Callable[[date], str | None],
        lanes: dict[int, Lane],
    ) -> None:
        self.choice, self.zone, self.now, self.day_off = choice, zone, now, day_off
        self.lanes = lanes
        self.today = today(zone, now)
        self.last = self.today + HORIZON
        self.ahead = Slot(now.replace(second=0), midnight(zone, self.last + A_DAY))
        self.found: dict[int, Taken] = {}
        self.because: dict[int, str] = {}
        self.closed: list[tuple[Days, str]] = []  # by the events before, and what they are called
        self.made = 0

    @property
    def is_too_much(self) -> bool:
        return self.made > MAX_OUTAGES

    def effect(self, number: int, event: Event) -> Effect:
        closures: list[Days] = []
        closed: list[tuple[Days, str]] = []
        hours = list(event.hours)
        for each in event.days:
            days = Days(max(each.first, self.today), min(each.last, self.last))
            if self.choice.whole_days is WholeDays.TAKE:
                hours.append(whole_days(self.zone, *days))
            elif self.choice.whole_days is WholeDays.CLOSE:
                why = self.why_closed(days)
                if why is None:
                    closures.append(days)
                else:
                    closed.append((days, why))
        if not self.choice.machine_ids:
            hours = []
        is_chosen, would_close = number in self.choice.events, tuple(closures)
        for days in would_close:
            why = self.why_closed_before(days)
            if why is not None:
                closures.remove(days)
                closed.append((days, why))
        outages = self.withdraw(hours, event.title) if is_chosen else []
        if is_chosen:
            self.note_closed(closures, event.title)
            self.closed += [(days, event.title) for days in closures]
        wanted = bool(hours) and is_chosen
        return Effect(
            number=number,
            event=event,
            is_chosen=is_chosen,
            closures=tuple(closures),
            closed_already=tuple(closed),
            hours=tuple(sorted(hours)),
            outages=tuple(outages),
            would_close=would_close,
            is_taken_already=wanted and not outages and not self.is_too_much,
        )

    def why_closed(self, days: Days) -> str | None:
        """The reason of the first day, when the place is closed on every one of them already."""
        reasons = [self.day_off(day) for day in _each(days)]
        return reasons[0] if all(reason is not None for reason in reasons) else None

    def why_closed_before(self, days: Days) -> str | None:
        """The name of an event of the file that closes all of them."""
        found = (why for by, why in self.closed if by.first <= days.first and days.last <= by.last)
        return next(found, None)

    def note_closed(self, closures: Iterable[Days], title: str) -> None:
        for days in closures:
            span = whole_days(self.zone, *days)
            for lane in self.lanes.values():
                self.note((each for each in lane.within(span) if each.slot.overlaps(span)), title)

    def note(self, taken: Iterable[Taken], title: str) -> None:
        """Those that are not over: what only cleans up is nobody's booking any more."""
        for each in taken:
            if each.kind is not OccupancyKind.OUTAGE and each.slot.end > self.now:
                self.found[each.id] = each
                self.because.setdefault(each.id, title)

    def withdraw(self, hours: Iterable[Slot], title: str) -> list[Withdrawal]:
        """The time of each machine that is still free, or is made free."""
        found: list[Withdrawal] = []
        for span in filter(None, (each.within(self.ahead) for each in hours)):
            for machine_id in self.choice.machine_ids:
                if self.is_too_much:
                    return found
                lane = self.lanes.setdefault(machine_id, Lane([]))
                within = lane.within(span)
                self.note(within, title)
                stays = [each.span for each in within if not self.goes(each)]
                stays += [each for each in lane.added if each.overlaps(span)]
                parts = without([span], stays)
                lane.added += parts
                self.made += len(parts)
                found += [Withdrawal(machine_id, part) for part in parts]
        return found

    def goes(self, each: Taken) -> bool:
        is_over = each.slot.end <= self.now
        is_cancelled = self.choice.cancels or each.uid in self.choice.cancelled
        return is_cancelled and each.kind is OccupancyKind.BOOKING and not is_over


class _Matcher:
    """Finds what an event did before among what it does now, so that calendars show what is the
    same as the same. `left` is what nothing was found for.
    """

    def __init__(self, replaced: Iterable[Earlier], today: date, minute: datetime) -> None:
        self.today, self.minute = today, minute
        self.left = [made for each in replaced for made in each.made]

    def same(self, effect: Effect) -> Effect:
        """Of the same name too: it is what members read as the reason."""
        if not (self.left and effect.is_chosen):
            return effect
        of_event = {
            made.from_now(self.today, self.minute): made
            for made in self.of(effect.event)
            if made.title == effect.event.title
        }
        does = (*effect.closures, *effect.outages)
        same = {each: of_event[each] for each in does if each in of_event}
        self.took(same.values())
        return replace(effect, same=same)

    def moved(self, effect: Effect) -> Effect:
        """A closure that has begun stays where it is, and only ends on another day."""
        if not (self.left and effect.is_chosen):
            return effect
        moved: dict[Days, Made] = {}
        left = [made for made in self.of(effect.event) if isinstance(made.does, Days)]
        for days in effect.new_closures:
            for made in left:
                if days.first == self.today or made.from_now(self.today, self.minute) == made.does:
                    moved[days] = made
                    left.remove(made)
                    break
        self.took(moved.values())
        return replace(effect, moved=moved)

    def of(self, event: Event) -> list[Made]:
        return [made for made in self.left if made.event_uid == event.uid]

    def took(self, made: Iterable[Made]) -> None:
        uids = {each.uid for each in made}
        self.left = [each for each in self.left if each.uid not in uids]


def _each(days: Days) -> Iterator[date]:
    return (days.first + n * A_DAY for n in range((days.last - days.first).days + 1))
