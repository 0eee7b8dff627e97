"""All that a place used in a month, by whom it is stated to: what remains to be closed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Any, NamedTuple

from sqlalchemy import and_, or_

from fablab import clock
from fablab.machines.inventory import Inventory
from fablab.machines.models import Occupancy
from fablab.statements import canon, pricing, queries
from fablab.statements.gathering import (
    first_used,
    lines_in,
    may_cover,
    missing,
    out_of_reach,
    stated,
)
from fablab.statements.kinds import Scope
from fablab.statements.pricing import Books
from fablab.statements.queries import Subject
from fablab.statements.rules import (
    LOOKBACK,
    Line,
    Period,
    Stated,
    Total,
    refusal,
    statement_of,
    total,
)
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.uses import Use, consumed_in, place_wide, uses_of
from fablab.words import alphabetical


class Entry(NamedTuple):
    """A subject with what its statement of the period says, or would say if it were closed now."""

    subject: Subject
    total: Total
    statement: Any  # the closed one of just that period, or None
    is_stated: bool  # some of its days are, in any statement
    currency: str  # of the closed one what it says, else the place's

    @property
    def is_open(self) -> bool:
        return not self.is_stated


class Month(NamedTuple):
    entries: list[Entry]
    currency: str  # the place's


Key = tuple[Scope, int | None, str, int | None]


class Closed(NamedTuple):
    """The closed statements of a place that a month has to do with, by whose they are."""

    period: Period
    rows: dict[Key, list[Any]]
    told: dict[Key, list[Stated]]  # what is compared with today, of those that the month is open of

    @property
    def periods(self) -> list[Period]:
        return [self.period, *(each.period for those in self.told.values() for each in those)]

    def of_month(self, key: Key) -> list[Any]:
        return [row for row in self.rows.get(key, ()) if self.period.overlaps(period_of(row))]


class Current(NamedTuple):
    """A subject with its lines as things are now, of the period and of those that it corrects."""

    subject: Subject
    lines: Sequence[Line]


def month_of(period: Period, inventory: Inventory, now: datetime) -> Month:
    """By scope and name. At most ten statements, whatever the number of bookings. What is closed
    says what it said; the rest what its preview says.
    """
    granted = queries.allowances(inventory.place.id)
    closed = closed_for(period, inventory, now)
    people = queries.people_in(*(row.id for key in closed.told for row in closed.rows[key]))
    told, now_there = current_of(closed, granted, inventory, now)
    people |= {canon.reference(row.uid): row for row in now_there.values()}
    gone = queries.bookings(
        uid
        for each in told
        for uid in missing(each.lines, closed.told.get(key_of(each.subject), ()))
    )
    currency = prices_of(inventory).terms.currency
    entries = [entry(each, closed, people, gone, currency) for each in told]
    found = [each for each in entries if each.total.count or each.is_stated]
    return Month(sorted(found, key=in_turn), currency)


def closed_for(period: Period, inventory: Inventory, now: datetime) -> Closed:
    zone = inventory.schedule.zone
    oldest = clock.today(zone, now) - LOOKBACK
    since = clock.midnight(zone, oldest)
    rows: dict[Key, list[Any]] = defaultdict(list)
    for row in queries.of_place(inventory.place.id, period.first, period.last, since):
        rows[key_of(row)].append(row)
    told = {
        key: stated(lines_in(those), oldest)
        for key, those in rows.items()
        if not any(period.overlaps(period_of(row)) for row in those)
    }
    return Closed(period, dict(rows), told)


def current_of(
    closed: Closed, granted: Iterable[Any], inventory: Inventory, now: datetime
) -> tuple[list[Current], dict[int, Any]]:
    """All whose statements there are, and the members by their ids."""
    place_id, periods = inventory.place.id, closed.periods
    held = [row for row in granted if may_cover(row, periods)]
    uses = uses_in(periods, held, inventory, now)
    prices = prices_of(inventory)
    span = days_of(periods, prices.terms.zone)
    consumed = consumed_in(place_wide(place_id), span, now=now)
    organizations = queries.organizations(place_id)
    known = {row.member_id for those in closed.rows.values() for row in those} - {None}
    members = queries.members({use.member_id for use in uses} | known)
    lines: dict[Key, list[Line]] = {key: [] for key in closed.rows}
    for (organization_id, member_id), theirs in by_holder(uses).items():
        books = Books(prices, theirs, consumed, granted_to(held, organization_id, member_id))
        scope = Scope.ORGANIZATION if member_id is None else Scope.MEMBER
        own = pricing.lines(books, concerned(theirs, periods))
        lines[scope, organization_id, "", member_id] = own
        if member_id is None:
            for activity in sorted({line.activity for line in own} - {""}):
                of_it = [line for line in own if line.activity == activity]
                lines[Scope.ACTIVITY, organization_id, activity, None] = of_it
    owned = by_owner(concerned(uses, periods))
    shares = queries.shares(*owned)
    for owner_id, used in owned.items():
        books = Books(prices, used)
        of_owner = pricing.owner_lines(books, used, owner_id, shares[owner_id])
        lines[Scope.OWNER, owner_id, "", None] = of_owner
    told = []
    for (scope, organization_id, activity, member_id), own in lines.items():
        row = members[member_id] if member_id else organizations[organization_id or 0]
        told.append(Current(Subject(scope, place_id, row, activity), own))
    return told, members


def concerned(uses: Iterable[Use], periods: Sequence[Period]) -> list[Use]:
    return [use for use in uses if any(days.holds(use.day) for days in periods)]


def days_of(periods: Sequence[Period], zone: tzinfo) -> Any:
    first, last = min(each.first for each in periods), max(each.last for each in periods)
    return clock.whole_days(zone, first, last)


def uses_in(
    periods: Sequence[Period], held: Sequence[Any], inventory: Inventory, now: datetime
) -> list[Use]:
    """Those of the periods, and for who was granted something all since that began."""
    zone, place_id = inventory.schedule.zone, inventory.place.id
    begins = clock.midnight(zone, min(each.first for each in periods))
    since = [Period(first, first) for first in (first_used(row, periods) for row in held)]
    organizations = {row.organization_id for row in held if row.organization_id}
    members = {row.member_id for row in held if row.member_id}
    wanted = or_(
        Occupancy.starts_at >= begins,
        Occupancy.organization_id.in_(sorted(organizations)),
        and_(Occupancy.organization_id.is_(None), Occupancy.member_id.in_(sorted(members))),
    )
    return uses_of(and_(place_wide(place_id), wanted), days_of([*periods, *since], zone), now=now)


def by_holder(uses: Iterable[Use]) -> dict[tuple[int | None, int | None], list[Use]]:
    """By organization, or by member where it was for themselves."""
    found: dict[tuple[int | None, int | None], list[Use]] = defaultdict(list)
    for use in uses:
        alone = use.member_id if use.organization_id is None else None
        found[use.organization_id, alone].append(use)
    return found


def by_owner(uses: Iterable[Use]) -> dict[int, list[Use]]:
    found: dict[int, list[Use]] = defaultdict(list)
    for use in uses:
        if use.owner_id is not None:
            found[use.owner_id].append(use)
    return found


def granted_to(
    held: Iterable[Any], organization_id: int | None, member_id: int | None
) -> list[Any]:
    return [
        row for row in held if row.organization_id == organization_id and row.member_id == member_id
    ]


def entry(
    told: Current,
    closed: Closed,
    people: Mapping[str, Any],
    gone: Mapping[str, Any],
    currency: str,
) -> Entry:
    """Of one that is stated in part what no statement says yet; what only corrects stands in the
    months after those that it corrects.
    """
    subject, lines, period = told.subject, told.lines, closed.period
    key = key_of(subject)
    made = closed.of_month(key)
    exact = next((row for row in made if period_of(row) == period), None)
    if exact:
        said = canon.read(exact.body)
        return Entry(subject, canon.total_of(said), exact, True, said["currency"])
    if made:
        days = [period_of(row) for row in made]
        left = [
            line
            for line in lines
            if period.holds(line.day) and not any(each.holds(line.day) for each in days)
        ]
        return Entry(subject, total(left), None, True, currency)
    before = closed.told.get(key, [])
    settled = out_of_reach(subject, lines, before, people, gone)
    would_say = statement_of(period, lines, before, settled)
    is_said = any(line.corrects is None or line.corrects.last < period.first for line in would_say)
    return Entry(subject, total(would_say if is_said else ()), None, False, currency)


def key_of(of: Any) -> Key:
    """Of a subject, or of the row of a statement."""
    return of.scope, of.organization_id, of.activity, of.member_id


def period_of(row: Any) -> Period:
    return Period(row.first_day, row.last_day)


def in_turn(entry: Entry) -> tuple[int, str, str]:
    scopes = list(Scope)
    return (
        scopes.index(entry.subject.scope),
        alphabetical(entry.subject.name),
        entry.subject.activity,
    )


def to_close(entries: Iterable[Entry], period: Period, today: date) -> list[Subject]:
    """The open ones, once the period is over."""
    if refusal(period, today, ()):
        return []
    return [each.subject for each in entries if each.is_open]
