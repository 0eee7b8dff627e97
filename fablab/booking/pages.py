"""What the booking pages show, as plain values: the templates only lay them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext, pgettext

from fablab import texts
from fablab.booking import ledger, suggestions
from fablab.booking.consent_words import AT_THE_DOOR, HAPPENED, RELEASED
from fablab.booking.forms import BookingForm, SlotForm
from fablab.booking.kinds import ConsentKind
from fablab.booking.known import Facts
from fablab.booking.offers import Offer
from fablab.booking.presence_pages import Presence, expectation, presence_of
from fablab.booking.rules import answer_due, cancellable_until, may_cancel, may_move
from fablab.booking.third_person import OF_SOMEBODY
from fablab.booking.verdicts import OVERRIDES, Reason, Refusal
from fablab.booking.worth import worth_of
from fablab.clock import from_wall, is_repeated, to_wall, today, whole_day
from fablab.forms import StrictTimeField, parse_time
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.kinds import Status
from fablab.machines.policies import BookingPolicy
from fablab.places.kinds import Mode
from fablab.slots import Slot

MINUTES = timedelta(minutes=1)
A_DAY, A_WEEK = timedelta(days=1), timedelta(days=7)
MIDNIGHT = "24:00"  # as the end of a day


@dataclass(frozen=True, slots=True)
class Why:
    """A refusal as it is read: what is wrong, and what to do about it."""

    sentence: str
    advice: str
    reason: str
    url: str = ""  # of the reader's own booking that stands in the way


def why(refusals: list[Refusal], zone: tzinfo, who: str = "") -> list[Why]:
    """As the member reads them; of `who`, as somebody who books for them does."""

    def said(sentence: str, refusal: Refusal) -> str:
        words = OF_SOMEBODY.get(sentence, sentence) if who else sentence
        return texts.filled(words, {"who": who} | dict(refusal.values), zone) if words else ""

    return [
        Why(
            said(refusal.sentence, refusal),
            said(refusal.advice, refusal),
            refusal.reason,
            url_for("booking.show", uid=refusal.own_uid) if refusal.own_uid else "",
        )
        for refusal in refusals
    ]


# Beneath which field each reason is said again. What no field can mend is not here.
FIELDS = {
    Reason.PAST: "start",
    Reason.TOO_LATE: "start",
    Reason.TOO_FAR: "day",
    Reason.CLOSED_DAY: "day",
    Reason.CLOSED: "start",
    Reason.TOO_SHORT: "end",
    Reason.TOO_LONG: "end",
    Reason.OFF_STEP: "start",
    Reason.NOT_WHOLE_DAYS: "start",
    Reason.TWO_AT_ONCE: "start",
    Reason.TOO_MANY_UNITS: "start",
    Reason.RESOURCE_FULL: "start",
    Reason.QUOTA_MACHINE: "end",
    Reason.QUOTA_CATEGORY: "end",
    Reason.QUOTA_RISKY: "end",
    Reason.WEEKLY_BOOKINGS: "day",
    Reason.NO_BUDDY: "buddy",
    Reason.NOT_READ: "safety",
    Reason.TAKEN: "start",
    Reason.OUTAGE: "start",
    Reason.NOT_SHARED_THEN: "day",
    Reason.NOT_INSURED: "day",
    Reason.OWNER_FIRST: "start",
    Reason.NOT_YOUR_ORGANIZATION: "organization",
}


def blame(form: BookingForm, whys: list[Why]) -> None:
    """Say each reason again at the field where it can be mended."""
    for why in whys:
        if why.reason in FIELDS:
            field = form[FIELDS[Reason(why.reason)]]
            field.errors = [*field.errors, why.sentence]


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
    start = to_wall(zone, slot.start)
    return Ticket(
        code=machine.code,
        hue=getattr(machine, "hue", None) or machine.category.hue,
        machine=getattr(machine, "machine_name", None) or machine.name,
        # hours that run into another day name both days themselves
        day=""
        if end_day_to_say(slot, zone)
        else texts.capital(texts.day(start.date(), texts.DAY_AND_YEAR)),
        hours=texts.capital(texts.hours(slot, zone)),
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
            title=when(offer.slot, zone, now),
            detail=_offer_detail(offer, asked),
            url=url_for(endpoint, **kept, **query(offer.machine.slug, offer.slot, zone)),
        )
        for offer in offers
    ]


def _offer_detail(offer: Offer, asked: MachineFacts) -> str:
    length = texts.length(offer.slot.duration)
    if offer.machine.id == asked.id:
        return _("Same machine, %(length)s", length=length)
    if asked.pool_id and offer.machine.pool_id == asked.pool_id:
        return _("Same model: %(name)s, %(length)s", name=offer.machine.name, length=length)
    return _("Similar machine: %(name)s, %(length)s", name=offer.machine.name, length=length)


def query(slug: str, slot: Slot, zone: tzinfo) -> dict[str, Any]:
    """The address's words for a machine and a slot: machine, day, start, end, end_day."""
    start, end = to_wall(zone, slot.start), to_wall(zone, slot.end)
    words = {
        "machine": slug,
        "day": start.date().isoformat(),
        "start": f"{start:%H:%M}",
        "end": f"{end:%H:%M}",
    }
    end_day = end_day_to_say(slot, zone)
    return words | {"end_day": end_day.isoformat()} if end_day else words


