"""What the team says of a machine in one sitting: made, made after another, changed, retired."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fablab.db import NoSuch, retried, writing
from fablab.machines import files, photos, policy_commands
from fablab.machines.commands import end_outages, how_it_is, stand_in_line
from fablab.machines.kinds import MachineState, OccupancyKind, RiskClass
from fablab.machines.models import (
    Category,
    Machine,
    MachineDocument,
    MachineReferent,
    MachineResource,
    Occupancy,
    Policy,
    Pool,
)
from fablab.machines.policies import NAMES
from fablab.machines.resources_commands import InTheWay
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.organizations.models import Organization
from fablab.places.models import Place
from fablab.words import slug

# The hues of the design system, in the order in which new categories get them.
HUES = tuple("red orange blue plum teal brown slate green terracotta ink".split())
RESERVED = frozenset({"new"})  # an address of the team's pages


class CodeTaken(Exception):
    """Another machine has this code, or one that makes the same address."""


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    file: str  # a draft, or one that is kept already


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A category and a pool are an id, or the name of one to make."""

    code: str
    name: str
    category: int | str
    pool: int | str | None = None
    model: str = ""
    location: str = ""
    risk_class: RiskClass = RiskClass.A
    specs: Mapping[str, str]
    materials_allowed: tuple[str, ...] = ()
    materials_forbidden: tuple[str, ...] = ()
    notes: str = ""
    safety: str = ""
    photo: str | None = None  # a draft, or the one that is kept already
    photo_alt: str = ""
    asset_number: str = ""
    funder: str = ""
    owner_id: int | None = None
    position: int | None = None  # none: where it is, or after the others
    documents: tuple[Document, ...] = ()
    policy: Mapping[str, Any]  # what is said of some values for everybody; the others stay

    @property
    def files(self) -> tuple[str, ...]:
        of_photo = files.names(self.photo) if self.photo else ()
        return (*of_photo, *(document.file for document in self.documents))


COPIED = (
    "code",
    "name",
    "model",
    "location",
    "risk_class",
    "notes",
    "safety",
    "photo",
    "photo_alt",
    "asset_number",
    "funder",
    "owner_id",
)


def create(
    session: Session,
    place_id: int,
    sheet: Sheet,
    *,
    by: int,
    now: datetime,
    like: int | None = None,
) -> Machine:
    """A new machine, in a write that is under way; what a sheet does not say is as `like` has it:
    the rules of some audiences, what is shared, who looks after it.

    Raises CodeTaken, PolicyRefused and NoSuch.
    """
    policy_commands.alone_in(place_id)
    check_code(session, place_id, sheet.code)
    machine = Machine(
        place_id=place_id,
        category_id=category_of(session, place_id, sheet.category),
        slug=address_for(session, place_id, sheet.code),
    )
    fill(session, machine, sheet)
    if sheet.position is None:
        of_category = Machine.category_id == machine.category_id
        last = session.scalar(select(func.max(Machine.position)).where(of_category))
        machine.position = (last or 0) + 1
    session.add(machine)
    session.flush()
    if like is not None:
        copy_what_is_around(session, place_id, like, machine.id)
    finish(session, machine, sheet, by=by, now=now, before={})
    return machine


def change(
    session: Session, machine_id: int, place_id: int, sheet: Sheet, *, by: int, now: datetime
) -> set[str]:
    """The machine as the sheet says, in a write that is under way; its address stays. Gives the
    files that nothing shows any longer.

    Raises CodeTaken, PolicyRefused and NoSuch.
    """
    stand_in_line(session, machine_id)
    policy_commands.alone_in(place_id)
    machine = session.get(Machine, machine_id, populate_existing=True)
    if machine is None or machine.place_id != place_id:
        raise NoSuch(f"no machine {machine_id}")
    check_code(session, place_id, sheet.code, but=machine_id)
    before, shown = as_recorded(session, machine), files_of(session, machine)
    machine.category_id = category_of(session, place_id, sheet.category)
    fill(session, machine, sheet)
    session.flush()
    finish(session, machine, sheet, by=by, now=now, before=before)
    return shown - files_of(session, machine)


def files_of(session: Session, machine: Machine) -> set[str]:
    of_photo = files.names(machine.photo) if machine.photo else ()
    return {*of_photo, *(row.file for row in documents(session, machine.id))}


