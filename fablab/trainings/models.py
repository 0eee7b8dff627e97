"""What a training grants, and what a member holds: level, giver, dates."""

from datetime import date, datetime, timedelta
from enum import IntEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model, choice, last_change
from fablab.trainings.kinds import NoticeKind, Seating, SessionState


class Level(IntEnum):
    """How far someone may go alone on a machine."""

    NONE = 0
    ACCOMPANIED = 1
    SUPERVISED = 2  # autonomous while somebody is in charge
    AUTONOMOUS = 3
    TRAINER = 4


class Training(Model):
    __tablename__ = "training"
    __table_args__ = (
        UniqueConstraint("place_id", "code"),
        CheckConstraint("minimum_people > 0", name="minimum_people_is_positive"),
        CheckConstraint("decided_before >= 0", name="decided_before_not_negative"),
    )

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
    description: Mapped[str] = mapped_column(default="", server_default="")
    # A session with fewer people is cancelled when it is decided, so long before its start.
    minimum_people: Mapped[int] = mapped_column(default=1, server_default="1")
    decided_before: Mapped[timedelta] = mapped_column(
        default=timedelta(hours=48), server_default="2880"
    )
    is_renewed_by_use: Mapped[bool] = mapped_column(default=False, server_default=false())
    retired_at: Mapped[datetime | None]  # no new session of it; what it gave stays


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


class ExpiryWarning(Model):
    """A member was told, so many days ahead, that a qualification ends that day."""

    __tablename__ = "expiry_warning"

    qualification_id: Mapped[int] = mapped_column(
        ForeignKey("qualification.id", ondelete="CASCADE"), primary_key=True
    )
    expires_on: Mapped[date] = mapped_column(primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]


class TrainingSession(Model):
    """A training held once: when, by whom, for how many. It occupies its machines meanwhile."""

    __tablename__ = "training_session"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("seats > 0", name="seats_is_positive"),
        Index("ix_training_session_place_starts", "place_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)  # for addresses, and RFC 5545 §3.8.4.7
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    training_id: Mapped[int] = mapped_column(ForeignKey("training.id"), index=True)
    trainer_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    location: Mapped[str] = mapped_column(default="")
    seats: Mapped[int]
    state: Mapped[SessionState] = mapped_column(choice(SessionState), default=SessionState.PLANNED)
    cancel_reason: Mapped[str] = mapped_column(default="")  # empty: too few people
    decided_at: Mapped[datetime | None]  # whether it is held for so few; none: not decided yet
    trainer_reminded_of: Mapped[datetime | None]  # the start that who gives it was reminded of
    revision: Mapped[int] = mapped_column(default=0)  # SEQUENCE, RFC 5545 §3.8.7.4
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    changed_at: Mapped[datetime] = last_change()


class Registration(Model):
    """A member in a session: seated, waiting for a seat, gone again, and whether they came."""

    __tablename__ = "registration"
    __table_args__ = (UniqueConstraint("session_id", "member_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("training_session.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    seating: Mapped[Seating] = mapped_column(choice(Seating))
    asked_at: Mapped[datetime]  # the order of the waiting list
    reminded_of: Mapped[datetime | None]  # the start that its member was reminded of
    changed_at: Mapped[datetime] = last_change()


class SessionNotice(Model):
    """What happened to a session, for one of those whom it concerns.

    It is the promise of a mail, in the very transaction: a moment later they are told, once, of
    all that they were not told of yet.
    """

    __tablename__ = "session_notice"
    __table_args__ = (
        Index("ix_session_notice_session_member", "session_id", "member_id"),
        Index(
            "ix_session_notice_untold",
            "id",
            sqlite_where=text("told_at IS NULL"),
            postgresql_where=text("told_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("training_session.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    kind: Mapped[NoticeKind] = mapped_column(choice(NoticeKind))
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    told_at: Mapped[datetime | None]
