"""The database itself refuses to have a machine taken twice, whatever the path, on both engines."""

import random
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from fablab import clock
from fablab.booking.orders import BookingRefused
from fablab.db import add_row, db, writing
from fablab.machines import guards
from fablab.machines.commands import stand_in_line
from fablab.machines.guards import GuardMissing
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Occupancy
from fablab.trainings.kinds import SessionState
from fablab.trainings.models import Training, TrainingSession
from tests.conftest import Fablab, populate
from tests.support import slot

MIDNIGHT = datetime(2027, 4, 1, tzinfo=UTC)
HOUR = 60
BOOKING, OUTAGE = OccupancyKind.BOOKING, OccupancyKind.OUTAGE


def at(minute: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=minute)


def occupancy(
    fablab: Fablab,
    start: int,
    end: int,
    *,
    machine: str = "laser",
    kind: OccupancyKind = BOOKING,
    status: Status = Status.CONFIRMED,
    before: int = 0,
    after: int = 0,
) -> dict[str, Any]:
    """A row that occupies the machine from minute `start` to `end` of the day."""
    now = clock.now()
    return {
        "uid": str(uuid4()),
        "kind": kind,
        "machine_id": fablab.machine(machine).id,
        "starts_at": at(start),
        "ends_at": at(end),
        "occupied_from": at(start - before),
        "occupied_until": at(end + after),
        "status": status,
        "standing": status in (Status.CONFIRMED, Status.PENDING),
        "revision": 0,
        "created_at": now,
        "changed_at": now,
        "member_id": fablab.people["bruno"],
        "title": "",
    }


def insert(fablab: Fablab, *args: Any, **kwargs: Any) -> int:
    with writing() as session:
        row = occupancy(fablab, *args, **kwargs)
        if row["kind"] == OccupancyKind.SESSION:
            row["session_id"] = training_session(session, fablab)
        return add_row(session, Occupancy, **row)


def training_session(session: Session, fablab: Fablab) -> int:
    now = clock.now()
    return add_row(
        session,
        TrainingSession,
        uid=str(uuid4()),
        place_id=fablab.place_id,
        training_id=session.scalar(select(Training.id)),
        starts_at=now,
        ends_at=now + timedelta(hours=1),
        location="",
        seats=4,
        state=SessionState.PLANNED,
        cancel_reason="",
        revision=0,
        created_at=now,
        changed_at=now,
    )


def change(row: int, **values: Any) -> None:
    with writing() as session:
        session.execute(update(Occupancy.__table__).where(Occupancy.id == row).values(**values))


def is_refused(act: Any, *args: Any, **kwargs: Any) -> bool:
    """Whether the guard says no; any other error goes on."""
    try:
        act(*args, **kwargs)
    except IntegrityError as error:
        if guards.refused(error):
            return True
        raise
    return False


# -- what overlaps, beside something that stands from 10:00 to 12:00


@pytest.mark.parametrize(
    ("start", "end", "refused"),
    [
        (8 * HOUR, 10 * HOUR, False),  # ends as it starts
        (12 * HOUR, 14 * HOUR, False),  # starts as it ends
        (8 * HOUR, 10 * HOUR + 1, True),
        (12 * HOUR - 1, 14 * HOUR, True),
        (10 * HOUR, 12 * HOUR, True),
        (10 * HOUR + 30, 11 * HOUR, True),
        (9 * HOUR, 13 * HOUR, True),
        (10 * HOUR, 10 * HOUR + 1, True),
        (12 * HOUR - 1, 12 * HOUR, True),
        (0, 1, False),
    ],
)
def test_two_may_touch_but_not_overlap(any_fablab, start, end, refused):
    insert(any_fablab, 10 * HOUR, 12 * HOUR)

    assert is_refused(insert, any_fablab, start, end) is refused


def test_the_one_before_and_the_one_after_are_both_looked_at(any_fablab):
    for start in (8, 10, 14, 18):
        insert(any_fablab, start * HOUR, (start + 2) * HOUR)

    assert is_refused(insert, any_fablab, 11 * HOUR, 13 * HOUR)
    assert is_refused(insert, any_fablab, 13 * HOUR, 15 * HOUR)
    assert is_refused(insert, any_fablab, 7 * HOUR, 23 * HOUR)
    assert not is_refused(insert, any_fablab, 12 * HOUR, 14 * HOUR)
    assert not is_refused(insert, any_fablab, 16 * HOUR, 18 * HOUR)


