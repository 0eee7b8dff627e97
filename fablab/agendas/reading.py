"""A calendar file as plain values: the events to come, and what of it cannot be read. Pure.

Nothing of what is read here is followed anywhere: a file names no address that is fetched. Every
kind of work is bounded: bytes and depth (`lines`), events, dates, how far ahead, and steps, which
stand for time and are the same on every machine.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

from fablab import clock
from fablab.agendas import lines, recurrence
from fablab.agendas.lines import Component, Line, Property, TooLarge, Trouble, Unreadable, clean
from fablab.agendas.recurrence import NotRead, OutOfSteps, Rule, Steps
from fablab.agendas.zones import STAMP, ToUTC, Zones, in_zone
from fablab.slots import Slot, merged
from fablab.words import N_

MAX_COMPONENTS = 10_000  # events, over or not: years of an agenda
MAX_EVENTS = 2000  # with something to come
MAX_TIMES = 2000  # days and hours, in all
HORIZON = timedelta(days=548)  # 18 months
STEPS, STEPS_EACH = 600_000, 50_000  # days looked at, in all and for one event
TROUBLES = 200  # that are told; how many more there are is told too
A_DAY = timedelta(days=1)
# Beyond, arithmetic on days is no longer safe, and no calendar means it.
FIRST_YEAR, LAST_YEAR = 1900, 2200

DATE = re.compile(r"\d{8}", re.ASCII)
LENGTH = re.compile(
    r"([+-]?)P(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?",
    re.ASCII,
)

TOO_MANY = N_("The file holds more than 10,000 events: send a part of it.")
TOO_MANY_EVENTS = N_("The file holds more than 2,000 events to come: send a part of it.")
NO_EVENTS = N_("There is no event in this calendar.")

NO_START = N_("It does not say when it begins.")
TWICE = N_("It says twice when it begins or ends.")
NO_SUCH_DAY = N_("There is no such day or hour: %(what)s.")
NOT_WRITTEN_SO = N_("This is not how a calendar writes a day or an hour: %(what)s.")
TOO_FAR = N_("Its day is too far away to be meant.")
UNKNOWN_ZONE = N_("Nobody knows the time zone that it names: %(zone)s.")
ENDS_FIRST = N_("It ends before it begins.")
NO_END = N_("It has neither an end nor a length.")
NO_TIME = N_("It ends when it begins, and so takes no time.")
MIXED = N_("It begins with a day and ends with an hour, or the other way round.")
NO_LENGTH = N_("How long it lasts cannot be read.")
EXCEPTIONS_BY_RULE = N_("It leaves dates out by a rule of its own (EXRULE), which is not read.")
NO_DATES = N_("A date that it adds or leaves out cannot be read.")
MIXED_DATES = N_("It has an hour, and days are added to it without one; or the other way round.")
TOO_LONG_TO_FIND = N_("How it repeats takes too long to work out.")
TOO_MANY_DATES = N_("With it there would be more than 2,000 dates in the calendar.")
FOLLOWING = N_(
    "It changes one date and all that follow, which is not read: from there on nothing of it is"
    " taken."
)
NEWER = N_("The file holds a newer version of it.")
CANCELLED = N_("It is cancelled.")


class Days(NamedTuple):
    """Whole days, first and last included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Event:
    """What is still to come of it, days and hours apart and each in order."""

    uid: str
    line: int
    title: str
    days: tuple[Days, ...] = ()
    hours: tuple[Slot, ...] = ()
    is_free: bool = False  # it says that it takes nobody's time: TRANSP, §3.8.2.7
    is_tentative: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    events: tuple[Event, ...]
    troubles: tuple[Trouble, ...]
    troubles_left_out: int = 0
    skipped: tuple[Trouble, ...] = ()  # whole and understood, but not to be taken
    past: int = 0  # events without anything to come within the horizon
    others: int = 0  # to-dos, journals: not events
    uids: frozenset[str] = frozenset()  # of all its events, those too that are over or cancelled

    def called(self, titles: Mapping[int, str]) -> "Reading":
        """The same with other names of events, by their place."""
        events = enumerate(self.events)
        renamed = tuple(replace(each, title=titles.get(at) or each.title) for at, each in events)
        return replace(self, events=renamed)


