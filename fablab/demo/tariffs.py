"""The prices of the demonstration, what was granted, and what each of its bookings is worth."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from fablab.clock import today
from fablab.db import add_row
from fablab.demo.people import Player
from fablab.demo.stage import Stage
from fablab.machines.inventory import of_place
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy
from fablab.members.kinds import Audience, MarkKind
from fablab.members.models import Mark
from fablab.members.rules import is_late
from fablab.organizations.models import Organization
from fablab.slots import Slot
from fablab.tariffs.kinds import Unit
from fablab.tariffs.models import Allowance, Consumption, Pack, Supply, Tariff
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import quote
from fablab.tariffs.rules import A_MINUTE

SINCE = -800  # days: the prices are older than all that was booked
STEP = 15 * A_MINUTE
FREE_CANCELLATION = timedelta(hours=24)
USED_UP = {"m06": Decimal(85), "m07": Decimal(40), "m22": Decimal(60)}


def set_out(
    session: Session, told: dict[str, Any], stage: Stage, players: Sequence[Player]
) -> None:
    first_day, now = stage.loading.from_today(SINCE), stage.loading.now
    for one in told["machine"]:
        unit = Unit(one.get("price_unit", Unit.HOUR))
        for slug in stage.units[one["code"]]:
            machine_id = stage.machines[slug].id
            session.add_all(tariffs(stage, one["prices"], machine_id, unit, first_day))
            session.add_all(
                Supply(
                    uid=str(uuid4()),
                    machine_id=machine_id,
                    name=each["name"],
                    unit=each["unit"],
                    price=Decimal(each["price"]),
                    first_day=first_day,
                    made_at=now,
                )
                for each in one.get("supplies", [])
            )
    session.add_all(tariffs(stage, told["company"], None, Unit.HOUR, first_day))
    packs = {one["key"]: pack(stage, one) for one in told["pack"]}
    session.add_all(packs.values())
    session.flush()
    by_key = {player.key: player.member_id for player in players}
    session.add_all(allowance(stage, one, packs[one["pack"]], by_key) for one in told["allowance"])
    session.flush()


def tariffs(
    stage: Stage, prices: dict[str, int], machine_id: int | None, unit: Unit, first_day: date
) -> Iterable[Tariff]:
    for audience, price in prices.items():
        yield Tariff(
            uid=str(uuid4()),
            place_id=stage.place_id,
            machine_id=machine_id,
            audience=Audience(audience),
            unit=unit,
            price=Decimal(price),
            step=STEP if unit is Unit.HOUR else A_MINUTE,
            first_day=first_day,
            made_at=stage.loading.now,
        )


def pack(stage: Stage, told: dict[str, Any]) -> Pack:
    return Pack(
        uid=str(uuid4()),
        place_id=stage.place_id,
        name=told["name"],
        audience=Audience(told["audience"]),
        price=Decimal(told["price"]),
        minutes=told["minutes"],
        categories=told.get("categories", []),
        is_monthly=told.get("is_monthly", False),
        valid_months=told.get("valid_months"),
        is_shared=told.get("is_shared", False),
    )


def allowance(stage: Stage, told: dict[str, Any], of: Pack, by_key: dict[str, int]) -> Allowance:
    first_day = stage.loading.from_today(told["since"])
    last_day = None
    if of.valid_months:
        last_day = first_day + timedelta(days=round(of.valid_months * 30.44))
    return Allowance(
        uid=str(uuid4()),
        place_id=stage.place_id,
        pack_id=of.id,
        name=of.name,
        member_id=by_key[told["person"]] if "person" in told else None,
        organization_id=stage.organizations[told["organization"]]
        if "organization" in told
        else None,
        minutes=of.minutes,
        categories=of.categories,
        is_monthly=of.is_monthly,
        is_shared=of.is_shared and "organization" in told,
        first_day=first_day,
        last_day=last_day,
        settled=told["settled"],
        granted_at=stage.loading.now,
    )


def quote_all(session: Session, stage: Stage, players: Sequence[Player]) -> None:
    """For whom each booking counts, and what was shown when it was made; who cancelled too late,
    and what was used up.
    """
    prices = prices_of(of_place(place_id=stage.place_id))
    audiences = {player.member_id: player.audience for player in players}
    of_organizations: dict[int, Audience] = {
        row.id: row.audience
        for row in session.execute(select(Organization.id, Organization.audience))
        if row.audience
    }
    rows = session.execute(
        select(Occupancy.__table__, Machine.slug)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .where(Occupancy.kind == OccupancyKind.BOOKING)
        .order_by(Occupancy.id)
    ).all()
    quoted = []
    for row in rows:
        audience = of_organizations.get(row.organization_id or 0, audiences[row.member_id])
        slot = Slot(row.starts_at, row.ends_at)
        amount = quote(prices, row.machine_id, audience, slot, is_accompanied=row.is_accompanied)
        quoted.append({"row_id": row.id, "for_whom": audience, "amount": amount})
    table = Occupancy.__table__
    write = update(table).where(table.c.id == bindparam("row_id"))
    session.connection().execute(
        write.values(audience=bindparam("for_whom"), quoted=bindparam("amount")), quoted
    )
    mark_late(session, stage, rows)
    use_up(session, stage, rows)


def mark_late(session: Session, stage: Stage, rows: Sequence[Any]) -> None:
    """Of each member the last one alone, for three of them would keep them from booking."""
    last: dict[int, Any] = {}
    for row in rows:
        limit = row.starts_at - FREE_CANCELLATION
        if row.status == Status.CANCELLED and is_late(limit, row.cancelled_at):
            last[row.member_id] = max(last.get(row.member_id, row), row, key=cancelled_at)
    for row in last.values():
        add_row(
            session,
            Mark,
            uid=str(uuid4()),
            member_id=row.member_id,
            place_id=stage.place_id,
            occupancy_id=row.id,
            kind=MarkKind.LATE,
            made_at=row.cancelled_at,
            lift_reason="",
        )
    marked = Occupancy.id.in_([row.id for row in last.values()])
    session.execute(update(Occupancy.__table__).where(marked).values(is_late=True))


cancelled_at = attrgetter("cancelled_at")


def use_up(session: Session, stage: Stage, rows: Iterable[Any]) -> None:
    """Some of what is counted on a machine, in each booking of it that is over."""
    ids: dict[int, int] = {}
    for supply in session.execute(select(Supply.id, Supply.machine_id).order_by(Supply.id)):
        ids[supply.machine_id] = supply.id
    for row in rows:
        is_over = row.status == Status.CONFIRMED and row.ends_at <= stage.loading.now
        quantity = USED_UP.get(row.slug)
        if is_over and quantity and today(stage.loading.zone, row.starts_at).day % 2:
            add_row(
                session,
                Consumption,
                uid=str(uuid4()),
                occupancy_id=row.id,
                supply_id=ids[row.machine_id],
                quantity=quantity,
                noted_at=row.ends_at,
                noted_by_id=row.member_id,
            )
