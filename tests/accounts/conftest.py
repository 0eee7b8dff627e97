"""Bruno has lived in the fablab: something of his is in every table that can hold it."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import waits
from fablab.booking.models import Acknowledgement
from fablab.calendars import commands as calendars
from fablab.calendars.kinds import About, Scope
from fablab.db import add_row, db, writing
from fablab.machines import photos
from fablab.machines.models import MachineReferent, Occupancy
from fablab.members import marks, staff
from fablab.members.kinds import Audience, LinkPurpose, MarkKind, Role
from fablab.members.models import MailedLink, Member, Membership, RoleHeld
from fablab.organizations import commands as organizations
from fablab.organizations.commands import Doer
from fablab.trainings.kinds import Seating
from fablab.trainings.models import Registration, Training, TrainingSession
from fablab.trainings.sessions import Plan, plan
from fablab.upkeep import faults, logbook
from fablab.upkeep.faults import Report
from fablab.upkeep.kinds import EntryKind
from fablab.upkeep.logbook import Entry
from tests.machines.test_photos import picture
from tests.mail.conftest import promise
from tests.manage.conftest import add_cast
from tests.support import slot


def live(fablab, who):
    """A life in the fablab for `who`, with words that only they would write."""
    member, now, amina = fablab.people[who], clock.now(), fablab.people["amina"]
    bench, laser = fablab.machine("bench").id, fablab.machine("laser").id
    past = fablab.book("bench", slot("2027-03-30 10:00-11:00"), who, purpose="A private thing")
    fablab.book(
        "bench",
        slot("2027-04-03 10:00-11:00"),
        who,
        purpose="Another thing",
        organization_id=fablab.organization_id if who == "bruno" else None,
    )
    fablab.book("bench", slot("2027-03-31 10:00-12:00"), "amina")
    hours = slot("2027-03-31 10:00-12:00")
    waits.join(waits.Wish(bench, fablab.place_id, hours, clock.timedelta(hours=1), member), now=now)
    calendars.make_address(
        About(Scope.MEMBER),
        member_id=member,
        place_id=fablab.place_id,
        key=calendars.new_key(),
        now=now,
    )
    training = db.session.scalar(select(Training.id))
    with writing() as session:
        session.execute(update(Training).values(seats=6))
        session.execute(update(Occupancy).values(quoted=Decimal("12.5")))
        occupancy = session.scalar(select(Occupancy.id).where(Occupancy.uid == past))
        add_row(
            session,
            Acknowledgement,
            member_id=member,
            machine_id=laser,
            text_hash="x",
            acknowledged_at=now,
        )
        add_row(session, MachineReferent, machine_id=bench, member_id=member)
        add_row(
            session,
            MailedLink,
            member_id=member,
            purpose=LinkPurpose.RESET,
            secret_hash=str(uuid4()),
            new_email=None,
            created_at=now,
            expires_at=now + clock.timedelta(hours=1),
        )
        marks.mark(session, member, fablab.place_id, occupancy, MarkKind.LATE, by=amina, now=now)
    uid = plan(training, Plan(slot("2027-04-06 10:00-12:00"), 4), by=amina, now=now)
    with writing() as session:
        held = session.scalar(select(TrainingSession.id).where(TrainingSession.uid == uid))
        add_row(
            session,
            Registration,
            session_id=held,
            member_id=member,
            seating=Seating.SEATED,
            asked_at=now,
        )
        session.execute(update(Member).where(Member.id == member).values(phone="+33 5 11 22 33 44"))
    staff.set_membership(
        member, fablab.place_id, Audience.RESIDENT, date(2028, 1, 1), by=amina, now=now
    )
    promise(f"{who}@atelier.example")
    report_and_mend(fablab, member)
    organizations.invite(
        fablab.organization_id,
        f"friend-of-{who}@elsewhere.example",
        by=Doer(member, is_team=True),
        language="en",
        now=now,
    )


def report_and_mend(fablab, member):
    """A fault with a photograph, and what they did to the machine."""
    bench, now = fablab.machine("bench"), clock.now()
    told = Report("My private thing fell into it", True, photos.take(picture(), photos.OF_FAULT))
    faults.report(bench, told, place_id=fablab.place_id, by=member, now=now)
    logbook.write(bench.id, Entry(EntryKind.REPAIR, "New belt"), by=member, now=now)


def make_administrator(fablab, who):
    with writing() as session:
        held = session.scalar(
            select(Membership.id).where(Membership.member_id == fablab.people[who])
        )
        add_row(session, RoleHeld, membership_id=held, role=Role.ADMINISTRATOR)


@pytest.fixture
def lived(any_fablab):
    add_cast(any_fablab)
    live(any_fablab, "bruno")
    return any_fablab
