"""All that staff set up in a place, as plain values kept in memory until its revision moves.

A page asks for the place's revision (one cheap statement) and takes the rest from memory:
its hours, closures, categories, machines and booking policies change a few times a week and
are read at every request.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from threading import Lock
from typing import Any

from flask import g, request
from flask_login import current_user
from sqlalchemy import and_, bindparam, event, inspect, select, update
from sqlalchemy.orm import Session, joinedload

from fablab.db import WRITES, NoSuch, db
from fablab.machines.agreement_models import OwnerRange, SharingAgreement
from fablab.machines.agreements import Agreement, agreement_on, is_shared_on, overnight
from fablab.machines.kinds import MachineState, RiskClass
from fablab.machines.models import (
    Category,
    Machine,
    MachineReferent,
    MachineResource,
    Policy,
    Resource,
    Seat,
)
from fablab.machines.policies import BookingPolicy, resolve, safety_hash
from fablab.members.kinds import Audience
from fablab.organizations.models import Organization
from fablab.places.kinds import Charged, NamesShown, WallNames
from fablab.places.models import Closure, Opening, Place
from fablab.places.rules import DaysOff, Schedule, WeeklyOpening, days
from fablab.slots import Slot


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    id: int
    slug: str
    name: str
    address: str
    zone: str
    language: str
    email: str
    phone: str
    house_rules: str
    currency: str
    names_shown: NamesShown
    wall_names: WallNames
    has_public_feeds: bool
    brick: str
    blue: str
    logo: str | None
    welcomed_at: datetime | None
    charged: Charged
    late_percent: int
    missed_percent: int
    vat_text: str
    revision: int


@dataclass(frozen=True, slots=True)
class CategoryFacts:
    id: int
    slug: str
    name: str
    icon: str
    hue: str


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """What the machine needs a seat of, by the ids of its seats."""

    id: int
    name: str
    seats: tuple[int, ...]

    @property
    def capacity(self) -> int:
        return len(self.seats)


@dataclass(frozen=True, eq=False)
class MachineFacts:
    id: int
    slug: str
    code: str
    name: str
    model: str
    location: str
    category: CategoryFacts
    pool_id: int | None
    risk_class: RiskClass
    state: MachineState
    state_reason: str
    back_on: date | None
    specs: Mapping[str, str]
    materials_allowed: tuple[str, ...]
    materials_forbidden: tuple[str, ...]
    notes: str
    photo: str | None
    photo_alt: str
    owner_id: int | None
    safety: str
    resources: tuple[ResourceFacts, ...]
    policies: Mapping[Audience | None, BookingPolicy]
    restriction: str = ""  # what its users must heed just now
    agreements: tuple[Agreement, ...] = ()  # of its owner, in the order of their days

    def policy_for(self, audience: Audience | None) -> BookingPolicy:
        return self.policies[audience]

    @cached_property
    def safety_hash(self) -> str:
        """Of what one acknowledges before using it; empty when there is nothing."""
        return safety_hash(self.safety, self.materials_forbidden)

    def is_read(self, read_hash: str) -> bool:
        """Is it what one must know of this machine today that was read, and not an older text?"""
        return bool(read_hash) and read_hash == self.safety_hash

    @property
    def is_in_service(self) -> bool:
        return self.state is MachineState.IN_SERVICE

    @property
    def is_locked_out(self) -> bool:
        """Nobody may even switch it on."""
        return self.state is MachineState.LOCKED_OUT

    def agreement_on(self, day: date) -> Agreement | None:
        return agreement_on(self.agreements, day)

    def is_shared_on(self, day: date) -> bool:
        """Does its owner share it then? What the place itself owns always is."""
        return is_shared_on(self.agreements, day)

    def is_shared_over(self, schedule: Schedule, span: Slot) -> bool:
        """On each day that `span` has a part in."""
        return all(self.is_shared_on(day) for day in days(*schedule.days_of(span)))

    def is_out_on(self, day: date) -> bool:
        """As far as is known today: it is not expected back by then."""
        return is_out_on(self, day)


def is_out_on(machine: Any, day: date) -> bool:
    """`machine` has a state and the day it is expected back; also as columns of a row."""
    is_stopped = machine.state is not MachineState.IN_SERVICE
    return is_stopped and (machine.back_on is None or day < machine.back_on)


@dataclass(frozen=True, eq=False)
class Inventory:
    place: PlaceFacts
    schedule: Schedule
    categories: tuple[CategoryFacts, ...]
    machines: tuple[MachineFacts, ...]  # in the order of their categories, retired ones left out

    @cached_property
    def by_id(self) -> dict[int, MachineFacts]:
        return {machine.id: machine for machine in self.machines}

    def machine(self, machine_id: int) -> MachineFacts:
        """Raises NoSuch for one that is retired, or of another place."""
        if machine_id not in self.by_id:
            raise NoSuch(f"no machine {machine_id} in use")
        return self.by_id[machine_id]

    @cached_property
    def by_slug(self) -> dict[str, MachineFacts]:
        return {machine.slug: machine for machine in self.machines}

    @cached_property
    def margin(self) -> timedelta:
        """How far beyond midnight a neighbour may keep a machine's last minutes from being free."""
        margins = (
            policy.before + policy.after
            for machine in self.machines
            for policy in machine.policies.values()
        )
        agreed = [each for machine in self.machines for each in machine.agreements]
        return max(margins, default=timedelta(0)) + overnight(agreed)

    def equivalents(self, machine: MachineFacts) -> list[MachineFacts]:
        """The other machines of its pool, then those of its category; what is lent by the day
        stands for nothing that is used by the hour.
        """
        is_lent = machine.policy_for(None).whole_days
        same_pool = [m for m in self.machines if m.pool_id and m.pool_id == machine.pool_id]
        same_kind = [
            m
            for m in self.machines
            if m.category.id == machine.category.id and m.policy_for(None).whole_days is is_lent
        ]
        others = dict.fromkeys(m for m in (*same_pool, *same_kind) if m.id != machine.id)
        return list(others)

    def stand_ins(self, machine: MachineFacts) -> list[MachineFacts]:
        """The other machines on which the same work can be done without asking: those of its pool;
        of none, those of the same make and model.
        """
        if machine.pool_id:
            same = [m for m in self.machines if m.pool_id == machine.pool_id]
        else:
            model = machine.model.casefold()
            same = [m for m in self.machines if model and m.model.casefold() == model]
        return [m for m in same if m.id != machine.id]


