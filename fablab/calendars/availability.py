"""When a machine is free, for other programs: a partner's site, a display at the door."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from fablab import __version__
from fablab.booking.facts import in_the_way, of_machine
from fablab.booking.known import Facts
from fablab.booking.suggestions import free_time
from fablab.clock import midnight, to_wall
from fablab.forms import FIRST_YEAR, LAST_YEAR, parse_day
from fablab.machines.inventory import of_place
from fablab.slots import Slot, merged

STEP = timedelta(minutes=15)  # to which the present is rounded down: as long is an answer good
USUAL = timedelta(days=7)  # without `to`
LONGEST = timedelta(days=31)
MOST_MINUTES = 31 * 24 * 60
INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)"
)  # RFC 3339 §5.6, without fractions


class NotUnderstood(ValueError):
    """One of `from`, `to` and `minutes` says nothing that can be answered."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why


class Question(NamedTuple):
    """The time asked about, and the shortest stretch that is of use."""

    window: Slot
    minutes: int


def question(asked: Mapping[str, str], zone: ZoneInfo, now: datetime) -> Question:
    """What the address asks: `from` and `to` as a day of the place or an instant with its offset,
    `minutes` as a number. Without `from` it is now, without `to` a week.

    Raises NotUnderstood, also when that is more than 31 days.
    """
    start = _instant("from", asked.get("from", ""), zone)
    if start is None:
        start = now - (now - datetime(2000, 1, 1, tzinfo=UTC)) % STEP
    end = _instant("to", asked.get("to", ""), zone) or start + USUAL
    if end <= start:
        raise NotUnderstood("to", "must come after from")
    if end - start > LONGEST:
        raise NotUnderstood("to", "31 days at most are told at once")
    return Question(Slot(start, end), _minutes(asked.get("minutes", "")))


def _instant(name: str, typed: str, zone: ZoneInfo) -> datetime | None:
    if not typed:
        return None
    day = parse_day(typed)
    try:
        if day:
            at = midnight(zone, day)
        elif INSTANT.fullmatch(typed) and typed.isascii():
            at = datetime.fromisoformat(typed).astimezone(UTC)
        else:
            raise ValueError(typed)
    except (ValueError, OverflowError) as error:
        said = "write a day, 2027-03-30, or an instant, 2027-03-30T14:00:00+02:00"
        raise NotUnderstood(name, said) from error
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise NotUnderstood(name, f"only the years {FIRST_YEAR} to {LAST_YEAR} are told")
    return at


def _minutes(typed: str) -> int:
    if not typed:
        return 0
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 5):
        raise NotUnderstood("minutes", "write a number")
    if int(typed) > MOST_MINUTES:
        raise NotUnderstood("minutes", f"{MOST_MINUTES} at most")
    return int(typed)


def moved_at(version: Any, asked: Question, now: datetime) -> datetime:
    """When the answer last became another one: by a change, or by the time it starts at."""
    changed = (version.place_changed_at, version.changed_at, version.shared_changed_at)
    return max(*(each for each in changed if each), min(asked.window.start, now))


def tag_of(version: Any, asked: Question) -> str:
    """Changes whenever a byte of the answer may; `version` is `queries.availability_of`."""
    words = "\n".join(map(str, (__version__, *version, *asked)))
    return hashlib.blake2b(words.encode(), digest_size=12).hexdigest()


def answer(version: Any, asked: Question) -> bytes:
    """The answer as JSON: what is free for an ordinary member who is qualified, and what is taken.

    `free` is open time in which a booking of so many minutes fits, set-up and clean-up counted;
    of whom and of what for nothing is said. Two statements.
    """
    inventory = of_place(place_id=version.place_id)
    machine, zone = inventory.by_id[version.machine_id], inventory.schedule.zone
    policy = machine.policy_for(None)
    around = asked.window.widened(policy.before, policy.after)
    taken, shared = in_the_way(machine, around, member_id=0)
    facts = Facts(
        now=asked.window.start,
        schedule=inventory.schedule,
        policy=policy,
        taken=taken,
        shared=shared,
        **of_machine(machine),
    )
    least = max(timedelta(minutes=asked.minutes), policy.minimum)
    is_bookable = machine.is_in_service and policy.is_open
    free = free_time(facts, *inventory.schedule.days_of(asked.window)) if is_bookable else []
    told = {
        "machine": {"slug": machine.slug, "code": machine.code, "name": machine.name},
        "state": machine.state.value,
        "zone": inventory.place.zone,
        "from": _written(asked.window.start, zone),
        "to": _written(asked.window.end, zone),
        "minutes": least // timedelta(minutes=1),
        "free": _spans((s for each in free if (s := each.within(asked.window))), zone, least),
        "taken": _spans(
            (s for each in merged(t.span for t in taken) if (s := each.within(asked.window))), zone
        ),
    }
    return json.dumps(told, ensure_ascii=False).encode()


def _spans(spans: Any, zone: Any, least: timedelta = timedelta(0)) -> list[dict[str, str]]:
    return [
        {"start": _written(span.start, zone), "end": _written(span.end, zone)}
        for span in spans
        if span.duration >= least
    ]


def _written(instant: datetime, zone: Any) -> str:
    return to_wall(zone, instant).isoformat(timespec="seconds")
