"""The words the machines' columns hold. Pure, so that rules may speak of them."""

from enum import StrEnum


class RiskClass(StrEnum):
    A = "A"  # free
    B = "B"  # one initiation
    C = "C"  # a valid qualification, continuous presence
    D = "D"  # dangerous: supervised, or level 3 with a buddy; never alone; adults only


class MachineState(StrEnum):
    IN_SERVICE = "in_service"
    OUT_OF_SERVICE = "out_of_service"
    LOCKED_OUT = "locked_out"  # secured by a padlock: nobody may even switch it on
    RETIRED = "retired"


class OccupancyKind(StrEnum):
    BOOKING = "booking"
    OUTAGE = "outage"
    SESSION = "session"  # a training held on the machine


class Status(StrEnum):
    CONFIRMED = "confirmed"
    PENDING = "pending"  # awaiting an answer; occupies the machine meanwhile
    CANCELLED = "cancelled"
    MISSED = "missed"  # nobody came; the machine was released


STANDING = (Status.CONFIRMED, Status.PENDING)


class Approval(StrEnum):
    """Which bookings of a machine somebody of the team must agree to."""

    NEVER = "never"
    FIRST = "first"  # of each member on the machine
    ALWAYS = "always"


class Silence(StrEnum):
    """What it means when the owner of a machine does not answer in time."""

    LAPSES = "lapses"  # the booking ends
    AGREES = "agrees"


class InCharge(StrEnum):
    """Who insures a machine that is shared, or maintains it."""

    OWNER = "owner"
    PLACE = "place"
    BOTH = "both"
