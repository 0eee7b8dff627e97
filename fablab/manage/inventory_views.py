"""Machines written down in one sitting: a new one, one after another, one that changes, one that
goes.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.db import db
from fablab.machines import files, photos, policy_commands, sheets
from fablab.machines.inventory import here
from fablab.machines.kinds import MachineState, OccupancyKind
from fablab.machines.models import Machine
from fablab.machines.policy_commands import PolicyRefused, Scope
from fablab.machines.resources_commands import InTheWay
from fablab.machines.sheets import CodeTaken
from fablab.manage import conflicts, inventory_queries, policy_pages, queries
from fablab.manage.blueprint import bp, page
from fablab.manage.machine_forms import RULES, MachineForm, RetirementForm
from fablab.manage.occupancies import lines, mail_to
from fablab.manage.policy_forms import filled
from fablab.security import takes_files
from fablab.trainings import equipment


@bp.get("/manage/machines/new")
@team_only
def new_machine():
    category = request.args.get("category", "")
    chosen = [each.id for each in queries.categories(here().place.id) if each.slug == category]
    return form_page(machine_form(data={"category": str(chosen[0]) if chosen else None}))


@bp.post("/manage/machines/new")
@team_only
@takes_files
def create_machine():
    return created(machine_form(), None)


@bp.get("/manage/machines/<slug>/duplicate")
@team_only
def duplicate_machine(slug: str):
    source = inventory_queries.find(slug, here().place.id)
    own = {"code": next_code(source.code), "asset_number": "", "position": None}
    return form_page(
        machine_form(data=as_it_is(source, sheets.documents(db.session(), source.id)) | own),
        like=source,
    )


@bp.post("/manage/machines/<slug>/duplicate")
@team_only
@takes_files
def create_duplicate(slug: str):
    source = inventory_queries.find(slug, here().place.id)
    shown = source.photo if source.photo and photos.is_there(source.photo) else None
    return created(machine_form(shown=shown), source)


@bp.get("/manage/machines/<slug>/edit")
@team_only
def edit_machine(slug: str):
    machine = inventory_queries.find(slug, here().place.id)
    papers = sheets.documents(db.session(), machine.id)
    shown = as_it_is(machine, papers)
    form = machine_form(machine, data=shown, papers=papers)
    return form_page(form, machine=machine, seen=fingerprint(shown))


@bp.post("/manage/machines/<slug>/edit")
@team_only
@takes_files
def change_machine(slug: str):
    machine = inventory_queries.find(slug, here().place.id)
    papers = sheets.documents(db.session(), machine.id)
    form = machine_form(machine, papers=papers)
    if not form.validate():
        return form_page(form, machine=machine, seen=request.form.get("seen", "")), 422
    there = as_it_is(machine, papers)
    if request.form.get("seen") != fingerprint(there):
        now = machine_form(machine, data=there, papers=papers)
        conflict = conflicts.differences(now, form)
        return form_page(form, machine=machine, seen=fingerprint(there), conflict=conflict), 409
    refused = try_it(
        form,
        lambda: equipment.change(
            machine.id,
            here().place.id,
            form.sheet(),
            form.training_ids,
            by=current_user.id,
            now=clock.now(),
        ),
    )
    if refused:
        return form_page(form, machine=machine, seen=request.form["seen"]), 422
    flash(_("The machine is saved."))
    return redirect(url_for(".edit_machine" if is_retired(machine) else ".machine", slug=slug), 303)


def created(form: MachineForm, source: Machine | None) -> Any:
    if not form.validate():
        return form_page(form, like=source), 422
    made: list[str] = []

    def create() -> None:
        if form.shown and form.photo_file == form.shown:
            form.photo_kept.data = photos.copy_as_draft(form.shown)
        made.append(
            equipment.create(
                here().place.id,
                form.sheet(),
                form.training_ids,
                by=current_user.id,
                now=clock.now(),
                like=source.id if source else None,
            )
        )

    if try_it(form, create):
        return form_page(form, like=source), 422
    flash(_("The machine is in the inventory: it can be booked under these rules."))
    return redirect(url_for(".machine", slug=made[0]), 303)


def try_it(form: MachineForm, write: Any) -> bool:
    """True when it was refused; why stands beside the fields then."""
    try:
        write()
    except CodeTaken:
        form.code.errors = [_("Another machine has this code, or one too much like it.")]
        return True
    except PolicyRefused as refused:
        for conflict in refused.conflicts:
            sentence = policy_pages.sentence(conflict)
            if conflict.name in form:
                form[conflict.name].errors = [*form[conflict.name].errors, sentence]
            else:
                form.form_errors.append(sentence)
        return True
    return False


# -- out of the inventory, and back


@bp.get("/manage/machines/<slug>/retirement")
@team_only
def retirement(slug: str):
    """Asks once, on a page that shows who would be let down."""
    return retirement_page(slug, RetirementForm(formdata=None))


@bp.post("/manage/machines/<slug>/retirement")
@team_only
def retire_machine(slug: str):
    machine, form = inventory_queries.find(slug, here().place.id), RetirementForm()
    if not form.validate():
        return retirement_page(slug, form), 422
    try:
        sheets.retire(machine.id, form.reason.data, by=current_user.id, now=clock.now())
    except InTheWay:
        return retirement_page(slug, form), 409
    flash(_("The machine is retired: no page shows it any longer, and its past is kept."))
    return redirect(url_for(".machines", state=MachineState.RETIRED.value), 303)


@bp.post("/manage/machines/<slug>/return")
@team_only
def bring_machine_back(slug: str):
    machine = inventory_queries.find(slug, here().place.id)
    sheets.bring_back(machine.id, by=current_user.id, now=clock.now())
    flash(_("The machine is in service again: it can be booked."))
    return redirect(url_for(".machine", slug=slug), 303)


def retirement_page(slug: str, form: RetirementForm) -> str:
    machine, now = inventory_queries.find(slug, here().place.id), clock.now()
    rows = queries.ahead_on(machine.id, now)
    held = [row for row in rows if row.kind != "outage"]
    return page(
        "retirement.html",
        machine=machine,
        form=form,
        held=lines(held, here(), now),
        is_booked=any(row.kind == OccupancyKind.BOOKING for row in held),
        mail_to=mail_to,
    )


# -- the form


def machine_form(
    machine: Machine | None = None,
    data: dict[str, Any] | None = None,
    shown: str | None = None,
    papers: Sequence[Any] = (),
) -> MachineForm:
    """With what there is to choose; filled with `data`, or with what was sent. `papers` are the
    documents that are there.
    """
    place_id = here().place.id
    form = MachineForm(formdata=None, data=data) if data is not None else MachineForm()
    form.take_files()
    form.shown = machine.photo if machine else shown
    form.offer(
        categories=queries.categories(place_id),
        pools=inventory_queries.pools(place_id),
        owners=inventory_queries.owners(place_id),
        trainings=inventory_queries.trainings(
            place_id, also=equipment.trainings_on(machine.id) if machine else ()
        ),
        there=papers,
    )
    return form


def as_it_is(machine: Machine, papers: Sequence[Any]) -> dict[str, Any]:
    plain = (
        "code name model location risk_class photo_alt notes safety asset_number funder position"
    )
    scope = Scope(machine.place_id, machine_id=machine.id)
    said = policy_pages.said(scope, policy_commands.rows_of(machine.place_id))
    rules = filled({name: said.get(name) for name in RULES})
    return {
        **{name: getattr(machine, name) for name in plain.split()},
        **rules,
        "category": str(machine.category_id),
        "pool": str(machine.pool_id or ""),
        "owner": str(machine.owner_id or ""),
        "specs": "\n".join(f"{name}: {fact}" for name, fact in machine.specs.items()),
        "materials_allowed": "\n".join(machine.materials_allowed),
        "materials_forbidden": "\n".join(machine.materials_forbidden),
        "trainings": [str(each) for each in sorted(equipment.trainings_on(machine.id))],
        "documents": [str(each.id) for each in papers],
    }


def fingerprint(shown: dict[str, Any]) -> str:
    """Of all that the form shows of it, so that nobody writes over what they have not seen."""
    return sha256(repr(sorted(shown.items())).encode()).hexdigest()


def form_page(
    form: MachineForm,
    *,
    machine: Machine | None = None,
    like: Machine | None = None,
    seen: str | None = None,
    conflict: Sequence[conflicts.Difference] = (),
) -> str:
    """`seen` is the fingerprint of the machine as its reader has seen it, `conflict` what others
    have saved since.
    """
    if machine:
        title, action = machine.name, url_for(".change_machine", slug=machine.slug)
    elif like:
        title = _("A machine like %(name)s", name=like.name)
        action = url_for(".create_duplicate", slug=like.slug)
    else:
        title, action = _("New machine"), url_for(".create_machine")
    pictured = machine or like
    return page(
        "machine_form.html",
        form=form,
        title=title,
        action=action,
        machine=machine,
        seen=seen,
        conflict=conflict,
        back=url_for(".machine", slug=pictured.slug)
        if pictured and not is_retired(pictured)
        else url_for(".machines"),
        pictured=pictured if pictured and pictured.photo and not is_retired(pictured) else None,
        is_photo_kept=files.is_draft(form.photo_kept.data or ""),
        is_document_kept=files.is_draft(form.document_kept.data or ""),
    )


def is_retired(machine: Machine) -> bool:
    return machine.state is MachineState.RETIRED


def next_code(code: str) -> str:
    """The code after this one that nothing has: M05c after M05b, M08 after M07. Else nothing."""
    taken = {each.casefold() for each in inventory_queries.codes(here().place.id)}
    found = re.fullmatch(r"(.*?)(\d+|[A-Za-z])", code)
    if not found:
        return ""
    stem, last = found.groups()
    if last.isdigit():
        following = (f"{int(last) + more:0{len(last)}}" for more in range(1, 100))
    else:
        following = (chr(ord(last) + more) for more in range(1, ord("z") - ord(last.lower()) + 1))
    return next((stem + each for each in following if (stem + each).casefold() not in taken), "")
