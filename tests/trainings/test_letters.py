"""Who is written to about sessions and qualifications, by what they chose among their mails."""

from datetime import date

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.db import add_row, db, writing
from fablab.members import mails as choices
from fablab.members.kinds import Channel, MailKind
from fablab.members.models import Member
from fablab.trainings import sessions
from fablab.trainings.expiries import warn
from fablab.trainings.models import Qualification
from tests.support import slot
from tests.trainings.conftest import last_mail, mails, told


def chooses(course, who, channel=Channel.INVITATION, *unwanted):
    choices.choose(course.fablab.people[who], channel, unwanted)


def ends_soon(course, who):
    with writing() as session:
        add_row(
            session,
            Qualification,
            member_id=course.fablab.people[who],
            training_id=course.id,
            given_on=date(2026, 4, 28),
            expires_on=date(2027, 4, 28),
            recorded_at=clock.now(),
        )


# Each gives the mails that it caused.


def a_qualification_ends(course):
    ends_soon(course, "chloe")
    warn(clock.now())
    return mails()


def a_seat_is_free(course):
    uid = course.plan(seats=1, trainer_id=None)
    course.register(uid, "amina", "chloe")
    told()
    sessions.leave(uid, course.fablab.people["amina"], now=clock.now())
    return [(kind, who) for kind, who in told() if who != "amina"]


def the_team_registers(course):
    uid = course.plan(trainer_id=None)
    chloe, amina = (course.fablab.people[who] for who in ("chloe", "amina"))
    sessions.register_for(uid, chloe, by=amina, now=clock.now())
    return told()


def a_session_is_cancelled(course):
    uid = course.plan(trainer_id=None)
    course.register(uid, "chloe")
    told()
    sessions.cancel(uid, "Too hot", by=course.fablab.people["amina"], now=clock.now())
    return told()


def a_session_moves(course):
    uid = course.plan(trainer_id=None)
    course.register(uid, "chloe")
    told()
    later = course.planned(slot("2027-04-07 14:00-16:00"), trainer_id=None)
    sessions.change(uid, later, by=course.fablab.people["amina"], now=clock.now())
    return told()


CHOSEN = {
    a_qualification_ends: "qualification_ends",
    a_seat_is_free: "session_seat",
    the_team_registers: "session_registered",
}
ANYWAY = {a_session_is_cancelled: "session_cancelled", a_session_moves: "session_changed"}


@pytest.mark.parametrize(("happens", "kind"), CHOSEN.items())
def test_what_is_wanted_is_sent_with_the_link_that_stops_it(any_course, happens, kind):
    assert happens(any_course) == [(kind, "chloe")]
    uid = db.session.scalar(select(Member.uid).where(Member.email == "chloe@atelier.example"))
    stop = choices.stop_address(uid, MailKind.TRAININGS)
    mail = last_mail()
    assert mail.unsubscribe == stop
    assert f'href="{stop}"' in mail.html
    assert f"Ne plus recevoir ce genre de courriels\n{stop}\n" in mail.text


@pytest.mark.parametrize("happens", CHOSEN)
def test_what_is_not_wanted_is_not_sent(course, happens):
    chooses(course, "chloe", Channel.MAIL, MailKind.TRAININGS)

    assert happens(course) == []


@pytest.mark.parametrize("happens", CHOSEN)
@pytest.mark.parametrize("channel", [Channel.FEED, Channel.INVITATION, Channel.MAIL])
def test_it_is_sent_whatever_the_channel_and_the_other_kinds(course, happens, channel):
    chooses(course, "chloe", channel, *(set(MailKind) - {MailKind.TRAININGS}))

    assert len(happens(course)) == 1


@pytest.mark.parametrize(("happens", "kind"), ANYWAY.items())
def test_nobody_comes_for_nothing_for_want_of_a_tick(any_course, happens, kind):
    chooses(any_course, "chloe", Channel.MAIL, MailKind.TRAININGS)

    assert happens(any_course) == [(kind, "chloe")]
    mail = last_mail()
    assert mail.unsubscribe == ""
    assert "/mails/stop/" not in mail.html + mail.text


@pytest.mark.parametrize("happens", [*CHOSEN, *ANYWAY])
def test_who_chose_no_mails_gets_none(course, happens):
    chooses(course, "chloe", Channel.NONE)

    assert happens(course) == []


def test_what_was_not_sent_then_is_not_sent_later(course):
    chooses(course, "chloe", Channel.MAIL, MailKind.TRAININGS)
    a_qualification_ends(course)

    chooses(course, "chloe")
    warn(clock.now())

    assert mails() == []
