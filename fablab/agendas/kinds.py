"""What may be done with a calendar that was read. Pure, so that rules may speak of it."""

from enum import StrEnum


class WholeDays(StrEnum):
    """What the events of whole days do."""

    CLOSE = "close"  # the place
    TAKE = "take"  # the machines, from midnight to midnight
    NOTHING = "nothing"
