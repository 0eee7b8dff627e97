"""A no in words: the name of the rule that says it, and what follows from each. Pure.

A sentence is an English msgid with named values, translated where it is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fablab.words import N_


class Reason(StrEnum):
    """The name of the rule that says no."""

    PAST = "past"
    NO_MEMBERSHIP = "no_membership"
    MEMBERSHIP_EXPIRED = "membership_expired"
    SUSPENDED = "suspended"
    MARKED = "marked"
    TOO_YOUNG = "too_young"
    NO_GUARDIAN = "no_guardian"
    NOT_OPEN_TO_YOU = "not_open_to_you"
    OUT_OF_SERVICE = "out_of_service"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    OFF_STEP = "off_step"
    NOT_WHOLE_DAYS = "not_whole_days"
    TOO_LATE = "too_late"
    TOO_FAR = "too_far"
    CLOSED_DAY = "closed_day"
    CLOSED = "closed"
    UNQUALIFIED = "unqualified"
    LEVEL_TOO_LOW = "level_too_low"
    NOT_VALID_THEN = "not_valid_then"
    NOT_ALONE = "not_alone"
    NO_BUDDY = "no_buddy"
    NOT_READ = "not_read"
    NOT_YOUR_ORGANIZATION = "not_your_organization"
    QUOTA_MACHINE = "quota_machine"
    QUOTA_CATEGORY = "quota_category"
    QUOTA_RISKY = "quota_risky"
    WEEKLY_BOOKINGS = "weekly_bookings"
    BOOKINGS_AHEAD = "bookings_ahead"
    TWO_AT_ONCE = "two_at_once"
    TOO_MANY_UNITS = "too_many_units"
    TAKEN = "taken"
    RESOURCE_FULL = "resource_full"
    OUTAGE = "outage"
    NOT_SHARED_THEN = "not_shared_then"
    NOT_SHARED_WITH_YOU = "not_shared_with_you"
    OWNER_FIRST = "owner_first"
    NOT_INSURED = "not_insured"


# No other slot of the machine would lift these: what stands in the way is no matter of time.
HOPELESS = frozenset(
    {
        Reason.NO_MEMBERSHIP,
        Reason.SUSPENDED,
        Reason.MARKED,
        Reason.TOO_YOUNG,
        Reason.NO_GUARDIAN,
        Reason.NOT_OPEN_TO_YOU,
        Reason.NOT_SHARED_WITH_YOU,
        Reason.OUT_OF_SERVICE,
        Reason.UNQUALIFIED,
        Reason.BOOKINGS_AHEAD,
    }
)

# The slot is, or was just, taken: by somebody on the machine, or on what it shares.
TAKEN = frozenset({Reason.TAKEN, Reason.RESOURCE_FULL})

# Nobody sets these aside: what the database guards, what has begun, who does not exist here.
NEVER_OVERRIDDEN = frozenset(
    {
        Reason.PAST,
        Reason.NO_MEMBERSHIP,
        Reason.NOT_YOUR_ORGANIZATION,
        Reason.TAKEN,
        Reason.RESOURCE_FULL,
        Reason.OUTAGE,
    }
)


# What else the member has booked is why: to cancel or move some of it lifts these.
OWN_BOOKINGS = frozenset(
    {
        Reason.QUOTA_MACHINE,
        Reason.QUOTA_CATEGORY,
        Reason.QUOTA_RISKY,
        Reason.WEEKLY_BOOKINGS,
        Reason.BOOKINGS_AHEAD,
        Reason.TWO_AT_ONCE,
        Reason.TOO_MANY_UNITS,
    }
)

# A training is what lifts these.
FOR_A_TRAINING = frozenset({Reason.UNQUALIFIED, Reason.LEVEL_TOO_LOW, Reason.NOT_VALID_THEN})

# What only the team can lift: the next step is to talk to them.
FOR_THE_TEAM = frozenset(
    {
        Reason.NO_MEMBERSHIP,
        Reason.MEMBERSHIP_EXPIRED,
        Reason.SUSPENDED,
        Reason.MARKED,
        Reason.TOO_YOUNG,
        Reason.NO_GUARDIAN,
        Reason.NOT_OPEN_TO_YOU,
        Reason.NOT_SHARED_WITH_YOU,
        Reason.NOT_INSURED,
        Reason.UNQUALIFIED,
        Reason.LEVEL_TOO_LOW,
        Reason.NOT_VALID_THEN,
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason to refuse: what is wrong, and why the rule exists or what to do about it.

    `values` fill the named places of both sentences; durations, days and instants among them
    are written out in the reader's language and on the place's clock.
    """

    reason: Reason
    sentence: str
    advice: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    own_uid: str = ""  # of the member's own booking that stands in the way


# What is set aside, by the name of the rule.
OVERRIDES = {
    "too_short": N_("Shorter than the shortest booking"),
    "too_long": N_("Longer than the longest booking"),
    "off_step": N_("Off the steps"),
    "not_whole_days": N_("Not whole days"),
    "too_late": N_("Without the notice"),
    "too_far": N_("Too many days ahead"),
    "closed": N_("Outside the hours"),
    "closed_day": N_("On a day off"),
    "quota_machine": N_("Over the machine's hours of the week"),
    "quota_category": N_("Over the category's hours of the week"),
    "quota_risky": N_("Over the hours of the week on risky machines"),
    "weekly_bookings": N_("Too many bookings in the week"),
    "bookings_ahead": N_("Too many bookings ahead"),
    "two_at_once": N_("Two machines at once"),
    "too_many_units": N_("Too many machines of a pool"),
    "suspended": N_("A suspended member"),
    "marked": N_("A member with too many marks"),
}
