"""A booking as its member reads it from a mail, without signing in."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from fablab import clock
from fablab.access import anyone
from fablab.booking import commands, mark_pages, pages, queries, wait_pages, worth
from fablab.booking.views import cancelled_in_words, inventory_of, slot_of
from fablab.db import NotAllowed
from fablab.invitations import links

bp = Blueprint("invitations", __name__)

KEPT = timedelta(days=30)  # for how long after its end a link shows a booking


@bp.get("/bookings/by-mail/<token>")
@anyone
def booking(token: str):
    """Shows, and changes nothing: what reads mails opens their links too."""
    row, now = opened(token), clock.now()
    inventory = inventory_of(row)
    line = pages.booking_line(row, inventory, now, is_own=True, is_team=False)
    history = queries.history(row.id)
    moves = [each for each in history if each.what == "moved"]
    freedom = mark_pages.freedom(row, inventory, now)
    return render_template(
        "invitations/booking.html",
        booking=line,
        said=pages.standing(line, history),
        ticket=pages.ticket(row, slot_of(row), inventory),
        moved=pages.history_lines(moves[-1:], inventory),
        buddy=queries.name_of(row.buddy_id),
        offer=wait_pages.offer_of(row, row.member_id, inventory, now),
        freedom=freedom,
        number=mark_pages.number_of_next(row.member_id, row.place_id, now)
        if freedom and freedom.is_over
        else "",
        cost=worth.cost_of_cancelling(
            row, inventory, is_own=True, is_late=freedom.is_over if freedom else None
        ),
        cancel_url=url_for(".cancel", token=token),
    )


@bp.post("/bookings/by-mail/<token>/cancellation")
@anyone
def cancel(token: str):
    row = opened(token)
    try:
        commands.cancel(row.uid, by=row.member_id, is_team=False, now=clock.now())
    except NotAllowed:
        flash(_("This booking can no longer be cancelled."), "no")
    else:
        flash(cancelled_in_words(opened(token)), "ok")
    return redirect(url_for(".booking", token=token), 303)


def opened(token: str) -> Any:
    """The booking behind a mail's link, until a month after it; 404 for any other link."""
    uid, member_id = links.read_token(token)
    row = queries.find_own(uid, member_id)
    if row.ends_at + KEPT <= clock.now():
        abort(404)
    g.reader_language = row.language
    return row
