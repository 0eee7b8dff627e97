"""Slowing down whoever guesses passwords: per account and per network address."""

import hashlib
import hmac
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fablab.db import add_row, db, writing
from fablab.members.models import SignInFailure

FREE = 5  # failures before one has to wait
DAILY = 25  # failures in 24 hours after which an account's password no longer opens it
PER_ADDRESS = 100  # failures in 24 hours from one network address: a workshop shares one
DAY = timedelta(days=1)
LONGEST_WAIT = timedelta(minutes=15)


def wait_for(email: str, address: str, now: datetime) -> timedelta:
    """How long until the next try is listened to; zero for at once.

    1, 2, 4… seconds after the sixth failure and on, up to 15 minutes; until the 25th failure
    is a day old. A reset by mail wipes the account's slate: the owner keeps a way in.
    """
    account = _failures(SignInFailure.account == key_of(email), now)
    network = _failures(SignInFailure.address == address, now)
    return max(
        _wait(*account, limit=DAILY, free=FREE, now=now),
        _wait(*network, limit=PER_ADDRESS, free=PER_ADDRESS // 2, now=now),
    )


def _failures(whose: object, now: datetime) -> tuple[int, datetime | None, datetime | None]:
    row = db.session.execute(
        select(
            func.count(SignInFailure.id),
            func.min(SignInFailure.failed_at),
            func.max(SignInFailure.failed_at),
        ).where(whose, SignInFailure.failed_at > now - DAY)  # type: ignore[arg-type]
    ).one()
    return row[0], row[1], row[2]


def _wait(
    count: int,
    first: datetime | None,
    last: datetime | None,
    *,
    limit: int,
    free: int,
    now: datetime,
) -> timedelta:
    if first is None or last is None or count < free:
        return timedelta(0)
    if count >= limit:
        return first + DAY - now
    pause = min(timedelta(seconds=2 ** min(count - free, 12)), LONGEST_WAIT)
    return max(last + pause - now, timedelta(0))


def note(email: str, address: str, now: datetime) -> None:
    with writing() as session:
        add_row(session, SignInFailure, account=key_of(email), address=address[:64], failed_at=now)


def forget(session: Session, email: str) -> None:
    """Wipe the account's slate, after a right password or a reset by mail."""
    session.execute(SignInFailure.__table__.delete().where(SignInFailure.account == key_of(email)))


def key_of(email: str) -> str:
    """A keyed hash of what was typed: the table tells nobody which addresses were tried."""
    secret = current_app.config["SECRET_KEY"].encode()
    return hmac.new(secret, email.casefold().encode(), hashlib.sha256).hexdigest()
