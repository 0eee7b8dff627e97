"""What the place says of its prices: from a day on, never of the past."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab.clock import today
from fablab.db import NoSuch, NotAllowed, db, retried, writing
from fablab.machines.models import Machine
from fablab.machines.policy_commands import alone_in
from fablab.members import audit
from fablab.members.kinds import Audience, Deed
from fablab.places.models import Place
from fablab.tariffs.changes import (
    A_DAY,
    Problem,
    Said,
    Wanted,
    is_past,
    planned_days,
    planned_for,
    steps,
)
from fablab.tariffs.models import Pack, Supply, Tariff
from fablab.tariffs.rules import A_MINUTE, Rate

TERMS = ("currency", "charged", "late_percent", "missed_percent", "vat_text")


class NotOnThatDay(Exception):
    """The day is refused; nothing was changed. `whose` prices it is about, when not all are."""

    def __init__(self, problem: Problem, whose: Sequence[Audience | None] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.whose = whose


class ChangedMeanwhile(Exception):
    """Others said other prices than those that were read. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class NewSupply:
    name: str
    unit: str
    price: Decimal
    first_day: date
    product: str = ""


@dataclass(frozen=True, slots=True)
class NewPack:
    name: str
    audience: Audience | None
    price: Decimal
    minutes: int
    categories: tuple[str, ...] = ()
    is_monthly: bool = False
    valid_months: int | None = None
    is_shared: bool = False


def fingerprint(said: Iterable[Said]) -> str:
    """Of all that was ever said of a machine's prices, or of company's."""
    return sha256(repr(sorted(map(repr, said))).encode()).hexdigest()[:20]


@retried
def set_prices(
    place_id: int,
    machine_id: int | None,
    first_day: date,
    wanted: Mapping[Audience | None, Wanted | None],
    *,
    by: int,
    now: datetime,
    seen: str | None = None,
) -> bool:
    """From `first_day` on these prices hold for the machine, or for company (no machine); of an
    audience without one, everybody's does. False when they do already.

    `seen` is the fingerprint of what was said when the reader looked; None where nobody did.
    Raises ChangedMeanwhile when it is another by now, NotOnThatDay, NoSuch (no such machine in
    the place), and Busy.
    """
    with writing() as session:
        zone = _alone(session, place_id, machine_id)
        rows = rows_of(place_id, machine_id)
        said = [said_of(row) for row in rows]
        if is_past(said, first_day, today(zone, now)):
            raise NotOnThatDay(Problem.PAST)
        whose = planned_for(said, wanted, first_day)
        if whose:
            raise NotOnThatDay(Problem.PLANNED, whose)
        found = steps(said, wanted, first_day)
        if found and seen is not None and seen != fingerprint(said):
            raise ChangedMeanwhile
        by_id = {row.id: row for row in rows}
        for key in found.ended:
            by_id[key].last_day = first_day - A_DAY
        for key in found.dropped:
            session.delete(by_id[key])
        for audience, asked in found.begun.items():
            session.add(_tariff(place_id, machine_id, audience, asked, first_day, by, now))
        if found:
            told = [f"{who or 'all'} {_told(each)}" for who, each in wanted.items() if each]
            after = {"prices_from": first_day, "prices": "; ".join(told)}
            _note(session, place_id, machine_id, by=by, now=now, after=after)
        return bool(found)


@retried
def withdraw(
    place_id: int, machine_id: int | None, first_day: date, *, by: int, now: datetime
) -> None:
    """Take back what is planned for that day, as if it had never been said.

    Raises NoSuch when nothing is, NotAllowed for a day gone by, and Busy.
    """
    with writing() as session:
        zone = _alone(session, place_id, machine_id)
        rows = rows_of(place_id, machine_id)
        day = today(zone, now)
        if first_day < day:
            raise NotAllowed
        if first_day not in planned_days([said_of(row) for row in rows], day):
            raise NoSuch(f"no prices begin on {first_day}")
        for row in rows:
            if row.first_day == first_day:
                session.delete(row)
            elif row.last_day == first_day - A_DAY:
                row.last_day = None
        _note(session, place_id, machine_id, by=by, now=now, before={"prices_from": first_day})


@retried
def add_supply(place_id: int, machine_id: int, new: NewSupply, *, by: int, now: datetime) -> None:
    """What is used up on the machine, by the unit; one of that name ends the day before.

    Raises NotOnThatDay, NoSuch, and Busy.
    """
    with writing() as session:
        zone = _alone(session, place_id, machine_id)
        same = session.scalars(
            select(Supply)
            .where(Supply.machine_id == machine_id, Supply.name == new.name)
            .order_by(Supply.first_day)
            .execution_options(populate_existing=True)
        ).all()
        if same and new.first_day < today(zone, now):
            raise NotOnThatDay(Problem.PAST)
        if any(each.first_day >= new.first_day for each in same):
            raise NotOnThatDay(Problem.PLANNED)
        for each in same:
            if each.last_day is None or each.last_day >= new.first_day:
                each.last_day = new.first_day - A_DAY
        values = {name: getattr(new, name) for name in NewSupply.__slots__}
        session.add(
            Supply(uid=str(uuid4()), machine_id=machine_id, made_at=now, made_by_id=by, **values)
        )
        after = {"supply": new.name, "supply_from": new.first_day, "price": str(new.price)}
        _note(session, place_id, machine_id, by=by, now=now, after=after)


