"""When may they have the machine instead? The same rules, asked of the free time. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo

from fablab.booking.known import Facts
from fablab.booking.rules import first_refusal, is_acceptable, may_have_some
from fablab.booking.verdicts import Reason, Refusal
from fablab.clock import midnight, to_wall, whole_days
from fablab.machines.seating import full_time
from fablab.places.rules import days
from fablab.slots import Slot, without

A_DAY = timedelta(days=1)


def free_time(facts: Facts, first: date, last: date) -> list[Slot]:
    """The stretches of `first` to `last` in which a booked slot may lie, taken time left out.

    Open in a mode the machine accepts, and clear of others by this machine's own set-up and
    clean-up; where it shares something, not while that is in full use.
    """
    policy = facts.policy
    before, after = policy.before, policy.after
    span = whole_days(facts.zone, first, last).widened(before, after)
    start, end = span.start, span.end
    taken = [t.span for t in facts.taken if t.span.start < end and start < t.span.end]
    for resource in facts.shared:
        taken += full_time(span, resource.taken)
    holes = [each.widened(after, before) for each in taken]
    return without(facts.schedule.open_time(first, last, policy.modes), holes)


def acceptable(facts: Facts, first: date, last: date, duration: timedelta) -> Iterator[Slot]:
    """Every slot of `duration` the rules accept that starts from `first` to `last`, soonest first.

    It may end on a later day, which `facts.taken` must then know of. Starts fall on the
    machine's step; nothing that has started is offered, nor what begins or ends in the second
    pass of the hour shown twice: its hours would say the first.
    """
    if not may_have_some(facts):
        return
    if facts.policy.whole_days:
        asked = candidates(facts, first, last, duration)
        yield from (slot for slot in asked if is_acceptable(slot, facts))
        return
    for slot in candidates(facts, first, last, duration):
        if is_acceptable(slot, facts, is_of_free_time=True):
            yield slot


def what_refuses(
    facts: Facts, first: date, last: date, duration: timedelta
) -> dict[Reason, Refusal]:
    """Why no free slot of `duration` is accepted: of each reason the first, the soonest first."""
    found: dict[Reason, Refusal] = {}
    for slot in candidates(facts, first, last, duration):
        refusal = first_refusal(slot, facts)
        if refusal:
            found.setdefault(refusal.reason, refusal)
    return found


def candidates(facts: Facts, first: date, last: date, duration: timedelta) -> Iterator[Slot]:
    """Every slot of `duration` in free time, of which the rules have not been asked yet.

    Of what is lent by the day, every span of days: whether they are free is a rule's to say.
    """
    if not facts.policy.step or duration < facts.policy.minimum or duration > facts.policy.maximum:
        return
    if facts.policy.whole_days:
        yield from _by_the_day(facts, first, last, duration)
        return
    too_late = midnight(facts.zone, last + timedelta(days=1))
    for stretch in free_time(facts, first, last + timedelta(days=duration.days + 1)):
        start = on_step(facts, max(stretch.start, facts.now + facts.policy.notice))
        while start < too_late and start + duration <= stretch.end:
            slot = Slot.lasting(start, duration)
            if can_be_said(slot, facts.zone):
                yield slot
            start += facts.policy.step


def _by_the_day(facts: Facts, first: date, last: date, duration: timedelta) -> Iterator[Slot]:
    """So many days from midnight to midnight, as long as some of `duration` needs."""
    for day in days(first, last):
        slot = whole_days(facts.zone, day, day + -(-duration // A_DAY) * A_DAY - A_DAY)
        if slot.start >= facts.now:
            yield slot


def nearest(facts: Facts, asked: Slot, first: date, last: date) -> list[Slot]:
    """The acceptable slots as long as `asked` (or as long as allowed), nearest start first."""
    policy = facts.policy
    duration = min(max(facts.length_of(asked), policy.minimum), policy.maximum)
    duration -= duration % policy.step
    if duration < policy.minimum:
        duration += policy.step
    found = acceptable(facts, first, last, duration)
    return sorted(found, key=lambda slot: (abs(slot.start - asked.start), slot.start))


def can_be_said(slot: Slot, zone: tzinfo) -> bool:
    """Do its hours on the wall, read back, mean this very slot?"""
    return not (to_wall(zone, slot.start).fold or to_wall(zone, slot.end).fold)


def on_step(facts: Facts, instant: datetime) -> datetime:
    """The first step at or after `instant`, counted from midnight on the wall clock."""
    wall = to_wall(facts.zone, instant)
    since_midnight = timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)
    return instant + -since_midnight % facts.policy.step
