"""May this member book this machine for this slot, and if not, why?

Pure: plain facts in, a verdict out; no database, no request, no clock. Each rule is one
function, and HOUSE_RULES lists them in the order a member would check them.

A sentence is an English msgid with named values, translated where it is shown.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Any

from fablab.booking.kinds import ConsentKind
from fablab.clock import midnight, to_wall, today
from fablab.machines.kinds import Approval, MachineState, RiskClass
from fablab.machines.policies import BookingPolicy
from fablab.machines.seating import full_time
from fablab.members.kinds import AgeBand
from fablab.places.kinds import Mode
from fablab.places.rules import Schedule
from fablab.slots import Slot, TimeUsed
from fablab.words import N_


class Reason(StrEnum):
    """The name of the rule that says no."""

    PAST = "past"
    NO_MEMBERSHIP = "no_membership"
    MEMBERSHIP_EXPIRED = "membership_expired"
    SUSPENDED = "suspended"
    MARKED = "marked"
    TOO_YOUNG = "too_young"
    NO_GUARDIAN = "no_guardian"
    NOT_OPEN_TO_YOU = "not_open_to_you"
    OUT_OF_SERVICE = "out_of_service"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    OFF_STEP = "off_step"
    NOT_WHOLE_DAYS = "not_whole_days"
    TOO_LATE = "too_late"
    TOO_FAR = "too_far"
    CLOSED_DAY = "closed_day"
    CLOSED = "closed"
    UNQUALIFIED = "unqualified"
    LEVEL_TOO_LOW = "level_too_low"
    NOT_VALID_THEN = "not_valid_then"
    NOT_ALONE = "not_alone"
    NO_BUDDY = "no_buddy"
    NOT_READ = "not_read"
    NOT_YOUR_ORGANIZATION = "not_your_organization"
    QUOTA_MACHINE = "quota_machine"
    QUOTA_CATEGORY = "quota_category"
    QUOTA_RISKY = "quota_risky"
    WEEKLY_BOOKINGS = "weekly_bookings"
    BOOKINGS_AHEAD = "bookings_ahead"
    TWO_AT_ONCE = "two_at_once"
    TOO_MANY_UNITS = "too_many_units"
    TAKEN = "taken"
    RESOURCE_FULL = "resource_full"
    OUTAGE = "outage"


# No other slot of the machine would lift these: what stands in the way is no matter of time.
HOPELESS = frozenset(
    {
        Reason.NO_MEMBERSHIP,
        Reason.SUSPENDED,
        Reason.MARKED,
        Reason.TOO_YOUNG,
        Reason.NO_GUARDIAN,
        Reason.NOT_OPEN_TO_YOU,
        Reason.OUT_OF_SERVICE,
        Reason.UNQUALIFIED,
        Reason.BOOKINGS_AHEAD,
    }
)

# The slot is, or was just, taken: by somebody on the machine, or on what it shares.
TAKEN = frozenset({Reason.TAKEN, Reason.RESOURCE_FULL})

# Nobody sets these aside: what the database guards, what has begun, who does not exist here.
NEVER_OVERRIDDEN = frozenset(
    {
        Reason.PAST,
        Reason.NO_MEMBERSHIP,
        Reason.NOT_YOUR_ORGANIZATION,
        Reason.TAKEN,
        Reason.RESOURCE_FULL,
        Reason.OUTAGE,
    }
)


# What only the team can lift: the next step is to talk to them.
FOR_THE_TEAM = frozenset(
    {
        Reason.NO_MEMBERSHIP,
        Reason.MEMBERSHIP_EXPIRED,
        Reason.SUSPENDED,
        Reason.MARKED,
        Reason.TOO_YOUNG,
        Reason.NO_GUARDIAN,
        Reason.NOT_OPEN_TO_YOU,
        Reason.UNQUALIFIED,
        Reason.LEVEL_TOO_LOW,
        Reason.NOT_VALID_THEN,
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason to refuse: what is wrong, and why the rule exists or what to do about it.

    `values` fill the named places of both sentences; durations, days and instants among them
    are written out in the reader's language and on the place's clock.
    """

    reason: Reason
    sentence: str
    advice: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    own_uid: str = ""  # of the member's own booking that stands in the way


