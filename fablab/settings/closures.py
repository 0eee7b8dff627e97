"""Days off: closures are added, changed and taken away; public holidays close the place or not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab import clock
from fablab.agendas.models import Agenda, AgendaEntry
from fablab.db import NoSuch, db, retried
from fablab.machines.inventory import of_place
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.places.models import Closure, Place
from fablab.places.rules import DaysOff, Schedule
from fablab.seen import refuse_unseen
from fablab.settings.concerned import Change, Choice, changing

A_DAY = timedelta(days=1)


class AlreadyClosed(Exception):
    """Another closure is of the very same days. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Days:
    """What is asked for; first and last included."""

    first_day: date
    last_day: date
    reason: str
    repeats_yearly: bool = False

    @property
    def off(self) -> DaysOff:
        return DaysOff(self.first_day, self.last_day, self.reason, self.repeats_yearly)


def closures(place_id: int) -> Sequence[Closure]:
    """All of them, soonest first."""
    return db.session.scalars(
        select(Closure)
        .where(Closure.place_id == place_id)
        .order_by(Closure.first_day, Closure.id)
        .execution_options(populate_existing=True)
    ).all()


def find(uid: str, place_id: int) -> Closure:
    """Raises NoSuch for one of another place."""
    found = next((each for each in closures(place_id) if each.uid == uid), None)
    if found is None:
        raise NoSuch(f"no closure {uid} in place {place_id}")
    return found


def origins(place_id: int) -> dict[str, Any]:
    """The calendar that each closure was read from, by the closure's UID."""
    rows = db.session.execute(
        select(AgendaEntry.closure_uid, Agenda.uid, Agenda.name)
        .join(Agenda, Agenda.id == AgendaEntry.agenda_id)
        .where(Agenda.place_id == place_id, AgendaEntry.closure_uid.is_not(None))
        .order_by(Agenda.id)
    )
    return {str(row.closure_uid): row for row in rows}


@retried
def add(place_id: int, days: Days, choice: Choice, *, by: int, now: datetime) -> str:
    """Close the place on these days; the closure's UID.

    Raises AlreadyClosed, Concerns, NoSuch for the place, and Busy.
    """
    uid = str(uuid4())
    with changing(place_id, replacing(None, days.off), choice, by=by, now=now) as session:
        refuse_the_same(place_id, days)
        session.add(Closure(place_id=place_id, uid=uid, changed_at=now, **columns(days)))
        note(session, place_id, by=by, now=now, after=columns(days))
    return uid


@retried
def change(
    uid: str,
    place_id: int,
    days: Days,
    choice: Choice,
    *,
    by: int,
    now: datetime,
    seen: str | None = None,
) -> None:
    """It stays the same closure, in its next revision, so that calendars change it too. `seen` is
    the fingerprint of the `columns` of the one that was read.

    Raises AlreadyClosed, Concerns, ChangedMeanwhile, NoSuch when it is not of the place, and Busy.
    """
    before = asked_of(find(uid, place_id))
    refuse_unseen(seen, columns(before), columns(days))
    instead = replacing(before.off, days.off)
    with changing(place_id, instead, choice, by=by, now=now) as session:
        closure = find(uid, place_id)
        before = asked_of(closure)
        refuse_unseen(seen, columns(before), columns(days))
        refuse_the_same(place_id, days, but=uid)
        if before == days:
            return
        for name, value in columns(days).items():
            setattr(closure, name, value)
        note(session, place_id, by=by, now=now, before=columns(before), after=columns(days))


@retried
def remove(uid: str, place_id: int, *, by: int, now: datetime) -> None:
    """Open again: what is to come goes, what has begun ended yesterday, what is over stays.

    Raises NoSuch when it is not of the place, and Busy.
    """
    before = asked_of(find(uid, place_id))
    with changing(place_id, lambda schedule: schedule, Choice(), by=by, now=now) as session:
        closure = find(uid, place_id)
        today = clock.today(of_place(place_id=place_id).schedule.zone, now)
        after: dict[str, Any] = {}
        if closure.repeats_yearly or closure.first_day >= today:
            session.delete(closure)
        elif closure.last_day >= today:
            closure.last_day = today - A_DAY
            after = columns(asked_of(closure))
        else:
            return
        note(session, place_id, by=by, now=now, before=columns(before), after=after)


@retried
def set_holidays(
    place_id: int,
    country: str,
    subdivision: str,
    choice: Choice,
    *,
    by: int,
    now: datetime,
    seen: str | None = None,
) -> None:
    """Whose public holidays close the place; an empty country: none do. `seen` is the fingerprint
    of what `whose_holidays` gave when it was read.

    Raises Concerns, ChangedMeanwhile, NoSuch for the place, and Busy.
    """
    asked = {"holidays_country": country, "holidays_subdivision": subdivision}
    refuse_unseen(seen, whose_holidays(place_id), asked)

    def instead(schedule: Schedule) -> Schedule:
        return replace(schedule, holidays_country=country, holidays_subdivision=subdivision)

    with changing(place_id, instead, choice, by=by, now=now) as session:
        before = whose_holidays(place_id)
        refuse_unseen(seen, before, asked)
        place = session.get_one(Place, place_id)
        if before == asked:
            return
        for name, value in asked.items():
            setattr(place, name, value)
        note(session, place_id, by=by, now=now, before=before, after=asked)


def whose_holidays(place_id: int) -> dict[str, str]:
    """As the database has it now. Raises NoSuch."""
    place = db.session.get(Place, place_id, populate_existing=True)
    if place is None:
        raise NoSuch(f"no place {place_id}")
    return {
        "holidays_country": place.holidays_country,
        "holidays_subdivision": place.holidays_subdivision,
    }


def replacing(before: DaysOff | None, asked: DaysOff) -> Change:
    def change(schedule: Schedule) -> Schedule:
        kept = list(schedule.closures)
        if before in kept:
            kept.remove(before)
        return replace(schedule, closures=(*kept, asked))

    return change


def refuse_the_same(place_id: int, days: Days, but: str = "") -> None:
    for each in closures(place_id):
        is_same = (each.first_day, each.last_day, each.repeats_yearly) == (
            days.first_day,
            days.last_day,
            days.repeats_yearly,
        )
        if is_same and each.uid != but:
            raise AlreadyClosed


def asked_of(closure: Closure) -> Days:
    return Days(closure.first_day, closure.last_day, closure.reason, closure.repeats_yearly)


def columns(days: Days) -> dict[str, Any]:
    return {
        "first_day": days.first_day,
        "last_day": days.last_day,
        "reason": days.reason,
        "repeats_yearly": days.repeats_yearly,
    }


def note(session: Session, place_id: int, *, by: int, now: datetime, **values: Any) -> None:
    audit.note(session, Deed.CLOSURE, place_id=place_id, by=by, now=now, **values)
