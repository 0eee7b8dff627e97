"""The place the benchmarks run on: 24 machines, a full week to come, and a past as long as asked.

Made of numbers, the same at every run.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from datetime import time as hour
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from fablab import clock
from fablab.booking.models import Acknowledgement
from fablab.clock import from_wall, today
from fablab.db import db, writing
from fablab.machines.kinds import Approval, RiskClass
from fablab.machines.models import (
    Category,
    Machine,
    MachineResource,
    Occupancy,
    Policy,
    Resource,
    Seat,
)
from fablab.machines.policies import safety_hash
from fablab.members.models import Member, Membership, Role, RoleHeld
from fablab.organizations.models import Organization, OrganizationKind
from fablab.places.models import NamesShown, Opening, Place
from fablab.trainings.models import Qualification

HUES = "red orange blue plum teal brown slate green terracotta ink".split()
ICONS = "zap drill printer-3d spool file-text axe anvil cpu amphora warehouse".split()
MACHINES, MEMBERS, DAYS = 24, 40, 8
STARTS = (9, 11, 13, 15, 18)  # five bookings a day on each machine: 120 a day
WORKDAYS, A_YEAR = 5, 0.64  # a year: two thirds of that on the days of work
ZONE = Place(zone="Europe/Paris").tz
AT_ONCE = 20_000  # rows to an INSERT


def populate(past: int) -> int:
    """The place, its people, a week of bookings and `past` older ones; a member's id."""
    now = clock.now()
    with writing() as session:
        place = Place(
            slug="bench",
            name="The mill",
            names_shown=NamesShown.EVERYONE,
            holidays_country="",
            created_at=now,
        )
        session.add(place)
        session.flush()
        session.add_all(
            Opening(place_id=place.id, weekday=day, opens_at=hour(9), closes_at=hour(20))
            for day in range(1, 8)
        )
        session.add(Policy(place_id=place.id, cleanup=timedelta(0), horizon_days=300))
        _machines(session, place.id)
        members = [_member(n, now) for n in range(MEMBERS)]
        for member in members:
            member.memberships.append(Membership(place_id=place.id))
        session.add_all(members)
        session.flush()
        session.add(RoleHeld(membership_id=members[0].memberships[0].id, role=Role.FABMANAGER))
        session.flush()
    first = today(ZONE, now)
    _insert(_bookings(first + timedelta(days=n) for n in range(DAYS)))
    lengthen_past(0, past)
    return members[1].id


def every_rule(slug: str, member_id: int, buddy_id: int) -> None:
    """Put every rule on a machine, none of which stands in the way of the member's bookings."""
    now, hours = clock.now(), timedelta(hours=1000)
    with writing() as session:
        machine = session.scalars(select(Machine).filter_by(slug=slug)).one()
        owner = Organization(
            place_id=machine.place_id, slug="owner", name="Owner", kind=OrganizationKind.COMPANY
        )
        air = Resource(place_id=machine.place_id, slug="air", name="Dust extraction")
        session.add_all([owner, air])
        session.flush()
        machine.owner_id, machine.risk_class = owner.id, RiskClass.D
        machine.safety = "Wear glasses."
        session.add_all([Seat(resource_id=air.id, number=number) for number in (1, 2)])
        session.add(MachineResource(machine_id=machine.id, resource_id=air.id))
        session.add(
            Policy(
                place_id=machine.place_id,
                machine_id=machine.id,
                quota_machine=hours,
                quota_category=hours,
                quota_risky=hours,
                last_minute=timedelta(hours=4),
                weekly_bookings=1000,
                bookings_ahead=10_000,
                one_at_a_time=True,
                units=2,
                level=2,
                buddy=True,
                approval=Approval.ALWAYS,
                approval_above=timedelta(minutes=30),
                owner_approval=True,
                setup=timedelta(minutes=5),
                cooling=timedelta(minutes=5),
            )
        )
        for who in (member_id, buddy_id):
            session.add(
                Qualification(
                    member_id=who,
                    machine_id=machine.id,
                    level=2,
                    given_on=today(ZONE, now) - timedelta(days=30),
                    recorded_at=now,
                )
            )
        session.add(
            Acknowledgement(
                member_id=member_id,
                machine_id=machine.id,
                text_hash=safety_hash(machine.safety, machine.materials_forbidden or []),
                acknowledged_at=now,
            )
        )


