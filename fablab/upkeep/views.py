"""Faults: reported by anyone who is signed in, looked at by whoever looks after the machine."""

from typing import Any
from uuid import UUID

from flask import (
    Blueprint,
    abort,
    flash,
    g,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import members_only
from fablab.keys import AlreadyMade
from fablab.machines import files
from fablab.machines.commands import SlotTaken
from fablab.machines.inventory import MachineFacts, here
from fablab.trainings.queries import looks_after
from fablab.upkeep import faults, pages, queries, settling
from fablab.upkeep.faults import AlreadyOver, ChangedMeanwhile, Report, TooMany, Verdict
from fablab.upkeep.forms import RepairForm, ReportForm, VerdictForm, take_photo
from fablab.upkeep.kinds import STOPPING, FaultState
from fablab.upkeep.rules import STATE_OF
from fablab.upkeep.stopping import CannotMove, Undecided

bp = Blueprint("upkeep", __name__)


@bp.app_template_global()
def faults_against(machine_id: int) -> list[str]:
    """For the booking form, whose package stands below this one and knows of no faults."""
    return pages.not_to_be_used(queries.unsorted_on(machine_id))


@bp.get("/machines/<slug>/faults/new")
@members_only
def new_fault(slug: str):
    return report_page(find_machine(slug), ReportForm())


@bp.post("/machines/<slug>/faults")
@members_only
def report(slug: str):
    machine, form = find_machine(slug), ReportForm()
    if not form.validate():
        form.photo.ask_again()
        return report_page(machine, form), 422
    photo = form.photo.take(take_photo)
    if form.photo.errors:
        return report_page(machine, form), 422
    told = Report(form.what.data, form.is_usable, photo)
    try:
        with files.taken(photo):
            uid = faults.report(
                machine,
                told,
                place_id=here().place.id,
                by=current_user.id,
                now=clock.now(),
                key=form.key.data,
            )
    except AlreadyMade as made:
        uid = made.uid
    except TooMany:
        form.form_errors.append(
            _("You have reported many faults today: tell the team directly, please.")
        )
        return report_page(machine, form), 422
    flash(_("Thank you. Whoever looks after the machine is told."))
    return redirect(url_for(".fault", slug=slug, uid=uid, place=place_asked()), 303)


OWN = 50  # on a page


@bp.get("/account/faults")
@members_only
def own_faults():
    """What became of all that they reported."""
    number = page_number()
    rows = queries.reported_by(current_user.id, limit=OWN + 1, offset=(number - 1) * OWN)
    first, _revision = g.first_place
    return render_template(
        "upkeep/own.html",
        faults=[pages.own_line(row, first) for row in rows[:OWN]],
        number=number,
        has_more=len(rows) > OWN,
    )


@bp.get("/machines/<slug>/faults/<uuid:uid>")
@members_only
def fault(slug: str, uid: UUID):
    return fault_page(find_fault(slug, uid))


@bp.get("/machines/<slug>/faults/<uuid:uid>/photo")
@members_only
def photo(slug: str, uid: UUID):
    row = find_fault(slug, uid)
    if not row.photo:
        abort(404)
    return send_from_directory(files.folder(), row.photo, mimetype="image/webp", max_age=0)


@bp.post("/machines/<slug>/faults/<uuid:uid>/verdict")
@members_only
def decide(slug: str, uid: UUID):
    row = find_sortable(slug, uid)
    form = VerdictForm(today=today())
    if not form.validate():
        return fault_page(row, 422, verdict=form)
    verdict = Verdict(FaultState(form.state.data), form.said.data, form.back_on.data)
    try:
        return done(
            row, verdict, form.drawn_for, _("It is noted, and whoever reported it is told.")
        )
    except (Undecided, CannotMove, SlotTaken) as error:
        return settle_page(row, verdict, error)


@bp.post("/machines/<slug>/faults/<uuid:uid>/repair")
@members_only
def repair(slug: str, uid: UUID):
    row = find_sortable(slug, uid)
    form = RepairForm()
    if not form.validate():
        return fault_page(row, 422, repair=form)
    verdict = Verdict(
        FaultState.REPAIRED, form.done.data, part=form.part.data, cents=form.cost.data
    )
    return done(row, verdict, None, _("It is repaired, and written into the logbook."))


def done(row: Any, verdict: Verdict, revision: int | None, said: str) -> Any:
    """Do what was decided, and back to the fault, whatever came of it."""
    try:
        faults.decide(
            row.uid,
            verdict,
            settling.read(request.form, here()),
            by=current_user.id,
            now=clock.now(),
            revision=revision,
        )
    except (AlreadyOver, ChangedMeanwhile):
        flash(_("Somebody else has looked at it meanwhile: this is how it stands now."), "warning")
    else:
        flash(said)
    return redirect(address_of(row), 303)


def settle_page(row: Any, verdict: Verdict, error: Exception) -> Any:
    """The fault stops the machine: first, what becomes of each booking."""
    inventory, now = here(), clock.now()
    machine = inventory.by_id[row.machine_id]
    state = STATE_OF[verdict.state]
    found = settling.of_state(inventory, machine, state, verdict.back_on, now)
    values = settling.page_values(
        found,
        inventory,
        request.form,
        error,
        now=now,
        is_team=current_user.manages(row.place_id),
        action=url_for(".decide", slug=row.slug, uid=row.uid, place=place_asked()),
        back=address_of(row),
        is_framed=is_framed(),
    )
    return render_template("upkeep/settle.html", **values), 409


# -- what the views share


def find_machine(slug: str) -> MachineFacts:
    """A machine of the place; any other answers 404."""
    return here().by_slug.get(slug) or abort(404)


def find_fault(slug: str, uid: UUID) -> Any:
    """A fault of the machine that they reported or may sort; any other answers 404."""
    machine = find_machine(slug)
    row = queries.fault(str(uid))
    if row.machine_id != machine.id:
        abort(404)
    if row.reported_by_id != current_user.id and not looks_after_it(machine.id):
        abort(404)
    return row


def find_sortable(slug: str, uid: UUID) -> Any:
    """A fault that is theirs to sort; its reporter alone may read it, and gets 403."""
    row = find_fault(slug, uid)
    return row if looks_after_it(row.machine_id) else abort(403)


def looks_after_it(machine_id: int) -> bool:
    """On the team of the place, or a referent of the machine."""
    place_id, zone = here().place.id, here().schedule.zone
    if current_user.manages(place_id):
        return True
    return machine_id in looks_after(current_user.id, place_id, zone, clock.now())


def place_asked() -> str | None:
    """Addresses name the place when it is not the one that is meant without a name."""
    place, (first, _revision) = here().place, g.first_place
    return place.slug if place.id != first else None


def address_of(row: Any) -> str:
    """Where they read it: the team among its own pages."""
    if current_user.manages(row.place_id):
        return url_for("manage.fault", uid=row.uid, place=place_asked())
    return url_for("upkeep.fault", slug=row.slug, uid=row.uid, place=place_asked())


def page_number() -> int:
    typed = request.args.get("page", "")
    is_number = typed.isascii() and typed.isdigit() and len(typed) < 5
    return max(int(typed), 1) if is_number else 1


def is_framed() -> bool:
    """Whether what they sent is answered among the team's pages, where their forms are."""
    return request.method == "POST" and bool(current_user.manages(here().place.id))


def today() -> Any:
    return clock.today(here().schedule.zone, clock.now())


def report_page(machine: MachineFacts, form: ReportForm) -> str:
    return render_template(
        "upkeep/report.html", machine=machine, form=form, place_asked=place_asked()
    )


def fault_page(row: Any, status: int = 200, **forms: Any) -> Any:
    values = fault_values(row, **forms)
    return render_template("upkeep/fault.html", is_framed=is_framed(), **values), status


def fault_values(row: Any, **forms: Any) -> dict[str, Any]:
    """What the page of one fault shows; to whoever may sort it also both forms, of which one that
    was refused keeps what was typed.
    """
    may_sort = looks_after_it(row.machine_id)
    back_on = find_machine(row.slug).back_on if row.state in STOPPING else None
    drawn = {"said": row.said, "revision": row.revision, "back_on": back_on}
    if row.state is not FaultState.REPORTED:
        drawn["state"] = row.state.value
    blank = {
        "verdict": VerdictForm(formdata=None, today=today(), data=drawn),
        "repair": RepairForm(formdata=None),
    }
    shown = pages.page(
        row,
        queries.entries_of(row.id) if may_sort else (),
        here().schedule.zone,
        may_sort=may_sort,
        place=place_asked(),
    )
    return {
        "fault": shown,
        "slug": row.slug,
        "may_sort": may_sort,
        "back_on": texts.day(back_on) if back_on else "",
        "forms": blank | forms,
        "place_asked": place_asked(),
    }
