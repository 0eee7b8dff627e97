"""What the team's pages call what is set up of the place, and how its record reads it."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask_babel import format_date
from flask_babel import gettext as _

from fablab.places.kinds import Mode, NamesShown
from fablab.places.words import MODES, WEEKDAYS, named_weeks
from fablab.words import LANGUAGES, N_

NAMES_SHOWN = {
    NamesShown.EVERYONE: N_("everybody, visitors too"),
    NamesShown.MEMBERS: N_("members who are signed in"),
    NamesShown.NOBODY: N_("nobody but the team"),
}
LABELS = {
    "name": N_("Name"),
    "address": N_("Address"),
    "zone": N_("Time zone"),
    "language": N_("Language of the place"),
    "email": N_("Mail address"),
    "phone": N_("Telephone"),
    "house_rules": N_("House rules"),
    "names_shown": N_("Who reads whose booking it is"),
    "has_public_feeds": N_("A public calendar for each machine"),
    "brick": N_("Stripe and mark"),
    "blue": N_("Buttons and one’s own bookings"),
    "logo": N_("Logo"),
    "weekday": N_("Days"),
    "opens_at": N_("From"),
    "closes_at": N_("To"),
    "mode": N_("Who is there"),
    "weeks": N_("Only in these weeks of the month"),
    "first_day": N_("First day"),
    "last_day": N_("Last day"),
    "repeats_yearly": N_("Every year again"),
    "holidays_country": N_("Public holidays of"),
    "holidays_subdivision": N_("Part of it"),
}


def as_recorded(name: str, kept: Any) -> str:
    """A value of the record as people read it."""
    if isinstance(kept, bool):
        return _("Yes") if kept else _("No")
    if not kept:
        return "–"
    return READERS[name](kept) if name in READERS else str(kept)


READERS: dict[str, Callable[[Any], str]] = {
    "language": lambda kept: LANGUAGES.get(kept, kept),
    "names_shown": lambda kept: _(NAMES_SHOWN[NamesShown(kept)]),
    "logo": lambda _kept: _("a picture"),
    "weekday": lambda kept: _(WEEKDAYS[kept]),
    "opens_at": lambda kept: kept.lstrip("0").rjust(4, "0"),
    "closes_at": lambda kept: kept.lstrip("0").rjust(4, "0"),
    "mode": lambda kept: _(MODES[Mode(kept)]),
    "weeks": named_weeks,
    "first_day": lambda kept: format_date(date.fromisoformat(kept), "short", rebase=False),
    "last_day": lambda kept: format_date(date.fromisoformat(kept), "short", rebase=False),
}
