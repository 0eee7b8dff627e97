"""Gathering what a report is made of: both periods at once, of one place or of several."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import Any

from fablab.clock import to_wall, whole_days
from fablab.machines.inventory import Inventory
from fablab.machines.kinds import Status
from fablab.reports import queries
from fablab.reports.periods import Period
from fablab.reports.rules import (
    MEASURES,
    Declared,
    Facts,
    GivenBack,
    GivenTold,
    Ground,
    Line,
    MachineTold,
    SessionTold,
    StructureTold,
)
from fablab.slots import Slot, without

BOOKINGS, BOOKED, USED, LATE, MISSED = map(
    MEASURES.index, ("bookings", "booked", "used", "late", "missed")
)


def gather(
    inventories: Sequence[Inventory], period: Period, until: datetime
) -> tuple[Ground, Facts, Facts]:
    """What stands, the period, and the one before it, closed at `until`: what begins later is only
    `ahead`. As many statements whatever is in them; places whose clocks differ are asked for one
    clock at a time.
    """
    place_ids = [inventory.place.id for inventory in inventories]
    both = (period, period.before)
    declared = queries.declared({each.last_day.year for each in both}, place_ids)
    currencies = queries.currencies(place_ids)
    ground = _ground(inventories, place_ids, currencies.pop() if len(currencies) == 1 else "")
    found = [Facts(each.first_day, each.last_day) for each in both]
    by_zone: dict[tzinfo, list[Inventory]] = defaultdict(list)
    for inventory in inventories:
        by_zone[inventory.schedule.zone].append(inventory)
    for zone, some in by_zone.items():
        found = [
            _joined(facts, more)
            for facts, more in zip(found, _of_zone(ground, zone, some, both, until), strict=True)
        ]
    given = queries.qualifications(both[1].first_day, both[0].last_day, place_ids)
    back = queries.given_back(both[1].first_day, both[0].last_day, place_ids)
    today = to_wall(inventories[0].schedule.zone, until).date()
    now, before = (
        replace(_with_people(facts, given, declared, today), given_back=_back_in(facts, back))
        for facts in found
    )
    return ground, now, before


def _back_in(facts: Facts, rows: Sequence[Any]) -> list[GivenBack]:
    return [
        GivenBack(row.organization_id, row.amount)
        for row in rows
        if facts.first_day <= row.last_day <= facts.last_day
    ]


def _ground(inventories: Sequence[Inventory], place_ids: list[int], currency: str) -> Ground:
    lent = {
        machine.id
        for inventory in inventories
        for machine in inventory.machines
        if machine.policy_for(None).whole_days
    }
    return Ground(
        {
            row.id: MachineTold(**row._mapping, is_lent=row.id in lent)
            for row in queries.machines(place_ids)
        },
        {row.id: StructureTold(**row._mapping) for row in queries.structures(place_ids)},
        currency,
    )


def _of_zone(
    ground: Ground,
    zone: tzinfo,
    inventories: Sequence[Inventory],
    both: Sequence[Period],
    until: datetime,
) -> list[Facts]:
    ids = {inventory.place.id for inventory in inventories}
    machine_ids = [one.id for one in ground.machines.values() if one.place_id in ids]
    spans = [whole_days(zone, each.first_day, each.last_day) for each in both]
    whole = Slot(spans[1].start, spans[0].end)
    lines, ahead = _lines(spans, set(machine_ids), until)
    out = _by_machine(queries.outages(whole, machine_ids))
    held = _sessions(queries.sessions(whole, ids), zone)
    return [
        Facts(
            each.first_day,
            each.last_day,
            lines=lines[n],
            ahead=ahead[n],
            open=_open(inventories, each, out, until),
            sessions=[one for one in held if each.first_day <= one.day <= each.last_day],
        )
        for n, each in enumerate(both)
    ]


def _lines(
    spans: Sequence[Slot], machine_ids: set[int], until: datetime
) -> tuple[list[list[Line]], list[list[Line]]]:
    """Of the period and the one before it: what had begun, and what was still ahead."""
    span, span_before = spans
    whole = Slot(span_before.start, span.end)
    nothing: list[list[Line]] = [[], []]
    if until <= whole.start:
        return nothing, _ahead(span, whole, machine_ids)
    if until >= whole.end:
        return _begun(span, whole, machine_ids), nothing
    begun, ahead = Slot(whole.start, until), Slot(until, whole.end)
    return _begun(span, begun, machine_ids), _ahead(span, ahead, machine_ids)


def _begun(span: Slot, within: Slot, machine_ids: set[int]) -> list[list[Line]]:
    now, before = _summed(queries.uses(span, queries.begins_in(within)), machine_ids)
    for row in queries.late(span, within):
        if row.machine_id not in machine_ids:
            continue
        late = row.now or 0
        now.add_late(row[:4], late)
        before.add_late(row[:4], row.in_all - late)
    return [now.lines(), before.lines()]


def _ahead(span: Slot, within: Slot, machine_ids: set[int]) -> list[list[Line]]:
    rows = queries.uses(span, queries.by_start(within))
    return [each.lines() for each in _summed(rows, machine_ids)]


def _summed(rows: Iterable[Any], machine_ids: set[int]) -> tuple["_Sums", "_Sums"]:
    """In the period, and before it."""
    now, before = _Sums(), _Sums()
    for row in rows:
        if row.machine_id not in machine_ids:
            continue
        key, is_missed = row[:4], row.status == Status.MISSED
        booked, used = row.booked_now or 0, row.used_now or 0
        now.add(key, is_missed, row.bookings_now, booked, used)
        before.add(
            key,
            is_missed,
            row.bookings_in_all - row.bookings_now,
            (row.booked_in_all or 0) - booked,
            (row.used_in_all or 0) - used,
        )
    return now, before


class _Sums:
    """Lines under way: what a `Line` counts, by whose it is, in the order of `queries.WHO`."""

    def __init__(self) -> None:
        self.found: dict[tuple[Any, ...], list[int]] = {}

    def of(self, key: tuple[Any, ...]) -> list[int]:
        return self.found.setdefault(key, [0] * len(MEASURES))

    def add(
        self, key: tuple[Any, ...], is_missed: bool, bookings: int, booked: int, used: int
    ) -> None:
        if not booked:
            return
        sums = self.of(key)
        if is_missed:
            sums[MISSED] += booked
        else:
            sums[BOOKINGS] += bookings
            sums[BOOKED] += booked
            sums[USED] += max(used, 0)

    def add_late(self, key: tuple[Any, ...], seconds: int) -> None:
        if seconds:
            self.of(key)[LATE] += seconds

    def lines(self) -> list[Line]:
        return [
            Line(machine_id, audience, organization_id, member_id, *sums)
            for (audience, machine_id, organization_id, member_id), sums in self.found.items()
        ]


def _by_machine(rows: Iterable[Any]) -> dict[int, list[Slot]]:
    found: dict[int, list[Slot]] = defaultdict(list)
    for row in rows:
        found[row.machine_id].append(Slot(row.starts_at, row.ends_at))
    return found


def _open(
    inventories: Sequence[Inventory],
    period: Period,
    out: dict[int, list[Slot]],
    until: datetime,
) -> dict[int, int]:
    """Seconds in which each machine could be booked, by the hours as they are set today."""
    found: dict[int, int] = {}
    for inventory in inventories:
        hours: dict[Any, list[Slot]] = {}
        for machine in inventory.machines:
            modes = frozenset(machine.policy_for(None).modes)
            if modes not in hours:
                hours[modes] = [
                    Slot(one.start, min(one.end, until))
                    for one in inventory.schedule.open_time(
                        period.first_day, period.last_day, modes
                    )
                    if one.start < until
                ]
            stretches = hours[modes]
            if machine.id in out:
                stretches = without(stretches, out[machine.id])
            found[machine.id] = sum(int(one.duration.total_seconds()) for one in stretches)
    return found


def _sessions(rows: Sequence[Any], zone: tzinfo) -> list[SessionTold]:
    told: dict[int, SessionTold] = {}
    for row in rows:
        length = int((row.ends_at - row.starts_at).total_seconds())
        day = to_wall(zone, row.starts_at).date()
        one = told.get(row.id) or SessionTold(row.name, day, length, frozenset())
        came = one.people | ({row.member_id} if row.member_id is not None else set())
        told[row.id] = one._replace(people=came)
    return list(told.values())


def _joined(facts: Facts, more: Facts) -> Facts:
    return replace(
        facts,
        lines=[*facts.lines, *more.lines],
        ahead=[*facts.ahead, *more.ahead],
        open={**facts.open, **more.open},
        sessions=[*facts.sessions, *more.sessions],
    )


def _with_people(facts: Facts, rows: Sequence[Any], declared: Sequence[Any], today: date) -> Facts:
    def is_in(day: date | None) -> bool:
        return day is not None and facts.first_day <= day <= facts.last_day

    given = [row for row in rows if is_in(row.given_on)]
    return replace(
        facts,
        given=[GivenTold(row.what, row.member_id) for row in given if not row.is_again],
        renewed=[GivenTold(row.what, row.member_id) for row in given if row.is_again],
        lapsed=[
            GivenTold(row.what, row.member_id)
            for row in rows
            if is_in(row.expires_on) and row.expires_on < today and not row.goes_on
        ],
        declared=[
            Declared(row.organization_id, row.jobs, row.turnover)
            for row in declared
            if row.year == facts.last_day.year
        ],
    )
