"""The secret addresses of a place's boards."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model, choice
from fablab.presence.kinds import BoardKind


class BoardAddress(Model):
    """Opens one board of a place; only the SHA-256 of its token is kept. One of a kind lives."""

    __tablename__ = "board_address"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    kind: Mapped[BoardKind] = mapped_column(choice(BoardKind))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    used_at: Mapped[datetime | None]  # when a board last looked, to the hour
    revoked_at: Mapped[datetime | None]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
