"""What a member's own calendar was told of a booking or a session by mail."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model


class Invitation(Model):
    """The last invitation promised for a booking: what is cancelled must have been sent once, and
    SEQUENCE never goes back (RFC 5546 §2.1.4).
    """

    __tablename__ = "invitation"

    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), primary_key=True)
    sequence: Mapped[int]
    is_cancelled: Mapped[bool] = mapped_column(default=False)
    mailed_at: Mapped[datetime]


class SessionInvitation(Model):
    """The same of a training session, for each of those it was sent to."""

    __tablename__ = "session_invitation"

    session_id: Mapped[int] = mapped_column(ForeignKey("training_session.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    sequence: Mapped[int]
    is_cancelled: Mapped[bool] = mapped_column(default=False)
    mailed_at: Mapped[datetime]
