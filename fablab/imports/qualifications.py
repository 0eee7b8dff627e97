"""Who may use what, from a file: one line a qualification.

Known by who holds it, what of (a training, or a machine) and the day it was given.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab.db import db
from fablab.imports.members import address, fresh, members_at
from fablab.imports.plan import Kind, Plan, Seen, Step, Where, differing, in_portions
from fablab.imports.sheet import Column, Problem, Row, day, level, line_of_text
from fablab.machines.models import Machine
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.members.models import Member, Membership
from fablab.members.staff import stand_in_line
from fablab.trainings.models import Qualification, Training
from fablab.trainings.rules import lasts_until
from fablab.words import N_

COLUMNS = (
    Column("email", address, is_required=True),
    Column("given_on", day, is_required=True),
    Column("training", line_of_text(40)),
    Column("machine", line_of_text(20)),
    Column("level", level),
    Column("expires_on", day),
    Column("given_by", address),
)


def plan(rows: Sequence[Row], where: Where) -> Plan:
    known = Known(rows, where)
    found, seen = Plan(), Seen()
    for row in rows:
        problems = list(known.problems_of(row))
        if problems:
            found.problems += problems
            continue
        first = seen.before(known.key(row), row.line)
        if first is not None:
            sentence = N_("The same qualification was on line %(first)s already.")
            found.problems.append(Problem(row.line, sentence, {"first": first}))
        else:
            found.steps.append(known.step(row))
    return found


class Known:
    """The people, trainings and machines that the lines speak of, and what is held already."""

    def __init__(self, rows: Sequence[Row], where: Where) -> None:
        self.by, self.today = where.by, where.today
        here = {"place_id": where.place_id}
        named = [row.values["email"] for row in rows]
        named += [row.values["given_by"] for row in rows if "given_by" in row.values]
        self.members = members_at(named)
        self.here = set(db.session.scalars(select(Membership.member_id).filter_by(**here)))
        self.trainings = {
            training.code.casefold(): training
            for training in db.session.scalars(select(Training).filter_by(**here))
        }
        self.machines = {
            machine.code.casefold(): machine
            for machine in db.session.scalars(select(Machine).filter_by(**here))
        }
        ids = [member.id for member in self.members.values()]
        self.held = {
            (one.member_id, one.training_id, one.machine_id, one.given_on): one
            for some in in_portions(ids)
            for one in fresh(select(Qualification).where(Qualification.member_id.in_(some)))
        }

    def problems_of(self, row: Row) -> Iterator[Problem]:
        values = row.values
        member = self.member(values["email"])
        if member is None or member.id not in self.here:
            sentence = N_("%(email)s is no member of this place.")
            yield Problem(row.line, sentence, {"email": values["email"]})
        if "given_by" in values and self.member(values["given_by"]) is None:
            sentence = N_("Nobody has the address %(email)s.")
            yield Problem(row.line, sentence, {"email": values["given_by"]})
        is_own = member is not None and member.id == self.by
        if is_own or values.get("given_by") == values["email"]:
            yield Problem(row.line, N_("Nobody qualifies themselves."))
        if "training" in values and values["training"].casefold() not in self.trainings:
            sentence = N_("There is no training “%(code)s”.")
            yield Problem(row.line, sentence, {"code": values["training"]})
        if "machine" in values and values["machine"].casefold() not in self.machines:
            sentence = N_("There is no machine “%(code)s”.")
            yield Problem(row.line, sentence, {"code": values["machine"]})
        if not {"training", "machine"} & values.keys():
            yield Problem(row.line, N_("A qualification is of a “training” or of a “machine”."))
        if ("machine" in values) != ("level" in values):
            sentence = N_("“level” goes with “machine”: a training says itself what it gives.")
            yield Problem(row.line, sentence)
        if values["given_on"] > self.today:
            yield Problem(row.line, N_("A qualification is given today at the latest."))
        if "expires_on" in values and values["expires_on"] < values["given_on"]:
            yield Problem(row.line, N_("It ends before it is given."))

    def member(self, email: str) -> Member | None:
        member = self.members.get(email)
        return None if member is None or member.erased_at else member

    def training(self, row: Row) -> Training | None:
        return self.trainings.get(row.values.get("training", "").casefold())

    def machine(self, row: Row) -> Machine | None:
        return self.machines.get(row.values.get("machine", "").casefold())

    def key(self, row: Row) -> tuple[Any, ...]:
        training, machine = self.training(row), self.machine(row)
        return (
            self.members[row.values["email"]].id,
            training.id if training else None,
            machine.id if machine else None,
            row.values["given_on"],
        )

    def step(self, row: Row) -> Step:
        kept = {"level", "expires_on"}
        values: dict[str, Any] = {n: value for n, value in row.values.items() if n in kept}
        if "given_by" in row.values:
            values["given_by_id"] = self.members[row.values["given_by"]].id
        held, name = self.held.get(self.key(row)), self.name_of(row)
        if held:
            there = {name: getattr(held, name) for name in ("level", "expires_on", "given_by_id")}
            return Step(row.line, name, differing(values, there), held)
        training = self.training(row)
        if training and "expires_on" not in values:
            values["expires_on"] = lasts_until(row.values["given_on"], training.validity_months)
        names = ("member_id", "training_id", "machine_id", "given_on")
        return Step(row.line, name, dict(zip(names, self.key(row), strict=True)) | values)

    def name_of(self, row: Row) -> str:
        """Whose and what of, in the words of the record."""
        training, machine = self.training(row), self.machine(row)
        of = f"{machine.code} {machine.name}" if machine else training and training.name
        return f"{row.values['email']} {of}"


def write(session: Session, plan: Plan, where: Where, tick: Callable[[], None]) -> None:
    about = {step.changes["member_id"] for step in plan.new}
    about |= {step.target.member_id for step in plan.changed}
    for member_id in sorted(about):
        stand_in_line(session, member_id)
    for step in plan.steps:
        if not step.is_same:
            write_one(session, step, where)
        tick()


def write_one(session: Session, step: Step, where: Where) -> None:
    held, before = step.target, {}
    if held is None:
        held = Qualification(recorded_at=where.now, **step.changes)
        session.add(held)
    else:
        before = said(step.name, held)
        for name, value in step.changes.items():
            setattr(held, name, value)
    audit.note(
        session,
        Deed.QUALIFIED,
        place_id=where.place_id,
        member_id=held.member_id,
        by=where.by,
        now=where.now,
        before=before,
        after=said(step.name, held),
    )


def said(name: str, held: Qualification) -> dict[str, Any]:
    """As the record of a qualification given by hand says it."""
    told = {"of": name.partition(" ")[2], "given_on": held.given_on, "expires_on": held.expires_on}
    return told if held.level is None else told | {"level": held.level}


KIND = Kind(COLUMNS, plan, write)
