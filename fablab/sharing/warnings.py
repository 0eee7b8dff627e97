"""Telling owners and the team in time that the insurance of a shared machine ends."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from fablab import clock
from fablab.db import add_row, db, retried, writing
from fablab.machines.agreement_models import InsuranceWarning
from fablab.places.models import Place
from fablab.sharing import letters, queries
from fablab.sharing.rules import warning_due


def warn(now: datetime) -> None:
    """Write to those concerned, once for each warning of each end."""
    places = db.session.execute(select(Place.id, Place.zone)).all()
    late = [place for place in places if due_in(place.id, ZoneInfo(place.zone), now)]
    db.session.rollback()
    for place in late:
        warn_in(place.id, ZoneInfo(place.zone), now)


@retried
def warn_in(place_id: int, zone: ZoneInfo, now: datetime) -> None:
    """Each mail with its own record that it was promised; one runner at a time."""
    with writing() as session:
        session.execute(
            select(Place.id).where(Place.id == place_id).with_for_update(key_share=True)
        )
        for row, days in due_in(place_id, zone, now):
            add_row(
                session,
                InsuranceWarning,
                agreement_id=row.id,
                insured_until=row.insured_until,
                days=days,
                sent_at=now,
            )
            letters.insurance_ends(session, row, place_id, days, now=now)


def due_in(place_id: int, zone: ZoneInfo, now: datetime) -> list[tuple[Any, int]]:
    today = clock.today(zone, now)
    found = []
    for row in queries.insured(place_id, today):
        days = warning_due(row.insured_until, today, row.warned)
        if days:
            found.append((row, days))
    return found
