"""The machines of an organization as its managers see them: hours, amounts and faults, and never
who used them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from flask_babel import format_currency
from flask_babel import gettext as _

from fablab import texts
from fablab.clock import today
from fablab.home.organization_pages import hours, time_used
from fablab.machines.inventory import MachineFacts
from fablab.sharing.pages import AgreementShown, shown
from fablab.slots import Slot
from fablab.statements.rules import A_MINUTE, Line, Total, total
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


class UsesShown(NamedTuple):
    label: str
    booked: str
    real: str


@dataclass(frozen=True, slots=True)
class OwnedMachine:
    """One machine of an organization's, as its managers see it: hours, amounts, faults."""

    slug: str
    code: str
    hue: str
    name: str
    agreement: AgreementShown | None
    uses: list[UsesShown]  # of others, then their own
    ahead: str  # what is booked still
    amount: str  # of what others used; empty where nothing was priced
    share: str
    faults: list[FaultLine]
    outages: list[Away]


def owned(
    machine: MachineFacts,
    agreement: Any,
    stated: Sequence[Line],
    ahead: Iterable[Any],
    faults: Iterable[Any],
    outages: Iterable[Any],
    *,
    currency: str,
    zone: tzinfo,
    now: datetime,
) -> OwnedMachine:
    """`stated` is what their statement says of the machine; `ahead`, `faults` and `outages` are
    rows of `queries`, of all their machines.
    """
    others = [line for line in stated if not line.is_own]
    of_others, is_priced = total(others), any(line.unit_price is not None for line in others)
    return OwnedMachine(
        slug=machine.slug,
        code=machine.code,
        hue=machine.category.hue,
        name=machine.name,
        agreement=shown(agreement, today(zone, now)) if agreement else None,
        uses=[
            uses_shown(_("For others"), of_others),
            uses_shown(_("For your organization"), total(line for line in stated if line.is_own)),
        ],
        ahead=time_used(hours(row for row in ahead if row.machine_id == machine.id)),
        amount=format_currency(of_others.amount, currency) if is_priced else "",
        share=format_currency(of_others.share, currency) if is_priced else "",
        faults=[fault_line(row, zone) for row in faults if row.machine_id == machine.id],
        outages=[away(row, zone, now) for row in outages if row.machine_id == machine.id],
    )


def uses_shown(label: str, of: Total) -> UsesShown:
    return UsesShown(label, time_used(of.booked * A_MINUTE), time_used(of.real * A_MINUTE))


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