@dataclass(frozen=True, slots=True)
class Held:
    """A qualification on the machine: its level, from one day to another included."""

    level: int
    given_on: date
    expires_on: date | None

    def is_valid_on(self, first: date, last: date) -> bool:
        return self.given_on <= first and (self.expires_on is None or last <= self.expires_on)


@dataclass(frozen=True, slots=True)
class Taken:
    """What occupies the machine: its whole span, set-up and clean-up included."""

    span: Slot
    is_outage: bool = False
    why: str = ""  # an outage's reason
    who: str = ""  # who holds it, where the reader may know
    own_uid: str = ""  # of the booking, when it is the member's own


@dataclass(frozen=True, slots=True)
class Own:
    """One of the member's other standing bookings in the place."""

    slot: Slot
    machine_id: int
    category_id: int
    pool_id: int | None = None
    is_risky: bool = False  # of class C or D
    counts: bool = True  # in the quotas
    runs_alone: bool = False  # the machine, so that one may be at another meanwhile
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Shared:
    """A resource the machine needs a seat of, and what is taken of each of its seats."""

    name: str
    taken: Mapping[int, Sequence[Slot]]

    @property
    def capacity(self) -> int:
        return len(self.taken)


@dataclass(frozen=True, slots=True)
class Buddy:
    """Whoever is named to be there as well."""

    is_member: bool
    is_oneself: bool = False
    held: tuple[Held, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All that the rules want to know, about one member and one machine."""

    now: datetime
    schedule: Schedule
    policy: BookingPolicy
    machine_state: MachineState = MachineState.IN_SERVICE
    state_reason: str = ""
    back_on: date | None = None
    is_member: bool = True
    membership_ends_on: date | None = None
    suspended_until: datetime | None = None
    suspension_reason: str = ""
    held: tuple[Held, ...] = ()
    training: str = ""  # the training to follow for this machine, by name
    acts_for_organization: bool = True  # may they book on behalf of the one they named?
    taken: tuple[Taken, ...] = ()
    machine_id: int = 0
    category_id: int = 0
    category: str = ""
    pool_id: int | None = None
    risk: RiskClass = RiskClass.A
    marked_until: datetime | None = None
    age: AgeBand = AgeBand.ADULT
    guardian_agreed: bool = True
    has_read: bool = True  # what one must know before using it
    has_used: bool = True  # it before: the first time may need the team's agreement
    is_accompanied: bool = False  # do they ask for somebody to stay with them?
    buddy: Buddy | None = None
    own: tuple[Own, ...] = ()  # the other bookings, in the weeks asked about
    further_ahead: int = 0  # how many more, in other weeks, are not over
    shared: tuple[Shared, ...] = ()
    is_owned: bool = False  # by an organization, not by the place
    kept_start: datetime | None = None  # of a booking being changed, on its own machine
    kept_end: datetime | None = None
    is_under_way: bool = False  # has the booking being changed begun?
    is_a_change: bool = False  # of a booking that exists, perhaps to another machine
    # What they have in a week, summed once however many slots are asked about.
    had: dict[tuple[Reason, Slot], timedelta] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def zone(self) -> tzinfo:
        return self.schedule.zone

    def length_of(self, slot: Slot) -> timedelta:
        """How long it lasts; of what is lent by the day, on the wall clock: a day is 24 hours,
        also when the clocks change.
        """
        if not self.policy.whole_days:
            return slot.duration
        start, end = to_wall(self.zone, slot.start), to_wall(self.zone, slot.end)
        return end.replace(tzinfo=None) - start.replace(tzinfo=None)

    def is_shortened(self, slot: Slot) -> bool:
        """Is `slot` a part of the booking that is being changed?"""
        if self.kept_start is None or self.kept_end is None:
            return False
        return self.kept_start <= slot.start and slot.end <= self.kept_end


Rule = Callable[[Slot, Facts], Refusal | None]


def refusals(slot: Slot, facts: Facts) -> list[Refusal]:
    """Every reason to refuse `slot`, in the order of the house rules. An empty list is a yes.

    All of them at once, so that nobody corrects one only to meet the next. A slot may end at
    the very moment the next one starts.
    """
    answers = (rule(slot, facts) for rule in HOUSE_RULES)
    return [refusal for refusal in answers if refusal]


def occupied(slot: Slot, policy: BookingPolicy) -> Slot:
    """The time the machine is not free: the slot with its set-up and clean-up."""
    return slot.widened(policy.before, policy.after)


def has_not_started(slot: Slot, facts: Facts) -> Refusal | None:
    """A booking under way keeps its machine and its start: only its end may still be moved.

    Not before now: the hours that were used are not undone.
    """
    keeps_start = slot.start == facts.kept_start
    if facts.is_under_way and not keeps_start:
        return Refusal(
            Reason.PAST,
            N_("This booking is under way: only its end can still be changed."),
            N_("For another machine or another time, make another booking."),
        )
    if slot.start >= facts.now or (keeps_start and slot.end > facts.now):
        return None
    if keeps_start:
        return Refusal(
            Reason.PAST, N_("This end has already passed."), N_("Choose an end later than now.")
        )
    return Refusal(
        Reason.PAST, N_("This slot has already started."), N_("Choose a start later than now.")
    )


def has_a_membership(slot: Slot, facts: Facts) -> Refusal | None:
    if facts.is_member:
        return None
    return Refusal(
        Reason.NO_MEMBERSHIP,
        N_("You are not a member of this place yet."),
        N_("The team registers your membership when you come by."),
    )


def membership_lasts(slot: Slot, facts: Facts) -> Refusal | None:
    """A membership is valid until the end of its last day, on the place's calendar."""
    ends_on = facts.membership_ends_on
    if ends_on is None or facts.schedule.days_of(slot)[1] <= ends_on:
        return None
    values = {"day": ends_on}
    if ends_on < today(facts.zone, facts.now):
        sentence = N_("Your membership ended on %(day)s.")
    else:
        sentence = N_("Your membership ends on %(day)s, before this slot.")
    return Refusal(
        Reason.MEMBERSHIP_EXPIRED,
        sentence,
        N_("Ask the team to renew it; it takes a minute."),
        values,
    )


def is_not_suspended(slot: Slot, facts: Facts) -> Refusal | None:
    """A suspension stops booking until it ends, for whatever day."""
    until = facts.suspended_until
    if until is None or until <= facts.now:
        return None
    return Refusal(
        Reason.SUSPENDED,
        N_("Your right to book is suspended until %(until)s."),
        N_("Reason given: %(why)s. The team can tell you more.")
        if facts.suspension_reason
        else N_("The team can tell you more."),
        {"until": until, "why": facts.suspension_reason},
    )


def has_few_marks(slot: Slot, facts: Facts) -> Refusal | None:
    """Late cancellations and absences keep from booking for a while."""
    until = facts.marked_until
    if until is None or until <= facts.now:
        return None
    return Refusal(
        Reason.MARKED,
        N_("You cannot book until %(until)s: too many late cancellations or absences."),
        N_("If there was a good reason, tell the team: it can lift one."),
        {"until": until},
    )


def is_old_enough(slot: Slot, facts: Facts) -> Refusal | None:
    if AGES.index(facts.age) >= AGES.index(facts.policy.youngest):
        return None
    return Refusal(
        Reason.TOO_YOUNG,
        N_("This machine is for adults only.")
        if facts.policy.youngest is AgeBand.ADULT
        else N_("This machine is for people of 16 and over."),
        N_("The team can use it with you."),
    )


AGES = (AgeBand.UNDER_16, AgeBand.FROM_16, AgeBand.ADULT)


def a_guardian_agreed(slot: Slot, facts: Facts) -> Refusal | None:
    """Of a minor, the team has seen the guardian's authorisation."""
    if facts.age is AgeBand.ADULT or facts.guardian_agreed:
        return None
    return Refusal(
        Reason.NO_GUARDIAN,
        N_("Your guardian has not signed the authorisation yet."),
        N_("Bring it to the team once; it holds until you are 18."),
    )


def is_open_to_them(slot: Slot, facts: Facts) -> Refusal | None:
    if facts.policy.is_open:
        return None
    return Refusal(
        Reason.NOT_OPEN_TO_YOU,
        N_("This machine is not open to your kind of membership."),
        N_("The team can tell you who may use it and how."),
    )


def is_in_service(slot: Slot, facts: Facts) -> Refusal | None:
    if facts.machine_state is MachineState.IN_SERVICE:
        return None
    return Refusal(
        Reason.OUT_OF_SERVICE,
        N_("The machine is out of service: %(why)s.")
        if facts.state_reason
        else N_("The machine is out of service."),
        N_("It is expected back on %(day)s.") if facts.back_on else "",
        {"why": facts.state_reason, "day": facts.back_on},
    )


def is_long_enough(slot: Slot, facts: Facts) -> Refusal | None:
    """Not asked of a booking under way: who is done early gives the rest back."""
    if facts.length_of(slot) >= facts.policy.minimum or facts.is_under_way:
        return None
    return Refusal(
        Reason.TOO_SHORT,
        N_("%(asked)s is too short: this machine is booked for %(minimum)s at least."),
        values={"asked": slot.duration, "minimum": facts.policy.minimum},
    )


def is_short_enough(slot: Slot, facts: Facts) -> Refusal | None:
    if facts.length_of(slot) <= facts.policy.maximum:
        return None
    return Refusal(
        Reason.TOO_LONG,
        N_("%(asked)s is too long: this machine is booked for %(maximum)s at most."),
        N_("So that everyone gets a turn."),
        {"asked": slot.duration, "maximum": facts.policy.maximum},
    )


def is_on_the_step(slot: Slot, facts: Facts) -> Refusal | None:
    """Start and length fall on whole steps, counted from midnight on the wall clock."""
    step = facts.policy.step
    wall = to_wall(facts.zone, slot.start)
    since_midnight = timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)
    if not since_midnight % step and not slot.duration % step:
        return None
    return Refusal(
        Reason.OFF_STEP,
        _steps_in_words(step),
        values={"step": step},
    )


