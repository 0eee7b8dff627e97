"""What happens to an organization: made, changed, left; somebody asked to join, and joining."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from fablab import clock, texts
from fablab.db import NoSuch, NotAllowed, add_row, db, retried, writing
from fablab.members import audit, throttle
from fablab.members.commands import normal
from fablab.members.kinds import AttemptKind, Audience, Deed
from fablab.members.models import Member
from fablab.organizations import letters, queries
from fablab.organizations.kinds import OrganizationKind
from fablab.organizations.models import Organization, OrganizationInvitation, OrganizationMember
from fablab.organizations.rules import Refusal, Stay, refusals, slug_of
from fablab.places.models import Place

LASTS = timedelta(days=14)  # an invitation


class Refused(Exception):
    """The stay is not changed; `reasons` are all that stands against it."""

    def __init__(self, reasons: list[Refusal]) -> None:
        super().__init__(reasons)
        self.reasons = reasons


class AlreadyIn(Exception):
    """They belong to it."""


class NameTaken(Exception):
    """Another organization of the place is called so, capitals, accents and spaces apart."""


class Particulars(NamedTuple):
    """What an organization is."""

    name: str
    kind: OrganizationKind
    trade: str = ""
    legal_form: str = ""
    hosted_since: date | None = None
    siren: str = ""
    audience: Audience | None = None  # whose prices hold for what is booked in its name
    customer_code: str = ""

    @property
    def told(self) -> dict[str, Any]:
        """As its record keeps it: a member's `audience` is another thing there."""
        said = self._asdict()
        return said | {"whose_prices": said.pop("audience")}


class Doer(NamedTuple):
    """Who does it: somebody of the place's team, or one of the organization's people."""

    id: int
    is_team: bool


@retried
def create(place_id: int, about: Particulars, *, by: int, now: datetime) -> str:
    """Take an organization up in the place; its slug, which addresses keep whatever its name.

    Raises NameTaken, and Busy.
    """
    with writing() as session:
        session.execute(select(Place.id).where(Place.id == place_id).with_for_update())
        _refuse_the_same(place_id, about.name)
        slug = slug_of(about.name, _slugs(place_id))
        add_row(session, Organization, place_id=place_id, slug=slug, **about._asdict())
        note(session, place_id, about.name, by=by, now=now, after=about.told)
    return slug


def _refuse_the_same(place_id: int, name: str, but: int = 0) -> None:
    asked = select(Organization.name).where(
        Organization.place_id == place_id, Organization.id != but
    )
    if texts.plain(name) in map(texts.plain, db.session.scalars(asked)):
        raise NameTaken


def _slugs(place_id: int) -> set[str]:
    return set(
        db.session.scalars(select(Organization.slug).where(Organization.place_id == place_id))
    )


@retried
def edit(organization_id: int, about: Particulars, *, by: int, now: datetime) -> None:
    """Change what it is; the same again changes nothing. Raises NameTaken, NoSuch, and Busy."""
    with writing() as session:
        held = _in_line(session, organization_id)
        before = Particulars(*(getattr(held, name) for name in about._fields))
        if before == about:
            return
        if about.name != held.name:
            _refuse_the_same(held.place_id, about.name, but=organization_id)
        session.execute(
            update(Organization).where(Organization.id == organization_id).values(**about._asdict())
        )
        told = {"before": before.told, "after": about.told}
        note(session, held.place_id, about.name, by=by, now=now, **told)


@retried
def end(organization_id: int, last_day: date, *, by: int, now: datetime) -> None:
    """It is hosted until that day, and its people belong to it no longer than that.

    Invitations into it are taken back. Raises NoSuch.
    """
    with writing() as session:
        held = _in_line(session, organization_id)
        session.execute(
            update(Organization)
            .where(Organization.id == organization_id)
            .values(hosted_until=last_day)
        )
        of_it = OrganizationMember.organization_id == organization_id
        later = OrganizationMember.until.is_(None) | (OrganizationMember.until > last_day)
        session.execute(
            update(OrganizationMember)
            .where(of_it, later, OrganizationMember.since <= last_day)
            .values(until=last_day)
            .execution_options(synchronize_session=False)
        )
        _take_back(session, OrganizationInvitation.organization_id == organization_id)
        note(
            session,
            held.place_id,
            held.name,
            by=by,
            now=now,
            before={"hosted_until": held.hosted_until},
            after={"hosted_until": last_day},
        )


