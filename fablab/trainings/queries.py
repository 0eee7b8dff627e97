"""What is asked of trainings, sessions and qualifications, always of one place."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, union
from sqlalchemy.orm import aliased

from fablab import clock
from fablab.db import NoSuch, by_name, db
from fablab.machines.models import Machine, MachineReferent, Occupancy
from fablab.members.kinds import TEAM, Role
from fablab.members.models import Member, Membership, RoleHeld
from fablab.slots import Slot
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import (
    Level,
    Qualification,
    Registration,
    Training,
    TrainingGrant,
    TrainingPrerequisite,
    TrainingSession,
)
from fablab.trainings.rules import Applicant
from fablab.trainings.use import LAST_USED, last_day

TAKES_A_SEAT = (Seating.SEATED, Seating.ATTENDED, Seating.ABSENT)


@dataclass(frozen=True, slots=True)
class Holding:
    """A qualification as somebody holds it, and its last valid day once use is counted."""

    id: int
    member_id: int
    training_id: int | None
    machine_id: int | None
    level: int | None
    training: str  # empty for one of a machine alone
    machine: str
    given_on: date
    last_day: date | None  # none: for life

    def is_valid_on(self, day: date) -> bool:
        return self.given_on <= day and (self.last_day is None or day <= self.last_day)

    @property
    def lasts(self) -> date:
        """The last valid day, to compare."""
        return self.last_day or date.max


def holdings(
    place_id: int, zone: tzinfo, now: datetime, *narrowed: ColumnElement[bool]
) -> list[Holding]:
    """The qualifications of the place that `narrowed` leaves, latest given first. One statement."""
    rows = db.session.execute(
        select(
            Qualification.id,
            Qualification.member_id,
            Qualification.training_id,
            Qualification.machine_id,
            Qualification.level,
            Qualification.given_on,
            Qualification.expires_on,
            Training.name.label("training"),
            Training.validity_months,
            Training.inactivity_months,
            Training.is_renewed_by_use,
            Machine.name.label("machine"),
            LAST_USED.label("last_used_at"),
        )
        .outerjoin(Training, Training.id == Qualification.training_id)
        .outerjoin(Machine, Machine.id == Qualification.machine_id)
        .where(or_(Training.place_id == place_id, Machine.place_id == place_id), *narrowed)
        .order_by(Qualification.given_on.desc(), Qualification.id.desc()),
        {"now": now},
    ).all()
    return [_holding(row, zone) for row in rows]


def _holding(row: Any, zone: tzinfo) -> Holding:
    return Holding(
        row.id,
        row.member_id,
        row.training_id,
        row.machine_id,
        row.level,
        row.training or "",
        row.machine or "",
        row.given_on,
        last_day(row, zone),
    )


def held_by(member_id: int, place_id: int, zone: tzinfo, now: datetime) -> list[Holding]:
    return holdings(place_id, zone, now, Qualification.member_id == member_id)


def applicant(member_id: int, place_id: int) -> Applicant | None:
    """A member as whoever would come to a session of the place; None when there is nobody."""
    row = db.session.execute(
        select(
            Membership.id,
            Membership.expires_on,
            Membership.suspended_until,
            Membership.suspension_reason,
            Member.age_band,
            Member.guardian_agreed_on,
        )
        .select_from(Member)
        .outerjoin(
            Membership, and_(Membership.member_id == Member.id, Membership.place_id == place_id)
        )
        .where(Member.id == member_id, Member.erased_at.is_(None))
    ).first()
    if row is None:
        return None
    return Applicant(
        is_member=row.id is not None,
        membership_ends_on=row.expires_on,
        suspended_until=row.suspended_until,
        suspension_reason=row.suspension_reason or "",
        age=row.age_band,
        guardian_agreed=row.guardian_agreed_on is not None,
    )


def required(training_ids: Collection[int]) -> dict[int, dict[int, str]]:
    """The trainings that each of some asks for first, by id with their name. One statement."""
    rows = db.session.execute(
        select(TrainingPrerequisite.training_id, Training.id, Training.name)
        .join(Training, Training.id == TrainingPrerequisite.required_id)
        .where(TrainingPrerequisite.training_id.in_(training_ids))
        .order_by(Training.name, Training.id)
    )
    found: dict[int, dict[int, str]] = {}
    for training_id, required_id, name in rows:
        found.setdefault(training_id, {})[required_id] = name
    return found


def missing(needed: dict[int, str], held: Collection[Holding], day: date) -> list[str]:
    """The names of those of `needed` that are not held on that day."""
    there = {each.training_id for each in held if each.is_valid_on(day)}
    return [name for training_id, name in needed.items() if training_id not in there]


def granted(training_id: int) -> dict[int, int]:
    """The level that a training gives on each machine, by the machine's id."""
    rows = db.session.execute(
        select(TrainingGrant.machine_id, TrainingGrant.level).where(
            TrainingGrant.training_id == training_id
        )
    )
    return {row.machine_id: row.level for row in rows}


