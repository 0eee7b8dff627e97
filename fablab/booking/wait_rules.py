"""Who may wait for a place, in which window, and what is offered to them. Pure.

Whoever waits gets no other rules than whoever books: what could be accepted once the machine is
free may be waited for, and what is accepted is offered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fablab.booking import rules
from fablab.booking.known import Facts
from fablab.booking.rules import acts_for_the_organization
from fablab.booking.suggestions import A_DAY, acceptable, on_step
from fablab.booking.verdicts import HOPELESS, Reason, Refusal
from fablab.clock import whole_days
from fablab.machines.kinds import Status
from fablab.places.rules import days
from fablab.slots import Slot
from fablab.words import N_

MOST = 10  # places that one member waits for at one time
LONGEST = timedelta(days=31)  # of a window
KEPT = timedelta(hours=4)  # how long an offer is kept, but not beyond the start of its slot
# Nobody is offered what starts sooner: they would have to read their mail in that very moment.
SOONEST = timedelta(minutes=15)

# What is no matter of the machine, the hours or the person, and may be otherwise by then.
LIFTED_BY_WAITING = frozenset(
    {
        Reason.TAKEN,
        Reason.RESOURCE_FULL,
        Reason.OUTAGE,
        Reason.OWNER_FIRST,
        Reason.QUOTA_MACHINE,
        Reason.QUOTA_CATEGORY,
        Reason.QUOTA_RISKY,
        Reason.WEEKLY_BOOKINGS,
        Reason.BOOKINGS_AHEAD,
        Reason.TWO_AT_ONCE,
        Reason.TOO_MANY_UNITS,
    }
)
# Asked when the offer is accepted.
ASKED_THEN = frozenset({Reason.NO_BUDDY, Reason.NOT_READ})


def is_worth_waiting(refused: Iterable[Refusal]) -> bool:
    """After a no: would waiting help?"""
    reasons = {refusal.reason for refusal in refused}
    return bool(reasons & LIFTED_BY_WAITING) and not reasons & (HOPELESS - LIFTED_BY_WAITING)


def offer_due(slot: Slot, now: datetime) -> datetime:
    """Until when the offer may be accepted."""
    return min(now + KEPT, slot.start)


def slots_in(window: Slot, duration: timedelta, facts: Facts) -> Iterator[Slot]:
    """What they may have right now: every acceptable slot wholly inside `window`, soonest first."""
    first, last = facts.schedule.days_of(window)
    return (slot for slot in acceptable(facts, first, last, duration) if window.covers(slot))


def on_offer(window: Slot, duration: timedelta, facts: Facts) -> Slot | None:
    """The first of them that leaves time to answer; None when there is none."""
    soonest = facts.now + SOONEST
    return next((s for s in slots_in(window, duration, facts) if s.start >= soonest), None)


def out_of_bounds(window: Slot, now: datetime, *, waits: int) -> list[Refusal]:
    """What is wrong with the window itself, or with one wait more besides `waits` others."""
    found = []
    if window.end <= now:
        found.append(
            Refusal(Reason.PAST, N_("This time is over."), N_("Choose an end later than now."))
        )
    if window.duration > LONGEST:
        found.append(
            Refusal(
                Reason.TOO_LONG,
                N_("One waits within a month at most."),
                N_("Choose an earlier end."),
            )
        )
    if waits >= MOST:
        found.append(
            Refusal(
                Reason.BOOKINGS_AHEAD,
                N_("You wait for %(had)s places already; that is the most at one time."),
                N_("Give one of them up first."),
                {"had": waits},
            )
        )
    return found


def refusals(window: Slot, duration: timedelta, facts: Facts) -> list[Refusal]:
    """Why no slot of `window` could ever be theirs, were the machine free all the time and they
    had no other booking. Empty when one could: they may wait for it.
    """
    free = replace(facts, taken=(), shared=(), own=(), further_ahead=0)
    ahead = window.within(Slot(facts.now, max(window.end, facts.now + A_DAY)))
    assert ahead, "asked of a window that is over"
    not_theirs = acts_for_the_organization(ahead, free)
    if next(slots_in(ahead, duration, free), None):
        return [not_theirs] if not_theirs else []
    whys = (_reasons(probe, free) for probe in _probes(ahead, duration, free))
    # Of all that is wrong somewhere, what is wrong with the slot that comes nearest to a yes.
    return min(whys, key=len, default=[]) or [_fits_nowhere(duration)]


def _reasons(slot: Slot, facts: Facts) -> list[Refusal]:
    return [why for why in rules.refusals(slot, facts) if why.reason not in ASKED_THEN]


def _probes(window: Slot, duration: timedelta, facts: Facts) -> Iterator[Slot]:
    """A slot at the beginning of each stretch of the window that is open, or at its own."""
    first, last = facts.schedule.days_of(window)
    if facts.policy.whole_days:
        for day in days(first, last):
            yield whole_days(facts.zone, day, day + -(-duration // A_DAY) * A_DAY - A_DAY)
        return
    soonest = max(window.start, facts.now + facts.policy.notice)
    opened = facts.schedule.open_time(first, last, facts.policy.modes)
    parts = [part for part in (stretch.within(window) for stretch in opened) if part]
    starts = [max(part.start, soonest) for part in parts if part.end > soonest]
    for start in starts or [window.start]:
        yield Slot.lasting(on_step(facts, start), duration)


def _fits_nowhere(duration: timedelta) -> Refusal:
    return Refusal(
        Reason.CLOSED,
        N_("No slot of %(length)s fits into this time."),
        N_("Choose more time to wait in, or a shorter slot."),
        {"length": duration},
    )


def is_only_offered(row: Any) -> bool:
    """Kept for somebody who has not taken it yet: who waits for what is not the others' business.

    `row` has the status and created_by_id of an occupancy: nobody has made it, but the waiting
    list.
    """
    return row.status == Status.PENDING and row.created_by_id is None
