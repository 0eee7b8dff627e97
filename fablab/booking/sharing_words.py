"""What was agreed with the owner of a machine, in sentences, so that they never lie."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby

from flask_babel import get_locale
from flask_babel import gettext as _

from fablab import texts
from fablab.booking.house_words import Said
from fablab.machines.agreements import Agreement
from fablab.machines.kinds import Silence
from fablab.members.kinds import Audience
from fablab.members.words import AUDIENCES
from fablab.places.rules import WeeklyOpening


def agreed(agreements: Iterable[Agreement], today: date) -> list[Said]:
    """Of the agreement of today, else of the next one, else that there is none any more."""
    agreements = tuple(agreements)
    if not agreements:
        return []
    ahead = [each for each in agreements if each.last_day is None or each.last_day >= today]
    if not ahead:
        return [_ended(agreements[-1])]
    one = ahead[0]
    said = [
        Said("building-2", _("It belongs to %(owner)s", owner=one.owner), _how_long(one, today))
    ]
    if one.audiences:
        said.append(Said("users", _("Shared with: %(who)s", who=audiences(one)), ""))
    if one.ranges:
        hours = ranges(one.ranges)
        said.append(
            Said("clock", _("Its owner comes first: %(hours)s", hours=hours), released(one))
        )
    if one.asks_owner:
        said.append(Said("circle-check", _("Its owner agrees to each booking"), answered(one)))
    if one.insured_until and not one.is_insured_on(today):
        said.append(
            Said(
                "triangle-alert",
                _("Its insurance ended on %(day)s", day=_day(one.insured_until)),
                _("It cannot be booked until it is renewed."),
            )
        )
    return said


def _ended(last: Agreement) -> Said:
    assert last.last_day is not None
    return Said(
        "building-2",
        _("It belongs to %(owner)s", owner=last.owner),
        _("Its owner shared it until %(day)s.", day=_day(last.last_day)),
    )


def _how_long(one: Agreement, today: date) -> str:
    if one.first_day > today:
        return _("Its owner shares it from %(day)s on.", day=_day(one.first_day))
    if one.last_day:
        return _("Its owner shares it until %(day)s.", day=_day(one.last_day))
    return _("Its owner shares it.")


def audiences(one: Agreement) -> str:
    """In the order in which pages name them."""
    return ", ".join(_(AUDIENCES[each]) for each in Audience if each in one.audiences)


def ranges(found: Iterable[WeeklyOpening]) -> str:
    """`Tuesday, Thursday 9:00–12:00; Friday 14:00–18:00`."""
    locale = get_locale()
    names = locale.days["format"]["wide"] if locale else {}

    def hours(one: WeeklyOpening) -> tuple[str, str]:
        return texts.hour(one.opens_at), texts.hour(one.closes_at)

    by_hours = groupby(sorted(found, key=lambda one: (hours(one), one.weekday)), key=hours)
    return "; ".join(
        f"{', '.join(str(names.get(one.weekday - 1, one.weekday)) for one in ones)} {start}–{end}"
        for (start, end), ones in by_hours
    )


def released(one: Agreement) -> str:
    if not one.release:
        return _("These hours are kept for its owner.")
    length = texts.length(one.release)
    return _("Unused, they are free for everybody %(time)s before.", time=length)


def answered(one: Agreement) -> str:
    time = texts.length(one.answer_within)
    if one.silence is Silence.AGREES:
        return _("They answer within %(time)s; saying nothing, they agree.", time=time)
    return _("They answer within %(time)s, or the booking lapses.", time=time)


def _day(day: date) -> str:
    return texts.day(day, texts.DAY_AND_YEAR)
