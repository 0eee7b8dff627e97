"""A statement as it would be closed now: what was used, and what earlier ones said of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_

from fablab import clock
from fablab.machines.inventory import Inventory
from fablab.machines.models import Occupancy
from fablab.statements import canon, pricing, queries
from fablab.statements.kinds import Scope
from fablab.statements.pricing import Books
from fablab.statements.queries import Subject
from fablab.statements.rules import (
    A_DAY,
    LONGEST,
    LOOKBACK,
    Line,
    Period,
    Stated,
    left_open,
    statement_of,
)
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import Terms
from fablab.tariffs.uses import (
    Use,
    consumed_in,
    of_member_alone,
    of_organization,
    of_owner,
    place_wide,
    starts_of,
    uses_of,
)


class Account(NamedTuple):
    """A statement as it would be closed now."""

    lines: list[Line]
    people: dict[str, Any]  # members by the references of the lines
    allowances: Sequence[Any]  # those that cover something
    closed: list[Period]  # of the same subject
    previous: str  # the fingerprint of the one closed last
    terms: Terms


def account_of(subject: Subject, period: Period, inventory: Inventory, now: datetime) -> Account:
    """At most nine statements of the database, whatever the number of bookings."""
    oldest = clock.today(inventory.schedule.zone, now) - LOOKBACK
    rows = queries.closed(subject)
    told = lines_in(rows)
    closed = stated(told, oldest)
    periods = [period, *(each.period for each in closed)]
    books = books_of(subject, periods, inventory, now)
    concerned = [use for use in books.uses if any(days.holds(use.day) for days in periods)]
    people = people_of(subject, rows, concerned)
    lines = lines_of(subject, books, concerned)
    gone = queries.bookings(missing(lines, closed))
    settled = out_of_reach(subject, lines, closed, people, gone)
    made = statement_of(period, lines, closed, settled)
    covering = {uid for line in made for uid in line.covered}
    return Account(
        made,
        {line.person: people[line.person] for line in made if line.person in people},
        [row for row in books.allowances if row.uid in covering],
        [Period(row.first_day, row.last_day) for row in rows],
        previous_of(subject, rows),
        books.prices.terms,
    )


ClosedLines = Sequence[tuple[Any, Sequence[Line]]]  # rows of closed statements, with their lines


def lines_in(rows: Iterable[Any]) -> ClosedLines:
    return [(row, [canon.line_of(each) for each in canon.read(row.body)["lines"]]) for row in rows]


def stated(told: ClosedLines, oldest: date) -> list[Stated]:
    """What closed statements say of what began on that day or later."""
    found = []
    for row, lines in told:
        recent = [line for line in lines if line.day >= oldest]
        if recent or row.last_day >= oldest:
            days = Period(min(max(row.first_day, oldest), row.last_day), row.last_day)
            found.append(Stated(Period(row.first_day, row.last_day), recent, days))
    return found


def books_of(
    subject: Subject, periods: Sequence[Period], inventory: Inventory, now: datetime
) -> Books:
    """With all uses since the first day that a grant which may cover some of them is for: what
    is left of it is told by those before.
    """
    prices = prices_of(inventory)
    held = [] if subject.scope is Scope.OWNER else allowances_of(subject, periods)
    first = min([days.first for days in periods] + [first_used(row, periods) for row in held])
    last = max(days.last for days in periods)
    span = clock.whole_days(prices.terms.zone, first, last)
    scope = scope_of(subject)
    consumed = {} if subject.scope is Scope.OWNER else consumed_in(scope, span, now=now)
    return Books(prices, uses_of(scope, span, now=now), consumed, held)


def allowances_of(subject: Subject, periods: Sequence[Period]) -> list[Any]:
    rows = queries.allowances(subject.place_id, queries.held_by(subject))
    return [row for row in rows if may_cover(row, periods)]


def may_cover(row: Any, periods: Iterable[Period]) -> bool:
    days = Period(row.first_day, row.last_day or date.max)
    return any(days.overlaps(period) for period in periods)


def first_used(row: Any, periods: Iterable[Period]) -> date:
    """The first day whose uses tell what is left of a grant; a monthly one begins
    each month anew.
    """
    if not row.is_monthly:
        first_day: date = row.first_day
        return first_day
    first = min(period.first for period in periods)
    return max(row.first_day, first.replace(day=1))


def scope_of(subject: Subject) -> ColumnElement[bool]:
    """Of an activity all that is the organization's, for they share what it was granted."""
    here = place_wide(subject.place_id)
    if subject.member_id is not None:
        return and_(here, of_member_alone(subject.member_id))
    assert subject.organization_id is not None
    if subject.scope is Scope.OWNER:
        return and_(here, of_owner(subject.organization_id))
    return and_(here, of_organization(subject.organization_id))


