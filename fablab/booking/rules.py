"""May this member book this machine for this slot, and if not, why?

Pure: plain facts in (`known.py`), a verdict out (`verdicts.py`); no database, no request, no
clock. Each rule is one function, and HOUSE_RULES lists them in the order a member would check
them; those about what else they have booked are in `quotas.py`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from typing import Any

from fablab.booking.kinds import ConsentKind
from fablab.booking.known import Buddy, Facts, Held
from fablab.booking.quotas import (
    has_few_bookings_ahead,
    has_few_units_then,
    has_no_other_machine_then,
    is_not_too_often,
    is_within_the_quotas,
)
from fablab.booking.sharing_rules import (
    asks_owner,
    comes_after_its_owner,
    is_insured,
    is_shared_then,
    is_shared_with_them,
    owner_answers_by,
)
from fablab.booking.verdicts import NEVER_OVERRIDDEN, Reason, Refusal
from fablab.clock import to_wall, today
from fablab.machines.kinds import Approval, MachineState, RiskClass
from fablab.machines.policies import BookingPolicy
from fablab.machines.seating import full_time
from fablab.members.kinds import AgeBand
from fablab.places.kinds import Mode
from fablab.slots import Slot
from fablab.words import N_

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
    if not since_midnight % step and not facts.length_of(slot) % step:
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
        is_open = facts.schedule.is_open(slot, facts.policy.modes)
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
    values: dict[str, Any] = {"level": wanted, "yours": valid}
    values |= {"training": facts.training, "next": facts.next_session}
    advice = how_to_qualify(facts)
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


def how_to_qualify(facts: Facts) -> str:
    """Of the named training, when it is next given."""
    if facts.next_session:
        return N_("Training to follow: %(training)s. Next session: %(next)s.")
    if facts.training:
        return N_("Training to follow: %(training)s. No session is planned yet: ask the team.")
    return N_("Ask the team.")


def level_then(slot: Slot, held: Iterable[Held], facts: Facts) -> int:
    """The highest level valid from the slot's first day to its last; 0 without one."""
    days = facts.schedule.days_of(slot)
    return max((one.level for one in held if one.is_valid_on(*days)), default=0)


IN_CHARGE = frozenset({Mode.SUPERVISED})


def is_supervised(slot: Slot, facts: Facts) -> bool:
    """Is somebody in charge the whole time?"""
    return facts.schedule.is_open(slot, IN_CHARGE)


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
    """Somebody else, a member then, whose qualification on the machine is valid then."""
    buddy = facts.buddy
    if buddy is None and not facts.policy.buddy:
        return None
    if buddy is None:
        sentence = N_("This machine is never used alone: name a qualified buddy.")
    elif buddy.is_oneself:
        sentence = N_("You cannot be your own buddy.")
    elif not may_be_there(slot, buddy, facts):
        # The same words for both: who is a member here is nobody's to find out.
        sentence = N_("The buddy you named holds no valid qualification on this machine then.")
    else:
        return None
    return Refusal(
        Reason.NO_BUDDY,
        sentence,
        N_("Your buddy gets a mail, and the booking waits for their yes."),
    )


def may_be_there(slot: Slot, buddy: Buddy, facts: Facts) -> bool:
    last_day = facts.schedule.days_of(slot)[1]
    is_member_then = buddy.is_member and (buddy.ends_on is None or last_day <= buddy.ends_on)
    level = level_then(slot, buddy.held, facts)
    return is_member_then and level >= level_of_buddy(facts.policy)


def level_of_buddy(policy: BookingPolicy) -> int:
    """What the machine asks for; whoever is there for somebody knows it in any case."""
    return max(policy.level, 1)


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
    """On the day of the booking too: their last day in it is the last they act for it."""
    if facts.acts_for_organization:
        last = facts.acts_until
        if last is None or facts.schedule.days_of(slot)[1] <= last:
            return None
        return Refusal(
            Reason.NOT_YOUR_ORGANIZATION,
            N_("Your last day in this organization is %(day)s, before this slot."),
            N_("Book for yourself, or ask one of its managers."),
            {"day": last},
        )
    return Refusal(
        Reason.NOT_YOUR_ORGANIZATION,
        N_("You cannot book on behalf of this organization."),
        N_("Ask one of its managers to add you."),
    )


