"""What occupies machines, as rows of the team's tables: who, where, when, how to reach them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from fablab import texts
from fablab.booking.presence_pages import NOT_OF_ANYBODY, Presence, presence_of
from fablab.machines.inventory import Inventory
from fablab.machines.kinds import OccupancyKind, Status
from fablab.slots import Slot
from fablab.upkeep.pages import mail_to as mail_to


@dataclass(frozen=True, slots=True)
class Line:
    """A booking, an outage or a session, as a row of the team's tables."""

    uid: str
    url: str  # the booking's page, or where the outage is ended
    day: str  # it begins on
    hours: str  # with short days when it ends on another one
    when: str  # both, whole
    code: str
    hue: str
    machine: str
    machine_url: str
    who: str
    who_url: str  # empty for somebody whose account was erased
    organization: str
    title: str  # a booking's purpose, an outage's reason, a session's training
    phone: str  # only of who shares it with the team
    email: str
    state: str  # pending, over, now, ahead, cancelled, missed
    is_session: bool
    presence: Presence


def lines(rows: Iterable[Any], inventory: Inventory, now: datetime) -> list[Line]:
    return [line(row, inventory, now) for row in rows]


def line(row: Any, inventory: Inventory, now: datetime) -> Line:
    zone, slot = inventory.schedule.zone, Slot(row.starts_at, row.ends_at)
    first, last = inventory.schedule.days_of(slot)
    day = texts.capital(texts.day(first))
    hours = texts.hours(slot, zone) if first == last else over_days(slot, zone)
    is_known = row.member_id is not None and row.erased_at is None
    return Line(
        uid=row.uid,
        url=url_of(row),
        day=day,
        hours=hours,
        when=f"{day} {hours}" if first == last else texts.capital(texts.hours(slot, zone)),
        code=row.code,
        hue=row.hue,
        machine=row.machine_name,
        machine_url=url_for("manage.machine", slug=row.slug),
        who=f"{row.first_name or ''} {row.last_name or ''}".strip(),
        who_url=url_for("manage.member", uid=row.member_uid) if is_known else "",
        organization=row.organization_name or "",
        title=_("Training: %(name)s", name=row.title)
        if row.kind == OccupancyKind.SESSION
        else row.title,
        phone=row.phone if is_known and row.shares_phone else "",
        email=row.email if is_known else "",
        state=state_of(row, now),
        is_session=row.kind == OccupancyKind.SESSION,
        presence=presence_of(row, inventory, now)
        if row.kind == OccupancyKind.BOOKING
        else NOT_OF_ANYBODY,
    )


def url_of(row: Any) -> str:
    """Where it is seen and ended."""
    if row.kind == OccupancyKind.BOOKING:
        return url_for("booking.show", uid=row.uid)
    if row.kind == OccupancyKind.SESSION:
        return url_for("manage.session", uid=row.session_uid)
    return url_for("manage.outage_end", slug=row.slug, uid=row.uid)


def over_days(slot: Slot, zone: tzinfo) -> str:
    """`Tue 24 18:00 – Wed 25 8:00`"""
    ends = (each.astimezone(zone) for each in (slot.start, slot.end))
    return " – ".join(f"{texts.day(e.date(), texts.SHORT_DAY)} {texts.hour(e)}" for e in ends)


def state_of(row: Any, now: datetime) -> str:
    if row.status in (Status.CANCELLED, Status.MISSED):
        return str(row.status.value)
    if row.ends_at <= now:
        return "over"
    if row.status == Status.PENDING:
        return "pending"
    return "now" if row.starts_at <= now else "ahead"
