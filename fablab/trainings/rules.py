"""Who may follow a training, who may give what it gives, and how long that lasts. Pure."""

from calendar import monthrange
from collections.abc import Collection, Mapping
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


WARNED = (30, 7)  # days before the end of a qualification on which its holder is told


def warning_due(last_day: date, *, given_on: date, today: date) -> int | None:
    """Which of WARNED is due today for what ends with `last_day`: the closest one; else None.

    What was given for a shorter while than a warning is ahead does not start with it.
    """
    left = (last_day - today).days
    due = [days for days in WARNED if 0 <= left <= days < (last_day - given_on).days]
    return min(due, default=None)


# As old as somebody of a band is for certain.
SURELY = {AgeBand.UNDER_16: 0, AgeBand.FROM_16: 16, AgeBand.ADULT: 18}
OF_AGE = 18


def is_old_enough(band: AgeBand, minimum_age: int | None) -> bool:
    """No birth date is kept: who is of age is old enough, anybody else only for certain."""
    return SURELY[band] >= min(minimum_age or 0, OF_AGE)


class Obstacle(StrEnum):
    """Why somebody may not register for a session; the value is the sentence they read."""

    OVER = N_("It is too late to register for this session.")
    THERE = N_("You are registered for this session already.")
    TRAINER = N_("You give this session yourself.")
    TOO_YOUNG = N_("This training is for people who are at least %(age)s years old.")
    PREREQUISITES = N_("This training asks for another one first: %(trainings)s.")


def obstacles(
    *,
    is_planned: bool,
    starts_at: datetime,
    now: datetime,
    seating: Seating | None,
    is_trainer: bool,
    age_band: AgeBand,
    minimum_age: int | None,
    missing: Collection[str],
) -> list[Obstacle]:
    """Every reason not to register, in the order one would check them; none of them is a yes.

    `missing` names the trainings required that are not held on the day of the session. A full
    session is no reason: one waits for a seat.
    """
    there = {
        Obstacle.OVER: not is_planned or starts_at <= now,
        Obstacle.THERE: seating not in (None, Seating.LEFT),
        Obstacle.TRAINER: is_trainer,
        Obstacle.TOO_YOUNG: not is_old_enough(age_band, minimum_age),
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
