"""The words the trainings' columns hold. Pure, so that rules may speak of them."""

from enum import StrEnum


class SessionState(StrEnum):
    PLANNED = "planned"
    HELD = "held"  # attendance is noted
    CANCELLED = "cancelled"


class Seating(StrEnum):
    """Where a member stands in a session."""

    SEATED = "seated"
    WAITING = "waiting"  # for a seat
    LEFT = "left"  # gave it back
    ATTENDED = "attended"
    ABSENT = "absent"
