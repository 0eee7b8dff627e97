"""What the rules say to a member, said of a member: to the team that books for them. Pure."""

from collections.abc import Mapping

from fablab.words import N_

# By the sentence as `rules` and `quotas` say it; `%(who)s` is the member's name.
OF_SOMEBODY: Mapping[str, str] = {
    "You are not a member of this place yet.": N_("%(who)s is not a member of this place yet."),
    "The team registers your membership when you come by.": N_(
        "Give them a membership on their page."
    ),
    "Your membership ended on %(day)s.": N_("The membership of %(who)s ended on %(day)s."),
    "Your membership ends on %(day)s, before this slot.": N_(
        "The membership of %(who)s ends on %(day)s, before this slot."
    ),
    "Your right to book is suspended until %(until)s.": N_(
        "The right of %(who)s to book is suspended until %(until)s."
    ),
    "You cannot book until %(until)s: too many late cancellations or absences.": N_(
        "%(who)s cannot book until %(until)s: too many late cancellations or absences."
    ),
    "Reason given: %(why)s. The team can tell you more.": N_("Reason given: %(why)s."),
    "The team can tell you more.": "",
    "The team can use it with you.": N_("Somebody of the team can use it with them."),
    "Your guardian has not signed the authorisation yet.": N_(
        "The guardian of %(who)s has not signed the authorisation yet."
    ),
    "Bring it to the team once; it holds until you are 18.": N_(
        "It is recorded once and holds until they are 18."
    ),
    "This machine is not open to your kind of membership.": N_(
        "This machine is not open to the kind of membership of %(who)s."
    ),
    "The team can tell you who may use it and how.": "",
    "Its owner, %(owner)s, does not share this machine with your kind of membership.": N_(
        "Its owner, %(owner)s, does not share this machine with the kind of membership of %(who)s."
    ),
    "It is too early for this slot: you may book up to %(day)s.": N_(
        "It is too early for this slot: %(who)s may book up to %(day)s."
    ),
    "This machine asks for a qualification that you do not hold yet.": N_(
        "This machine asks for a qualification that %(who)s does not hold yet."
    ),
    "This machine asks for level %(level)s; you hold level %(yours)s.": N_(
        "This machine asks for level %(level)s; %(who)s holds level %(yours)s."
    ),
    "While the team is there, you may ask to be accompanied.": N_(
        "While the team is there, they may be accompanied."
    ),
    "Your qualification on this machine is not valid then: it ends on %(day)s.": N_(
        "The qualification of %(who)s on this machine is not valid then: it ends on %(day)s."
    ),
    "Your qualification on this machine expired on %(day)s.": N_(
        "The qualification of %(who)s on this machine expired on %(day)s."
    ),
    "Choose supervised hours, or name a qualified buddy if you hold level 3.": N_(
        "Choose supervised hours, or name a qualified buddy if they hold level 3."
    ),
    "You cannot be your own buddy.": N_("%(who)s cannot be their own buddy."),
    "The buddy you named holds no valid qualification on this machine then.": N_(
        "The buddy who is named holds no valid qualification on this machine then."
    ),
    "Your buddy gets a mail, and the booking waits for their yes.": N_(
        "The buddy gets a mail, and the booking waits for their yes."
    ),
    "Confirm that you have read this machine's safety rules and forbidden materials.": N_(
        "Confirm that %(who)s has read this machine's safety rules and forbidden materials."
    ),
    "You cannot book on behalf of this organization.": N_(
        "%(who)s does not belong to this organization."
    ),
    "Ask one of its managers to add you.": N_("Add them on the organization's page."),
    "Your last day in this organization is %(day)s, before this slot.": N_(
        "The last day of %(who)s in this organization is %(day)s, before this slot."
    ),
    "Book for yourself, or ask one of its managers.": N_(
        "Book for them personally, or change their last day on the organization's page."
    ),
    "You have booked it already, %(hours)s.": N_("%(who)s has booked it already, %(hours)s."),
    "You have booked %(had)s that week. Slots still free %(hours)s before do not count.": N_(
        "%(who)s has booked %(had)s that week. Slots still free %(hours)s before do not count."
    ),
    "You have booked %(had)s that week.": N_("%(who)s has booked %(had)s that week."),
    "You have booked this machine as often as one may in the week of %(day)s: %(had)s×.": N_(
        "%(who)s has booked this machine as often as one may in the week of %(day)s: %(had)s×."
    ),
    "You have %(had)s bookings ahead; %(most)s is the most at one time.": N_(
        "%(who)s has %(had)s bookings ahead; %(most)s is the most at one time."
    ),
    "You have another machine then, %(hours)s: one at a time.": N_(
        "%(who)s has another machine then, %(hours)s: one at a time."
    ),
    "You have %(most)s of these machines then already; that is the most at once.": N_(
        "%(who)s has %(most)s of these machines then already; that is the most at once."
    ),
}