def trains_on(member_id: int, place_id: int, zone: tzinfo, now: datetime) -> set[int]:
    """The machines of the place on which they are a trainer today: none once their membership has
    expired, and none while they are suspended.
    """
    day = clock.today(zone, now)
    found: set[int] = set()
    if not _is_in_standing(member_id, place_id, zone, now):
        return found
    for held in held_by(member_id, place_id, zone, now):
        if not held.is_valid_on(day):
            continue
        if held.machine_id is not None:
            levels = {held.machine_id: held.level or 0}
        else:
            levels = granted(held.training_id or 0)
        found |= {machine for machine, level in levels.items() if level >= Level.TRAINER}
    return found


def _is_in_standing(member_id: int, place_id: int, zone: tzinfo, now: datetime) -> bool:
    asked = select(Membership.id).where(
        Membership.member_id == member_id,
        Membership.place_id == place_id,
        *_in_standing(zone, now),
    )
    return db.session.scalar(asked) is not None


def _in_standing(zone: tzinfo, now: datetime) -> Iterator[ColumnElement[bool]]:
    """Of a membership: neither expired nor suspended."""
    expires_on, suspended_until = Membership.expires_on, Membership.suspended_until
    yield or_(suspended_until.is_(None), suspended_until <= now)
    yield or_(expires_on.is_(None), expires_on >= clock.today(zone, now))


def grants_on(member_id: int, place_id: int, zone: tzinfo, now: datetime) -> set[int]:
    """The machines on which they may qualify others, being their trainer or referent."""
    trained = trains_on(member_id, place_id, zone, now)
    return trained | looks_after(member_id, place_id, zone, now)


def member_called(email: str, place_id: int) -> int | None:
    """The id of the place's member with that address."""
    return db.session.scalar(
        select(Member.id)
        .join(Membership, Membership.member_id == Member.id)
        .where(Member.email == email, Member.erased_at.is_(None), Membership.place_id == place_id)
    )


def looks_after(member_id: int, place_id: int, zone: tzinfo, now: datetime) -> set[int]:
    """The machines of the place whose referent they are, as long as they are a member of it:
    none once that has expired, and none while they are suspended.
    """
    return set(
        db.session.scalars(
            select(MachineReferent.machine_id)
            .join(Machine, Machine.id == MachineReferent.machine_id)
            .join(
                Membership,
                and_(
                    Membership.member_id == MachineReferent.member_id,
                    Membership.place_id == Machine.place_id,
                ),
            )
            .where(
                MachineReferent.member_id == member_id,
                Machine.place_id == place_id,
                *_in_standing(zone, now),
            )
        )
    )


Trainer = aliased(Member)


