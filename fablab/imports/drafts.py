"""Files that were sent to a place, between the dry run and the import."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, delete, select, update
from sqlalchemy.orm import Session

from fablab.db import NoSuch, add_row, db, retried, writing
from fablab.imports.models import ImportDraft

KEPT = timedelta(days=1)
MOST = 10  # of one place


@retried
def keep(
    what: str,
    name: str,
    content: bytes,
    place_id: int,
    *,
    by: int,
    now: datetime,
    options: dict[str, Any] | None = None,
) -> str:
    """Keep a file, and give the draft's UID; of a place the latest few. `options` says how it is
    to be read. Raises Busy.
    """
    uid = str(uuid4())
    table = ImportDraft.__table__
    here = table.c.place_id == place_id
    latest = select(table.c.id).where(here).order_by(table.c.id.desc()).limit(MOST)
    with writing() as session:
        add_row(
            session,
            ImportDraft,
            uid=uid,
            place_id=place_id,
            what=what,
            name=name,
            content=content,
            made_at=now,
            made_by_id=by,
            options=options,
        )
        session.execute(delete(table).where(here, table.c.id.not_in(latest)))
    return uid


def find(uid: str, place_id: int, now: datetime) -> Row[Any]:
    """Raises NoSuch for one of another place, applied already, or older than a day."""
    found = db.session.execute(
        select(ImportDraft.__table__).where(
            ImportDraft.uid == uid,
            ImportDraft.place_id == place_id,
            ImportDraft.made_at > now - KEPT,
        )
    ).first()
    if found is None:
        raise NoSuch(f"no draft {uid}")
    return found


def use_up(session: Session, uid: str, place_id: int) -> None:
    """In the write that applies it, or forgets it. Raises NoSuch when somebody was faster."""
    done: Any = session.execute(
        delete(ImportDraft).where(ImportDraft.uid == uid, ImportDraft.place_id == place_id)
    )
    if not done.rowcount:
        raise NoSuch(f"no draft {uid}")


@retried
def leave(uid: str, place_id: int) -> None:
    """Forget one. Raises NoSuch and Busy."""
    with writing() as session:
        use_up(session, uid, place_id)


@retried
def read_as(uid: str, place_id: int, options: dict[str, Any]) -> None:
    """From now on it is read so. Raises NoSuch and Busy."""
    with writing() as session:
        done: Any = session.execute(
            update(ImportDraft.__table__)
            .where(ImportDraft.uid == uid, ImportDraft.place_id == place_id)
            .values(options=options)
        )
        if not done.rowcount:
            raise NoSuch(f"no draft {uid}")


def tidy(session: Session, now: datetime) -> None:
    session.execute(delete(ImportDraft).where(ImportDraft.made_at <= now - KEPT))
