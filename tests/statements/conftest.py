"""L'Atelier's March and April: by quarters, 28 € an hour on the laser, 12 on the bench; company 30.

Bruno manages Studio Fil; Chloé is an entrepreneur of it, her activity is "lamps". The accountant
is Zoé.
"""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.db import add_row, db, writing
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.members import marks
from fablab.members.kinds import MarkKind, Role
from fablab.members.models import Mark, Member, Membership, RoleHeld
from fablab.organizations.models import OrganizationMember
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.statements import commands, queries
from fablab.statements.gathering import account_of
from fablab.statements.kinds import Scope
from fablab.statements.rules import Period
from fablab.tariffs.kinds import Unit
from fablab.tariffs.models import Allowance, Tariff
from tests.conftest import Fablab, populate
from tests.support import instant, slot

MARCH = Period(date(2027, 3, 1), date(2027, 3, 31))
APRIL = Period(date(2027, 4, 1), date(2027, 4, 30))
IN_APRIL, IN_MAY = instant("2027-04-02 09:00"), instant("2027-05-02 09:00")
QUARTER = timedelta(minutes=15)


class Workshop:
    """What the tests of statements do in L'Atelier."""

    def __init__(self, fablab: Fablab) -> None:
        self.fablab = fablab
        self.place_id = fablab.place_id

    @property
    def inventory(self):
        return of_place(place_id=self.place_id)

    def price(self, slug, price, **changed):
        machine_id = self.fablab.machine(slug).id if slug else None
        facts = {"unit": Unit.HOUR, "step": QUARTER, "first_day": date(2026, 1, 1)}
        with writing() as session:
            session.add(
                Tariff(
                    uid=str(uuid4()),
                    place_id=self.place_id,
                    machine_id=machine_id,
                    price=Decimal(price),
                    made_at=clock.now(),
                    **facts | changed,
                )
            )

    def used(self, slug, when, who="bruno", **changed):
        """A booking that took place, with its columns as they are said; its UID."""
        span = when if isinstance(when, Slot) else slot(when)
        uid = str(uuid4())
        values = {
            "organization_id": None,
            "activity": "",
            "status": Status.CONFIRMED,
            "arrived_at": None,
            "left_at": None,
            "is_accompanied": False,
        } | changed
        with writing() as session:
            add_row(
                session,
                Occupancy,
                uid=uid,
                kind="booking",
                machine_id=self.fablab.machine(slug).id,
                standing=values["status"] is Status.CONFIRMED,
                starts_at=span.start,
                ends_at=span.end,
                occupied_from=span.start,
                occupied_until=span.end,
                revision=0,
                created_at=clock.now(),
                changed_at=clock.now(),
                title="",
                member_id=self.fablab.people[who],
                **values,
            )
        return uid

    def for_studio(self, slug, when, who="bruno", **changed):
        return self.used(slug, when, who, organization_id=self.fablab.organization_id, **changed)

    def change(self, uid, **columns):
        table = Occupancy.__table__
        with writing() as session:
            session.execute(update(table).where(table.c.uid == uid).values(**columns))

    def mark(self, uid, kind=MarkKind.LATE):
        occupancy = db.session.execute(
            db.select(Occupancy.id, Occupancy.member_id).where(Occupancy.uid == uid)
        ).one()
        with writing() as session:
            add_row(
                session,
                Mark,
                uid=f"mark of {uid}",
                member_id=occupancy.member_id,
                place_id=self.place_id,
                occupancy_id=occupancy.id,
                kind=kind,
                made_at=clock.now(),
                lift_reason="",
            )
        self.change(uid, is_late=kind is MarkKind.LATE)

    def lift(self, uid):
        with writing() as session:
            session.execute(
                update(Mark)
                .where(Mark.uid == f"mark of {uid}")
                .values(lifted_at=clock.now(), lift_reason="It was our mistake")
            )
        self.change(uid, is_excused=True)

    def forget(self):
        """All marks, a year after they were made."""
        with writing() as session:
            session.execute(update(Mark).values(made_at=instant("2026-03-01 09:00")))
            marks.tidy(session, IN_APRIL)

    def terms(self, **columns):
        with writing() as session:
            place = session.get(Place, self.place_id)
            for name, value in columns.items():
                setattr(place, name, value)

    def grant(self, minutes, **changed):
        uid = str(uuid4())
        facts = {
            "name": "Ten hours",
            "organization_id": self.fablab.organization_id,
            "member_id": None,
            "categories": [],
            "is_monthly": False,
            "is_shared": True,
            "first_day": date(2027, 3, 1),
            "last_day": None,
            "settled": "Receipt 12",
        }
        with writing() as session:
            add_row(
                session,
                Allowance,
                uid=uid,
                place_id=self.place_id,
                minutes=minutes,
                granted_at=clock.now(),
                **facts | changed,
            )
        return uid

    def subject(self, scope=Scope.ORGANIZATION, of="studio", activity=""):
        return queries.subject(scope, of, activity, self.place_id)

    def member(self, who):
        uid = db.session.scalar(db.select(Member.uid).where(Member.id == self.fablab.people[who]))
        return self.subject(Scope.MEMBER, uid)

    def account(self, subject=None, period=MARCH, now=IN_MAY):
        return account_of(subject or self.subject(), period, self.inventory, now)

    def close(self, subject=None, period=MARCH, now=IN_APRIL):
        by = self.fablab.people["amina"]
        return commands.close(subject or self.subject(), period, by=by, now=now)

    def entrepreneur(self, who="chloe", activity="lamps", **changed):
        with writing() as session:
            session.add(
                OrganizationMember(
                    organization_id=self.fablab.organization_id,
                    member_id=self.fablab.people[who],
                    activity=activity,
                    since=date(2026, 1, 1),
                    **changed,
                )
            )

    def person(self, name, role=None, **stay):
        with writing() as session:
            member = Member(
                uid=str(uuid4()),
                email=f"{name}@atelier.example",
                first_name=name.title(),
                last_name="Trame",
                confirmed_at=clock.now(),
                created_at=clock.now(),
            )
            membership = Membership(place_id=self.place_id)
            member.memberships.append(membership)
            session.add(member)
            session.flush()
            if role:
                session.add(RoleHeld(membership_id=membership.id, role=role))
            self.fablab.people[name] = member.id
        if stay:
            self.entrepreneur(name, **stay)


def open_workshop(fablab):
    workshop = Workshop(fablab)
    workshop.price("laser", "28")
    workshop.price("bench", "12")
    workshop.price(None, "30")
    with writing() as session:
        session.execute(
            update(OrganizationMember)
            .where(OrganizationMember.member_id == fablab.people["bruno"])
            .values(is_manager=True)
        )
    workshop.entrepreneur()
    workshop.person("zoe", Role.ACCOUNTANT)
    return workshop


@pytest.fixture
def workshop(app):
    return open_workshop(populate())


@pytest.fixture
def any_workshop(any_app):
    return open_workshop(populate())
