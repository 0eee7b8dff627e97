"""Who may follow a training, who may give what it gives, and how long that lasts. Pure."""

from calendar import monthrange
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from fablab.members.kinds import AgeBand
from fablab.trainings.kinds import Seating
from fablab.words import N_


def lasts_until(given_on: date, months: int | None) -> date | None:
    """The last valid day of what was given that day for so many months; None: for life.

    The same day of the month, or the month's last when it has no such day: a year from
    29 February ends on 28 February.
    """
    if months is None:
        return None
    years, month = divmod(given_on.month - 1 + months, 12)
    year = given_on.year + years
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(given_on.day, last))


def last_valid_day(
    *,
    given_on: date,
    expires_on: date | None,
    validity_months: int | None,
    inactivity_months: int | None,
    is_renewed_by_use: bool,
    last_used_on: date | None,
) -> date | None:
    """The last day on which a qualification is worth something; None: for life.

    Renewed by use, the validity counts from the last use, and a use never shortens it. What is
    not used for `inactivity_months`, from the last use or the day it was given, lapses then
    whatever its validity. What was given without an end is not given one by use.
    """
    used_on = max(given_on, last_used_on or given_on)
    if expires_on and is_renewed_by_use:
        expires_on = max(expires_on, lasts_until(used_on, validity_months) or expires_on)
    lapses_on = lasts_until(used_on, inactivity_months)
    return min((day for day in (expires_on, lapses_on) if day), default=None)


# As old as somebody of a band is for certain.
SURELY = {AgeBand.UNDER_16: 0, AgeBand.FROM_16: 16, AgeBand.ADULT: 18}
OF_AGE = 18


def is_old_enough(band: AgeBand, minimum_age: int | None) -> bool:
    """No birth date is kept: who is of age is old enough, anybody else only for certain."""
    return SURELY[band] >= min(minimum_age or 0, OF_AGE)


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who would come to a session, as the place knows them."""

    is_member: bool = True
    membership_ends_on: date | None = None  # its last day; none: without end
    suspended_until: datetime | None = None
    suspension_reason: str = ""
    age: AgeBand = AgeBand.ADULT
    guardian_agreed: bool = False


# Of whom nothing is known, and against whom nothing speaks.
ANYBODY = Applicant()


class Obstacle(StrEnum):
    """Why somebody may not register for a session; the value is the sentence they read."""

    OVER = N_("It is too late to register for this session.")
    THERE = N_("You are registered for this session already.")
    TRAINER = N_("You give this session yourself.")
    NO_MEMBERSHIP = N_("You are not a member of this place yet.")
    MEMBERSHIP_ENDED = N_("Your membership ended on %(day)s.")
    MEMBERSHIP_ENDS = N_("Your membership ends on %(day)s, before this session.")
    SUSPENDED = N_("Your right to book is suspended until %(until)s.")
    NO_GUARDIAN = N_("Your guardian has not signed the authorisation yet.")
    TOO_YOUNG = N_("This training is for people who are at least %(age)s years old.")
    PREREQUISITES = N_("This training asks for another one first: %(trainings)s.")


# The same for every session: said once.
OF_THE_PERSON = frozenset({Obstacle.NO_MEMBERSHIP, Obstacle.MEMBERSHIP_ENDED, Obstacle.NO_GUARDIAN})
# What the team cannot set aside either.
BINDS_THE_TEAM = frozenset(
    {Obstacle.OVER, Obstacle.THERE, Obstacle.TRAINER, Obstacle.NO_MEMBERSHIP}
)
# What to do about it.
ADVICE = {
    Obstacle.NO_MEMBERSHIP: N_("The team registers your membership when you come by."),
    Obstacle.MEMBERSHIP_ENDED: N_("Ask the team to renew it; it takes a minute."),
    Obstacle.MEMBERSHIP_ENDS: N_("Ask the team to renew it; it takes a minute."),
    Obstacle.NO_GUARDIAN: N_("Bring it to the team once; it holds until you are 18."),
}
WITH_REASON = N_("Reason given: %(why)s. The team can tell you more.")
WITHOUT_REASON = N_("The team can tell you more.")


def advice(obstacle: Obstacle, applicant: Applicant) -> str:
    """What to do about an obstacle, as a sentence; empty where there is nothing to do."""
    if obstacle is Obstacle.SUSPENDED:
        return WITH_REASON if applicant.suspension_reason else WITHOUT_REASON
    return ADVICE.get(obstacle, "")


def obstacles(
    *,
    is_planned: bool,
    starts_at: datetime,
    last_day: date,
    now: datetime,
    today: date,
    seating: Seating | None,
    is_trainer: bool,
    applicant: Applicant,
    minimum_age: int | None,
    missing: Collection[str],
) -> list[Obstacle]:
    """Every reason not to register, in the order one would check them; none of them is a yes.

    `last_day` is the session's, on the place's calendar as `today` is: a membership lasts until
    the end of its own. A suspension is asked of the hour at which the session starts. `missing`
    names the trainings required that are not held on the day of the session. A full session is
    no reason: one waits for a seat.
    """
    ends_on, suspended_until = applicant.membership_ends_on, applicant.suspended_until
    ends_before = ends_on is not None and ends_on < last_day
    has_ended = ends_on is not None and ends_on < today
    is_adult = applicant.age is AgeBand.ADULT
    there = {
        Obstacle.OVER: not is_planned or starts_at <= now,
        Obstacle.THERE: seating not in (None, Seating.LEFT),
        Obstacle.TRAINER: is_trainer,
        Obstacle.NO_MEMBERSHIP: not applicant.is_member,
        Obstacle.MEMBERSHIP_ENDED: ends_before and has_ended,
        Obstacle.MEMBERSHIP_ENDS: ends_before and not has_ended,
        Obstacle.SUSPENDED: suspended_until is not None and starts_at < suspended_until,
        Obstacle.NO_GUARDIAN: not is_adult and not applicant.guardian_agreed,
        Obstacle.TOO_YOUNG: not is_old_enough(applicant.age, minimum_age),
        Obstacle.PREREQUISITES: bool(missing),
    }
    return [obstacle for obstacle, is_there in there.items() if is_there]


def seating_for(*, seats: int, seated: int) -> Seating:
    return Seating.SEATED if seated < seats else Seating.WAITING


def is_to_cancel(*, seated: int, minimum_people: int) -> bool:
    """What is decided so long before a session, and once: too few people."""
    return seated < minimum_people


def may_grant(
    *,
    by_id: int,
    member_id: int,
    is_team: bool,
    machines: Collection[int],
    trains_on: Collection[int],
    looks_after: Collection[int],
) -> bool:
    """May `by_id` give `member_id` a qualification on `machines`?

    The team gives any; a trainer (level 4 today) or a referent on their own machines alone, and
    a training only when all it grants is on these. Nobody gives themselves anything.
    """
    own = {*trains_on, *looks_after}
    return by_id != member_id and (is_team or (bool(machines) and own.issuperset(machines)))


def is_circular(training: int, required: Mapping[int, Collection[int]]) -> bool:
    """Does `training` ask for itself, straight or through those it asks for?"""
    to_ask, asked = list(required.get(training, ())), set()
    while to_ask:
        each = to_ask.pop()
        if each == training:
            return True
        if each not in asked:
            asked.add(each)
            to_ask += required.get(each, ())
    return False
