"""What is not quite right with the machines of the demonstration."""

from collections.abc import Sequence
from datetime import time, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from fablab.clock import today
from fablab.db import add_row
from fablab.demo.people import Player
from fablab.demo.stage import Stage
from fablab.upkeep import logbook, maintenance
from fablab.upkeep.kinds import EntryKind, FaultState, Unit
from fablab.upkeep.maintenance import Plan
from fablab.upkeep.maintenance_rules import Rhythm
from fablab.upkeep.models import Fault

HOURS, A_DAY = timedelta(hours=1), timedelta(days=1)


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


def note(session: Session, told: dict[str, Any], stage: Stage, players: Sequence[Player]) -> None:
    """The lines of the logbooks told."""
    people = {player.key: player.member_id for player in players}
    for one in told["log"]:
        logbook.enter(
            session,
            stage.machines[one["machine"]].id,
            EntryKind(one["kind"]),
            one["said"],
            by=people[one["by"]],
            now=stage.loading.now - one["days_ago"] * A_DAY,
            part=one.get("part", ""),
            cents=one.get("cents"),
        )


def plan(session: Session, told: dict[str, Any], stage: Stage, players: Sequence[Player]) -> None:
    """The regular maintenance told, from the day after the loading."""
    people = {player.key: player.member_id for player in players}
    for one in told["maintenance"]:
        wanted = Plan(
            one["title"],
            Rhythm(one["every"], Unit(one["unit"]), one.get("weekday")),
            today(stage.schedule.zone, stage.loading.now) + A_DAY,
            time.fromisoformat(one["at"]),
            timedelta(minutes=one["minutes"]),
            one.get("work", ""),
        )
        maintenance.write(
            session,
            stage.machines[one["machine"]].id,
            stage.place_id,
            wanted,
            by=people[one["by"]],
            now=stage.loading.now,
        )
