"""What follows from the faults of a machine. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from fablab.machines.kinds import MachineState
from fablab.upkeep.kinds import CLOSED, STOPPING, FaultState

REPORTS_A_DAY = 10  # by one person

STATE_OF = {
    FaultState.STOPPED: MachineState.OUT_OF_SERVICE,
    FaultState.LOCKED: MachineState.LOCKED_OUT,
}


class Found(NamedTuple):
    """How a fault of the machine stands, and what whoever sorted it says."""

    state: FaultState
    said: str = ""


def restriction(faults: Iterable[Found]) -> str:
    """What users of the machine must heed: the sentences of the faults that restrict it."""
    return " ".join(fault.said for fault in faults if fault.state is FaultState.RESTRICTED)


def returns_to_service(
    before: FaultState, after: FaultState, others: Iterable[Found], machine: MachineState
) -> bool:
    """Does the machine come back with this verdict? It was this fault that stopped it, and no
    other one still does.
    """
    is_stopped = machine in STATE_OF.values()
    others_stop = any(fault.state in STOPPING for fault in others)
    return is_stopped and before in STOPPING and after not in STOPPING and not others_stop


def may_become(before: FaultState, after: FaultState) -> bool:
    """Once it is over it stays so: what comes back is reported anew."""
    return before not in CLOSED and after is not FaultState.REPORTED
