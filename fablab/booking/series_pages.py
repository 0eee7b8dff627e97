"""What the pages of repeated bookings show, as plain values."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, tzinfo
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import texts
from fablab.booking import pages, series_forms
from fablab.booking.orders import Order
from fablab.booking.series import Pick, Verdict, Wish
from fablab.booking.series_forms import SeriesForm
from fablab.booking.verdicts import TAKEN, Reason
from fablab.clock import today
from fablab.machines.inventory import Inventory
from fablab.slots import Slot
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import quote
from fablab.tariffs.words import sum_said

# What a list of dates sends along of the form it was made from.
CARRIED = (
    *("day", "start", "end", "end_day", "repeat", "until", "organization", "purpose"),
    *("buddy", "accompanied", "safety", "member", "key", "revision"),
)


class Option(NamedTuple):
    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class DateLine:
    """One occurrence in the list from which one chooses."""

    id: str
    name: str
    when: str
    so_far: str  # when it is now, of one that would move
    whys: list[pages.Why]  # without what is said of several dates at once
    notes: list[str]
    options: list[Option]  # what one may choose of a date that is refused
    is_in: bool
    is_lost: bool
    left_out: str = ""  # why nothing is offered instead, where that is not for want of a slot
    is_said_above: bool = False  # some of its reasons are told once, with the other dates


class InCommon(NamedTuple):
    """A reason that holds against several dates, told once."""

    sentence: str
    advice: str
    dates: list[str]


class Repeated(NamedTuple):
    """A series with bookings to come, in the list of one's own."""

    url: str
    code: str
    hue: str
    machine: str
    repeats: str
    left: str  # how many are to come, and when the next is


def repeated(upcoming: Iterable[pages.Line]) -> list[Repeated]:
    """The series behind what is to come, the one whose turn is next first."""
    found: dict[str, list[pages.Line]] = {}
    for line in upcoming:
        if line.series:
            found.setdefault(line.series, []).append(line)
    return [
        Repeated(
            url_for("series.show", uid=uid),
            lines[0].code,
            lines[0].hue,
            lines[0].machine,
            lines[0].repeats,
            ngettext(
                "%(num)s to come, the next: %(when)s",
                "%(num)s to come, the next: %(when)s",
                len(lines),
                when=lines[0].when,
            ),
        )
        for uid, lines in found.items()
    ]


def date_lines(
    verdicts: Sequence[Verdict], inventory: Inventory, now: datetime, who: str = ""
) -> list[DateLine]:
    """`who` they are for, when that is not who asks."""
    return [_date_line(n, verdict, inventory, now, who) for n, verdict in enumerate(verdicts)]


def said_once(lines: Sequence[DateLine]) -> tuple[list[InCommon], list[DateLine]]:
    """What holds against several dates in the same words, and the lines without it.

    That a slot is taken is said of each: it is what one reads a date for.
    """
    dates: dict[str, list[str]] = {}
    for line in lines:
        for why in line.whys:
            if why.reason not in TAKEN:
                dates.setdefault(why.sentence, []).append(line.when)
    common = {sentence for sentence, whens in dates.items() if len(whens) > 1}
    told = {why.sentence: why for line in lines for why in line.whys if why.sentence in common}
    return (
        [InCommon(why.sentence, why.advice, dates[why.sentence]) for why in told.values()],
        [
            replace(
                line,
                whys=[why for why in line.whys if why.sentence not in common or why.url],
                is_said_above=any(why.sentence in common for why in line.whys),
            )
            for line in lines
        ],
    )


def _date_line(n: int, verdict: Verdict, inventory: Inventory, now: datetime, who: str) -> DateLine:
    wish, zone = verdict.wish, inventory.schedule.zone
    options: list[Option] = []
    if verdict.refusals:
        options = list(_options(verdict, inventory, now))
    return DateLine(
        id=f"date-{n}",
        name=series_forms.field_name(wish),
        when=_when(wish.order, inventory, now, wish.booking),
        so_far=_so_far(wish, inventory, now),
        whys=pages.why(verdict.refusals, zone, who),
        notes=[_clock_note(at, is_twice) for at, is_twice in wish.odd],
        options=options,
        is_in=verdict.pick is not Pick.NO,
        is_lost=verdict.is_lost,
        left_out=_left_out(verdict),
    )


