"""Faults, and the logbooks of the machines."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model, choice
from fablab.upkeep.kinds import EntryKind, FaultState


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
