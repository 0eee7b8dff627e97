"""The evening before: whoever has booked, has a seat in a training session or gives one is
reminded, and can still make room for others.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, literal_column, select, union_all, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from fablab.calendars.sessions import Part, places
from fablab.db import Busy, db, retried, writing
from fablab.invitations import letters, queries, reminder_letters
from fablab.invitations.rules import Letter, is_to_remind, reminded_at
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy, standing_around
from fablab.mail import outbox
from fablab.members.kinds import MailKind
from fablab.members.mails import refused
from fablab.members.rules import wants
from fablab.slots import Slot
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import Registration, TrainingSession
from fablab.trainings.queries import sessions

log = logging.getLogger(__name__)

AHEAD = timedelta(days=2)  # further than the evening before is, whatever the clocks do

BOOKING = "booking"


class Theirs(NamedTuple):
    """A session that somebody has a seat in, or gives; a row of `trainings.queries.sessions`."""

    held: Any
    part: Part


@dataclass
class Due:
    """What one mail reminds somebody of, in one place, the soonest first; `reader` is a row of
    `queries.readers`.
    """

    reader: Any
    place: Any
    bookings: list[Row[Any]] = field(default_factory=list)
    sessions: list[Theirs] = field(default_factory=list)


def remind(now: datetime) -> int:
    """Promise a reminder to everyone who is due one, one mail a person and place; how many.

    One statement when there is nobody to remind. Raises Busy.
    """
    found = db.session.execute(_not_reminded(now)).all()
    due = _due(found, places(), now) if found else []
    db.session.rollback()
    return sum(_reminded(each, now) for each in due)


def _reminded(due: Due, now: datetime) -> int:
    """One that cannot be put into words must not keep all the others from theirs."""
    try:
        return _remind(due, now)
    except (SQLAlchemyError, Busy):
        raise
    except Exception:
        log.exception("no reminder could be written for member %s", due.reader.uid)
        return 0


def _not_reminded(now: datetime) -> Any:
    """What begins soon and somebody was not reminded of: as what, its id, who, where, when."""
    soon = Slot(now, now + AHEAD)
    bookings: Any = (
        standing_around(soon)
        .with_only_columns(
            literal_column(f"'{BOOKING}'").label("part"),
            Occupancy.id,
            Occupancy.member_id,
            Machine.place_id,
            Occupancy.starts_at,
        )
        .where(
            Occupancy.kind == OccupancyKind.BOOKING,
            Occupancy.status == Status.CONFIRMED,
            Occupancy.starts_at > now,
            Occupancy.reminded_of.is_distinct_from(Occupancy.starts_at),
        )
    )
    seats = (
        _planned(Part.SEATED, Registration.member_id, soon)
        .join(Registration, Registration.session_id == TrainingSession.id)
        .where(
            Registration.seating == Seating.SEATED,
            Registration.reminded_of.is_distinct_from(TrainingSession.starts_at),
            TrainingSession.trainer_id.is_distinct_from(Registration.member_id),
        )
    )
    given = _planned(Part.GIVING, TrainingSession.trainer_id, soon).where(
        TrainingSession.trainer_id.is_not(None),
        TrainingSession.trainer_reminded_of.is_distinct_from(TrainingSession.starts_at),
    )
    return union_all(bookings, seats, given)


def _planned(part: Part, member_id: Any, soon: Slot) -> Select[Any]:
    return select(
        literal_column(f"'{part}'"),
        TrainingSession.id,
        member_id,
        TrainingSession.place_id,
        TrainingSession.starts_at,
    ).where(
        TrainingSession.state == SessionState.PLANNED,
        TrainingSession.starts_at > soon.start,
        TrainingSession.starts_at < soon.end,
    )


def _due(found: Sequence[Any], there: Mapping[int, Any], now: datetime) -> list[Due]:
    """What is due by now, that of one person in one place together; `there` are the places."""
    zones = {id: ZoneInfo(place.zone) for id, place in there.items()}
    by_now = [each for each in found if reminded_at(each.starts_at, zones[each.place_id]) <= now]
    if not by_now:
        return []
    readers = queries.readers({each.member_id for each in by_now})
    due: dict[tuple[int, int], Due] = {}

    def of(member_id: int, place_id: int) -> Due:
        empty = Due(readers[member_id], there[place_id])
        return due.setdefault((member_id, place_id), empty)

    for booking in _bookings([each.id for each in by_now if each.part == BOOKING], now):
        of(booking.member_id, booking.place_id).bookings.append(booking)
    of_sessions = [each for each in by_now if each.part != BOOKING]
    for member_id, theirs in _sessions(of_sessions, zones, now) if of_sessions else ():
        of(member_id, theirs.held.place_id).sessions.append(theirs)
    return list(due.values())


def _bookings(ids: Sequence[int], now: datetime) -> Iterator[Row[Any]]:
    found = queries.about(ids).values() if ids else ()
    for booking in sorted(found, key=lambda each: each.starts_at):
        if is_to_remind(booking.starts_at, booking.changed_at, ZoneInfo(booking.zone), now):
            yield booking


def _sessions(
    found: Sequence[Any], zones: Mapping[int, tzinfo], now: datetime
) -> Iterator[tuple[int, Theirs]]:
    ids = {each.id for each in found}
    rows = {row.id: row for row in sessions(TrainingSession.id.in_(ids))}
    heard = queries.last_heard(ids)
    for each in sorted(found, key=lambda each: each.starts_at):
        held = rows[each.id]
        # What was planned before anything was told of sessions was told then.
        heard_at = heard.get((held.id, each.member_id), held.created_at)
        if is_to_remind(held.starts_at, heard_at, zones[held.place_id], now):
            yield each.member_id, Theirs(held, Part(each.part))


@retried
def _remind(due: Due, now: datetime) -> int:
    mails = list(_mails(due, now))
    with writing() as session:
        # Nobody else has reminded of them, or changed one of them meanwhile.
        if not (_are_same(session, due.bookings) and _are_theirs(session, due)):
            return 0
        _remember(session, due)
        for mail in mails:
            outbox.put(session, mail, now=now)
    return len(mails)


def _mails(due: Due, now: datetime) -> Iterator[outbox.Mail]:
    """To whose it is, and to those who agreed to come along."""
    if due.reader.erased_at is None and _wants(due.reader):
        yield _mail(due, now)
    for booking in due.bookings:
        buddy = queries.buddy_of(booking) if booking.buddy_id else None
        if buddy and _wants(buddy):
            yield letters.buddy_letter(Letter.BUDDY_REMINDER, booking, buddy)


def _wants(reader: Any) -> bool:
    return wants(MailKind.REMINDERS, reader.channel, refused(reader.refused_mails))


def _mail(due: Due, now: datetime) -> outbox.Mail:
    to, place = due.reader, due.place
    if len(due.bookings) + len(due.sessions) > 1:
        items = [
            *map(reminder_letters.of_booking, due.bookings),
            *(reminder_letters.of_session(*each, to.language) for each in due.sessions),
        ]
        return reminder_letters.letter_of_several(items, to=to, place=place)
    if due.sessions:
        return reminder_letters.session_letter(*due.sessions[0], to=to, place=place)
    [booking] = due.bookings
    return letters.letter(Letter.REMINDER, booking, method="", is_own_doing=False, now=now)


def _are_same(session: Session, bookings: Sequence[Row[Any]]) -> bool:
    if not bookings:
        return True
    table = Occupancy.__table__
    same = select(table.c.id, table.c.revision).where(
        table.c.id.in_([booking.id for booking in bookings]),
        table.c.standing,
        table.c.reminded_of.is_distinct_from(table.c.starts_at),
    )
    found = {row.id: row.revision for row in session.execute(same.with_for_update())}
    return found == {booking.id: booking.revision for booking in bookings}


def _are_theirs(session: Session, due: Due) -> bool:
    """In the sessions' lines: whatever changes of one, its hour, its seats, who gives it,
    raises its revision.
    """
    if not due.sessions:
        return True
    table, mark = TrainingSession.__table__, Registration.__table__
    ids = {each.held.id for each in due.sessions}
    line = select(table.c.id, table.c.revision).where(table.c.id.in_(ids)).order_by(table.c.id)
    found = {row.id: row.revision for row in session.execute(line.with_for_update())}
    if found != {each.held.id: each.held.revision for each in due.sessions}:
        return False
    given = select(table.c.id).where(
        table.c.id.in_(_ids(due, Part.GIVING)),
        table.c.trainer_reminded_of.is_distinct_from(table.c.starts_at),
    )
    seats = (
        select(table.c.id)
        .join(mark, mark.c.session_id == table.c.id)
        .where(
            table.c.id.in_(_ids(due, Part.SEATED)),
            mark.c.member_id == due.reader.id,
            mark.c.reminded_of.is_distinct_from(table.c.starts_at),
        )
    )
    return set(session.scalars(union_all(given, seats))) == ids


def _ids(due: Due, part: Part) -> list[int]:
    return [each.held.id for each in due.sessions if each.part is part]


def _remember(session: Session, due: Due) -> None:
    """Of which starts they are reminded; that is nothing that a calendar shows."""
    occupancy, table, mark = (each.__table__ for each in (Occupancy, TrainingSession, Registration))
    if due.bookings:
        session.execute(
            update(occupancy)
            .where(occupancy.c.id.in_([booking.id for booking in due.bookings]))
            .values(reminded_of=occupancy.c.starts_at)
        )
    for held, part in due.sessions:
        if part is Part.GIVING:
            given = update(table).where(table.c.id == held.id)
            values = {"trainer_reminded_of": held.starts_at, "changed_at": table.c.changed_at}
            session.execute(given.values(values))
        else:
            seat = update(mark).where(
                mark.c.session_id == held.id, mark.c.member_id == due.reader.id
            )
            values = {"reminded_of": held.starts_at, "changed_at": mark.c.changed_at}
            session.execute(seat.values(values))
