"""Files of what is kept elsewhere: sent, looked at, applied in one go or not at all.

The same plan as on the command line (`fablab import`), shown before anything is written.
"""

from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from wtforms import HiddenField, SelectField, ValidationError

from fablab import clock, imports
from fablab.access import team_only
from fablab.agendas.lines import clean
from fablab.db import NoSuch, NotAllowed
from fablab.exports import csv_file
from fablab.forms import Form, UploadField, is_sent
from fablab.imports import ChangedMeanwhile, ImportRefused, Plan, Shown, drafts, export
from fablab.machines.inventory import here
from fablab.manage import import_pages
from fablab.manage.blueprint import bp, page
from fablab.manage.import_forms import ColumnsForm, form_of
from fablab.manage.import_words import (
    EXAMPLES,
    EXPLAINED,
    HELP,
    KINDS,
    column_said,
    row_said,
    words_said,
)
from fablab.members.forms import EmailField

BACK = {
    "machines": ".machines",
    "members": ".members",
    "qualifications": ".members",
    "bookings": ".imports_page",
    imports.CALENDAR: ".imports_page",
}
SHOWN = 3  # lines of a file, to tell its columns by
LONGEST_SHOWN = 80  # characters of a cell there


class SheetForm(Form):
    file = UploadField(lazy_gettext("File (.csv or .xlsx)"), [is_sent], maximum=imports.MAX_BYTES)

    @property
    def name(self) -> str:
        return clean(self.file.filename)[:100] or "fichier.csv"

    def validate_file(self, field: UploadField) -> None:
        if len(field.content) > imports.MAX_BYTES:
            limit = imports.MAX_BYTES // 1024 // 1024
            raise ValidationError(
                lazy_gettext("This file is too large: %(limit)s MB at most.", limit=limit)
            )

    def offer(self) -> None:
        """What its lists let one choose from: it has none."""

    def options(self, what: str) -> dict[str, str] | None:
        """How the file is to be read, where that need not be asked."""
        return imports.names_of_export(what, self.file.content)


class CalendarForm(SheetForm):
    """The calendar of one machine, as a calendar program or Google gives it out."""

    file = UploadField(
        lazy_gettext("Calendar file (.ics)"), [is_sent], maximum=imports.calendar.MAX_BYTES
    )
    machine = SelectField(lazy_gettext("Machine"))
    holder = EmailField(
        lazy_gettext("Mail address of the member who has what names nobody"),
        missing=lazy_gettext("Write the mail address of a member."),
    )

    def offer(self) -> None:
        machines = sorted(here().by_id.values(), key=lambda each: each.code)
        self.machine.choices = [(each.slug, f"{each.code} {each.name}") for each in machines]

    def options(self, _what: str) -> dict[str, str] | None:
        return {"machine": self.machine.data, "holder": self.holder.data}

    def validate_file(self, field: UploadField) -> None:
        if len(field.content) > imports.calendar.MAX_BYTES:
            raise ValidationError(lazy_gettext("This file holds too much"))

    def validate_holder(self, field: EmailField) -> None:
        if field.data not in imports.addresses_of_members(here().place.id):
            raise ValidationError(lazy_gettext("There is no member of this place at this address."))


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
    return kind_page(what, SheetForm() if what != imports.CALENDAR else CalendarForm())


@bp.post("/manage/imports/<what>")
@team_only
def send_sheet(what: str):
    check_right(what)
    form = SheetForm() if what != imports.CALENDAR else CalendarForm()
    form.offer()
    if not form.validate():
        return kind_page(what, form), 422
    uid = drafts.keep(
        what,
        form.name,
        form.file.content,
        here().place.id,
        by=current_user.id,
        now=clock.now(),
        options=form.options(what),
    )
    return redirect(url_for(".import_draft", uid=uid), 303)


@bp.get("/manage/imports/<what>/template.csv")
@team_only
def import_template(what: str):
    """The first line, and one to write over."""
    check_kind(what)
    if what == imports.CALENDAR:
        abort(404)
    header = [column_said(name) for name in columns_of(what)]
    return csv_file(f"{what}-template", header, [words_said(EXAMPLES[what])])


@bp.get("/manage/machines.csv")
@team_only
def export_machines():
    """All of them, in the columns of an import."""
    place, columns = here().place, columns_of("machines")
    return csv_file(
        f"{place.slug}-machines",
        [column_said(name) for name in columns],
        [row_said(columns, row) for row in export.machines(place.id)],
    )


def columns_of(what: str) -> list[str]:
    return [column.name for column in imports.KINDS[what].columns]


@bp.get("/manage/imports/drafts/<uuid:uid>")
@team_only
def import_draft(uid: UUID):
    draft = find_draft(uid)
    if is_to_ask(draft):
        return redirect(url_for(".import_columns", uid=uid), 303)
    return draft_page(draft)


