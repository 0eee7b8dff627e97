"""What is done about qualifications: to give one, to take one back."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fablab.db import NotAllowed, add_row, retried, writing
from fablab.machines.inventory import of_place
from fablab.members import audit
from fablab.members.kinds import TEAM, Deed
from fablab.members.staff import roles_held, stand_in_line
from fablab.trainings import queries
from fablab.trainings.models import Qualification
from fablab.trainings.rules import may_grant


@dataclass(frozen=True, slots=True)
class Award:
    """What is given: a training's whole, or one machine at a level; from a day to another.

    `name` is what the record calls it, once the training or the machine may be gone.
    """

    name: str
    given_on: date
    expires_on: date | None
    training_id: int | None = None
    machine_id: int | None = None
    level: int | None = None


@retried
def qualify(member_id: int, place_id: int, award: Award, *, by: int, now: datetime) -> int:
    """Give it, and the id of what they then hold; the same again gives what was given before.

    Raises NotAllowed for oneself and for who may not grant it, and NoSuch for nobody.
    """
    with writing() as session:
        stand_in_line(session, member_id)
        if not is_allowed(member_id, place_id, award.training_id, award.machine_id, by=by, now=now):
            raise NotAllowed
        return give(session, member_id, place_id, award, by=by, now=now)[0]


def is_allowed(
    member_id: int,
    place_id: int,
    training_id: int | None,
    machine_id: int | None,
    *,
    by: int,
    now: datetime,
) -> bool:
    """May `by` give that training, or that machine, to the member? Gathers what the rule asks."""
    is_team = bool(roles_held(by, place_id) & TEAM)
    machines = {machine_id} if machine_id is not None else set(queries.granted(training_id or 0))
    zone = of_place(place_id=place_id).schedule.zone
    return may_grant(
        by_id=by,
        member_id=member_id,
        is_team=is_team,
        machines=machines,
        trains_on=() if is_team else queries.trains_on(by, place_id, zone, now),
        looks_after=() if is_team else queries.looks_after(by, place_id, zone, now),
    )


def give(
    session: Session, member_id: int, place_id: int, award: Award, *, by: int, now: datetime
) -> tuple[int, bool]:
    """Write it down, in a transaction that stands in line for the member: the id of what they
    then hold, and whether it is new.
    """
    values = {
        "member_id": member_id,
        "training_id": award.training_id,
        "machine_id": award.machine_id,
        "level": award.level,
        "given_on": award.given_on,
        "expires_on": award.expires_on,
    }
    same = select(Qualification.id).filter_by(**values)
    given = session.scalar(same)
    if given is not None:
        return given, False
    given = add_row(session, Qualification, **values, given_by_id=by, recorded_at=now)
    audit.note(
        session,
        Deed.QUALIFIED,
        place_id=place_id,
        member_id=member_id,
        by=by,
        now=now,
        after=_said(award.name, award.level, award.given_on, award.expires_on),
    )
    return given, True


@retried
def disqualify(
    qualification_id: int, member_id: int, place_id: int, name: str, *, by: int, now: datetime
) -> None:
    """Take it back: the row goes, its record stays. Taken already, nothing changes.

    Raises NoSuch for nobody.
    """
    with writing() as session:
        stand_in_line(session, member_id)
        held = session.execute(
            select(
                Qualification.level,
                Qualification.given_on,
                Qualification.expires_on,
            ).where(Qualification.id == qualification_id, Qualification.member_id == member_id)
        ).first()
        if held is None:
            return
        session.execute(delete(Qualification).where(Qualification.id == qualification_id))
        audit.note(
            session,
            Deed.DISQUALIFIED,
            place_id=place_id,
            member_id=member_id,
            by=by,
            now=now,
            before=_said(name, held.level, held.given_on, held.expires_on),
        )


def _said(name: str, level: int | None, given_on: date, expires_on: date | None) -> dict:
    said = {"of": name, "given_on": given_on, "expires_on": expires_on}
    return said if level is None else said | {"level": level}
