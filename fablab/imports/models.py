"""A file that was sent and not yet applied."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model


class ImportDraft(Model):
    """A file with machines, members or qualifications; gone after a day, or once it is applied."""

    __tablename__ = "import_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    what: Mapped[str]  # machines, members or qualifications
    name: Mapped[str]  # of the file
    content: Mapped[bytes]  # whatever was sent: also what no text may hold
    made_at: Mapped[datetime] = mapped_column(index=True)
    made_by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
