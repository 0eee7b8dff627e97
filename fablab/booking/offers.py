"""After a no: the nearest slots that would be a yes for this member."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fablab.booking import suggestions
from fablab.booking.facts import about, standing_of
from fablab.booking.rules import Facts
from fablab.clock import from_wall, whole_days
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.slots import Slot

DAYS_AHEAD = 14
MACHINES_TRIED = 3
OFFERS = 3


@dataclass(frozen=True, slots=True)
class Offer:
    machine: MachineFacts
    slot: Slot


def nearest(
    inventory: Inventory, machine: MachineFacts, member_id: int, asked: Slot, *, now: datetime
) -> list[Offer]:
    """At most three offers: this machine that day, an equivalent one then, this one another day.

    Every offer passes all the rules for this member; when there are none of one sort, another
    sort takes its place, and the list may be short or empty. Ten statements at most.
    """
    schedule = inventory.schedule
    first = max(schedule.days_of(asked)[0], now.astimezone(schedule.zone).date())
    span = whole_days(schedule.zone, first, first + timedelta(days=DAYS_AHEAD))
    standing = standing_of(member_id, inventory.place.id)

    facts = about(inventory, machine, member_id, standing, span, now=now)
    own = [Offer(machine, slot) for slot in on_machine(facts, asked)]
    same_day = [offer for offer in own if schedule.days_of(offer.slot)[0] == first]
    other_days = [offer for offer in own if schedule.days_of(offer.slot)[0] != first]

    elsewhere: list[Offer] = []
    for other in inventory.equivalents(machine)[:MACHINES_TRIED]:
        theirs = about(inventory, other, member_id, standing, span, now=now)
        found = on_machine(theirs, asked)
        if found:
            elsewhere.append(Offer(other, found[0]))
    elsewhere.sort(key=lambda offer: abs(offer.slot.start - asked.start))

    best = [*same_day[:1], *elsewhere[:1], *other_days[:1]]
    spare = [*same_day[1:2], *other_days[1:2], *elsewhere[1:], *other_days[2:3]]
    chosen = (best + spare)[:OFFERS]
    return sorted(chosen, key=lambda offer: abs(offer.slot.start - asked.start))


def on_machine(facts: Facts, asked: Slot) -> list[Slot]:
    """The acceptable slots nearest to `asked`, at most one a day and two on the first."""
    first = facts.schedule.days_of(asked)[0]
    today = facts.now.astimezone(facts.zone).date()
    first = max(first, today)
    found: list[Slot] = []
    for n in range(DAYS_AHEAD + 1):
        day = first + timedelta(days=n)
        then = asked_on(facts, asked, day)
        found += apart(suggestions.nearest(facts, then, day, day))[: 2 if n == 0 else 1]
        if len(found) > OFFERS:
            break
    return found


def apart(slots: list[Slot]) -> list[Slot]:
    """Those that overlap none before them: 10:00 and 10:15 are one offer, not two."""
    chosen: list[Slot] = []
    for slot in slots:
        if not any(slot.overlaps(other) for other in chosen):
            chosen.append(slot)
    return chosen


def asked_on(facts: Facts, asked: Slot, day: date) -> Slot:
    """The same wall time on another day."""
    wall = asked.start.astimezone(facts.zone)
    return Slot.lasting(from_wall(facts.zone, day, wall.time()), asked.duration)
