"""The signed session cookie of a member: which session it is, since when, and when it ends.

The cookie is the session: nothing is stored while it lives. What ends it early is: the version
on the member's row (every device at once), and EndedSession (this one).
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app, g, session

from fablab.members.rules import Lifetime

NAMES = ("_user_id", "key", "began", "seen", "shared")


@dataclass(frozen=True)
class Session:
    """What the cookie says of the session it is."""

    key: str
    began: datetime
    seen: datetime
    is_shared: bool

    @property
    def key_hash(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()

    @property
    def ends_at(self) -> datetime:
        return self.began + lifetime(self.is_shared).absolute

    def is_over(self, now: datetime) -> bool:
        return lifetime(self.is_shared).is_over(began=self.began, seen=self.seen, now=now)


def contents(member_id: int, version: int, *, is_shared: bool, now: datetime) -> dict[str, Any]:
    """A new session, as the cookie holds it."""
    instant = int(now.timestamp())
    return {
        "_user_id": f"{member_id}.{version}",
        "key": secrets.token_urlsafe(16),
        "began": instant,
        "seen": instant,
        "shared": is_shared,
    }


def start(member_id: int, version: int, *, is_shared: bool, now: datetime) -> None:
    """Sign this browser in, in a new session: whatever it held before is dropped.

    On a shared computer the cookie goes when the browser closes.
    """
    session.clear()
    session.permanent = not is_shared
    session.update(contents(member_id, version, is_shared=is_shared, now=now))
    g.pop("_login_user", None)  # read again by whoever asks who is signed in


def current() -> Session | None:
    """The session of this request's cookie, be it over or not; None for a visitor."""
    return read(session)


def read(cookie: Mapping[str, Any]) -> Session | None:
    if not all(name in cookie for name in NAMES):
        return None
    began, seen = (datetime.fromtimestamp(cookie[name], UTC) for name in ("began", "seen"))
    return Session(cookie["key"], began, seen, cookie["shared"])


def refresh(now: datetime) -> None:
    """Note the visit in the cookie, when the last one noted is a while ago."""
    kept = current()
    if kept and lifetime(kept.is_shared).is_to_refresh(seen=kept.seen, now=now):
        session["seen"] = int(now.timestamp())


def drop() -> None:
    """Make this browser a visitor's again."""
    for name in NAMES:
        session.pop(name, None)


def lifetime(is_shared: bool) -> Lifetime:
    config = current_app.config
    if is_shared:
        return Lifetime(
            timedelta(minutes=config["SHARED_IDLE_MINUTES"]),
            timedelta(minutes=config["SHARED_ABSOLUTE_MINUTES"]),
        )
    return Lifetime(
        timedelta(days=config["SESSION_IDLE_DAYS"]), timedelta(days=config["SESSION_ABSOLUTE_DAYS"])
    )
