"""Slowing down whoever guesses passwords, or has us write mails: per account and per network.

Counted in the database: every process and every node counts together, and a restart forgets
nothing.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.db import add_row, retried, writing
from fablab.members import rules
from fablab.members.kinds import AttemptKind
from fablab.members.models import Attempt

LIMITS = {
    AttemptKind.SIGN_IN: (rules.GUESSES, rules.GUESSES_OF_A_NETWORK),
    AttemptKind.MAIL: (rules.MAILS, rules.MAILS_OF_A_NETWORK),
    AttemptKind.RESET: (rules.MAILS, rules.MAILS_OF_A_NETWORK),
}


class TooMany(Exception):
    """The try was not listened to, nor counted; the next one will be after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"wait {wait}")
        self.wait = wait


def admit(kind: AttemptKind, email: str, address: str, now: datetime) -> None:
    """Count a try, or raise TooMany.

    Counted before its outcome is known: of a hundred tries at once, all would be let in
    otherwise. A right password wipes the count.
    """
    account, network = key_of(email), network_of(address)
    while True:
        try:
            return _admit(kind, account, network, now)
        except IntegrityError:
            continue  # another one for the same account was a moment faster: it counts too


@retried
def _admit(kind: AttemptKind, account: str, network: str, now: datetime) -> None:
    for_account, for_network = LIMITS[kind]
    with writing() as session:
        mine = _tries(session, kind, Attempt.account == account, now)
        all_here = _tries(session, kind, Attempt.network == network, now)
        wait = max(
            limit.wait(tries.count, tries.oldest, tries.newest, now=now)
            for limit, tries in ((for_account, mine), (for_network, all_here))
        )
        if wait:
            raise TooMany(wait)
        add_row(
            session,
            Attempt,
            kind=kind,
            account=account,
            number=(mine.last or 0) + 1,
            network=network,
            made_at=now,
        )


def _tries(session: Session, kind: AttemptKind, whose: ColumnElement[bool], now: datetime) -> Any:
    """Those of the last 24 hours, and the number of the last one. Tries in the future, left by a
    clock that was wrong, do not count.
    """
    lately = and_(Attempt.made_at > now - rules.DAY, Attempt.made_at <= now)
    return session.execute(
        select(
            func.count(Attempt.id).filter(lately).label("count"),
            func.min(Attempt.made_at).filter(lately).label("oldest"),
            func.max(Attempt.made_at).filter(lately).label("newest"),
            func.max(Attempt.number).label("last"),
        ).where(Attempt.kind == kind, whose)
    ).one()


def forget(session: Session, email: str) -> None:
    """Wipe the account's tries to sign in: after a right password, or one chosen by mail."""
    session.execute(
        delete(Attempt).where(Attempt.kind == AttemptKind.SIGN_IN, Attempt.account == key_of(email))
    )


def tidy(session: Session, now: datetime) -> None:
    session.execute(delete(Attempt).where(Attempt.made_at < now - rules.DAY))


def key_of(email: str) -> str:
    """A keyed hash of what was typed: the table tells nobody which addresses were tried."""
    secret = current_app.config["SECRET_KEY"].encode()
    return hmac.new(secret, email.strip().casefold().encode(), hashlib.sha256).hexdigest()


def member(member_id: int) -> str:
    """In the place of a network address, for what only a signed-in member can ask for: they are
    slowed down by themselves, wherever they are, and nobody beside them in the same workshop.
    """
    return f"member {member_id}"


def network_of(address: str) -> str:
    """Whom a network address stands for: itself, or the /64 that one IPv6 customer gets whole."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> 64 << 64)}/64"
