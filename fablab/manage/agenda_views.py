"""Calendar files: sent, looked at, applied in one go, undone in one go."""

import re
from typing import Any, NamedTuple
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from sqlalchemy import Row

from fablab import clock
from fablab.access import team_only
from fablab.agendas import commands, queries
from fablab.agendas.commands import ChangedMeanwhile, DraftGone, NothingToDo, TooMuch
from fablab.agendas.kinds import WholeDays
from fablab.agendas.lines import Unreadable, clean
from fablab.agendas.reading import Reading, read
from fablab.agendas.rules import Earlier
from fablab.db import NoSuch
from fablab.machines.inventory import here
from fablab.machines.kinds import OccupancyKind, Status
from fablab.manage import agenda_pages, occupancies
from fablab.manage import queries as of_the_team
from fablab.manage.agenda_forms import AgendaForm, FileForm, Which
from fablab.manage.blueprint import bp, page


@bp.get("/manage/agendas")
@team_only
def agendas():
    return agendas_page(FileForm())


@bp.post("/manage/agendas")
@team_only
def send_agenda():
    form, now = FileForm(), clock.now()
    if not form.validate():
        return agendas_page(form), 422
    try:
        read(form.file.content, zone=here().schedule.zone, now=now)
    except Unreadable as error:
        form.refuse(error)
        return agendas_page(form), 422
    uid = commands.keep(form.name, form.file.content, here().place.id, by=current_user.id, now=now)
    return redirect(url_for(".agenda_draft", uid=uid), 303)


class Sent(NamedTuple):
    """A draft, what it holds, and the imports that it may replace."""

    draft: Row[Any]
    reading: Reading
    earlier: list[Earlier]


@bp.get("/manage/agendas/drafts/<uuid:uid>")
@team_only
def agenda_draft(uid: UUID):
    return with_draft(uid, lambda sent: draft_page(sent, blank(sent)))


@bp.post("/manage/agendas/drafts/<uuid:uid>")
@team_only
def look_at_agenda(uid: UUID):
    """The same with other choices; nothing is written."""
    return with_draft(uid, looked_at)


def looked_at(sent: Sent):
    form = filled(sent)
    return draft_page(sent, form, 200 if form.validate() else 422, ticked=ticked())


@bp.post("/manage/agendas/drafts/<uuid:uid>/leaving")
@team_only
def leave_agenda(uid: UUID):
    if not commands.leave(str(uid), here().place.id):
        return gone(str(uid))
    flash(_("The file is no longer kept; nothing was changed."), "info")
    return redirect(url_for(".agendas"), 303)


@bp.post("/manage/agendas/drafts/<uuid:uid>/application")
@team_only
def apply_agenda(uid: UUID):
    return with_draft(uid, applied)


def applied(sent: Sent):
    form, draft = filled(sent), sent.draft
    if not form.validate():
        return draft_page(sent, form, 422, ticked=ticked())
    try:
        commands.apply(
            draft.uid,
            form.choice(here(), ticked(), titles()),
            place_id=here().place.id,
            seen=form.seen.data,
            seen_bookings=form.seen_bookings.data,
            by=current_user.id,
            now=clock.now(),
        )
    except DraftGone:
        return gone(draft.uid)
    except (ChangedMeanwhile, NothingToDo, TooMuch) as why:
        status = 409 if isinstance(why, ChangedMeanwhile) else 422
        problem = str(PROBLEMS[type(why)])
        return draft_page(sent, form, status, ticked=ticked(), problem=problem)
    flash(_("The calendar is imported: all of it is in place."))
    return redirect(url_for(".agenda", uid=draft.uid), 303)


PROBLEMS: dict[type[Exception], Any] = {
    ChangedMeanwhile: lazy_gettext(
        "Nothing was done: this is not what was shown before. Look at it as it is now, then import"
        " it."
    ),
    NothingToDo: lazy_gettext("Nothing was done: as it is ticked, this calendar changes nothing."),
    TooMuch: lazy_gettext(
        "Machines would be withdrawn more than 2,000 times: choose fewer machines or fewer events."
    ),
}


@bp.get("/manage/agendas/<uuid:uid>")
@team_only
def agenda(uid: UUID):
    inventory, now = here(), clock.now()
    zone = inventory.schedule.zone
    found = queries.agenda(str(uid), inventory.place.id)
    outages = queries.outages_of(found.id)
    rows = of_the_team.occupancies([row.id for row in outages])
    stayed = of_the_team.occupancies(queries.ids_of(found.stayed))
    cancelled = of_the_team.occupancies(queries.ids_of(found.cancelled))
    shown = occupancies.lines([row for row in stayed if is_in_the_way(row, now)], inventory, now)
    instead = queries.in_its_stead(found, inventory.place.id)
    return page(
        "agenda.html",
        agenda=agenda_pages.line(found, zone),
        uid=uid,
        is_undone=found.undone_at is not None,
        replaced=agenda_pages.lines(queries.replaced(found, inventory.place.id), zone),
        instead=agenda_pages.line(instead, zone) if instead else None,
        closures=agenda_pages.closures(queries.closures_of(found.id), zone),
        outages=occupancies.lines(
            [row for row in rows if row.status != Status.CANCELLED], inventory, now
        ),
        stayed=shown,
        mail_to=occupancies.mail_to(shown),
        cancelled=occupancies.lines(cancelled, inventory, now),
    )


