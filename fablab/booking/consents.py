"""Asking somebody's yes for a booking, and what is asked of whom. `answers.py` answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, or_, select
from sqlalchemy.orm import Session, aliased

from fablab.booking.consent_rules import Answerer, may_answer
from fablab.booking.kinds import Answer, ConsentKind
from fablab.booking.models import Consent
from fablab.clock import today
from fablab.db import NoSuch, add_rows, db
from fablab.machines.kinds import Status
from fablab.machines.models import Category, Machine, MachineReferent, Occupancy
from fablab.mail import outbox
from fablab.members.kinds import TEAM
from fablab.members.models import Member, Membership, RoleHeld
from fablab.organizations.models import OrganizationMember
from fablab.places.models import Place

Own = aliased(Membership)  # of whoever is asked


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose yes a booking needs. `asked_id` is the buddy who is named; nobody else is by name."""

    kind: ConsentKind
    asked_id: int | None = None
    due_at: datetime | None = None  # when not like the others
    silence_is_a_yes: bool = False


def ask(
    session: Session,
    occupancy_id: int,
    wanted: Iterable[Wanted],
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """Write down each question of a booking that is pending, in its own transaction.

    One statement, however many are asked. The mails are written by the background work a moment
    later (`consent_letters.send_questions`), so that whoever books does not wait for them.
    """
    asked = [
        {
            "uid": str(uuid4()),
            "occupancy_id": occupancy_id,
            "kind": each.kind,
            "asked_id": each.asked_id,
            "asked_at": now,
            "due_at": each.due_at or due_at,
            "silence_is_a_yes": each.silence_is_a_yes,
        }
        for each in wanted
    ]
    if asked:
        add_rows(session, Consent, asked)
        outbox.ring(session)


def forget(session: Session, occupancy_id: int) -> None:
    """Take back every question that nobody has answered: there is nothing to answer any more."""
    session.execute(
        delete(Consent).where(Consent.occupancy_id == occupancy_id, Consent.answer.is_(None))
    )


# Of a question, its booking, and the machine and the person that this is of.
QUESTION = (
    Consent.id.label("consent_id"),
    Consent.uid.label("consent_uid"),
    Consent.kind,
    Consent.asked_id,
    Consent.due_at,
    Consent.silence_is_a_yes,
    Consent.answer,
    Consent.answered_by_id,
    Occupancy.id,
    Occupancy.uid,
    Occupancy.status,
    Occupancy.starts_at,
    Occupancy.ends_at,
    Occupancy.title,
    Occupancy.member_id,
    Occupancy.machine_id,
    Machine.place_id,
    Machine.slug,
    Machine.code,
    Machine.name.label("machine_name"),
    Machine.location,
    Category.hue,
    Member.first_name,
    Member.last_name,
    Place.zone,
)


def questions_to(member_id: int) -> Select[*tuple[Any, ...]]:
    """Every question with its booking, and what `member_id` is to it; narrow it before asking."""
    is_team = exists().where(
        Membership.member_id == member_id,
        Membership.place_id == Machine.place_id,
        RoleHeld.membership_id == Membership.id,
        RoleHeld.role.in_(TEAM),
    )
    return (
        select(
            *QUESTION,
            is_team.label("is_team"),
            MachineReferent.member_id.is_not(None).label("is_referent"),
            Own.expires_on.label("own_expires_on"),
            Own.suspended_until.label("own_suspended_until"),
            OrganizationMember.since.label("manager_since"),
            OrganizationMember.until.label("manager_until"),
        )
        .join(Occupancy, Occupancy.id == Consent.occupancy_id)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .join(Category, Category.id == Machine.category_id)
        .join(Place, Place.id == Machine.place_id)
        .join(Member, Member.id == Occupancy.member_id)
        .outerjoin(
            MachineReferent,
            and_(MachineReferent.machine_id == Machine.id, MachineReferent.member_id == member_id),
        )
        .outerjoin(Own, and_(Own.member_id == member_id, Own.place_id == Machine.place_id))
        .outerjoin(
            OrganizationMember,
            and_(
                OrganizationMember.organization_id == Machine.owner_id,
                OrganizationMember.member_id == member_id,
                OrganizationMember.is_manager,
            ),
        )
        .where(
            or_(
                Consent.asked_id == member_id,
                is_team,
                MachineReferent.member_id.is_not(None),
                OrganizationMember.member_id.is_not(None),
            )
        )
    )


def is_open() -> ColumnElement[bool]:
    """Nobody has answered it, and the booking still waits for it."""
    return and_(Consent.answer.is_(None), Occupancy.status == Status.PENDING)


def is_theirs(question: Row[Any], member_id: int, now: datetime) -> bool:
    """May they answer it? Whoever manages the owner must do so today, on the place's calendar."""
    since, until = question.manager_since, question.manager_until
    day = today(ZoneInfo(question.zone), now)
    who = Answerer(
        member_id,
        is_team=bool(question.is_team),
        is_referent=bool(question.is_referent) and _is_in_standing(question, day, now),
        manages_owner=since is not None and since <= day and (until is None or day <= until),
    )
    return may_answer(question.kind, who, asked_id=question.asked_id, booked_for=question.member_id)


def _is_in_standing(question: Row[Any], day: date, now: datetime) -> bool:
    """Nobody looks after a machine once their membership has expired, nor while suspended."""
    until, expires_on = question.own_suspended_until, question.own_expires_on
    return (until is None or until <= now) and (expires_on is None or expires_on >= day)


def find(uid: str, member_id: int, now: datetime) -> Row[Any]:
    """A question that is asked of them. Raises NoSuch, as for one that does not exist."""
    found = db.session.execute(questions_to(member_id).where(Consent.uid == uid)).first()
    if found is None or not is_theirs(found, member_id, now):
        raise NoSuch(f"nothing is asked of them under {uid}")
    return found


def waiting_for(member_id: int, now: datetime, *narrower: ColumnElement[bool]) -> list[Row[Any]]:
    """What they are asked and nobody has answered, the soonest due first. One statement."""
    rows = db.session.execute(
        questions_to(member_id)
        .where(is_open(), Consent.due_at > now, *narrower)
        .order_by(Consent.due_at, Consent.id)
    )
    return [row for row in rows if is_theirs(row, member_id, now)]


def buddy_of(member_id: int, now: datetime) -> list[Row[Any]]:
    """The bookings to come that they agreed to be the buddy of, soonest first. One statement."""
    asked = questions_to(member_id).where(
        Consent.kind == ConsentKind.BUDDY,
        Consent.answer == Answer.YES,
        Consent.answered_by_id == member_id,
        Occupancy.buddy_id == member_id,
        Occupancy.standing,
        Occupancy.starts_at > now,
    )
    return list(db.session.execute(asked.order_by(Occupancy.starts_at, Consent.id)))


def of_booking(occupancy_id: int) -> list[Row[Any]]:
    """Everything that was asked about it, first to last, with the name of who is asked or said."""
    return list(
        db.session.execute(
            select(Consent.__table__, Member.first_name, Member.last_name)
            .outerjoin(
                Member,
                Member.id == db.func.coalesce(Consent.answered_by_id, Consent.asked_id),
            )
            .where(Consent.occupancy_id == occupancy_id)
            .order_by(Consent.id)
        )
    )


def booking_without_buddy(uid: str) -> str | None:
    """The UID of the booking that waits, under this question, for a buddy to be named or agree."""
    asked = (
        select(Occupancy.uid)
        .join(Consent, Consent.occupancy_id == Occupancy.id)
        .where(Consent.uid == uid, Consent.kind == ConsentKind.BUDDY, is_open())
    )
    found: str | None = db.session.scalar(asked)
    return found


def is_waiting(session: Session, occupancy_id: int) -> bool:
    """Is there a question about it that nobody has answered?"""
    asked = select(Consent.id).where(Consent.occupancy_id == occupancy_id, Consent.answer.is_(None))
    return session.scalar(asked.limit(1)) is not None
