"""Booking a machine of a resident's: what was agreed, who its people are, the owner's yes."""

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.booking import answers, commands, consent_letters
from fablab.booking.orders import BookingRefused
from fablab.booking.verdicts import Reason
from fablab.db import db, writing
from fablab.machines.kinds import Silence, Status
from fablab.machines.models import Change
from fablab.mail.models import OutgoingMail
from fablab.members.kinds import Audience
from fablab.members.models import Membership
from fablab.organizations.models import OrganizationMember
from tests.conftest import share
from tests.support import counting, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")
TUESDAYS = ((2, 14, 18),)


def refused(fablab, who="chloe", when=AFTERNOON) -> list[Reason]:
    """Why, or nothing when it is booked."""
    try:
        fablab.book("bench", when, who)
    except BookingRefused as refusal:
        return [each.reason for each in refusal.refusals]
    return []


def manage(fablab, who: str) -> None:
    with writing() as session:
        session.merge(
            OrganizationMember(
                organization_id=fablab.organization_id,
                member_id=fablab.people[who],
                is_manager=True,
                since=date(2026, 1, 1),
            )
        )


def status(uid: str) -> Status:
    return commands.find(uid).status


@pytest.mark.parametrize(
    ("agreed", "reason"),
    [
        ({"last_day": date(2027, 3, 29)}, Reason.NOT_SHARED_THEN),
        ({"audiences": ["resident"]}, Reason.NOT_SHARED_WITH_YOU),
        ({"insured_until": date(2027, 3, 29)}, Reason.NOT_INSURED),
        ({"ranges": TUESDAYS}, Reason.OWNER_FIRST),
    ],
)
def test_what_was_agreed_is_asked_where_it_is_booked(any_fablab, agreed, reason):
    share(any_fablab, **agreed)

    assert refused(any_fablab) == [reason]


def test_the_owners_people_come_first_and_others_once_it_is_released(any_fablab, at):
    share(any_fablab, ranges=TUESDAYS, release=timedelta(hours=24))

    assert refused(any_fablab, "bruno", slot("2027-04-06 14:00-15:00")) == []
    at("2027-03-29 13:59")
    assert refused(any_fablab) == [Reason.OWNER_FIRST]
    at("2027-03-29 14:00")
    assert refused(any_fablab) == []
    at("2027-04-06 10:00")
    assert refused(any_fablab, when=slot("2027-04-06 16:00-17:00")) == [Reason.OWNER_FIRST]


def test_what_is_booked_in_the_owners_name_uses_the_hours_too(any_fablab, at):
    """Chloé is none of its people, but somebody of the team booked it for the studio."""
    share(any_fablab, ranges=TUESDAYS, release=timedelta(hours=24))
    with writing() as session:
        session.add(
            OrganizationMember(
                organization_id=any_fablab.organization_id,
                member_id=any_fablab.people["chloe"],
                since=date(2026, 1, 1),
            )
        )
    any_fablab.book(
        "bench",
        slot("2027-03-30 17:00-18:00"),
        "chloe",
        organization_id=any_fablab.organization_id,
    )
    with writing() as session:  # she left it since
        theirs = OrganizationMember.member_id == any_fablab.people["chloe"]
        session.execute(update(OrganizationMember).where(theirs).values(until=date(2027, 3, 28)))
    at("2027-03-30 09:00")

    assert refused(any_fablab, "amina") == [Reason.OWNER_FIRST]


def test_whoever_left_the_owner_is_none_of_its_people(any_fablab):
    share(any_fablab, ranges=TUESDAYS)
    with writing() as session:
        for stay in session.scalars(db.select(OrganizationMember)):
            stay.until = date(2027, 3, 28)

    assert refused(any_fablab, "bruno") == [Reason.OWNER_FIRST]


def test_a_kind_of_member_that_was_agreed_on_may(any_fablab):
    share(any_fablab, audiences=["resident"])
    with writing() as session:
        for membership in session.scalars(db.select(Membership)):
            membership.audience = Audience.RESIDENT

    assert refused(any_fablab) == []


def test_what_was_agreed_costs_no_statement_more(fablab):
    def cost() -> int:
        with counting(db.engine) as statements:
            assert refused(fablab, when=slot("2027-03-31 14:00-15:00")) in ([], [Reason.TAKEN])
        return len(statements)

    uid = share(fablab, ranges=TUESDAYS, release=timedelta(hours=24), asks_owner=True)
    assert uid
    fablab.machine("bench")

    assert cost() <= 14


# -- the owner's yes


def test_the_owner_is_asked_until_the_time_that_was_agreed(any_fablab):
    manage(any_fablab, "bruno")
    share(any_fablab, asks_owner=True, answer_within=timedelta(hours=3))

    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    own = any_fablab.book("bench", slot("2027-03-31 14:00-16:00"), "bruno")
    consent_letters.send_questions(clock.now())

    assert (status(uid), status(own)) == (Status.PENDING, Status.CONFIRMED)
    [mail] = db.session.scalars(db.select(OutgoingMail).filter_by(kind="consent_owner"))
    assert "12:00" in mail.text


@pytest.mark.parametrize(
    ("silence", "became"),
    [(Silence.LAPSES, Status.CANCELLED), (Silence.AGREES, Status.CONFIRMED)],
)
def test_saying_nothing_means_what_was_agreed(any_fablab, at, silence, became):
    share(any_fablab, asks_owner=True, answer_within=timedelta(hours=3), silence=silence)
    uid = any_fablab.book("bench", AFTERNOON, "chloe")

    at("2027-03-29 11:59")
    assert (answers.lapse(clock.now()), status(uid)) == (0, Status.PENDING)
    at("2027-03-29 12:00")
    answers.lapse(clock.now())

    assert status(uid) == became
    last = db.session.scalars(db.select(Change).order_by(Change.id.desc())).first()
    is_yes = became is Status.CONFIRMED
    assert (last.what, last.made_by_id) == ("confirmed" if is_yes else "lapsed", None)
    assert (last.after.get("silence") == "agrees") is is_yes


def test_a_yes_by_silence_is_told_by_what_the_owner_did_not_say(fablab, browse, at):
    manage(fablab, "bruno")
    uid = share(fablab, asks_owner=True, silence=Silence.AGREES)
    assert uid
    booked = fablab.book("bench", AFTERNOON, "chloe")
    consent_letters.send_questions(clock.now())

    [mail] = db.session.scalars(db.select(OutgoingMail).filter_by(kind="consent_owner"))
    assert "vaut un oui" in mail.text
    assert browse("chloe").get(f"/bookings/{booked}").status_code == 200
