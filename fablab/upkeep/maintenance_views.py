"""The regular maintenance of a machine, for whoever looks after it."""

from contextlib import suppress
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import members_only
from fablab.keys import AlreadyMade
from fablab.machines.inventory import MachineFacts, here
from fablab.upkeep import maintenance, maintenance_pages, queries
from fablab.upkeep.kinds import Unit
from fablab.upkeep.logbook_views import find_cared_for
from fablab.upkeep.maintenance_forms import DoneForm, MaintenanceForm, drawn
from fablab.upkeep.views import bp, is_framed, place_asked, today


@bp.get("/machines/<slug>/maintenance")
@members_only
def maintenances(slug: str):
    return care_page(find_cared_for(slug))


@bp.post("/machines/<slug>/maintenance")
@members_only
def begin_maintenance(slug: str):
    machine, form = find_cared_for(slug), MaintenanceForm(today=today())
    if not form.validate():
        return care_page(machine, 422, form=form)
    place_id = here().place.id
    with suppress(AlreadyMade):
        maintenance.begin(
            machine.id,
            place_id,
            form.plan,
            by=current_user.id,
            now=clock.now(),
            key=form.key.data,
        )
    flash(_("The machine is kept free for it, as far ahead as it may be booked."))
    return redirect(address_of(slug), 303)


@bp.post("/machines/<slug>/maintenance/<uuid:uid>")
@members_only
def change_maintenance(slug: str, uid: UUID):
    machine, form = find_cared_for(slug), MaintenanceForm(today=today())
    row = find(machine, str(uid))
    if not form.validate():
        return care_page(machine, 422, form=form, edited=row.uid)
    maintenance.change(row.uid, form.plan, by=current_user.id, now=clock.now())
    flash(_("It is changed: the machine is kept free at the new times."))
    return redirect(address_of(slug), 303)


@bp.post("/machines/<slug>/maintenance/<uuid:uid>/done")
@members_only
def finish_maintenance(slug: str, uid: UUID):
    machine, form = find_cared_for(slug), DoneForm(str(uid))
    row = find(machine, str(uid))
    if not form.validate():
        return care_page(machine, 422, done=form, finished=row.uid)
    is_first = True
    with suppress(AlreadyMade):
        is_first = maintenance.finish(
            row.uid, form.done, by=current_user.id, now=clock.now(), key=form.key.data or ""
        )
    if is_first:
        flash(_("It is done and written into the logbook; the next time is planned."))
    else:
        flash(_("It was done today before: this is in the logbook too, the next time stays."))
    return redirect(address_of(slug), 303)


@bp.post("/machines/<slug>/maintenance/<uuid:uid>/end")
@members_only
def end_maintenance(slug: str, uid: UUID):
    row = find(find_cared_for(slug), str(uid))
    maintenance.end(row.uid, by=current_user.id, now=clock.now())
    flash(_("It is planned no more, and its times can be booked again."))
    return redirect(address_of(slug), 303)


def find(machine: MachineFacts, uid: str) -> Any:
    row = maintenance.find(uid)
    return row if row.machine_id == machine.id else abort(404)


def address_of(slug: str) -> str:
    if current_user.manages(here().place.id):
        return url_for("manage.maintenance", slug=slug, place=place_asked())
    return url_for("upkeep.maintenances", slug=slug, place=place_asked())


def care_page(machine: MachineFacts, status: int = 200, **more: Any) -> Any:
    values = care_values(machine, **more)
    return render_template("upkeep/maintenance.html", is_framed=is_framed(), **values), status


def care_values(
    machine: MachineFacts,
    form: MaintenanceForm | None = None,
    edited: str = "",
    done: DoneForm | None = None,
    finished: str = "",
) -> dict[str, Any]:
    """What the page shows; `?edit=` draws the form for one that exists."""
    zone = here().schedule.zone
    groups = groupby(queries.maintenance_of(machine.id), key=lambda row: row.uid)
    rows = {uid: list(days) for uid, days in groups}
    edited = edited or request.args.get("edit", "")
    edited = edited if edited in rows else ""
    if form is None:
        data = drawn(rows[edited][0]) if edited else {"every": 1, "unit": Unit.MONTHS.value}
        form = MaintenanceForm(formdata=None, today=today(), data=data)
    return {
        "machine": machine,
        "cares": [
            maintenance_pages.care(days, done if uid == finished else None, zone, clock.now())
            for uid, days in rows.items()
        ],
        "form": form,
        "edited": edited,
        "place_asked": place_asked(),
    }
