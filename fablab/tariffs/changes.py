"""What another price does to those that are said already: they end the day before. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fablab.members.kinds import Audience
from fablab.tariffs.rules import Rate
from fablab.words import N_

A_DAY = timedelta(days=1)


class Problem(StrEnum):
    """Why prices cannot begin on a day; the value is what is read beneath the day."""

    PAST = N_("Prices that held are never rewritten: choose today or a later day.")
    PLANNED = N_("Other prices are planned to begin later: withdraw them first.")


@dataclass(frozen=True, slots=True)
class Said:
    """A price as it stands, for one audience or everybody else."""

    key: int
    audience: Audience | None
    rate: Rate
    product: str
    first_day: date
    last_day: date | None

    def holds_on(self, day: date) -> bool:
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class Wanted:
    rate: Rate
    product: str = ""


@dataclass(frozen=True, slots=True)
class Steps:
    """What is to be written: those that end, those that never began, those that begin."""

    ended: tuple[int, ...]
    dropped: tuple[int, ...]
    begun: Mapping[Audience | None, Wanted]

    def __bool__(self) -> bool:
        return bool(self.ended or self.dropped or self.begun)


def held(said: Iterable[Said], day: date) -> dict[Audience | None, Wanted]:
    """Whose prices hold on that day, and which."""
    return {each.audience: Wanted(each.rate, each.product) for each in said if each.holds_on(day)}


def is_past(said: Sequence[Said], first_day: date, today: date) -> bool:
    """Days gone by may be given a price only where nothing was ever said."""
    return bool(said) and first_day < today


def planned_for(
    said: Sequence[Said], wanted: Mapping[Audience | None, Wanted | None], first_day: date
) -> list[Audience | None]:
    """Who is to have another price although one is planned for them later; not whose stays."""
    stands = held(said, first_day)
    later = {each.audience for each in said if each.first_day > first_day}
    return [who for who, asked in wanted.items() if who in later and asked != stands.get(who)]


def steps(
    said: Sequence[Said], wanted: Mapping[Audience | None, Wanted | None], first_day: date
) -> Steps:
    """From `first_day` on what is wanted holds, and nothing else; what is the same is left alone,
    and so is what is planned to follow it.

    A price that would have begun that very day is dropped: it never held.
    """
    ended: list[int] = []
    dropped: list[int] = []
    begun: dict[Audience | None, Wanted] = {}
    for audience, asked in wanted.items():
        own = [s for s in said if s.audience == audience and s.holds_on(first_day)]
        is_followed = any(s.audience == audience and s.first_day > first_day for s in said)
        if asked and any(
            Wanted(each.rate, each.product) == asked and (is_followed or each.last_day is None)
            for each in own
        ):
            continue
        for each in own:
            (dropped if each.first_day == first_day else ended).append(each.key)
        if asked:
            begun[audience] = asked
    return Steps(tuple(ended), tuple(dropped), begun)


def planned_days(said: Iterable[Said], today: date) -> list[date]:
    """The days from today on when prices begin, or end and none follows."""
    said = list(said)
    begins = {each.first_day for each in said}
    ends = {each.last_day + A_DAY for each in said if each.last_day}
    return sorted(day for day in begins | ends if day >= today)
