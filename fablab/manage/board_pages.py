"""The printed day, the addresses of boards, and a machine's label, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cached_property
from io import BytesIO
from typing import Any, NamedTuple

import segno
from flask import Response
from flask_babel import gettext as _

from fablab import texts
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.kinds import OccupancyKind
from fablab.manage.day_page import hours_open
from fablab.manage.occupancies import Line, lines
from fablab.manage.training_pages import SessionLine, session_line
from fablab.manage.words import BOARDS
from fablab.presence.kinds import BoardKind
from fablab.words import N_


@dataclass(frozen=True)
class Sheet:
    """A day of the team's on one page."""

    inventory: Inventory
    day: date
    now: datetime
    rows: Sequence[Any]
    held: Sequence[Any]

    @property
    def title(self) -> str:
        return texts.capital(texts.day(self.day, texts.DAY_AND_YEAR))

    @property
    def openings(self) -> list[tuple[str, str]]:
        return hours_open(self.inventory, self.day)

    @cached_property
    def bookings(self) -> list[Line]:
        return self._of(OccupancyKind.BOOKING)

    @cached_property
    def outages(self) -> list[Line]:
        return self._of(OccupancyKind.OUTAGE)

    def _of(self, kind: OccupancyKind) -> list[Line]:
        return lines((row for row in self.rows if row.kind == kind), self.inventory, self.now)

    @cached_property
    def sessions(self) -> list[SessionLine]:
        return [session_line(each, self.inventory) for each in self.held]

    @cached_property
    def stopped(self) -> list[MachineFacts]:
        return [machine for machine in self.inventory.machines if machine.is_out_on(self.day)]

    @property
    def printed(self) -> str:
        return _("Printed %(moment)s", moment=texts.moment(self.now, self.inventory.schedule.zone))


SENTENCES = {
    BoardKind.WALL: N_(
        "The board of the day for a screen in the workshop. Nothing can be done on it."
    ),
    BoardKind.DOOR: N_(
        "The same with a large button for each arrival, and nothing else that can be done."
    ),
}


class Card(NamedTuple):
    """One kind of board: whether it has an address, and that address just after it is made."""

    kind: str
    title: str
    sentence: str
    since: str
    used: str
    address: str


def cards(held: Mapping[BoardKind, Any], made: Any, zone: tzinfo) -> list[Card]:
    return [_card(kind, held.get(kind), made, zone) for kind in BoardKind]


def _card(kind: BoardKind, row: Any, made: Any, zone: tzinfo) -> Card:
    since = used = ""
    if row is not None:
        since = _("Made on %(moment)s.", moment=texts.moment(row.created_at, zone))
        used = (
            _("Last seen on %(moment)s.", moment=texts.moment(row.used_at, zone))
            if row.used_at
            else _("No screen has opened it yet.")
        )
    address = made[1] if made and made[0] is kind else ""
    return Card(kind, _(BOARDS[kind]), _(SENTENCES[kind]), since, used, address)


def drawn(url: str) -> Response:
    """The address as a code that scratches and grease leave readable: error correction Q."""
    picture = BytesIO()
    code = segno.make(url, micro=False, error="q")
    code.save(picture, kind="svg", omitsize=True, light="#fff")
    return Response(picture.getvalue(), mimetype="image/svg+xml")
