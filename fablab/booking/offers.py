"""After a no: the nearest slots that would be a yes for this member."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from fablab.booking import ledger, suggestions
from fablab.booking.fact_statements import LONGEST
from fablab.booking.facts import gather, own_bookings
from fablab.booking.known import Facts
from fablab.booking.rules import refusals
from fablab.booking.verdicts import HOPELESS
from fablab.clock import from_wall, to_wall, today, whole_days
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.slots import Slot

A_DAY = timedelta(days=1)
DAYS_AROUND = 14  # searched before and after the day that was asked for
FAR = timedelta(days=DAYS_AROUND + 1)
MACHINES_TRIED = 3
OFFERS = 3


@dataclass(frozen=True, slots=True)
class Offer:
    machine: MachineFacts
    slot: Slot


def nearest(
    inventory: Inventory,
    machine: MachineFacts,
    member_id: int,
    asked: Slot,
    *,
    now: datetime,
    booking: Row[Any] | None = None,
    **kept: Any,
) -> list[Offer]:
    """At most three offers: this machine that day, an equivalent one then, this one another day.

    Every offer passes all the rules for this member; when there are none of one sort, another
    sort takes its place, and the list may be short or empty. `booking` is the one that would
    move; `kept` is what else was asked for: arguments of `gather`. Thirteen statements at most.
    """
    zone = inventory.schedule.zone
    around = Slot(min(asked.start, now), max(asked.end, now)).widened(FAR, FAR + LONGEST)
    moving = booking.id if booking else None
    others_own = own_bookings(member_id, inventory, around, now=now, leaving_out=moving)

    def offered(one: MachineFacts) -> list[Offer]:
        policies = one.policies.values()
        horizon = max(policy.horizon_days for policy in policies)
        days = days_searched(today(zone, asked.start), today(zone, now), horizon)
        longest = max(policy.maximum for policy in policies)
        span = whole_days(zone, *days).widened(timedelta(0), longest)
        asks = {"now": now, "own": others_own, "moving": moving, **kept}
        facts = gather(inventory, one, member_id, span, **asks)
        facts = ledger.of_change(facts, booking, one) if booking else facts
        return [Offer(one, slot) for slot in on_machine(facts, asked)]

    def is_that_day(offer: Offer) -> bool:
        return today(zone, offer.slot.start) == today(zone, asked.start)

    def how_far(offer: Offer) -> timedelta:
        return abs(offer.slot.start - asked.start)

    here = offered(machine)
    same_day = [offer for offer in here if is_that_day(offer)]
    other_days = [offer for offer in here if not is_that_day(offer)]
    others = [offered(other)[:1] for other in others_for(inventory, machine)]
    elsewhere = sorted((offer for found in others for offer in found), key=how_far)
    elsewhere_then = [offer for offer in elsewhere if is_that_day(offer)]
    elsewhere_later = [offer for offer in elsewhere if not is_that_day(offer)]

    best = [*same_day[:1], *elsewhere_then[:1], *other_days[:1]]
    spare = [
        *same_day[1:],
        *other_days[1:2],
        *elsewhere_then[1:],
        *other_days[2:],
        *elsewhere_later,
    ]
    return sorted((best + spare)[:OFFERS], key=how_far)


def others_for(inventory: Inventory, machine: MachineFacts) -> list[MachineFacts]:
    """What to look on besides `machine`: equivalent ones; of one that is out of service, those on
    which the work can be done without asking.
    """
    is_there = machine.is_in_service
    others = inventory.equivalents(machine) if is_there else inventory.stand_ins(machine)
    return others[:MACHINES_TRIED]


def on_machine(facts: Facts, asked: Slot) -> list[Slot]:
    """The acceptable slots nearest to `asked`: two on the nearest day, then one a day."""
    if any(refusal.reason in HOPELESS for refusal in refusals(asked, facts)):
        return []
    found: list[Slot] = []
    for n, day in enumerate(days_outward(facts, asked)):
        then = asked_on(facts, asked, day)
        found += apart(suggestions.nearest(facts, then, day, day), found)[: 2 if n == 0 else 1]
        if len(found) > OFFERS:
            break
    return found


def days_searched(asked: date, first: date, horizon_days: int) -> tuple[date, date]:
    """The days around `asked` that may be booked, `first` being today.

    A day too far ahead, or gone by, stands for the nearest one that is not.
    """
    last = first + timedelta(days=horizon_days)
    middle = min(max(asked, first), last)
    around = timedelta(days=DAYS_AROUND)
    return max(middle - around, first), min(middle + around, last)


def days_outward(facts: Facts, asked: Slot) -> Iterator[date]:
    """The days searched, nearest to the one asked for first, a later one before an earlier."""
    first, last = days_searched(
        today(facts.zone, asked.start), today(facts.zone, facts.now), facts.policy.horizon_days
    )
    middle = min(max(today(facts.zone, asked.start), first), last)
    yield middle
    for n in range(1, DAYS_AROUND + 1):
        for day in (middle + timedelta(days=n), middle - timedelta(days=n)):
            if first <= day <= last:
                yield day


def apart(slots: list[Slot], others: list[Slot]) -> list[Slot]:
    """Those that overlap none before them nor `others`: 10:00 and 10:15 are one offer, not two."""
    chosen: list[Slot] = []
    for slot in slots:
        if not any(slot.overlaps(other) for other in (*others, *chosen)):
            chosen.append(slot)
    return chosen


def asked_on(facts: Facts, asked: Slot, day: date) -> Slot:
    """The same wall time on another day; of what is lent by the day, as many days."""
    if facts.policy.whole_days:
        nights = max(-(-facts.length_of(asked) // A_DAY), 1) - 1
        return whole_days(facts.zone, day, day + timedelta(days=nights))
    wall = to_wall(facts.zone, asked.start)
    return Slot.lasting(from_wall(facts.zone, day, wall.time()), asked.duration)
