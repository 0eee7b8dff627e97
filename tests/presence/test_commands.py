"""Arriving, leaving before the end, and taking back what was freed a moment ago."""

from contextlib import suppress
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from fablab import clock
from fablab.booking import absences, presence_rules, waits
from fablab.booking import commands as moving
from fablab.booking.models import Wait
from fablab.booking.waits import Wish
from fablab.db import NotAllowed, db
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Claim, Machine, Occupancy
from fablab.machines.resources_commands import create_resource
from fablab.members.models import Mark, Member, Membership
from fablab.places.models import Place
from fablab.presence.commands import Refused
from tests.booking.conftest import change
from tests.booking.crowd import overlaps
from tests.presence.support import AFTERNOON, arrive, booked, leave, record, row, undo
from tests.support import instant, slot


def at_once(app, *deeds):
    """Each in a thread of its own, all in the same moment."""
    together = Barrier(len(deeds))

    def done(deed):
        with app.app_context():
            together.wait()
            deed()

    threads = [Thread(target=done, args=(deed,)) for deed in deeds]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def wait_for(fablab, who, window=AFTERNOON, minutes=60):
    machine = fablab.machine("bench")
    length = minutes * presence_rules.MINUTE
    return waits.join(
        Wish(machine.id, fablab.place_id, window, length, fablab.people[who]), now=clock.now()
    )


def offered_to(wait_uid):
    db.session.rollback()
    of_it = select(Wait.offered_id).where(Wait.uid == wait_uid).scalar_subquery()
    return db.session.execute(select(Occupancy.__table__).where(Occupancy.id == of_it)).first()


# -- arriving


def test_the_hour_is_kept_beside_the_booked_one_and_no_calendar_moves(any_fablab, at):
    uid = booked(any_fablab)
    machine = select(Machine.revision).where(Machine.slug == "bench")
    own = select(Member.calendar_revision).where(Member.id == any_fablab.people["bruno"])
    before = row(uid), db.session.scalar(machine), db.session.scalar(own)
    at("2027-03-30 13:50")

    assert arrive(any_fablab, uid)

    now = row(uid)
    assert now.arrived_at == instant("2027-03-30 13:50")
    assert (now.starts_at, now.revision, now.changed_at) == (
        before[0].starts_at,
        before[0].revision,
        before[0].changed_at,
    )
    assert (db.session.scalar(machine), db.session.scalar(own)) == before[1:]
    assert record(uid)[-1] == ("arrived", any_fablab.people["bruno"])


def test_the_team_says_so_too_and_nobody_else(fablab, at):
    uid = booked(fablab)
    at("2027-03-30 14:00")

    with pytest.raises(NotAllowed):
        arrive(fablab, uid, "chloe")
    assert arrive(fablab, uid, "amina")
    assert record(uid)[-1] == ("arrived", fablab.people["amina"])


def test_too_early_or_on_a_machine_that_is_out_it_is_refused(fablab, at):
    uid = booked(fablab)
    at("2027-03-30 13:30")
    with pytest.raises(Refused) as early:
        arrive(fablab, uid)
    assert early.value.no.values == {"moment": instant("2027-03-30 13:45")}

    at("2027-03-30 14:00")
    change(Machine, "bench", state=MachineState.LOCKED_OUT)
    with pytest.raises(Refused) as out:
        arrive(fablab, uid)
    assert out.value.no == presence_rules.OUT
    assert row(uid).arrived_at is None


def test_two_who_press_at_once_say_it_once(any_fablab, any_app, at):
    uid = booked(any_fablab)
    at("2027-03-30 14:00")

    at_once(any_app, *[lambda: arrive(any_fablab, uid) for _ in range(4)])

    assert [what for what, _ in record(uid)] == ["booked", "arrived"]


