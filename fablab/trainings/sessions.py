"""What can be done to a session: to plan it, to register for it, to hold it or to call it off.

A write that touches machines stands in line for them first and for the session after; one that
concerns its people alone, for the session. What it decides on is asked anew from then on.
The training whose name is put on the machines comes before both, so that nobody waits in a circle.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab import clock, texts
from fablab.db import NoSuch, NotAllowed, add_row, add_rows, db, retried, writing
from fablab.machines import guards, resources
from fablab.machines.commands import SlotTaken, record, said, stand_in_line
from fablab.machines.inventory import of_place
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy
from fablab.machines.seating import full_time
from fablab.mail import outbox
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.members.models import calendar_changed
from fablab.members.staff import stand_in_line as stand_in_line_for
from fablab.places.rules import Schedule
from fablab.slots import Slot
from fablab.trainings import queries
from fablab.trainings.commands import Award, give, is_allowed
from fablab.trainings.kinds import NoticeKind, Seating, SessionState
from fablab.trainings.models import Registration, SessionNotice, Training, TrainingSession
from fablab.trainings.rules import (
    BINDS_THE_TEAM,
    Applicant,
    Obstacle,
    advice,
    is_to_cancel,
    lasts_until,
    obstacles,
    seating_for,
)

REGISTERED = (Seating.SEATED, Seating.WAITING)
A_MONTH = timedelta(days=31)  # beyond which no calendar goes back


class NotPlanned(Exception):
    """The session is over, held or cancelled: this cannot be done to it any more."""


class ResourceFull(Exception):
    """What a machine shares is in full use at some `hours` of the session.

    It serves `capacity` machines at once, and the session takes `wanted` that need it.
    """

    def __init__(self, name: str, hours: list[Slot], capacity: int, wanted: int) -> None:
        super().__init__(name)
        self.name = name
        self.hours = hours
        self.capacity = capacity
        self.wanted = wanted


class TooFewSeats(Exception):
    """More people are seated already."""

    def __init__(self, seated: int) -> None:
        super().__init__(seated)
        self.seated = seated


@dataclass(frozen=True, slots=True)
class Objection:
    """What speaks against a registration, and what to do about it; `values` fill both."""

    obstacle: Obstacle
    advice: str
    values: Mapping[str, Any]


class Refused(Exception):
    """They may not register, for each of `objections`."""

    def __init__(self, objections: list[Objection]) -> None:
        super().__init__(", ".join(each.obstacle for each in objections))
        self.objections = objections


@dataclass(frozen=True, slots=True)
class Plan:
    """When a session is, by whom, for how many, where, and which machines it occupies."""

    slot: Slot
    seats: int
    trainer_id: int | None = None
    location: str = ""
    machine_ids: frozenset[int] = frozenset()


@contextmanager
def writing_unless_taken() -> Iterator[Session]:
    """Raises SlotTaken when something stands on one of the machines: people are moved first,
    never written over.
    """
    try:
        with writing() as session:
            yield session
    except IntegrityError as error:
        if guards.refused(error):
            raise SlotTaken from error
        raise


@retried
def plan(training_id: int, planned: Plan, *, by: int, now: datetime) -> str:
    """Plan a session and give its UID. What is planned too late to be decided is decided.

    Raises SlotTaken, ResourceFull, NoSuch (no such training or machine, or a retired one),
    and Busy.
    """
    uid = str(uuid4())
    with writing_unless_taken() as session:
        training = find_training(session, training_id)
        stand_in_line(session, *planned.machine_ids)
        if training.retired_at is not None:
            raise NoSuch(f"training {training_id} is retired")
        check_place(session, planned, training.place_id)
        session_id = add_row(
            session,
            TrainingSession,
            uid=uid,
            place_id=training.place_id,
            training_id=training_id,
            state=SessionState.PLANNED,
            cancel_reason="",
            revision=0,
            created_at=now,
            created_by_id=by,
            **of_session(planned, training, now),
        )
        made = {
            machine_id: occupy(
                session, session_id, machine_id, planned.slot, training.name, by=by, now=now
            )
            for machine_id in sorted(planned.machine_ids)
        }
        claim_seats(session, made, training.place_id, planned.slot)
        tell(session, session_id, NoticeKind.GIVING, planned.trainer_id, by=by, now=now)
        note(session, training.place_id, training.name, planned.slot, "planned", by=by, now=now)
        turn_pages(session, giving=planned.trainer_id)
    return uid


@retried
def change(uid: str, planned: Plan, *, by: int, now: datetime) -> None:
    """Give a session that is still planned another time, trainer, place, seats or machines.

    Those registered hear of another hour or place, and who gives it that they do, or no more.
    Who waits gets what seats are added.

    Raises SlotTaken, ResourceFull, TooFewSeats, NotPlanned, NoSuch and Busy.
    """
    with writing_unless_taken() as session:
        training = find_training(session, queries.session(uid).training_id)
        held = find_in_every_line(session, uid, *planned.machine_ids)
        if held.state is not SessionState.PLANNED:
            raise NotPlanned
        if held.seated > planned.seats:
            raise TooFewSeats(held.seated)
        check_place(session, planned, held.place_id)
        values = of_session(planned, training, now)
        if values["starts_at"] == held.starts_at:
            values["decided_at"] = held.decided_at
        edit(session, held, **values)
        occupy_anew(session, held, planned, by=by, now=now)
        tell_of_change(session, held, planned, by=by, now=now)
        fill_seats(session, queries.session(uid), by=by, now=now)
        note(session, held.place_id, held.training, planned.slot, "changed", by=by, now=now)
        turn_pages(session, held, giving=planned.trainer_id)


@retried
def cancel(uid: str, why: str, *, by: int | None, now: datetime) -> None:
    """Call a session off: its machines are free, its people are told why.

    Called off already, nothing changes. Raises NotPlanned once it was held, NoSuch, Busy.
    """
    with writing() as session:
        held = find_in_every_line(session, uid)
        if held.state is SessionState.CANCELLED:
            return
        if held.state is not SessionState.PLANNED:
            raise NotPlanned
        call_off(session, held, why, by=by, now=now)


def decide(now: datetime) -> None:
    """Call off the sessions with too few people, once, so long before their start as their
    training says; the others are held, whoever leaves them later.
    """
    asked = queries.sessions(
        TrainingSession.state == SessionState.PLANNED,
        TrainingSession.decided_at.is_(None),
        TrainingSession.starts_at > now,
    )
    due = [held.uid for held in asked if held.starts_at - held.decided_before <= now]
    db.session.rollback()
    for uid in due:
        decide_on(uid, now)


@retried
def decide_on(uid: str, now: datetime) -> None:
    with writing() as session:
        held = find_in_every_line(session, uid)
        is_decided = held.decided_at is not None or held.state is not SessionState.PLANNED
        if is_decided or held.starts_at - held.decided_before > now:
            return
        edit(session, held, decided_at=now)
        if is_to_cancel(seated=held.seated, minimum_people=held.minimum_people):
            call_off(session, held, "", by=None, now=now)
        else:
            turn_pages(session, held)


@retried
def register(uid: str, member_id: int, *, now: datetime) -> Seating:
    """Take a seat for them, or a place in the waiting list when there is none.

    Raises Refused with every reason, NoSuch (no such session, or nobody), and Busy.
    """
    with writing() as session:
        held = find_in_line(session, uid)
        seating = queries.seatings(member_id, [held.id]).get(held.id)
        found = objections(held, member_id, seating, now)
        if found:
            raise Refused(found)
        return take_in(session, held, member_id, seating, by=member_id, now=now)


@retried
def register_for(
    uid: str, member_id: int, *, by: int, now: datetime
) -> tuple[Seating, list[Objection]]:
    """As `register`, by the team, which sets aside what speaks against it and is told so.

    The member gets a mail. Raises Refused with what binds the team too, NoSuch and Busy.
    """
    with writing() as session:
        held = find_in_line(session, uid)
        seating = queries.seatings(member_id, [held.id]).get(held.id)
        found = objections(held, member_id, seating, now)
        binding = [each for each in found if each.obstacle in BINDS_THE_TEAM]
        if binding:
            raise Refused(binding)
        taken = take_in(session, held, member_id, seating, by=by, now=now)
        audit.note(
            session,
            Deed.TRAINING,
            place_id=held.place_id,
            member_id=member_id,
            by=by,
            now=now,
            after={"registered_for": held.training, "starts_at": held.starts_at.isoformat()},
        )
        return taken, found


def take_in(
    session: Session,
    held: Any,
    member_id: int,
    seating: Seating | None,
    *,
    by: int,
    now: datetime,
) -> Seating:
    """A seat for them while there is one; `seating` is where they stand so far."""
    taken = seating_for(seats=held.seats, seated=held.seated)
    mine = {"session_id": held.id, "member_id": member_id}
    if seating is None:
        add_row(session, Registration, **mine, seating=taken, asked_at=now, changed_at=now)
    else:
        seat(session, held.id, member_id, taken, now, asked_at=now)
    edit(session, held, changed_at=now)
    tell(session, held.id, NoticeKind.REGISTERED, member_id, by=by, now=now)
    turn_pages(session, held)
    return taken


def objections(
    held: Any, member_id: int, seating: Seating | None, now: datetime
) -> list[Objection]:
    """All that speaks against a member's registration. Raises NoSuch for nobody."""
    applicant = queries.applicant(member_id, held.place_id)
    if applicant is None:
        raise NoSuch(f"no member {member_id}")
    schedule = of_place(place_id=held.place_id).schedule
    missing = queries.missing(
        queries.required([held.training_id]).get(held.training_id, {}),
        queries.held_by(member_id, held.place_id, schedule.zone, now),
        clock.today(schedule.zone, held.starts_at),
    )
    is_trainer = held.trainer_id == member_id
    return against(held, applicant, seating, missing, schedule, now=now, is_trainer=is_trainer)