@retried
def invite(organization_id: int, email: str, *, by: Doer, language: str, now: datetime) -> None:
    """Ask the owner of the address to join, by a mail in their `language` or else in this one.

    Asked again, the link of the first mail is dead. Who has an account and who has none is not
    told; raises AlreadyIn of who belongs to it, whom a manager sees on their page anyway.
    Raises NotAllowed, NoSuch, and throttle.TooMany.
    """
    throttle.admit(AttemptKind.MAIL, email, throttle.member(by.id), now)
    email = normal(email)
    with writing() as session:
        held = managed(session, organization_id, by, now)
        known = session.execute(
            select(Member.id, Member.language).where(
                Member.email == email, Member.erased_at.is_(None)
            )
        ).first()
        if known and _is_in(held, known.id, now):
            raise AlreadyIn
        of_this = OrganizationInvitation.organization_id == organization_id
        _take_back(session, of_this, OrganizationInvitation.email == email)
        uid = str(uuid4())
        add_row(
            session,
            OrganizationInvitation,
            uid=uid,
            organization_id=organization_id,
            email=email,
            invited_by_id=by.id,
            made_at=now,
            expires_at=now + LASTS,
        )
        letters.invite(
            session,
            held,
            uid=uid,
            to=email,
            language=known.language if known else language,
            who=_name_of(by.id),
            lasts=LASTS,
            now=now,
        )


@retried
def take_back(organization_id: int, uid: str, *, by: Doer, now: datetime) -> None:
    """Nobody joins by it any more. Raises NotAllowed and NoSuch."""
    with writing() as session:
        managed(session, organization_id, by, now)
        of_this = OrganizationInvitation.organization_id == organization_id
        _take_back(session, of_this, OrganizationInvitation.uid == uid)


@retried
def accept(uid: str, member_id: int, *, now: datetime) -> str:
    """They join from today on, if the invitation is to their address; the organization's name.

    Raises NoSuch for an invitation to somebody else, as for one that is over.
    """
    with writing() as session:
        email = session.scalar(
            select(Member.email).where(Member.id == member_id, Member.confirmed_at.is_not(None))
        )
        asked = queries.invitation(uid, now)
        if asked is None or asked.email != email:
            raise NoSuch("no invitation of theirs")
        held = _in_line(session, asked.organization_id)
        _take_back(session, OrganizationInvitation.uid == uid)
        stay = Stay(member_id, today_of(held, now), None, False)
        _write(session, held, stay, by=asked.invited_by_id, now=now)
        name: str = held.name
        return name


@retried
def decline(uid: str, member_id: int, *, now: datetime) -> None:
    """The invitation is gone. Raises NoSuch as `accept` does."""
    with writing() as session:
        email = session.scalar(select(Member.email).where(Member.id == member_id))
        asked = queries.invitation(uid, now)
        if asked is None or asked.email != email:
            raise NoSuch("no invitation of theirs")
        _take_back(session, OrganizationInvitation.uid == uid)


@retried
def add(organization_id: int, member_id: int, *, by: Doer, now: datetime) -> None:
    """The team takes somebody in from today on; who is in it stays as they are.

    Raises NotAllowed unless the team does it, and NoSuch.
    """
    with writing() as session:
        held = _in_line(session, organization_id)
        if not by.is_team:
            raise NotAllowed
        if not _is_in(held, member_id, now):
            stay = Stay(member_id, today_of(held, now), None, False)
            _write(session, held, stay, by=by.id, now=now)


@retried
def set_stay(
    organization_id: int,
    member_id: int,
    *,
    is_manager: bool,
    activity: str,
    until: date | None,
    by: Doer,
    now: datetime,
) -> None:
    """Say whether somebody manages it, under which activity they book, and their last day.

    Raises Refused with every reason, NotAllowed, and NoSuch for who was never in it.
    """
    with writing() as session:
        held = managed(session, organization_id, by, now)
        rows = {row.id: row for row in queries.people(organization_id)}
        if member_id not in rows:
            raise NoSuch(f"member {member_id} is not in organization {organization_id}")
        was = queries.stay(rows.pop(member_id))
        wished = was_again(was, is_manager, until)
        reasons = refusals(
            was,
            wished,
            [queries.stay(row) for row in rows.values()],
            today=today_of(held, now),
            is_team=by.is_team,
        )
        if reasons:
            raise Refused(reasons)
        _write(session, held, wished, activity=activity, by=by.id, now=now)


