"""What the booking pages show, as plain values: the templates only lay them out."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import texts
from fablab.booking import suggestions
from fablab.booking.facts import taken_on
from fablab.booking.offers import Offer
from fablab.booking.rules import Facts, Refusal, Taken
from fablab.clock import from_wall, is_repeated, to_wall, whole_day
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.policies import BookingPolicy
from fablab.places.kinds import Mode
from fablab.slots import Slot

MINUTES = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Why:
    """A refusal as it is read: what is wrong, and what to do about it."""

    sentence: str
    advice: str
    reason: str


def why(refusals: list[Refusal], zone: tzinfo) -> list[Why]:
    return [
        Why(
            texts.filled(refusal.sentence, refusal.values, zone),
            texts.filled(refusal.advice, refusal.values, zone),
            refusal.reason,
        )
        for refusal in refusals
    ]


@dataclass(frozen=True, slots=True)
class Ticket:
    """The summary of a booking, for the work ticket."""

    code: str
    hue: str
    machine: str
    day: str
    hours: str
    length: str
    location: str
    place: str
    zone: str


def ticket(machine: Any, slot: Slot, inventory: Inventory) -> Ticket:
    """`machine` is anything with code, hue, name and location: facts, or a booking's row."""
    zone = inventory.schedule.zone
    return Ticket(
        code=machine.code,
        hue=getattr(machine, "hue", None) or machine.category.hue,
        machine=getattr(machine, "machine_name", None) or machine.name,
        day=texts.capital(texts.day(to_wall(zone, slot.start).date(), texts.DAY_AND_YEAR)),
        hours=texts.hours(slot, zone),
        length=texts.length(slot.duration),
        location=machine.location,
        place=inventory.place.name,
        zone=inventory.place.zone,
    )


@dataclass(frozen=True, slots=True)
class OfferLine:
    code: str
    hue: str
    title: str
    detail: str
    url: str


def offer_lines(
    offers: list[Offer],
    asked: MachineFacts,
    inventory: Inventory,
    now: datetime,
    endpoint: str,
    **kept: Any,
) -> list[OfferLine]:
    """The offers as links that open the form already filled."""
    zone = inventory.schedule.zone
    return [
        OfferLine(
            code=offer.machine.code,
            hue=offer.machine.category.hue,
            title=f"{relative_day(offer.slot.start, zone, now)}, {texts.hours(offer.slot, zone)}",
            detail=_("Same machine")
            if offer.machine.id == asked.id
            else _("Equivalent machine: %(name)s", name=offer.machine.name),
            url=url_for(endpoint, **kept, **query(offer.machine.slug, offer.slot, zone)),
        )
        for offer in offers
    ]


def query(slug: str, slot: Slot, zone: tzinfo) -> dict[str, Any]:
    """The address's words for a machine and a slot: machine, day, start, end, end_day."""
    start, end = to_wall(zone, slot.start), to_wall(zone, slot.end)
    words = {
        "machine": slug,
        "day": start.date().isoformat(),
        "start": f"{start:%H:%M}",
        "end": f"{end:%H:%M}",
    }
    ends_at_midnight = end.time() == time.min and end.date() == start.date() + timedelta(days=1)
    if end.date() != start.date() and not ends_at_midnight:
        words["end_day"] = end.date().isoformat()
    return words


