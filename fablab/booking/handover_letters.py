"""The mails about a booking that is offered to somebody else: the offer, and a no to it."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from fablab.booking.consent_letters import about_bookings
from fablab.booking.handover_links import token_for
from fablab.db import db
from fablab.machines.models import Occupancy
from fablab.mail import outbox
from fablab.members.models import Member
from fablab.slots import Slot
from fablab.words import N_

SUBJECTS = {
    "handover_offer": N_("%(place)s: %(who)s offers you a booking"),
    "handover_nobody": N_("%(place)s: %(who)s offers you a booking"),
    "handover_declined": N_("%(place)s: your booking was not taken over"),
    "handover_lapsed": N_("%(place)s: your booking was not taken over"),
}


def offer(
    session: Session,
    occupancy_id: int,
    uid: str,
    to: Row[int, str, str] | None,
    email: str,
    *,
    language: str,
    due_at: datetime,
    now: datetime,
) -> None:
    """To the address that was typed, whether it is somebody's or nobody's: whoever typed it is
    told nothing of that, and waits as long for either.
    """
    about = _about(occupancy_id)
    if to is None:
        kind, path = "handover_nobody", "/register"
    else:
        kind, path = "handover_offer", f"/handovers/by-mail/{token_for(uid, to.uid)}"
    _post(
        session,
        kind,
        about,
        to=email,
        language=to.language if to else language,
        path=path,
        reply_to=about.email,
        useless_at=due_at,
        now=now,
        due_at=due_at,
    )


def not_taken(session: Session, kind: str, occupancy_id: int, *, now: datetime) -> None:
    """To whose it is, and stays: that the other said no, or nothing in time."""
    about = _about(occupancy_id)
    _post(
        session,
        kind,
        about,
        to=about.email,
        language=about.language,
        path=f"/bookings/{about.uid}",
        reply_to=about.contact,
        useless_at=about.ends_at,
        now=now,
    )


def _about(occupancy_id: int) -> Row[Any]:
    return db.session.execute(about_bookings().where(Occupancy.id == occupancy_id)).one()


def _post(
    session: Session,
    kind: str,
    about: Row[Any],
    *,
    to: str,
    language: str,
    path: str,
    reply_to: str,
    useless_at: datetime,
    now: datetime,
    due_at: datetime | None = None,
) -> None:
    who = f"{about.first_name} {about.last_name}".strip()
    outbox.post_page(
        session,
        kind,
        to=to,
        language=language,
        subject=lazy_gettext(SUBJECTS[kind], place=about.place, who=who),
        envelope=outbox.Envelope(topic=about.uid, reply_to=reply_to, useless_at=useless_at),
        now=now,
        place=about.place,
        contact=about.contact,
        link=outbox.address(path),
        who=who,
        machine=f"{about.code} {about.machine_name}",
        slot=Slot(about.starts_at, about.ends_at),
        zone=ZoneInfo(about.zone),
        due_at=due_at,
    )


def reader(email: str) -> Row[int, str, str] | None:
    """Whose address it is: id, uid and language; None when it is nobody's."""
    asked = select(Member.id, Member.uid, Member.language)
    return db.session.execute(
        asked.where(Member.email == email, Member.erased_at.is_(None))
    ).first()
