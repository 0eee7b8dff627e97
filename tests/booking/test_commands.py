"""Booking, moving and cancelling on both engines: what is written, refused, and done only once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from fablab import clock
from fablab.booking import commands, ledger
from fablab.booking.orders import JUST_TAKEN, AlreadyUsed, BookingRefused
from fablab.booking.verdicts import Reason
from fablab.db import Busy, NotAllowed, db, writing
from fablab.machines import commands as machines
from fablab.machines import guards
from fablab.machines.guards import GuardMissing
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Change, Machine, Occupancy, Policy
from fablab.members.kinds import Audience
from fablab.members.models import Member, Membership
from fablab.organizations.models import Organization, OrganizationMember
from fablab.places.models import Place
from tests.booking.conftest import add_machine, change
from tests.support import instant, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")
EVENING = slot("2027-03-30 16:00-18:00")
KEY = "a-form-of-its-own"


def row(uid: str) -> Any:
    return commands.find(uid)


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Occupancy)) or 0


def happened(uid: str) -> list[str]:
    asked = select(Change.what).where(Change.occupancy_id == row(uid).id).order_by(Change.id)
    return list(db.session.scalars(asked))


def versions(fablab: Any, slug: str, who: str) -> tuple[int, int]:
    """Of the machine's calendar and of the member's."""
    db.session.rollback()
    machine = select(Machine.revision).where(Machine.slug == slug)
    member = select(Member.calendar_revision).where(Member.id == fablab.people[who])
    return db.session.scalar(machine), db.session.scalar(member)


def book_with_key(fablab: Any, who: str = "bruno", wanted: Any = AFTERNOON, **more: Any) -> str:
    order = fablab.order("bench", wanted, who, **more)
    return commands.book(order, by=fablab.people[who], now=clock.now(), key=KEY)


def move(fablab: Any, uid: str, slug: str, wanted: Any, who: str = "bruno", **more: Any) -> None:
    is_team = who == "amina"
    order = fablab.order(slug, wanted, "bruno", **more)
    commands.move(uid, order, by=fablab.people[who], is_team=is_team, now=clock.now())


def cancel(fablab: Any, uid: str, who: str = "bruno") -> None:
    commands.cancel(uid, by=fablab.people[who], is_team=who == "amina", now=clock.now())


def reasons(refused: Any) -> list[Reason]:
    return [refusal.reason for refusal in refused.value.refusals]


def at_once(app: Flask, *calls: Callable[[], Any]) -> list[Any]:
    """Each call in a thread of its own, all let go together: what each gave or raised."""
    barrier, answers = Barrier(len(calls)), [None] * len(calls)

    def run(n: int, call: Callable[[], Any]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                answers[n] = call()
            except Exception as error:
                answers[n] = error

    threads = [Thread(target=run, args=(n, call)) for n, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()  # what was read before they wrote is no longer true
    return answers


# -- booking


def test_a_booking_is_written_with_all_that_is_known_of_it(any_fablab):
    fablab = any_fablab
    change(Policy, setup=timedelta(minutes=15), cleanup=timedelta(minutes=30))

    uid = fablab.book(
        "bench", AFTERNOON, "bruno", purpose="Lamp", organization_id=fablab.organization_id
    )

    made = row(uid)
    assert (made.starts_at, made.ends_at) == (AFTERNOON.start, AFTERNOON.end)
    assert made.occupied_from == AFTERNOON.start - timedelta(minutes=15)
    assert made.occupied_until == AFTERNOON.end + timedelta(minutes=30)
    assert (made.status, made.standing, made.revision) == (Status.CONFIRMED, True, 0)
    assert (made.member_id, made.created_by_id) == (fablab.people["bruno"],) * 2
    assert (made.title, made.organization_id) == ("Lamp", fablab.organization_id)
    assert made.created_at == made.changed_at == instant("2027-03-29 09:00")
    assert happened(uid) == ["booked"]


def test_a_booking_raises_the_versions_of_both_calendars(any_fablab):
    machine, member = versions(any_fablab, "bench", "bruno")

    any_fablab.book("bench", AFTERNOON, "bruno")

    assert versions(any_fablab, "bench", "bruno") == (machine + 1, member + 1)


def test_a_refusal_gives_every_reason_and_writes_nothing(any_fablab):
    before = versions(any_fablab, "laser", "chloe")
    any_fablab.book("laser", AFTERNOON, "bruno")

    with pytest.raises(BookingRefused) as refused:
        any_fablab.book("laser", slot("2027-03-30 13:00-16:30"), "chloe")

    assert reasons(refused) == [Reason.UNQUALIFIED, Reason.TOO_LONG, Reason.TAKEN]
    assert not refused.value.is_only_taken
    assert count() == 1
    assert versions(any_fablab, "laser", "chloe") == (before[0] + 1, before[1])


def test_who_holds_the_slot_is_told_where_the_place_shows_names(any_fablab):
    fablab = any_fablab
    fablab.book("bench", AFTERNOON, "bruno")
    fablab.book("bench", EVENING, "bruno", organization_id=fablab.organization_id)

    def holder(wanted: Any) -> str:
        with pytest.raises(BookingRefused) as refused:
            fablab.book("bench", wanted, "chloe")
        taken = [each for each in refused.value.refusals if each.reason is Reason.TAKEN]
        return taken[0].values["who"]

    assert (holder(AFTERNOON), holder(EVENING)) == ("Bruno Lefil", "Studio Fil")
    change(Membership, expires_on=date(2027, 3, 28))  # yesterday
    assert (holder(AFTERNOON), holder(EVENING)) == ("", "")
    change(Membership, expires_on=None)
    change(Place, names_shown="nobody")
    assert (holder(AFTERNOON), holder(EVENING)) == ("", "")


def test_contiguous_bookings_are_fine_and_a_minute_of_overlap_is_not(any_fablab):
    fablab = any_fablab
    change(Policy, step=timedelta(minutes=1))
    fablab.book("bench", AFTERNOON, "bruno")

    fablab.book("bench", slot("2027-03-30 12:00-14:00"), "chloe")
    fablab.book("bench", EVENING, "chloe")

    for over in ("2027-03-30 11:00-12:01", "2027-03-30 15:59-16:30"):
        with pytest.raises(BookingRefused) as refused:
            fablab.book("bench", slot(over), "chloe")
        assert refused.value.is_only_taken


def test_set_up_and_clean_up_keep_neighbours_apart(any_fablab):
    fablab = any_fablab
    change(Policy, setup=timedelta(minutes=15), cleanup=timedelta(minutes=30))
    fablab.book("bench", slot("2027-03-30 12:00-13:00"), "bruno")

    with pytest.raises(BookingRefused) as refused:
        fablab.book("bench", slot("2027-03-30 13:30-14:30"), "chloe")
    fablab.book("bench", slot("2027-03-30 13:45-14:45"), "chloe")

    assert refused.value.is_only_taken


def test_the_guard_too_counts_set_up_and_clean_up(any_fablab, monkeypatch):
    fablab = any_fablab
    change(Policy, setup=timedelta(minutes=15), cleanup=timedelta(minutes=30))
    fablab.book("bench", slot("2027-03-30 12:00-13:00"), "bruno")
    monkeypatch.setattr(ledger, "refusals", lambda slot, facts: [])

    with pytest.raises(BookingRefused):
        fablab.book("bench", slot("2027-03-30 13:44-14:44"), "chloe")
    fablab.book("bench", slot("2027-03-30 13:45-14:45"), "chloe")


def test_when_the_rules_saw_nothing_the_guard_says_somebody_was_faster(any_fablab, monkeypatch):
    any_fablab.book("bench", AFTERNOON, "bruno")
    monkeypatch.setattr(ledger, "refusals", lambda slot, facts: [])

    with pytest.raises(BookingRefused) as refused:
        any_fablab.book("bench", slot("2027-03-30 15:45-16:15"), "chloe")

    assert refused.value.refusals == [JUST_TAKEN]
    assert refused.value.is_only_taken
    assert count() == 1


def test_an_outage_is_not_somebody_faster(any_fablab):
    fablab = any_fablab
    bench, amina = fablab.machine("bench"), fablab.people["amina"]
    machines.withdraw(bench.id, AFTERNOON, "Oil", by=amina, now=clock.now())

    with pytest.raises(BookingRefused) as refused:
        fablab.book("bench", AFTERNOON, "chloe")

    assert reasons(refused) == [Reason.OUTAGE]
    assert not refused.value.is_only_taken


def test_without_its_guard_nothing_is_booked(any_fablab):
    remove_the_guard()

    with pytest.raises(GuardMissing):
        any_fablab.book("bench", AFTERNOON, "bruno")

    assert count() == 0


def remove_the_guard() -> None:
    db.session.rollback()
    with db.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            for name in guards.TRIGGERS:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            for name, (table, _) in guards.EXCLUSIONS.items():
                connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def test_nobody_books_for_an_organization_that_is_not_theirs(any_fablab):
    with pytest.raises(BookingRefused) as refused:
        any_fablab.book("bench", AFTERNOON, "chloe", organization_id=any_fablab.organization_id)

    assert reasons(refused) == [Reason.NOT_YOUR_ORGANIZATION]


def test_an_organization_of_another_place_does_not_book_here(any_fablab):
    with writing() as session:
        elsewhere = Place(slug="annex", name="Annex", position=1, created_at=clock.now())
        session.add(elsewhere)
        session.flush()
        session.execute(update(Organization.__table__).values(place_id=elsewhere.id))

    with pytest.raises(BookingRefused) as refused:
        any_fablab.book("bench", AFTERNOON, "bruno", organization_id=any_fablab.organization_id)

    assert reasons(refused) == [Reason.NOT_YOUR_ORGANIZATION]


def test_a_machine_that_left_the_place_is_not_found(any_fablab):
    order = any_fablab.order("bench", AFTERNOON, "bruno")
    change(Machine, where="bench", state=MachineState.RETIRED)

    for gone in (order, replace(order, machine_id=999)):
        with pytest.raises(LookupError):
            commands.book(gone, by=any_fablab.people["bruno"], now=clock.now())


# -- once


def test_the_same_form_sent_twice_books_once(any_fablab):
    first = book_with_key(any_fablab)

    assert book_with_key(any_fablab) == first
    assert count() == 1
    assert happened(first) == ["booked"]


def test_a_double_click_books_once(any_app, any_fablab):
    order = any_fablab.order("bench", AFTERNOON, "bruno")
    by, now = any_fablab.people["bruno"], clock.now()

    def click() -> str:
        return commands.book(order, by=by, now=now, key=KEY)

    answers = at_once(any_app, *[click] * 5)

    assert len(set(answers)) == 1
    assert count() == 1


def test_a_form_that_booked_once_books_nothing_else(any_fablab):
    first = book_with_key(any_fablab)

    with pytest.raises(AlreadyUsed) as used:
        book_with_key(any_fablab, wanted=EVENING)

    assert used.value.uid == first
    assert count() == 1


def test_a_form_that_was_refused_may_ask_for_other_hours(any_fablab):
    any_fablab.book("bench", AFTERNOON, "chloe")
    with pytest.raises(BookingRefused):
        book_with_key(any_fablab)

    assert row(book_with_key(any_fablab, wanted=EVENING)).starts_at == EVENING.start


def test_the_same_key_of_somebody_else_is_theirs(any_fablab):
    first = book_with_key(any_fablab)

    assert book_with_key(any_fablab, "chloe", EVENING) != first


def test_a_form_sent_again_for_another_member_is_told_whom_it_booked_for(any_fablab):
    """As the team may, who books for everybody under the keys of its own forms."""
    amina = any_fablab.people["amina"]
    first, again = (any_fablab.order("bench", AFTERNOON, who) for who in ("bruno", "chloe"))
    uid = commands.book(first, by=amina, now=clock.now(), key=KEY, is_team=True)

    with pytest.raises(AlreadyUsed) as used:
        commands.book(again, by=amina, now=clock.now(), key=KEY, is_team=True)

    assert used.value.uid == uid
    assert commands.book(first, by=amina, now=clock.now(), key=KEY, is_team=True) == uid
    assert count() == 1


def test_a_form_gives_the_booking_it_made_even_when_that_was_moved_or_cancelled(any_fablab):
    first = book_with_key(any_fablab)

    move(any_fablab, first, "bench", EVENING)
    after_the_move = book_with_key(any_fablab)
    cancel(any_fablab, first)
    after_the_cancellation = book_with_key(any_fablab)

    assert after_the_move == after_the_cancellation == first
    assert count() == 1


# -- at once


def test_two_people_at_once_get_one_booking_and_one_refusal(any_app, any_fablab):
    orders = [any_fablab.order("bench", AFTERNOON, who) for who in ("bruno", "chloe")]
    now = clock.now()

    answers = at_once(
        any_app,
        *[
            lambda order=order: commands.book(order, by=order.member_id, now=now)
            for order in orders
        ],
    )

    [winner] = [answer for answer in answers if isinstance(answer, str)]
    [loser] = [answer for answer in answers if isinstance(answer, BookingRefused)]
    assert loser.is_only_taken
    assert row(winner).starts_at == AFTERNOON.start
    assert count() == 1


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"one_at_a_time": True}, Reason.TWO_AT_ONCE),
        ({"bookings_ahead": 1}, Reason.BOOKINGS_AHEAD),
    ],
)
def test_of_two_machines_asked_for_at_once_by_one_member_the_rules_see_the_other(
    any_app, any_fablab, monkeypatch, rule, reason
):
    """Each machine has a line of its own, so that both are stood in; the member's own is left."""
    change(Policy, **rule)
    orders = [any_fablab.order(slug, AFTERNOON, "bruno") for slug in ("bench", "laser")]
    by, now = any_fablab.people["bruno"], clock.now()
    accepted, both_were_asked = ledger.accepted, Barrier(2)

    def asked_before_either_is_written(*args: Any, **more: Any) -> Any:
        answer = accepted(*args, **more)
        with suppress(BrokenBarrierError):  # the other one waits for its turn
            both_were_asked.wait(1)
        return answer

    monkeypatch.setattr(ledger, "accepted", asked_before_either_is_written)

    answers = at_once(
        any_app, *(lambda order=order: commands.book(order, by=by, now=now) for order in orders)
    )

    refused = [answer for answer in answers if isinstance(answer, BookingRefused)]
    assert [[why.reason for why in each.refusals] for each in refused] == [[reason]]
    assert count() == 1


