"""Bringing in what a place had elsewhere: machines, members and qualifications, from CSV files.

A file is read (`read`), compared with what is there (`compare`), and only then, whole or not at
all, written (`apply`). The columns are told in docs/import.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from sqlalchemy.exc import IntegrityError

from fablab.clock import today
from fablab.db import Busy, NoSuch, NotAllowed, db, retried, writing
from fablab.imports import drafts, machines, members, qualifications, sheet
from fablab.imports.plan import Kind, Plan, Where
from fablab.imports.sheet import MAX_BYTES, Problem, Sheet
from fablab.members.kinds import Role
from fablab.members.staff import roles_held
from fablab.places.models import Place

KINDS = {
    "machines": machines.KIND,
    "members": members.KIND,
    "qualifications": qualifications.KIND,
}


class ChangedMeanwhile(Exception):
    """What would be written now is not what was shown. Nothing was written."""


class ImportRefused(Exception):
    """Nothing was written, for each of `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Shown:
    """A draft, and the fingerprint of the plan that was looked at."""

    uid: str
    seen: str


def read(kind: Kind, data: bytes) -> Sheet:
    """The lines of a file and what is wrong with them; asks the database nothing."""
    return sheet.read(data, kind.columns)


def compare(
    kind: Kind, lines: Sheet, place_id: int, *, now: datetime, by: int | None = None
) -> Plan:
    """What writing the lines would do, with every problem of the file in the order of its lines.

    Raises NoSuch for a place that does not exist.
    """
    plan = kind.plan(lines.rows, where(place_id, now, by))
    plan.problems = sorted([*lines.problems, *plan.problems], key=lambda one: one.line)
    return plan


def may_import(kind: Kind, place_id: int, by: int | None) -> bool:
    """A file of people makes accounts by the hundred: an administrator's to do, or the command
    line's, where `by` is nobody.
    """
    return kind != members.KIND or by is None or Role.ADMINISTRATOR in roles_held(by, place_id)


@retried
def apply(
    kind: Kind,
    lines: Sheet,
    place_id: int,
    *,
    now: datetime,
    by: int | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
    draft: Shown | None = None,
) -> Plan:
    """Write the lines, all or none; `told` hears after each how many of how many are done.

    Raises NotAllowed as `may_import` says, ImportRefused, NoSuch, GuardMissing, and Busy, also
    when somebody else wrote one of the same codes or addresses in the same moment. Of a draft,
    which is gone with it: ChangedMeanwhile, and NoSuch when it is there no longer.
    """
    try:
        with writing() as session:
            if not may_import(kind, place_id, by):
                raise NotAllowed
            if draft:
                drafts.use_up(session, draft.uid, place_id)
            plan = compare(kind, lines, place_id, now=now, by=by)
            if plan.problems:
                raise ImportRefused(plan.problems)
            if draft and draft.seen != plan.fingerprint:
                raise ChangedMeanwhile
            done = count(1)
            kind.write(
                session,
                plan,
                where(place_id, now, by),
                lambda: told(next(done), len(plan.steps)),
            )
            return plan
    except IntegrityError as error:
        raise Busy from error


def where(place_id: int, now: datetime, by: int | None) -> Where:
    place = db.session.get(Place, place_id)
    if place is None:
        raise NoSuch(f"no place {place_id}")
    return Where(place.id, place.slug, today(place.tz, now), now, by)


__all__ = [
    "KINDS",
    "MAX_BYTES",
    "ChangedMeanwhile",
    "ImportRefused",
    "Kind",
    "Plan",
    "Problem",
    "Sheet",
    "Shown",
    "apply",
    "compare",
    "may_import",
    "read",
]
