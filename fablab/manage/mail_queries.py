"""What the team's page of mails asks of the outbox: never for the text of a mail, which may hold a
link that signs somebody in.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from flask import abort
from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, or_, select

from fablab.db import db
from fablab.mail.commands import is_unsent
from fablab.mail.kinds import NO_SERVER
from fablab.mail.models import OutgoingMail
from fablab.members.models import Member, Membership


class MailState(StrEnum):
    PARKED = "parked"
    WAITING = "waiting"
    SENT = "sent"
    DROPPED = "dropped"


IN_STATE = {
    MailState.PARKED: and_(is_unsent, OutgoingMail.parked_at.is_not(None)),
    MailState.WAITING: and_(is_unsent, OutgoingMail.parked_at.is_(None)),
    MailState.SENT: OutgoingMail.sent_at.is_not(None),
    MailState.DROPPED: and_(OutgoingMail.sent_at.is_(None), OutgoingMail.dropped_at.is_not(None)),
}
STATE = case(*((such, state.value) for state, such in IN_STATE.items())).label("state")

COLUMNS = (
    OutgoingMail.message_id,
    OutgoingMail.kind,
    OutgoingMail.recipient,
    OutgoingMail.subject,
    OutgoingMail.created_at,
    OutgoingMail.due_at,
    OutgoingMail.tries,
    OutgoingMail.reason,
    OutgoingMail.last_error,
    OutgoingMail.sent_at,
    OutgoingMail.parked_at,
    OutgoingMail.dropped_at,
    STATE,
)


def parked(place_id: int) -> Select[str]:
    """Those that nobody will try again unless the team has it done."""
    return select(OutgoingMail.message_id).where(IN_STATE[MailState.PARKED], seen_from(place_id))


def seen_from(place_id: int) -> ColumnElement[bool]:
    """The mails that a place's team may know of: to its members, to accounts of no place, and to
    addresses that are nobody's. Who is a member of another place is for that place to know.
    """
    whose = Member.email == OutgoingMail.recipient
    of_some_place = and_(whose, Membership.member_id == Member.id)
    of_this_place = and_(of_some_place, Membership.place_id == place_id)
    return or_(~exists().where(of_some_place), exists().where(of_this_place))


def counts(place_id: int) -> dict[MailState, int]:
    """How many there are in each state. One statement."""
    asked = [func.count().filter(such).label(state.value) for state, such in IN_STATE.items()]
    row = db.session.execute(
        select(*asked).select_from(OutgoingMail).where(seen_from(place_id))
    ).one()
    return {state: getattr(row, state.value) for state in MailState}


def mails(place_id: int, state: MailState | None, page: int, size: int) -> Sequence[Row[Any]]:
    """One page of them: the parked ones first, then those that wait, the next to leave first;
    then the others, the latest first.
    """
    rank = case((IN_STATE[MailState.PARKED], 0), (IN_STATE[MailState.WAITING], 1), else_=2)
    soonest = case((IN_STATE[MailState.WAITING], OutgoingMail.due_at))
    asked = select(*COLUMNS).where(seen_from(place_id))
    if state:
        asked = asked.where(IN_STATE[state])
    return db.session.execute(
        asked.order_by(rank, soonest, OutgoingMail.id.desc()).limit(size).offset((page - 1) * size)
    ).all()


def the_one(uid: UUID) -> ColumnElement[bool]:
    """The mail of this Message-ID, but for the name of the installation in it."""
    return OutgoingMail.message_id.startswith(f"<{uid}@")


def find(place_id: int, uid: UUID) -> Row[Any]:
    """One that the place's team may know of; any other is 404, as if there were none."""
    asked = select(*COLUMNS).where(the_one(uid), seen_from(place_id))
    return db.session.execute(asked).first() or abort(404)


def silence() -> tuple[str, datetime] | None:
    """The reason why no mail can leave, and since when none has; None when nothing is known to
    be in the way.

    Of all mails: whether the server listens is no secret.
    """
    last = db.session.scalar(select(func.max(OutgoingMail.sent_at)))
    was_parked = IN_STATE[MailState.PARKED]
    if last:  # what was parked before says nothing of the server as it is now
        was_parked = and_(was_parked, OutgoingMail.parked_at > last)
    stuck = and_(or_(IN_STATE[MailState.WAITING], was_parked), OutgoingMail.reason.in_(NO_SERVER))
    first = select(OutgoingMail.reason, OutgoingMail.created_at).where(stuck)
    found = db.session.execute(first.order_by(OutgoingMail.id).limit(1)).first()
    if found is None:
        return None
    return found.reason, max(filter(None, (found.created_at, last)))
