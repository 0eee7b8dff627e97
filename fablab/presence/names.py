"""How somebody is called on a board: by the team, and where anybody may stand before it."""

from typing import Any

from flask_babel import gettext as _

from fablab.places.kinds import NamesShown, WallNames


def for_the_team(row: Any) -> str:
    """Whole; somebody whose account was erased has none."""
    return f"{row.first_name or ''} {row.last_name or ''}".strip() or _("Somebody who has left")


def for_the_wall(row: Any, place: Any) -> str:
    """No more than the place shows on its planning, and less by what its wall is to show.

    Without a sign-in nobody is told from a member, so that what is for members alone is reduced
    to a first name or an organization as well, and what is for nobody stays so.
    """
    shown = place.wall_names if place.names_shown != NamesShown.NOBODY else WallNames.NOBODY
    if shown == WallNames.FIRST_NAMES:
        return row.first_name or _("Reserved")
    if shown == WallNames.ORGANIZATIONS:
        return row.organization_name or _("Reserved")
    return str(_("Reserved"))
