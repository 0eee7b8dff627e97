"""What a training grants, and what a member holds: level, giver, dates."""

from datetime import date, datetime, timedelta
from enum import IntEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model


class Level(IntEnum):
    """How far someone may go alone on a machine."""

    NONE = 0
    ACCOMPANIED = 1
    SUPERVISED = 2  # autonomous while somebody is in charge
    AUTONOMOUS = 3
    TRAINER = 4


class Training(Model):
    __tablename__ = "training"
    __table_args__ = (UniqueConstraint("place_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    code: Mapped[str]
    name: Mapped[str]
    duration: Mapped[timedelta]
    seats: Mapped[int]
    validity_months: Mapped[int | None]  # none: for life
    inactivity_months: Mapped[int | None]  # lapses when unused for so long
    minimum_age: Mapped[int | None]
    is_for_everyone: Mapped[bool] = mapped_column(default=False)


class TrainingPrerequisite(Model):
    __tablename__ = "training_prerequisite"

    training_id: Mapped[int] = mapped_column(ForeignKey("training.id"), primary_key=True)
    required_id: Mapped[int] = mapped_column(ForeignKey("training.id"), primary_key=True)


class TrainingGrant(Model):
    """The level a training gives on a machine."""

    __tablename__ = "training_grant"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 4", name="level_is_known"),)

    training_id: Mapped[int] = mapped_column(ForeignKey("training.id"), primary_key=True)
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"), primary_key=True, index=True)
    level: Mapped[int]


class Qualification(Model):
    """What a member holds, from one day to another included, on the place's calendar.

    From a training: on each machine the training grants, at the level it grants there.
    Of a machine: on that machine alone, at `level`; a training may then say where it comes from.
    """

    __tablename__ = "qualification"
    __table_args__ = (
        CheckConstraint(
            "training_id IS NOT NULL OR machine_id IS NOT NULL", name="is_of_something"
        ),
        CheckConstraint("(machine_id IS NULL) = (level IS NULL)", name="level_of_a_machine"),
        CheckConstraint("level BETWEEN 1 AND 4", name="level_is_known"),
        CheckConstraint("expires_on IS NULL OR expires_on >= given_on", name="ends_after_start"),
        CheckConstraint("given_by_id IS NULL OR given_by_id <> member_id", name="not_by_oneself"),
        Index("ix_qualification_member_training", "member_id", "training_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    training_id: Mapped[int | None] = mapped_column(ForeignKey("training.id"))
    machine_id: Mapped[int | None] = mapped_column(ForeignKey("machine.id"))
    level: Mapped[int | None]
    given_on: Mapped[date]
    expires_on: Mapped[date | None]  # the last valid day; none: without end
    given_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))  # none: imported
    recorded_at: Mapped[datetime]
