"""What the pages say of late cancellations and absences, as plain values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import and_, func, select

from fablab import texts
from fablab.booking import pages
from fablab.booking.lateness import limit_of
from fablab.db import db
from fablab.machines.inventory import Inventory
from fablab.machines.models import Machine, Occupancy
from fablab.members.kinds import MarkKind
from fablab.members.models import Mark, Membership
from fablab.members.rules import is_late
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.words import N_

WORDS = {
    MarkKind.LATE: N_("Cancelled late"),
    MarkKind.MISSED: N_("Did not come"),
}


@dataclass(frozen=True, slots=True)
class MarkLine:
    uid: str
    what: str
    machine: str
    when: str  # it was booked
    counts_until: str
    lifted: str  # the reason, once it is
    is_counted: bool


class Marks(NamedTuple):
    """What is held against somebody in a place, and what follows."""

    lines: list[MarkLine]
    follows: str
    is_suspended: bool


def marks_of(member_id: int, inventory: Inventory, now: datetime, *, with_past: bool) -> Marks:
    """Latest first; those that count no more only `with_past`. One statement."""
    rows = db.session.execute(
        select(
            Mark.uid,
            Mark.kind,
            Mark.made_at,
            Mark.lifted_at,
            Mark.lift_reason,
            Occupancy.starts_at,
            Occupancy.ends_at,
            Machine.code,
            Machine.name,
            Membership.marked_until,
            Place.marks_allowed,
            Place.marks_window_days,
            Place.marks_suspension_days,
        )
        .join(Occupancy, Occupancy.id == Mark.occupancy_id)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .join(Place, Place.id == Mark.place_id)
        .join(
            Membership,
            and_(Membership.member_id == Mark.member_id, Membership.place_id == Mark.place_id),
        )
        .where(Mark.member_id == member_id, Mark.place_id == inventory.place.id)
        .order_by(Mark.made_at.desc(), Mark.id.desc())
    ).all()
    lines = [_line(row, inventory, now) for row in rows]
    until = rows[0].marked_until if rows else None
    return Marks(
        [line for line in lines if with_past or line.is_counted],
        _follows(rows[0], lines, inventory, now) if rows else "",
        until is not None and now < until,
    )


def _line(row: Any, inventory: Inventory, now: datetime) -> MarkLine:
    zone = inventory.schedule.zone
    until = row.made_at + timedelta(days=row.marks_window_days)
    return MarkLine(
        uid=row.uid,
        what=_(WORDS[row.kind]),
        machine=f"{row.code} {row.name}",
        when=pages.when(Slot(row.starts_at, row.ends_at), zone, now),
        counts_until=texts.moment(until, zone),
        lifted=row.lift_reason,
        is_counted=row.lifted_at is None and now < until,
    )


def _follows(row: Any, lines: list[MarkLine], inventory: Inventory, now: datetime) -> str:
    """The suspension that follows, or how many more marks would start one."""
    if row.marked_until is not None and now < row.marked_until:
        until = texts.moment(row.marked_until, inventory.schedule.zone)
        return _("No booking is possible until %(moment)s.", moment=until)
    counted = sum(line.is_counted for line in lines)
    if row.marks_allowed is None or not counted:
        return ""
    missing = max(row.marks_allowed - counted, 1)
    return ngettext(
        "After %(num)s more within %(window)s, no booking is possible for %(length)s.",
        "After %(num)s more within %(window)s, no booking is possible for %(length)s.",
        missing,
        window=texts.days_count(row.marks_window_days),
        length=texts.days_count(row.marks_suspension_days),
    )


class Freedom(NamedTuple):
    """Until when its member may cancel a booking without a mark, and whether that is over."""

    until: str
    is_over: bool
    notice: str  # how long before the start that is
    left: str  # the start that it was moved away from too late; empty when it was not


def freedom(booking: Any, inventory: Inventory, now: datetime) -> Freedom | None:
    """None where a mark never follows: no such rule, or nothing that stands and is to come."""
    if not booking.standing or booking.starts_at <= now:
        return None
    limit = limit_of(booking, inventory)
    if limit is None:
        return None
    zone = inventory.schedule.zone
    return Freedom(
        texts.moment(limit.until, zone),
        is_late(limit.until, now),
        texts.length(limit.starts_at - limit.until),
        texts.moment(limit.starts_at, zone) if limit.starts_at != booking.starts_at else "",
    )


def number_of_next(member_id: int, place_id: int, now: datetime) -> str:
    """Which of how many a mark made now would be; empty where nothing follows from any. At most
    two statements.
    """
    terms = db.session.execute(
        select(Place.marks_allowed, Place.marks_window_days, Place.marks_suspension_days).where(
            Place.id == place_id
        )
    ).one()
    if terms.marks_allowed is None:
        return ""
    asked = select(func.count(Mark.id)).where(
        Mark.member_id == member_id,
        Mark.place_id == place_id,
        Mark.lifted_at.is_(None),
        Mark.made_at > now - timedelta(days=terms.marks_window_days),
    )
    return _(
        "It would be number %(number)s of %(allowed)s within %(window)s; "
        "at number %(allowed)s, no booking is possible for %(length)s.",
        number=(db.session.scalar(asked) or 0) + 1,
        allowed=terms.marks_allowed,
        window=texts.days_count(terms.marks_window_days),
        length=texts.days_count(terms.marks_suspension_days),
    )
