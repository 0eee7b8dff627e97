"""What the tests of bookings need beyond the cast."""

from typing import Any

from fablab.db import db, writing
from fablab.machines.models import Machine
from tests.conftest import Fablab


def change(row: type[Any], where: str = "", **values: Any) -> None:
    """As staff would, so that the place's revision moves; `where` is a machine's slug."""
    with writing() as session:
        asked = db.select(row).where(row.slug == where) if where else db.select(row)
        for one in session.scalars(asked):
            for name, value in values.items():
                setattr(one, name, value)


def add_machine(fablab: Fablab, slug: str, beside: str, **values: Any) -> None:
    """Another machine in the category of `beside`."""
    twin = fablab.machine(beside)
    with writing() as session:
        session.add(
            Machine(
                place_id=fablab.place_id,
                category_id=twin.category.id,
                slug=slug,
                code=slug.upper(),
                name=slug.title(),
                **values,
            )
        )
