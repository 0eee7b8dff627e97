"""Files of machines, members and qualifications: sent, looked at, applied in one go or not at all.

The same plan as on the command line (`fablab import`), shown before anything is written.
"""

from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from wtforms import HiddenField, ValidationError

from fablab import clock, imports
from fablab.access import team_only
from fablab.agendas.lines import clean
from fablab.db import NotAllowed
from fablab.exports import csv_file
from fablab.forms import Form, UploadField, is_sent
from fablab.imports import ChangedMeanwhile, ImportRefused, Plan, Shown, drafts, export
from fablab.machines.inventory import here
from fablab.manage import import_pages
from fablab.manage.blueprint import bp, page
from fablab.manage.import_words import EXAMPLES, EXPLAINED, HELP, KINDS

BACK = {"machines": ".machines", "members": ".members", "qualifications": ".members"}


class SheetForm(Form):
    file = UploadField(lazy_gettext("File (.csv)"), [is_sent], maximum=imports.MAX_BYTES)

    @property
    def name(self) -> str:
        return clean(self.file.filename)[:100] or "fichier.csv"

    def validate_file(self, field: UploadField) -> None:
        if len(field.content) > imports.MAX_BYTES:
            limit = imports.MAX_BYTES // 1024 // 1024
            raise ValidationError(
                lazy_gettext("This file is too large: %(limit)s MB at most.", limit=limit)
            )


class ApplicationForm(Form):
    seen = HiddenField()


@bp.get("/manage/imports")
@team_only
def imports_page():
    return page(
        "imports.html",
        kinds=[
            {
                "title": _(KINDS[what]),
                "url": url_for(".import_of", what=what),
                "text": _(EXPLAINED[what]),
                "is_open": may_import(what),
            }
            for what in KINDS
        ],
    )


@bp.get("/manage/imports/<what>")
@team_only
def import_of(what: str):
    check_right(what)
    return kind_page(what, SheetForm())


@bp.post("/manage/imports/<what>")
@team_only
def send_sheet(what: str):
    check_right(what)
    form = SheetForm()
    if not form.validate():
        return kind_page(what, form), 422
    uid = drafts.keep(
        what, form.name, form.file.content, here().place.id, by=current_user.id, now=clock.now()
    )
    return redirect(url_for(".import_draft", uid=uid), 303)


@bp.get("/manage/imports/<what>/template.csv")
@team_only
def import_template(what: str):
    """The first line, and one to write over."""
    check_kind(what)
    return csv_file(f"{what}-template", columns_of(what), [EXAMPLES[what]])


@bp.get("/manage/machines.csv")
@team_only
def export_machines():
    """All of them, in the columns of an import."""
    place = here().place
    return csv_file(f"{place.slug}-machines", columns_of("machines"), export.machines(place.id))


def columns_of(what: str) -> list[str]:
    return [column.name for column in imports.KINDS[what].columns]


@bp.get("/manage/imports/drafts/<uuid:uid>")
@team_only
def import_draft(uid: UUID):
    return draft_page(find_draft(uid))


@bp.post("/manage/imports/drafts/<uuid:uid>/leaving")
@team_only
def leave_import(uid: UUID):
    draft = find_draft(uid)
    drafts.leave(draft.uid, here().place.id)
    flash(_("The file is no longer kept; nothing was changed."), "info")
    return redirect(url_for(".import_of", what=draft.what), 303)


@bp.post("/manage/imports/drafts/<uuid:uid>/application")
@team_only
def apply_import(uid: UUID):
    draft, form = find_draft(uid), ApplicationForm()
    if not form.validate():
        return draft_page(draft), 422
    kind, now, place = imports.KINDS[draft.what], clock.now(), here().place
    try:
        plan = imports.apply(
            kind,
            imports.read(kind, draft.content),
            place.id,
            now=now,
            by=current_user.id,
            draft=Shown(draft.uid, form.seen.data or ""),
        )
    except ImportRefused:
        return draft_page(draft), 422
    except ChangedMeanwhile:
        problem = _(
            "Nothing was done: this is not what was shown before. Look at it as it is now, then"
            " import it."
        )
        return draft_page(draft, problem), 409
    flash(import_pages.done(plan))
    return redirect(url_for(BACK[draft.what]), 303)


# -- who may, and what is shown


def check_kind(what: str) -> None:
    if what not in KINDS:
        abort(404)


def may_import(what: str) -> bool:
    return imports.may_import(imports.KINDS[what], here().place.id, current_user.id)


def check_right(what: str) -> None:
    check_kind(what)
    if not may_import(what):
        raise NotAllowed


def find_draft(uid: UUID) -> Any:
    """One of the place, within a day; any other answers 404."""
    draft = drafts.find(str(uid), here().place.id, clock.now())
    check_right(draft.what)
    return draft


def kind_page(what: str, form: SheetForm) -> str:
    columns = imports.KINDS[what].columns
    return page(
        "import_kind.html",
        what=what,
        title=_(KINDS[what]),
        explained=_(EXPLAINED[what]),
        columns=[(each.name, each.is_required, _(HELP[what][each.name])) for each in columns],
        form=form,
    )


def draft_page(draft: Any, problem: str = "") -> str:
    kind = imports.KINDS[draft.what]
    plan: Plan = imports.compare(
        kind,
        imports.read(kind, draft.content),
        here().place.id,
        now=clock.now(),
        by=current_user.id,
    )
    return page(
        "import_draft.html",
        draft=draft,
        title=_(KINDS[draft.what]),
        problem=problem,
        plan=import_pages.shown(plan),
        seen=plan.fingerprint,
    )
