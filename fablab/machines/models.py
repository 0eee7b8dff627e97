"""Machines, their policy, and the one guarded table of what occupies them."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Select,
    UniqueConstraint,
    bindparam,
    false,
    func,
    select,
    text,
    true,
    type_coerce,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fablab.db import Kept, Model, UTCDateTime, choice, last_change, seconds_between
from fablab.machines import guards
from fablab.machines.kinds import Approval, MachineState, OccupancyKind, RiskClass, Status
from fablab.members.kinds import AgeBand, Audience
from fablab.slots import Slot


class Category(Model):
    """A family of machines. `icon` and `hue` are names of the design system."""

    __tablename__ = "category"
    __table_args__ = (UniqueConstraint("place_id", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    slug: Mapped[str]
    name: Mapped[str]
    icon: Mapped[str] = mapped_column(default="wrench")
    hue: Mapped[str] = mapped_column(default="slate")
    position: Mapped[int] = mapped_column(default=0)


class Pool(Model):
    """Interchangeable machines: each has its own code, state and lane."""

    __tablename__ = "pool"
    __table_args__ = (UniqueConstraint("place_id", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    slug: Mapped[str]
    name: Mapped[str]


class Machine(Model):
    """One physical machine, inventoried and booked."""

    __tablename__ = "machine"

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"), index=True)
    pool_id: Mapped[int | None] = mapped_column(ForeignKey("pool.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))  # none: the place
    slug: Mapped[str] = mapped_column(unique=True)
    code: Mapped[str]  # screwed on the machine, shown beside its name everywhere
    name: Mapped[str]
    model: Mapped[str] = mapped_column(default="")  # make and model
    location: Mapped[str] = mapped_column(default="")
    specs: Mapped[dict[str, str]] = mapped_column(default=dict)
    materials_allowed: Mapped[list[str]] = mapped_column(default=list)
    materials_forbidden: Mapped[list[str]] = mapped_column(default=list)
    risk_class: Mapped[RiskClass] = mapped_column(choice(RiskClass), default=RiskClass.A)
    # What one must have read and said so before using it, besides the forbidden materials.
    safety: Mapped[str] = mapped_column(default="", server_default="")
    notes: Mapped[str] = mapped_column(default="")  # what a member should know, in plain words
    photo: Mapped[str | None]  # a file name in the instance's media folder
    photo_alt: Mapped[str] = mapped_column(default="")
    asset_number: Mapped[str] = mapped_column(default="")
    funder: Mapped[str] = mapped_column(default="")
    state: Mapped[MachineState] = mapped_column(
        choice(MachineState), default=MachineState.IN_SERVICE
    )
    state_reason: Mapped[str] = mapped_column(default="")
    back_on: Mapped[date | None]  # when an out-of-service machine is expected back
    # What its users must heed while it is not quite sound; written by `fablab/upkeep`.
    restriction: Mapped[str] = mapped_column(default="", server_default="")
    position: Mapped[int] = mapped_column(default=0)
    # Raised first by every write on the machine: the queue that keeps writers in line, and
    # the version of its calendar.
    revision: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime] = last_change()

    category: Mapped[Category] = relationship()
    pool: Mapped[Pool | None] = relationship()


class MachineDocument(Model):
    __tablename__ = "machine_document"

    id: Mapped[int] = mapped_column(primary_key=True)
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"), index=True)
    title: Mapped[str]
    file: Mapped[str]  # a PDF in the instance's media folder


class MachineReferent(Model):
    """A member who looks after a machine."""

    __tablename__ = "machine_referent"

    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)


class Policy(Model):
    """Booking rules of a place, one of its categories or one machine, for all or one audience.

    An empty column says nothing: the value comes from the machine, else its category, else
    the place; at each of them from the audience's own row before everybody's.
    """

    __tablename__ = "policy"
    __table_args__ = (
        CheckConstraint("category_id IS NULL OR machine_id IS NULL", name="has_one_scope"),
        CheckConstraint("step > 0", name="step_is_positive"),
        CheckConstraint("minimum > 0", name="minimum_is_positive"),
        CheckConstraint("maximum >= minimum", name="maximum_not_under_minimum"),
        CheckConstraint("notice >= 0", name="notice_not_negative"),
        CheckConstraint("horizon_days >= 0", name="horizon_not_negative"),
        CheckConstraint("setup >= 0 AND cleanup >= 0", name="margins_not_negative"),
        CheckConstraint("level BETWEEN 0 AND 4", name="level_is_known"),
        CheckConstraint("cooling >= 0", name="cooling_not_negative"),
        CheckConstraint("fixed >= 0", name="fixed_not_negative"),
        CheckConstraint("quota_machine >= 0", name="quota_machine_not_negative"),
        CheckConstraint("quota_category >= 0", name="quota_category_not_negative"),
        CheckConstraint("quota_risky >= 0", name="quota_risky_not_negative"),
        CheckConstraint("weekly_bookings >= 0", name="weekly_bookings_not_negative"),
        CheckConstraint("bookings_ahead >= 0", name="bookings_ahead_not_negative"),
        CheckConstraint("units >= 0", name="units_not_negative"),
        CheckConstraint("approval_above >= 0", name="approval_above_not_negative"),
        CheckConstraint("answer_within > 0", name="answer_within_is_positive"),
        CheckConstraint("last_minute >= 0", name="last_minute_not_negative"),
        CheckConstraint("free_cancellation >= 0", name="free_cancellation_not_negative"),
        CheckConstraint("release_after >= 0", name="release_after_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    machine_id: Mapped[int | None] = mapped_column(ForeignKey("machine.id"))
    audience: Mapped[Audience | None] = mapped_column(choice(Audience))
    step: Mapped[timedelta | None]
    minimum: Mapped[timedelta | None]
    maximum: Mapped[timedelta | None]
    notice: Mapped[timedelta | None]  # how long before its start a slot may still be booked
    horizon_days: Mapped[int | None]  # how many days ahead, on the place's calendar
    setup: Mapped[timedelta | None]
    cleanup: Mapped[timedelta | None]
    level: Mapped[int | None]  # the least level of qualification
    modes: Mapped[list[str] | None]  # the openings in which it may be used: values of Mode
    is_open: Mapped[bool | None]  # whether this audience may book it at all
    cooling: Mapped[timedelta | None]  # after the clean-up, when nobody may touch it yet
    # In the numbers and lengths below, 0 takes away what a wider policy says.
    fixed: Mapped[timedelta | None]  # every booking lasts so long
    whole_days: Mapped[bool | None]  # lent by the day, from midnight to midnight
    # Hours in a week, Monday to Sunday on the wall (ISO 8601): on the machine, on its
    # category, on all machines of risk class C and D together.
    quota_machine: Mapped[timedelta | None]
    quota_category: Mapped[timedelta | None]
    quota_risky: Mapped[timedelta | None]
    last_minute: Mapped[timedelta | None]  # booked so late before, a slot counts in no quota
    weekly_bookings: Mapped[int | None]  # of the machine, in a week
    bookings_ahead: Mapped[int | None]  # in the place, not over yet
    one_at_a_time: Mapped[bool | None]  # no two machines at once
    units: Mapped[int | None]  # of the machine's pool, at once
    youngest: Mapped[AgeBand | None] = mapped_column(choice(AgeBand))
    buddy: Mapped[bool | None]  # somebody qualified must be named, and agree
    approval: Mapped[Approval | None] = mapped_column(choice(Approval))
    approval_above: Mapped[timedelta | None]  # the team agrees to whatever is longer
    owner_approval: Mapped[bool | None]  # the organization that owns it agrees
    answer_within: Mapped[timedelta | None]  # then the booking lapses
    free_cancellation: Mapped[timedelta | None]  # so long before its start; later leaves a mark
    release_after: Mapped[timedelta | None]  # so long after its start, when nobody has arrived
    overridable: Mapped[list[str] | None]  # the rules the team may override: names of Reason


class Occupancy(Model):
    """A machine is not free, from `occupied_from` until `occupied_until`.

    Bookings and outages are rows of this one table, so that one guard covers both: the
    standing occupancies of one machine never overlap (see `fablab/machines/guards.py`).
    What people read is the booked time, `starts_at` to `ends_at`; set-up and clean-up
    widen it to the occupied one.
    """

    __tablename__ = "occupancy"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint(
            "occupied_from <= starts_at AND occupied_until >= ends_at", name="covers_the_slot"
        ),
        CheckConstraint("standing = (status IN ('confirmed', 'pending'))", name="standing_is_true"),
        CheckConstraint("kind <> 'booking' OR member_id IS NOT NULL", name="booking_has_member"),
        CheckConstraint("(kind = 'session') = (session_id IS NOT NULL)", name="session_is_named"),
        CheckConstraint("left_at IS NULL OR left_at >= arrived_at", name="left_after_arriving"),
        UniqueConstraint("created_by_id", "request_key"),
        guards.no_overlap(),
    )
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_abstract": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    # Drawn once and kept for life: RFC 5545 §3.8.4.7. Nothing of the person or machine is in it.
    uid: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[OccupancyKind] = mapped_column(choice(OccupancyKind))
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    occupied_from: Mapped[datetime]
    occupied_until: Mapped[datetime]
    status: Mapped[Status] = mapped_column(choice(Status), default=Status.CONFIRMED)
    standing: Mapped[bool] = mapped_column(default=True)
    # Counts the changes a calendar must notice: SEQUENCE, RFC 5545 §3.8.7.4.
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))  # none: imported
    # The form's own key: the same POST twice finds the first one's booking.
    request_key: Mapped[str | None]
    title: Mapped[str] = mapped_column(default="")  # a booking's purpose, an outage's reason

    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    cancelled_at: Mapped[datetime | None]
    # Cancelled late; the team excused that, or that nobody came. Said here, for a mark is forgotten
    # after a year, and what is charged and granted reaches further back. Marks alone write it.
    is_late: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_excused: Mapped[bool] = mapped_column(default=False, server_default=false())
    counts_in_quota: Mapped[bool] = mapped_column(default=True, server_default=true())
    is_accompanied: Mapped[bool] = mapped_column(default=False, server_default=false())
    buddy_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    series_id: Mapped[int | None] = mapped_column(ForeignKey("series.id"), index=True)
    session_id: Mapped[int | None] = mapped_column(ForeignKey("training_session.id"), index=True)
    # Why the team set aside a rule for it; empty where none was.
    override_reason: Mapped[str] = mapped_column(default="", server_default="")
    reminded_of: Mapped[datetime | None]  # the start that its member was reminded of
    # The real use, beside the booked time; no calendar shows it, hence no revision of it. Who said
    # so is in the record.
    arrived_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    # How long it was booked and really used, reckoned by the database whenever one of the times is
    # written: what the report adds up. What nobody came to has no use.
    booked_seconds: Mapped[int | None] = mapped_column(
        Kept(seconds_between(text("starts_at"), text("ends_at"))), deferred=True
    )
    used_seconds: Mapped[int | None] = mapped_column(
        Kept(
            seconds_between(
                text("arrived_at"), text("CASE WHEN left_at IS NULL THEN ends_at ELSE left_at END")
            )
        ),
        deferred=True,
    )
    # Frozen when it was made: for whom it counts and whose prices hold for it, the activity
    # account it is put down to in its organization, and the amount that was shown (none: no price).
    audience: Mapped[Audience | None] = mapped_column(choice(Audience))
    activity: Mapped[str] = mapped_column(default="", server_default="")
    quoted: Mapped[Decimal | None]

    machine: Mapped[Machine] = relationship()

    @property
    def slot(self) -> Slot:
        return Slot(self.starts_at, self.ends_at)


# The guard's own index: one seek finds the only standing occupancy that can clash.
Index(
    "ix_occupancy_standing",
    Occupancy.machine_id,
    Occupancy.occupied_from,
    sqlite_where=text("standing"),
    postgresql_where=text("standing"),
)
Index(
    "ix_occupancy_late",
    Occupancy.starts_at,
    sqlite_where=text("is_late = 1"),
    postgresql_where=text("is_late"),
)
Index("ix_occupancy_member_starts", Occupancy.member_id, Occupancy.starts_at)
Index("ix_occupancy_machine_starts", Occupancy.machine_id, Occupancy.starts_at)
# All that the report asks of a booking, in the order it is summed in: one walk along it, without
# the table, answers for any period. No other question begins like it, so none is drawn to it.
Index(
    "ix_occupancy_report",
    Occupancy.audience,
    Occupancy.machine_id,
    Occupancy.organization_id,
    Occupancy.member_id,
    Occupancy.status,
    Occupancy.kind,
    Occupancy.starts_at,
    Occupancy.booked_seconds,
    Occupancy.used_seconds,
)


class Outage(Occupancy):
    """The withdrawal of a machine for a time; `title` says why."""

    __mapper_args__ = {"polymorphic_identity": OccupancyKind.OUTAGE}


class TrainingOn(Occupancy):
    """A training session holds the machine; `title` is the training's name."""

    __mapper_args__ = {"polymorphic_identity": OccupancyKind.SESSION}


