"""The planning of a day as plain values: what each cell, card and link shows to this reader.

A planning has hundreds of cells, so that all of it is made of loops over plain values, with
ready phrases and tables: no address is built and no sentence translated inside them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import chain, groupby
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask_babel import gettext as _

from fablab import texts
from fablab.booking.facts import audience_of
from fablab.booking.wait_rules import is_only_offered
from fablab.clock import to_wall, today, whole_day
from fablab.forms import FIRST_YEAR, LAST_YEAR
from fablab.home import recent, standing
from fablab.home.live import version_shown
from fablab.home.phrases import FIELDS, HOURS, LENGTHS, Phrases, phrases
from fablab.home.planning import (
    DAYTIME,
    MINUTE,
    WHOLE_DAY,
    Kind,
    Range,
    Scale,
    Segment,
    State,
    Terms,
    by_the_day,
    fill_columns,
    full_ranges,
    left_in,
    name_of_week,
    segments,
    starts_offered,
    state_at,
    terms_of,
    with_absent,
    without_full,
    without_reserved,
)
from fablab.home.standing import Standing
from fablab.machines.agreements import Used, kept_for_owner
from fablab.machines.inventory import CategoryFacts, Inventory, MachineFacts
from fablab.machines.kinds import OccupancyKind, Status
from fablab.members.kinds import Audience
from fablab.places.kinds import Mode, NamesShown
from fablab.slots import Slot, merged

SHORTLY = 30  # minutes: a machine freed so soon is "soon" free
SLOTS_ON_A_CARD = 3
LINKS_ON_A_PHONE = 6
SEARCHED = 10  # days looked through for the open day before or after
WITHDRAWN = (Kind.OUTAGE, Kind.HIRE)
NOBODYS = (Kind.CLOSED, Kind.PAST, Kind.SHORT, Kind.IN_USE)  # nobody asked for these hours
ASIDE = (Kind.FREE, Kind.OPEN, Kind.SHORT)  # what a strip leaves blank


class Viewer(NamedTuple):
    """Who reads the page, as far as the planning cares."""

    id: int | None
    audience: Audience | None
    is_team: bool
    sees_names: bool
    owns: frozenset[int] = frozenset()  # the organizations they are of, by id, that own machines


def viewer_of(person: Any, inventory: Inventory, owns: frozenset[int] = frozenset()) -> Viewer:
    place = inventory.place
    standing = person.standings.get(place.id)
    is_team = person.manages(place.id)
    shown = place.names_shown
    return Viewer(
        person.id,
        audience_of(standing),
        is_team,
        is_team
        or shown == NamesShown.EVERYONE
        or (shown == NamesShown.MEMBERS and standing is not None),
        owns,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of the planning beyond the day."""

    category: str = ""
    view: str = ""  # grid, list; neither leaves it to the width
    is_free_now: bool = False
    may_use: bool = False  # only what the reader may book
    place: str = ""  # when it is not the default one

    def query(self, **changed: str) -> str:
        """The query that asks the same but for `changed`; an empty value leaves it out."""
        kept = {"place": self.place, "category": self.category} | changed
        kept = {name: value for name, value in kept.items() if value}
        return f"?{urlencode(kept)}" if kept else ""


class Addresses(NamedTuple):
    """Where the links of the page lead: the parts that are the same for all."""

    planning: str  # ends in a slash, a day follows
    machines: str  # ends in a slash, a slug follows
    bookings: str  # ends in a slash, a UID follows
    new: str


