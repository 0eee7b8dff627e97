"""Telling members in time that their membership ends."""

from datetime import date

import pytest
from sqlalchemy import select, update

from fablab import clock, jobs
from fablab.db import db, writing
from fablab.members import staff
from fablab.members.endings import warn
from fablab.members.kinds import Audience, Channel, MailKind
from fablab.members.mails import choose
from fablab.members.models import Member, Membership, MembershipWarning
from fablab.places.models import Place
from tests.members.conftest import mails
from tests.support import counting

ENDS = date(2027, 4, 28)  # 30 days from now


def lasts(fablab, who, until=ENDS):
    """As an import writes it: without a word of when."""
    with writing() as session:
        session.execute(
            update(Membership.__table__)
            .where(Membership.member_id == fablab.people[who])
            .values(expires_on=until)
        )


def renew(fablab, who, until):
    staff.set_membership(
        fablab.people[who],
        fablab.place_id,
        Audience.INDIVIDUAL,
        until,
        by=fablab.people["amina"],
        now=clock.now(),
    )


def becomes(fablab, who, **values):
    with writing() as session:
        session.execute(
            update(Member.__table__).where(Member.id == fablab.people[who]).values(**values)
        )


def told():
    return [(mail.kind, mail.recipient.partition("@")[0]) for mail in mails()]


def test_the_end_is_told_30_and_7_days_before_and_each_once(any_fablab, at):
    lasts(any_fablab, "chloe")
    counts = []

    for day in ("03-28", "03-29", "03-30", "04-20", "04-21", "04-22", "04-28", "04-29"):
        at(f"2027-{day} 09:00")
        warn(clock.now())
        counts.append(len(told()))

    assert counts == [0, 1, 1, 1, 2, 2, 2, 2]
    assert set(told()) == {("membership_ends", "chloe")}


def test_the_day_is_that_of_the_place_s_clock(any_fablab, at):
    lasts(any_fablab, "chloe")

    at("2027-03-28 23:59")
    warn(clock.now())
    assert told() == []
    at("2027-03-29 00:00")
    warn(clock.now())

    assert told() == [("membership_ends", "chloe")]


def test_until_when_and_whom_to_ask_is_said(any_fablab):
    lasts(any_fablab, "chloe")
    becomes(any_fablab, "chloe", language="en")
    with writing() as session:
        session.execute(update(Place.__table__).values(email="team@atelier.example"))

    warn(clock.now())

    (mail,) = mails()
    assert mail.subject == "L'Atelier: your membership ends soon"
    assert "Your membership of L'Atelier is valid until Wednesday 28 April." in mail.text
    assert "ends within 30 days" in mail.text
    assert mail.reply_to == "team@atelier.example"
    assert mail.unsubscribe == ""


def test_it_is_sent_whatever_they_chose(any_fablab):
    lasts(any_fablab, "chloe")
    choose(any_fablab.people["chloe"], Channel.NONE, set(MailKind))

    warn(clock.now())

    assert told() == [("membership_ends", "chloe")]


@pytest.mark.parametrize("until", [None, date(2027, 3, 28), date(2027, 4, 29)])
def test_what_does_not_end_is_over_or_ends_later_is_not_told(any_fablab, until):
    lasts(any_fablab, "chloe", until)

    warn(clock.now())

    assert told() == []


def test_to_somebody_erased_nobody_writes(any_fablab):
    lasts(any_fablab, "chloe")
    becomes(any_fablab, "chloe", erased_at=clock.now())

    warn(clock.now())

    assert told() == []


def test_a_renewed_one_is_told_anew_before_its_own_end(any_fablab, at):
    lasts(any_fablab, "chloe")
    warn(clock.now())

    renew(any_fablab, "chloe", date(2028, 4, 28))
    warn(clock.now())
    assert len(told()) == 1
    at("2028-03-29 09:00")
    warn(clock.now())

    assert len(told()) == 2


def test_a_membership_of_one_month_does_not_begin_with_its_end(any_fablab, at):
    renew(any_fablab, "chloe", ENDS)

    warn(clock.now())
    assert told() == []
    at("2027-04-21 09:00")
    warn(clock.now())

    assert told() == [("membership_ends", "chloe")]


def test_the_mail_and_its_record_stand_or_fall_together(any_fablab, monkeypatch):
    lasts(any_fablab, "chloe")

    def fails(*_args, **_more):
        raise RuntimeError("no")

    with monkeypatch.context() as broken:
        broken.setattr("fablab.members.endings.standing_letters.ends_soon", fails)
        with pytest.raises(RuntimeError):
            warn(clock.now())
    db.session.rollback()
    assert db.session.scalars(select(MembershipWarning)).all() == []
    db.session.rollback()

    warn(clock.now())

    assert told() == [("membership_ends", "chloe")]


def test_the_background_work_warns(app, fablab):
    lasts(fablab, "chloe")

    jobs.Runner(app).once()

    assert told() == [("membership_ends", "chloe")]


def test_with_nothing_to_tell_it_costs_two_statements(any_fablab):
    with counting(db.engine) as statements:
        warn(clock.now())

    assert len(statements) == 2