@retried
def leave(organization_id: int, member_id: int, last_day: date, *, now: datetime) -> None:
    """Somebody goes of their own accord, after that day. Raises Refused as `set_stay` does, and
    NoSuch for who is not in it today.
    """
    with writing() as session:
        held = _in_line(session, organization_id)
        rows = {row.id: row for row in queries.people(organization_id)}
        if member_id not in rows or not queries.stay(rows[member_id]).covers(today_of(held, now)):
            raise NoSuch(f"member {member_id} is not in organization {organization_id}")
        was = queries.stay(rows.pop(member_id))
        wished = was_again(was, was.is_manager, last_day)
        others = [queries.stay(row) for row in rows.values()]
        reasons = refusals(was, wished, others, today=today_of(held, now), is_team=False)
        if reasons:
            raise Refused(reasons)
        _write(session, held, wished, by=member_id, now=now)


def was_again(was: Stay, is_manager: bool, until: date | None) -> Stay:
    return Stay(was.member_id, was.since, until, is_manager)


def _write(
    session: Session,
    held: Any,
    stay: Stay,
    *,
    activity: str | None = None,
    by: int,
    now: datetime,
) -> None:
    """The row as `stay` says, and its entry in the record of the member."""
    table = OrganizationMember.__table__
    key = (table.c.organization_id == held.id, table.c.member_id == stay.member_id)
    known = session.execute(select(table).where(*key)).first()
    after = {"is_manager": stay.is_manager, "since": stay.since, "until": stay.until}
    if activity is not None or known is None:
        after["activity"] = activity or ""
    before = {name: getattr(known, name) for name in after} if known else {}
    if before == after:
        return
    if known is None:
        add_row(
            session, OrganizationMember, organization_id=held.id, member_id=stay.member_id, **after
        )
    else:
        session.execute(update(table).where(*key).values(**after))
    named = {"organization": held.name}
    audit.note(
        session,
        Deed.ORGANIZATION,
        place_id=held.place_id,
        member_id=stay.member_id,
        by=by,
        now=now,
        before=named | before if before else {},
        after=named | after,
    )


def _in_line(session: Session, organization_id: int) -> Any:
    """The organization, with the others who write of it waiting. Raises NoSuch."""
    session.execute(
        select(Organization.id).where(Organization.id == organization_id).with_for_update()
    )
    found = session.execute(
        select(
            *queries.ORGANIZATION,
            Place.zone,
            Place.name.label("place_name"),
            Place.email.label("place_email"),
        )
        .join(Place, Place.id == Organization.place_id)
        .where(Organization.id == organization_id)
    ).first()
    if found is None:
        raise NoSuch(f"no organization {organization_id}")
    return found


def managed(session: Session, organization_id: int, by: Doer, now: datetime) -> Any:
    """The organization in line, of which `by` is a manager today, or the team. Raises NotAllowed
    and NoSuch.
    """
    held = _in_line(session, organization_id)
    if by.is_team:
        return held
    own = queries.find(held.slug, held.place_id, by.id, today_of(held, now))
    if own is None or not own.is_manager:
        raise NotAllowed
    return held


def _is_in(held: Any, member_id: int, now: datetime) -> bool:
    found = queries.find(held.slug, held.place_id, member_id, today_of(held, now))
    return found is not None and found.is_manager is not None


def today_of(held: Any, now: datetime) -> date:
    return clock.today(ZoneInfo(held.zone), now)


def _take_back(session: Session, *which: Any) -> None:
    session.execute(
        delete(OrganizationInvitation).where(*which).execution_options(synchronize_session=False)
    )


def _name_of(member_id: int) -> str:
    row = db.session.execute(
        select(Member.first_name, Member.last_name).where(Member.id == member_id)
    ).one()
    return f"{row.first_name} {row.last_name}".strip()


def note(
    session: Session,
    place_id: int,
    name: str,
    *,
    by: int,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any],
) -> None:
    """Of the organization itself."""
    audit.note(
        session,
        Deed.ORGANIZATION,
        place_id=place_id,
        by=by,
        now=now,
        before={"organization": name} | (before or {}) if before else {},
        after={"organization": name} | after,
    )


def tidy(session: Session, now: datetime) -> None:
    """Forget the invitations that nobody answered in time."""
    _take_back(session, OrganizationInvitation.expires_at <= now)
