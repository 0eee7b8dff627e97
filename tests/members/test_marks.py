"""Late cancellations and absences: when one is noted, what follows, and how it is lifted."""

from collections.abc import Callable
from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import absences, answers, commands
from fablab.booking.models import Consent
from fablab.db import NotAllowed, db, writing
from fablab.machines.kinds import Approval, Status
from fablab.machines.models import Change, Claim, Occupancy, Policy, Resource, Seat
from fablab.members import marks, staff
from fablab.members.audit import AuditEntry
from fablab.members.kinds import MarkKind
from fablab.members.models import Mark, Membership
from fablab.members.rules import is_late, marked_until
from fablab.places.models import Place
from fablab.trainings.models import Qualification
from tests.booking.conftest import add_machine, change, words
from tests.conftest import Fablab
from tests.support import instant, slot

AFTERNOON = slot("2027-03-31 14:00-16:00")
A_DAY = timedelta(days=1)


# -- the rules


@pytest.mark.parametrize(
    ("now", "late"),
    [
        ("2027-03-30 13:59", False),
        ("2027-03-30 14:00", False),  # free until 24 h before, and at that very moment
        ("2027-03-30 14:01", True),
        ("2027-03-31 14:00", True),
    ],
)
def test_a_cancellation_is_late_after_the_hour_until_which_it_is_free(now, late):
    assert is_late(AFTERNOON.start - A_DAY, instant(now)) is late


def test_where_cancelling_is_free_it_is_never_late():
    assert not is_late(None, instant("2027-03-31 14:00"))


FIRST = instant("2027-01-01 12:00")


def days(*after: float) -> list[Any]:
    return [FIRST + timedelta(days=each) for each in after]


@pytest.mark.parametrize(
    ("made", "allowed", "ends_after"),
    [
        ([], 2, None),
        ([0], 2, None),
        ([0, 5], 2, 19),
        ([5, 0], 2, 19),  # in whatever order they come
        ([0, 89], 2, 103),
        ([0, 89.99999], 2, 103.99999),
        ([0, 90], 2, None),  # the window does not include its end
        ([0, 90, 91], 2, 105),
        ([0, 5, 10], 2, 24),  # each that goes on with it starts anew; the latest end counts
        ([0, 5, 10], 3, 24),
        ([0, 45, 90], 3, None),
        ([0], 1, 14),
        ([0, 1, 2], None, None),
    ],
)
def test_so_many_marks_in_the_window_keep_from_booking(made, allowed, ends_after):
    until = marked_until(days(*made), allowed, 90, 14)

    assert until == (None if ends_after is None else days(ends_after)[0])


# -- what is written


def allow(fablab: Fablab, *, marks_allowed: int | None = 2, free: timedelta | None = A_DAY) -> None:
    with writing() as session:
        place = session.get(Place, fablab.place_id)
        assert place
        place.marks_allowed = marks_allowed
        place.marks_window_days, place.marks_suspension_days = 90, 14
        of_all = Policy.machine_id.is_(None)
        for policy in session.scalars(select(Policy).where(of_all)):
            policy.free_cancellation = free


def marks_of(fablab: Fablab, who: str) -> list[Any]:
    db.session.rollback()
    of_them = Mark.member_id == fablab.people[who]
    return list(db.session.execute(select(Mark.__table__).where(of_them).order_by(Mark.id)))


def until(fablab: Fablab, who: str) -> Any:
    db.session.rollback()
    of_them = Membership.member_id == fablab.people[who]
    return db.session.scalar(select(Membership.marked_until).where(of_them))


def cancel(fablab: Fablab, uid: str, who: str) -> None:
    commands.cancel(uid, by=fablab.people[who], is_team=who == "amina", now=clock.now())


def miss(fablab: Fablab, uid: str, who: str = "amina") -> None:
    absences.mark_missed(uid, fablab.place_id, by=fablab.people[who], now=clock.now())


def lift(fablab: Fablab, uid: str, why: str = "Ill that day", who: str = "amina") -> None:
    marks.lift(uid, fablab.place_id, why, by=fablab.people[who], now=clock.now())


def happened(uid: str) -> list[str]:
    of_it = Change.occupancy_id == commands.find(uid).id
    return list(db.session.scalars(select(Change.what).where(of_it).order_by(Change.id)))


@pytest.mark.parametrize(("now", "noted"), [("2027-03-30 14:00", 0), ("2027-03-30 14:01", 1)])
def test_who_cancels_later_than_is_free_is_marked(any_fablab, at, now, noted):
    allow(any_fablab)
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    at(now)

    cancel(any_fablab, uid, "chloe")

    made = marks_of(any_fablab, "chloe")
    assert [(mark.kind, mark.made_at) for mark in made] == [(MarkKind.LATE, clock.now())] * noted
    assert commands.find(uid).status == Status.CANCELLED


