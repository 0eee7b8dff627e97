"""A calendar file that was sent, and what was done with one."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model


class AgendaDraft(Model):
    """A file that was sent and not yet applied; kept for a day, and gone once it is."""

    __tablename__ = "agenda_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)  # for addresses, and then the agenda's
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    name: Mapped[str]  # of the file
    content: Mapped[bytes]  # whatever was sent: also what no text may hold
    made_at: Mapped[datetime] = mapped_column(index=True)
    made_by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))


class Agenda(Model):
    """A calendar that was read in, all of it in one go, and is undone likewise."""

    __tablename__ = "agenda"
    __table_args__ = (
        CheckConstraint("(undone_at IS NULL) = (undone_by_id IS NULL)", name="undone_by_somebody"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    name: Mapped[str]
    applied_at: Mapped[datetime]
    applied_by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    # The UIDs of the bookings that were in the time it takes: those it cancelled, and those
    # that stayed.
    cancelled: Mapped[list[str]] = mapped_column(default=list)
    stayed: Mapped[list[str]] = mapped_column(default=list)
    # The UIDs of the agendas that were undone with it.
    replaced: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))


class AgendaEntry(Model):
    """One closure or outage that an agenda made, and of which event it is.

    By UID and without a foreign key, for a closure that is undone is deleted.
    """

    __tablename__ = "agenda_entry"
    __table_args__ = (
        CheckConstraint(
            "(closure_uid IS NULL) <> (outage_uid IS NULL)", name="is_closure_or_outage"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    agenda_id: Mapped[int] = mapped_column(ForeignKey("agenda.id"), index=True)
    event_uid: Mapped[str]
    closure_uid: Mapped[str | None]
    outage_uid: Mapped[str | None] = mapped_column(index=True)
