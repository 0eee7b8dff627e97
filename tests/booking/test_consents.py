"""Somebody's yes that a booking needs: asked, answered, taken back, or past its time."""

from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from fablab import clock
from fablab.booking import answers, commands, consent_letters, consents
from fablab.booking.answers import NoBuddy, TooLate
from fablab.booking.consent_rules import Answerer, may_answer, may_be_buddy
from fablab.booking.consents import Wanted
from fablab.booking.kinds import Answer, ConsentKind
from fablab.booking.known import Held
from fablab.booking.models import Consent
from fablab.booking.orders import BookingRefused, ChangedMeanwhile, order_behind
from fablab.booking.verdicts import Reason
from fablab.db import NotAllowed, add_row, db, writing
from fablab.invitations import commands as invitations
from fablab.machines.kinds import Status
from fablab.machines.models import (
    Change,
    Claim,
    Machine,
    MachineReferent,
    Occupancy,
    Resource,
    Seat,
)
from fablab.mail.models import OutgoingMail
from fablab.members.models import Member, Membership
from fablab.organizations.models import OrganizationMember
from fablab.trainings.models import Qualification, Training
from tests.conftest import Fablab
from tests.support import counting, instant, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")
DUE = instant("2027-03-29 21:00")
TEAM, OWNER, BUDDY, COMPANY = (
    ConsentKind.TEAM,
    ConsentKind.OWNER,
    ConsentKind.BUDDY,
    ConsentKind.COMPANY,
)


def pending(
    fablab: Fablab, *wanted: Wanted, slug: str = "laser", who: str = "bruno", due: Any = DUE
) -> str:
    """A booking of tomorrow afternoon that waits for all of `wanted` until tonight."""
    uid = fablab.book(slug, AFTERNOON, who)
    booking = commands.find(uid)
    with writing() as session:
        session.execute(
            update(Occupancy.__table__)
            .where(Occupancy.id == booking.id)
            .values(status=Status.PENDING)
        )
        consents.ask(session, booking.id, wanted, due_at=due, now=clock.now())
    invitations.tell(clock.now())
    return uid


def asked_of(uid: str) -> list[Any]:
    db.session.rollback()
    of_it = Consent.occupancy_id == commands.find(uid).id
    return list(db.session.execute(select(Consent.__table__).where(of_it).order_by(Consent.id)))


def say(fablab: Fablab, uid: str, yes: bool, who: str = "amina", n: int = 0, **more: Any) -> Answer:
    consent = asked_of(uid)[n].uid
    return answers.answer(consent, yes, by=fablab.people[who], now=clock.now(), **more)


def status(uid: str) -> Status:
    db.session.rollback()
    return Status(commands.find(uid).status)


def happened(uid: str) -> list[str]:
    of_it = Change.occupancy_id == commands.find(uid).id
    return list(db.session.scalars(select(Change.what).where(of_it).order_by(Change.id)))


def mails(kind: str = "") -> list[Any]:
    db.session.rollback()
    invitations.tell(clock.now())
    rows = db.session.execute(select(OutgoingMail.__table__).order_by(OutgoingMail.id))
    return [mail for mail in rows if kind in ("", mail.kind)]


def page_of(fablab: Fablab, who: str) -> int:
    """The version of their own calendar."""
    of_them = Member.id == fablab.people[who]
    return db.session.scalar(select(Member.calendar_revision).where(of_them)) or 0


def own_the_laser(fablab: Fablab, who: str = "bruno", **more: Any) -> None:
    """It is the studio's, which `who` manages."""
    with writing() as session:
        machine = session.scalars(select(Machine).filter_by(slug="laser")).one()
        machine.owner_id = fablab.organization_id
        values = {"is_manager": True, "since": date(2026, 1, 1), "until": None} | more
        key = (fablab.organization_id, fablab.people[who])
        held = session.get(OrganizationMember, key)
        if held is None:
            held = OrganizationMember(organization_id=key[0], member_id=key[1])
            session.add(held)
        for name, value in values.items():
            setattr(held, name, value)


# -- the rules

US = Answerer(1)