# Asked at every request, hence built once.
DEFAULT = select(Place.id, Place.revision).order_by(Place.position, Place.id).limit(1)
BY_ID = DEFAULT.where(Place.id == bindparam("place_id"))
BY_SLUG = DEFAULT.where(Place.slug == bindparam("slug"))


class NothingSetUp(LookupError):
    """There is no place yet, or no such one."""


KEPT = 8  # places in memory
_kept: OrderedDict[tuple[str, int, int], Inventory] = OrderedDict()
_lock = Lock()


def here() -> Inventory:
    """The inventory of the place this request is about: its `?place=`, or the first one.

    Raises NothingSetUp while there is none.
    """
    if "inventory" not in g:
        asked = request.args.get("place", "") if request else ""
        if asked or not (request and current_user.is_authenticated and "first_place" in g):
            g.inventory = of_place(slug=asked.replace("\0", ""))  # of which PostgreSQL takes none
        else:  # what loaded the person, which every page does, has asked already
            g.inventory = _at(*g.first_place)
    return g.inventory


def of_place(*, slug: str | None = None, place_id: int | None = None) -> Inventory:
    """The inventory of one place, by id, or by slug; of the first place by default.

    Raises NothingSetUp when there is none.
    """
    connection = db.session.connection()
    if place_id is not None:
        row = connection.execute(BY_ID, {"place_id": place_id}).first()
    else:
        row = connection.execute(BY_SLUG, {"slug": slug}).first() if slug else None
        row = row or connection.execute(DEFAULT).first()
    if row is None:
        raise NothingSetUp("no place has been set up yet")
    return _at(row.id, row.revision)


def _at(place_id: int, revision: int) -> Inventory:
    key = (str(db.engine.url), place_id, revision)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    return _keep(key, _load(place_id))


def _keep(key: tuple[str, int, int], inventory: Inventory) -> Inventory:
    """Remember it, unless the place changed while it was being read, or is being changed here:
    what is undone in the end was never true, and its revision will be another's.
    """
    if inventory.place.revision == key[2] and not db.session().info.get(WRITES):
        with _lock:
            _kept[key] = inventory
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return inventory


