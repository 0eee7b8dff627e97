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


class NoticeKind(StrEnum):
    """What a member is to be told of a session."""

    REGISTERED = "registered"  # has a seat, or waits for one
    SEAT = "seat"  # came free for them who waited
    GIVING = "giving"  # is to give it
    CHANGED = "changed"  # its hours or where it is
    CANCELLED = "cancelled"
    LEFT = "left"  # has given a seat, or a place in the waiting list, back
    REPLACED = "replaced"  # is not to give it any more
