"""What the owner of a machine agreed with the place to share it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from fablab.clock import to_wall
from fablab.machines.kinds import InCharge, Silence
from fablab.members.kinds import Audience
from fablab.places.rules import WeeklyOpening
from fablab.slots import Slot

A_DAY, NEVER = timedelta(days=1), timedelta(0)


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement about one machine; its first and last day are included."""

    uid: str
    owner_id: int
    owner: str  # by name
    first_day: date
    last_day: date | None = None
    notice_days: int = 0
    audiences: frozenset[Audience] = frozenset()  # empty: everybody
    terms: str = ""
    asks_owner: bool = False  # does each booking need the owner's yes?
    answer_within: timedelta = timedelta(hours=48)
    silence: Silence = Silence.LAPSES
    ranges: tuple[WeeklyOpening, ...] = ()  # in which the owner comes first
    release: timedelta = NEVER  # so long before one begins, when it is unused
    insured_by: InCharge = InCharge.OWNER
    maintained_by: InCharge = InCharge.OWNER
    insured_until: date | None = None  # the last day of the document; none: it says none
    document: str | None = None
    share: Decimal = Decimal(0)  # of the amount that goes to the owner, in percent

    def covers(self, day: date) -> bool:
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)

    def is_open_to(self, audience: Audience | None) -> bool:
        """To everybody or this audience; to the team and to whoever only looks, in any case."""
        return not self.audiences or audience in (None, Audience.STAFF, *self.audiences)

    @property
    def outlasts_insurance(self) -> bool:
        """Does it go on when the insurance has ended?"""
        until, last = self.insured_until, self.last_day
        return until is not None and (last is None or until < last)

    def is_insured_on(self, day: date) -> bool:
        return self.insured_until is None or day <= self.insured_until

    def spans(self, zone: tzinfo, around: Slot) -> Iterator[Slot]:
        """The ranges with a part in `around`, each whole, as the wall clock runs on its day."""
        day, last = to_wall(zone, around.start).date() - A_DAY, to_wall(zone, around.end).date()
        while day <= last and self.ranges:
            if self.covers(day):
                yield from (
                    span
                    for each in self.ranges
                    if each.falls_on(day) and (span := each.on(zone, day)) and span.overlaps(around)
                )
            day += A_DAY

    def is_released(self, span: Slot, used: "Iterable[Used]", now: datetime) -> bool:
        """Is this range free for everybody? Once it is, it stays so, whoever books then."""
        if self.release == NEVER or now < span.start - self.release:
            return False
        return not any(
            each.since < span.start - self.release and each.span.overlaps(span) for each in used
        )


@dataclass(frozen=True, slots=True)
class Used:
    """Time on the machine that its owner's people took, and when they did."""

    span: Slot
    since: datetime


def agreement_on(agreements: Iterable[Agreement], day: date) -> Agreement | None:
    """The one that covers `day`; no two of a machine ever do."""
    return next((each for each in agreements if each.covers(day)), None)


def is_shared_on(agreements: Iterable[Agreement], day: date) -> bool:
    """A machine about which nothing was ever agreed is shared like any other."""
    agreements = tuple(agreements)
    return not agreements or agreement_on(agreements, day) is not None


def kept_for_owner(
    agreements: Iterable[Agreement],
    zone: tzinfo,
    around: Slot,
    used: Iterable[Used],
    now: datetime,
) -> list[Slot]:
    """The ranges with a part in `around` that nobody but the owner's people may have yet."""
    used = tuple(used)
    return sorted(
        span
        for each in agreements
        for span in each.spans(zone, around)
        if not each.is_released(span, used, now)
    )


def with_ranges(agreements: Iterable[Agreement], zone: tzinfo, span: Slot) -> Slot:
    """`span` with all of the ranges that it has a part in: whether they are used is asked of all
    of each.
    """
    found = [span, *(each for one in agreements for each in one.spans(zone, span))]
    return Slot(min(each.start for each in found), max(each.end for each in found))


def overnight(agreements: Iterable[Agreement]) -> timedelta:
    """How far beyond a midnight a range may reach, at most, on either side of it."""
    crossing = any(each.closes_at <= each.opens_at for one in agreements for each in one.ranges)
    return A_DAY if crossing else NEVER