def is_in_the_way(row: Any, now: Any) -> bool:
    stands = row.status in (Status.CONFIRMED, Status.PENDING)
    return stands and row.kind == OccupancyKind.BOOKING and row.ends_at > now


@bp.post("/manage/agendas/<uuid:uid>/undoing")
@team_only
def undo_agenda(uid: UUID):
    is_done = commands.undo(str(uid), place_id=here().place.id, by=current_user.id, now=clock.now())
    if is_done:
        flash(_("Undone: what this calendar closed or withdrew is open again."))
    else:
        flash(_("This calendar was undone already; nothing was changed."), "info")
    return redirect(url_for(".agenda", uid=uid), 303)


# -- the pages


def agendas_page(form: FileForm) -> str:
    place_id, zone = here().place.id, here().schedule.zone
    return page(
        "agendas.html",
        form=form,
        drafts=agenda_pages.drafts(queries.drafts(place_id, clock.now()), zone),
        agendas=agenda_pages.lines(queries.agendas(place_id), zone),
    )


def with_draft(uid: UUID, answer: Any) -> Any:
    inventory, now = here(), clock.now()
    try:
        draft = queries.draft(str(uid), inventory.place.id, now)
        reading = commands.reading_of(draft, inventory, now)
        return answer(Sent(draft, reading, commands.earlier(inventory, reading, now)))
    except NoSuch:
        return gone(str(uid))


def gone(uid: str) -> Any:
    """To what became of it; else there is none, whosoever it may have been."""
    if queries.agendas(here().place.id, uid=uid):
        flash(_("This calendar was imported already: this is what it did."), "info")
        return redirect(url_for(".agenda", uid=uid), 303)
    why = _("A file that is not imported is kept for a day. Nothing was changed: send it again.")
    again = (_("Import a calendar"), url_for(".agendas"))
    return page("file_gone.html", icon="calendar-x", why=why, again=again), 404


def blank(sent: Sent) -> AgendaForm:
    """No machine is chosen, but those that the imports took that it replaces."""
    data = {"whole_days": WholeDays.CLOSE, "replaces": [each.uid for each in sent.earlier]}
    form = AgendaForm(formdata=None, data=data | machines_of(sent.earlier))
    form.offer(here())
    return form


def machines_of(earlier: list[Earlier]) -> dict[str, Any]:
    inventory, taken = here(), {each for one in earlier for each in one.machine_ids}
    slugs = [machine.slug for machine in inventory.machines if machine.id in taken]
    if not slugs:
        return {}
    if len(slugs) == len(inventory.machines):
        return {"which": Which.ALL}
    return {"which": Which.SOME, "machines": slugs}


def filled(sent: Sent) -> AgendaForm:
    form, events = AgendaForm(), sent.reading.events
    form.offer(here(), [events[at] for at in ticked() if at < len(events)])
    return form


def ticked() -> list[int]:
    """What is no number is no event of the list."""
    sent = request.form.getlist("event")
    return [int(each) for each in sent if each.isascii() and each.isdigit() and len(each) < 6]


def titles() -> dict[int, str]:
    """What members are to read as the reason, by the event's place."""
    found = ((TITLE.fullmatch(name), text) for name, text in request.form.items())
    return {int(name[1]): clean(text) for name, text in found if name}


TITLE = re.compile(r"title-(\d{1,5})", re.ASCII)


def draft_page(
    sent: Sent,
    form: AgendaForm,
    status: int = 200,
    *,
    ticked: list[int] | None = None,
    problem: str = "",
):
    """What the file does as it is chosen."""
    inventory, now = here(), clock.now()
    zone, reading = inventory.schedule.zone, sent.reading
    events = agenda_pages.ticked_at_first(reading) if ticked is None else ticked
    choice = form.choice(inventory, events, titles())
    plan = commands.plan(inventory, reading, choice, now=now, earlier=sent.earlier)
    rows = of_the_team.occupancies([each.id for each in plan.concerned])
    sessions = of_the_team.occupancies([each.id for each in plan.sessions])
    concerned = occupancies.lines(rows, inventory, now)
    shown = page(
        "agenda_draft.html",
        draft=sent.draft,
        form=form,
        problem=problem,
        plan=plan,
        summary=agenda_pages.summary(plan, is_undecided=form.is_undecided),
        earlier=agenda_pages.earlier_lines(sent.earlier, plan, zone),
        events=agenda_pages.event_lines(
            plan,
            inventory,
            queries.read_before(inventory.place.id),
            choose=form.takes if form.is_undecided else None,
        ),
        are_named=len(plan.effects) <= agenda_pages.NAMED,
        troubles=agenda_pages.troubles(reading.troubles, zone),
        troubles_left_out=reading.troubles_left_out,
        skipped=agenda_pages.troubles(reading.skipped, zone),
        passed_over=agenda_pages.passed_over(reading),
        concerned=concerned,
        mail_to=occupancies.mail_to(concerned),
        sessions=occupancies.lines(sessions, inventory, now),
    )
    return shown, status
