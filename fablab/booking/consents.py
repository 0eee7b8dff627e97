"""Asking somebody's yes for a booking. How it is answered stands in `answers.py`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Consent
from fablab.mail import outbox


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose yes a booking needs. `asked_id` is the buddy who is named; nobody else is by name."""

    kind: ConsentKind
    asked_id: int | None = None


def ask(
    session: Session,
    occupancy_id: int,
    wanted: Iterable[Wanted],
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """Write down each question of a booking that is pending, in its own transaction.

    One statement, however many are asked. The mails are written by the background work a moment
    later (`consent_letters.send_questions`), so that whoever books does not wait for them.
    """
    asked = [
        {
            "uid": str(uuid4()),
            "occupancy_id": occupancy_id,
            "kind": each.kind,
            "asked_id": each.asked_id,
            "asked_at": now,
            "due_at": due_at,
        }
        for each in wanted
    ]
    if asked:
        session.execute(insert(Consent.__table__), asked)
        session.info[outbox.PROMISED] = True  # ring for the background work


def forget(session: Session, occupancy_id: int) -> None:
    """Take back every question that nobody has answered: there is nothing to answer any more."""
    session.execute(
        delete(Consent).where(Consent.occupancy_id == occupancy_id, Consent.answer.is_(None))
    )
