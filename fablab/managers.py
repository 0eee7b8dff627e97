"""The first manager of an installation, and the place they manage."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, time
from uuid import uuid4

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fablab.db import add_row, db, retried, writing
from fablab.members import audit, passwords
from fablab.members.commands import normal
from fablab.members.kinds import Audience, Deed, Role
from fablab.members.models import Member, Membership, RoleHeld
from fablab.members.staff import roles_held
from fablab.places.kinds import Mode
from fablab.places.models import Opening, Place

MANAGES = frozenset({Role.ADMINISTRATOR, Role.FABMANAGER})
# Until the manager says otherwise: Monday to Friday, somebody there from nine to six.
OPENS, CLOSES, WEEKDAYS = time(9), time(18), range(1, 6)


class NotManager(Exception):
    """One line: why nobody was made a manager."""


@dataclass(frozen=True)
class Known:
    """What is there already, and so need not be asked."""

    account: int | None  # the member who has the address
    place: int | None  # the first place


def known(email: str) -> Known:
    """Raises NotManager when it is no mail address."""
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError as error:
        raise NotManager(f"{email} is not a mail address: {error}") from error
    member = db.session.scalar(
        select(Member.id).where(Member.email == normal(email), Member.erased_at.is_(None))
    )
    return Known(member, first_place())


def first_place() -> int | None:
    return db.session.scalar(select(Place.id).order_by(Place.position, Place.id).limit(1))


@dataclass(frozen=True)
class Newcomer:
    """Somebody without an account yet."""

    first_name: str
    last_name: str
    password: str


@retried
def make_manager(
    email: str, newcomer: Newcomer | None, place_name: str | None, *, now: datetime
) -> None:
    """Make whoever has this address administrator and fabmanager of the first place.

    `newcomer` when there is no account of that address, `place_name` when there is no place;
    what exists stays as it is. Raises NotManager when the password is refused.
    """
    kept = _hashed(email, newcomer) if newcomer else None
    with writing() as session:
        place_id = first_place() or _open_place(session, place_name or "Fablab", now)
        member_id = known(email).account
        if member_id is None:
            if newcomer is None:
                raise NotManager(f"nobody has the address {email}")
            member_id = _add_member(session, email, newcomer, kept, now)
        _give_roles(session, member_id, place_id, now)


def _hashed(email: str, newcomer: Newcomer) -> str:
    about = (newcomer.first_name, newcomer.last_name, email)
    try:
        passwords.check(newcomer.password, about)
    except passwords.WeakPassword as error:
        raise NotManager(str(error)) from error
    return passwords.hashed(newcomer.password)


def _open_place(session: Session, name: str, now: datetime) -> int:
    place = Place(slug=slug_of(name), name=name, created_at=now)
    place.openings = [
        Opening(weekday=weekday, opens_at=OPENS, closes_at=CLOSES, mode=Mode.SUPERVISED)
        for weekday in WEEKDAYS
    ]
    session.add(place)
    session.flush()
    return place.id


def slug_of(name: str) -> str:
    """For addresses: `L'Atelier du Clain` gives `l-atelier-du-clain`."""
    letters = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or "fablab"


def _add_member(
    session: Session, email: str, newcomer: Newcomer, kept: str | None, now: datetime
) -> int:
    member = Member(
        uid=str(uuid4()),
        email=normal(email),
        first_name=newcomer.first_name,
        last_name=newcomer.last_name,
        password_hash=kept,
        confirmed_at=now,  # whoever holds this machine vouches for the address
        created_at=now,
    )
    session.add(member)
    session.flush()
    return member.id


def _give_roles(session: Session, member_id: int, place_id: int, now: datetime) -> None:
    """A session begins anew when its rights change, hence the new session version."""
    membership_id = session.scalar(
        select(Membership.id).where(
            Membership.member_id == member_id, Membership.place_id == place_id
        )
    ) or add_row(
        session,
        Membership,
        member_id=member_id,
        place_id=place_id,
        audience=Audience.STAFF,
        suspension_reason="",
    )
    before = roles_held(member_id, place_id)
    for role in MANAGES - before:
        add_row(session, RoleHeld, membership_id=membership_id, role=role)
    session.execute(
        update(Member)
        .where(Member.id == member_id)
        .values(session_version=Member.session_version + 1)
        .execution_options(synchronize_session=False)
    )
    audit.note(
        session,
        Deed.ROLES,
        place_id=place_id,
        member_id=member_id,
        by=None,
        now=now,
        before={"roles": sorted(before)},
        after={"roles": sorted(before | MANAGES)},
    )
