"""Arriving, leaving before the end, and taking back what was freed a moment ago.

Arriving is no change of what a calendar shows: it stands in no machine's line and raises no
revision, so that nobody's calendar is sent anew for it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.booking import ledger, presence_rules, waits
from fablab.booking.presence_rules import No, left_for_others, stay_of
from fablab.db import NotAllowed, db, retried, writing
from fablab.machines import guards, resources
from fablab.machines.commands import record
from fablab.machines.inventory import MachineFacts, of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Change, Machine, Occupancy, standing_around
from fablab.machines.seating import NoSeatLeft
from fablab.members import marks
from fablab.slots import Slot

TABLE = Occupancy.__table__
AT_THE_DOOR = "door"


class Refused(Exception):
    """It cannot be, for the reason of `no`."""

    def __init__(self, no: No) -> None:
        super().__init__(no.sentence)
        self.no = no


def check_whose(booking: Row[Any], by: int, *, is_team: bool) -> None:
    """Raises NotAllowed for whoever neither has the booking nor is of the team."""
    if booking.member_id != by and not is_team:
        raise NotAllowed


@retried
def arrive(uid: str, place_id: int, *, by: int | None, is_team: bool, now: datetime) -> bool:
    """Say that whoever booked is here; `by` nobody in particular, at the door. Saying it again
    changes nothing, and is False.

    Raises Refused, NotAllowed, NoSuch (no such booking), and Busy.
    """
    with writing() as session:
        booking = ledger.find(uid)
        if by is not None:
            check_whose(booking, by, is_team=is_team)
        if booking.arrived_at is not None:
            return False
        machine = of_place(place_id=place_id).by_id.get(booking.machine_id)
        is_in_service = machine is not None and machine.is_in_service
        no = presence_rules.why_not_arrive(stay_of(booking), now=now, is_in_service=is_in_service)
        if no:
            raise Refused(no)
        # Whoever releases it meanwhile, or says the same, was first: their word stands.
        said = session.execute(
            update(TABLE)
            .where(TABLE.c.id == booking.id, TABLE.c.arrived_at.is_(None))
            .where(TABLE.c.status == Status.CONFIRMED)
            .values(arrived_at=now)
        )
        if not said.rowcount:  # type: ignore[attr-defined]
            if ledger.find(uid).arrived_at is None:
                raise Refused(presence_rules.ENDED)
            return False
        after = {"at": AT_THE_DOOR} if by is None else None
        record(session, booking.id, "arrived", by=by, now=now, after=after)
        return True


@retried
def leave(uid: str, place_id: int, *, by: int, is_team: bool, now: datetime) -> bool:
    """End a booking now, for whoever has arrived: the rest of it is offered to who waits, and then
    free. Leaving again changes nothing, and is False.

    Quotas count what is left of it. Raises Refused, NotAllowed, NoSuch (no such booking), and
    Busy.
    """
    here = ledger.find(uid)
    with writing() as session:
        booking = ledger.find_in_line(session, uid, here.machine_id)
        check_whose(booking, by, is_team=is_team)
        if booking.left_at is not None:
            return False
        no = presence_rules.why_not_leave(stay_of(booking), now=now)
        if no:
            raise Refused(no)
        end = left_for_others(Slot(booking.starts_at, booking.ends_at), now)
        if end == booking.ends_at:
            session.execute(update(TABLE).where(TABLE.c.id == booking.id).values(left_at=now))
            record(session, booking.id, "left", by=by, now=now)
            return True
        machine = of_place(place_id=place_id).by_id.get(booking.machine_id)
        _shorten(session, booking, machine, end, by=by, now=now)
        waits.offer(session, booking, now=now)
        return True


def _shorten(
    session: Session,
    booking: Row[Any],
    machine: MachineFacts | None,
    end: datetime,
    *,
    by: int,
    now: datetime,
) -> None:
    """It ends sooner, with its clean-up and the seats that it takes."""
    resources.stand_in_line(session, machine.resources if machine else ())
    ledger.turn_the_page(session, booking.member_id)
    until = end + (booking.occupied_until - booking.ends_at)
    session.execute(
        update(TABLE)
        .where(TABLE.c.id == booking.id)
        .values(
            ends_at=end,
            occupied_until=until,
            left_at=now,
            changed_at=now,
            revision=booking.revision + 1,
        )
    )
    resources.shorten(session, booking.id, until)
    before = {"end": booking.ends_at.isoformat(), "until": booking.occupied_until.isoformat()}
    after = {"end": end.isoformat(), "until": until.isoformat()}
    record(session, booking.id, "ended_early", by=by, now=now, before=before, after=after)


@retried
def undo(uid: str, place_id: int, *, by: int, now: datetime) -> bool:
    """Take back that nobody came, or that it was ended early: the very booking stands again, its
    mark is none, and what was offered of its time is offered no more. False when it was undone.

    Called by the team of the place, which the caller has checked. Raises Refused once five minutes
    have passed, or somebody has what it would take; NoSuch (no such booking), and Busy.
    """
    here = ledger.find(uid)
    try:
        with writing() as session:
            booking = ledger.find_in_line(session, uid, here.machine_id)
            done = last_change(booking.id)
            if done is not None and done.what == "undone":
                return False
            no = presence_rules.NOTHING_TO_UNDO
            why = presence_rules.why_not_undo(done.what, done.made_at, now=now) if done else no
            if why:
                raise Refused(why)
            _stand_again(session, booking, done, place_id, by=by, now=now)
            return True
    except (IntegrityError, NoSeatLeft) as error:
        if isinstance(error, NoSeatLeft):
            raise Refused(presence_rules.SHARED_TAKEN) from error
        if guards.refused(error):
            raise Refused(presence_rules.TAKEN) from error
        raise


def last_change(occupancy_id: int) -> Row[Any] | None:
    asked = select(Change.what, Change.made_at, Change.before).where(
        Change.occupancy_id == occupancy_id
    )
    return db.session.execute(asked.order_by(Change.id.desc()).limit(1)).first()


def _stand_again(
    session: Session, booking: Row[Any], done: Any, place_id: int, *, by: int, now: datetime
) -> None:
    ends_at = datetime.fromisoformat(done.before.get("end", booking.ends_at.isoformat()))
    until = datetime.fromisoformat(done.before.get("until", booking.occupied_until.isoformat()))
    whole = Slot(booking.occupied_from, until)
    machine = of_place(place_id=place_id).by_id.get(booking.machine_id)
    if machine is None:  # retired meanwhile
        raise Refused(presence_rules.OUT)
    resources.stand_in_line(session, machine.resources)
    for other in _in_the_way(booking, whole):
        if not waits.is_offer(other):
            raise Refused(presence_rules.TAKEN)
        waits.take_back(session, other, by=by, now=now)
    ledger.turn_the_page(session, booking.member_id)
    session.execute(
        update(TABLE)
        .where(TABLE.c.id == booking.id)
        .values(
            status=Status.CONFIRMED,
            standing=True,
            ends_at=ends_at,
            occupied_until=until,
            left_at=None,
            cancelled_at=None,
            changed_at=now,
            revision=booking.revision + 1,
        )
    )
    resources.let_go(session, booking.id)
    taken = resources.claimed(machine.resources, whole)
    resources.claim(session, booking.id, machine.resources, whole, taken)
    if done.what == "missed":
        marks.unmark(session, booking.member_id, place_id, booking.id, by=by, now=now)
    record(session, booking.id, "undone", by=by, now=now, before={"what": done.what})


def _in_the_way(booking: Row[Any], whole: Slot) -> list[Row[Any]]:
    """What stands on the machine by now, in the time that it had; in its line already."""
    asked = standing_around(whole).with_only_columns(*TABLE.c)
    here = asked.where(Machine.id == booking.machine_id, TABLE.c.id != booking.id)
    return list(db.session.execute(here))
