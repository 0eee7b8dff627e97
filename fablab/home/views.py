"""The pages anyone opens first: the planning of a day, the machines, one machine."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask_login import current_user

from fablab import clock, texts
from fablab.access import anyone
from fablab.forms import FIRST_YEAR, LAST_YEAR, parse_day, parse_week
from fablab.home import live, price_pages, queries
from fablab.home.day import Addresses, Asked, viewer_of
from fablab.home.machine_page import MachinePage, span_shown
from fablab.home.pages import Day
from fablab.home.planning import monday_of
from fablab.home.reach import Reach, reach_of
from fablab.home.week import DAYS, Week
from fablab.machines import files, photos
from fablab.machines.inventory import (
    CategoryFacts,
    Inventory,
    MachineFacts,
    NothingSetUp,
    here,
    of_place,
)
from fablab.upkeep import pages as upkeep_pages

bp = Blueprint("home", __name__)

VIEWS = ("grid", "list")
A_DAY = 24 * 3600
A_YEAR = 365 * A_DAY
LONGEST_SEARCH = 80  # letters


@bp.get("/")
@anyone
def index():
    """Of a place without machines its team is shown the first steps, until they put them aside."""
    try:
        inventory = here()
    except NothingSetUp:
        return render_template("home/nothing.html")
    is_new = not inventory.machines and inventory.place.welcomed_at is None
    if is_new and current_user.manages(inventory.place.id):
        return redirect(url_for("manage.welcome"), 303)
    return planning(clock.today(inventory.schedule.zone, clock.now()))


@bp.get("/planning/")
@bp.get("/planning/<day>")
@anyone
def day(day: str = ""):
    """One day, all machines. What is no day, or no day anyone plans, is no page.

    `?day=` is what the field to go to a day sends; left empty, it is today.
    """
    asked_for = "" if day else request.args.get("day", "").strip()
    if not day and not asked_for:
        return planning(clock.today(here().schedule.zone, clock.now()))
    shown = parse_day(day or asked_for)
    if shown is None or not FIRST_YEAR <= shown.year <= LAST_YEAR:
        abort(404)
    return planning(shown)


@bp.get("/planning/<day>/version")
@anyone
def version(day: str):
    """The version of the planning of a day; 304, after one statement, while nothing happened.

    Asked again and again by every open planning. Who asks makes no difference, so that nobody is
    looked up; it says nothing but that something changed.
    """
    shown = parse_day(day)
    if shown is None or not FIRST_YEAR <= shown.year <= LAST_YEAR:
        abort(404)
    return version_of_days(shown, shown)


@bp.get("/planning/week/<week>/version")
@anyone
def version_of_week(week: str):
    """As `version`, of a week."""
    monday = parse_week(week)
    if monday is None or not FIRST_YEAR <= monday.year <= LAST_YEAR:
        abort(404)
    return version_of_days(monday, monday + timedelta(days=DAYS - 1))


def version_of_days(first: date, last: date) -> Response:
    now, found = clock.now(), live.counters(request.args.get("place", ""))
    tag = found.at(now)
    if request.if_none_match.contains_weak(tag):
        return Response(status=304, headers={"ETag": f'"{tag}"'})
    shown = live.version_now(of_place(place_id=found.place_id), first, last, now)
    return Response(shown, headers={"ETag": f'"{tag}"'}, mimetype="text/plain")


@bp.get("/planning/week/")
@bp.get("/planning/week/<week>")
@anyone
def week(week: str = ""):
    """Seven days, all machines. `?day=` shows the week that this day is in."""
    inventory, asked_for = here(), "" if week else request.args.get("day", "").strip()
    if week:
        monday = parse_week(week)
    elif asked_for:
        shown = parse_day(asked_for)
        monday = shown and monday_of(shown)
    else:
        monday = monday_of(clock.today(inventory.schedule.zone, clock.now()))
    if monday is None or not FIRST_YEAR <= monday.year <= LAST_YEAR:
        abort(404)
    return render_template("home/week.html", week=week_of(inventory, monday))


@bp.get("/machines/")
@anyone
def machines():
    inventory, now = here(), clock.now()
    reach = reach_of(current_user, inventory, now)
    today = day_of(inventory, clock.today(inventory.schedule.zone, now), reach)
    searched = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    found = [machine for machine in today.machines if says(machine, searched)]
    kept = {"q": searched, "free": "now" if today.asked.is_free_now else "", "may": today.may}
    return render_template(
        "home/machines.html",
        day=today,
        groups=by_category(found),
        searched=searched,
        addresses=today.addresses,
        kept=kept,
        is_narrowed=bool(today.category or any(kept.values())),
        states={m.id: today.state_words(today.states[m.id], m) for m in found},
    )


@bp.get("/machines/<slug>/photo")
@anyone
def photo(slug: str):
    """The machine's photograph, of `?size=small` too; for ever under its own version.

    It was re-encoded when it came in, so it is of one type whatever its name.
    """
    machine = here().by_slug.get(slug)
    if machine is None or not machine.photo:
        abort(404)
    is_small = request.args.get("size") == "small"
    is_this_one = request.args.get("v") == photos.version(machine.photo)
    return send_from_directory(
        files.folder(),
        files.small(machine.photo) if is_small else machine.photo,
        mimetype="image/webp",
        max_age=A_YEAR if is_this_one else A_DAY,
    )


@bp.get("/machines/<slug>/documents/<int:document_id>")
@anyone
def document(slug: str, document_id: int):
    """A PDF as it came, to keep: nothing in it runs on a page of ours."""
    machine = here().by_slug.get(slug) or abort(404)
    found = [row for row in queries.documents(machine.id) if row.id == document_id]
    if not found:
        abort(404)
    return send_from_directory(
        files.folder(),
        found[0].file,
        mimetype="application/pdf",
        as_attachment=True,
        download_name=f"{found[0].title}.pdf",
        max_age=A_DAY,
    )


@bp.get("/machines/<slug>")
@anyone
def machine(slug: str):
    inventory = here()
    machine = inventory.by_slug.get(slug)
    if machine is None:
        if slug.lower() in inventory.by_slug:  # codes are written M01, addresses m01
            address = url_for(".machine", slug=slug.lower()) + asked(inventory).query()
            return redirect(address, 308)
        abort(404)
    now = clock.now()
    page = MachinePage(
        inventory=inventory,
        machine=machine,
        now=now,
        viewer=viewer_of(current_user, inventory, now),
        standing=current_user.standings.get(inventory.place.id),
        rows=queries.on_machine(machine.id, span_shown(inventory, now)),
        particulars=queries.particulars(machine.id, now),
        addresses=addresses(),
        asked=asked(inventory),
        asked_length=length_asked(),
    )
    beside = queries.beside(machine.id)
    feed = ""
    if inventory.place.has_public_feeds:
        feed = url_for("calendars.machine", slug=slug, _external=True)
    # What members know of its faults; a visitor reads nobody's words.
    faults = beside.faults if current_user.is_authenticated else []
    return render_template(
        "home/machine.html",
        prices=price_pages.prices_on(inventory, machine, page.viewer.audience, page.today),
        page=page,
        machine=machine,
        documents=beside.documents,
        faults=upkeep_pages.told(faults),
        not_to_be_used=upkeep_pages.not_to_be_used(faults),
        feed=feed,
        webcal=f"webcal:{feed.partition(':')[2]}" if feed else "",
    )


def by_category(machines: Iterable[MachineFacts]) -> list[tuple[CategoryFacts, list[MachineFacts]]]:
    """They come in the order of their categories already."""
    found = ((category_id, list(ones)) for category_id, ones in groupby(machines, of_category))
    return [(ones[0].category, ones) for _, ones in found]


def of_category(machine: MachineFacts) -> int:
    return machine.category.id


def planning(shown: date) -> Response:
    inventory = here()
    page = day_of(inventory, shown, reach_of(current_user, inventory, clock.now()))
    response = make_response(render_template("home/day.html", day=page))
    if request.args.get("view") in VIEWS:
        response.set_cookie("view", page.asked.view, max_age=A_YEAR, samesite="Lax")
    return response


def day_of(inventory: Inventory, shown: date, reach: Reach | None = None) -> Day:
    """The day with all that stands on the machines then: one statement, whatever the number."""
    now = clock.now()
    return Day(
        inventory=inventory,
        day=shown,
        now=now,
        viewer=viewer_of(current_user, inventory, now, reach.owns if reach else frozenset()),
        rows_of=queries.on_place(inventory.place.id, live.span_shown(inventory, shown)),
        addresses=addresses(),
        asked=asked(inventory),
        barred=reach.barred(shown) if reach else {},
        usable=reach.usable if reach else None,
        keeps=True,
    )


def week_of(inventory: Inventory, monday: date) -> Week:
    """The week with all that stands on the machines then: one statement, whatever the number."""
    now, sunday = clock.now(), monday + timedelta(days=DAYS - 1)
    reach = reach_of(current_user, inventory, now)
    return Week(
        inventory=inventory,
        monday=monday,
        now=now,
        viewer=viewer_of(current_user, inventory, now, reach.owns),
        rows_of=queries.in_week(inventory.place.id, live.span_shown(inventory, monday, sunday)),
        addresses=addresses(),
        asked=asked(inventory),
        barred=[reach.barred(monday + timedelta(days=n)) for n in range(DAYS)],
        usable=reach.usable,
    )


def addresses() -> Addresses:
    return Addresses(
        planning=url_for("home.day"),
        machines=url_for("home.machines"),
        bookings=url_for("booking.index"),
        new=url_for("booking.new"),
    )


def asked(inventory: Inventory) -> Asked:
    """The filters of the address; the view also from the cookie that keeps the last choice."""
    view = request.args.get("view", "") or request.cookies.get("view", "")
    is_named = request.args.get("place") == inventory.place.slug
    return Asked(
        category=request.args.get("category", ""),
        view=view if view in VIEWS else "",
        is_free_now=request.args.get("free") == "now",
        may_use=request.args.get("may") == "use",
        place=inventory.place.slug if is_named else "",
    )


def length_asked() -> int:
    """`?length=` in minutes; 0 when it says nothing."""
    typed = request.args.get("length", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 5 else 0


def says(machine: MachineFacts, searched: str) -> bool:
    """Every word searched for stands somewhere on the machine's sheet, accents aside."""
    sheet: tuple[Any, ...] = (
        machine.code,
        machine.name,
        machine.model,
        machine.category.name,
        machine.location,
        *machine.specs.values(),
        *machine.materials_allowed,
    )
    text = texts.plain(" ".join(str(words) for words in sheet))
    return all(word in text for word in texts.plain(searched).split())
