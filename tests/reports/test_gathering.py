"""What the database sums, against the same sums done row by row; where periods begin and end."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from fablab import clock, demo
from fablab.db import db, writing
from fablab.machines import commands as machines
from fablab.machines.inventory import of_place
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy
from fablab.members.kinds import Audience
from fablab.organizations.models import Organization, OrganizationYear
from fablab.places.models import Place
from fablab.reports import figures
from fablab.reports.gathering import gather
from fablab.reports.periods import Period, read
from fablab.slots import Slot
from fablab.statements.kinds import Scope
from fablab.statements.models import Statement
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import Qualification, Registration, Training, TrainingSession
from tests.manage.conftest import add_annex, add_cast, booking
from tests.support import counting, instant, slot

MARCH = read("2027-03")
HOUR = 3600  # seconds
LATER = instant("2028-06-01 00:00")  # than all that is booked: nothing is ahead


def told(period: Period, *places: int, until: datetime = LATER) -> tuple[dict, dict]:
    inventories = [of_place(place_id=each) for each in places] or [of_place()]
    ground, now, before = gather(inventories, period, until)
    return tuple(
        {key: figure.value for key, figure in figures.of(ground, facts).items()}
        for facts in (now, before)
    )


def add(fablab, span: Slot, who: str = "bruno", status=Status.CONFIRMED, **more) -> int:
    """A booking of the bench that no rule was asked about; its id."""
    with writing() as session:
        made = booking(fablab.machine("bench").id, fablab.people[who], span, status)
        for name, value in {"audience": Audience.RESIDENT, **more}.items():
            setattr(made, name, value)
        session.add(made)
        session.flush()
        return made.id


@pytest.mark.parametrize("written", ["2026-11", "2026-10", "2026-Q4", "2026"])
def test_the_demonstration_sums_up_row_by_row(any_app, at, written):
    at("2026-11-25 10:40")
    assert demo.load(clock.now())
    period, inventory = read(written), of_place()
    _ground, now, before = gather([inventory], period, LATER)

    for facts, each in ((now, period), (before, period.before)):
        assert summed(facts.lines) == row_by_row(inventory, each)
    assert any(line.used for line in now.lines)


def summed(lines) -> dict:
    found = defaultdict(int)
    for line in lines:
        for measure in ("bookings", "booked", "used", "late", "missed"):
            who = (line.machine_id, line.audience, line.organization_id, line.member_id)
            if value := getattr(line, measure):
                found[*who, measure] += value
    return dict(found)


def row_by_row(inventory, period: Period) -> dict:
    """The definitions once more, in plain Python over every row of the table."""
    zone = inventory.schedule.zone
    found = defaultdict(int)
    for row in db.session.execute(select(Occupancy.__table__)):
        day = row.starts_at.astimezone(zone).date()
        if row.kind != OccupancyKind.BOOKING or not period.first_day <= day <= period.last_day:
            continue
        who = (row.machine_id, row.audience, row.organization_id, row.member_id)
        length = int((row.ends_at - row.starts_at).total_seconds())
        if row.status == Status.CONFIRMED:
            found[*who, "bookings"] += 1
            found[*who, "booked"] += length
            if row.arrived_at:
                until = row.left_at or row.ends_at
                found[*who, "used"] += int((until - row.arrived_at).total_seconds())
        elif row.status == Status.MISSED:
            found[*who, "missed"] += length
        elif row.status == Status.CANCELLED and row.is_late and not row.is_excused:
            found[*who, "late"] += length
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize(
    ("span", "is_march"),
    [
        ("2027-03-01 00:00-01:00", True),
        ("2027-02-28 23:45-00:45", False),
        ("2027-03-31 23:45-00:45", True),
        ("2027-04-01 00:00-01:00", False),
    ],
)
def test_a_booking_is_of_the_day_it_begins_on_by_the_clock_on_the_wall(any_fablab, span, is_march):
    add(any_fablab, slot(span))

    assert told(MARCH)[0]["booked"] == int(is_march)


def test_the_night_that_the_clocks_change_is_as_long_as_it_was(any_fablab):
    add(any_fablab, slot("2027-03-28 00:00-04:00"))
    add(any_fablab, slot("2027-10-31 00:00-04:00"))

    assert told(MARCH)[0]["booked"] == 3
    assert told(read("2027-10"))[0]["booked"] == 5


@pytest.mark.parametrize(
    ("until", "booked", "ahead", "before", "before_ahead"),
    [
        ("2027-02-01 00:00", 0, 7, 0, 1),  # both periods are still to come
        ("2027-02-20 00:00", 0, 7, 1, 0),
        ("2027-03-05 10:00", 1, 6, 1, 0),  # what begins at that very moment is ahead
        ("2027-03-05 10:01", 3, 4, 1, 0),
        ("2027-04-01 00:00", 7, 0, 1, 0),
    ],
)
def test_a_period_that_is_not_over_counts_what_has_begun(
    any_fablab, until, booked, ahead, before, before_ahead
):
    for span in ("2027-02-10 10:00-11:00", "2027-03-02 10:00-11:00", "2027-03-05 10:00-12:00"):
        add(any_fablab, slot(span))
    add(any_fablab, slot("2027-03-31 10:00-14:00"))

    now, earlier = told(MARCH, until=instant(until))

    assert (now["booked"], now["ahead"]) == (booked, ahead)
    assert (earlier["booked"], earlier["ahead"]) == (before, before_ahead)


def test_open_hours_are_those_gone_by(any_fablab):
    bench = any_fablab.machine("bench").id

    def opened(until: str) -> int:
        return gather([of_place()], MARCH, instant(until))[1].open[bench]

    assert opened("2027-03-01 09:00") == 0
    evening, noon = opened("2027-03-31 23:00"), opened("2027-03-30 12:00")
    assert noon < evening == gather([of_place()], MARCH, LATER)[1].open[bench]
    assert opened("2027-03-30 11:00") == noon - HOUR


def test_what_is_pending_or_cancelled_in_time_is_not_counted(any_fablab):
    add(any_fablab, slot("2027-03-02 10:00-11:00"), status=Status.PENDING)
    add(any_fablab, slot("2027-03-03 10:00-11:00"), status=Status.CANCELLED)

    now = told(MARCH)[0]

    assert (now["booked"], now["late"], now["missed"], now["users"]) == (0, 0, 0, 0)


@pytest.mark.parametrize(("is_excused", "hours"), [(False, 2), (True, 0)])
def test_what_is_cancelled_late_counts_unless_it_was_excused(any_fablab, is_excused, hours):
    """Without its mark, which is forgotten after a year."""
    span = slot("2027-03-03 10:00-12:00")
    add(any_fablab, span, status=Status.CANCELLED, is_late=True, is_excused=is_excused)

    assert told(MARCH)[0]["late"] == hours
    assert told(read("2027-04"))[1]["late"] == hours


def test_real_use_is_from_the_arrival_to_the_leaving_or_the_booked_end(any_fablab):
    first, second = slot("2027-03-02 10:00-12:00"), slot("2027-03-03 10:00-12:00")
    half = timedelta(minutes=30)
    add(any_fablab, first, arrived_at=first.start + half, left_at=first.end - half)
    add(any_fablab, second, arrived_at=second.start + half)
    add(any_fablab, slot("2027-03-04 10:00-12:00"))

    now = told(MARCH)[0]

    assert (now["booked"], now["used"]) == (6, Decimal("2.5"))


def test_an_outage_is_neither_use_nor_open_time(any_fablab):
    bench = any_fablab.machine("bench").id
    before = gather([of_place()], MARCH, LATER)[1].open[bench]
    machines.withdraw(bench, slot("2027-03-30 09:00-12:00"), "The vice", by=None, now=clock.now())

    _ground, now, _before = gather([of_place()], MARCH, LATER)

    assert before - now.open[bench] == 2 * 3600  # it opens at ten
    assert not now.lines


def test_people_count_once_over_all_places_and_each_place_has_its_own(any_fablab):
    add_cast(any_fablab)
    annex = add_annex(any_fablab)
    add(any_fablab, slot("2027-03-02 10:00-11:00"))
    with writing() as session:
        there = slot("2027-03-02 12:00-15:00")
        session.add(booking(annex.drill_id, any_fablab.people["bruno"], there))

    here, elsewhere = any_fablab.place_id, annex.place_id

    assert [
        told(MARCH, *each)[0]["users"] for each in ((here,), (elsewhere,), (here, elsewhere))
    ] == [1, 1, 1]
    assert [
        told(MARCH, *each)[0]["booked"] for each in ((here,), (elsewhere,), (here, elsewhere))
    ] == [1, 3, 4]


def test_places_on_other_clocks_have_their_own_midnights(any_fablab):
    add_cast(any_fablab)
    annex = add_annex(any_fablab)
    eve = slot("2027-02-28 22:00-23:00")
    add(any_fablab, eve)
    with writing() as session:
        session.execute(
            update(Place).where(Place.id == annex.place_id).values(zone="Asia/Tokyo", revision=99)
        )
        session.add(booking(annex.drill_id, any_fablab.people["bruno"], eve))

    now, before = told(MARCH, any_fablab.place_id, annex.place_id)

    assert (now["booked"], before["booked"]) == (1, 1)


def test_sessions_count_once_attendance_is_noted(any_fablab):
    with writing() as session:
        course = session.scalar(select(Training.id))
        for state, day in ((SessionState.HELD, 2), (SessionState.PLANNED, 3)):
            span = slot(f"2027-03-0{day} 10:00-12:00")
            one = TrainingSession(
                uid=str(uuid4()),
                place_id=any_fablab.place_id,
                training_id=course,
                starts_at=span.start,
                ends_at=span.end,
                seats=4,
                state=state,
                created_at=clock.now(),
            )
            session.add(one)
            session.flush()
            for who, seating in (("bruno", Seating.ATTENDED), ("chloe", Seating.ABSENT)):
                session.add(
                    Registration(
                        session_id=one.id,
                        member_id=any_fablab.people[who],
                        seating=seating,
                        asked_at=clock.now(),
                    )
                )

    now = told(MARCH)[0]

    assert (now["sessions"], now["trainees"], now["trainee_hours"]) == (1, 1, 2)


def test_a_qualification_is_given_then_renewed_and_lapses_unless_it_goes_on(any_fablab):
    with writing() as session:
        session.execute(Qualification.__table__.delete())
        course = session.scalar(select(Training.id))
        for who, given_on, expires_on in (
            ("bruno", date(2026, 3, 5), date(2027, 3, 5)),  # goes on
            ("bruno", date(2027, 3, 1), date(2028, 3, 1)),  # renewed
            ("chloe", date(2027, 3, 31), None),  # given
            ("amina", date(2020, 3, 1), date(2027, 3, 31)),  # lapsed
        ):
            session.add(
                Qualification(
                    member_id=any_fablab.people[who],
                    training_id=course,
                    given_on=given_on,
                    expires_on=expires_on,
                    recorded_at=clock.now(),
                )
            )

    now, before = told(MARCH)

    assert (now["given"], now["renewed"], now["lapsed"]) == (1, 1, 1)
    assert (before["given"], before["renewed"], before["lapsed"]) == (0, 0, 0)
    on_the_last_day = told(MARCH, until=instant("2027-03-31 12:00"))[0]
    assert on_the_last_day["lapsed"] == 0  # it holds until midnight


def test_jobs_are_of_the_year_in_which_the_period_ends(any_fablab):
    with writing() as session:
        for n in range(3):
            one = Organization(
                place_id=any_fablab.place_id,
                slug=f"s{n}",
                name=f"Structure {n}",
                kind="company",
                hosted_since=date(2020, 1, 1),
            )
            session.add(one)
            session.flush()
            for year, jobs in ((2027, Decimal("1.5")), (2026, Decimal(1))):
                session.add(
                    OrganizationYear(
                        organization_id=one.id,
                        year=year,
                        jobs=jobs,
                        turnover=Decimal(1000),
                        declared_at=clock.now(),
                    )
                )

    now, before = told(read("2027-01"))

    assert (now["jobs"], before["jobs"]) == (Decimal("4.5"), 3)
    assert now["turnover"] == 3000


def test_owners_are_given_back_what_their_closed_statements_say(any_fablab):
    def close(last: date, amount: str, scope: Scope = Scope.OWNER) -> None:
        with writing() as session:
            session.add(
                Statement(
                    uid=str(uuid4()),
                    place_id=any_fablab.place_id,
                    subject=f"{scope}:{last}",
                    scope=scope,
                    organization_id=any_fablab.organization_id,
                    first_day=last.replace(day=1),
                    last_day=last,
                    closed_at=clock.now(),
                    body="",
                    sha256="",
                    amount=Decimal(amount),
                    booked=60,
                )
            )

    for last, amount in (
        (date(2027, 1, 31), "5"),
        (date(2027, 2, 28), "20.4"),
        (date(2027, 3, 1), "10.2"),
        (date(2027, 3, 31), "30.4"),
        (date(2027, 4, 1), "40"),
    ):
        close(last, amount)
    close(date(2027, 3, 31), "500", Scope.ORGANIZATION)

    now, before = told(MARCH)

    assert (now["given_back"], before["given_back"]) == (41, 20)


def test_no_more_statements_for_more_bookings(any_fablab):
    def statements() -> int:
        with counting(db.engine) as sent:
            told(MARCH)
        return len(sent)

    told(MARCH)
    few = statements()
    for hour in range(10, 18):
        add(any_fablab, slot(f"2027-03-02 {hour}:00-{hour + 1}:00"))

    assert statements() == few <= 11


@pytest.mark.parametrize(
    ("is_late", "step"),
    [
        (False, "SCAN occupancy USING INDEX ix_occupancy_report"),
        (True, "SEARCH occupancy USING INDEX ix_occupancy_late (starts_at>? AND starts_at<?)"),
    ],
)
def test_the_engine_walks_along_one_index(fablab, is_late, step):
    """Also where it knows how many rows there are, and would rather sort them."""
    add(fablab, slot("2027-03-02 10:00-12:00"))
    with counting(db.engine) as sent:
        told(MARCH)
    [walk] = [one for one in sent if "FILTER" in one and ("is_late" in one) is is_late]
    values = tuple("x" for _ in range(walk.count("?")))

    plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {walk}", values).all()

    # SQLite calls no index covering that holds reckoned columns, and yet reads them from it.
    assert plan[0].detail.replace("COVERING ", "") == step
    assert is_late or len(plan) == 1


def test_lengths_follow_every_write(any_fablab):
    """However it is written: the database reckons them itself."""
    table = Occupancy.__table__
    row = table.c.id == add(any_fablab, slot("2027-03-02 10:00-12:00"))

    def lengths() -> tuple[int | None, int | None]:
        with writing() as session:
            return session.execute(
                select(table.c.booked_seconds, table.c.used_seconds).where(row)
            ).one()

    def write(**values: object) -> None:
        with writing() as session:
            session.execute(update(table).where(row).values(**values))

    assert lengths() == (2 * HOUR, None)
    write(arrived_at=instant("2027-03-02 10:30"))
    assert lengths() == (2 * HOUR, 1.5 * HOUR)
    write(ends_at=instant("2027-03-02 13:00"), occupied_until=instant("2027-03-02 13:00"))
    assert lengths() == (3 * HOUR, 2.5 * HOUR)
    write(left_at=instant("2027-03-02 10:45"))
    assert lengths() == (3 * HOUR, HOUR // 4)
    write(arrived_at=None, left_at=None)
    assert lengths() == (3 * HOUR, None)


def test_a_machine_that_is_retired_keeps_its_hours(any_fablab):
    add(any_fablab, slot("2027-03-02 10:00-12:00"))
    with writing() as session:
        session.execute(update(Machine).where(Machine.slug == "bench").values(state="retired"))
        session.execute(update(Place).values(revision=Place.revision + 1))

    assert told(MARCH)[0]["booked"] == 2
