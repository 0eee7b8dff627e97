"""Bookings that are over, from a file: one line each, known by its own reference.

What was done elsewhere is written as it was: no rule is asked, nobody gets a mail or a mark. That
nothing stands twice on a machine is asked all the same.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from fablab.booking.ledger import times
from fablab.clock import from_wall, is_repeated, is_skipped, to_wall
from fablab.db import db
from fablab.imports.machines import by_name, name_key
from fablab.imports.members import address, members_at
from fablab.imports.models import ImportedBooking
from fablab.imports.plan import Kind, Plan, Seen, Step, Where, in_portions
from fablab.imports.sheet import (
    Column,
    Problem,
    Row,
    line_of_text,
    moment,
    moment_or_hour,
    one_of,
)
from fablab.machines.commands import change_columns, stand_in_line
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Change, Machine, Occupancy
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.members.models import Member, Membership, calendar_changed
from fablab.organizations.models import Organization
from fablab.slots import Slot
from fablab.words import N_

LONGEST_DAYS = 31


class Use(StrEnum):
    """What became of it."""

    USED = "used"
    CANCELLED = "cancelled"
    MISSED = "missed"


STATUS = {Use.USED: Status.CONFIRMED, Use.CANCELLED: Status.CANCELLED, Use.MISSED: Status.MISSED}
COLUMNS = (
    Column("email", address, is_required=True),
    Column("machine", line_of_text(40), is_required=True),
    Column("start", moment, is_required=True),
    Column("end", moment_or_hour, is_required=True),
    Column("organization", line_of_text(120)),
    Column("purpose", line_of_text(200)),
    Column("status", one_of(Use)),
    Column("reference", line_of_text(200)),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What stands on a machine already, by a booking that is there or by a line before."""

    span: Slot
    line: int = 0  # none: it is there


@dataclass(frozen=True, slots=True)
class Line:
    """What a row speaks of, as far as it can be read and is there."""

    row: Row
    member: Member | None
    machine: Machine | None
    organization: Organization | None
    start: datetime | None
    end: datetime | None
    reference: str  # empty: with what can be read of it nobody knows which booking it is

    @property
    def span(self) -> Slot | None:
        """None also of what is too long to be believed: it would stand in the way of all others."""
        if not (self.start and self.end and self.start < self.end):
            return None
        return None if is_long(self.start, self.end) else Slot(self.start, self.end)

    @property
    def use(self) -> Use:
        found: Use = self.row.values.get("status", Use.USED)
        return found


def is_long(start: datetime, end: datetime) -> bool:
    return (end - start).days >= LONGEST_DAYS


def plan(rows: Sequence[Row], where: Where) -> Plan:
    known = Known(rows, where)
    found, seen = Plan(), Seen()
    for line in known.lines:
        row, problems = line.row, list(known.problems_of(line))
        first = seen.before(line.reference, row.line) if line.reference else None
        if first is not None:
            sentence = N_("The same booking was on line %(first)s already.")
            problems.append(Problem(row.line, sentence, {"first": first}, "reference"))
        there = known.there.get(line.reference)
        if there is None:
            problems += known.in_the_way(line, first)
            found.notes += known.repeated(row)
        elif row.is_whole and not problems and there.digest != known.digest(line):
            (found.notes if row.is_kept else problems).append(says_else(line))
        found.problems += problems
        if row.is_whole and not problems:
            found.steps.append(known.step(line))
    return found


def says_else(line: Line) -> Problem:
    sentence = N_(
        "“%(reference)s” was imported before and says something else now: nothing is changed by a"
        " file."
    )
    return Problem(line.row.line, sentence, {"reference": line.reference}, "reference")


