"""What the team does to a training as such: to write one down, to change it, to retire it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.db import NoSuch, add_row, retried, writing
from fablab.machines.models import Machine
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.trainings import queries, sessions
from fablab.trainings.models import Training, TrainingGrant, TrainingPrerequisite
from fablab.trainings.rules import is_circular


class CodeTaken(Exception):
    """Another training of the place has this code."""


class Circular(Exception):
    """A training would ask for itself, straight or through others."""


@dataclass(frozen=True, slots=True)
class Course:
    """All that the team says of a training; `grants` are levels by machine."""

    code: str
    name: str
    description: str
    duration: timedelta
    seats: int
    minimum_people: int
    decided_before: timedelta
    validity_months: int | None
    inactivity_months: int | None
    is_renewed_by_use: bool
    minimum_age: int | None
    is_retired: bool
    requires: frozenset[int]
    grants: Mapping[int, int]


@retried
def save(training_id: int | None, place_id: int, course: Course, *, by: int, now: datetime) -> None:
    """Write a training down, or what changed of it; its sessions to come follow a new name.

    Raises CodeTaken, Circular, NoSuch (no such training, or a machine or training of
    another place) and Busy.
    """
    try:
        with writing() as session:
            stand_in_line(session, training_id)
            check_place(session, place_id, course)
            before = course_of(session, training_id, place_id) if training_id else None
            if before == course:
                return
            if training_id and before and before.name != course.name:
                sessions.rename(session, training_id, course.name, now=now)
            columns = columns_of(course, now, before)
            if training_id is None:
                training_id = add_row(session, Training, place_id=place_id, **columns)
            else:
                session.execute(
                    update(Training.__table__).where(Training.id == training_id).values(**columns)
                )
            relate(session, training_id, course)
            if is_circular(training_id, queries.required_in(place_id)):
                raise Circular
            audit.note(
                session,
                Deed.TRAINING,
                place_id=place_id,
                by=by,
                now=now,
                before=said(before) if before else {},
                after=said(course),
            )
    except IntegrityError as error:
        if "code" in str(error.orig):
            raise CodeTaken from error
        raise


def stand_in_line(session: Session, training_id: int | None) -> None:
    """For the training, before any machine: no session of it takes its name meanwhile."""
    session.execute(
        select(Training.id).where(Training.id == training_id).with_for_update(key_share=True)
    )


def check_place(session: Session, place_id: int, course: Course) -> None:
    machines = select(Machine.id).where(
        Machine.id.in_(course.grants.keys()), Machine.place_id == place_id
    )
    required = select(Training.id).where(
        Training.id.in_(course.requires), Training.place_id == place_id
    )
    are_here = (
        set(session.scalars(machines)) == course.grants.keys()
        and set(session.scalars(required)) == course.requires
    )
    if not are_here:
        raise NoSuch("a machine or a training of another place")


def course_of(session: Session, training_id: int, place_id: int) -> Course:
    """A training as it stands in the database now. Raises NoSuch."""
    table = Training.__table__
    row = session.execute(
        select(table).where(table.c.id == training_id, table.c.place_id == place_id)
    ).first()
    if row is None:
        raise NoSuch(f"no training {training_id}")
    return Course(
        code=row.code,
        name=row.name,
        description=row.description,
        duration=row.duration,
        seats=row.seats,
        minimum_people=row.minimum_people,
        decided_before=row.decided_before,
        validity_months=row.validity_months,
        inactivity_months=row.inactivity_months,
        is_renewed_by_use=row.is_renewed_by_use,
        minimum_age=row.minimum_age,
        is_retired=row.retired_at is not None,
        requires=frozenset(queries.required([training_id]).get(training_id, {})),
        grants=queries.granted(training_id),
    )


def columns_of(course: Course, now: datetime, before: Course | None) -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: getattr(course, name)
        for name in Course.__slots__
        if name not in ("is_retired", "requires", "grants")
    }
    if course.is_retired != (before is not None and before.is_retired):
        columns["retired_at"] = now if course.is_retired else None
    return columns


def relate(session: Session, training_id: int, course: Course) -> None:
    """What it asks for and what it grants, written anew."""
    for model in (TrainingPrerequisite, TrainingGrant):
        session.execute(delete(model.__table__).where(model.__table__.c.training_id == training_id))
    for required_id in sorted(course.requires):
        add_row(session, TrainingPrerequisite, training_id=training_id, required_id=required_id)
    for machine_id, level in sorted(course.grants.items()):
        add_row(session, TrainingGrant, training_id=training_id, machine_id=machine_id, level=level)


def said(course: Course) -> dict[str, Any]:
    """As the record keeps it: lengths in minutes, sets in order."""
    values = {name: getattr(course, name) for name in Course.__slots__}
    return values | {
        "duration": course.duration // timedelta(minutes=1),
        "decided_before": course.decided_before // timedelta(minutes=1),
        "requires": sorted(course.requires),
        "grants": {str(machine): level for machine, level in sorted(course.grants.items())},
    }
