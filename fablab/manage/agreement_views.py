"""What was agreed with the owner of a machine: written down, changed, ended, looked up."""

from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import team_only
from fablab.db import NotAllowed
from fablab.machines import documents, files
from fablab.machines.inventory import MachineFacts, agreement_facts
from fablab.manage.blueprint import bp, page, today
from fablab.manage.machine_views import find_machine
from fablab.security import takes_files
from fablab.sharing import commands, pages, queries
from fablab.sharing.commands import ChangedMeanwhile, NoOwner, Overlaps, TooSoon
from fablab.sharing.document import hand_out
from fablab.sharing.forms import AgreementForm, EndForm, blank, drawn


@bp.get("/manage/machines/<slug>/agreement")
@team_only
def agreement(slug: str):
    return agreement_page(find_machine(slug))


@bp.post("/manage/machines/<slug>/agreement")
@team_only
@takes_files
def begin_agreement(slug: str):
    return saved(find_machine(slug), AgreementForm(), None)


@bp.post("/manage/machines/<slug>/agreement/<uuid:uid>")
@team_only
@takes_files
def change_agreement(slug: str, uid: UUID):
    machine = find_machine(slug)
    return saved(machine, AgreementForm(), queries.find(str(uid), machine.id).uid)


def saved(machine: MachineFacts, form: AgreementForm, uid: str | None) -> Any:
    if not form.validate():
        form.document.ask_again()
        return agreement_page(machine, 422, form=form, edited=uid)
    document = form.document.take(documents.take)
    if form.document.errors:
        return agreement_page(machine, 422, form=form, edited=uid)
    doing = {"by": current_user.id, "now": clock.now()}
    try:
        with files.taken(document):
            if uid is None:
                commands.begin(machine.id, form.agreed, document, **doing)
            else:
                commands.change(uid, form.agreed, document, revision=form.drawn_for, **doing)
    except Overlaps as refused:
        other = refused.days
        field = form.first_day if other.first <= form.agreed.first_day else form.last_day
        field.errors = [_("Another agreement covers these days: %(days)s.", days=in_words(other))]
        return agreement_page(machine, 422, form=form, edited=uid)
    except ChangedMeanwhile:
        form.document.ask_again()
        form.form_errors.append(
            _(
                "Somebody else changed it meanwhile, and nothing was saved: it is shown as it"
                " stands now. To save it again is to have it as you wrote it."
            )
        )
        form.revision.data = str(queries.find(str(uid), machine.id).revision)
        return agreement_page(machine, 409, form=form, edited=uid)
    except NoOwner:
        flash(_("Somebody else changed it meanwhile: this is how it stands now."), "warning")
        return redirect(url_for(".agreement", slug=machine.slug), 303)
    flash(_("The agreement is saved. Who has booked on other days is told by mail."))
    return redirect(url_for(".agreement", slug=machine.slug), 303)


def in_words(days: Any) -> str:
    first = pages.written(days.first)
    if days.last is None:
        return _("from %(day)s on", day=first)
    return _("%(first)s to %(last)s", first=first, last=pages.written(days.last))


@bp.post("/manage/machines/<slug>/agreement/<uuid:uid>/end")
@team_only
def end_agreement(slug: str, uid: UUID):
    machine, form = find_machine(slug), end_form(str(uid), is_sent=True)
    row = queries.find(str(uid), machine.id)
    if not form.validate():
        return agreement_page(machine, 422, end=form, ended=row.uid)
    try:
        commands.end(row.uid, form.day, by=current_user.id, is_team=True, now=clock.now())
    except TooSoon as refused:
        day = texts.day(refused.earliest, texts.DAY_AND_YEAR)
        form.last_day.errors = [_("It ends on %(day)s at the earliest.", day=day)]
        return agreement_page(machine, 422, end=form, ended=row.uid)
    except NotAllowed:
        form.last_day.errors = [_("It ends no later than that already.")]
        return agreement_page(machine, 422, end=form, ended=row.uid)
    flash(_("The agreement ends then. Its owner, and who has booked for later, are told by mail."))
    return redirect(url_for(".agreement", slug=slug), 303)


@bp.get("/manage/machines/<slug>/agreement/<uuid:uid>/document")
@team_only
def agreement_document(slug: str, uid: UUID):
    machine = find_machine(slug)
    return hand_out(queries.find(str(uid), machine.id).document, machine.code)


def end_form(uid: str, *, is_sent: bool = False) -> EndForm:
    """One stands beside each agreement."""
    form = EndForm() if is_sent else EndForm(formdata=None)
    form.last_day.id = f"end-{uid}"
    return form


def agreement_page(
    machine: MachineFacts,
    status: int = 200,
    *,
    form: AgreementForm | None = None,
    edited: str | None = None,
    end: EndForm | None = None,
    ended: str = "",
) -> Any:
    """All that was ever agreed about it; `?edit=` draws the form for one that exists."""
    rows = {row.uid: row for row in queries.of_machine(machine.id)}
    asked = request.args.get("edit", "")
    if form is None:
        edited = asked if asked in rows else None
        data = drawn(rows[edited]) if edited else blank(today())
        form = AgreementForm(formdata=None, data=data)
    shown = [
        pages.shown(agreement_facts(row, row.owner.name, row.ranges), today())
        for row in rows.values()
    ]
    answer = page(
        "agreement.html",
        machine=machine,
        agreements=shown,
        edited=edited or "",
        form=form,
        ranges=form.ranges_shown,
        ends={uid: end if end and uid == ended else end_form(uid) for uid in rows},
        ended=ended,
    )
    return answer, status
