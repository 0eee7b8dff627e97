"""Who belongs to an organization and who may manage it: plain facts in, plain answers out."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fablab.organizations.kinds import OrganizationKind
from fablab.words import N_, slug


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody in an organization, from one day to another included."""

    member_id: int
    since: date
    until: date | None
    is_manager: bool

    def covers(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)

    def lasts(self, today: date) -> bool:
        """Today, and without an end."""
        return self.covers(today) and self.until is None


class Refusal(StrEnum):
    """Why somebody's stay is not changed; the value is the sentence that is read."""

    LAST_MANAGER = N_("Somebody has to manage the organization: name another manager first.")
    BEFORE_START = N_("It ends before it begins.")
    OVER = N_("This day is over already.")


OF_THE_DAY = frozenset({Refusal.BEFORE_START, Refusal.OVER})  # the last one, as it was typed


def refusals(
    was: Stay, wished: Stay, others: Iterable[Stay], *, today: date, is_team: bool
) -> list[Refusal]:
    """Every reason not to change somebody's stay so.

    An organization that has a manager keeps one who stays, unless the team does it. What ended
    before today is not written into the past: bookings were made in it meanwhile. Of a day before
    it began only that is said, also when that day is over.
    """
    managers = [each for each in others if each.is_manager and each.lasts(today)]
    gives_up = (
        was.is_manager and was.lasts(today) and not (wished.is_manager and wished.lasts(today))
    )
    ends_before = wished.until is not None and wished.until < wished.since
    is_over = wished.until not in (None, was.until) and wished.until < today
    broken = {
        Refusal.LAST_MANAGER: gives_up and not managers and not is_team,
        Refusal.BEFORE_START: ends_before,
        Refusal.OVER: is_over and not ends_before,
    }
    return [refusal for refusal, is_broken in broken.items() if is_broken]


def has_account(kind: OrganizationKind, activity: str, known: Collection[str]) -> bool:
    """Whether something may be put down to that activity account of it: to one of those that its
    people have; a co-operative makes new ones, which nobody may have yet.
    """
    return kind is OrganizationKind.COOPERATIVE or activity in known


def is_siren(text: str) -> bool:
    """Nine digits, the last of which proves the others (ISO/IEC 7812-1, annex B: Luhn)."""
    if len(text) != 9 or not (text.isascii() and text.isdigit()):
        return False
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(text)]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


YEARS = 10  # that may be declared, today's the last


def years(today: date, hosted_since: date | None) -> list[int]:
    """Those an organization may declare, the latest first: not before it was hosted."""
    first = max(today.year - YEARS + 1, hosted_since.year if hosted_since else 0)
    return list(range(today.year, min(first, today.year) - 1, -1))


def slug_of(name: str, taken: Collection[str]) -> str:
    """What an address calls it: the plain letters of its `name`, numbered when they are taken."""
    first = slug(name)[:40].strip("-") or "organization"
    found, number = first, 1
    while found in taken:
        number += 1
        found = f"{first}-{number}"
    return found
