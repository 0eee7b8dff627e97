"""The inventory from a file: one line a machine, known by its code."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from fablab.db import db
from fablab.imports import retiring
from fablab.imports.plan import Kind, Plan, Seen, Step, Where, differing, sound
from fablab.imports.sheet import (
    BadCell,
    Column,
    Problem,
    Row,
    day,
    line_of_text,
    list_of_texts,
    named_facts,
    one_of,
    text_of_lines,
)
from fablab.machines.commands import how_it_is, stand_in_line
from fablab.machines.inventory import Inventory, of_place
from fablab.machines.kinds import MachineState, RiskClass
from fablab.machines.models import Category, Machine, Pool
from fablab.machines.sheets import HUES, RESERVED
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.organizations.models import Organization
from fablab.upkeep import stopping
from fablab.words import N_, slug

STOPPED = (MachineState.OUT_OF_SERVICE, MachineState.LOCKED_OUT)
LETS_DOWN = N_(
    "“%(code)s” stops: bookings that stand on it meanwhile, of people whom nobody tells: %(count)s."
)


def sluggish(longest: int) -> Callable[[str], str]:
    """A line of text from which an address can be made."""
    parse = line_of_text(longest)

    def with_letters(typed: str) -> str:
        if not slug(parse(typed)):
            raise BadCell(N_("“%(column)s” has no letter or digit that an address can be made of."))
        return parse(typed)

    return with_letters


COLUMNS = (
    Column("code", sluggish(20), is_required=True),
    Column("name", line_of_text(120), is_required=True),
    Column("category", sluggish(80), is_required=True),
    Column("model", line_of_text(120)),
    Column("location", line_of_text(120)),
    Column("specs", named_facts),
    Column("materials_allowed", list_of_texts),
    Column("materials_forbidden", list_of_texts),
    Column("risk_class", one_of(RiskClass)),
    Column("notes", text_of_lines(4000)),
    Column("asset_number", line_of_text(40)),
    Column("funder", line_of_text(120)),
    Column("owner", line_of_text(120)),
    Column("pool", sluggish(80)),
    Column("state", one_of(MachineState)),
    Column("state_reason", line_of_text(200)),
    Column("back_on", day),
)


def plan(rows: Sequence[Row], where: Where) -> Plan:
    known, found = Known(where), Plan()
    for row in sound(rows, known.problems_of, found):
        found.steps.append(known.step(row, found))
        found.notes += known.notes_of(row)
    return found


class Known:
    """What the place has already, to find what lines speak of."""

    def __init__(self, where: Where) -> None:
        self.where, self.seen = where, Seen()
        self.addresses: dict[str, str] = {}  # of the new machines, by code
        here = {"place_id": where.place_id}
        machines = select(Machine).filter_by(**here)
        self.machines = {
            machine.code.casefold(): machine
            for machine in db.session.scalars(
                machines.options(
                    joinedload(Machine.category), joinedload(Machine.pool)
                ).execution_options(populate_existing=True)
            )
        }
        self.slugs = {
            taken.slug: (taken.place_id, taken.code.casefold())
            for taken in db.session.execute(select(Machine.slug, Machine.place_id, Machine.code))
        }
        self.categories = by_name(Category, here)
        self.pools = by_name(Pool, here)
        self.owners = by_name(Organization, here)

    def problems_of(self, row: Row) -> Iterator[Problem]:
        values = row.values
        if "code" in values:
            yield from self._problems_of_code(row.line, values["code"])
        if "owner" in values and name_key(values["owner"]) not in self.owners:
            sentence = N_("There is no organization “%(name)s”: make it first.")
            yield Problem(row.line, sentence, {"name": values["owner"]}, "owner")
        if row.knows("code", "state"):
            machine = self.machine_of(row)
            there = machine.state if machine else MachineState.IN_SERVICE
            yield from self._problems_of_state(row, machine, values.get("state", there))
        elif "state" in values:
            yield from self._problems_of_back_on(row, None, values["state"])

    def _problems_of_code(self, line: int, code: str) -> Iterator[Problem]:
        first = self.seen.before(code.casefold(), line)
        if first is not None:
            sentence = N_("The code “%(code)s” was on line %(first)s already.")
            yield Problem(line, sentence, {"code": code, "first": first}, "code")
        elif code.casefold() not in self.machines and not self.take_address(code):
            sentence = N_("The code “%(code)s” is too much like that of another machine.")
            yield Problem(line, sentence, {"code": code}, "code")

    def _problems_of_state(
        self, row: Row, machine: Machine | None, state: MachineState
    ) -> Iterator[Problem]:
        yield from self._problems_of_back_on(row, machine, state)
        is_why_said = row.says("state_reason") or (machine and machine.state_reason)
        if "state" in row.values and state in STOPPED and not is_why_said:
            sentence = N_("Say in “state_reason” why it is stopped: members read it.")
            yield Problem(row.line, sentence, column="state_reason")
        if machine is None or not is_to_retire(row, machine):
            return
        if not is_why_said:
            sentence = N_("Say in “state_reason” why it is retired: the record keeps it.")
            yield Problem(row.line, sentence, column="state_reason")
        problem = retiring.counted_on(row.line, machine, self.held)
        if problem:
            yield problem

    def _problems_of_back_on(
        self, row: Row, machine: Machine | None, state: MachineState
    ) -> Iterator[Problem]:
        """What no machine has in this state."""
        column = "state_reason" if row.says("state_reason") else "back_on"
        if state is MachineState.IN_SERVICE and row.says("state_reason", "back_on"):
            sentence = N_("A machine in service has neither “state_reason” nor “back_on”.")
            yield Problem(row.line, sentence, column=column)
        is_there = machine and machine.back_on and machine.back_on == row.values.get("back_on")
        if state is MachineState.RETIRED and row.says("back_on") and not is_there:
            sentence = N_("A retired machine has no “back_on”: it is not expected back.")
            yield Problem(row.line, sentence, column="back_on")

    def machine_of(self, row: Row) -> Machine | None:
        return self.machines.get(row.values["code"].casefold())

    def notes_of(self, row: Row) -> Iterator[Problem]:
        """What stops with this file, and how many bookings it lets down."""
        machine = self.machine_of(row)
        state, back_on = row.values.get("state"), row.values.get("back_on")
        if machine is None or state is None:
            return
        if is_to_retire(row, machine):
            yield retiring.retires(row.line, machine)
        elif state in STOPPED and machine.state is MachineState.IN_SERVICE:
            now = self.where.now
            concerned = stopping.concerned(self.inventory, machine.id, state, back_on, now)
            if concerned:
                told = {"code": machine.code, "count": len(concerned), "machine": machine.slug}
                yield Problem(row.line, LETS_DOWN, told)

    @cached_property
    def held(self) -> dict[int, retiring.Held]:
        return retiring.held(self.where)

    @cached_property
    def inventory(self) -> Inventory:
        return of_place(place_id=self.where.place_id)

    def take_address(self, code: str) -> str:
        """The slug of a new machine, different from all others, which from now on is taken; empty
        when there is none left.
        """
        for candidate in (slug(code), f"{self.where.slug}-{slug(code)}"):
            if candidate in RESERVED:
                continue
            taken_by = self.slugs.setdefault(candidate, (self.where.place_id, code.casefold()))
            if taken_by == (self.where.place_id, code.casefold()):
                self.addresses[code.casefold()] = candidate
                return candidate
            if taken_by[0] == self.where.place_id:
                break
        return ""

    def step(self, row: Row, found: Plan) -> Step:
        """What the line changes; new categories and pools are noted in the plan."""
        code = row.values["code"]
        machine, values = self.machine_of(row), dict(row.values)
        values["category"] = self.named(values["category"], self.categories, found.categories)
        if "pool" in values:
            values["pool"] = self.named(values["pool"], self.pools, found.pools)
        if "owner" in values:
            values["owner"] = self.owners[name_key(values["owner"])].id
        if machine is None:
            values["slug"] = self.addresses[code.casefold()]
            return Step(row.line, code, values, said=row.values)
        if values.get("state") is MachineState.IN_SERVICE:
            values |= {"state_reason": "", "back_on": None}
        elif is_to_retire(row, machine):
            values["back_on"] = None
        changes = differing(values, as_lines_say_it(machine))
        return Step(row.line, code, changes, machine, row.values)

    def named(self, name: str, there: dict[str, Any], to_make: dict[str, str]) -> str:
        """The slug of what a line calls so, noted when it has to be made."""
        one = there.get(name_key(name))
        if one is not None:
            return one.slug
        to_make.setdefault(slug(name), name)
        return slug(name)


def is_to_retire(row: Row, machine: Machine) -> bool:
    is_retired = machine.state is MachineState.RETIRED
    return row.values.get("state") is MachineState.RETIRED and not is_retired


def by_name(model: type[Any], here: dict[str, int]) -> dict[str, Any]:
    """The rows of the place, under their slug and under the slug of their name."""
    rows = db.session.scalars(select(model).filter_by(**here)).all()
    return {row.slug: row for row in rows} | {name_key(row.name): row for row in rows}


def name_key(name: str) -> str:
    """Under which names are the same: capitals, accents and signs do not count."""
    return slug(name) or name.casefold()


def as_lines_say_it(machine: Machine) -> dict[str, Any]:
    columns = {column.name for column in COLUMNS} - {"category", "pool", "owner"}
    return {name: getattr(machine, name) for name in columns} | {
        "category": machine.category.slug,
        "pool": machine.pool.slug if machine.pool else None,
        "owner": machine.owner_id,
    }


def write(session: Session, plan: Plan, where: Where, tick: Callable[[], None]) -> None:
    stand_in_line(session, *(step.target.id for step in plan.changed))
    out = [step for step in plan.changed if step.changes.get("state") is MachineState.RETIRED]
    retiring.end(session, [step.target.id for step in out], where)
    categories = make_categories(session, plan, where)
    pools = make_pools(session, plan, where)
    made: list[Machine] = []
    for step in plan.steps:
        values = dict(step.changes)
        if "category" in values:
            values["category_id"] = categories[values.pop("category")]
        if "pool" in values:
            values["pool_id"] = pools[values.pop("pool")]
        if "owner" in values:
            values["owner_id"] = values.pop("owner")
        if step.is_new:
            made.append(Machine(place_id=where.place_id, **values))
            session.add(made[-1])
        elif values:
            change(session, step.target, values, where)
        tick()
    session.flush()
    for machine in made if where.by else ():
        note(session, machine, where, after={"code": machine.code, "name": machine.name})


def make_categories(session: Session, plan: Plan, where: Where) -> dict[str, int]:
    """The categories of the place by slug, those that are missing made."""
    here = Category.place_id == where.place_id
    count, last = session.execute(
        select(func.count(), func.coalesce(func.max(Category.position), 0)).where(here)
    ).one()
    for more, (address, name) in enumerate(plan.categories.items()):
        hue = HUES[(count + more) % len(HUES)]
        place = {"place_id": where.place_id, "position": last + more + 1}
        session.add(Category(slug=address, name=name, hue=hue, **place))
    session.flush()
    made = session.execute(select(Category.slug, Category.id).where(here))
    return {row.slug: row.id for row in made}


def make_pools(session: Session, plan: Plan, where: Where) -> dict[str, int]:
    session.add_all(
        Pool(place_id=where.place_id, slug=address, name=name)
        for address, name in plan.pools.items()
    )
    session.flush()
    made = session.execute(select(Pool.slug, Pool.id).where(Pool.place_id == where.place_id))
    return {row.slug: row.id for row in made}


def change(session: Session, machine: Machine, values: dict[str, Any], where: Where) -> None:
    state, before = how_it_is(machine), said(machine, values)
    for name, value in values.items():
        setattr(machine, name, value)
    if how_it_is(machine) != state:
        note(session, machine, where, Deed.STATE, before=state, after=how_it_is(machine))
    if where.by and said(machine, values):  # the command line leaves no more than a state
        note(session, machine, where, before=before, after=said(machine, values))


# What the record says as the columns hold it.
TOLD = ("code", "name", "model", "location", "risk_class", "notes", "asset_number", "funder")


def said(machine: Machine, values: dict[str, Any]) -> dict[str, Any]:
    told = {name: getattr(machine, name) for name in TOLD if name in values}
    for name in ("materials_allowed", "materials_forbidden"):
        if name in values:
            told[name] = list(getattr(machine, name))
    if "specs" in values:
        told["specs"] = [f"{name}: {fact}" for name, fact in machine.specs.items()]
    return told


def note(
    session: Session,
    machine: Machine,
    where: Where,
    what: Deed = Deed.INVENTORY,
    **told: Any,
) -> None:
    audit.note(
        session,
        what,
        place_id=where.place_id,
        machine_id=machine.id,
        by=where.by,
        now=where.now,
        **told,
    )


KIND = Kind(COLUMNS, plan, write)
