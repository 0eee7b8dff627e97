"""Writing into a machine's logbook."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from fablab.db import add_row
from fablab.upkeep.kinds import EntryKind
from fablab.upkeep.models import LogEntry


def enter(
    session: Session,
    machine_id: int,
    kind: EntryKind,
    said: str,
    *,
    by: int | None,
    now: datetime,
    **more: Any,
) -> str:
    """Add a line, in a write that is under way; its UID. Nothing ever rewrites it."""
    uid = str(uuid4())
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
