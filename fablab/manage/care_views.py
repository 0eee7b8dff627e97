"""Who looks after a machine, and what one must have read before using it."""

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.machines import policy_commands
from fablab.machines.inventory import here
from fablab.manage import queries
from fablab.manage.blueprint import bp
from fablab.manage.machine_views import find_machine, machine_page
from fablab.manage.policy_forms import ReferentForm, SafetyForm


@bp.post("/manage/machines/<slug>/safety")
@team_only
def safety(slug: str):
    machine, form = find_machine(slug), SafetyForm()
    if not form.validate():
        return machine_page(machine, 422, safety=form)
    policy_commands.set_safety(machine.id, form.safety.data, by=current_user.id, now=clock.now())
    flash(_("The safety text is saved: members read it before their next booking."))
    return redirect(url_for(".machine", slug=slug), 303)


@bp.post("/manage/machines/<slug>/referents")
@team_only
def add_referent(slug: str):
    machine, form = find_machine(slug), ReferentForm()
    if not form.validate():
        return machine_page(machine, 422, referent=form)
    member_id = queries.member_with(form.email.data, here().place.id)
    if member_id is None:
        form.email.errors = [_("No member of this place has this address.")]
        return machine_page(machine, 422, referent=form)
    policy_commands.add_referent(machine.id, member_id, by=current_user.id, now=clock.now())
    flash(_("They look after the machine from now on."))
    return redirect(url_for(".machine", slug=slug), 303)


@bp.post("/manage/machines/<slug>/referents/removal")
@team_only
def remove_referent(slug: str):
    """By the address of somebody the page shows; saying it again would undo it."""
    machine, form = find_machine(slug), ReferentForm()
    member_id = None
    if form.validate():
        member_id = queries.member_with(form.email.data, here().place.id)
    if member_id is None:
        return machine_page(machine, 422)
    policy_commands.remove_referent(machine.id, member_id, by=current_user.id, now=clock.now())
    flash(_("They look after the machine no longer."))
    return redirect(url_for(".machine", slug=slug), 303)
