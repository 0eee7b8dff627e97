"""What the pages call the channels and the kinds of mail, and what each means for its reader."""

from typing import NamedTuple

from fablab.members.kinds import Channel, MailKind
from fablab.words import N_


class Words(NamedTuple):
    """As the page of one's mails says it."""

    name: str
    means: str


CHANNELS = {
    Channel.FEED: Words(
        N_("My calendar is subscribed"),
        N_(
            "It shows my bookings by itself: mails tell me only what others did, "
            "and what is asked of me."
        ),
    ),
    Channel.INVITATION: Words(
        N_("Invitations"),
        N_(
            "Each mail puts the booking into my calendar, moves it when it changes, "
            "and takes it out when it is cancelled."
        ),
    ),
    Channel.MAIL: Words(
        N_("Mails in words"),
        N_("Each booking is told in a mail, and my calendar is left alone."),
    ),
    Channel.NONE: Words(
        N_("No mails"),
        N_(
            "Nothing but questions to me, what keeps my account safe, and what takes an earlier "
            "invitation out of my calendar."
        ),
    ),
}

KINDS = {
    MailKind.BOOKINGS: Words(
        N_("My bookings"),
        N_(
            "A booking of mine is made, changed or cancelled, or one that I am the buddy of is "
            "cancelled. Without this too I am told what others change or cancel."
        ),
    ),
    MailKind.ANSWERS: Words(
        N_("Answers"),
        N_(
            "My booking is approved or declined, or nobody answered in time. Without this too I am "
            "told when it does not take place."
        ),
    ),
    MailKind.OFFERS: Words(
        N_("Waiting list"), N_("A slot has come free for me, to be taken within some hours.")
    ),
    MailKind.REMINDERS: Words(
        N_("Reminders"), N_("I have a booking or a training session tomorrow.")
    ),
    MailKind.TRAININGS: Words(
        N_("Trainings"),
        N_(
            "I am registered for a session, have a seat in it or give it; a qualification of mine "
            "ends soon. Without this too I am told when my session is cancelled or changed."
        ),
    ),
    MailKind.FAULTS: Words(
        N_("Faults of machines"),
        N_(
            "What became of a fault that I reported; and those that are reported of the machines "
            "I look after."
        ),
    ),
    MailKind.DIGEST: Words(
        N_("The team’s morning mail"),
        N_("Who comes today, what is planned, and what is out of service."),
    ),
}
