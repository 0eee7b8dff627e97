"""What counts of a booking's amount: all of it, what was used where somebody left before the end,
a part of what was cancelled late or missed, or nothing. As `fablab/tariffs/uses.py` finds it for
statements, said for one booking.
"""

from decimal import Decimal
from typing import Any, NamedTuple

from flask_babel import gettext as _

from fablab.machines.inventory import Inventory
from fablab.machines.kinds import Status
from fablab.slots import Slot
from fablab.tariffs.kinds import Outcome
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import day_of, quote
from fablab.tariffs.rules import counted_percent, counted_slot, share_of
from fablab.tariffs.words import amount_said


class Worth(NamedTuple):
    amount: str = ""  # empty where no price was known, or nothing counts
    nothing_counts: bool = False  # of an amount that was shown


def worth_of(row: Any, inventory: Inventory) -> Worth:
    """`row` as `queries.bookings` gives it."""
    if row.quoted is None:
        return Worth()
    currency = prices_of(inventory).terms.currency
    whole, percent = amount_said(row.quoted, currency), percent_of(row, inventory)
    if row.status == Status.CONFIRMED:
        used = amount_said(standing_amount(row, inventory), currency)
        same = used == whole
        return Worth(whole if same else _("%(used)s, instead of %(whole)s", used=used, whole=whole))
    if percent == 100 or not row.quoted:
        return Worth(whole)
    if not percent:
        return Worth(nothing_counts=True)
    amount = amount_said(part_of(row, inventory, percent), currency)
    return Worth(_("%(amount)s, %(percent)s %% of %(whole)s", **vars_of(amount, percent, whole)))


def vars_of(amount: str, percent: int, whole: str) -> dict[str, Any]:
    return {"amount": amount, "percent": percent, "whole": whole}


def percent_of(row: Any, inventory: Inventory) -> int:
    """Of an absence and a late cancellation what the place says, unless they were excused."""
    if row.status not in (Status.CANCELLED, Status.MISSED):
        return 100
    is_late = row.status == Status.MISSED or row.is_late
    if not is_late or row.is_excused:
        return 0
    outcome = Outcome.MISSED if row.status == Status.MISSED else Outcome.LATE
    return percent_for(outcome, inventory)


def percent_for(outcome: Outcome, inventory: Inventory) -> int:
    terms = prices_of(inventory).terms
    return counted_percent(outcome, late=terms.late_percent, missed=terms.missed_percent)


def part_of(row: Any, inventory: Inventory, percent: int) -> Decimal:
    """Rounded once, as a statement does, from the price of its day; of what was shown where that
    price is no more.
    """
    part = quote(
        prices_of(inventory),
        row.machine_id,
        row.audience,
        Slot(row.starts_at, row.ends_at),
        is_accompanied=row.is_accompanied,
        percent=percent,
    )
    return share_of(row.quoted, percent) if part is None else part


def standing_amount(row: Any, inventory: Inventory) -> Decimal | None:
    """Of a booking that stands: what was used of it where its member has left, else what was shown
    when it was made. None where no price was known.
    """
    if row.quoted is None or row.left_at is None:
        amount: Decimal | None = row.quoted
        return amount
    used = used_of(row, inventory)
    return row.quoted if used is None else used


def used_of(row: Any, inventory: Inventory) -> Decimal | None:
    """Of a booking that was left, as a statement counts it: what was booked, which ends when it was
    left, or what was really used. None where its price is no more.
    """
    prices, booked = prices_of(inventory), Slot(row.starts_at, row.ends_at)
    terms = prices.terms
    return quote(
        prices,
        row.machine_id,
        row.audience,
        counted_slot(booked, row.arrived_at, row.left_at, by_real_use=terms.is_by_real_use),
        is_accompanied=row.is_accompanied,
        day=day_of(terms.zone, booked.start),
    )


def cost_of_cancelling(
    row: Any, inventory: Inventory, *, is_own: bool, is_late: bool | None
) -> str:
    """What counts of the amount if it is cancelled now, in a sentence; `is_late` is None where no
    rule says when that is.
    """
    if not is_own and not row.quoted:
        return _("Cancelled by the team, it is not noted as late.")
    if not is_own:
        return _("Cancelled by the team, it is not noted as late: nothing of its amount counts.")
    if not is_late:
        free = "" if is_late is None else _("Cancelling it now is not late.")
        counts = _("Nothing of its indicative amount counts then.") if row.quoted else ""
        return f"{free} {counts}".strip()
    if not row.quoted:
        return ""
    percent = percent_for(Outcome.LATE, inventory)
    currency = prices_of(inventory).terms.currency
    whole = amount_said(row.quoted, currency)
    if not percent:
        return _("Late or not, nothing of its indicative amount (%(whole)s) counts.", whole=whole)
    amount = amount_said(part_of(row, inventory, percent), currency)
    return _(
        "Cancelled late, %(percent)s %% of its indicative amount count: %(amount)s of %(whole)s.",
        **vars_of(amount, percent, whole),
    )
