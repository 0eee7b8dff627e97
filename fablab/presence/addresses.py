"""The secret addresses of a place's boards: made, renewed, stopped, looked up."""

import hashlib
import hmac
import logging
import re
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from fablab.db import add_row, db, retried, writing, writing_if_free
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.places.kinds import WallNames
from fablab.places.models import Place
from fablab.presence import queries
from fablab.presence.kinds import BoardKind
from fablab.presence.models import BoardAddress

log = logging.getLogger(__name__)

TOKEN = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)  # 192 bits
KEY = re.compile(r"[A-Za-z0-9_-]{32,64}", re.ASCII)


class AddressGone(Exception):
    """The form was sent before, and the address it made has been changed or stopped since."""


def new_key() -> str:
    """What a form carries so that sending it twice makes one address."""
    return secrets.token_urlsafe(24)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def token_of(place_id: int, kind: BoardKind, key: str) -> str:
    """The token a form's key stands for, known to us alone: only its hash is stored, and the page
    that shows it can be loaded again as long as the form is.
    """
    words = f"board\n{place_id}\n{kind}\n{key}".encode()
    mac = hmac.digest(current_app.config["SECRET_KEY"].encode(), words, "sha256")
    return urlsafe_b64encode(mac)[:32].decode()


@retried
def make(place_id: int, kind: BoardKind, *, key: str, by: int, now: datetime) -> str:
    """Give the token of a new address; the one before of the kind stops at once. The same key
    twice gives the same token and changes nothing.

    Raises AddressGone, and Busy.
    """
    token = token_of(place_id, kind, key if KEY.fullmatch(key) else new_key())
    with writing() as session:
        _stand_in_line(session, place_id)
        known = session.execute(
            select(BoardAddress.revoked_at).where(BoardAddress.token_hash == hashed(token))
        ).first()
        if known and known.revoked_at:
            raise AddressGone
        if not known:
            was_there = _stop(session, place_id, kind, by, now)
            add_row(
                session,
                BoardAddress,
                token_hash=hashed(token),
                place_id=place_id,
                kind=kind,
                created_at=now,
                created_by_id=by,
            )
            what = "board_renewed" if was_there else "board_made"
            audit.note(session, Deed.BOARD, place_id=place_id, by=by, now=now, after={what: kind})
    return token


@retried
def stop(place_id: int, kind: BoardKind, *, by: int, now: datetime) -> None:
    """The address opens nothing any more. Stopping what is stopped changes nothing. Raises Busy."""
    with writing() as session:
        _stand_in_line(session, place_id)
        if _stop(session, place_id, kind, by, now):
            after = {"board_stopped": kind}
            audit.note(session, Deed.BOARD, place_id=place_id, by=by, now=now, after=after)


def _stand_in_line(session: Session, place_id: int) -> None:
    """One of a kind, also for two who press the button at once."""
    session.execute(select(Place.id).where(Place.id == place_id).with_for_update())


def _stop(session: Session, place_id: int, kind: BoardKind, by: int, now: datetime) -> bool:
    """False when none was live."""
    table = BoardAddress.__table__
    stopped = session.execute(
        update(table)
        .where(table.c.place_id == place_id, table.c.kind == kind, table.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by_id=by)
        .returning(table.c.id)
    )
    return bool(stopped.all())


@retried
def set_wall_names(place_id: int, names: WallNames, *, by: int, now: datetime) -> None:
    """What the place's walls show of who is there. Raises Busy."""
    with writing() as session:
        _stand_in_line(session, place_id)
        place = session.get_one(Place, place_id, populate_existing=True)
        if place.wall_names == names:
            return
        audit.note(
            session,
            Deed.BOARD,
            place_id=place_id,
            by=by,
            now=now,
            before={"wall_names": place.wall_names},
            after={"wall_names": names},
        )
        place.wall_names = names


def opened(token: str) -> Any:
    """The live address a token stands for; what has not the form of one is not looked up."""
    return queries.of_token(hashed(token)) if TOKEN.fullmatch(token) else None


def note_use(address: Any, now: datetime) -> None:
    """Remember, to the hour, that a board looked; it neither waits for that nor fails with it."""
    hour = now.replace(minute=0, second=0)
    if address.used_at is not None and address.used_at >= hour:
        return
    table = BoardAddress.__table__
    db.session.rollback()  # what is read from here on knows of it
    try:
        with writing_if_free() as connection:
            connection.execute(update(table).where(table.c.id == address.id).values(used_at=hour))
    except DBAPIError as error:
        log.warning("the use of a board was not noted: %s", error.orig)
