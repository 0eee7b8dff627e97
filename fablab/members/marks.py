"""Late cancellations and absences: noted, lifted for a reason, forgotten after a year."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, Table, delete, select, update
from sqlalchemy.orm import Session

from fablab.db import NoSuch, NotAllowed, add_row, db, retried, writing
from fablab.members import audit, standing_letters
from fablab.members.kinds import Deed, MarkKind
from fablab.members.models import Mark, Member, Membership
from fablab.members.rules import marked_until
from fablab.places.models import Place

KEPT = timedelta(days=365)


def mark(
    session: Session,
    member_id: int,
    place_id: int,
    occupancy_id: int,
    kind: MarkKind,
    *,
    by: int | None,
    now: datetime,
) -> None:
    """Note it against the member, in the caller's transaction; perhaps a suspension follows, which
    they are told of by mail.
    """
    _stand_in_line(session, member_id)
    add_row(
        session,
        Mark,
        uid=str(uuid4()),
        member_id=member_id,
        place_id=place_id,
        occupancy_id=occupancy_id,
        kind=kind,
        made_at=now,
        lift_reason="",
    )
    _say(session, occupancy_id, is_late=kind is MarkKind.LATE, is_excused=False)
    until = _weigh(session, member_id, place_id, now)
    after = {"mark": kind, "marked_until": until}
    _note(session, Deed.MARKED, member_id, place_id, after, by=by, now=now)


@retried
def lift(mark_uid: str, place_id: int, why: str, *, by: int, now: datetime) -> None:
    """Take a mark away for a reason that is kept; lifting it again changes nothing.

    Raises NoSuch (no such mark in the place), NotAllowed for one's own, ValueError without
    a reason, and Busy.
    """
    if not why:
        raise ValueError("a mark is lifted for a reason")
    here = _find(mark_uid, place_id)
    if here.member_id == by:
        raise NotAllowed
    with writing() as session:
        # The booking first, as whoever marks it has it.
        booking = _bookings().c.id
        session.execute(select(booking).where(booking == here.occupancy_id).with_for_update())
        _stand_in_line(session, here.member_id)
        if _find(mark_uid, place_id).lifted_at is not None:
            return
        session.execute(
            update(Mark.__table__)
            .where(Mark.id == here.id)
            .values(lifted_at=now, lifted_by_id=by, lift_reason=why)
        )
        _say(session, here.occupancy_id, is_excused=True)
        until = _weigh(session, here.member_id, place_id, now)
        after = {"mark": here.kind, "reason": why, "marked_until": until}
        _note(session, Deed.LIFTED, here.member_id, place_id, after, by=by, now=now)


def unmark(
    session: Session,
    member_id: int,
    place_id: int,
    occupancy_id: int,
    *,
    by: int | None,
    now: datetime,
) -> None:
    """What was noted of a booking a moment ago never was, nor what followed from it; in the
    caller's transaction.
    """
    _stand_in_line(session, member_id)
    noted = (Mark.occupancy_id == occupancy_id, Mark.kind == MarkKind.MISSED)
    if not session.scalar(select(Mark.id).where(*noted)):
        return
    session.execute(delete(Mark.__table__).where(*noted))
    _say(session, occupancy_id, is_excused=False)
    until = _weigh(session, member_id, place_id, now)
    after = {"mark": MarkKind.MISSED, "marked_until": until}
    _note(session, Deed.LIFTED, member_id, place_id, after, by=by, now=now)


def tidy(session: Session, now: datetime) -> None:
    """Forget what is older than a year; the bookings say themselves what counts of them."""
    session.execute(delete(Mark).where(Mark.made_at < now - KEPT))


def _bookings() -> Table:
    """The table alone: their model is of a package that knows of this one."""
    return db.metadata.tables["occupancy"]


def _say(session: Session, occupancy_id: int, **decided: bool) -> None:
    """What is decided of a booking stays with it when its mark is forgotten."""
    table = _bookings()
    session.execute(update(table).where(table.c.id == occupancy_id).values(**decided))


def _find(uid: str, place_id: int) -> Row[Any]:
    table = Mark.__table__
    found = db.session.execute(
        select(table).where(table.c.uid == uid, table.c.place_id == place_id)
    ).first()
    if found is None:
        raise NoSuch(f"no mark {uid} in place {place_id}")
    return found


def _stand_in_line(session: Session, member_id: int) -> None:
    """Two marks at once, made on two machines: the second weighs the first as well."""
    asked = select(Member.id).where(Member.id == member_id)
    session.execute(asked.with_for_update(key_share=True))


def _weigh(session: Session, member_id: int, place_id: int, now: datetime) -> datetime | None:
    """Write down until when their marks keep them from booking, and say so; they are told."""
    held = (Membership.member_id == member_id, Membership.place_id == place_id)
    before = session.scalar(select(Membership.marked_until).where(*held))
    place = session.execute(
        select(Place.marks_allowed, Place.marks_window_days, Place.marks_suspension_days).where(
            Place.id == place_id
        )
    ).one()
    made: Sequence[datetime] = session.scalars(
        select(Mark.made_at).where(
            Mark.member_id == member_id, Mark.place_id == place_id, Mark.lifted_at.is_(None)
        )
    ).all()
    until = marked_until(made, *place)
    session.execute(update(Membership.__table__).where(*held).values(marked_until=until))
    standing_letters.marked(session, member_id, place_id, before, until, now=now)
    return until


def _note(
    session: Session,
    deed: Deed,
    member_id: int,
    place_id: int,
    after: dict[str, Any],
    *,
    by: int | None,
    now: datetime,
) -> None:
    audit.note(session, deed, place_id=place_id, member_id=member_id, by=by, now=now, after=after)
