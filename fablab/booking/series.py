"""Bookings that repeat: each asked of the rules, then made, moved or cancelled all or none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.booking import commands, ledger, series_rules, waits
from fablab.booking.facts import gather
from fablab.booking.kinds import ConsentKind
from fablab.booking.known import Facts, Shared
from fablab.booking.models import Series
from fablab.booking.offers import others_for
from fablab.booking.orders import (
    JUST_TAKEN,
    AlreadyUsed,
    BookingRefused,
    ChangedMeanwhile,
    Order,
    order_behind,
    said,
)
from fablab.booking.rules import may_override, refusals
from fablab.booking.verdicts import Refusal
from fablab.db import NotAllowed, add_row, db, retried, writing
from fablab.machines import guards, resources
from fablab.machines.commands import stand_in_line
from fablab.machines.inventory import Inventory, MachineFacts, of_place
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Change, Occupancy
from fablab.members.kinds import Audience
from fablab.slots import Slot

TURNS = 3  # for occurrences that wait until another one has made room


@dataclass(frozen=True, slots=True)
class Wish:
    """One occurrence as it is asked for; `booking` is its row where it exists and would move."""

    name: str  # what a form calls it
    order: Order
    booking: Row[Any] | None = None
    # The hours that the clock on the wall does not show once that night: see `Hours.odd`.
    odd: tuple[tuple[time, bool], ...] = ()


class Pick(StrEnum):
    YES = "yes"
    INSTEAD = "instead"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody wants of one occurrence; `order` is what they take instead."""

    pick: Pick
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one occurrence, and what stands chosen for it."""

    wish: Wish
    refusals: list[Refusal]
    pick: Pick
    instead: Order | None = None  # what could be had instead
    may_set_aside: bool = False  # may the team have it all the same?
    is_lost: bool = False  # it was chosen, and cannot be had any longer
    waits_for: tuple[ConsentKind, ...] = ()  # whose yes it would still need
    audience: Audience | None = None  # for whom it would count

    @property
    def order(self) -> Order | None:
        """What would be booked for it; None when it is left out."""
        if self.pick is Pick.INSTEAD:
            return self.instead
        return self.wish.order if self.pick is Pick.YES else None


# -- what the rules say


def review(
    inventory: Inventory,
    wishes: Sequence[Wish],
    choices: Mapping[str, Choice],
    *,
    now: datetime,
    is_team: bool,
) -> list[Verdict]:
    """What the rules say of each of `wishes`, those chosen before it counted as booked.

    What nobody has chosen yet is in when the rules accept it, and left out when they do not. A
    booking that is to stay where it is stands in the way of the others. Eight statements at most
    for each machine that is asked about, however many occurrences there are.
    """
    asked = Asked(inventory, wishes, now, is_team)
    staying: set[str] = {name for name, choice in choices.items() if choice.pick is Pick.NO}
    verdicts: list[Verdict] = []
    for _ in range(TURNS):
        verdicts = asked.verdicts(choices, staying)
        stay = {verdict.wish.name for verdict in verdicts if verdict.pick is Pick.NO}
        if stay <= staying or not any(wish.booking for wish in wishes):
            break
        staying |= stay
    return asked.with_offers(verdicts, staying)


class Asked:
    """Several occurrences at once, with the facts about each machine gathered once."""

    def __init__(
        self, inventory: Inventory, wishes: Sequence[Wish], now: datetime, is_team: bool
    ) -> None:
        self.inventory, self.wishes, self.now, self.is_team = inventory, wishes, now, is_team
        slots = [wish.order.slot for wish in wishes]
        slots += [Slot(w.booking.starts_at, w.booking.ends_at) for w in wishes if w.booking]
        reach = timedelta(days=series_rules.REACH + 1)
        longest = max(slot.duration for slot in slots)
        first, last = min(slot.start for slot in slots), max(slot.end for slot in slots)
        self.span = Slot(first - reach, last + reach + longest)
        self.gathered: dict[Any, Facts] = {}
        self.claims: dict[int, Sequence[Row[Any]]] = {}

    def verdicts(self, choices: Mapping[str, Choice], staying: set[str]) -> list[Verdict]:
        booked: list[tuple[Slot, Facts]] = []
        return [self.verdict(wish, choices.get(wish.name), staying, booked) for wish in self.wishes]

    def verdict(
        self,
        wish: Wish,
        choice: Choice | None,
        staying: set[str],
        booked: list[tuple[Slot, Facts]],
    ) -> Verdict:
        """Adds what stands chosen to `booked`."""
        facts = self.facts(wish, wish.order, staying, booked)
        why = refusals(wish.order.slot, facts)
        may_set_aside = bool(why) and self.is_team and may_override(why, facts.policy)
        is_wanted = choice is None or choice.pick is Pick.YES
        if is_wanted and (not why or (choice and may_set_aside)):
            booked.append((wish.order.slot, facts))
            yes = self.needed(wish.order, facts)
            return Verdict(
                wish, why, Pick.YES, None, may_set_aside, waits_for=yes, audience=facts.audience
            )
        if choice and choice.pick is Pick.INSTEAD and choice.order:
            there = self.facts(wish, choice.order, staying, booked)
            if not refusals(choice.order.slot, there):
                booked.append((choice.order.slot, there))
                yes = self.needed(choice.order, there)
                return Verdict(
                    wish,
                    why,
                    Pick.INSTEAD,
                    choice.order,
                    may_set_aside,
                    waits_for=yes,
                    audience=facts.audience,
                )
        is_lost = choice is not None and choice.pick is not Pick.NO
        return Verdict(wish, why, Pick.NO, None, may_set_aside, is_lost, audience=facts.audience)

    def needed(self, order: Order, facts: Facts) -> tuple[ConsentKind, ...]:
        wanted = ledger.wanted_for(order, facts, is_team=self.is_team)
        return tuple(each.kind for each in wanted)

    def with_offers(self, verdicts: list[Verdict], staying: set[str]) -> list[Verdict]:
        """An alternative for each that is refused, clear of what is chosen and of each other."""
        booked = [
            (order.slot, self.facts(verdict.wish, order, staying, []))
            for verdict in verdicts
            if (order := verdict.order)
        ]
        found: list[Verdict] = []
        for verdict in verdicts:
            offer = verdict.instead
            if verdict.refusals and offer is None and verdict.pick is Pick.NO:
                offer = self.offer(verdict.wish, staying, booked)
            found.append(replace(verdict, instead=offer))
        return found

    def offer(
        self, wish: Wish, staying: set[str], booked: list[tuple[Slot, Facts]]
    ) -> Order | None:
        asked = self.inventory.machine(wish.order.machine_id)
        like = [asked, *others_for(self.inventory, asked)]
        orders = [on_machine(wish.order, machine) for machine in like]
        facts = [self.facts(wish, order, staying, booked) for order in orders]
        nearest = series_rules.nearest(wish.order.slot, facts)
        if nearest is None:
            return None
        slot, there = nearest
        booked.append(nearest)
        order = next(order for order in orders if order.machine_id == there.machine_id)
        return replace(order, slot=slot)

    def facts(
        self, wish: Wish, order: Order, staying: set[str], booked: Iterable[tuple[Slot, Facts]]
    ) -> Facts:
        machine = self.inventory.machine(order.machine_id)
        facts = series_rules.counting(self.gather(machine, order, wish.booking, staying), booked)
        if not wish.booking:
            return facts
        facts = ledger.of_change(facts, wish.booking, machine)
        return ledger.as_counted(facts, wish.booking, order.organization_id)

    def gather(
        self, machine: MachineFacts, order: Order, booking: Row[Any] | None, staying: set[str]
    ) -> Facts:
        """The facts about all of them, without the bookings that leave where they are."""
        is_kept = booking is not None and booking.organization_id == order.organization_id
        asked: dict[str, Any] = {
            "organization_id": None if is_kept else order.organization_id,
            "buddy_id": order.buddy_id,
            "is_accompanied": order.is_accompanied,
            "has_read": machine.is_read(order.read_hash),
        }
        moved = [
            wish.booking
            for wish in self.wishes
            if wish.booking and (wish.name not in staying or wish.booking is booking)
        ]
        key = (machine.id, *asked.values(), tuple(row.id for row in moved))
        if key not in self.gathered:
            facts = self.gathered.get(key[:-1]) or gather(
                self.inventory, machine, order.member_id, self.span, now=self.now, **asked
            )
            self.gathered[key[:-1]] = facts
            facts = series_rules.without(facts, frozenset(row.uid for row in moved))
            if moved and machine.resources:
                left = claimed_by_others(machine, self.claimed(machine), {row.id for row in moved})
                facts = replace(facts, shared=left)
            self.gathered[key] = facts
        return self.gathered[key]

    def claimed(self, machine: MachineFacts) -> Sequence[Row[Any]]:
        """Who has a seat of what the machine shares, asked once."""
        if machine.id not in self.claims:
            seats = [seat for resource in machine.resources for seat in resource.seats]
            values = {"seats": seats, "span_start": self.span.start, "span_end": self.span.end}
            found: Any = db.session.connection().execute(resources.CLAIMS, values)
            self.claims[machine.id] = found.all()
        return self.claims[machine.id]


def on_machine(order: Order, machine: MachineFacts) -> Order:
    """The same on another machine."""
    return replace(order, machine_id=machine.id)


def claimed_by_others(
    machine: MachineFacts, claims: Iterable[Row[Any]], ids: set[int]
) -> tuple[Shared, ...]:
    """What is taken of what the machine shares, the claims of the occupancies `ids` left out."""
    taken: dict[int, list[Slot]] = {
        seat: [] for resource in machine.resources for seat in resource.seats
    }
    for row in claims:
        if row.occupancy_id not in ids:
            taken[row.seat_id].append(Slot(row.claimed_from, row.claimed_until))
    return tuple(
        Shared(resource.name, {seat: taken[seat] for seat in resource.seats})
        for resource in machine.resources
    )


# -- booking


@retried
def book(
    orders: Sequence[Order],
    *,
    every_weeks: int,
    by: int,
    now: datetime,
    key: str | None = None,
    is_team: bool = False,
) -> str:
    """Make all of the bookings, or none, and give the series' UID.

    A `key` makes one series of one person: sent again it gives the one it made.

    Raises BookingRefused with the reasons of the first that is refused, AlreadyUsed when the key
    made something else, NoSuch for an unknown machine, and Busy.
    """
    try:
        with writing() as session:
            stand_in_every_line(session, orders)
            made = made_with(key, orders, by) if key else None
            if made:
                return made
            uid = str(uuid4())
            series_id = add_row(
                session,
                Series,
                uid=uid,
                member_id=orders[0].member_id,
                every_weeks=every_weeks,
                created_at=now,
            )
            for order in orders:
                ledger.write_down(
                    session,
                    order,
                    by=by,
                    now=now,
                    key=key if order is orders[0] else None,
                    is_team=is_team,
                    series_id=series_id,
                )
            return uid
    except IntegrityError as error:
        if guards.refused(error):
            raise BookingRefused([JUST_TAKEN]) from error
        made = made_with(key, orders, by) if key else None
        if made is None:
            raise
        return made


def stand_in_every_line(session: Session, orders: Iterable[Order]) -> None:
    """Of all the machines in the order of their ids, then of all that they share."""
    orders = list(orders)
    stand_in_line(session, *(order.machine_id for order in orders))
    inventory = of_place(place_id=orders[0].place_id)
    machines = {order.machine_id: inventory.machine(order.machine_id) for order in orders}
    shared = {each for machine in machines.values() for each in machine.resources}
    resources.stand_in_line(session, shared)


def made_with(key: str, orders: Sequence[Order], by: int) -> str | None:
    """The UID of the series that this form already made, if it did.

    Raises AlreadyUsed when what it made is not `orders`.
    """
    first = db.session.execute(
        select(Occupancy.uid, Occupancy.series_id, Series.uid.label("series_uid"))
        .outerjoin(Series, Series.id == Occupancy.series_id)
        .where(Occupancy.created_by_id == by, Occupancy.request_key == key)
    ).first()
    if first is None:
        return None
    if first.series_id is None:
        raise AlreadyUsed(first.uid)
    recorded = db.session.execute(
        select(Change.after, Occupancy.member_id)
        .join(Occupancy, Occupancy.id == Change.occupancy_id)
        .where(Occupancy.series_id == first.series_id, Change.what == "booked")
        .order_by(Change.id)
    ).all()
    is_same = len(recorded) == len(orders) and all(
        order.member_id == made.member_id and said(order).items() <= made.after.items()
        for order, made in zip(orders, recorded, strict=True)
    )
    if not is_same:
        raise AlreadyUsed(first.uid)
    uid: str = first.series_uid
    return uid


# -- this one and the following


def following(booking: Any, now: datetime) -> Sequence[Row[Any]]:
    """The standing occurrences of its series from `booking` on that have not begun, in order.

    `booking` is anything with series_id and starts_at.
    """
    if booking.series_id is None:
        return []
    table = Occupancy.__table__
    return db.session.execute(
        select(table)
        .where(
            table.c.series_id == booking.series_id,
            table.c.kind == OccupancyKind.BOOKING,
            table.c.starts_at >= booking.starts_at,
            table.c.starts_at > now,
            table.c.standing,
        )
        .order_by(table.c.starts_at, table.c.id)
    ).all()


def following_in_line(
    session: Session, uid: str, now: datetime, *machine_ids: int
) -> Sequence[Row[Any]]:
    """The same, once it is our turn on all of `machine_ids` and on each machine they are on."""
    here = ledger.find(uid)
    rows = following(here, now)
    wanted = {here.machine_id, *machine_ids, *(row.machine_id for row in rows)}
    held: set[int] = set()
    while missing := wanted - held:
        stand_in_line(session, *missing)
        held |= missing
        rows = following(ledger.find(uid), now)
        wanted |= {row.machine_id for row in rows}
    return rows


@retried
def cancel(uid: str, *, by: int, is_team: bool, now: datetime, why: str = "") -> int:
    """Cancel the booking and those of its series that follow, all or none; how many they were.
    The record of each says `why`.

    What is over or under way stays. Each leaves a mark where cancelling it alone would.

    Raises NotAllowed, NoSuch (no such booking), and Busy.
    """
    with writing() as session:
        rows = following_in_line(session, uid, now)
        if not rows:
            raise NotAllowed
        for row in rows:
            commands.strike_out(session, row, by=by, is_team=is_team, now=now, why=why)
        return len(rows)


@retried
def move(uid: str, wishes: Sequence[Wish], *, by: int, is_team: bool, now: datetime) -> int:
    """Make each of its series what `wishes` say, all or none; how many are changed.

    Each keeps its UID and gets its next revision. They may take each other's places: who is in
    the way of another goes first.

    Raises BookingRefused with the reasons of one that is refused, NotAllowed, ChangedMeanwhile
    when one is no longer as it was, NoSuch (no such booking or machine), and Busy.
    """
    machine_ids = [wish.order.machine_id for wish in wishes]
    try:
        with writing() as session:
            rows = {row.uid: row for row in following_in_line(session, uid, now, *machine_ids)}
            inventory = of_place(place_id=wishes[0].order.place_id)
            shared = {each for id in machine_ids for each in inventory.machine(id).resources}
            resources.stand_in_line(session, shared)
            left: list[tuple[Row[Any], Order]] = []
            for wish in wishes:
                assert wish.booking
                row = rows.get(wish.booking.uid)
                if row is None or row.revision != wish.booking.revision:
                    raise ChangedMeanwhile
                if not commands.may_be_moved(row, by=by, is_team=is_team, now=now):
                    raise NotAllowed
                if order_behind(row, wish.order.place_id) != wish.order:
                    left.append((row, wish.order))
            _rewrite(session, left, by=by, is_team=is_team, now=now)
            for row, _order in left:
                waits.offer(session, row, now=now)
            return len(left)
    except IntegrityError as error:
        if guards.refused(error):
            raise BookingRefused([JUST_TAKEN]) from error
        raise


def _rewrite(
    session: Session,
    left: list[tuple[Row[Any], Order]],
    *,
    by: int,
    is_team: bool,
    now: datetime,
) -> None:
    """Each in its turn: those that go later from the last on, so that they make room."""
    if left and left[0][1].slot.start > left[0][0].starts_at:
        left = left[::-1]
    for _ in range(TURNS):
        refused: list[tuple[Row[Any], Order]] = []
        for row, order in left:
            try:
                commands.rewrite(session, row, order, by=by, is_team=is_team, now=now)
            except BookingRefused as why:
                refused.append((row, order))
                last = why
        if not refused:
            return
        if len(refused) == len(left):
            break
        left = refused
    raise last