class Resource(Model):
    """What several machines need at once, of which there is so much: dust extraction for two."""

    __tablename__ = "resource"
    __table_args__ = (UniqueConstraint("place_id", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    slug: Mapped[str]
    name: Mapped[str]
    # Raised first by every write that claims some of it: the queue, as on a machine.
    revision: Mapped[int] = mapped_column(default=0)


class Seat(Model):
    """One of the places of a resource: its capacity is how many it has."""

    __tablename__ = "seat"
    __table_args__ = (
        UniqueConstraint("resource_id", "number"),
        CheckConstraint("number > 0", name="number_counts_from_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id"))
    number: Mapped[int]


class MachineResource(Model):
    """A machine that takes one seat of a resource for as long as it is occupied."""

    __tablename__ = "machine_resource"

    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"), primary_key=True)
    resource_id: Mapped[int] = mapped_column(
        ForeignKey("resource.id"), primary_key=True, index=True
    )


class Claim(Model):
    """A seat is taken by a standing occupancy; the claims on one seat never overlap.

    An occupancy may change seats on its way, so that a free one is never missed. Its claims go
    when it no longer stands.
    """

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint("claimed_until > claimed_from", name="ends_after_start"),
        Index("ix_claim_seat_from", "seat_id", "claimed_from"),
        guards.no_seat_twice(),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    seat_id: Mapped[int] = mapped_column(ForeignKey("seat.id"))
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), index=True)
    claimed_from: Mapped[datetime]
    claimed_until: Mapped[datetime]


