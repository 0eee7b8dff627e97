"""The person behind a request, as plain values read in one statement."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask import g
from flask_login import AnonymousUserMixin
from sqlalchemy import bindparam, column, exists, select, table

from fablab import clock
from fablab.access import login_manager
from fablab.db import db
from fablab.members import sessions
from fablab.members.kinds import TEAM, Audience, Role
from fablab.members.models import EndedSession, Member, Membership, RoleHeld
from fablab.places.models import Place


@dataclass(frozen=True, slots=True)
class Standing:
    """How a member stands in one place."""

    audience: Audience
    expires_on: date | None
    suspended_until: datetime | None
    suspension_reason: str
    roles: frozenset[Role] = frozenset()

    @property
    def is_team(self) -> bool:
        return bool(self.roles & TEAM)

    @property
    def reads_accounts(self) -> bool:
        return self.is_team or Role.ACCOUNTANT in self.roles

    def is_suspended(self, now: datetime) -> bool:
        return self.suspended_until is not None and self.suspended_until > now


@dataclass(frozen=True)
class Person:
    """A signed-in member. A value: what it says was true when the request began."""

    id: int
    uid: str
    email: str
    first_name: str
    last_name: str
    language: str
    session_version: int
    is_confirmed: bool
    has_organizations: bool = False
    standings: dict[int, Standing] = field(default_factory=dict)  # by place

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def display_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def may_manage(self) -> bool:
        """On the team of some place; which one, the view asks with `manages`."""
        return any(standing.is_team for standing in self.standings.values())

    @property
    def may_read_accounts(self) -> bool:
        """On the team of some place, or keeping its accounts."""
        return any(standing.reads_accounts for standing in self.standings.values())

    def manages(self, place_id: int) -> bool:
        return place_id in self.standings and self.standings[place_id].is_team

    def reads_accounts(self, place_id: int) -> bool:
        return place_id in self.standings and self.standings[place_id].reads_accounts

    def audience_in(self, place_id: int) -> Audience | None:
        standing = self.standings.get(place_id)
        return standing.audience if standing else None

    def get_id(self) -> str:
        """What the session cookie carries: who, and under which session version."""
        return f"{self.id}.{self.session_version}"


class Visitor(AnonymousUserMixin):
    id = None
    may_manage = False
    may_read_accounts = False
    standings: dict[int, Standing] = {}
    language = None

    def manages(self, place_id: int) -> bool:
        return False

    def reads_accounts(self, place_id: int) -> bool:
        return False

    def audience_in(self, place_id: int) -> Audience | None:
        return None


login_manager.anonymous_user = Visitor


@login_manager.user_loader
def load_signed_in(session_id: str) -> Person | None:
    """The member of this request's session, unless it ended: signed out of, here or everywhere,
    or not used for too long.
    """
    now, kept = clock.now(), sessions.current()
    member_id, _, version = session_id.partition(".")
    person = None
    if kept and not kept.is_over(now):
        person = load_person(int(member_id), session=kept.key_hash)
    if person is None or str(person.session_version) != version:
        sessions.drop()
        return None
    sessions.refresh(now)
    return person


# A table of those above this package: whether one has an organization is all that is asked here.
IN_ORGANIZATIONS = table("organization_member", column("member_id"))

# Asked at every request of a member, hence built once.
OF_MEMBER = (
    select(
        Member.id,
        Member.uid,
        Member.email,
        Member.first_name,
        Member.last_name,
        Member.language,
        Member.session_version,
        Member.confirmed_at,
        Membership.place_id,
        Membership.audience,
        Membership.expires_on,
        Membership.suspended_until,
        Membership.suspension_reason,
        RoleHeld.role,
        exists().where(IN_ORGANIZATIONS.c.member_id == Member.id).label("has_organizations"),
    )
    .outerjoin(Membership, Membership.member_id == Member.id)
    .outerjoin(RoleHeld, RoleHeld.membership_id == Membership.id)
    .where(Member.id == bindparam("member_id"), Member.erased_at.is_(None))
)
# With how the first place is set up now, which nearly every page asks for next.
FIRST_PLACE = select(Place.id).order_by(Place.position, Place.id).limit(1).scalar_subquery()
FIRST_REVISION = (
    select(Place.revision).order_by(Place.position, Place.id).limit(1).scalar_subquery()
)
IN_SESSION = OF_MEMBER.add_columns(
    FIRST_PLACE.label("first_place"), FIRST_REVISION.label("first_revision")
).where(~exists().where(EndedSession.key_hash == bindparam("session")))


def load_person(member_id: int, *, session: str | None = None) -> Person | None:
    """A member with their standing in every place; None when erased or unknown, or when the
    session of that key's hash was signed out of.
    """
    asked = OF_MEMBER if session is None else IN_SESSION
    # Straight from the connection: these are columns, of which the session need not know.
    values = {"member_id": member_id, "session": session}
    rows = db.session.connection().execute(asked, values).all()
    if not rows:
        return None
    first = rows[0]
    if session is not None and first.first_place is not None:
        g.first_place = (first.first_place, first.first_revision)
    return Person(
        id=first.id,
        uid=first.uid,
        email=first.email,
        first_name=first.first_name,
        last_name=first.last_name,
        language=first.language,
        session_version=first.session_version,
        is_confirmed=first.confirmed_at is not None,
        has_organizations=first.has_organizations,
        standings={
            row.place_id: Standing(
                row.audience,
                row.expires_on,
                row.suspended_until,
                row.suspension_reason,
                frozenset(r.role for r in rows if r.place_id == row.place_id and r.role),
            )
            for row in rows
            if row.place_id is not None
        },
    )


def profile(member_id: int) -> dict[str, Any]:
    """What a member says of themselves."""
    asked = select(
        Member.first_name, Member.last_name, Member.phone, Member.shares_phone, Member.language
    ).where(Member.id == member_id)
    return db.session.execute(asked).one()._asdict()


def named(email: str) -> int:
    """The id of the member with this address; 0, which is nobody's, without one."""
    known = select(Member.id).where(Member.email == email.lower(), Member.erased_at.is_(None))
    return db.session.scalar(known) or 0
