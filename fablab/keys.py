"""A form that is sent twice makes one thing, for that is named by what was sent."""

from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlalchemy import select
from wtforms import HiddenField

from fablab.db import db

OURS = UUID("5b0f4c52-6c1b-4d0e-9a53-0f6a1f3d7c11")


def key_field() -> HiddenField:
    """What is drawn with a form, so that it makes one thing when it is sent twice."""
    return HiddenField(default=lambda: str(uuid4()))


class AlreadyMade(Exception):
    """The same was sent before, and made `uid` then."""

    def __init__(self, uid: str) -> None:
        super().__init__(uid)
        self.uid = uid


def uid_for(key: str, by: int, *said: object) -> str:
    """The UID of what a form makes: the same for the same words of the same person under the `key`
    that was drawn with the form, and any other without one. Other words are another thing.
    """
    return str(uuid5(OURS, repr((key, by, *said)))) if key else str(uuid4())


def made_once(table: Any, uid: str) -> None:
    """Raises AlreadyMade. To be asked in a line, in which the same person stands both times."""
    if db.session.scalar(select(table.uid).where(table.uid == uid)) is not None:
        raise AlreadyMade(uid)
