"""What the team's pages share: a place they manage, the frame, what was refused."""

from datetime import date
from typing import Any

from flask import Blueprint, abort, g, has_request_context, render_template, request
from flask_login import current_user

from fablab import clock
from fablab.access import Right, right_of
from fablab.machines.inventory import here, of_place
from fablab.manage import queries, todo_queries

bp = Blueprint("manage", __name__)


@bp.before_request
def take_the_place() -> None:
    """Every page here is about one place they manage: the one named, else the first of theirs.

    Of what whoever keeps the accounts reads too, one whose accounts they read. A place of others
    answers 404, as if there were none.
    """
    if here().place.id in managed():
        return
    if request.args.get("place"):
        abort(404)
    g.inventory = of_place(place_id=min(managed()))


@bp.url_defaults
def stay_in_the_place(_endpoint: str, values: dict[str, Any]) -> None:
    """Links between these pages keep `?place=`, for whoever manages several."""
    if not has_request_context() or "inventory" not in g:
        return
    place = g.inventory.place
    if request.args.get("place") == place.slug and current_user.reads_accounts(place.id):
        values.setdefault("place", place.slug)


def managed() -> list[int]:
    """The places of theirs that the page asked for may be about."""
    is_of_accounts = right_of(request.endpoint or "") is Right.ACCOUNTS
    may = current_user.reads_accounts if is_of_accounts else current_user.manages
    return [place_id for place_id in current_user.standings if may(place_id)]


def page(template: str, **values: Any) -> str:
    """A page of the team's, in its frame."""
    return render_template(f"manage/{template}", **team_frame(), **values)


@bp.app_template_global()
def team_frame() -> dict[str, Any]:
    """How much waits for the team, and the way to their other places: also for the pages about
    upkeep, which answer the team in its frame. Nothing waits for whoever keeps the accounts alone.
    """
    ids, place_id = managed(), here().place.id
    is_team = current_user.manages(place_id)
    return {
        "places": queries.places(ids) if len(ids) > 1 else (),
        "to_do": todo_queries.counts(place_id, current_user.id, today(), clock.now())
        if is_team
        else None,
    }


def today() -> date:
    return clock.today(here().schedule.zone, clock.now())
