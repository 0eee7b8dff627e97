"""A house with every rule in it, as the model has it and, the same, as rows of a database."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from fablab.db import writing
from fablab.machines.kinds import Approval, RiskClass
from fablab.machines.models import Category, Machine, MachineResource, Policy, Pool, Resource, Seat
from fablab.members.kinds import AgeBand, Audience, Role
from fablab.members.models import Member, Membership, RoleHeld
from fablab.organizations.models import Organization, OrganizationKind, OrganizationMember
from fablab.places.kinds import Mode
from fablab.places.models import Closure, Opening, Place
from fablab.trainings.models import Qualification, Training, TrainingGrant
from tests.booking import model
from tests.booking.model import DAY, HOUR, Held, House, Person

MINUTES, LONG_AGO = timedelta(minutes=1), date(2026, 1, 1)
EASTER = date(2027, 3, 28)  # the clocks go forward that night
# The training that gives two machines at once; all other levels are given one by one.
TRAINED = {"laser": 2, "saw": 3}


def house() -> House:
    """It is Thursday, 25 March 2027, 9:00: the clocks go forward on Sunday."""
    return House(
        now=datetime(2027, 3, 25, 8, tzinfo=UTC),
        openings=[
            *(model.Opening(day, time(10), time(18), "supervised") for day in range(2, 7)),
            *(model.Opening(day, time(18), time(22), "resident") for day in range(2, 7)),
            *(model.Opening(day, time(22), time(6), "night") for day in range(1, 8)),
            model.Opening(1, time(12), time(20), "resident"),
            model.Opening(7, time(10), time(14), "supervised"),
        ],
        closures=[(date(2027, 4, 1), date(2027, 4, 2)), (date(2027, 3, 26), date(2027, 3, 26))],
        says={
            "": {"horizon_days": 14, "one_at_a_time": True, "bookings_ahead": 5}
            | {"free_cancellation": 12 * HOUR},
            "staff": {"horizon_days": 60, "bookings_ahead": 0},
            "professional": {"bookings_ahead": 7, "maximum": 5 * HOUR},
        },
        categories={
            "wood": {"": {"quota_category": 7 * HOUR, "quota_risky": 6 * HOUR}},
            "light": {"": {"quota_category": 8 * HOUR, "quota_risky": 6 * HOUR}},
            "print": {"": {"modes": ["supervised", "resident", "night"]}},
            "other": {},
        },
        machines={machine.slug: machine for machine in machines()},
        people={person.name: person for person in people()},
        capacity={"dust": 2, "smoke": 1},
        marks_allowed=1,
        marks_window=timedelta(days=30),
        marks_suspension=timedelta(days=3),
    )


def machines() -> list[model.Machine]:
    dangerous = {"level": 2, "modes": ["supervised", "resident", "night"]}
    return [
        model.Machine("bench", "wood", {"": {"weekly_bookings": 1}}, shares=("dust",)),
        model.Machine(
            "drill",
            "wood",
            {"": {"overridable": ["too_long"], "weekly_bookings": 2, "setup": 15 * MINUTES}},
            shares=("dust",),
        ),
        model.Machine("saw", "wood", {"": dangerous}, risk="D", shares=("dust", "smoke")),
        model.Machine("grinder", "wood", {"": dangerous | {"level": 0}}, risk="D"),
        model.Machine(
            "laser",
            "light",
            {
                "": {"level": 2, "setup": 15 * MINUTES, "cleanup": 15 * MINUTES}
                | {"quota_machine": 5 * HOUR, "last_minute": 3 * HOUR},
                "reduced": {"buddy": True},
                "association": {"is_open": False},
            },
            risk="C",
            shares=("smoke",),
        ),
        model.Machine(
            "mill",
            "light",
            {"": {"owner_approval": True, "answer_within": 6 * HOUR, "notice": 2 * HOUR}},
            risk="C",
            owner="studio",
        ),
        *(
            model.Machine(
                f"printer{n}",
                "print",
                {"": {"units": 1, "approval": "first", "maximum": 12 * HOUR}},
                pool="printers",
            )
            for n in (1, 2, 3)
        ),
        model.Machine(
            "kiln",
            "other",
            {
                "": {"fixed": 8 * HOUR, "cooling": 4 * HOUR, "cleanup": HOUR, "step": HOUR}
                | {"modes": ["supervised", "resident", "night"], "approval": "always"}
                | {"answer_within": 24 * HOUR, "notice": 24 * HOUR, "youngest": "from_16"},
            },
        ),
        model.Machine(
            "scanner",
            "other",
            {"": {"whole_days": True, "maximum": 72 * HOUR, "approval_above": 48 * HOUR}},
            safety="Keep it dry.",
        ),
        model.Machine("press", "other", {"": {"youngest": "adult"}}, safety="Mind your fingers."),
    ]


def people() -> list[Person]:
    saw = [Held("saw", 3, LONG_AGO), Held("grinder", 3, LONG_AGO)]
    return [
        Person("amina", "individual", is_team=True, held=[Held("laser", 4, LONG_AGO), *saw]),
        Person("basil", "professional", is_team=True),
        Person(
            "bruno",
            held=[Held(machine, level, LONG_AGO) for machine, level in TRAINED.items()],
            organizations=("studio",),
        ),
        Person("chloe"),
        Person(
            "dora",
            "reduced",
            ends_on=EASTER + 2 * DAY,
            held=[Held("laser", 2, LONG_AGO), Held("saw", 1, LONG_AGO)],
        ),
        Person("emil", "association", held=[Held("laser", 3, LONG_AGO), *saw]),
        Person("fay", "individual", ends_on=EASTER, held=[Held("laser", 2, LONG_AGO, EASTER)]),
        Person(
            "gus",
            "professional",
            held=[Held("laser", 1, LONG_AGO), Held("saw", 2, date(2027, 3, 30)), saw[1]],
        ),
        Person("hana", "resident", organizations=("studio",), manages="studio", held=saw),
        Person("ivan", "reduced", age="from_16", has_guardian=True),
        Person("june", "reduced", age="from_16", held=[Held("laser", 2, LONG_AGO)]),
        Person("kim", "individual", age="under_16", has_guardian=True, ends_on=EASTER),
        Person("nobody", ""),
    ]


class Rows:
    """The ids under which a house stands in the database; several may, each a place."""

    _numbers = count(1)

    def __init__(self, house: House) -> None:
        self.number = next(self._numbers)
        self.people: dict[str, int] = {}
        self.machines: dict[str, int] = {}
        self.organizations: dict[str, int] = {}
        self.resources: dict[str, int] = {}
        with writing() as session:
            self.place_id = self.write(session, house)

    def write(self, session: Session, house: House) -> int:
        place = self.add(
            session,
            Place(
                slug=f"house{self.number}",
                name="House",
                holidays_country="",
                marks_allowed=house.marks_allowed,
                marks_window_days=house.marks_window.days,
                marks_suspension_days=house.marks_suspension.days,
                created_at=house.now,
            ),
        )
        for each in house.openings:
            session.add(
                Opening(
                    place_id=place,
                    weekday=each.weekday,
                    opens_at=each.opens,
                    closes_at=each.closes,
                    mode=Mode(each.mode),
                )
            )
        for first, last in house.closures:
            session.add(
                Closure(
                    place_id=place,
                    uid=str(uuid4()),
                    first_day=first,
                    last_day=last,
                    reason="Inventory",
                )
            )
        self.write_people(session, house, place)
        self.write_machines(session, house, place)
        self.write_qualifications(session, house, place)
        return place

    @staticmethod
    def add(session: Session, row: Any) -> int:
        session.add(row)
        session.flush()
        return row.id

    def write_people(self, session: Session, house: House, place: int) -> None:
        names = {name for person in house.people.values() for name in person.organizations}
        for name in sorted(names):
            row = Organization(
                place_id=place, slug=name, name=name.title(), kind=OrganizationKind.COMPANY
            )
            self.organizations[name] = self.add(session, row)
        for person in house.people.values():
            member = Member(
                uid=str(uuid4()),
                email=f"{person.name}@house{self.number}.example",
                first_name=person.name.title(),
                last_name="House",
                age_band=AgeBand(person.age),
                guardian_agreed_on=LONG_AGO if person.has_guardian else None,
                confirmed_at=house.now,
                created_at=house.now,
            )
            self.people[person.name] = self.add(session, member)
            if person.audience:
                held = Membership(
                    member_id=member.id,
                    place_id=place,
                    audience=Audience(person.audience),
                    expires_on=person.ends_on,
                )
                membership = self.add(session, held)
                if person.is_team:
                    session.add(RoleHeld(membership_id=membership, role=Role.FABMANAGER))
            for name in person.organizations:
                session.add(
                    OrganizationMember(
                        organization_id=self.organizations[name],
                        member_id=member.id,
                        is_manager=person.manages == name,
                        since=LONG_AGO,
                    )
                )

    def write_machines(self, session: Session, house: House, place: int) -> None:
        for name, seats in house.capacity.items():
            row = Resource(place_id=place, slug=name, name=name.title())
            self.resources[name] = self.add(session, row)
            session.add_all(Seat(resource_id=row.id, number=n + 1) for n in range(seats))
        pools = {machine.pool for machine in house.machines.values() if machine.pool}
        pool_ids = {
            name: self.add(session, Pool(place_id=place, slug=name, name=name.title()))
            for name in sorted(pools)
        }
        session.add_all(policies(house.says, place_id=place))
        categories: dict[str, int] = {}
        for name, says in house.categories.items():
            row = Category(place_id=place, slug=name, name=name.title())
            categories[name] = self.add(session, row)
            session.add_all(policies(says, place_id=place, category_id=row.id))
        for machine in house.machines.values():
            row = Machine(
                place_id=place,
                category_id=categories[machine.category],
                pool_id=pool_ids.get(machine.pool),
                owner_id=self.organizations.get(machine.owner),
                slug=f"{machine.slug}-{self.number}",
                code=machine.slug.upper(),
                name=machine.slug.title(),
                risk_class=RiskClass(machine.risk),
                safety=machine.safety,
            )
            self.machines[machine.slug] = self.add(session, row)
            session.add_all(policies(machine.says, place_id=place, machine_id=row.id))
            session.add_all(
                MachineResource(machine_id=row.id, resource_id=self.resources[name])
                for name in machine.shares
            )

    def write_qualifications(self, session: Session, house: House, place: int) -> None:
        training = Training(
            place_id=place, code="T", name="Training", duration=timedelta(hours=2), seats=4
        )
        self.add(session, training)
        session.add_all(
            TrainingGrant(training_id=training.id, machine_id=self.machines[machine], level=level)
            for machine, level in TRAINED.items()
        )
        for person in house.people.values():
            key = {"member_id": self.people[person.name], "recorded_at": house.now}
            if {held.machine: held.level for held in person.held} == TRAINED:
                session.add(Qualification(training_id=training.id, given_on=LONG_AGO, **key))
                continue
            session.add_all(
                Qualification(
                    machine_id=self.machines[held.machine],
                    level=held.level,
                    given_on=held.since,
                    expires_on=held.until,
                    **key,
                )
                for held in person.held
            )


def policies(says: model.Says, **scope: int) -> Iterable[Policy]:
    kinds = {"approval": Approval, "youngest": AgeBand}
    for audience, values in says.items():
        said = {name: kinds.get(name, lambda v: v)(value) for name, value in values.items()}
        yield Policy(audience=Audience(audience) if audience else None, **scope, **said)
