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
from fablab.members.models import Membership, calendar_changed
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


def plan(rows: Sequence[Row], where: Where) -> Plan:
    known = Known(rows, where)
    found, seen = Plan(), Seen()
    for row in rows:
        problems = list(known.problems_of(row))
        if problems:
            found.problems += problems
            continue
        first = seen.before(known.reference(row), row.line)
        if first is not None:
            sentence = N_("The same booking was on line %(first)s already.")
            found.problems.append(Problem(row.line, sentence, {"first": first}))
            continue
        step = known.step(row)
        if step.is_same and step.target.digest != known.digest(row):
            sentence = N_(
                "“%(reference)s” was imported before and says something else now: nothing is"
                " changed by a file."
            )
            told = {"reference": known.reference(row)}
            among = found.notes if row.is_kept else found.problems
            among.append(Problem(row.line, sentence, told))
            if not row.is_kept:
                continue
        if step.is_new:
            found.problems += known.in_the_way(row)
            found.notes += known.repeated(row)
        found.steps.append(step)
    return found


class Known:
    """The people, machines and organizations that the lines speak of, and what stands there."""

    def __init__(self, rows: Sequence[Row], where: Where) -> None:
        self.where = where
        here = {"place_id": where.place_id}
        self.members = members_at([row.values["email"] for row in rows])
        self.audiences = dict(
            db.session.execute(
                select(Membership.member_id, Membership.audience).filter_by(**here)
            ).all()
        )
        self.organizations = by_name(Organization, here)
        machines = db.session.scalars(select(Machine).filter_by(**here)).all()
        self.machines = {machine.slug: machine for machine in machines}
        self.machines |= {machine.code.casefold(): machine for machine in machines}
        references = sorted({self.reference(row) for row in rows if self.is_sound(row)})
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
        self.taken = self._taken(rows)

    def _taken(self, rows: Sequence[Row]) -> dict[int, list[Taken]]:
        """By machine, in order: standing occupancies of one never overlap."""
        sound = [row for row in rows if self.is_sound(row)]
        found: dict[int, list[Taken]] = defaultdict(list)
        if not sound:
            return found
        slots = [self.slot(row) for row in sound]
        table = Occupancy.__table__.c
        for machine_id in sorted({self.machine(row).id for row in sound}):
            asked = select(table.occupied_from, table.occupied_until).where(
                table.machine_id == machine_id,
                table.standing,
                table.occupied_from < max(slot.end for slot in slots),
                table.occupied_until > min(slot.start for slot in slots),
            )
            spans = (Taken(Slot(*each)) for each in db.session.execute(asked))
            found[machine_id] = sorted(spans, key=lambda each: each.span)
        return found

    def is_sound(self, row: Row) -> bool:
        return not list(self.problems_of(row))

    def problems_of(self, row: Row) -> Iterator[Problem]:
        values, member = row.values, self.members.get(row.values["email"])
        if member is None or member.erased_at or member.id not in self.audiences:
            sentence = N_("%(email)s is no member of this place.")
            yield Problem(row.line, sentence, {"email": values["email"]})
        if values["machine"].casefold() not in self.machines:
            sentence = N_("There is no machine “%(code)s”.")
            yield Problem(row.line, sentence, {"code": values["machine"]})
        if "organization" in values and name_key(values["organization"]) not in self.organizations:
            sentence = N_("There is no organization “%(name)s”: make it first.")
            yield Problem(row.line, sentence, {"name": values["organization"]})
        for at in self.walls(row):
            if is_skipped(self.where.zone, at.date(), at.time()):
                sentence = N_("The clocks went forward: there was no %(hour)s on %(day)s.")
                told = {"hour": f"{at:%H:%M}", "day": f"{at:%Y-%m-%d}"}
                yield Problem(row.line, sentence, told)
        yield from self._problems_of_span(row)

    def _problems_of_span(self, row: Row) -> Iterator[Problem]:
        start, end = self.bounds(row)
        if end <= start:
            yield Problem(row.line, N_("It ends before it begins."))
        elif (end - start).days >= LONGEST_DAYS:
            sentence = N_("It is longer than %(days)s days.")
            yield Problem(row.line, sentence, {"days": LONGEST_DAYS})
        elif end > self.where.now:
            sentence = N_(
                "It is not over yet: book it, or bring it in with the calendar that it is in."
            )
            yield Problem(row.line, sentence)

    def walls(self, row: Row) -> list[datetime]:
        """What was written, on the wall; what came with a zone is no such thing."""
        start, end = row.values["start"], row.values["end"]
        if isinstance(end, time):
            end = datetime.combine(start.date(), end)
        return [at for at in (start, end) if at.tzinfo is None]

    def bounds(self, row: Row) -> tuple[datetime, datetime]:
        """Of an hour that the clock shows twice the first is meant."""
        walls = self.walls(row)
        if not walls:
            return row.values["start"], row.values["end"]
        start, end = (from_wall(self.where.zone, at.date(), at.time()) for at in walls)
        return start, end

    def slot(self, row: Row) -> Slot:
        return Slot(*self.bounds(row))

    def repeated(self, row: Row) -> Iterator[Problem]:
        for at in self.walls(row):
            if is_repeated(self.where.zone, at.date(), at.time()):
                sentence = N_("The clock showed %(hour)s twice that night: the first is meant.")
                yield Problem(row.line, sentence, {"hour": f"{at:%H:%M}"})

    def machine(self, row: Row) -> Machine:
        return self.machines[row.values["machine"].casefold()]

    def use(self, row: Row) -> Use:
        return row.values.get("status", Use.USED)

    def reference(self, row: Row) -> str:
        """Its own; else who, what and when, so that the same line is the same booking."""
        if "reference" in row.values:
            return str(row.values["reference"])
        start, end = self.bounds(row)
        key = (row.values["email"], self.machine(row).slug, start, end)
        return f"line:{hashed(*key)}"

    def digest(self, row: Row) -> str:
        """Of all that the line says."""
        member, machine = self.members[row.values["email"]].uid, self.machine(row).slug
        organization = name_key(row.values.get("organization", ""))
        purpose = row.values.get("purpose", "")
        return hashed(member, machine, *self.bounds(row), organization, purpose, self.use(row))

    def in_the_way(self, row: Row) -> Iterator[Problem]:
        """What stands there already; else it stands there from now on itself."""
        if self.use(row) is not Use.USED:
            return
        span, line = self.slot(row), self.taken[self.machine(row).id]
        at = bisect_left(line, span, key=lambda each: each.span)
        near = line[max(at - 1, 0) : at + 1]
        other = next((each for each in near if each.span.overlaps(span)), None)
        if other is None:
            line.insert(at, Taken(span, row.line))
        elif other.line:
            sentence = N_("The machine is taken then, by line %(first)s.")
            yield Problem(row.line, sentence, {"first": other.line})
        else:
            yield Problem(row.line, N_("The machine is taken then: %(hours)s."), self._said(other))

    def _said(self, taken: Taken) -> dict[str, str]:
        start, end = (to_wall(self.where.zone, at) for at in (taken.span.start, taken.span.end))
        return {"hours": f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}"}

    def step(self, row: Row) -> Step:
        member, machine = self.members[row.values["email"]], self.machine(row)
        there = self.there.get(self.reference(row))
        start, end = self.bounds(row)
        wall = to_wall(self.where.zone, start)
        name = f"{member.email} {machine.code} {wall:%Y-%m-%d %H:%M}"
        if there is not None:
            return Step(row.line, name, {}, there)
        organization = self.organizations.get(name_key(row.values.get("organization", "")))
        changes = {
            "member_id": member.id,
            "machine_id": machine.id,
            "start": start,
            "end": end,
            "organization_id": organization.id if organization else None,
            "purpose": row.values.get("purpose", ""),
            "status": self.use(row),
            "audience": self.audiences[member.id],
            "reference": self.reference(row),
            "digest": self.digest(row),
        }
        return Step(row.line, name, changes)


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


KIND = Kind(COLUMNS, plan, write)
