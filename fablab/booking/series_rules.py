"""What is repeated: the same hours on the wall, week after week, each asked of the rules. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

from fablab.booking import suggestions
from fablab.booking.known import Facts, Own, Taken
from fablab.booking.quotas import RISKY, counts_in_quota
from fablab.booking.rules import occupied, refusals
from fablab.clock import from_wall, is_repeated, is_skipped, to_wall, today
from fablab.slots import Slot

FEWEST, MOST = 2, 52  # occurrences: a year of weeks
A_DAY = timedelta(days=1)
REACH = 3  # days before and after an occurrence in which another slot still stands for it


@dataclass(frozen=True, slots=True)
class Hours:
    """What the clock on the wall shows at the start and the end, so many nights later."""

    start: time
    end: time
    nights: int

    @classmethod
    def of(cls, slot: Slot, zone: tzinfo) -> "Hours":
        start, end = to_wall(zone, slot.start), to_wall(zone, slot.end)
        nights = (end.date() - start.date()).days
        return cls(start.time().replace(fold=0), end.time().replace(fold=0), nights)

    def on(self, day: date, zone: tzinfo) -> Slot:
        """The slot with these hours that starts on `day`, longer or shorter when the clocks change.

        An hour that the autumn night shows twice is its first, one that the spring night leaves
        out is the hour after (see `clock.from_wall`). Where that leaves nothing of it, the slot
        starts then and is as long as the hours say.
        """
        starts_at = from_wall(zone, day, self.start)
        ends_at = from_wall(zone, day + self.nights * A_DAY, self.end)
        if ends_at <= starts_at:
            said = datetime.combine(day, self.end) - datetime.combine(day, self.start)
            ends_at = starts_at + said + self.nights * A_DAY
        return Slot(starts_at, ends_at)

    def odd(self, day: date, zone: tzinfo) -> Iterator[tuple[time, bool]]:
        """Each of its hours that the wall does not show once: True when twice, False when never."""
        for at, on in ((self.start, day), (self.end, day + self.nights * A_DAY)):
            if is_skipped(zone, on, at):
                yield at, False
            elif is_repeated(zone, on, at):
                yield at, True


def how_many(first: date, until: date, every_weeks: int) -> int:
    """The days from `first` to `until`, both included, `every_weeks` weeks apart."""
    return max((until - first).days // (7 * every_weeks) + 1, 0)


def days_of(first: date, until: date, every_weeks: int) -> list[date]:
    """Those days. Raises ValueError outside of FEWEST to MOST."""
    count = how_many(first, until, every_weeks)
    if not FEWEST <= count <= MOST:
        raise ValueError(f"{count} occurrences")
    return [first + n * 7 * every_weeks * A_DAY for n in range(count)]


def counting(facts: Facts, others: Iterable[tuple[Slot, Facts]]) -> Facts:
    """`facts` once `others` are booked: each a slot, on the machine of its own facts."""
    others = list(others)
    own = tuple(
        Own(
            slot,
            of.machine_id,
            of.category_id,
            of.pool_id,
            of.risk in RISKY,
            counts_in_quota(slot, of),
            of.policy.runs_alone,
        )
        for slot, of in others
    )
    taken = tuple(
        Taken(occupied(slot, of.policy)) for slot, of in others if of.machine_id == facts.machine_id
    )
    in_order = sorted(facts.taken + taken, key=lambda each: each.span.start)
    return replace(facts, own=facts.own + own, taken=tuple(in_order))


def without(facts: Facts, uids: frozenset[str]) -> Facts:
    """`facts` without the member's own bookings `uids`, which are about to be elsewhere."""
    return replace(
        facts,
        own=tuple(own for own in facts.own if own.uid not in uids),
        taken=tuple(taken for taken in facts.taken if taken.own_uid not in uids),
    )


def nearest(asked: Slot, machines: Sequence[Facts]) -> tuple[Slot, Facts] | None:
    """The nearest slot the rules accept instead of `asked`, and on which of `machines` it is.

    That day before the days around, a later day before an earlier one; on each day the first
    machine that has some. Nothing further than REACH days, where the next occurrence is nearer.
    """
    zone, now = machines[0].zone, machines[0].now
    day, hours = today(zone, asked.start), Hours.of(asked, zone)
    for n in sorted(range(-REACH, REACH + 1), key=lambda n: (abs(n), -n)):
        then = day + n * A_DAY
        ahead = (then - today(zone, now)).days
        for facts in machines:
            if not 0 <= ahead <= facts.policy.horizon_days:
                continue
            found = suggestions.nearest(facts, hours.on(then, zone), then, then)
            if found and not refusals(found[0], facts):
                return found[0], facts
    return None
