"""A hosted structure (company, association, co-operative), its people, who was asked to join."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fablab.db import Model, choice
from fablab.members.kinds import Audience
from fablab.organizations.kinds import OrganizationKind

__all__ = [
    "Organization",
    "OrganizationInvitation",
    "OrganizationKind",
    "OrganizationMember",
    "OrganizationYear",
]


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
    hosted_until: Mapped[date | None]  # its last day; its people end with it
    # Whose prices hold for what is booked in its name; none: those of whoever books.
    audience: Mapped[Audience | None] = mapped_column(choice(Audience))
    siren: Mapped[str] = mapped_column(default="", server_default="")  # nine digits, in France
    # What it is called in the accounts of the place.
    customer_code: Mapped[str] = mapped_column(default="", server_default="")


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


class OrganizationYear(Model):
    """What an organization declares of one of its years: its jobs (full-time equivalents) and its
    turnover. Told in sums alone.
    """

    __tablename__ = "organization_year"
    __table_args__ = (
        CheckConstraint("jobs >= 0 AND turnover >= 0", name="declared_is_not_negative"),
    )

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    jobs: Mapped[Decimal | None]
    turnover: Mapped[Decimal | None]
    declared_at: Mapped[datetime]
    declared_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))


class OrganizationInvitation(Model):
    """An address whose owner was asked to join, and has not answered.

    Gone once they have joined or it was taken back; dead once it has expired.
    """

    __tablename__ = "organization_invitation"
    __table_args__ = (UniqueConstraint("organization_id", "email"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)  # what the link in the mail is signed over
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    email: Mapped[str] = mapped_column(index=True)
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
