"""What pages call the words of an agreement; translated where they are shown."""

from fablab.machines.kinds import InCharge, Silence
from fablab.words import N_

IN_CHARGE = {
    InCharge.OWNER: N_("Its owner"),
    InCharge.PLACE: N_("The place"),
    InCharge.BOTH: N_("Both"),
}
SILENCES = {
    Silence.LAPSES: N_("The booking lapses"),
    Silence.AGREES: N_("It is a yes"),
}