def move(fablab: Fablab, uid: str, hours: str, by: str = "chloe", machine: str = "bench") -> None:
    order = fablab.order(machine, slot(hours), "chloe")
    by_id = fablab.people[by]
    commands.move(uid, order, by=by_id, is_team=by == "amina", now=clock.now())


NEXT_WEEK = "2027-04-07 14:00-15:00"


@pytest.mark.parametrize(("now", "noted"), [("2027-03-30 14:00", 0), ("2027-03-30 14:01", 1)])
def test_moving_away_later_than_is_free_and_cancelling_then_is_late(any_fablab, at, now, noted):
    allow(any_fablab)
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    at(now)
    move(any_fablab, uid, NEXT_WEEK)
    move(any_fablab, uid, "2027-04-08 14:00-15:00")
    assert marks_of(any_fablab, "chloe") == []

    cancel(any_fablab, uid, "chloe")

    assert [mark.kind for mark in marks_of(any_fablab, "chloe")] == [MarkKind.LATE] * noted


def test_moving_away_late_to_a_machine_without_such_a_rule_is_late_too(any_fablab, at):
    allow(any_fablab, free=None)
    add_machine(any_fablab, "stool", "bench")
    place, bench = any_fablab.place_id, any_fablab.machine("bench").id
    with writing() as session:
        session.add(Policy(place_id=place, machine_id=bench, free_cancellation=A_DAY))
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    at("2027-03-30 14:01")
    move(any_fablab, uid, NEXT_WEEK, machine="stool")

    cancel(any_fablab, uid, "chloe")

    assert len(marks_of(any_fablab, "chloe")) == 1


def test_what_the_team_moved_late_or_was_lengthened_late_is_free_to_cancel(any_fablab, at):
    allow(any_fablab)
    moved = any_fablab.book("bench", AFTERNOON, "chloe")
    at("2027-03-30 14:01")
    move(any_fablab, moved, NEXT_WEEK, by="amina")
    move(any_fablab, moved, "2027-04-07 14:00-16:00")

    cancel(any_fablab, moved, "chloe")

    assert marks_of(any_fablab, "chloe") == []


def approved(fablab: Fablab) -> str:
    """A booking of the bench that the team said yes to."""
    change(Policy, approval=Approval.ALWAYS)
    uid = fablab.book("bench", AFTERNOON, "chloe")
    question = db.session.scalars(select(Consent.uid)).one()
    answers.answer(question, True, by=fablab.people["amina"], now=clock.now())
    return uid


def name_a_buddy(fablab: Fablab, uid: str, by: str) -> None:
    order = fablab.order("bench", AFTERNOON, "chloe", buddy_id=fablab.people["bruno"])
    by_id = fablab.people[by]
    commands.move(uid, order, by=by_id, is_team=by == "amina", now=clock.now())


def quarter_later(fablab: Fablab, uid: str) -> None:
    move(fablab, uid, "2027-03-31 14:15-16:15")


def longer(fablab: Fablab, uid: str) -> None:
    move(fablab, uid, "2027-03-31 14:00-16:15")


@pytest.mark.parametrize("later", [quarter_later, longer])
@pytest.mark.parametrize(("now", "noted"), [("2027-03-30 14:00", 0), ("2027-03-30 14:01", 1)])
def test_a_late_change_that_waits_for_a_yes_does_not_make_cancelling_free(
    any_fablab, at, later, now, noted
):
    allow(any_fablab)
    uid = approved(any_fablab)
    at(now)
    later(any_fablab, uid)
    assert commands.find(uid).status == Status.PENDING

    cancel(any_fablab, uid, "chloe")

    assert [mark.kind for mark in marks_of(any_fablab, "chloe")] == [MarkKind.LATE] * noted


def test_it_is_told_before_they_cancel(fablab, browse, at):
    allow(fablab)
    uid = approved(fablab)
    at("2027-03-30 14:01")
    longer(fablab, uid)

    page = browse("chloe").get(f"/bookings/{uid}/cancellation").text

    assert "it will be noted as late" in words(page)


