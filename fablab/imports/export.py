"""The inventory as a file that an import reads back without changing anything."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from fablab.db import db
from fablab.imports.machines import COLUMNS
from fablab.machines.kinds import MachineState
from fablab.machines.models import Category, Machine
from fablab.organizations.models import Organization

JOINED = " | "


def machines(place_id: int) -> list[list[Any]]:
    """All of the place, retired ones too, in their order; each in the columns of an import."""
    owners = {
        row.id: row.name
        for row in db.session.execute(
            select(Organization.id, Organization.name).where(Organization.place_id == place_id)
        )
    }
    found = db.session.scalars(
        select(Machine)
        .join(Category)
        .where(Machine.place_id == place_id)
        .options(joinedload(Machine.category), joinedload(Machine.pool))
        .order_by(Category.position, Category.id, Machine.position, Machine.id)
        .execution_options(populate_existing=True)
    )
    return [cells_of(machine, owners) for machine in found]


def cells_of(machine: Machine, owners: dict[int, str]) -> list[Any]:
    is_stopped = machine.state is not MachineState.IN_SERVICE
    said: dict[str, Any] = {
        "category": machine.category.name,
        "pool": machine.pool.name if machine.pool else "",
        "owner": owners.get(machine.owner_id or 0, ""),
        "specs": JOINED.join(f"{name}: {fact}" for name, fact in machine.specs.items()),
        "materials_allowed": JOINED.join(machine.materials_allowed),
        "materials_forbidden": JOINED.join(machine.materials_forbidden),
        "state_reason": machine.state_reason if is_stopped else "",
        "back_on": machine.back_on.isoformat() if is_stopped and machine.back_on else "",
    }
    names = (column.name for column in COLUMNS)
    return [said[name] if name in said else getattr(machine, name) for name in names]
