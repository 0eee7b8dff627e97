"""The settings of the place: the way to all of them, who it is, how it looks, the first steps."""

from collections.abc import Sequence
from typing import Any

from flask import flash, g, redirect, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.machines.inventory import here, of_place
from fablab.manage import conflicts, member_pages, place_pages, queries
from fablab.manage.blueprint import bp, page
from fablab.manage.conflicts import SeenForm
from fablab.manage.place_forms import IdentityForm, LookForm, ParticularsForm, zones
from fablab.members.kinds import Deed, Role
from fablab.seen import ChangedMeanwhile, fingerprint
from fablab.settings import colours, commands, looks
from fablab.words import NotTaken


@bp.get("/manage/settings")
@team_only
def settings():
    return page("settings.html", cards=place_pages.cards(here()))


@bp.get("/manage/settings/place")
@team_only
def place():
    return place_page()


@bp.post("/manage/settings/place")
@team_only
def set_particulars():
    form = ParticularsForm()
    if not form.validate():
        return place_page(particulars=form), 422
    try:
        save(form, commands.PARTICULARS)
    except ChangedMeanwhile as others:
        return conflict_page("particulars", form, others), 409
    return redirect(url_for(".place"), 303)


@bp.post("/manage/settings/identity")
@team_only
def set_identity():
    form = IdentityForm()
    if not form.validate():
        return place_page(identity=form), 422
    is_other_zone = form.zone.data != here().place.zone
    try:
        save(form, commands.IDENTITY)
    except ChangedMeanwhile as others:
        return conflict_page("identity", form, others), 409
    if is_other_zone:
        flash(
            _(
                "The clock of the place is another one now. Opening hours read as before; bookings"
                " keep their moment, and so read at another hour: look through those to come."
            ),
            "warning",
        )
    return redirect(url_for(".place"), 303)


@bp.post("/manage/settings/look")
@team_only
def set_look():
    form = LookForm()
    if not form.validate():
        return place_page(look=form), 422
    try:
        looks.set_look(
            here().place.id,
            form.values(),
            content=form.logo.content,
            is_without_logo=form.is_without_logo.data,
            by=current_user.id,
            now=clock.now(),
            seen=form.seen.data or "",
        )
    except ChangedMeanwhile as others:
        if form.logo.content:
            form.logo.errors = (_("Choose the picture again: it was not kept."),)
        return conflict_page("look", form, others), 409
    except NotTaken as refused:
        form.logo.refuse(refused)
        return place_page(look=form), 422
    flash(_("The look of the place is saved."))
    return redirect(url_for(".place"), 303)


def save(form: SeenForm, names: Sequence[str]) -> None:
    values, now = {name: form[name].data for name in names}, clock.now()
    place_id, by = here().place.id, current_user.id
    if commands.set_place(place_id, values, by=by, now=now, seen=form.seen.data or ""):
        flash(_("The settings of the place are saved."))
    else:
        flash(_("Nothing was changed."), "info")


def conflict_page(which: str, form: SeenForm, others: ChangedMeanwhile) -> str:
    """What they typed beside what others saved meanwhile; sent again, it is meant."""
    form.seen.data = fingerprint(others.now)
    g.inventory = of_place(place_id=here().place.id)
    conflict = conflicts.differences(blank_forms()[which], form)
    return place_page(conflict=conflict, **{which: form})


def blank_forms() -> dict[str, SeenForm]:
    """As the place is now."""
    place = here().place

    def drawn(*names: str) -> dict[str, Any]:
        values = {name: getattr(place, name) for name in names}
        return values | {"seen": fingerprint(values)}

    ours = {"brick": place.brick or colours.BRICK, "blue": place.blue or colours.BLUE}
    return {
        "particulars": ParticularsForm(formdata=None, data=drawn(*commands.PARTICULARS)),
        "identity": IdentityForm(formdata=None, data=drawn(*commands.IDENTITY)),
        "look": LookForm(formdata=None, data=drawn("brick", "blue") | ours),
    }


def place_page(conflict: Sequence[conflicts.Difference] = (), **forms: Any) -> str:
    """Everything of the place; a form that was refused keeps what was typed."""
    inventory = here()
    place = inventory.place
    return page(
        "place.html",
        **blank_forms() | forms,
        conflict=conflict,
        is_administrator=Role.ADMINISTRATOR in current_user.standings[place.id].roles,
        zones=sorted(zones()),
        record=[
            member_pages.event(row, inventory.schedule.zone)
            for row in queries.record_of_place(place.id, Deed.PLACE)
        ],
    )
