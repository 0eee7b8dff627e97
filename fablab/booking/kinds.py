"""The words the bookings' columns hold. Pure, so that rules may speak of them."""

from enum import StrEnum


class ConsentKind(StrEnum):
    """Whose yes a booking waits for."""

    TEAM = "team"
    OWNER = "owner"  # of the machine
    BUDDY = "buddy"  # whoever is named to be there as well
    COMPANY = "company"  # of the team: somebody accompanies a beginner
    MEMBER = "member"  # whom a free place was offered


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    TAKEN_BACK = "taken_back"  # a yes that is one no longer


class WaitEnd(StrEnum):
    """How somebody's waiting ended."""

    BOOKED = "booked"
    DECLINED = "declined"
    LAPSED = "lapsed"  # the offer was not answered in time
    GIVEN_UP = "given_up"
    OVER = "over"  # the time waited for has come


class HandoverEnd(StrEnum):
    """How the offer of a booking to somebody else ended."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"  # it was not answered in time
    TAKEN_BACK = "taken_back"
    OVER = "over"  # there was nothing left to hand over
