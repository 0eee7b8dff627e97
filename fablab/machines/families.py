"""What the team says of categories and pools: what they are called, how they look, their order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fablab.db import NoSuch, db, retried, writing
from fablab.machines.models import Category, Machine, Policy, Pool
from fablab.machines.policy_commands import alone_in
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.words import slug

# Drawings of the sprite that stand for a trade; the first ones are drawn as machines too.
ICONS = tuple(
    "zap drill printer-3d spool file-text axe anvil cpu amphora warehouse"
    " scissors hammer flame shirt coins cone monitor printer pen-tool box tree-pine wrench".split()
)


class NameTaken(Exception):
    """Another one of the place is called the same."""


class InUse(Exception):
    """Machines belong to it, or booking rules were said of it."""


@retried
def create_category(
    place_id: int, name: str, hue: str, icon: str, *, by: int, now: datetime
) -> str:
    """A new category after the others; its slug. Raises NameTaken and Busy."""
    with writing() as session:
        alone_in(place_id)
        check_name(session, Category, place_id, name)
        last = session.scalar(
            select(func.max(Category.position)).where(Category.place_id == place_id)
        )
        category = Category(
            place_id=place_id,
            slug=slug(name),
            name=name,
            hue=hue,
            icon=icon,
            position=(last or 0) + 1,
        )
        session.add(category)
        note(session, place_id, by=by, now=now, before={}, after=told(category))
        return category.slug


@retried
def change_category(
    category_id: int, place_id: int, name: str, hue: str, icon: str, *, by: int, now: datetime
) -> None:
    """Its address stays. Raises NameTaken, NoSuch and Busy."""
    with writing() as session:
        alone_in(place_id)
        category = find(session, Category, category_id, place_id)
        check_name(session, Category, place_id, name, but=category_id)
        before = told(category)
        category.name, category.hue, category.icon = name, hue, icon
        if told(category) != before:
            note(session, place_id, by=by, now=now, before=before, after=told(category))


@retried
def move_category(category_id: int, place_id: int, way: int, *, by: int, now: datetime) -> None:
    """One place up (-1) or down (1) among the others; at an end it stays. Raises NoSuch, Busy."""
    with writing() as session:
        alone_in(place_id)
        every = list(in_order(place_id))
        at = next((n for n, each in enumerate(every) if each.id == category_id), None)
        if at is None:
            raise NoSuch(f"no category {category_id}")
        if not 0 <= at + way < len(every):
            return
        every[at], every[at + way] = every[at + way], every[at]
        for position, each in enumerate(every, 1):
            each.position = position
        after = {"name": every[at + way].name, "position": at + way + 1}
        note(session, place_id, by=by, now=now, before={"position": at + 1}, after=after)


@retried
def remove_category(category_id: int, place_id: int, *, by: int, now: datetime) -> None:
    """One that no machine is of, not even a retired one. Raises InUse, NoSuch and Busy."""
    with writing() as session:
        alone_in(place_id)
        category = find(session, Category, category_id, place_id)
        for model in (Machine, Policy):
            if session.scalar(select(model.id).where(model.category_id == category_id).limit(1)):
                raise InUse
        note(session, place_id, by=by, now=now, before=told(category), after={})
        session.delete(category)


@retried
def rename_pool(pool_id: int, place_id: int, name: str, *, by: int, now: datetime) -> None:
    """Raises NameTaken, NoSuch and Busy."""
    with writing() as session:
        alone_in(place_id)
        pool = find(session, Pool, pool_id, place_id)
        check_name(session, Pool, place_id, name, but=pool_id)
        before = {"pool": pool.name}
        pool.name = name
        if before["pool"] != name:
            note(session, place_id, by=by, now=now, before=before, after={"pool": name})


@retried
def remove_pool(pool_id: int, place_id: int, *, by: int, now: datetime) -> None:
    """One without machines. Raises InUse, NoSuch and Busy."""
    with writing() as session:
        alone_in(place_id)
        pool = find(session, Pool, pool_id, place_id)
        if session.scalar(select(Machine.id).where(Machine.pool_id == pool_id).limit(1)):
            raise InUse
        note(session, place_id, by=by, now=now, before={"pool": pool.name}, after={})
        session.delete(pool)


def in_order(place_id: int) -> Sequence[Category]:
    return db.session.scalars(
        select(Category)
        .where(Category.place_id == place_id)
        .order_by(Category.position, Category.id)
        .execution_options(populate_existing=True)
    ).all()


def find(session: Session, model: Any, row_id: int, place_id: int) -> Any:
    row = session.get(model, row_id, populate_existing=True)
    if row is None or row.place_id != place_id:
        raise NoSuch(f"no {model.__tablename__} {row_id}")
    return row


def check_name(
    session: Session, model: Any, place_id: int, name: str, *, but: int | None = None
) -> None:
    """Capitals, accents and signs do not count, as in an import. Raises NameTaken."""
    rows = session.execute(
        select(model.id, model.slug, model.name).where(model.place_id == place_id)
    )
    if any(row.id != but and slug(name) in (row.slug, slug(row.name)) for row in rows):
        raise NameTaken


def told(category: Category) -> dict[str, Any]:
    return {"name": category.name, "hue": category.hue, "icon": category.icon}


def note(session: Session, place_id: int, **what: Any) -> None:
    audit.note(session, Deed.INVENTORY, place_id=place_id, **what)
