"""The evening before: whoever booked is reminded, and can still give the machine to others."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, update
from sqlalchemy.exc import SQLAlchemyError

from fablab.db import Busy, db, retried, writing
from fablab.invitations import letters, queries
from fablab.invitations.rules import Letter, is_to_remind
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Occupancy, standing_around
from fablab.mail import outbox
from fablab.members.kinds import MailKind
from fablab.members.mails import refused
from fablab.members.rules import wants
from fablab.slots import Slot

log = logging.getLogger(__name__)

AHEAD = timedelta(days=2)  # further than the evening before is, whatever the clocks do


def remind(now: datetime) -> int:
    """Promise a reminder to everyone who is due one, one mail a person and place; how many.

    Two statements when there is nobody to remind. Raises Busy.
    """
    due = _due(now)
    db.session.rollback()
    return sum(_reminded(bookings, now) for bookings in due)


def _reminded(bookings: Sequence[Row[Any]], now: datetime) -> int:
    """One that cannot be put into words must not keep all the others from theirs."""
    try:
        return _remind(bookings, now)
    except (SQLAlchemyError, Busy):
        raise
    except Exception:
        log.exception("no reminder could be written about booking %s", bookings[0].uid)
        return 0


def _due(now: datetime) -> list[list[Row[Any]]]:
    """The bookings to remind of, those of one person in one place together, soonest first."""
    asked = standing_around(Slot(now, now + AHEAD)).with_only_columns(Occupancy.id)
    ids = db.session.scalars(
        asked.where(
            Occupancy.kind == OccupancyKind.BOOKING,
            Occupancy.status == Status.CONFIRMED,
            Occupancy.starts_at > now,
            Occupancy.reminded_of.is_distinct_from(Occupancy.starts_at),
        )
    ).all()
    together: dict[tuple[int, int], list[Row[Any]]] = defaultdict(list)
    for booking in queries.about(ids).values() if ids else ():
        zone = ZoneInfo(booking.zone)
        if is_to_remind(booking.starts_at, booking.changed_at, zone, now):
            together[booking.member_id, booking.place_id].append(booking)
    return [sorted(each, key=lambda booking: booking.starts_at) for each in together.values()]


@retried
def _remind(bookings: Sequence[Row[Any]], now: datetime) -> int:
    mails = list(_mails(bookings, now))
    table = Occupancy.__table__
    ids = [booking.id for booking in bookings]
    with writing() as session:
        # Nobody else has reminded of them, cancelled or moved one of them meanwhile.
        same = select(table.c.id, table.c.revision).where(
            table.c.id.in_(ids),
            table.c.standing,
            table.c.reminded_of.is_distinct_from(table.c.starts_at),
        )
        found = {row.id: row.revision for row in session.execute(same.with_for_update())}
        if found != {booking.id: booking.revision for booking in bookings}:
            return 0
        session.execute(
            update(table).where(table.c.id.in_(ids)).values(reminded_of=table.c.starts_at)
        )
        for mail in mails:
            outbox.put(session, mail, now=now)
    return len(mails)


def _mails(bookings: Sequence[Row[Any]], now: datetime) -> Iterator[outbox.Mail]:
    """To whoever booked, and to those who agreed to come along."""
    first = bookings[0]
    if first.erased_at is None and _wants(first):
        yield _mail(bookings, now)
    for booking in bookings:
        buddy = queries.buddy_of(booking) if booking.buddy_id else None
        if buddy and _wants(buddy):
            yield letters.buddy_letter(Letter.BUDDY_REMINDER, booking, buddy)


def _wants(reader: Any) -> bool:
    return wants(MailKind.REMINDERS, reader.channel, refused(reader.refused_mails))


def _mail(bookings: Sequence[Row[Any]], now: datetime) -> outbox.Mail:
    if len(bookings) > 1:
        return letters.reminder_of_several(bookings)
    return letters.letter(Letter.REMINDER, bookings[0], method="", is_own_doing=False, now=now)
