"""A hosted structure (company, association, co-operative) and its people."""

from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model, choice


class OrganizationKind(StrEnum):
    COMPANY = "company"
    SOLE_TRADER = "sole_trader"
    ASSOCIATION = "association"
    COOPERATIVE = "cooperative"  # of activity and employment: it pays for its entrepreneurs
    SCHOOL = "school"
    PUBLIC_BODY = "public_body"


class Organization(Model):
    __tablename__ = "organization"
    __table_args__ = (UniqueConstraint("place_id", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    slug: Mapped[str]
    name: Mapped[str]
    kind: Mapped[OrganizationKind] = mapped_column(choice(OrganizationKind))
    trade: Mapped[str] = mapped_column(default="")
    legal_form: Mapped[str] = mapped_column(default="")
    hosted_since: Mapped[date | None]


class OrganizationMember(Model):
    """Someone who may book on behalf of an organization, from one day to another included."""

    __tablename__ = "organization_member"
    __table_args__ = (CheckConstraint("until IS NULL OR until >= since", name="ends_after_start"),)

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    is_manager: Mapped[bool] = mapped_column(default=False)
    activity: Mapped[str] = mapped_column(default="")  # an entrepreneur's activity account
    since: Mapped[date]
    until: Mapped[date | None]