class Known:
    """The people, machines and organizations that the lines speak of, and what stands there."""

    def __init__(self, rows: Sequence[Row], where: Where) -> None:
        self.where = where
        here = {"place_id": where.place_id}
        self.members = members_at([row.values["email"] for row in rows if "email" in row.values])
        self.audiences = dict(
            db.session.execute(
                select(Membership.member_id, Membership.audience).filter_by(**here)
            ).all()
        )
        self.organizations = by_name(Organization, here)
        machines = db.session.scalars(select(Machine).filter_by(**here)).all()
        self.machines = {machine.slug: machine for machine in machines}
        self.machines |= {machine.code.casefold(): machine for machine in machines}
        self.lines = [self._line(row) for row in rows]
        references = sorted({line.reference for line in self.lines} - {""})
        self.there = {
            one.reference: one
            for some in in_portions(references)
            for one in db.session.scalars(
                select(ImportedBooking)
                .where(ImportedBooking.reference.in_(some))
                .filter_by(**here)
                .execution_options(populate_existing=True)
            )
        }
        self.taken = self._taken()

    def _line(self, row: Row) -> Line:
        values, walls = row.values, self.walls(row)
        machine = self.machines.get(values.get("machine", "").casefold())
        organization = self.organizations.get(name_key(values.get("organization", "")))
        member = self.members.get(values.get("email", ""))
        if member and (member.erased_at or member.id not in self.audiences):
            member = None
        start, end = (self._instant(walls.get(name, values.get(name))) for name in ("start", "end"))
        reference = self._reference(row, machine, start, end)
        return Line(row, member, machine, organization, start, end, reference)

    def walls(self, row: Row) -> dict[str, datetime]:
        """What was written, on the wall, by column; what came with a zone is no such thing."""
        start, end = row.values.get("start"), row.values.get("end")
        if isinstance(end, time):
            end = datetime.combine(start.date(), end) if start else None
        found = {"start": start, "end": end}
        return {name: at for name, at in found.items() if at and at.tzinfo is None}

    def _instant(self, at: datetime | time | None) -> datetime | None:
        """Of an hour that the clock shows twice the first is meant; of one that it skips none."""
        if not isinstance(at, datetime) or at.tzinfo is not None:
            return at if isinstance(at, datetime) else None
        if is_skipped(self.where.zone, at.date(), at.time()):
            return None
        return from_wall(self.where.zone, at.date(), at.time())

    def _reference(
        self, row: Row, machine: Machine | None, start: datetime | None, end: datetime | None
    ) -> str:
        """Its own; else who, what and when, so that the same line is the same booking."""
        if "reference" in row.values:
            return str(row.values["reference"])
        if not (start and end and row.knows("reference", "email", "machine")):
            return ""
        called = machine.slug if machine else row.values["machine"].casefold()
        return f"line:{hashed(row.values['email'], called, start, end)}"

    def _taken(self) -> dict[int, list[Taken]]:
        """By machine, in order: standing occupancies of one never overlap."""
        found: dict[int, list[Taken]] = defaultdict(list)
        sound = [(line.machine, line.span) for line in self.lines]
        spans = [(machine.id, span) for machine, span in sound if machine and span]
        table = Occupancy.__table__.c
        for machine_id in sorted({machine_id for machine_id, _span in spans}):
            asked = select(table.occupied_from, table.occupied_until).where(
                table.machine_id == machine_id,
                table.standing,
                table.occupied_from < max(span.end for _id, span in spans),
                table.occupied_until > min(span.start for _id, span in spans),
            )
            stands = (Taken(Slot(*each)) for each in db.session.execute(asked))
            found[machine_id] = sorted(stands, key=lambda each: each.span)
        return found

    def problems_of(self, line: Line) -> Iterator[Problem]:
        values, at = line.row.values, line.row.line
        if "email" in values and line.member is None:
            sentence = N_("%(email)s is no member of this place.")
            yield Problem(at, sentence, {"email": values["email"]}, "email")
        if "machine" in values and line.machine is None:
            sentence = N_("There is no machine “%(code)s”.")
            yield Problem(at, sentence, {"code": values["machine"]}, "machine")
        if "organization" in values and line.organization is None:
            sentence = N_("There is no organization “%(name)s”: make it first.")
            yield Problem(at, sentence, {"name": values["organization"]}, "organization")
        for name, wall in self.walls(line.row).items():
            if is_skipped(self.where.zone, wall.date(), wall.time()):
                sentence = N_("The clocks went forward: there was no %(hour)s on %(day)s.")
                told = {"hour": f"{wall:%H:%M}", "day": f"{wall:%Y-%m-%d}"}
                yield Problem(at, sentence, told, name)
        yield from self._problems_of_span(line)

    def _problems_of_span(self, line: Line) -> Iterator[Problem]:
        start, end = line.start, line.end
        if start and end and end <= start:
            yield Problem(line.row.line, N_("It ends before it begins."), column="end")
        elif start and end and is_long(start, end):
            sentence = N_("It is longer than %(days)s days.")
            yield Problem(line.row.line, sentence, {"days": LONGEST_DAYS}, "end")
        latest = max(filter(None, (start, end)), default=None)
        if latest and latest > self.where.now:
            sentence = N_(
                "It is not over yet: book it, or bring it in with the calendar that it is in."
            )
            yield Problem(line.row.line, sentence, column="end" if end else "start")

    def repeated(self, row: Row) -> Iterator[Problem]:
        for at in self.walls(row).values():
            if is_repeated(self.where.zone, at.date(), at.time()):
                sentence = N_("The clock showed %(hour)s twice that night: the first is meant.")
                yield Problem(row.line, sentence, {"hour": f"{at:%H:%M}"})

    def digest(self, line: Line) -> str:
        """Of all that the line says. Only of one that nothing is wrong with."""
        assert line.member
        assert line.machine
        organization = name_key(line.row.values.get("organization", ""))
        purpose = line.row.values.get("purpose", "")
        who, what = line.member.uid, line.machine.slug
        return hashed(who, what, line.start, line.end, organization, purpose, line.use)

    def in_the_way(self, line: Line, first: int | None) -> Iterator[Problem]:
        """What stands there already; else it stands there from now on itself, whatever else is
        wrong with it. `first` is the line that it repeats, which is told of by itself.
        """
        span, at = line.span, line.row.line
        if not (line.machine and span and line.row.knows("status") and line.use is Use.USED):
            return
        stands = self.taken[line.machine.id]
        after = bisect_left(stands, span, key=lambda each: each.span)
        near = [each for each in stands[max(after - 1, 0) : after + 2] if each.line != first]
        other = next((each for each in near if each.span.overlaps(span)), None)
        if other is None:
            if first is None:
                stands.insert(after, Taken(span, at))
        elif other.line:
            sentence = N_("The machine is taken then, by line %(first)s: %(hours)s.")
            yield Problem(at, sentence, {"first": other.line} | self._said(other), "machine")
        elif line.reference:  # else it may be this very line that stands there
            sentence = N_("The machine is taken then: %(hours)s.")
            yield Problem(at, sentence, self._said(other), "machine")

    def _said(self, taken: Taken) -> dict[str, Any]:
        start, end = (to_wall(self.where.zone, at) for at in (taken.span.start, taken.span.end))
        return {"hours": f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}"}

    def step(self, line: Line) -> Step:
        """Only of a line that nothing is wrong with."""
        member, machine, row = line.member, line.machine, line.row
        assert member
        assert machine
        assert line.start
        wall = to_wall(self.where.zone, line.start)
        name = f"{member.email} {machine.code} {wall:%Y-%m-%d %H:%M}"
        there, said = self.there.get(line.reference), self._all_said(line)
        if there is not None:
            return Step(row.line, name, {}, there, said)
        changes = {
            "member_id": member.id,
            "machine_id": machine.id,
            "start": line.start,
            "end": line.end,
            "organization_id": line.organization.id if line.organization else None,
            "purpose": row.values.get("purpose", ""),
            "status": line.use,
            "audience": self.audiences[member.id],
            "reference": line.reference,
            "digest": self.digest(line),
        }
        return Step(row.line, name, changes, said=said)

    def _all_said(self, line: Line) -> dict[str, Any]:
        """The reference of a calendar's event is nobody's to read."""
        values = dict(line.row.values) | {"status": line.use}
        for name, at in (("start", line.start), ("end", line.end)):
            values[name] = to_wall(self.where.zone, at) if at else None
        if line.organization:
            values["organization"] = line.organization.name
        if line.row.is_kept:
            del values["reference"]
        return values


