"""What was used up in a booking: noted, and struck out, by whom; never rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select

from fablab.db import NoSuch, NotAllowed, db, retried, writing
from fablab.keys import made_once, uid_for
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.members import staff
from fablab.members.models import Member
from fablab.tariffs.models import Consumption, Supply
from fablab.tariffs.rules import may_note


@dataclass(frozen=True, slots=True)
class Doer:
    id: int
    is_team: bool


@retried
def note(
    occupancy_id: int,
    supply_uid: str,
    quantity: Decimal,
    *,
    day: date,
    by: Doer,
    now: datetime,
    key: str = "",
) -> None:
    """`day` is the one it starts on, on the wall. Raises AlreadyMade when the `key` noted it,
    NoSuch (no such supply of its machine that day), NotAllowed (too early, or too late for
    whoever booked) and Busy.
    """
    uid = uid_for(key, by.id, occupancy_id, supply_uid, str(quantity))
    with writing() as session:
        staff.stand_in_line(session, by.id)
        made_once(Consumption, uid)
        row = _found(occupancy_id, by, now)
        supply_id = session.scalar(
            select(Supply.id).where(
                Supply.uid == supply_uid,
                Supply.machine_id == row.machine_id,
                Supply.first_day <= day,
                or_(Supply.last_day.is_(None), Supply.last_day >= day),
            )
        )
        if supply_id is None:
            raise NoSuch(f"no supply {supply_uid}")
        session.add(
            Consumption(
                uid=uid,
                occupancy_id=occupancy_id,
                supply_id=supply_id,
                quantity=quantity,
                noted_at=now,
                noted_by_id=by.id,
            )
        )


@retried
def strike(occupancy_id: int, uid: str, *, by: Doer, now: datetime) -> None:
    """Once is enough. Raises NoSuch, NotAllowed (noted by somebody else, or too late for whoever
    booked) and Busy.
    """
    with writing() as session:
        _found(occupancy_id, by, now)
        found = session.scalar(
            select(Consumption)
            .where(Consumption.uid == uid, Consumption.occupancy_id == occupancy_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if found is None:
            raise NoSuch(f"nothing used up {uid}")
        if not (by.is_team or found.noted_by_id == by.id):
            raise NotAllowed
        if found.struck_at is None:
            found.struck_at, found.struck_by_id = now, by.id


def _found(occupancy_id: int, by: Doer, now: datetime) -> Any:
    """The booking, if they may say something of it now."""
    asked = select(
        Occupancy.machine_id,
        Occupancy.member_id,
        Occupancy.status,
        Occupancy.starts_at,
        Occupancy.ends_at,
    ).where(Occupancy.id == occupancy_id)
    row = db.session.execute(asked).one()
    is_theirs = by.is_team or row.member_id == by.id
    if (
        not is_theirs
        or row.status is not Status.CONFIRMED
        or not may_note(row.starts_at, row.ends_at, now, is_team=by.is_team)
    ):
        raise NotAllowed
    return row


def noted(occupancy_id: int) -> Sequence[Any]:
    """All of a booking, what was struck out too, with who noted it. One statement."""
    return db.session.execute(
        select(
            Consumption.uid,
            Consumption.quantity,
            Consumption.noted_by_id,
            Consumption.noted_at,
            Consumption.struck_at,
            Supply.name,
            Supply.unit,
            Supply.price,
            Member.first_name,
            Member.last_name,
        )
        .join(Supply, Supply.id == Consumption.supply_id)
        .outerjoin(Member, Member.id == Consumption.noted_by_id)
        .where(Consumption.occupancy_id == occupancy_id)
        .order_by(Consumption.id)
    ).all()
