"""The training sessions as calendars tell them: all of a place, and those that are one's own.

A session's revision is raised by whatever is told of it, a seat that is taken included, so that
what was written once is kept under it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from flask_babel import force_locale
from sqlalchemy import and_, case, exists, or_, select

from fablab.calendars.phrases import Phrases, phrases
from fablab.calendars.queries import ASKED
from fablab.db import db
from fablab.ical import Entry, Written, written, written_zone
from fablab.machines.models import Machine, Occupancy
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.trainings import queries
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import Registration, TrainingSession
from fablab.trainings.pages import seats_left
from fablab.web import address_of


class Part(StrEnum):
    """What the reader has to do with a session."""

    NONE = "none"
    AMONG = "among"  # none: shown among the bookings
    SEATED = "seated"
    WAITING = "waiting"
    GIVING = "giving"
    GONE = "gone"  # none any more: said to a calendar that may still show it


class Key(NamedTuple):
    """What one session, as one kind of reader is told of it, is kept under."""

    session_id: int
    revision: int
    part: Part


OF_SEATING: dict[Seating | None, Part] = {
    Seating.SEATED: Part.SEATED,
    Seating.ATTENDED: Part.SEATED,
    Seating.WAITING: Part.WAITING,
}


def part_of(row: Any, member_id: int, seating: Seating | None) -> Part:
    """What they have to do with a session, as their own calendar sees it."""
    is_trainer = row.trainer_id == member_id
    return Part.GIVING if is_trainer else OF_SEATING.get(seating, Part.GONE)


def of_place(place_id: int, span: Slot, *, among_bookings: bool = False) -> list[Key]:
    """Those that take place, soonest first; among bookings those that occupy no machine, since
    what the others occupy stands there for them.
    """
    asked = (
        select(TrainingSession.id, TrainingSession.revision)
        .where(
            TrainingSession.place_id == place_id,
            TrainingSession.starts_at < span.end,
            TrainingSession.ends_at > span.start,
            TrainingSession.state != SessionState.CANCELLED,
        )
        .order_by(TrainingSession.starts_at, TrainingSession.id)
    )
    if among_bookings:
        asked = asked.where(
            ~exists().where(Occupancy.session_id == TrainingSession.id, Occupancy.standing)
        )
    part = Part.AMONG if among_bookings else Part.NONE
    return [Key(*row, part) for row in db.session.execute(asked)]


def of_member(member_id: int, span: Slot, now: datetime) -> list[Key]:
    """Those they give, have or had a seat in, or wait for; a cancelled one until it would have
    begun. In every place, soonest first.
    """
    part = case(
        (TrainingSession.trainer_id == member_id, Part.GIVING.value),
        (Registration.seating == Seating.WAITING, Part.WAITING.value),
        else_=Part.SEATED.value,
    )
    is_theirs = or_(
        TrainingSession.trainer_id == member_id,
        Registration.seating.in_((Seating.SEATED, Seating.ATTENDED)),
        and_(Registration.seating == Seating.WAITING, TrainingSession.starts_at > now),
    )
    # Each by its index; the outer join alone would read every session there is.
    mine = select(Registration.session_id).where(Registration.member_id == member_id)
    rows = db.session.execute(
        select(TrainingSession.id, TrainingSession.revision, part)
        .outerjoin(
            Registration,
            and_(
                Registration.session_id == TrainingSession.id,
                Registration.member_id == member_id,
            ),
        )
        .where(
            or_(TrainingSession.trainer_id == member_id, TrainingSession.id.in_(mine)),
            is_theirs,
            TrainingSession.starts_at >= span.start,
            TrainingSession.starts_at < span.end,
            or_(
                TrainingSession.state != SessionState.CANCELLED,
                TrainingSession.starts_at > now,
            ),
        )
        .order_by(TrainingSession.starts_at, TrainingSession.id)
    )
    return [Key(id, revision, Part(part)) for id, revision, part in rows]


def made(keys: Collection[Key], language: str) -> dict[Key, Written]:
    ids = {key.session_id for key in keys}
    rows = {row.id: row for row in queries.sessions(TrainingSession.id.in_(ids))}
    there, machines = places(), machines_of(ids)
    words = phrases(language)
    with force_locale(language):
        return {
            key: written(
                entry(
                    row := rows[key.session_id],
                    key.part,
                    words,
                    there[row.place_id],
                    machines.get(row.id, ()),
                )
            )
            for key in keys
        }


def places() -> dict[int, Any]:
    """What an entry says of each place, and whom one writes to there."""
    asked = select(Place.id, Place.name, Place.address, Place.zone, Place.email, ASKED)
    return {row.id: row for row in db.session.execute(asked)}


def machines_of(session_ids: Collection[int]) -> dict[int, list[Any]]:
    """What each session occupies."""
    rows = db.session.execute(
        select(Occupancy.session_id, Machine.name, Machine.code)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .where(Occupancy.session_id.in_(session_ids), Occupancy.standing)
        .order_by(Machine.position, Machine.id)
    )
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.session_id, []).append(row)
    return found


def entry(row: Any, part: Part, words: Phrases, place: Any, machines: Sequence[Any]) -> Entry:
    """A session for who has that part in it; the locale is the calendar's."""
    is_cancelled = row.state is SessionState.CANCELLED or part is Part.GONE
    summary = {
        Part.NONE: row.training,
        Part.GIVING: words.giving % {"name": row.training},
    }.get(part, words.attending % {"name": row.training})
    if is_cancelled:
        summary = words.cancelled % {"what": summary}
    elif part is Part.WAITING:
        summary = words.in_line % {"what": summary}
    return Entry(
        uid=row.uid,
        start=row.starts_at,
        end=row.ends_at,
        zone=written_zone(place.zone),
        summary=summary,
        changed_at=row.changed_at,
        created_at=row.created_at,
        revision=row.revision,
        status=_status(part, is_cancelled=is_cancelled),
        is_busy=not is_cancelled and part in (Part.AMONG, Part.SEATED, Part.GIVING),
        description="\n".join(filter(None, _lines(row, part, words, machines))),
        location=", ".join(filter(None, (row.location, place.name, place.address))),
        category=words.a_training,
        url=_address(row, place),
    )


def _status(part: Part, *, is_cancelled: bool) -> str:
    if is_cancelled:
        return "CANCELLED"
    return "TENTATIVE" if part is Part.WAITING else "CONFIRMED"


def _lines(row: Any, part: Part, words: Phrases, machines: Sequence[Any]) -> Sequence[str]:
    """What is told of it besides: the seats to who may want one, and to who gives it. The name
    of who gives it is told by the place alone, whose version moves with names.
    """
    if row.state is SessionState.CANCELLED:
        why = row.cancel_reason
        return [words.why_cancelled % {"why": why} if why else ""]
    is_news = part in (Part.NONE, Part.AMONG)
    seats = ""
    if is_news:
        seats = seats_left(row.seats - row.seated, row.waiting)
    elif part is Part.GIVING:
        seats = words.seats_taken % {"taken": row.seated, "seats": row.seats}
    person = f"{row.first_name or ''} {row.last_name or ''}".strip()
    names = [words.machine % {"machine": each.name, "code": each.code} for each in machines]
    return [
        seats,
        words.given_by % {"person": person} if person and is_news else "",
        words.on_machines % {"machines": ", ".join(names)} if names else "",
    ]


def _address(row: Any, place: Any) -> str:
    """The session's page, as people reach it."""
    return address_of("trainings.session", uid=row.uid, place=place.asked)
