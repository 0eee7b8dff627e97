"""Handing a booking over: who may, what the rules say of whoever takes it, and how it ends."""

from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import answers, commands, handover_queries, handovers, series
from fablab.booking.handover_pages import of_whose_it_is
from fablab.booking.handover_rules import OF_A_MEMBER
from fablab.booking.handovers import Acceptance
from fablab.booking.kinds import ConsentKind, HandoverEnd
from fablab.booking.models import Consent, Handover, Series
from fablab.booking.orders import BookingRefused, ChangedMeanwhile, TooLate
from fablab.booking.verdicts import Reason
from fablab.db import NoSuch, NotAllowed, add_row, db, writing
from fablab.invitations import commands as invitations
from fablab.machines.kinds import Approval, Status
from fablab.machines.models import Change, Claim, Machine, Occupancy, Policy
from fablab.machines.resources_commands import create_resource
from fablab.mail.models import OutgoingMail
from fablab.members.kinds import Audience, Channel
from fablab.members.models import Mark, Member
from fablab.slots import Slot
from fablab.trainings.models import Qualification, Training
from tests.booking.conftest import change
from tests.booking.crowd import overlaps
from tests.conftest import Fablab
from tests.support import counting, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")


def offer(fablab: Fablab, uid: str, to: str = "chloe", who: str = "bruno") -> None:
    email = to if "@" in to else f"{to}@atelier.example"
    handovers.offer(uid, email, by=fablab.people[who], language="en", now=clock.now())


def offers() -> list[Any]:
    db.session.rollback()
    return list(db.session.execute(select(Handover.__table__).order_by(Handover.id)))


def row(uid: str) -> Any:
    db.session.rollback()
    return db.session.execute(select(Occupancy.__table__).where(Occupancy.uid == uid)).one()


def accept(fablab: Fablab, who: str = "chloe", **said: Any) -> str:
    [*_, last] = offers()
    asked = select(Occupancy.revision).where(Occupancy.id == last.occupancy_id)
    said = {"revision": db.session.scalars(asked).one()} | said
    return handovers.accept(last.uid, Acceptance(**said), by=fablab.people[who], now=clock.now())


def decline(fablab: Fablab, who: str = "chloe") -> None:
    handovers.decline(offers()[-1].uid, by=fablab.people[who], now=clock.now())


def mails(kind: str = "") -> list[Any]:
    db.session.rollback()
    asked = select(OutgoingMail.__table__).order_by(OutgoingMail.id)
    return [mail for mail in db.session.execute(asked) if mail.kind.startswith(kind)]


def reasons(fablab: Fablab, **said: Any) -> list[Reason]:
    with pytest.raises(BookingRefused) as refused:
        accept(fablab, **said)
    return [each.reason for each in refused.value.refusals]


def qualify(session: Any, member_id: int) -> None:
    """On the laser."""
    add_row(
        session,
        Qualification,
        member_id=member_id,
        training_id=session.scalar(select(Training.id)),
        given_on=date(2026, 1, 1),
        recorded_at=clock.now(),
    )


def let_know(fablab: Fablab, who: str, **values: Any) -> None:
    with writing() as session:
        session.execute(
            update(Member.__table__).where(Member.id == fablab.people[who]).values(**values)
        )


# -- what becomes of it


def test_the_original_stays_until_it_is_accepted_and_then_it_is_theirs(any_fablab):
    fablab = any_fablab
    uid = fablab.book(
        "bench", AFTERNOON, "bruno", purpose="Lamp", organization_id=fablab.organization_id
    )
    offer(fablab, uid)
    before = row(uid)
    assert (before.member_id, before.title) == (fablab.people["bruno"], "Lamp")

    assert accept(fablab) == uid

    taken = row(uid)
    assert taken.member_id == taken.created_by_id == fablab.people["chloe"]
    assert (taken.title, taken.organization_id, taken.status) == ("", None, Status.CONFIRMED)
    assert (taken.starts_at, taken.ends_at) == (AFTERNOON.start, AFTERNOON.end)
    assert taken.revision == before.revision + 1
    [ended] = offers()
    assert (ended.outcome, ended.ended_at) == (HandoverEnd.ACCEPTED, clock.now())
    asked = select(Change.what, Change.made_by_id).where(Change.occupancy_id == taken.id)
    assert db.session.execute(asked.order_by(Change.id)).all()[-1] == (
        "handed_over",
        fablab.people["chloe"],
    )
    assert db.session.scalars(select(Mark.id)).all() == []