def fill(session: Session, machine: Machine, sheet: Sheet) -> None:
    if sheet.owner_id is not None and not is_here(session, Organization, machine, sheet.owner_id):
        raise NoSuch(f"no organization {sheet.owner_id}")
    for name in COPIED:
        setattr(machine, name, getattr(sheet, name))
    machine.specs = dict(sheet.specs)
    machine.materials_allowed = list(sheet.materials_allowed)
    machine.materials_forbidden = list(sheet.materials_forbidden)
    machine.pool_id = pool_of(session, machine.place_id, sheet.pool)
    if sheet.position is not None:
        machine.position = sheet.position


def finish(
    session: Session,
    machine: Machine,
    sheet: Sheet,
    *,
    by: int,
    now: datetime,
    before: dict[str, Any],
) -> None:
    """What hangs on a machine that has its row: documents, rules, the record."""
    keep_documents(session, machine.id, sheet.documents)
    scope = policy_commands.Scope(machine.place_id, machine_id=machine.id)
    if machine.state is not MachineState.RETIRED:
        own = [row for row in policy_commands.rows_of(machine.place_id) if scope.is_of(row)]
        said = {name: getattr(own[-1], name) for name in NAMES} if own else {}
        policy_commands.say(session, scope, {**said, **sheet.policy}, by=by, now=now)
    session.flush()
    after = as_recorded(session, machine)
    changed = [name for name in after if before.get(name) != after[name]]
    if changed:
        audit.note(
            session,
            Deed.INVENTORY,
            place_id=machine.place_id,
            machine_id=machine.id,
            by=by,
            now=now,
            before={name: before[name] for name in changed if name in before},
            after={name: after[name] for name in changed},
        )


def as_recorded(session: Session, machine: Machine) -> dict[str, Any]:
    """As the record keeps it: names for ids, lines for lists; a photograph is there or not."""
    owner = session.get(Organization, machine.owner_id) if machine.owner_id else None
    pool = session.get(Pool, machine.pool_id) if machine.pool_id else None
    titles = session.scalars(
        select(MachineDocument.title)
        .where(MachineDocument.machine_id == machine.id)
        .order_by(MachineDocument.id)
    )
    plain = ("code", "name", "model", "location", "risk_class", "notes", "safety")
    kept = {name: getattr(machine, name) for name in (*plain, "asset_number", "funder")}
    kept |= {
        "category": session.get_one(Category, machine.category_id).name,
        "pool": pool.name if pool else "",
        "owner": owner.name if owner else "",
        "specs": [f"{name}: {fact}" for name, fact in machine.specs.items()],
        "materials_allowed": list(machine.materials_allowed),
        "materials_forbidden": list(machine.materials_forbidden),
        "photo": photos.version(machine.photo) if machine.photo else "",
        "photo_alt": machine.photo_alt,
        "documents": list(titles),
        "position": machine.position,
    }
    return {name: value for name, value in kept.items() if value not in ("", [])}


def keep_documents(session: Session, machine_id: int, wanted: tuple[Document, ...]) -> None:
    """Those and no others."""
    there = {row.file: row for row in documents(session, machine_id)}
    for file, row in there.items():
        if file not in {document.file for document in wanted}:
            session.delete(row)
    session.add_all(
        MachineDocument(machine_id=machine_id, title=document.title, file=document.file)
        for document in wanted
        if document.file not in there
    )
    session.flush()


def documents(session: Session, machine_id: int) -> list[MachineDocument]:
    return list(
        session.scalars(
            select(MachineDocument)
            .where(MachineDocument.machine_id == machine_id)
            .order_by(MachineDocument.id)
            .execution_options(populate_existing=True)
        )
    )


def copy_what_is_around(session: Session, place_id: int, like: int, machine_id: int) -> None:
    source = session.get(Machine, like)
    if source is None or source.place_id != place_id:
        raise NoSuch(f"no machine {like}")
    for row in policy_commands.rows_of(place_id):
        if row.machine_id == like:
            values = {name: getattr(row, name) for name in NAMES}
            session.add(
                Policy(place_id=place_id, machine_id=machine_id, audience=row.audience, **values)
            )
    shared = select(MachineResource.resource_id).where(MachineResource.machine_id == like)
    for resource_id in session.scalars(shared).all():
        session.add(MachineResource(machine_id=machine_id, resource_id=resource_id))
    people = select(MachineReferent.member_id).where(MachineReferent.machine_id == like)
    for member_id in session.scalars(people).all():
        session.add(MachineReferent(machine_id=machine_id, member_id=member_id))
    session.flush()


# -- what a sheet names


