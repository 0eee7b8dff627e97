"""What the pages and mails call the words that the upkeep's columns hold."""

from fablab.upkeep.kinds import EntryKind, FaultState, Unit
from fablab.words import N_

FAULTS = {
    FaultState.REPORTED: N_("Reported"),
    FaultState.NOTED: N_("Noted"),
    FaultState.RESTRICTED: N_("Restricted"),
    FaultState.STOPPED: N_("Out of service"),
    FaultState.LOCKED: N_("Locked out"),
    FaultState.REPAIRED: N_("Repaired"),
    FaultState.DISMISSED: N_("Nothing to mend"),
}
# What each verdict does, for whoever chooses among them.
MEANS = {
    FaultState.NOTED: N_("The machine goes on; the fault stays on the list."),
    FaultState.RESTRICTED: N_(
        "It goes on, and whoever books it reads your sentence: “no thick wood until Tuesday”."
    ),
    FaultState.STOPPED: N_("Nobody can book it until it is back; the people booked are told."),
    FaultState.LOCKED: N_("The same, and nobody may even switch it on."),
    FaultState.DISMISSED: N_("The fault is closed, the machine is fine."),
}
UNITS = {
    Unit.DAYS: N_("days"),
    Unit.WEEKS: N_("weeks"),
    Unit.MONTHS: N_("months"),
}
# How often: every one of them, or every so many.
ONCE = {
    Unit.DAYS: N_("every day"),
    Unit.WEEKS: N_("every week"),
    Unit.MONTHS: N_("every month"),
}
SEVERAL = {
    Unit.DAYS: N_("every %(num)s days"),
    Unit.WEEKS: N_("every %(num)s weeks"),
    Unit.MONTHS: N_("every %(num)s months"),
}
ENTRIES = {
    EntryKind.FAULT: N_("Fault reported"),
    EntryKind.FINDING: N_("Fault looked at"),
    EntryKind.STOP: N_("Put out of service"),
    EntryKind.RETURN: N_("Back in service"),
    EntryKind.REPAIR: N_("Repair"),
    EntryKind.MAINTENANCE: N_("Maintenance done"),
    EntryKind.PART: N_("Part"),
    EntryKind.DOCUMENT: N_("Document"),
    EntryKind.NOTE: N_("Note"),
    EntryKind.CORRECTION: N_("Correction"),
}