def is_kept(inventory: Inventory) -> bool:
    """Is it remembered, and hence what was committed in its revision?"""
    with _lock:
        return any(inventory is each for each in _kept.values())


def _load(place_id: int) -> Inventory:
    place = (
        db.session.execute(
            select(Place)
            .where(Place.id == place_id)
            .options(joinedload(Place.openings), joinedload(Place.closures))
            .execution_options(populate_existing=True)
        )
        .unique()
        .scalar_one()
    )
    policies = db.session.scalars(
        select(Policy)
        .where(Policy.place_id == place_id)
        .order_by(Policy.id)
        .execution_options(populate_existing=True)
    ).all()
    machines = machines_of(place_id)
    categories = {machine.category_id: category_facts(machine.category) for machine in machines}
    return Inventory(
        place=place_facts(place),
        schedule=schedule_of(place),
        categories=tuple(categories.values()),
        machines=tuple(
            machine_facts(
                machine,
                categories[machine.category_id],
                policies,
                resources,
                agreements,
            )
            for machine, (resources, agreements) in machines.items()
        ),
    )


def place_facts(place: Place) -> PlaceFacts:
    return PlaceFacts(**{name: getattr(place, name) for name in PlaceFacts.__slots__})


def category_facts(category: Category) -> CategoryFacts:
    return CategoryFacts(**{name: getattr(category, name) for name in CategoryFacts.__slots__})


def schedule_of(place: Place) -> Schedule:
    return Schedule(
        zone=place.tz,
        openings=tuple(weekly_opening(opening) for opening in place.openings),
        closures=tuple(
            DaysOff(c.first_day, c.last_day, c.reason, c.repeats_yearly) for c in place.closures
        ),
        holidays_country=place.holidays_country,
        holidays_subdivision=place.holidays_subdivision,
        language=place.language,
    )


def weekly_opening(opening: Opening) -> WeeklyOpening:
    weeks = frozenset(int(week) for week in opening.weeks.split(",") if week)
    return WeeklyOpening(opening.weekday, opening.opens_at, opening.closes_at, opening.mode, weeks)


def machines_of(
    place_id: int,
) -> dict[Machine, tuple[tuple[ResourceFacts, ...], tuple[Agreement, ...]]]:
    """The machines of a place in their order, retired ones left out, with what each shares and
    what was agreed about it: an agreement with a former owner says nothing any more.
    """
    agreed_with_owner = and_(
        SharingAgreement.machine_id == Machine.id, SharingAgreement.owner_id == Machine.owner_id
    )
    rows = db.session.execute(
        select(
            Machine,
            Resource.id,
            Resource.name,
            Seat.id,
            SharingAgreement,
            Organization.name,
            OwnerRange,
        )
        .join(Category, Category.id == Machine.category_id)
        .outerjoin(MachineResource, MachineResource.machine_id == Machine.id)
        .outerjoin(Resource, Resource.id == MachineResource.resource_id)
        .outerjoin(Seat, Seat.resource_id == Resource.id)
        .outerjoin(SharingAgreement, agreed_with_owner)
        .outerjoin(Organization, Organization.id == SharingAgreement.owner_id)
        .outerjoin(OwnerRange, OwnerRange.agreement_id == SharingAgreement.id)
        .where(Machine.place_id == place_id, Machine.state != MachineState.RETIRED)
        .options(joinedload(Machine.category))
        .order_by(
            *(Category.position, Category.id, Machine.position, Machine.id),
            *(Resource.id, Seat.number, SharingAgreement.first_day, SharingAgreement.id),
            *(OwnerRange.weekday, OwnerRange.opens_at),
        )
        .execution_options(populate_existing=True)
    ).all()
    by_machine = ((each, list(own)) for each, own in groupby(rows, key=lambda row: row[0]))
    return {each: (resources_of(own), agreements_of(own)) for each, own in by_machine}


def resources_of(rows: Iterable[Any]) -> tuple[ResourceFacts, ...]:
    """The shared resources that one machine needs; each row names one and one of its seats, as
    often as was agreed something about the machine.
    """
    once = dict.fromkeys((row[1], row[2], row[3]) for row in rows)
    return tuple(
        ResourceFacts(resource_id, name, tuple(seat for *_, seat in seats if seat is not None))
        for (resource_id, name), seats in groupby(once, key=lambda row: row[:2])
        if resource_id is not None
    )


