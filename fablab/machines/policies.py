"""Which booking rules hold for whom: the rows of `policy`, laid over one another. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Protocol

from fablab.machines.kinds import Approval, RiskClass
from fablab.members.kinds import AgeBand, Audience
from fablab.places.kinds import Mode

NOTHING, A_DAY = timedelta(0), timedelta(days=1)

# What the team may set aside where no policy says otherwise: matters of fairness and comfort.
# Who may use a machine safely is not among them.
OVERRIDABLE = frozenset(
    {
        "too_short",
        "too_long",
        "off_step",
        "not_whole_days",
        "too_late",
        "too_far",
        "closed",
        "closed_day",
        "quota_machine",
        "quota_category",
        "quota_risky",
        "weekly_bookings",
        "bookings_ahead",
        "two_at_once",
        "too_many_units",
        "suspended",
        "marked",
    }
)


@dataclass(frozen=True, slots=True)
class BookingPolicy:
    """The rules of one machine for one audience, every value decided.

    The defaults hold where nobody said anything: the least a workshop needs to be usable. Of
    the limits, 0 means that there is none.
    """

    step: timedelta = timedelta(minutes=15)
    minimum: timedelta = timedelta(minutes=30)
    maximum: timedelta = timedelta(hours=4)
    fixed: timedelta = NOTHING  # else every booking lasts so long
    whole_days: bool = False
    notice: timedelta = NOTHING
    horizon_days: int = 21
    setup: timedelta = NOTHING
    cleanup: timedelta = NOTHING
    cooling: timedelta = NOTHING  # after the clean-up
    level: int = 0
    modes: frozenset[Mode] = frozenset({Mode.SUPERVISED, Mode.RESIDENT})
    is_open: bool = True
    quota_machine: timedelta = NOTHING
    quota_category: timedelta = NOTHING
    quota_risky: timedelta = NOTHING
    last_minute: timedelta = NOTHING
    weekly_bookings: int = 0
    bookings_ahead: int = 0
    one_at_a_time: bool = False
    units: int = 0
    youngest: AgeBand = AgeBand.UNDER_16
    buddy: bool = False
    approval: Approval = Approval.NEVER
    approval_above: timedelta = NOTHING
    owner_approval: bool = False
    answer_within: timedelta = timedelta(hours=48)
    free_cancellation: timedelta = NOTHING
    release_after: timedelta = NOTHING
    overridable: frozenset[str] = OVERRIDABLE

    @property
    def runs_alone(self) -> bool:
        """Whoever has it need not be there: it is taken home, or runs through the night."""
        return self.whole_days or Mode.NIGHT in self.modes

    @property
    def counts_bookings(self) -> bool:
        """Whether some rule asks what else the member has booked."""
        return bool(
            self.quota_machine
            or self.quota_category
            or self.quota_risky
            or self.weekly_bookings
            or self.bookings_ahead
            or self.one_at_a_time
            or self.units
        )

    @property
    def before(self) -> timedelta:
        """How long before a booking the machine is already not free."""
        return self.setup

    @property
    def margin(self) -> timedelta:
        """What must lie free between two bookings."""
        return self.before + self.after

    @property
    def after(self) -> timedelta:
        """How long after a booking it is still not free: cleaned, then left to cool."""
        return self.cleanup + self.cooling


class Level(StrEnum):
    """Where a value of a policy comes from, the widest first."""

    DEFAULT = "default"
    PLACE = "place"
    CATEGORY = "category"
    MACHINE = "machine"
    RISK_CLASS = "risk_class"  # what the class of a machine asks for, whoever says less


class PolicyRow(Protocol):
    """A row of `policy`: a value or None in each column of BookingPolicy."""

    category_id: int | None
    machine_id: int | None
    audience: Audience | None


@dataclass(frozen=True, slots=True)
class Source:
    """Which row decided a value: how near the machine, and whether for this audience alone."""

    level: Level
    is_of_audience: bool = False


NAMES = tuple(field.name for field in fields(BookingPolicy))
NEARNESS = (Level.PLACE, Level.CATEGORY, Level.MACHINE)


def resolve(
    rows: Iterable[PolicyRow], audience: Audience | None, risk: RiskClass = RiskClass.A
) -> BookingPolicy:
    """Lay `rows` over the defaults: place, then category, then machine, each for all first.

    Rows of another audience are left out; `audience` None (a visitor) hears what is said to all.
    A machine of class D is for adults, whatever the rows say.
    """
    said = {name: _read(name, value) for name, (value, _) in _heard(rows, audience).items()}
    policy = BookingPolicy(**said)
    if policy.fixed:
        policy = replace(policy, minimum=policy.fixed, maximum=policy.fixed)
    if policy.whole_days:
        least = max(policy.minimum, A_DAY)
        policy = replace(policy, minimum=least, maximum=max(policy.maximum, least))
    return replace(policy, **asked_by(risk))


def asked_by(risk: RiskClass) -> dict[str, Any]:
    """What a risk class demands of every policy; it cannot be taken away, only added to."""
    return {"youngest": AgeBand.ADULT} if risk is RiskClass.D else {}


def sources(
    rows: Iterable[PolicyRow], audience: Audience | None, risk: RiskClass = RiskClass.A
) -> Mapping[str, Source]:
    """Of each value of `resolve`, with the same arguments, where it comes from."""
    found = dict.fromkeys(NAMES, Source(Level.DEFAULT))
    for name, (_, row) in _heard(rows, audience).items():
        found[name] = Source(NEARNESS[_nearness(row)], row.audience is not None)
    return found | dict.fromkeys(asked_by(risk), Source(Level.RISK_CLASS))


def _heard(
    rows: Iterable[PolicyRow], audience: Audience | None
) -> dict[str, tuple[Any, PolicyRow]]:
    """What is said of each value, and by which row; the nearest row speaks last."""
    heard = [row for row in rows if row.audience in (None, audience)]
    heard.sort(key=lambda row: (_nearness(row), row.audience is not None))
    return {
        name: (value, row)
        for row in heard
        for name in NAMES
        if (value := getattr(row, name)) is not None
    }


def _read(name: str, value: Any) -> Any:
    if name == "modes":
        return frozenset(Mode(mode) for mode in value)
    return frozenset(value) if name == "overridable" else value


def safety_hash(safety: str, forbidden: Iterable[str]) -> str:
    """SHA-256, in hexadecimal, of what one must have read; empty when there is nothing to read."""
    said = "\n".join((safety.strip(), *forbidden)).strip()
    return sha256(said.encode()).hexdigest() if said else ""


def _nearness(row: PolicyRow) -> int:
    """0 for the place's own rows, 1 for a category's, 2 for a machine's."""
    if row.machine_id is not None:
        return 2
    return 0 if row.category_id is None else 1