def against(
    held: Any,
    applicant: Applicant,
    seating: Seating | None,
    missing: Collection[str],
    schedule: Schedule,
    *,
    now: datetime,
    is_trainer: bool,
) -> list[Objection]:
    """What the rules say against it, of a session's row; `missing` is as they ask for it."""
    found = obstacles(
        is_planned=held.state is SessionState.PLANNED,
        starts_at=held.starts_at,
        last_day=schedule.days_of(Slot(held.starts_at, held.ends_at))[1],
        now=now,
        today=clock.today(schedule.zone, now),
        seating=seating,
        is_trainer=is_trainer,
        applicant=applicant,
        minimum_age=held.minimum_age,
        missing=missing,
    )
    values = {
        "age": held.minimum_age,
        "trainings": texts.together(missing),
        "day": applicant.membership_ends_on,
        "until": applicant.suspended_until,
        "why": applicant.suspension_reason,
    }
    return [Objection(each, advice(each, applicant), values) for each in found]


@retried
def leave(uid: str, member_id: int, *, now: datetime) -> None:
    """Give a seat, or a place in the waiting list, back; the first who waits gets the seat.

    Not registered, nothing changes. Raises NotPlanned once it has begun, NoSuch and Busy.
    """
    with writing() as session:
        held = find_in_line(session, uid)
        if queries.seatings(member_id, [held.id]).get(held.id) not in REGISTERED:
            return
        if held.state is not SessionState.PLANNED or held.starts_at <= now:
            raise NotPlanned
        seat(session, held.id, member_id, Seating.LEFT, now)
        edit(session, held, changed_at=now)
        tell(session, held.id, NoticeKind.LEFT, member_id, by=member_id, now=now)
        fill_seats(session, queries.session(uid), by=member_id, now=now)
        turn_pages(session, held)


