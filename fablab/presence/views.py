"""Arriving, leaving early, undoing: one button each, and back to the page that it was on."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import members_only, team_only
from fablab.booking.queries import find_visible
from fablab.machines.inventory import of_place
from fablab.presence import commands

bp = Blueprint("presence", __name__)


@bp.post("/bookings/<uuid:uid>/arrival")
@members_only
def arrival(uid: UUID):
    booking = find_visible(str(uid), current_user)
    try:
        commands.arrive(booking.uid, booking.place_id, **doer(booking), now=clock.now())
    except commands.Refused as refused:
        tell(refused, booking)
    else:
        is_own = booking.member_id == current_user.id
        flash(_("Welcome! Your arrival is noted.") if is_own else _("The arrival is noted."))
    return back(booking)


@bp.post("/bookings/<uuid:uid>/departure")
@members_only
def departure(uid: UUID):
    booking = find_visible(str(uid), current_user)
    try:
        commands.leave(booking.uid, booking.place_id, **doer(booking), now=clock.now())
    except commands.Refused as refused:
        tell(refused, booking)
    else:
        flash(_("The booking is ended and the machine free for the others."))
    return back(booking)


@bp.post("/bookings/<uuid:uid>/undoing")
@team_only
def undoing(uid: UUID):
    booking = find_visible(str(uid), current_user)
    if not current_user.manages(booking.place_id):
        abort(403)
    try:
        commands.undo(booking.uid, booking.place_id, by=current_user.id, now=clock.now())
    except commands.Refused as refused:
        tell(refused, booking)
    else:
        flash(_("It is undone: the booking stands as before."))
    return back(booking)


def doer(booking: Any) -> dict[str, Any]:
    return {"by": current_user.id, "is_team": current_user.manages(booking.place_id)}


def tell(refused: commands.Refused, booking: Any) -> None:
    zone = of_place(place_id=booking.place_id).schedule.zone
    flash(texts.filled(*refused.no, zone), "no")


# The pages with such buttons, by what their forms say in `back`.
PAGES = {
    "bookings": "booking.index",
    "board": "manage.board",
    "day": "manage.day",
    "machine": "home.machine",
}


def back(booking: Any) -> Any:
    """To the page that the button was on; its place is the booking's, and kept when named."""
    endpoint = PAGES.get(request.form.get("back", ""))
    g.inventory = of_place(place_id=booking.place_id)
    if endpoint is None:
        return redirect(url_for("booking.show", uid=booking.uid), 303)
    place = g.inventory.place.slug
    kept = {"place": place} if request.args.get("place") == place else {}
    if endpoint == "home.machine":
        kept["slug"] = booking.slug
    return redirect(url_for(endpoint, **kept), 303)
