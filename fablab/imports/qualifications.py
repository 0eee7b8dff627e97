"""Who may use what, from a file: one line a qualification.

Known by who holds it, what of (a training, or a machine) and the day it was given.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab.db import db
from fablab.imports.members import address, fresh, members_at
from fablab.imports.plan import Kind, Plan, Seen, Step, Where, differing, in_portions, sound
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
    known, found = Known(rows, where), Plan()
    found.steps += [known.step(row) for row in sound(rows, known.problems_of, found)]
    return found


class Known:
    """The people, trainings and machines that the lines speak of, and what is held already."""

    def __init__(self, rows: Sequence[Row], where: Where) -> None:
        self.by, self.today, self.seen = where.by, where.today, Seen()
        here = {"place_id": where.place_id}
        columns = ("email", "given_by")
        named = [row.values[each] for row in rows for each in columns if each in row.values]
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
        yield from self._problems_of_people(row)
        yield from self._problems_of_what(row)
        yield from self._problems_of_days(row)
        first = self._line_before(row)
        if first is not None:
            sentence = N_("The same qualification was on line %(first)s already.")
            yield Problem(row.line, sentence, {"first": first})

    def _problems_of_people(self, row: Row) -> Iterator[Problem]:
        email, given_by = row.values.get("email"), row.values.get("given_by")
        member = self.member(email) if email else None
        if email and (member is None or member.id not in self.here):
            sentence = N_("%(email)s is no member of this place.")
            yield Problem(row.line, sentence, {"email": email}, "email")
        if given_by and self.member(given_by) is None:
            sentence = N_("Nobody has the address %(email)s.")
            yield Problem(row.line, sentence, {"email": given_by}, "given_by")
        is_own = member is not None and member.id == self.by
        if is_own or (given_by and given_by == email):
            column = "email" if is_own else "given_by"
            yield Problem(row.line, N_("Nobody qualifies themselves."), column=column)

    def _problems_of_what(self, row: Row) -> Iterator[Problem]:
        values = row.values
        if "training" in values and self.training(row) is None:
            sentence = N_("There is no training “%(code)s”.")
            yield Problem(row.line, sentence, {"code": values["training"]}, "training")
        if "machine" in values and self.machine(row) is None:
            sentence = N_("There is no machine “%(code)s”.")
            yield Problem(row.line, sentence, {"code": values["machine"]}, "machine")
        if not row.says("training", "machine"):
            sentence = N_("A qualification is of a “training” or of a “machine”.")
            yield Problem(row.line, sentence, column="training")
        if row.says("machine") != row.says("level"):
            sentence = N_("“level” goes with “machine”: a training says itself what it gives.")
            yield Problem(row.line, sentence, column="level")

    def _problems_of_days(self, row: Row) -> Iterator[Problem]:
        given_on, expires_on = row.values.get("given_on"), row.values.get("expires_on")
        if given_on and given_on > self.today:
            sentence = N_("A qualification is given today at the latest.")
            yield Problem(row.line, sentence, column="given_on")
        if given_on and expires_on and expires_on < given_on:
            yield Problem(row.line, N_("It ends before it is given."), column="expires_on")

    def _line_before(self, row: Row) -> int | None:
        """The one that said the same already: who, what of and when, be they known here or not."""
        if not row.knows("email", "training", "machine", "given_on"):
            return None
        values = row.values
        what = (values.get(each, "").casefold() for each in ("training", "machine"))
        return self.seen.before((values["email"], *what, values["given_on"]), row.line)

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
            return Step(row.line, name, differing(values, there), held, row.values)
        training = self.training(row)
        if training and "expires_on" not in values:
            values["expires_on"] = lasts_until(row.values["given_on"], training.validity_months)
        names = ("member_id", "training_id", "machine_id", "given_on")
        changes = dict(zip(names, self.key(row), strict=True)) | values
        return Step(row.line, name, changes, said=row.values | values)

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


TELLING = ("level", "given_on", "expires_on")
KIND = Kind(COLUMNS, plan, write, TELLING)
