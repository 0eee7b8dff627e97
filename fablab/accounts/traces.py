"""Every column of the database that points to a member, what it means there, and what an erasure
leaves of it.

The one list that taking along, erasing and merging walk. A test holds it against the tables,
so that a new one is thought of before it is there.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, select

from fablab.db import Base
from fablab.upkeep.kinds import EntryKind


class Part(StrEnum):
    """What a row that points to somebody is to them."""

    OWN = "own"  # about them
    DEED = "deed"  # of something else: they did it, or have a part in it


Words = Mapping[str, Any]  # the columns that an erasure empties, with what it leaves in them
GONE = None  # nothing without whom it is about
STAYS: Words = MappingProxyType({})


class Trace(NamedTuple):
    part: Part
    erased: Words | None  # GONE, STAYS, or what is emptied
    only: Words = STAYS  # where these columns say so; elsewhere it stays


OWN, DEED = Part.OWN, Part.DEED
NO_WHY: Words = {"why": ""}
WHAT_WAS_DONE: Words = {"before": {}, "after": {}}

# By table and column.
TRACES = {
    ("acknowledgement", "member_id"): Trace(OWN, GONE),
    ("allowance", "granted_by_id"): Trace(DEED, STAYS),
    ("allowance", "member_id"): Trace(OWN, GONE),
    ("agenda", "applied_by_id"): Trace(DEED, STAYS),
    ("agenda", "undone_by_id"): Trace(DEED, STAYS),
    ("agenda_draft", "made_by_id"): Trace(DEED, GONE),
    ("audit_entry", "made_by_id"): Trace(DEED, STAYS),
    ("audit_entry", "member_id"): Trace(OWN, WHAT_WAS_DONE),
    ("board_address", "created_by_id"): Trace(DEED, STAYS),
    ("board_address", "revoked_by_id"): Trace(DEED, STAYS),
    ("change", "made_by_id"): Trace(DEED, STAYS),
    ("consumption", "noted_by_id"): Trace(DEED, STAYS),
    ("consumption", "struck_by_id"): Trace(DEED, STAYS),
    ("consent", "answered_by_id"): Trace(DEED, NO_WHY),
    ("consent", "asked_id"): Trace(DEED, STAYS),
    ("fault", "reported_by_id"): Trace(DEED, {"what": "", "photo": None}),  # and the file
    ("fault", "sorted_by_id"): Trace(DEED, STAYS),
    ("feed_token", "member_id"): Trace(OWN, GONE),
    ("handover", "offered_by_id"): Trace(DEED, GONE),
    ("handover", "offered_to_id"): Trace(DEED, GONE),
    ("import_draft", "made_by_id"): Trace(DEED, GONE),
    # A report is copied into the logbook; what was done to a machine is the machine's.
    ("log_entry", "made_by_id"): Trace(DEED, {"said": ""}, {"kind": EntryKind.FAULT}),
    ("machine_referent", "member_id"): Trace(OWN, GONE),
    ("mailed_link", "member_id"): Trace(OWN, GONE),
    ("maintenance", "created_by_id"): Trace(DEED, STAYS),
    ("mark", "lifted_by_id"): Trace(DEED, STAYS),
    ("mark", "member_id"): Trace(OWN, GONE),
    ("membership", "member_id"): Trace(
        OWN, {"suspended_until": None, "suspension_reason": "", "marked_until": None}
    ),
    ("occupancy", "buddy_id"): Trace(DEED, STAYS),
    ("occupancy", "created_by_id"): Trace(DEED, STAYS),
    ("occupancy", "member_id"): Trace(
        OWN, {"title": "", "override_reason": "", "request_key": None, "activity": ""}
    ),
    ("organization_invitation", "invited_by_id"): Trace(DEED, GONE),
    ("organization_member", "member_id"): Trace(OWN, GONE),
    ("organization_year", "declared_by_id"): Trace(DEED, STAYS),
    ("qualification", "given_by_id"): Trace(DEED, STAYS),
    ("qualification", "member_id"): Trace(OWN, GONE),
    ("registration", "member_id"): Trace(OWN, STAYS),
    ("series", "member_id"): Trace(OWN, STAYS),
    ("session_invitation", "member_id"): Trace(OWN, GONE),
    ("session_notice", "made_by_id"): Trace(DEED, STAYS),
    ("session_notice", "member_id"): Trace(OWN, GONE),
    ("statement", "closed_by_id"): Trace(DEED, STAYS),
    ("statement", "member_id"): Trace(OWN, STAYS),  # its hours and amounts; no name is in it
    ("statement_person", "member_id"): Trace(DEED, STAYS),  # whom a reference means
    ("supply", "made_by_id"): Trace(DEED, STAYS),
    ("tariff", "made_by_id"): Trace(DEED, STAYS),
    ("training_session", "created_by_id"): Trace(DEED, STAYS),
    ("training_session", "trainer_id"): Trace(DEED, STAYS),
    ("wait", "member_id"): Trace(OWN, {"purpose": ""}),
}

# Rows of rows: what hangs on something of theirs, by table, column and the table it points to, and
# what an erasure leaves of it.
BELOW = {
    ("change", "occupancy_id", "occupancy"): WHAT_WAS_DONE,
    ("consent", "occupancy_id", "occupancy"): NO_WHY,
    ("expiry_warning", "qualification_id", "qualification"): GONE,
    ("imported_booking", "occupancy_id", "occupancy"): GONE,
    ("invitation", "occupancy_id", "occupancy"): STAYS,
    ("membership_warning", "membership_id", "membership"): GONE,
    ("role_held", "membership_id", "membership"): GONE,
}
# Of a booking that they only had a part in: when and on which machine. What it was worth, for whom
# it was booked and whether they came is for whoever made it.
OF_OTHERS = {
    "occupancy": frozenset(
        {"uid", "kind", "machine_id", "starts_at", "ends_at", "created_by_id", "buddy_id"}
    ),
}
# What hangs on it as well and is nothing about them.
BESIDE = {
    ("claim", "occupancy_id", "occupancy"),  # which seat of what is shared
    ("consumption", "occupancy_id", "occupancy"),  # how much of what was used up
    ("handover", "occupancy_id", "occupancy"),  # theirs who offer it
    ("mark", "occupancy_id", "occupancy"),  # theirs by itself
    ("occupancy", "series_id", "series"),
    ("statement_person", "statement_id", "statement"),  # theirs by itself
    ("wait", "offered_id", "occupancy"),
}


def table(name: str) -> Table:
    return Base.metadata.tables[name]


def rows_of(name: str, column: str, member_id: int) -> ColumnElement[bool]:
    return table(name).c[column] == member_id


def own_tables() -> list[tuple[str, str]]:
    return sorted(key for key, trace in TRACES.items() if trace.part is OWN)


def ids_of(name: str, member_id: int) -> Select[tuple[int]]:
    """Of the rows of a table that are about them."""
    column = next(column for known, column in own_tables() if known == name)
    return select(table(name).c.id).where(rows_of(name, column, member_id))