def _left_out(verdict: Verdict) -> str:
    """Another hour helps nobody who has as many bookings ahead as one may."""
    for refusal in verdict.refusals:
        if refusal.reason is Reason.BOOKINGS_AHEAD:
            return ngettext(
                "It is left out: %(num)s booking ahead is the most at one time.",
                "It is left out: %(num)s bookings ahead are the most at one time.",
                refusal.values["most"],
            )
    return ""


def _options(verdict: Verdict, inventory: Inventory, now: datetime) -> Iterator[Option]:
    wish, offer = verdict.wish, verdict.instead
    if offer:
        machine = inventory.by_id[offer.machine_id]
        when = pages.when(offer.slot, inventory.schedule.zone, now)
        text = _("Instead: %(when)s", when=when)
        if offer.machine_id != wish.order.machine_id:
            text = _(
                "Instead: %(when)s, on %(code)s %(name)s",
                when=when,
                code=machine.code,
                name=machine.name,
            )
        yield Option(series_forms.written(offer, machine), text, verdict.pick is Pick.INSTEAD)
    if verdict.may_set_aside:
        yield Option("yes", _("All the same: the rule is set aside"), verdict.pick is Pick.YES)
    out = _("Leave it where it is") if wish.booking else _("Leave this date out")
    yield Option("no", out, verdict.pick is Pick.NO)


def _when(order: Order, inventory: Inventory, now: datetime, booking: Any) -> str:
    when = pages.when(order.slot, inventory.schedule.zone, now)
    if booking is None or booking.machine_id == order.machine_id:
        return when
    code = inventory.by_id[order.machine_id].code
    return _("%(when)s, on %(code)s", when=when, code=code)


def _so_far(wish: Wish, inventory: Inventory, now: datetime) -> str:
    if wish.booking is None:
        return ""
    slot = Slot(wish.booking.starts_at, wish.booking.ends_at)
    return _("So far: %(when)s", when=pages.when(slot, inventory.schedule.zone, now))


def _clock_note(at: time, is_twice: bool) -> str:
    if is_twice:
        return _(
            "The clocks go back that night and show %(hour)s twice: the first is meant.",
            hour=texts.hour(at),
        )
    return _(
        "The clocks go forward that night and never show %(hour)s: it is an hour later.",
        hour=texts.hour(at),
    )


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many dates there are, and how many of them the rules refuse."""
    count = len(verdicts)
    refused = sum(bool(verdict.refusals) for verdict in verdicts)
    dates = ngettext("%(num)s date", "%(num)s dates", count)
    if not refused:
        return _("%(dates)s: all of them are possible.", dates=dates)
    if refused == count:
        return _("%(dates)s: none is possible as it is.", dates=dates)
    return ngettext(
        "%(dates)s: %(num)s is not possible as it is.",
        "%(dates)s: %(num)s are not possible as they are.",
        refused,
        dates=dates,
    )


def waits_for(verdicts: Sequence[Verdict], who: str = "") -> str:
    """Whose yes what is chosen would still wait for, in a sentence; empty for nobody's. `who` they
    are for, when that is not who reads.
    """
    kinds = dict.fromkeys(kind for verdict in verdicts for kind in verdict.waits_for)
    if not kinds:
        return ""
    return _(
        "Some of them then wait for %(what)s; the slots are kept meanwhile.",
        what=", ".join(str(pages.consents_for(who)[kind]) for kind in kinds),
    )


def amount_of(verdicts: Iterable[Verdict], inventory: Inventory) -> str:
    """What all that is chosen would be worth; empty where no price is known."""
    prices = prices_of(inventory)
    return sum_said(
        (
            quote(
                prices,
                order.machine_id,
                verdict.audience,
                order.slot,
                is_accompanied=order.is_accompanied,
            )
            for verdict in verdicts
            if (order := verdict.order)
        ),
        prices.terms.currency,
    )


def carried(form: SeriesForm) -> list[tuple[str, str]]:
    """The fields of the form behind a list, as it sends them along."""
    return [(name, written) for name in CARRIED if (written := _written(form[name].data))]


def _written(value: Any) -> str:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, bool):
        return "y" if value else ""
    return value.isoformat() if isinstance(value, date) else str(value or "")


def days_between(rows: Sequence[Any], zone: tzinfo) -> str:
    """`From Tuesday 30 March to Tuesday 20 April`, of rows in order."""
    first, last = today(zone, rows[0].starts_at), today(zone, rows[-1].starts_at)
    return texts.capital(
        _(
            "from %(first)s to %(last)s",
            first=texts.near_day(first, zone),
            last=texts.near_day(last, zone),
        )
    )
