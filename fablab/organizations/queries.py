"""What is asked of the organizations: whose they are, who is in them, who was asked to join."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from fablab.db import by_name, db
from fablab.members.models import Member
from fablab.organizations.models import (
    Organization,
    OrganizationInvitation,
    OrganizationMember,
    OrganizationYear,
)
from fablab.organizations.rules import Stay
from fablab.places.models import Place

ORGANIZATION = (
    Organization.id,
    Organization.place_id,
    Organization.slug,
    Organization.name,
    Organization.kind,
    Organization.trade,
    Organization.legal_form,
    Organization.hosted_since,
    Organization.hosted_until,
    Organization.audience,
    Organization.siren,
    Organization.customer_code,
)


def is_in(day: date) -> ColumnElement[bool]:
    """Belongs to it on that day."""
    return and_(
        OrganizationMember.since <= day,
        or_(OrganizationMember.until.is_(None), OrganizationMember.until >= day),
    )


def of_member(member_id: int, day: date) -> Sequence[Any]:
    """The organizations somebody is in on that day, in every place, by name. One statement."""
    return db.session.execute(
        select(
            *ORGANIZATION,
            OrganizationMember.is_manager,
            OrganizationMember.until,
            Place.slug.label("place_slug"),
            Place.name.label("place_name"),
        )
        .join(OrganizationMember, OrganizationMember.organization_id == Organization.id)
        .join(Place, Place.id == Organization.place_id)
        .where(OrganizationMember.member_id == member_id, is_in(day))
        .order_by(by_name(Organization.name), Organization.id)
    ).all()


def find(slug: str, place_id: int, member_id: int, day: date) -> Any:
    """An organization of the place, and what somebody is in it that day: `is_manager` is None of
    whoever is not in it.
    """
    own = and_(
        OrganizationMember.organization_id == Organization.id,
        OrganizationMember.member_id == member_id,
        is_in(day),
    )
    return db.session.execute(
        select(*ORGANIZATION, OrganizationMember.is_manager, OrganizationMember.until)
        .outerjoin(OrganizationMember, own)
        .where(Organization.slug == slug, Organization.place_id == place_id)
    ).first()


def people(organization_id: int) -> Sequence[Any]:
    """Everybody who is or was in it, by name. One statement."""
    return db.session.execute(
        select(
            Member.id,
            Member.uid,
            Member.first_name,
            Member.last_name,
            OrganizationMember.is_manager,
            OrganizationMember.activity,
            OrganizationMember.since,
            OrganizationMember.until,
        )
        .join(OrganizationMember, OrganizationMember.member_id == Member.id)
        .where(OrganizationMember.organization_id == organization_id, Member.erased_at.is_(None))
        .order_by(by_name(Member.last_name), by_name(Member.first_name), Member.id)
    ).all()


def accounts_of(organization_ids: Iterable[int]) -> dict[int, list[str]]:
    """The activity accounts that people have or had in each of these, by name. One statement, none
    without any.
    """
    found: dict[int, list[str]] = {each: [] for each in organization_ids}
    if found:
        asked = (
            select(OrganizationMember.organization_id, OrganizationMember.activity)
            .where(
                OrganizationMember.organization_id.in_(sorted(found)),
                OrganizationMember.activity != "",
            )
            .distinct()
            .order_by(OrganizationMember.activity)
        )
        for row in db.session.execute(asked):
            found[row.organization_id].append(row.activity)
    return found


def managed_alone(member_id: int, day: date) -> Sequence[Any]:
    """The organizations that nobody would manage without them, by name, with how many `others` are
    in it that day. One statement.
    """
    theirs = aliased(OrganizationMember)
    lasts = and_(OrganizationMember.is_manager, OrganizationMember.until.is_(None))
    others = func.count(case((is_in(day), Member.id)))
    managers = func.count(case((and_(is_in(day), lasts), Member.id)))
    return db.session.execute(
        select(
            Organization.name,
            Organization.slug,
            Place.slug.label("place_slug"),
            others.label("others"),
        )
        .join(Place, Place.id == Organization.place_id)
        .join(theirs, theirs.organization_id == Organization.id)
        .outerjoin(
            OrganizationMember,
            and_(
                OrganizationMember.organization_id == Organization.id,
                OrganizationMember.member_id != member_id,
            ),
        )
        .outerjoin(
            Member, and_(Member.id == OrganizationMember.member_id, Member.erased_at.is_(None))
        )
        .where(
            theirs.member_id == member_id,
            theirs.is_manager,
            theirs.since <= day,
            or_(theirs.until.is_(None), theirs.until >= day),
            or_(Organization.hosted_until.is_(None), Organization.hosted_until >= day),
        )
        .group_by(Organization.id, Organization.name, Organization.slug, Place.slug)
        .having(managers == 0)
        .order_by(by_name(Organization.name), Organization.id)
    ).all()


def unmanaged(place_id: int, day: date) -> Sequence[Any]:
    """The organizations of a place with people that day, and nobody who manages it, by name."""
    held = [row for row in all_of(place_id, day) if row.people and not row.managers]
    return [row for row in held if row.hosted_until is None or row.hosted_until >= day]


def years(organization_id: int) -> Sequence[Any]:
    """What it declared, the latest year first, with who did. One statement."""
    return db.session.execute(
        select(OrganizationYear.__table__, Member.first_name, Member.last_name)
        .outerjoin(Member, Member.id == OrganizationYear.declared_by_id)
        .where(OrganizationYear.organization_id == organization_id)
        .order_by(OrganizationYear.year.desc())
    ).all()


def stay(row: Any) -> Stay:
    return Stay(row.id, row.since, row.until, row.is_manager)


def all_of(place_id: int, day: date) -> Sequence[Any]:
    """The organizations of a place with how many people each has that day. One statement."""
    count = func.count(case((is_in(day), Member.id)))
    managers = func.count(case((and_(is_in(day), OrganizationMember.is_manager), Member.id)))
    return db.session.execute(
        select(*ORGANIZATION, count.label("people"), managers.label("managers"))
        .outerjoin(OrganizationMember, OrganizationMember.organization_id == Organization.id)
        .outerjoin(
            Member, and_(Member.id == OrganizationMember.member_id, Member.erased_at.is_(None))
        )
        .where(Organization.place_id == place_id)
        .group_by(*ORGANIZATION)
        .order_by(by_name(Organization.name), Organization.id)
    ).all()


INVITATION = (
    OrganizationInvitation.uid,
    OrganizationInvitation.email,
    OrganizationInvitation.made_at,
    OrganizationInvitation.expires_at,
    OrganizationInvitation.organization_id,
    OrganizationInvitation.invited_by_id,
    Organization.name,
    Organization.slug,
    Organization.place_id,
    Place.zone,
    Place.name.label("place_name"),
    Place.slug.label("place_slug"),
    Member.first_name,
    Member.last_name,
)


def invitations(now: datetime, *narrowed: ColumnElement[bool]) -> Sequence[Any]:
    """Those that can still be accepted, with who invited; the latest first."""
    return db.session.execute(
        select(*INVITATION)
        .join(Organization, Organization.id == OrganizationInvitation.organization_id)
        .join(Place, Place.id == Organization.place_id)
        .join(Member, Member.id == OrganizationInvitation.invited_by_id)
        .where(OrganizationInvitation.expires_at > now, *narrowed)
        .order_by(OrganizationInvitation.made_at.desc(), OrganizationInvitation.id.desc())
    ).all()


def invitation(uid: str, now: datetime) -> Any:
    return next(iter(invitations(now, OrganizationInvitation.uid == uid)), None)


def invitations_into(organization_id: int, now: datetime) -> Sequence[Any]:
    return invitations(now, OrganizationInvitation.organization_id == organization_id)


def invitations_to(email: str, now: datetime) -> Sequence[Any]:
    return invitations(now, OrganizationInvitation.email == email)
