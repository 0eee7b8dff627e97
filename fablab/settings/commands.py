"""The place itself: how it is reached, who it is, who sees what, how it looks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from fablab.db import NotAllowed, retried, writing
from fablab.machines.policy_commands import alone_in
from fablab.members import audit
from fablab.members.kinds import Deed, Role
from fablab.members.staff import roles_held
from fablab.places.models import Place
from fablab.seen import refuse_unseen

# What any of the team may say, and what an administrator alone may.
PARTICULARS = ("address", "email", "phone", "house_rules")
IDENTITY = ("name", "zone", "language", "names_shown", "has_public_feeds")


@retried
def set_place(
    place_id: int, asked: Mapping[str, Any], *, by: int, now: datetime, seen: str | None = None
) -> bool:
    """Say some of the place's values; what is not named stays. True when something changed.

    `seen` is the fingerprint of the values that were read before; None where nobody read any.
    Raises ChangedMeanwhile when they are others by now and would be written over, NotAllowed when
    one of them is for an administrator and they are none, NoSuch, Busy.
    """
    if not set(asked) <= set(PARTICULARS) and Role.ADMINISTRATOR not in roles_held(by, place_id):
        raise NotAllowed
    with writing() as session:
        place = held(session, place_id)
        before = {name: getattr(place, name) for name in asked}
        changed = {name for name in asked if before[name] != asked[name]}
        refuse_unseen(seen, before, asked)
        for name in changed:
            setattr(place, name, asked[name])
        if changed:
            audit.note(
                session,
                Deed.PLACE,
                place_id=place_id,
                by=by,
                now=now,
                before={name: before[name] for name in sorted(changed)},
                after={name: asked[name] for name in sorted(changed)},
            )
        return bool(changed)


@retried
def put_steps_aside(place_id: int, *, now: datetime) -> None:
    """The first steps are no longer shown by themselves. Once is enough. Raises NoSuch and Busy."""
    with writing() as session:
        place = held(session, place_id)
        place.welcomed_at = place.welcomed_at or now


def held(session: Session, place_id: int) -> Place:
    """Alone with the place: one at a time, so that the record tells what was before. NoSuch."""
    alone_in(place_id)
    return session.get_one(Place, place_id, populate_existing=True)