class Change(Model):
    """What happened to an occupancy: who, when, what, before and after. Only ever added to.

    It is itself the promise of a mail, in the very transaction: whoever must know is told of what
    is not told yet.
    """

    __tablename__ = "change"
    __table_args__ = (
        Index(
            "ix_change_untold",
            "id",
            sqlite_where=text("told_at IS NULL"),
            postgresql_where=text("told_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), index=True)
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    what: Mapped[str]  # booked, moved, cancelled, withdrawn…
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)
    told_at: Mapped[datetime | None]


class Span(Protocol):
    """A slot, or bound parameters in its place."""

    @property
    def start(self) -> Any: ...

    @property
    def end(self) -> Any: ...


class Bounds:
    """A span whose bounds are said when the statement is sent, so that it is built once."""

    start = bindparam("span_start", type_=UTCDateTime())
    end = bindparam("span_end", type_=UTCDateTime())


def standing_around(span: Span) -> Select[*tuple[Any, ...]]:
    """The standing occupancies that overlap `span`, on the machines the caller joins or narrows.

    Bounded by each machine's predecessor: standing occupancies of one machine never overlap,
    so of those that started before `span` only the latest can still run into it. Costs the
    same whatever the history (0.13 ms at 20,000 bookings, 0.34 ms at 5 million, where the
    naive `start < e AND end > s` took 2.4 s).

    `standing` stands there bare, as in the partial index: SQLAlchemy would write `standing = 1`,
    from which SQLite does not conclude that the index may be used. The bounds of `span` may be
    bound parameters, for a statement that is kept.
    """
    earlier = Occupancy.__table__.alias("earlier")
    latest = (
        select(earlier.c.occupied_from)
        .where(
            earlier.c.machine_id == Machine.id,
            text("earlier.standing"),
            earlier.c.occupied_from <= span.start,
        )
        .order_by(earlier.c.occupied_from.desc())
        .limit(1)
        .correlate(Machine.__table__)
        .scalar_subquery()
    )
    return (
        select(Occupancy.id)
        .select_from(Machine)
        .join(Occupancy, Occupancy.machine_id == Machine.id)
        .where(
            text("occupancy.standing"),
            Occupancy.occupied_from < span.end,
            Occupancy.occupied_until > span.start,
            Occupancy.occupied_from
            >= func.coalesce(latest, type_coerce(span.start, Occupancy.occupied_from.type)),
        )
    )
