"""Telling members in time that what they hold ends."""

from datetime import date

import pytest
from sqlalchemy import update

from fablab import clock, jobs
from fablab.db import add_row, writing
from fablab.members.models import Member
from fablab.trainings.expiries import warn
from fablab.trainings.models import ExpiryWarning, Qualification
from tests.support import slot
from tests.trainings.conftest import count, last_mail, mails

GIVEN, ENDS = date(2026, 4, 28), date(2027, 4, 28)  # 30 days from now


def qualify(course, who, given_on=GIVEN, expires_on=ENDS, **values):
    with writing() as session:
        return add_row(
            session,
            Qualification,
            member_id=course.fablab.people[who],
            given_on=given_on,
            expires_on=expires_on,
            recorded_at=clock.now(),
            **values or {"training_id": course.id},
        )


def becomes(course, who, **values):
    with writing() as session:
        session.execute(
            update(Member.__table__).where(Member.id == course.fablab.people[who]).values(**values)
        )


def test_the_end_is_told_30_and_7_days_before_and_each_once(any_course, at):
    qualify(any_course, "chloe")

    for hour in (
        "2027-03-28 09:00",
        "2027-03-29 09:00",
        "2027-03-29 10:00",
        "2027-04-20 09:00",
        "2027-04-21 09:00",
        "2027-04-28 09:00",
        "2027-04-29 09:00",
    ):
        at(hour)
        warn(clock.now())
        if hour == "2027-03-28 09:00":
            assert mails() == []
        if hour == "2027-04-20 09:00":
            assert mails() == [("qualification_ends", "chloe")]

    assert mails() == [("qualification_ends", "chloe")] * 2


def test_the_background_work_warns(app, course):
    qualify(course, "chloe")

    jobs.Runner(app).once()

    assert mails() == [("qualification_ends", "chloe")]


def test_the_next_session_that_renews_it_is_said(course):
    qualify(course, "chloe")
    course.plan(slot("2027-04-08 10:00-12:00"))
    course.plan(slot("2027-04-07 10:00-12:00"))
    becomes(course, "chloe", language="en")

    warn(clock.now())

    mail = last_mail()
    assert mail.subject == "L'Atelier: your qualification ends soon: Laser cutting"
    assert "until Wednesday 28 April" in mail.text
    assert "Wednesday 7 April" in mail.text
    assert "Thursday 8 April" not in mail.text
    assert "No session" not in mail.text


def test_what_was_renewed_meanwhile_is_not_told(course):
    qualify(course, "chloe")
    qualify(course, "chloe", date(2027, 3, 1), date(2028, 3, 1))

    warn(clock.now())

    assert mails() == []


def test_a_use_puts_the_end_off_and_the_want_of_it_brings_it_on(any_course, at):
    any_course.sets(validity_months=12, is_renewed_by_use=True)
    qualify(any_course, "chloe")
    at("2027-04-07 09:00")
    any_course.fablab.book("laser", slot("2027-04-07 10:00-11:00"), "chloe")

    at("2027-04-08 09:00")
    warn(clock.now())
    assert mails() == []

    any_course.sets(inactivity_months=1, is_renewed_by_use=False)
    warn(clock.now())
    assert mails() == [("qualification_ends", "chloe")]


def test_a_level_on_one_machine_ends_too(course):
    qualify(course, "chloe", machine_id=course.laser, level=3)

    warn(clock.now())

    assert mails() == [("qualification_ends", "chloe")]
    assert "Laser cutter" in last_mail().text


def test_nobody_writes_to_an_erased_account(course):
    qualify(course, "chloe")
    becomes(course, "chloe", erased_at=clock.now())

    warn(clock.now())

    assert mails() == []


def test_a_warning_goes_with_its_qualification(any_course):
    given = qualify(any_course, "chloe")
    warn(clock.now())

    with writing() as session:
        session.execute(
            Qualification.__table__.delete().where(Qualification.__table__.c.id == given)
        )

    assert count(ExpiryWarning) == 0


@pytest.mark.parametrize("expires_on", [None, date(2027, 3, 28)])
def test_what_never_ends_or_has_ended_is_not_told(course, expires_on):
    qualify(course, "chloe", expires_on=expires_on)

    warn(clock.now())

    assert mails() == []
