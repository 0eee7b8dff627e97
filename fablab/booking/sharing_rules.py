"""What the agreement with the owner of a machine says of a booking. Pure."""

from datetime import date, datetime

from fablab.booking.known import Facts
from fablab.booking.verdicts import Reason, Refusal
from fablab.clock import today
from fablab.machines.agreements import Agreement, Used, agreement_on, kept_for_owner
from fablab.machines.kinds import Silence
from fablab.places.rules import days
from fablab.slots import Slot
from fablab.words import N_


def is_shared_then(slot: Slot, facts: Facts) -> Refusal | None:
    """Each day of it lies in an agreement, also of a booking of the owner's own people."""
    if not facts.agreements or facts.is_shortened(slot):
        return None
    asked = days(*facts.schedule.days_of(slot))
    outside = next((day for day in asked if agreement_on(facts.agreements, day) is None), None)
    return _not_shared(outside, facts) if outside else None


def _not_shared(day: date, facts: Facts) -> Refusal:
    ended = [a for a in facts.agreements if a.last_day and a.last_day < day]
    if ended:
        last = ended[-1]
        is_over = last.last_day is not None and last.last_day < today(facts.zone, facts.now)
        return Refusal(
            Reason.NOT_SHARED_THEN,
            N_("Its owner, %(owner)s, shared this machine until %(day)s.")
            if is_over
            else N_("Its owner, %(owner)s, shares this machine until %(day)s, and not after."),
            N_("Choose another machine.") if is_over else N_("Choose an earlier day."),
            {"owner": last.owner, "day": last.last_day},
        )
    first = facts.agreements[0]
    return Refusal(
        Reason.NOT_SHARED_THEN,
        N_("Its owner, %(owner)s, shares this machine from %(day)s on."),
        N_("Choose a later day."),
        {"owner": first.owner, "day": first.first_day},
    )


def is_shared_with_them(slot: Slot, facts: Facts) -> Refusal | None:
    """The owner's own people always may, and the team."""
    agreement = agreement_of(slot, facts)
    if agreement is None or facts.is_of_owner or agreement.is_open_to(facts.standing_audience):
        return None
    return Refusal(
        Reason.NOT_SHARED_WITH_YOU,
        N_("Its owner, %(owner)s, does not share this machine with your kind of membership."),
        N_("The machine's page says with whom."),
        {"owner": agreement.owner},
    )


def is_insured(slot: Slot, facts: Facts) -> Refusal | None:
    """On each of its days, whoever books."""
    if facts.is_shortened(slot):
        return None
    for day in days(*facts.schedule.days_of(slot)) if facts.agreements else ():
        agreement = agreement_on(facts.agreements, day)
        if agreement and not agreement.is_insured_on(day):
            is_over = not agreement.is_insured_on(today(facts.zone, facts.now))
            return Refusal(
                Reason.NOT_INSURED,
                N_("The insurance of this machine ended on %(day)s.")
                if is_over
                else N_("The insurance of this machine ends on %(day)s, before this slot."),
                N_("It can be booked again once its owner or the team has renewed it."),
                {"day": agreement.insured_until},
            )
    return None


def comes_after_its_owner(slot: Slot, facts: Facts) -> Refusal | None:
    """No part of it lies in hours that are kept for the owner still."""
    if not facts.agreements or facts.is_of_owner or facts.is_shortened(slot):
        return None
    kept = kept_for_owner(facts.agreements, facts.zone, slot, used_by_owner(facts), facts.now)
    if not kept:
        return None
    agreement = agreement_on(facts.agreements, today(facts.zone, kept[0].start))
    assert agreement is not None  # whose range it is
    is_ahead = bool(agreement.release) and facts.now < kept[0].start - agreement.release
    return Refusal(
        Reason.OWNER_FIRST,
        N_("%(hours)s this machine is kept for its owner, %(owner)s."),
        N_("Unused by then, these hours are free for everybody from %(free)s on.")
        if is_ahead
        else N_("Choose other hours."),
        {
            "hours": tuple(kept),
            "owner": agreement.owner,
            "free": kept[0].start - agreement.release,
        },
    )


def used_by_owner(facts: Facts) -> tuple[Used, ...]:
    return tuple(
        Used(each.span, each.owner_since) for each in facts.taken if each.owner_since is not None
    )


def agreement_of(slot: Slot, facts: Facts) -> Agreement | None:
    """The one that covers the day it begins on."""
    if not facts.agreements:
        return None
    return agreement_on(facts.agreements, today(facts.zone, slot.start))


def asks_owner(slot: Slot, facts: Facts) -> bool:
    """Does it take the owner's yes? What was agreed with them goes before the booking rules; for
    their own people it never does.
    """
    agreement = agreement_of(slot, facts)
    wanted = agreement.asks_owner if agreement else facts.policy.owner_approval
    return wanted and facts.is_owned and not facts.is_of_owner


def owner_answers_by(slot: Slot, facts: Facts) -> datetime:
    """Until when the owner may say yes or no; never later than the start."""
    agreement = agreement_of(slot, facts)
    within = agreement.answer_within if agreement else facts.policy.answer_within
    return min(facts.now + within, slot.start)


def silence_is_a_yes(slot: Slot, facts: Facts) -> bool:
    agreement = agreement_of(slot, facts)
    return agreement is not None and agreement.silence is Silence.AGREES
