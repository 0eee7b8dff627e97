"""The logbook of a machine, for whoever looks after it."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, send_from_directory, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import members_only
from fablab.keys import AlreadyMade
from fablab.machines import files
from fablab.machines.inventory import MachineFacts, here
from fablab.upkeep import logbook, pages, queries
from fablab.upkeep.forms import EntryForm, take_paper
from fablab.upkeep.logbook import Entry
from fablab.upkeep.views import (
    bp,
    find_machine,
    is_framed,
    looks_after_it,
    page_number,
    place_asked,
)

PAGE = 100


@bp.get("/machines/<slug>/logbook")
@members_only
def book(slug: str):
    return book_page(find_cared_for(slug))


@bp.post("/machines/<slug>/logbook")
@members_only
def write(slug: str):
    machine, form = find_cared_for(slug), EntryForm()
    if form.corrects.data and not queries.entry_of(machine.id, form.corrects.data):
        abort(404)
    if not form.validate():
        form.file.ask_again()
        return book_page(machine, 422, form=form)
    file = form.file.take(take_paper)
    if form.file.errors:
        return book_page(machine, 422, form=form)
    entry = Entry(
        form.entry_kind,
        form.said.data,
        form.part.data,
        form.cost.data,
        file,
        form.corrects.data or "",
    )
    with suppress(AlreadyMade), files.taken(file):
        logbook.write(machine.id, entry, by=current_user.id, now=clock.now(), key=form.key.data)
    flash(_("It is written into the logbook."))
    return redirect(address_of(slug), 303)


@bp.get("/machines/<slug>/logbook/<uuid:uid>/file")
@members_only
def file(slug: str, uid: UUID):
    """Re-encoded when it is a photo; a PDF is handed out as a file to keep, never shown here."""
    entry = queries.entry_of(find_cared_for(slug).id, str(uid))
    if entry is None or not entry.file:
        abort(404)
    is_pdf = entry.file.endswith(".pdf")
    return send_from_directory(
        files.folder(),
        entry.file,
        mimetype="application/pdf" if is_pdf else "image/webp",
        as_attachment=is_pdf,
        download_name=f"{slug}.pdf" if is_pdf else None,
        max_age=0,
    )


def find_cared_for(slug: str) -> MachineFacts:
    """A machine of the place that they look after; any other answers 404."""
    machine = find_machine(slug)
    return machine if looks_after_it(machine.id) else abort(404)


def address_of(slug: str) -> str:
    if current_user.manages(here().place.id):
        return url_for("manage.logbook", slug=slug, place=place_asked())
    return url_for("upkeep.book", slug=slug, place=place_asked())


def book_page(machine: MachineFacts, status: int = 200, **forms: Any) -> Any:
    values = book_values(machine, **forms)
    return render_template("upkeep/logbook.html", is_framed=is_framed(), **values), status


def book_values(machine: MachineFacts, form: EntryForm | None = None) -> dict[str, Any]:
    """What the page of a logbook shows; `?corrects=` draws the form for a correction."""
    number, zone = page_number(), here().schedule.zone
    rows = queries.logbook(machine.id, limit=PAGE + 1, offset=(number - 1) * PAGE)
    asked = request.args.get("corrects", "") if form is None else (form.corrects.data or "")
    corrected = queries.entry_of(machine.id, asked) if asked else None
    return {
        "machine": machine,
        "entries": [
            pages.entry(row, zone, slug=machine.slug, place=place_asked()) for row in rows[:PAGE]
        ],
        "spent": pages.amount(queries.spent_on(machine.id)),
        "form": form or EntryForm(formdata=None, data={"corrects": asked if corrected else ""}),
        "corrected": texts.moment(corrected.made_at, zone) if corrected else "",
        "number": number,
        "has_more": len(rows) > PAGE,
        "place_asked": place_asked(),
    }
