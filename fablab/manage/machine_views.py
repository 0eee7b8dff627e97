"""The machines of the place: their state, their outages, and whom these concern."""

from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import team_only
from fablab.booking import wait_pages
from fablab.booking.pages import clock_notes
from fablab.figures import pages as figures
from fablab.machines import commands, policy_commands
from fablab.machines.commands import SlotTaken
from fablab.machines.inventory import MachineFacts, here
from fablab.machines.kinds import OccupancyKind
from fablab.manage import inventory_queries, machine_pages, member_pages, queries
from fablab.manage.blueprint import bp, page, today
from fablab.manage.forms import StateForm
from fablab.manage.occupancies import line, lines
from fablab.manage.policy_forms import ReferentForm, SafetyForm
from fablab.upkeep import settling, stopping
from fablab.upkeep.outage_forms import OutageForm
from fablab.upkeep.pages import mail_to
from fablab.upkeep.settling import Settling
from fablab.upkeep.stopping import CannotMove, TakenOtherwise, Undecided


@bp.get("/manage/machines")
@team_only
def machines():
    inventory, now = here(), clock.now()
    shown = machine_pages.shown(inventory, request.args)
    rows = queries.outages_ahead(inventory.place.id, now)
    return page(
        "machines.html",
        shown=shown,
        machines=[machine_pages.line(each, rows, inventory, now) for each in shown.machines],
        retired=inventory_queries.retired(inventory.place.id),
    )


@bp.get("/manage/machines/<slug>")
@team_only
def machine(slug: str):
    return machine_page(find_machine(slug))


@bp.post("/manage/machines/<slug>/state")
@team_only
def state(slug: str):
    machine, form = find_machine(slug), StateForm(today=today())
    if not form.validate():
        return machine_page(machine, 422, state=form)
    inventory, now = here(), clock.now()
    asked = (form.state.data, form.state_reason.data, form.back_on.data)
    choices = settling.read(request.form, inventory)
    try:
        stopping.set_state(
            machine.id, inventory.place.id, *asked, choices, by=current_user.id, now=now
        )
    except (Undecided, CannotMove, SlotTaken) as error:
        found = settling.of_state(inventory, machine, form.state.data, form.back_on.data, now)
        return settle_page(found, error, action=url_for(".state", slug=slug))
    if form.is_stopped:
        flash(_("The machine is out of service: nobody can book it."), "warning")
    else:
        flash(_("The machine is in service: it can be booked."))
    return redirect(url_for(".machine", slug=slug), 303)


@bp.post("/manage/machines/<slug>/outages")
@team_only
def withdraw(slug: str):
    machine, zone, now = find_machine(slug), here().schedule.zone, clock.now()
    form = OutageForm(zone=zone, now=now)
    if not form.validate():
        return machine_page(machine, 422, outage=form)
    try:
        stopping.withdraw(
            machine.id,
            here().place.id,
            form.slot,
            form.reason.data,
            settling.read(request.form, here()),
            by=current_user.id,
            now=now,
        )
    except TakenOtherwise:
        rows = queries.in_the_way(machine.id, form.slot)
        return machine_page(machine, 409, outage=form, in_the_way=rows)
    except (Undecided, CannotMove, SlotTaken) as error:
        found = settling.of_span(machine, form.slot)
        return settle_page(found, error, action=url_for(".withdraw", slug=slug))
    flash(_("The machine is withdrawn %(hours)s.", hours=texts.hours(form.slot, zone)))
    for note in clock_notes(form, zone):
        flash(note, "info")
    return redirect(url_for(".machine", slug=slug), 303)


@bp.get("/manage/machines/<slug>/outages/<uuid:uid>/end")
@team_only
def outage_end(slug: str, uid: UUID):
    """Asks once, on a page: a freed slot may be booked a second later."""
    machine, now = find_machine(slug), clock.now()
    ahead = queries.ahead_on(machine.id, now)
    outages = [row for row in ahead if row.uid == str(uid) and row.kind == OccupancyKind.OUTAGE]
    if not outages:
        abort(404)
    outage = line(outages[0], here(), now)
    return page("outage_end.html", machine=machine, outage=outage, uid=uid)


@bp.post("/manage/machines/<slug>/outages/<uuid:uid>/end")
@team_only
def end_outage(slug: str, uid: UUID):
    outage = commands.find_outage(str(uid))
    if outage.machine_id != find_machine(slug).id:
        abort(404)
    commands.end_outage(str(uid), by=current_user.id, now=clock.now())
    flash(_("The machine can be booked again for that time."))
    return redirect(url_for(".machine", slug=slug), 303)


def settle_page(found: Settling, error: Exception, *, action: str) -> Any:
    """What becomes of each booking concerned: nothing is done before that is chosen."""
    values = settling.page_values(
        found,
        here(),
        request.form,
        error,
        now=clock.now(),
        is_team=True,
        action=action,
        back=url_for(".machine", slug=found.machine.slug),
        is_framed=True,
    )
    return page("settle.html", **values), 409


def find_machine(slug: str) -> MachineFacts:
    """A machine of the place; any other answers 404."""
    return here().by_slug.get(slug) or abort(404)


def machine_page(machine: MachineFacts, status: int = 200, *, in_the_way: Any = (), **forms: Any):
    """One machine with both forms; one that was refused keeps what was typed."""
    inventory, now = here(), clock.now()
    zone = inventory.schedule.zone
    start = now.astimezone(zone)
    rows = queries.ahead_on(machine.id, now)
    blank = {
        "state": StateForm(
            formdata=None,
            today=today(),
            data={
                "state": machine.state,
                "state_reason": machine.state_reason,
                "back_on": machine.back_on,
            },
        ),
        "outage": OutageForm(
            formdata=None,
            zone=zone,
            now=now,
            data={"day": start.date(), "start": start.time()},
        ),
        "safety": SafetyForm(formdata=None, data={"safety": machine.safety}),
        "referent": ReferentForm(formdata=None),
    }
    shown = page(
        "machine.html",
        machine=machine,
        state=machine_pages.state(machine),
        chart=figures.of_machine(inventory, machine, today(), now),
        bookings=machine_pages.concerned(machine, rows, inventory, now),
        outages=machine_pages.outages(rows, inventory, now),
        in_the_way=lines(in_the_way, inventory, now),
        mail_to=mail_to,
        referents=machine_pages.referents(policy_commands.referents(machine.id)),
        waiting=wait_pages.on_machine(machine, inventory, now),
        record=[member_pages.event(each, zone) for each in queries.record_of_machine(machine.id)],
        forms=blank | forms,
    )
    return shown, status