@pytest.mark.parametrize(
    ("kind", "who", "asked_id", "expected"),
    [
        (TEAM, Answerer(1, is_team=True), None, True),
        (TEAM, Answerer(1, is_referent=True), None, True),
        (TEAM, Answerer(9, is_team=True), None, False),  # nobody agrees to a booking of their own
        (TEAM, Answerer(1, manages_owner=True), None, False),
        (TEAM, US, None, False),
        (COMPANY, Answerer(1, is_team=True), None, True),
        (COMPANY, Answerer(1, is_referent=True), None, True),
        (COMPANY, Answerer(9, is_referent=True), None, False),
        (COMPANY, US, None, False),
        (OWNER, Answerer(1, manages_owner=True), None, True),
        (OWNER, Answerer(9, manages_owner=True), None, True),
        (OWNER, Answerer(1, is_team=True, is_referent=True), None, False),
        (BUDDY, US, 1, True),
        (BUDDY, Answerer(2, is_team=True, is_referent=True, manages_owner=True), 1, False),
        (BUDDY, US, None, False),
    ],
)
def test_each_question_is_for_some_and_for_nobody_else(kind, who, asked_id, expected):
    assert may_answer(kind, who, asked_id=asked_id, booked_for=9) is expected


DAY = date(2027, 3, 30)
FINE = {
    "booked_for": 9,
    "is_member": True,
    "membership_ends_on": DAY,
    "held": [Held(3, DAY, DAY)],
    "level": 3,
    "days": (DAY, DAY),
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"membership_ends_on": None}, True),
        ({"booked_for": 1}, False),
        ({"is_member": False}, False),
        ({"membership_ends_on": date(2027, 3, 29)}, False),
        ({"held": []}, False),
        ({"held": [], "level": 0}, True),
        ({"held": [Held(2, DAY, DAY)]}, False),
        ({"held": [Held(3, date(2027, 3, 31), None)]}, False),
        ({"held": [Held(3, date(2027, 1, 1), date(2027, 3, 29))]}, False),
        ({"days": (DAY, date(2027, 3, 31))}, False),
    ],
)
def test_a_buddy_is_another_member_who_is_qualified_then(changed, expected):
    assert may_be_buddy(1, **FINE | changed) is expected


# -- asking


