"""The boards that anybody may stand before: a wall to read, a tablet at the door. A secret address
opens each, and nobody signs in.
"""

from functools import partial
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from fablab import clock, texts
from fablab.access import anyone
from fablab.machines.inventory import of_place
from fablab.presence import addresses, commands, queries
from fablab.presence.board import board_of
from fablab.presence.kinds import BoardKind
from fablab.presence.names import for_the_wall
from fablab.presence.views import bp


@bp.get("/board/<token>")
@anyone
def wall(token: str):
    address = find(token)
    now = clock.now()
    addresses.note_use(address, now)
    inventory = g.inventory
    return render_template(
        "presence/wall.html",
        board=board_of(inventory, now, name=partial(for_the_wall, place=inventory.place)),
        is_door=address.kind == BoardKind.DOOR,
        token=token,
    )


@bp.post("/board/<token>/arrival")
@anyone
def at_the_door(token: str):
    """Of a booking of this very place, named by the form."""
    address = find(token)
    if address.kind != BoardKind.DOOR:
        abort(404)
    uid = request.form.get("booking", "").replace("\0", "")  # of which PostgreSQL takes none
    booking = queries.find_on_board(uid, address.place_id)
    if booking is None:
        abort(404)
    try:
        commands.arrive(booking.uid, booking.place_id, by=None, is_team=False, now=clock.now())
    except commands.Refused as refused:
        flash(texts.filled(*refused.no, g.inventory.schedule.zone), "no")
    else:
        flash(_("Welcome! Your arrival is noted."))
    return redirect(url_for(".wall", token=token), 303)


def find(token: str) -> Any:
    """The live address; its place is the one that the page is about. 404 for any other."""
    address = addresses.opened(token)
    if address is None:
        abort(404)
    g.inventory = of_place(place_id=address.place_id)
    return address
