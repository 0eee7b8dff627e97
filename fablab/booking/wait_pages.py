"""What the pages about waiting show, as plain values: the templates only lay them out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import texts
from fablab.booking import pages, wait_queries
from fablab.booking.kinds import WaitEnd
from fablab.booking.rules import Refusal
from fablab.booking.wait_rules import is_worth_waiting
from fablab.clock import from_wall, to_wall, today, whole_days
from fablab.machines.inventory import Inventory, MachineFacts, of_place
from fablab.machines.kinds import Status
from fablab.machines.policies import BookingPolicy
from fablab.slots import Slot
from fablab.words import N_

TYPED = ("purpose", "organization")
MINUTE, A_DAY = timedelta(minutes=1), timedelta(days=1)
USUAL = (15, 30, 45, 60, 90, 120, 150, 180, 240, 300, 360, 480, 600, 720)  # minutes
MOST_LENGTHS = 16

ENDED = {
    WaitEnd.BOOKED: N_("You took the slot that was offered."),
    WaitEnd.DECLINED: N_("You left the slot to the next in line."),
    WaitEnd.LAPSED: N_("The slot was not taken in time and went to the next in line."),
    WaitEnd.GIVEN_UP: N_("You gave your place in line up."),
    WaitEnd.OVER: N_("The time you waited for is over, and nothing came free for you."),
}


@dataclass(frozen=True, slots=True)
class WaitLine:
    """Somebody's wait, as a list or its own page shows it."""

    uid: str
    url: str
    code: str
    hue: str
    slug: str
    machine: str
    who: str
    member_uid: str
    window: str
    length: str
    purpose: str
    organization: str
    in_line: str  # how many stand before them
    since: str
    offered: str  # when; empty while nothing is
    due: str  # until when it is kept
    ended: str  # how; empty while they wait
    booking_url: str  # of what they took
    again: dict[str, Any]  # the address's words for waiting for the same again

    @property
    def is_open(self) -> bool:
        return not self.ended


