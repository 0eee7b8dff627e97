"""Other hours, other days off: what is written, what is refused, whom it leaves outside."""

from dataclasses import replace
from datetime import date, time
from threading import Thread

import pytest
from flask import current_app
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import commands, waits
from fablab.booking.orders import BookingRefused
from fablab.db import NoSuch, db, writing
from fablab.invitations.commands import tell
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy, Policy
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Audience, Deed
from fablab.members.models import Member
from fablab.places.kinds import Mode
from fablab.places.models import Closure
from fablab.settings import closures, openings
from fablab.settings.closures import AlreadyClosed, Days
from fablab.settings.concerned import Choice, Concerns, fingerprint
from fablab.settings.openings import Hours, Overlap
from tests.support import slot
from tests.upkeep.conftest import mails

TUESDAY = date(2027, 3, 30)
AT_TEN = slot("2027-03-30 10:00-11:00")
MORNING = Hours(time(10), time(12), Mode.SUPERVISED)


def told(fablab):
    return {"by": fablab.people["amina"], "now": clock.now()}


NOTHING_SEEN = Choice()


def close(fablab, choice=NOTHING_SEEN, first=TUESDAY, last=TUESDAY, **more):
    days = replace(Days(first, last, "Works"), **more)
    return closures.add(fablab.place_id, days, choice, **told(fablab))


def seen(refused, *cancelled, why="Works"):
    return Choice(fingerprint(refused.value.bookings), frozenset(cancelled), why)


def status(uid):
    return db.session.scalar(select(Occupancy.status).where(Occupancy.uid == uid))


def revision(fablab):
    return of_place(place_id=fablab.place_id).place.revision


def opening_of(fablab, weekday):
    found = openings.openings(fablab.place_id)
    return next(each for each in found if each.weekday == weekday)


def notes():
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()


# -- the ordinary week


def test_a_week_gets_openings_on_several_days_at_once(any_fablab):
    before = revision(any_fablab)

    openings.add(any_fablab.place_id, [1, 7], MORNING, **told(any_fablab))

    added = [(o.weekday, o.opens_at, o.weeks) for o in openings.openings(any_fablab.place_id)]
    assert (1, time(10), "") in added
    assert (7, time(10), "") in added
    assert revision(any_fablab) > before
    assert [note.what for note in notes()] == [Deed.OPENING] * 2
    assert notes()[0].after["opens_at"] == "10:00"
    any_fablab.book("bench", slot("2027-04-05 10:00-11:00"), "bruno")  # a Monday


def test_what_overlaps_is_refused_whole(any_fablab):
    with pytest.raises(Overlap) as refused:
        openings.add(any_fablab.place_id, [1, 2], MORNING, **told(any_fablab))

    assert [each.weekday for each in refused.value.openings] == [2]
    assert all(each.weekday != 1 for each in openings.openings(any_fablab.place_id))
    assert not notes()


def test_an_opening_may_be_changed_over_its_own_hours(any_fablab):
    found = opening_of(any_fablab, 3)
    hours = Hours(time(9), time(19), Mode.RESIDENT, frozenset({1, 3}))

    openings.change(found.id, any_fablab.place_id, 3, hours, Choice(), **told(any_fablab))

    now = opening_of(any_fablab, 3)
    assert (now.opens_at, now.closes_at, now.mode, now.weeks) == (
        time(9),
        time(19),
        Mode.RESIDENT,
        "1,3",
    )
    assert notes()[-1].before["opens_at"] == "10:00"


def test_bookings_that_would_be_outside_are_shown_before_anything_is_done(any_fablab):
    uid = any_fablab.book("bench", AT_TEN, "bruno")
    found, later = opening_of(any_fablab, 2), Hours(time(11), time(18), Mode.SUPERVISED)

    with pytest.raises(Concerns) as refused:
        openings.change(found.id, any_fablab.place_id, 2, later, Choice(), **told(any_fablab))

    assert [row.uid for row in refused.value.bookings] == [uid]
    assert opening_of(any_fablab, 2).opens_at == time(10)

    openings.change(found.id, any_fablab.place_id, 2, later, seen(refused), **told(any_fablab))
    assert opening_of(any_fablab, 2).opens_at == time(11)
    assert status(uid) == Status.CONFIRMED


def test_an_opening_goes_with_the_bookings_that_were_ticked_and_with_no_other(any_fablab):
    gone = any_fablab.book("bench", AT_TEN, "bruno")
    stays = any_fablab.book("bench", slot("2027-03-30 14:00-15:00"), "chloe")
    found = opening_of(any_fablab, 2)
    with pytest.raises(Concerns) as refused:
        openings.remove(found.id, any_fablab.place_id, Choice(), **told(any_fablab))

    openings.remove(found.id, any_fablab.place_id, seen(refused, gone), **told(any_fablab))

    assert (status(gone), status(stays)) == (Status.CANCELLED, Status.CONFIRMED)
    assert all(each.weekday != 2 for each in openings.openings(any_fablab.place_id))