def is_of_whole_days(slot: Slot, facts: Facts) -> Refusal | None:
    """What is lent by the day goes from midnight to midnight."""
    edges = [to_wall(facts.zone, edge).time() for edge in (slot.start, slot.end)]
    if not facts.policy.whole_days or facts.is_under_way or edges == [time.min, time.min]:
        return None
    return Refusal(
        Reason.NOT_WHOLE_DAYS,
        N_("This is lent by whole days, from midnight to midnight."),
        N_("It is fetched and brought back while the team is there."),
    )


def _steps_in_words(step: timedelta) -> str:
    an_hour = timedelta(hours=1)
    if step == an_hour:
        return N_("Slots start and end on the hour.")
    if not an_hour % step:
        return N_("Slots start and end on the hour or every %(step)s after it.")
    return N_("Slots start and end every %(step)s, counted from midnight.")


def is_early_enough(slot: Slot, facts: Facts) -> Refusal | None:
    """Only of a start that is new: lengthening a booking asks for no notice."""
    notice = facts.policy.notice
    if slot.start < facts.now or facts.is_under_way or slot.start == facts.kept_start:
        return None
    if slot.start - facts.now >= notice:
        return None
    return Refusal(
        Reason.TOO_LATE,
        N_("It is too late for this slot: this machine is booked %(notice)s ahead at least."),
        values={"notice": notice},
    )


