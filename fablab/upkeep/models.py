"""Faults, the logbooks of the machines, and their regular maintenance."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model, choice
from fablab.upkeep.kinds import EntryKind, FaultState, Unit


class Fault(Model):
    """Something that is wrong with a machine, as somebody saw it and as it was found to be."""

    __tablename__ = "fault"
    __table_args__ = (
        CheckConstraint(
            "(closed_at IS NULL) = (state NOT IN ('repaired', 'dismissed'))",
            name="closed_when_over",
        ),
        Index(
            "ix_fault_open",
            "machine_id",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"), index=True)
    reported_at: Mapped[datetime]
    reported_by_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    what: Mapped[str]  # happened, in the words of whoever saw it
    is_usable: Mapped[bool]  # can it still be used, as they think?
    photo: Mapped[str | None]  # a file name in the instance's media folder
    state: Mapped[FaultState] = mapped_column(choice(FaultState), default=FaultState.REPORTED)
    said: Mapped[str] = mapped_column(default="")  # by whoever sorted it; of a restriction, to all
    sorted_at: Mapped[datetime | None]
    sorted_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    closed_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)


class LogEntry(Model):
    """A line of a machine's logbook. Only ever added to: a correction is a line of its own."""

    __tablename__ = "log_entry"
    __table_args__ = (CheckConstraint("cents >= 0", name="cents_not_negative"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"), index=True)
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind))
    said: Mapped[str] = mapped_column(default="")
    part: Mapped[str] = mapped_column(default="")  # what was put in or used up
    cents: Mapped[int | None]  # what it cost
    file: Mapped[str | None]  # a PDF or a photo in the instance's media folder
    fault_id: Mapped[int | None] = mapped_column(ForeignKey("fault.id"))
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("log_entry.id"))


class Maintenance(Model):
    """Something to do to a machine again and again, counted from `starts_on`.

    It occupies the machine in advance, until the day to which the machine may be booked.
    """

    __tablename__ = "maintenance"
    __table_args__ = (
        CheckConstraint("every > 0", name="every_is_positive"),
        CheckConstraint("length > 0", name="length_is_positive"),
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_is_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"), index=True)
    title: Mapped[str]
    work: Mapped[str] = mapped_column(default="")  # what to do
    who: Mapped[str] = mapped_column(default="")  # does it
    every: Mapped[int]
    unit: Mapped[Unit] = mapped_column(choice(Unit))
    weekday: Mapped[int | None]  # on which it is done, Monday being 1: the first one that follows
    at: Mapped[time]  # on the place's clock
    length: Mapped[timedelta]
    starts_on: Mapped[date]  # the first time; after one was done, the next
    planned_until: Mapped[date | None]  # all its days up to this one are written down
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    ended_at: Mapped[datetime | None]


class MaintenanceDay(Model):
    """One day on which it is due, and the outage that keeps the machine free for it."""

    __tablename__ = "maintenance_day"
    __table_args__ = (
        UniqueConstraint("maintenance_id", "due_on", name="uq_maintenance_day_maintenance_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    maintenance_id: Mapped[int] = mapped_column(ForeignKey("maintenance.id"))
    due_on: Mapped[date]
    outage_uid: Mapped[str | None]  # none when no time was found
    is_moved: Mapped[bool] = mapped_column(default=False, server_default=false())  # it was taken
    done_at: Mapped[datetime | None]
