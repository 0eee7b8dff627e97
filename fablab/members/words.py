"""What kinds of member are called; translated where they are shown."""

from fablab.members.kinds import Audience
from fablab.words import N_

AUDIENCES = {
    Audience.INDIVIDUAL: N_("Individual"),
    Audience.REDUCED: N_("Individual, reduced rate"),
    Audience.ASSOCIATION: N_("Association"),
    Audience.PROFESSIONAL: N_("Professional"),
    Audience.RESIDENT: N_("Resident"),
    Audience.COOPERATIVE: N_("Entrepreneur of a co-operative"),
    Audience.STAFF: N_("Team"),
}