def test_what_a_booking_waits_for_costs_one_statement(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    booking, bruno = commands.find(uid), any_fablab.people["bruno"]

    with writing() as session, counting(db.engine) as statements:
        wanted = [Wanted(TEAM), Wanted(BUDDY, bruno)]
        consents.ask(session, booking.id, wanted, due_at=DUE, now=clock.now())

    assert len(statements) == 1
    assert [(each.kind, each.asked_id, each.answer) for each in asked_of(uid)] == [
        ("team", None, None),
        ("buddy", bruno, None),
    ]
    assert {each.due_at for each in asked_of(uid)} == {DUE}


def test_a_booking_that_needs_nobody_asks_nothing(any_fablab):
    booking = commands.find(any_fablab.book("bench", AFTERNOON, "chloe"))

    with writing() as session, counting(db.engine) as statements:
        consents.ask(session, booking.id, [], due_at=DUE, now=clock.now())

    assert statements == []


# -- yes


def test_the_teams_yes_confirms(any_fablab):
    uid = pending(any_fablab, Wanted(TEAM))
    before, page = commands.find(uid), page_of(any_fablab, "bruno")

    assert say(any_fablab, uid, True) == Answer.YES

    after = commands.find(uid)
    assert (after.status, bool(after.standing)) == (Status.CONFIRMED, True)
    assert (after.revision, page_of(any_fablab, "bruno")) == (before.revision + 1, page + 1)
    assert happened(uid) == ["booked", "confirmed"]
    answered = asked_of(uid)[0]
    assert (answered.answer, answered.answered_by_id) == (Answer.YES, any_fablab.people["amina"])
    assert [mail.recipient for mail in mails("consent_confirmed")] == ["bruno@atelier.example"]


def test_it_is_confirmed_by_the_last_yes_only(any_fablab):
    own_the_laser(any_fablab, "chloe")
    uid = pending(any_fablab, Wanted(TEAM), Wanted(OWNER))

    say(any_fablab, uid, True)
    assert (status(uid), happened(uid)) == (Status.PENDING, ["booked"])
    say(any_fablab, uid, True, "chloe", 1)

    assert (status(uid), happened(uid)) == (Status.CONFIRMED, ["booked", "confirmed"])


def test_a_referent_of_the_machine_answers_like_the_team(any_fablab):
    uid = pending(any_fablab, Wanted(TEAM))
    with pytest.raises(LookupError):
        say(any_fablab, uid, True, "chloe")
    machine, chloe = any_fablab.machine("laser").id, any_fablab.people["chloe"]
    with writing() as session:
        add_row(session, MachineReferent, machine_id=machine, member_id=chloe)

    say(any_fablab, uid, True, "chloe")

    assert status(uid) == Status.CONFIRMED


@pytest.mark.parametrize(
    "standing",
    [{"suspended_until": instant("2027-03-29 09:01")}, {"expires_on": date(2027, 3, 28)}],
)
def test_a_referent_out_of_standing_is_not_asked(any_fablab, standing):
    uid = pending(any_fablab, Wanted(TEAM))
    machine, chloe = any_fablab.machine("laser").id, any_fablab.people["chloe"]
    with writing() as session:
        add_row(session, MachineReferent, machine_id=machine, member_id=chloe)
        of_chloe = Membership.member_id == chloe
        session.execute(update(Membership).where(of_chloe).values(**standing))

    with pytest.raises(LookupError):
        say(any_fablab, uid, True, "chloe")


@pytest.mark.parametrize(
    "more",
    [
        {"is_manager": False},
        {"until": date(2027, 3, 28)},
        {"since": date(2027, 3, 30)},
    ],
)
def test_who_does_not_manage_the_owner_today_is_not_asked(any_fablab, more):
    own_the_laser(any_fablab, "chloe", **more)
    uid = pending(any_fablab, Wanted(OWNER))

    with pytest.raises(LookupError):
        say(any_fablab, uid, True, "chloe")

    assert status(uid) == Status.PENDING


@pytest.mark.parametrize("who", ["bruno", "chloe"])
def test_whoever_is_not_asked_finds_nothing(any_fablab, who):
    uid = pending(any_fablab, Wanted(TEAM))

    with pytest.raises(LookupError):
        say(any_fablab, uid, True, who)

    assert status(uid) == Status.PENDING


def test_nobody_agrees_to_their_own_booking(any_fablab):
    uid = pending(any_fablab, Wanted(TEAM), who="amina")

    with pytest.raises(LookupError):
        say(any_fablab, uid, True, "amina")

    assert status(uid) == Status.PENDING


@pytest.mark.parametrize("again", [True, False])
def test_answering_twice_changes_nothing(any_fablab, again):
    uid = pending(any_fablab, Wanted(TEAM))
    say(any_fablab, uid, True)
    before = commands.find(uid)

    assert say(any_fablab, uid, again) == Answer.YES

    assert commands.find(uid) == before
    assert happened(uid) == ["booked", "confirmed"]
    assert len(mails("consent_confirmed")) == 1


def test_two_last_answers_at_once_confirm_once(any_app, any_fablab):
    own_the_laser(any_fablab, "chloe")
    uid = pending(any_fablab, Wanted(TEAM), Wanted(OWNER))
    barrier = Barrier(2)

    def run(who: str, n: int) -> None:
        with any_app.app_context():
            consent = asked_of(uid)[n].uid
            barrier.wait()
            answers.answer(consent, True, by=any_fablab.people[who], now=clock.now())

    threads = [Thread(target=run, args=each) for each in (("amina", 0), ("chloe", 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert status(uid) == Status.CONFIRMED
    assert happened(uid) == ["booked", "confirmed"]


# -- no


@pytest.mark.parametrize("kind", [TEAM, OWNER, COMPANY])
def test_a_no_frees_the_machine_and_says_why(any_fablab, kind):
    own_the_laser(any_fablab, "amina")
    uid = pending(any_fablab, Wanted(kind), Wanted(TEAM))

    say(any_fablab, uid, False, why="The lens is being cleaned")

    after = commands.find(uid)
    assert (after.status, bool(after.standing)) == (Status.CANCELLED, False)
    assert after.cancelled_at == clock.now()
    assert happened(uid) == ["booked", "declined"]
    assert [each.answer for each in asked_of(uid)] == [Answer.NO]  # nobody else is asked any more
    assert "The lens is being cleaned" in mails("consent_declined")[0].text
    any_fablab.book("laser", AFTERNOON, "bruno")


def test_a_no_gives_the_seats_back(any_fablab):
    uid = pending(any_fablab, Wanted(TEAM))
    with writing() as session:
        of_it = {"place_id": any_fablab.place_id, "slug": "dust", "name": "Dust", "revision": 0}
        resource = add_row(session, Resource, **of_it)
        seat = add_row(session, Seat, resource_id=resource, number=1)
        add_row(
            session,
            Claim,
            seat_id=seat,
            occupancy_id=commands.find(uid).id,
            claimed_from=AFTERNOON.start,
            claimed_until=AFTERNOON.end,
        )

    say(any_fablab, uid, False)

    assert db.session.scalars(select(Claim.id)).all() == []


def test_a_cancelled_booking_is_asked_about_no_more(any_fablab):
    uid = pending(any_fablab, Wanted(TEAM))
    consent = asked_of(uid)[0].uid
    bruno = any_fablab.people["bruno"]

    commands.cancel(uid, by=bruno, is_team=False, now=clock.now())

    with pytest.raises(LookupError):
        answers.answer(consent, True, by=any_fablab.people["amina"], now=clock.now())
    assert status(uid) == Status.CANCELLED


# -- the buddy


def with_buddy(fablab: Fablab, buddy: str | None = "amina") -> str:
    return pending(fablab, Wanted(BUDDY, fablab.people[buddy] if buddy else None))


def name(fablab: Fablab, uid: str, buddy: str, by: str = "bruno") -> None:
    answers.name_buddy(
        uid,
        fablab.people[buddy],
        place_id=fablab.place_id,
        by=fablab.people[by],
        is_team=by == "amina",
        now=clock.now(),
    )


def test_a_buddy_who_agrees_is_named_on_the_booking(any_fablab):
    uid = with_buddy(any_fablab)

    say(any_fablab, uid, True)

    booking = commands.find(uid)
    assert (booking.status, booking.buddy_id) == (Status.CONFIRMED, any_fablab.people["amina"])


def test_after_a_buddys_no_another_may_be_named(any_fablab):
    uid = with_buddy(any_fablab)

    say(any_fablab, uid, False)

    assert status(uid) == Status.PENDING
    assert [(each.asked_id is None, each.answer, each.due_at) for each in asked_of(uid)] == [
        (False, Answer.NO, DUE),
        (True, None, DUE),
    ]
    assert happened(uid) == ["booked", "buddy_declined"]


def another_is_named(fablab: Fablab, uid: str) -> None:
    qualify(fablab, "chloe")
    name(fablab, uid, "chloe")


def declined(fablab: Fablab, uid: str) -> None:
    say(fablab, uid, False)


@pytest.mark.parametrize("meanwhile", [another_is_named, declined])
def test_a_form_that_shows_the_buddy_of_before_changes_nothing(any_fablab, meanwhile):
    """Else it would bring back who was named when it was drawn."""
    uid = with_buddy(any_fablab)
    drawn = commands.find(uid)
    order = order_behind(drawn, any_fablab.place_id)

    meanwhile(any_fablab, uid)

    now = commands.find(uid)
    assert now.revision == drawn.revision + 1
    with pytest.raises(ChangedMeanwhile):
        commands.move(
            uid,
            replace(order, purpose="Shelves", buddy_id=any_fablab.people["amina"]),
            by=any_fablab.people["bruno"],
            is_team=False,
            now=clock.now(),
            revision=drawn.revision,
        )
    assert commands.find(uid) == now


def qualify(fablab: Fablab, who: str) -> None:
    """On the laser, as the others are."""
    with writing() as session:
        session.add(
            Qualification(
                member_id=fablab.people[who],
                training_id=session.scalars(select(Training.id)).one(),
                given_on=date(2026, 1, 1),
                recorded_at=clock.now(),
            )
        )


def disqualify(fablab: Fablab, who: str) -> None:
    with writing() as session:
        session.execute(delete(Qualification).where(Qualification.member_id == fablab.people[who]))


def test_who_is_no_longer_qualified_cannot_agree_to_be_the_buddy(any_fablab):
    uid = with_buddy(any_fablab)
    disqualify(any_fablab, "amina")

    with pytest.raises(NoBuddy):
        say(any_fablab, uid, True)
    assert (status(uid), asked_of(uid)[0].answer) == (Status.PENDING, None)

    assert say(any_fablab, uid, False) == Answer.NO


def test_another_buddy_is_asked_and_agrees(any_fablab):
    uid = with_buddy(any_fablab, None)

    name(any_fablab, uid, "amina")
    assert commands.find(uid).buddy_id == any_fablab.people["amina"]
    say(any_fablab, uid, True)

    assert status(uid) == Status.CONFIRMED
    assert happened(uid) == ["booked", "buddy_named", "confirmed"]


@pytest.mark.parametrize("buddy", ["bruno", "chloe"])  # oneself, somebody without qualification
def test_not_everybody_can_be_a_buddy(any_fablab, buddy):
    uid = with_buddy(any_fablab, None)

    with pytest.raises(NoBuddy):
        name(any_fablab, uid, buddy)

    assert [each.asked_id for each in asked_of(uid)] == [None]


def test_a_buddy_knows_the_machine_also_where_it_asks_for_no_level(any_fablab):
    """As when one is named with the booking."""
    uid = pending(any_fablab, Wanted(BUDDY), slug="bench")

    with pytest.raises(NoBuddy):
        name(any_fablab, uid, "chloe")


def test_only_its_member_and_the_team_name_a_buddy(any_fablab):
    uid = with_buddy(any_fablab, None)

    with pytest.raises(NotAllowed):
        name(any_fablab, uid, "amina", by="chloe")

    assert [each.asked_id for each in asked_of(uid)] == [None]


def test_who_is_no_longer_named_cannot_answer(any_fablab):
    uid = with_buddy(any_fablab, "chloe")

    name(any_fablab, uid, "amina")

    with pytest.raises(LookupError):
        say(any_fablab, uid, True, "chloe")
    assert status(uid) == Status.PENDING


def test_no_buddy_is_named_where_none_is_waited_for(any_fablab):
    uid = pending(any_fablab, Wanted(TEAM))

    with pytest.raises(TooLate):
        name(any_fablab, uid, "amina")


def test_a_buddy_takes_their_yes_back_until_it_starts(any_fablab, at):
    uid = with_buddy(any_fablab)
    say(any_fablab, uid, True)
    before = commands.find(uid)
    at("2027-03-30 13:59")

    take_back(any_fablab, uid)

    after = commands.find(uid)
    assert (after.status, after.buddy_id, bool(after.standing)) == (Status.PENDING, None, True)
    assert after.revision == before.revision + 1
    assert [(each.answer, each.due_at) for each in asked_of(uid)] == [
        (Answer.TAKEN_BACK, DUE),
        (None, AFTERNOON.start),
    ]
    assert happened(uid)[-1] == "buddy_taken_back"


def take_back(fablab: Fablab, uid: str, who: str = "amina") -> None:
    answers.take_back(asked_of(uid)[0].uid, by=fablab.people[who], now=clock.now())


def test_taking_it_back_twice_changes_nothing(any_fablab):
    uid = with_buddy(any_fablab)
    say(any_fablab, uid, True)
    take_back(any_fablab, uid)
    before = commands.find(uid)

    take_back(any_fablab, uid)

    assert commands.find(uid) == before
    assert len(asked_of(uid)) == 2


def test_once_it_has_started_a_buddy_stays(any_fablab, at):
    uid = with_buddy(any_fablab)
    say(any_fablab, uid, True)
    at("2027-03-30 14:00")

    with pytest.raises(TooLate):
        take_back(any_fablab, uid)

    assert status(uid) == Status.CONFIRMED


def test_an_old_yes_is_not_taken_back_once_another_is_the_buddy(any_fablab):
    uid = with_buddy(any_fablab)
    say(any_fablab, uid, True)
    with writing() as session:
        chloe = any_fablab.people["chloe"]
        session.execute(update(Occupancy.__table__).values(buddy_id=chloe))

    with pytest.raises(TooLate):
        take_back(any_fablab, uid)

    assert status(uid) == Status.CONFIRMED


def test_an_old_yes_is_not_taken_back_while_they_are_asked_again(any_fablab):
    uid = with_buddy(any_fablab)
    say(any_fablab, uid, True)
    booking, amina = commands.find(uid), any_fablab.people["amina"]
    with writing() as session:
        session.execute(update(Occupancy.__table__).values(status=Status.PENDING))
        consents.ask(session, booking.id, [Wanted(BUDDY, amina)], due_at=DUE, now=clock.now())

    with pytest.raises(TooLate):
        take_back(any_fablab, uid)

    assert [each.answer for each in asked_of(uid)] == [Answer.YES, None]


def test_the_team_does_not_take_its_yes_back(any_fablab):
    uid = pending(any_fablab, Wanted(TEAM))
    say(any_fablab, uid, True)

    with pytest.raises(TooLate):
        take_back(any_fablab, uid)

    assert status(uid) == Status.CONFIRMED


# -- too late


@pytest.mark.parametrize(("now", "lapsed"), [("2027-03-29 20:59", 0), ("2027-03-29 21:00", 1)])
def test_what_is_not_answered_in_time_lapses(any_fablab, at, now, lapsed):
    uid = pending(any_fablab, Wanted(TEAM), Wanted(OWNER))
    at(now)

    assert answers.lapse(clock.now()) == lapsed

    assert status(uid) == (Status.CANCELLED if lapsed else Status.PENDING)
    assert happened(uid) == ["booked", "lapsed"][: lapsed + 1]
    assert len(mails("consent_lapsed")) == lapsed
    assert len(asked_of(uid)) == 2 - 2 * lapsed


def test_at_its_time_a_question_takes_no_answer(any_fablab, at):
    uid = pending(any_fablab, Wanted(TEAM))
    at("2027-03-29 21:00")

    with pytest.raises(TooLate):
        say(any_fablab, uid, True)

    assert status(uid) == Status.PENDING


def test_a_round_with_nothing_to_do_is_one_read(any_fablab):
    pending(any_fablab, Wanted(TEAM))

    with counting(db.engine) as statements:
        assert answers.lapse(clock.now()) == 0

    assert len(statements) == 1
    assert statements[0].lstrip().startswith("SELECT")


def test_a_lapsed_booking_lapses_once(any_fablab, at):
    pending(any_fablab, Wanted(TEAM))
    at("2027-03-29 22:00")
    answers.lapse(clock.now())

    assert answers.lapse(clock.now()) == 0


def test_questions_left_over_from_a_confirmed_booking_end_nothing(any_fablab, at):
    uid = pending(any_fablab, Wanted(TEAM))
    with writing() as session:
        session.execute(update(Occupancy.__table__).values(status=Status.CONFIRMED))
    at("2027-03-29 22:00")

    assert answers.lapse(clock.now()) == 0

    assert (status(uid), asked_of(uid)) == (Status.CONFIRMED, [])


# -- the mails


def recipients(kind: str) -> list[str]:
    return [mail.recipient.partition("@")[0] for mail in mails(kind)]


def test_each_who_may_answer_is_written_to_once(any_fablab):
    own_the_laser(any_fablab, "chloe")
    machine = any_fablab.machine("laser").id
    with writing() as session:
        add_row(session, MachineReferent, machine_id=machine, member_id=any_fablab.people["chloe"])
    amina = any_fablab.people["amina"]
    pending(any_fablab, Wanted(TEAM), Wanted(OWNER), Wanted(BUDDY, amina), Wanted(COMPANY))

    assert consent_letters.send_questions(clock.now()) == 4
    assert consent_letters.send_questions(clock.now()) == 0

    assert recipients("consent_team") == ["amina", "chloe"]
    assert recipients("consent_owner") == ["chloe"]
    assert recipients("consent_buddy") == ["amina"]
    assert recipients("consent_company") == ["amina", "chloe"]


def test_without_a_buddy_its_member_is_asked_to_name_one(any_fablab):
    uid = with_buddy(any_fablab, None)

    consent_letters.send_questions(clock.now())

    assert recipients("consent_nobody") == ["bruno"]
    assert f"/consents/{asked_of(uid)[0].uid}/buddy" in mails("consent_nobody")[0].text


def test_every_revision_of_a_booking_turns_the_page_of_its_members_calendar(any_fablab):
    """Else the calendar's tag stays while its bytes change."""
    uid = with_buddy(any_fablab, "amina")
    page, before = page_of(any_fablab, "bruno"), commands.find(uid).revision

    say(any_fablab, uid, False)
    name(any_fablab, uid, "amina")

    assert commands.find(uid).revision == before + 2
    assert page_of(any_fablab, "bruno") == page + 2


def test_a_buddy_named_later_is_written_to(any_fablab):
    uid = with_buddy(any_fablab, None)
    consent_letters.send_questions(clock.now())

    name(any_fablab, uid, "amina")
    consent_letters.send_questions(clock.now())

    assert recipients("consent_buddy") == ["amina"]


def test_nobody_is_asked_to_be_a_buddy_by_mail_again_and_again(any_fablab):
    """Booked and cancelled over and over, it would fill somebody's mailbox."""
    for _ in range(8):
        uid = with_buddy(any_fablab, "amina")
        with writing() as session:
            named = {"buddy_id": any_fablab.people["amina"]}
            session.execute(update(Occupancy.__table__).where(Occupancy.uid == uid).values(**named))
        consent_letters.send_questions(clock.now())
        commands.cancel(uid, by=any_fablab.people["bruno"], is_team=False, now=clock.now())

    assert recipients("consent_buddy") == ["amina"] * 5


def test_nobody_is_written_to_about_what_is_settled(any_fablab):
    uid = pending(any_fablab, Wanted(TEAM))
    commands.cancel(uid, by=any_fablab.people["bruno"], is_team=False, now=clock.now())

    assert consent_letters.send_questions(clock.now()) == 0

    assert not any(mail.kind.startswith("consent_") for mail in mails())


def test_a_mail_says_who_what_and_until_when(any_fablab):
    with writing() as session:
        session.execute(update(Member.__table__).values(language="en"))
    pending(any_fablab, Wanted(TEAM))

    consent_letters.send_questions(clock.now())

    mail = mails("consent_team")[0]
    for text in (mail.text, mail.html):
        assert "Bruno Lefil" in text
        assert "L1 Laser cutter" in text
        assert "14:00" in text
        assert "21:00" in text
        assert "/consents/by-mail/" in text


def test_a_round_without_a_question_is_one_read(any_fablab):
    with counting(db.engine) as statements:
        assert consent_letters.send_questions(clock.now()) == 0

    assert len(statements) == 1


def test_whose_membership_is_suspended_is_nobodys_buddy(any_fablab):
    fablab = any_fablab
    uid = with_buddy(fablab)
    of_amina = Membership.member_id == fablab.people["amina"]
    with writing() as session:
        until = clock.now() + timedelta(days=7)
        session.execute(update(Membership).where(of_amina).values(suspended_until=until))

    with pytest.raises(answers.NoBuddy):
        say(fablab, uid, True)
    with pytest.raises(BookingRefused) as refused:
        fablab.book(
            "laser", slot("2027-03-31 10:00-11:00"), "bruno", buddy_id=fablab.people["amina"]
        )

    assert [each.reason for each in refused.value.refusals] == [Reason.NO_BUDDY]
