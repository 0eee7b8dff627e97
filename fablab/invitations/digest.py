"""The team's morning mail: who comes today, what is taught, what is out of service."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import LazyString, lazy_gettext
from sqlalchemy import Row, func, or_, select, update

from fablab import texts
from fablab.calendars import feed
from fablab.clock import from_wall, whole_day
from fablab.db import db, retried, writing
from fablab.invitations import queries
from fablab.invitations.morning import Lesson, Morning
from fablab.invitations.rules import DIGEST_UNTIL, digest_day
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Machine, Occupancy, standing_around
from fablab.mail import outbox
from fablab.members import mails
from fablab.members.kinds import TEAM, MailKind
from fablab.members.mails import refused
from fablab.members.models import Member, Membership, RoleHeld
from fablab.members.rules import wants
from fablab.places.models import Place
from fablab.places.words import MODES
from fablab.trainings.queries import TAKES_A_SEAT, sessions_in


def send(now: datetime) -> int:
    """Promise the morning mail of every place where it is seven o'clock and past; how many mails.

    Once a day and place, to everyone on its team who wants it; none on a day on which nobody
    opens and nothing is booked. One statement when it is no morning. Raises Busy.
    """
    places = db.session.execute(
        select(Place.id, Place.name, Place.email, Place.zone, Place.digest_day)
    ).all()
    due = [
        (place, day)
        for place in places
        if (day := digest_day(ZoneInfo(place.zone), now, place.digest_day))
    ]
    written = [(place.id, day, _mails(place, day, now)) for place, day in due]
    db.session.rollback()
    return sum(_promise(place_id, day, its_mails, now) for place_id, day, its_mails in written)


@retried
def _promise(place_id: int, day: date, written: Sequence[outbox.Mail], now: datetime) -> int:
    table = Place.__table__
    with writing() as session:
        claimed = session.execute(
            update(table)
            .where(table.c.id == place_id, table.c.digest_day.is_distinct_from(day))
            # Which mails went out is nothing that a calendar shows.
            .values(digest_day=day, changed_at=table.c.changed_at)
        )
        if not claimed.rowcount:  # type: ignore[attr-defined]
            return 0
        for mail in written:
            outbox.put(session, mail, now=now)
    return len(written)


def _mails(place: Any, day: date, now: datetime) -> list[outbox.Mail]:
    readers = _readers(place.id, now)
    if not readers:
        return []
    rows = _events(place, day)
    today = Morning(of_place(place_id=place.id), day, rows, _lessons(place, day, rows))
    if not (today.rows or today.lessons or today.openings):
        return []
    zone = ZoneInfo(place.zone)
    waiting = _waiting(place.id, now)
    return [
        outbox.page(
            "digest",
            to=reader.email,
            language=reader.language,
            subject=lazy_gettext(
                "%(place)s: the day, %(day)s", place=place.name, day=LazyString(texts.day, day)
            ),
            envelope=outbox.Envelope(
                calendar=feed.written(feed.of_day(place.id, reader.language, now)).decode(),
                reply_to=place.email,
                unsubscribe=mails.stop_address(reader.uid, MailKind.DIGEST),
                useless_at=from_wall(zone, day, DIGEST_UNTIL),
            ),
            place=place.name,
            contact=place.email,
            link=outbox.address("/manage/day"),
            zone=zone,
            today=today,
            modes=MODES,
            waiting=waiting,
        )
        for reader in readers
    ]


def _readers(place_id: int, now: datetime) -> list[Any]:
    """Those on the team who want it, each once; nobody who is suspended reads the day."""
    on_the_team = (
        select(Membership.member_id)
        .join(RoleHeld, RoleHeld.membership_id == Membership.id)
        .where(
            Membership.place_id == place_id,
            RoleHeld.role.in_(TEAM),
            or_(Membership.suspended_until.is_(None), Membership.suspended_until <= now),
        )
    )
    asked = select(
        Member.uid, Member.email, Member.language, Member.channel, Member.refused_mails
    ).where(Member.id.in_(on_the_team), Member.erased_at.is_(None))
    return [
        reader
        for reader in db.session.execute(asked.order_by(Member.id))
        if wants(MailKind.DIGEST, reader.channel, refused(reader.refused_mails))
    ]


def _events(place: Any, day: date) -> list[Row[Any]]:
    span = whole_day(ZoneInfo(place.zone), day)
    ids = db.session.scalars(
        standing_around(span)
        .with_only_columns(Occupancy.id)
        .where(
            Machine.place_id == place.id,
            Occupancy.starts_at < span.end,
            Occupancy.ends_at > span.start,
        )
    ).all()
    found = queries.about(ids).values() if ids else ()
    return sorted(found, key=lambda row: (row.starts_at, row.code))


def _lessons(place: Any, day: date, rows: Sequence[Row[Any]]) -> list[Lesson]:
    """The training sessions of the day, soonest first; `rows` tell which machines they take."""
    held = sessions_in(place.id, whole_day(ZoneInfo(place.zone), day))
    if not held:
        return []
    seatings = queries.seatings([each.id for each in held])
    seated = [both for both, seating in seatings.items() if seating in TAKES_A_SEAT]
    trainers = {each.trainer_id for each in held} - {None}
    people = queries.readers({member_id for _session_id, member_id in seated} | trainers)
    known = {id: person for id, person in people.items() if person.erased_at is None}
    return [
        Lesson(
            each,
            machines=[row for row in rows if row.session_id == each.id],
            trainer=known.get(each.trainer_id),
            seated=sorted(
                (known[member] for its, member in seated if its == each.id and member in known),
                key=lambda person: (person.last_name, person.first_name, person.id),
            ),
        )
        for each in held
    ]


def _waiting(place_id: int, now: datetime) -> int:
    """How many bookings to come wait for somebody's answer."""
    asked = (
        select(func.count())
        .select_from(Occupancy)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .where(
            Machine.place_id == place_id,
            Occupancy.status == Status.PENDING,
            Occupancy.created_by_id.is_not(None),
            Occupancy.starts_at > now,
        )
    )
    return db.session.scalars(asked).one()
