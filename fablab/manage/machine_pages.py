"""The machines and one machine, as plain values: the state, the outages, who is concerned."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from fablab import texts
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.kinds import MachineState, OccupancyKind
from fablab.manage import occupancies
from fablab.manage.member_pages import full_name, short
from fablab.manage.words import STATES
from fablab.upkeep.stopping import lets_down_before
from fablab.words import N_

LONGEST_SEARCH = 80  # letters


@dataclass(frozen=True, slots=True)
class State:
    lamp: str
    title: str
    reason: str
    back_on: str


def state(machine: MachineFacts) -> State:
    return State(
        "free" if machine.is_in_service else "stopped",
        _(STATES[machine.state]),
        machine.state_reason,
        short(machine.back_on) if machine.back_on else "",
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list of machines."""

    code: str
    hue: str
    name: str
    url: str
    state: State
    outages: list[occupancies.Line]


def line(machine: MachineFacts, rows: Iterable[Any], inventory: Inventory, now: datetime) -> Line:
    """`rows` are the outages of the place that are not over."""
    own = [row for row in rows if row.machine_id == machine.id]
    return Line(
        machine.code,
        machine.category.hue,
        machine.name,
        url_for("manage.machine", slug=machine.slug),
        state(machine),
        occupancies.lines(own, inventory, now),
    )


def outages(rows: Iterable[Any], inventory: Inventory, now: datetime) -> list[occupancies.Line]:
    kept = [row for row in rows if row.kind != OccupancyKind.BOOKING]
    return occupancies.lines(kept, inventory, now)


def bookings(rows: Iterable[Any], inventory: Inventory, now: datetime) -> list[occupancies.Line]:
    kept = [row for row in rows if row.kind == OccupancyKind.BOOKING]
    return occupancies.lines(kept, inventory, now)


def concerned(
    machine: MachineFacts, rows: Iterable[Any], inventory: Inventory, now: datetime
) -> list[occupancies.Line]:
    """The bookings that a machine out of service lets down: those before it is back."""
    before = lets_down_before(inventory, machine.state, machine.back_on)
    if before is None:
        return []
    return bookings([row for row in rows if row.starts_at < before], inventory, now)


ORDERS = {"": N_("As on the planning"), "code": N_("By code"), "name": N_("By name")}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the list is asked for: the machines, and the ways to ask for others."""

    machines: list[MachineFacts]
    searched: str
    states: list[dict[str, Any]]
    categories: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    kept: dict[str, str]  # of the address, for the search
    is_retired: bool

    @property
    def is_narrowed(self) -> bool:
        return bool(self.searched or self.kept.get("category") or self.kept.get("state"))


def shown(inventory: Inventory, asked: Mapping[str, str]) -> Shown:
    """The machines that answer to `q`, `category` and `state`, in the `order` asked for."""
    searched = asked.get("q", "").strip()[:LONGEST_SEARCH]
    names = ("category", "state", "order")
    kept = {name: asked[name] for name in names if asked.get(name)} | (
        {"q": searched} if searched else {}
    )
    is_of = {each.slug: each for each in inventory.categories}.get(kept.get("category", ""))
    state = next((each for each in MachineState if each == kept.get("state")), None)
    found = [
        machine
        for machine in inventory.machines
        if (is_of is None or machine.category.id == is_of.id)
        and (state is None or machine.state is state)
        and says(machine, searched)
    ]
    order = kept.get("order", "")
    if order in ("code", "name"):
        found.sort(key=lambda machine: texts.plain(getattr(machine, order)))

    def choice(name: str, value: str, text: str, **more: Any) -> dict[str, Any]:
        wanted: dict[str, Any] = {n: v for n, v in {**kept, name: value}.items() if v}
        return {
            "text": text,
            "url": url_for("manage.machines", **wanted),
            "is_current": kept.get(name, "") == value,
            **more,
        }

    return Shown(
        machines=found,
        searched=searched,
        states=[
            choice("state", "", _("All states")),
            *(choice("state", each, _(STATES[each])) for each in MachineState),
        ],
        categories=[
            choice("category", "", _("All categories")),
            *(
                choice("category", each.slug, each.name, hue=each.hue, icon=each.icon)
                for each in inventory.categories
            ),
        ],
        orders=[choice("order", value, _(text)) for value, text in ORDERS.items()],
        kept={name: value for name, value in kept.items() if name != "q"},
        is_retired=state is MachineState.RETIRED,
    )


def says(machine: MachineFacts, searched: str) -> bool:
    """Every word stands in what the team calls it by, accents aside."""
    names = (machine.code, machine.name, machine.model, machine.location, machine.category.name)
    text = texts.plain(" ".join(names))
    return all(word in text for word in texts.plain(searched).split())


@dataclass(frozen=True, slots=True)
class Referent:
    """Somebody who looks after the machine."""

    name: str
    url: str
    email: str


def referents(rows: Iterable[Any]) -> list[Referent]:
    return [
        Referent(full_name(row), url_for("manage.member", uid=row.uid), row.email) for row in rows
    ]