def test_another_machine_is_another_lane(any_fablab):
    insert(any_fablab, 10 * HOUR, 12 * HOUR)

    assert not is_refused(insert, any_fablab, 10 * HOUR, 12 * HOUR, machine="bench")


@pytest.mark.parametrize("first", list(OccupancyKind))
@pytest.mark.parametrize("second", list(OccupancyKind))
def test_bookings_and_outages_exclude_each_other(any_fablab, first, second):
    insert(any_fablab, 10 * HOUR, 12 * HOUR, kind=first)

    assert is_refused(insert, any_fablab, 11 * HOUR, 13 * HOUR, kind=second)


@pytest.mark.parametrize("status", list(Status))
def test_only_what_stands_is_in_the_way(any_fablab, status):
    is_standing = status in (Status.CONFIRMED, Status.PENDING)

    insert(any_fablab, 10 * HOUR, 12 * HOUR, status=status)

    assert is_refused(insert, any_fablab, 10 * HOUR, 12 * HOUR) is is_standing


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.MISSED])
def test_what_does_not_stand_may_lie_anywhere(any_fablab, status):
    insert(any_fablab, 10 * HOUR, 12 * HOUR)

    assert not is_refused(insert, any_fablab, 10 * HOUR, 12 * HOUR, status=status)


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [(0, 0, False), (15, 0, True), (0, 15, False)],
)
def test_set_up_occupies_the_machine(any_fablab, before, after, refused):
    insert(any_fablab, 10 * HOUR, 12 * HOUR)

    later = is_refused(insert, any_fablab, 12 * HOUR, 13 * HOUR, before=before, after=after)

    assert later is refused


def test_clean_up_occupies_the_machine(any_fablab):
    insert(any_fablab, 10 * HOUR, 12 * HOUR, after=30)

    assert is_refused(insert, any_fablab, 12 * HOUR, 13 * HOUR)
    assert is_refused(insert, any_fablab, 12 * HOUR + 30, 13 * HOUR, before=1)
    assert not is_refused(insert, any_fablab, 12 * HOUR + 30, 13 * HOUR)


def test_several_rows_at_once_are_written_together_or_not_at_all(any_fablab):
    many = [occupancy(any_fablab, n * HOUR, (n + 1) * HOUR) for n in (1, 3, 5)]
    many.append(occupancy(any_fablab, 4 * HOUR, 6 * HOUR))

    def insert_all() -> None:
        with writing() as session:
            session.execute(Occupancy.__table__.insert(), many)

    assert is_refused(insert_all)
    assert standing() == []


# -- what a change may lead to, beside something else from 14:00 to 16:00


@pytest.mark.parametrize(
    "values",
    [
        {"occupied_until": at(14 * HOUR + 1)},
        {"ends_at": at(15 * HOUR), "occupied_until": at(15 * HOUR)},
        {"occupied_until": at(20 * HOUR)},
    ],
)
def test_a_later_end_may_not_reach_the_next_one(any_fablab, values):
    row = insert(any_fablab, 10 * HOUR, 12 * HOUR)
    insert(any_fablab, 14 * HOUR, 16 * HOUR)

    assert is_refused(change, row, **values)
    assert not is_refused(change, row, occupied_until=at(14 * HOUR))


def test_an_earlier_start_may_not_reach_the_one_before(any_fablab):
    row = insert(any_fablab, 18 * HOUR, 20 * HOUR)
    insert(any_fablab, 14 * HOUR, 16 * HOUR)

    assert is_refused(change, row, occupied_from=at(16 * HOUR - 1))
    assert is_refused(change, row, occupied_from=at(10 * HOUR))
    assert not is_refused(change, row, occupied_from=at(16 * HOUR))


