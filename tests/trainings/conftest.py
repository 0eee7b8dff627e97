"""Sessions of the laser training: Amina plans them, Bruno gives them, the others come."""

import pytest
from sqlalchemy import func, select, update

from fablab import clock
from fablab.db import add_row, db, writing
from fablab.invitations.sessions import tell
from fablab.mail.models import OutgoingMail
from fablab.members.models import Member, Membership
from fablab.trainings import sessions
from fablab.trainings.models import Training
from fablab.trainings.sessions import Plan
from tests.support import slot

TUESDAY = slot("2027-04-06 14:00-16:00")


class Course:
    """The laser training, with what a test does to it most."""

    def __init__(self, fablab):
        self.fablab = fablab
        self.id = db.session.scalar(select(Training.id))
        self.laser = fablab.machine("laser").id
        self.bench = fablab.machine("bench").id

    def sets(self, **values):
        with writing() as session:
            session.execute(
                update(Training.__table__).where(Training.id == self.id).values(**values)
            )

    def planned(self, span=TUESDAY, **changed):
        values = {
            "seats": 2,
            "trainer_id": self.fablab.people["bruno"],
            "location": "Room 2",
            "machine_ids": frozenset({self.laser}),
        }
        return Plan(span, **values | changed)

    def plan(self, span=TUESDAY, **changed):
        """A session planned by Amina; its UID."""
        amina = self.fablab.people["amina"]
        return sessions.plan(self.id, self.planned(span, **changed), by=amina, now=clock.now())

    def register(self, uid, *who):
        return [sessions.register(uid, self.fablab.people[each], now=clock.now()) for each in who]


def newcomer(fablab, name, **values):
    """Somebody more, member of the place; their id, also by their name."""
    with writing() as session:
        member_id = add_row(
            session,
            Member,
            uid=f"00000000-0000-4000-8000-{len(fablab.people):012}",
            email=f"{name}@atelier.example",
            first_name=name.title(),
            last_name="Trame",
            phone="",
            language=values.pop("language", "en"),
            confirmed_at=clock.now(),
            created_at=clock.now(),
            **values,
        )
        add_row(session, Membership, member_id=member_id, place_id=fablab.place_id)
    fablab.people[name] = member_id
    return member_id


def mails():
    """Of what kind and to whom, in the order they were promised."""
    asked = select(OutgoingMail.kind, OutgoingMail.recipient).order_by(OutgoingMail.id)
    return [(row.kind, row.recipient.partition("@")[0]) for row in db.session.execute(asked)]


def told():
    """As `mails`, of what is promised by telling now what happened to sessions."""
    before = len(mails())
    tell(clock.now())
    return mails()[before:]


def last_mail():
    return db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id.desc()).limit(1)).one()


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


@pytest.fixture
def course(fablab):
    return Course(fablab)


@pytest.fixture
def any_course(any_fablab):
    for name in ("dora", "emil"):
        newcomer(any_fablab, name)
    return Course(any_fablab)