@retried
def note_attendance(uid: str, came: Collection[int], *, by: int, now: datetime) -> None:
    """Write down who of those seated came, by the members' ids; the others were absent.

    May be corrected by noting it again. Raises NotPlanned before it has begun or when it was
    called off, NoSuch and Busy.
    """
    with writing() as session:
        held = find_in_line(session, uid)
        if held.state is SessionState.CANCELLED or held.starts_at > now:
            raise NotPlanned
        for person in queries.people(held.id):
            if person.seating in queries.TAKES_A_SEAT:
                was = Seating.ATTENDED if person.member_id in came else Seating.ABSENT
                seat(session, held.id, person.member_id, was, now)
        edit(session, held, state=SessionState.HELD)
        slot = Slot(held.starts_at, held.ends_at)
        note(session, held.place_id, held.training, slot, "attended", by=by, now=now)
        turn_pages(session, held)


@retried
def grant(uid: str, *, by: int, now: datetime) -> int:
    """Give the training to all who attended, from the day of the session; how many got it.

    Whoever holds it already gets the new one; the same session gives it once. Nobody grants
    themselves: whoever gives it and attended is left out.

    Raises NotAllowed for who may not grant the training, NotPlanned before attendance is noted,
    NoSuch and Busy.
    """
    with writing() as session:
        held = find_in_line(session, uid)
        if held.state is not SessionState.HELD:
            raise NotPlanned
        day = clock.today(of_place(place_id=held.place_id).schedule.zone, held.starts_at)
        award = Award(
            held.training,
            day,
            lasts_until(day, held.validity_months),
            training_id=held.training_id,
        )
        count = 0
        attended = [
            person.member_id
            for person in queries.people(held.id)
            if person.seating is Seating.ATTENDED
            and person.member_id != by
            and person.erased_at is None
        ]
        for member_id in sorted(attended):
            stand_in_line_for(session, member_id)
            if not is_allowed(member_id, held.place_id, held.training_id, None, by=by, now=now):
                raise NotAllowed
            count += give(session, member_id, held.place_id, award, by=by, now=now)[1]
        return count