def is_not_too_far(slot: Slot, facts: Facts) -> Refusal | None:
    horizon = facts.policy.horizon_days
    last_day = today(facts.zone, facts.now) + timedelta(days=horizon)
    if today(facts.zone, slot.start) <= last_day:
        return None
    return Refusal(
        Reason.TOO_FAR,
        N_("It is too early for this slot: you may book up to %(day)s."),
        N_("That is %(days)s ahead."),
        {"day": last_day, "days": timedelta(days=horizon)},
    )


def is_in_opening_hours(slot: Slot, facts: Facts) -> Refusal | None:
    """The whole slot lies in openings whose mode the machine accepts; they may touch.

    Of what is lent by the day, only the first day and the last are open ones.
    """
    ends = dict.fromkeys(facts.schedule.days_of(slot))
    if facts.policy.whole_days:
        is_open = all(facts.schedule.open_time(day, day, facts.policy.modes) for day in ends)
    else:
        is_open = not facts.schedule.closed_time(slot, facts.policy.modes)
    if is_open:
        return None
    for day in ends:
        why = facts.schedule.day_off(day)
        if why:
            return Refusal(
                Reason.CLOSED_DAY,
                N_("The place is closed on %(day)s: %(why)s."),
                values={"day": day, "why": why},
            )
    return _closed_hours(slot, facts)


