"""One day of a place as plain values, as the team's morning mail tells it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Row

from fablab import texts
from fablab.clock import whole_day
from fablab.invitations.letters import machine_of, name_of
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.kinds import OccupancyKind, Status
from fablab.places.kinds import Mode
from fablab.places.words import why_closed
from fablab.slots import Slot


@dataclass(frozen=True)
class Arrival:
    """Somebody who is expected, from when on, for whom, and how to call them."""

    name: str
    organization: str
    starts_at: datetime | None  # none: at no hour, for what they have the whole day
    phone: str

    @property
    def particulars(self) -> list[str]:
        return [", ".join(filter(None, (self.organization, self.phone)))]


@dataclass(frozen=True)
class Lesson:
    """A training session of the day, a row of `trainings.queries.sessions`, with the rows of
    what it occupies, who gives it, and who has a seat.
    """

    held: Any
    machines: Sequence[Any]
    trainer: Any | None
    seated: Sequence[Any]

    @property
    def who_has_a_seat(self) -> str:
        """`2 of 4 seats: Bruno Lefil, Chloé Navette`"""
        held = self.held
        seats = ngettext(
            "%(seated)s of %(num)s seat",
            "%(seated)s of %(num)s seats",
            held.seats,
            seated=held.seated,
        )
        names = ", ".join(map(name_of, self.seated))
        return _("%(seats)s: %(names)s", seats=seats, names=names) if names else seats


@dataclass(frozen=True)
class Morning:
    """`rows` are of `queries.about`, soonest first, and so are `lessons`."""

    inventory: Inventory
    day: date
    rows: Sequence[Row[Any]]
    lessons: Sequence[Lesson]

    @property
    def bookings(self) -> list[Row[Any]]:
        return [row for row in self.rows if row.kind == OccupancyKind.BOOKING]

    @property
    def outages(self) -> list[Row[Any]]:
        return [row for row in self.rows if row.kind == OccupancyKind.OUTAGE]

    @property
    def stopped(self) -> list[MachineFacts]:
        """Machines that are out of service, and not expected back by that day."""
        return [machine for machine in self.inventory.machines if machine.is_out_on(self.day)]

    @property
    def arrivals(self) -> list[Arrival]:
        """Each person once, at the first hour of theirs that starts that day; last those who
        come for what they have the whole day.
        """
        by_hour = sorted(self._expected(), key=lambda each: each[1].starts_at or self.span.end)
        first: dict[int, Arrival] = {}
        for member_id, arrival in by_hour:
            first.setdefault(member_id, arrival)
        return list(first.values())

    def _expected(self) -> Iterator[tuple[int, Arrival]]:
        """Whoever has something that starts that day, by their id, for each of these."""
        for row in self.bookings:
            if row.starts_at >= self.span.start:
                starts_at = None if self.is_all_day(row) else row.starts_at
                yield row.member_id, arrival(row, starts_at, row.organization_name or "")
        for lesson in self.lessons:
            if lesson.held.starts_at >= self.span.start:
                for person in filter(None, (lesson.trainer, *lesson.seated)):
                    yield person.id, arrival(person, lesson.held.starts_at)

    @property
    def openings(self) -> tuple[tuple[Slot, Mode], ...]:
        return self.inventory.schedule.openings_on(self.day)

    @property
    def why_closed(self) -> str:
        return why_closed(self.inventory.schedule, self.day)

    @property
    def span(self) -> Slot:
        return whole_day(self.inventory.schedule.zone, self.day)

    def is_all_day(self, row: Any) -> bool:
        return row.starts_at <= self.span.start and row.ends_at >= self.span.end

    def hours(self, row: Any) -> str:
        """When on that day: what began before or goes on after it says so."""
        zone, day = self.inventory.schedule.zone, self.span
        start, end = (texts.hour(at.astimezone(zone)) for at in (row.starts_at, row.ends_at))
        if self.is_all_day(row):
            return _("all day")
        if row.starts_at < day.start:
            return _("until %(hour)s", hour=end)
        if row.ends_at > day.end:
            return _("from %(hour)s", hour=start)
        return texts.hours(Slot(row.starts_at, row.ends_at), zone)

    def machine(self, row: Any) -> str:
        """What is booked, and whether it cannot be used."""
        name = machine_of(row)
        if row.machine_id in {machine.id for machine in self.stopped}:
            return _("%(machine)s (out of service)", machine=name)
        return name

    @staticmethod
    def holder(row: Any) -> str:
        """Who has it, for whom and what for, and whether it still waits for an answer."""
        who = ", ".join(filter(None, (name_of(row), row.organization_name)))
        if row.title:
            who = _("%(who)s: %(what)s", who=who, what=row.title)
        if row.status == Status.PENDING:
            return _("%(booking)s (awaiting approval)", booking=who)
        return who

    def of_lesson(self, lesson: Lesson) -> list[str]:
        """Where it is and on which machines, who gives it, who comes to it."""
        where = [lesson.held.location, *map(self.machine, lesson.machines)]
        trainer = lesson.trainer
        return [
            ", ".join(filter(None, where)),
            _("Given by %(person)s", person=name_of(trainer)) if trainer else "",
            lesson.who_has_a_seat,
        ]

    def of_stopped(self, machine: MachineFacts) -> list[str]:
        """Why it is out of service, and when it is expected back."""
        if machine.back_on is None:
            return [machine.state_reason]
        back = texts.near_day(machine.back_on, self.inventory.schedule.zone)
        return [machine.state_reason, _("Expected back on %(day)s", day=back)]

    def of_outage(self, row: Any) -> list[str]:
        """The same of one for a time; one that ends that day has its end among its hours."""
        if row.ends_at <= self.span.end:
            return [row.title]
        back = texts.moment(row.ends_at, self.inventory.schedule.zone)
        return [row.title, _("Expected back on %(day)s", day=back)]


def arrival(person: Any, starts_at: datetime | None, organization: str = "") -> Arrival:
    phone = person.phone if person.shares_phone else ""
    return Arrival(name_of(person), organization, starts_at, phone)
