"""Some of last month's usage statements of the demonstration, closed; nobody is written to."""

from collections.abc import Sequence
from datetime import time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from fablab.clock import from_wall
from fablab.demo.people import Player
from fablab.demo.stage import Loading, Stage
from fablab.machines.inventory import of_place
from fablab.organizations.models import Organization
from fablab.statements import canon, queries
from fablab.statements.commands import keep, why_not
from fablab.statements.gathering import account_of
from fablab.statements.kinds import Scope
from fablab.statements.rules import Period

IN_THE_MORNING = time(9)


def close(session: Session, told: dict[str, Any], stage: Stage, players: Sequence[Player]) -> None:
    """Those told of which there is something to state, on the first morning of this month."""
    inventory, loading = of_place(place_id=stage.place_id), stage.loading
    period = last_month(loading)
    morning = from_wall(loading.zone, period.last + timedelta(days=1), IN_THE_MORNING)
    now = min(morning, loading.now)
    by = players[0].member_id  # of the team
    for one in told["statement"]:
        row = session.get_one(Organization, stage.organizations[one["organization"]])
        subject = queries.subject(
            Scope(one["scope"]), row.slug, one.get("activity", ""), stage.place_id
        )
        assert subject
        account = account_of(subject, period, inventory, now)
        if why_not(account, period, loading.today):
            continue
        content = canon.content(subject, period, account, place=inventory.place, closed_at=now)
        keep(session, subject, period, account, canon.written(content), by=by, now=now)


def last_month(loading: Loading) -> Period:
    last = loading.today.replace(day=1) - timedelta(days=1)
    return Period(last.replace(day=1), last)
