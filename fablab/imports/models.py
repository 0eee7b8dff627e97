"""A file that was sent and not yet applied; which bookings came from a file."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model


class ImportDraft(Model):
    """A file with what is kept elsewhere; gone after a day, or once it is applied."""

    __tablename__ = "import_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    what: Mapped[str]  # machines, members, qualifications, bookings or calendar
    name: Mapped[str]  # of the file
    content: Mapped[bytes]  # whatever was sent: also what no text may hold
    made_at: Mapped[datetime] = mapped_column(index=True)
    made_by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    # How the file is to be read: what our columns are called in it; of a calendar, whose and on
    # which machine it is. None: it was not asked, or needs no answer.
    options: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class ImportedBooking(Model):
    """A booking that came from a file, so that the same line brings it in once."""

    __tablename__ = "imported_booking"
    __table_args__ = (UniqueConstraint("place_id", "reference"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    reference: Mapped[str]  # its own in the file, else made of the line
    digest: Mapped[str]  # SHA-256 of all that the line said
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), index=True)