@pytest.mark.parametrize("slugs", [("laser", "bench"), ("bench", "laser")])
def test_a_machine_that_runs_alone_for_their_kind_is_no_second_one_in_either_order(
    any_fablab, slugs
):
    """Only private persons may leave the laser to itself by night: Bruno is one."""
    change(Policy, one_at_a_time=True)
    with writing() as session:
        session.add(
            Policy(
                place_id=any_fablab.place_id,
                machine_id=any_fablab.machine("laser").id,
                audience=Audience.INDIVIDUAL,
                modes=["supervised", "resident", "night"],
            )
        )

    for slug in slugs:
        any_fablab.book(slug, AFTERNOON, "bruno")

    assert count() == 2


def test_two_moves_across_each_other_are_both_done(any_app, any_fablab):
    """bench to bench2 and back, at the same moment: nobody waits in a circle."""
    fablab = any_fablab
    add_machine(fablab, "bench2", "bench")
    first = fablab.book("bench", AFTERNOON, "bruno")
    second = fablab.book("bench2", EVENING, "bruno")
    by, now = fablab.people["bruno"], clock.now()

    def send(uid: str, slug: str, wanted: Any) -> Callable[[], None]:
        order = fablab.order(slug, wanted, "bruno")
        return lambda: commands.move(uid, order, by=by, is_team=False, now=now)

    for there, back in [("bench2", "bench"), ("bench", "bench2")] * 4:
        answers = at_once(any_app, send(first, there, AFTERNOON), send(second, back, EVENING))

        assert answers == [True, True]
        assert row(first).machine_id == fablab.machine(there).id
        assert row(second).machine_id == fablab.machine(back).id