def _closed_hours(slot: Slot, facts: Facts) -> Refusal:
    day = today(facts.zone, slot.start)
    if facts.policy.whole_days:
        days = facts.schedule.days_of(slot)
        day = next(d for d in days if not facts.schedule.open_time(d, d, facts.policy.modes))
    spans = facts.schedule.open_time(day, day, facts.policy.modes)
    if not spans:
        return Refusal(
            Reason.CLOSED, N_("This machine cannot be booked on %(day)s."), values={"day": day}
        )
    return Refusal(
        Reason.CLOSED,
        N_("On %(day)s this machine can be booked %(hours)s only."),
        N_("These are the hours in which this machine may be used."),
        {"day": day, "hours": tuple(spans)},
    )


def is_qualified(slot: Slot, facts: Facts) -> Refusal | None:
    """A qualification of the level asked for, valid from the slot's first day to its last.

    At the time of the slot, not of the click: one that expires before then does not count. Who
    holds level 1 may ask to be accompanied while the team is there.
    """
    wanted = facts.policy.level
    valid = level_then(slot, facts.held, facts)
    if valid >= wanted or (valid and facts.is_accompanied and is_supervised(slot, facts)):
        return None
    values = {"training": facts.training, "level": wanted, "yours": valid}
    advice = N_("Training to follow: %(training)s.") if facts.training else N_("Ask the team.")
    lapsed = [held for held in facts.held if held.level >= wanted and held.expires_on]
    if lapsed:
        last = max(held.expires_on for held in lapsed if held.expires_on)
        return Refusal(
            Reason.NOT_VALID_THEN,
            N_("Your qualification on this machine is not valid then: it ends on %(day)s.")
            if last >= today(facts.zone, facts.now)
            else N_("Your qualification on this machine expired on %(day)s."),
            advice,
            values | {"day": last},
        )
    if facts.held:
        return Refusal(
            Reason.LEVEL_TOO_LOW,
            N_("This machine asks for level %(level)s; you hold level %(yours)s."),
            N_("While the team is there, you may ask to be accompanied.") if valid else advice,
            values,
        )
    return Refusal(
        Reason.UNQUALIFIED,
        N_("This machine asks for a qualification that you do not hold yet."),
        advice,
        values,
    )


