"""What somebody used on behalf of organizations, and which statement of it they may read."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_

from fablab import clock
from fablab.machines.inventory import Inventory
from fablab.machines.models import Occupancy
from fablab.statements import queries
from fablab.statements.kinds import Scope
from fablab.statements.rules import A_MINUTE, LOOKBACK, Period
from fablab.tariffs.uses import place_wide, uses_of

Account = tuple[int, str]  # an organization's id, an activity account of it or ""


class Behalf(NamedTuple):
    """Of one account of theirs: how much they used in a period, and where its statement is."""

    organization_id: int
    organization: str
    activity: str
    minutes: int
    scope: Scope | None  # of the statement that they may read; None: of no one
    of: str
    is_shared: bool  # with others: its statement is for who manages the organization

    @property
    def account(self) -> str:
        """Of the statement: none of the whole organization's."""
        return self.activity if self.scope is Scope.ACTIVITY else ""


def on_behalf(person: Any, period: Period, inventory: Inventory, now: datetime) -> list[Behalf]:
    """By name; an account of their own also where nothing was used. At most four statements."""
    zone, place_id = inventory.schedule.zone, inventory.place.id
    theirs = and_(
        place_wide(place_id),
        Occupancy.member_id == person.id,
        Occupancy.organization_id.is_not(None),
    )
    span = clock.whole_days(zone, period.first, period.last)
    used: Counter[Account] = Counter()
    for use in uses_of(theirs, span, now=now):
        used[use.organization_id or 0, use.activity] += use.booked.duration // A_MINUTE
    day = clock.today(zone, now)
    stays = {each.organization_id: each for each in queries.stays_of(person.id, place_id, day)}
    own = {(each.organization_id, each.activity) for each in stays.values() if each.activity}
    shared = shared_among(own, person.id, inventory, now)
    rows = queries.organizations(place_id) if used or own else {}
    found = [
        _behalf(rows[account[0]], account, used[account], stays.get(account[0]), person, shared)
        for account in used.keys() | own
    ]
    return sorted(found, key=lambda each: (each.organization.lower(), each.activity))


def _behalf(
    row: Any, account: Account, minutes: int, stay: Any, person: Any, shared: Collection[Account]
) -> Behalf:
    activity, scope = account[1], None
    is_own = stay is not None and bool(activity) and stay.activity == activity
    if is_own and (stay.is_manager or account not in shared):
        scope = Scope.ACTIVITY
    elif stay is not None and stay.is_manager:
        scope = Scope.ORGANIZATION
    return Behalf(
        row.id,
        row.name,
        activity,
        minutes,
        scope,
        row.slug,
        is_shared=is_own and not stay.is_manager and account in shared,
    )


def shared_among(
    accounts: Iterable[Account], member_id: int, inventory: Inventory, now: datetime
) -> set[Account]:
    """Those of which a statement of today may tell what somebody else used, and that their own
    people therefore may not read. At most one statement.
    """
    oldest = clock.today(inventory.schedule.zone, now) - LOOKBACK
    since = clock.whole_days(inventory.schedule.zone, oldest, oldest).start
    return queries.used_by_others(accounts, member_id, since)
