"""Who came on the days of the demonstration, when they left, and who is late or absent today."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fablab.clock import today
from fablab.demo.diary import Entry
from fablab.demo.stage import Loading
from fablab.machines.kinds import Status

MINUTE = timedelta(minutes=1)
# Before or after the start, and before the end; taken in turn, so that no two days are alike.
COMES = (-6, 2, -1, 4, 0, -9, 7)
LEAVES = (0, 3, 12, 1, 0, 8)
FEW = 3  # at least, before somebody of them is missed


def seen(entries: Sequence[Entry], loading: Loading) -> list[Entry]:
    """With the real hours of all that has begun: but for one who is late right now, and one whom
    nobody has seen.
    """
    came = [entry for entry in entries if has_begun(entry, loading.now)]
    now = [entry for entry in came if entry.slot.end > loading.now and not is_lent(entry)]
    now.sort(key=lambda entry: (entry.slot.start, entry.machine.id))
    late = now[-1:]
    of_today = [e for e in now[:-1] if today(loading.zone, e.slot.start) == loading.today]
    missed = of_today[:1] if len(now) >= FEW else []
    return [
        missed_by(entry, loading.now)
        if any(entry is each for each in missed)
        else entry
        if any(entry is each for each in late)
        else with_hours(entry, n, loading.now)
        for n, entry in enumerate(entries)
    ]


def has_begun(entry: Entry, now: datetime) -> bool:
    is_booking = entry.player is not None and entry.status is Status.CONFIRMED
    return is_booking and entry.slot.start <= now


def is_lent(entry: Entry) -> bool:
    return entry.machine.policy_for(None).whole_days


def missed_by(entry: Entry, now: datetime) -> Entry:
    """The team has given the machine to the others a quarter of an hour after its start."""
    at = min(entry.slot.start + 15 * MINUTE, now)
    return replace(entry, status=Status.MISSED, seats=(), missed_at=at)


def with_hours(entry: Entry, n: int, now: datetime) -> Entry:
    if not has_begun(entry, now) or is_lent(entry):
        return entry
    arrived_at = min(entry.slot.start + COMES[n % len(COMES)] * MINUTE, now)
    if entry.slot.end > now:
        return replace(entry, arrived_at=arrived_at)
    left_at = max(entry.slot.end - LEAVES[n % len(LEAVES)] * MINUTE, arrived_at)
    return replace(entry, arrived_at=arrived_at, left_at=left_at)
