"""What the rules know: of one member and one machine, of the time and of the others. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from fablab.booking.verdicts import Reason
from fablab.clock import to_wall
from fablab.machines.agreements import Agreement
from fablab.machines.kinds import MachineState, RiskClass
from fablab.machines.policies import BookingPolicy
from fablab.members.kinds import AgeBand, Audience
from fablab.places.rules import Schedule
from fablab.slots import Slot


@dataclass(frozen=True, slots=True)
class Held:
    """A qualification on the machine: its level, from one day to another included."""

    level: int
    given_on: date
    expires_on: date | None

    def is_valid_on(self, first: date, last: date) -> bool:
        return self.given_on <= first and (self.expires_on is None or last <= self.expires_on)


@dataclass(frozen=True, slots=True)
class Taken:
    """What occupies the machine: its whole span, set-up and clean-up included."""

    span: Slot
    is_outage: bool = False
    why: str = ""  # an outage's reason
    who: str = ""  # who holds it, where the reader may know
    own_uid: str = ""  # of the booking, when it is the member's own
    # When the people of the machine's owner booked it; None: it is somebody else's.
    owner_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """One of the member's other standing bookings in the place."""

    slot: Slot
    machine_id: int
    category_id: int
    pool_id: int | None = None
    is_risky: bool = False  # of class C or D
    counts: bool = True  # in the quotas
    runs_alone: bool = False  # the machine, so that one may be at another meanwhile
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Shared:
    """A resource the machine needs a seat of, and what is taken of each of its seats."""

    name: str
    taken: Mapping[int, Sequence[Slot]]

    @property
    def capacity(self) -> int:
        return len(self.taken)


@dataclass(frozen=True, slots=True)
class Buddy:
    """Whoever is named to be there as well."""

    is_member: bool
    ends_on: date | None = None  # their membership
    is_oneself: bool = False
    held: tuple[Held, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All that the rules want to know, about one member and one machine."""

    now: datetime
    schedule: Schedule
    policy: BookingPolicy
    machine_state: MachineState = MachineState.IN_SERVICE
    state_reason: str = ""
    back_on: date | None = None
    is_member: bool = True
    membership_ends_on: date | None = None
    suspended_until: datetime | None = None
    suspension_reason: str = ""
    held: tuple[Held, ...] = ()
    training: str = ""  # the training to follow for this machine, by name
    next_session: datetime | None = None  # of it
    acts_for_organization: bool = True  # may they book on behalf of the one they named?
    audience: Audience | None = None  # for whom the booking counts, and whose prices hold
    activity: str = ""  # the account it is put down to in the organization
    acts_until: date | None = None  # their last day in it
    taken: tuple[Taken, ...] = ()
    machine_id: int = 0
    category_id: int = 0
    category: str = ""
    pool_id: int | None = None
    risk: RiskClass = RiskClass.A
    marked_until: datetime | None = None
    age: AgeBand = AgeBand.ADULT
    guardian_agreed: bool = True
    has_read: bool = True  # what one must know before using it
    has_used: bool = True  # it before: the first time may need the team's agreement
    is_accompanied: bool = False  # do they ask for somebody to stay with them?
    buddy: Buddy | None = None
    own: tuple[Own, ...] = ()  # the other bookings, in the weeks asked about
    further_ahead: int = 0  # how many more, in other weeks, are not over
    shared: tuple[Shared, ...] = ()
    is_owned: bool = False  # by an organization, not by the place
    agreements: tuple[Agreement, ...] = ()  # with it, about the machine
    is_of_owner: bool = False  # are they one of its people?
    standing_audience: Audience | None = None  # whose rules hold for them
    kept_start: datetime | None = None  # of a booking being changed, on its own machine
    kept_end: datetime | None = None
    kept_counts: bool = False  # in the quotas, as it was
    is_under_way: bool = False  # has the booking being changed begun?
    is_a_change: bool = False  # of a booking that exists, perhaps to another machine
    # What they have in a week, summed once however many slots are asked about.
    had: dict[tuple[Reason, Slot], timedelta] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def zone(self) -> tzinfo:
        return self.schedule.zone

    def audience_on(self, day: date) -> Audience | None:
        """For whom what is used that day counts: for themselves, once they are not in the
        organization any more.
        """
        is_in_it = self.acts_until is None or day <= self.acts_until
        return self.audience if self.acts_for_organization and is_in_it else self.standing_audience

    def length_of(self, slot: Slot) -> timedelta:
        """How long it lasts; of what is lent by the day, on the wall clock: a day is 24 hours,
        also when the clocks change.
        """
        if not self.policy.whole_days:
            return slot.duration
        start, end = to_wall(self.zone, slot.start), to_wall(self.zone, slot.end)
        return end.replace(tzinfo=None) - start.replace(tzinfo=None)

    def is_shortened(self, slot: Slot) -> bool:
        """Is `slot` a part of the booking that is being changed?"""
        if self.kept_start is None or self.kept_end is None:
            return False
        return self.kept_start <= slot.start and slot.end <= self.kept_end

    def keeps_some(self, slot: Slot) -> bool:
        """Has `slot` a part in the booking that is being changed?"""
        if self.kept_start is None or self.kept_end is None:
            return False
        return slot.start < self.kept_end and self.kept_start < slot.end
