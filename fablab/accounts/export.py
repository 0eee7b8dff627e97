"""Everything that is kept about somebody, for them to read or take along (GDPR, art. 15 and 20)."""

import io
import json
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, ColumnElement, Enum, Select, String, Table, select

from fablab.accounts.traces import BELOW, OF_OTHERS, TRACES, Part, Trace, ids_of, rows_of, table
from fablab.db import db
from fablab.exports import csv_bytes

# What opens something, or is only the machinery's.
LEFT_OUT = frozenset(
    {
        "password_hash",
        "token_hash",
        "secret_hash",
        "text_hash",
        "request_key",
        "session_version",
        "calendar_revision",
        "seen_revision",
        "content",
    }
)
NAMED = ("name", "uid", "subject")  # by what a row of another table is called, the first there is
OTHERS = "somebody else"
TAKEN = "handed_over"  # in the record of a booking
PEOPLE = ("member", "buddy")  # in what the record says of it
PORTION = 500  # values in one statement


def everything(member_id: int, now: datetime) -> dict[str, Any]:
    """By table, rows as names and plain values. Other people are not named in it."""
    found: dict[str, Any] = {"exported_at": plain(now)}
    member = table("member")
    found["member"] = rows(select(member).where(member.c.id == member_id), member, member_id)
    for (name, column), trace in sorted(TRACES.items()):
        source = table(name)
        asked = select(source).where(rows_of(name, column, member_id))
        found[f"{name}.{column}"] = [
            {key: value for key, value in row.items() if is_theirs(source, key, trace)}
            for row in rows(asked, source, member_id)
        ]
    for name, column, above in sorted(BELOW):
        source = table(name)
        asked = select(source).where(source.c[column].in_(ids_of(above, member_id)))
        if name == "change":
            asked = asked.where(is_since_it_is_theirs(source))
        found[f"{name} of {above}"] = rows(asked, source, member_id)
    for row in found["change of occupancy"]:
        row["before"] = {} if row["what"] == TAKEN else unnamed(row["before"], member_id)
        row["after"] = unnamed(row["after"], member_id)
    email = db.session.scalar(select(member.c.email).where(member.c.id == member_id))
    for name, column in (("outgoing_mail", "recipient"), ("organization_invitation", "email")):
        source = table(name)
        asked = select(source).where(source.c[column] == email)
        found[f"{name} to the address"] = rows(asked, source, member_id)
    return {name: kept for name, kept in found.items() if kept}


def is_since_it_is_theirs(change: Table) -> ColumnElement[bool]:
    """What happened to a booking before it was handed over to them is somebody else's."""
    later = change.alias()
    taken = select(later.c.id).where(
        later.c.occupancy_id == change.c.occupancy_id,
        later.c.what == TAKEN,
        later.c.id > change.c.id,
    )
    return ~taken.exists()


def unnamed(said: dict[str, Any], member_id: int) -> dict[str, Any]:
    """What the record keeps, without the numbers of other people."""
    return {
        name: label(value, str(member_id)) if value and name in PEOPLE else value
        for name, value in said.items()
    }


def tables(kept: dict[str, Any], now: datetime) -> bytes:
    """The same as tables for a spreadsheet: a ZIP file of one CSV file for each kind."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for kind, found in kept.items():
            lines = found if isinstance(found, list) else [{kind: found}]
            entry = zipfile.ZipInfo(f"{kind.replace(' ', '-')}.csv", now.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            cells = [[flat(value) for value in line.values()] for line in lines]
            packed.writestr(entry, csv_bytes(list(lines[0]), cells))
    return file.getvalue()


def flat(value: Any) -> Any:
    """As a cell has it: what is no plain word or number, as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | dict | list) else value


def rows(asked: Select[Any], source: Table, member_id: int) -> list[dict[str, Any]]:
    found = db.session.execute(asked.order_by(*source.primary_key.columns)).mappings().all()
    labels = {
        column.name: labels_of(
            next(iter(column.foreign_keys)).column.table,
            {row[column.name] for row in found} - {None},
        )
        for column in source.columns
        if column.foreign_keys
    }
    return [
        {
            name: said(name, value, labels, member_id)
            for name, value in row.items()
            if name not in LEFT_OUT and name != "id" and not is_body(source, name)
        }
        for row in found
    ]


def is_theirs(source: Table, name: str, trace: Trace) -> bool:
    """Of what they only had a part in, like somebody else's booking, nobody else's words."""
    if trace.part is Part.DEED and source.name in OF_OTHERS:
        return name in OF_OTHERS[source.name]
    kind = source.c[name].type
    is_words = isinstance(kind, JSON) or (isinstance(kind, String) and not isinstance(kind, Enum))
    is_plain = not is_words or name == "uid" or bool(source.c[name].foreign_keys)
    return trace.part is Part.OWN or is_plain or name in (trace.erased or ())


def is_body(source: Table, name: str) -> bool:
    """The words of a mail may hold a link that signs somebody in."""
    return source.name == "outgoing_mail" and name in ("text", "html", "calendar", "unsubscribe")


def said(name: str, value: Any, labels: dict[str, Any], member_id: int) -> Any:
    """A value as JSON has it; what points to a row, by what that row is called."""
    if name not in labels or value is None:
        return plain(value)
    if labels[name] is None:  # a member
        return label(value, member_id)
    return labels[name].get(value, plain(value))


def label(value: Any, member_id: Any) -> str:
    return "me" if value == member_id else OTHERS


def labels_of(pointed: Table, ids: set[Any]) -> dict[Any, str] | None:
    """What these rows of a table are called; None for members."""
    if pointed.name == "member":
        return None
    name = next((each for each in NAMED if each in pointed.c), None)
    if name is None:
        return {}
    some = sorted(ids)
    found: dict[Any, str] = {}
    for start in range(0, len(some), PORTION):
        of_these = pointed.c.id.in_(some[start : start + PORTION])
        named = select(pointed.c.id, pointed.c[name]).where(of_these)
        found |= {row[0]: row[1] for row in db.session.execute(named)}
    return found


def plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"PT{value // timedelta(minutes=1)}M"  # ISO 8601-1 §5.5.2
    if isinstance(value, Decimal):
        return str(value)  # JSON's numbers would be read as floats
    return value
