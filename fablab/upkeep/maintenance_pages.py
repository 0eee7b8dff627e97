"""The regular maintenance of a machine, as plain values."""

from datetime import date, datetime, tzinfo
from typing import Any, NamedTuple

from flask_babel import get_locale
from flask_babel import gettext as _

from fablab import clock, texts
from fablab.slots import Slot
from fablab.upkeep.maintenance_forms import DoneForm
from fablab.upkeep.words import ONCE, SEVERAL

SHOWN = 3  # days ahead


class Ahead(NamedTuple):
    """One day on which it is due."""

    when: str
    note: str
    is_overdue: bool


class Care(NamedTuple):
    """One regular maintenance."""

    uid: str
    title: str
    work: str
    who: str
    rhythm: str
    ahead: list[Ahead]
    is_overdue: bool
    form: DoneForm
    is_refused: bool


def care(rows: list[Any], done: DoneForm | None, zone: tzinfo, now: datetime) -> Care:
    """`rows` are its days, `done` the form that was refused."""
    first = rows[0]
    days = [ahead(row, zone, clock.today(zone, now)) for row in rows if row.due_on is not None]
    return Care(
        uid=first.uid,
        title=first.title,
        work=first.work,
        who=first.who,
        rhythm=rhythm_in_words(first),
        ahead=days[:SHOWN],
        is_overdue=any(day.is_overdue for day in days),
        form=done or DoneForm(first.uid, formdata=None),
        is_refused=done is not None,
    )


def ahead(row: Any, zone: tzinfo, today: date) -> Ahead:
    note = ""
    when = texts.capital(texts.day(row.due_on))
    if row.starts_at is not None and row.standing:
        when = texts.capital(texts.day_and_hours(Slot(row.starts_at, row.ends_at), zone))
        if row.is_moved:
            usual = _("%(day)s %(hour)s", day=texts.day(row.due_on), hour=texts.hour(row.at))
            note = _("moved, for something was booked: it would be %(when)s", when=usual)
    elif row.due_on >= today:
        note = _("the machine is not kept free then")
    return Ahead(when, note, row.due_on < today)


def rhythm_in_words(row: Any) -> str:
    words = ONCE if row.every == 1 else SEVERAL
    often = _(words[row.unit], num=row.every)
    hour, length = texts.hour(row.at), texts.length(row.length)
    said = _("%(often)s at %(hour)s, %(length)s", often=often, hour=hour, length=length)
    locale = get_locale()
    if row.weekday and locale:
        weekday = locale.days["format"]["wide"][row.weekday - 1]
        said = _("%(rhythm)s, on a %(weekday)s", rhythm=said, weekday=weekday)
    return texts.capital(said)
