"""What whoever tells by mail writes down, of bookings and of sessions alike."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from fablab.db import INSERT, Base
from fablab.invitations import queries
from fablab.mail import outbox


def claim(session: Session, table: Table, ids: Collection[int], now: datetime) -> bool:
    """Mark these rows as told, unless somebody else did meanwhile: two runners may work at once."""
    untold = select(table.c.id).where(table.c.id.in_(ids), table.c.told_at.is_(None))
    if len(session.execute(untold.with_for_update()).all()) < len(ids):
        return False
    session.execute(update(table).where(table.c.id.in_(ids)).values(told_at=now))
    return True


def overtake(session: Session, uid: str, member_id: int, email: str, now: datetime) -> None:
    """Nothing that waits to be sent to that member about a booking or session is sent any more;
    what it would have said of others is told anew.
    """
    for mail in outbox.drop(session, uid, email, now=now):
        others = [other for other in mail.topic.split() if other != uid]
        if others:
            queries.untell(session, others, mail, member_id)


def remember(
    session: Session,
    model: type[Base],
    *,
    sequence: int,
    is_cancelled: bool,
    now: datetime,
    **of: int,
) -> None:
    """Keep what the member's calendar was told last `of` it, its primary key."""
    connection = session.connection()
    said = {"sequence": sequence, "is_cancelled": is_cancelled, "mailed_at": now}
    sent = INSERT[connection.dialect.name](model.__table__).values(**of, **said)
    connection.execute(sent.on_conflict_do_update(index_elements=list(of), set_=said))