@pytest.mark.parametrize(("by", "noted"), [("chloe", 1), ("amina", 0)])
def test_nor_does_a_buddy_who_is_named_late_unless_by_the_team(any_fablab, at, by, noted):
    allow(any_fablab)
    know_the_bench(any_fablab, "bruno")
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    at("2027-03-30 14:01")
    name_a_buddy(any_fablab, uid, by)
    assert commands.find(uid).status == Status.PENDING

    cancel(any_fablab, uid, "chloe")

    assert [mark.kind for mark in marks_of(any_fablab, "chloe")] == [MarkKind.LATE] * noted


def know_the_bench(fablab: Fablab, who: str) -> None:
    with writing() as session:
        session.add(
            Qualification(
                member_id=fablab.people[who],
                machine_id=fablab.machine("bench").id,
                level=2,
                given_on=date(2026, 1, 1),
                recorded_at=clock.now(),
            )
        )


def test_what_was_not_confirmed_yet_may_be_moved_late(any_fablab, at):
    allow(any_fablab)
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    with writing() as session:
        session.execute(update(Occupancy.__table__).values(status=Status.PENDING))
    at("2027-03-30 14:01")
    move(any_fablab, uid, NEXT_WEEK)
    assert commands.find(uid).status == Status.CONFIRMED

    cancel(any_fablab, uid, "chloe")

    assert marks_of(any_fablab, "chloe") == []


def test_the_page_says_why_cancelling_what_was_moved_late_is_noted(fablab, browse, at):
    allow(fablab)
    uid = fablab.book("bench", AFTERNOON, "chloe")
    at("2027-03-31 10:00")
    move(fablab, uid, NEXT_WEEK)

    page = words(browse("chloe").get(f"/bookings/{uid}/cancellation").text)

    assert "You moved this booking less than 1 day before it was to start" in page
    assert "Wednesday 31 March" in page


def test_what_the_team_cancels_for_somebody_leaves_no_mark(any_fablab, at):
    allow(any_fablab)
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    at("2027-03-31 13:59")

    cancel(any_fablab, uid, "amina")

    assert commands.find(uid).status == Status.CANCELLED
    assert marks_of(any_fablab, "chloe") == marks_of(any_fablab, "amina") == []


def test_what_was_never_confirmed_is_given_up_without_a_mark(any_fablab, at):
    allow(any_fablab)
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    with writing() as session:
        session.execute(update(Occupancy.__table__).values(status=Status.PENDING))
    at("2027-03-31 13:59")

    cancel(any_fablab, uid, "chloe")

    assert commands.find(uid).status == Status.CANCELLED
    assert marks_of(any_fablab, "chloe") == []


def test_where_nothing_is_said_cancelling_is_free(any_fablab, at):
    allow(any_fablab, free=None)
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    at("2027-03-31 13:59")

    cancel(any_fablab, uid, "chloe")

    assert marks_of(any_fablab, "chloe") == []


def test_cancelling_twice_leaves_one_mark(any_fablab, at):
    allow(any_fablab)
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    at("2027-03-31 13:00")

    cancel(any_fablab, uid, "chloe")
    cancel(any_fablab, uid, "chloe")

    assert len(marks_of(any_fablab, "chloe")) == 1


def test_the_second_mark_keeps_from_booking(any_fablab, at):
    allow(any_fablab)
    first = any_fablab.book("bench", AFTERNOON, "chloe")
    second = any_fablab.book("bench", slot("2027-04-01 10:00-11:00"), "chloe")
    at("2027-03-31 13:00")
    cancel(any_fablab, first, "chloe")
    assert until(any_fablab, "chloe") is None
    at("2027-03-31 15:00")

    cancel(any_fablab, second, "chloe")

    assert until(any_fablab, "chloe") == instant("2027-04-14 15:00")


# -- nobody came


def test_an_absence_frees_the_machine_and_its_seats(any_fablab, at):
    allow(any_fablab)
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    booking = commands.find(uid)
    with writing() as session:
        resource = Resource(place_id=any_fablab.place_id, slug="dust", name="Dust extraction")
        session.add(resource)
        session.flush()
        seat = Seat(resource_id=resource.id, number=1)
        session.add(seat)
        session.flush()
        session.add(
            Claim(
                seat_id=seat.id,
                occupancy_id=booking.id,
                claimed_from=AFTERNOON.start,
                claimed_until=AFTERNOON.end,
            )
        )
    at("2027-03-31 14:00")

    miss(any_fablab, uid)

    after = commands.find(uid)
    assert (after.status, bool(after.standing)) == (Status.MISSED, False)
    assert after.revision == booking.revision + 1
    assert happened(uid) == ["booked", "missed"]
    assert [mark.kind for mark in marks_of(any_fablab, "chloe")] == [MarkKind.MISSED]
    assert db.session.scalars(select(Claim.id)).all() == []
    any_fablab.book("bench", slot("2027-03-31 15:00-16:00"), "bruno")


