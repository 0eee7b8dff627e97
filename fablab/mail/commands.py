"""What the team does about mails that have not left."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, update

from fablab.db import retried, writing
from fablab.mail import outbox
from fablab.mail.kinds import Reason
from fablab.mail.models import OutgoingMail

is_unsent = and_(OutgoingMail.sent_at.is_(None), OutgoingMail.dropped_at.is_(None))
# Parked or put off: neither new nor on its way this very moment.
is_stuck = and_(is_unsent, or_(OutgoingMail.parked_at.is_not(None), OutgoingMail.reason != ""))


@retried
def try_again(which: ColumnElement[bool], *, now: datetime) -> int:
    """Those of them that are stuck are due at once, with all their tries before them; how many.

    Under the Message-ID they have; what has left meanwhile does not leave twice. Raises Busy.
    """
    with writing() as session:
        changed = session.execute(
            update(OutgoingMail)
            .where(is_stuck, which)
            .values(parked_at=None, due_at=now, tries=0, reason="", last_error="")
            .execution_options(synchronize_session=False)
        )
        session.info[outbox.PROMISED] = True
        return int(changed.rowcount)  # type: ignore[attr-defined]


@retried
def give_up(which: ColumnElement[bool], *, now: datetime) -> int:
    """Those of them that have not left never will, and their text is gone; how many. One that
    is on its way this very moment may still arrive. Raises Busy.
    """
    with writing() as session:
        changed = session.execute(
            update(OutgoingMail)
            .where(is_unsent, which)
            .values(dropped_at=now, reason=Reason.GIVEN_UP, **outbox.BLANK)
            .execution_options(synchronize_session=False)
        )
        return int(changed.rowcount)  # type: ignore[attr-defined]
