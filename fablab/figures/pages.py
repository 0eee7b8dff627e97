"""A week's use as a chart shows it: plain values for `templates/components/chart.html`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from flask_babel import gettext as _

from fablab import texts
from fablab.clock import whole_day, whole_days
from fablab.figures import queries
from fablab.figures.rules import Use, stay, together, use_of
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.slots import Slot

DAYS = 7


class Bar(NamedTuple):
    """One day: heights are shares of the tallest day, 0 to 1."""

    label: str
    short: str  # what fits beneath a column
    open: str
    booked: str
    used: str
    share: str
    open_height: float
    booked_height: float
    used_height: float | None


class Chart(NamedTuple):
    summary: str  # all of it in a sentence
    bars: list[Bar]
    total: Bar
    has_used: bool


def of_machine(inventory: Inventory, machine: MachineFacts, day: date, now: datetime) -> Chart:
    """The week that `day` is in. One statement."""
    monday = monday_of(day)
    rows_of = queries.on_machine(machine.id, _week(inventory, monday))
    return chart(inventory, [machine], rows_of, monday, now)


def of_place(inventory: Inventory, day: date, now: datetime) -> Chart:
    """All machines together, that week. One statement."""
    monday = monday_of(day)
    rows_of = queries.on_place(inventory.place.id, _week(inventory, monday))
    return chart(inventory, inventory.machines, rows_of, monday, now)


def chart(
    inventory: Inventory,
    machines: Sequence[MachineFacts],
    rows_of: Mapping[int, Sequence[Any]],
    monday: date,
    now: datetime,
) -> Chart:
    """Real use is shown of a week in which somebody said that they were there."""
    days = [monday + timedelta(days=n) for n in range(DAYS)]
    week = _week(inventory, monday)
    booked = {machine.id: _slots(rows_of.get(machine.id, ()), week) for machine in machines}
    stays = {machine.id: _stays(rows_of.get(machine.id, ()), now) for machine in machines}
    really = stays if any(stays.values()) else {}
    uses = [
        together(
            _use(inventory, machine, day, booked[machine.id], really.get(machine.id))
            for machine in machines
        )
        for day in days
    ]
    tallest = max(max(use.open, use.booked, use.used or timedelta(0)) for use in uses)
    whole = together(uses)
    bars = [
        _bar(texts.capital(texts.day(day, texts.SHORT_DAY)), texts.day(day, "EEE"), use, tallest)
        for day, use in zip(days, uses, strict=True)
    ]
    return Chart(
        summary(whole), bars, _bar(_("Week"), "", whole, whole.open), whole.used is not None
    )


def summary(use: Use) -> str:
    if not use.open:
        return _("Closed all week; %(booked)s booked.", booked=texts.length(use.booked))
    return _(
        "%(booked)s booked of %(open)s open: %(share)s %%.",
        booked=texts.length(use.booked),
        open=texts.length(use.open),
        share=use.share,
    )


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _week(inventory: Inventory, monday: date) -> Slot:
    return whole_days(inventory.schedule.zone, monday, monday + timedelta(days=DAYS - 1))


def _slots(rows: Iterable[Any], week: Slot) -> list[Slot]:
    return [
        Slot(row.starts_at, row.ends_at)
        for row in rows
        if row.starts_at < week.end and row.ends_at > week.start
    ]


def _stays(rows: Iterable[Any], now: datetime) -> list[Slot]:
    found = (
        stay(Slot(row.starts_at, row.ends_at), row.arrived_at, row.left_at, now=now) for row in rows
    )
    return [one for one in found if one]


def _use(
    inventory: Inventory,
    machine: MachineFacts,
    day: date,
    booked: Sequence[Slot],
    really: Sequence[Slot] | None,
) -> Use:
    policy = machine.policy_for(None)
    return use_of(
        whole_day(inventory.schedule.zone, day),
        inventory.schedule.open_time(day, day, policy.modes),
        booked,
        really,
        only_open_time=policy.whole_days,
    )


def _bar(label: str, short: str, use: Use, tallest: timedelta) -> Bar:
    def height(length: timedelta) -> float:
        return round(length / tallest, 4) if tallest else 0.0

    return Bar(
        label,
        short,
        texts.length(use.open) if use.open else "",
        texts.length(use.booked),
        texts.length(use.used) if use.used is not None else "",
        f"{use.share}\N{NO-BREAK SPACE}%" if use.open else "",
        height(use.open),
        height(use.booked),
        height(use.used) if use.used is not None else None,
    )
