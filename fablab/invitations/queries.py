"""What there is to tell by mail, and what a mail says of a booking or a session."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, func, select, update
from sqlalchemy.orm import Session

from fablab.booking.kinds import Answer, ConsentKind
from fablab.booking.models import Consent, Wait
from fablab.calendars.queries import PARTICULARS
from fablab.db import db
from fablab.invitations.models import Invitation, SessionInvitation
from fablab.invitations.rules import Letter
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Change, Machine, Occupancy
from fablab.members.kinds import TEAM
from fablab.members.models import Member, Membership, RoleHeld
from fablab.places.models import Place
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import Registration, SessionNotice, TrainingSession

AT_ONCE = 200  # changes of which one round tells: a year of a weekly booking is told in one mail

# Asked at every round of the background work, hence built once; the index holds these alone.
UNTOLD = (
    select(
        Change.id,
        Change.occupancy_id,
        Change.what,
        Change.made_at,
        Change.made_by_id,
        Change.before,
        Change.after,
        Occupancy.kind,
    )
    .join(Occupancy, Occupancy.id == Change.occupancy_id)
    .where(Change.told_at.is_(None))
    .order_by(Change.id)
    .limit(AT_ONCE)
)


def untold() -> Sequence[Row[Any]]:
    """What happened to occupancies and nobody was told of, the oldest first."""
    return db.session.execute(UNTOLD).all()


ABOUT = PARTICULARS.add_columns(
    Occupancy.member_id,
    Occupancy.created_by_id,
    Occupancy.machine_id,
    Occupancy.series_id,
    Occupancy.session_id,
    Occupancy.buddy_id,
    Occupancy.is_accompanied,
    Occupancy.counts_in_quota,
    Machine.place_id,
    Place.email.label("contact"),
    Member.uid.label("member_uid"),
    Member.email,
    Member.language,
    Member.channel,
    Member.refused_mails,
    Member.erased_at,
)


def about(ids: Collection[int]) -> dict[int, Row[Any]]:
    """All that a mail says of these bookings, by id. One statement."""
    rows = db.session.execute(ABOUT, {"ids": list(ids)})
    return {row.id: row for row in rows}


def invited(ids: Collection[int]) -> set[int]:
    """Of these bookings, the ones that an invitation put into their member's calendar."""
    asked = select(Invitation.occupancy_id).where(
        Invitation.occupancy_id.in_(list(ids)), ~Invitation.is_cancelled
    )
    return set(db.session.scalars(asked))


def buddy_of(booking: Any) -> Any:
    """Whoever agreed to be the buddy of a booking, to write to; None when nobody did."""
    agreed = exists().where(
        Consent.occupancy_id == booking.id,
        Consent.kind == ConsentKind.BUDDY,
        Consent.answer == Answer.YES,
        Consent.answered_by_id == Member.id,
    )
    columns = (Member.uid, Member.email, Member.language, Member.channel, Member.refused_mails)
    asked = select(*columns).where(
        Member.id == booking.buddy_id, Member.erased_at.is_(None), agreed
    )
    return db.session.execute(asked).first()


def doer_off_the_team(member_id: int, place_id: int) -> str:
    """Their name; none when they are on the place's team, or gone."""
    is_team = exists().where(
        Membership.member_id == member_id,
        Membership.place_id == place_id,
        RoleHeld.membership_id == Membership.id,
        RoleHeld.role.in_(TEAM),
    )
    row = db.session.execute(
        select(Member.first_name, Member.last_name).where(Member.id == member_id, ~is_team)
    ).first()
    return " ".join(filter(None, row)) if row else ""


def offer_of(occupancy_id: int) -> Any:
    """The wait that a booking is offered for, and until when it may be accepted; or None."""
    asked = (
        select(Wait.uid, Consent.due_at)
        .join(Consent, Consent.occupancy_id == Wait.offered_id)
        .where(Wait.offered_id == occupancy_id, Consent.answer.is_(None))
    )
    return db.session.execute(asked).first()


NOW_OF = select(Occupancy.standing, Occupancy.status, Occupancy.ends_at).where(
    Occupancy.uid == bindparam("uid"), Occupancy.kind == OccupancyKind.BOOKING
)


def now_of(uid: str) -> Any:
    """How a booking stands at this moment; None when there is none."""
    return db.session.execute(NOW_OF, {"uid": uid}).first()


# -- training sessions

