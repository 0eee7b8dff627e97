"""What follows from the faults of a machine."""

import pytest

from fablab.machines.kinds import MachineState
from fablab.upkeep.kinds import FaultState
from fablab.upkeep.rules import Found, may_become, restriction, returns_to_service

OUT, IN = MachineState.OUT_OF_SERVICE, MachineState.IN_SERVICE


def test_users_heed_the_sentences_of_all_that_restricts_and_of_nothing_else():
    found = [
        Found(FaultState.RESTRICTED, "No thick wood."),
        Found(FaultState.NOTED, "It squeaks."),
        Found(FaultState.STOPPED, "The belt."),
        Found(FaultState.RESTRICTED, "Half speed."),
    ]

    assert restriction(found) == "No thick wood. Half speed."


@pytest.mark.parametrize(
    ("before", "after", "others", "machine", "returns"),
    [
        (FaultState.STOPPED, FaultState.REPAIRED, [], OUT, True),
        (FaultState.STOPPED, FaultState.RESTRICTED, [], OUT, True),
        (FaultState.LOCKED, FaultState.DISMISSED, [], MachineState.LOCKED_OUT, True),
        (FaultState.STOPPED, FaultState.LOCKED, [], OUT, False),
        (FaultState.STOPPED, FaultState.REPAIRED, [Found(FaultState.NOTED)], OUT, True),
        (FaultState.STOPPED, FaultState.REPAIRED, [Found(FaultState.LOCKED)], OUT, False),
        # It was the team, and not this fault, that stopped it; or it was put back by hand.
        (FaultState.NOTED, FaultState.REPAIRED, [], OUT, False),
        (FaultState.STOPPED, FaultState.REPAIRED, [], IN, False),
        (FaultState.STOPPED, FaultState.REPAIRED, [], MachineState.RETIRED, False),
    ],
)
def test_a_machine_comes_back_with_the_last_fault_that_stopped_it(
    before, after, others, machine, returns
):
    assert returns_to_service(before, after, others, machine) is returns


def test_what_is_over_stays_so():
    assert not may_become(FaultState.REPAIRED, FaultState.NOTED)
    assert not may_become(FaultState.DISMISSED, FaultState.STOPPED)
    assert not may_become(FaultState.NOTED, FaultState.REPORTED)
    assert may_become(FaultState.REPORTED, FaultState.REPAIRED)