@bp.get("/manage/imports/drafts/<uuid:uid>/columns")
@team_only
def import_columns(uid: UUID):
    draft = find_sheet(uid)
    return columns_page(draft, import_columns_form(draft)(formdata=None))


@bp.post("/manage/imports/drafts/<uuid:uid>/columns")
@team_only
def say_columns(uid: UUID):
    draft = find_sheet(uid)
    form = import_columns_form(draft)()
    if not form.validate():
        return columns_page(draft, form), 422
    drafts.read_as(draft.uid, here().place.id, form.names)
    return redirect(url_for(".import_draft", uid=uid), 303)


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
    form = ApplicationForm()
    try:
        draft = find_draft(uid)
    except NoSuch:
        return gone()
    if not form.validate():
        return draft_page(draft), 422
    now, place = clock.now(), here().place
    lines, _notes = imports.lines_of(draft.what, draft.content, draft.options, place.id, now=now)
    try:
        plan = imports.apply(
            imports.kind_of(draft.what),
            lines,
            place.id,
            now=now,
            by=current_user.id,
            draft=Shown(draft.uid, form.seen.data or ""),
        )
    except ImportRefused:
        return draft_page(draft), 422
    except NoSuch:
        return gone()
    except ChangedMeanwhile:
        problem = _(
            "Nothing was done: this is not what was shown before. Look at it as it is now, then"
            " import it."
        )
        return draft_page(draft, problem), 409
    flash(import_pages.done(plan))
    return redirect(url_for(BACK[draft.what]), 303)


def gone() -> Any:
    """The second of two clicks, or the one of a colleague who was slower; or of another place."""
    why = _(
        "It was imported already, or it was kept for a day and is forgotten. Nothing is left to do"
        " with it."
    )
    again = (_("Import from a file"), url_for(".imports_page"))
    return page("file_gone.html", icon="file-text", why=why, again=again), 404


# -- who may, and what is shown


def check_kind(what: str) -> None:
    if what not in KINDS:
        abort(404)


def may_import(what: str) -> bool:
    return imports.may_import(imports.kind_of(what), here().place.id, current_user.id)


def check_right(what: str) -> None:
    check_kind(what)
    if not may_import(what):
        raise NotAllowed


def find_draft(uid: UUID) -> Any:
    """One of the place, within a day; any other answers 404."""
    draft = drafts.find(str(uid), here().place.id, clock.now())
    check_right(draft.what)
    return draft


def find_sheet(uid: UUID) -> Any:
    """One that has columns."""
    draft = find_draft(uid)
    if draft.what == imports.CALENDAR or not imports.first_lines(draft.content, 1):
        abort(404)
    return draft


def is_to_ask(draft: Any) -> bool:
    """Is it not said yet which column is which?"""
    is_said = draft.what == imports.CALENDAR or draft.options is not None
    return not is_said and not imports.has_our_columns(draft.what, draft.content)


def import_columns_form(draft: Any) -> type[ColumnsForm]:
    header = imports.first_lines(draft.content, 1)[0]
    return form_of(imports.KINDS[draft.what].columns, header, draft.options)


def columns_page(draft: Any, form: ColumnsForm) -> str:
    header, *examples = imports.first_lines(draft.content, 1 + SHOWN)
    return page(
        "import_columns.html",
        draft=draft,
        title=_(KINDS[draft.what]),
        form=form,
        helps={name: _(help) for name, help in HELP[draft.what].items()},
        header=[cell[:LONGEST_SHOWN] for cell in header],
        examples=[
            [cell[:LONGEST_SHOWN] for cell in (*cells, *[""] * len(header))][: len(header)]
            for cells in examples
        ],
    )


def kind_page(what: str, form: SheetForm) -> str:
    form.offer()
    if what == imports.CALENDAR:
        return page(
            "import_calendar.html", title=_(KINDS[what]), explained=_(EXPLAINED[what]), form=form
        )
    columns = imports.KINDS[what].columns
    return page(
        "import_kind.html",
        what=what,
        title=_(KINDS[what]),
        explained=_(EXPLAINED[what]),
        columns=[
            (column_said(each.name), each.is_required, _(HELP[what][each.name])) for each in columns
        ],
        form=form,
    )


def draft_page(draft: Any, problem: str = "") -> str:
    place_id, now = here().place.id, clock.now()
    lines, notes = imports.lines_of(draft.what, draft.content, draft.options, place_id, now=now)
    kind = imports.kind_of(draft.what)
    plan: Plan = imports.compare(kind, lines, place_id, now=now, by=current_user.id)
    plan.notes = sorted([*notes, *plan.notes], key=lambda note: note.line)
    return page(
        "import_draft.html",
        draft=draft,
        title=_(KINDS[draft.what]),
        problem=problem,
        is_asked=draft.what != imports.CALENDAR and draft.options is not None,
        plan=import_pages.shown(plan, lines, draft.what),
        seen=plan.fingerprint,
    )
