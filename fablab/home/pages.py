"""The planning of a day as plain values: a row for each machine, and what is around the grid."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

from flask_babel import gettext as _

from fablab import texts
from fablab.clock import to_wall
from fablab.forms import FIRST_YEAR, LAST_YEAR
from fablab.home import recent
from fablab.home.cells import WITHDRAWN, Cell, DayOfCells
from fablab.home.live import version_shown
from fablab.home.phrases import HOURS, LENGTHS
from fablab.home.planning import (
    DAYTIME,
    MINUTE,
    WHOLE_DAY,
    Kind,
    Segment,
    State,
    Terms,
    fill_columns,
    left_in,
    name_of_week,
    starts_offered,
)
from fablab.machines.inventory import CategoryFacts, MachineFacts
from fablab.slots import Slot

SHORTLY = 30  # minutes: a machine freed so soon is "soon" free
SLOTS_ON_A_CARD = 3
LINKS_ON_A_PHONE = 6
SEARCHED = 10  # days looked through for the open day before or after
NOBODYS = (Kind.CLOSED, Kind.PAST, Kind.SHORT, Kind.IN_USE)  # nobody asked for these hours
ASIDE = (Kind.FREE, Kind.OPEN, Kind.SHORT)  # what a strip leaves blank


class Part(NamedTuple):
    """A coloured part of a strip."""

    kind: str
    start: int
    end: int
    text: str = ""


class SlotLink(NamedTuple):
    hour: str
    length: str
    url: str


@dataclass(slots=True)
class Row:
    """One machine: its lane in the grid and its card in the list."""

    machine: MachineFacts
    url: str
    cells: list[Cell]
    parts: list[Part]
    slots: list[SlotLink]
    lamp: str
    state: str
    detail: str
    is_yours: bool
    barred: str = ""  # why the reader can book nothing of it that day
    reserved: str = ""  # when it is kept for its owner, in words
    drawings: recent.Drawings = field(default_factory=recent.Drawings, repr=False)


class Group(NamedTuple):
    category: CategoryFacts
    rows: list[Row]


@dataclass
class Day(DayOfCells):
    """The planning of one day of a place, for one reader: its rows, and what is around them."""

    @cached_property
    def groups(self) -> list[Group]:
        return [
            Group(machines[0].category, [self.row(machine) for machine in machines])
            for machines in (
                list(found) for _, found in groupby(self.machines, lambda m: m.category.id)
            )
        ]

    def row(self, machine: MachineFacts) -> Row:
        """Shared by all who see the same of it in the same minute."""
        rows = self.rows_of.get(machine.id, ())
        reader = self.viewer.id if any(r.member_id == self.viewer.id for r in rows) else None
        shared = self.full_of(machine) if machine.resources else ()
        barred = self.barred.get(machine.id, "")
        key = (machine.id, reader, self._look, tuple(map(tuple, rows)), shared, barred)
        return recent.kept(self.inventory, key, lambda: self._row(machine))

    @cached_property
    def drawings(self) -> recent.Drawings:
        """What is drawn around the rows, for all who see the same hours in the same minute."""
        return recent.kept(self.inventory, ("frame", self._look), recent.Drawings)

    @cached_property
    def around(self) -> recent.Drawings:
        """What is drawn above the rows, which depends on the filters too."""
        key = ("around", self._look, self.asked, self.free_now, self.usable)
        return recent.kept(self.inventory, key, recent.Drawings)

    @cached_property
    def _look(self) -> tuple[Any, ...]:
        """All that a row's drawing depends on, but for the machine and what stands on it."""
        return (
            self.day,
            self.now.replace(second=0),
            self.hours,
            self.viewer._replace(id=None),
            self.asked.place,
            id(self.words),  # one for each language, made once
        )

    def _row(self, machine: MachineFacts) -> Row:
        parts, terms = self.segments_of(machine)
        fill_columns(parts)
        cells = self.cells(machine, parts, terms)
        whole = self.whole_day_of(machine, parts)
        lamp, state, detail, is_yours = self.state_of(machine, whole)
        return Row(
            machine=machine,
            url=self.machine_url(machine),
            cells=cells,
            parts=strip_parts(parts, is_barred=machine.id in self.barred),
            slots=self.slots_of(machine, whole, terms),
            lamp=lamp,
            state=state,
            detail=detail,
            is_yours=is_yours,
            barred=self.barred.get(machine.id, ""),
            reserved=self.reserved_in_words(machine, whole),
        )

    def slots_of(
        self, machine: MachineFacts, whole: Iterable[Segment], terms: Terms
    ) -> list[SlotLink]:
        """The first slots of a card, of the whole day."""
        if machine.policy_for(self.viewer.audience).whole_days:
            days = [part for part in whole if part.kind is Kind.FREE][:1]
            return [SlotLink(self.words.whole_day, "", self.day_url_of(machine)) for _part in days]
        free = [(part.start, part.end) for part in whole if part.kind is Kind.FREE]
        return [
            SlotLink(HOURS[start], LENGTHS[end - start], self.form_url(machine, start, end, terms))
            for start, end in starts_offered(free, self.daytime, terms)[:SLOTS_ON_A_CARD]
        ]

    def state_of(
        self, machine: MachineFacts, parts: Sequence[Segment]
    ) -> tuple[str, str, str, bool]:
        """Lamp, words, more words and whether it is the reader's: now, or that day as a whole."""
        if self.is_today or not machine.is_in_service:
            state = self.states[machine.id]
            lamp, title, detail = self.state_words(state, machine)
            return lamp, title, detail, state.kind is Kind.OWN
        left = left_in(parts)
        if left:
            return "free", self.words.left_free % {"length": LENGTHS[left]}, "", False
        kind, title = self.nothing_left(machine, parts)
        why = {"closed": self.day_off, "stopped": self._why_stopped(machine, parts)}
        return "stopped", title, why.get(kind, ""), False

    def nothing_left(self, machine: MachineFacts, whole: Iterable[Segment]) -> tuple[str, str]:
        """Why nothing of its day is free: a kind of the week's cells, and words."""
        words = self.words
        if self.is_over:
            return "past", words.is_over
        if not self.open_in(machine.policy_for(self.viewer.audience).modes):
            return "closed", words.closed
        if not machine.is_in_service:
            return "stopped", words.stopped
        kinds = {part.kind for part in whole if part.kind not in NOBODYS}
        if kinds == {Kind.OUTAGE}:
            return "stopped", words.outage
        if kinds == {Kind.HIRE}:
            return "stopped", words.hire
        if kinds == {Kind.RESERVED}:
            return "reserved", words.reserved
        return "nothing", words.left_none

    def _why_stopped(self, machine: MachineFacts, parts: Iterable[Segment]) -> str:
        if not machine.is_in_service:
            return machine.state_reason
        return next((part.row.title for part in parts if part.kind in WITHDRAWN), "")

    def reserved_in_words(self, machine: MachineFacts, parts: Iterable[Segment]) -> str:
        """`Reserved for the owner, Studio Fil: 10:00–12:00`; empty when no hour is."""
        kept = [p for p in parts if p.kind is Kind.RESERVED]
        if not kept:
            return ""
        agreement = machine.agreement_on(self.day)
        return self.words.reserved_hours % {
            "owner": agreement.owner if agreement else "",
            "hours": ", ".join(f"{HOURS[p.start]}–{HOURS[p.end]}" for p in kept),
        }

    def state_words(self, state: State, machine: MachineFacts) -> tuple[str, str, str]:
        """A lamp and what it means."""
        words, kind = self.words, state.kind
        if kind is Kind.STOPPED:
            return "stopped", words.state_stopped, machine.state_reason
        if kind is Kind.FREE:
            return "free", words.state_free, words.state_free_until % self.hour_of(state.until)
        if kind is Kind.IN_USE:
            return "busy", words.state_in_use % self.hour_of(state.until), ""
        if kind is Kind.RESERVED:
            return "busy", words.state_reserved % self.hour_of(state.until), ""
        if kind is Kind.CLOSED:
            opens = state.until is not None
            return (
                "stopped",
                words.state_closed,
                words.state_opens % self.hour_of(state.until) if opens else self.day_off,
            )
        return self._taken_words(state)

    def _taken_words(self, state: State) -> tuple[str, str, str]:
        words, until = self.words, self.hour_of(state.until)
        if state.kind is Kind.OUTAGE:
            return "stopped", words.state_outage % until, state.row.title
        if state.kind is Kind.HIRE:
            return "busy", words.state_hire % until, state.row.title
        if state.kind is Kind.TRAINING:
            return "busy", words.state_session % until, state.row.title
        is_soon = state.until is not None and state.until - self.minute <= SHORTLY
        # Who leaves ends it with this minute: it is theirs no more.
        is_yours = state.kind is Kind.OWN and state.until != self.minute + 1
        title = words.state_yours if is_yours else words.state_busy
        detail = ""
        if state.is_free_then:
            detail = words.then_free_until % self.hour_of(state.then_until)
        return ("soon" if is_soon and state.is_free_then else "busy"), title % until, detail

    @cached_property
    def my_day(self) -> list[dict[str, str]]:
        """One's own bookings that day, soonest first; today without those that are over."""
        own = [
            t.row
            for taken in self.taken.values()
            for t in taken
            if t.kind is Kind.OWN and t.end > 0 and t.start < WHOLE_DAY
        ]
        return [
            self._my_line(row, self.inventory.by_id[row.machine_id])
            for row in sorted(own, key=lambda row: row.starts_at)
            if row.machine_id in self.inventory.by_id
            and not (self.is_today and row.ends_at < self.now + MINUTE)  # like who leaves now
        ]

    def _my_line(self, row: Any, machine: MachineFacts) -> dict[str, str]:
        return {
            "code": machine.code,
            "hue": machine.category.hue,
            "url": f"{self.addresses.bookings}{row.uid}",
            "text": self._my_words(row),
        }

    def _my_words(self, row: Any) -> str:
        hours = texts.hours(Slot(row.starts_at, row.ends_at), self.zone)
        if not self.is_today:
            return hours
        if row.starts_at <= self.now:
            ends = to_wall(self.zone, row.ends_at)
            return _("Under way, until %(hour)s", hour=texts.hour(ends))
        minutes = (row.starts_at - self.now) // MINUTE * MINUTE
        return _("%(hours)s, in %(length)s", hours=hours, length=texts.length(minutes))

    @property
    def may(self) -> str:
        """As an address says that only what the reader may book is asked for."""
        return "use" if self.asked.may_use and self.usable is not None else ""

    def day_url(self, day: date, **changed: str) -> str:
        query = self.asked.query(**{"may": self.may} | changed)
        return f"{self.addresses.planning}{day.isoformat()}{query}"

    @cached_property
    def version(self) -> str:
        """Of what is shown; `version_url` answers 304 to it for as long as that is true."""
        return version_shown(self.inventory, self.day, self.day, self.now, self.rows_of.values())

    @property
    def version_url(self) -> str:
        query = self.asked.query(category="")
        return f"{self.addresses.planning}{self.day.isoformat()}/version{query}"

    @property
    def week_url(self) -> str:
        query = self.asked.query(may=self.may)
        return f"{self.addresses.planning}week/{name_of_week(self.day)}{query}"

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        """The open day before, today, the open day after."""
        before, after = self.neighbour(-1), self.neighbour(1)
        steps: list[dict[str, Any]] = [
            {"text": _("Today"), "url": self.day_url(self.today), "is_current": self.is_today}
        ]
        if before:
            steps.insert(0, self._step(before, _("The day before:"), icon="chevron-left"))
        if after:
            steps.append(self._step(after, _("The day after:"), icon_after="chevron-right"))
        return steps

    def _step(self, day: date, said: str, **drawn: str) -> dict[str, Any]:
        is_tomorrow = day == self.today + timedelta(days=1)
        text = _("Tomorrow") if is_tomorrow else texts.day(day, texts.SHORT_DAY)
        return {"text": text, "url": self.day_url(day), "hidden": said, **drawn}

    def neighbour(self, way: int) -> date | None:
        """The nearest open day before (-1) or after (1), or just the next one."""
        schedule = self.inventory.schedule
        days = [self.day + timedelta(days=way * n) for n in range(1, SEARCHED + 1)]
        days = [day for day in days if FIRST_YEAR <= day.year <= LAST_YEAR]
        is_open = (d for d in days if any(m in DAYTIME for _, m in schedule.openings_on(d)))
        return next(is_open, days[0] if days else None)

    @cached_property
    def phone_days(self) -> list[dict[str, Any]]:
        """The day before and the next ones, as tiles."""
        days = (self.day + timedelta(days=n) for n in range(-1, LINKS_ON_A_PHONE - 1))
        return [self._tile(day) for day in days if FIRST_YEAR <= day.year <= LAST_YEAR]

    def _tile(self, day: date) -> dict[str, Any]:
        openings = self.inventory.schedule.openings_on(day)
        is_closed = not any(mode in DAYTIME for _, mode in openings)
        return {
            "weekday": texts.day(day, "EEE"),
            "number": day.day,
            "url": self.day_url(day),
            "is_current": day == self.day,
            "is_closed": is_closed,
            "said": _("closed") if is_closed else "",
        }

    @cached_property
    def title(self) -> str:
        form = texts.DAY if self.day.year == self.today.year else texts.DAY_AND_YEAR
        return texts.capital(texts.day(self.day, form))

    @cached_property
    def clock(self) -> str:
        return texts.hour(to_wall(self.zone, self.now))

    @cached_property
    def now_shown(self) -> int | None:
        """Where the line of now stands; None when it is not on this planning."""
        first, last = self.hours
        return self.minute if self.is_today and first <= self.minute <= last else None

    @cached_property
    def step(self) -> int:
        """The step of the mouse: the finest of the machines shown."""
        steps = (m.policy_for(self.viewer.audience).step // MINUTE for m in self.machines)
        return min(steps, default=15)


STRIP_KINDS = {Kind.STOPPED: "outage", Kind.IN_USE: "booked"}


def strip_parts(parts: Iterable[Segment], *, is_barred: bool = False) -> list[Part]:
    """The day as a strip shows it: what is free stays blank, neighbours alike are one.

    What is free, but not for a reader who is barred from the machine, is drawn as such.
    """
    drawn: list[Part] = []
    for part in parts:
        if part.kind in ASIDE and not is_barred:
            continue
        kind = STRIP_KINDS.get(part.kind, part.kind.value)
        if part.kind in ASIDE:
            kind = "barred"
        if drawn and drawn[-1].kind == kind and drawn[-1].end == part.start:
            drawn[-1] = drawn[-1]._replace(end=part.end)
        else:
            drawn.append(Part(kind, part.start, part.end))
    return drawn
