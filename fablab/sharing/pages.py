"""What pages show of an agreement, as plain values."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flask_babel import gettext as _

from fablab import texts
from fablab.booking import sharing_words
from fablab.machines.agreements import Agreement
from fablab.sharing.rules import WARNED, earliest_end
from fablab.sharing.words import IN_CHARGE


@dataclass(frozen=True, slots=True)
class AgreementShown:
    """One agreement on the team's page of a machine, or on its owner's."""

    uid: str
    title: str
    is_over: bool
    is_now: bool
    is_uninsured: bool
    facts: list[tuple[str, str]]
    terms: str
    has_document: bool
    earliest_end: date  # the first day that its owner may have it end on


def shown(one: Agreement, day: date) -> AgreementShown:
    return AgreementShown(
        uid=one.uid,
        title=days_in_words(one),
        is_over=one.last_day is not None and one.last_day < day,
        is_now=one.covers(day),
        is_uninsured=not one.is_insured_on(day),
        facts=facts(one, day),
        terms=one.terms,
        has_document=bool(one.document),
        earliest_end=earliest_end(one.first_day, day, one.notice_days),
    )


def days_in_words(one: Agreement) -> str:
    first = written(one.first_day)
    if one.last_day is None:
        return _("%(owner)s, from %(day)s on", owner=one.owner, day=first)
    last = written(one.last_day)
    return _("%(owner)s, from %(first)s to %(last)s", owner=one.owner, first=first, last=last)


def facts(one: Agreement, day: date) -> list[tuple[str, str]]:
    hours = sharing_words.ranges(one.ranges)
    return [
        (_("Notice of the owner"), texts.days_count(one.notice_days)),
        (_("Shared with"), sharing_words.audiences(one) or _("Everybody")),
        (_("The owner comes first"), f"{hours}. {sharing_words.released(one)}" if hours else ""),
        (
            _("The owner's yes"),
            sharing_words.answered(one) if one.asks_owner else _("Not needed"),
        ),
        (_("Insured by"), _(IN_CHARGE[one.insured_by])),
        (_("Insured until"), insured(one, day)),
        (_("Maintained by"), _(IN_CHARGE[one.maintained_by])),
        (_("Share of the owner"), percent(one.share)),
    ]


def insured(one: Agreement, day: date) -> str:
    """Until when; said louder when that is soon, while the agreement needs it."""
    if one.insured_until is None:
        return ""
    until, left = written(one.insured_until), (one.insured_until - day).days
    if not 0 <= left <= max(WARNED) or not one.outlasts_insurance:
        return until
    return _("%(day)s: in %(count)s", day=until, count=texts.days_count(left)) if left else until


def percent(share: Decimal) -> str:
    return f"{share.normalize():f}\N{NARROW NO-BREAK SPACE}%"


def written(day: date) -> str:
    return texts.day(day, "d MMMM y")