@retried
def end_supply(place_id: int, uid: str, *, by: int, now: datetime) -> None:
    """Today is the last day that it is used up. Raises NoSuch and Busy."""
    with writing() as session:
        zone = _alone(session, place_id, None)
        supply = session.scalar(
            select(Supply)
            .join(Machine, Machine.id == Supply.machine_id)
            .where(Supply.uid == uid, Machine.place_id == place_id)
            .execution_options(populate_existing=True)
        )
        if supply is None:
            raise NoSuch(f"no supply {uid}")
        day = today(zone, now)
        if supply.last_day is not None and supply.last_day <= day:
            return
        supply.last_day = max(day, supply.first_day)
        before = {"supply": supply.name, "supply_until": supply.last_day}
        _note(session, place_id, supply.machine_id, by=by, now=now, before=before)


@retried
def set_terms(place_id: int, asked: Mapping[str, Any], *, by: int, now: datetime) -> bool:
    """How the place counts: some of TERMS. True when something changed. Raises NoSuch and Busy."""
    with writing() as session:
        alone_in(place_id)
        place = session.get_one(Place, place_id, populate_existing=True)
        before = {name: getattr(place, name) for name in asked}
        changed = sorted(name for name in asked if before[name] != asked[name])
        for name in changed:
            setattr(place, name, asked[name])
        if changed:
            _note(
                session,
                place_id,
                None,
                by=by,
                now=now,
                before={name: before[name] for name in changed},
                after={name: asked[name] for name in changed},
            )
        return bool(changed)


@retried
def add_pack(place_id: int, new: NewPack, *, by: int, now: datetime) -> None:
    """Raises NoSuch and Busy."""
    with writing() as session:
        alone_in(place_id)
        values = {name: getattr(new, name) for name in NewPack.__slots__}
        values["categories"] = list(new.categories)
        session.add(Pack(uid=str(uuid4()), place_id=place_id, **values))
        after = {"pack": new.name, "price": str(new.price), "minutes": new.minutes}
        _note(session, place_id, None, by=by, now=now, after=after)


@retried
def retire_pack(place_id: int, uid: str, *, by: int, now: datetime) -> None:
    """It is offered no longer; what was granted stays. Once is enough. Raises NoSuch and Busy."""
    with writing() as session:
        alone_in(place_id)
        pack = session.scalar(
            select(Pack)
            .where(Pack.uid == uid, Pack.place_id == place_id)
            .execution_options(populate_existing=True)
        )
        if pack is None:
            raise NoSuch(f"no pack {uid}")
        if pack.retired_at is None:
            pack.retired_at = now
            _note(session, place_id, None, by=by, now=now, before={"pack": pack.name})


def rows_of(place_id: int, machine_id: int | None) -> list[Tariff]:
    """All that was ever said of the machine, or of company, first to last."""
    return list(
        db.session.scalars(
            select(Tariff)
            .where(Tariff.place_id == place_id, Tariff.machine_id == machine_id)
            .order_by(Tariff.first_day, Tariff.id)
            .execution_options(populate_existing=True)
        )
    )


def said_of(row: Tariff) -> Said:
    rate = Rate(row.price, row.unit, row.step, row.minimum, row.included)
    return Said(row.id, row.audience, rate, row.product, row.first_day, row.last_day)


def _alone(session: Session, place_id: int, machine_id: int | None) -> Any:
    """Alone in the place; the zone of its clock. Raises NoSuch for a machine that is not there."""
    alone_in(place_id)
    if machine_id is not None:
        here = select(Machine.id).where(Machine.id == machine_id, Machine.place_id == place_id)
        if session.scalar(here) is None:
            raise NoSuch(f"no machine {machine_id} in place {place_id}")
    return session.get_one(Place, place_id, populate_existing=True).tz


def _tariff(
    place_id: int,
    machine_id: int | None,
    audience: Audience | None,
    asked: Wanted,
    first_day: date,
    by: int,
    now: datetime,
) -> Tariff:
    rate = asked.rate
    return Tariff(
        uid=str(uuid4()),
        place_id=place_id,
        machine_id=machine_id,
        audience=audience,
        unit=rate.unit,
        price=rate.price,
        step=rate.step,
        minimum=rate.minimum,
        included=rate.included,
        product=asked.product,
        first_day=first_day,
        made_at=now,
        made_by_id=by,
    )


def _told(asked: Wanted) -> str:
    """As the record keeps it: the price, its unit, and how time is counted, in minutes."""
    rate = asked.rate
    counted = "/".join(str(each // A_MINUTE) for each in (rate.step, rate.minimum, rate.included))
    return f"{rate.price} {rate.unit} {counted}"


def _note(
    session: Session, place_id: int, machine_id: int | None, *, by: int, now: datetime, **told: Any
) -> None:
    audit.note(
        session, Deed.TARIFF, place_id=place_id, machine_id=machine_id, by=by, now=now, **told
    )