def test_whoever_says_it_while_it_is_released_is_either_here_or_was_missed(any_fablab, any_app, at):
    """Never both, whichever came first."""
    uid = booked(any_fablab)
    at("2027-03-30 14:40")
    place_id = any_fablab.place_id

    def here():
        with suppress(Refused):
            arrive(any_fablab, uid)

    def missed():
        with suppress(NotAllowed):
            absences.mark_missed(uid, place_id, by=None, now=clock.now())

    at_once(any_app, here, missed)

    now = row(uid)
    assert (now.status == Status.MISSED) == (now.arrived_at is None)
    assert len(record(uid)) == 2


def test_whoever_moves_what_has_not_begun_is_expected_anew(fablab, at):
    uid = booked(fablab)
    at("2027-03-30 13:50")
    arrive(fablab, uid)

    order = fablab.order("bench", slot("2027-03-31 14:00-16:00"), "bruno")
    moving.move(uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())

    assert row(uid).arrived_at is None


def test_a_longer_end_leaves_them_here(fablab, at):
    uid = booked(fablab)
    at("2027-03-30 13:50")
    arrive(fablab, uid)
    at("2027-03-30 14:30")

    order = fablab.order("bench", slot("2027-03-30 14:00-17:00"), "bruno")
    moving.move(uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())

    assert row(uid).arrived_at == instant("2027-03-30 13:50")


# -- leaving before the end


def test_the_rest_is_free_at_once_and_what_was_booked_is_in_the_record(any_fablab, at):
    uid = booked(any_fablab)
    at("2027-03-30 14:00")
    arrive(any_fablab, uid)
    at("2027-03-30 14:29:20")

    assert leave(any_fablab, uid)

    now = row(uid)
    assert now.ends_at == now.occupied_until == instant("2027-03-30 14:30")
    assert now.left_at == instant("2027-03-30 14:29:20")
    assert (now.status, now.standing, now.revision) == (Status.CONFIRMED, True, 1)
    assert any_fablab.book("bench", slot("2027-03-30 14:30-15:30"), "chloe")
    assert record(uid)[-1] == ("ended_early", any_fablab.people["bruno"])
    assert not leave(any_fablab, uid)


def test_in_the_last_minute_only_the_hour_is_kept(fablab, at):
    uid = booked(fablab)
    at("2027-03-30 15:00")
    arrive(fablab, uid)
    at("2027-03-30 15:59:30")

    assert leave(fablab, uid)

    assert (row(uid).ends_at, row(uid).revision) == (AFTERNOON.end, 0)
    assert record(uid)[-1] == ("left", fablab.people["bruno"])


def test_only_whoever_has_arrived_leaves(fablab, at):
    uid = booked(fablab)
    at("2027-03-30 14:30")

    with pytest.raises(Refused) as refused:
        leave(fablab, uid)

    assert refused.value.no == presence_rules.NOBODY_HERE


def test_the_seats_of_what_is_shared_are_let_go(any_fablab, at):
    create_resource(
        any_fablab.place_id,
        "Dust",
        1,
        [any_fablab.machine("bench").id],
        by=any_fablab.people["amina"],
        now=clock.now(),
    )
    uid = booked(any_fablab)
    at("2027-03-30 14:00")
    arrive(any_fablab, uid)
    at("2027-03-30 14:30")
    leave(any_fablab, uid)

    assert db.session.scalars(select(Claim.claimed_until)).all() == [instant("2027-03-30 14:30")]
    at("2027-03-30 14:32")
    undo(any_fablab, uid)
    assert db.session.scalars(select(Claim.claimed_until)).all() == [AFTERNOON.end]


def test_the_rest_is_offered_to_whoever_waits_in_the_same_transaction(any_fablab, at):
    uid = booked(any_fablab)
    waiting = wait_for(any_fablab, "chloe")
    at("2027-03-30 14:00")
    arrive(any_fablab, uid)
    at("2027-03-30 14:30")

    leave(any_fablab, uid)

    offer = offered_to(waiting)
    assert offer.status == Status.PENDING
    assert instant("2027-03-30 14:30") <= offer.starts_at < offer.ends_at <= AFTERNOON.end