def line(row: Any, inventory: Inventory, now: datetime) -> WaitLine:
    """`row` is one of `wait_queries.waits`."""
    zone = inventory.schedule.zone
    window = Slot(row.starts_at, row.ends_at)
    is_offered = row.ended_at is None and row.due_at is not None and now < row.due_at
    return WaitLine(
        uid=row.uid,
        url=url_for("waits.show", uid=row.uid),
        code=row.code,
        hue=row.hue,
        slug=row.slug,
        machine=row.machine_name,
        who=f"{row.first_name} {row.last_name}".strip(),
        member_uid=row.member_uid,
        window=pages.when(window, zone, now),
        length=texts.length(row.duration),
        purpose=row.purpose,
        organization=row.organization_name or "",
        in_line=_in_line(row.before),
        since=texts.moment(row.created_at, zone),
        offered=pages.when(Slot(row.offered_from, row.offered_until), zone, now)
        if is_offered
        else "",
        due=texts.moment(row.due_at, zone) if is_offered else "",
        ended=_ended(row, is_offered),
        booking_url=url_for("booking.show", uid=row.booking_uid)
        if row.outcome == WaitEnd.BOOKED
        else "",
        again=pages.query(row.slug, window, zone) | {"length": row.duration // MINUTE},
    )


def _in_line(before: int) -> str:
    if not before:
        return _("You are first in line.")
    return ngettext("%(num)s person stands before you.", "%(num)s people stand before you.", before)


def _ended(row: Any, is_offered: bool) -> str:
    if row.outcome is not None:
        return _(ENDED[row.outcome])
    if row.offered_id is not None and not is_offered:  # past its time, until the next round
        return _(ENDED[WaitEnd.LAPSED])
    return ""


class Mine(NamedTuple):
    """What one member is offered, and what they still wait for."""

    offers: list[WaitLine]
    waiting: list[WaitLine]
    offered: frozenset[str]  # the bookings that are, by their UIDs


def of_member(member_id: int, now: datetime) -> Mine:
    """Each on the clock of its own place. One statement, and one for each place."""
    rows = [row for row in wait_queries.of_member(member_id) if row.ends_at > now]
    places = {place_id: of_place(place_id=place_id) for place_id in {r.place_id for r in rows}}
    lines = [line(row, places[row.place_id], now) for row in rows]
    return Mine(
        [each for each in lines if each.offered],
        [each for each in lines if not each.offered and each.is_open],
        frozenset(row.booking_uid for row in rows if row.due_at and now < row.due_at),
    )


def on_machine(machine: MachineFacts, inventory: Inventory, now: datetime) -> list[WaitLine]:
    """Who waits for it, for the team. One statement."""
    rows = wait_queries.on_machine(machine.id)
    return [line(row, inventory, now) for row in rows if row.ends_at > now]


class OfferSaid(NamedTuple):
    """That a booking is an offer, on its own page."""

    title: str
    sentence: str
    url: str  # where its member answers; empty for others


def offer_of(booking: Any, member_id: int, inventory: Inventory, now: datetime) -> OfferSaid | None:
    """None of what is no offer. One statement, of what is pending alone."""
    row = wait_queries.by_booking(booking.id) if booking.status == Status.PENDING else None
    if row is None or row.due_at is None:
        return None
    due = texts.moment(row.due_at, inventory.schedule.zone)
    sentence = _("It is kept until %(moment)s, then it goes to the next in line.", moment=due)
    if row.member_id == member_id:
        url = url_for("waits.show", uid=row.uid)
        return OfferSaid(_("This slot is offered to you"), sentence, url)
    return OfferSaid(_("This slot is offered to whoever waits for it"), sentence, "")


def url_after(
    verdict: list[Refusal], machine: MachineFacts, slot: Slot | None, zone: Any, **kept: Any
) -> str:
    """After a no that waiting may lift, where to wait; else empty."""
    if slot is None or not is_worth_waiting(verdict):
        return ""
    return url_for("waits.new", **kept, **pages.query(machine.slug, slot, zone))


def typed(form: Any) -> dict[str, str]:
    """What the forms for booking and for waiting both ask: nothing is typed twice."""
    return {name: form[name].data for name in TYPED if form[name].data}


def first_window(
    inventory: Inventory, policy: BookingPolicy, day: Any, asked: Slot | None, now: datetime
) -> Slot:
    """What was asked; else all the hours of a day, so that whoever waits narrows them: `day`, or
    the next open one. Of what is lent by the day, a week from then on.
    """
    schedule = inventory.schedule
    first = day or today(schedule.zone, now)
    spans = schedule.open_time(first, first, policy.modes)
    if day is None and not any(span.end > now for span in spans):
        first = schedule.next_open_day(first, policy.modes) or first
        spans = schedule.open_time(first, first, policy.modes)
    if policy.whole_days:
        week = whole_days(schedule.zone, first, first + timedelta(days=6))
        return Slot(week.start, max(week.end, asked.end)) if asked else week
    if asked:
        return asked
    if not spans:
        noon = from_wall(schedule.zone, first, time(12))
        spans = [Slot(noon, noon + policy.minimum)]
    return Slot(min(span.start for span in spans), max(span.end for span in spans))


def first_length(policy: BookingPolicy, asked: Slot | None) -> int:
    """In minutes: as long as what was asked, else an hour, where the machine allows it."""
    wanted = asked.duration if asked else timedelta(hours=1)
    if policy.whole_days:  # 23 or 25 hours may be one
        wanted = max(round(wanted / A_DAY), 1) * A_DAY
    return min(max(wanted, policy.minimum), policy.maximum) // MINUTE


def lengths(policy: BookingPolicy, chosen: str) -> list[tuple[str, str]]:
    """The lengths to choose from, in minutes; what was chosen is always among them."""
    step = A_DAY if policy.whole_days else policy.step
    least, most = max(policy.minimum, step), policy.maximum
    count = (most - least) // step + 1 if step else 0
    if 0 < count <= MOST_LENGTHS:
        offered = [(least + n * step) // MINUTE for n in range(count)]
    else:
        offered = [n for n in USUAL if least <= n * MINUTE <= most and not n * MINUTE % step]
        offered += [n * 1440 for n in range(1, 32) if least <= n * A_DAY <= most]
    if chosen.isascii() and chosen.isdigit() and 0 < len(chosen) <= 5 and int(chosen):
        offered.append(int(chosen))
    return [(str(n), texts.length(n * MINUTE)) for n in sorted(set(offered))]


def window_data(window: Slot, zone: Any) -> dict[str, Any]:
    """What the form shows for it."""
    start, end = to_wall(zone, window.start), to_wall(zone, window.end)
    return {
        "day": start.date(),
        "start": start.time(),
        "end_day": pages.end_day_to_say(window, zone),
        "end": end.time(),
    }


def free_lines(
    slots: Iterable[Slot], machine: MachineFacts, inventory: Inventory, now: datetime, **kept: Any
) -> list[pages.OfferLine]:
    """What can be had at once, as links that open the booking form already filled."""
    zone = inventory.schedule.zone
    return [
        pages.OfferLine(
            code=machine.code,
            hue=machine.category.hue,
            title=pages.when(slot, zone, now),
            detail=_("Free now, %(length)s", length=texts.length(slot.duration)),
            url=url_for("booking.new", **kept, **pages.query(machine.slug, slot, zone)),
        )
        for slot in slots
    ]
