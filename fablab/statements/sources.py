"""What statements are computed from, as plain tables: so that anybody can compute them again
without this program. `fablab statement sources` writes them.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from fablab import clock
from fablab.db import db
from fablab.exports import cell
from fablab.machines.agreement_models import SharingAgreement
from fablab.machines.inventory import Inventory
from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Category, Machine, Occupancy
from fablab.members.models import Member
from fablab.organizations.models import Organization
from fablab.statements import canon, queries
from fablab.statements.rules import Period
from fablab.tariffs.models import Consumption, Supply
from fablab.tariffs.price_list import prices_of

OWNER = Organization.__table__.alias("owner")


def tables(inventory: Inventory, period: Period) -> dict[str, str]:
    """CSV by file name; times are UTC, lengths minutes, numbers with a point."""
    prices = prices_of(inventory)
    terms = prices.terms
    codes = {machine.id: machine.code for machine in inventory.machines}
    return {
        "bookings.csv": bookings(inventory, period),
        "tariffs.csv": written(
            (
                "machine",
                "audience",
                "unit",
                "price",
                "step",
                "minimum",
                "included",
                "first_day",
                "last_day",
                "product",
            ),
            (
                (
                    codes.get(price.machine_id or 0, ""),
                    price.audience or "",
                    price.rate.unit,
                    price.rate.price,
                    price.rate.step,
                    price.rate.minimum,
                    price.rate.included,
                    price.first_day,
                    price.last_day,
                    price.product,
                )
                for price in prices.prices
            ),
        ),
        "consumptions.csv": consumptions(inventory.place.id),
        "allowances.csv": allowances(inventory.place.id),
        "agreements.csv": agreements(inventory.place.id),
        "terms.csv": written(
            ("zone", "currency", "charged", "late_percent", "missed_percent"),
            [
                (
                    inventory.place.zone,
                    terms.currency,
                    terms.charged,
                    terms.late_percent,
                    terms.missed_percent,
                )
            ],
        ),
    }


def bookings(inventory: Inventory, period: Period) -> str:
    """All that start in the period, whatever became of them, people by their references."""
    span = clock.whole_days(inventory.schedule.zone, period.first, period.last)
    asked = (
        select(
            Occupancy.uid,
            Machine.code,
            Category.slug.label("category"),
            OWNER.c.slug.label("owner"),
            Occupancy.audience,
            Organization.slug.label("organization"),
            Occupancy.activity,
            Member.uid.label("member"),
            Occupancy.starts_at,
            Occupancy.ends_at,
            Occupancy.arrived_at,
            Occupancy.left_at,
            Occupancy.status,
            Occupancy.is_late,
            Occupancy.is_excused,
            Occupancy.is_accompanied,
        )
        .select_from(Occupancy)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .join(Category, Category.id == Machine.category_id)
        .join(Member, Member.id == Occupancy.member_id)
        .outerjoin(Organization, Organization.id == Occupancy.organization_id)
        .outerjoin(OWNER, OWNER.c.id == Machine.owner_id)
        .where(
            Machine.place_id == inventory.place.id,
            Occupancy.kind == OccupancyKind.BOOKING,
            Occupancy.starts_at >= span.start,
            Occupancy.starts_at < span.end,
        )
        .order_by(Occupancy.starts_at, Occupancy.uid)
    )
    rows = [
        dict(row._mapping) | {"member": canon.reference(row.member)}
        for row in db.session.execute(asked)
    ]
    names = [column.name for column in asked.selected_columns]
    return written(names, ([row[name] for name in names] for row in rows))


def consumptions(place_id: int) -> str:
    asked = (
        select(Consumption.uid, Occupancy.uid.label("booking"), Consumption.quantity, Supply.price)
        .join(Occupancy, Occupancy.id == Consumption.occupancy_id)
        .join(Supply, Supply.id == Consumption.supply_id)
        .join(Machine, Machine.id == Supply.machine_id)
        .where(Machine.place_id == place_id, Consumption.struck_at.is_(None))
        .order_by(Consumption.id)
    )
    return written(("uid", "booking", "quantity", "price"), db.session.execute(asked).all())


def allowances(place_id: int) -> str:
    """By holder: an organization's slug, or a member's reference."""
    rows = queries.allowances(place_id)
    members = queries.members(row.member_id for row in rows if row.member_id)
    organizations = queries.organizations(place_id)
    return written(
        (
            "uid",
            "organization",
            "member",
            "minutes",
            "first_day",
            "last_day",
            "categories",
            "is_monthly",
            "is_shared",
        ),
        (
            (
                row.uid,
                organizations[row.organization_id].slug if row.organization_id else "",
                canon.reference(members[row.member_id].uid) if row.member_id else "",
                row.minutes,
                row.first_day,
                row.last_day,
                " ".join(row.categories),
                row.is_monthly,
                row.is_shared,
            )
            for row in rows
        ),
    )


def agreements(place_id: int) -> str:
    """What part of the amounts of a machine its owner has, from one day to another."""
    asked = (
        select(
            Machine.code.label("machine"),
            Organization.slug.label("owner"),
            SharingAgreement.first_day,
            SharingAgreement.last_day,
            SharingAgreement.share,
        )
        .join(Machine, Machine.id == SharingAgreement.machine_id)
        .join(Organization, Organization.id == SharingAgreement.owner_id)
        .where(Machine.place_id == place_id)
        .order_by(Machine.code, SharingAgreement.first_day)
    )
    names = [column.name for column in asked.selected_columns]
    return written(names, db.session.execute(asked).all())


def written(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([cell(plain(value)) for value in row] for row in rows)
    return text.getvalue()


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return canon.instant(value)
    if isinstance(value, timedelta):
        return value // timedelta(minutes=1)
    if isinstance(value, Decimal):
        return canon.decimal(value)
    if isinstance(value, bool):
        return int(value)
    return value