def find_in_line(session: Session, uid: str) -> Row[Any]:
    """The session's row, once it is one's turn to write on it. Raises NoSuch."""
    session.execute(select(TrainingSession.id).where(TrainingSession.uid == uid).with_for_update())
    return queries.session(uid)


def find_in_every_line(session: Session, uid: str, *machine_ids: int) -> Row[Any]:
    """The session's row, once it is one's turn on `machine_ids`, on all that it occupies, and
    on it. Raises NoSuch.

    It may have been given other machines while we waited; then their turn is waited for as well.
    """
    held = queries.session(uid)
    stood: set[int] = set()
    missing = {*machine_ids, *occupied_by(held.id)}
    while True:
        stand_in_line(session, *missing)
        stood |= missing
        held = find_in_line(session, uid)
        missing = occupied_by(held.id) - stood
        if not missing:
            return held


def occupied_by(session_id: int) -> set[int]:
    """The machines that a session occupies, by their ids."""
    return {row.machine_id for row in queries.machines_of(session_id)}


def find_training(session: Session, training_id: int) -> Row[Any]:
    """The training, as it stays until the write under way is done. Raises NoSuch."""
    table = Training.__table__
    found = session.execute(
        select(table).where(table.c.id == training_id).with_for_update(read=True)
    ).first()
    if found is None:
        raise NoSuch(f"no training {training_id}")
    return found


def check_place(session: Session, planned: Plan, place_id: int) -> None:
    """Raises NoSuch for a machine of another place."""
    here = session.scalars(
        select(Machine.id).where(Machine.id.in_(planned.machine_ids), Machine.place_id == place_id)
    )
    if set(here) != planned.machine_ids:
        raise NoSuch("a machine of another place")


def of_session(planned: Plan, training: Any, now: datetime) -> dict[str, Any]:
    """The columns of a session that a plan sets."""
    return {
        "trainer_id": planned.trainer_id,
        "starts_at": planned.slot.start,
        "ends_at": planned.slot.end,
        "location": planned.location,
        "seats": planned.seats,
        "decided_at": now if planned.slot.start - training.decided_before <= now else None,
        "changed_at": now,
    }


def edit(session: Session, held: Any, **values: Any) -> None:
    session.execute(
        update(TrainingSession.__table__)
        .where(TrainingSession.id == held.id)
        .values(revision=TrainingSession.revision + 1, **values)
    )


