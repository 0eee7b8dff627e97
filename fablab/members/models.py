"""Members, their membership of each place, their roles, and what keeps their account safe."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    bindparam,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from fablab.db import Model, choice, last_change
from fablab.members.kinds import (
    AgeBand,
    AttemptKind,
    Audience,
    Channel,
    LinkPurpose,
    MarkKind,
    Role,
)
from fablab.places.models import Place


class Member(Model):
    """Someone with an account. Never deleted: erased, so that machine hours stay counted."""

    __tablename__ = "member"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_is_lower"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)  # for addresses; the id is never shown
    email: Mapped[str] = mapped_column(unique=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")
    shares_phone: Mapped[bool] = mapped_column(default=False)  # with the team, in the day's feed
    language: Mapped[str] = mapped_column(default="fr")
    # How they learn of their bookings, and which kinds of mail (`MailKind`) they do not want.
    channel: Mapped[Channel] = mapped_column(
        choice(Channel), default=Channel.INVITATION, server_default=Channel.INVITATION
    )
    refused_mails: Mapped[str] = mapped_column(default="", server_default="")
    password_hash: Mapped[str | None]
    # Every signed cookie carries it, so that raising it signs out every device at once.
    session_version: Mapped[int] = mapped_column(default=0)
    # Counts the changes of the member's own bookings and sessions: the version of their calendar.
    calendar_revision: Mapped[int] = mapped_column(default=0)
    age_band: Mapped[AgeBand] = mapped_column(
        choice(AgeBand), default=AgeBand.ADULT, server_default=AgeBand.ADULT
    )
    guardian_agreed_on: Mapped[date | None]  # a minor's guardian's authorisation, seen by staff
    confirmed_at: Mapped[datetime | None]  # when the mail address was proven
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime] = last_change()
    seen_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]

    memberships: Mapped[list["Membership"]] = relationship(back_populates="member")

    @property
    def is_minor(self) -> bool:
        return self.age_band not in (None, AgeBand.ADULT)

    @is_minor.setter
    def is_minor(self, is_one: bool) -> None:
        """Of a minor whose band is not known, the one that asks for the most care."""
        if is_one != self.is_minor or self.age_band is None:
            self.age_band = AgeBand.UNDER_16 if is_one else AgeBand.ADULT

    @property
    def display_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Membership(Model):
    """A member in one place: for whom they count, until when, and whether they may book."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("member_id", "place_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    audience: Mapped[Audience] = mapped_column(choice(Audience), default=Audience.INDIVIDUAL)
    expires_on: Mapped[date | None]  # the last day it is valid; none: without end
    suspended_until: Mapped[datetime | None]
    suspension_reason: Mapped[str] = mapped_column(default="")
    # Until when their marks keep them from booking; written whenever a mark comes or goes.
    marked_until: Mapped[datetime | None]

    member: Mapped[Member] = relationship(back_populates="memberships")
    roles: Mapped[list["RoleHeld"]] = relationship(back_populates="membership")


class MembershipWarning(Model):
    """A member was told, so many days ahead, that their membership ends that day."""

    __tablename__ = "membership_warning"

    membership_id: Mapped[int] = mapped_column(
        ForeignKey("membership.id", ondelete="CASCADE"), primary_key=True
    )
    expires_on: Mapped[date] = mapped_column(primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]


class RoleHeld(Model):
    __tablename__ = "role_held"

    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(choice(Role), primary_key=True)

    membership: Mapped[Membership] = relationship(back_populates="roles")


class Mark(Model):
    """A late cancellation or an absence, which counts against its member for some time."""

    __tablename__ = "mark"
    __table_args__ = (
        CheckConstraint("lifted_at IS NULL OR lift_reason <> ''", name="lifted_for_a_reason"),
        Index("ix_mark_member_made", "member_id", "place_id", "made_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    occupancy_id: Mapped[int] = mapped_column(ForeignKey("occupancy.id"), unique=True)
    kind: Mapped[MarkKind] = mapped_column(choice(MarkKind))
    made_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    lift_reason: Mapped[str] = mapped_column(default="")


def names_changed(session: Session, member_id: int) -> None:
    """Tell the places of a member that what the team reads of them has changed.

    To be called by every write of a member's names or telephone: the version of the day's
    calendar stands on it.
    """
    places = select(Membership.place_id).where(Membership.member_id == member_id)
    session.execute(
        update(Place)
        .where(Place.id.in_(places))
        .values(people_revision=Place.people_revision + 1)
        .execution_options(synchronize_session=False)
    )


NEXT_PAGE = (
    update(Member.__table__)
    .where(Member.id == bindparam("whose"))
    .values(calendar_revision=Member.calendar_revision + 1)
)


def calendar_changed(session: Session, *member_ids: int) -> None:
    """Raise the version of the own calendar of each, in the order of their ids.

    Until the write under way is done nobody else's of theirs is: it is their line as well.
    """
    rows = [{"whose": member_id} for member_id in sorted(set(member_ids))]
    if rows:
        session.connection().execute(NEXT_PAGE, rows)


class MailedLink(Model):
    """A single-use link sent by mail; only the SHA-256 of its secret is kept."""

    __tablename__ = "mailed_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    # None: nobody has the address that was typed. The row is written all the same, so that the
    # answer takes as long; it opens nothing.
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    purpose: Mapped[LinkPurpose] = mapped_column(choice(LinkPurpose))
    secret_hash: Mapped[str] = mapped_column(unique=True)
    new_email: Mapped[str | None]  # only for CHANGE
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Attempt(Model):
    """A try to sign in, or to have a mail written: counted for 24 hours, then forgotten.

    `account` is a keyed hash of the address that was typed, known or not.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        # Of many tries at once each sees the ones before it: two cannot be the same one's next.
        UniqueConstraint("kind", "account", "number"),
        Index("ix_attempt_network", "kind", "network", "made_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[AttemptKind] = mapped_column(choice(AttemptKind))
    account: Mapped[str]
    number: Mapped[int]  # the account's first, second… of those that are remembered
    network: Mapped[str]  # where it came from
    made_at: Mapped[datetime]


class EndedSession(Model):
    """A session that was signed out of before its time: a copy of its cookie opens nothing.

    A signed cookie outlives its log-out in whoever's hands a copy is; kept until the session
    would have ended by itself.
    """

    __tablename__ = "ended_session"

    key_hash: Mapped[str] = mapped_column(primary_key=True)  # SHA-256 of what the cookie holds
    ends_at: Mapped[datetime] = mapped_column(index=True)
