"""What is not quite right with the machines of the demonstration."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from fablab.db import add_row
from fablab.demo.people import Player
from fablab.demo.stage import Stage
from fablab.upkeep import logbook
from fablab.upkeep.kinds import EntryKind, FaultState
from fablab.upkeep.models import Fault

HOURS = timedelta(hours=1)


def report(session: Session, told: dict[str, Any], stage: Stage, players: Sequence[Player]) -> None:
    """The faults told, with their line in the logbook."""
    people = {player.key: player.member_id for player in players}
    for one in told["fault"]:
        machine, by = stage.machines[one["machine"]], people[one["by"]]
        at = stage.loading.now - one["hours_ago"] * HOURS
        fault_id = add_row(
            session,
            Fault,
            uid=str(uuid4()),
            machine_id=machine.id,
            reported_at=at,
            reported_by_id=by,
            what=one["what"],
            is_usable=True,
            state=FaultState.REPORTED,
            said="",
            revision=0,
        )
        logbook.enter(
            session, machine.id, EntryKind.FAULT, one["what"], by=by, now=at, fault_id=fault_id
        )