def turn_pages(session: Session, *held: Any, giving: int | None = None) -> None:
    """Tell the own calendars of the sessions' people, of who gave them and who is `giving` them.

    Last of all: whoever books stands in a member's line after those of machines and resources.
    """
    registered = session.scalars(
        select(Registration.member_id).where(Registration.session_id.in_([row.id for row in held]))
    )
    trainers = {*(row.trainer_id for row in held), giving} - {None}
    calendar_changed(session, *registered, *trainers)


def seat(
    session: Session,
    session_id: int,
    member_id: int,
    seating: Seating,
    now: datetime,
    **values: Any,
) -> None:
    session.execute(
        update(Registration.__table__)
        .where(Registration.session_id == session_id, Registration.member_id == member_id)
        .values(seating=seating, changed_at=now, **values)
    )


def occupy(
    session: Session,
    session_id: int,
    machine_id: int,
    slot: Slot,
    name: str,
    *,
    by: int,
    now: datetime,
) -> int:
    made = add_row(
        session,
        Occupancy,
        uid=str(uuid4()),
        kind=OccupancyKind.SESSION,
        session_id=session_id,
        machine_id=machine_id,
        status=Status.CONFIRMED,
        standing=True,
        revision=0,
        created_at=now,
        changed_at=now,
        created_by_id=by,
        title=name,
        **times(slot),
    )
    record(session, made, "planned", by=by, now=now, after=said(slot))
    return made


def rename(session: Session, training_id: int, name: str, *, now: datetime) -> None:
    """Put the training's new name on what its planned sessions occupy, and tell the calendars
    that show a session of it.

    In the training's line: meanwhile a session of it may be called off, but none is planned or
    given other machines.
    """
    stand_in_line(session, *(row.machine_id for row in named_after(session, training_id, now)))
    for row in named_after(session, training_id, now):
        touch(session, row, now, title=name)
    table = TrainingSession.__table__
    shown = session.execute(
        select(table.c.id, table.c.trainer_id)
        .where(table.c.training_id == training_id, table.c.ends_at > now - A_MONTH)
        .order_by(table.c.id)
        .with_for_update()
    ).all()
    for held in shown:
        edit(session, held, changed_at=now)
    turn_pages(session, *shown)


def named_after(session: Session, training_id: int, now: datetime) -> Sequence[Any]:
    """What the training's planned sessions occupy, unless it is over."""
    return session.execute(
        select(Occupancy.id, Occupancy.machine_id, Occupancy.revision)
        .join(TrainingSession, TrainingSession.id == Occupancy.session_id)
        .where(
            TrainingSession.training_id == training_id,
            TrainingSession.state == SessionState.PLANNED,
            TrainingSession.ends_at > now,
            Occupancy.standing,
        )
    ).all()


def claim_seats(
    session: Session, occupancies: Mapping[int, int], place_id: int, span: Slot
) -> None:
    """Take a seat of all that the machines share, each for its own occupancy, in place of those
    it had. Raises ResourceFull.

    A seat for each machine, as of two bookings: all of them run while the session is held.
    """
    machines = of_place(place_id=place_id).by_id
    shared = {each: machines[each].resources for each in sorted(occupancies) if each in machines}
    resources.stand_in_line(session, [one for needed in shared.values() for one in needed])
    for occupancy_id in occupancies.values():
        resources.let_go(session, occupancy_id)
    for machine_id, needed in shared.items():
        taken = resources.claimed(needed, span)
        for resource in needed:
            full = full_time(span, {seat: taken[seat] for seat in resource.seats})
            if full:
                wanted = sum(resource in each for each in shared.values())
                raise ResourceFull(resource.name, full, resource.capacity, wanted)
        resources.claim(session, occupancies[machine_id], needed, span, taken)


