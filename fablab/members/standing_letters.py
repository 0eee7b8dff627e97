"""The mails that say whether a member may book, and how long. Always sent: they are about the
account.
"""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab.mail import outbox
from fablab.members.models import Member, Membership
from fablab.places.models import Place
from fablab.words import N_

SUBJECTS = {
    "suspended": N_("%(place)s: your right to book is suspended"),
    "marks_suspended": N_("%(place)s: you cannot book for a while"),
    "reinstated": N_("%(place)s: you may book again"),
    "membership_ends": N_("%(place)s: your membership ends soon"),
}


def suspended(
    session: Session, member_id: int, place_id: int, until: datetime, why: str, *, now: datetime
) -> None:
    """The team took their right to book away, until then and for that reason."""
    _post(session, "suspended", member_id, place_id, until=until, why=why, now=now)


def reinstated(session: Session, member_id: int, place_id: int, *, now: datetime) -> None:
    """What kept them from booking is taken back; something else may keep them still."""
    held = session.execute(
        select(Membership.suspended_until, Membership.marked_until).where(
            Membership.member_id == member_id, Membership.place_id == place_id
        )
    ).one()
    until = max((each for each in held if each is not None and each > now), default=None)
    _post(session, "reinstated", member_id, place_id, until=until, now=now)


def marked(
    session: Session,
    member_id: int,
    place_id: int,
    before: datetime | None,
    until: datetime | None,
    *,
    now: datetime,
) -> None:
    """Their marks keep them from booking `until` then, and so far until `before`: tell a change."""
    if until is not None and until > now:
        if until != before:
            _post(session, "marks_suspended", member_id, place_id, until=until, now=now)
    elif before is not None and before > now:
        reinstated(session, member_id, place_id, now=now)


def ends_soon(
    session: Session, member_id: int, place_id: int, last_day: date, days: int, *, now: datetime
) -> None:
    """Their membership is valid until the end of that day, at most so many days ahead."""
    _post(session, "membership_ends", member_id, place_id, now=now, last_day=last_day, days=days)


def _post(
    session: Session,
    kind: str,
    member_id: int,
    place_id: int,
    *,
    now: datetime,
    until: datetime | None = None,
    **values: Any,
) -> None:
    """Nobody writes to an erased account."""
    to = session.execute(
        select(Member.email, Member.language).where(
            Member.id == member_id, Member.erased_at.is_(None)
        )
    ).first()
    if to is None:
        return
    place = session.execute(
        select(Place.name, Place.email, Place.zone).where(Place.id == place_id)
    ).one()
    zone = ZoneInfo(place.zone)
    outbox.post_page(
        session,
        kind,
        to=to.email,
        language=to.language,
        subject=lazy_gettext(SUBJECTS[kind], place=place.name),
        envelope=outbox.Envelope(reply_to=place.email),
        now=now,
        place=place.name,
        contact=place.email,
        link=outbox.address("/bookings/"),
        zone=zone,
        **{"until": until, "last_day": last_day(until, zone) if until else None} | values,
    )


def last_day(until: datetime, zone: tzinfo) -> date | None:
    """The day whose end it is; None for any other moment."""
    wall = until.astimezone(zone)
    return wall.date() - timedelta(days=1) if wall.time() == time.min else None
