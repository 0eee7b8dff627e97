"""What is done about a fault: somebody reports it, somebody else looks, it is mended."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.orm import Session

from fablab.db import add_row, retried, writing
from fablab.keys import made_once, uid_for
from fablab.machines.commands import stand_in_line
from fablab.machines.inventory import MachineFacts
from fablab.machines.kinds import MachineState
from fablab.machines.models import Machine
from fablab.members import staff
from fablab.upkeep import letters, logbook, queries, rules, stopping
from fablab.upkeep.kinds import CLOSED, EntryKind, FaultState
from fablab.upkeep.models import Fault
from fablab.upkeep.rules import Found
from fablab.upkeep.stopping import Choices

A_DAY = timedelta(days=1)


class TooMany(Exception):
    """They have reported as many faults today as anybody may."""


class AlreadyOver(Exception):
    """The fault was closed meanwhile."""


class ChangedMeanwhile(Exception):
    """Somebody else has looked at it since the page was drawn."""


@dataclass(frozen=True, slots=True)
class Report:
    what: str
    is_usable: bool
    photo: str | None = None  # a file name in the instance's media folder


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody found; `said` is read by everybody when it restricts or stops the machine."""

    state: FaultState
    said: str = ""
    back_on: date | None = None
    part: str = ""
    cents: int | None = None


@retried
def report(
    machine: MachineFacts, told: Report, *, place_id: int, by: int, now: datetime, key: str = ""
) -> str:
    """Write the fault down and tell who looks after the machine; its UID.

    Nothing changes for the machine: that is for somebody who knows it to decide. Counted in the
    reporter's own line, where two at once see each other. Raises AlreadyMade, TooMany, and Busy.
    """
    uid = uid_for(key, by, machine.id, told.what, told.is_usable)
    with writing() as session:
        staff.stand_in_line(session, by)
        made_once(Fault, uid)
        if queries.reported_since(by, now - A_DAY) >= rules.REPORTS_A_DAY:
            raise TooMany
        fault_id = add_row(
            session,
            Fault,
            uid=uid,
            machine_id=machine.id,
            reported_at=now,
            reported_by_id=by,
            what=told.what,
            is_usable=told.is_usable,
            photo=told.photo,
            state=FaultState.REPORTED,
            said="",
            revision=0,
        )
        logbook.enter(
            session, machine.id, EntryKind.FAULT, told.what, by=by, now=now, fault_id=fault_id
        )
        letters.reported(session, machine, told, uid, place_id=place_id, by=by, now=now)
    return uid


@retried
def decide(
    uid: str,
    verdict: Verdict,
    choices: Choices = MappingProxyType({}),
    *,
    by: int,
    now: datetime,
    revision: int | None = None,
) -> None:
    """Say what the fault is, or that it is over; the machine follows.

    `choices` are for the bookings it lets down, `revision` is the one that the page was drawn for.
    Raises AlreadyOver, ChangedMeanwhile, what `stopping.set_state` does, NoSuch (no such fault, or
    its machine is retired), and Busy.
    """
    here = queries.fault(uid)
    with stopping.moving(choices) as (session, targets):
        stand_in_line(session, here.machine_id, *targets)
        fault = queries.fault(uid)
        if not rules.may_become(fault.state, verdict.state):
            raise AlreadyOver
        if revision not in (None, fault.revision):
            raise ChangedMeanwhile
        _write(session, fault, verdict, by=by, now=now)
        _move_the_machine(session, fault, verdict, choices, by=by, now=now)
        kind = EntryKind.REPAIR if verdict.state is FaultState.REPAIRED else EntryKind.FINDING
        more = {"part": verdict.part, "cents": verdict.cents, "fault_id": fault.id}
        logbook.enter(session, fault.machine_id, kind, verdict.said, by=by, now=now, **more)
        letters.sorted_out(session, fault, verdict, by=by, now=now)


def _write(session: Session, fault: Row[Any], verdict: Verdict, *, by: int, now: datetime) -> None:
    session.execute(
        update(Fault.__table__)
        .where(Fault.__table__.c.id == fault.id)
        .values(
            state=verdict.state,
            said=verdict.said,
            sorted_at=now,
            sorted_by_id=by,
            closed_at=now if verdict.state in CLOSED else None,
            revision=fault.revision + 1,
        )
    )


def _move_the_machine(
    session: Session,
    fault: Row[Any],
    verdict: Verdict,
    choices: Choices,
    *,
    by: int,
    now: datetime,
) -> None:
    """Its state, and what its users must heed: of all its open faults together."""
    machine = session.get(Machine, fault.machine_id, populate_existing=True)
    assert machine is not None
    others = queries.others_on(machine.id, fault.id)
    machine.restriction = rules.restriction([*others, Found(verdict.state, verdict.said)])
    session.flush()
    if verdict.state in rules.STATE_OF:
        state, why, back_on = rules.STATE_OF[verdict.state], verdict.said, verdict.back_on
    elif rules.returns_to_service(fault.state, verdict.state, others, machine.state):
        state, why, back_on = MachineState.IN_SERVICE, "", None
    else:
        return
    stopping.put_away(
        session, machine.id, machine.place_id, state, why, back_on, choices, by=by, now=now
    )
