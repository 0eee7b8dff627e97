"""Who is told by mail that it was ended, stands again, or is free after all no longer."""

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import absences
from fablab.db import db, writing
from fablab.invitations import commands as invitations
from fablab.mail.models import OutgoingMail
from fablab.members.models import Member
from tests.presence.support import arrive, booked, leave, undo
from tests.presence.test_commands import wait_for


def told() -> list[tuple[str, str, str]]:
    """Kind, to whom, and what it says, of the mails promised since one looked last."""
    invitations.tell(clock.now())
    with writing() as session:
        asked = select(OutgoingMail.kind, OutgoingMail.recipient, OutgoingMail.text)
        found = [tuple(each) for each in session.execute(asked.order_by(OutgoingMail.id))]
        session.execute(OutgoingMail.__table__.delete())
    return found


def kinds() -> list[tuple[str, str]]:
    return [(kind, to.partition("@")[0]) for kind, to, _text in told()]


def test_the_team_ends_it_and_takes_that_back(any_fablab, at):
    uid = booked(any_fablab)
    at("2027-03-30 14:00")
    arrive(any_fablab, uid)
    told()
    at("2027-03-30 14:30")

    leave(any_fablab, uid, "amina")
    ((kind, to, text),) = told()
    assert (kind, to) == ("booking_ended_early", "bruno@atelier.example")
    assert "14:00–14:30" in text

    undo(any_fablab, uid)
    ((kind, _to, text),) = told()
    assert kind == "booking_restored"
    assert "14:00–16:00" in text


def test_whoever_was_missed_is_told_that_it_stands_again(fablab, at):
    uid = booked(fablab)
    told()
    at("2027-03-30 14:31")
    absences.mark_missed(uid, fablab.place_id, by=None, now=clock.now())
    assert kinds() == [("booking_missed", "bruno")]

    undo(fablab, uid)

    assert kinds() == [("booking_restored", "bruno")]


def test_whom_it_was_offered_is_told_that_it_is_not_free_after_all(fablab, at):
    uid = booked(fablab)
    wait_for(fablab, "chloe")
    told()
    at("2027-03-30 14:31")
    absences.mark_missed(uid, fablab.place_id, by=None, now=clock.now())
    assert ("wait_offer", "chloe") in kinds()

    undo(fablab, uid)

    assert sorted(kinds()) == [("booking_restored", "bruno"), ("wait_withdrawn", "chloe")]


def test_arriving_is_told_to_nobody(fablab, at):
    uid = booked(fablab)
    told()
    at("2027-03-30 14:00")

    arrive(fablab, uid)

    assert told() == []


@pytest.mark.parametrize(("language", "words"), [("fr", "a pris fin en avance"), ("en", "early")])
def test_it_speaks_the_language_of_its_reader(fablab, at, language, words):
    with writing() as session:
        session.execute(update(Member.__table__).values(language=language))
    uid = booked(fablab)
    at("2027-03-30 14:00")
    arrive(fablab, uid)
    told()
    at("2027-03-30 14:30")
    leave(fablab, uid, "amina")

    invitations.tell(clock.now())

    assert words in db.session.scalars(select(OutgoingMail.subject)).one()