def test_a_move_to_another_machine_may_not_meet_what_stands_there(any_fablab):
    row = insert(any_fablab, 14 * HOUR, 16 * HOUR, machine="bench")
    insert(any_fablab, 15 * HOUR, 17 * HOUR)
    laser = any_fablab.machine("laser").id

    assert is_refused(change, row, machine_id=laser)
    assert not is_refused(
        change,
        row,
        machine_id=laser,
        starts_at=at(17 * HOUR),
        ends_at=at(18 * HOUR),
        occupied_from=at(17 * HOUR),
        occupied_until=at(18 * HOUR),
    )


def test_what_was_cancelled_may_not_stand_again_where_another_one_does(any_fablab):
    row = insert(any_fablab, 14 * HOUR, 16 * HOUR, status=Status.CANCELLED)
    insert(any_fablab, 14 * HOUR, 16 * HOUR)

    assert is_refused(change, row, status=Status.CONFIRMED, standing=True)


def test_a_move_by_less_than_its_length_does_not_meet_itself(any_fablab):
    row = insert(any_fablab, 10 * HOUR, 12 * HOUR)

    assert not is_refused(
        change,
        row,
        starts_at=at(11 * HOUR),
        ends_at=at(13 * HOUR),
        occupied_from=at(11 * HOUR),
        occupied_until=at(13 * HOUR),
    )


def test_what_does_not_touch_the_time_is_free_to_change(any_fablab):
    row = insert(any_fablab, 10 * HOUR, 12 * HOUR)

    assert not is_refused(change, row, title="Lamp", revision=1)


# -- the columns the guard stands on cannot lie


@pytest.mark.parametrize(
    "values",
    [
        {"standing": False},
        {"status": Status.CANCELLED},
        {"occupied_from": at(10 * HOUR + 1)},
        {"occupied_until": at(12 * HOUR - 1)},
        {"ends_at": at(10 * HOUR), "occupied_until": at(12 * HOUR)},
        {"member_id": None},
    ],
)
def test_a_row_that_contradicts_itself_is_refused(any_fablab, values):
    row = insert(any_fablab, 10 * HOUR, 12 * HOUR)

    with pytest.raises(IntegrityError) as refused:
        change(row, **values)

    assert not guards.refused(refused.value)


# -- whatever people do, in whatever order


def standing() -> list[tuple[int, datetime, datetime]]:
    """What stands on each machine, soonest first."""
    columns = (Occupancy.machine_id, Occupancy.occupied_from, Occupancy.occupied_until)
    with db.engine.connect() as connection:
        found = connection.execute(select(*columns).where(Occupancy.standing).order_by(*columns))
        return [tuple(row) for row in found]


def overlaps(stands: list[tuple[int, datetime, datetime]]) -> list[Any]:
    return [
        (one, other) for one, other in pairwise(stands) if one[0] == other[0] and one[2] > other[1]
    ]


machines = st.sampled_from(["laser", "bench"])
spans = st.tuples(st.integers(0, 40), st.integers(1, 20)).map(lambda s: (s[0], s[0] + s[1]))
margins = st.integers(0, 3)
steps = st.one_of(
    st.tuples(st.just("insert"), machines, spans, margins, margins),
    st.tuples(st.just("move"), st.integers(0, 9), machines, spans, margins, margins),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("restore"), st.integers(0, 9)),
)


class Undone(Exception):
    pass


class Lanes:
    """The obvious way to keep machines apart: a list, searched from end to end."""

    def __init__(self, fablab: Fablab) -> None:
        self.fablab = fablab
        self.rows: dict[int, dict[str, Any]] = {}

    def is_free(self, wanted: dict[str, Any], but: int | None = None) -> bool:
        return not wanted["standing"] or not any(
            row["standing"]
            and row["machine_id"] == wanted["machine_id"]
            and row["occupied_from"] < wanted["occupied_until"]
            and wanted["occupied_from"] < row["occupied_until"]
            for id, row in self.rows.items()
            if id != but
        )

    def wanted(self, step: tuple[Any, ...]) -> tuple[int | None, dict[str, Any]]:
        """The row that `step` would write, and the id it has already."""
        kind, *rest = step
        if kind == "insert" or not self.rows:
            machine, (start, end), before, after = (
                rest if kind == "insert" else ("laser", (0, 5), 0, 0)
            )
            return None, occupancy(
                self.fablab, start, end, machine=machine, before=before, after=after
            )
        id = list(self.rows)[rest[0] % len(self.rows)]
        if kind == "move":
            machine, (start, end), before, after = rest[1:]
            new = occupancy(self.fablab, start, end, machine=machine, before=before, after=after)
            times = ("machine_id", "starts_at", "ends_at", "occupied_from", "occupied_until")
            return id, self.rows[id] | {name: new[name] for name in times}
        is_standing = kind == "restore"
        status = Status.CONFIRMED if is_standing else Status.CANCELLED
        return id, self.rows[id] | {"status": status, "standing": is_standing}


