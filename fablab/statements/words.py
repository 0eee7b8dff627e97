"""What the words of a statement are called; translated where they are shown."""

from fablab.statements.kinds import LineKind, Scope
from fablab.tariffs.kinds import Unit
from fablab.words import N_

SCOPES = {
    Scope.ORGANIZATION: N_("Organizations"),
    Scope.ACTIVITY: N_("Activity accounts"),
    Scope.MEMBER: N_("Members"),
    Scope.OWNER: N_("Owners of machines"),
}
KINDS = {
    LineKind.USE: N_("Use"),
    LineKind.LATE: N_("Cancelled late"),
    LineKind.MISSED: N_("Nobody came"),
    LineKind.SUPPLY: N_("Supplies"),
    LineKind.COMPANY: N_("Company"),
    LineKind.CORRECTION: N_("Correction"),
}
UNITS = {Unit.HOUR: N_("h"), Unit.FLAT: N_("flat"), Unit.DAY: N_("d")}
