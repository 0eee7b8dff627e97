"""Writing into a machine's logbook."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab.db import NoSuch, add_row, retried, writing
from fablab.keys import made_once, uid_for
from fablab.members import staff
from fablab.upkeep.kinds import EntryKind
from fablab.upkeep.models import LogEntry


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody writes; `corrects` is the UID of the line that it puts right."""

    kind: EntryKind
    said: str
    part: str = ""
    cents: int | None = None
    file: str | None = None
    corrects: str = ""


@retried
def write(machine_id: int, entry: Entry, *, by: int, now: datetime, key: str = "") -> str:
    """Add somebody's line, and give its UID. Raises AlreadyMade, NoSuch when it corrects none of
    this machine, and Busy.
    """
    uid = uid_for(key, by, machine_id, replace(entry, file=None))
    with writing() as session:
        staff.stand_in_line(session, by)
        made_once(LogEntry, uid)
        corrects_id = None
        if entry.corrects:
            asked = select(LogEntry.id).where(
                LogEntry.uid == entry.corrects, LogEntry.machine_id == machine_id
            )
            corrects_id = session.scalar(asked)
            if corrects_id is None:
                raise NoSuch(f"no entry {entry.corrects} of that machine")
        return enter(
            session,
            machine_id,
            entry.kind,
            entry.said,
            by=by,
            now=now,
            part=entry.part,
            cents=entry.cents,
            file=entry.file,
            corrects_id=corrects_id,
            uid=uid,
        )


def enter(
    session: Session,
    machine_id: int,
    kind: EntryKind,
    said: str,
    *,
    by: int | None,
    now: datetime,
    uid: str = "",
    **more: Any,
) -> str:
    """Add a line, in a write that is under way; its UID. Nothing ever rewrites it."""
    uid = uid or str(uuid4())
    values = {"part": "", "cents": None, "file": None, "fault_id": None, "corrects_id": None}
    add_row(
        session,
        LogEntry,
        uid=uid,
        machine_id=machine_id,
        made_at=now,
        made_by_id=by,
        kind=kind,
        said=said,
        **values | more,
    )
    return uid
