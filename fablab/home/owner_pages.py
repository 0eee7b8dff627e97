"""The machines of an organization as its managers see them: hours, amounts and faults, and never
who used them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from flask_babel import format_currency

from fablab import texts
from fablab.clock import today
from fablab.home.organization_pages import hours, is_booked, real, time_used
from fablab.machines.inventory import MachineFacts
from fablab.sharing.pages import AgreementShown, shown
from fablab.slots import Slot
from fablab.upkeep.pages import State, described, state


@dataclass(frozen=True, slots=True)
class FaultLine:
    when: str
    what: str
    said: str
    state: State


@dataclass(frozen=True, slots=True)
class Away:
    """A time in which the machine is taken away."""

    uid: str
    when: str
    title: str
    is_theirs: bool  # the owner declared it, and may take it back
    is_now: bool


@dataclass(frozen=True, slots=True)
class OwnedMachine:
    """One machine of an organization's, as its managers see it: hours, amounts, faults."""

    slug: str
    code: str
    hue: str
    name: str
    agreement: AgreementShown | None
    booked_by_others: str
    booked_by_own: str
    real_of_others: str
    real_of_own: str
    amount: str  # of what others booked; empty where nothing was priced
    share: str
    faults: list[FaultLine]
    outages: list[Away]


def owned(
    machine: MachineFacts,
    agreement: Any,
    used: Sequence[Any],
    faults: Iterable[Any],
    outages: Iterable[Any],
    *,
    zone: tzinfo,
    now: datetime,
) -> OwnedMachine:
    """`used`, `faults` and `outages` are rows of `queries`, of all the owner's machines."""
    rows = [row for row in used if row.machine_id == machine.id]
    others = [row for row in rows if row.owner_since is None]
    own = [row for row in rows if row.owner_since is not None]
    amount, share = amounts(machine, others, zone)
    return OwnedMachine(
        slug=machine.slug,
        code=machine.code,
        hue=machine.category.hue,
        name=machine.name,
        agreement=shown(agreement, today(zone, now)) if agreement else None,
        booked_by_others=time_used(hours(others)),
        booked_by_own=time_used(hours(own)),
        real_of_others=time_used(real(others, now)),
        real_of_own=time_used(real(own, now)),
        amount=amount,
        share=share,
        faults=[fault_line(row, zone) for row in faults if row.machine_id == machine.id],
        outages=[away(row, zone, now) for row in outages if row.machine_id == machine.id],
    )


def amounts(machine: MachineFacts, others: Iterable[Any], zone: tzinfo) -> tuple[str, str]:
    """What others' hours are worth as quoted, and what of it goes to the owner as was agreed for
    the day of each; nothing where nothing was quoted.
    """
    quoted = [row for row in others if row.quoted is not None and is_booked(row)]
    if not quoted:
        return "", ""
    share = Decimal(0)
    for row in quoted:
        agreement = machine.agreement_on(today(zone, row.starts_at))
        share += row.quoted * agreement.share / 100 if agreement else 0
    total = sum((row.quoted for row in quoted), Decimal(0))
    currency = quoted[0].currency
    return format_currency(total, currency), format_currency(share, currency)


def fault_line(row: Any, zone: tzinfo) -> FaultLine:
    return FaultLine(
        texts.moment(row.reported_at, zone), described(row.what), row.said, state(row.state)
    )


def away(row: Any, zone: tzinfo, now: datetime) -> Away:
    return Away(
        uid=row.uid,
        when=texts.capital(texts.day_and_hours(Slot(row.starts_at, row.ends_at), zone)),
        title=row.title,
        is_theirs=bool(row.is_theirs),
        is_now=row.starts_at <= now,
    )