def live(fablab: Fablab, steps: list[tuple[Any, ...]]) -> None:
    """Take every step on the database and on the list, which must agree; leave nothing."""
    lanes = Lanes(fablab)
    with suppress(Undone), writing() as session:
        for step in steps:
            id, row = lanes.wanted(step)
            written = try_to_write(session, id, row)
            assert (written is not None) == lanes.is_free(row, but=id), step
            if written is not None:
                lanes.rows[written] = row
        raise Undone


def try_to_write(session: Session, id: int | None, row: dict[str, Any]) -> int | None:
    """The id of the row as it is written; None when the guard says no."""
    table = Occupancy.__table__
    try:
        with session.begin_nested():
            if id is None:
                return add_row(session, Occupancy, **row)
            session.execute(update(table).where(table.c.id == id).values(**row))
            return id
    except IntegrityError as error:
        if guards.refused(error):
            return None
        raise


def check_any_order(fablab: Fablab, examples: int = 60) -> None:
    @settings(max_examples=examples)
    @given(st.lists(steps, min_size=2, max_size=25))
    def check(some: list[tuple[Any, ...]]) -> None:
        live(fablab, some)

    check()


def test_in_any_order_it_refuses_what_overlaps_and_nothing_else(any_fablab):
    check_any_order(any_fablab)


def drop_the_guard(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        for name in guards.TRIGGERS:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    else:
        for name, (table, _) in guards.EXCLUSIONS.items():
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def without_guard() -> None:
    with writing() as session:
        drop_the_guard(session.connection())


def test_the_same_check_fails_without_the_guard(any_fablab):
    without_guard()

    with pytest.raises(AssertionError):
        check_any_order(any_fablab)


def crowd(app: Flask, fablab: Fablab, people: int = 4, tries: int = 12) -> None:
    """Several at once book, move and cancel at random, each in the order the commands keep."""
    ids = [fablab.machine(slug).id for slug in ("laser", "bench")]
    failures: list[BaseException] = []

    def act(session: Session, chance: random.Random, mine: list[int]) -> None:
        stand_in_line(session, *ids)
        start = chance.randrange(0, 30)
        row = occupancy(
            fablab,
            start,
            start + chance.randrange(1, 10),
            machine=chance.choice(["laser", "bench"]),
        )
        if not mine or chance.random() < 0.5:
            mine.append(add_row(session, Occupancy, **row))
        else:
            table = Occupancy.__table__
            session.execute(update(table).where(table.c.id == chance.choice(mine)).values(**row))

    def person(seed: int) -> None:
        chance, mine = random.Random(seed), []
        try:
            with app.app_context():
                for _ in range(tries):
                    with suppress(IntegrityError), writing() as session:
                        act(session, chance, mine)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=person, args=(seed,)) for seed in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_crowd_never_leaves_an_overlap(any_app, any_fablab):
    crowd(any_app, any_fablab)

    stands = standing()
    assert len(stands) > 1
    assert overlaps(stands) == []


def test_a_crowd_leaves_overlaps_without_the_guard(any_app, any_fablab, monkeypatch):
    monkeypatch.setattr(guards, "require", lambda away: None)
    without_guard()

    crowd(any_app, any_fablab)

    assert overlaps(standing()) != []


# -- is it there?


def missing() -> list[str]:
    with db.engine.connect() as connection:
        return guards.missing(connection)


def names() -> list[str]:
    return list(guards.TRIGGERS if db.engine.dialect.name == "sqlite" else guards.EXCLUSIONS)


def seats_guard() -> str:
    table, exclusion = guards.EXCLUSIONS[guards.NO_SEAT_TWICE]
    return f"ALTER TABLE {table} ADD CONSTRAINT {guards.NO_SEAT_TWICE} {exclusion}"


