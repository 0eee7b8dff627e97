"""Statements as pages show them, as plain values."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from flask_babel import format_currency, format_decimal
from flask_babel import gettext as _

from fablab import clock, texts
from fablab.slots import TimeUsed
from fablab.statements import queries
from fablab.statements.kinds import LineKind, Scope
from fablab.statements.months import Entry
from fablab.statements.own import Behalf
from fablab.statements.rules import TIME, Line, Period, Refusal, Total, total, totals
from fablab.statements.words import KINDS, UNITS
from fablab.tariffs import words as amounts
from fablab.tariffs.kinds import Unit


def months_around(day: date) -> tuple[Period, Period, Period]:
    """The month before, that of the day, and the next."""
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    after = (following + timedelta(days=31)).replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    one = timedelta(days=1)
    return (
        Period(before, first - one),
        Period(first, following - one),
        Period(following, after - one),
    )


def period_title(period: Period) -> str:
    """`March 2027` of a whole month, else its days."""
    if period == months_around(period.first)[1]:
        return texts.capital(texts.day(period.first, "LLLL y"))
    return _("%(first)s to %(last)s", first=short(period.first), last=short(period.last))


def short(day: date) -> str:
    return texts.day(day, "d MMM y")


def money(amount: Decimal, currency: str) -> str:
    return signed(format_currency(abs(amount), currency), amount)


def time_used(minutes: int) -> str:
    """Also of a difference that takes hours away."""
    if not minutes:
        return "–"
    return signed(texts.length(TimeUsed(minutes=abs(minutes))), minutes)


def signed(said: str, value: Decimal | int) -> str:
    """Amounts and hours that are taken back stand side by side, with one and the same sign."""
    return f"\N{MINUS SIGN}{said}" if value < 0 else said


def subject_name(row: Any) -> str:
    """Of a closed one, as `queries.heads` tells it."""
    if row.scope is Scope.MEMBER:
        return queries.full_name(row) or _("Erased account")
    return titled(row.scope, row.organization, row.activity)


def titled(scope: Scope, name: str, activity: str) -> str:
    if scope is Scope.ACTIVITY:
        return _("%(organization)s, activity %(activity)s", organization=name, activity=activity)
    if scope is Scope.OWNER:
        return _("%(organization)s, own machines", organization=name)
    return name or _("Erased account")


class LineShown(NamedTuple):
    day: str
    hour: str  # it began at, on the place's clock
    machine: str
    what: str
    who: str
    activity: str
    booked: str
    real: str
    covered: str
    quantity: str
    unit_price: str
    amount: str
    share: str
    note: str


def lines_shown(
    lines: Iterable[Line], people: Mapping[str, str], currency: str, zone: tzinfo
) -> list[LineShown]:
    return [line_shown(line, people, currency, zone) for line in lines]


def line_shown(line: Line, people: Mapping[str, str], currency: str, zone: tzinfo) -> LineShown:
    is_priced = line.unit_price is not None and line.kind is not LineKind.CORRECTION
    return LineShown(
        day=short(line.day),
        hour=texts.hour(clock.to_wall(zone, line.starts_at)),
        machine=f"{line.machine} {line.machine_name}",
        what=what_of(line),
        who=people.get(line.person, line.person),
        activity=line.activity,
        booked=time_used(line.booked) if line.item == TIME else "",
        real=time_used(line.real) if line.real is not None else "",
        covered=time_used(line.drawn) if line.covered else "",
        quantity=quantity_of(line) if is_priced else "",
        unit_price=amounts.money(line.unit_price, currency)
        if is_priced and line.unit_price
        else "",
        amount=amount_of(line, currency),
        share=money(line.share, currency) if line.share is not None and not line.is_own else "",
        note=note_of(line),
    )


def quantity_of(line: Line) -> str:
    if line.unit in set(Unit):
        return f"{format_decimal(line.quantity)} {_(UNITS[Unit(line.unit)])}"
    return amounts.quantity_said(line.quantity, line.unit)


def amount_of(line: Line, currency: str) -> str:
    """What costs nothing is included; nothing is said where no price is known."""
    if line.amount or line.kind is LineKind.CORRECTION:
        return money(line.amount, currency)
    return _("Included") if line.unit_price is not None else "–"


def what_of(line: Line) -> str:
    if line.kind is LineKind.SUPPLY:
        return line.what
    return _(KINDS[line.of if line.kind is LineKind.CORRECTION and line.of else line.kind])


def note_of(line: Line) -> str:
    if line.kind is LineKind.CORRECTION and line.corrects:
        return _("corrects %(period)s", period=period_title(line.corrects))
    if line.is_own:
        return _("own use")
    if line.percent != 100:
        return _("counts for %(percent)s %%", percent=line.percent)
    return ""


class SumShown(NamedTuple):
    label: str
    lines: int
    booked: str
    real: str
    covered: str
    amount: str
    share: str


def sums(lines: Sequence[Line], currency: str) -> list[SumShown]:
    """By kind, then of all."""
    by_kind = [sum_shown(_(KINDS[kind]), those, currency) for kind, those in totals(lines).items()]
    return [*by_kind, sum_shown(_("Total"), total(lines), currency)]


def sum_shown(label: str, of: Total, currency: str) -> SumShown:
    return SumShown(
        label,
        of.count,
        time_used(of.booked),
        time_used(of.real),
        time_used(of.covered),
        money(of.amount, currency),
        money(of.share, currency),
    )


def names(people: Mapping[str, Any]) -> dict[str, str]:
    """By reference; an erased account has none any more."""
    return {
        reference: queries.full_name(row) if row.erased_at is None else _("Erased account")
        for reference, row in people.items()
    }


def why_not(reason: Refusal, other: Period | None = None) -> str:
    if reason is Refusal.STATED and other:
        return _(
            "Some of these days are stated already, in the statement of %(period)s.",
            period=period_title(other),
        )
    return {
        Refusal.BACKWARDS: _("Its last day is before its first."),
        Refusal.TOO_LONG: _("A statement is of a year at most."),
        Refusal.NOT_OVER: _("The period is not over: it can be looked at, and not closed yet."),
        Refusal.STATED: _("Some of these days are stated already."),
        Refusal.NOTHING: _("There is nothing to state."),
        Refusal.CHANGED: _(
            "Something changed since this page was shown. Here is how it stands now."
        ),
    }[reason]


class EntryShown(NamedTuple):
    name: str
    scope: Scope
    of: str
    activity: str
    lines: int
    booked: str
    real: str
    amount: str
    uid: str  # of the closed one, if it is
    is_open: bool


def entries_shown(entries: Iterable[Entry]) -> list[EntryShown]:
    return [
        EntryShown(
            titled(each.subject.scope, each.subject.name, each.subject.activity),
            each.subject.scope,
            each.subject.of,
            each.subject.activity,
            each.total.count,
            time_used(each.total.booked),
            time_used(each.total.real),
            money(each.total.stated(each.subject.scope), each.currency),
            each.statement.uid if each.statement else "",
            each.is_open,
        )
        for each in entries
    ]


def month_total(entries: Iterable[Entry], scope: str, currency: str) -> SumShown:
    """Of one scope; else of organizations and members, for what activities used is in what their
    organizations did, and what owners' machines were used for in what everybody did. Of a month
    that was closed in another currency in part, each currency by itself.
    """
    apart = {scope} if scope else {Scope.ORGANIZATION, Scope.MEMBER}
    counted = [each for each in entries if each.subject.scope in apart]
    label = _("Total") if scope else _("Total of organizations and members")
    shown = sum_shown(label, sum((each.total for each in counted), start=Total()), currency)
    by_currency = [
        sum_shown(
            label, sum((each.total for each in counted if each.currency == one), start=Total()), one
        )
        for one in sorted({each.currency for each in counted})
    ]
    if by_currency:
        amount, share = (
            " + ".join(getattr(each, name) for each in by_currency) for name in ("amount", "share")
        )
        shown = shown._replace(amount=amount, share=share)
    return shown._replace(amount=shown.share) if scope == Scope.OWNER else shown


class HeadShown(NamedTuple):
    uid: str
    name: str
    title: str
    closed: str
    booked: str
    scope: Scope


def heads_shown(rows: Iterable[Any], zone: tzinfo) -> list[HeadShown]:
    return [
        HeadShown(
            row.uid,
            subject_name(row),
            period_title(Period(row.first_day, row.last_day)),
            short(row.closed_at.astimezone(zone).date()),
            time_used(row.booked),
            Scope(row.scope),
        )
        for row in rows
    ]


class BehalfShown(NamedTuple):
    what: str
    used: str
    url: str  # empty where they may read no statement of it
    note: str


def behalf_shown(each: Behalf, url: str) -> BehalfShown:
    named = {"organization": each.organization, "activity": each.activity}
    what = (
        _("On behalf of %(organization)s, account %(activity)s", **named)
        if each.activity
        else _("On behalf of %(organization)s", organization=each.organization)
    )
    note = ""
    if each.is_shared:
        note = _("Others use this account too: its statement is for who manages the organization.")
    return BehalfShown(what, amounts.minutes_said(each.minutes), url, note)
