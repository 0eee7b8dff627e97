"""Closed statements, the people their references mean, and how a place wants its files."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model, choice
from fablab.statements.kinds import Scope


class Statement(Model):
    """What was used in a period, stated for good (see `fablab/statements/guards.py`).

    The body is the canonical JSON that the fingerprint is of. Those of one subject are a chain:
    each names the fingerprint of the one closed before it, and no two name the same.
    """

    __tablename__ = "statement"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="ends_after_start"),
        UniqueConstraint("place_id", "subject", "previous"),
        Index("ix_statement_place_days", "place_id", "first_day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    subject: Mapped[str]  # whose it is, in one word that never changes
    scope: Mapped[Scope] = mapped_column(choice(Scope))
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"), index=True)
    activity: Mapped[str] = mapped_column(default="")
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    closed_at: Mapped[datetime]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    body: Mapped[str]
    sha256: Mapped[str]
    previous: Mapped[str] = mapped_column(default="")
    amount: Mapped[Decimal]  # of the body's totals, for lists; of an owner the share
    booked: Mapped[int]  # minutes


class StatementPerson(Model):
    """Whom a reference in a statement means. Outside of what is hashed: a name may leave."""

    __tablename__ = "statement_person"

    statement_id: Mapped[int] = mapped_column(ForeignKey("statement.id"), primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)


class StatementFile(Model):
    """How a place wants its files: which columns, in which order, by which words."""

    __tablename__ = "statement_file"
    __table_args__ = (
        CheckConstraint("separator IN (',', ';')", name="separator_is_known"),
        CheckConstraint("decimal_mark IN (',', '.')", name="decimal_mark_is_known"),
    )

    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), primary_key=True)
    # Names of the columns in their order, and what the place calls some of them.
    columns: Mapped[list[str]] = mapped_column(default=list)
    words: Mapped[dict[str, str]] = mapped_column(default=dict)
    separator: Mapped[str] = mapped_column(default=";")
    decimal_mark: Mapped[str] = mapped_column(default=",")