def test_a_guard_that_was_dropped_is_missed_and_put_back(any_fablab):
    without_guard()
    assert missing() == names()

    with writing() as session:
        guards.restore(session.connection())

    assert missing() == []
    insert(any_fablab, 10 * HOUR, 12 * HOUR)
    assert is_refused(insert, any_fablab, 10 * HOUR, 12 * HOUR)


@pytest.mark.parametrize("name", list(guards.TRIGGERS))
def test_each_trigger_counts(fablab, name):
    with writing() as session:
        session.execute(text(f"DROP TRIGGER {name}"))

    assert missing() == [name]


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        (name, ours, theirs)
        for name, sql in guards.TRIGGERS.items()
        for ours, theirs in (
            ("occupied_from <", "occupied_from >"),
            ("AND standing", "AND NOT standing"),
            ("claimed_from <", "claimed_from >"),
            ("> NEW", "< NEW"),
        )
        if ours in sql
    ],
)
def test_a_trigger_that_says_something_else_is_none(fablab, name, ours, theirs):
    with writing() as session:
        session.execute(text(f"DROP TRIGGER {name}"))
        session.connection().exec_driver_sql(guards.TRIGGERS[name].replace(ours, theirs))

    assert missing() == [name]


@pytest.mark.parametrize(
    "other",
    [
        guards.EXCLUSIONS[guards.NO_OVERLAP][1].replace(
            "(standing)", "(standing AND kind <> 'outage')"
        ),
        guards.EXCLUSIONS[guards.NO_OVERLAP][1].replace(", '[]'::text", ""),
        guards.EXCLUSIONS[guards.NO_OVERLAP][1].replace("&&", "=", 1),
        "CHECK (ends_at > starts_at)",
    ],
)
def test_a_constraint_that_says_something_else_is_none(make_app, other):
    app = make_app("postgresql")
    with app.app_context():
        without_guard()
        with writing() as session:
            session.execute(
                text(f"ALTER TABLE occupancy ADD CONSTRAINT {guards.NO_OVERLAP} {other}")
            )
            session.connection().exec_driver_sql(seats_guard())
        assert missing() == [guards.NO_OVERLAP]

        with writing() as session:
            guards.restore(session.connection())

        assert missing() == []


def test_a_guard_is_not_put_back_over_an_overlap(make_app):
    """PostgreSQL looks at what is there; the migration then fails, and says why."""
    app = make_app("postgresql")
    with app.app_context():
        fablab = populate()
        without_guard()
        insert(fablab, 10 * HOUR, 12 * HOUR)
        insert(fablab, 11 * HOUR, 13 * HOUR)

        with pytest.raises(DBAPIError) as refused, writing() as session:
            guards.restore(session.connection())

        assert guards.refused(refused.value)


def test_nothing_is_written_on_a_machine_while_a_guard_is_missing(any_fablab):
    machine = any_fablab.machine("laser").id
    uid = any_fablab.book("laser", slot("2027-03-31 10:00-11:00"), "bruno")
    without_guard()

    with pytest.raises(GuardMissing, match=names()[0]):
        any_fablab.book("laser", slot("2027-03-30 10:00-11:00"), "bruno")
    with pytest.raises(GuardMissing), writing() as session:
        stand_in_line(session, machine)

    assert db.session.scalars(select(Occupancy.uid)).all() == [uid]


def test_a_refusal_of_another_constraint_is_not_taken_for_the_guards(any_fablab):
    row = occupancy(any_fablab, 10 * HOUR, 12 * HOUR)
    insert_row(row)

    with pytest.raises(IntegrityError) as twice:
        insert_row(row | {"machine_id": any_fablab.machine("bench").id})

    assert not guards.refused(twice.value)


def insert_row(row: dict[str, Any]) -> None:
    with writing() as session:
        add_row(session, Occupancy, **row)


def test_the_guards_no_reads_as_a_refusal(any_fablab):
    any_fablab.book("laser", slot("2027-03-30 10:00-11:00"), "bruno")

    with pytest.raises(BookingRefused) as refused:
        any_fablab.book("laser", slot("2027-03-30 10:30-11:30"), "amina")

    assert refused.value.is_only_taken
