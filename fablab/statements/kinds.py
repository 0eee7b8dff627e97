"""The words of usage statements. Pure, so that rules may speak of them."""

from enum import StrEnum


class Scope(StrEnum):
    """Of whom a statement is."""

    ORGANIZATION = "organization"  # what was booked on its behalf
    ACTIVITY = "activity"  # of that, what is put down to one activity account
    MEMBER = "member"  # what somebody booked for themselves
    OWNER = "owner"  # what an organization's own machines were used for


class LineKind(StrEnum):
    """What a line states."""

    USE = "use"
    LATE = "late"  # cancelled too late for somebody else to come
    MISSED = "missed"  # nobody came
    SUPPLY = "supply"  # what was used up
    COMPANY = "company"  # somebody of the team stayed with them
    CORRECTION = "correction"  # what an earlier statement said otherwise
