"""The calendars: what phones read, and the page of one's addresses."""

import hashlib
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
)
from flask.blueprints import BlueprintSetupState
from flask_login import current_user

from fablab import clock
from fablab.access import anyone, members_only
from fablab.booking.queries import find_visible
from fablab.calendars import answers, commands, feed, queries

bp = Blueprint("calendars", __name__)


@bp.record_once
def prepare(state: BlueprintSetupState) -> None:
    feed.init_app(state.app)
    answers.init_app(state.app)


# -- what a phone reads: no session, no person, no language but the calendar's own


@bp.get("/calendars/<token>/<name>.ics")
@anyone
def secret(token: str, name: str):
    """What the token opens, whatever the calendar is named in the address."""
    now = clock.now()
    found = opened(token)
    calendar = feed.of_token(found, now) if found else None
    if calendar is None:
        abort(404)
    commands.note_use(found.id, found.used_at, now)
    return answered(calendar, is_public=False)


@bp.get("/machines/<slug>/calendar.ics")
@anyone
def machine(slug: str):
    """When a machine is busy, for anyone, where the place allows it."""
    found = queries.of_machine(slug)
    if found is None:
        abort(404)
    return answered(feed.of_machine(found, clock.now()), is_public=True)


def opened(token: str) -> Any:
    """The live address a token stands for; what has not the form of one is not looked up."""
    if not commands.is_token(token):
        return None
    return queries.of_token(commands.hashed(token), clock.now())


def answered(calendar: feed.Feed, *, is_public: bool) -> Response:
    return answers.answer(
        calendar.tag,
        calendar.moved_at,
        lambda: feed.written(calendar),
        name=feed.NAMES[calendar.scope],
        is_public=is_public,
    )


# -- one booking, to keep as a file


@bp.get("/bookings/<uuid:uid>.ics")
@members_only
def booking(uid):
    found = find_visible(str(uid), current_user)
    is_own = found.member_id == current_user.id
    is_team = current_user.manages(found.place_id)
    calendar = feed.of_booking(
        found.id,
        language=current_user.language,
        eyes=feed.Eyes.TEAM if is_team and not is_own else feed.Eyes.OWN,
    )
    tag = hashlib.blake2b(calendar, digest_size=12).hexdigest()
    return answers.answer(tag, found.changed_at, lambda: calendar, name="booking", is_public=False)


# -- the page of one's addresses


@bp.get("/calendars/")
@members_only
def index():
    return ""
