"""Bringing in what a place had elsewhere: machines, members, qualifications and past bookings.

A file is read (`read`), compared with what is there (`compare`), and only then, whole or not at
all, written (`apply`). The columns are told in docs/import.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from fablab.clock import today
from fablab.db import Busy, NoSuch, NotAllowed, db, retried, writing
from fablab.imports import (
    bookings,
    calendar,
    columns,
    drafts,
    machines,
    members,
    qualifications,
    sheet,
)
from fablab.imports.plan import Kind, Plan, Where, text_of
from fablab.imports.sheet import MAX_BYTES, Problem, Sheet, first_lines, shown
from fablab.members.kinds import Role
from fablab.members.models import Member, Membership
from fablab.members.staff import roles_held
from fablab.places.models import Place

KINDS = {
    "machines": machines.KIND,
    "members": members.KIND,
    "qualifications": qualifications.KIND,
    "bookings": bookings.KIND,
}


CALENDAR = "calendar"  # of one machine: its past is bookings


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


def read(kind: Kind, data: bytes, names: Mapping[str, str] | None = None) -> Sheet:
    """The lines of a file and what is wrong with them; asks the database nothing. `names` says
    what our columns are called in it.
    """
    return sheet.read(data, kind.columns, names)


def lines_of(
    what: str, content: bytes, options: Mapping[str, Any] | None, place_id: int, *, now: datetime
) -> tuple[Sheet, list[Problem]]:
    """The lines of a file that was sent, read as its `options` say, and what is good to know."""
    if what != CALENDAR:
        return read(KINDS[what], content, options), []
    said = options or {}
    whose = calendar.Whose(
        said.get("machine", ""), said.get("holder", ""), addresses_of_members(place_id)
    )
    found = calendar.past(content, whose, zone=where(place_id, now, None).zone, now=now)
    return found.sheet, found.notes


def addresses_of_members(place_id: int) -> frozenset[str]:
    asked = select(Member.email).join(Membership, Membership.member_id == Member.id)
    here = asked.where(Membership.place_id == place_id, Member.erased_at.is_(None))
    return frozenset(db.session.scalars(here))


def kind_of(what: str) -> Kind:
    """What its lines are."""
    return KINDS["bookings" if what == CALENDAR else what]


def names_of_export(what: str, data: bytes) -> dict[str, str] | None:
    """What our columns are called in an export that is known; None in any other file."""
    header = next(iter(first_lines(data, 1)), [])
    return columns.of_export(what, header, [each.name for each in KINDS[what].columns])


def has_our_columns(what: str, data: bytes) -> bool:
    """Whether there is nothing to ask about the first line; so too where there is none, or it is a
    single name, as that of something else than a list.
    """
    header = next(iter(first_lines(data, 1)), [])
    known = {each.name for each in KINDS[what].columns}
    return sum(map(bool, header)) < 2 or columns.are_ours(header, known)  # noqa: PLR2004


def compare(
    kind: Kind, lines: Sheet, place_id: int, *, now: datetime, by: int | None = None
) -> Plan:
    """What writing the lines would do, with every problem of the file in the order of its lines,
    and of each line as one reads it.

    Raises NoSuch for a place that does not exist.
    """
    plan = kind.plan(lines.rows, where(place_id, now, by))
    plan.problems = lines.in_order([*lines.problems, *plan.problems])
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
    return Where(place.id, place.slug, today(place.tz, now), now, by, place.tz)


__all__ = [
    "CALENDAR",
    "KINDS",
    "MAX_BYTES",
    "ChangedMeanwhile",
    "ImportRefused",
    "Kind",
    "Plan",
    "Problem",
    "Sheet",
    "Shown",
    "addresses_of_members",
    "apply",
    "calendar",
    "compare",
    "first_lines",
    "has_our_columns",
    "kind_of",
    "lines_of",
    "may_import",
    "names_of_export",
    "read",
    "shown",
    "text_of",
]
