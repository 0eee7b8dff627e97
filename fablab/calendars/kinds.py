"""The words the feeds' columns hold. Pure, so that rules may speak of them."""

from enum import StrEnum
from typing import NamedTuple


class Scope(StrEnum):
    """What a calendar shows."""

    DAY = "day"  # the place's day for the team, with names
    PLACE = "place"
    CATEGORY = "category"
    MACHINE = "machine"  # when it is busy, nothing else
    POOL = "pool"  # of interchangeable machines
    ORGANIZATION = "organization"
    TRAININGS = "trainings"  # the sessions of the place
    MEMBER = "member"  # one's own bookings and sessions, in every place


class About(NamedTuple):
    """What an address opens, in the place it was made for."""

    scope: Scope
    category_id: int | None = None
    machine_id: int | None = None
    organization_id: int | None = None
    pool_id: int | None = None