@dataclass(slots=True)
class Cell:
    """One cell of the grid; see `templates/components/plan_cells.html`."""

    kind: str
    span: int
    said: str
    text: str = ""
    hours: str = ""
    brief: str = ""
    is_over: bool = False
    is_waiting: bool = False
    url: str = ""
    move_url: str = ""
    start: int = 0
    end: int = 0
    minimum: int = 0
    maximum: int = 0


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
class Day:
    """The planning of one day of a place, for one reader."""

    inventory: Inventory
    day: date
    now: datetime
    viewer: Viewer
    rows_of: Mapping[int, Sequence[Any]]  # the occupancies, by machine
    addresses: Addresses
    asked: Asked = Asked()
    barred: Mapping[int, str] = field(default_factory=dict)  # why, by the machines' ids
    in_use: Sequence[Slot] | None = None  # of one machine alone: when it waits for what it shares
    usable: frozenset[int] | None = None  # by the reader as of today; None when nobody asked
    words: Phrases = field(default_factory=phrases)
    keeps: bool = False  # for the next reader, what it makes of the rows

    def __post_init__(self) -> None:
        schedule = self.inventory.schedule
        self.zone = schedule.zone
        self.today = today(self.zone, self.now)
        self.is_today = self.day == self.today
        self.scale = Scale.of(self.zone, self.day)
        self.minute = self.scale.minute(self.now)
        self.openings = schedule.openings_on(self.day)
        made_of = self.scale, self.rows_of, self.viewer.id, self.openings
        if self.keeps:
            self.standing = standing.kept(self.inventory, *made_of)
        else:
            self.standing = Standing.of(*made_of)
        self.taken, self.absent = self.standing.taken, self.standing.absent
        self.hours: Range = self.standing.hours
        self._open_in: dict[frozenset[Mode], list[Range]] = {}
        self._reserved: dict[int, list[Range]] = {}
        self.link = f"&day={self.day.isoformat()}&start="

    # -- the place's day

    @cached_property
    def open_spans(self) -> list[Slot]:
        """When somebody may be there: the nights, which are for machines alone, left out."""
        return merged(span for span, mode in self.openings if mode in DAYTIME)

    @cached_property
    def daytime(self) -> list[Range]:
        return [self.scale.range(span) for span in self.open_spans]

    @cached_property
    def is_closed(self) -> bool:
        """Nothing to draw: not open that day, and nothing booked either."""
        return not self.open_spans and not any(self.taken.values())

    @cached_property
    def opening_line(self) -> str:
        if not self.open_spans:
            return self.closed_for or self.words.closed
        hours = texts.in_words(self.open_spans, self.zone)
        supervised = merged(span for span, mode in self.openings if mode is Mode.SUPERVISED)
        if supervised and supervised != self.open_spans:
            watched = texts.in_words(supervised, self.zone)
            return _("Open %(hours)s, with the team %(watched)s", hours=hours, watched=watched)
        return _("Open %(hours)s", hours=hours)

    @cached_property
    def day_off(self) -> str:
        """Why the whole day is off, if it is."""
        return self.inventory.schedule.day_off(self.day) or ""

    @cached_property
    def closed_for(self) -> str:
        return self.words.closed_for % {"why": self.day_off} if self.day_off else ""

    @cached_property
    def why_closed(self) -> str:
        why, day = self.day_off, texts.day(self.day)
        if why:
            return _("The place is closed on %(day)s: %(why)s.", day=day, why=why)
        return _("The place is closed on %(day)s.", day=day)

    @cached_property
    def next_open_day(self) -> date | None:
        return self.inventory.schedule.next_open_day(self.day, DAYTIME)

    def open_in(self, modes: frozenset[Mode]) -> list[Range]:
        """The ranges of the day open in one of `modes`."""
        if modes not in self._open_in:
            spans = self.inventory.schedule.open_time(self.day, self.day, modes)
            self._open_in[modes] = [self.scale.range(span) for span in spans]
        return self._open_in[modes]

    # -- the machines

    @cached_property
    def states(self) -> dict[int, State]:
        """How each machine stands now, by id; only of today."""
        at = self.minute, self.viewer.audience
        return self.standing.states_at(at, self._states)

    def _states(self) -> dict[int, State]:
        return {
            machine.id: state_at(
                self.minute,
                self.open_in(machine.policy_for(self.viewer.audience).modes),
                self.taken.get(machine.id, ()),
                full=self.waits_of(machine),
                reserved=self.reserved_of(machine),
                is_in_service=machine.is_in_service,
            )
            for machine in self.inventory.machines
        }

    @cached_property
    def free_now(self) -> frozenset[int]:
        if not self.is_today:
            return frozenset()
        return frozenset(id for id, state in self.states.items() if state.kind is Kind.FREE)

    @cached_property
    def category(self) -> CategoryFacts | None:
        """The one asked for, when the place has it."""
        slugs = {category.slug: category for category in self.inventory.categories}
        return slugs.get(self.asked.category)

    @cached_property
    def machines(self) -> list[MachineFacts]:
        """Those the filters let through."""
        only, is_free_now = self.category, self.asked.is_free_now and self.is_today
        usable = self.usable if self.asked.may_use else None
        return [
            machine
            for machine in self.inventory.machines
            if (only is None or machine.category.id == only.id)
            and (not is_free_now or machine.id in self.free_now)
            and (usable is None or machine.id in usable)
        ]

    @cached_property
    def has_owners(self) -> bool:
        """Is a machine shared by its owner, who may come first? A look of its own in the legend."""
        return any(machine.agreements for machine in self.inventory.machines)

    @cached_property
    def groups(self) -> list[Group]:
        return [
            Group(machines[0].category, [self.row(machine) for machine in machines])
            for machines in (
                list(found) for _, found in groupby(self.machines, lambda m: m.category.id)
            )
        ]

    def segments_of(
        self, machine: MachineFacts, hours: Range | None = None
    ) -> tuple[list[Segment], Terms]:
        """The machine's day, in the hours shown unless others are asked for."""
        policy = machine.policy_for(self.viewer.audience)
        terms = terms_of(
            policy, self.scale, self.now, is_in_service=machine.is_in_service or self.is_over
        )
        if not machine.is_shared_on(self.day):
            terms = terms._replace(is_bookable=False)
        drawn = segments(
            hours or self.hours,
            self.open_in(policy.modes),
            self.taken.get(machine.id, ()),
            terms,
            now=self.minute,
            odd_hour=self.scale.odd_hour,
        )
        for full in self.full_of(machine):
            drawn = list(without_full(drawn, full, terms))
        if reserved := self.reserved_of(machine):
            drawn = list(without_reserved(drawn, reserved, terms))
        if policy.whole_days:
            may_begin = terms.is_bookable and terms.is_in_service and terms.earliest <= 0
            drawn = list(by_the_day(drawn, may_begin=may_begin))
        if machine.id in self.absent:
            drawn = list(with_absent(drawn, self.absent[machine.id]))
        return drawn, terms

    def waits_of(self, machine: MachineFacts) -> list[Range]:
        """When it may not run for want of what it shares, its own set-up and clean-up included."""
        if not machine.resources:
            return []
        policy = machine.policy_for(self.viewer.audience)
        before, after = policy.before // MINUTE, policy.after // MINUTE
        full = chain.from_iterable(self.full_of(machine))
        return [(start - after, end + before) for start, end in full]

    def reserved_of(self, machine: MachineFacts) -> list[Range]:
        """The hours that are kept for its owner still; none for the owner's own people."""
        if not machine.agreements or machine.owner_id in self.viewer.owns:
            return []
        if machine.id not in self._reserved:
            used = (
                Used(Slot(row.occupied_from, row.occupied_until), row.owner_since)
                for row in self.rows_of.get(machine.id, ())
                if row.owner_since is not None
                and row.kind == OccupancyKind.BOOKING
                and row.status != Status.MISSED
            )
            whole = whole_day(self.zone, self.day)
            kept = kept_for_owner(machine.agreements, self.zone, whole, used, self.now)
            self._reserved[machine.id] = [self.scale.range(span) for span in kept]
        return self._reserved[machine.id]

    def full_of(self, machine: MachineFacts) -> tuple[tuple[Range, ...], ...]:
        """Of each thing it shares, when the other machines have all of it."""
        if self.in_use is not None:
            return (tuple(self.scale.range(span) for span in self.in_use),)
        return tuple(
            tuple(
                full_ranges(
                    (
                        taken
                        for other in self.inventory.machines
                        if other.id != machine.id and resource in other.resources
                        for taken in self.taken.get(other.id, ())
                    ),
                    resource.capacity,
                )
            )
            for resource in machine.resources
        )

    def whole_day_of(self, machine: MachineFacts, shown: list[Segment]) -> list[Segment]:
        """`shown` and what the grid leaves out: a night may be booked as well."""
        first, last = self.hours
        openings = self.open_in(machine.policy_for(self.viewer.audience).modes)
        if all(first <= opens and closes <= last for opens, closes in openings):
            return shown
        return self.segments_of(machine, (0, WHOLE_DAY))[0]

    @property
    def is_over(self) -> bool:
        return self.day < self.today

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

    def hour_of(self, minute: int | None) -> dict[str, str]:
        """The hour of a minute of this day, with its day when it is another's."""
        if minute is None:
            return {"hour": ""}
        if 0 <= minute <= WHOLE_DAY:
            return {"hour": HOURS[minute]}
        instant = self.scale.start + minute * MINUTE
        return {"hour": texts.moment(instant, self.zone)}

    # -- the cells

    def cells(self, machine: MachineFacts, parts: Iterable[Segment], terms: Terms) -> list[Cell]:
        made: list[Cell] = []
        orphans: list[str] = []  # what found no column before the first cell
        for part in parts:
            if part.span:
                cell = self.cell(machine, part, terms)
                if orphans:
                    cell.said = ", ".join([*orphans, cell.said])
                    orphans.clear()
                made.append(cell)
            elif part.row is not None:
                said = self.held(machine, part, terms).said
                if made:
                    made[-1].said = f"{made[-1].said}, {said}"
                else:
                    orphans.append(said)
        return made

    def cell(self, machine: MachineFacts, part: Segment, terms: Terms) -> Cell:
        kind, words = part.kind, self.words
        if part.row is not None:
            return self.held(machine, part, terms)
        hours = {"start": HOURS[part.start], "end": HOURS[part.end]}
        why = self.barred.get(machine.id)
        if why and kind in (Kind.FREE, Kind.OPEN):
            said = words.barred_said % {**hours, "why": why}
            return Cell("barred", part.span, said, why, url=self.machine_url(machine))
        if kind is Kind.FREE:
            return self.free(machine, part, terms)
        if kind is Kind.CLOSED:
            if self.day_off:
                said = words.closed_for_said % {**hours, "why": self.day_off}
                return Cell("closed", part.span, said, self.closed_for)
            return Cell("closed", part.span, words.closed_said % hours, words.closed)
        if kind is Kind.STOPPED:
            said = words.stopped_said % {**hours, "why": machine.state_reason}
            text = machine.state_reason or words.stopped
            return Cell("outage", part.span, said.strip(), text)
        if kind is Kind.RESERVED:
            return self.reserved(machine, part)
        if kind is Kind.PAST:
            return Cell("past", part.span, words.past_said % hours)
        # What the notice takes is long enough, and too late to ask for.
        short = words.soon_said if part.start < terms.earliest else words.short_said
        said = {Kind.OPEN: words.open_said, Kind.IN_USE: words.in_use_said}.get(kind, short)
        return Cell("short", part.span, said % hours)

    def reserved(self, machine: MachineFacts, part: Segment) -> Cell:
        agreement = machine.agreement_on(self.day)
        said = self.words.reserved_said % {
            "start": HOURS[part.start],
            "end": HOURS[part.end],
            "owner": agreement.owner if agreement else "",
        }
        url = self.machine_url(machine)  # which says when they are free for all
        return Cell("reserved", part.span, said, self.words.reserved, url=url)

    def free(self, machine: MachineFacts, part: Segment, terms: Terms) -> Cell:
        if machine.policy_for(self.viewer.audience).whole_days:
            day = self.words.whole_day
            url = self.day_url_of(machine)
            return Cell("free", part.span, f"{machine.name}, {day}", day, url=url)
        start, end = part.start, part.end
        said = {"machine": machine.name, "start": HOURS[start], "end": HOURS[end]}
        return Cell(
            "free",
            part.span,
            self.words.free_said % said,
            LENGTHS[end - start],
            url=self.form_url(machine, start, end, terms),
            start=start,
            end=end,
            minimum=terms.minimum,
            maximum=terms.maximum if terms.maximum < end - start else 0,
        )

    def machine_url(self, machine: MachineFacts) -> str:
        return f"{self.addresses.machines}{machine.slug}{self.asked.query(category='')}"

    def day_url_of(self, machine: MachineFacts) -> str:
        """The form, for the whole day from midnight to midnight."""
        return f"{self.new_url_of(machine)}{self.link}00:00&end=00:00"

    def form_url(self, machine: MachineFacts, start: int, end: int, terms: Terms) -> str:
        """The form with a usual length from `start` on, as far as the free time goes."""
        until = min(start + terms.usual_length, end)
        return f"{self.new_url_of(machine)}{self.link}{FIELDS[start]}&end={FIELDS[until]}"

    @cached_property
    def new_url(self) -> str:
        """The form, to which scripts add machine, day and hours."""
        return f"{self.addresses.new}{self.asked.query(category='')}"

    def new_url_of(self, machine: MachineFacts) -> str:
        return f"{self.new_url}{'&' if '?' in self.new_url else '?'}machine={machine.slug}"

    def held(self, machine: MachineFacts, part: Segment, terms: Terms) -> Cell:
        """A booking, an outage or a session, with the names and words this reader may read."""
        row, words, kind = part.row, self.words, part.kind
        start, end = self.scale.minute(row.starts_at), self.scale.minute(row.ends_at)
        hours = self.written(row, start, end)
        if kind in WITHDRAWN:
            why = row.title or (words.outage if kind is Kind.OUTAGE else words.hire)
            phrase = words.outage_said if kind is Kind.OUTAGE else words.hire_said
            return Cell(kind.value, part.span, phrase % {"hours": hours, "why": why}, why)
        if kind is Kind.ABSENT:
            return self.missed(part, hours)
        is_over = row.ends_at <= self.now
        if kind is Kind.TRAINING:
            return self.training(part, hours, is_over=is_over)
        if kind is Kind.OWN:
            return self.own(machine, part, terms, hours, is_over=is_over)
        who = self.holder(row)
        is_waiting = kind is Kind.WAITING and not is_only_offered(row)
        phrase = words.waiting_said if is_waiting else words.held_said
        return Cell(
            str(kind.value),
            part.span,
            phrase % {"who": self.holder_said(row, who), "hours": hours},
            who,
            hours,
            initials(who) if self.viewer.sees_names else "",
            is_over,
            url=f"{self.addresses.bookings}{row.uid}" if self.viewer.is_team else "",
        )

    def missed(self, part: Segment, hours: str) -> Cell:
        """Who did not come is the team's business, and their own."""
        words, row = self.words, part.row
        if row.member_id == self.viewer.id:
            who, said = words.own, words.own_absent_said % {"hours": hours}
        elif self.viewer.is_team:
            who = self.holder(row)
            said = words.absent_said % {"who": self.holder_said(row, who), "hours": hours}
        else:
            who, said = words.absent, words.nobody_came_said % {"hours": hours}
        is_theirs = self.viewer.is_team or row.member_id == self.viewer.id
        url = f"{self.addresses.bookings}{row.uid}" if is_theirs else ""
        return Cell("absent", part.span, said, who, words.absent, url=url)

    def training(self, part: Segment, hours: str, *, is_over: bool) -> Cell:
        words, name = self.words, part.row.title
        return Cell(
            "training",
            part.span,
            words.session_said % {"name": name, "hours": hours},
            words.session % {"name": name},
            hours,
            is_over=is_over,
        )

    def own(
        self, machine: MachineFacts, part: Segment, terms: Terms, hours: str, *, is_over: bool
    ) -> Cell:
        row, words = part.row, self.words
        is_waiting = row.status == "pending"
        who = words.own_for % {"purpose": row.title} if row.title else words.own
        phrase = words.own_waiting_said if is_waiting else words.own_said
        url = f"{self.addresses.bookings}{row.uid}"
        return Cell(
            "own",
            part.span,
            phrase % {"who": who, "machine": machine.name, "hours": hours},
            who,
            hours,
            words.own,
            is_over,
            is_waiting,
            url,
            "" if is_over else f"{url}/move",
            self.scale.minute(row.starts_at),
            self.scale.minute(row.ends_at),
            terms.minimum,
            terms.maximum,
        )

    def written(self, row: Any, start: int, end: int) -> str:
        """The booked hours, true to the minute."""
        if 0 <= start < end <= WHOLE_DAY and not self.scale.shift:
            return f"{HOURS[start]}–{HOURS[end]}"
        return texts.hours(Slot(row.starts_at, row.ends_at), self.zone)

    def holder(self, row: Any) -> str:
        """Who holds it, for this reader: the organization, else the person, else nobody."""
        if is_only_offered(row) and not self.viewer.is_team:
            return self.words.offered
        if not self.viewer.sees_names:
            return self.words.booked
        return row.organization_name or full_name(row) or self.words.booked

    def holder_said(self, row: Any, who: str) -> str:
        """For the team also the person and the purpose, which are nobody else's business."""
        if not self.viewer.is_team:
            return who
        more = [who, full_name(row) if row.organization_name else "", row.title]
        return ", ".join(word for word in more if word)

    # -- around the grid

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


def full_name(row: Any) -> str:
    return f"{row.first_name or ''} {row.last_name or ''}".strip()


def initials(name: str) -> str:
    """`AF` for Atelier Fil & Forme: of the first two words that begin with a letter."""
    return "".join(word[0] for word in name.split() if word[0].isalpha())[:2].upper()