def _sessions(*narrowed: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Sessions with their training, their trainer, how many are seated and how many wait."""

    def count(*seatings: Seating) -> Any:
        return (
            select(func.count())
            .where(
                Registration.session_id == TrainingSession.id,
                Registration.seating.in_(seatings),
            )
            .correlate(TrainingSession)
            .scalar_subquery()
        )

    return (
        select(
            *TrainingSession.__table__.columns,
            Training.name.label("training"),
            Training.code.label("training_code"),
            Training.minimum_people,
            Training.decided_before,
            Training.minimum_age,
            Training.validity_months,
            Trainer.first_name,
            Trainer.last_name,
            Trainer.uid.label("trainer_uid"),
            count(*TAKES_A_SEAT).label("seated"),
            count(Seating.WAITING).label("waiting"),
        )
        .join(Training, Training.id == TrainingSession.training_id)
        .outerjoin(Trainer, Trainer.id == TrainingSession.trainer_id)
        .where(*narrowed)
        .order_by(TrainingSession.starts_at, TrainingSession.id)
    )


def sessions(*narrowed: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """The sessions that `narrowed` leaves, soonest first. One statement."""
    return db.session.execute(_sessions(*narrowed)).all()


def sessions_ahead(place_id: int, now: datetime) -> Sequence[Row[Any]]:
    """The sessions of the place that are planned and have not begun."""
    return sessions(
        TrainingSession.place_id == place_id,
        TrainingSession.state == SessionState.PLANNED,
        TrainingSession.starts_at > now,
    )


def sessions_in(place_id: int, span: Slot) -> Sequence[Row[Any]]:
    """The sessions of the place with a part in `span`, but for those called off."""
    return sessions(
        TrainingSession.place_id == place_id,
        TrainingSession.state != SessionState.CANCELLED,
        TrainingSession.starts_at < span.end,
        TrainingSession.ends_at > span.start,
    )


def given_by(trainer_id: int, place_id: int, since: datetime) -> Sequence[Row[Any]]:
    """The sessions of the place that they give, or gave and began `since` then."""
    return sessions(
        TrainingSession.place_id == place_id,
        TrainingSession.trainer_id == trainer_id,
        TrainingSession.state != SessionState.CANCELLED,
        TrainingSession.starts_at >= since,
    )


def session(uid: str) -> Row[Any]:
    """One session as it stands in the database now. Raises NoSuch."""
    found = db.session.execute(_sessions(TrainingSession.uid == uid)).first()
    if found is None:
        raise NoSuch(f"no session {uid}")
    return found


def machines_of(session_id: int) -> Sequence[Any]:
    """What the session occupies: the standing rows, with the machine's name and code."""
    return db.session.execute(
        select(
            Occupancy.id,
            Occupancy.machine_id,
            Occupancy.starts_at,
            Occupancy.ends_at,
            Occupancy.revision,
            Machine.slug,
            Machine.code,
            Machine.name,
        )
        .join(Machine, Machine.id == Occupancy.machine_id)
        .where(Occupancy.session_id == session_id, Occupancy.standing)
        .order_by(Machine.position, Machine.id)
    ).all()


def people(session_id: int) -> Sequence[Any]:
    """Who is or was in a session, in the order they asked."""
    return db.session.execute(
        select(
            Registration.id,
            Registration.member_id,
            Registration.seating,
            Registration.asked_at,
            Member.uid,
            Member.first_name,
            Member.last_name,
            Member.email,
            Member.language,
            Member.channel,
            Member.refused_mails,
            Member.age_band,
            Member.erased_at,
        )
        .join(Member, Member.id == Registration.member_id)
        .where(Registration.session_id == session_id)
        .order_by(Registration.asked_at, Registration.id)
    ).all()


def seated(session_id: int) -> list[Any]:
    """Who has a seat in a session, or had one when it was held, but for erased accounts."""
    return [
        each
        for each in people(session_id)
        if each.seating in TAKES_A_SEAT and each.erased_at is None
    ]


def seatings(member_id: int, session_ids: Collection[int]) -> dict[int, Seating]:
    """Where a member stands in each of some sessions. One statement."""
    rows = db.session.execute(
        select(Registration.session_id, Registration.seating).where(
            Registration.member_id == member_id, Registration.session_id.in_(session_ids)
        )
    )
    return {row.session_id: row.seating for row in rows}


def required_in(place_id: int) -> dict[int, set[int]]:
    """What each training of the place asks for first, by id. One statement."""
    rows = db.session.execute(
        select(TrainingPrerequisite.training_id, TrainingPrerequisite.required_id)
        .join(Training, Training.id == TrainingPrerequisite.training_id)
        .where(Training.place_id == place_id)
    )
    found: dict[int, set[int]] = {}
    for training_id, required_id in rows:
        found.setdefault(training_id, set()).add(required_id)
    return found


def trainings(place_id: int) -> Sequence[Row[Any]]:
    """The trainings of the place by name, those that are retired last."""
    table = Training.__table__
    return db.session.execute(
        select(table)
        .where(table.c.place_id == place_id)
        .order_by(table.c.retired_at.is_not(None), table.c.name, table.c.id)
    ).all()


def opening(machine_id: int) -> set[int]:
    """The trainings that qualify for the machine."""
    asked = select(TrainingGrant.training_id).where(TrainingGrant.machine_id == machine_id)
    return set(db.session.scalars(asked))


def may_give_sessions(place_id: int, trainer_id: int | None = None) -> Sequence[Any]:
    """Who may be named as the trainer of a session: the team, trainers, referents; by name.

    And `trainer_id`, who is named already.
    """
    on_duty = (
        select(Membership.member_id)
        .join(RoleHeld, RoleHeld.membership_id == Membership.id)
        .where(Membership.place_id == place_id, RoleHeld.role.in_((*sorted(TEAM), Role.REFERENT)))
    )
    referents = (
        select(MachineReferent.member_id)
        .join(Machine, Machine.id == MachineReferent.machine_id)
        .where(Machine.place_id == place_id)
    )
    of_machines = (
        select(Qualification.member_id)
        .join(Machine, Machine.id == Qualification.machine_id)
        .where(Machine.place_id == place_id, Qualification.level >= Level.TRAINER)
    )
    of_trainings = (
        select(Qualification.member_id)
        .join(TrainingGrant, TrainingGrant.training_id == Qualification.training_id)
        .join(Training, Training.id == Qualification.training_id)
        .where(
            Training.place_id == place_id,
            Qualification.machine_id.is_(None),
            TrainingGrant.level >= Level.TRAINER,
        )
    )
    return db.session.execute(
        select(Member.id, Member.uid, Member.first_name, Member.last_name)
        .where(
            Member.erased_at.is_(None),
            or_(
                Member.id == trainer_id,
                Member.id.in_(union(on_duty, referents, of_machines, of_trainings)),
            ),
        )
        .order_by(by_name(Member.last_name), by_name(Member.first_name), Member.id)
    ).all()