def level_then(slot: Slot, held: Iterable[Held], facts: Facts) -> int:
    """The highest level valid from the slot's first day to its last; 0 without one."""
    days = facts.schedule.days_of(slot)
    return max((one.level for one in held if one.is_valid_on(*days)), default=0)


def is_supervised(slot: Slot, facts: Facts) -> bool:
    """Is somebody in charge the whole time?"""
    return not facts.schedule.closed_time(slot, {Mode.SUPERVISED})


def is_not_alone_with_danger(slot: Slot, facts: Facts) -> Refusal | None:
    """Class D: while somebody is in charge; otherwise level 3, and a buddy who knows it too."""
    if facts.risk is not RiskClass.D or is_supervised(slot, facts):
        return None
    if level_then(slot, facts.held, facts) >= AUTONOMOUS and facts.buddy:
        return None
    return Refusal(
        Reason.NOT_ALONE,
        N_("This machine is dangerous: outside supervised hours it takes level 3 and a buddy."),
        N_("Choose supervised hours, or name a qualified buddy if you hold level 3."),
    )


AUTONOMOUS = 3


def has_a_buddy(slot: Slot, facts: Facts) -> Refusal | None:
    """Somebody else, a member, whose qualification on the machine is valid then."""
    buddy = facts.buddy
    if buddy is None and not facts.policy.buddy:
        return None
    if buddy is None:
        sentence = N_("This machine is never used alone: name a qualified buddy.")
    elif buddy.is_oneself:
        sentence = N_("You cannot be your own buddy.")
    elif not buddy.is_member or level_then(slot, buddy.held, facts) < max(facts.policy.level, 1):
        # The same words for both: who is a member here is nobody's to find out.
        sentence = N_("The buddy you named holds no valid qualification on this machine then.")
    else:
        return None
    return Refusal(
        Reason.NO_BUDDY,
        sentence,
        N_("Your buddy gets a mail, and the booking waits for their yes."),
    )


def has_read_the_safety_rules(slot: Slot, facts: Facts) -> Refusal | None:
    """Not asked of who may not use it anyway."""
    may_use = not facts.policy.level or level_then(slot, facts.held, facts)
    if facts.has_read or not may_use:
        return None
    return Refusal(
        Reason.NOT_READ,
        N_("Confirm that you have read this machine's safety rules and forbidden materials."),
        N_("Once is enough, until they change."),
    )


def acts_for_the_organization(slot: Slot, facts: Facts) -> Refusal | None:
    if facts.acts_for_organization:
        return None
    return Refusal(
        Reason.NOT_YOUR_ORGANIZATION,
        N_("You cannot book on behalf of this organization."),
        N_("Ask one of its managers to add you."),
    )


def is_within_the_quotas(slot: Slot, facts: Facts) -> Refusal | None:
    """Hours in each week the slot has a part in: of the machine, its category, the risky ones.

    The first of the three that would be exceeded is told. What was still free shortly before
    its start counts in none.
    """
    if counts_in_quota(slot, facts) and not facts.is_shortened(slot):
        for quota in QUOTAS:
            refusal = quota(slot, facts)
            if refusal:
                return refusal
    return None


def counts_in_quota(slot: Slot, facts: Facts) -> bool:
    """False of a slot that nobody wanted until shortly before its start."""
    last_minute = facts.policy.last_minute
    return not last_minute or slot.start - facts.now > last_minute


def _machine_quota(slot: Slot, facts: Facts) -> Refusal | None:
    return _quota(
        slot,
        facts,
        facts.policy.quota_machine,
        lambda: [o.slot for o in facts.own if o.counts and o.machine_id == facts.machine_id],
        Reason.QUOTA_MACHINE,
        N_("That makes %(total)s on this machine in the week of %(day)s; %(most)s is the most."),
    )


