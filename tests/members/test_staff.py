"""What the team does for members: membership, suspension, roles, and the record of it all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.booking import commands as booking
from fablab.booking.verdicts import Reason
from fablab.db import NotAllowed, add_row, db, writing
from fablab.machines import referents
from fablab.machines.models import MachineReferent
from fablab.members import staff
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Audience, Deed, Role
from fablab.members.models import Member, Membership, RoleHeld
from tests.support import instant, slot

TUESDAY = slot("2027-03-30 14:00-15:00")
UNTIL = instant("2027-04-13 00:00")


@pytest.fixture
def administrator(any_fablab):
    """Amina is an administrator too."""
    with writing() as session:
        amina = session.scalar(
            select(Membership.id).where(Membership.member_id == any_fablab.people["amina"])
        )
        add_row(session, RoleHeld, membership_id=amina, role=Role.ADMINISTRATOR)


@pytest.fixture
def newcomer(any_fablab):
    """The id of somebody with an account and no membership."""
    now = clock.now()
    with writing() as session:
        member = Member(
            uid="newcomer",
            email="dalia@atelier.example",
            first_name="Dalia",
            last_name="Trame",
            confirmed_at=now,
            created_at=now,
        )
        session.add(member)
        session.flush()
        return member.id


def noted():
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()


def enrol(fablab, member_id, audience=Audience.INDIVIDUAL, expires_on=None):
    staff.set_membership(
        member_id,
        fablab.place_id,
        audience,
        expires_on,
        by=fablab.people["amina"],
        now=clock.now(),
    )


def suspend(fablab, who, *, by="amina"):
    staff.suspend(
        fablab.people[who],
        fablab.place_id,
        UNTIL,
        "Left the laser alone",
        by=fablab.people[by],
        now=clock.now(),
    )


def reinstate(fablab, who, *, by="amina"):
    staff.reinstate(fablab.people[who], fablab.place_id, by=fablab.people[by], now=clock.now())


def give_roles(fablab, who, *roles, by="amina"):
    referents.set_roles(
        fablab.people[who],
        fablab.place_id,
        frozenset(roles),
        by=fablab.people[by],
        now=clock.now(),
    )


def session_version(member_id):
    return db.session.scalar(select(Member.session_version).where(Member.id == member_id))


def test_an_account_becomes_a_member_of_the_place(any_fablab, newcomer):
    enrol(any_fablab, newcomer, Audience.RESIDENT, date(2028, 3, 31))

    held = staff.membership(newcomer, any_fablab.place_id)
    (entry,) = noted()
    assert (held.audience, held.expires_on) == (Audience.RESIDENT, date(2028, 3, 31))
    assert (entry.what, entry.made_by_id) == (Deed.MEMBERSHIP, any_fablab.people["amina"])
    assert (entry.before, entry.after) == (
        {},
        {"audience": "resident", "expires_on": "2028-03-31"},
    )


def test_a_membership_is_renewed_and_both_ends_are_on_record(any_fablab):
    chloe = any_fablab.people["chloe"]

    enrol(any_fablab, chloe, Audience.REDUCED, date(2027, 12, 31))
    enrol(any_fablab, chloe, Audience.REDUCED, date(2028, 12, 31))

    assert noted()[1].before == {"audience": "reduced", "expires_on": "2027-12-31"}
    assert noted()[1].after == {"audience": "reduced", "expires_on": "2028-12-31"}


def test_the_same_membership_again_leaves_no_trace(any_fablab):
    enrol(any_fablab, any_fablab.people["chloe"])

    assert noted() == []


def test_two_of_the_team_at_once_give_one_membership(any_app, any_fablab, newcomer):
    together = Barrier(8)

    def give(_number):
        with any_app.app_context():
            db.session.execute(select(1))  # connected before the start
            together.wait()
            enrol(any_fablab, newcomer, Audience.RESIDENT)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(give, range(8)))

    held = select(Membership).where(Membership.member_id == newcomer)
    assert len(db.session.scalars(held).all()) == len(noted()) == 1


def test_nobody_gets_no_membership(any_fablab):
    with pytest.raises(LookupError):
        enrol(any_fablab, 0)


def test_who_is_suspended_books_nothing_and_is_signed_out(any_fablab):
    before = session_version(any_fablab.people["chloe"])

    suspend(any_fablab, "chloe")

    with pytest.raises(booking.BookingRefused) as refused:
        any_fablab.book("bench", TUESDAY, "chloe")
    assert [each.reason for each in refused.value.refusals] == [Reason.SUSPENDED]
    assert session_version(any_fablab.people["chloe"]) == before + 1
    assert noted()[0].after == {
        "suspended_until": UNTIL.isoformat(),
        "reason": "Left the laser alone",
    }


def test_who_is_reinstated_books_again(any_fablab):
    suspend(any_fablab, "chloe")

    reinstate(any_fablab, "chloe")
    reinstate(any_fablab, "chloe")

    assert any_fablab.book("bench", TUESDAY, "chloe")
    assert [entry.what for entry in noted()] == [Deed.SUSPENDED, Deed.REINSTATED]
    assert noted()[1].before["reason"] == "Left the laser alone"


def test_nobody_suspends_or_reinstates_themselves(any_fablab):
    with pytest.raises(NotAllowed):
        suspend(any_fablab, "amina")
    with pytest.raises(NotAllowed):
        reinstate(any_fablab, "amina")

    assert noted() == []


def test_who_is_no_member_of_the_place_cannot_be_suspended_from_it(any_fablab, newcomer):
    any_fablab.people["dalia"] = newcomer

    with pytest.raises(LookupError):
        suspend(any_fablab, "dalia")


@pytest.mark.usefixtures("administrator")
def test_an_administrator_gives_and_takes_roles(any_fablab):
    before = session_version(any_fablab.people["chloe"])

    give_roles(any_fablab, "chloe", Role.REFERENT, Role.ACCOUNTANT)
    give_roles(any_fablab, "chloe", Role.REFERENT, Role.FABMANAGER)

    held = staff.roles_held(any_fablab.people["chloe"], any_fablab.place_id)
    assert held == {Role.REFERENT, Role.FABMANAGER}
    assert session_version(any_fablab.people["chloe"]) == before + 2
    assert noted()[1].before == {"roles": ["accountant", "referent"]}
    assert noted()[1].after == {"roles": ["fabmanager", "referent"]}


@pytest.mark.usefixtures("administrator")
def test_the_same_roles_again_sign_nobody_out(any_fablab):
    give_roles(any_fablab, "chloe", Role.REFERENT)
    before = session_version(any_fablab.people["chloe"])

    give_roles(any_fablab, "chloe", Role.REFERENT)

    assert session_version(any_fablab.people["chloe"]) == before
    assert len(noted()) == 1


@pytest.mark.usefixtures("administrator")
def test_who_is_referent_no_more_looks_after_nothing(any_fablab):
    chloe, bruno = any_fablab.people["chloe"], any_fablab.people["bruno"]
    laser = any_fablab.machine("laser").id
    give_roles(any_fablab, "chloe", Role.REFERENT)
    with writing() as session:
        for member_id in (chloe, bruno):
            add_row(session, MachineReferent, machine_id=laser, member_id=member_id)

    give_roles(any_fablab, "chloe", Role.REFERENT, Role.ACCOUNTANT)
    assert set(db.session.scalars(select(MachineReferent.member_id))) == {chloe, bruno}
    give_roles(any_fablab, "chloe", Role.ACCOUNTANT)

    assert set(db.session.scalars(select(MachineReferent.member_id))) == {bruno}
    assert noted()[-1].before == {"referent_of": "L1 Laser cutter"}


def test_a_fabmanager_gives_no_role(any_fablab):
    with pytest.raises(NotAllowed):
        give_roles(any_fablab, "chloe", Role.REFERENT)

    assert staff.roles_held(any_fablab.people["chloe"], any_fablab.place_id) == frozenset()


@pytest.mark.usefixtures("administrator")
def test_nobody_gives_themselves_a_role_or_makes_an_administrator(any_fablab):
    with pytest.raises(NotAllowed):
        give_roles(any_fablab, "amina", Role.ACCOUNTANT)
    with pytest.raises(NotAllowed):
        give_roles(any_fablab, "chloe", Role.ADMINISTRATOR)


@pytest.mark.usefixtures("administrator")
def test_an_administrator_stays_one_whatever_other_roles_they_get(any_fablab):
    with writing() as session:
        chloe = staff.membership(any_fablab.people["chloe"], any_fablab.place_id)
        add_row(session, RoleHeld, membership_id=chloe.id, role=Role.ADMINISTRATOR)

    give_roles(any_fablab, "chloe")

    held = staff.roles_held(any_fablab.people["chloe"], any_fablab.place_id)
    assert held == {Role.ADMINISTRATOR}


@pytest.mark.usefixtures("administrator")
@pytest.mark.parametrize(
    ("deed", "what"),
    [
        (staff.suspend, (UNTIL, "Because")),
        (staff.reinstate, ()),
        (staff.set_membership, (Audience.STAFF, date(2001, 1, 1))),
    ],
)
def test_a_fab_manager_changes_nothing_of_an_administrator(any_fablab, deed, what):
    amina, by = any_fablab.people["amina"], any_fablab.people["bruno"]
    with writing() as session:
        bruno = session.scalar(select(Membership.id).where(Membership.member_id == by))
        add_row(session, RoleHeld, membership_id=bruno, role=Role.FABMANAGER)

    with pytest.raises(NotAllowed):
        deed(amina, any_fablab.place_id, *what, by=by, now=clock.now())

    assert noted() == []
