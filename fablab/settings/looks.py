"""The colours and the logo of the place: kept, and given to every page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fablab.db import NotAllowed, db
from fablab.machines import files, photos
from fablab.machines.photos import Shape
from fablab.members.kinds import Role
from fablab.members.staff import roles_held
from fablab.places.models import Place
from fablab.settings.commands import set_place

# As large as the mark in the header is on a fine screen; on a phone half of it.
OF_LOGO = Shape((480, 160), (240, 80), is_cut=False, weight=30_000, least=64)


def set_look(
    place_id: int,
    colours: Mapping[str, str],
    *,
    content: bytes,
    is_without_logo: bool,
    by: int,
    now: datetime,
    seen: str | None = None,
) -> None:
    """Say the colours; `content` is another logo, nothing leaves the one there is. `seen` is the
    fingerprint of the colours that were read.

    Raises NotTaken, ChangedMeanwhile, NotAllowed to whoever is no administrator, NoSuch, Busy.
    """
    if Role.ADMINISTRATOR not in roles_held(by, place_id):
        raise NotAllowed  # before a picture is read for them
    asked: dict[str, Any] = dict(colours)
    before = db.session.get_one(Place, place_id, populate_existing=True).logo
    if content:
        asked["logo"] = photos.take(content, OF_LOGO)
    elif is_without_logo:
        asked["logo"] = None
    with files.taken(asked.get("logo")):
        set_place(place_id, asked, by=by, now=now, seen=seen)
    if "logo" in asked:
        photos.forget(before)
