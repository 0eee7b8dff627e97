"""The machines that an organization owns, for who manages it: how they are used, needing one
oneself, giving notice.
"""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import members_only
from fablab.booking.pages import clock_notes
from fablab.booking.views import kept
from fablab.db import NotAllowed
from fablab.home import owner_pages
from fablab.home.organization_views import Found, find_managed, find_month, today
from fablab.machines.commands import SlotTaken
from fablab.machines.inventory import MachineFacts, here
from fablab.sharing import commands, queries
from fablab.sharing.commands import TooSoon
from fablab.sharing.document import hand_out
from fablab.sharing.forms import EndForm
from fablab.statements.gathering import of_machines
from fablab.statements.rules import Period
from fablab.tariffs.price_list import prices_of
from fablab.upkeep import settling
from fablab.upkeep.outage_forms import OutageForm
from fablab.upkeep.stopping import CannotMove, TakenOtherwise, Undecided

bp = Blueprint("owners", __name__)


@bp.get("/organizations/<slug>/machines")
@members_only
def machines(slug: str):
    return owner_page(find_managed(slug))


@bp.post("/organizations/<slug>/machines/<machine_slug>/outages")
@members_only
def declare(slug: str, machine_slug: str):
    """They need it, or it is not there: the machine is withdrawn for a time."""
    found = find_managed(slug)
    machine, zone, now = find_owned(found, machine_slug), here().schedule.zone, clock.now()
    form = OutageForm(zone=zone, now=now)
    if not form.validate():
        return owner_page(found, machine, outage=form), 422
    try:
        commands.declare_absence(
            machine.id,
            here().place.id,
            found.row.id,
            form.slot,
            form.reason.data,
            settling.read(request.form, here()),
            by=current_user.id,
            now=now,
        )
    except TakenOtherwise:
        form.day.errors = [_("It is taken away already at that time.")]
        return owner_page(found, machine, outage=form), 409
    except (Undecided, CannotMove, SlotTaken) as error:
        return settle_page(found, machine, form, error)
    flash(_("The machine is withdrawn %(hours)s.", hours=texts.hours(form.slot, zone)))
    for note in clock_notes(form, zone):
        flash(note, "info")
    return back_to(slug)


@bp.post("/organizations/<slug>/machines/<machine_slug>/outages/<uuid:uid>/end")
@members_only
def take_back(slug: str, machine_slug: str, uid: UUID):
    found = find_managed(slug)
    machine = find_owned(found, machine_slug)
    commands.take_back_absence(
        str(uid), machine.id, found.row.id, by=current_user.id, now=clock.now()
    )
    flash(_("The machine can be booked again for that time."))
    return back_to(slug)


@bp.post("/organizations/<slug>/machines/<machine_slug>/notice")
@members_only
def give_notice(slug: str, machine_slug: str):
    found, form = find_managed(slug), EndForm()
    machine = find_owned(found, machine_slug)
    agreement = agreement_now(machine) or abort(404)
    if not form.validate():
        return owner_page(found, machine, notice=form), 422
    try:
        commands.end(agreement.uid, form.day, by=current_user.id, is_team=False, now=clock.now())
    except TooSoon as refused:
        day = texts.day(refused.earliest, texts.DAY_AND_YEAR)
        form.last_day.errors = [_("The notice that was agreed ends on %(day)s.", day=day)]
        return owner_page(found, machine, notice=form), 422
    except NotAllowed:
        form.last_day.errors = [_("It ends no later than that already.")]
        return owner_page(found, machine, notice=form), 422
    flash(_("Notice is given. The team, and who has booked for later, are told by mail."))
    return back_to(slug)


@bp.get("/organizations/<slug>/machines/<machine_slug>/document")
@members_only
def document(slug: str, machine_slug: str):
    machine = find_owned(find_managed(slug), machine_slug)
    agreement = agreement_now(machine) or abort(404)
    return hand_out(agreement.document, machine.code)


def find_owned(found: Found, slug: str) -> MachineFacts:
    """A machine of theirs; any other answers 404."""
    machine = here().by_slug.get(slug)
    return machine if machine and machine.owner_id == found.row.id else abort(404)


def agreement_now(machine: MachineFacts) -> Any:
    """The one in force, else the next."""
    day: date = today()
    ahead = (a for a in machine.agreements if a.last_day is None or a.last_day >= day)
    return next(ahead, None)


def back_to(slug: str) -> Any:
    return redirect(url_for(".machines", slug=slug, **kept()), 303)


def settle_page(found: Found, machine: MachineFacts, form: OutageForm, error: Exception) -> Any:
    """What becomes of each booking concerned, of which its owner reads the hours alone."""
    values = settling.page_values(
        settling.of_span(machine, form.slot),
        here(),
        request.form,
        error,
        now=clock.now(),
        is_team=False,
        shows_names=False,
        action=url_for(".declare", slug=found.row.slug, machine_slug=machine.slug, **kept()),
        back=url_for(".machines", slug=found.row.slug, **kept()),
        is_framed=False,
    )
    return render_template("upkeep/settle.html", **values), 409


def own_forms(
    machine: MachineFacts,
    now: datetime,
    outage: OutageForm | None = None,
    notice: EndForm | None = None,
) -> tuple[OutageForm, EndForm]:
    """Both forms of one machine, of which several stand on the page."""
    outage = outage or OutageForm(formdata=None, zone=here().schedule.zone, now=now)
    notice = notice or EndForm(formdata=None)
    for field in (*outage, *notice):
        field.id = f"{field.id}-{machine.slug}"
    return outage, notice


def owner_page(found: Found, refused: MachineFacts | None = None, **forms: Any) -> str:
    """All their machines; the forms of the one that was `refused` keep what was typed."""
    inventory, now, month = here(), clock.now(), find_month()
    zone = inventory.schedule.zone
    span, owner_id = month.span(zone), found.row.id
    days = Period(month.first, month.next.first - timedelta(days=1))
    stated = of_machines(owner_id, days, inventory, now)
    ahead, faults = queries.ahead(owner_id, span, now), queries.faults(owner_id, span)
    outages = queries.outages(owner_id, now)
    own = [machine for machine in inventory.machines if machine.owner_id == owner_id]
    return render_template(
        "organizations/machines.html",
        organization=found.row,
        machines=[
            owner_pages.owned(
                machine,
                agreement_now(machine),
                stated.get(machine.code, ()),
                ahead,
                faults,
                outages,
                currency=prices_of(inventory).terms.currency,
                zone=zone,
                now=now,
            )
            for machine in own
        ],
        forms={
            machine.slug: own_forms(machine, now, **forms if machine is refused else {})
            for machine in own
        },
        refused=refused.slug if refused else "",
        month=month,
        days=days,
        is_team=found.doer.is_team,
        is_member=found.row.is_manager is not None,
        kept=kept(),
    )
