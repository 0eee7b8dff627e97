"""What is used of what was granted: which uses tell it, and how much each took. Pure."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from fablab.tariffs.rules import Grant, Need, allot


def grant_of(row: Any) -> Grant:
    """Of the row of an allowance: what a member has for themselves is one portion."""
    return Grant(
        row.id,
        row.minutes,
        row.first_day,
        row.last_day,
        frozenset(row.categories),
        row.is_monthly,
        is_shared=row.is_shared or row.member_id is not None,
    )


class Spent(NamedTuple):
    """So many minutes of a grant went to somebody in a month."""

    grant: int
    month: date  # its first day
    who: str
    minutes: int


def spent(needs: Iterable[Need], grants: Sequence[Grant]) -> list[Spent]:
    needs = list(needs)
    drawn = allot(needs, grants)
    return [
        Spent(draw.grant, need.day.replace(day=1), need.who, draw.minutes)
        for need in needs
        for draw in drawn.get(need.key, ())
    ]


def entangled(shown: Collection[Grant], grants: Iterable[Grant]) -> list[Grant]:
    """Those shown, and all that may have covered a use in their stead, or in that of these."""
    found, others = list(shown), [grant for grant in grants if grant not in shown]
    for grant in found:
        near = [other for other in others if overlap(grant, other)]
        found += near
        others = [other for other in others if other not in near]
    return found


def overlap(one: Grant, other: Grant) -> bool:
    return one.first_day <= (other.last_day or date.max) and other.first_day <= (
        one.last_day or date.max
    )


def told_since(grants: Collection[Grant], month: date) -> date | None:
    """The first day whose uses tell what is left of them from `month` on; None without grants.

    What is given anew each month owes nothing to the months before, but where it stands beside
    what is given once, that one's whole life tells.
    """
    if not grants:
        return None
    first = min(grant.first_day for grant in grants)
    return max(first, month) if all(grant.is_monthly for grant in grants) else first
