"""What is shown before statements are closed, for that cannot be undone: whose, how much, and who
is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from fablab.statements import canon, pages, queries
from fablab.statements.kinds import Scope
from fablab.statements.queries import Subject
from fablab.statements.rules import Total


class Closing(NamedTuple):
    """A statement that is about to be closed."""

    subject: Subject
    total: Total


class ClosingShown(NamedTuple):
    name: str
    scope: Scope
    lines: int
    booked: str
    real: str
    amount: str
    share: str  # of an owner; empty of any other
    readers: str  # whom a mail tells; empty: nobody


def shown(closings: Sequence[Closing], currency: str, day: date) -> list[ClosingShown]:
    told = queries.readers_of([each.subject for each in closings], day)
    return [
        ClosingShown(
            pages.titled(subject.scope, subject.name, subject.activity),
            subject.scope,
            total.count,
            pages.time_used(total.booked),
            pages.time_used(total.real),
            pages.money(total.amount, currency),
            pages.money(total.share, currency) if subject.scope is Scope.OWNER else "",
            names(told[subject.key]),
        )
        for subject, total in closings
    ]


def names(readers: Iterable[Any]) -> str:
    return ", ".join(queries.full_name(row) for row in readers)


def stamp(closings: Iterable[Closing]) -> str:
    """Of what is about to be closed, as it is now: whoever confirms closes what they saw, and
    nothing that came in between.
    """
    told: Mapping[str, Any] = {
        subject.key: [
            total.count,
            total.booked,
            total.real,
            canon.decimal(total.stated(subject.scope)),
        ]
        for subject, total in closings
    }
    return canon.fingerprint(canon.written(told))[:16]