def shares_what_it_needs(slot: Slot, facts: Facts) -> Refusal | None:
    """At each moment a seat is left of every resource the machine shares."""
    wanted = occupied(slot, facts.policy)
    for resource in facts.shared:
        full = full_time(wanted, resource.taken)
        if full:
            return Refusal(
                Reason.RESOURCE_FULL,
                N_("%(name)s is in full use %(hours)s by other machines."),
                N_("Enough for so many at once: %(capacity)s."),
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
        "" if clash.span.overlaps(slot) else N_("It needs %(margin)s around each booking."),
        {"hours": (clash.span,), "who": clash.who, "margin": facts.policy.margin},
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
    is_shared_with_them,
    is_in_service,
    is_old_enough,
    a_guardian_agreed,
    is_qualified,
    is_not_alone_with_danger,
    has_a_buddy,
    has_read_the_safety_rules,
    acts_for_the_organization,
    # When, and for how long
    is_shared_then,
    is_insured,
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
    comes_after_its_owner,
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


# What keeps somebody from a machine for a whole day, whatever the hours.
OF_THE_DAY = (
    has_a_membership,
    membership_lasts,
    is_not_suspended,
    has_few_marks,
    is_open_to_them,
    is_shared_with_them,
    is_shared_then,
    is_insured,
    is_old_enough,
    a_guardian_agreed,
    is_qualified,
    is_not_too_far,
)


def obstacle(day: Slot, facts: Facts) -> Refusal | None:
    """The first reason why nothing of the whole `day` can be booked.

    None for whoever may ask to be accompanied: what is left is a matter of the hours.
    """
    for rule in OF_THE_DAY:
        refusal = rule(day, facts)
        if refusal and not (rule is is_qualified and level_then(day, facts.held, facts)):
            return refusal
    return None


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


def first_refusal(slot: Slot, facts: Facts) -> Refusal | None:
    """The first reason to refuse `slot` that the form could not put right."""
    return next((no for rule in OF_THE_SLOT if (no := rule(slot, facts))), None)


def consents(slot: Slot, facts: Facts) -> list[ConsentKind]:
    """Whose yes an acceptable booking still needs before it is confirmed."""
    policy = facts.policy
    wanted: list[ConsentKind] = []
    is_first = policy.approval is Approval.FIRST and not facts.has_used
    is_long = bool(policy.approval_above) and facts.length_of(slot) > policy.approval_above
    if policy.approval is Approval.ALWAYS or is_first or is_long:
        wanted.append(ConsentKind.TEAM)
    if asks_owner(slot, facts):
        wanted.append(ConsentKind.OWNER)
    if facts.buddy:
        wanted.append(ConsentKind.BUDDY)
    if level_then(slot, facts.held, facts) < policy.level:
        wanted.append(ConsentKind.COMPANY)
    return wanted


def answer_due(slot: Slot, facts: Facts, kind: ConsentKind | None = None) -> datetime:
    """Until when they may say yes; then the booking lapses. Never later than its start."""
    if kind is ConsentKind.OWNER:
        return owner_answers_by(slot, facts)
    return min(facts.now + facts.policy.answer_within, slot.start)


def may_override(reasons: Iterable[Refusal], policy: BookingPolicy) -> bool:
    """Whether the team may set all of these aside, with a reason that is kept."""
    return all(
        refusal.reason in policy.overridable and refusal.reason not in NEVER_OVERRIDDEN
        for refusal in reasons
    )


def may_cancel(
    slot: Slot, *, now: datetime, is_own: bool, is_team: bool, is_here: bool = False
) -> bool:
    """By whoever it is for until it starts, by the team until it ends.

    Once under way, or once they have said that they are here (`is_here`), its member ends it
    instead, so that the hours used stay on record.
    """
    if is_here and not is_team:
        return False
    return (is_own or is_team) and now < cancellable_until(slot, is_team=is_team)


def cancellable_until(slot: Slot, *, is_team: bool) -> datetime:
    return slot.end if is_team else slot.start


def may_move(slot: Slot, *, now: datetime, is_own: bool, is_team: bool) -> bool:
    """Until it ends; once started, only the end can still change (see `has_not_started`)."""
    return (is_own or is_team) and now < slot.end
