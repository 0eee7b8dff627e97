"""Telling members in time that what they hold ends soon."""

from collections.abc import Collection
from datetime import date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from fablab import clock
from fablab.db import add_row, db, retried, writing
from fablab.members.models import Member
from fablab.members.rules import warning_due
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.trainings import letters, queries
from fablab.trainings.models import ExpiryWarning, Qualification, Training
from fablab.trainings.queries import Holding


def warn(now: datetime) -> None:
    """Write to who holds what ends soon, once for each of its warnings."""
    places = db.session.execute(select(Place.id, Place.zone)).all()
    late = [place for place in places if due_in(place.id, ZoneInfo(place.zone), now)]
    db.session.rollback()
    for place in late:
        warn_in(place.id, ZoneInfo(place.zone), now)


@retried
def warn_in(place_id: int, zone: tzinfo, now: datetime) -> None:
    """Each mail with its own record that it was promised; one runner at a time."""
    with writing() as session:
        session.execute(
            select(Place.id).where(Place.id == place_id).with_for_update(key_share=True)
        )
        for held, days in due_in(place_id, zone, now):
            tell(session, place_id, held, days, now=now)


def due_in(place_id: int, zone: tzinfo, now: datetime) -> list[tuple[Holding, int]]:
    """What ends soon in the place, with the warning that is due and was not given yet."""
    today = clock.today(zone, now)
    given = warned(today)
    found = []
    for held in lasting(queries.holdings(place_id, zone, now, may_be_valid(today))):
        if held.last_day is None:
            continue
        days = warning_due(held.last_day, given_on=held.given_on, today=today)
        if days and (held.id, held.last_day, days) not in given:
            found.append((held, days))
    return found


def may_be_valid(today: date) -> Any:
    """What the table alone can tell; use decides the rest."""
    by_use = select(Training.id).where(Training.is_renewed_by_use)
    return or_(
        Qualification.expires_on.is_(None),
        Qualification.expires_on >= today,
        Qualification.training_id.in_(by_use),
    )


def lasting(held: Collection[Holding]) -> list[Holding]:
    """Of what a member holds of one thing, only what lasts longest: the rest was renewed."""
    best: dict[tuple[Any, ...], Holding] = {}
    for each in held:
        of = (each.member_id, each.training_id, each.machine_id)
        if of not in best or best[of].lasts < each.lasts:
            best[of] = each
    return list(best.values())


def warned(today: date) -> set[tuple[int, date, int]]:
    """The warnings given of what has not ended."""
    asked = select(ExpiryWarning.qualification_id, ExpiryWarning.expires_on, ExpiryWarning.days)
    rows = db.session.execute(asked.where(ExpiryWarning.expires_on >= today))
    return {(row.qualification_id, row.expires_on, row.days) for row in rows}


def tell(session: Session, place_id: int, held: Holding, days: int, *, now: datetime) -> None:
    add_row(
        session,
        ExpiryWarning,
        qualification_id=held.id,
        expires_on=held.last_day,
        days=days,
        sent_at=now,
    )
    member = session.execute(select(*letters.READER).where(Member.id == held.member_id)).one()
    ahead = [
        row for row in queries.sessions_ahead(place_id, now) if row.training_id == held.training_id
    ]
    letters.qualification_ends(
        session,
        to=member,
        place_id=place_id,
        training=held.training or held.machine,
        now=now,
        last_day=held.last_day,
        days=days,
        slot=Slot(ahead[0].starts_at, ahead[0].ends_at) if ahead else None,
        location=ahead[0].location if ahead else "",
    )
