"""The team's day as plain values: who comes when, on which machine, what is taught,
and what is not usable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import clock, texts
from fablab.forms import FIRST_YEAR, LAST_YEAR
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.kinds import OccupancyKind
from fablab.manage.occupancies import Line, lines
from fablab.manage.training_pages import SessionLine, session_line
from fablab.places.words import MODES, why_closed


@dataclass(frozen=True)
class Day:
    inventory: Inventory
    day: date
    now: datetime
    rows: Sequence[Any]  # what stands: bookings, outages, sessions
    called_off: Sequence[Any]
    held: Sequence[Any]  # the training sessions, those without a machine too

    @cached_property
    def bookings(self) -> list[Line]:
        return self._lines(OccupancyKind.BOOKING)

    @cached_property
    def outages(self) -> list[Line]:
        return self._lines(OccupancyKind.OUTAGE)

    @cached_property
    def sessions(self) -> list[SessionLine]:
        """Each once, with all that it occupies."""
        return [session_line(each, self.inventory, self._taken_by(each)) for each in self.held]

    @cached_property
    def cancelled(self) -> list[Line]:
        return lines(self.called_off, self.inventory, self.now)

    def _taken_by(self, held: Any) -> list[Line]:
        rows = (row for row in self.rows if row.session_uid == held.uid)
        return lines(rows, self.inventory, self.now)

    def _lines(self, kind: OccupancyKind) -> list[Line]:
        return lines((row for row in self.rows if row.kind == kind), self.inventory, self.now)

    @cached_property
    def stopped(self) -> list[MachineFacts]:
        """Machines that are out of service then, as far as is known today."""
        if self.day < self.today:
            return []
        return [machine for machine in self.inventory.machines if machine.is_out_on(self.day)]

    @property
    def figures(self) -> list[tuple[int, str]]:
        who = {row.member_id for row in self.rows if row.member_id is not None}
        withdrawn = {row.machine_id for row in self.rows if row.kind == OccupancyKind.OUTAGE}
        out = withdrawn | {machine.id for machine in self.stopped}
        bookings, people, machines = len(self.bookings), len(who), len(out)
        return [
            (bookings, ngettext("booking", "bookings", bookings)),
            (people, ngettext("person", "people", people)),
            (machines, ngettext("machine not usable", "machines not usable", machines)),
        ]

    @property
    def openings(self) -> list[tuple[str, str]]:
        return hours_open(self.inventory, self.day)

    @property
    def why_closed(self) -> str:
        return why_closed(self.inventory.schedule, self.day)

    @property
    def today(self) -> date:
        return clock.today(self.inventory.schedule.zone, self.now)

    @property
    def is_today(self) -> bool:
        return self.day == self.today

    @property
    def title(self) -> str:
        return texts.capital(texts.day(self.day, texts.DAY_AND_YEAR))

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The day before, today, the day after."""
        today = {
            "text": _("Today"),
            "url": url_for("manage.day"),
            "is_current": self.day == self.today,
        }
        before = self._step(-1, _("The day before:"), icon="chevron-left")
        after = self._step(1, _("The day after:"), icon_after="chevron-right")
        return [*before, today, *after]

    def _step(self, way: int, said: str, **drawn: str) -> list[dict[str, Any]]:
        """The link to a neighbour; none beyond the days that have a page."""
        day = self.day + timedelta(days=way)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            return []
        text = texts.capital(texts.day(day, texts.SHORT_DAY))
        return [{"text": text, "url": day_url(day), "hidden": said, **drawn}]


def hours_open(inventory: Inventory, day: date) -> list[tuple[str, str]]:
    """The hours of each opening, and who looks after it."""
    zone = inventory.schedule.zone
    return [
        (texts.hours(span, zone), _(MODES[mode]))
        for span, mode in inventory.schedule.openings_on(day)
    ]


def day_url(day: date) -> str:
    return url_for("manage.day", day=day.isoformat())