def test_nobody_has_missed_what_has_not_begun(any_fablab, at):
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    at("2027-03-31 13:59")

    with pytest.raises(NotAllowed):
        miss(any_fablab, uid)

    assert commands.find(uid).status == Status.CONFIRMED
    assert marks_of(any_fablab, "chloe") == []


def test_an_absence_is_noted_once(any_fablab, at):
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    at("2027-03-31 14:30")

    miss(any_fablab, uid)
    miss(any_fablab, uid)

    assert happened(uid) == ["booked", "missed"]
    assert len(marks_of(any_fablab, "chloe")) == 1


def test_a_cancelled_booking_was_not_missed(any_fablab, at):
    uid = any_fablab.book("bench", AFTERNOON, "chloe")
    cancel(any_fablab, uid, "chloe")
    at("2027-03-31 14:30")

    with pytest.raises(NotAllowed):
        miss(any_fablab, uid)

    assert marks_of(any_fablab, "chloe") == []


# -- lifted


@pytest.fixture
def marked(any_fablab: Fablab, at: Callable[[str], None]) -> Fablab:
    """Chloé has missed two bookings, a day apart, and may not book until 15 April."""
    allow(any_fablab)
    for day in ("2027-03-31", "2027-04-01"):
        uid = any_fablab.book("bench", slot(f"{day} 10:00-11:00"), "chloe")
        at(f"{day} 10:15")
        miss(any_fablab, uid)
    assert until(any_fablab, "chloe") == instant("2027-04-15 10:15")
    return any_fablab


def test_a_lifted_mark_counts_no_more(marked):
    lift(marked, marks_of(marked, "chloe")[0].uid)

    assert until(marked, "chloe") is None
    mark = marks_of(marked, "chloe")[0]
    assert (mark.lift_reason, mark.lifted_by_id) == ("Ill that day", marked.people["amina"])


def test_a_mark_is_not_lifted_without_a_reason(marked):
    with pytest.raises(ValueError, match="for a reason"):
        lift(marked, marks_of(marked, "chloe")[0].uid, "")

    assert until(marked, "chloe") is not None


def test_nobody_lifts_their_own_mark(marked):
    with pytest.raises(staff.NotAllowed):
        lift(marked, marks_of(marked, "chloe")[0].uid, who="chloe")

    assert until(marked, "chloe") is not None


def test_a_mark_is_lifted_once(marked):
    uid = marks_of(marked, "chloe")[0].uid
    lift(marked, uid)

    lift(marked, uid, "Another reason")

    assert marks_of(marked, "chloe")[0].lift_reason == "Ill that day"


def test_a_mark_of_another_place_is_not_there(marked):
    uid = marks_of(marked, "chloe")[0].uid

    with pytest.raises(LookupError):
        marks.lift(uid, marked.place_id + 1, "Why not", by=1, now=clock.now())


def test_what_is_marked_and_lifted_stays_on_record(marked):
    lift(marked, marks_of(marked, "chloe")[0].uid)

    asked = select(AuditEntry.what, AuditEntry.after).order_by(AuditEntry.id)
    entries = db.session.execute(asked).all()
    assert [entry.what for entry in entries] == ["marked", "marked", "lifted"]
    assert entries[1].after["marked_until"] == instant("2027-04-15 10:15").isoformat()
    assert entries[2].after == {"mark": "missed", "reason": "Ill that day", "marked_until": None}


def test_a_mark_is_forgotten_after_a_year(marked):
    with writing() as session:
        marks.tidy(session, instant("2028-03-30 12:00"))  # 2028 has a 29 February

    assert [mark.made_at for mark in marks_of(marked, "chloe")] == [instant("2027-04-01 10:15")]


def test_two_marks_at_once_are_weighed_together(any_app, any_fablab, at):
    allow(any_fablab)
    uids = [
        any_fablab.book(slug, AFTERNOON, who)
        for slug, who in (("bench", "chloe"), ("laser", "bruno"))
    ]
    with writing() as session:  # both are Chloé's, who could not book the laser herself
        session.execute(update(Occupancy.__table__).values(member_id=any_fablab.people["chloe"]))
    at("2027-03-31 14:30")
    barrier = Barrier(2)

    def run(uid: str) -> None:
        with any_app.app_context():
            barrier.wait()
            miss(any_fablab, uid)

    threads = [Thread(target=run, args=(uid,)) for uid in uids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert until(any_fablab, "chloe") == instant("2027-04-14 14:30")