def test_a_booking_moved_while_one_waits_in_line_is_found_where_it_is_now(any_fablab, monkeypatch):
    """The machine it was on is not enough: the one it is on now must be waited for as well."""
    fablab = any_fablab
    add_machine(fablab, "bench2", "bench")
    uid = fablab.book("bench", AFTERNOON, "bruno")
    bench2 = fablab.machine("bench2")
    in_line = commands.stand_in_line
    waited_for: list[int] = []

    def overtaken(session: Any, *machine_ids: int) -> None:
        if not waited_for:
            session.execute(
                update(Occupancy.__table__).where(Occupancy.uid == uid).values(machine_id=bench2.id)
            )
        waited_for.extend(machine_ids)
        in_line(session, *machine_ids)

    monkeypatch.setattr(ledger, "stand_in_line", overtaken)
    before, _ = versions(fablab, "bench2", "bruno")

    cancel(fablab, uid)

    assert waited_for == [fablab.machine("bench").id, bench2.id]
    assert versions(fablab, "bench2", "bruno")[0] == before + 1


@contextmanager
def somebody_writing(fablab: Any) -> Iterator[None]:
    """Another connection in the midst of a write, and ours with no patience to wait for it."""
    ours = db.session.connection()
    is_sqlite = ours.dialect.name == "sqlite"
    if is_sqlite:
        ours.connection.driver_connection.execute("PRAGMA busy_timeout=0")
    else:
        ours.connection.driver_connection.execute("SET lock_timeout = '50ms'")
        ours.connection.driver_connection.commit()
    with db.engine.connect().execution_options(fablab_writes=True) as theirs, theirs.begin():
        theirs.execute(update(Machine.__table__).values(revision=Machine.revision + 1))
        yield