def occupy_anew(session: Session, held: Any, planned: Plan, *, by: int, now: datetime) -> None:
    """Move what the session occupies to the new plan, on its old machines and on others."""
    rows = {row.machine_id: row for row in queries.machines_of(held.id)}
    kept = {each: row.id for each, row in rows.items() if each in planned.machine_ids}
    for machine_id, row in rows.items():
        was = Slot(row.starts_at, row.ends_at)
        if machine_id not in planned.machine_ids:
            free(session, row, by=by, now=now)
        elif was != planned.slot:
            touch(session, row, now, **times(planned.slot))
            record(
                session, row.id, "moved", by=by, now=now, before=said(was), after=said(planned.slot)
            )
    for machine_id in sorted(planned.machine_ids - rows.keys()):
        kept[machine_id] = occupy(
            session, held.id, machine_id, planned.slot, held.training, by=by, now=now
        )
    claim_seats(session, kept, held.place_id, planned.slot)


def free(session: Session, row: Any, *, by: int | None, now: datetime) -> None:
    touch(session, row, now, status=Status.CANCELLED, standing=False, cancelled_at=now)
    resources.let_go(session, row.id)
    record(session, row.id, "cancelled", by=by, now=now)


def touch(session: Session, row: Any, now: datetime, **values: Any) -> None:
    session.execute(
        update(Occupancy.__table__)
        .where(Occupancy.id == row.id)
        .values(changed_at=now, revision=row.revision + 1, **values)
    )


def times(slot: Slot) -> dict[str, datetime]:
    return {
        "starts_at": slot.start,
        "ends_at": slot.end,
        "occupied_from": slot.start,
        "occupied_until": slot.end,
    }


def call_off(session: Session, held: Any, why: str, *, by: int | None, now: datetime) -> None:
    edit(session, held, state=SessionState.CANCELLED, cancel_reason=why, changed_at=now)
    for row in queries.machines_of(held.id):
        free(session, row, by=by, now=now)
    people = held.trainer_id, *registered(held.id)
    tell(session, held.id, NoticeKind.CANCELLED, *people, by=by, now=now)
    slot = Slot(held.starts_at, held.ends_at)
    note(session, held.place_id, held.training, slot, "cancelled", by=by, now=now)
    turn_pages(session, held)


def fill_seats(session: Session, held: Any, *, by: int, now: datetime) -> None:
    """Give what seats are free to who waits, first come, first seated; they are told."""
    waiting = [each for each in queries.people(held.id) if each.seating is Seating.WAITING]
    seated = [person.member_id for person in waiting[: held.seats - held.seated]]
    for member_id in seated:
        seat(session, held.id, member_id, Seating.SEATED, now)
    tell(session, held.id, NoticeKind.SEAT, *seated, by=by, now=now)


def tell_of_change(session: Session, held: Any, planned: Plan, *, by: int, now: datetime) -> None:
    """Who gives it now, or gave it until now, when that changes; everybody, when hours or place
    do. `held` is the session as it was.
    """
    old, new = held.trainer_id, planned.trainer_id
    if old != new:
        tell(session, held.id, NoticeKind.REPLACED, old, by=by, now=now)
        tell(session, held.id, NoticeKind.GIVING, new, by=by, now=now)
    slot = Slot(held.starts_at, held.ends_at)
    if (slot, held.location) != (planned.slot, planned.location):
        people = old if old == new else None, *registered(held.id)
        tell(session, held.id, NoticeKind.CHANGED, *people, by=by, now=now)


def registered(session_id: int) -> list[int]:
    return [each.member_id for each in queries.people(session_id) if each.seating in REGISTERED]


def tell(
    session: Session,
    session_id: int,
    kind: NoticeKind,
    *member_ids: int | None,
    by: int | None,
    now: datetime,
) -> None:
    """Have each of them, if there is anybody, told of it by mail a moment later: nobody who
    plans or registers waits for words.
    """
    notice = {"session_id": session_id, "kind": kind, "made_at": now, "made_by_id": by}
    rows = [notice | {"member_id": each} for each in member_ids if each is not None]
    add_rows(session, SessionNotice, rows)
    outbox.ring(session)


def note(
    session: Session,
    place_id: int,
    training: str,
    slot: Slot,
    what: str,
    *,
    by: int | None,
    now: datetime,
) -> None:
    """Keep what was done to a session with what the team does."""
    audit.note(
        session,
        Deed.TRAINING,
        place_id=place_id,
        by=by,
        now=now,
        after={"session": what, "of": training, **said(slot)},
    )
