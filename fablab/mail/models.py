"""The outbox: mails that are promised, in the transaction that made the promise."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model

WAITING = text("sent_at IS NULL AND parked_at IS NULL AND dropped_at IS NULL")


class OutgoingMail(Model):
    """A mail to deliver at least once, always under the same Message-ID.

    Waiting until `due_at`; sent, dropped, or parked after the last try. The text is blanked once
    sent or dropped: it may hold a link that signs somebody in.
    """

    __tablename__ = "outgoing_mail"
    __table_args__ = (
        Index("ix_outgoing_mail_due", "sent_at", "parked_at", "due_at"),
        # Which mails to the same address are before this one?
        Index(
            "ix_outgoing_mail_waiting",
            "recipient",
            "id",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # what it is about, for staff and tests: confirm, reset…
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str] = mapped_column(default="")
    # The UIDs of what it speaks of: once something newer is said of one, this is not sent.
    topic: Mapped[str] = mapped_column(default="", server_default="", index=True)
    # An iCalendar object to go with it, and its iTIP method; without one it is a mere file.
    calendar: Mapped[str] = mapped_column(default="", server_default="")
    method: Mapped[str] = mapped_column(default="", server_default="")
    reply_to: Mapped[str] = mapped_column(default="", server_default="")
    unsubscribe: Mapped[str] = mapped_column(default="", server_default="")  # where one says so
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    useless_at: Mapped[datetime | None]  # from when on it would only be in the way
    tries: Mapped[int] = mapped_column(default=0)
    # Why it has not left, a Reason; none for one that was never tried, or is on its way just now.
    reason: Mapped[str] = mapped_column(default="", server_default="")
    last_error: Mapped[str] = mapped_column(default="")  # the same, in the words of the server
    sent_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]  # no longer true, or too late: never sent
