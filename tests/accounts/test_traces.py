"""The list of what points to a member, held against the tables."""

import fablab.models  # noqa: F401  (every table)
from fablab.accounts import erasure
from fablab.accounts.traces import BELOW, BESIDE, TRACES, Trace, own_tables
from fablab.db import Base


def pointing_to(*names):
    return {
        (table.name, column.name, key.column.table.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name in names
    }


def test_every_column_that_points_to_a_member_is_thought_of():
    """A new one: say in `traces` what it is, and look what `erasure` and `merging` make of it."""
    assert {(name, column) for name, column, _ in pointing_to("member")} == set(TRACES)


def test_what_hangs_on_a_row_of_theirs_is_thought_of_too():
    about = {name for name, _ in own_tables()}
    hanging = {
        (name, column, above)
        for name, column, above in pointing_to(*about)
        if (name, column) not in TRACES
    }

    assert hanging == BELOW | BESIDE
    assert all(TRACES.get((name, "member_id")) for name in about)


def test_each_table_about_them_is_emptied_or_its_words_are():
    kept = {
        "audit_entry",
        "membership",
        "occupancy",
        "organization_member",
        "qualification",
        "registration",
        "series",
        "wait",
    }
    about = {name for (name, _), trace in TRACES.items() if trace is Trace.OWN}

    assert about == kept | set(erasure.GONE)
