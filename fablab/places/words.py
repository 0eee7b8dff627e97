"""What the hours of a place are called on screens and in mails."""

from fablab.places.kinds import Mode
from fablab.words import N_

MODES = {
    Mode.SUPERVISED: N_("with the team"),
    Mode.RESIDENT: N_("by badge"),
    Mode.NIGHT: N_("at night"),
}
