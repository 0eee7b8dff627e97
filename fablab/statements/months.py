"""All that a place used in a month, by whom it is stated to: what remains to be closed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, or_

from fablab import clock
from fablab.machines.inventory import Inventory
from fablab.machines.models import Occupancy
from fablab.statements import pricing, queries
from fablab.statements.gathering import first_used, may_cover
from fablab.statements.kinds import Scope
from fablab.statements.pricing import Books
from fablab.statements.queries import Subject
from fablab.statements.rules import Line, Period, Total, refusal, total
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.uses import Use, consumed_in, place_wide, uses_of


class Entry(NamedTuple):
    """A subject with what it used in the period, corrections of earlier ones apart."""

    subject: Subject
    total: Total
    statement: Any  # the closed one of just that period, or None
    is_stated: bool  # some of its days are, in any statement

    @property
    def is_open(self) -> bool:
        return not self.is_stated


class Month(NamedTuple):
    entries: list[Entry]
    currency: str


def month_of(period: Period, inventory: Inventory, now: datetime) -> Month:
    """By scope and name. At most eight statements, whatever the number of bookings."""
    place_id = inventory.place.id
    rows = queries.allowances(place_id)
    held = [row for row in rows if may_cover(row, [period])]
    uses = uses_in(period, held, inventory, now)
    prices = prices_of(inventory)
    span = clock.whole_days(prices.terms.zone, period.first, period.last)
    consumed = consumed_in(place_wide(place_id), span, now=now)
    organizations = queries.organizations(place_id)
    alone = {use.member_id for use in uses if use.organization_id is None}
    members = queries.members(alone)
    made = queries.in_days(place_id, period.first, period.last)
    entries = []
    for (organization_id, member_id), theirs in by_holder(uses).items():
        books = Books(prices, theirs, consumed, granted_to(held, organization_id, member_id))
        own = [use for use in theirs if period.holds(use.day)]
        lines = pricing.lines(books, own)
        if member_id is not None:
            subject = Subject(Scope.MEMBER, place_id, members[member_id])
            entries.append(entry(subject, lines, made, period))
            continue
        assert organization_id is not None
        row = organizations[organization_id]
        entries.append(entry(Subject(Scope.ORGANIZATION, place_id, row), lines, made, period))
        for activity in sorted({line.activity for line in lines} - {""}):
            of_it = [line for line in lines if line.activity == activity]
            subject = Subject(Scope.ACTIVITY, place_id, row, activity)
            entries.append(entry(subject, of_it, made, period))
    owned = by_owner(uses, period)
    shares = queries.shares(*owned)
    for owner_id, used in owned.items():
        lines = pricing.owner_lines(Books(prices, used), used, owner_id, shares[owner_id])
        subject = Subject(Scope.OWNER, place_id, organizations[owner_id])
        entries.append(entry(subject, lines, made, period))
    found = [each for each in entries if each.total.count]
    return Month(sorted(found, key=in_turn), prices.terms.currency)


def uses_in(period: Period, held: Sequence[Any], inventory: Inventory, now: datetime) -> list[Use]:
    """Those of the period, and for who was granted something all since that began."""
    zone, place_id = inventory.schedule.zone, inventory.place.id
    begins = clock.midnight(zone, period.first)
    first = min([period.first] + [first_used(row, [period]) for row in held])
    organizations = {row.organization_id for row in held if row.organization_id}
    members = {row.member_id for row in held if row.member_id}
    wanted = or_(
        Occupancy.starts_at >= begins,
        Occupancy.organization_id.in_(sorted(organizations)),
        and_(Occupancy.organization_id.is_(None), Occupancy.member_id.in_(sorted(members))),
    )
    span = clock.whole_days(zone, first, period.last)
    return uses_of(and_(place_wide(place_id), wanted), span, now=now)


def by_holder(uses: Iterable[Use]) -> dict[tuple[int | None, int | None], list[Use]]:
    """By organization, or by member where it was for themselves."""
    found: dict[tuple[int | None, int | None], list[Use]] = defaultdict(list)
    for use in uses:
        alone = use.member_id if use.organization_id is None else None
        found[use.organization_id, alone].append(use)
    return found


def by_owner(uses: Iterable[Use], period: Period) -> dict[int, list[Use]]:
    found: dict[int, list[Use]] = defaultdict(list)
    for use in uses:
        if use.owner_id is not None and period.holds(use.day):
            found[use.owner_id].append(use)
    return found


def granted_to(
    held: Iterable[Any], organization_id: int | None, member_id: int | None
) -> list[Any]:
    return [
        row for row in held if row.organization_id == organization_id and row.member_id == member_id
    ]


def entry(subject: Subject, lines: Sequence[Line], made: Sequence[Any], period: Period) -> Entry:
    own = [row for row in made if is_of(row, subject)]
    exact = (row for row in own if Period(row.first_day, row.last_day) == period)
    return Entry(subject, total(lines), next(exact, None), bool(own))


def is_of(row: Any, subject: Subject) -> bool:
    return (row.scope, row.organization_id, row.activity, row.member_id) == (
        subject.scope,
        subject.organization_id,
        subject.activity,
        subject.member_id,
    )


def in_turn(entry: Entry) -> tuple[int, str, str]:
    scopes = list(Scope)
    return (
        scopes.index(entry.subject.scope),
        entry.subject.name.casefold(),
        entry.subject.activity,
    )


def to_close(entries: Iterable[Entry], period: Period, today: date) -> list[Subject]:
    """The open ones, once the period is over."""
    if refusal(period, today, ()):
        return []
    return [each.subject for each in entries if each.is_open]
