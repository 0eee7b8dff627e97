"""The agreements under which residents share their machines, and what hangs on them."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fablab.db import Amount, Model, choice
from fablab.machines.kinds import InCharge, Silence
from fablab.machines.models import Machine
from fablab.organizations.models import Organization

# Twice in one table, hence checked by name and not by the type.
IN_CHARGE = Enum(
    InCharge,
    native_enum=False,
    create_constraint=False,
    length=32,
    values_callable=lambda enum: [member.value for member in enum],
)
KNOWN = "('owner', 'place', 'both')"


class SharingAgreement(Model):
    """What an organization agreed with the place about a machine of its own.

    It stays when it has ended. Those of one machine never cover one day twice.
    """

    __tablename__ = "sharing_agreement"
    __table_args__ = (
        CheckConstraint("last_day IS NULL OR last_day >= first_day", name="ends_after_start"),
        CheckConstraint("notice_days >= 0", name="notice_not_negative"),
        CheckConstraint("answer_within > 0", name="answer_within_is_positive"),
        CheckConstraint("release >= 0", name="release_not_negative"),
        CheckConstraint(f"insured_by IN {KNOWN}", name="insurer_is_known"),
        CheckConstraint(f"maintained_by IN {KNOWN}", name="maintainer_is_known"),
        CheckConstraint("share BETWEEN 0 AND 1000000", name="share_is_a_percentage"),
        # Of a machine without a last day there is one at most.
        Index(
            "uq_sharing_agreement_open",
            "machine_id",
            unique=True,
            sqlite_where=text("last_day IS NULL"),
            postgresql_where=text("last_day IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)  # for addresses
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    notice_days: Mapped[int] = mapped_column(default=0)
    audiences: Mapped[list[str]] = mapped_column(default=list)  # values of Audience; none: all
    terms: Mapped[str] = mapped_column(default="")
    asks_owner: Mapped[bool] = mapped_column(default=False)
    answer_within: Mapped[timedelta] = mapped_column(default=timedelta(hours=48))
    silence: Mapped[Silence] = mapped_column(choice(Silence), default=Silence.LAPSES)
    release: Mapped[timedelta] = mapped_column(default=timedelta(0))  # 0: never
    insured_by: Mapped[InCharge] = mapped_column(IN_CHARGE, default=InCharge.OWNER)
    maintained_by: Mapped[InCharge] = mapped_column(IN_CHARGE, default=InCharge.OWNER)
    insured_until: Mapped[date | None]
    document: Mapped[str | None]  # a PDF in the instance's media folder
    share: Mapped[Decimal] = mapped_column(Amount, default=Decimal(0))  # in percent
    created_at: Mapped[datetime]
    # The form it was drawn with is out of date when this has moved.
    revision: Mapped[int] = mapped_column(default=0)

    machine: Mapped[Machine] = relationship()
    owner: Mapped[Organization] = relationship()
    ranges: Mapped[list["OwnerRange"]] = relationship(
        cascade="all, delete-orphan", order_by="(OwnerRange.weekday, OwnerRange.opens_at)"
    )


class OwnerRange(Model):
    """Hours of every week in which the owner comes first; over midnight when it closes earlier."""

    __tablename__ = "owner_range"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_is_one"),
        UniqueConstraint("agreement_id", "weekday", "opens_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("sharing_agreement.id"), index=True)
    weekday: Mapped[int]  # Monday is 1 (ISO 8601)
    opens_at: Mapped[time]  # on the place's clock
    closes_at: Mapped[time]


class OwnerOutage(Model):
    """An outage that the owner of the machine declared, and may take back."""

    __tablename__ = "owner_outage"

    outage_uid: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), index=True)
    declared_at: Mapped[datetime]


class InsuranceWarning(Model):
    """It was told that the insurance of a shared machine ends on that day, so long before."""

    __tablename__ = "insurance_warning"
    __table_args__ = (
        UniqueConstraint(
            "agreement_id", "insured_until", "days", name="uq_insurance_warning_agreement_id"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("sharing_agreement.id"))
    insured_until: Mapped[date]
    days: Mapped[int]
    sent_at: Mapped[datetime]
