"""How times, lengths, days and refusals are written for people, in the language of the request.

One clock: the place's. Times read `9:00`, ranges `9:00–10:30`, lengths `1 h 30`, in every
language, since that is what stands on the workshop's wall.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from babel import Locale
from flask_babel import format_date, get_locale, gettext, ngettext

from fablab import clock
from fablab.slots import Slot, TimeUsed

DAY = "EEEE d MMMM"
DAY_AND_YEAR = "EEEE d MMMM y"
SHORT_DAY = "EEE d"


def length(duration: timedelta) -> str:
    """`45 min`, `2 h`, `1 h 30`; `2 days` for whole days, but of time used `48 h`."""
    minutes = duration // timedelta(minutes=1)
    if minutes and minutes % 1440 == 0 and not isinstance(duration, TimeUsed):
        return days_count(minutes // 1440)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02}" if rest else f"{hours} h"


def days_count(count: int) -> str:
    return ngettext("%(num)s day", "%(num)s days", count)


def hour(at: time | datetime) -> str:
    return f"{at.hour}:{at.minute:02}"


def hour_mark(hours: int) -> str:
    """A mark on a scale of hours: `9 h` in French, `9:00` elsewhere; a whole day ends at `24 h`."""
    return f"{hours} h" if language() == "fr" else f"{hours}:00"


def day(when: date, form: str = DAY) -> str:
    return _day(language(), when, form)


@lru_cache(maxsize=1024)
def _day(language: str, when: date, form: str) -> str:
    if language == "fr" and when.day == 1:
        form = form.replace("d", "d'er'")  # `lundi 1er mars`, but `mardi 2 mars`
    return format_date(when, form, rebase=False)


def weekday(number: int) -> str:
    """As it stands in a sentence, `Saturday` or `samedi`; ISO, from 1 for Monday."""
    name: str = Locale(language()).days["format"]["wide"][number - 1]
    return name


def together(words: Iterable[str]) -> str:
    """Joined as in a sentence: `laser and milling`, `laser, milling and sewing`."""
    *before, last = (*words,) or ("",)
    # Translators: the last of several names joined in a sentence, `laser, milling and sewing`
    return gettext("%(names)s and %(last)s", names=", ".join(before), last=last) if before else last


def near_day(when: date, zone: tzinfo) -> str:
    """`Monday 23 November`; with the year when it is not the one that the place's clock is in."""
    this_year = clock.today(zone, clock.now()).year
    return day(when, DAY if when.year == this_year else DAY_AND_YEAR)


def capital(text: str) -> str:
    """With a capital: French writes `lundi` small, a title does not."""
    return text[:1].upper() + text[1:]


def plain(text: str) -> str:
    """Without capitals and accents: what one types on a phone."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def hours(span: Slot, zone: tzinfo, *, until: str = "–") -> str:
    """`9:00–10:30` on the place's clock; names the days when they differ. Whole days, as of what
    is lent by the day, have no hours: `all day`, or the first and the last of them.
    """
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    is_whole = start.time() == end.time() == time.min
    if is_whole and end.date() - start.date() == timedelta(1):
        return gettext("all day")
    if is_whole:
        last = near_day(end.date() - timedelta(1), zone)
        return gettext("from %(first)s to %(last)s", first=near_day(start.date(), zone), last=last)
    if not is_of_one_day(span, zone):
        return f"{moment(span.start, zone)} – {moment(span.end, zone)}"
    ends = "24:00" if end.time() == time.min else hour(end)
    return f"{hour(start)}{until}{ends}"


def is_of_one_day(span: Slot, zone: tzinfo) -> bool:
    """On the place's clock; midnight is the end of a day as well, be it one of 25 hours."""
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    ends_at_midnight = end.time() == time.min and end.date() - start.date() == timedelta(1)
    return start.date() == end.date() or ends_at_midnight


def day_and_hours(span: Slot, zone: tzinfo) -> str:
    """`Monday 23 November, 14:00–16:00`; over several days `… 23:00 – Tuesday 24 November 2:00`."""
    written = hours(span, zone)
    if not is_of_one_day(span, zone):
        return written
    return f"{near_day(span.start.astimezone(zone).date(), zone)}, {written}"


def moment(instant: datetime, zone: tzinfo) -> str:
    """`Monday 23 November 14:00`, on the place's clock."""
    wall = instant.astimezone(zone)
    # Translators: a day and an hour, `Monday 23 November 14:00`, inside a sentence
    return gettext("%(day)s %(hour)s", day=near_day(wall.date(), zone), hour=hour(wall))


def filled(sentence: str, values: Mapping[str, Any], zone: tzinfo) -> str:
    """`sentence` translated, its named places filled with `values` written for people."""
    if not sentence:
        return ""
    written = {name: in_words(value, zone) for name, value in values.items()}
    return gettext(sentence, **written)


def in_words(value: Any, zone: tzinfo) -> str:
    if isinstance(value, timedelta):
        return length(value)
    if isinstance(value, datetime):
        return moment(value, zone)
    if isinstance(value, date):
        return near_day(value, zone)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(hours(span, zone) for span in value)
    return str(value)


def language() -> str:
    """The language of the page: `fr` or `en`."""
    locale = get_locale()
    return locale.language if locale else "fr"
