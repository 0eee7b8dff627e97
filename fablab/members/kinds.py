"""The words the members' columns hold. Pure, so that rules may speak of them."""

from enum import StrEnum


class Audience(StrEnum):
    """For whom a rule or a tariff is meant."""

    INDIVIDUAL = "individual"
    REDUCED = "reduced"
    ASSOCIATION = "association"
    PROFESSIONAL = "professional"
    RESIDENT = "resident"
    COOPERATIVE = "cooperative"  # an entrepreneur employed by a co-operative
    STAFF = "staff"


class AgeBand(StrEnum):
    """How old someone is, as far as the rules ask; no birth date is kept."""

    UNDER_16 = "under_16"
    FROM_16 = "from_16"
    ADULT = "adult"


class Channel(StrEnum):
    """How a member learns of their own bookings: one way, since two show everything twice."""

    FEED = "feed"  # their calendar is subscribed to us; mails tell only what others did
    INVITATION = "invitation"  # each mail puts the booking into their calendar
    MAIL = "mail"  # mails in words
    NONE = "none"  # nothing but questions to them, and what keeps the account safe


class MailKind(StrEnum):
    """What a mail is about, as far as one may choose."""

    BOOKINGS = "bookings"  # made, changed, cancelled
    ANSWERS = "answers"  # approved, declined, not answered in time
    OFFERS = "offers"  # of the waiting list
    REMINDERS = "reminders"  # the day before
    TRAININGS = "trainings"  # seats, sessions that change, qualifications that end
    FAULTS = "faults"  # of machines one looks after; what became of those one reported
    DIGEST = "digest"  # the team's morning mail


class MarkKind(StrEnum):
    """What is held against a member for some time."""

    LATE = "late"  # cancelled too late for somebody else to come
    MISSED = "missed"  # nobody came


class Role(StrEnum):
    """What someone may do in a place beyond booking for themselves."""

    REFERENT = "referent"
    FABMANAGER = "fabmanager"
    ACCOUNTANT = "accountant"
    ADMINISTRATOR = "administrator"


TEAM = frozenset({Role.FABMANAGER, Role.ADMINISTRATOR})


class LinkPurpose(StrEnum):
    CONFIRM = "confirm"  # the address given at registration
    RESET = "reset"  # a forgotten password
    CHANGE = "change"  # a new address for an account


class Deed(StrEnum):
    """What the team does to a member or a machine, as its record calls it."""

    MEMBERSHIP = "membership"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    ROLES = "roles"
    QUALIFIED = "qualified"
    DISQUALIFIED = "disqualified"
    STATE = "state"  # of a machine
    POLICY = "policy"  # of a machine, a category or the place
    RESOURCES = "resources"  # shared ones: their capacity, the machines that need them
    MARKED = "marked"
    LIFTED = "lifted"  # a mark, for a reason
    REFERENTS = "referents"  # of a machine
    TRAINING = "training"
    AGENDA = "agenda"  # a calendar file read in, or undone
    INVENTORY = "inventory"  # a machine's sheet, a category or a pool; or an import of many
    PLACE = "place"  # who it is, who sees what, how it looks
    OPENING = "opening"  # of the ordinary week
    CLOSURE = "closure"
    ORGANIZATION = "organization"  # itself, or somebody's stay in one
    MERGED = "merged"  # a second account of theirs into this one
    ERASED = "erased"  # at their own wish
    BOARD = "board"  # an address of a screen in the workshop, or what these show of people
    TARIFF = "tariff"  # prices, supplies, packs, how the place counts; minutes granted
    SHARING = "sharing"  # what was agreed with the owner of a machine


class AttemptKind(StrEnum):
    """What is counted, so that nobody does it too often."""

    SIGN_IN = "sign_in"  # a password that was not right, or is not known to be yet
    MAIL = "mail"  # an account mail that somebody asked for
    RESET = "reset"  # the one with which an owner gets in again: others must not use it up
