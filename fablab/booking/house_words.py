"""The house rules of one machine in sentences, from its policy, so that they never lie."""

from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import texts
from fablab.booking.quotas import time_used
from fablab.machines.inventory import MachineFacts
from fablab.machines.kinds import Approval, RiskClass
from fablab.machines.policies import BookingPolicy
from fablab.members.kinds import AgeBand
from fablab.words import N_


class Said(NamedTuple):
    """A rule: the name of an icon, the sentence, and what else there is to know."""

    icon: str
    sentence: str
    why: str = ""


def beyond_the_hours(machine: MachineFacts, policy: BookingPolicy) -> list[Said]:
    """Who may use it with whom, whose yes it takes, a turn for everyone, what it shares."""
    return [*_who(machine, policy), *_agreement(machine, policy), *_turns(policy), *_rest(machine)]


def _who(machine: MachineFacts, policy: BookingPolicy) -> list[Said]:
    said = []
    if policy.youngest is AgeBand.ADULT:
        said.append(Said("user", _("For adults only")))
    elif policy.youngest is AgeBand.FROM_16:
        said.append(Said("user", _("From 16 years on")))
    if policy.buddy:
        said.append(
            Said(
                "users",
                _("Never alone: you name a qualified buddy"),
                _("They get a mail, and the booking waits for their yes."),
            )
        )
    if machine.risk_class is RiskClass.D:
        said.append(
            Said(
                "triangle-alert",
                _("While somebody is in charge; otherwise level 3 and a buddy"),
                _("The machine is dangerous."),
            )
        )
    if policy.level > 1:
        said.append(
            Said("graduation-cap", _("With level 1 you may ask to be accompanied by the team"))
        )
    return said


def _agreement(machine: MachineFacts, policy: BookingPolicy) -> list[Said]:
    within = _("They answer within %(time)s.", time=texts.length(policy.answer_within))
    said = []
    if policy.approval is Approval.ALWAYS:
        said.append(Said("circle-check", _("The team agrees to each booking"), within))
    elif policy.approval is Approval.FIRST:
        said.append(Said("circle-check", _("The team agrees to your first booking"), within))
    if policy.approval_above and policy.approval is not Approval.ALWAYS:
        length = texts.length(policy.approval_above)
        sentence = _("The team agrees to whatever is longer than %(length)s", length=length)
        said.append(Said("circle-check", sentence, within))
    is_agreed = bool(machine.agreements)  # with the owner, which is told apart
    if policy.owner_approval and machine.owner_id is not None and not is_agreed:
        said.append(Said("circle-check", _("Its owner agrees to each booking"), within))
    return said


def _turns(policy: BookingPolicy) -> list[Said]:
    last_minute = ""
    if policy.last_minute:
        last_minute = _(
            "A slot still free %(time)s before does not count.",
            time=texts.length(policy.last_minute),
        )
    quotas = [
        (policy.quota_machine, N_("%(time)s a week at most on this machine")),
        (policy.quota_category, N_("%(time)s a week at most on machines of this kind")),
        (policy.quota_risky, N_("%(time)s a week at most on machines of class C and D together")),
    ]
    said = [
        Said("timer", _(sentence, time=texts.length(time_used(most))), last_minute)
        for most, sentence in quotas
        if most
    ]
    if policy.weekly_bookings:
        times = ngettext(
            "%(num)s booking a week", "%(num)s bookings a week", policy.weekly_bookings
        )
        said.append(Said("repeat", times))
    if policy.bookings_ahead:
        ahead = ngettext(
            "%(num)s booking ahead at a time, of all machines",
            "%(num)s bookings ahead at a time, of all machines",
            policy.bookings_ahead,
        )
        said.append(Said("calendar-days", ahead))
    if policy.one_at_a_time and not policy.runs_alone:
        said.append(Said("user", _("One machine at a time")))
    if policy.units:
        units = ngettext(
            "%(num)s of these machines at a time",
            "%(num)s of these machines at a time",
            policy.units,
        )
        said.append(Said("user", units))
    if policy.free_cancellation:
        time = texts.length(policy.free_cancellation)
        sentence = _("Cancel freely until %(time)s before", time=time)
        said.append(Said("rotate-ccw", sentence, _("Later it is noted as late.")))
    if policy.release_after:
        time = texts.length(policy.release_after)
        sentence = _("Free for the others when nobody has arrived after %(time)s", time=time)
        said.append(Said("user-x", sentence, _("The absence is noted. Say that you are here.")))
    return said


def _rest(machine: MachineFacts) -> list[Said]:
    return [
        Said(
            "wind",
            _("It shares: %(name)s", name=resource.name),
            ngettext(
                "It serves %(num)s machine at once.",
                "It serves %(num)s machines at once.",
                resource.capacity,
            ),
        )
        for resource in machine.resources
    ]