def end_day_to_say(slot: Slot, zone: tzinfo) -> date | None:
    """The day it ends on, when that is another one: the midnight after a day still is that day."""
    start, end = to_wall(zone, slot.start), to_wall(zone, slot.end)
    is_midnight_after = end.time() == time.min and end.date() == start.date() + timedelta(days=1)
    return None if end.date() == start.date() or is_midnight_after else end.date()


def when(slot: Slot, zone: tzinfo, now: datetime) -> str:
    """`Today, 14:00–16:00`; with both days in words when it ends on another one."""
    hours = texts.hours(slot, zone)
    if end_day_to_say(slot, zone):
        return texts.capital(hours)
    return _("%(day)s, %(hours)s", day=relative_day(slot.start, zone, now), hours=hours)


def relative_day(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """`Today`, `Tomorrow`, or the day in words with a capital."""
    day, today = to_wall(zone, instant).date(), to_wall(zone, now).date()
    if day == today:
        return _("Today")
    if day == today + timedelta(days=1):
        return _("Tomorrow")
    return texts.capital(texts.near_day(day, zone))


def in_how_long(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """`in 3 h 18`, from 24 hours on the days of the calendar between; nothing once begun."""
    left = instant - now
    if left <= timedelta(0):
        return ""
    in_days = (today(zone, instant) - today(zone, now)).days
    if in_days and left >= A_DAY:
        return ngettext("in %(num)s day", "in %(num)s days", in_days)
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


def strip(facts: Facts, day: date, asked: Slot | None, *, is_refused: bool) -> Strip:
    """`day` of one machine: closed hours, what is taken, and the asked slot over it."""
    schedule, policy, zone = facts.schedule, facts.policy, facts.zone
    whole = whole_day(zone, day)
    opened = schedule.open_time(day, day, policy.modes - {Mode.NIGHT} or policy.modes)
    wanted = asked.within(whole) if asked else None
    spans = [span for span in (*opened, wanted) if span] or [whole]
    first = min(minute(span.start, whole, zone) for span in spans) // 60 * 60
    last = -(-max(minute(span.end, whole, zone) for span in spans) // 60) * 60

    parts = [
        _part("closed", span, whole, zone) for span in schedule.closed_time(whole, policy.modes)
    ]
    parts += [
        _part("outage" if other.is_outage else "booked", span, whole, zone)
        for other in facts.taken
        if (span := other.span.within(whole))
    ]
    if wanted:
        parts.append(_part("refused" if is_refused else "own", wanted, whole, zone))
    return Strip(
        first,
        last,
        [part for part in parts if part.start < last and part.end > first],
        minute(facts.now, whole, zone) if whole.start <= facts.now < whole.end else None,
        _strip_label(asked, facts, day, is_refused),
    )


def _strip_label(asked: Slot | None, facts: Facts, day: date, is_refused: bool) -> str:
    if asked is None:
        return _("What is taken on this machine on %(day)s", day=texts.day(day))
    hours = texts.hours(asked, facts.zone)
    others = [texts.hours(t.span, facts.zone) for t in facts.taken if t.span.overlaps(asked)]
    if others:
        return _(
            "Your request, %(hours)s, runs into what is there %(others)s",
            hours=hours,
            others=", ".join(others),
        )
    if is_refused:
        return _("Your request, %(hours)s, on this machine's day", hours=hours)
    return _("Your request, %(hours)s, fits into this machine's day", hours=hours)


def neighbours(facts: Facts, slot: Slot) -> str:
    """What stands before and after an acceptable slot that day, in a sentence."""
    whole = whole_day(facts.zone, to_wall(facts.zone, slot.start).date())
    after = [t.span for t in facts.taken if t.span.start >= slot.end and t.span.overlaps(whole)]
    if not after:
        return _("It is free.")
    start = to_wall(facts.zone, min(after).start)
    return _("It is free; the next one starts at %(hour)s.", hour=texts.hour(start))


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


class Hour(NamedTuple):
    value: str  # as the form sends it
    text: str
    is_chosen: bool


def hour_options(facts: Facts, form: BookingForm, day: date) -> tuple[list[Hour], list[Hour]]:
    """The starts and the ends to choose from on `day`: each step of the hours it is open.

    On a day without any they are those of the week after, so that the day and the hour can be
    changed at once. What was chosen or typed is always among them, allowed or not: nothing is
    lost. A booking under way keeps its start.
    """
    starts, ends = {_chosen(form.start)}, {_chosen(form.end)}
    if facts.policy.whole_days:
        starts, ends = starts | {"00:00"}, ends | {"00:00"}
        return _hours(starts, _chosen(form.start)), _hours(ends, _chosen(form.end), MIDNIGHT)
    opened = _open_around(facts, form, day)
    is_closed = not facts.schedule.open_time(day, day, facts.policy.modes)
    if is_closed:
        opened = facts.schedule.open_time(day, day + A_WEEK, facts.policy.modes)
    for span in opened:
        instant = suggestions.on_step(facts, span.start)
        while instant <= span.end:
            wall = to_wall(facts.zone, instant)
            is_a_start = instant < span.end and (is_closed or wall.date() == day)
            if is_a_start and not facts.is_under_way:
                starts.add(f"{wall:%H:%M}")
            if instant > span.start:
                ends.add(f"{wall:%H:%M}")
            instant += facts.policy.step
    return _hours(starts, _chosen(form.start)), _hours(ends, _chosen(form.end), MIDNIGHT)


def _hours(values: set[str], chosen: str, midnight: str = "00:00") -> list[Hour]:
    """In the order of the clock; as an end, midnight comes last and reads `24:00`."""

    def said(value: str) -> str:
        return midnight if value == "00:00" else value

    in_order = sorted(values, key=said)
    return [
        Hour(value, MIDNIGHT if said(value) == MIDNIGHT else _hour_text(value), value == chosen)
        for value in in_order
    ]


def _chosen(field: StrictTimeField) -> str:
    return f"{field.data:%H:%M}" if field.data is not None else field._value()


def _open_around(facts: Facts, form: BookingForm, day: date) -> list[Slot]:
    last = form.end_day.data or day
    if spans_nights(facts.policy):
        last = max(last, day + timedelta(days=1))
    return facts.schedule.open_time(day, min(last, day + A_WEEK), facts.policy.modes)


def _hour_text(value: str) -> str:
    """As the rest of the page writes hours; what is no hour stays as it was typed."""
    at = parse_time(value)
    return texts.hour(at) if at is not None else value


def clock_notes(form: SlotForm, zone: tzinfo) -> list[str]:
    """A word for each chosen hour that the clock shows twice that night."""
    chosen = ((form.day.data, form.start.data), (form.last_day, form.end.data))
    twice = [at for day, at in chosen if day and at is not None and is_repeated(zone, day, at)]
    return [
        _(
            "The clocks go back that night and show %(hour)s twice: the first is meant.",
            hour=texts.hour(at),
        )
        for at in dict.fromkeys(twice)
    ]


def may_ask_company(facts: Facts) -> bool:
    """Do they hold level 1, where the machine asks for more?"""
    levels = [held.level for held in facts.held]
    return bool(levels) and max(levels) < facts.policy.level


CONSENTS = {
    ConsentKind.TEAM: lazy_gettext("the team's agreement"),
    ConsentKind.OWNER: lazy_gettext("the owner's agreement"),
    ConsentKind.BUDDY: lazy_gettext("your buddy's agreement"),
    ConsentKind.COMPANY: lazy_gettext("somebody of the team to stay with you"),
}
CONSENTS_OF_SOMEBODY = CONSENTS | {
    ConsentKind.BUDDY: lazy_gettext("the buddy's agreement"),
    ConsentKind.COMPANY: lazy_gettext("somebody of the team to stay with them"),
}


def waits_for(facts: Facts, slot: Slot, *, is_team: bool, who: str = "") -> str:
    """What the booking would still wait for once it is made, in a sentence; empty for nothing.

    `is_team`: what the team books it agrees to. `who` it is for, when that is not who reads.
    """
    kinds = ledger.still_to_ask(slot, facts, is_team=is_team)
    if not kinds:
        return ""
    return _(
        "It then waits for %(what)s, until %(moment)s at most; the slot is kept meanwhile.",
        what=", ".join(str(consents_for(who)[kind]) for kind in kinds),
        moment=texts.moment(max(answer_due(slot, facts, kind) for kind in kinds), facts.zone),
    )


def consents_for(who: str) -> dict[ConsentKind, Any]:
    """What is waited for, said to its member; of `who`, to somebody else."""
    return CONSENTS_OF_SOMEBODY if who else CONSENTS


class Condition(NamedTuple):
    """What one should know when booking: a sentence, and a line of why."""

    icon: str
    sentence: str
    why: str


def conditions(facts: Facts, slot: Slot | None, who: str = "") -> list[Condition]:
    """The machine's rules for this person, in the order they matter when booking; of `who`, said
    to whoever books for them.
    """
    policy = facts.policy
    known: list[Condition] = []
    if slot and not facts.is_under_way:
        until = texts.moment(slot.start, facts.zone)
        known.append(
            Condition(
                "rotate-ccw",
                _("%(who)s may cancel until %(moment)s", who=who, moment=until)
                if who
                else _("You may cancel until %(moment)s", moment=until),
                _(
                    "Later than %(length)s before, it is noted as late.",
                    length=texts.length(policy.free_cancellation),
                )
                if policy.free_cancellation
                else _("The machine is then free for the others at once."),
            )
        )
        expected = expectation(slot, policy.release_after, facts.zone, who)
        if expected:
            known.append(Condition("user-x", expected, ""))
    if policy.minimum == policy.maximum:
        lengths = _("%(length)s at a time", length=texts.length(policy.minimum))
    else:
        lengths = _(
            "From %(minimum)s to %(maximum)s at a time",
            minimum=texts.length(policy.minimum),
            maximum=texts.length(policy.maximum),
        )
    known.append(Condition("timer", lengths, _ahead(policy)))
    margin = policy.margin
    if margin:
        known.append(
            Condition(
                "hourglass",
                _("%(length)s are kept free around it", length=texts.length(margin)),
                _("To set the machine up and to clean it; they are not counted as yours."),
            )
        )
    return known


def _ahead(policy: BookingPolicy) -> str:
    days = texts.days_count(policy.horizon_days)
    if policy.notice:
        notice = texts.length(policy.notice)
        return _("Booked from %(notice)s to %(days)s ahead.", notice=notice, days=days)
    return _("Booked up to %(days)s ahead.", days=days)


def first_slot(facts: Facts, first: date, last: date) -> Slot:
    """Something to start from: the first hour they may have from `first` to `last`, else the
    first that is free, else the first that is open.
    """
    policy = facts.policy
    length = min(max(timedelta(hours=1), policy.minimum), policy.maximum)
    free = suggestions.free_time(facts, first, last)
    starts = (suggestions.on_step(facts, max(stretch.start, facts.now)) for stretch in free)
    free_slots = (
        Slot.lasting(start, length)
        for start, stretch in zip(starts, free, strict=True)
        if start + length <= stretch.end
    )
    allowed = next(suggestions.acceptable(facts, first, last, length), None)
    opened = facts.schedule.open_time(first, first, policy.modes)
    start = opened[0].start if opened else from_wall(facts.zone, first, time(10))
    if policy.whole_days:
        return allowed or Slot.lasting(from_wall(facts.zone, first, time.min), length)
    return allowed or next(free_slots, None) or Slot.lasting(start, length)


def spans_nights(policy: BookingPolicy) -> bool:
    """True when a booking of this machine may end on another day than it starts."""
    return Mode.NIGHT in policy.modes or policy.maximum >= timedelta(days=1)


# How often what repeats does, by the weeks between.
EVERY = {1: lazy_gettext("Every week"), 2: lazy_gettext("Every other week")}


class Trouble(NamedTuple):
    """Why the machine of a booking is not there for it."""

    sentence: str
    tag: str
    advice: str  # to whose it is


@dataclass(frozen=True, slots=True)
class Line:
    """A booking as a list or its own page shows it."""

    uid: str
    code: str
    hue: str
    slug: str
    machine: str
    location: str
    when: str
    until: str  # the last moment to cancel it
    ends: str
    ends_at: datetime
    soon: str  # "in 3 h 18" before it starts
    status: str
    planning_day: str  # the day it starts on, YYYY-MM-DD
    is_over: bool
    is_under_way: bool
    purpose: str
    organization: str
    activity: str  # the account it is put down to there
    who: str
    override: str  # why the team set a rule aside for it
    may_move: bool
    may_cancel: bool
    may_book_again: bool  # the machine is still there
    series: str  # the UID of the series it is part of
    repeats: str  # "Every week"
    presence: Presence
    trouble: Trouble | None
    amount: str = ""  # what counts of what was shown when it was made
    nothing_counts: bool = False  # of an amount that was shown
    is_late: bool = False  # it was cancelled late, and that is noted


def booking_line(
    row: Any, inventory: Inventory, now: datetime, *, is_own: bool, is_team: bool
) -> Line:
    """`row` for whom it is for (`is_own`), or for somebody of the team."""
    zone = inventory.schedule.zone
    slot = Slot(row.starts_at, row.ends_at)
    # Whoever left is not there for the rest of the minute that their booking ends in.
    is_over = row.ends_at <= now or row.left_at is not None
    may = partial(_may, row, slot, now, is_own=is_own, is_team=is_team)
    return Line(
        uid=row.uid,
        code=row.code,
        hue=row.hue,
        slug=row.slug,
        machine=row.machine_name,
        location=row.location,
        when=when(slot, zone, now),
        until=texts.moment(cancellable_until(slot, is_team=is_team), zone),
        ends=texts.moment(slot.end, zone),
        ends_at=slot.end,
        planning_day=today(zone, slot.start).isoformat(),
        soon=in_how_long(row.starts_at, zone, now),
        status=row.status,
        is_over=is_over,
        is_under_way=bool(row.standing) and not is_over and row.starts_at <= now,
        purpose=row.title,
        organization=row.organization_name or "",
        activity=row.activity,
        who=f"{row.first_name} {row.last_name}".strip(),
        override=row.override_reason,
        may_move=may(may_move) and row.machine_id in inventory.by_id,
        may_cancel=may(partial(may_cancel, is_here=row.arrived_at is not None)),
        may_book_again=is_own and row.machine_id in inventory.by_id,
        series=row.series_uid or "",
        repeats=str(EVERY[row.every_weeks]) if row.every_weeks else "",
        presence=presence_of(row, inventory, now),
        trouble=_trouble(row, inventory, now),
        is_late=row.status == Status.CANCELLED and row.is_late and not row.is_excused,
        **worth_of(row, inventory)._asdict(),
    )


def _trouble(row: Any, inventory: Inventory, now: datetime) -> Trouble | None:
    machine = inventory.by_id.get(row.machine_id)
    if machine is None or not row.standing or row.ends_at <= now:
        return None
    if machine.is_out_on(today(inventory.schedule.zone, row.starts_at)):
        return Trouble(
            _("The machine is out of service: %(why)s", why=machine.state_reason)
            if machine.state_reason
            else _("The machine is out of service."),
            _("Machine out of service"),
            _(
                "Your booking stands, but do not count on it: move it, or wait for a mail that says"
                " the machine is back."
            ),
        )
    span = Slot(row.starts_at, row.ends_at)
    if row.starts_at <= now or machine.is_shared_over(inventory.schedule, span):
        return None
    return Trouble(
        _("The owner of the machine does not share it then."),
        _("Machine not shared"),
        _(
            "Your booking stands, but do not count on it: move it, or wait for a mail that says the"
            " machine is shared after all."
        ),
    )


def _may(row: Any, slot: Slot, now: datetime, rule: Any, *, is_own: bool, is_team: bool) -> bool:
    is_there = bool(row.standing) and row.left_at is None
    return is_there and rule(slot, now=now, is_own=is_own, is_team=is_team)


class Said(NamedTuple):
    """How a booking stands, in words: the message of its page and the stamp on its ticket."""

    kind: str  # of the message
    title: str
    sentence: str = ""
    stamp: str = ""
    stamp_kind: str = "ok"


def standing(line: Line, history: Sequence[Any] = ()) -> Said:
    """`history` tells a booking that was declined, or answered too late, from one cancelled."""
    last = history[-1] if history else None
    if line.status == Status.CANCELLED and last is not None and last.what == "declined":
        why = _("Reason given: %(why)s.", why=last.after["why"]) if last.after.get("why") else ""
        sentence = why or _("The machine is free for the others.")
        stamp = pgettext("stamp", "Declined")
        return Said("no", _("This booking was declined"), sentence, stamp, "no")
    if line.status == Status.CANCELLED and last is not None and last.what == "lapsed":
        sentence = _("Nobody answered in time; the machine is free for the others.")
        stamp = pgettext("stamp", "Lapsed")
        return Said("info", _("This booking has lapsed"), sentence, stamp, "no")
    if line.status == Status.CANCELLED:
        sentence = _("The machine is free for the others.")
        return Said(
            "info", _("This booking is cancelled"), sentence, pgettext("stamp", "Cancelled"), "no"
        )
    if line.status == Status.MISSED:
        return Said("no", _("Nobody came"), _missed(line, last))
    if line.is_over and line.presence.left:
        sentence = _("It was ended at %(hour)s.", hour=line.presence.left)
        return Said("info", _("This booking is over"), sentence)
    if line.is_over:
        return Said("info", _("This booking is over"))
    if line.status == Status.PENDING:
        sentence = _("The slot is kept until the answer.")
        return Said("warning", _("It waits for approval"), sentence, _("Waiting"), "warning")
    if line.is_under_way:
        sentence = _("The machine is kept until %(moment)s.", moment=line.ends)
        return Said("ok", _("It is under way"), sentence, _("Booked"))
    return Said("ok", _("It is booked"), _("It starts %(soon)s.", soon=line.soon), _("Booked"))


def _missed(line: Line, last: Any) -> str:
    """What became of the machine: given to others, unless the hours were over by then."""
    if last is not None and last.what == "missed" and last.made_at >= line.ends_at:
        return _("The absence was noted once the booking was over.")
    return _("The machine was given to the others.")


class HistoryLine(NamedTuple):
    when: str
    what: str


def history_lines(rows: Any, inventory: Inventory, member: str = "") -> list[HistoryLine]:
    """What happened to a booking of `member`, each in a sentence."""
    zone = inventory.schedule.zone
    if any(row.what == "handed_over" for row in rows):
        member = ""  # it was somebody else's before
    return [
        HistoryLine(texts.moment(row.made_at, zone), _happened(row, zone, member)) for row in rows
    ]


def _happened(row: Any, zone: tzinfo, member: str) -> str:
    what = _what_happened(row, zone, member)
    if not row.after.get("override"):
        return what
    names = row.after.get("rules", "").split()
    rules = ", ".join(_(OVERRIDES[name]) for name in names if name in OVERRIDES)
    why = row.after["override"]
    return _("%(what)s. Set aside: %(rules)s. Reason: %(why)s", what=what, rules=rules, why=why)


def _what_happened(row: Any, zone: tzinfo, member: str) -> str:
    who = row.first_name or _("the team")
    if row.what == "booked":
        return _("Booked by %(who)s", who=who)
    if row.what == "cancelled" and row.after.get("why"):
        return _("Cancelled by %(who)s: %(why)s", who=who, why=row.after["why"])
    if row.what == "cancelled":
        return _("Cancelled by %(who)s", who=who)
    if row.what == "moved" and row.before.get("start"):
        was = Slot(*(datetime.fromisoformat(row.before[name]) for name in ("start", "end")))
        return _("Changed by %(who)s; it was %(hours)s", who=who, hours=_full_hours(was, zone))
    if row.what == "declined" and row.after.get("why"):
        return _("Declined by %(who)s: %(why)s", who=who, why=row.after["why"])
    if row.what == "buddy_declined" and row.after.get("why"):
        return _("%(who)s cannot be the buddy: %(why)s", who=who, why=row.after["why"])
    if row.what == "missed" and row.first_name is None:
        return _(RELEASED)
    if row.what == "arrived" and row.after.get("at") == "door":
        return _(AT_THE_DOOR)
    if row.what == "put_down":
        return _put_down(row, who, member)
    if row.what == "ended_early":
        end = texts.hour(datetime.fromisoformat(row.before["end"]).astimezone(zone))
        return _("Ended early by %(who)s; it was until %(hour)s", who=who, hour=end)
    if row.what in HAPPENED:
        return _(HAPPENED[row.what], who=who)
    return _("Changed by %(who)s", who=who)


def _put_down(row: Any, who: str, member: str) -> str:
    def named(said: dict[str, str]) -> str:
        if not said["organization"]:
            return _("%(who)s personally", who=member) if member else _("the person themselves")
        account = f" ({said['activity']})" if said["activity"] else ""
        return f"{said['organization']}{account}"

    return _(
        "Put down to %(whom)s, by %(who)s (before: %(before)s). Reason: %(why)s",
        whom=named(row.after),
        who=who,
        before=named(row.before),
        why=row.after["why"],
    )


def _full_hours(span: Slot, zone: tzinfo) -> str:
    hours = texts.hours(span, zone)
    if end_day_to_say(span, zone):
        return hours
    return _("%(day)s, %(hours)s", day=texts.day(to_wall(zone, span.start).date()), hours=hours)
