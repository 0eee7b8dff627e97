"""The words the tariffs' columns hold. Pure, so that rules may speak of them."""

from enum import StrEnum


class Unit(StrEnum):
    """What a price is for."""

    HOUR = "hour"
    FLAT = "flat"  # a booking, however long: a firing
    DAY = "day"  # on the place's calendar; one that has begun counts


class Outcome(StrEnum):
    """What became of a booking, as far as amounts go."""

    USED = "used"
    LATE = "late"  # cancelled too late for somebody else to come
    MISSED = "missed"  # nobody came
