"""A machine and the trainings that qualify for it, said in one sitting."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fablab.db import add_row, db, retried, writing
from fablab.machines import files, sheets
from fablab.machines.models import Machine
from fablab.machines.sheets import Sheet
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.trainings.courses import course_of, said, stand_in_line
from fablab.trainings.models import Level, Training, TrainingGrant


@retried
def create(
    place_id: int,
    sheet: Sheet,
    training_ids: Collection[int],
    *,
    by: int,
    now: datetime,
    like: int | None = None,
) -> str:
    """A new machine, made after `like` where a sheet says nothing; its address.

    Raises CodeTaken, PolicyRefused, NoSuch and Busy.
    """
    with files.adopting(*sheet.files), writing() as session:
        in_line_for(session, place_id)
        machine = sheets.create(session, place_id, sheet, by=by, now=now, like=like)
        if like is not None:
            copy_grants(session, like, machine.id)
        qualify(session, machine, training_ids, sheet, by=by, now=now)
        return machine.slug


@retried
def change(
    machine_id: int,
    place_id: int,
    sheet: Sheet,
    training_ids: Collection[int],
    *,
    by: int,
    now: datetime,
) -> None:
    """The machine as the sheet says. Raises CodeTaken, PolicyRefused, NoSuch and Busy."""
    with files.adopting(*sheet.files), writing() as session:
        in_line_for(session, place_id)
        gone = sheets.change(session, machine_id, place_id, sheet, by=by, now=now)
        machine = session.get_one(Machine, machine_id)
        qualify(session, machine, training_ids, sheet, by=by, now=now)
    files.forget(*gone)


def in_line_for(session: Session, place_id: int) -> None:
    """For the trainings of the place, before any machine, as whoever changes a training does."""
    ids = select(Training.id).where(Training.place_id == place_id).order_by(Training.id)
    for training_id in session.scalars(ids).all():
        stand_in_line(session, training_id)


def copy_grants(session: Session, like: int, machine_id: int) -> None:
    """At the levels that they give on the other machine."""
    grants = select(TrainingGrant.training_id, TrainingGrant.level)
    for row in session.execute(grants.where(TrainingGrant.machine_id == like)).all():
        add_row(
            session,
            TrainingGrant,
            training_id=row.training_id,
            machine_id=machine_id,
            level=row.level,
        )


def qualify(
    session: Session,
    machine: Machine,
    training_ids: Collection[int],
    sheet: Sheet,
    *,
    by: int,
    now: datetime,
) -> None:
    """These trainings and no others qualify for it: those that are new at the level it asks for."""
    there, table = trainings_on(machine.id), TrainingGrant.__table__
    level = sheet.policy.get("level") or Level.SUPERVISED
    for training_id in sorted(there ^ set(training_ids)):
        before = course_of(session, training_id, machine.place_id)
        if training_id in there:
            session.execute(
                delete(table).where(
                    table.c.training_id == training_id, table.c.machine_id == machine.id
                )
            )
        else:
            add_row(
                session,
                TrainingGrant,
                training_id=training_id,
                machine_id=machine.id,
                level=level,
            )
        audit.note(
            session,
            Deed.TRAINING,
            place_id=machine.place_id,
            by=by,
            now=now,
            before=said(before),
            after=said(course_of(session, training_id, machine.place_id)),
        )


def trainings_on(machine_id: int) -> set[int]:
    """The ids of those that qualify for it."""
    asked = select(TrainingGrant.training_id).where(TrainingGrant.machine_id == machine_id)
    return set(db.session.scalars(asked))