def test_who_is_there_is_part_of_the_hours(any_fablab):
    """The laser is for hours with the team: by badge it cannot be booked."""
    any_fablab.book("laser", AT_TEN, "bruno")
    found, by_badge = opening_of(any_fablab, 2), Hours(time(10), time(18), Mode.NIGHT)

    with pytest.raises(Concerns):
        openings.change(found.id, any_fablab.place_id, 2, by_badge, Choice(), **told(any_fablab))


def test_an_opening_of_another_place_is_none(any_fablab):
    found = opening_of(any_fablab, 2)

    with pytest.raises(NoSuch):
        openings.remove(found.id, any_fablab.place_id + 1, Choice(), **told(any_fablab))


# -- days off


def test_a_closure_closes_and_is_written_down(any_fablab):
    before = revision(any_fablab)

    uid = close(any_fablab, first=date(2027, 12, 24), last=date(2028, 1, 2), repeats_yearly=True)

    schedule = of_place(place_id=any_fablab.place_id).schedule
    assert schedule.day_off(date(2031, 1, 1)) == "Works"
    assert revision(any_fablab) > before
    assert (notes()[-1].what, notes()[-1].after["first_day"]) == (Deed.CLOSURE, "2027-12-24")
    assert closures.find(uid, any_fablab.place_id).revision == 0


def test_another_booking_meanwhile_is_shown_as_well(any_fablab):
    any_fablab.book("bench", AT_TEN, "bruno")
    with pytest.raises(Concerns) as refused:
        close(any_fablab)
    late = any_fablab.book("bench", slot("2027-03-30 11:00-12:00"), "chloe")

    with pytest.raises(Concerns) as again:
        close(any_fablab, seen(refused))

    assert late in [row.uid for row in again.value.bookings]
    assert not closures.closures(any_fablab.place_id)


def test_what_is_cancelled_says_why_and_is_offered_to_nobody_on_a_closed_day(any_fablab):
    uid = any_fablab.book("bench", AT_TEN, "bruno")
    bench, chloe = any_fablab.machine("bench").id, any_fablab.people["chloe"]
    wish = waits.Wish(bench, any_fablab.place_id, AT_TEN, AT_TEN.duration, chloe)
    waits.join(wish, now=clock.now())
    with pytest.raises(Concerns) as refused:
        close(any_fablab)

    close(any_fablab, seen(refused, uid))

    assert status(uid) == Status.CANCELLED
    standing = db.session.scalars(select(Occupancy.uid).where(Occupancy.standing)).all()
    assert standing == []


def test_who_is_left_on_a_closed_day_is_told_once_and_again_when_it_opens(any_fablab):
    uid = any_fablab.book("bench", AT_TEN, "bruno")
    with writing() as session:
        session.get(Member, any_fablab.people["bruno"]).language = "en"
    tell(clock.now())
    with pytest.raises(Concerns) as refused:
        close(any_fablab)

    closure = close(any_fablab, seen(refused))
    longer = Days(TUESDAY, date(2027, 3, 31), "Works")
    closures.change(closure, any_fablab.place_id, longer, Choice(), **told(any_fablab))

    tell(clock.now())
    [mail] = mails("booking_shut")
    assert mail.recipient == "bruno@atelier.example"
    for words in ("The place is closed", "Works", "You could move it to", "machine=bench"):
        assert words in mail.text
    assert status(uid) == Status.CONFIRMED
    assert tell(clock.now()) == 0
    closures.remove(closure, any_fablab.place_id, **told(any_fablab))
    tell(clock.now())
    [mail] = mails("booking_reopened")
    assert "come as planned" in mail.text


def test_a_day_that_closes_and_opens_within_a_moment_is_no_news(any_fablab):
    any_fablab.book("bench", AT_TEN, "bruno")
    tell(clock.now())
    with pytest.raises(Concerns) as refused:
        close(any_fablab)

    closure = close(any_fablab, seen(refused))
    closures.remove(closure, any_fablab.place_id, **told(any_fablab))

    assert tell(clock.now()) == 0


def test_who_is_left_outside_of_other_hours_is_told(any_fablab):
    any_fablab.book("bench", AT_TEN, "bruno")
    found = opening_of(any_fablab, 2)
    tell(clock.now())
    with pytest.raises(Concerns) as refused:
        openings.remove(found.id, any_fablab.place_id, Choice(), **told(any_fablab))

    openings.remove(found.id, any_fablab.place_id, seen(refused), **told(any_fablab))

    tell(clock.now())
    assert [mail.recipient for mail in mails("booking_shut")] == ["bruno@atelier.example"]


