"""What is said of consents, in whole sentences; translated where they are shown."""

from fablab.booking.kinds import Answer, ConsentKind
from fablab.words import N_

# What a booking's record says happened to it, besides being booked, moved and cancelled.
HAPPENED = {
    "confirmed": N_("Confirmed: everybody who was asked has agreed"),
    "declined": N_("Declined by %(who)s"),
    "buddy_declined": N_("%(who)s cannot be the buddy"),
    "buddy_named": N_("%(who)s named a buddy"),
    "buddy_taken_back": N_("%(who)s can no longer be the buddy"),
    "lapsed": N_("Lapsed: it was not answered in time"),
    "offered": N_("Offered to the first in line"),
    "accepted": N_("Accepted by %(who)s"),
    "imported": N_("Brought in from a file"),
    "handed_over": N_("Taken over by %(who)s"),
    "missed": N_("Nobody came: %(who)s gave the machine to the others"),
    "arrived": N_("Said to have arrived by %(who)s"),
    "left": N_("Left, says %(who)s"),
    "undone": N_("Undone by %(who)s: it stands as before"),
    "offer_withdrawn": N_("No longer offered: whoever had it came after all"),
    "warned": N_("%(who)s put the machine out of service"),
    "relieved": N_("The machine works again"),
    "shut": N_("%(who)s closed the place at these hours"),
    "unshared": N_("The owner of the machine does not share it then"),
    "shared": N_("The owner of the machine shares it then after all"),
    "reopened": N_("The place is open at these hours after all"),
}

# Of which nobody in particular said so.
RELEASED = N_("Nobody came: the machine was given to the others")
AT_THE_DOOR = N_("Arrived, said at the door")

# To whoever is asked: what it is about, what a yes and what a no means.
ASKED = {
    ConsentKind.TEAM: N_("%(who)s wants to book this machine, and the team has to agree."),
    ConsentKind.OWNER: N_("%(who)s wants to book your machine, and you have to agree."),
    ConsentKind.BUDDY: N_("%(who)s asks you to be their buddy."),
    ConsentKind.COMPANY: N_("%(who)s may not use this machine alone and asks to be accompanied."),
}
YES_MEANS = {
    ConsentKind.TEAM: N_("With a yes the booking is confirmed, once everybody asked has agreed."),
    ConsentKind.OWNER: N_("With a yes the booking is confirmed, once everybody asked has agreed."),
    ConsentKind.BUDDY: N_(
        "With a yes you promise to be there for the whole time. You may take it back until it "
        "starts."
    ),
    ConsentKind.COMPANY: N_("With a yes you promise that you, or the team, are there meanwhile."),
}
NO_MEANS = {
    ConsentKind.TEAM: N_("With a no the slot is free again, and %(who)s reads your reason."),
    ConsentKind.OWNER: N_("With a no the slot is free again, and %(who)s reads your reason."),
    ConsentKind.BUDDY: N_("With a no %(who)s may name somebody else."),
    ConsentKind.COMPANY: N_("With a no the slot is free again, and %(who)s reads your reason."),
}
SILENCE_MEANS = {
    False: N_("Without an answer by then the booking lapses."),
    True: N_("Without an answer by then it counts as your yes, as you agreed with the place."),
}

# On the booking's own page: what it waits for, and what was answered.
WAITING = {
    ConsentKind.TEAM: N_("The team has to agree."),
    ConsentKind.OWNER: N_("The owner of the machine has to agree."),
    ConsentKind.BUDDY: N_("%(who)s has to agree to be the buddy."),
    ConsentKind.COMPANY: N_("Somebody of the team has to agree to be there."),
}
NO_BUDDY_YET = N_("Somebody who is qualified has to be named as the buddy.")
BY_SILENCE = N_("The owner of the machine said nothing in time, which is a yes.")
ANSWERED = {
    (ConsentKind.TEAM, Answer.YES): N_("The team has agreed."),
    (ConsentKind.OWNER, Answer.YES): N_("The owner of the machine has agreed."),
    (ConsentKind.BUDDY, Answer.YES): N_("%(who)s is the buddy."),
    (ConsentKind.BUDDY, Answer.NO): N_("%(who)s cannot be the buddy."),
    (ConsentKind.BUDDY, Answer.TAKEN_BACK): N_("%(who)s can no longer be the buddy."),
    (ConsentKind.COMPANY, Answer.YES): N_("Somebody of the team will be there."),
}
