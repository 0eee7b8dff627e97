"""The ordinary week: openings are added, changed and taken away."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab.db import NoSuch, db, retried
from fablab.machines.inventory import weekly_opening
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.places.kinds import Mode
from fablab.places.models import Opening
from fablab.places.rules import Schedule, WeeklyOpening
from fablab.places.weeks import overlapping
from fablab.seen import refuse_unseen
from fablab.settings.concerned import Change, Choice, changing


class Overlap(Exception):
    """It would be open twice at once: the openings in the way. Nothing was changed."""

    def __init__(self, openings: Sequence[WeeklyOpening]) -> None:
        super().__init__(openings)
        self.openings = openings


@dataclass(frozen=True, slots=True)
class Hours:
    """What is asked for, of whatever weekdays. To close at or before the hour it opens is to
    close the next day.
    """

    opens_at: time
    closes_at: time
    mode: Mode
    weeks: frozenset[int] = frozenset()  # of the month; empty: every week

    def on(self, weekday: int) -> WeeklyOpening:
        return WeeklyOpening(weekday, self.opens_at, self.closes_at, self.mode, self.weeks)


def openings(place_id: int) -> Sequence[Opening]:
    """Of the week, as they stand in the database now, in their order."""
    return db.session.scalars(
        select(Opening)
        .where(Opening.place_id == place_id)
        .order_by(Opening.weekday, Opening.opens_at, Opening.id)
        .execution_options(populate_existing=True)
    ).all()


def find(opening_id: int, place_id: int) -> Opening:
    """Raises NoSuch for one of another place."""
    found = next((each for each in openings(place_id) if each.id == opening_id), None)
    if found is None:
        raise NoSuch(f"no opening {opening_id} in place {place_id}")
    return found


@retried
def add(place_id: int, weekdays: Collection[int], hours: Hours, *, by: int, now: datetime) -> None:
    """Open at these hours on each of the weekdays (ISO, 1 to 7), all of them or none. Whoever was
    told that the place is closed hears that it is open after all.

    Raises Overlap, NoSuch for the place, and Busy.
    """
    with changing(place_id, lambda schedule: schedule, Choice(), by=by, now=now) as session:
        stand = [weekly_opening(each) for each in openings(place_id)]
        for weekday in sorted(set(weekdays)):
            asked = hours.on(weekday)
            refuse_overlaps(asked, stand)
            stand.append(asked)
            session.add(Opening(place_id=place_id, **columns(asked)))
            note(session, place_id, by=by, now=now, after=told(asked))


@retried
def change(
    opening_id: int,
    place_id: int,
    weekday: int,
    hours: Hours,
    choice: Choice,
    *,
    by: int,
    now: datetime,
    seen: str | None = None,
) -> None:
    """`seen` is the fingerprint of what is `told` of the opening that was read: others' hours are
    told before anybody is asked about the bookings outside of one's own.

    Raises Overlap, Concerns, ChangedMeanwhile, NoSuch when it is not of the place, and Busy.
    """
    before, asked = weekly_opening(find(opening_id, place_id)), hours.on(weekday)
    refuse_unseen(seen, told(before), told(asked))
    instead = replacing(before, asked)
    with changing(place_id, instead, choice, by=by, now=now) as session:
        opening = find(opening_id, place_id)
        before = weekly_opening(opening)
        refuse_unseen(seen, told(before), told(asked))
        others = [weekly_opening(e) for e in openings(place_id) if e.id != opening_id]
        refuse_overlaps(asked, others)
        if asked == before:
            return
        for name, value in columns(asked).items():
            setattr(opening, name, value)
        note(session, place_id, by=by, now=now, before=told(before), after=told(asked))


@retried
def remove(opening_id: int, place_id: int, choice: Choice, *, by: int, now: datetime) -> None:
    """Raises Concerns, NoSuch when it is not of the place, and Busy."""
    before = weekly_opening(find(opening_id, place_id))
    with changing(place_id, replacing(before), choice, by=by, now=now) as session:
        session.delete(find(opening_id, place_id))
        note(session, place_id, by=by, now=now, before=told(before))


def replacing(before: WeeklyOpening, *asked: WeeklyOpening) -> Change:
    """The hours without one of the openings, and with others in its stead."""

    def change(schedule: Schedule) -> Schedule:
        kept = list(schedule.openings)
        if before in kept:
            kept.remove(before)
        return replace(schedule, openings=(*kept, *asked))

    return change


def refuse_overlaps(asked: WeeklyOpening, others: Iterable[WeeklyOpening]) -> None:
    in_the_way = overlapping(asked, others)
    if in_the_way:
        raise Overlap(in_the_way)


def columns(opening: WeeklyOpening) -> dict[str, Any]:
    return {
        "weekday": opening.weekday,
        "opens_at": opening.opens_at,
        "closes_at": opening.closes_at,
        "mode": opening.mode,
        "weeks": ",".join(str(week) for week in sorted(opening.weeks)),
    }


def told(opening: WeeklyOpening) -> dict[str, Any]:
    """As the record keeps it."""
    return {
        "weekday": opening.weekday,
        "opens_at": f"{opening.opens_at:%H:%M}",
        "closes_at": f"{opening.closes_at:%H:%M}",
        "mode": opening.mode,
        "weeks": sorted(opening.weeks),
    }


def note(session: Session, place_id: int, *, by: int, now: datetime, **values: Any) -> None:
    audit.note(session, Deed.OPENING, place_id=place_id, by=by, now=now, **values)
