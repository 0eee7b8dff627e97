"""Where a booking could go when its machine is not there for it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from fablab.booking import ledger, offers
from fablab.booking.fact_statements import LONGEST
from fablab.booking.facts import gather, own_bookings
from fablab.booking.kinds import ConsentKind
from fablab.booking.known import Taken
from fablab.booking.offers import Offer
from fablab.booking.rules import refusals
from fablab.clock import today, whole_days
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.slots import Slot

MOST = 3


@dataclass(frozen=True, slots=True)
class Alternative(Offer):
    """`asks`: whose yes it waits for again when the team moves it there."""

    asks: tuple[ConsentKind, ...] = ()


def for_booking(
    inventory: Inventory,
    row: Any,
    *,
    now: datetime,
    without: Slot | None = None,
    as_it_is: bool = False,
) -> list[Alternative]:
    """At most three slots that the rules allow its member, nearest first: on machines that stand in
    for its own, and on its own one around `without`, the time that it is away; never when it is
    out of service.

    `as_it_is`: it moves without being asked anything, so that its buddy must do there as well, and
    what is to be read have been read. `row` has the columns of the booking. Twelve statements at
    most; none once it has begun.
    """
    asked = Slot(row.starts_at, row.ends_at)
    machine = inventory.by_id.get(row.machine_id)
    if machine is None or asked.start <= now:
        return []
    around = asked.widened(offers.FAR, offers.FAR + LONGEST)
    own = own_bookings(row.member_id, inventory, around, now=now, leaving_out=row.id)

    def on(one: MachineFacts) -> list[Alternative]:
        zone = inventory.schedule.zone
        horizon = max(policy.horizon_days for policy in one.policies.values())
        days = offers.days_searched(today(zone, asked.start), today(zone, now), horizon)
        span = whole_days(zone, *days).widened(timedelta(0), LONGEST)
        facts = gather(
            inventory,
            one,
            row.member_id,
            span,
            now=now,
            own=own,
            moving=row.id,
            buddy_id=row.buddy_id,
            is_accompanied=row.is_accompanied,
        )
        facts = ledger.of_change(facts, row, one)
        if one is machine and without is not None:
            facts = replace(facts, taken=(*facts.taken, Taken(without, is_outage=True)))
        found = offers.on_machine(facts, asked)
        if as_it_is:
            found = [slot for slot in found if not refusals(slot, facts)]
        return [
            Alternative(one, slot, tuple(ledger.still_to_ask(slot, facts, is_team=True)))
            for slot in found
        ]

    others = inventory.stand_ins(machine)[: offers.MACHINES_TRIED]
    here = on(machine)[:2] if without is not None else []
    found = [*here, *(offer for other in others for offer in on(other)[:1])]
    return sorted(found, key=lambda offer: abs(offer.slot.start - asked.start))[:MOST]