class Wrong(ValueError):
    """Why an event cannot be read; `line` where, when it is not the event's own."""

    def __init__(self, sentence: str, line: int = 0, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence, self.line, self.values = sentence, line, values


def read(
    content: bytes,
    *,
    zone: tzinfo,
    now: datetime,
    untitled: str = "",
    steps: Steps | None = None,
) -> Reading:
    """The events of the file from now on, on the clock of `zone`.

    `untitled` is what an event is called that has no name, or one that is not for everybody
    (CLASS, §3.8.1.3).

    Raises Unreadable when the file as a whole says nothing, and nothing else whatever it holds.
    """
    content = lines.checked(content)
    troubles: list[Trouble] = []
    found: list[Component] = []
    own_zones: dict[str, Component] = {}
    others = 0
    for component in lines.components(lines.unfolded(content), troubles):
        if component.name == "VEVENT":
            found.append(component)
            if len(found) > MAX_COMPONENTS:
                raise TooLarge(TOO_MANY)
        elif component.name == "VTIMEZONE":
            own_zones.setdefault(_tzid(component), component)
        elif component.name != "VCALENDAR":
            others += 1
    if not found and not troubles:
        raise Unreadable(NO_EVENTS)
    reader = _Reader(zone, now, own_zones, steps or Steps(STEPS, STEPS_EACH), troubles)
    reader.untitled = untitled
    events = tuple(reader.events(found))
    told = sorted(troubles, key=lambda trouble: trouble.line)
    return Reading(
        events=events,
        troubles=tuple(told[:TROUBLES]),
        troubles_left_out=max(0, len(told) - TROUBLES),
        skipped=tuple(sorted(reader.skipped, key=lambda trouble: trouble.line)),
        past=reader.past,
        others=others,
        uids=frozenset(reader.uids),
    )


def _tzid(component: Component) -> str:
    for line in component.lines:
        if line.name == "TZID":
            return line.text.partition(":")[2].strip()
    return ""


class When(NamedTuple):
    """A day, or a time on a wall clock and what makes an instant of it."""

    wall: datetime
    to_utc: ToUTC | None  # none: it is a whole day

    @property
    def is_day(self) -> bool:
        return self.to_utc is None

    @property
    def day(self) -> date:
        return self.wall.date()

    def at(self, day: date) -> "When":
        """The same hour of another day."""
        return When(datetime.combine(day, self.wall.time()), self.to_utc)

    def instant(self) -> datetime:
        assert self.to_utc
        return self.to_utc(self.wall)

    def after(self, length: "Length") -> datetime:
        """Its end: days first, on the wall, then hours as they pass (§3.3.6)."""
        assert self.to_utc
        return self.to_utc(self.wall + timedelta(days=length.days)) + length.rest


class Length(NamedTuple):
    days: int  # on the wall
    rest: timedelta

    @property
    def at_most(self) -> timedelta:
        return timedelta(days=self.days + 1) + self.rest


@dataclass(slots=True)
class Told:
    """An event as the file tells it."""

    uid: str
    line: int
    title: str
    start: When
    length: Length
    rules: list[Rule] = field(default_factory=list)
    more: list[tuple[When, Length]] = field(default_factory=list)  # RDATE
    left_out: list[When] = field(default_factory=list)  # EXDATE
    instead_of: When | None = None  # RECURRENCE-ID
    and_following: bool = False
    sequence: int = 0
    is_cancelled: bool = False
    is_free: bool = False
    is_tentative: bool = False


class _Reader:
    """One reading: what is gathered on the way, and what may still be spent."""

    def __init__(
        self,
        zone: tzinfo,
        now: datetime,
        own_zones: dict[str, Component],
        steps: Steps,
        troubles: list[Trouble],
    ) -> None:
        self.now, self.steps, self.troubles = now, steps, troubles
        self.here, self.zone = in_zone(zone), zone
        self.today = clock.today(zone, now)
        self.last = self.today + HORIZON
        self.zones = Zones(own_zones, self.today, self.last + A_DAY, steps)
        self.untitled = ""
        self.skipped: list[Trouble] = []
        self.past = self.ahead = self.made = 0
        self.uids: set[str] = set()

    def events(self, components: Iterable[Component]) -> Iterator[Event]:
        masters: dict[str, Told] = {}
        changes: dict[str, list[Told]] = {}
        for component in components:
            work = partial(self._told, component)
            told = self._guarded(component.line, _title(component), work)
            if told is None:
                continue
            self.uids.add(told.uid)
            if told.instead_of:
                changes.setdefault(told.uid, []).append(told)
            elif told.uid in masters:
                masters[told.uid] = self._newer(masters[told.uid], told)
            else:
                masters[told.uid] = told
        for uid in dict.fromkeys((*masters, *changes)):
            yield from self._of(masters.get(uid), changes.get(uid, []))

    def _newer(self, one: Told, other: Told) -> Told:
        """Of two versions the one with the higher SEQUENCE, and else the later in the file."""
        older, newer = sorted((one, other), key=lambda told: (told.sequence, told.line))
        self.skipped.append(Trouble(older.line, older.title, NEWER))
        return newer

    def _guarded(self, line: int, title: str, work: Callable[[], Any]) -> Any:
        """What `work` gives; None when something in it cannot be read, which is noted."""
        try:
            return work()
        except Wrong as wrong:
            trouble = Trouble(wrong.line or line, title, wrong.sentence, wrong.values)
        except NotRead as wrong:
            trouble = Trouble(line, title, str(wrong))
        except OutOfSteps:
            trouble = Trouble(line, title, TOO_LONG_TO_FIND)
        except OverflowError:
            trouble = Trouble(line, title, TOO_FAR)
        self.troubles.append(trouble)
        return None

    # -- what a component says

    def _told(self, component: Component) -> Told:
        told = self._properties(component)
        start_at = told.get("DTSTART")
        if not start_at:
            raise Wrong(NO_START)
        start = self._when(start_at[0])
        length = self._length(start, told)
        if (start.wall + length.at_most).year > LAST_YEAR:
            raise Wrong(TOO_FAR)
        replaced = told.get("RECURRENCE-ID")
        uid = told["UID"][0].text.strip() if "UID" in told else ""
        status = _word(told, "STATUS")
        is_private = _word(told, "CLASS") in ("PRIVATE", "CONFIDENTIAL")
        event = Told(
            uid=_short(uid) or f"line {component.line}",
            line=component.line,
            title=("" if is_private else _title(component)) or self.untitled,
            start=start,
            length=length,
            instead_of=self._when(replaced[0]) if replaced else None,
            and_following=bool(replaced and replaced[0].params.get("RANGE")),
            sequence=int(found) if (found := _word(told, "SEQUENCE")[:9]).isdecimal() else 0,
            is_cancelled=status == "CANCELLED",
            is_free=_word(told, "TRANSP") == "TRANSPARENT",
            is_tentative=status == "TENTATIVE",
        )
        if event.is_cancelled:
            return event
        if "EXRULE" in told:
            raise Wrong(EXCEPTIONS_BY_RULE, told["EXRULE"][0].line)
        for each in told.get("RRULE", ()):
            event.rules.append(self._rule(each, start))
        for each in told.get("RDATE", ()):
            event.more += self._added(each, event)
        for each in told.get("EXDATE", ()):
            event.left_out += self._dates(each)
        return event

    def _properties(self, component: Component) -> dict[str, list[Property]]:
        """Those that are read here; the others may hold anything."""
        told: dict[str, list[Property]] = {}
        for line in component.lines:
            if line.name in READ:
                if line.name in ONCE and line.name in told:
                    raise Wrong(TWICE, line.number)
                told.setdefault(line.name, []).append(_apart(line))
        return told

    def _when(self, told: Property) -> When:
        return self._read_when(told, told.raw)

    def _read_when(self, told: Property, text: str) -> When:
        text = text.strip()
        stamp = STAMP.fullmatch(text)
        digits = stamp[1] + stamp[2] if stamp else text
        if not stamp and not DATE.fullmatch(text):
            raise Wrong(NOT_WRITTEN_SO, told.line, what=text[:40])
        try:
            wall = datetime.strptime(digits, "%Y%m%d%H%M%S" if stamp else "%Y%m%d")  # noqa: DTZ007
        except ValueError:
            raise Wrong(NO_SUCH_DAY, told.line, what=text[:40]) from None
        if not FIRST_YEAR <= wall.year <= LAST_YEAR:
            raise Wrong(TOO_FAR, told.line)
        if not stamp:
            return When(wall, None)
        if stamp[3]:
            return When(wall, in_zone(UTC))
        name = told.params.get("TZID", "")
        if not name:
            return When(wall, self.here)
        zone = self.zones.get(name)
        if zone is None:
            raise Wrong(UNKNOWN_ZONE, told.line, zone=clean(name)[:60])
        return When(wall, zone)

    def _length(self, start: When, told: dict[str, list[Property]]) -> Length:
        if "DTEND" in told:
            return self._until(start, self._when(told["DTEND"][0]), told["DTEND"][0].line)
        if "DURATION" in told:
            return _lasting(start, told["DURATION"][0])
        if start.is_day:
            return Length(1, timedelta(0))  # §3.6.1
        raise Wrong(NO_END)

    def _until(self, start: When, end: When, line: int) -> Length:
        """The exact time between the two (§3.8.5.3). A day that ends on itself, as some programs
        write it, is that day.
        """
        if start.is_day is not end.is_day:
            raise Wrong(MIXED, line)
        if start.is_day:
            if end.day < start.day:
                raise Wrong(ENDS_FIRST, line)
            return Length(max(1, (end.day - start.day).days), timedelta(0))
        length = end.instant() - start.instant()
        if length <= timedelta(0):
            raise Wrong(ENDS_FIRST if length else NO_TIME, line)
        return Length(0, length)

    def _rule(self, told: Property, start: When) -> Rule:
        rule = recurrence.parsed(told.raw)
        at = {
            "BYHOUR": start.wall.hour,
            "BYMINUTE": start.wall.minute,
            "BYSECOND": start.wall.second,
        }
        if any(start.is_day or at[name] != value for name, value in rule.time):
            raise Wrong(recurrence.SEVERAL_HOURS, told.line)
        if rule.until and not (STAMP.fullmatch(rule.until) or DATE.fullmatch(rule.until)):
            raise Wrong(recurrence.DAMAGED, told.line)
        return rule

    def _dates(self, told: Property) -> list[When]:
        try:
            return [self._read_when(told, word) for word in told.raw.split(",")]
        except Wrong as wrong:
            if wrong.sentence == UNKNOWN_ZONE:
                raise
            raise Wrong(NO_DATES, told.line) from None

    def _added(self, told: Property, event: Told) -> Iterator[tuple[When, Length]]:
        """Dates, or periods: a start, and an end or a length."""
        if told.params.get("VALUE", "").upper() != "PERIOD":
            dates = self._dates(told)
            if any(when.is_day is not event.start.is_day for when in dates):
                raise Wrong(MIXED_DATES, told.line)
            yield from ((when, event.length) for when in dates)
            return
        for word in told.raw.split(","):
            begins, slash, ends = word.partition("/")
            [start] = self._dates(told._replace(raw=begins))
            if not slash or start.is_day:
                raise Wrong(NO_DATES, told.line)
            if ends.lstrip("+-").startswith("P"):
                yield start, _lasting(start, told._replace(raw=ends))
            else:
                [end] = self._dates(told._replace(raw=ends))
                yield start, self._until(start, end, told.line)

    # -- when it is

    def _of(self, master: Told | None, changes: list[Told]) -> Iterator[Event]:
        """The event that a UID names, with what is changed of single dates."""
        changes = self._latest(changes)
        title = (master or changes[0]).title
        line = (master or changes[0]).line
        self.steps.next_event()
        event = self._guarded(line, title, lambda: self._event(master, changes))
        if event is None:
            return
        if event.days or event.hours:
            yield event
        elif not (master and master.is_cancelled):
            self.past += 1

    def _latest(self, changes: list[Told]) -> list[Told]:
        found: dict[Any, Told] = {}
        for change in changes:
            assert change.instead_of
            key = _key(change.instead_of)
            found[key] = self._newer(found[key], change) if key in found else change
        return list(found.values())

    def _event(self, master: Told | None, changes: list[Told]) -> Event:
        times: list[tuple[When, Length]] = []
        if master and master.is_cancelled:
            self.skipped.append(Trouble(master.line, master.title, CANCELLED))
        elif master:
            times = self._times(master, changes)
        for change in changes:
            if change.and_following:
                self.troubles.append(Trouble(change.line, change.title, FOLLOWING))
            elif change.is_cancelled:
                self.skipped.append(Trouble(change.line, change.title, CANCELLED))
            elif not (master and master.is_cancelled) and self._is_ahead(
                change.start, change.length
            ):
                times.append((change.start, change.length))
        days, hours = self._apart(times)
        self.ahead += bool(days or hours)
        if self.ahead > MAX_EVENTS:
            raise TooLarge(TOO_MANY_EVENTS)
        self.made += len(days) + len(hours)
        if self.made > MAX_TIMES:
            self.made -= len(days) + len(hours)
            raise Wrong(TOO_MANY_DATES)
        told = master or changes[0]
        return Event(
            uid=told.uid,
            line=told.line,
            title=told.title,
            days=tuple(days),
            hours=tuple(hours),
            is_free=told.is_free,
            is_tentative=told.is_tentative,
        )

    def _times(self, master: Told, changes: list[Told]) -> list[tuple[When, Length]]:
        """Its dates within the horizon, but those left out or changed."""
        gone = [*master.left_out, *(c.instead_of for c in changes if c.instead_of)]
        days = {when.day for when in gone if when.is_day or master.start.is_day}
        instants = {when.instant() for when in gone if not when.is_day and not master.start.is_day}
        cuts = [c.instead_of for c in changes if c.and_following and c.instead_of]
        first_cut = min(cuts, key=lambda cut: cut.wall, default=None)

        def is_gone(when: When) -> bool:
            if when.day in days or (not when.is_day and when.instant() in instants):
                return True
            return first_cut is not None and _is_from(when, first_cut)

        found: dict[Any, tuple[When, Length]] = {}
        for when, length in self._all_times(master):
            self.steps.take()
            if self._is_ahead(when, length) and not is_gone(when):
                found.setdefault(_key(when), (when, length))
                if len(found) > MAX_TIMES:
                    raise Wrong(TOO_MANY_DATES)
        return list(found.values())

    def _all_times(self, master: Told) -> Iterator[tuple[When, Length]]:
        start, length = master.start, master.length
        yield start, length
        yield from master.more
        since = max(start.day, self.today - min(length.at_most, timedelta(days=40_000)) - 2 * A_DAY)
        for rule in master.rules:
            days = recurrence.days(
                rule,
                start.day,
                since,
                self.last + A_DAY,
                is_over=partial(_is_day_over, rule.until, start),
                steps=self.steps,
            )
            yield from ((start.at(day), length) for day in days)

    def _is_ahead(self, when: When, length: Length) -> bool:
        """Whether some of it is still to come, within the horizon."""
        if when.is_day:
            last = when.day + timedelta(days=length.days - 1)
            return last >= self.today and when.day <= self.last
        return when.after(length) > self.now and when.instant() < clock.midnight(
            self.zone, self.last + A_DAY
        )

    def _apart(self, times: list[tuple[When, Length]]) -> tuple[list[Days], list[Slot]]:
        """Days and hours; from midnight to midnight on the place's clock is whole days too."""
        days: list[Days] = []
        hours: list[Slot] = []
        for when, length in times:
            if when.is_day:
                days.append(Days(when.day, when.day + timedelta(days=length.days - 1)))
                continue
            start, end = when.instant(), when.after(length)
            first, last = (each.astimezone(self.zone) for each in (start, end))
            if first.time() == last.time() == time.min:
                days.append(Days(first.date(), last.date() - A_DAY))
            elif start < end:
                hours.append(Slot(start, end))
        return joined(days), merged(hours)


READ = frozenset(
    "UID DTSTART DTEND DURATION RRULE RDATE EXDATE EXRULE RECURRENCE-ID STATUS TRANSP SEQUENCE"
    " CLASS".split()
)
ONCE = frozenset("DTSTART DTEND DURATION RECURRENCE-ID".split())


def _apart(line: Line) -> Property:
    try:
        return lines.taken_apart(line)
    except ValueError as error:
        raise Wrong(str(error), line.number) from None


def _word(told: dict[str, list[Property]], name: str) -> str:
    return told[name][0].text.strip().upper() if name in told else ""


def _short(uid: str) -> str:
    """As it is, or what stands for one that is longer than anybody writes."""
    return uid if len(uid) <= 200 else sha256(uid.encode("utf-8", "replace")).hexdigest()


def _title(component: Component) -> str:
    return next((lines.title(each) for each in component.lines if each.name == "SUMMARY"), "")


def _lasting(start: When, told: Property) -> Length:
    """Of a day whole days or weeks alone (§3.6.1)."""
    found = LENGTH.fullmatch(told.raw.strip().upper())
    if not found or found[1] == "-" or not any(found.groups()[1:]):
        raise Wrong(NO_LENGTH, told.line)
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    rest = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    length = Length(7 * weeks + days, rest)
    if start.is_day and rest:
        raise Wrong(MIXED, told.line)
    if not (length.days or rest):
        raise Wrong(NO_TIME, told.line)
    return length


def _key(when: When) -> Any:
    return when.day if when.is_day else when.instant()


def _is_from(when: When, cut: When) -> bool:
    if when.is_day or cut.is_day:
        return when.day >= cut.day
    return when.instant() >= cut.instant()


def _is_over(until: str, when: When) -> bool:
    """Whether it is after UNTIL, which is a day included, UTC, or a time on its own wall."""
    stamp = STAMP.fullmatch(until)
    if not stamp:
        return bool(until) and f"{when.day:%Y%m%d}" > until
    if not stamp[3] or when.is_day:
        return f"{when.wall:%Y%m%d%H%M%S}" > stamp[1] + ("235959" if when.is_day else stamp[2])
    return f"{when.instant():%Y%m%d%H%M%S}" > stamp[1] + stamp[2]


def _is_day_over(until: str, start: When, day: date) -> bool:
    return _is_over(until, start.at(day))


def joined(days: Iterable[Days]) -> list[Days]:
    """The same days in order, those that follow one another in one."""
    found: list[Days] = []
    for each in sorted(days):
        if found and each.first <= found[-1].last + A_DAY:
            found[-1] = Days(found[-1].first, max(found[-1].last, each.last))
        else:
            found.append(each)
    return found
