"""A day on the wall as plain values: each machine now and next, and who arrives."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import clock, texts
from fablab.booking.absences import may_be_missed
from fablab.booking.presence_rules import may_arrive, may_leave, may_undo, stay_of
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.kinds import OccupancyKind, Status
from fablab.places.kinds import Mode
from fablab.places.words import why_closed
from fablab.presence import queries
from fablab.slots import Slot
from fablab.trainings.queries import sessions_in

MINUTE = timedelta(minutes=1)
# So long after the start somebody who is late may as well be absent, where no rule says how long.
LONG_LATE = timedelta(minutes=30)
AHEAD = 8  # of those to come, for a wall does not scroll


class Tile(NamedTuple):
    """See `templates/components/board.html`."""

    code: str
    hue: str
    machine: str
    state: str  # free, busy, late, stopped, closed
    who: str
    until: str
    left: str
    share: int | None  # percent of the booking gone by
    next_hour: str
    next_who: str


class Arrival(NamedTuple):
    """One who is expected, is here or did not come; or a session, whose people are called."""

    uid: str
    hour: str
    who: str
    code: str
    hue: str
    detail: str
    state: str  # "", late, absent, here
    may_arrive: bool = False
    may_leave: bool = False
    may_miss: bool = False
    may_undo: bool = False
    session_uid: str = ""
    is_any_hour: bool = False  # then `hour` is words


@dataclass(frozen=True)
class Board:
    """The place today; `name` says how somebody is called on it."""

    inventory: Inventory
    now: datetime
    rows: Sequence[Any]  # what stands: bookings, outages, sessions
    missed: Sequence[Any]
    held: Sequence[Any]  # the training sessions, those without a machine too
    name: Callable[[Any], str]
    by: int | None = None  # whoever looks at it
    _on: dict[int, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.rows:
            self._on.setdefault(row.machine_id, []).append(row)

    @property
    def zone(self) -> Any:
        return self.inventory.schedule.zone

    @cached_property
    def today(self) -> Any:
        return clock.today(self.zone, self.now)

    @property
    def title(self) -> str:
        return texts.capital(texts.day(self.today))

    @property
    def hour(self) -> str:
        return self.at(self.now)

    def at(self, instant: datetime) -> str:
        return texts.hour(instant.astimezone(self.zone))

    @cached_property
    def sentence(self) -> str:
        """Until when it is open, and how many machines are free."""
        free = sum(tile.state == "free" for tile in self.tiles)
        count = len(self.tiles)
        machines = ngettext(
            "%(free)s of %(num)s machine is free",
            "%(free)s of %(num)s machines are free",
            count,
            free=free,
        )
        return f"{self._opening()} · {machines}" if self._open else self._opening()

    @cached_property
    def _openings(self) -> list[Slot]:
        """The hours of today, those that touch made one."""
        found: list[Slot] = []
        for span, mode in self.inventory.schedule.openings_on(self.today):
            if mode is Mode.NIGHT:  # machines run, and nobody arrives
                continue
            if found and span.start <= found[-1].end:
                found[-1] = Slot(found[-1].start, max(found[-1].end, span.end))
            else:
                found.append(span)
        return found

    @property
    def _open(self) -> Slot | None:
        return next((span for span in self._openings if span.start <= self.now < span.end), None)

    def _opening(self) -> str:
        if self._open:
            return _("Open until %(hour)s", hour=self.at(self._open.end))
        ahead = [span.start for span in self._openings if span.start > self.now]
        if ahead:
            return _("Opens at %(hour)s", hour=self.at(min(ahead)))
        return why_closed(self.inventory.schedule, self.today) or _("Closed for today")

    @cached_property
    def counts(self) -> list[tuple[int, str, str]]:
        """(number, what, kind) of who is here, who is still to come, who did not."""
        bookings = self._bookings()
        arrived = sum(row.arrived_at is not None for row in bookings)
        expected = sum(row.arrived_at is None and self.now < row.ends_at for row in bookings)
        absent = len(self.missed)
        return [
            (arrived, ngettext("arrived", "arrived", arrived), "ok"),
            (expected, ngettext("expected", "expected", expected), ""),
            (absent, ngettext("absent", "absent", absent), "no" if absent else ""),
        ]

    def _bookings(self) -> list[Any]:
        """Those that were agreed to."""
        return [
            row
            for row in self.rows
            if row.kind == OccupancyKind.BOOKING and row.status == Status.CONFIRMED
        ]

    # -- the machines

    @cached_property
    def tiles(self) -> list[Tile]:
        """In the order of the inventory; what is lent by the day comes last."""
        return [self._tile(machine) for machine in sorted(self.inventory.machines, key=is_lent)]

    def _tile(self, machine: MachineFacts) -> Tile:
        rows = self._on.get(machine.id, [])
        current = next((row for row in rows if row.starts_at <= self.now < row.ends_at), None)
        following = next((row for row in rows if row.starts_at > self.now), None)
        state, who, until, left, share = self._now(machine, current, following)
        return Tile(
            machine.code,
            machine.category.hue,
            machine.name,
            state,
            who,
            until,
            left,
            share,
            self.at(following.starts_at) if following else "",
            self._held_by(following) if following else "",
        )

    def _now(
        self, machine: MachineFacts, current: Any, following: Any
    ) -> tuple[str, str, str, str, int | None]:
        if machine.is_out_on(self.today):
            said = _("Locked out") if machine.is_locked_out else _("Out of service")
            return "stopped", said, machine.state_reason, "", None
        if current is None and self._open is None:
            return "closed", _("Closed"), "", "", None
        if current is None:
            until = following.starts_at if following else self._open.end if self._open else self.now
            return "free", _("Free"), _("until %(hour)s", hour=self.at(until)), "", None
        until = _("until %(hour)s", hour=self.at(current.ends_at))
        left = _("%(length)s left", length=texts.length(round_up(current.ends_at - self.now)))
        share = 100 * (self.now - current.starts_at) // (current.ends_at - current.starts_at)
        if is_lent(machine):
            until, left = self._lent_until(current.ends_at)
        who = self._held_by(current)
        if current.kind == OccupancyKind.OUTAGE:
            return "stopped", who, until, "", None
        is_expected = current.kind == OccupancyKind.BOOKING and current.arrived_at is None
        if is_expected and current.status == Status.CONFIRMED and not is_lent(machine):
            late = self.now - current.starts_at
            since = _("Expected for %(length)s", length=texts.length(late - late % MINUTE))
            return "late", who, since if late >= MINUTE else _("Expected now"), "", share
        return "busy", who, until, left, share

    def _lent_until(self, end: datetime) -> tuple[str, str]:
        """The last day, and how many days are left with it: nobody counts them in hours."""
        last = clock.today(self.zone, end - MINUTE)
        days = (last - self.today).days
        until = _("until the end of %(day)s", day=texts.day(last)) if days else _("until tonight")
        return until, _("%(length)s left", length=texts.days_count(days + 1)) if days else ""

    def _held_by(self, row: Any) -> str:
        if row.kind == OccupancyKind.BOOKING:
            return self.name(row)
        return row.title or (
            _("Maintenance") if row.kind == OccupancyKind.OUTAGE else _("Training session")
        )

    # -- the people

    @cached_property
    def arrivals(self) -> list[Arrival]:
        """Who is late first, the longest; then who is to come, with the sessions; then what is
        fetched at some time of the day, then who is here, then who did not come.
        """
        expected = [row for row in self._bookings() if row.arrived_at is None]
        begun = [row for row in expected if row.starts_at <= self.now < row.ends_at]
        lent = [row for row in begun if is_lent(self.inventory.by_id.get(row.machine_id))]
        late = [row for row in begun if row not in lent]
        ahead = [row for row in expected if row.starts_at > self.now]
        here = [r for r in self._bookings() if r.arrived_at and self._is_shown_as_here(r)]
        sessions = [each for each in self.held if each.ends_at > self.now]
        to_come = sorted((*ahead, *sessions), key=lambda each: each.starts_at)[:AHEAD]
        return [
            *map(self._late, late),
            *(self._session(e) if "training" in e._fields else self._ahead(e) for e in to_come),
            *map(self._lent, lent),
            *map(self._here, here),
            *map(self._absent, self.missed),
        ]

    @property
    def later(self) -> str:
        """How many more come in the course of the day."""
        count = sum(row.starts_at > self.now and row.arrived_at is None for row in self._bookings())
        count += sum(each.ends_at > self.now for each in self.held)
        more = count - AHEAD
        return (
            ngettext("and %(num)s more later", "and %(num)s more later", more) if more > 0 else ""
        )

    def _is_shown_as_here(self, row: Any) -> bool:
        return self.now < row.ends_at or may_undo(stay_of(row), row.changed_at, now=self.now)

    def _late(self, row: Any) -> Arrival:
        late = self.now - row.starts_at
        said = _("%(length)s late", length=texts.length(late - late % MINUTE))
        is_absent = late >= long_late(self.inventory.by_id.get(row.machine_id))
        return self._arrival(
            row,
            said if late >= MINUTE else _("now"),
            "absent" if is_absent else "late",
            may_miss=is_absent and may_be_missed(row, by=self.by, now=self.now),
        )

    def _lent(self, row: Any) -> Arrival:
        """It is fetched at some time of the day."""
        arrival = self._arrival(row, _("to be fetched today"), "")
        return arrival._replace(hour=_("all day"), is_any_hour=True)

    def _ahead(self, row: Any) -> Arrival:
        ahead = texts.length(round_up(row.starts_at - self.now))
        return self._arrival(row, _("in %(length)s", length=ahead), "")

    def _here(self, row: Any) -> Arrival:
        if row.left_at:
            return self._arrival(row, _("left at %(hour)s", hour=self.at(row.left_at)), "here")
        said = _("arrived at %(hour)s", hour=self.at(row.arrived_at))
        return self._arrival(row, said, "here")

    def _absent(self, row: Any) -> Arrival:
        return self._arrival(row, _("nobody came"), "absent")

    def _arrival(self, row: Any, said: str, state: str, *, may_miss: bool = False) -> Arrival:
        stay = stay_of(row)
        machine = self.inventory.by_id.get(row.machine_id)
        in_service = machine is not None and machine.is_in_service
        return Arrival(
            row.uid,
            self.at(row.starts_at),
            self.name(row),
            row.code,
            row.hue,
            f"{row.machine_name} · {said}",
            state,
            may_arrive(stay, now=self.now, is_in_service=in_service),
            may_leave(stay, now=self.now),
            may_miss,
            may_undo(stay, row.changed_at, now=self.now),
        )

    def _session(self, held: Any) -> Arrival:
        on = [row for row in self.rows if row.session_uid == held.uid]
        people = ngettext("%(num)s person registered", "%(num)s people registered", held.seated)
        return Arrival(
            held.uid,
            self.at(held.starts_at),
            held.training,
            on[0].code if on else "",
            on[0].hue if on else "ink",
            people,
            "",
            session_uid=held.uid,
        )

    # -- what cannot be used

    @cached_property
    def notes(self) -> list[tuple[str, str]]:
        """(which machine, until when and why), of those under an outage right now."""
        return list(self._notes())

    def _notes(self) -> Iterator[tuple[str, str]]:
        for row in self.rows:
            is_now = row.starts_at <= self.now < row.ends_at
            if row.kind == OccupancyKind.OUTAGE and is_now:
                until = _("until %(moment)s", moment=texts.moment(row.ends_at, self.zone))
                why = f"{until}, {row.title}" if row.title else until
                yield f"{row.code} {row.machine_name}", why


def board_of(inventory: Inventory, now: Any, **more: Any) -> Board:
    """The place today: three statements, whatever there is on it."""
    place_id = inventory.place.id
    day = clock.whole_day(inventory.schedule.zone, clock.today(inventory.schedule.zone, now))
    return Board(
        inventory=inventory,
        now=now,
        rows=queries.on_day(place_id, day),
        missed=queries.missed_on(place_id, day),
        held=sessions_in(place_id, day),
        **more,
    )


def is_lent(machine: MachineFacts | None) -> bool:
    return machine is not None and machine.policy_for(None).whole_days


def long_late(machine: MachineFacts | None) -> timedelta:
    """The machine's own delay, where its rules free it by themselves."""
    return (machine.policy_for(None).release_after if machine else None) or LONG_LATE


def round_up(duration: timedelta) -> timedelta:
    """To whole minutes: nobody reads `0 min left`."""
    return -(-duration // MINUTE) * MINUTE
