"""Waiting for a place: who may, what is offered to whom and when, and how it ends."""

import re
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select, update

import fablab
from fablab import clock, jobs
from fablab.booking import absences, answers, commands, departures, series, wait_links, waits
from fablab.booking.kinds import ConsentKind, WaitEnd
from fablab.booking.models import Consent, Series, Wait
from fablab.booking.orders import BookingRefused, TooLate
from fablab.booking.verdicts import Reason
from fablab.booking.waits import FreeNow, Wish
from fablab.db import NotAllowed, add_row, db, writing
from fablab.invitations import commands as invitations
from fablab.machines import commands as machines
from fablab.machines.kinds import Approval, MachineState, Status
from fablab.machines.models import Machine, Occupancy, Policy
from fablab.machines.resources_commands import create_resource
from fablab.mail.models import OutgoingMail
from fablab.members import staff
from fablab.members.models import Member, Membership
from fablab.organizations.models import OrganizationMember
from fablab.places.models import Closure, Opening, Place
from tests.booking.conftest import add_machine, change
from tests.booking.crowd import overlaps
from tests.conftest import Fablab
from tests.support import counting, instant, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")
TUESDAY = slot("2027-03-30 10:00-18:00")
AN_HOUR = timedelta(hours=1)
TWO_HOURS = timedelta(hours=2)


@pytest.fixture
def crowded(any_fablab: Fablab) -> Fablab:
    return crowd(any_fablab)


def crowd(fablab: Fablab) -> Fablab:
    """Dan, Eve and Flo are members too; the workbench is Amina's on Tuesday from 10 to 18."""
    with writing() as session:
        for name in ("dan", "eve", "flo"):
            member = Member(
                uid=f"uid-{name}",
                email=f"{name}@atelier.example",
                first_name=name.title(),
                last_name="Fuseau",
                confirmed_at=clock.now(),
                created_at=clock.now(),
            )
            member.memberships.append(Membership(place_id=fablab.place_id))
            session.add(member)
            session.flush()
            fablab.people[name] = member.id
    for hours in ("10:00-14:00", "14:00-16:00", "16:00-18:00"):
        fablab.book("bench", slot(f"2027-03-30 {hours}"), "amina")
    return fablab


def wish(fablab: Fablab, who: str, window: Any = TUESDAY, **more: Any) -> Wish:
    slug = more.pop("slug", "bench")
    duration = more.pop("duration", TWO_HOURS)
    machine = fablab.machine(slug)
    return Wish(machine.id, fablab.place_id, window, duration, fablab.people[who], **more)


def join(fablab: Fablab, who: str, window: Any = TUESDAY, **more: Any) -> str:
    return waits.join(wish(fablab, who, window, **more), now=clock.now())


def wait(uid: str) -> Any:
    db.session.rollback()
    return db.session.execute(select(Wait.__table__).where(Wait.uid == uid)).one()


def offered(uid: str) -> Any:
    """The booking that is, or was, offered to whoever waits under `uid`; None without one."""
    of_it = Occupancy.id == wait(uid).offered_id
    return db.session.execute(select(Occupancy.__table__).where(of_it)).first()


def due(uid: str) -> Any:
    of_it = Consent.occupancy_id == wait(uid).offered_id
    return db.session.scalar(select(Consent.due_at).where(of_it, Consent.answer.is_(None)))


def at_2(fablab: Fablab) -> str:
    """The booking of the bench from 14 to 16."""
    db.session.rollback()
    asked = select(Occupancy.uid).where(
        Occupancy.starts_at == AFTERNOON.start,
        Occupancy.standing,
        Occupancy.machine_id == fablab.machine("bench").id,
    )
    return db.session.scalars(asked).one()


def cancel(fablab: Fablab, uid: str = "", who: str = "amina") -> None:
    commands.cancel(
        uid or at_2(fablab), by=fablab.people[who], is_team=who == "amina", now=clock.now()
    )


def say(fablab: Fablab, uid: str, yes: bool, who: str, **more: Any) -> Any:
    answer = waits.accept if yes else waits.decline
    return answer(uid, by=fablab.people[who], now=clock.now(), **more)


def reasons(fablab: Fablab, who: str, *args: Any, **more: Any) -> list[Reason]:
    with pytest.raises(BookingRefused) as refused:
        join(fablab, who, *args, **more)
    return [refusal.reason for refusal in refused.value.refusals]


# -- getting in line


def test_whoever_waits_is_in_line_and_nothing_is_offered_before_a_place_is_free(crowded):
    uid = join(crowded, "chloe", purpose="Shelves")

    found = wait(uid)
    assert (found.starts_at, found.ends_at, found.duration) == (
        TUESDAY.start,
        TUESDAY.end,
        TWO_HOURS,
    )
    assert (found.purpose, found.offered_id, found.ended_at) == ("Shelves", None, None)
    assert waits.look(clock.now()) == 0


def test_the_same_again_is_the_same_wait(crowded):
    uid = join(crowded, "chloe")

    assert join(crowded, "chloe", purpose="Otherwise") == uid
    assert join(crowded, "chloe", duration=AN_HOUR) != uid
    assert join(crowded, "dan") != uid


def test_pressed_twice_at_once_it_is_one_wait(crowded, any_app):
    barrier, found = Barrier(6), []

    def press() -> None:
        with any_app.app_context():
            barrier.wait(30)
            found.append(join(crowded, "chloe"))

    together([press] * 6)

    assert len(set(found)) == 1
    assert len(found) == 6


