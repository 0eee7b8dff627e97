"""The day of a place for one reader: when it is open, and what stands on each machine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask_babel import gettext as _

from fablab import texts
from fablab.booking.facts import audience_of, reads_names
from fablab.clock import today, whole_day
from fablab.home import standing
from fablab.home.phrases import Phrases, phrases
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
    full_ranges,
    segments,
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
from fablab.places.kinds import Mode
from fablab.slots import Slot, merged


class Viewer(NamedTuple):
    """Who reads the page, as far as the planning cares."""

    id: int | None
    audience: Audience | None
    is_team: bool
    sees_names: bool
    owns: frozenset[int] = frozenset()  # the organizations they are of, by id, that own machines


def viewer_of(
    person: Any, inventory: Inventory, now: datetime, owns: frozenset[int] = frozenset()
) -> Viewer:
    place_id = inventory.place.id
    standing = person.standings.get(place_id)
    is_team = person.manages(place_id)
    return Viewer(
        person.id,
        audience_of(standing),
        is_team,
        is_team or reads_names(standing, inventory, now),
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


@dataclass
class DayOfPlace:
    """One day of a place, as one reader may know of it; nothing is drawn yet."""

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

    @cached_property
    def open_spans(self) -> list[Slot]:
        return by_day(self.openings)

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


def by_day(openings: Iterable[tuple[Slot, Mode]]) -> list[Slot]:
    """When somebody may be there: the nights, which are for machines alone, left out."""
    return merged(span for span, mode in openings if mode in DAYTIME)


def full_name(row: Any) -> str:
    return f"{row.first_name or ''} {row.last_name or ''}".strip()
