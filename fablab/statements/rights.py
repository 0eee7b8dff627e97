"""Who may read a statement, and whose names in it. The team and its accountant read all of their
place, and close them.
"""

from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Any

from fablab.statements import queries
from fablab.statements.kinds import Scope


class Sight(Enum):
    """How much of a statement somebody sees; the numbers are the same for all who see it."""

    NAMES = "names"  # of everybody in it
    OWN = "own"  # theirs alone, for there is nobody else in it


def sight_of(person: Any, about: Any, day: date) -> Sight | None:
    """Of a statement or of its subject; None: for them there is no such thing. At most one
    statement of the database.
    """
    if person.reads_accounts(about.place_id):
        return Sight.NAMES
    if about.scope is Scope.MEMBER:
        return Sight.OWN if about.member_id == person.id else None
    stay = queries.stay_in(about.organization_id, person.id, day)
    if stay is None:
        return None
    if stay.is_manager:
        return Sight.NAMES
    is_theirs = about.scope is Scope.ACTIVITY and stay.activity == about.activity
    return Sight.OWN if is_theirs else None


def may_see(sight: Sight | None, member_id: int, people: Any) -> bool:
    """Who sees their own alone sees nothing where somebody else is in it too."""
    if sight is Sight.OWN:
        return all(row.id == member_id for row in people.values())
    return sight is not None


def seen(rows: Sequence[Any], member_id: int) -> list[Any]:
    """Of closed ones, those that whoever sees their own alone may read. At most one statement of
    the database.
    """
    hidden = queries.of_others((row.id for row in rows), member_id)
    return [row for row in rows if row.id not in hidden]
