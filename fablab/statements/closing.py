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
    amount: str
    readers: str  # whom a mail tells; empty: nobody


def shown(closings: Sequence[Closing], currency: str, day: date) -> list[ClosingShown]:
    told = queries.readers_of([each.subject for each in closings], day)
    return [
        ClosingShown(
            pages.titled(subject.scope, subject.name, subject.activity),
            subject.scope,
            total.count,
            pages.time_used(total.booked),
            pages.money(worth(subject, total), currency),
            names(told[subject.key]),
        )
        for subject, total in closings
    ]


def worth(subject: Subject, total: Total) -> Any:
    return total.share if subject.scope is Scope.OWNER else total.amount


def names(readers: Iterable[Any]) -> str:
    return ", ".join(queries.full_name(row) for row in readers)


def seen(closings: Iterable[Closing]) -> str:
    """Of what was shown: whoever confirms it closes that, and nothing that came in between."""
    told: Mapping[str, Any] = {
        subject.key: [total.count, total.booked, total.real, canon.decimal(worth(subject, total))]
        for subject, total in closings
    }
    return canon.fingerprint(canon.written(told))[:16]
