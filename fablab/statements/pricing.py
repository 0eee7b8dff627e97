"""From uses to lines: what each is worth, what allowances cover of it, an owner's part. Pure values
in, lines out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from fablab.statements import canon
from fablab.statements.kinds import LineKind
from fablab.statements.rules import A_MINUTE, KIND_OF, NOTHING, TIME, Line, real_minutes
from fablab.tariffs.kinds import Unit
from fablab.tariffs.portions import grant_of
from fablab.tariffs.prices import PriceList
from fablab.tariffs.rules import Draw, allot, share_of
from fablab.tariffs.uses import Consumed, Priced, Use, company_priced, need_of, priced


class Share(NamedTuple):
    """What an owner agreed to have of the amounts of a machine, from one day to another."""

    machine_id: int
    first_day: date
    last_day: date | None
    percent: Decimal

    def holds(self, use: Use) -> bool:
        is_then = self.first_day <= use.day and (self.last_day is None or use.day <= self.last_day)
        return use.machine_id == self.machine_id and is_then


@dataclass(frozen=True, slots=True)
class Books:
    """Uses in the order of time, and all that their amounts need."""

    prices: PriceList
    uses: Sequence[Use]
    consumed: Mapping[int, Sequence[Consumed]] = field(default_factory=dict)
    allowances: Sequence[Any] = ()  # rows of what their holder was granted


def lines(books: Books, uses: Iterable[Use]) -> list[Line]:
    """Of some of the uses; what is covered of them is told by all of them."""
    draws = draws_of(books)
    uids = {row.id: row.uid for row in books.allowances}
    found: list[Line] = []
    for use in uses:
        covered = {uids[draw.grant]: draw.minutes for draw in draws.get(use.uid, ())}
        found.append(time_line(use, priced(use, books.prices), covered))
        company = company_priced(use, books.prices)
        if company:
            found.append(company_line(use, company))
        found += [supply_line(use, each) for each in books.consumed.get(use.occupancy_id, ())]
    return found


def owner_lines(
    books: Books, uses: Iterable[Use], owner_id: int, shares: Sequence[Share] = ()
) -> list[Line]:
    """What their machines were used for. Their part is of the amount before allowances: these
    are settled with the place, and the machine was used all the same.
    """
    return [
        owner_line(
            use,
            priced(use, books.prices),
            is_own=use.organization_id == owner_id,
            percent=next((share.percent for share in shares if share.holds(use)), None),
        )
        for use in uses
    ]


def draws_of(books: Books) -> dict[str, list[Draw]]:
    needs = (need_of(use, priced(use, books.prices)) for use in books.uses)
    return allot(
        (need for need in needs if need),
        [grant_of(row) for row in books.allowances],
    )


def time_line(use: Use, price: Priced, covered: Mapping[str, int]) -> Line:
    minutes = sum(covered.values())
    return _line(
        use,
        price,
        item=TIME,
        kind=KIND_OF[use.outcome],
        booked=use.booked.duration // A_MINUTE,
        real=real_minutes(use.booked, use.arrived_at, use.left_at),
        covered=covered,
        amount=price.amount(minutes * A_MINUTE) or NOTHING,
        **_whose(use),
    )


def company_line(use: Use, price: Priced) -> Line:
    return _line(
        use,
        price,
        item="company",
        kind=LineKind.COMPANY,
        amount=price.amount() or NOTHING,
        **_whose(use),
    )


def supply_line(use: Use, consumed: Consumed) -> Line:
    return Line(
        booking=use.uid,
        item=f"supply {consumed.uid}",
        kind=LineKind.SUPPLY,
        starts_at=use.booked.start,
        day=use.day,
        machine=use.machine_code,
        machine_name=use.machine_name,
        category=use.category,
        what=consumed.name,
        quantity=consumed.quantity,
        unit=consumed.unit,
        unit_price=consumed.price,
        amount=consumed.amount,
        product=consumed.product,
        **_whose(use),
    )


def owner_line(use: Use, price: Priced, *, is_own: bool, percent: Decimal | None) -> Line:
    amount = NOTHING if is_own else price.amount() or NOTHING
    return _line(
        use,
        price,
        item=TIME,
        kind=KIND_OF[use.outcome],
        booked=use.booked.duration // A_MINUTE,
        real=real_minutes(use.booked, use.arrived_at, use.left_at),
        amount=amount,
        is_own=is_own,
        share_percent=percent,
        share=share_of(amount, percent or 0),
    )


def _whose(use: Use) -> dict[str, Any]:
    return {
        "person": canon.reference(use.member_uid),
        "activity": use.activity,
        "audience": use.audience.value if use.audience else "",
    }


def _line(use: Use, price: Priced, **more: Any) -> Line:
    is_hourly = price.unit is Unit.HOUR
    return Line(
        booking=use.uid,
        starts_at=use.booked.start,
        day=use.day,
        machine=use.machine_code,
        machine_name=use.machine_name,
        category=use.category,
        counted=price.counted // A_MINUTE if is_hourly else 0,
        quantity=price.quantity if price.unit else Decimal(0),
        unit=price.unit.value if price.unit else "",
        unit_price=price.unit_price,
        percent=price.percent,
        product=price.product,
        **more,
    )