def together(calls: list[Any]) -> None:
    threads = [Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_what_can_be_had_at_once_is_told_instead(crowded):
    with pytest.raises(FreeNow) as free:
        join(crowded, "chloe", slot("2027-03-31 10:00-18:00"))

    assert free.value.slots[0] == slot("2027-03-31 10:00-12:00")
    assert db.session.execute(select(Wait.id)).all() == []


def test_ten_places_are_the_most_one_waits_for(crowded):
    for n in range(10):
        join(crowded, "chloe", slot(f"2027-03-30 10:00-{13 + n // 4}:{n % 4 * 15:02}"))

    assert reasons(crowded, "chloe") == [Reason.BOOKINGS_AHEAD]
    assert join(crowded, "chloe", slot("2027-03-30 10:00-13:00"))  # one of them again
    assert join(crowded, "dan")


@pytest.mark.parametrize(
    ("window", "duration", "expected"),
    [
        (slot("2027-03-29 07:00-09:00"), AN_HOUR, Reason.PAST),
        (slot("2027-04-20 10:00-18:00"), AN_HOUR, Reason.TOO_FAR),
        (slot("2027-03-30 14:00-15:00"), TWO_HOURS, Reason.CLOSED),
        (slot("2027-03-30 18:00-20:00"), AN_HOUR, Reason.CLOSED),
        (slot("2027-03-31 10:00-18:00"), AN_HOUR, Reason.CLOSED_DAY),
        (TUESDAY, timedelta(minutes=20), Reason.OFF_STEP),
        (TUESDAY, timedelta(hours=9), Reason.TOO_LONG),
    ],
)
def test_what_no_time_could_give_is_refused_with_the_rules_own_reasons(
    crowded, window, duration, expected
):
    day_off = date(2027, 3, 31)
    with writing() as session:
        place = session.scalars(select(Place)).one()
        place.closures.append(
            Closure(uid="closure", first_day=day_off, last_day=day_off, reason="Fête du fil")
        )

    assert expected in reasons(crowded, "chloe", window, duration=duration)


def test_the_horizon_counts_its_last_day(crowded):
    """Three weeks ahead, a Monday opened for the occasion."""
    with writing() as session:
        hours = {"opens_at": clock.time(10), "closes_at": clock.time(14)}
        session.add(Opening(place_id=crowded.place_id, weekday=1, mode="supervised", **hours))
    crowded.book("bench", slot("2027-04-19 10:00-14:00"), "amina")

    assert join(crowded, "chloe", slot("2027-04-19 10:00-18:00"))
    assert reasons(crowded, "chloe", slot("2027-04-20 10:00-18:00")) == [Reason.TOO_FAR]


def test_one_waits_within_a_month_at_most(crowded):
    start = TUESDAY.start
    month = waits.Slot(start, start + timedelta(days=31))
    with pytest.raises(FreeNow):
        join(crowded, "chloe", month)

    longer = waits.Slot(start, start + timedelta(days=31, minutes=1))
    assert reasons(crowded, "chloe", longer) == [Reason.TOO_LONG]


def test_who_may_not_use_the_machine_does_not_wait_for_it(crowded):
    crowded.book("laser", AFTERNOON, "bruno")

    assert reasons(crowded, "chloe", AFTERNOON, slug="laser") == [Reason.UNQUALIFIED]


@pytest.mark.parametrize(
    ("row", "values", "expected"),
    [
        (Membership, {"suspended_until": instant("2027-04-30 09:00")}, Reason.SUSPENDED),
        (Membership, {"marked_until": instant("2027-04-30 09:00")}, Reason.MARKED),
        (Membership, {"expires_on": date(2027, 3, 29)}, Reason.MEMBERSHIP_EXPIRED),
        (Policy, {"is_open": False}, Reason.NOT_OPEN_TO_YOU),
        (Machine, {"state": MachineState.OUT_OF_SERVICE}, Reason.OUT_OF_SERVICE),
    ],
)
def test_who_may_book_nothing_waits_for_nothing(crowded, row, values, expected):
    change(row, **values)

    assert expected in reasons(crowded, "chloe")


def test_another_organization_is_nobodys_to_wait_for(crowded):
    assert reasons(crowded, "chloe", organization_id=crowded.organization_id) == [
        Reason.NOT_YOUR_ORGANIZATION
    ]
    assert join(crowded, "bruno", organization_id=crowded.organization_id)


def test_a_full_quota_keeps_nobody_from_waiting(crowded):
    change(Policy, quota_machine=TWO_HOURS)
    crowded.book("bench", slot("2027-03-31 10:00-12:00"), "chloe")

    assert join(crowded, "chloe")


@pytest.mark.parametrize("day", ["2027-03-30", "2027-04-07"])  # a day of that week, of another
def test_as_many_bookings_as_may_be_ahead_keep_nobody_from_waiting(crowded, day):
    crowded.book("laser", slot(f"{day} 10:00-11:00"), "bruno")
    change(Policy, bookings_ahead=1)

    uid = join(crowded, "bruno")

    cancel(crowded)
    assert wait(uid).offered_id is None  # passed over until one of theirs is over


def test_nobody_waits_for_a_machine_that_does_not_exist(crowded):
    with pytest.raises(LookupError):
        waits.join(
            Wish(999, crowded.place_id, TUESDAY, AN_HOUR, crowded.people["chloe"]),
            now=clock.now(),
        )


# -- the offer


def test_the_first_in_line_is_offered_what_comes_free_and_has_four_hours(crowded):
    first, second = join(crowded, "chloe", purpose="Shelves"), join(crowded, "dan")

    cancel(crowded)

    made = offered(first)
    assert (made.status, made.starts_at, made.ends_at) == (
        Status.PENDING,
        AFTERNOON.start,
        AFTERNOON.end,
    )
    assert (made.member_id, made.created_by_id, made.title) == (
        crowded.people["chloe"],
        None,
        "Shelves",
    )
    assert due(first) == instant("2027-03-29 13:00")
    assert offered(second) is None


def test_an_offer_is_due_when_its_slot_starts(crowded, at):
    uid = join(crowded, "chloe")
    at("2027-03-30 12:00")

    cancel(crowded)

    assert due(uid) == AFTERNOON.start


def test_what_starts_in_a_moment_is_offered_to_nobody(crowded, at):
    uid = join(crowded, "chloe")
    at("2027-03-30 13:46")
    cancel(crowded)
    assert offered(uid) is None

    waits.look(clock.now())
    assert offered(uid) is None


def test_order_is_that_of_arrival_and_who_may_not_is_passed_over_and_stays(crowded, at):
    suspended, erased = join(crowded, "dan"), join(crowded, "eve")
    at("2027-03-29 09:01")
    able = join(crowded, "chloe")
    staff.suspend(
        crowded.people["dan"],
        crowded.place_id,
        instant("2027-04-30 09:00"),
        "Dust",
        by=crowded.people["amina"],
        now=clock.now(),
    )
    with writing() as session:
        session.execute(
            update(Member.__table__)
            .where(Member.id == crowded.people["eve"])
            .values(erased_at=clock.now())
        )

    cancel(crowded)

    assert offered(able).member_id == crowded.people["chloe"]
    assert [offered(uid) for uid in (suspended, erased)] == [None, None]
    assert [wait(uid).ended_at for uid in (suspended, erased)] == [None, None]


def test_a_full_quota_is_passed_over_and_served_when_it_is_no_longer_full(crowded):
    change(Policy, quota_machine=TWO_HOURS)
    own = crowded.book("bench", slot("2027-03-31 10:00-12:00"), "chloe")
    full, next_one = join(crowded, "chloe"), join(crowded, "dan")
    cancel(crowded)
    assert (offered(full), offered(next_one).starts_at) == (None, AFTERNOON.start)
    say(crowded, next_one, False, "dan")
    assert offered(full) is None

    cancel(crowded, own, "chloe")
    waits.look(clock.now())

    assert offered(full).starts_at == AFTERNOON.start


def test_one_long_booking_that_goes_serves_two(crowded):
    one, two, three = (
        join(crowded, who, slot("2027-03-30 10:00-14:00")) for who in ("chloe", "dan", "eve")
    )
    first = db.session.scalar(
        select(Occupancy.uid).where(Occupancy.starts_at == instant("2027-03-30 10:00"))
    )

    cancel(crowded, first)

    assert [offered(uid).starts_at for uid in (one, two)] == [
        instant("2027-03-30 10:00"),
        instant("2027-03-30 12:00"),
    ]
    assert offered(three) is None


def test_what_is_offered_lies_wholly_in_the_window(crowded):
    outside = join(crowded, "chloe", slot("2027-03-30 15:00-18:00"))
    inside = join(crowded, "dan", slot("2027-03-30 12:00-16:00"))

    cancel(crowded)

    assert offered(outside) is None
    assert offered(inside).starts_at == AFTERNOON.start


def test_free_time_beside_it_is_used_too(crowded, at):
    """An hour that goes and the hour after it make a place for who needs two."""
    late = slot("2027-03-30 16:00-18:00")
    uid = join(crowded, "chloe", duration=timedelta(hours=4))
    db.session.rollback()
    asked = select(Occupancy.uid).where(Occupancy.starts_at == late.start)
    cancel(crowded, db.session.scalar(asked))
    assert offered(uid) is None

    cancel(crowded)

    assert (offered(uid).starts_at, offered(uid).ends_at) == (AFTERNOON.start, late.end)


# -- every way in which a machine comes free


def test_what_a_long_cooling_kept_free_is_offered_in_that_moment_too(crowded):
    """Two days of cooling lie between the window and the booking that goes."""
    held = crowded.book("bench", slot("2027-04-09 14:00-16:00"), "amina")
    change(Policy, cooling=timedelta(days=2))
    uid = join(crowded, "chloe", slot("2027-04-07 15:00-18:00"))

    cancel(crowded, held)

    assert offered(uid).starts_at == instant("2027-04-07 15:00")


def test_those_who_wait_for_other_days_are_not_those_looked_at(crowded):
    other = crowded.book("bench", slot("2027-04-10 10:00-14:00"), "amina")
    for n in range(waits.LOOKED_AT):
        join_as_somebody(crowded, n)
    crowded.book("bench", slot("2027-04-10 14:00-18:00"), "amina")
    uid = join(crowded, "chloe", slot("2027-04-10 10:00-18:00"))

    cancel(crowded, other)

    assert offered(uid).starts_at == instant("2027-04-10 10:00")


def cancelled(fablab: Fablab, at: Any) -> None:
    cancel(fablab)


def moved_away(fablab: Fablab, at: Any) -> None:
    order = fablab.order("bench", slot("2027-03-31 10:00-12:00"), "amina")
    commands.move(at_2(fablab), order, by=fablab.people["amina"], is_team=True, now=clock.now())


def moved_to_another_machine(fablab: Fablab, at: Any) -> None:
    add_machine(fablab, "other", "bench")
    order = fablab.order("other", AFTERNOON, "amina")
    commands.move(at_2(fablab), order, by=fablab.people["amina"], is_team=True, now=clock.now())


def ended_early(fablab: Fablab, at: Any) -> None:
    at("2027-03-30 14:20")
    order = fablab.order("bench", slot("2027-03-30 14:00-14:30"), "amina")
    commands.move(at_2(fablab), order, by=fablab.people["amina"], is_team=True, now=clock.now())


def missed(fablab: Fablab, at: Any) -> None:
    with writing() as session:
        session.execute(
            update(Occupancy.__table__)
            .where(Occupancy.starts_at == AFTERNOON.start)
            .values(member_id=fablab.people["bruno"])
        )
    at("2027-03-30 14:15")
    absences.mark_missed(at_2(fablab), fablab.place_id, by=fablab.people["amina"], now=clock.now())


def _pending(fablab: Fablab, kind: ConsentKind = ConsentKind.TEAM) -> str:
    """The booking at 14 waits for the team's answer to Bruno, until noon."""
    booking = commands.find(at_2(fablab))
    with writing() as session:
        session.execute(
            update(Occupancy.__table__)
            .where(Occupancy.id == booking.id)
            .values(status=Status.PENDING, member_id=fablab.people["bruno"])
        )
        add_row(
            session,
            Consent,
            uid="asked",
            occupancy_id=booking.id,
            kind=kind,
            asked_at=clock.now(),
            due_at=instant("2027-03-29 12:00"),
            why="",
        )
    return "asked"


def declined(fablab: Fablab, at: Any) -> None:
    asked = _pending(fablab)
    answers.answer(asked, False, by=fablab.people["amina"], now=clock.now(), why="No")


def lapsed(fablab: Fablab, at: Any) -> None:
    _pending(fablab)
    at("2027-03-29 12:00")
    answers.lapse(clock.now())


def of_a_series(fablab: Fablab) -> Any:
    """The booking at 14 as the first of a series."""
    uid = at_2(fablab)
    with writing() as session:
        series_id = add_row(
            session,
            Series,
            uid="series",
            member_id=fablab.people["amina"],
            every_weeks=1,
            created_at=clock.now(),
        )
        session.execute(
            update(Occupancy.__table__).where(Occupancy.uid == uid).values(series_id=series_id)
        )
    return commands.find(uid)


def cancelled_with_those_that_follow(fablab: Fablab, at: Any) -> None:
    uid = of_a_series(fablab).uid
    series.cancel(uid, by=fablab.people["amina"], is_team=True, now=clock.now())


def moved_with_those_that_follow(fablab: Fablab, at: Any) -> None:
    row = of_a_series(fablab)
    order = fablab.order("bench", slot("2027-03-31 10:00-12:00"), "amina")
    wishes = [series.Wish("1", order, row)]
    series.move(row.uid, wishes, by=fablab.people["amina"], is_team=True, now=clock.now())


def left_what_it_was_made_for(fablab: Fablab, at: Any) -> None:
    departures.cancel([at_2(fablab)], by=fablab.people["amina"], now=clock.now(), why="Left")


PATHS = {
    cancelled: {"commands.py"},
    left_what_it_was_made_for: {"departures.py"},
    moved_away: {"commands.py"},
    moved_to_another_machine: {"commands.py"},
    ended_early: {"commands.py"},
    cancelled_with_those_that_follow: {"commands.py"},
    moved_with_those_that_follow: {"series.py"},
    missed: {"absences.py"},
    declined: {"answers.py"},
    lapsed: {"answers.py"},
}


# The time goes with the booking: its machine is stopped, the place is closed then.
TAKEN_AWAY = {"concerned.py", "stopping.py"}


@pytest.mark.parametrize("path", PATHS)
def test_whatever_frees_the_machine_offers_it_in_that_very_moment(crowded, at, path):
    uid, second = (join(crowded, who, duration=AN_HOUR) for who in ("chloe", "dan"))

    path(crowded, at)

    assert offered(uid).status == Status.PENDING
    assert AFTERNOON.start <= offered(uid).starts_at < AFTERNOON.end
    assert overlaps() == 0
    # And the next gets it when the first does not want it.
    say(crowded, uid, False, "chloe")
    assert offered(second).status == Status.PENDING


def test_every_way_to_free_a_machine_is_listed_above():
    """What strikes a booking out, or moves one, calls `waits`; nothing else calls the ledger."""
    folder = Path(fablab.__file__).parent
    sources = {path: path.read_text("utf-8") for path in folder.rglob("*.py")}

    freeing = {p.name for p, said in sources.items() if re.search(r"ledger\.free\(", said)}
    offering = {
        p.name for p, said in sources.items() if re.search(r"waits\.(give_back|offer)\(", said)
    }

    assert freeing == {"waits.py"}
    assert offering - TAKEN_AWAY == set().union(*PATHS.values())


# -- what comes free in other ways is seen a moment later


def outage_ended(fablab: Fablab) -> None:
    machines.end_outage(machines_outage(fablab), by=fablab.people["amina"], now=clock.now())


def machines_outage(fablab: Fablab) -> str:
    asked = select(Occupancy.uid).where(Occupancy.kind == "outage")
    return db.session.scalars(asked).one()


def test_an_outage_that_ends_is_offered_in_the_next_round(crowded):
    wednesday = slot("2027-03-31 10:00-18:00")
    bench = crowded.machine("bench").id
    outage = machines.withdraw(bench, wednesday, "Paint", by=None, now=clock.now())
    uid = join(crowded, "chloe", wednesday)
    assert waits.look(clock.now()) == 0

    machines.end_outage(outage, by=crowded.people["amina"], now=clock.now())

    assert waits.look(clock.now()) == 1
    assert offered(uid).starts_at == wednesday.start


def test_other_hours_are_offered_in_the_next_round(crowded):
    uid = join(crowded, "chloe", slot("2027-03-30 10:00-20:00"))
    assert waits.look(clock.now()) == 0

    with writing() as session:
        for opening in session.scalars(select(Opening)):
            opening.closes_at = clock.time(20)

    assert waits.look(clock.now()) == 1
    assert offered(uid).starts_at == instant("2027-03-30 18:00")


def test_the_last_seat_of_what_is_shared_lets_another_machines_line_in(crowded):
    add_machine(crowded, "saw", "bench")
    bench, saw = crowded.machine("bench").id, crowded.machine("saw").id
    wednesday = slot("2027-03-31 10:00-14:00")
    for_all = {"by": crowded.people["amina"], "now": clock.now()}
    create_resource(crowded.place_id, "Dust", 1, [bench, saw], **for_all)
    on_saw = crowded.book("saw", wednesday, "amina")
    uid, second = (join(crowded, who, wednesday) for who in ("chloe", "dan"))
    assert waits.look(clock.now()) == 0

    cancel(crowded, on_saw)
    assert offered(uid) is None

    assert waits.look(clock.now()) == 2
    assert offered(uid).starts_at == wednesday.start
    assert offered(second).starts_at == wednesday.start + TWO_HOURS
    # Nobody has it any more.
    with pytest.raises(BookingRefused):
        crowded.book("saw", slot("2027-03-31 10:00-12:00"), "bruno")


def test_two_seats_that_come_free_let_two_in(crowded):
    for name in ("saw", "plane"):
        add_machine(crowded, name, "bench")
    ids = [crowded.machine(slug).id for slug in ("bench", "saw", "plane")]
    wednesday = slot("2027-03-31 10:00-12:00")
    create_resource(crowded.place_id, "Dust", 2, ids, by=crowded.people["amina"], now=clock.now())
    made = [crowded.book(slug, wednesday, "amina") for slug in ("saw", "plane")]
    on_bench = join(crowded, "chloe", wednesday)
    on_saw = join(crowded, "dan", wednesday, slug="saw")

    for uid in made:
        cancel(crowded, uid)
    waits.look(clock.now())

    assert [offered(uid).status for uid in (on_bench, on_saw)] == [Status.PENDING] * 2
    with pytest.raises(BookingRefused):
        crowded.book("plane", wednesday, "bruno")


def test_a_round_with_nothing_moved_asks_one_question(crowded):
    for who in ("chloe", "dan"):
        join(crowded, who)
    waits.look(clock.now())

    with counting(db.engine) as statements:
        waits.look(clock.now())

    assert [each.split()[0] for each in statements] == ["SELECT"]


def test_what_nothing_tells_of_is_found_by_the_sweep_of_every_hour(crowded):
    change(Policy, quota_machine=TWO_HOURS)
    own = crowded.book("bench", slot("2027-03-31 10:00-12:00"), "chloe")
    uid = join(crowded, "chloe")
    cancel(crowded)
    waits.look(clock.now())
    with writing() as session:  # as if by a hand that raises no revision
        session.execute(
            update(Occupancy.__table__)
            .where(Occupancy.uid == own)
            .values(status=Status.CANCELLED, standing=False)
        )
    assert waits.look(clock.now()) == 0

    assert waits.sweep(clock.now()) == 1
    assert offered(uid).starts_at == AFTERNOON.start


def test_a_wait_ends_when_its_time_is_over(crowded, at):
    uid = join(crowded, "chloe")
    at("2027-03-30 17:59")
    waits.look(clock.now())
    assert wait(uid).outcome is None

    at("2027-03-30 18:00")
    waits.look(clock.now())

    assert (wait(uid).outcome, wait(uid).ended_at) == (WaitEnd.OVER, clock.now())


# -- the answer


def test_accepted_it_is_a_booking_like_any_other(crowded):
    uid = join(crowded, "chloe")
    cancel(crowded)

    made = say(crowded, uid, True, "chloe")

    assert made == offered(uid).uid
    assert (offered(uid).status, wait(uid).outcome) == (Status.CONFIRMED, WaitEnd.BOOKED)
    assert offered(uid).revision == 1
    assert say(crowded, uid, True, "chloe") == made
    assert offered(uid).revision == 1
    with pytest.raises(TooLate):
        say(crowded, uid, False, "chloe")
    answers.lapse(instant("2027-03-31 09:00"))
    assert offered(uid).status == Status.CONFIRMED


def test_their_calendar_hears_of_the_offer_and_of_each_answer(crowded):
    def page() -> int:
        db.session.rollback()
        of_them = Member.id == crowded.people["chloe"]
        return db.session.scalar(select(Member.calendar_revision).where(of_them)) or 0

    first, second = join(crowded, "chloe"), join(crowded, "chloe", AFTERNOON)
    pages = [page()]
    cancel(crowded)
    pages.append(page())
    say(crowded, first, False, "chloe")  # and the second is offered
    pages.append(page())
    say(crowded, second, True, "chloe")
    pages.append(page())

    assert pages == sorted(set(pages))


def test_whoever_acts_for_the_organization_no_more_is_passed_over(crowded):
    waiting = join(crowded, "bruno", organization_id=crowded.organization_id)
    second = join(crowded, "dan")
    with writing() as session:
        session.execute(update(OrganizationMember.__table__).values(until=date(2027, 3, 28)))

    cancel(crowded)

    assert (offered(waiting), offered(second).status) == (None, Status.PENDING)


def test_declined_it_is_the_next_ones(crowded):
    first, second = join(crowded, "chloe"), join(crowded, "dan")
    cancel(crowded)

    say(crowded, first, False, "chloe")

    assert (offered(first).status, wait(first).outcome) == (Status.CANCELLED, WaitEnd.DECLINED)
    assert (offered(second).status, offered(second).starts_at) == (
        Status.PENDING,
        AFTERNOON.start,
    )
    say(crowded, first, False, "chloe")  # again changes nothing
    with pytest.raises(TooLate):
        say(crowded, first, True, "chloe")
    waits.look(clock.now())
    assert wait(first).outcome == WaitEnd.DECLINED


def test_an_offer_that_nobody_answers_lapses_and_goes_to_the_next(crowded, at):
    first, second = join(crowded, "chloe"), join(crowded, "dan")
    cancel(crowded)
    at("2027-03-29 12:59")
    assert answers.lapse(clock.now()) == 0
    at("2027-03-29 13:00")
    with pytest.raises(TooLate):
        say(crowded, first, True, "chloe")

    assert answers.lapse(clock.now()) == 1

    assert (offered(first).status, wait(first).outcome) == (Status.CANCELLED, WaitEnd.LAPSED)
    assert due(second) == instant("2027-03-29 17:00")
    invitations.tell(clock.now())
    kinds = [(mail.kind, mail.recipient) for mail in mails()]
    assert kinds == [
        ("wait_lapsed", "chloe@atelier.example"),
        ("wait_offer", "dan@atelier.example"),
    ]


def test_who_cancels_the_offer_leaves_it_to_the_next(crowded):
    first, second = join(crowded, "chloe"), join(crowded, "dan")
    cancel(crowded)

    cancel(crowded, offered(first).uid, "chloe")

    assert wait(first).outcome == WaitEnd.DECLINED
    assert offered(second).status == Status.PENDING


def test_giving_up_before_and_during_the_offer(crowded):
    first, second, third = (join(crowded, who) for who in ("chloe", "dan", "eve"))
    waits.give_up(first, by=crowded.people["chloe"], now=clock.now())
    waits.give_up(first, by=crowded.people["chloe"], now=clock.now())
    assert wait(first).outcome == WaitEnd.GIVEN_UP

    cancel(crowded)
    assert offered(second).status == Status.PENDING
    waits.give_up(second, by=crowded.people["dan"], now=clock.now())

    assert wait(second).outcome == WaitEnd.DECLINED
    assert offered(third).status == Status.PENDING


def test_nobody_answers_for_somebody_else(crowded):
    uid = join(crowded, "chloe")
    cancel(crowded)

    for who in ("dan", "amina"):
        for call in (waits.accept, waits.decline, waits.give_up):
            with pytest.raises(LookupError):
                call(uid, by=crowded.people[who], now=clock.now())
    question = db.session.scalar(select(Consent.uid))
    with pytest.raises(LookupError):
        answers.answer(question, True, by=crowded.people["chloe"], now=clock.now())
    assert offered(uid).status == Status.PENDING


def test_an_offer_is_accepted_before_it_is_moved(crowded):
    uid = join(crowded, "chloe")
    cancel(crowded)
    order = crowded.order("bench", slot("2027-03-30 14:00-15:00"), "chloe")

    with pytest.raises(NotAllowed):
        commands.move(
            offered(uid).uid, order, by=crowded.people["chloe"], is_team=False, now=clock.now()
        )


def test_past_its_time_an_offer_is_still_no_booking_to_move(crowded, at):
    """The round that lets it lapse may come a moment later: until then it is theirs no more."""
    uid, after = join(crowded, "chloe"), join(crowded, "dan")
    cancel(crowded)
    kept = offered(uid)
    at("2027-03-29 13:00")

    for hours in ("2027-03-30 14:00-15:45", "2027-03-31 14:00-16:00"):
        order = crowded.order("bench", slot(hours), "chloe")
        with pytest.raises(NotAllowed):
            commands.move(
                kept.uid, order, by=crowded.people["chloe"], is_team=False, now=clock.now()
            )
    for yes in (True, False):
        with pytest.raises(TooLate):
            say(crowded, uid, yes, "chloe")
    assert wait(uid).ended_at is None

    assert answers.lapse(clock.now()) == 1
    assert (wait(uid).outcome, wait(uid).ended_at) == (WaitEnd.LAPSED, clock.now())
    assert commands.find(kept.uid).status == Status.CANCELLED
    assert (offered(after).starts_at, offered(after).status) == (kept.starts_at, Status.PENDING)


def test_every_rule_is_asked_again_when_it_is_accepted(crowded):
    uid = join(crowded, "chloe")
    cancel(crowded)
    change(Policy, quota_machine=AN_HOUR)

    with pytest.raises(BookingRefused) as refused:
        say(crowded, uid, True, "chloe")

    assert [why.reason for why in refused.value.refusals] == [Reason.QUOTA_MACHINE]
    assert (offered(uid).status, wait(uid).outcome) == (Status.PENDING, None)
    change(Policy, quota_machine=TWO_HOURS)
    assert say(crowded, uid, True, "chloe")


def test_what_must_be_read_is_read_and_who_must_be_there_is_named(crowded):
    uid = join(crowded, "chloe")
    cancel(crowded)
    change(Machine, "bench", safety="Goggles.")
    with writing() as session:
        session.add(
            Policy(place_id=crowded.place_id, machine_id=crowded.machine("bench").id, buddy=True)
        )

    with pytest.raises(BookingRefused) as refused:
        say(crowded, uid, True, "chloe")
    assert [why.reason for why in refused.value.refusals] == [Reason.NO_BUDDY, Reason.NOT_READ]

    change(Policy, level=0)
    read = crowded.machine("bench").safety_hash
    with pytest.raises(BookingRefused) as refused:
        say(crowded, uid, True, "chloe", read_hash=read, buddy_id=crowded.people["chloe"])
    assert [why.reason for why in refused.value.refusals] == [Reason.NO_BUDDY]


def test_the_teams_yes_is_asked_once_it_is_accepted(crowded):
    change(Policy, approval=Approval.ALWAYS)
    uid = join(crowded, "chloe")
    cancel(crowded)
    kinds = select(Consent.kind).where(Consent.occupancy_id == offered(uid).id)
    assert db.session.scalars(kinds).all() == [ConsentKind.MEMBER]

    say(crowded, uid, True, "chloe")

    assert (offered(uid).status, wait(uid).outcome) == (Status.PENDING, WaitEnd.BOOKED)
    db.session.rollback()
    team = select(Consent.uid).where(Consent.kind == ConsentKind.TEAM)
    answers.answer(
        db.session.scalars(team).one(), True, by=crowded.people["amina"], now=clock.now()
    )
    assert offered(uid).status == Status.CONFIRMED


def test_to_take_a_while_to_answer_is_no_lack_of_notice(crowded, at):
    change(Policy, notice=timedelta(hours=3))
    uid = join(crowded, "chloe")
    at("2027-03-30 10:30")
    cancel(crowded)
    at("2027-03-30 12:30")

    assert say(crowded, uid, True, "chloe")


# -- nobody slips in between


def test_whoever_asks_in_the_moment_of_a_cancellation_comes_after_the_line(crowded, any_app):
    """Eight ask for the slot, while it is cancelled: it is the waiter's, and nobody else's."""
    uid = join(crowded, "chloe")
    booking, barrier, made = at_2(crowded), Barrier(9), []

    def ask() -> None:
        with any_app.app_context():
            barrier.wait(30)
            for _ in range(3):
                with suppress(BookingRefused):
                    made.append(crowded.book("bench", AFTERNOON, "bruno"))

    def give_back() -> None:
        with any_app.app_context():
            barrier.wait(30)
            cancel(crowded, booking)

    together([ask] * 8 + [give_back])

    assert made == []
    assert offered(uid).status == Status.PENDING
    assert overlaps() == 0


def test_a_line_is_served_once_however_many_give_back_at_once(crowded, any_app):
    uids = [join(crowded, who) for who in ("chloe", "dan", "eve")]
    db.session.rollback()
    standing = db.session.scalars(select(Occupancy.uid).where(Occupancy.standing)).all()
    barrier = Barrier(len(standing) + 1)

    def give_back(uid: str) -> Any:
        def call() -> None:
            with any_app.app_context():
                barrier.wait(30)
                cancel(crowded, uid)

        return call

    def look() -> None:
        with any_app.app_context():
            barrier.wait(30)
            waits.look(clock.now())

    together([*map(give_back, standing), look])
    waits.look(clock.now())

    assert all(offered(uid).status == Status.PENDING for uid in uids)
    assert overlaps() == 0
    db.session.rollback()
    assert len(db.session.scalars(select(Consent.id)).all()) == 3


# -- when the clocks change


@pytest.fixture
def nights(crowded):
    with writing() as session:
        for opening in session.scalars(select(Opening)):
            session.delete(opening)
        session.add_all(
            Opening(
                place_id=crowded.place_id,
                weekday=weekday,
                opens_at=clock.time(0),
                closes_at=clock.time(0),
                mode="supervised",
            )
            for weekday in range(1, 8)
        )
    return crowded


@pytest.mark.parametrize(
    ("now", "window", "expected"),
    [
        # 1:00 to 4:00 on the wall is two hours: 2:00 to 3:00 does not exist.
        ("2027-03-22 09:00", "2027-03-28 01:00-04:00", "2027-03-28 01:00"),
        # 1:00 to 3:00 on the wall is three hours. What ends in the hour that comes twice has no
        # hour to say; from the first 2:00 to 3:00 it can be said, and lasts two.
        ("2027-10-25 09:00", "2027-10-31 01:00-03:00", "2027-10-31 02:00"),
    ],
)
def test_two_hours_are_two_hours_on_the_nights_of_the_clocks(nights, at, now, window, expected):
    at(now)
    asked = slot(window)
    taken = nights.book("bench", asked, "amina")
    uid = join(nights, "chloe", asked)

    cancel(nights, taken)

    assert offered(uid).starts_at == instant(expected)
    assert offered(uid).ends_at - offered(uid).starts_at == TWO_HOURS
    assert asked.covers(waits.Slot(offered(uid).starts_at, offered(uid).ends_at))


# -- what it costs


def test_a_cancellation_costs_one_question_more_and_with_a_line_a_bounded_number(crowded):
    other = crowded.book("bench", slot("2027-03-31 10:00-12:00"), "amina")
    with counting(db.engine) as alone:
        cancel(crowded, other)
    assert len([each for each in alone if "wait" in each]) == 1
    assert len(alone) <= 13

    first = join(crowded, "chloe")
    with counting(db.engine) as with_one:
        cancel(crowded)
    assert offered(first)
    assert len(with_one) <= len(alone) + 14

    say(crowded, first, True, "chloe")
    for n in range(25):  # none of whom may
        join_as_somebody(crowded, n)
    with counting(db.engine) as with_many:
        cancel(crowded, offered(first).uid, "chloe")
    assert len(with_many) <= len(alone) + 3 + waits.LOOKED_AT * 6


def join_as_somebody(fablab: Fablab, n: int) -> None:
    with writing() as session:
        member = Member(
            uid=f"uid-{n}",
            email=f"{n}@atelier.example",
            first_name="Somebody",
            last_name=str(n),
            created_at=clock.now(),
        )
        member.memberships.append(Membership(place_id=fablab.place_id))
        session.add(member)
        session.flush()
        fablab.people[str(n)] = member.id
    join(fablab, str(n))
    with writing() as session:
        session.execute(
            update(Membership.__table__)
            .where(Membership.member_id == fablab.people[str(n)])
            .values(suspended_until=instant("2027-05-01 09:00"))
        )


# -- the mail


def mails() -> list[Any]:
    db.session.rollback()
    rows = db.session.execute(select(OutgoingMail.__table__).order_by(OutgoingMail.id))
    return [mail for mail in rows if mail.kind.startswith("wait_")]


def test_the_offer_is_mailed_once_in_the_readers_language(crowded):
    with writing() as session:
        session.execute(
            update(Member.__table__)
            .where(Member.id == crowded.people["chloe"])
            .values(language="en")
        )
    join(crowded, "chloe")
    cancel(crowded)
    assert mails() == []

    invitations.tell(clock.now())
    assert invitations.tell(clock.now()) == 0

    [mail] = mails()
    assert (mail.kind, mail.recipient) == ("wait_offer", "chloe@atelier.example")
    assert mail.subject == ("L'Atelier: a place is free for you, Workbench, Tuesday 30 March 14:00")
    for body in (mail.text, mail.html):
        assert "B1 Workbench" in body
        assert "Tuesday 30 March, 14:00–16:00" in body
        assert "Monday 29 March 13:00" in body
        assert "/waits/by-mail/" in body
        assert "lapses" not in body


def test_the_background_work_offers_mails_lets_lapse_and_sweeps(crowded, any_app, at):
    runner, first, second = jobs.Runner(any_app), join(crowded, "chloe"), join(crowded, "dan")
    runner.once()
    with writing() as session:  # as if by a hand that raises no revision
        session.execute(
            update(Occupancy.__table__)
            .where(Occupancy.starts_at == AFTERNOON.start)
            .values(status=Status.CANCELLED, standing=False)
        )
    runner.once()
    assert offered(first) is None

    at("2027-03-29 10:00")
    runner.once()  # sweeps
    runner.once()
    assert (offered(first).status, offered(second)) == (Status.PENDING, None)
    at("2027-03-29 14:00")
    runner.once()

    assert (wait(first).outcome, offered(second).status) == (WaitEnd.LAPSED, Status.PENDING)
    assert [mail.kind for mail in mails()] == ["wait_offer", "wait_lapsed", "wait_offer"]


def test_what_is_due_is_mailed_no_more(crowded, at):
    join(crowded, "chloe")
    cancel(crowded)
    at("2027-03-29 13:00")

    invitations.tell(clock.now())

    assert mails() == []


def test_a_link_opens_the_wait_of_its_reader_alone(crowded):
    uid = join(crowded, "chloe")
    token = wait_links.token_for(uid, "uid-dan")

    assert wait_links.read_token(token) == (uid, crowded.people["dan"])
    for bad in (token[:-1], "x" + token, "", "a.b"):
        with pytest.raises(LookupError):
            wait_links.read_token(bad)


def test_what_somebody_waited_for_is_forgotten_after_a_season(any_fablab, at):
    fablab = crowd(any_fablab)
    over, open_still = join(fablab, "dan"), join(fablab, "eve")
    waits.give_up(over, by=fablab.people["dan"], now=clock.now())

    def left(day: str) -> set[str]:
        with writing() as session:
            waits.tidy(session, instant(f"{day} 09:00"))
        return set(db.session.scalars(select(Wait.uid)))

    assert left("2027-06-27") == {over, open_still}
    assert left("2027-06-28") == {open_still}