def lengthen_past(there: int, wanted: int) -> None:
    """From `there` to `wanted` bookings before today, going back as many days as it takes."""
    yesterdays = (today(ZONE, clock.now()) - timedelta(days=n) for n in range(1, 20_000))
    _insert(islice(_bookings(yesterdays), there, wanted))


def book_a_year(wanted: int) -> None:
    """So many bookings from the end of the week that is booked: on five days of each week, made
    at random moments of the month before them, with UIDs as they are drawn.
    """
    drawn = random.Random(2027)
    first = today(ZONE, clock.now()) + timedelta(days=DAYS)
    workdays = (day for n in range(365) if (day := first + timedelta(days=n)).weekday() < WORKDAYS)
    sparse = (row for row in _bookings(workdays) if drawn.random() < A_YEAR)
    _insert(_as_in_life(row, drawn) for row in islice(sparse, wanted))


def _as_in_life(row: dict[str, Any], drawn: random.Random) -> dict[str, Any]:
    made_at = clock.now() - timedelta(seconds=drawn.randrange(30 * 24 * 3600))
    uid = UUID(int=drawn.getrandbits(128), version=4)
    return row | {"uid": str(uid), "created_at": made_at, "changed_at": made_at}


def _insert(rows: Iterator[dict[str, Any]]) -> None:
    while some := list(islice(rows, AT_ONCE)):
        with writing() as session:
            session.connection().execute(insert(Occupancy.__table__), some)


def _bookings(days: Iterator[date]) -> Iterator[dict[str, Any]]:
    machine_ids = list(db.session.scalars(select(Machine.id).order_by(Machine.id)))
    member_ids = list(db.session.scalars(select(Member.id).order_by(Member.id)))
    now = clock.now()
    number = 0
    for day in days:
        for n, machine_id in enumerate(machine_ids):
            for k, starts in enumerate(STARTS):
                number += 1
                start = from_wall(ZONE, day, hour(starts, 15 * (n % 3)))
                end = start + timedelta(minutes=75)
                yield {
                    "uid": str(UUID(int=number + (day.toordinal() << 64))),
                    "kind": "booking",
                    "machine_id": machine_id,
                    "starts_at": start,
                    "ends_at": end,
                    "occupied_from": start,
                    "occupied_until": end,
                    "status": "confirmed",
                    "standing": True,
                    "revision": 0,
                    "created_at": now,
                    "changed_at": now,
                    "title": "Something to make",
                    "member_id": member_ids[(n * len(STARTS) + k) % len(member_ids)],
                }


def _machines(session: Any, place_id: int) -> list[Machine]:
    categories = [
        Category(
            place_id=place_id, slug=hue, name=f"Category {hue}", hue=hue, icon=icon, position=n
        )
        for n, (hue, icon) in enumerate(zip(HUES, ICONS, strict=True))
    ]
    session.add_all(categories)
    session.flush()
    machines = [
        Machine(
            place_id=place_id,
            category_id=categories[n * len(categories) // MACHINES].id,
            slug=f"m{n:02}",
            code=f"M{n:02}",
            name=f"Machine number {n}",
            model="Maker 3000",
            position=n,
        )
        for n in range(MACHINES)
    ]
    session.add_all(machines)
    session.flush()
    return machines


def _member(n: int, now: datetime) -> Member:
    return Member(
        uid=str(UUID(int=n + 1)),
        email=f"member{n}@bench.example",
        first_name=f"Firstname{n}",
        last_name=f"Lastname{n}",
        created_at=now,
        confirmed_at=now,
    )
