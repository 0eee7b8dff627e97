"""The mail about a qualification that ends soon, in its reader's language."""

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
from fablab.words import N_

READER = (
    Member.uid,
    Member.email,
    Member.language,
    Member.channel,
    Member.refused_mails,
    Member.erased_at,
)
SUBJECT = N_("%(place)s: your qualification ends soon: %(training)s")


def qualification_ends(
    session: Session, *, to: Any, place_id: int, training: str, now: datetime, **values: Any
) -> None:
    """Promise the mail to a READER who wants it and is not erased."""
    unwanted = mails.refused(to.refused_mails)
    if to.erased_at is not None or not wants(MailKind.TRAININGS, to.channel, unwanted):
        return
    place = session.execute(
        select(Place.name, Place.email, Place.zone).where(Place.id == place_id)
    ).one()
    outbox.post_page(
        session,
        "qualification_ends",
        to=to.email,
        language=to.language,
        subject=lazy_gettext(SUBJECT, place=place.name, training=training),
        envelope=outbox.Envelope(unsubscribe=mails.stop_address(to.uid, MailKind.TRAININGS)),
        now=now,
        place=place.name,
        contact=place.email,
        link=outbox.address("/trainings/"),
        training=training,
        zone=ZoneInfo(place.zone),
        **values,
    )
