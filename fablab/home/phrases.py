"""The sentences said again and again on one page, translated once per language."""

from functools import lru_cache
from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import pgettext

from fablab import texts
from fablab.home.planning import WHOLE_DAY

# Indexed by minutes since midnight. Formatting a time costs more than looking it up.
HOURS = [f"{m // 60}:{m % 60:02}" for m in range(WHOLE_DAY + 1)]
FIELDS = [f"{m // 60 % 24:02}:{m % 60:02}" for m in range(WHOLE_DAY + 1)]
LENGTHS = [f"{m} min" for m in range(60)] + [
    f"{m // 60} h {m % 60:02}" if m % 60 else f"{m // 60} h" for m in range(60, WHOLE_DAY + 1)
]


class Phrases(NamedTuple):
    """Sentences with named places, to be filled with `%`."""

    closed: str
    closed_for: str
    closed_for_said: str
    closed_said: str
    past_said: str
    short_said: str
    soon_said: str
    open_said: str
    free_said: str
    barred_said: str
    stopped: str
    stopped_said: str
    outage: str
    outage_said: str
    hire: str
    hire_said: str
    absent: str
    absent_said: str
    own_absent_said: str
    nobody_came_said: str
    session: str
    session_said: str
    booked: str
    offered: str
    held_said: str
    waiting_said: str
    own: str
    own_for: str
    own_said: str
    own_waiting_said: str
    state_free: str
    state_free_until: str
    state_busy: str
    state_yours: str
    state_outage: str
    state_hire: str
    state_session: str
    state_in_use: str
    state_stopped: str
    state_closed: str
    state_opens: str
    then_free: str
    then_free_until: str
    left_free: str
    left_briefly: str
    left_none: str
    is_over: str
    yours: str
    see_slots: str
    whole_day: str
    in_use_said: str
    reserved: str
    reserved_said: str
    reserved_hours: str
    state_reserved: str
    what_to_do: str


def phrases() -> Phrases:
    return _phrases(texts.language())


@lru_cache(maxsize=8)
def _phrases(_language: str) -> Phrases:
    return Phrases(
        closed=_("Closed"),
        closed_for=_("Closed: %(why)s"),
        closed_for_said=_("Closed from %(start)s to %(end)s: %(why)s"),
        closed_said=_("Closed from %(start)s to %(end)s"),
        past_said=_("Not used from %(start)s to %(end)s"),
        short_said=_("%(start)s to %(end)s, too short to book"),
        soon_said=_("%(start)s to %(end)s, too soon to book"),
        open_said=_("Free from %(start)s to %(end)s, not open to booking"),
        free_said=_("Book %(machine)s, free from %(start)s to %(end)s"),
        barred_said=_("%(start)s to %(end)s, free but not for you: %(why)s"),
        stopped=_("Out of service"),
        stopped_said=_("Out of service from %(start)s to %(end)s. %(why)s"),
        outage=_("Maintenance"),
        outage_said=_("Maintenance %(hours)s: %(why)s"),
        hire=_("Event"),
        hire_said=_("Event %(hours)s: %(why)s"),
        absent=_("Absent"),
        absent_said=_("%(who)s, %(hours)s, did not come"),
        own_absent_said=_("You, %(hours)s, noted as absent"),
        nobody_came_said=_("Booked %(hours)s, nobody came"),
        session=_("Training: %(name)s"),
        session_said=_("Training: %(name)s, %(hours)s"),
        booked=_("Booked"),
        offered=_("Kept for somebody who waits"),
        held_said=_("%(who)s, %(hours)s"),
        waiting_said=_("%(who)s, %(hours)s, waiting for approval"),
        own=_("You"),
        own_for=_("You · %(purpose)s"),
        own_said=_("%(who)s, %(machine)s, %(hours)s"),
        own_waiting_said=_("%(who)s, %(machine)s, %(hours)s, waiting for approval"),
        state_free=_("Free"),
        state_free_until=_("until %(hour)s"),
        state_busy=_("Busy until %(hour)s"),
        state_yours=_("Yours until %(hour)s"),
        state_outage=_("Maintenance until %(hour)s"),
        state_hire=_("Taken for an event until %(hour)s"),
        state_session=_("Training until %(hour)s"),
        state_in_use=_("Waits until %(hour)s for what it shares"),
        state_stopped=_("Out of service"),
        state_closed=_("Closed"),
        state_opens=_("opens at %(hour)s"),
        then_free=_("then free"),
        then_free_until=_("then free until %(hour)s"),
        left_free=_("%(length)s left free"),
        left_briefly=pgettext("week", "%(length)s left free"),
        left_none=_("Nothing left free"),
        is_over=pgettext("day", "Over"),
        yours=_("Yours"),
        see_slots=_("See the next free slots"),
        whole_day=_("The whole day"),
        in_use_said=_("%(start)s to %(end)s, what it shares is in full use by other machines"),
        reserved=_("Reserved for the owner"),
        reserved_said=_("%(start)s to %(end)s, reserved for the owner, %(owner)s"),
        reserved_hours=_("Reserved for the owner, %(owner)s: %(hours)s"),
        state_reserved=_("Reserved for its owner until %(hour)s"),
        what_to_do=_("What to do"),
    )
