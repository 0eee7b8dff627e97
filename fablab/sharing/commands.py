"""Agreeing to share a machine, changing what was agreed, ending it; an owner who needs theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from fablab.clock import today
from fablab.db import NoSuch, NotAllowed, add_rows, retried, writing
from fablab.machines.agreement_models import OwnerOutage, OwnerRange, SharingAgreement
from fablab.machines.commands import end_outages, find_outage, stand_in_line
from fablab.machines.inventory import of_place
from fablab.machines.kinds import InCharge, OccupancyKind, Silence
from fablab.machines.models import Machine, Occupancy
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.places.rules import WeeklyOpening
from fablab.sharing import letters
from fablab.sharing.rules import Days, earliest_end, in_the_way
from fablab.slots import Slot
from fablab.upkeep import news, stopping
from fablab.upkeep.news import MOVED, SHARED, UNSHARED
from fablab.upkeep.stopping import Choices


class NoOwner(Exception):
    """The machine is the place's own: there is nobody to agree with."""


class Overlaps(Exception):
    """Another agreement about the machine covers some of the same `days`."""

    def __init__(self, other: Days) -> None:
        super().__init__(other)
        self.days = other


class ChangedMeanwhile(Exception):
    """The agreement is not as it was when the form was drawn."""


class TooSoon(Exception):
    """The owner promised more notice: `earliest` is the first day it may end on."""

    def __init__(self, earliest: date) -> None:
        super().__init__(earliest)
        self.earliest = earliest


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed; see the columns of SharingAgreement."""

    first_day: date
    last_day: date | None = None
    notice_days: int = 0
    audiences: tuple[str, ...] = ()
    terms: str = ""
    asks_owner: bool = False
    answer_within: timedelta = timedelta(hours=48)
    silence: Silence = Silence.LAPSES
    ranges: tuple[WeeklyOpening, ...] = ()
    release: timedelta = timedelta(0)
    insured_by: InCharge = InCharge.OWNER
    maintained_by: InCharge = InCharge.OWNER
    insured_until: date | None = None
    share: Decimal = Decimal(0)

    def columns(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del values["ranges"]
        return values | {"audiences": list(self.audiences)}

    @property
    def days(self) -> Days:
        return Days(self.first_day, self.last_day)


@retried
def begin(
    machine_id: int, terms: Terms, document: str | None = None, *, by: int, now: datetime
) -> str:
    """Write down what was agreed with the owner of a machine; its UID.

    Raises NoOwner, Overlaps, NoSuch, and Busy.
    """
    with writing() as session:
        stand_in_line(session, machine_id)
        machine = session.get_one(Machine, machine_id, populate_existing=True)
        if machine.owner_id is None:
            raise NoOwner
        _refuse_overlap(session, machine, terms.days)
        agreement = SharingAgreement(
            uid=str(uuid4()),
            machine_id=machine_id,
            owner_id=machine.owner_id,
            document=document,
            created_at=now,
            revision=0,
            ranges=_rows(terms),
            **terms.columns(),
        )
        session.add(agreement)
        _note(session, machine, {}, said(agreement), by=by, now=now)
        _settle(session, machine, by=by, now=now)
        return agreement.uid


@retried
def change(
    uid: str,
    terms: Terms,
    document: str | None = None,
    *,
    revision: int,
    by: int,
    now: datetime,
) -> None:
    """Have an agreement say something else; `document`, when one came, takes the place of its own.

    Raises ChangedMeanwhile, Overlaps, NoSuch, and Busy.
    """
    with writing() as session:
        agreement, machine = _in_line(session, uid)
        if agreement.revision != revision:
            raise ChangedMeanwhile
        _refuse_overlap(session, machine, terms.days, but=agreement)
        before = said(agreement)
        for name, value in terms.columns().items():
            setattr(agreement, name, value)
        if document:
            agreement.document = document
        agreement.ranges.clear()
        session.flush()  # the old hours go before the same ones come
        agreement.ranges = _rows(terms)
        agreement.revision += 1
        _note(session, machine, before, said(agreement), by=by, now=now)
        _settle(session, machine, by=by, now=now)


@retried
def end(uid: str, last_day: date, *, by: int, is_team: bool, now: datetime) -> None:
    """Have it end with that day: nothing is booked beyond, and who has booked beyond is told, as
    are the owner and the team. An owner gives the notice that was agreed; the team ends it on any
    day from today on.

    Raises TooSoon, NotAllowed when it ends no later already, NoSuch, and Busy.
    """
    with writing() as session:
        agreement, machine = _in_line(session, uid)
        zone = of_place(place_id=machine.place_id).schedule.zone
        notice = 0 if is_team else agreement.notice_days
        earliest = earliest_end(agreement.first_day, today(zone, now), notice)
        if last_day < earliest:
            raise TooSoon(earliest)
        if agreement.last_day is not None and agreement.last_day <= last_day:
            raise NotAllowed
        before = said(agreement)
        agreement.last_day = last_day
        agreement.revision += 1
        _note(session, machine, before, said(agreement), by=by, now=now)
        _settle(session, machine, by=by, now=now)
        letters.ended(session, agreement, machine, last_day, by=by, now=now)


def _in_line(session: Session, uid: str) -> tuple[SharingAgreement, Machine]:
    """It, once it is our turn on its machine. Raises NoSuch."""
    found = select(SharingAgreement).where(SharingAgreement.uid == uid)
    machine_id = session.scalar(found.with_only_columns(SharingAgreement.machine_id))
    if machine_id is None:
        raise NoSuch(f"no agreement {uid}")
    stand_in_line(session, machine_id)
    agreement = session.scalars(found.execution_options(populate_existing=True)).one()
    return agreement, session.get_one(Machine, machine_id, populate_existing=True)


def _refuse_overlap(
    session: Session, machine: Machine, asked: Days, but: SharingAgreement | None = None
) -> None:
    """Of one owner; what was agreed with a former one says nothing any more."""
    owner_id = but.owner_id if but else machine.owner_id
    rows = session.execute(
        select(SharingAgreement.id, SharingAgreement.first_day, SharingAgreement.last_day).where(
            SharingAgreement.machine_id == machine.id, SharingAgreement.owner_id == owner_id
        )
    )
    others = [Days(row.first_day, row.last_day) for row in rows if not but or row.id != but.id]
    other = in_the_way(asked, others)
    if other:
        raise Overlaps(other)


def _rows(terms: Terms) -> list[OwnerRange]:
    return [
        OwnerRange(weekday=each.weekday, opens_at=each.opens_at, closes_at=each.closes_at)
        for each in terms.ranges
    ]


def said(agreement: SharingAgreement) -> dict[str, Any]:
    """What the record keeps of it."""
    return {
        "shared_from": agreement.first_day,
        "shared_until": agreement.last_day,
        "notice_days": agreement.notice_days,
        "audiences": " ".join(agreement.audiences),
        "asks_owner": agreement.asks_owner,
        "owner_ranges": "; ".join(
            f"{each.weekday} {each.opens_at:%H:%M}-{each.closes_at:%H:%M}"
            for each in agreement.ranges
        ),
        "insured_until": agreement.insured_until,
        "share": f"{agreement.share.normalize():f}",
    }


def _note(
    session: Session,
    machine: Machine,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    by: int,
    now: datetime,
) -> None:
    if before != after:
        audit.note(
            session,
            Deed.SHARING,
            place_id=machine.place_id,
            machine_id=machine.id,
            by=by,
            now=now,
            before={name: value for name, value in before.items() if after.get(name) != value},
            after={name: value for name, value in after.items() if before.get(name) != value},
        )


def _settle(session: Session, machine: Machine, *, by: int, now: datetime) -> None:
    """Tell whose bookings lie on days on which the machine is shared no longer, or again."""
    session.flush()
    inventory = of_place(place_id=machine.place_id)
    facts = inventory.by_id.get(machine.id)
    rows = _ahead(session, machine.id, now) if facts else []
    if facts is None or not rows:
        return
    outside = {
        row.id
        for row in rows
        if not facts.is_shared_over(inventory.schedule, Slot(row.starts_at, row.ends_at))
    }
    last = news.last_words(session, [row.id for row in rows], UNSHARED, SHARED, MOVED)
    unaware = [row for row in rows if row.id in outside and last.get(row.id) != UNSHARED]
    news.say(session, unaware, UNSHARED, by=by, now=now)
    back = [row for row in rows if row.id not in outside and last.get(row.id) == UNSHARED]
    news.say(session, back, SHARED, by=by, now=now)


def _ahead(session: Session, machine_id: int, now: datetime) -> Sequence[Row[Any]]:
    table = Occupancy.__table__
    return session.execute(
        select(table)
        .where(
            table.c.machine_id == machine_id,
            table.c.kind == OccupancyKind.BOOKING,
            table.c.standing,
            table.c.starts_at > now,
        )
        .order_by(table.c.starts_at)
    ).all()


# -- the owner needs it


@retried
def declare_absence(
    machine_id: int,
    place_id: int,
    owner_id: int,
    span: Slot,
    why: str,
    choices: Choices,
    *,
    by: int,
    now: datetime,
) -> list[str]:
    """Take the owner's machine away for `span`, as `stopping.withdraw` does; the outages' UIDs,
    which the owner may take back.

    Raises NotAllowed when it is not theirs (any more), and what `withdraw` raises.
    """
    with stopping.moving(choices) as (session, targets):
        stand_in_line(session, machine_id, *targets)
        if of_place(place_id=place_id).machine(machine_id).owner_id != owner_id:
            raise NotAllowed
        uids = stopping.put_aside(session, machine_id, place_id, span, why, choices, by=by, now=now)
        rows = [{"outage_uid": uid, "owner_id": owner_id, "declared_at": now} for uid in uids]
        add_rows(session, OwnerOutage, rows)
        return uids


@retried
def take_back_absence(uid: str, machine_id: int, owner_id: int, *, by: int, now: datetime) -> None:
    """Give back what the owner declared; what is under way ends now. Raises NoSuch for any other
    outage, and Busy.
    """
    with writing() as session:
        stand_in_line(session, machine_id)
        asked = select(OwnerOutage.outage_uid).where(
            OwnerOutage.outage_uid == uid, OwnerOutage.owner_id == owner_id
        )
        outage = find_outage(uid)
        if session.scalar(asked) is None or outage.machine_id != machine_id:
            raise NoSuch(f"no outage of theirs {uid}")
        end_outages(session, [outage], by=by, now=now)
