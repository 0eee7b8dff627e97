"""What the hours of a place are called on screens and in mails."""

from datetime import date

from flask_babel import gettext as _

from fablab.places.kinds import Mode
from fablab.places.rules import Schedule
from fablab.words import N_

MODES = {
    Mode.SUPERVISED: N_("with the team"),
    Mode.RESIDENT: N_("by badge"),
    Mode.NIGHT: N_("at night"),
}


def why_closed(schedule: Schedule, day: date) -> str:
    """A sentence when nobody opens that day, else nothing."""
    if schedule.openings_on(day):
        return ""
    why = schedule.day_off(day)
    return _("The place is closed: %(why)s.", why=why) if why else _("The place is closed.")