def _category_quota(slot: Slot, facts: Facts) -> Refusal | None:
    return _quota(
        slot,
        facts,
        facts.policy.quota_category,
        lambda: [o.slot for o in facts.own if o.counts and o.category_id == facts.category_id],
        Reason.QUOTA_CATEGORY,
        N_("That makes %(total)s on “%(category)s” in the week of %(day)s; %(most)s is the most."),
    )


def _risky_quota(slot: Slot, facts: Facts) -> Refusal | None:
    if facts.risk not in RISKY:
        return None
    return _quota(
        slot,
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
    slot: Slot,
    facts: Facts,
    most: timedelta,
    others: Callable[[], Iterable[Slot]],
    reason: Reason,
    sentence: str,
) -> Refusal | None:
    if not most:
        return None
    for week in weeks_of(slot, facts.zone):
        had = facts.had.get((reason, week))
        if had is None:
            had = sum((_within(other, week) for other in others()), timedelta(0))
            facts.had[reason, week] = had
        total = had + _within(slot, week)
        if total > most and _within(slot, week):
            return Refusal(
                reason,
                sentence,
                N_(
                    "You have booked %(had)s that week. Slots still free %(hours)s before do not"
                    " count."
                )
                if facts.policy.last_minute
                else N_("You have booked %(had)s that week."),
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
        N_("You have booked this machine %(had)s times in the week of %(day)s; that is the most."),
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


def shares_what_it_needs(slot: Slot, facts: Facts) -> Refusal | None:
    """At each moment a seat is left of every resource the machine shares."""
    wanted = occupied(slot, facts.policy)
    for resource in facts.shared:
        full = full_time(wanted, resource.taken)
        if full:
            return Refusal(
                Reason.RESOURCE_FULL,
                N_("%(name)s is in full use %(hours)s by other machines."),
                N_("It serves %(capacity)s machines at once."),
                {"name": resource.name, "hours": tuple(full), "capacity": resource.capacity},
            )
    return None


def is_free(slot: Slot, facts: Facts) -> Refusal | None:
    """No standing booking in the occupied span, set-up and clean-up included."""
    wanted = occupied(slot, facts.policy)
    clash = next((t for t in facts.taken if not t.is_outage and t.span.overlaps(wanted)), None)
    if clash is None:
        return None
    if clash.own_uid:
        return Refusal(
            Reason.TAKEN,
            N_("You have booked it already, %(hours)s."),
            values={"hours": (clash.span,)},
            own_uid=clash.own_uid,
        )
    return Refusal(
        Reason.TAKEN,
        N_("The machine is already taken %(hours)s by %(who)s.")
        if clash.who
        else N_("The machine is already taken %(hours)s."),
        values={"hours": (clash.span,), "who": clash.who},
    )


def has_no_outage(slot: Slot, facts: Facts) -> Refusal | None:
    wanted = occupied(slot, facts.policy)
    clash = next((t for t in facts.taken if t.is_outage and t.span.overlaps(wanted)), None)
    if clash is None:
        return None
    return Refusal(
        Reason.OUTAGE,
        N_("The machine is withdrawn %(hours)s: %(why)s."),
        values={"hours": (clash.span,), "why": clash.why},
    )


HOUSE_RULES: tuple[Rule, ...] = (
    # Who may book at all
    has_not_started,
    has_a_membership,
    membership_lasts,
    is_not_suspended,
    has_few_marks,
    # Who may use this machine
    is_open_to_them,
    is_in_service,
    is_old_enough,
    a_guardian_agreed,
    is_qualified,
    is_not_alone_with_danger,
    has_a_buddy,
    has_read_the_safety_rules,
    acts_for_the_organization,
    # When, and for how long
    is_in_opening_hours,
    is_of_whole_days,
    is_long_enough,
    is_short_enough,
    is_on_the_step,
    is_early_enough,
    is_not_too_far,
    # A turn for everyone
    is_within_the_quotas,
    is_not_too_often,
    has_few_bookings_ahead,
    has_no_other_machine_then,
    has_few_units_then,
    # What is free
    has_no_outage,
    is_free,
    shares_what_it_needs,
)


# What the person asking still puts right in the form, whichever slot they take.
IN_THE_FORM = frozenset({has_a_buddy, has_read_the_safety_rules, acts_for_the_organization})
# Of one person and one machine, these say the same of every slot.
OF_NO_SLOT = frozenset(
    {
        has_a_membership,
        is_not_suspended,
        has_few_marks,
        is_open_to_them,
        is_in_service,
        is_old_enough,
        a_guardian_agreed,
        has_few_bookings_ahead,
    }
)
OF_THE_SLOT = tuple(rule for rule in HOUSE_RULES if rule not in IN_THE_FORM | OF_NO_SLOT)
# A slot cut from free opening time, of a length that is allowed, keeps these.
OF_FREE_TIME = frozenset(
    {is_in_opening_hours, is_long_enough, is_short_enough, has_no_outage, is_free}
    | {shares_what_it_needs}
)
OF_A_CANDIDATE = tuple(rule for rule in OF_THE_SLOT if rule not in OF_FREE_TIME)


def may_have_some(facts: Facts) -> bool:
    """False when no slot of the machine could be accepted, whichever it is."""
    now = Slot.lasting(facts.now, timedelta(minutes=1))
    return all(rule(now, facts) is None for rule in OF_NO_SLOT)


def is_acceptable(slot: Slot, facts: Facts, *, is_of_free_time: bool = False) -> bool:
    """No reason to refuse `slot` that the form could not put right, where `may_have_some`.

    The first reason found ends it: for a search, which asks of many slots, and has cut them
    from free opening time already.
    """
    asked = OF_A_CANDIDATE if is_of_free_time else OF_THE_SLOT
    return all(rule(slot, facts) is None for rule in asked)


def consents(slot: Slot, facts: Facts) -> list[ConsentKind]:
    """Whose yes an acceptable booking still needs before it is confirmed."""
    policy = facts.policy
    wanted: list[ConsentKind] = []
    is_first = policy.approval is Approval.FIRST and not facts.has_used
    is_long = bool(policy.approval_above) and slot.duration > policy.approval_above
    if policy.approval is Approval.ALWAYS or is_first or is_long:
        wanted.append(ConsentKind.TEAM)
    if policy.owner_approval and facts.is_owned:
        wanted.append(ConsentKind.OWNER)
    if facts.buddy:
        wanted.append(ConsentKind.BUDDY)
    if level_then(slot, facts.held, facts) < policy.level:
        wanted.append(ConsentKind.COMPANY)
    return wanted


def answer_due(slot: Slot, facts: Facts) -> datetime:
    """Until when they may say yes; then the booking lapses. Never later than its start."""
    return min(facts.now + facts.policy.answer_within, slot.start)


def may_override(reasons: Iterable[Refusal], policy: BookingPolicy) -> bool:
    """Whether the team may set all of these aside, with a reason that is kept."""
    return all(
        refusal.reason in policy.overridable and refusal.reason not in NEVER_OVERRIDDEN
        for refusal in reasons
    )


def may_cancel(slot: Slot, *, now: datetime, is_own: bool, is_team: bool) -> bool:
    """By whoever it is for until it starts, by the team until it ends.

    Once under way its member shortens it instead, so that the hours used stay on record.
    """
    return (is_own or is_team) and now < cancellable_until(slot, is_team=is_team)


def cancellable_until(slot: Slot, *, is_team: bool) -> datetime:
    return slot.end if is_team else slot.start


def may_move(slot: Slot, *, now: datetime, is_own: bool, is_team: bool) -> bool:
    """Until it ends; once started, only the end can still change (see `has_not_started`)."""
    return (is_own or is_team) and now < slot.end