def hashed(*values: Any) -> str:
    said = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return sha256(repr(said).encode()).hexdigest()


def write(session: Session, plan: Plan, where: Where, tick: Callable[[], None]) -> None:
    """In the line of each machine, with the guards on; a few statements for each 500."""
    steps = plan.new
    stand_in_line(session, *{step.changes["machine_id"] for step in steps})
    calendar_changed(session, *{step.changes["member_id"] for step in steps})
    for some in in_portions(steps):
        _write(session, some, where)
        for _ in some:
            tick()
    counts: dict[int, int] = defaultdict(int)
    for step in steps:
        counts[step.changes["machine_id"]] += 1
    for machine_id, count in sorted(counts.items()):
        audit.note(
            session,
            Deed.INVENTORY,
            place_id=where.place_id,
            machine_id=machine_id,
            by=where.by,
            now=where.now,
            after={"past_bookings": count},
        )


def _write(session: Session, steps: Sequence[Step], where: Where) -> None:
    rows = [row_of(step.changes, where) for step in steps]
    connection = session.connection()
    connection.execute(insert(Occupancy.__table__), rows)
    table = Occupancy.__table__.c
    asked = select(table.uid, table.id).where(table.uid.in_([row["uid"] for row in rows]))
    ids = {row.uid: row.id for row in connection.execute(asked)}
    # Told already: nobody hears of what they did long ago.
    changes = [
        change_columns(ids[row["uid"]], "imported", by=where.by, now=where.now)
        | {"told_at": where.now}
        for row in rows
    ]
    connection.execute(insert(Change.__table__), changes)
    connection.execute(
        insert(ImportedBooking.__table__),
        [
            {
                "place_id": where.place_id,
                "reference": step.changes["reference"],
                "digest": step.changes["digest"],
                "occupancy_id": ids[row["uid"]],
            }
            for step, row in zip(steps, rows, strict=True)
        ],
    )


def row_of(values: dict[str, Any], where: Where) -> dict[str, Any]:
    slot = Slot(values["start"].astimezone(UTC), values["end"].astimezone(UTC))
    status = STATUS[values["status"]]
    return {
        "uid": str(uuid4()),
        "kind": OccupancyKind.BOOKING,
        "status": status,
        "standing": status is Status.CONFIRMED,
        "revision": 0,
        "created_at": where.now,
        "changed_at": where.now,
        "cancelled_at": slot.start if status is Status.CANCELLED else None,
        "created_by_id": None,
        "member_id": values["member_id"],
        "organization_id": values["organization_id"],
        "title": values["purpose"],
        "audience": values["audience"],
        "counts_in_quota": True,
        "override_reason": "",
        "is_accompanied": False,
        **times(values["machine_id"], slot, slot),
    }


TELLING = ("end", "status", "purpose", "organization", "reference")
KIND = Kind(COLUMNS, plan, write, TELLING)
