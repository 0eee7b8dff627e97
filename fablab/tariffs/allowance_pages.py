"""What was granted, as people read it: how much, of what, used, left, until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from fablab import texts
from fablab.machines.inventory import Inventory
from fablab.tariffs.balances import Balance
from fablab.tariffs.words import minutes_said


@dataclass(frozen=True, slots=True)
class Line:
    """One grant."""

    uid: str
    name: str
    covers: str
    used: str
    left: str
    since: str
    until: str
    months: list[tuple[str, str]]  # of what is given anew each month: those before this one
    settled: str
    state: str  # valid, ahead, over: today

    @property
    def is_over(self) -> bool:
        return self.state == "over"


def lines(found: Iterable[Balance], inventory: Inventory, today: date) -> list[Line]:
    """Those that hold or will first, then what is over."""
    shown = [_line(each, inventory, today) for each in found]
    return sorted(shown, key=lambda line: line.is_over)


def _line(each: Balance, inventory: Inventory, today: date) -> Line:
    row, said = each.row, [covers(each.row, inventory)]
    if row.organization_id is not None and not row.is_shared:
        said.append(_("for each of its people"))
    this_month = each.day.replace(day=1)
    return Line(
        uid=row.uid,
        name=row.name,
        covers=", ".join(said),
        used=minutes_said(each.used),
        left="" if each.left is None else minutes_said(each.left),
        since=short(row.first_day),
        until=short(row.last_day) if row.last_day else _("No end"),
        months=[
            (texts.capital(texts.day(month, "LLLL y")), minutes_said(minutes))
            for month, minutes in each.by_month.items()
            if row.is_monthly and month != this_month
        ],
        settled=row.settled,
        state=state(row, today),
    )


def state(row: Any, today: date) -> str:
    if today < row.first_day:
        return "ahead"
    return "over" if row.last_day is not None and row.last_day < today else "valid"


def covers(of: Any, inventory: Inventory, valid_months: int | None = None) -> str:
    """`10 h, on: Laser, valid for 12 months`, of a pack or of what was granted."""
    names = [each.name for each in inventory.categories if each.slug in of.categories]
    parts = [minutes_said(of.minutes)]
    if of.is_monthly:
        parts.append(_("each month"))
    if names:
        parts.append(_("on: %(categories)s", categories=", ".join(names)))
    if valid_months:
        parts.append(_("valid for %(count)s months", count=valid_months))
    if of.is_shared:
        parts.append(_("shared in the organization"))
    return ", ".join(parts)


def short(day: date) -> str:
    return texts.day(day, "d MMM y")
