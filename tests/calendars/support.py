"""The words these tests speak: an address somebody has, and what is read at it."""

from datetime import date, datetime, time
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from icalendar import Calendar, Event
from sqlalchemy import insert, select, update

from fablab import clock
from fablab.booking.ledger import turn_the_page
from fablab.calendars import commands
from fablab.calendars.kinds import About, Scope
from fablab.db import db, writing
from fablab.machines.commands import stand_in_line
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Category, Machine, Occupancy, Pool
from fablab.organizations.models import OrganizationMember
from fablab.places.models import Closure, Opening, Place
from fablab.slots import Slot
from fablab.trainings.models import Training
from fablab.trainings.sessions import Plan, plan
from tests.conftest import Fablab

MINE = About(Scope.MEMBER)
PLACE = About(Scope.PLACE)
DAY = About(Scope.DAY)
TRAININGS = About(Scope.TRAININGS)


def address(fablab: Fablab, who: str, about: About = MINE) -> str:
    """A new address of this calendar for this person."""
    token = commands.make_address(
        about,
        member_id=fablab.people[who],
        place_id=fablab.place_id,
        key=commands.new_key(),
        now=clock.now(),
    )
    return f"/calendars/{token}/calendar.ics"


def category(fablab: Fablab, slug: str) -> About:
    return About(Scope.CATEGORY, category_id=fablab.machine(slug).category.id)


def machine(fablab: Fablab, slug: str) -> About:
    return About(Scope.MACHINE, machine_id=fablab.machine(slug).id)


def make_pool(fablab: Fablab, *slugs: str) -> About:
    """Make these machines interchangeable: a pool called Spares, one of its own at each call."""
    with writing() as session:
        spares = Pool(place_id=fablab.place_id, slug=f"spares-{uuid4()}", name="Spares")
        session.add(spares)
        session.flush()
        for one in session.scalars(select(Machine).where(Machine.slug.in_(slugs))):
            one.pool_id = spares.id
        return About(Scope.POOL, pool_id=spares.id)


def organization(fablab: Fablab) -> About:
    return About(Scope.ORGANIZATION, organization_id=fablab.organization_id)


def read(client: FlaskClient, address: str) -> list[Event]:
    """The events at an address, days off left out."""
    return [event for event in everything(client, address) if not is_day_off(event)]


def everything(client: FlaskClient, address: str) -> list[Event]:
    response = client.get(address)
    assert response.status_code == 200, response.text
    return Calendar.from_ical(response.data).events


def is_day_off(event: Event) -> bool:
    return not isinstance(event.start, datetime)


def summaries(client: FlaskClient, address: str) -> list[str]:
    return [str(event["SUMMARY"]) for event in read(client, address)]


def change(row: type, **values: Any) -> None:
    """As staff would, so that what counts the changes moves."""
    with writing() as session:
        for one in session.scalars(db.select(row)):
            for name, value in values.items():
                setattr(one, name, value)


def set_columns(row: type, who: int, **values: Any) -> None:
    """One row by its id."""
    with writing() as session:
        session.execute(update(row).where(row.id == who).values(**values))


def every_address(fablab: Fablab) -> list[str]:
    """Of all calendars that somebody else than Bruno reads of his on the laser for the studio."""
    return [
        address(fablab, "chloe", PLACE),
        address(fablab, "amina", DAY),
        address(fablab, "chloe", category(fablab, "laser")),
        address(fablab, "chloe", machine(fablab, "laser")),
        address(fablab, "chloe", make_pool(fablab, "laser")),
        "/machines/laser/calendar.ics",
        address(fablab, "bruno", organization(fablab)),
    ]


def make_manager(fablab: Fablab, who: str) -> None:
    """Let them run the studio."""
    with writing() as session:
        session.execute(
            update(OrganizationMember)
            .where(OrganizationMember.member_id == fablab.people[who])
            .values(is_manager=True)
        )


def plan_session(fablab: Fablab, span: Slot, *slugs: str, **more: Any) -> str:
    """A session of the laser training by Amina, on the laser unless said otherwise; its UID."""
    machines = frozenset(fablab.machine(slug).id for slug in slugs or ("laser",))
    return plan(
        db.session.scalars(select(Training.id)).one(),
        Plan(span, more.pop("seats", 2), machine_ids=machines, **more),
        by=fablab.people["amina"],
        now=clock.now(),
    )


def open_every_day(fablab: Fablab) -> None:
    with writing() as session:
        session.execute(update(Place).values(holidays_country=""))
        session.add_all(
            Opening(
                place_id=fablab.place_id,
                weekday=weekday,
                opens_at=time(0),
                closes_at=time(23, 45),
            )
            for weekday in range(1, 8)
        )


def close(fablab: Fablab, first: str, last: str, why: str, *, is_yearly: bool = False) -> None:
    with writing() as session:
        session.add(
            Closure(
                place_id=fablab.place_id,
                uid=str(uuid4()),
                first_day=date.fromisoformat(first),
                last_day=date.fromisoformat(last),
                reason=why,
                repeats_yearly=is_yearly,
            )
        )


def occupy(fablab: Fablab, slug: str, who: str, *spans: Slot) -> list[str]:
    """Bookings that the rules would not allow now: past, at night, years ahead. Their UIDs."""
    return occupy_machine(fablab.machine(slug).id, fablab.people[who], *spans)


def occupy_machine(machine_id: int, member_id: int, *spans: Slot) -> list[str]:
    now = clock.now()
    rows = [
        {
            "uid": str(uuid4()),
            "kind": OccupancyKind.BOOKING,
            "machine_id": machine_id,
            "starts_at": span.start,
            "ends_at": span.end,
            "occupied_from": span.start,
            "occupied_until": span.end,
            "status": Status.CONFIRMED,
            "standing": True,
            "revision": 0,
            "created_at": now,
            "changed_at": now,
            "title": "",
            "member_id": member_id,
        }
        for span in spans
    ]
    with writing() as session:
        stand_in_line(session, machine_id)
        session.execute(insert(Occupancy.__table__), rows)
        turn_the_page(session, member_id)
    return [row["uid"] for row in rows]


def book_elsewhere(fablab: Fablab, who: str, span: Slot) -> str:
    """A booking in a second place, across the ocean; its UID."""
    with writing() as session:
        loft = Place(
            slug="loft",
            name="The Loft",
            zone="America/New_York",
            position=2,
            created_at=clock.now(),
        )
        session.add(loft)
        session.flush()
        kilns = Category(place_id=loft.id, slug="kiln", name="Kilns")
        session.add(kilns)
        session.flush()
        kiln = Machine(place_id=loft.id, category_id=kilns.id, slug="kiln", code="K1", name="Kiln")
        session.add(kiln)
        session.flush()
        kiln_id = kiln.id
    return occupy_machine(kiln_id, fablab.people[who], span)[0]
