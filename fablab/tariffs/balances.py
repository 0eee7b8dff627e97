"""What is left of what somebody was granted: sums, and nobody's name."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import and_, select

from fablab.clock import today, whole_days
from fablab.db import db
from fablab.machines.inventory import Inventory
from fablab.tariffs.allowances import Holder
from fablab.tariffs.models import Allowance
from fablab.tariffs.portions import Spent, entangled, grant_of, spent, told_since
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.uses import (
    need_of,
    of_member_alone,
    of_organization,
    place_wide,
    priced,
    uses_of,
)

SHOWN_FOR = timedelta(days=365)  # after its last day
MONTHS = 6  # of what is given anew each month, this one included


@dataclass(frozen=True, slots=True)
class Balance:
    """A grant, and what of it was used: of a monthly one month by month, the latest first."""

    row: Allowance
    day: date  # that counts: today, or its first or last when it is not for today
    by_month: dict[date, int] = field(default_factory=dict)
    is_of_several: bool = False  # the sum of what each of them has a part of

    @property
    def used(self) -> int:
        if self.row.is_monthly:
            return self.by_month.get(self.day.replace(day=1), 0)
        return sum(self.by_month.values())

    @property
    def left(self) -> int | None:
        """None where each of several people has their own."""
        return None if self.is_of_several else max(self.row.minutes - self.used, 0)


def balances(
    inventory: Inventory, holder: Holder, *, now: datetime, member_id: int | None = None
) -> list[Balance]:
    """What is granted, or was until a year ago, the latest first.

    `member_id` narrows what each of an organization's people has to one of them. Two statements.
    """
    place_id, day = inventory.place.id, today(inventory.schedule.zone, now)
    rows = db.session.scalars(
        select(Allowance)
        .where(Allowance.place_id == place_id, holder.holds())
        .order_by(Allowance.first_day.desc(), Allowance.id.desc())
    ).all()
    shown = [row for row in rows if row.last_day is None or row.last_day >= day - SHOWN_FOR]
    told = _spent(inventory, holder, shown, rows, day, now)
    return [_balance(row, told, day, member_id) for row in shown]


def _spent(
    inventory: Inventory,
    holder: Holder,
    shown: Collection[Allowance],
    rows: Collection[Allowance],
    day: date,
    now: datetime,
) -> list[Spent]:
    begun = [grant_of(row) for row in shown if row.first_day <= day]
    grants = entangled(begun, [grant_of(row) for row in rows if row.first_day <= day])
    oldest = min([day, *(grant.last_day for grant in begun if grant.last_day)])
    since = told_since(grants, months_back(oldest, MONTHS - 1))
    if since is None:
        return []
    zone, prices = inventory.schedule.zone, prices_of(inventory)
    if holder.organization_id is not None:
        theirs = of_organization(holder.organization_id)
    else:
        assert holder.member_id is not None
        theirs = of_member_alone(holder.member_id)
    scope = and_(place_wide(inventory.place.id), theirs)
    uses = uses_of(scope, whole_days(zone, since, day), now=now)
    return spent((need for use in uses if (need := need_of(use, priced(use, prices)))), grants)


def _balance(row: Allowance, told: Collection[Spent], day: date, member_id: int | None) -> Balance:
    each_has_some = row.organization_id is not None and not row.is_shared
    whose = str(member_id) if each_has_some and member_id is not None else None
    counted = min(max(day, row.first_day), row.last_day or date.max)
    oldest = months_back(counted, MONTHS - 1) if row.is_monthly else date.min
    by_month: dict[date, int] = {}
    for each in sorted(told, key=lambda one: one.month, reverse=True):
        if each.grant == row.id and whose in (None, each.who) and each.month >= oldest:
            by_month[each.month] = by_month.get(each.month, 0) + each.minutes
    return Balance(row, counted, by_month, is_of_several=each_has_some and whose is None)


def months_back(day: date, count: int) -> date:
    """The first of the month so many before that of `day`."""
    months = day.year * 12 + day.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)