def test_two_who_end_it_at_once_end_it_once(any_fablab, any_app, at):
    uid = booked(any_fablab)
    at("2027-03-30 14:00")
    arrive(any_fablab, uid)
    at("2027-03-30 14:30")

    at_once(any_app, *[lambda: leave(any_fablab, uid) for _ in range(3)])

    assert [what for what, _ in record(uid)] == ["booked", "arrived", "ended_early"]


# -- undone within five minutes


def missed(fablab, uid, by="amina"):
    who = fablab.people[by] if by else None
    absences.mark_missed(uid, fablab.place_id, by=who, now=clock.now())


def test_what_was_missed_stands_again_and_its_mark_is_none(any_fablab, at):
    uid = booked(any_fablab)
    at("2027-03-30 14:30")
    missed(any_fablab, uid, None)
    at("2027-03-30 14:34")

    assert undo(any_fablab, uid)

    now = row(uid)
    assert (now.status, now.standing, now.revision) == (Status.CONFIRMED, True, 2)
    assert (now.starts_at, now.ends_at) == (AFTERNOON.start, AFTERNOON.end)
    assert db.session.scalar(select(func.count(Mark.id))) == 0
    assert [what for what, _ in record(uid)] == ["booked", "missed", "undone"]
    assert not undo(any_fablab, uid)
    assert arrive(any_fablab, uid)


def test_a_suspension_that_followed_from_it_is_over(fablab, at):
    change(Place, marks_allowed=1)
    uid = booked(fablab)
    at("2027-03-30 14:30")
    missed(fablab, uid)
    of_bruno = select(Membership.marked_until).where(Membership.member_id == fablab.people["bruno"])
    assert db.session.scalar(of_bruno) is not None

    undo(fablab, uid)

    assert db.session.scalar(of_bruno) is None


def test_what_was_ended_early_has_its_hours_back(any_fablab, at):
    uid = booked(any_fablab)
    at("2027-03-30 14:00")
    arrive(any_fablab, uid)
    at("2027-03-30 14:30")
    leave(any_fablab, uid, "amina")
    at("2027-03-30 14:34")

    assert undo(any_fablab, uid)

    now = row(uid)
    assert (now.ends_at, now.occupied_until, now.left_at) == (AFTERNOON.end, AFTERNOON.end, None)
    assert now.arrived_at == AFTERNOON.start


def test_an_offer_made_from_it_is_taken_back_and_they_wait_on(any_fablab, at):
    uid = booked(any_fablab)
    waiting = wait_for(any_fablab, "chloe")
    at("2027-03-30 14:30")
    missed(any_fablab, uid)
    offer = offered_to(waiting)
    assert offer is not None

    undo(any_fablab, uid)

    assert row(uid).standing
    assert row(offer.uid).status == Status.CANCELLED
    assert record(offer.uid)[-1][0] == "offer_withdrawn"
    still = db.session.execute(select(Wait.__table__).where(Wait.uid == waiting)).one()
    assert (still.offered_id, still.ended_at) == (None, None)
    assert not overlaps()


def test_once_somebody_has_it_it_is_not_taken_from_them(any_fablab, at):
    uid = booked(any_fablab)
    at("2027-03-30 14:30")
    missed(any_fablab, uid)
    other = any_fablab.book("bench", slot("2027-03-30 15:00-16:00"), "chloe")

    with pytest.raises(Refused) as refused:
        undo(any_fablab, uid)

    assert refused.value.no == presence_rules.TAKEN
    assert row(uid).status == Status.MISSED
    assert row(other).standing


def test_after_five_minutes_it_stays_as_it_is(fablab, at):
    uid = booked(fablab)
    at("2027-03-30 14:30")
    missed(fablab, uid)
    at("2027-03-30 14:35")

    with pytest.raises(Refused) as refused:
        undo(fablab, uid)

    assert refused.value.no == presence_rules.TOO_LATE_TO_UNDO


def test_whoever_has_arrived_is_not_missed(fablab, at):
    uid = booked(fablab)
    at("2027-03-30 14:10")
    arrive(fablab, uid)

    with pytest.raises(NotAllowed):
        missed(fablab, uid)
