"""The day on the wall for the team, on paper, and the addresses of boards without a sign-in."""

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.forms import FIRST_YEAR, LAST_YEAR, parse_day
from fablab.machines.inventory import here, of_place
from fablab.manage import board_pages, member_pages, queries
from fablab.manage.blueprint import bp, page, today
from fablab.manage.forms import WallForm
from fablab.manage.machine_views import find_machine
from fablab.members.kinds import Deed
from fablab.presence import addresses
from fablab.presence import queries as boards_held
from fablab.presence.board import board_of
from fablab.presence.kinds import BoardKind
from fablab.presence.names import for_the_team
from fablab.trainings.queries import sessions_in
from fablab.web import address_of


@bp.get("/manage/day/board")
@team_only
def board():
    inventory = here()
    place = inventory.place.slug
    return page(
        "board.html",
        board=board_of(inventory, clock.now(), name=for_the_team, by=current_user.id),
        named=place if request.args.get("place") == place else None,
    )


@bp.get("/manage/day/sheet")
@bp.get("/manage/day/<day>/sheet")
@team_only
def sheet(day: str = ""):
    """One A4 with who comes, in the order they do, and a box to tick for each."""
    shown = parse_day(day) if day else today()
    if shown is None or not FIRST_YEAR <= shown.year <= LAST_YEAR:
        abort(404)
    inventory = here()
    span = clock.whole_day(inventory.schedule.zone, shown)
    return page(
        "sheet.html",
        sheet=board_pages.Sheet(
            inventory=inventory,
            day=shown,
            now=clock.now(),
            rows=queries.on_day(inventory.place.id, span),
            held=sessions_in(inventory.place.id, span),
        ),
    )


# -- boards without a sign-in


@bp.get("/manage/day/boards")
@team_only
def boards():
    return boards_page()


@bp.post("/manage/day/boards")
@team_only
def make_board():
    """Make an address, or another in place of the one there is, and show it: here and now, since
    only its hash is kept.
    """
    kind = kind_asked()
    try:
        token = addresses.make(
            here().place.id,
            kind,
            key=request.form.get("key", ""),
            by=current_user.id,
            now=clock.now(),
        )
    except addresses.AddressGone:
        flash(_("The address this form made has been changed or stopped since."), "warning")
        return redirect(url_for(".boards"), 303)
    return boards_page(made=(kind, address_of("presence.wall", token=token)))


@bp.post("/manage/day/boards/stop")
@team_only
def stop_board():
    addresses.stop(here().place.id, kind_asked(), by=current_user.id, now=clock.now())
    flash(_("The address opens nothing any more."))
    return redirect(url_for(".boards"), 303)


@bp.post("/manage/day/boards/names")
@team_only
def wall_names():
    form = WallForm()
    if not form.validate():
        return boards_page(form=form), 422
    addresses.set_wall_names(
        here().place.id, form.wall_names.data, by=current_user.id, now=clock.now()
    )
    flash(_("The boards show it from now on."))
    return redirect(url_for(".boards"), 303)


def kind_asked() -> BoardKind:
    try:
        return BoardKind(request.form.get("kind", ""))
    except ValueError:
        abort(404)


def boards_page(*, made: Any = None, form: WallForm | None = None) -> str:
    inventory = here()
    held = {row.kind: row for row in boards_held.addresses_of(inventory.place.id)}
    blank = WallForm(formdata=None, data={"wall_names": inventory.place.wall_names})
    return page(
        "boards.html",
        cards=board_pages.cards(held, made, inventory.schedule.zone),
        key=addresses.new_key(),
        form=form or blank,
        record=[
            member_pages.event(row, inventory.schedule.zone)
            for row in queries.record_of_place(inventory.place.id, Deed.BOARD)
        ],
    )


# -- what is screwed on a machine


@bp.get("/manage/machines/<slug>/label")
@team_only
def label(slug: str):
    return page("label.html", machine=find_machine(slug))


@bp.get("/manage/machines/<slug>/label.svg")
@team_only
def label_code(slug: str):
    """The address of the machine's page as a code to scan."""
    inventory, machine = here(), find_machine(slug)
    is_first = of_place().place.id == inventory.place.id
    named = {} if is_first else {"place": inventory.place.slug}
    return board_pages.drawn(address_of("home.machine", slug=machine.slug, **named))