def test_whose_hours_hold_is_who_they_are_and_not_whose_prices_they_pay(any_fablab):
    bench = any_fablab.machine("bench").id
    with writing() as session:
        others = {"audience": Audience.RESIDENT, "modes": [Mode.RESIDENT]}
        session.add(Policy(place_id=any_fablab.place_id, machine_id=bench, **others))
    any_fablab.book("bench", AT_TEN, "bruno")
    with writing() as session:
        session.execute(update(Occupancy.__table__).values(audience=Audience.RESIDENT))

    with pytest.raises(Concerns):
        close(any_fablab)


def test_an_opening_that_comes_back_is_told_once_to_who_was_outside(any_fablab):
    any_fablab.book("bench", AT_TEN, "bruno")
    any_fablab.book("bench", slot("2027-03-30 12:00-13:00"), "chloe")
    found = opening_of(any_fablab, 2)
    hours = Hours(found.opens_at, found.closes_at, found.mode)
    with pytest.raises(Concerns) as refused:
        openings.remove(found.id, any_fablab.place_id, Choice(), **told(any_fablab))
    openings.remove(found.id, any_fablab.place_id, seen(refused), **told(any_fablab))
    tell(clock.now())

    openings.add(any_fablab.place_id, [2], hours, **told(any_fablab))
    openings.add(any_fablab.place_id, [7], hours, **told(any_fablab))

    tell(clock.now())
    back = sorted(mail.recipient for mail in mails("booking_reopened"))
    assert back == ["bruno@atelier.example", "chloe@atelier.example"]


def test_a_closure_that_moves_stays_the_same_for_calendars(any_fablab):
    uid = close(any_fablab)
    later = Days(date(2027, 3, 31), date(2027, 4, 1), "Works, longer")

    closures.change(uid, any_fablab.place_id, later, Choice(), **told(any_fablab))
    closures.change(uid, any_fablab.place_id, later, Choice(), **told(any_fablab))

    found = closures.find(uid, any_fablab.place_id)
    assert (found.first_day, found.reason, found.revision) == (later.first_day, later.reason, 1)
    assert notes()[-1].before["reason"] == "Works"


def test_the_same_days_are_closed_once(any_fablab):
    close(any_fablab)

    with pytest.raises(AlreadyClosed):
        close(any_fablab, reason="Something else")


def test_a_closure_to_come_goes_and_one_under_way_ended_yesterday(any_fablab, at):
    begun = close(any_fablab, last=date(2027, 4, 3))
    ahead = close(any_fablab, first=date(2027, 5, 4), last=date(2027, 5, 4))
    at("2027-04-01 09:00")

    for uid in (begun, ahead):
        closures.remove(uid, any_fablab.place_id, **told(any_fablab))

    left = db.session.execute(select(Closure.uid, Closure.last_day)).all()
    assert [tuple(row) for row in left] == [(begun, date(2027, 3, 31))]


def test_public_holidays_may_be_those_of_somewhere_else(any_fablab):
    closures.set_holidays(any_fablab.place_id, "FR", "6AE", Choice(), **told(any_fablab))
    alsace = of_place(place_id=any_fablab.place_id).schedule

    closures.set_holidays(any_fablab.place_id, "", "", Choice(), **told(any_fablab))

    assert alsace.holiday(date(2027, 12, 26))
    assert of_place(place_id=any_fablab.place_id).schedule.holiday(date(2027, 12, 25)) is None


def test_a_booking_and_a_closure_at_once_never_miss_each_other(any_fablab):
    """Whoever is second sees the first: the day is closed, or the booking is shown."""
    app, order = current_app._get_current_object(), any_fablab.order("bench", AT_TEN, "bruno")
    refused: list[Exception] = []

    def attempt(what, *args):
        with app.app_context():
            try:
                what(*args)
            except (Concerns, BookingRefused) as error:
                refused.append(error)

    def book():
        commands.book(order, by=any_fablab.people["bruno"], now=clock.now())

    for _ in range(5):
        refused.clear()
        threads = [
            Thread(target=attempt, args=(book,)),
            Thread(target=attempt, args=(close, any_fablab)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        db.session.rollback()

        standing = db.session.scalars(select(Occupancy.uid).where(Occupancy.standing)).all()
        closed = closures.closures(any_fablab.place_id)
        assert (len(standing), len(closed), len(refused)) in {(1, 0, 1), (0, 1, 1)}
        for each in closed:
            closures.remove(each.uid, any_fablab.place_id, **told(any_fablab))
        for uid in standing:
            commands.cancel(uid, by=any_fablab.people["amina"], is_team=True, now=clock.now())
