"""What the team does for the members of its place: their membership, a suspension, their roles."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.orm import Session

from fablab.db import NoSuch, NotAllowed, add_row, db, retried, writing
from fablab.members import audit, standing_letters
from fablab.members.kinds import Audience, Deed, Role
from fablab.members.models import Member, Membership, RoleHeld

# An administrator is made on the command line, by whoever holds the machine it runs on.
GRANTED = frozenset({Role.REFERENT, Role.FABMANAGER, Role.ACCOUNTANT})


def stand_in_line(session: Session, member_id: int) -> None:
    """The first statement of every staff write about a member: one at a time.

    FOR NO KEY UPDATE, for which a booking of theirs does not wait; SQLite has one writer
    anyway. Raises NoSuch for nobody.
    """
    asked = select(Member.id).where(Member.id == member_id, Member.erased_at.is_(None))
    if session.scalar(asked.with_for_update(key_share=True)) is None:
        raise NoSuch(f"no member {member_id}")


@retried
def set_membership(
    member_id: int,
    place_id: int,
    audience: Audience,
    expires_on: date | None,
    *,
    by: int,
    now: datetime,
) -> None:
    """Make them a member of the place, or change for whom they count and until when.

    `expires_on` is the last day it is valid; None: without end. Raises NoSuch for nobody,
    and NotAllowed for an administrator unless another one does it.
    """
    after = {"audience": audience, "expires_on": expires_on}
    with writing() as session:
        stand_in_line(session, member_id)
        _keep_rank(member_id, place_id, by)
        held = membership(member_id, place_id)
        if held is None:
            add_row(
                session,
                Membership,
                member_id=member_id,
                place_id=place_id,
                suspension_reason="",
                **after,
            )
            before = {}
        else:
            before = {"audience": held.audience, "expires_on": held.expires_on}
            if before == after:
                return
            session.execute(update(Membership).where(Membership.id == held.id).values(**after))
        audit.note(
            session,
            Deed.MEMBERSHIP,
            place_id=place_id,
            member_id=member_id,
            by=by,
            now=now,
            before=before,
            after=after,
        )


@retried
def suspend(
    member_id: int, place_id: int, until: datetime, why: str, *, by: int, now: datetime
) -> None:
    """Take their right to book away until then, sign their devices out, and write to them why.

    Raises NotAllowed for oneself and, unless an administrator does it, for an administrator;
    NoSuch for who is no member of the place.
    """
    after = {"suspended_until": until, "reason": why}
    _set_suspension(member_id, place_id, Deed.SUSPENDED, after, by=by, now=now)


@retried
def reinstate(member_id: int, place_id: int, *, by: int, now: datetime) -> None:
    """Give it back; where nothing was taken nothing changes. Raises as `suspend` does."""
    after = {"suspended_until": None, "reason": ""}
    _set_suspension(member_id, place_id, Deed.REINSTATED, after, by=by, now=now)


def _set_suspension(
    member_id: int, place_id: int, deed: Deed, after: dict[str, Any], *, by: int, now: datetime
) -> None:
    if member_id == by:
        raise NotAllowed
    with writing() as session:
        stand_in_line(session, member_id)
        _keep_rank(member_id, place_id, by)
        held = _membership_of(member_id, place_id)
        before = {"suspended_until": held.suspended_until, "reason": held.suspension_reason}
        if before == after:
            return
        session.execute(
            update(Membership)
            .where(Membership.id == held.id)
            .values(suspended_until=after["suspended_until"], suspension_reason=after["reason"])
        )
        if deed is Deed.SUSPENDED:
            _sign_out(session, member_id)
            standing_letters.suspended(session, member_id, place_id, *after.values(), now=now)
        elif held.suspended_until is not None and held.suspended_until > now:
            standing_letters.reinstated(session, member_id, place_id, now=now)
        audit.note(
            session,
            deed,
            place_id=place_id,
            member_id=member_id,
            by=by,
            now=now,
            before=before,
            after=after,
        )


def put_roles(
    session: Session,
    member_id: int,
    place_id: int,
    roles: frozenset[Role],
    *,
    by: int,
    now: datetime,
) -> frozenset[Role]:
    """Give them these of the GRANTED roles and no other, in a write that is under way; what they
    hold no longer. Their devices sign in anew. `machines.referents.set_roles` does all of it.

    Raises NotAllowed unless an administrator of the place does it, to somebody else; and
    NoSuch for who is no member of the place.
    """
    if member_id == by or not roles <= GRANTED:
        raise NotAllowed
    stand_in_line(session, member_id)
    if Role.ADMINISTRATOR not in roles_held(by, place_id):
        raise NotAllowed
    held = _membership_of(member_id, place_id)
    before = roles_held(member_id, place_id)
    after = before - GRANTED | roles
    if before == after:
        return frozenset()
    session.execute(
        delete(RoleHeld).where(RoleHeld.membership_id == held.id, RoleHeld.role.in_(before - after))
    )
    for role in after - before:
        add_row(session, RoleHeld, membership_id=held.id, role=role)
    _sign_out(session, member_id)
    audit.note(
        session,
        Deed.ROLES,
        place_id=place_id,
        member_id=member_id,
        by=by,
        now=now,
        before={"roles": sorted(before)},
        after={"roles": sorted(after)},
    )
    return before - after


def _keep_rank(member_id: int, place_id: int, by: int) -> None:
    """What an administrator may do is for administrators alone to change."""
    is_above = Role.ADMINISTRATOR in roles_held(member_id, place_id)
    if is_above and Role.ADMINISTRATOR not in roles_held(by, place_id):
        raise NotAllowed


def membership(member_id: int, place_id: int) -> Row[Any] | None:
    """How they stand in the place, as the database has it now."""
    table = Membership.__table__
    return db.session.execute(
        select(table).where(table.c.member_id == member_id, table.c.place_id == place_id)
    ).first()


def _membership_of(member_id: int, place_id: int) -> Row[Any]:
    held = membership(member_id, place_id)
    if held is None:
        raise NoSuch(f"member {member_id} is none of place {place_id}")
    return held


def roles_held(member_id: int, place_id: int) -> frozenset[Role]:
    return frozenset(
        db.session.scalars(
            select(RoleHeld.role)
            .join(Membership, Membership.id == RoleHeld.membership_id)
            .where(Membership.member_id == member_id, Membership.place_id == place_id)
        )
    )


def _sign_out(session: Session, member_id: int) -> None:
    """Make every cookie of theirs worthless: a session begins anew when its rights change."""
    session.execute(
        update(Member)
        .where(Member.id == member_id)
        .values(session_version=Member.session_version + 1)
        .execution_options(synchronize_session=False)
    )