def check_code(session: Session, place_id: int, code: str, *, but: int | None = None) -> None:
    """Capitals do not matter, as in an import. Raises CodeTaken."""
    rows = session.execute(select(Machine.id, Machine.code).where(Machine.place_id == place_id))
    if any(row.code.casefold() == code.casefold() and row.id != but for row in rows):
        raise CodeTaken


def address_for(session: Session, place_id: int, code: str) -> str:
    """A slug that no machine has, of any place. Raises CodeTaken."""
    place = session.get_one(Place, place_id)
    for candidate in (slug(code), f"{place.slug}-{slug(code)}"):
        if candidate in RESERVED:
            continue
        place_of = session.scalar(select(Machine.place_id).where(Machine.slug == candidate))
        if place_of is None:
            return candidate
        if place_of == place_id:
            break
    raise CodeTaken


def category_of(session: Session, place_id: int, named: int | str) -> int:
    """Its id; one that is called so is made unless it is there. Raises NoSuch."""
    if isinstance(named, int):
        return known(session, Category, place_id, named)
    there = by_slug(session, Category, place_id, slug(named))
    if there is not None:
        return there
    here = Category.place_id == place_id
    count, last = session.execute(
        select(func.count(), func.coalesce(func.max(Category.position), 0)).where(here)
    ).one()
    hue = HUES[count % len(HUES)]
    made = Category(place_id=place_id, slug=slug(named), name=named, hue=hue, position=last + 1)
    session.add(made)
    session.flush()
    return made.id


def pool_of(session: Session, place_id: int, named: int | str | None) -> int | None:
    if named is None:
        return None
    if isinstance(named, int):
        return known(session, Pool, place_id, named)
    there = by_slug(session, Pool, place_id, slug(named))
    if there is not None:
        return there
    made = Pool(place_id=place_id, slug=slug(named), name=named)
    session.add(made)
    session.flush()
    return made.id


def known(session: Session, model: Any, place_id: int, row_id: int) -> int:
    found = session.scalar(select(model.id).where(model.id == row_id, model.place_id == place_id))
    if found is None:
        raise NoSuch(f"no {model.__tablename__} {row_id}")
    return int(found)


def by_slug(session: Session, model: Any, place_id: int, address: str) -> int | None:
    found = select(model.id).where(model.place_id == place_id, model.slug == address)
    return session.scalar(found)


def is_here(session: Session, model: Any, machine: Machine, row_id: int) -> bool:
    found = select(model.id).where(model.id == row_id, model.place_id == machine.place_id)
    return session.scalar(found) is not None


# -- out of the inventory, and back


@retried
def retire(machine_id: int, why: str, *, by: int, now: datetime) -> None:
    """Take a machine out of the inventory: no page shows it, nobody can book it. Its past stays.

    What it was withdrawn for ends with it. Raises InTheWay while bookings or sessions stand,
    NoSuch when it is retired or was never there, and Busy.
    """
    with writing() as session:
        stand_in_line(session, machine_id)
        machine = session.get(Machine, machine_id, populate_existing=True)
        if machine is None or machine.state is MachineState.RETIRED:
            raise NoSuch(f"no machine {machine_id} in use")
        table = Occupancy.__table__
        ahead = session.execute(
            select(table).where(
                table.c.machine_id == machine_id, table.c.standing, table.c.ends_at > now
            )
        ).all()
        held = [row.id for row in ahead if row.kind != OccupancyKind.OUTAGE]
        if held:
            raise InTheWay(held)
        end_outages(session, ahead, by=by, now=now)
        set_state(session, machine, MachineState.RETIRED, why, by=by, now=now)


@retried
def bring_back(machine_id: int, *, by: int, now: datetime) -> None:
    """Into the inventory again, in service. Raises NoSuch for one that is not retired, and Busy."""
    with writing() as session:
        stand_in_line(session, machine_id)
        machine = session.get(Machine, machine_id, populate_existing=True)
        if machine is None or machine.state is not MachineState.RETIRED:
            raise NoSuch(f"no retired machine {machine_id}")
        set_state(session, machine, MachineState.IN_SERVICE, "", by=by, now=now)


def set_state(
    session: Session, machine: Machine, state: MachineState, why: str, *, by: int, now: datetime
) -> None:
    before = how_it_is(machine)
    machine.state, machine.state_reason, machine.back_on = state, why, None
    audit.note(
        session,
        Deed.STATE,
        place_id=machine.place_id,
        machine_id=machine.id,
        by=by,
        now=now,
        before=before,
        after=how_it_is(machine),
    )
