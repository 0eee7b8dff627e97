"""The words of the calendars."""

from functools import lru_cache
from typing import NamedTuple

from flask_babel import force_locale
from flask_babel import gettext as _


class Phrases(NamedTuple):
    """Sentences with named places, to be filled with `%`; translated once per language."""

    machine: str
    held: str
    booked: str
    busy: str
    outage: str
    stopped: str
    stopped_for: str
    training: str
    attending: str
    giving: str
    in_line: str
    seats_taken: str
    given_by: str
    on_machines: str
    why_cancelled: str
    a_training: str
    cancelled: str
    waiting: str
    closed: str
    behalf: str
    purpose: str
    phone: str
    my_bookings: str
    the_day: str
    the_trainings: str
    of_place: str


@lru_cache(maxsize=8)
def phrases(language: str) -> Phrases:
    with force_locale(language):
        return Phrases(
            machine=_("%(machine)s (%(code)s)"),
            held=_("%(who)s: %(machine)s"),
            booked=_("Booked"),
            busy=_("Busy"),
            outage=_("Out of service: %(machine)s"),
            stopped=_("The machine is out of service."),
            stopped_for=_("The machine is out of service: %(why)s"),
            training=_("Training: %(name)s, %(machine)s"),
            attending=_("Training: %(name)s"),
            giving=_("Training you give: %(name)s"),
            in_line=_("Waiting list: %(what)s"),
            seats_taken=_("Seats taken: %(taken)s of %(seats)s"),
            given_by=_("Given by %(person)s"),
            on_machines=_("On %(machines)s"),
            why_cancelled=_("Cancelled: %(why)s"),
            a_training=_("Training"),
            cancelled=_("Cancelled: %(what)s"),
            waiting=_("Awaiting approval: %(what)s"),
            closed=_("Closed: %(reason)s"),
            behalf=_("On behalf of %(organization)s"),
            purpose=_("Purpose: %(purpose)s"),
            phone=_("Phone: %(phone)s"),
            my_bookings=_("My bookings, %(place)s"),
            the_day=_("The day, %(place)s"),
            the_trainings=_("Training sessions, %(place)s"),
            of_place=_("%(name)s, %(place)s"),
        )
