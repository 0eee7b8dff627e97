"""The team's day, and the door to its other pages."""

from flask import abort, redirect, request

from fablab import clock
from fablab.access import team_only
from fablab.figures import pages as figures
from fablab.forms import FIRST_YEAR, LAST_YEAR, parse_day
from fablab.machines.inventory import here
from fablab.manage import (
    agenda_views,
    agreement_views,
    allowance_views,
    approval_views,
    behalf_views,
    board_views,
    care_views,
    family_views,
    fault_views,
    hours_views,
    import_views,
    inventory_views,
    machine_views,
    mail_views,
    member_views,
    merge_views,
    organization_views,
    place_views,
    policy_views,
    queries,
    resource_views,
    tariff_views,
    todo_views,
    training_views,
    welcome_views,
)
from fablab.manage.blueprint import bp, page, today
from fablab.manage.day_page import Day, day_url
from fablab.manage.forms import DayForm
from fablab.trainings.queries import sessions_in

# Importing them adds their routes.
__all__ = [
    "agenda_views",
    "agreement_views",
    "allowance_views",
    "approval_views",
    "behalf_views",
    "board_views",
    "bp",
    "care_views",
    "import_views",
    "inventory_views",
    "fault_views",
    "machine_views",
    "mail_views",
    "member_views",
    "family_views",
    "merge_views",
    "hours_views",
    "place_views",
    "organization_views",
    "policy_views",
    "resource_views",
    "tariff_views",
    "todo_views",
    "training_views",
    "welcome_views",
]


@bp.get("/manage/day")
@bp.get("/manage/day/<day>")
@team_only
def day(day: str = ""):
    """`?day=` is what the field of the page sends; a day has an address of its own."""
    form = DayForm(request.args)
    if not day and form.validate() and form.day.data:
        return redirect(day_url(form.day.data))
    shown = parse_day(day) if day else today()
    if shown is None or not FIRST_YEAR <= shown.year <= LAST_YEAR:
        abort(404)
    if not form.day.raw_data:
        form.day.data = shown
    inventory = here()
    span = clock.whole_day(inventory.schedule.zone, shown)
    return page(
        "day.html",
        form=form,
        day=Day(
            inventory=inventory,
            day=shown,
            now=clock.now(),
            rows=queries.on_day(inventory.place.id, span),
            called_off=queries.called_off(inventory.place.id, span),
            held=sessions_in(inventory.place.id, span),
        ),
        chart=figures.of_place(inventory, shown, clock.now()),
    )
