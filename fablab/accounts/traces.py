"""Every column of the database that points to a member, and what it means there.

The one list that taking along, erasing and merging stand on. A test holds it against the tables,
so that a new one is thought of before it is there.
"""

from enum import StrEnum

from sqlalchemy import ColumnElement, Select, Table, select

from fablab.db import Base


class Trace(StrEnum):
    """What a row that points to somebody is to them."""

    OWN = "own"  # about them
    DEED = "deed"  # of something else: they did it, or have a part in it


# By table and column.
TRACES = {
    ("acknowledgement", "member_id"): Trace.OWN,
    ("agenda", "applied_by_id"): Trace.DEED,
    ("agenda", "undone_by_id"): Trace.DEED,
    ("agenda_draft", "made_by_id"): Trace.DEED,
    ("audit_entry", "made_by_id"): Trace.DEED,
    ("audit_entry", "member_id"): Trace.OWN,
    ("board_address", "created_by_id"): Trace.DEED,
    ("board_address", "revoked_by_id"): Trace.DEED,
    ("change", "made_by_id"): Trace.DEED,
    ("consent", "answered_by_id"): Trace.DEED,
    ("consent", "asked_id"): Trace.DEED,
    ("fault", "reported_by_id"): Trace.DEED,
    ("fault", "sorted_by_id"): Trace.DEED,
    ("feed_token", "member_id"): Trace.OWN,
    ("import_draft", "made_by_id"): Trace.DEED,
    ("log_entry", "made_by_id"): Trace.DEED,
    ("machine_referent", "member_id"): Trace.OWN,
    ("mailed_link", "member_id"): Trace.OWN,
    ("maintenance", "created_by_id"): Trace.DEED,
    ("mark", "lifted_by_id"): Trace.DEED,
    ("mark", "member_id"): Trace.OWN,
    ("membership", "member_id"): Trace.OWN,
    ("occupancy", "buddy_id"): Trace.DEED,
    ("occupancy", "created_by_id"): Trace.DEED,
    ("occupancy", "member_id"): Trace.OWN,
    ("organization_invitation", "invited_by_id"): Trace.DEED,
    ("organization_member", "member_id"): Trace.OWN,
    ("qualification", "given_by_id"): Trace.DEED,
    ("qualification", "member_id"): Trace.OWN,
    ("registration", "member_id"): Trace.OWN,
    ("series", "member_id"): Trace.OWN,
    ("session_invitation", "member_id"): Trace.OWN,
    ("session_notice", "made_by_id"): Trace.DEED,
    ("session_notice", "member_id"): Trace.OWN,
    ("training_session", "created_by_id"): Trace.DEED,
    ("training_session", "trainer_id"): Trace.DEED,
    ("wait", "member_id"): Trace.OWN,
}

# Rows of rows: what hangs on something of theirs, by table, column and the table it points to.
BELOW = {
    ("change", "occupancy_id", "occupancy"),
    ("consent", "occupancy_id", "occupancy"),
    ("expiry_warning", "qualification_id", "qualification"),
    ("invitation", "occupancy_id", "occupancy"),
    ("membership_warning", "membership_id", "membership"),
    ("role_held", "membership_id", "membership"),
}
# What hangs on it as well and is nothing about them.
BESIDE = {
    ("claim", "occupancy_id", "occupancy"),  # which seat of what is shared
    ("mark", "occupancy_id", "occupancy"),  # theirs by itself
    ("occupancy", "series_id", "series"),
    ("wait", "offered_id", "occupancy"),
}


def table(name: str) -> Table:
    return Base.metadata.tables[name]


def rows_of(name: str, column: str, member_id: int) -> ColumnElement[bool]:
    return table(name).c[column] == member_id


def own_tables() -> list[tuple[str, str]]:
    return sorted(key for key, trace in TRACES.items() if trace is Trace.OWN)


def ids_of(name: str, member_id: int) -> Select[tuple[int]]:
    """Of the rows of a table that are about them."""
    column = next(column for known, column in own_tables() if known == name)
    return select(table(name).c.id).where(rows_of(name, column, member_id))
