"""What the pages say of somebody's arrival, and what may be said of it now, as plain values."""

from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from flask_babel import gettext as _

from fablab import texts
from fablab.booking.presence_rules import (
    EARLY,
    given_up_at,
    may_arrive,
    may_leave,
    may_undo,
    stay_of,
)
from fablab.clock import to_wall
from fablab.machines.inventory import Inventory
from fablab.slots import Slot


class Presence(NamedTuple):
    """`arrived` and `left` are hours on the wall; empty while nobody has."""

    arrived: str
    left: str
    may_arrive: bool
    may_leave: bool
    may_undo: bool  # for the team


NOT_OF_ANYBODY = Presence("", "", may_arrive=False, may_leave=False, may_undo=False)


def presence_of(row: Any, inventory: Inventory, now: datetime) -> Presence:
    """`row` has the columns of an occupancy that is a booking."""
    zone, stay = inventory.schedule.zone, stay_of(row)
    machine = inventory.by_id.get(row.machine_id)
    is_in_service = machine is not None and machine.is_in_service
    arrived, left = (
        texts.hour(at.astimezone(zone)) if at else "" for at in (stay.arrived_at, stay.left_at)
    )
    return Presence(
        arrived,
        left,
        may_arrive(stay, now=now, is_in_service=is_in_service),
        may_leave(stay, now=now),
        may_undo(stay, row.changed_at, now=now),
    )


def expectation(slot: Slot, after: timedelta, zone: tzinfo, who: str = "") -> str:
    """That one is expected, and until when the machine is kept; empty where it always is. Of `who`,
    said to somebody else.
    """
    until = given_up_at(slot, after)
    if until is None:
        return ""
    hours = {
        "since": texts.hour(to_wall(zone, slot.start - EARLY)),
        "until": texts.hour(to_wall(zone, until)),
    }
    if who:
        return _(
            "%(who)s can say that they are here from %(since)s on; at %(until)s the machine is "
            "otherwise free for the others, and the absence is noted.",
            who=who,
            **hours,
        )
    return _(
        "Say that you are here from %(since)s on; at %(until)s the machine is otherwise free for "
        "the others, and the absence is noted.",
        **hours,
    )
