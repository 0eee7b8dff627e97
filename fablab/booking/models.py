"""A booking: an occupancy that a member made; what it still waits for, and who waits for one."""

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fablab.booking.kinds import Answer, ConsentKind, HandoverEnd, WaitEnd
from fablab.db import Model, choice
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Occupancy
from fablab.members.models import Member
from fablab.organizations.models import Organization


class Booking(Occupancy):
    """One member, one machine, one slot. Cancelled, never deleted; `title` is its purpose."""

    __mapper_args__ = {"polymorphic_identity": OccupancyKind.BOOKING}

    member: Mapped[Member] = relationship(foreign_keys=Occupancy.member_id)
    organization: Mapped[Organization | None] = relationship()


class Consent(Model):
    """Somebody's yes that a booking needs. It is pending until every one of them is there."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_at_a_time"),
        Index("ix_consent_open", "answer", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)  # for addresses
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), index=True)
    kind: Mapped[ConsentKind] = mapped_column(choice(ConsentKind))
    # Whom it is asked of; none: whoever is on the team, or manages the owner.
    asked_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    # What no answer until then means; else the booking lapses. Nobody answered a yes by silence.
    silence_is_a_yes: Mapped[bool] = mapped_column(default=False, server_default=false())
    mailed_at: Mapped[datetime | None]  # when the question was put in the outbox
    answer: Mapped[Answer | None] = mapped_column(choice(Answer))
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    why: Mapped[str] = mapped_column(default="")


class Wait(Model):
    """Somebody waits for a place on a machine, in a window of time."""

    __tablename__ = "wait"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("duration > 0", name="duration_is_positive"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended_somehow"),
        Index("ix_wait_machine", "machine_id", "ended_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)  # for addresses
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    duration: Mapped[timedelta]
    purpose: Mapped[str] = mapped_column(default="")
    # Whoever may not use it alone yet asks for somebody to stay with them.
    is_accompanied: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    # The revisions, summed, of all that decides what is free, as they were when it was last
    # looked for: each only ever grows, so another sum says that something moved.
    seen_revision: Mapped[int] = mapped_column(default=-1, server_default="-1")
    # The booking that is offered, pending until they answer; each in line has one turn.
    offered_id: Mapped[int | None] = mapped_column(ForeignKey("occupancy.id"), index=True)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[WaitEnd | None] = mapped_column(choice(WaitEnd))


class Handover(Model):
    """A booking is offered to somebody else. It stays its member's until they accept."""

    __tablename__ = "handover"
    __table_args__ = (
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended_somehow"),
        Index(
            "ix_handover_open",
            "occupancy_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)  # for addresses
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), index=True)
    offered_by_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    # As it was typed; whose it is, if it was somebody's then.
    email: Mapped[str]
    offered_to_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    offered_at: Mapped[datetime]
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[HandoverEnd | None] = mapped_column(choice(HandoverEnd))


class Series(Model):
    """Bookings made in one go, every week or every other week at the same time on the wall."""

    __tablename__ = "series"
    __table_args__ = (CheckConstraint("every_weeks IN (1, 2)", name="is_weekly_or_fortnightly"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    every_weeks: Mapped[int]
    created_at: Mapped[datetime]


class Acknowledgement(Model):
    """A member has read what a machine's safety asks for, as it stood then."""

    __tablename__ = "acknowledgement"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"), primary_key=True)
    text_hash: Mapped[str]  # SHA-256 of the text: a new text is read anew
    acknowledged_at: Mapped[datetime]