def test_both_calendars_turn_their_page(fablab):
    def pages() -> dict[int, int]:
        db.session.rollback()
        return dict(db.session.execute(select(Member.id, Member.calendar_revision)).all())

    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    before = pages()

    accept(fablab)

    turned = {whose for whose, revision in pages().items() if revision > before[whose]}
    assert turned == {fablab.people["bruno"], fablab.people["chloe"]}


def test_accepted_twice_it_is_the_same(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    accept(fablab)
    once = row(uid)

    assert accept(fablab) == uid

    assert row(uid) == once


def test_for_whom_it_is_is_chosen_by_whoever_takes_it(fablab):
    uid = fablab.book("bench", AFTERNOON, "chloe")
    offer(fablab, uid, "bruno", "chloe")

    accept(fablab, "bruno", organization_id=fablab.organization_id)

    assert row(uid).organization_id == fablab.organization_id


def test_it_counts_for_whoever_takes_it(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    with writing() as session:
        frozen = {"audience": Audience.RESIDENT, "activity": "A12", "quoted": Decimal("12.00")}
        session.execute(update(Occupancy.__table__).values(**frozen))
    offer(fablab, uid)

    accept(fablab)

    taken = row(uid)
    assert (taken.audience, taken.activity, taken.quoted) == (Audience.INDIVIDUAL, "", None)


def test_it_leaves_its_series(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    with writing() as session:
        made = add_row(
            session,
            Series,
            uid="0f8fad5b-d9cb-469f-a165-70867728950e",
            member_id=fablab.people["bruno"],
            every_weeks=1,
            created_at=clock.now(),
        )
        session.execute(update(Occupancy.__table__).values(series_id=made))
    offer(fablab, uid)

    accept(fablab)

    assert row(uid).series_id is None
    assert series.following(row(uid), clock.now()) == []


def test_it_keeps_the_seat_of_what_its_machine_shares(fablab):
    bench = fablab.machine("bench").id
    create_resource(fablab.place_id, "Dust", 1, [bench], by=fablab.people["amina"], now=clock.now())
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)

    accept(fablab)

    claims = db.session.execute(select(Claim.occupancy_id, Claim.claimed_from)).all()
    assert claims == [(row(uid).id, AFTERNOON.start)]


def test_whoever_gave_it_can_do_nothing_to_it_any_more(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    accept(fablab)

    with pytest.raises(NotAllowed):
        commands.cancel(uid, by=fablab.people["bruno"], is_team=False, now=clock.now())
    with pytest.raises(TooLate):
        handovers.take_back(uid, by=fablab.people["bruno"], now=clock.now())
    with pytest.raises(NoSuch):
        offer(fablab, uid)


# -- the rules, asked anew


def test_whoever_may_not_use_the_machine_cannot_take_it_over(any_fablab):
    fablab = any_fablab
    uid = fablab.book("laser", AFTERNOON, "bruno")
    offer(fablab, uid)
    before = row(uid)

    assert reasons(fablab) == [Reason.UNQUALIFIED]

    assert row(uid) == before
    assert [each.outcome for each in offers()] == [None]


def test_for_an_organization_of_others_it_cannot_be(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)

    assert reasons(fablab, organization_id=fablab.organization_id) == [Reason.NOT_YOUR_ORGANIZATION]


def test_it_counts_in_the_quota_of_whoever_takes_it(fablab, at):
    """Also shortly before it starts: it was not free until then."""
    change(Policy, quota_machine=timedelta(hours=3), last_minute=timedelta(hours=3))
    fablab.book("bench", slot("2027-03-30 10:00-12:00"), "chloe")
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    at("2027-03-30 13:00")

    assert reasons(fablab) == [Reason.QUOTA_MACHINE]


def test_that_it_starts_soon_is_no_lack_of_notice(fablab, at):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    change(Policy, notice=timedelta(hours=12))
    at("2027-03-30 12:00")
    offer(fablab, uid)

    assert accept(fablab) == uid


def test_what_the_machine_asks_to_be_read_is_read_by_whoever_takes_it(fablab):
    change(Machine, "bench", safety="Goggles on.")
    read = fablab.machine("bench").safety_hash
    uid = fablab.book("bench", AFTERNOON, "bruno", read_hash=read)
    offer(fablab, uid)

    assert reasons(fablab) == [Reason.NOT_READ]
    assert accept(fablab, read_hash=read) == uid


def test_whose_yes_it_needs_is_asked_anew(fablab):
    change(Policy, approval=Approval.ALWAYS)
    uid = fablab.book("bench", AFTERNOON, "bruno")
    [asked] = db.session.scalars(select(Consent.uid)).all()
    with pytest.raises(NotAllowed):
        offer(fablab, uid)  # it waits for a yes
    answers.answer(asked, True, by=fablab.people["amina"], now=clock.now())
    offer(fablab, uid)

    accept(fablab)

    assert row(uid).status == Status.PENDING
    consents = db.session.execute(select(Consent.kind, Consent.answer)).all()
    assert consents == [(ConsentKind.TEAM, None)]


def test_a_buddy_is_named_by_whoever_takes_it_and_the_other_need_not_come(fablab):
    change(Policy, buddy=True)
    people = fablab.people
    with writing() as session:
        qualify(session, people["chloe"])
    uid = fablab.book("laser", AFTERNOON, "bruno", buddy_id=people["amina"])
    [asked] = db.session.scalars(select(Consent.uid)).all()
    answers.answer(asked, True, by=people["amina"], now=clock.now())
    offer(fablab, uid)
    assert reasons(fablab) == [Reason.NO_BUDDY]

    accept(fablab, buddy_id=people["bruno"])

    taken = row(uid)
    assert (taken.status, taken.buddy_id) == (Status.PENDING, people["bruno"])
    invitations.tell(clock.now())
    [freed] = mails("booking_buddy_free")
    assert freed.recipient == "amina@atelier.example"
    assert "Bruno Lefil" in freed.text


# -- offering


def test_an_address_that_nobody_has_is_written_to_as_well(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")

    offer(fablab, uid, "nobody@atelier.example")

    [offered] = offers()
    assert (offered.email, offered.offered_to_id) == ("nobody@atelier.example", None)
    [mail] = mails()
    assert (mail.kind, mail.recipient) == ("handover_nobody", "nobody@atelier.example")
    assert "/register" in mail.text


def test_whether_an_address_is_known_costs_as_many_statements(app, fablab):
    counts = []
    for day, to in ((30, "chloe"), (31, "nobody@atelier.example")):
        uid = fablab.book("bench", slot(f"2027-03-{day} 14:00-16:00"), "bruno")
        with counting(db.engine) as statements:
            offer(fablab, uid, to)
        counts.append(len(statements))

    assert counts[0] == counts[1]


def test_there_is_one_open_offer_of_a_booking(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)

    offer(fablab, uid)  # a double click
    with pytest.raises(handovers.AlreadyOffered):
        offer(fablab, uid, "amina")

    assert len(offers()) == 1
    handovers.take_back(uid, by=fablab.people["bruno"], now=clock.now())
    offer(fablab, uid, "amina")
    assert [each.outcome for each in offers()] == [HandoverEnd.TAKEN_BACK, None]


def test_nobody_offers_to_themselves_nor_what_is_not_theirs(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")

    with pytest.raises(handovers.OnesOwn):
        offer(fablab, uid, "bruno")
    with pytest.raises(NoSuch):
        offer(fablab, uid, "chloe", "amina")

    assert offers() == []


def test_what_has_begun_is_not_handed_over(fablab, at):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    at("2027-03-30 14:00")

    with pytest.raises(NotAllowed):
        offer(fablab, uid)


# -- how else it ends


def test_declined_it_stays_and_its_member_is_told(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    before = row(uid)

    decline(fablab)
    decline(fablab)

    assert row(uid) == before
    [told] = mails("handover_declined")
    assert told.recipient == "bruno@atelier.example"
    with pytest.raises(TooLate):
        accept(fablab)


def test_taken_back_it_cannot_be_accepted(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)

    handovers.take_back(uid, by=fablab.people["bruno"], now=clock.now())
    handovers.take_back(uid, by=fablab.people["bruno"], now=clock.now())

    with pytest.raises(TooLate):
        accept(fablab)
    assert row(uid).member_id == fablab.people["bruno"]


def test_unanswered_it_lapses_and_its_member_is_told(fablab, at):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    at("2027-03-30 13:59")
    assert handovers.lapse(clock.now()) == 0
    at("2027-03-30 14:00")

    assert handovers.lapse(clock.now()) == 1

    assert offers()[0].outcome == HandoverEnd.LAPSED
    assert [mail.recipient for mail in mails("handover_lapsed")] == ["bruno@atelier.example"]
    assert handovers.lapse(clock.now()) == 0


def test_what_is_cancelled_is_offered_no_more_and_nobody_is_told_twice(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    commands.cancel(uid, by=fablab.people["bruno"], is_team=False, now=clock.now())

    with pytest.raises(TooLate):
        accept(fablab)
    assert handovers.lapse(clock.now()) == 1

    assert offers()[0].outcome == HandoverEnd.OVER
    assert mails("handover_lapsed") == []


def test_what_changed_meanwhile_is_shown_first(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    drawn_for = row(uid).revision
    order = fablab.order("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    commands.move(uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())

    with pytest.raises(ChangedMeanwhile):
        accept(fablab, revision=drawn_for)
    assert accept(fablab) == uid


def test_a_round_with_nothing_to_do_asks_once(app, fablab):
    with counting(db.engine) as statements:
        handovers.lapse(clock.now())

    assert len(statements) == 1


def test_who_was_offered_what_is_forgotten_after_a_while(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    decline(fablab)

    with writing() as session:
        handovers.tidy(session, clock.now() + handovers.KEPT)
    assert len(offers()) == 1
    with writing() as session:
        handovers.tidy(session, clock.now() + handovers.KEPT + timedelta(seconds=1))
    assert offers() == []


# -- the calendars, by mail


def test_it_leaves_the_one_calendar_and_enters_the_other(any_fablab):
    fablab = any_fablab
    for who in ("bruno", "chloe"):
        let_know(fablab, who, channel=Channel.INVITATION, language="en")
    uid = fablab.book("bench", AFTERNOON, "bruno", purpose="A private thing")
    invitations.tell(clock.now())
    offer(fablab, uid)
    accept(fablab)
    known = len(mails())

    invitations.tell(clock.now())

    gone, made = sorted(mails()[known:], key=lambda mail: mail.recipient)
    assert (gone.recipient, gone.kind) == ("bruno@atelier.example", "booking_handed_over")
    assert (gone.method, made.method) == ("CANCEL", "REQUEST")
    assert "STATUS:CANCELLED" in gone.calendar
    assert "Chloé Navette" in gone.text
    assert (made.recipient, made.kind) == ("chloe@atelier.example", "booking_made")
    for mail in (gone, made):
        assert f"UID:{uid}" in mail.calendar
        assert "SEQUENCE:1" in mail.calendar
        assert "A private thing" not in mail.text + mail.calendar
    # From here on it is hers alone.
    commands.cancel(uid, by=fablab.people["chloe"], is_team=False, now=clock.now())
    known = len(mails())
    invitations.tell(clock.now())
    [ended] = mails()[known:]
    assert (ended.recipient, ended.method) == ("chloe@atelier.example", "CANCEL")


def test_whose_calendar_was_told_nothing_gets_no_event(fablab):
    let_know(fablab, "bruno", channel=Channel.MAIL)
    uid = fablab.book("bench", AFTERNOON, "bruno")
    invitations.tell(clock.now())
    offer(fablab, uid)
    accept(fablab)

    invitations.tell(clock.now())

    [gone] = mails("booking_handed_over")
    assert (gone.recipient, gone.method, gone.calendar) == ("bruno@atelier.example", "", "")


def test_no_calendar_is_told_of_an_end_that_was_never_told_of_the_booking(fablab):
    let_know(fablab, "bruno", channel=Channel.INVITATION)
    let_know(fablab, "chloe", channel=Channel.MAIL)
    uid = fablab.book("bench", AFTERNOON, "bruno")
    invitations.tell(clock.now())
    offer(fablab, uid)
    accept(fablab)
    invitations.tell(clock.now())
    known = len(mails())

    commands.cancel(uid, by=fablab.people["amina"], is_team=True, now=clock.now())
    invitations.tell(clock.now())

    [ended] = mails()[known:]
    assert (ended.recipient, ended.method) == ("chloe@atelier.example", "")


def test_handed_on_within_a_moment_each_hears_of_their_own(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    accept(fablab)
    offer(fablab, uid, "amina", "chloe")
    accept(fablab, "amina")

    invitations.tell(clock.now())

    assert sorted(mail.recipient for mail in mails("booking_handed_over")) == [
        "bruno@atelier.example",
        "chloe@atelier.example",
    ]
    assert row(uid).member_id == fablab.people["amina"]


def test_handed_over_twice_each_reads_since_it_is_theirs_and_no_more(fablab):
    """Back with Bruno, its history is of since the last time, and his page of the last time too."""
    uid = fablab.book("bench", AFTERNOON, "bruno")
    for who, to in (("bruno", "chloe"), ("chloe", "amina"), ("amina", "bruno"), ("bruno", "amina")):
        offer(fablab, uid, to, who)
        accept(fablab, to)
    history = db.session.scalars(
        select(Change).where(Change.occupancy_id == row(uid).id).order_by(Change.id)
    ).all()

    shown = of_whose_it_is(history)

    assert [each.what for each in history].count("handed_over") == 4
    assert [each.id for each in shown] == [history[-1].id]
    offer(fablab, uid, "chloe", "amina")
    decline(fablab)
    takers = {"bruno": "Amina", "chloe": "Amina", "amina": "Bruno"}
    for who, taker in takers.items():
        given = handover_queries.given_by(fablab.people[who], uid)
        assert given.first_name == taker


# -- at once


def at_once(app: Any, *doings: Any) -> list[Exception]:
    wrong: list[Exception] = []
    barrier = Barrier(len(doings))

    def run(doing: Any) -> None:
        with app.app_context():
            barrier.wait()
            try:
                doing()
            except Exception as error:  # noqa: BLE001
                wrong.append(error)

    threads = [Thread(target=run, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return wrong


def test_cancelled_and_accepted_in_one_moment_exactly_one_of_them_happens(any_app, any_fablab):
    fablab, people = any_fablab, any_fablab.people
    for n in range(3):
        hours = Slot(AFTERNOON.start - timedelta(hours=n), AFTERNOON.end - timedelta(hours=n + 1))
        uid = fablab.book("bench", hours, "bruno")
        offer(fablab, uid)
        last, now = offers()[-1].uid, clock.now()

        wrong = at_once(
            any_app,
            lambda uid=uid, now=now: commands.cancel(
                uid, by=people["bruno"], is_team=False, now=now
            ),
            lambda last=last, now=now: handovers.accept(
                last, Acceptance(0), by=people["chloe"], now=now
            ),
        )

        assert len(wrong) == 1
        left = row(uid)
        if left.standing:
            assert left.member_id == people["chloe"]
            assert isinstance(wrong[0], NotAllowed)
        else:
            assert left.member_id == people["bruno"]
            assert isinstance(wrong[0], TooLate)
        with suppress(NotAllowed):
            commands.cancel(uid, by=people["chloe"], is_team=False, now=now)


def test_moved_and_accepted_in_one_moment_exactly_one_of_them_happens(any_app, any_fablab):
    fablab, people = any_fablab, any_fablab.people
    for n in range(3):
        uid = fablab.book("bench", slot("2027-03-30 14:00-15:00"), "bruno")
        offer(fablab, uid)
        last, now = offers()[-1].uid, clock.now()
        elsewhere = fablab.order("bench", slot("2027-03-30 16:00-17:00"), "bruno")
        doings = [
            lambda uid=uid, order=elsewhere, now=now: commands.move(
                uid, order, by=people["bruno"], is_team=False, now=now
            ),
            lambda last=last, now=now: handovers.accept(
                last, Acceptance(0), by=people["chloe"], now=now
            ),
        ]

        [wrong] = at_once(any_app, *(doings if n % 2 else doings[::-1]))

        left = row(uid)
        assert left.revision == 1
        if left.member_id == people["chloe"]:
            assert isinstance(wrong, NotAllowed)
            assert left.starts_at == slot("2027-03-30 14:00-15:00").start
            assert offers()[-1].outcome == HandoverEnd.ACCEPTED
        else:
            assert isinstance(wrong, ChangedMeanwhile)
            assert left.starts_at == elsewhere.slot.start
            assert offers()[-1].outcome is None
        assert overlaps() == 0
        commands.cancel(uid, by=left.member_id, is_team=False, now=now)


def test_two_offers_at_once_of_two_machines_do_not_pass_the_bound_of_a_day(any_app, any_fablab):
    fablab, now = any_fablab, clock.now()
    other = row(fablab.book("bench", slot("2027-03-31 14:00-16:00"), "bruno")).id
    wanted = [fablab.book(slug, AFTERNOON, "bruno") for slug in ("bench", "laser")]
    with writing() as session:
        for n in range(OF_A_MEMBER - 1):
            add_row(
                session,
                Handover,
                uid=f"offer {n}",
                occupancy_id=other,
                offered_by_id=fablab.people["bruno"],
                email="chloe@atelier.example",
                offered_at=now,
                due_at=now,
                ended_at=now,
                outcome=HandoverEnd.TAKEN_BACK,
            )

    wrong = at_once(any_app, *(partial(offer, fablab, uid) for uid in wanted))

    assert [type(error) for error in wrong] == [handovers.OfferedOften]


def test_of_two_tabs_the_second_finds_it_done(any_app, any_fablab):
    fablab = any_fablab
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    last, chloe, now = offers()[0].uid, fablab.people["chloe"], clock.now()

    wrong = at_once(
        any_app, *[lambda: handovers.accept(last, Acceptance(0), by=chloe, now=now)] * 2
    )

    assert wrong == []
    assert (row(uid).member_id, row(uid).revision) == (chloe, 1)
    assert overlaps() == 0


def test_two_members_who_exchange_their_bookings_do_not_hold_each_other_up(any_app, any_fablab):
    fablab, people, now = any_fablab, any_fablab.people, clock.now()
    change(Policy, level=0)
    given = fablab.book("bench", AFTERNOON, "bruno")
    taken = fablab.book("laser", slot("2027-03-30 10:00-12:00"), "amina")
    offer(fablab, given, "amina")
    offer(fablab, taken, "bruno", "amina")
    first, second = (each.uid for each in offers())

    wrong = at_once(
        any_app,
        lambda: handovers.accept(first, Acceptance(0), by=people["amina"], now=now),
        lambda: handovers.accept(second, Acceptance(0), by=people["bruno"], now=now),
    )

    assert wrong == []
    assert (row(given).member_id, row(taken).member_id) == (people["amina"], people["bruno"])
