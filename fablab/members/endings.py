"""Telling members in time that their membership ends soon."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, func, select

from fablab import clock
from fablab.db import add_row, db, retried, writing
from fablab.members import standing_letters
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.members.models import Member, Membership, MembershipWarning
from fablab.members.rules import WARNED, warning_due
from fablab.places.models import Place

# When the team last wrote down until when it lasts. Imported ones have no such line.
RECORDED_AT = (
    select(func.max(AuditEntry.made_at))
    .where(
        AuditEntry.what == Deed.MEMBERSHIP,
        AuditEntry.member_id == Membership.member_id,
        AuditEntry.place_id == Membership.place_id,
    )
    .correlate(Membership)
    .scalar_subquery()
)


def warn(now: datetime) -> None:
    """Write to whose membership ends soon, once for each of its warnings."""
    places = db.session.execute(select(Place.id, Place.zone)).all()
    late = [place for place in places if due_in(place.id, ZoneInfo(place.zone), now)]
    db.session.rollback()
    for place in late:
        warn_in(place.id, ZoneInfo(place.zone), now)


@retried
def warn_in(place_id: int, zone: ZoneInfo, now: datetime) -> None:
    """Each mail with its own record that it was promised; one runner at a time."""
    with writing() as session:
        session.execute(
            select(Place.id).where(Place.id == place_id).with_for_update(key_share=True)
        )
        for held, days in due_in(place_id, zone, now):
            add_row(
                session,
                MembershipWarning,
                membership_id=held.id,
                expires_on=held.expires_on,
                days=days,
                sent_at=now,
            )
            standing_letters.ends_soon(
                session, held.member_id, place_id, held.expires_on, days, now=now
            )


def due_in(place_id: int, zone: ZoneInfo, now: datetime) -> list[tuple[Row[Any], int]]:
    """What ends soon in the place, with the warning that is due and was not given yet."""
    today = clock.today(zone, now)
    found = []
    for held in ending(place_id, today):
        recorded = clock.today(zone, held.recorded_at) if held.recorded_at else date.min
        days = warning_due(held.expires_on, given_on=recorded, today=today)
        if days and (held.warned is None or days < held.warned):
            found.append((held, days))
    return found


def ending(place_id: int, today: date) -> Sequence[Row[Any]]:
    """The memberships that end within the longest warning; `warned` is the closest one given of
    that end. One statement.
    """
    warned = (
        select(func.min(MembershipWarning.days))
        .where(
            MembershipWarning.membership_id == Membership.id,
            MembershipWarning.expires_on == Membership.expires_on,
        )
        .correlate(Membership)
        .scalar_subquery()
    )
    return db.session.execute(
        select(
            Membership.id,
            Membership.member_id,
            Membership.expires_on,
            RECORDED_AT.label("recorded_at"),
            warned.label("warned"),
        )
        .join(Member, and_(Member.id == Membership.member_id, Member.erased_at.is_(None)))
        .where(
            Membership.place_id == place_id,
            Membership.expires_on >= today,
            Membership.expires_on <= today + timedelta(days=max(WARNED)),
        )
        .order_by(Membership.id)
    ).all()
