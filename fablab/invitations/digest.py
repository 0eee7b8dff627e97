"""The team's morning mail: who comes today, what is taught, what is out of service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import LazyString, lazy_gettext
from flask_babel import gettext as _
from sqlalchemy import Row, func, select, update

from fablab import texts
from fablab.calendars import feed
from fablab.clock import from_wall, whole_day
from fablab.db import db, retried, writing
from fablab.invitations import letters, queries
from fablab.invitations.rules import DIGEST_UNTIL, digest_day
from fablab.machines.inventory import Inventory, MachineFacts, of_place
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy, standing_around
from fablab.mail import outbox
from fablab.members import mails
from fablab.members.kinds import TEAM, MailKind
from fablab.members.mails import refused
from fablab.members.models import Member, Membership, RoleHeld
from fablab.members.rules import wants
from fablab.places.kinds import Mode
from fablab.places.models import Place
from fablab.places.words import MODES
from fablab.slots import Slot


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
    readers = _readers(place.id)
    if not readers:
        return []
    today = Morning(of_place(place_id=place.id), day, _events(place, day))
    if not (today.rows or today.openings):
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


def _readers(place_id: int) -> list[Any]:
    """Those on the team who want it, each once."""
    on_the_team = (
        select(Membership.member_id)
        .join(RoleHeld, RoleHeld.membership_id == Membership.id)
        .where(Membership.place_id == place_id, RoleHeld.role.in_(TEAM))
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


@dataclass(frozen=True)
class Arrival:
    """Somebody who is expected, from when on, for whom, and how to call them."""

    name: str
    organization: str
    starts_at: datetime
    phone: str

    @property
    def particulars(self) -> str:
        return ", ".join(filter(None, (self.organization, self.phone)))


@dataclass(frozen=True)
class Morning:
    """One day of a place, as the mail tells it; `rows` are of `queries.about`, soonest first."""

    inventory: Inventory
    day: date
    rows: list[Row[Any]]

    @property
    def bookings(self) -> list[Row[Any]]:
        return [row for row in self.rows if row.kind == OccupancyKind.BOOKING]

    @property
    def sessions(self) -> list[Row[Any]]:
        return [row for row in self.rows if row.kind == OccupancyKind.SESSION]

    @property
    def outages(self) -> list[Row[Any]]:
        return [row for row in self.rows if row.kind == OccupancyKind.OUTAGE]

    @property
    def stopped(self) -> list[MachineFacts]:
        """Machines that are out of service, and not expected back by that day."""
        return [
            machine
            for machine in self.inventory.machines
            if not machine.is_in_service and (machine.back_on is None or self.day < machine.back_on)
        ]

    @property
    def arrivals(self) -> list[Arrival]:
        """Each person once, at the first booking that starts that day."""
        first: dict[int, Arrival] = {}
        for row in self.bookings:
            if row.starts_at < self.span.start:
                continue
            phone = row.phone if row.shares_phone else ""
            arrival = Arrival(
                letters.name_of(row), row.organization_name or "", row.starts_at, phone
            )
            first.setdefault(row.member_id, arrival)
        return list(first.values())

    @property
    def openings(self) -> tuple[tuple[Slot, Mode], ...]:
        return self.inventory.schedule.openings_on(self.day)

    @property
    def span(self) -> Slot:
        return whole_day(self.inventory.schedule.zone, self.day)

    def hours(self, row: Any) -> str:
        """When on that day: what began before or goes on after it says so."""
        zone, day = self.inventory.schedule.zone, self.span
        start, end = (texts.hour(at.astimezone(zone)) for at in (row.starts_at, row.ends_at))
        if row.starts_at < day.start and row.ends_at >= day.end:
            return _("all day")
        if row.starts_at < day.start:
            return _("until %(hour)s", hour=end)
        if row.ends_at > day.end:
            return _("from %(hour)s", hour=start)
        return texts.hours(Slot(row.starts_at, row.ends_at), zone)

    @property
    def day_off(self) -> str:
        """Why the place is closed; empty when it is not."""
        return self.inventory.schedule.day_off(self.day) or ""

    @staticmethod
    def machine(row: Any) -> str:
        return letters.machine_of(row)

    @staticmethod
    def holder(row: Any) -> str:
        """Who has it, for whom and what for, and whether it still waits for an answer."""
        who = ", ".join(filter(None, (letters.name_of(row), row.organization_name)))
        if row.title:
            who = _("%(who)s: %(what)s", who=who, what=row.title)
        if row.status == Status.PENDING:
            return _("%(booking)s (awaiting approval)", booking=who)
        return who
