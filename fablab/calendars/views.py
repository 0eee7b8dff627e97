"""The calendars: what phones read, and the page of one's addresses."""

import hashlib
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import segno
from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import anyone, members_only
from fablab.booking.queries import find_visible
from fablab.calendars import answers, availability, commands, feed, guides, pages, queries
from fablab.machines.inventory import here
from fablab.members import mails
from fablab.members.kinds import Channel

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


@bp.get("/machines/<slug>/availability.json")
@anyone
def machine_availability(slug: str):
    """When a machine is free, for other programs, where the place allows it."""
    now, version = clock.now(), queries.availability_of(slug)
    if version is None:
        return told({"error": "there is no such machine"}, 404)
    try:
        asked = availability.question(request.args, ZoneInfo(version.zone), now)
    except availability.NotUnderstood as error:
        return told({"error": error.why, "field": error.name}, 400)
    answer = answers.answer(
        availability.tag_of(version, asked),
        availability.moved_at(version, asked, now),
        lambda: availability.answer(version, asked),
        name="availability.json",
        is_public=True,
        content_type="application/json",
    )
    answer.headers["Access-Control-Allow-Origin"] = "*"  # it says nothing of anybody
    return answer


def told(what: dict[str, str], status: int) -> Response:
    answer = jsonify(what)
    answer.status_code = status
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


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
        name=f"{feed.NAMES[calendar.scope]}.ics",
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
    return answers.answer(
        tag, found.changed_at, lambda: calendar, name="booking.ics", is_public=False
    )


# -- the page of one's addresses


@bp.get("/calendars/")
@members_only
def index():
    return page()


@bp.post("/calendars/")
@members_only
def subscribe():
    """Make an address, or another in place of the one there is, and show it: here and now,
    since only its hash is kept, and since the address of a page would keep it for ever.
    """
    offer = offer_asked()
    try:
        token = commands.make_address(
            offer.about,
            member_id=current_user.id,
            place_id=here().place.id,
            key=request.form.get("key", ""),
            now=clock.now(),
        )
    except commands.AddressGone:
        flash(_("The address this form made has been changed or stopped since."), "warning")
        return redirect(url_for(".index", **kept()), 303)
    return page(pages.address(offer, token))


@bp.post("/calendars/revocation")
@members_only
def unsubscribe():
    offer = offer_asked()
    commands.stop_address(
        offer.about, member_id=current_user.id, place_id=here().place.id, now=clock.now()
    )
    flash(_("The address of “%(calendar)s” opens nothing any more.", calendar=offer.title))
    return redirect(url_for(".index", **kept()), 303)


def page(made: pages.Address | None = None):
    """With the calendar that `?feed=` names first, whether it has an address or not."""
    main, more = offers()
    held = queries.held(current_user.id, here().place.id)
    others = [offer for group in more for offer in group.offers]
    asked = [each for each in (*main, *others) if each.value == request.args.get("feed")]
    first = dict.fromkeys((*asked, *main))
    rest = [each for each in others if each.about in held and each not in first]
    return render_template(
        "calendars/index.html",
        cards=pages.cards(first, held, here()),
        others=pages.cards(rest, held, here()),
        groups=more,
        made=made,
        key=commands.new_key(),
        guides=guides.guides(),
        told=pages.told_twice(mails.choice_of(current_user.id).channel, held),
        kept=kept(),
        subscribe_url=url_for(".subscribe", **kept()),
        unsubscribe_url=url_for(".unsubscribe", **kept()),
    )


def offers() -> tuple[list[pages.Offer], list[pages.Group]]:
    inventory, now = here(), clock.now()
    place_id = inventory.place.id
    reader = pages.reader_of(current_user.standings.get(place_id), inventory, now)
    day = clock.today(inventory.schedule.zone, now)
    runs = queries.run_by(current_user.id, place_id, day)
    more = pages.more_offers(reader, inventory, queries.pools(place_id))
    return pages.main_offers(reader, inventory, runs), more


def offer_asked() -> pages.Offer:
    """The calendar the form names, if this person may have it; else there is none."""
    main, more = offers()
    every = {each.value: each for each in (*main, *(one for group in more for one in group.offers))}
    return every.get(request.form.get("feed", "")) or abort(404)


def kept() -> dict[str, Any]:
    """What the addresses of this page keep: the place, when it is not the default one."""
    place = here().place.slug
    return {"place": place} if request.args.get("place") == place else {}


@bp.post("/calendars/channel")
@members_only
def choose_channel():
    """Learn of one's bookings by the calendar alone, or by invitations: not both, not neither."""
    try:
        channel = Channel(request.form.get("channel", ""))
    except ValueError:
        abort(404)
    if channel not in (Channel.FEED, Channel.INVITATION):
        abort(404)
    unwanted = mails.refused(mails.choice_of(current_user.id).refused_mails)
    mails.choose(current_user.id, channel, unwanted)
    if channel is Channel.FEED:
        flash(_("Your bookings come by your calendar alone. Mails tell what others did."))
    else:
        flash(_("Your bookings come by mail, as invitations."))
    return redirect(url_for(".index", **kept()), 303)


# -- how to subscribe, for anyone


@bp.get("/calendars/help")
@anyone
def help_index():
    return render_template("calendars/help.html", guides=guides.guides(), kept=kept())


@bp.get("/calendars/help/<client>")
@anyone
def help_page(client: str):
    guide = guides.guide(client) or abort(404)
    return render_template(
        "calendars/guide.html",
        guide=guide,
        troubles=[*guide.troubles, *guides.common_troubles()],
        kept=kept(),
    )


# -- codes to scan


@bp.get("/calendars/<token>/code.svg")
@members_only
def code(token: str):
    """The address as a code to scan, for its holder alone."""
    found = opened(token)
    calendar = feed.of_token(found, clock.now()) if found else None
    if calendar is None or found.member_id != current_user.id:
        abort(404)
    return drawn(url_for(".secret", token=token, name=feed.NAMES[calendar.scope], _external=True))


@bp.get("/machines/<slug>/calendar.svg")
@anyone
def machine_code(slug: str):
    """The public address of a machine's calendar as a code to scan."""
    if queries.of_machine(slug) is None:
        abort(404)
    return drawn(url_for(".machine", slug=slug, _external=True))


def drawn(url: str) -> Response:
    picture = BytesIO()
    code = segno.make(pages.webcal_of(url), micro=False, error="m")
    code.save(picture, kind="svg", omitsize=True, light="#fff")
    return Response(
        picture.getvalue(), mimetype="image/svg+xml", headers={"Cache-Control": "no-store"}
    )
