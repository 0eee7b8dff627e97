"""The words the place's columns hold. Pure, so that rules may speak of them."""

from enum import StrEnum


class Mode(StrEnum):
    """How a stretch of opening is looked after."""

    SUPERVISED = "supervised"  # a fabmanager or a named referent is there
    RESIDENT = "resident"  # by badge, nobody in charge
    NIGHT = "night"  # nobody in the workshop; machines that may run alone


class NamesShown(StrEnum):
    """Who reads on the planning which person holds a slot."""

    EVERYONE = "everyone"
    MEMBERS = "members"
    NOBODY = "nobody"  # but the team, who must know


class WallNames(StrEnum):
    """How people are called on a wall that anybody may stand before."""

    FIRST_NAMES = "first_names"
    ORGANIZATIONS = "organizations"  # and nobody who came for themselves
    NOBODY = "nobody"


class Charged(StrEnum):
    """The time that amounts are made of."""

    BOOKED = "booked"
    REAL = "real"  # from arriving to leaving, where both are known; else what was booked
