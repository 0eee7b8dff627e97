"""Making, changing and ending the secret address of a calendar; noting that one was read."""

import hashlib
import hmac
import logging
import re
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime

from flask import current_app
from sqlalchemy import or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from fablab.calendars.kinds import About, Scope
from fablab.calendars.models import FeedToken
from fablab.db import add_row, retried, writing, writing_if_free
from fablab.members.models import Member

log = logging.getLogger(__name__)

TOKEN = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)  # 192 bits
KEY = re.compile(r"[A-Za-z0-9_-]{32,64}", re.ASCII)


class AddressGone(Exception):
    """The form was sent before, and the address it made has been changed or stopped since."""


def new_key() -> str:
    """What a form carries so that sending it twice makes one address: 192 random bits."""
    return secrets.token_urlsafe(24)


def is_token(typed: str) -> bool:
    return TOKEN.fullmatch(typed) is not None


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def token_of(about: About, member_id: int, key: str) -> str:
    """The token a form's key stands for: drawn with the key, and known to us alone.

    Only its hash is stored, so that the page which shows it could not be loaded again without
    making another; this way it can, as long as the form is sent again with it.
    """
    words = f"feed\n{member_id}\n{about}\n{key}".encode()
    mac = hmac.digest(current_app.config["SECRET_KEY"].encode(), words, "sha256")
    return urlsafe_b64encode(mac)[:32].decode()


@retried
def make_address(about: About, *, member_id: int, place_id: int, key: str, now: datetime) -> str:
    """Give the token of a new address; the one before stops at once. The same key twice gives
    the same token and changes nothing.

    Raises AddressGone, and Busy.
    """
    token = token_of(about, member_id, key if KEY.fullmatch(key) else new_key())
    with writing() as session:
        _stand_in_line(session, member_id)
        known = session.execute(
            select(FeedToken.revoked_at).where(FeedToken.token_hash == hashed(token))
        ).first()
        if known and known.revoked_at:
            raise AddressGone
        if not known:
            _stop(session, about, member_id, place_id, now)
            add_row(
                session,
                FeedToken,
                token_hash=hashed(token),
                member_id=member_id,
                place_id=place_id,
                created_at=now,
                **about._asdict(),
            )
    return token


@retried
def stop_address(about: About, *, member_id: int, place_id: int, now: datetime) -> None:
    """The address opens nothing any more. Stopping what is stopped changes nothing."""
    with writing() as session:
        _stand_in_line(session, member_id)
        _stop(session, about, member_id, place_id, now)


def _stand_in_line(session: Session, member_id: int) -> None:
    """One address per holder and calendar, also for two who press the button at once."""
    session.execute(select(Member.id).where(Member.id == member_id).with_for_update())


def _stop(session: Session, about: About, member_id: int, place_id: int, now: datetime) -> None:
    session.execute(
        update(FeedToken)
        .where(
            FeedToken.member_id == member_id,
            FeedToken.revoked_at.is_(None),
            FeedToken.scope == about.scope,
            or_(FeedToken.scope == Scope.MEMBER, FeedToken.place_id == place_id),
            FeedToken.category_id.is_not_distinct_from(about.category_id),
            FeedToken.machine_id.is_not_distinct_from(about.machine_id),
            FeedToken.organization_id.is_not_distinct_from(about.organization_id),
            FeedToken.pool_id.is_not_distinct_from(about.pool_id),
        )
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )


def note_use(token_id: int, used_at: datetime | None, now: datetime) -> None:
    """Remember, to the hour, that a calendar looked; the reading neither waits for it nor
    fails with it.
    """
    hour = now.replace(minute=0, second=0)
    if used_at is not None and used_at >= hour:
        return
    try:
        with writing_if_free() as connection:
            connection.execute(
                update(FeedToken).where(FeedToken.id == token_id).values(used_at=hour)
            )
    except DBAPIError as error:
        log.warning("the use of a calendar was not noted: %s", error.orig)
