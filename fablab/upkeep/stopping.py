"""Taking a machine away from those who have booked it: what becomes of each booking is decided
first, and done with it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab import clock
from fablab.booking import commands as bookings
from fablab.booking import waits
from fablab.booking.orders import BookingRefused, order_behind
from fablab.booking.verdicts import Refusal
from fablab.db import db, retried, writing
from fablab.machines import guards
from fablab.machines.commands import SlotTaken, put_state, stand_in_line, withdraw_all
from fablab.machines.inventory import Inventory, of_place
from fablab.machines.kinds import MachineState, OccupancyKind, Status
from fablab.machines.models import Occupancy
from fablab.slots import Slot, without
from fablab.upkeep import logbook, news
from fablab.upkeep.kinds import EntryKind
from fablab.upkeep.news import MOVED, RELIEVED, WARNED

LAST = datetime(2300, 1, 1, tzinfo=UTC)  # after whatever is booked


class Fate(StrEnum):
    """What becomes of a booking whose machine is taken away."""

    KEEP = "keep"  # it stands, and its member is warned; of an outage, it goes around it
    MOVE = "move"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Choice:
    """For a booking in the revision that was shown; `machine_id` and `slot` of one that moves."""

    fate: Fate
    revision: int
    machine_id: int = 0
    slot: Slot | None = None


class Undecided(Exception):
    """Of these bookings nothing was chosen, or they have changed since."""


class TakenOtherwise(SlotTaken):
    """By a training, or by outages for all of it: nothing of it is left to take away."""


class CannotMove(Exception):
    """A booking cannot go where it was to: the rules, or somebody who was faster, say no."""

    def __init__(self, uid: str, refusals: Sequence[Refusal] = ()) -> None:
        super().__init__(uid)
        self.uid, self.refusals = uid, list(refusals)


Choices = Mapping[str, Choice]


@retried
def set_state(
    machine_id: int,
    place_id: int,
    state: MachineState,
    why: str,
    back_on: date | None,
    choices: Choices,
    *,
    by: int,
    now: datetime,
) -> None:
    """Say how a machine is, why, and on which day it is expected back in service, with what becomes
    of the bookings it concerns: who keeps theirs is warned, and told again when it is back.

    A machine in service has neither reason nor day. Raises Undecided and CannotMove before anything
    is written, NoSuch, and Busy.
    """
    with moving(choices) as (session, targets):
        stand_in_line(session, machine_id, *targets)
        if put_away(session, machine_id, place_id, state, why, back_on, choices, by=by, now=now):
            is_back = state is MachineState.IN_SERVICE
            kind = EntryKind.RETURN if is_back else EntryKind.STOP
            logbook.enter(session, machine_id, kind, "" if is_back else why, by=by, now=now)


def put_away(
    session: Session,
    machine_id: int,
    place_id: int,
    state: MachineState,
    why: str,
    back_on: date | None,
    choices: Choices,
    *,
    by: int,
    now: datetime,
) -> bool:
    """The same in a write that is under way and in the line of all the machines, without the line
    of the logbook; False when the machine is so already.
    """
    inventory = of_place(place_id=place_id)
    let_down = concerned(inventory, machine_id, state, back_on, now)
    _check(let_down, choices)
    away = away_until(inventory, back_on, now)
    _refuse_moves_into(away, machine_id, let_down, choices)
    # Before the machine stops: one may move to the days after its return.
    kept = _settle(session, let_down, choices, why, place_id, by=by, now=now)
    is_changed = put_state(session, machine_id, state, why, back_on, by=by, now=now)
    session.flush()
    last = _last_words(session, machine_id, now)
    unaware = [row for row in kept if last.get(row.id) != WARNED]
    news.say(session, unaware, WARNED, why, by=by, now=now)
    still = {row.id for row in let_down}
    back = [id for id, what in last.items() if what == WARNED and id not in still]
    news.say(session, _found(back), RELIEVED, by=by, now=now)
    return is_changed


@retried
def withdraw(
    machine_id: int,
    place_id: int,
    span: Slot,
    why: str,
    choices: Choices,
    *,
    by: int,
    now: datetime,
) -> list[str]:
    """Take the machine away for `span`, around the bookings that stay and around what takes it
    away already, such as a maintenance; the outages' UIDs.

    Raises Undecided, CannotMove, TakenOtherwise, SlotTaken, NoSuch, and Busy.
    """
    with moving(choices) as (session, targets):
        stand_in_line(session, machine_id, *targets)
        return put_aside(session, machine_id, place_id, span, why, choices, by=by, now=now)


def put_aside(
    session: Session,
    machine_id: int,
    place_id: int,
    span: Slot,
    why: str,
    choices: Choices,
    *,
    by: int,
    now: datetime,
) -> list[str]:
    """The same in a write that is under way and in the line of all the machines."""
    rows = in_the_way(machine_id, span)
    if is_in_vain(rows, span):
        raise TakenOtherwise
    booked = [row for row in rows if row.kind == OccupancyKind.BOOKING]
    _check(booked, choices)
    kept = _settle(session, booked, choices, why, place_id, by=by, now=now)
    stays = [*kept, *(row for row in rows if row.kind == OccupancyKind.OUTAGE)]
    parts = without([span], [Slot(row.occupied_from, row.occupied_until) for row in stays])
    return withdraw_all(session, [(machine_id, part, why) for part in parts], by=by, now=now)


def is_in_vain(rows: Sequence[Any], span: Slot) -> bool:
    """Of all that stands in `span`: a training, which has a page of its own, or outages alone that
    fill it.
    """
    outages = [
        Slot(r.occupied_from, r.occupied_until) for r in rows if r.kind == OccupancyKind.OUTAGE
    ]
    is_given = any(row.kind == OccupancyKind.SESSION for row in rows)
    return is_given or not without([span], outages)


@contextmanager
def moving(choices: Choices) -> Iterator[tuple[Session, list[int]]]:
    """A write in which bookings may move, and the machines they may go to; the database's no is
    told like any other.
    """
    targets = [each.machine_id for each in choices.values() if each.fate is Fate.MOVE]
    try:
        with writing() as session:
            yield session, targets
    except IntegrityError as error:
        if guards.refused(error):
            raise SlotTaken from error
        raise


def concerned(
    inventory: Inventory,
    machine_id: int,
    state: MachineState,
    back_on: date | None,
    now: datetime,
) -> Sequence[Row[Any]]:
    """The bookings that a machine in this state lets down: those before it is back."""
    before = lets_down_before(inventory, state, back_on)
    if before is None:
        return []
    return _rows(_standing(machine_id, now).where(Occupancy.starts_at < before))


def lets_down_before(
    inventory: Inventory, state: MachineState, back_on: date | None
) -> datetime | None:
    """A machine in this state lets down the bookings that begin before then; None: no booking."""
    if state is MachineState.IN_SERVICE:
        return None
    return clock.midnight(inventory.schedule.zone, back_on) if back_on else LAST


def away_until(inventory: Inventory, back_on: date | None, now: datetime) -> Slot | None:
    """From now until the morning it is expected back; None when nobody knows, or it is today."""
    back = clock.midnight(inventory.schedule.zone, back_on) if back_on else now
    return Slot(now, back) if back > now else None


def in_the_way(machine_id: int, span: Slot) -> Sequence[Row[Any]]:
    """All that stands on the machine in `span`, bookings or not, soonest first."""
    table = Occupancy.__table__
    return _rows(
        select(table)
        .where(
            table.c.machine_id == machine_id,
            table.c.standing,
            table.c.occupied_from < span.end,
            table.c.occupied_until > span.start,
        )
        .order_by(table.c.starts_at)
    )


def _standing(machine_id: int, now: datetime) -> Any:
    table = Occupancy.__table__
    return (
        select(table)
        .where(
            table.c.machine_id == machine_id,
            table.c.kind == OccupancyKind.BOOKING,
            table.c.standing,
            table.c.ends_at > now,
        )
        .order_by(table.c.starts_at)
    )


def _found(ids: Collection[int]) -> Sequence[Row[Any]]:
    table = Occupancy.__table__
    return _rows(select(table).where(table.c.id.in_(ids)).order_by(table.c.id)) if ids else []


def _rows(asked: Any) -> Sequence[Row[Any]]:
    return db.session.execute(asked).all()


def _check(rows: Iterable[Row[Any]], choices: Choices) -> None:
    for row in rows:
        chosen = choices.get(row.uid)
        if chosen is None or chosen.revision != row.revision:
            raise Undecided


def _refuse_moves_into(
    away: Slot | None, machine_id: int, rows: Iterable[Row[Any]], choices: Choices
) -> None:
    """A slot on the machine itself lies after its return."""
    for row in rows:
        slot = choices[row.uid].slot
        if slot is None or choices[row.uid].machine_id != machine_id:
            continue
        if away is None or slot.start < away.end:
            raise CannotMove(row.uid)


def _settle(
    session: Session,
    rows: Sequence[Row[Any]],
    choices: Choices,
    why: str,
    place_id: int,
    *,
    by: int,
    now: datetime,
) -> list[Row[Any]]:
    """Move and cancel as was chosen; those that stay. What they leave is offered to nobody."""
    for row in rows:
        chosen = choices[row.uid]
        if chosen.fate is Fate.CANCEL:
            waits.give_back(
                session,
                row,
                Status.CANCELLED,
                "cancelled",
                by=by,
                now=now,
                after={"why": why} if why else None,
                is_offered=False,
            )
        elif chosen.fate is Fate.MOVE:
            _move(session, row, chosen, why, place_id, by=by, now=now)
    return [row for row in rows if choices[row.uid].fate is Fate.KEEP]


def _move(
    session: Session,
    row: Row[Any],
    chosen: Choice,
    why: str,
    place_id: int,
    *,
    by: int,
    now: datetime,
) -> None:
    assert chosen.slot is not None
    if waits.is_offer(row) or row.starts_at <= now:
        raise CannotMove(row.uid)
    before = order_behind(row, place_id)
    order = replace(before, machine_id=chosen.machine_id, slot=chosen.slot)
    try:
        bookings.rewrite(session, row, order, by=by, now=now, is_team=True, why=why)
    except BookingRefused as refused:
        raise CannotMove(row.uid, refused.refusals) from refused


def _last_words(session: Session, machine_id: int, now: datetime) -> dict[int, str]:
    """Of each booking ahead on the machine, whether its member was last warned or relieved."""
    ahead = _standing(machine_id, now).with_only_columns(Occupancy.__table__.c.id).order_by(None)
    return news.last_words(session, ahead, WARNED, RELIEVED, MOVED)