def relative_day(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """`Today`, `Tomorrow`, or the day in words with a capital."""
    day, today = to_wall(zone, instant).date(), to_wall(zone, now).date()
    if day == today:
        return _("Today")
    if day == today + timedelta(days=1):
        return _("Tomorrow")
    return texts.capital(texts.day(day))


def in_how_long(instant: datetime, now: datetime) -> str:
    """`in 3 h 18`, `in 2 days`; nothing once it has begun."""
    left = instant - now
    if left <= timedelta(0):
        return ""
    if left >= timedelta(days=2):
        return ngettext("in %(num)s day", "in %(num)s days", left.days)
    return _("in %(length)s", length=texts.length(left - left % MINUTES))


@dataclass(frozen=True, slots=True)
class StripPart:
    """A stretch of the day on the strip: kind is a class of the strip, times in minutes."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Strip:
    """One machine's day around what is asked, in minutes since midnight on the wall."""

    first: int
    last: int
    parts: list[StripPart]
    now: int | None
    label: str


def strip(
    inventory: Inventory,
    policy: BookingPolicy,
    taken: tuple[Taken, ...],
    asked: Slot,
    *,
    now: datetime,
    is_refused: bool,
) -> Strip:
    """The day of `asked` as a strip: closed hours, what is taken, and the asked slot over it."""
    schedule = inventory.schedule
    day = schedule.days_of(asked)[0]
    whole = whole_day(schedule.zone, day)
    opened = schedule.open_time(day, day, policy.modes - {Mode.NIGHT} or policy.modes)
    spans = [span for span in (*opened, asked.within(whole)) if span]
    first = min(minute(span.start, whole, schedule.zone) for span in spans) // 60 * 60
    last = max(minute(span.end, whole, schedule.zone) for span in spans)
    last = -(-last // 60) * 60

    parts = [
        _part("closed", span, whole, schedule.zone)
        for span in schedule.closed_time(whole, policy.modes)
    ]
    parts += [
        _part("outage" if other.is_outage else "booked", span, whole, schedule.zone)
        for other in taken
        if (span := other.span.within(whole))
    ]
    part = asked.within(whole)
    if part:
        parts.append(_part("refused" if is_refused else "own", part, whole, schedule.zone))
    shown = [p for p in parts if p.start < last and p.end > first]
    here = minute(now, whole, schedule.zone) if whole.start <= now < whole.end else None
    return Strip(first, last, shown, here, _strip_label(asked, taken, schedule.zone, is_refused))


def _strip_label(asked: Slot, taken: tuple[Taken, ...], zone: tzinfo, is_refused: bool) -> str:
    hours = texts.hours(asked, zone)
    others = [texts.hours(other.span, zone) for other in taken if other.span.overlaps(asked)]
    if others:
        return _(
            "Your request, %(hours)s, runs into what is there %(others)s",
            hours=hours,
            others=", ".join(others),
        )
    if is_refused:
        return _("Your request, %(hours)s, on this machine's day", hours=hours)
    return _("Your request, %(hours)s, fits into this machine's day", hours=hours)


def _part(kind: str, span: Slot, whole: Slot, zone: tzinfo) -> StripPart:
    return StripPart(kind, minute(span.start, whole, zone), minute(span.end, whole, zone))


def minute(instant: datetime, whole: Slot, zone: tzinfo) -> int:
    """Minutes on the wall clock since the midnight `whole` starts at, 1440 at its end."""
    if instant >= whole.end:
        return 1440
    if instant <= whole.start:
        return 0
    wall = instant.astimezone(zone)
    return wall.hour * 60 + wall.minute


def hour_options(
    inventory: Inventory, policy: BookingPolicy, day: date, *chosen: time | None
) -> tuple[list[str], list[str]]:
    """The starts and the ends to choose from on `day`: each step of its opening hours.

    What is chosen already is always among them, allowed or not: nothing typed is lost.
    """
    schedule, zone = inventory.schedule, inventory.schedule.zone
    starts: set[str] = set()
    ends: set[str] = set()
    for span in schedule.open_time(day, day, policy.modes):
        instant = span.start
        while instant <= span.end:
            label = f"{to_wall(zone, instant):%H:%M}"
            if instant < span.end:
                starts.add(label)
            if instant > span.start:
                ends.add(label)
            instant += policy.step
    if chosen and chosen[0]:
        starts.add(f"{chosen[0]:%H:%M}")
    if len(chosen) > 1 and chosen[1]:
        ends.add(f"{chosen[1]:%H:%M}")
    return sorted(starts), sorted(ends, key=lambda label: "24:00" if label == "00:00" else label)


def clock_note(day: date | None, at: time | None, zone: tzinfo) -> str:
    """A word when the clock shows the chosen hour twice that night."""
    if day and at and is_repeated(zone, day, at):
        return _(
            "The clocks go back that night and show %(hour)s twice: the first is meant.",
            hour=texts.hour(at),
        )
    return ""


def policy_lines(policy: BookingPolicy) -> list[str]:
    """The machine's rules for this person, in the order they matter when booking."""
    if policy.minimum == policy.maximum:
        lines = [_("Booked for %(length)s at a time.", length=texts.length(policy.minimum))]
    else:
        lines = [
            _(
                "From %(minimum)s to %(maximum)s at a time.",
                minimum=texts.length(policy.minimum),
                maximum=texts.length(policy.maximum),
            )
        ]
    if policy.notice:
        lines.append(_("At least %(length)s ahead.", length=texts.length(policy.notice)))
    lines.append(
        ngettext("Up to %(num)s day ahead.", "Up to %(num)s days ahead.", policy.horizon_days)
    )
    if policy.cleanup:
        lines.append(
            _("%(length)s to clean up follow each booking.", length=texts.length(policy.cleanup))
        )
    return lines


def default_slot(
    inventory: Inventory, machine: MachineFacts, policy: BookingPolicy, day: date, now: datetime
) -> Slot:
    """The first free hour of `day` from now on, or its first hour: something to start from."""
    length = min(max(timedelta(hours=1), policy.minimum), policy.maximum)
    zone = inventory.schedule.zone
    facts = Facts(
        now=now,
        schedule=inventory.schedule,
        policy=policy,
        taken=taken_on(machine.id, whole_day(zone, day)),
    )
    for stretch in suggestions.free_time(facts, day, day):
        start = suggestions.on_step(facts, max(stretch.start, now + policy.notice))
        if start + length <= stretch.end:
            return Slot.lasting(start, length)
    opened = inventory.schedule.open_time(day, day, policy.modes)
    return Slot.lasting(opened[0].start if opened else from_wall(zone, day, time(10)), length)


def spans_nights(policy: BookingPolicy) -> bool:
    """True when a booking of this machine may end on another day than it starts."""
    return Mode.NIGHT in policy.modes or policy.maximum >= timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Line:
    """A booking as a list or its own page shows it."""

    uid: str
    code: str
    hue: str
    slug: str
    machine: str
    location: str
    day: str
    hours: str
    length: str
    soon: str  # "in 3 h 18" before it starts
    status: str
    is_over: bool
    is_under_way: bool
    purpose: str
    organization: str
    who: str
    booked_on: str
    may_move: bool
    may_cancel: bool


def booking_line(
    row: Any, inventory: Inventory, now: datetime, *, may_move: bool, may_cancel: bool
) -> Line:
    zone = inventory.schedule.zone
    slot = Slot(row.starts_at, row.ends_at)
    return Line(
        uid=row.uid,
        code=row.code,
        hue=row.hue,
        slug=row.slug,
        machine=row.machine_name,
        location=row.location,
        day=relative_day(row.starts_at, zone, now),
        hours=texts.hours(slot, zone),
        length=texts.length(slot.duration),
        soon=in_how_long(row.starts_at, now),
        status=row.status,
        is_over=row.ends_at <= now,
        is_under_way=bool(row.standing) and row.starts_at <= now < row.ends_at,
        purpose=row.title,
        organization=row.organization_name or "",
        who=f"{row.first_name} {row.last_name}".strip(),
        booked_on=texts.moment(row.created_at, zone),
        may_move=may_move,
        may_cancel=may_cancel,
    )


@dataclass(frozen=True, slots=True)
class HistoryLine:
    when: str
    what: str


def history_lines(rows: Any, inventory: Inventory) -> list[HistoryLine]:
    """What happened to a booking, each in a sentence."""
    zone = inventory.schedule.zone
    return [HistoryLine(texts.moment(row.made_at, zone), _happened(row, zone)) for row in rows]


def _happened(row: Any, zone: tzinfo) -> str:
    who = row.first_name or _("the team")
    if row.what == "booked":
        return _("Booked by %(who)s", who=who)
    if row.what == "cancelled":
        return _("Cancelled by %(who)s", who=who)
    if row.what == "moved" and row.before.get("start"):
        was = Slot(*(datetime.fromisoformat(row.before[name]) for name in ("start", "end")))
        return _("Changed by %(who)s; it was %(hours)s", who=who, hours=_full_hours(was, zone))
    return _("Changed by %(who)s", who=who)


def _full_hours(span: Slot, zone: tzinfo) -> str:
    return f"{texts.day(to_wall(zone, span.start).date())} {texts.hours(span, zone)}"
