"""What the team says of shared resources: how much there is of each, and what needs it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select

from fablab.db import NoSuch, db, retried, writing
from fablab.machines.commands import stand_in_line
from fablab.machines.kinds import MachineState, OccupancyKind
from fablab.machines.models import (
    Claim,
    Machine,
    MachineResource,
    Occupancy,
    Resource,
    Seat,
)
from fablab.machines.seating import NoSeatLeft, seats_for
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.slots import Slot
from fablab.words import slug


class NameTaken(Exception):
    """Another resource of the place is called the same."""


class InTheWay(Exception):
    """Bookings that stand need what would be taken away: their ids. Nothing was changed."""

    def __init__(self, occupancies: Collection[int]) -> None:
        super().__init__(occupancies)
        self.occupancies = sorted(occupancies)


def resources(place_id: int) -> Sequence[Resource]:
    return db.session.scalars(
        select(Resource)
        .where(Resource.place_id == place_id)
        .order_by(Resource.name, Resource.id)
        .execution_options(populate_existing=True)
    ).all()


def seats_of(resource_ids: Collection[int]) -> dict[int, list[int]]:
    """The ids of the seats of each, by number."""
    found: dict[int, list[int]] = {each: [] for each in resource_ids}
    rows = db.session.execute(
        select(Seat.resource_id, Seat.id)
        .where(Seat.resource_id.in_(resource_ids))
        .order_by(Seat.resource_id, Seat.number)
    )
    for resource_id, seat_id in rows:
        found[resource_id].append(seat_id)
    return found


def machines_of(resource_ids: Collection[int]) -> dict[int, set[int]]:
    """The ids of the machines that need each."""
    found: dict[int, set[int]] = {each: set() for each in resource_ids}
    rows = db.session.execute(
        select(MachineResource.resource_id, MachineResource.machine_id).where(
            MachineResource.resource_id.in_(resource_ids)
        )
    )
    for resource_id, machine_id in rows:
        found[resource_id].add(machine_id)
    return found


@retried
def create_resource(
    place_id: int,
    name: str,
    capacity: int,
    machine_ids: Collection[int],
    *,
    by: int,
    now: datetime,
) -> str:
    """A new shared resource and what needs it; its slug.

    Raises NameTaken, InTheWay when what is booked already needs more of it than there is,
    NoSuch for a machine that is not of the place, and Busy.
    """
    with writing() as session:
        stand_in_line(session, *machine_ids)
        address = slug(name) or "resource"
        check_name(place_id, name, address)
        resource = Resource(place_id=place_id, slug=address, name=name)
        session.add(resource)
        session.flush()
        resize(resource, capacity, now)
        connect(resource, set(machine_ids), now)
        note(resource, by=by, now=now, before={}, after=told(resource))
    return address


@retried
def change_resource(
    resource_id: int,
    name: str,
    capacity: int,
    machine_ids: Collection[int],
    *,
    by: int,
    now: datetime,
) -> None:
    """Rename it, say how much there is of it and what needs it; its address stays.

    Seats are taken away from the highest number down. A machine that needs it from now on takes
    a seat for all that is booked on it. Raises NameTaken, InTheWay, NoSuch and Busy.
    """
    with writing() as session:
        before_ids = machines_of([resource_id])[resource_id]
        stand_in_line(session, *before_ids, *machine_ids)
        resource = session.scalar(
            select(Resource)
            .where(Resource.id == resource_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if resource is None:
            raise NoSuch(f"no resource {resource_id}")
        before = told(resource)
        if name != resource.name:
            check_name(resource.place_id, name, resource.slug, but=resource_id)
            resource.name = name
        disconnect(resource, but=set(machine_ids))
        resize(resource, capacity, now)
        connect(resource, set(machine_ids), now)
        session.flush()
        after = told(resource)
        if before == after:
            return
        resource.revision += 1
        note(resource, by=by, now=now, before=before, after=after)


def check_name(place_id: int, name: str, address: str, *, but: int | None = None) -> None:
    """Raise NameTaken when another one of the place has the name, or the address."""
    for other in resources(place_id):
        if other.id != but and (other.name == name or other.slug == address):
            raise NameTaken


def resize(resource: Resource, capacity: int, now: datetime) -> None:
    """Add seats, or take the last ones away once nothing that is not over claims them."""
    session = db.session()
    seats = session.scalars(
        select(Seat).where(Seat.resource_id == resource.id).order_by(Seat.number)
    ).all()
    for number in range(len(seats) + 1, capacity + 1):
        session.add(Seat(resource_id=resource.id, number=number))
    removed = seats[capacity:]
    if removed:
        ids = [seat.id for seat in removed]
        claimed = session.scalars(
            select(Claim.occupancy_id)
            .join(Occupancy, Occupancy.id == Claim.occupancy_id)
            .where(Claim.seat_id.in_(ids), Claim.claimed_until > now, Occupancy.standing)
            .distinct()
        ).all()
        if claimed:
            raise InTheWay(claimed)
        session.execute(delete(Claim.__table__).where(Claim.seat_id.in_(ids)))
        for seat in removed:
            session.delete(seat)
    session.flush()


def disconnect(resource: Resource, *, but: set[int]) -> None:
    """The machines that need it no longer give their seats back."""
    session = db.session()
    left = machines_of([resource.id])[resource.id] - but
    if not left:
        return
    for machine_id in sorted(left):
        session.delete(session.get_one(MachineResource, (machine_id, resource.id)))
    on_these = select(Occupancy.id).where(Occupancy.machine_id.in_(left))
    session.execute(
        delete(Claim.__table__).where(
            Claim.seat_id.in_(seats_of([resource.id])[resource.id]),
            Claim.occupancy_id.in_(on_these),
        )
    )
    session.flush()


def connect(resource: Resource, machine_ids: set[int], now: datetime) -> None:
    """The machines that need it from now on take seats for what is booked on them."""
    session = db.session()
    held = machines_of([resource.id])[resource.id]
    new = machine_ids - held
    if not new:
        return
    here = select(Machine.id).where(
        Machine.id.in_(new),
        Machine.place_id == resource.place_id,
        Machine.state != MachineState.RETIRED,
    )
    if set(session.scalars(here)) != new:
        raise NoSuch("a machine that is not of the place")
    session.add_all(
        MachineResource(machine_id=machine_id, resource_id=resource.id)
        for machine_id in sorted(new)
    )
    session.flush()
    seat_what_is_booked(resource, new, now)


def seat_what_is_booked(resource: Resource, machine_ids: set[int], now: datetime) -> None:
    """Take seats for all that is booked on these machines and not over. Raises InTheWay."""
    session = db.session()
    taken: dict[int, list[Slot]] = {seat: [] for seat in seats_of([resource.id])[resource.id]}
    rows = session.execute(
        select(Claim.seat_id, Claim.claimed_from, Claim.claimed_until).where(
            Claim.seat_id.in_(taken), Claim.claimed_until > now
        )
    )
    for seat, start, end in rows:
        taken[seat].append(Slot(start, end))
    too_many = []
    for row in booked_on(machine_ids, now):
        try:
            parts = seats_for(Slot(row.occupied_from, row.occupied_until), taken)
        except NoSeatLeft:
            too_many.append(row.id)
            continue
        for seat, part in parts:
            taken[seat].append(part)
            session.add(
                Claim(
                    seat_id=seat,
                    occupancy_id=row.id,
                    claimed_from=part.start,
                    claimed_until=part.end,
                )
            )
    if too_many:
        raise InTheWay(too_many)
    session.flush()


def booked_on(machine_ids: set[int], now: datetime) -> Sequence[Row[Any]]:
    """What takes a seat: bookings and sessions that stand, and are not over with what comes after
    them.
    """
    table = Occupancy.__table__
    return db.session.execute(
        select(table)
        .where(
            table.c.machine_id.in_(machine_ids),
            table.c.standing,
            table.c.kind != OccupancyKind.OUTAGE,
            table.c.occupied_until > now,
        )
        .order_by(table.c.occupied_from, table.c.id)
    ).all()


def told(resource: Resource) -> dict[str, Any]:
    """As the record keeps it: the machines by their codes."""
    codes = db.session.scalars(
        select(Machine.code)
        .join(MachineResource, MachineResource.machine_id == Machine.id)
        .where(MachineResource.resource_id == resource.id)
        .order_by(Machine.code)
    )
    return {
        "shared": resource.name,
        "capacity": len(seats_of([resource.id])[resource.id]),
        "needed_by": list(codes),
    }


def note(
    resource: Resource, *, by: int, now: datetime, before: dict[str, Any], after: dict[str, Any]
) -> None:
    audit.note(
        db.session(),
        Deed.RESOURCES,
        place_id=resource.place_id,
        by=by,
        now=now,
        before=before,
        after=after,
    )