def test_a_database_that_is_busy_says_so_and_nothing_is_written(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")

    with somebody_writing(any_fablab):
        for attempt in (
            lambda: any_fablab.book("bench", EVENING, "bruno"),
            lambda: move(any_fablab, uid, "bench", EVENING),
            lambda: cancel(any_fablab, uid),
        ):
            with pytest.raises(Busy):
                attempt()

    assert count() == 1
    assert happened(uid) == ["booked"]


# -- moving


def test_a_move_keeps_the_booking_and_counts_as_a_change(any_fablab):
    fablab = any_fablab
    uid = fablab.book("bench", AFTERNOON, "bruno")
    was = row(uid)
    add_machine(fablab, "bench2", "bench")

    move(fablab, uid, "bench2", EVENING, purpose="Chair")

    now = row(uid)
    assert (now.id, now.uid, now.revision) == (was.id, uid, was.revision + 1)
    assert (now.starts_at, now.ends_at) == (EVENING.start, EVENING.end)
    assert (now.machine_id, now.title) == (fablab.machine("bench2").id, "Chair")
    assert happened(uid) == ["booked", "moved"]
    assert fablab.book("bench", AFTERNOON, "chloe")


def test_a_move_between_machines_raises_the_versions_of_both(any_fablab):
    fablab = any_fablab
    add_machine(fablab, "bench2", "bench")
    uid = fablab.book("bench", AFTERNOON, "bruno")
    before = [versions(fablab, slug, "bruno")[0] for slug in ("bench", "bench2")]

    move(fablab, uid, "bench2", AFTERNOON)

    after = [versions(fablab, slug, "bruno")[0] for slug in ("bench", "bench2")]
    assert after == [version + 1 for version in before]


@pytest.mark.parametrize(
    "to", ["2027-03-30 15:00-17:00", "2027-03-30 13:00-15:00", "2027-03-30 14:00-17:00"]
)
def test_a_booking_does_not_stand_in_its_own_way(any_fablab, to):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")

    move(any_fablab, uid, "bench", slot(to))

    assert row(uid).starts_at == slot(to).start


def test_a_move_onto_somebody_else_is_refused_and_changes_nothing(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    any_fablab.book("bench", EVENING, "chloe")

    with pytest.raises(BookingRefused) as refused:
        move(any_fablab, uid, "bench", slot("2027-03-30 14:00-16:15"))

    assert refused.value.is_only_taken
    assert (row(uid).ends_at, row(uid).revision) == (AFTERNOON.end, 0)
    assert happened(uid) == ["booked"]


def test_the_guard_stops_a_move_that_the_rules_let_through(any_fablab, monkeypatch):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    any_fablab.book("bench", EVENING, "chloe")
    monkeypatch.setattr(ledger, "refusals", lambda slot, facts: [])

    with pytest.raises(BookingRefused) as refused:
        move(any_fablab, uid, "bench", slot("2027-03-30 15:00-17:00"))

    assert refused.value.refusals == [JUST_TAKEN]
    assert row(uid).starts_at == AFTERNOON.start


def test_a_move_asks_the_rules_of_the_machine_it_goes_to(any_fablab):
    uid = any_fablab.book("bench", slot("2027-03-30 13:00-16:00"), "bruno")

    with pytest.raises(BookingRefused) as refused:
        move(any_fablab, uid, "laser", slot("2027-03-30 13:00-16:00"))

    assert reasons(refused) == [Reason.TOO_LONG]


def test_the_same_order_again_changes_nothing(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno", purpose="Lamp")

    move(any_fablab, uid, "bench", AFTERNOON, purpose="Lamp")

    assert row(uid).revision == 0
    assert happened(uid) == ["booked"]


def test_another_purpose_alone_is_a_change(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno", purpose="Lamp")

    move(any_fablab, uid, "bench", AFTERNOON, purpose="Chair")

    assert (row(uid).title, row(uid).revision) == ("Chair", 1)


class TestUnderWay:
    """It is 15:00; the booking runs from 14:00 to 16:00."""

    @pytest.fixture
    def uid(self, any_fablab, at):
        change(Policy, notice=timedelta(hours=2))
        add_machine(any_fablab, "bench2", "bench")
        uid = any_fablab.book("bench", AFTERNOON, "bruno")
        at("2027-03-30 15:00")
        return uid

    def test_it_is_lengthened_without_notice(self, any_fablab, uid):
        move(any_fablab, uid, "bench", slot("2027-03-30 14:00-17:00"))

        assert row(uid).ends_at == slot("2027-03-30 14:00-17:00").end

    def test_it_may_end_sooner_but_not_before_now(self, any_fablab, uid):
        move(any_fablab, uid, "bench", slot("2027-03-30 14:00-15:15"))

        with pytest.raises(BookingRefused) as refused:
            move(any_fablab, uid, "bench", slot("2027-03-30 14:00-15:00"))
        assert reasons(refused) == [Reason.PAST]

    @pytest.mark.parametrize(
        ("slug", "to"),
        [
            ("bench2", AFTERNOON),
            ("bench2", EVENING),
            ("bench", EVENING),
            ("bench", slot("2027-03-30 14:30-16:00")),
        ],
    )
    def test_the_hours_used_are_not_moved_away(self, any_fablab, uid, slug, to):
        with pytest.raises(BookingRefused) as refused:
            move(any_fablab, uid, slug, to)

        assert reasons(refused) == [Reason.PAST]
        assert row(uid).starts_at == AFTERNOON.start
        assert row(uid).machine_id == any_fablab.machine("bench").id

    def test_who_is_done_early_may_end_it_before_the_least_length(self, any_fablab, uid):
        change(Policy, minimum=timedelta(hours=2))

        move(any_fablab, uid, "bench", slot("2027-03-30 14:00-15:15"))

        assert row(uid).ends_at == slot("2027-03-30 14:00-15:15").end

    def test_it_is_cancelled_by_the_team_alone(self, any_fablab, uid):
        with pytest.raises(NotAllowed):
            cancel(any_fablab, uid)
        cancel(any_fablab, uid, who="amina")

        assert row(uid).status == Status.CANCELLED


def test_the_team_moves_a_members_booking_under_the_members_rules(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")

    move(any_fablab, uid, "bench", EVENING, who="amina")
    with pytest.raises(BookingRefused) as refused:
        move(any_fablab, uid, "bench", slot("2027-06-08 14:00-16:00"), who="amina")

    assert row(uid).member_id == any_fablab.people["bruno"]
    assert reasons(refused) == [Reason.TOO_FAR]


def test_nobody_else_moves_or_cancels_it(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")

    with pytest.raises(NotAllowed):
        move(any_fablab, uid, "bench", EVENING, who="chloe")
    with pytest.raises(NotAllowed):
        cancel(any_fablab, uid, who="chloe")

    assert row(uid).revision == 0


def test_what_was_cancelled_is_not_moved(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    cancel(any_fablab, uid)

    with pytest.raises(NotAllowed):
        move(any_fablab, uid, "bench", EVENING)


def test_for_whom_a_booking_is_stays_on_it_whoever_moves_it(any_fablab):
    """Also an organization left since, and the account in it: frozen when it was made."""
    fablab, studio = any_fablab, any_fablab.organization_id
    with writing() as session:
        session.execute(update(OrganizationMember.__table__).values(activity="A-12"))
    uid = fablab.book("bench", AFTERNOON, "bruno", organization_id=studio)
    with writing() as session:
        table = OrganizationMember.__table__
        session.execute(update(table).values(until=date(2027, 3, 1), activity="B-1"))

    move(fablab, uid, "bench", EVENING)
    made = row(uid)
    assert (made.starts_at, made.organization_id, made.activity) == (EVENING.start, studio, "A-12")

    move(fablab, uid, "bench", AFTERNOON, organization_id=studio)
    own = fablab.book("bench", EVENING, "bruno")
    move(fablab, own, "bench", slot("2027-03-31 10:00-11:00"), organization_id=studio)
    assert [row(each).organization_id for each in (uid, own)] == [studio, None]


# -- cancelling


def test_a_cancelled_booking_stays_and_frees_the_machine(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    before = versions(any_fablab, "bench", "bruno")

    cancel(any_fablab, uid)

    assert (row(uid).status, row(uid).standing) == (Status.CANCELLED, False)
    assert (row(uid).cancelled_at, row(uid).revision) == (clock.now(), 1)
    assert versions(any_fablab, "bench", "bruno") == (before[0] + 1, before[1] + 1)
    assert any_fablab.book("bench", AFTERNOON, "chloe") != uid


def test_cancelling_again_changes_nothing(any_fablab, at):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    cancel(any_fablab, uid)
    at("2027-03-29 10:00")

    cancel(any_fablab, uid)

    assert (row(uid).revision, row(uid).cancelled_at) == (1, instant("2027-03-29 09:00"))
    assert happened(uid) == ["booked", "cancelled"]


def test_what_is_over_is_cancelled_by_nobody(any_fablab, at):
    over = any_fablab.book("bench", AFTERNOON, "bruno")
    at("2027-03-30 16:00")

    for who in ("bruno", "amina"):
        with pytest.raises(NotAllowed):
            cancel(any_fablab, over, who)

    assert row(over).status == Status.CONFIRMED


def test_the_team_cancels_any_booking_and_the_record_says_who(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")

    cancel(any_fablab, uid, who="amina")

    last = db.session.execute(select(Change.what, Change.made_by_id).order_by(Change.id.desc()))
    assert tuple(last.first()) == ("cancelled", any_fablab.people["amina"])


def test_an_outage_is_no_booking(any_fablab):
    bench, amina = any_fablab.machine("bench"), any_fablab.people["amina"]
    uid = machines.withdraw(bench.id, AFTERNOON, "Oil", by=amina, now=clock.now())

    with pytest.raises(LookupError):
        cancel(any_fablab, uid, who="amina")
    with pytest.raises(LookupError):
        move(any_fablab, uid, "bench", EVENING, who="amina")