def agreements_of(rows: Iterable[Any]) -> tuple[Agreement, ...]:
    """What was agreed about one machine, from its rows: each an agreement and one of its ranges."""
    once = dict.fromkeys((row[4], row[5], row[6]) for row in rows if row[4] is not None)
    return tuple(
        agreement_facts(agreement, owner, [each for *_, each in ranges if each is not None])
        for (agreement, owner), ranges in groupby(once, key=lambda row: row[:2])
    )


def agreement_facts(row: SharingAgreement, owner: str, ranges: Iterable[OwnerRange]) -> Agreement:
    copied = {
        name: getattr(row, name)
        for name in Agreement.__dataclass_fields__
        if name not in ("owner", "audiences", "ranges")
    }
    return Agreement(
        **copied,
        owner=owner,
        audiences=frozenset(map(Audience, row.audiences)),
        ranges=tuple(WeeklyOpening(each.weekday, each.opens_at, each.closes_at) for each in ranges),
    )


def machine_facts(
    machine: Machine,
    category: CategoryFacts,
    policies: Sequence[Policy],
    resources: tuple[ResourceFacts, ...] = (),
    agreements: tuple[Agreement, ...] = (),
) -> MachineFacts:
    own = [
        row
        for row in policies
        if row.machine_id == machine.id
        or (row.machine_id is None and row.category_id in (None, machine.category_id))
    ]
    copied = {
        name: getattr(machine, name)
        for name in MachineFacts.__dataclass_fields__
        if name not in MADE
    }
    return MachineFacts(
        **copied,
        category=category,
        resources=resources,
        agreements=agreements,
        materials_allowed=tuple(machine.materials_allowed),
        materials_forbidden=tuple(machine.materials_forbidden),
        policies={
            audience: resolve(own, audience, machine.risk_class) for audience in (None, *Audience)
        },
    )


# What is made of a machine's rows, and not copied from its own.
MADE = frozenset(
    {"category", "policies", "resources", "agreements", "materials_allowed", "materials_forbidden"}
)
SET_UP: list[type[Any]] = [
    Place,
    Opening,
    Closure,
    Organization,
    Category,
    Machine,
    Policy,
    Resource,
    Seat,
    MachineResource,
    MachineReferent,
    SharingAgreement,
    OwnerRange,
]


def count_changes_of(*models: type[Any]) -> None:
    """Rows of features above that are set up too; they name their place or their machine."""
    SET_UP.extend(models)


@event.listens_for(Session, "after_flush")
def _count_the_change(session: Session, _context: object) -> None:
    """Raise the revision of every place whose set-up this flush changes.

    Here and not in each command, because a page that shows last week's hours after somebody
    forgot a line is worse than a listener one has to know of. It sees rows that are added,
    changed and deleted as objects, and not what an UPDATE statement does.
    """
    changed = {
        place_id
        for row in (*session.new, *session.dirty, *session.deleted)
        if isinstance(row, tuple(SET_UP)) and (row not in session.dirty or session.is_modified(row))
        for place_id in _places_of(row)
    }
    for place_id in sorted(changed):
        session.execute(
            update(Place)
            .where(Place.id == place_id)
            .values(revision=Place.revision + 1)
            .execution_options(synchronize_session=False)
        )


def _places_of(row: Any) -> Iterator[int]:
    """The place of a row of SET_UP; also the one it is taken away from."""
    if isinstance(row, Place):
        yield row.id
        return
    if isinstance(row, Seat):
        yield from db.session.scalars(
            select(Resource.place_id).where(Resource.id == row.resource_id)
        )
        return
    if isinstance(row, OwnerRange):
        yield from db.session.scalars(
            select(Machine.place_id)
            .join(SharingAgreement, SharingAgreement.machine_id == Machine.id)
            .where(SharingAgreement.id == row.agreement_id)
        )
        return
    if not hasattr(row, "place_id"):
        yield from db.session.scalars(select(Machine.place_id).where(Machine.id == row.machine_id))
        return
    history = inspect(row).attrs.place_id.history
    yield from (place_id for place_id in history.sum() if place_id is not None)
