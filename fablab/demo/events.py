"""An event that a calendar of the place brought: a school rents the benches for an afternoon."""

from collections.abc import Sequence
from datetime import date, time
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab.agendas.models import Agenda, AgendaEntry
from fablab.clock import from_wall
from fablab.db import add_row
from fablab.demo.diary import Entry
from fablab.demo.stage import Stage
from fablab.machines.commands import withdraw_all
from fablab.members.demonstration import ACCOUNTS
from fablab.members.models import Member
from fablab.places.kinds import Mode
from fablab.slots import Slot

WHERE, NAME, WHY = "m23", "location.ics", "Lycée de la Filature, visite et atelier"
EVENT = "location@usines.example"
SEARCHED = 14  # days


def rent(session: Session, stage: Stage, entries: Sequence[Entry]) -> None:
    """On the first afternoon to come on which nobody has the benches."""
    machine, now = stage.machines[WHERE], stage.loading.now
    taken = [entry.whole for entry in entries if entry.is_standing and entry.machine is machine]
    days = (stage.loading.from_today(n) for n in range(1, SEARCHED))
    free = (span for day in days if (span := afternoon(stage, day)) and not clashes(span, taken))
    span = next(free, None)
    if span is None:
        return
    by = session.scalars(select(Member.id).where(Member.email == ACCOUNTS[0][0])).one()
    (outage,) = withdraw_all(session, [(machine.id, span, WHY)], by=by, now=now)
    agenda_id = add_row(
        session,
        Agenda,
        uid=str(uuid4()),
        place_id=stage.place_id,
        name=NAME,
        applied_at=now,
        applied_by_id=by,
        cancelled=[],
        stayed=[],
    )
    add_row(
        session,
        AgendaEntry,
        agenda_id=agenda_id,
        event_uid=EVENT,
        outage_uid=outage,
    )


def afternoon(stage: Stage, day: date) -> Slot | None:
    """From two to four, where the place is open all that time."""
    zone = stage.loading.zone
    span = Slot(from_wall(zone, day, time(14)), from_wall(zone, day, time(16)))
    is_open = any(opening.covers(span) for opening in stage.schedule.open_time(day, day, set(Mode)))
    return span if is_open else None


def clashes(span: Slot, taken: Sequence[Slot]) -> bool:
    return any(span.overlaps(other) for other in taken)
