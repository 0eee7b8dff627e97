"""The first steps of a new place, each ticked by what is really there."""

from dataclasses import dataclass

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.calendars.kinds import Scope
from fablab.machines.inventory import Inventory, here
from fablab.manage import queries
from fablab.manage.blueprint import bp, page
from fablab.settings.commands import put_steps_aside
from fablab.web import address_of


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    why: str
    is_done: bool
    ways: list[tuple[str, str, str]]  # what to do: the words, the address, an icon


@bp.get("/manage/welcome")
@team_only
def welcome():
    inventory = here()
    found = steps(inventory)
    return page(
        "welcome.html",
        steps=found,
        left=sum(not step.is_done for step in found),
        is_put_aside=inventory.place.welcomed_at is not None,
    )


@bp.post("/manage/welcome/dismissal")
@team_only
def dismiss_welcome():
    put_steps_aside(here().place.id, now=clock.now())
    flash(_("The first steps are put aside: find them again in the settings."))
    return redirect(url_for(".settings"), 303)


def steps(inventory: Inventory) -> list[Step]:
    place = inventory.place
    return [
        Step(
            _("The place and its hours"),
            _("Where it is, and when somebody may come: without hours nothing can be booked."),
            bool(place.address and inventory.schedule.openings),
            [
                (_("Say where it is"), url_for(".place"), "house"),
                (_("Set the opening hours"), url_for(".openings"), "clock"),
            ],
        ),
        Step(
            _("The first machines"),
            _("One by one, with a photo; or all at once from a table."),
            bool(inventory.machines),
            [
                (_("Add a machine"), url_for(".new_machine"), "wrench"),
                (_("Import a table"), url_for(".imports_page"), "upload"),
            ],
        ),
        Step(
            _("The people"),
            _(
                "Whoever registers at %(address)s waits in your list for a membership.",
                address=address_of("members.register"),
            ),
            queries.count_members(place.id) > 1,
            [(_("See the members"), url_for(".members"), "users")],
        ),
        Step(
            _("The day in your own calendar"),
            _("Who is here, who comes, with names; on your phone, kept up to date by itself."),
            queries.has_feed(current_user.id, place.id, Scope.DAY),
            [(_("Make its address"), url_for("calendars.index", feed="day"), "calendar-plus")],
        ),
    ]
