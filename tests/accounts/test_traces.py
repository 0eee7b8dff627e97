"""The list of what points to a member, held against the tables."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import JSON, LargeBinary, Text, func, insert, select

import fablab.models  # noqa: F401  (every table)
from fablab import clock
from fablab.accounts import erasure
from fablab.accounts.traces import BELOW, BESIDE, GONE, TRACES, Part, own_tables, table
from fablab.db import Amount, Base, Minutes, UTCDateTime, db, writing


def pointing_to(*names):
    return {
        (table.name, column.name, key.column.table.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name in names
    }


def test_every_column_that_points_to_a_member_is_thought_of():
    """A new one: say in `traces` what it is and what an erasure leaves of it; see `merging`."""
    assert {(name, column) for name, column, _ in pointing_to("member")} == set(TRACES)


def test_what_hangs_on_a_row_of_theirs_is_thought_of_too():
    about = {name for name, _ in own_tables()}
    hanging = {
        (name, column, above)
        for name, column, above in pointing_to(*about)
        if (name, column) not in TRACES
    }

    assert hanging == BELOW.keys() | BESIDE
    assert all(TRACES.get((name, "member_id")) for name in about)


# Hours and amounts that were stated, by reference and without a name.
KEPT_FOR_THE_ACCOUNTS = {"statement"}
# What somebody did or had a part in keeps these words, by where it points to them: they are of the
# place, of a machine, or of somebody else.
STAYING = {
    ("agenda", "applied_by_id"): {"name", "cancelled", "stayed", "replaced"},
    ("agenda", "undone_by_id"): {"name", "cancelled", "stayed", "replaced"},
    ("allowance", "granted_by_id"): {"name", "categories", "settled"},
    ("audit_entry", "made_by_id"): {"before", "after"},
    ("change", "made_by_id"): {"what"},
    ("consent", "asked_id"): {"why"},
    ("fault", "sorted_by_id"): {"what", "photo", "said"},
    ("log_entry", "made_by_id"): {"said"},
    ("maintenance", "created_by_id"): {"title", "work", "who"},
    ("mark", "lifted_by_id"): {"lift_reason"},
    ("occupancy", "buddy_id"): {"title", "override_reason", "request_key", "activity"},
    ("statement", "closed_by_id"): {"subject", "activity", "body", "sha256", "previous"},
    ("statement", "member_id"): {"subject", "activity", "body", "sha256", "previous"},
    ("statement_person", "member_id"): {"reference"},
    ("supply", "made_by_id"): {"name", "unit", "product"},
    ("tariff", "made_by_id"): {"product"},
    ("training_session", "created_by_id"): {"location", "cancel_reason"},
    ("training_session", "trainer_id"): {"location", "cancel_reason"},
}


def test_of_every_row_that_points_to_them_is_left_what_the_list_says(lived):
    """A row by each column of the list, with something in each of its columns of words."""
    bruno = lived.people["bruno"]
    fill_the_rest(lived, bruno, other=lived.people["chloe"])
    assert [key for key in TRACES if not rows(*key, bruno)] == []

    erasure.erase(bruno, now=clock.now())

    staying = {}
    for (name, column), trace in TRACES.items():
        for row in rows(name, column, bruno):
            assert trace.erased is not GONE, (name, column)
            left = {each for each in words_of(name) if row[each]}
            is_kept = trace.part is Part.DEED or name in KEPT_FOR_THE_ACCOUNTS
            assert is_kept or left == set(), (name, column)
            if left:
                staying.setdefault((name, column), set()).update(left)
    assert staying == STAYING


def rows(name, column, member_id):
    asked = select(table(name)).where(table(name).c[column] == member_id)
    return db.session.execute(asked).mappings().all()


def words_of(name):
    """The columns that may hold what somebody typed; the other texts are ours."""
    return [
        column.name
        for column in table(name).columns
        if isinstance(column.type, Text | JSON | LargeBinary)
        and column.name not in ("uid", "token_hash")
    ]


def fill_the_rest(fablab, member_id, *, other):
    """Whatever a life in the fablab has not made, column by column."""
    in_order = [each.name for each in Base.metadata.sorted_tables]
    with writing() as session:
        for at, (name, column) in enumerate(sorted(TRACES, key=lambda key: in_order.index(key[0]))):
            if not rows(name, column, member_id):
                columns = [each for each in table(name).c if each.computed is None]
                values = {each.name: made_up(session, each, at, other) for each in columns}
                known = {column: member_id} | MADE.get((name, column), {})
                if "id" in values:
                    del values["id"]
                session.execute(insert(table(name)).values(**values | known))


def made_up(session, column, at, other):
    """A value that a column takes; `at` keeps rows apart."""
    moment = datetime(2027, 6, 1, tzinfo=UTC) + timedelta(days=at)
    if column.foreign_keys and column.nullable:
        return None
    for key in column.foreign_keys:
        pointed = key.column.table
        last = select(func.max(pointed.c.id))
        return other if pointed.name == "member" else session.scalar(last)
    if isinstance(column.type, Text):
        return f"A private thing {at}"
    if column.nullable:
        return None
    if isinstance(column.type, sa.Enum):
        return next(iter(column.type.enum_class))
    values = {
        JSON: {"name": "A private thing"},
        LargeBinary: b"A private thing",
        UTCDateTime: moment,
        Minutes: timedelta(hours=1),
        sa.Date: moment.date(),
        sa.Time: time(10),
        sa.Boolean: False,
        sa.Integer: 1,
        Amount: Decimal(1),
    }
    return next(value for kind, value in values.items() if isinstance(column.type, kind))


# What the rows of the test above need beside, to be rows at all.
NOON = datetime(2027, 6, 1, 10, tzinfo=UTC)
LONG_AGO = datetime(2027, 1, 1, tzinfo=UTC)
TAKEN = {
    "kind": "outage",
    "starts_at": NOON,
    "ends_at": NOON + timedelta(hours=1),
    "occupied_from": NOON,
    "occupied_until": NOON + timedelta(hours=1),
    "status": "confirmed",
    "standing": True,
}
MADE = {
    ("agenda", "undone_by_id"): {"undone_at": NOON},
    ("allowance", "granted_by_id"): {"organization_id": 1},
    ("consent", "answered_by_id"): {"answer": "yes", "answered_at": NOON},
    ("handover", "offered_to_id"): {"ended_at": NOON, "outcome": "declined"},  # one is open at most
    ("occupancy", "buddy_id"): TAKEN,
    ("qualification", "given_by_id"): {"machine_id": 1, "level": 1},
    ("training_session", "created_by_id"): {"starts_at": LONG_AGO},
    ("training_session", "trainer_id"): {"starts_at": LONG_AGO},  # to come, it would have none
}
