"""The planning of a week as plain values: machines by days, each a strip and what is left free."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

from flask_babel import gettext as _

from fablab import texts
from fablab.clock import midnight, today
from fablab.forms import FIRST_YEAR, LAST_YEAR
from fablab.home import recent
from fablab.home.day import Addresses, Asked, Viewer
from fablab.home.live import version_shown
from fablab.home.pages import Day, Part, strip_parts
from fablab.home.phrases import HOURS, LENGTHS, Phrases, phrases
from fablab.home.planning import (
    DAYTIME,
    USUAL_HOURS,
    WHOLE_DAY,
    Kind,
    Range,
    Scale,
    left_in,
    monday_of,
    name_of_week,
    round_up,
)
from fablab.machines.inventory import CategoryFacts, Inventory, MachineFacts

DAYS = 7


class OwnBooking(NamedTuple):
    hours: str
    url: str
    is_waiting: bool


@dataclass(slots=True)
class Cell:
    """One machine on one day."""

    kind: str  # free, barred, reserved, nothing, closed, stopped, past
    url: str  # the planning of that day
    text: str
    said: str  # read aloud after the text
    parts: list[Part]
    own: list[OwnBooking]
    now: int | None


@dataclass(slots=True)
class Row:
    machine: MachineFacts
    url: str
    cells: list[Cell]
    drawings: recent.Drawings = field(default_factory=recent.Drawings, repr=False)


class Group(NamedTuple):
    category: CategoryFacts
    rows: list[Row]


class Head(NamedTuple):
    """A day as the head of its column."""

    day: date
    weekday: str
    url: str
    is_today: bool
    why_closed: str  # empty when it is not


@dataclass
class Week:
    """The planning of one week of a place, for one reader."""

    inventory: Inventory
    monday: date
    now: datetime
    viewer: Viewer
    rows_of: Mapping[int, Sequence[Any]]  # what stands on each machine in `span_shown`
    addresses: Addresses
    asked: Asked = Asked()
    barred: Sequence[Mapping[int, str]] = ()  # of each day: why, by the machines' ids
    usable: frozenset[int] | None = None
    words: Phrases = field(default_factory=phrases)

    def __post_init__(self) -> None:
        self.zone = self.inventory.schedule.zone
        self.today = today(self.zone, self.now)
        self.dates = [self.monday + timedelta(days=n) for n in range(DAYS)]

    @cached_property
    def days(self) -> list[Day]:
        """Each day as its own planning sees it; made only when a row has to be drawn anew."""
        starts = [midnight(self.zone, day) for day in self.dates]
        rows: list[dict[int, list[Any]]] = [{} for _day in self.dates]
        for machine_id, standing in self.rows_of.items():
            for row in standing:
                for n in self._days_of(row, starts):
                    rows[n].setdefault(machine_id, []).append(row)
        return [self._day(day, own) for day, own in zip(self.dates, rows, strict=True)]

    def _days_of(self, row: Any, starts: Sequence[datetime]) -> range:
        """The days that `row` has a part in, or comes near enough to for its margins to count."""
        margin = self.inventory.margin
        first = bisect_right(starts, row.occupied_from - margin) - 1
        last = bisect_right(starts, row.occupied_until + margin) - 1
        return range(max(first, 0), last + 1)

    def _day(self, day: date, rows_of: Mapping[int, Sequence[Any]]) -> Day:
        return Day(
            inventory=self.inventory,
            day=day,
            now=self.now,
            viewer=self.viewer,
            rows_of=rows_of,
            addresses=self.addresses,
            asked=self.asked,
            usable=self.usable,
            words=self.words,
        )

    # -- the machines

    @cached_property
    def hours(self) -> Range:
        """The same for all strips: those in which the place is open in that week."""
        spans = [
            Scale.of(self.zone, day).range(span)
            for day in self.dates
            for span, mode in self.inventory.schedule.openings_on(day)
            if mode in DAYTIME
        ]
        first = min((start for start, _end in spans), default=USUAL_HOURS[0])
        last = max((end for _start, end in spans), default=USUAL_HOURS[1])
        return max(first // 60 * 60, 0), min(round_up(last, 60), WHOLE_DAY)

    @cached_property
    def category(self) -> CategoryFacts | None:
        slugs = {category.slug: category for category in self.inventory.categories}
        return slugs.get(self.asked.category)

    @property
    def may(self) -> str:
        return "use" if self.asked.may_use and self.usable is not None else ""

    @cached_property
    def machines(self) -> list[MachineFacts]:
        only, usable = self.category, self.usable if self.may else None
        return [
            machine
            for machine in self.inventory.machines
            if (only is None or machine.category.id == only.id)
            and (usable is None or machine.id in usable)
        ]

    @cached_property
    def has_owners(self) -> bool:
        """As of a day: whether hours may be kept for a machine's owner."""
        return any(machine.agreements for machine in self.inventory.machines)

    @cached_property
    def groups(self) -> list[Group]:
        found = groupby(map(self.row, self.machines), lambda row: row.machine.category.id)
        lists = (list(rows) for _category, rows in found)
        return [Group(rows[0].machine.category, rows) for rows in lists]

    def row(self, machine: MachineFacts) -> Row:
        """Shared by all who see the same of it in the same minute."""
        rows = self.rows_of.get(machine.id, ())
        reader = self.viewer.id if any(r.member_id == self.viewer.id for r in rows) else None
        stands = tuple(tuple(map(tuple, rows)) for rows in self._that_count(machine))
        barred = tuple(self._barred(machine))
        key = ("week", machine.id, reader, self._look, stands, barred)
        return recent.kept(self.inventory, key, lambda: self._row(machine))

    def _that_count(self, machine: MachineFacts) -> Iterator[Sequence[Any]]:
        """What stands on the machine, and on those with which it shares something."""
        shared = set(machine.resources)
        yield self.rows_of.get(machine.id, ())
        for other in self.inventory.machines if shared else ():
            if other.id != machine.id and not shared.isdisjoint(other.resources):
                yield self.rows_of.get(other.id, ())

    def _barred(self, machine: MachineFacts) -> Iterator[str]:
        return (barred.get(machine.id, "") for barred in self.barred)

    @cached_property
    def _look(self) -> tuple[Any, ...]:
        """All that a row's drawing depends on, but for the machine and what stands on it."""
        viewer = self.viewer._replace(id=None)
        minute = self.now.replace(second=0, microsecond=0)
        return self.monday, minute, self.hours, viewer, self.asked, id(self.words)

    @cached_property
    def drawings(self) -> recent.Drawings:
        return recent.kept(self.inventory, ("week's frame", self._look), recent.Drawings)

    @cached_property
    def around(self) -> recent.Drawings:
        """What is drawn above the rows, which depends on the reader's filters."""
        key = ("around the week", self._look, self.usable)
        return recent.kept(self.inventory, key, recent.Drawings)

    def _row(self, machine: MachineFacts) -> Row:
        cells = [
            self._cell(machine, day, why)
            for day, why in zip(self.days, (*self._barred(machine), *[""] * DAYS), strict=False)
        ]
        return Row(machine, self.days[0].machine_url(machine), cells)

    def _cell(self, machine: MachineFacts, day: Day, barred: str) -> Cell:
        drawn, _terms = day.segments_of(machine, self.hours)
        whole = day.whole_day_of(machine, drawn)
        left = left_in(whole)
        parts = strip_parts(drawn, is_barred=bool(barred))
        kind, text = self._left(left, barred) if left and not day.is_over else ("", "")
        if not kind:
            kind, text = day.nothing_left(machine, whole)
        title = texts.day(day.day)
        said = _("%(machine)s, %(day)s", machine=machine.name, day=title)
        if kind == "barred":
            said = _("not for you: %(why)s", why=barred) + f" {said}"
        if reserved := day.reserved_in_words(machine, whole):
            said = f"{said}. {reserved}"
        now = day.minute if day.is_today else None
        shown = now if now is not None and self.hours[0] <= now <= self.hours[1] else None
        return Cell(kind, day.day_url(day.day), text, said, parts, self._own(machine, day), shown)

    def _left(self, left: int, barred: str) -> tuple[str, str]:
        """What the cell says of what is left free."""
        text = self.words.left_briefly % {"length": LENGTHS[left]}
        return "barred" if barred else "free", text

    def _own(self, machine: MachineFacts, day: Day) -> list[OwnBooking]:
        """The reader's bookings of that day, soonest first."""
        own = (taken for taken in day.taken.get(machine.id, ()) if taken.kind is Kind.OWN)
        return [
            OwnBooking(
                f"{HOURS[max(taken.start, 0)]}–{HOURS[min(taken.end, WHOLE_DAY)]}",
                f"{self.addresses.bookings}{taken.row.uid}",
                taken.row.status == "pending",
            )
            for taken in own
            if taken.end > 0 and taken.start < WHOLE_DAY
        ]

    # -- around the grid

    @cached_property
    def heads(self) -> list[Head]:
        schedule = self.inventory.schedule
        return [
            Head(
                day,
                texts.capital(texts.day(day, texts.SHORT_DAY)),
                f"{self.addresses.planning}{day.isoformat()}{self.query()}",
                day == self.today,
                ""
                if any(mode in DAYTIME for _span, mode in schedule.openings_on(day))
                else schedule.day_off(day) or self.words.closed,
            )
            for day in self.dates
        ]

    def query(self, **changed: str) -> str:
        return self.asked.query(**{"may": self.may} | changed)

    def url(self, monday: date, **changed: str) -> str:
        return f"{self.addresses.planning}week/{name_of_week(monday)}{self.query(**changed)}"

    @property
    def day_url(self) -> str:
        """From the week to a day of it: today, else its Monday."""
        day = self.today if self.is_current else self.monday
        return f"{self.addresses.planning}{day.isoformat()}{self.query()}"

    @property
    def version(self) -> str:
        """Of what is shown; `version_url` answers 304 to it for as long as that is true."""
        first, last = self.dates[0], self.dates[-1]
        return version_shown(self.inventory, first, last, self.now, self.rows_of.values())

    @property
    def version_url(self) -> str:
        query = self.asked.query(category="", may="")
        return f"{self.addresses.planning}week/{name_of_week(self.monday)}/version{query}"

    @property
    def is_current(self) -> bool:
        return self.monday == monday_of(self.today)

    @cached_property
    def title(self) -> str:
        """`Week 13, from 29 March to 4 April 2027`."""
        sunday = self.dates[-1]
        first = "d MMMM" if self.monday.year == sunday.year else "d MMMM y"
        if (self.monday.year, self.monday.month) == (sunday.year, sunday.month):
            first = "d"
        return _(
            "Week %(week)s, from %(first)s to %(last)s",
            week=self.monday.isocalendar().week,
            first=texts.day(self.monday, first),
            last=texts.day(sunday, "d MMMM y"),
        )

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        """The week before, this week, the week after."""
        before, after = (self.monday + timedelta(days=way * DAYS) for way in (-1, 1))
        this = monday_of(self.today)
        steps: list[dict[str, Any]] = [
            {"text": _("This week"), "url": self.url(this), "is_current": self.is_current}
        ]
        if before.year >= FIRST_YEAR:
            steps.insert(0, self._step(before, _("The week before:"), icon="chevron-left"))
        if after.year <= LAST_YEAR:
            steps.append(self._step(after, _("The week after:"), icon_after="chevron-right"))
        return steps

    def _step(self, monday: date, said: str, **drawn: str) -> dict[str, Any]:
        text = _("Week %(week)s", week=monday.isocalendar().week)
        return {
            "text": text,
            "url": self.url(monday),
            "hidden": said,
            "is_icon_on_phone": True,
            **drawn,
        }
