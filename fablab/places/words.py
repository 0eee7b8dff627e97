"""What the hours of a place are called on screens and in mails."""

from collections.abc import Iterable
from datetime import date, time

from flask_babel import gettext as _

from fablab import texts
from fablab.places.kinds import Mode
from fablab.places.rules import Schedule, WeeklyOpening
from fablab.words import N_

MODES = {
    Mode.SUPERVISED: N_("with the team"),
    Mode.RESIDENT: N_("by badge"),
    Mode.NIGHT: N_("at night"),
}
WEEKDAYS = {
    1: N_("Monday"),
    2: N_("Tuesday"),
    3: N_("Wednesday"),
    4: N_("Thursday"),
    5: N_("Friday"),
    6: N_("Saturday"),
    7: N_("Sunday"),
}
# Of the month: of a Saturday, `first` is the first Saturday.
WEEKS = {1: N_("first"), 2: N_("second"), 3: N_("third"), 4: N_("fourth"), 5: N_("fifth")}


def why_closed(schedule: Schedule, day: date) -> str:
    """A sentence when nobody opens that day, else nothing."""
    if schedule.openings_on(day):
        return ""
    why = schedule.day_off(day)
    return _("The place is closed: %(why)s.", why=why) if why else _("The place is closed.")


def day_in_words(weekday: int, openings: Iterable[WeeklyOpening]) -> str:
    """`Saturday: 10:00–17:00 with the team (first and third Saturday)`"""
    day = _(WEEKDAYS[weekday])
    return _("%(day)s: %(hours)s", day=day, hours=hours_of_day(weekday, openings))


def hours_of_day(weekday: int, openings: Iterable[WeeklyOpening]) -> str:
    """Of the openings that begin then: `9:00–14:00 by badge, 14:00–18:00 with the team`."""
    told = ", ".join(in_words(each) for each in openings if each.weekday == weekday)
    return told or _("closed")


def in_words(opening: WeeklyOpening) -> str:
    """`10:00–17:00 with the team (first and third Saturday)`"""
    told = hours(opening.opens_at, opening.closes_at)
    if told != all_hours() or opening.mode is not Mode.NIGHT:  # which goes without saying
        told = f"{told} {_(MODES[opening.mode])}"
    return f"{told} ({weeks(opening)})" if opening.weeks else told


def hours(opens_at: time, closes_at: time) -> str:
    """`9:00–18:00`; over midnight `18:00–9:00 the next day`; `day and night` for all of a day."""
    if opens_at == closes_at == time.min:
        return all_hours()
    start, end = texts.hour(opens_at), texts.hour(closes_at)
    if closes_at > opens_at:
        return f"{start}–{end}"
    if closes_at == time.min:
        return f"{start}–24:00"
    return _("%(start)s–%(end)s the next day", start=start, end=end)


def all_hours() -> str:
    return _("day and night")


def weeks(opening: WeeklyOpening) -> str:
    """`first and third Saturday`; nothing for every week."""
    if not opening.weeks:
        return ""
    which = named_weeks(opening.weeks)
    # Translators: in which weeks of the month it is open, `first and third Saturday`
    return _("%(weeks)s %(day)s", weeks=which, day=texts.weekday(opening.weekday))


def named_weeks(numbers: Iterable[int]) -> str:
    """`first and third`"""
    return texts.together(_(WEEKS[number]) for number in sorted(numbers))
