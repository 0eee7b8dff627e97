"""May this member book this machine for this slot, and if not, why?

Pure: plain facts in, a verdict out; no database, no request, no clock. Each rule is one
function, and HOUSE_RULES lists them in the order a member would check them.

A sentence is an English msgid with named values, translated where it is shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from fablab.clock import to_wall, today
from fablab.machines.kinds import MachineState
from fablab.machines.policies import BookingPolicy
from fablab.places.rules import Schedule
from fablab.slots import Slot
from fablab.words import N_


class Reason(StrEnum):
    """The name of the rule that says no."""

    PAST = "past"
    NO_MEMBERSHIP = "no_membership"
    MEMBERSHIP_EXPIRED = "membership_expired"
    SUSPENDED = "suspended"
    NOT_OPEN_TO_YOU = "not_open_to_you"
    OUT_OF_SERVICE = "out_of_service"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    OFF_STEP = "off_step"
    TOO_LATE = "too_late"
    TOO_FAR = "too_far"
    CLOSED_DAY = "closed_day"
    CLOSED = "closed"
    UNQUALIFIED = "unqualified"
    LEVEL_TOO_LOW = "level_too_low"
    NOT_VALID_THEN = "not_valid_then"
    NOT_YOUR_ORGANIZATION = "not_your_organization"
    TAKEN = "taken"
    OUTAGE = "outage"


# No other slot of the machine would lift these: what stands in the way is no matter of time.
HOPELESS = frozenset(
    {
        Reason.NO_MEMBERSHIP,
        Reason.SUSPENDED,
        Reason.NOT_OPEN_TO_YOU,
        Reason.OUT_OF_SERVICE,
        Reason.UNQUALIFIED,
    }
)


# What only the team can lift: the next step is to talk to them.
FOR_THE_TEAM = frozenset(
    {
        Reason.NO_MEMBERSHIP,
        Reason.MEMBERSHIP_EXPIRED,
        Reason.SUSPENDED,
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
    kept_start: datetime | None = None  # of a booking being changed, on its own machine
    is_under_way: bool = False  # has the booking being changed begun?

    @property
    def zone(self) -> tzinfo:
        return self.schedule.zone


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
    if slot.duration >= facts.policy.minimum or facts.is_under_way:
        return None
    return Refusal(
        Reason.TOO_SHORT,
        N_("%(asked)s is too short: this machine is booked for %(minimum)s at least."),
        values={"asked": slot.duration, "minimum": facts.policy.minimum},
    )


def is_short_enough(slot: Slot, facts: Facts) -> Refusal | None:
    if slot.duration <= facts.policy.maximum:
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
    """The whole slot lies in openings whose mode the machine accepts; they may touch."""
    if not facts.schedule.closed_time(slot, facts.policy.modes):
        return None
    for day in dict.fromkeys(facts.schedule.days_of(slot)):
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

    At the time of the slot, not of the click: one that expires before then does not count.
    """
    wanted = facts.policy.level
    days = facts.schedule.days_of(slot)
    valid = max((held.level for held in facts.held if held.is_valid_on(*days)), default=0)
    if valid >= wanted:
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
            advice,
            values,
        )
    return Refusal(
        Reason.UNQUALIFIED,
        N_("This machine asks for a qualification that you do not hold yet."),
        advice,
        values,
    )


def acts_for_the_organization(slot: Slot, facts: Facts) -> Refusal | None:
    if facts.acts_for_organization:
        return None
    return Refusal(
        Reason.NOT_YOUR_ORGANIZATION,
        N_("You cannot book on behalf of this organization."),
        N_("Ask one of its managers to add you."),
    )


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
    has_not_started,
    has_a_membership,
    membership_lasts,
    is_not_suspended,
    is_open_to_them,
    is_in_service,
    is_qualified,
    acts_for_the_organization,
    is_in_opening_hours,
    is_long_enough,
    is_short_enough,
    is_on_the_step,
    is_early_enough,
    is_not_too_far,
    has_no_outage,
    is_free,
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