def left_open_before(
    subject: Subject, period: Period, closed: Sequence[Period], inventory: Inventory, now: datetime
) -> Period | None:
    """What of the year before a period no statement says yet, its first month. One statement."""
    zone = inventory.schedule.zone
    span = clock.whole_days(zone, period.first - LONGEST, period.first - A_DAY)
    scope = scope_of(subject)
    if subject.scope is Scope.ACTIVITY:
        scope = and_(scope, Occupancy.activity == subject.activity)
    starts = starts_of(scope, span, now=now)
    return left_open((clock.today(zone, at) for at in starts), closed)


def lines_of(subject: Subject, books: Books, uses: Sequence[Use]) -> list[Line]:
    if subject.scope is Scope.OWNER:
        assert subject.organization_id is not None
        owner_id = subject.organization_id
        return pricing.owner_lines(books, uses, owner_id, queries.shares(owner_id)[owner_id])
    if subject.scope is Scope.ACTIVITY:
        uses = [use for use in uses if use.activity == subject.activity]
    return pricing.lines(books, uses)


def of_machines(
    owner_id: int, period: Period, inventory: Inventory, now: datetime
) -> dict[str, list[Line]]:
    """What an owner's statement would say of the period itself, by the machine's code. Two
    statements, where the prices are known.
    """
    prices = prices_of(inventory)
    span = clock.whole_days(prices.terms.zone, period.first, period.last)
    scope = and_(place_wide(inventory.place.id), of_owner(owner_id))
    books = Books(prices, uses_of(scope, span, now=now))
    found: dict[str, list[Line]] = {}
    for line in pricing.owner_lines(
        books, books.uses, owner_id, queries.shares(owner_id)[owner_id]
    ):
        found.setdefault(line.machine, []).append(line)
    return found


def people_of(subject: Subject, rows: Sequence[Any], uses: Iterable[Use]) -> dict[str, Any]:
    """Members by what they are called in the lines; nobody is in an owner's statement."""
    if subject.scope is Scope.OWNER:
        return {}
    before = queries.people_in(*(row.id for row in rows))
    now = queries.members(use.member_id for use in uses)
    return before | {canon.reference(row.uid): row for row in now.values()}


def missing(lines: Iterable[Line], closed: Iterable[Stated]) -> set[str]:
    """The bookings that closed statements tell of, and that are no uses any more."""
    told = {line.booking for each in closed for line in each.lines}
    return told - {line.booking for line in lines}


def out_of_reach(
    subject: Subject,
    lines: Iterable[Line],
    closed: Iterable[Stated],
    people: Mapping[str, Any],
    gone: Mapping[str, Any],
) -> frozenset[str]:
    """The bookings of which it can no longer be told whether a statement was wrong: an erasure
    takes activities along, and a machine may have changed hands. `gone` are rows of the missing
    ones, of others too.
    """
    erased = {name for name, row in people.items() if row.erased_at is not None}
    told = [line for each in closed for line in each.lines]
    settled = {line.booking for line in (*lines, *told) if line.person in erased}
    for uid in missing(lines, closed) & gone.keys():
        is_sold = subject.scope is Scope.OWNER and gone[uid].owner_id != subject.organization_id
        if gone[uid].erased_at is not None or is_sold:
            settled.add(uid)
    return frozenset(settled)


def previous_of(subject: Subject, rows: Sequence[Any]) -> str:
    """The end of the subject's own chain; a member may have that of another account beside it."""
    own = [row for row in rows if row.subject == subject.key]
    return own[-1].sha256 if own else ""
