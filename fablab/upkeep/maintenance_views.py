"""The regular maintenance of a machine, for whoever looks after it."""

from contextlib import suppress
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import members_only
from fablab.machines.inventory import MachineFacts, here
from fablab.slots import Slot
from fablab.upkeep import maintenance, queries
from fablab.upkeep.keys import AlreadyMade
from fablab.upkeep.kinds import Unit
from fablab.upkeep.logbook_views import find_cared_for
from fablab.upkeep.maintenance_forms import DoneForm, MaintenanceForm, drawn
from fablab.upkeep.views import bp, is_framed, place_asked, today
from fablab.upkeep.words import ONCE, SEVERAL

SHOWN = 3  # days ahead


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
    maintenance.finish(row.uid, form.done, by=current_user.id, now=clock.now())
    flash(_("It is done and written into the logbook; the next time is planned."))
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


class Ahead(NamedTuple):
    """One day on which it is due."""

    when: str
    note: str
    is_overdue: bool


class Care(NamedTuple):
    """One regular maintenance."""

    uid: str
    title: str
    work: str
    who: str
    rhythm: str
    ahead: list[Ahead]
    is_overdue: bool
    form: DoneForm
    is_refused: bool


def care_values(
    machine: MachineFacts,
    form: MaintenanceForm | None = None,
    edited: str = "",
    done: DoneForm | None = None,
    finished: str = "",
) -> dict[str, Any]:
    """What the page shows; `?edit=` draws the form for one that exists."""
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
            care(days, done if uid == finished else None, clock.now()) for uid, days in rows.items()
        ],
        "form": form,
        "edited": edited,
        "place_asked": place_asked(),
    }


def care(rows: list[Any], done: DoneForm | None, now: datetime) -> Care:
    first, zone = rows[0], here().schedule.zone
    days = [ahead(row, clock.today(zone, now)) for row in rows if row.due_on is not None]
    return Care(
        uid=first.uid,
        title=first.title,
        work=first.work,
        who=first.who,
        rhythm=rhythm_in_words(first),
        ahead=days[:SHOWN],
        is_overdue=any(day.is_overdue for day in days),
        form=done or DoneForm(first.uid, formdata=None),
        is_refused=done is not None,
    )


def ahead(row: Any, today: date) -> Ahead:
    zone, note = here().schedule.zone, ""
    when = texts.capital(texts.day(row.due_on))
    if row.starts_at is not None and row.standing:
        when = texts.capital(texts.day_and_hours(Slot(row.starts_at, row.ends_at), zone))
        if row.is_moved:
            usual = _("%(day)s %(hour)s", day=texts.day(row.due_on), hour=texts.hour(row.at))
            note = _("moved, for something was booked: it would be %(when)s", when=usual)
    elif row.due_on >= today:
        note = _("the machine is not kept free then")
    return Ahead(when, note, row.due_on < today)


def rhythm_in_words(row: Any) -> str:
    words = ONCE if row.every == 1 else SEVERAL
    often = _(words[row.unit], num=row.every)
    hour, length = texts.hour(row.at), texts.length(row.length)
    said = _("%(often)s at %(hour)s, %(length)s", often=often, hour=hour, length=length)
    locale = get_locale()
    if row.weekday and locale:
        weekday = locale.days["format"]["wide"][row.weekday - 1]
        said = _("%(rhythm)s, on a %(weekday)s", rhythm=said, weekday=weekday)
    return texts.capital(said)
