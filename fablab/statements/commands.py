"""What is done with statements: closed, one or all of a month; how their files are written."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fablab import clock
from fablab.db import add_row, add_rows, retried, writing
from fablab.machines.inventory import of_place
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.places.models import Place
from fablab.statements import canon, letters, queries
from fablab.statements.gathering import Account, account_of
from fablab.statements.models import Statement, StatementFile, StatementPerson
from fablab.statements.queries import Subject
from fablab.statements.rules import Period, Refusal, Total, refusal, total


class CannotClose(Exception):
    """`reason` is why not; `other` the period that states some of its days already."""

    def __init__(self, reason: Refusal, other: Period | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.other = other


class Closed(NamedTuple):
    uid: str
    is_new: bool  # not so when it was closed already


def close(
    subject: Subject,
    period: Period,
    *,
    seen: Total | None = None,
    by: int | None,
    now: datetime,
) -> str:
    """State the period for good, and tell whom it concerns; the statement's UID. Done twice, it
    is done once. The row itself is the record of who did it when. `seen` is what was confirmed:
    what comes in between is not closed unseen. None where nobody was asked.

    Raises CannotClose, and Busy.
    """
    return _close(subject, period, seen=seen, by=by, now=now).uid


@retried
def _close(
    subject: Subject, period: Period, *, seen: Total | None, by: int | None, now: datetime
) -> Closed:
    with writing() as session:
        # Whoever closes another one of the place waits: two would name the same as the last.
        session.execute(select(Place.id).where(Place.id == subject.place_id).with_for_update())
        made = uid_of(session, subject, period)
        if made:
            return Closed(made, False)
        inventory = of_place(place_id=subject.place_id)
        account = account_of(subject, period, inventory, now)
        today = clock.today(inventory.schedule.zone, now)
        reason = why_not(account, period, today)
        if reason is None and seen not in (None, total(account.lines)):
            reason = Refusal.CHANGED
        if reason:
            raise CannotClose(reason, next(filter(period.overlaps, account.closed), None))
        body = canon.written(
            canon.content(subject, period, account, place=inventory.place, closed_at=now)
        )
        uid = keep(session, subject, period, account, body, by=by, now=now)
        letters.closed(session, subject, period, uid, inventory.place, today=today, now=now)
        return Closed(uid, True)


def why_not(account: Account, period: Period, today: date) -> Refusal | None:
    reason = refusal(period, today, account.closed)
    return reason or (None if account.lines else Refusal.NOTHING)


def uid_of(session: Session, subject: Subject, period: Period) -> str | None:
    """The statement of that very period, if it is closed."""
    asked = select(Statement.uid).where(
        queries.is_of(subject),
        Statement.first_day == period.first,
        Statement.last_day == period.last,
    )
    found: str | None = session.scalar(asked)
    return found


def keep(
    session: Session,
    subject: Subject,
    period: Period,
    account: Account,
    body: str,
    *,
    by: int | None,
    now: datetime,
) -> str:
    whole, uid = total(account.lines), str(uuid4())
    statement_id = add_row(
        session,
        Statement,
        uid=uid,
        place_id=subject.place_id,
        subject=subject.key,
        scope=subject.scope,
        organization_id=subject.organization_id,
        activity=subject.activity,
        member_id=subject.member_id,
        first_day=period.first,
        last_day=period.last,
        closed_at=now,
        closed_by_id=by,
        body=body,
        sha256=canon.fingerprint(body),
        previous=account.previous,
        amount=whole.stated(subject.scope),
        booked=whole.booked,
    )
    people = [
        {"statement_id": statement_id, "reference": reference, "member_id": row.id}
        for reference, row in account.people.items()
    ]
    add_rows(session, StatementPerson, people)
    return uid


class Outcome(NamedTuple):
    """What became of closing several: how many were closed by it, and which were not, with why."""

    closed: int
    refused: list[tuple[Subject, Refusal]]


def close_all(
    confirmed: Iterable[tuple[Subject, Total]], period: Period, *, by: int | None, now: datetime
) -> Outcome:
    """Each by itself, as it was seen: what stands against one keeps no other from being closed."""
    closed, refused = 0, []
    for subject, seen in confirmed:
        try:
            closed += _close(subject, period, seen=seen, by=by, now=now).is_new
        except CannotClose as error:
            refused.append((subject, error.reason))
    return Outcome(closed, refused)


@retried
def set_file(
    place_id: int,
    *,
    columns: Sequence[str],
    words: Mapping[str, str],
    separator: str,
    decimal_mark: str,
    by: int,
    now: datetime,
) -> None:
    """Raises Busy."""
    values = {
        "columns": list(columns),
        "words": dict(words),
        "separator": separator,
        "decimal_mark": decimal_mark,
    }
    with writing() as session:
        session.execute(delete(StatementFile).where(StatementFile.place_id == place_id))
        add_row(session, StatementFile, place_id=place_id, **values)
        audit.note(
            session,
            Deed.PLACE,
            place_id=place_id,
            by=by,
            now=now,
            after={"statement_columns": ", ".join(columns)},
        )
