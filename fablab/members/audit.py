"""What the team did to a member or to a machine, kept for whoever asks later."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from fablab.db import Model, add_row, choice
from fablab.members.kinds import Deed


class AuditEntry(Model):
    """Who, when, what, before and after. Only ever added to.

    Of neither member nor machine, it is about the place itself. What happens to an occupancy
    has its own record, `change`.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        CheckConstraint("member_id IS NULL OR machine_id IS NULL", name="is_about_one_thing"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))  # none: not a person
    what: Mapped[Deed] = mapped_column(choice(Deed))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    machine_id: Mapped[int | None] = mapped_column(ForeignKey("machine.id"), index=True)
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)


def note(
    session: Session,
    what: Deed,
    *,
    place_id: int,
    by: int | None,
    now: datetime,
    member_id: int | None = None,
    machine_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write it down, in the transaction of what it tells."""
    add_row(
        session,
        AuditEntry,
        place_id=place_id,
        made_at=now,
        made_by_id=by,
        what=what,
        member_id=member_id,
        machine_id=machine_id,
        before=kept(before or {}),
        after=kept(after or {}),
    )


def kept(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON holds them: days and instants as ISO 8601 writes them."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }
