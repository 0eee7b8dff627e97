"""Two accounts of one person become one."""

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import func, or_, select, update

from fablab import clock
from fablab.accounts import merging
from fablab.accounts.traces import TRACES, table
from fablab.db import NoSuch, NotAllowed, add_row, db, writing
from fablab.machines.models import Occupancy
from fablab.mail.models import OutgoingMail
from fablab.members import staff
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed, Role
from fablab.members.models import Member, Membership
from fablab.members.people import load_person
from fablab.organizations.models import OrganizationMember
from fablab.trainings.kinds import Seating
from fablab.trainings.models import Qualification, Registration, Training
from tests.accounts.conftest import live, make_administrator
from tests.conftest import browser
from tests.manage.conftest import add_annex, uid_in
from tests.support import instant, submit


def count(name, column, member_id):
    source = table(name)
    return db.session.scalar(select(func.count()).where(source.c[column] == member_id))


def merge(fablab, kept, closed, by="amina"):
    people = fablab.people
    merging.merge(people[kept], people[closed], by=people[by], now=clock.now())


def test_everything_moves_and_the_other_account_is_dead(lived, any_app):
    bruno, chloe = lived.people["bruno"], lived.people["chloe"]
    old, open_before = browser(any_app, "bruno"), browser(any_app, "chloe")
    booked = count("occupancy", "member_id", bruno) + count("occupancy", "member_id", chloe)

    merge(lived, "chloe", "bruno")

    for name, column in TRACES:
        assert count(name, column, bruno) == 0, (name, column)
    assert count("occupancy", "member_id", chloe) == booked
    assert load_person(bruno) is None
    assert old.get("/account/").status_code == 303
    assert open_before.get("/account/").status_code == 303  # what they may do is asked anew
    row = db.session.execute(select(Member.__table__).where(Member.id == bruno)).one()
    assert (row.first_name, row.phone, row.password_hash) == ("", "", None)
    assert "bruno" not in row.email
    assert db.session.scalar(select(Member.phone).where(Member.id == chloe))
    assert count("feed_token", "member_id", chloe) == 1
    feeds = table("feed_token")
    assert db.session.scalar(select(func.count()).where(feeds.c.revoked_at.is_(None))) == 0
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.what == Deed.MERGED)).one()
    assert (entry.member_id, entry.made_by_id) == (chloe, lived.people["amina"])
    assert entry.after == {"merged": "Bruno Lefil", "merged_email": "bruno@atelier.example"}


def test_what_both_had_is_kept_once(lived):
    """Both lived the same: each table with a place for one row has two of them."""
    live_as_well(lived)
    kept, gone = lived.people["chloe"], lived.people["bruno"]
    with writing() as session:
        for who, values in {
            "chloe": {
                "expires_on": date(2027, 6, 1),
                "suspended_until": instant("2027-05-01 00:00"),
                "suspension_reason": "Dust",
                "marked_until": None,
            },
            "bruno": {
                "expires_on": date(2027, 9, 1),
                "suspended_until": instant("2027-04-01 00:00"),
                "suspension_reason": "Noise",
                "marked_until": instant("2027-04-20 00:00"),
            },
        }.items():
            session.execute(
                update(Membership).where(Membership.member_id == lived.people[who]).values(**values)
            )
        session.add(
            OrganizationMember(
                organization_id=lived.organization_id,
                member_id=kept,
                since=date(2027, 1, 1),
                until=date(2027, 5, 1),
                is_manager=True,
            )
        )

    merge(lived, "chloe", "bruno")

    held = staff.membership(kept, lived.place_id)
    assert held.expires_on == date(2027, 9, 1)
    assert (held.suspended_until, held.suspension_reason) == (instant("2027-05-01 00:00"), "Dust")
    assert held.marked_until == instant("2027-04-20 00:00")
    stay = db.session.scalars(select(OrganizationMember)).one()
    assert (stay.member_id, stay.since, stay.until, stay.is_manager) == (
        kept,
        date(2026, 1, 1),
        None,
        True,
    )
    for name, of in merging.ONCE.items():
        source = table(name)
        mine = select(*(source.c[each] for each in of)).where(source.c.member_id == kept)
        rows = db.session.execute(mine).all()
        assert len(rows) == len(set(rows)), name
    seats = select(Registration.seating).where(Registration.member_id == kept)
    assert db.session.scalars(seats).all() == [Seating.SEATED] * 2
    assert count("mark", "member_id", gone) == 0


