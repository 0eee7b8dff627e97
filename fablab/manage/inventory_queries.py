"""What the pages of the inventory ask of the database, always of one place."""

from collections.abc import Collection, Sequence
from typing import Any

from flask import abort
from sqlalchemy import func, select

from fablab.db import db
from fablab.machines.kinds import MachineState
from fablab.machines.models import Category, Machine, Pool
from fablab.organizations.models import Organization
from fablab.trainings.models import Training


def find(slug: str, place_id: int) -> Machine:
    """A machine of the place as it is now, a retired one too; any other answers 404."""
    found = db.session.scalar(
        select(Machine)
        .where(Machine.slug == slug, Machine.place_id == place_id)
        .execution_options(populate_existing=True)
    )
    return found or abort(404)


def codes(place_id: int) -> set[str]:
    return set(db.session.scalars(select(Machine.code).where(Machine.place_id == place_id)))


def retired(place_id: int) -> Sequence[Any]:
    return db.session.execute(
        select(
            Machine.slug,
            Machine.code,
            Machine.name,
            Machine.model,
            Machine.state_reason,
            Category.hue,
            Category.name.label("category"),
        )
        .join(Category, Category.id == Machine.category_id)
        .where(Machine.place_id == place_id, Machine.state == MachineState.RETIRED)
        .order_by(Category.position, Machine.position, Machine.id)
    ).all()


def pools(place_id: int) -> Sequence[Pool]:
    return named(Pool, place_id)


def owners(place_id: int) -> Sequence[Organization]:
    return named(Organization, place_id)


def trainings(place_id: int, also: Collection[int] = ()) -> Sequence[Training]:
    """Those that are still given, and some others."""
    every = named(Training, place_id)
    return [each for each in every if each.retired_at is None or each.id in also]


def named(model: Any, place_id: int) -> Sequence[Any]:
    return db.session.scalars(
        select(model).where(model.place_id == place_id).order_by(model.name, model.id)
    ).all()


def counted_by(column: Any, place_id: int) -> dict[int, int]:
    """How many machines of the place, retired ones too, have each value of `column`."""
    rows = db.session.execute(
        select(column, func.count()).where(Machine.place_id == place_id).group_by(column)
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}
