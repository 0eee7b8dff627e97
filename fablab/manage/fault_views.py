"""The faults of all the machines and their logbooks, for the team; what is done about them is in
`upkeep`.
"""

from uuid import UUID

from flask import abort, request, url_for

from fablab.access import team_only
from fablab.machines.inventory import here
from fablab.manage.blueprint import bp, page
from fablab.upkeep import logbook_views, maintenance_views, pages, queries
from fablab.upkeep import views as upkeep
from fablab.upkeep.kinds import CLOSED, OPEN, FaultState

PAGE = 50
SHOWN = {"open": OPEN, "closed": CLOSED, "all": tuple(FaultState)}


@bp.get("/manage/faults")
@team_only
def faults():
    """The open ones unless others are asked for, `?machine=` narrows."""
    inventory = here()
    asked = request.args.get("state", "")
    asked = asked if asked in SHOWN or asked in list(FaultState) else "open"
    machine = inventory.by_slug.get(request.args.get("machine", ""))
    number = upkeep.page_number()
    rows = queries.of_place(
        inventory.place.id,
        states=SHOWN.get(asked) or [FaultState(asked)],
        machine_id=machine.id if machine else None,
        limit=PAGE + 1,
        offset=(number - 1) * PAGE,
    )
    zone = inventory.schedule.zone
    return page(
        "faults.html",
        faults=[pages.line(row, url_for(".fault", uid=row.uid), zone) for row in rows[:PAGE]],
        machines=inventory.machines,
        machine=machine,
        asked=asked,
        number=number,
        has_more=len(rows) > PAGE,
    )


@bp.get("/manage/faults/<uuid:uid>")
@team_only
def fault(uid: UUID):
    row = queries.fault(str(uid))
    if row.place_id != here().place.id or row.slug not in here().by_slug:
        abort(404)
    return page("fault.html", is_framed=True, **upkeep.fault_values(row))


@bp.get("/manage/machines/<slug>/logbook")
@team_only
def logbook(slug: str):
    machine = here().by_slug.get(slug) or abort(404)
    return page("logbook.html", is_framed=True, **logbook_views.book_values(machine))


@bp.get("/manage/machines/<slug>/maintenance")
@team_only
def maintenance(slug: str):
    machine = here().by_slug.get(slug) or abort(404)
    return page("maintenance.html", is_framed=True, **maintenance_views.care_values(machine))