def live_as_well(lived):
    """Chloé on other days: the bench cannot be booked twice."""
    with writing() as session:
        session.execute(
            update(Occupancy).values(standing=False, status="cancelled", cancelled_at=clock.now())
        )
    live(lived, "chloe")
    with writing() as session:
        add_row(
            session,
            Registration,
            session_id=session.scalar(select(func.max(Registration.session_id))),
            member_id=lived.people["bruno"],
            seating=Seating.LEFT,
            asked_at=clock.now(),
        )


def test_nobody_is_qualified_by_themselves_nor_their_own_buddy(lived):
    bruno, chloe = lived.people["bruno"], lived.people["chloe"]
    with writing() as session:
        training = session.scalar(select(Training.id))
        add_row(
            session,
            Qualification,
            member_id=chloe,
            training_id=training,
            given_on=date(2027, 1, 1),
            given_by_id=bruno,
            recorded_at=clock.now(),
        )
        session.execute(
            update(Occupancy).where(Occupancy.member_id == bruno).values(buddy_id=chloe)
        )

    merge(lived, "chloe", "bruno")

    assert count("qualification", "given_by_id", chloe) == 0
    assert count("occupancy", "buddy_id", chloe) == 0
    assert count("qualification", "member_id", chloe) == 2


def test_mails_on_their_way_go_to_the_address_that_stays(lived):
    with writing() as session:
        session.execute(update(OutgoingMail).values(topic=""))
        session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id == select(func.max(OutgoingMail.id)).scalar_subquery())
            .values(topic=str(uuid4()), recipient="bruno@atelier.example")
        )

    merge(lived, "chloe", "bruno")

    to_bruno = OutgoingMail.recipient == "bruno@atelier.example"
    waiting = or_(OutgoingMail.sent_at.is_not(None), OutgoingMail.dropped_at.is_not(None))
    assert db.session.scalar(select(OutgoingMail.id).where(to_bruno, ~waiting)) is None
    to_chloe = OutgoingMail.recipient == "chloe@atelier.example"
    assert db.session.scalar(select(OutgoingMail.id).where(to_chloe, ~waiting))


@pytest.mark.parametrize(
    ("kept", "closed", "by", "allowed"),
    [
        ("chloe", "bruno", "amina", True),
        ("chloe", "bruno", "odile", True),
        ("chloe", "bruno", "remi", False),  # a referent is not of the team
        ("chloe", "bruno", "chloe", False),
        ("chloe", "odile", "amina", False),  # an administrator into somebody
        ("odile", "chloe", "amina", False),
        ("remi", "chloe", "amina", False),  # roles are an administrator's to give
        ("remi", "chloe", "odile", True),
        ("amina", "chloe", "amina", False),  # nobody merges their own
        ("chloe", "emile", "amina", False),  # who belongs to another place as well
        ("chloe", "lina", "amina", True),
    ],
)
def test_who_may_merge_whom(lived, kept, closed, by, allowed):
    add_annex(lived)
    if allowed:
        merge(lived, kept, closed, by)
        assert load_person(lived.people[closed]) is None
    else:
        with pytest.raises(NotAllowed):
            merge(lived, kept, closed, by)
        assert load_person(lived.people[closed])


def test_the_roles_of_both_are_kept(lived):
    make_administrator(lived, "remi")

    merge(lived, "anouk", "remi", by="odile")

    held = staff.roles_held(lived.people["anouk"], lived.place_id)
    assert held == {Role.ACCOUNTANT, Role.REFERENT, Role.ADMINISTRATOR}


def test_an_account_is_not_merged_with_itself_nor_with_one_that_is_gone(lived):
    with pytest.raises(NoSuch):
        merge(lived, "chloe", "chloe")
    merge(lived, "chloe", "bruno")
    with pytest.raises(NoSuch):
        merge(lived, "chloe", "bruno")


def test_the_team_compares_the_two_before_it_is_done(lived, any_app):
    amina, uid = browser(any_app, "amina"), uid_in(lived)
    page = f"/manage/members/{uid('chloe')}/merge"

    assert "Bruno Lefil" in amina.get(f"{page}?q=bruno").text
    compared = f"{page}?with={uid('bruno')}"
    shown = amina.get(compared).text
    assert "2 bookings" in shown
    assert "1 calendar, which is closed" in shown
    other = amina.get(f"/manage/members/{uid('bruno')}/merge?with={uid('odile')}").text
    assert "Merge for good" not in other
    done = submit(amina, compared, page, **{"with": uid("bruno")})
    assert done.location == f"/manage/members/{uid('chloe')}"
    assert "bruno@atelier.example" in amina.get(done.location).text
    assert amina.get(compared).status_code == 404
    assert amina.get(f"{page}?with={uid('chloe')}").status_code == 404
    assert amina.get(f"{page}?with=nonsense").status_code == 404
