"""Two accounts of one person become one: everything moves to the one that stays.

In one transaction. What both had of one thing is kept once, by the rules beside each; the other
account is closed, its address free, its sign-in dead.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from fablab.accounts.erasure import nobody
from fablab.accounts.traces import TRACES, table
from fablab.db import NoSuch, NotAllowed, db, retried, writing
from fablab.mail import outbox
from fablab.mail.kinds import Reason
from fablab.members import audit, throttle
from fablab.members.kinds import TEAM, Deed, Role
from fablab.members.models import calendar_changed, names_changed
from fablab.members.staff import roles_held

# What only one of may be there, beside who it is of: by table, the columns that say of what.
ONCE = {
    "acknowledgement": ("machine_id",),
    "machine_referent": ("machine_id",),
    "membership": ("place_id",),
    "organization_member": ("organization_id",),
    "registration": ("session_id",),
    "session_invitation": ("session_id",),
}


@retried
def merge(kept_id: int, closed_id: int, *, by: int, now: datetime) -> None:
    """Move everything of the one account to the other, and close it.

    Raises NotAllowed as `may_merge` says, NoSuch for who is erased, and Busy.
    """
    with writing() as session:
        kept, closed = _in_line(session, kept_id, closed_id)
        if not may_merge(kept_id, closed_id, by=by):
            raise NotAllowed
        names_changed(session, closed_id)
        _join_memberships(session, kept_id, closed_id)
        _join_organizations(session, kept_id, closed_id)
        _join_once(session, kept_id, closed_id)
        _join_parts(session, kept_id, closed_id)
        _close_ways_in(session, closed, now)
        for name, column in TRACES:
            moved = table(name)
            session.execute(
                update(moved).where(moved.c[column] == closed_id).values({column: kept_id})
            )
        names_changed(session, kept_id)
        calendar_changed(session, kept_id, closed_id)
        _move_mails(session, kept, closed, now)
        member = table("member")
        values = nobody(now)
        session.execute(update(member).where(member.c.id == closed_id).values(**values))
        # What they may do by now is asked anew of whoever is signed in, as for other roles.
        signed_in_before = member.c.session_version
        session.execute(
            update(member)
            .where(member.c.id == kept_id)
            .values(session_version=signed_in_before + 1)
        )
        _complete(session, kept, closed)
        _note(session, kept, closed, by=by, now=now)


def _in_line(session: Session, *ids: int) -> list[Row[Any]]:
    """Both, with every write about them waiting; in the order of their ids."""
    if len(set(ids)) < len(ids):
        raise NoSuch("an account is merged with another")
    member = table("member")
    living = select(member).where(member.c.id.in_(ids), member.c.erased_at.is_(None))
    asked = living.order_by(member.c.id).with_for_update()
    found = {row.id: row for row in session.execute(asked)}
    if len(found) < len(ids):
        raise NoSuch(f"no two members {ids}")
    return [found[id] for id in ids]


def may_merge(kept_id: int, closed_id: int, *, by: int) -> bool:
    """Nobody merges an account of their own. It takes somebody of the team of every place that
    either belongs to, and an administrator where either holds a role.
    """
    if by in (kept_id, closed_id):
        return False
    for place_id in places_of(kept_id, closed_id):
        own = roles_held(by, place_id)
        has_roles = roles_held(kept_id, place_id) | roles_held(closed_id, place_id)
        if not own & TEAM or (has_roles and Role.ADMINISTRATOR not in own):
            return False
    return True


def places_of(*ids: int) -> list[int]:
    membership = table("membership")
    asked = select(membership.c.place_id).where(membership.c.member_id.in_(ids)).distinct()
    return list(db.session.scalars(asked))


def of_both(session: Session, name: str, kept_id: int, closed_id: int) -> list[tuple[Any, Any]]:
    """Pairs of rows that are of one thing: that of who stays, that of who goes."""
    rows = session.execute(
        select(table(name)).where(table(name).c.member_id.in_((kept_id, closed_id)))
    ).all()
    of = {(row.member_id, *(getattr(row, column) for column in ONCE[name])): row for row in rows}
    return [
        (of[(kept_id, *key[1:])], row)
        for key, row in of.items()
        if key[0] == closed_id and (kept_id, *key[1:]) in of
    ]


def _join_memberships(session: Session, kept_id: int, closed_id: int) -> None:
    """The longer membership and the stricter suspension; the roles of both."""
    membership, role = table("membership"), table("role_held")
    for stays, goes in of_both(session, "membership", kept_id, closed_id):
        strict = max(
            (stays, goes), key=lambda row: (row.suspended_until is not None, row.suspended_until)
        )
        values = {
            "expires_on": latest(stays.expires_on, goes.expires_on),
            "suspended_until": strict.suspended_until,
            "suspension_reason": strict.suspension_reason,
            "marked_until": max(
                filter(None, (stays.marked_until, goes.marked_until)), default=None
            ),
        }
        session.execute(update(membership).where(membership.c.id == stays.id).values(**values))
        held = select(role.c.role).where(role.c.membership_id == stays.id)
        of_other = role.c.membership_id == goes.id
        session.execute(delete(role).where(of_other, role.c.role.in_(held)))
        session.execute(update(role).where(of_other).values(membership_id=stays.id))
        warned = table("membership_warning")
        session.execute(delete(warned).where(warned.c.membership_id == goes.id))
        session.execute(delete(membership).where(membership.c.id == goes.id))


def latest(one: date | None, other: date | None) -> date | None:
    """Of two last days; None is without end."""
    return max(one, other) if one and other else None


def _join_organizations(session: Session, kept_id: int, closed_id: int) -> None:
    """From the first day of either to the last; a manager if either is."""
    stay = table("organization_member")
    for stays, goes in of_both(session, "organization_member", kept_id, closed_id):
        of_it = stay.c.organization_id == stays.organization_id
        session.execute(
            update(stay)
            .where(of_it, stay.c.member_id == kept_id)
            .values(
                since=min(stays.since, goes.since),
                until=latest(stays.until, goes.until),
                is_manager=stays.is_manager or goes.is_manager,
                activity=stays.activity or goes.activity,
            )
        )
        session.execute(delete(stay).where(of_it, stay.c.member_id == closed_id))


def _join_once(session: Session, kept_id: int, closed_id: int) -> None:
    """Of what says nothing that could differ, the one of who stays; a seat of either is kept."""
    for name in ("acknowledgement", "machine_referent", "session_invitation"):
        _drop(session, name, (goes for _, goes in of_both(session, name, kept_id, closed_id)))
    registration = table("registration")
    for stays, goes in of_both(session, "registration", kept_id, closed_id):
        better = min((stays, goes), key=lambda row: SEATINGS.index(row.seating))
        _drop(session, "registration", [goes])
        session.execute(
            update(registration)
            .where(registration.c.id == stays.id)
            .values(seating=better.seating, asked_at=min(stays.asked_at, goes.asked_at))
        )


SEATINGS = ("attended", "seated", "absent", "waiting", "left")  # the best first


def _drop(session: Session, name: str, rows: Iterable[Any]) -> None:
    gone = table(name)
    for row in rows:
        key = (column == getattr(row, column.name) for column in gone.primary_key.columns)
        session.execute(delete(gone).where(*key))


def _join_parts(session: Session, kept_id: int, closed_id: int) -> None:
    """Nobody is their own buddy, nor qualified by themselves; a form made one booking."""
    pair = (kept_id, closed_id)
    booking, held = table("occupancy"), table("qualification")
    session.execute(
        update(booking)
        .where(booking.c.member_id.in_(pair), booking.c.buddy_id.in_(pair))
        .values(buddy_id=None)
    )
    session.execute(
        update(held)
        .where(held.c.member_id.in_(pair), held.c.given_by_id.in_(pair))
        .values(given_by_id=None)
    )
    session.execute(
        update(booking).where(booking.c.created_by_id == closed_id).values(request_key=None)
    )


def _close_ways_in(session: Session, closed: Row[Any], now: datetime) -> None:
    link, token, attempt = table("mailed_link"), table("feed_token"), table("attempt")
    session.execute(delete(link).where(link.c.member_id == closed.id))
    session.execute(
        update(token)
        .where(token.c.member_id == closed.id, token.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    session.execute(delete(attempt).where(attempt.c.account == throttle.key_of(closed.email)))


def _move_mails(session: Session, kept: Row[Any], closed: Row[Any], now: datetime) -> None:
    """What has not left and is about something goes to the address that stays; what was about
    the account itself, a link to sign in with, never leaves.
    """
    mail, invited = table("outgoing_mail"), table("organization_invitation")
    waiting = and_(
        mail.c.recipient == closed.email, mail.c.sent_at.is_(None), mail.c.dropped_at.is_(None)
    )
    session.execute(update(mail).where(waiting, mail.c.topic != "").values(recipient=kept.email))
    session.execute(
        update(mail)
        .where(waiting, or_(mail.c.topic == "", mail.c.topic.is_(None)))
        .values(dropped_at=now, reason=Reason.UNTRUE, **outbox.BLANK)
    )
    session.execute(delete(invited).where(invited.c.email == closed.email))


def _complete(session: Session, kept: Row[Any], closed: Row[Any]) -> None:
    """What the account that stays did not say; the age that asks for more care."""
    member = table("member")
    values: dict[str, Any] = {}
    if not kept.phone and closed.phone:
        values = {"phone": closed.phone, "shares_phone": closed.shares_phone}
    if BANDS.index(closed.age_band) < BANDS.index(kept.age_band):
        values["age_band"] = closed.age_band
    if kept.guardian_agreed_on is None and closed.guardian_agreed_on:
        values["guardian_agreed_on"] = closed.guardian_agreed_on
    if values:
        session.execute(update(member).where(member.c.id == kept.id).values(**values))


BANDS = ("under_16", "from_16", "adult")


def _note(session: Session, kept: Row[Any], closed: Row[Any], *, by: int, now: datetime) -> None:
    name = f"{closed.first_name} {closed.last_name}".strip()
    for place_id in places_of(kept.id):
        audit.note(
            session,
            Deed.MERGED,
            place_id=place_id,
            member_id=kept.id,
            by=by,
            now=now,
            after={"merged": name, "merged_email": closed.email},
        )


def what_moves(closed_id: int) -> dict[str, int]:
    """How many rows of each table are about the account that goes. One statement."""
    counted = {
        name: select(func.count()).where(table(name).c.member_id == closed_id).scalar_subquery()
        for name in COUNTED
    }
    row = db.session.execute(select(*(count.label(name) for name, count in counted.items()))).one()
    return dict(row._mapping)


COUNTED = (
    "occupancy",
    "qualification",
    "mark",
    "membership",
    "feed_token",
    "wait",
    "organization_member",
    "registration",
    "series",
)
