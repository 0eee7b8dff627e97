"""The mails that sessions and qualifications cause, each in its reader's language."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab.mail import outbox
from fablab.members import mails
from fablab.members.kinds import MailKind
from fablab.members.models import Member
from fablab.members.rules import wants
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.words import N_

READER = (
    Member.uid,
    Member.email,
    Member.language,
    Member.channel,
    Member.refused_mails,
    Member.erased_at,
)
SUBJECTS = {
    "session_cancelled": N_("%(place)s: the session of %(training)s is cancelled"),
    "session_changed": N_("%(place)s: the session of %(training)s has changed"),
    "session_registered": N_("%(place)s: you are registered for the session of %(training)s"),
    "session_seat": N_("%(place)s: you have a seat in the session of %(training)s"),
    "qualification_ends": N_("%(place)s: your qualification ends soon: %(training)s"),
}

# Else somebody would come for nothing: told without a tick too, hence without a link that stops it.
TOLD_ANYWAY = frozenset({"session_cancelled", "session_changed"})


def post(
    session: Session,
    kind: str,
    *,
    to: Any,
    place_id: int,
    training: str,
    path: str,
    now: datetime,
    **values: Any,
) -> None:
    """Promise the mail of that kind to a READER who wants it and is not erased."""
    if to.erased_at is not None or not is_wanted(kind, to):
        return
    stop = "" if kind in TOLD_ANYWAY else mails.stop_address(to.uid, MailKind.TRAININGS)
    place = session.execute(
        select(Place.name, Place.email, Place.zone).where(Place.id == place_id)
    ).one()
    outbox.post_page(
        session,
        kind,
        to=to.email,
        language=to.language,
        subject=lazy_gettext(SUBJECTS[kind], place=place.name, training=training),
        envelope=outbox.Envelope(unsubscribe=stop),
        now=now,
        place=place.name,
        contact=place.email,
        link=outbox.address(path),
        training=training,
        zone=ZoneInfo(place.zone),
        **values,
    )


def is_wanted(kind: str, to: Any) -> bool:
    unwanted = () if kind in TOLD_ANYWAY else mails.refused(to.refused_mails)
    return wants(MailKind.TRAININGS, to.channel, unwanted)


def about(session: Session, kind: str, held: Any, *, to: Any, now: datetime, **values: Any) -> None:
    """A mail about a session as `held` has it: its training, when and where it is."""
    post(
        session,
        kind,
        to=to,
        place_id=held.place_id,
        training=held.training,
        path=f"/trainings/sessions/{held.uid}",
        now=now,
        slot=Slot(held.starts_at, held.ends_at),
        location=held.location,
        **values,
    )