# Asked at every round, like the one above.
UNTOLD_NOTICES = (
    select(
        SessionNotice.id,
        SessionNotice.session_id,
        SessionNotice.member_id,
        SessionNotice.kind,
        SessionNotice.made_by_id,
    )
    .where(SessionNotice.told_at.is_(None))
    .order_by(SessionNotice.id)
    .limit(AT_ONCE)
)


def untold_notices() -> Sequence[Any]:
    """What happened to sessions and those whom it concerns were not told of, the oldest first."""
    return db.session.execute(UNTOLD_NOTICES).all()


def readers(member_ids: Collection[int]) -> dict[int, Any]:
    """Members to write to, by id. One statement."""
    columns = (
        Member.id,
        Member.uid,
        Member.first_name,
        Member.last_name,
        Member.email,
        Member.language,
        Member.channel,
        Member.refused_mails,
        Member.erased_at,
        Member.phone,
        Member.shares_phone,
    )
    rows = db.session.execute(select(*columns).where(Member.id.in_(member_ids)))
    return {row.id: row for row in rows}


def seatings(session_ids: Collection[int]) -> dict[tuple[int, int], Seating]:
    """Where everybody stands, by session and member. One statement."""
    rows = db.session.execute(
        select(Registration.session_id, Registration.member_id, Registration.seating).where(
            Registration.session_id.in_(session_ids)
        )
    )
    return {(row.session_id, row.member_id): row.seating for row in rows}


def last_heard(session_ids: Collection[int]) -> dict[tuple[int, int], datetime]:
    """When something of a session happened last that a member is told, by session and member."""
    notice = SessionNotice.__table__.c
    asked = (
        select(notice.session_id, notice.member_id, func.max(notice.made_at).label("at"))
        .where(notice.session_id.in_(session_ids))
        .group_by(notice.session_id, notice.member_id)
    )
    return {(row.session_id, row.member_id): row.at for row in db.session.execute(asked)}


def invited_to(session_ids: Collection[int]) -> set[tuple[int, int]]:
    """The sessions, and the members into whose calendar an invitation put them."""
    asked = select(SessionInvitation.session_id, SessionInvitation.member_id).where(
        SessionInvitation.session_id.in_(session_ids), ~SessionInvitation.is_cancelled
    )
    return {(row.session_id, row.member_id) for row in db.session.execute(asked)}


SESSION_NOW_OF = select(
    (TrainingSession.state != SessionState.CANCELLED).label("standing"), TrainingSession.ends_at
).where(TrainingSession.uid == bindparam("uid"))


def session_now_of(uid: str) -> Any:
    """How a training session stands at this moment; None when there is none."""
    return db.session.execute(SESSION_NOW_OF, {"uid": uid}).first()


def untell(session: Session, uids: Collection[str], mail: Any, member_id: int) -> None:
    """What a mail to that member that is not sent said of these bookings and sessions is to be
    said anew.
    """
    ids = select(Occupancy.id).where(Occupancy.uid.in_(list(uids)))
    if mail.kind.startswith(Letter.REMINDER):
        bookings = update(Occupancy.__table__).where(Occupancy.id.in_(ids))
        session.execute(bookings.values(reminded_of=None))
        _untell_sessions(session, uids, member_id)
    else:
        changes = update(Change.__table__).where(
            Change.occupancy_id.in_(ids), Change.told_at == mail.created_at
        )
        session.execute(changes.values(told_at=None))


def _untell_sessions(session: Session, uids: Collection[str], member_id: int) -> None:
    """That is nothing that a calendar shows, which the time of the last change would move."""
    held, seat = TrainingSession.__table__, Registration.__table__
    those = held.c.uid.in_(list(uids))
    session.execute(
        update(held)
        .where(those, held.c.trainer_id == member_id)
        .values(trainer_reminded_of=None, changed_at=held.c.changed_at)
    )
    session.execute(
        update(seat)
        .where(seat.c.session_id.in_(select(held.c.id).where(those)), seat.c.member_id == member_id)
        .values(reminded_of=None, changed_at=seat.c.changed_at)
    )


def due_of(occupancy_id: int) -> datetime | None:
    """Until when what a booking waits for may be answered; None when it waits for nothing."""
    asked = select(func.min(Consent.due_at)).where(
        Consent.occupancy_id == occupancy_id, Consent.answer.is_(None)
    )
    return db.session.scalar(asked)
