"""The secret address of a feed: one per holder and feed."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from fablab.calendars.kinds import Scope
from fablab.db import Model, choice


class FeedToken(Model):
    """Opens one feed for one person; only the SHA-256 of the token is kept.

    Dead when revoked, and whenever its holder may no longer read what it shows: that is
    asked at each reading and not stored here.
    """

    __tablename__ = "feed_token"
    __table_args__ = (Index("ix_feed_token_holder", "member_id", "revoked_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    scope: Mapped[Scope] = mapped_column(choice(Scope))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    machine_id: Mapped[int | None] = mapped_column(ForeignKey("machine.id"))
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    pool_id: Mapped[int | None] = mapped_column(ForeignKey("pool.id"))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]  # when a calendar last looked, to the hour
    revoked_at: Mapped[datetime | None]
