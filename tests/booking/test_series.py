"""Bookings that repeat, with real rows: all or none, whoever is there at the same moment."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from fablab import clock
from fablab.booking import commands, ledger, series, waits
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Consent, Series
from fablab.booking.orders import (
    AlreadyUsed,
    BookingRefused,
    ChangedMeanwhile,
    order_behind,
)
from fablab.booking.series import Choice, Pick, Verdict, Wish, review
from fablab.booking.series_rules import Hours
from fablab.booking.verdicts import Reason
from fablab.clock import to_wall, today
from fablab.db import NotAllowed, db
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Approval, MachineState, Status
from fablab.machines.models import Change, Claim, Machine, Occupancy, Policy
from fablab.members.models import Mark
from fablab.slots import Slot
from tests.booking.conftest import add_machine, change
from tests.booking.test_wider_rules import benches, no_buddy, set_policy, share, unread
from tests.conftest import Fablab
from tests.support import PARIS, counting, slot

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
TUESDAY = "2027-03-30 14:00-16:00"
KEY = "11111111-2222-4333-8444-555555555555"


def weekly(first: str, count: int) -> list[Slot]:
    one = slot(first)
    hours, day = Hours.of(one, PARIS), today(PARIS, one.start)
    return [hours.on(day + n * WEEK, PARIS) for n in range(count)]


def orders(
    fablab: Fablab, who: str = "bruno", count: int = 3, first: str = TUESDAY, **more: Any
) -> list[commands.Order]:
    slug = more.pop("slug", "bench")
    return [fablab.order(slug, each, who, **more) for each in weekly(first, count)]


def book(fablab: Fablab, who: str = "bruno", **more: Any) -> str:
    """Book the bench three times, or otherwise, as `who` would."""
    given = {name: more.pop(name) for name in ("key", "is_team", "by") if name in more}
    by = fablab.people[given.pop("by", who)]
    made = orders(fablab, who, **more)
    return series.book(made, every_weeks=1, by=by, now=clock.now(), **given)


def fill(fablab: Fablab, day: str) -> None:
    """Somebody has the bench the whole day."""
    for hours in ("10:00-14:00", "14:00-18:00"):
        fablab.book("bench", slot(f"{day} {hours}"), "chloe")


def of_series(uid: str) -> list[Any]:
    db.session.rollback()
    table = Occupancy.__table__
    return list(
        db.session.execute(
            select(table)
            .join(Series, Series.id == table.c.series_id)
            .where(Series.uid == uid)
            .order_by(table.c.id)
        )
    )


def hours_of(rows: list[Any]) -> list[str]:
    return [
        f"{to_wall(PARIS, row.starts_at):%m-%d %H:%M}-{to_wall(PARIS, row.ends_at):%H:%M}"
        for row in rows
    ]


def wishes(asked: list[commands.Order]) -> list[Wish]:
    return [Wish(str(n), order) for n, order in enumerate(asked)]


def moved(rows: list[Any], fablab: Fablab, days: int = 0, hours: str = "") -> list[Wish]:
    """What `rows` would become: so many days later, to other hours."""
    found = []
    for row in rows:
        own = Slot(row.starts_at, row.ends_at)
        kept = Hours.of(own, PARIS)
        new = Hours.of(slot(f"2027-06-01 {hours}"), PARIS) if hours else kept
        there = new.on(today(PARIS, own.start) + days * DAY, PARIS)
        found.append(Wish(row.uid, replace(order_behind(row, fablab.place_id), slot=there), row))
    return found


def asked(
    fablab: Fablab, wanted: list[Wish], choices: dict[str, Choice] | None = None, **more: Any
) -> list[Verdict]:
    inventory = of_place(place_id=fablab.place_id)
    given = {"now": clock.now(), "is_team": False} | more
    return review(inventory, wanted, choices or {}, **given)


def reasons(verdict: Verdict) -> list[Reason]:
    return [refusal.reason for refusal in verdict.refusals]


# -- the verdict on each date


def test_what_fits_is_in_and_what_does_not_is_out_with_an_alternative(any_fablab):
    any_fablab.book("bench", slot("2027-04-06 15:00-17:00"), "chloe")

    first, second, third = asked(any_fablab, wishes(orders(any_fablab)))

    assert [first.pick, second.pick, third.pick] == [Pick.YES, Pick.NO, Pick.YES]
    assert reasons(second) == [Reason.TAKEN]
    assert second.instead.slot == slot("2027-04-06 13:00-15:00")


def test_the_alternatives_that_are_chosen_are_then_booked(any_fablab):
    fill(any_fablab, "2027-04-06")
    wanted = wishes(orders(any_fablab))
    offered = asked(any_fablab, wanted)[1].instead
    verdicts = asked(any_fablab, wanted, {"1": Choice(Pick.INSTEAD, offered)})

    uid = series.book(
        [verdict.order for verdict in verdicts],
        every_weeks=1,
        by=any_fablab.people["bruno"],
        now=clock.now(),
    )

    assert hours_of(of_series(uid)) == [
        "03-30 14:00-16:00",
        "04-07 14:00-16:00",
        "04-13 14:00-16:00",
    ]


def test_an_equivalent_machine_that_day_is_offered_and_booked(any_fablab):
    add_machine(any_fablab, "bench2", "bench")
    fill(any_fablab, "2027-04-06")

    offered = asked(any_fablab, wishes(orders(any_fablab)))[1].instead

    assert offered.machine_id == any_fablab.machine("bench2").id
    assert offered.slot == slot("2027-04-06 14:00-16:00")


def test_alternatives_keep_clear_of_each_other_and_of_what_is_chosen(any_fablab):
    """Every day until Saturday, with only one free hour left on Friday."""
    hours = weekly("2027-03-30 14:00-15:00", 1)[0]
    every_day = [Slot(hours.start + n * DAY, hours.end + n * DAY) for n in range(3)]
    for day in ("03-30", "03-31", "04-01", "04-03"):
        fill(any_fablab, f"2027-{day}")
    any_fablab.book("bench", slot("2027-04-02 10:00-14:00"), "chloe")
    any_fablab.book("bench", slot("2027-04-02 15:00-18:00"), "chloe")

    verdicts = asked(
        any_fablab, wishes([any_fablab.order("bench", each, "bruno") for each in every_day])
    )

    offers = [verdict.instead.slot for verdict in verdicts if verdict.instead]
    assert offers[0] == slot("2027-04-02 14:00-15:00")
    assert len(offers) == len(set(offers)) < 3


def test_the_earlier_ones_count_so_that_the_third_reaches_the_limit(any_fablab):
    set_policy(any_fablab, "bench", bookings_ahead=2)

    verdicts = asked(any_fablab, wishes(orders(any_fablab)))

    assert [reasons(verdict) for verdict in verdicts] == [[], [], [Reason.BOOKINGS_AHEAD]]
    with pytest.raises(BookingRefused, match="bookings_ahead"):
        book(any_fablab)
    assert len(of_series(book(any_fablab, count=2))) == 2


def test_a_date_left_out_makes_room_for_another(fablab):
    set_policy(fablab, "bench", bookings_ahead=2)

    verdicts = asked(fablab, wishes(orders(fablab)), {"0": Choice(Pick.NO)})

    assert [verdict.pick for verdict in verdicts] == [Pick.NO, Pick.YES, Pick.YES]


def test_a_quota_is_asked_of_each_week_by_itself(fablab):
    set_policy(fablab, "bench", quota_machine=2 * HOUR)
    fablab.book("bench", slot("2027-04-08 10:00-10:30"), "bruno")

    verdicts = asked(fablab, wishes(orders(fablab)))

    assert [reasons(verdict) for verdict in verdicts] == [[], [Reason.QUOTA_MACHINE], []]


def test_beyond_the_horizon_there_is_no_alternative(fablab):
    verdicts = asked(fablab, wishes(orders(fablab, count=6)))

    assert [reasons(verdict) for verdict in verdicts[:3]] == [[]] * 3
    assert [reasons(verdict) for verdict in verdicts[4:]] == [[Reason.TOO_FAR]] * 2
    assert verdicts[-1].instead is None


def test_the_verdict_on_a_year_costs_as_many_statements_as_on_two_weeks(any_app, any_fablab):
    def cost(count: int) -> int:
        wanted = wishes(orders(any_fablab, who="amina", count=count))
        asked(any_fablab, wanted)
        with counting(db.engine) as statements:
            verdicts = asked(any_fablab, wanted)
        assert len(verdicts) == count
        return len(statements)

    assert cost(2) == cost(52) <= 8


# -- booking all or none


def test_each_has_a_uid_of_its_own_and_knows_its_series(any_fablab):
    uid = book(any_fablab, purpose="Lamp", organization_id=any_fablab.organization_id)

    rows = of_series(uid)
    assert hours_of(rows) == ["03-30 14:00-16:00", "04-06 14:00-16:00", "04-13 14:00-16:00"]
    assert len({row.uid for row in rows}) == 3
    assert {(row.title, row.organization_id) for row in rows} == {
        ("Lamp", any_fablab.organization_id)
    }
    one = db.session.execute(select(Series.__table__)).one()
    assert (one.member_id, one.every_weeks) == (any_fablab.people["bruno"], 1)
    assert db.session.scalars(select(Change.what)).all() == ["booked"] * 3


@pytest.mark.parametrize(
    ("now", "first", "utc"),
    [
        ("2027-03-16 09:00", "2027-03-23 14:00-16:00", [13, 12]),
        ("2027-10-19 09:00", "2027-10-26 14:00-16:00", [12, 13]),
    ],
)
def test_the_hours_on_the_wall_are_the_same_after_the_clocks_have_changed(
    any_fablab, at, now, first, utc
):
    at(now)

    rows = of_series(book(any_fablab, count=2, first=first))

    assert [hours.partition(" ")[2] for hours in hours_of(rows)] == ["14:00-16:00"] * 2
    assert [row.starts_at.hour for row in rows] == utc


def test_if_one_is_taken_none_is_booked(any_fablab):
    any_fablab.book("bench", slot("2027-04-13 15:00-17:00"), "chloe")

    with pytest.raises(BookingRefused, match="taken"):
        book(any_fablab)

    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Occupancy)) == 1
    assert db.session.scalar(select(func.count()).select_from(Series)) == 0


def test_sent_again_it_gives_the_series_it_made(any_fablab):
    assert book(any_fablab, key=KEY) == book(any_fablab, key=KEY)

    assert db.session.scalar(select(func.count()).select_from(Occupancy)) == 3


def test_the_same_form_with_other_dates_is_told_what_it_made(any_fablab):
    first = of_series(book(any_fablab, key=KEY))[0]

    for other in ({"count": 2}, {"first": "2027-03-30 10:00-11:00"}):
        with pytest.raises(AlreadyUsed) as used:
            book(any_fablab, key=KEY, **other)
        assert used.value.uid == first.uid


def test_a_form_that_had_made_one_booking_makes_no_series(fablab):
    order = fablab.order("bench", slot(TUESDAY), "bruno")
    uid = commands.book(order, by=fablab.people["bruno"], now=clock.now(), key=KEY)

    with pytest.raises(AlreadyUsed) as used:
        book(fablab, key=KEY)
    assert used.value.uid == uid


def test_nor_when_its_bookings_were_made_one_by_one_before(any_fablab):
    """And are cancelled since, so that nothing stands in the way of making them again."""
    made = orders(any_fablab, count=2)
    by, now = any_fablab.people["bruno"], clock.now()
    uids = [
        commands.book(order, by=by, now=now, key=key)
        for order, key in zip(made, (KEY, None), strict=True)
    ]
    for uid in uids:
        commands.cancel(uid, by=by, is_team=False, now=now)

    with pytest.raises(AlreadyUsed) as used:
        book(any_fablab, count=2, key=KEY)
    assert used.value.uid == uids[0]


def test_nor_does_a_form_that_made_a_series_make_one_for_another_member(any_fablab):
    first = of_series(book(any_fablab, by="amina", key=KEY, is_team=True))[0]

    with pytest.raises(AlreadyUsed) as used:
        book(any_fablab, "chloe", by="amina", key=KEY, is_team=True)
    assert used.value.uid == first.uid


def run_at_once(app: Any, *jobs: Any) -> list[Any]:
    """What each of `jobs` gives or raises, all begun in the same instant."""
    db.session.remove()
    answers: list[Any] = []
    gate = threading.Barrier(len(jobs))

    def run(job: Any) -> None:
        with app.app_context():
            gate.wait()
            try:
                answers.append(job())
            except Exception as error:
                answers.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_two_overlapping_series_at_once_one_is_made_and_of_the_other_nothing(
    any_app, any_fablab
):
    """The second one meets the first only in its last weeks, and on a machine it has second."""
    add_machine(any_fablab, "bench2", "bench")
    mine = orders(any_fablab, "bruno", first="2027-03-30 14:00-16:00")
    theirs = orders(any_fablab, "chloe", first="2027-04-06 15:00-17:00", count=2)
    mine += orders(any_fablab, "bruno", first="2027-03-30 10:00-11:00", slug="bench2")
    theirs = orders(any_fablab, "chloe", first="2027-03-31 10:00-11:00", slug="bench2") + theirs
    people, now = dict(any_fablab.people), clock.now()

    answers = run_at_once(
        any_app,
        lambda: series.book(mine, every_weeks=1, by=people["bruno"], now=now),
        lambda: series.book(theirs, every_weeks=1, by=people["chloe"], now=now),
    )

    made = [answer for answer in answers if isinstance(answer, str)]
    [refused] = [answer for answer in answers if isinstance(answer, BookingRefused)]
    assert refused.is_only_taken
    [one] = db.session.scalars(select(Series.uid)).all()
    assert made == [one]
    count = db.session.scalar(select(func.count()).select_from(Occupancy))
    assert count == len(of_series(one)) in (5, 6)


def test_a_double_click_books_once(any_app, any_fablab):
    asked_for, by, now = orders(any_fablab), any_fablab.people["bruno"], clock.now()

    def once() -> str:
        return series.book(asked_for, every_weeks=1, by=by, now=now, key=KEY)

    answers = run_at_once(any_app, once, once, once)

    assert len(set(answers)) == 1
    assert db.session.scalar(select(func.count()).select_from(Occupancy)) == 3


def test_the_database_has_the_last_word_and_nothing_is_left(any_fablab, monkeypatch):
    """Blind rules, as if somebody had been faster: the guard says no, and undoes all of it."""
    any_fablab.book("bench", slot("2027-04-13 15:00-17:00"), "chloe")
    gather = ledger.gather
    monkeypatch.setattr(
        ledger, "gather", lambda *args, **more: replace(gather(*args, **more), taken=())
    )

    with pytest.raises(BookingRefused, match="taken"):
        book(any_fablab)

    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Occupancy)) == 1


def test_where_something_is_shared_a_review_costs_as_much_for_two_as_for_many(any_fablab):
    """Each would go before the place opens, is refused, and stays in the way of the others."""
    set_policy(any_fablab, "bench", horizon_days=365)
    share(any_fablab, 2, "bench")

    def cost(count: int, first: str) -> int:
        rows = of_series(book(any_fablab, count=count, first=first))
        wanted = moved(rows, any_fablab, hours="05:00-06:00")
        with counting(db.engine) as statements:
            verdicts = asked(any_fablab, wanted)
        assert {verdict.pick for verdict in verdicts} == {Pick.NO}
        return len(statements)

    few, many = cost(2, "2027-03-30 10:00-11:00"), cost(12, "2027-03-30 11:00-12:00")

    assert few == many <= 8


def test_each_costs_a_bounded_number_of_statements(any_app, any_fablab):
    """With nearly every rule on: quotas, what is shared, what must be read."""
    set_policy(any_fablab, "bench", quota_machine=20 * HOUR, bookings_ahead=99, horizon_days=365)
    share(any_fablab, 2, "bench")
    unread(any_fablab)
    read = any_fablab.machine("bench").safety_hash

    def cost(count: int, first: str) -> int:
        with counting(db.engine) as statements:
            book(any_fablab, count=count, first=first, read_hash=read)
        return len(statements)

    cost(2, "2027-03-30 10:00-11:00")
    few, many = cost(2, "2027-03-30 11:00-12:00"), cost(12, "2027-03-31 10:00-11:00")

    assert (many - few) / 10 <= 12
    assert few - 2 * (many - few) / 10 <= 8


def test_one_may_be_pending_and_waits_by_itself(any_fablab):
    set_policy(any_fablab, "bench", approval=Approval.ALWAYS)

    rows = of_series(book(any_fablab))

    assert {row.status for row in rows} == {Status.PENDING}
    asked_for = db.session.execute(select(Consent.occupancy_id, Consent.kind)).all()
    assert asked_for == [(row.id, ConsentKind.TEAM) for row in rows]


def test_the_team_sets_a_rule_aside_for_all_of_them(any_fablab):
    set_policy(any_fablab, "bench", bookings_ahead=1)
    asked_for = orders(any_fablab, override="Project of the year")
    wanted = wishes(asked_for)

    verdicts = asked(any_fablab, wanted, {"1": Choice(Pick.YES)}, is_team=True)
    assert [verdict.may_set_aside for verdict in verdicts] == [False, True, True]
    assert [verdict.pick for verdict in verdicts] == [Pick.YES, Pick.YES, Pick.NO]

    uid = series.book(
        asked_for, every_weeks=1, by=any_fablab.people["amina"], now=clock.now(), is_team=True
    )
    kept = [row.override_reason for row in of_series(uid)]
    assert kept == ["", "Project of the year", "Project of the year"]
    assert {row.member_id for row in of_series(uid)} == {any_fablab.people["bruno"]}


def test_a_member_sets_nothing_aside(fablab):
    set_policy(fablab, "bench", bookings_ahead=1)

    with pytest.raises(BookingRefused):
        book(fablab, override="Because")


def test_a_buddy_is_asked_about_each(fablab):
    no_buddy(fablab)
    change(Policy, level=None)
    set_policy(fablab, "laser", buddy=True)

    with pytest.raises(BookingRefused, match="no_buddy"):
        book(fablab, slug="laser")
    uid = book(fablab, slug="laser", buddy_id=fablab.people["amina"])

    assert {row.status for row in of_series(uid)} == {Status.PENDING}
    assert set(db.session.scalars(select(Consent.asked_id))) == {fablab.people["amina"]}


# -- cancelling this one and the following


def cancel(fablab: Fablab, uid: str, who: str = "bruno", **more: Any) -> int:
    by = fablab.people[who]
    return series.cancel(uid, by=by, is_team=who == "amina", now=clock.now(), **more)


def test_from_the_middle_on_all_are_cancelled_and_the_first_stays(any_fablab):
    first, second, third = of_series(uid := book(any_fablab))
    share(any_fablab, 1, "bench")

    assert cancel(any_fablab, second.uid) == 2

    rows = of_series(uid)
    assert [row.standing for row in rows] == [True, False, False]
    assert [row.revision for row in rows] == [0, 1, 1]
    assert [row.uid for row in rows] == [first.uid, second.uid, third.uid]
    any_fablab.book("bench", slot("2027-04-06 14:00-16:00"), "chloe")


def test_what_is_over_or_under_way_stays(fablab, at):
    first, second, _third = of_series(uid := book(fablab))
    at("2027-04-06 15:00")

    assert cancel(fablab, first.uid, "amina") == 1
    with pytest.raises(NotAllowed):
        cancel(fablab, second.uid)

    assert [row.standing for row in of_series(uid)] == [True, True, False]


def test_what_was_cancelled_already_is_left_as_it_is(fablab):
    _first, second, third = of_series(uid := book(fablab))
    commands.cancel(second.uid, by=fablab.people["bruno"], is_team=False, now=clock.now())

    assert cancel(fablab, second.uid) == 1
    assert [row.revision for row in of_series(uid)] == [0, 1, 1]


def test_a_booking_without_a_series_has_none_that_follow(fablab):
    alone = fablab.book("bench", slot(TUESDAY), "bruno")
    later = fablab.book("bench", slot("2027-04-06 14:00-16:00"), "bruno")

    with pytest.raises(NotAllowed):
        cancel(fablab, alone)

    db.session.rollback()
    assert db.session.scalars(select(Occupancy.standing)).all() == [True, True]
    assert later


def test_nobody_cancels_the_series_of_another(fablab):
    rows = of_series(uid := book(fablab))

    with pytest.raises(NotAllowed):
        cancel(fablab, rows[0].uid, "chloe")

    assert all(row.standing for row in of_series(uid))


def test_only_what_is_cancelled_late_leaves_a_mark(any_fablab, at):
    set_policy(any_fablab, "bench", free_cancellation=24 * HOUR)
    rows = of_series(book(any_fablab))
    at("2027-03-30 10:00")

    assert cancel(any_fablab, rows[0].uid) == 3

    assert db.session.scalars(select(Mark.occupancy_id)).all() == [rows[0].id]


def test_seats_and_questions_go_with_them(any_fablab):
    share(any_fablab, 1, "bench")
    set_policy(any_fablab, "bench", approval=Approval.ALWAYS)
    rows = of_series(book(any_fablab))
    assert db.session.scalar(select(func.count()).select_from(Claim)) == 3

    cancel(any_fablab, rows[0].uid)

    assert db.session.scalar(select(func.count()).select_from(Claim)) == 0
    assert db.session.scalar(select(func.count()).select_from(Consent)) == 0


# -- moving this one and the following


def move(fablab: Fablab, wanted: list[Wish], who: str = "bruno") -> int:
    uid = wanted[0].booking.uid
    by = fablab.people[who]
    return series.move(uid, wanted, by=by, is_team=who == "amina", now=clock.now())


def test_the_following_go_to_other_hours_with_the_same_uids(any_fablab):
    rows = of_series(uid := book(any_fablab))

    assert move(any_fablab, moved(rows[1:], any_fablab, days=1, hours="10:00-12:00")) == 2

    after = of_series(uid)
    assert hours_of(after) == ["03-30 14:00-16:00", "04-07 10:00-12:00", "04-14 10:00-12:00"]
    assert [row.uid for row in after] == [row.uid for row in rows]
    assert [row.revision for row in after] == [0, 1, 1]


@pytest.mark.parametrize(
    ("now", "first", "days"),
    [
        ("2027-03-15 09:00", "2027-03-16 14:00-16:00", -0),
        ("2027-10-18 09:00", "2027-10-19 14:00-16:00", 1),
    ],
)
def test_moved_over_a_clock_change_they_keep_the_hours_on_the_wall(
    any_fablab, at, now, first, days
):
    at(now)
    rows = of_series(uid := book(any_fablab, first=first))

    move(any_fablab, moved(rows, any_fablab, days=days, hours="11:00-13:00"))

    after = of_series(uid)
    assert [hours.partition(" ")[2] for hours in hours_of(after)] == ["11:00-13:00"] * 3
    assert len({row.starts_at.hour for row in after}) == 2


@pytest.mark.parametrize("days", [7, -7, 14])
def test_they_may_take_each_others_places(any_fablab, at, days):
    set_policy(any_fablab, "bench", horizon_days=60)
    rows = of_series(uid := book(any_fablab, first="2027-04-13 14:00-16:00", count=4))

    assert move(any_fablab, moved(rows, any_fablab, days=days)) == 4

    shift = timedelta(days=days)
    before = [to_wall(PARIS, row.starts_at).replace(tzinfo=None) + shift for row in rows]
    assert [to_wall(PARIS, row.starts_at).replace(tzinfo=None) for row in of_series(uid)] == before


def test_a_seat_of_what_is_shared_moves_with_each(any_fablab):
    (other,) = benches(any_fablab, 1)
    share(any_fablab, 1, "bench", other)
    rows = of_series(uid := book(any_fablab, count=2))

    [first, second] = asked(any_fablab, moved(rows, any_fablab, hours="15:00-17:00"))
    assert (first.refusals, second.refusals) == ([], [])
    move(any_fablab, moved(rows, any_fablab, hours="15:00-17:00"))

    assert any_fablab.book(other, slot("2027-04-06 13:00-15:00"), "chloe")
    with pytest.raises(BookingRefused, match="resource_full"):
        any_fablab.book(other, slot("2027-04-06 16:00-18:00"), "chloe")
    assert len(of_series(uid)) == 2


def test_a_conflict_is_listed_with_an_alternative_that_is_then_taken(any_fablab):
    rows = of_series(uid := book(any_fablab))
    any_fablab.book("bench", slot("2027-04-06 10:00-12:00"), "chloe")
    wanted = moved(rows, any_fablab, hours="10:00-12:00")

    verdicts = asked(any_fablab, wanted)
    assert [verdict.pick for verdict in verdicts] == [Pick.YES, Pick.NO, Pick.YES]
    offered = verdicts[1].instead
    assert offered.slot == slot("2027-04-06 12:00-14:00")
    verdicts = asked(any_fablab, wanted, {rows[1].uid: Choice(Pick.INSTEAD, offered)})
    move(any_fablab, [replace(v.wish, order=v.order) for v in verdicts])

    assert hours_of(of_series(uid)) == [
        "03-30 10:00-12:00",
        "04-06 12:00-14:00",
        "04-13 10:00-12:00",
    ]


def test_what_stays_is_in_the_way_of_what_would_take_its_place(fablab):
    rows = of_series(book(fablab, count=2))
    wanted = moved(rows, fablab, days=7)

    free = asked(fablab, wanted)
    assert [verdict.pick for verdict in free] == [Pick.YES, Pick.YES]
    stays = asked(fablab, wanted, {rows[1].uid: Choice(Pick.NO)})
    assert reasons(stays[0]) == [Reason.TAKEN]


def test_if_one_is_refused_none_is_moved(any_fablab):
    rows = of_series(uid := book(any_fablab))
    any_fablab.book("bench", slot("2027-04-13 10:00-12:00"), "chloe")

    with pytest.raises(BookingRefused, match="taken"):
        move(any_fablab, moved(rows, any_fablab, hours="10:00-12:00"))

    assert [row.revision for row in of_series(uid)] == [0, 0, 0]


def test_one_that_was_changed_meanwhile_stops_all(any_fablab):
    rows = of_series(uid := book(any_fablab))
    wanted = moved(rows, any_fablab, hours="10:00-12:00")
    commands.cancel(rows[2].uid, by=any_fablab.people["bruno"], is_team=False, now=clock.now())

    with pytest.raises(ChangedMeanwhile):
        move(any_fablab, wanted)

    assert [row.revision for row in of_series(uid)] == [0, 0, 1]


def test_the_same_again_changes_nothing(fablab):
    rows = of_series(uid := book(fablab))

    assert move(fablab, moved(rows, fablab)) == 0
    assert [row.revision for row in of_series(uid)] == [0, 0, 0]


def test_nobody_moves_the_series_of_another_and_the_team_may(fablab):
    rows = of_series(uid := book(fablab))
    wanted = moved(rows, fablab, hours="10:00-12:00")

    with pytest.raises(NotAllowed):
        move(fablab, wanted, "chloe")
    assert move(fablab, wanted, "amina") == 3
    assert [row.revision for row in of_series(uid)] == [1, 1, 1]


def test_one_that_was_moved_alone_stays_in_its_series(fablab):
    rows = of_series(uid := book(fablab))
    order = fablab.order("bench", slot("2027-04-07 10:00-12:00"), "bruno")
    commands.move(rows[1].uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())

    assert cancel(fablab, rows[1].uid) == 2
    assert [row.standing for row in of_series(uid)] == [True, False, False]


def test_moving_to_other_hours_is_asked_for_again(fablab):
    rows = of_series(uid := book(fablab))
    set_policy(fablab, "bench", approval=Approval.ALWAYS)

    move(fablab, moved(rows, fablab, hours="10:00-12:00"))

    assert {row.status for row in of_series(uid)} == {Status.PENDING}


# -- those who wait


def wait(fablab: Fablab, window: str) -> str:
    bench = fablab.machine("bench").id
    asked_for = waits.Wish(bench, fablab.place_id, slot(window), 2 * HOUR, fablab.people["chloe"])
    return waits.join(asked_for, now=clock.now())


def offered(fablab: Fablab) -> list[str]:
    db.session.rollback()
    table = Occupancy.__table__
    chloes = select(table).where(table.c.member_id == fablab.people["chloe"])
    return hours_of(list(db.session.execute(chloes.order_by(table.c.starts_at))))


def test_what_is_cancelled_is_offered_to_those_who_wait(any_fablab):
    rows = of_series(book(any_fablab))
    for day in ("2027-04-06", "2027-04-13"):
        wait(any_fablab, f"{day} 14:00-16:00")

    cancel(any_fablab, rows[0].uid)

    assert offered(any_fablab) == ["04-06 14:00-16:00", "04-13 14:00-16:00"]


def test_what_one_leaves_to_another_is_not_given_away_meanwhile(any_fablab, at):
    """Each takes the next one's place: only the first one's comes free."""
    set_policy(any_fablab, "bench", horizon_days=60)
    rows = of_series(uid := book(any_fablab))
    for day in ("2027-03-30", "2027-04-06", "2027-04-13"):
        wait(any_fablab, f"{day} 14:00-16:00")

    assert move(any_fablab, moved(rows, any_fablab, days=7)) == 3

    assert [row.revision for row in of_series(uid)] == [1, 1, 1]
    assert offered(any_fablab) == ["03-30 14:00-16:00"]


def test_what_repeats_on_one_out_of_service_goes_to_what_does_the_same_or_nowhere(fablab):
    add_machine(fablab, "other", "bench")
    change(Machine, where="bench", state=MachineState.OUT_OF_SERVICE)
    hours = [slot(f"2027-{day} 14:00-16:00") for day in ("03-30", "04-06")]
    orders = [fablab.order("bench", each, "chloe") for each in hours]

    def instead():
        inventory = of_place(place_id=fablab.place_id)
        wishes = [Wish(str(n), order) for n, order in enumerate(orders)]
        verdicts = review(inventory, wishes, {}, now=clock.now(), is_team=False)
        return [verdict.instead and verdict.instead.machine_id for verdict in verdicts]

    assert instead() == [None, None]
    add_machine(fablab, "twin", "bench", model="Sjöbergs 1900")
    change(Machine, where="bench", model="Sjöbergs 1900")

    assert instead() == [fablab.machine("twin").id] * 2
