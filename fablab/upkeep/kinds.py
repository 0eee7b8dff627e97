"""The words the upkeep's columns hold. Pure, so that rules may speak of them."""

from enum import StrEnum


class FaultState(StrEnum):
    """How a fault stands: reported, then sorted, then over."""

    REPORTED = "reported"
    NOTED = "noted"  # the machine goes on
    RESTRICTED = "restricted"  # it goes on as long as its users heed a sentence
    STOPPED = "out_of_service"
    LOCKED = "locked_out"
    REPAIRED = "repaired"
    DISMISSED = "dismissed"  # it was nothing


STOPPING = (FaultState.STOPPED, FaultState.LOCKED)
CLOSED = (FaultState.REPAIRED, FaultState.DISMISSED)
OPEN = tuple(state for state in FaultState if state not in CLOSED)
# What somebody may find when they look at one.
VERDICTS = (
    FaultState.NOTED,
    FaultState.RESTRICTED,
    FaultState.STOPPED,
    FaultState.LOCKED,
    FaultState.DISMISSED,
)


class Unit(StrEnum):
    """What the time between two maintenances is counted in."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


class EntryKind(StrEnum):
    """What an entry of a logbook is about."""

    FAULT = "fault"  # reported
    FINDING = "finding"  # what was found when it was looked at
    REPAIR = "repair"
    MAINTENANCE = "maintenance"
    PART = "part"
    DOCUMENT = "document"
    NOTE = "note"
    CORRECTION = "correction"  # of an earlier entry, which stays
    STOP = "stop"  # put out of service without a fault
    RETURN = "return"  # and back
