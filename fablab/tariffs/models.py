"""Prices of machines, of what is used up on them and of company; packs, and minutes granted."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model, choice
from fablab.members.kinds import Audience
from fablab.tariffs.kinds import Unit


class Tariff(Model):
    """The price of a machine, or of company, for one audience or all, from one day to another.

    Never rewritten: another price is another row, and begins the day after this one's last.
    """

    __tablename__ = "tariff"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("step > 0", name="step_is_positive"),
        CheckConstraint("minimum >= 0 AND included >= 0", name="lengths_not_negative"),
        CheckConstraint("last_day IS NULL OR last_day >= first_day", name="ends_after_start"),
        Index("ix_tariff_machine_audience", "machine_id", "audience", "first_day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    # None: of somebody of the team who stays with them.
    machine_id: Mapped[int | None] = mapped_column(ForeignKey("machine.id"))
    audience: Mapped[Audience | None] = mapped_column(choice(Audience))  # none: everybody else
    unit: Mapped[Unit] = mapped_column(choice(Unit))
    price: Mapped[Decimal]
    step: Mapped[timedelta] = mapped_column(default=timedelta(minutes=1))
    minimum: Mapped[timedelta] = mapped_column(default=timedelta(0))
    included: Mapped[timedelta] = mapped_column(default=timedelta(0))
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    product: Mapped[str] = mapped_column(default="")  # what the accounts call it
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))


class Supply(Model):
    """What is used up on a machine and counted by a unit: filament by the gram."""

    __tablename__ = "supply"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("last_day IS NULL OR last_day >= first_day", name="ends_after_start"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    machine_id: Mapped[int] = mapped_column(ForeignKey("machine.id"), index=True)
    name: Mapped[str]
    unit: Mapped[str]  # in the place's own words: g, feuille
    price: Mapped[Decimal]
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    product: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))


class Consumption(Model):
    """So much of a supply was used up in a booking. Struck out, never rewritten."""

    __tablename__ = "consumption"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_is_positive"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), index=True)
    supply_id: Mapped[int] = mapped_column(ForeignKey("supply.id"))
    quantity: Mapped[Decimal]
    noted_at: Mapped[datetime]
    noted_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    struck_at: Mapped[datetime | None]
    struck_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))


class Pack(Model):
    """What a place offers: so many minutes at once, or each month. Settled elsewhere."""

    __tablename__ = "pack"
    __table_args__ = (
        CheckConstraint("minutes > 0", name="minutes_are_positive"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("valid_months > 0", name="valid_for_some_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    name: Mapped[str]
    audience: Mapped[Audience | None] = mapped_column(choice(Audience))  # whom it is meant for
    price: Mapped[Decimal]  # said, and settled elsewhere
    minutes: Mapped[int]
    categories: Mapped[list[str]] = mapped_column(default=list)  # slugs; none named: all
    is_monthly: Mapped[bool] = mapped_column(default=False, server_default=false())
    valid_months: Mapped[int | None]
    is_shared: Mapped[bool] = mapped_column(default=False, server_default=false())
    retired_at: Mapped[datetime | None]


class Allowance(Model):
    """Minutes granted to a member, or to an organization: to each of its people, or shared."""

    __tablename__ = "allowance"
    __table_args__ = (
        CheckConstraint("minutes > 0", name="minutes_are_positive"),
        CheckConstraint("last_day IS NULL OR last_day >= first_day", name="ends_after_start"),
        CheckConstraint("(member_id IS NULL) <> (organization_id IS NULL)", name="has_one_holder"),
        CheckConstraint("organization_id IS NOT NULL OR NOT is_shared", name="shared_by_some"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    pack_id: Mapped[int | None] = mapped_column(ForeignKey("pack.id"))
    name: Mapped[str]
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"), index=True)
    minutes: Mapped[int]
    categories: Mapped[list[str]] = mapped_column(default=list)
    is_monthly: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_shared: Mapped[bool] = mapped_column(default=False, server_default=false())
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    settled: Mapped[str] = mapped_column(default="")  # where and how, in words: settled elsewhere
    granted_at: Mapped[datetime]
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
