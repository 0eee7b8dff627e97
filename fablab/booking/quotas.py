"""A turn for everyone: the rules about what else the member has booked. Pure."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta, tzinfo
from functools import lru_cache

from fablab.booking.known import Facts
from fablab.booking.verdicts import Reason, Refusal
from fablab.clock import midnight, today
from fablab.machines.kinds import RiskClass
from fablab.slots import Slot, TimeUsed
from fablab.words import N_

Parts = Sequence[tuple[Slot, timedelta]]  # weeks, and how much of a slot lies in each


def is_within_the_quotas(slot: Slot, facts: Facts) -> Refusal | None:
    """Hours in each week the slot has a part in: of the machine, its category, the risky ones.

    The first of the three that would be exceeded is told. What was still free shortly before
    its start counts in none.
    """
    policy = facts.policy
    has_one = policy.quota_machine or policy.quota_category or policy.quota_risky
    if not has_one or not counts_in_quota(slot, facts) or facts.is_shortened(slot):
        return None
    parts = [(week, _within(slot, week)) for week in weeks_of(slot, facts.zone)]
    return next((no for quota in QUOTAS if (no := quota(parts, facts))), None)


def counts_in_quota(slot: Slot, facts: Facts) -> bool:
    """False of a slot that nobody wanted until shortly before its start.

    What was booked in time was not free then: it goes on counting while some of it is kept.
    """
    last_minute = facts.policy.last_minute
    if not last_minute or slot.start - facts.now > last_minute:
        return True
    return facts.kept_counts and facts.keeps_some(slot)


def _machine_quota(parts: Parts, facts: Facts) -> Refusal | None:
    return _quota(
        parts,
        facts,
        facts.policy.quota_machine,
        lambda: [o.slot for o in facts.own if o.counts and o.machine_id == facts.machine_id],
        Reason.QUOTA_MACHINE,
        N_("That makes %(total)s on this machine in the week of %(day)s; %(most)s is the most."),
    )


def _category_quota(parts: Parts, facts: Facts) -> Refusal | None:
    return _quota(
        parts,
        facts,
        facts.policy.quota_category,
        lambda: [o.slot for o in facts.own if o.counts and o.category_id == facts.category_id],
        Reason.QUOTA_CATEGORY,
        N_("That makes %(total)s on “%(category)s” in the week of %(day)s; %(most)s is the most."),
    )


def _risky_quota(parts: Parts, facts: Facts) -> Refusal | None:
    if facts.risk not in RISKY:
        return None
    return _quota(
        parts,
        facts,
        facts.policy.quota_risky,
        lambda: [o.slot for o in facts.own if o.counts and o.is_risky],
        Reason.QUOTA_RISKY,
        N_(
            "That makes %(total)s on machines of class C and D in the week of %(day)s; %(most)s is"
            " the most."
        ),
    )


QUOTAS = (_machine_quota, _category_quota, _risky_quota)
RISKY = frozenset({RiskClass.C, RiskClass.D})


def _quota(
    parts: Parts,
    facts: Facts,
    most: timedelta,
    others: Callable[[], Iterable[Slot]],
    reason: Reason,
    sentence: str,
) -> Refusal | None:
    if not most:
        return None
    for week, part in parts:
        had = facts.had.get((reason, week))
        if had is None:
            had = sum((_within(other, week) for other in others()), timedelta(0))
            facts.had[reason, week] = had
        total = had + part
        if total > most and part:
            return Refusal(
                reason,
                sentence,
                _what_they_had(had, facts),
                {
                    "total": time_used(total),
                    "had": time_used(had),
                    "most": time_used(most),
                    "day": today(facts.zone, week.start),
                    "category": facts.category,
                    "hours": facts.policy.last_minute,
                },
            )
    return None


def _what_they_had(had: timedelta, facts: Facts) -> str:
    if facts.policy.last_minute and had:
        return N_(
            "You have booked %(had)s that week. Slots still free %(hours)s before do not count."
        )
    if facts.policy.last_minute:
        return N_("Slots still free %(hours)s before do not count.")
    return N_("You have booked %(had)s that week.") if had else ""


def time_used(duration: timedelta) -> TimeUsed:
    return TimeUsed(seconds=duration.total_seconds())


def _within(slot: Slot, week: Slot) -> timedelta:
    part = slot.within(week)
    return part.duration if part else timedelta(0)


def weeks_of(slot: Slot, zone: tzinfo) -> list[Slot]:
    """The weeks it has a part in: Monday to Sunday on the wall clock (ISO 8601)."""
    day = today(zone, slot.start)
    monday = day - timedelta(days=day.weekday())
    weeks = [week_of(monday, zone)]
    while weeks[-1].end < slot.end:
        monday += timedelta(days=7)
        weeks.append(week_of(monday, zone))
    return weeks


@lru_cache(maxsize=256)
def week_of(monday: date, zone: tzinfo) -> Slot:
    return Slot(midnight(zone, monday), midnight(zone, monday + timedelta(days=7)))


def is_not_too_often(slot: Slot, facts: Facts) -> Refusal | None:
    """So many bookings of the machine that start in one week."""
    most = facts.policy.weekly_bookings
    if not most:
        return None
    week = weeks_of(slot, facts.zone)[0]
    had = sum(
        own.machine_id == facts.machine_id and week.start <= own.slot.start < week.end
        for own in facts.own
    )
    if had < most:
        return None
    return Refusal(
        Reason.WEEKLY_BOOKINGS,
        N_("You have booked this machine as often as one may in the week of %(day)s: %(had)s×."),
        N_("Choose another week, so that everyone gets a turn."),
        {"had": had, "day": today(facts.zone, week.start)},
    )


def has_few_bookings_ahead(slot: Slot, facts: Facts) -> Refusal | None:
    """So many bookings in the place that are not over; changing one makes none more."""
    most = facts.policy.bookings_ahead
    ahead = facts.further_ahead + sum(own.slot.end > facts.now for own in facts.own)
    if not most or ahead < most or facts.is_a_change:
        return None
    return Refusal(
        Reason.BOOKINGS_AHEAD,
        N_("You have %(had)s bookings ahead; %(most)s is the most at one time."),
        N_("Use or cancel one of them first."),
        {"had": ahead, "most": most},
    )


def has_no_other_machine_then(slot: Slot, facts: Facts) -> Refusal | None:
    """Where they must stay beside it: what is taken home, or runs at night, they need not."""
    if not facts.policy.one_at_a_time or facts.policy.runs_alone:
        return None
    clash = next(
        (
            own
            for own in facts.own
            if own.machine_id != facts.machine_id and not own.runs_alone and own.slot.overlaps(slot)
        ),
        None,
    )
    if clash is None:
        return None
    return Refusal(
        Reason.TWO_AT_ONCE,
        N_("You have another machine then, %(hours)s: one at a time."),
        values={"hours": (clash.slot,)},
        own_uid=clash.uid,
    )


def has_few_units_then(slot: Slot, facts: Facts) -> Refusal | None:
    """So many machines of one pool at once."""
    most = facts.policy.units
    if not most or facts.pool_id is None:
        return None
    others = [
        own.slot
        for own in facts.own
        if own.pool_id == facts.pool_id
        and own.machine_id != facts.machine_id
        and own.slot.overlaps(slot)
    ]
    if len(others) < most or _most_at_once(others, slot) < most:
        return None
    return Refusal(
        Reason.TOO_MANY_UNITS,
        N_("You have %(most)s of these machines then already; that is the most at once."),
        values={"most": most},
    )


def _most_at_once(slots: Sequence[Slot], span: Slot) -> int:
    starts = [max(slot.start, span.start) for slot in slots]
    return max(sum(slot.start <= at < slot.end for slot in slots) for at in starts)
