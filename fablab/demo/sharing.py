"""Days on which the owner of a machine needs it, in the demonstration."""

from datetime import time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from fablab.clock import from_wall, today
from fablab.db import add_rows
from fablab.demo.stage import Stage
from fablab.machines.agreement_models import OwnerOutage
from fablab.machines.commands import withdraw_all
from fablab.slots import Slot
from fablab.upkeep import stopping

LOOKED_THROUGH = 15  # days, for one on which an owner's machine is free
FROM, TO = time(9), time(18)


def be_away(session: Session, told: dict[str, Any], stage: Stage) -> None:
    """The days told on which an owner needs the machine: the first from then on that is free."""
    for one in told["agreement"]:
        if "absence" not in one:
            continue
        [slug] = stage.units[one["machine"]]
        machine, zone, now = stage.machines[slug], stage.schedule.zone, stage.loading.now
        first = today(zone, now) + timedelta(days=one["absence"]["after_days"])
        days = (first + timedelta(days=n) for n in range(LOOKED_THROUGH))
        spans = (Slot(from_wall(zone, day, FROM), from_wall(zone, day, TO)) for day in days)
        span = next((each for each in spans if not stopping.in_the_way(machine.id, each)), None)
        if span is None:
            continue
        wanted = [(machine.id, span, one["absence"]["why"])]
        [uid] = withdraw_all(session, wanted, by=None, now=now)
        row = {"outage_uid": uid, "owner_id": machine.owner_id, "declared_at": now}
        add_rows(session, OwnerOutage, [row])
