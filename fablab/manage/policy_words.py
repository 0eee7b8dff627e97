"""What the values of a booking policy are called, and how they are written."""

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _

from fablab import texts
from fablab.booking.verdicts import OVERRIDES
from fablab.machines.kinds import Approval
from fablab.machines.policies import Level as From
from fablab.machines.policies import Source
from fablab.members.kinds import AgeBand
from fablab.places.kinds import Mode
from fablab.places.words import MODES
from fablab.words import N_

LABELS = {
    "step": N_("Step"),
    "minimum": N_("Shortest booking"),
    "maximum": N_("Longest booking"),
    "fixed": N_("Fixed length"),
    "whole_days": N_("Lent by the day"),
    "notice": N_("Notice before the start"),
    "horizon_days": N_("Days ahead"),
    "modes": N_("Openings in which it may be used"),
    "is_open": N_("Open to booking"),
    "quota_machine": N_("Hours a week on the machine"),
    "quota_category": N_("Hours a week in the category"),
    "quota_risky": N_("Hours a week on machines of risk class C and D"),
    "last_minute": N_("A slot still free so long before counts in no quota"),
    "weekly_bookings": N_("Bookings of the machine a week"),
    "bookings_ahead": N_("Bookings ahead"),
    "one_at_a_time": N_("One machine at a time"),
    "units": N_("Machines of a pool at once"),
    "level": N_("Level of qualification"),
    "youngest": N_("Age"),
    "buddy": N_("A second qualified person must be there"),
    "approval": N_("The team agrees to"),
    "approval_above": N_("The team agrees to whatever is longer than"),
    "owner_approval": N_("The owner agrees to each booking"),
    "answer_within": N_("Time to answer"),
    "setup": N_("Set-up before"),
    "cleanup": N_("Clean-up after"),
    "cooling": N_("Cooling after the clean-up"),
    "free_cancellation": N_("Free cancellation until so long before"),
    "release_after": N_("Free for others when nobody has arrived after"),
    "overridable": N_("Rules the team may set aside"),
}
HELP = {
    "fixed": N_("Every booking lasts so long; 0 min for any length."),
    "quota_machine": N_("0 min for no limit."),
    "quota_category": N_("0 min for no limit."),
    "quota_risky": N_("0 min for no limit."),
    "last_minute": N_("0 min when every booking counts."),
    "weekly_bookings": N_("0 for no limit."),
    "bookings_ahead": N_("0 for no limit."),
    "units": N_("0 for no limit."),
    "approval_above": N_("0 min for no limit."),
    "free_cancellation": N_("Later, a cancellation leaves a mark. 0 min for never."),
    "release_after": N_("So long after the start; it leaves a mark. 0 min for never."),
    "modes": N_("Tick none to let it be inherited."),
    "overridable": N_("Tick none to let it be inherited."),
}
GROUPS = (
    (N_("Length and steps"), ("step", "minimum", "maximum", "fixed", "whole_days")),
    (N_("How long before"), ("notice", "horizon_days")),
    (N_("When, and for whom it is open"), ("modes", "is_open")),
    (N_("Hours in a week"), ("quota_machine", "quota_category", "quota_risky", "last_minute")),
    (N_("How many"), ("weekly_bookings", "bookings_ahead", "one_at_a_time", "units")),
    (N_("Who"), ("level", "youngest", "buddy")),
    (N_("Agreement"), ("approval", "approval_above", "owner_approval", "answer_within")),
    (N_("Around a booking"), ("setup", "cleanup", "cooling")),
    (N_("Cancellation and absence"), ("free_cancellation", "release_after")),
    (N_("Exceptions"), ("overridable",)),
)
UNLIMITED = (
    "quota_machine",
    "quota_category",
    "quota_risky",
    "weekly_bookings",
    "bookings_ahead",
    "units",
    "approval_above",
)
LEVELS = {
    0: N_("None"),
    1: N_("Level 1, accompanied"),
    2: N_("Level 2, autonomous while supervised"),
    3: N_("Level 3, autonomous"),
    4: N_("Level 4, trainer"),
}
AGES = {
    AgeBand.UNDER_16: N_("Any age"),
    AgeBand.FROM_16: N_("From 16 on"),
    AgeBand.ADULT: N_("Adults only"),
}
APPROVALS = {
    Approval.NEVER: N_("No booking"),
    Approval.FIRST: N_("Everybody's first booking of the machine"),
    Approval.ALWAYS: N_("Every booking"),
}
NOTHING = "nothing"
SOURCES = {
    (From.DEFAULT, False): N_("Now %(value)s, where nobody says otherwise."),
    (From.PLACE, False): N_("Now %(value)s, said of the place."),
    (From.PLACE, True): N_("Now %(value)s, said of the place for these members."),
    (From.CATEGORY, False): N_("Now %(value)s, said of the category."),
    (From.CATEGORY, True): N_("Now %(value)s, said of the category for these members."),
    (From.MACHINE, False): N_("Now %(value)s, said of the machine."),
    (From.MACHINE, True): N_("Now %(value)s, said of the machine for these members."),
    (From.RISK_CLASS, False): N_("Now %(value)s, as its risk class asks for."),
}


def typed(duration: timedelta) -> str:
    """A length as the form takes it: `90 min` is `1 h 30`, three days are `72 h`."""
    hours, minutes = divmod(duration // timedelta(minutes=1), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes:02}" if minutes else f"{hours} h"


def in_words(name: str, value: Any) -> str:
    """A value of a policy as people read it."""
    if name in UNLIMITED and not value:
        return _("no limit")
    if name == "fixed" and not value:
        return _("any length")
    if isinstance(value, timedelta):
        return texts.length(value)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if name == "modes":
        return ", ".join(_(word) for mode, word in MODES.items() if mode in value) or _("Nothing")
    if name == "overridable":
        return "; ".join(_(word) for rule, word in OVERRIDES.items() if rule in value) or _(
            "Nothing"
        )
    words: dict[str, dict[Any, str]] = {"level": LEVELS, "youngest": AGES, "approval": APPROVALS}
    return _(words[name][value]) if name in words else str(value)


def where_from(name: str, value: Any, source: Source) -> str:
    sentence = SOURCES[source.level, source.is_of_audience]
    return _(sentence, value=in_words(name, value))


IN_RECORD_AS_MINUTES = frozenset(
    {
        "step",
        "minimum",
        "maximum",
        "fixed",
        "notice",
        "quota_machine",
        "quota_category",
        "quota_risky",
        "last_minute",
        "approval_above",
        "answer_within",
        "setup",
        "cleanup",
        "cooling",
        "free_cancellation",
        "release_after",
    }
)


def as_recorded(name: str, kept: Any) -> str:
    """A value as the record keeps it, written for people; none is what is inherited."""
    if kept is None:
        return _("inherited")
    if name in IN_RECORD_AS_MINUTES:
        return in_words(name, timedelta(minutes=kept))
    if name == "modes":
        return in_words(name, {Mode(mode) for mode in kept})
    return in_words(name, kept)
